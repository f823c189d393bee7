//! What is registered about event types: judged against what this node knows, appended to the reserved stream
//! of the type on the condition that nobody was faster, and known from then on.
//!
//! The log is the truth. A registration is judged again whenever the stream has moved meanwhile, so that two
//! nodes that register at once come to the same types; and what another node has registered arrives with the
//! log, like everything else.

mod watch;

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

pub(super) use watch::RegistrationWatch;

use super::append::reserved_event;
use super::read::EventQuery;
use super::refusal::{
    AppendError, DuplicateId, DuplicateReason, InputPath, InvalidInput, InvalidInputKind,
    LimitExceeded, LimitKind, Refusal, TypeRefusal,
};
use super::select::VersionRange;
use super::work::Work;
use super::{EventStore, ReadError};
use crate::event::{EventType, PreparedEvent, RecordedEvent};
use crate::filter::EventFilter;
use crate::position::Position;
use crate::registry::{
    Counted, KnownType, PreparedRegistration, Registration, RegistrationRefusal, Registry, Taken,
};
use crate::scope::Scope;
use crate::stream::{StreamName, TYPE_CATEGORY};

/// A registration, as a caller asks for it.
#[derive(Clone, Debug)]
pub struct Register {
    /// The event type's name, not yet looked at.
    pub event_type: String,
    /// What is to be registered.
    pub registration: Registration,
    /// The caller's id of the event that records it; with it a retry is recognised for ever.
    pub event_id: Option<Uuid>,
    /// JSON text as sent: who, why and when around it.
    pub metadata: Option<String>,
}

/// What a registration came to.
#[derive(Clone, Debug)]
pub struct TypeRegistered {
    /// The type as it now is.
    pub known: Arc<KnownType>,
    /// The event that records the registration; `None` if the type already was so, and nothing was written.
    pub event: Option<Arc<RecordedEvent>>,
    /// Whether nothing was written: the type already was so, or this request had been carried out before.
    pub duplicate: bool,
}

/// A registration for the committer: one event, on a condition.
#[derive(Clone, Debug)]
pub(super) struct PreparedTypeChange {
    pub(super) stream: StreamName,
    /// The version of the reserved stream that the registration was judged at.
    pub(super) expected: i32,
    pub(super) event: PreparedEvent,
}

/// The events of one read of registrations.
const PAGE_EVENTS: u64 = 500;

impl EventStore {
    /// The event types that this node knows.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Registers something about an event type, and returns when it is durable and known here. Other nodes
    /// know it as soon as they have read the log, and look it up before they refuse an event for it.
    ///
    /// Safe to retry: with the same event id nothing is written twice, and what is registered already is a
    /// success too.
    pub async fn register(&self, request: Register) -> Result<TypeRegistered, AppendError> {
        let registration = PreparedRegistration::new(&request.event_type, request.registration)
            .map_err(refusal_of)?;
        let event =
            self.registration_event(&registration, request.event_id, request.metadata.as_deref())?;
        let event_type = registration.event_type();
        let stream = StreamName::of_event_type(event_type);
        loop {
            self.refresh_types(&HashSet::from([event_type.clone()]))
                .await
                .map_err(|_| AppendError::NotWritten)?;
            if let Some(stored) = self.stored_registration(&event).await? {
                check_retry(&stored, &stream, &event)?;
                return self.registered(event_type, Some(stored), true);
            }
            let expected = self.registry().stream_version(event_type.as_str());
            let is_already_so = self.registry().judge_registration(&registration);
            if is_already_so.map_err(refusal_of)? {
                return self.registered(event_type, None, true);
            }
            let change = PreparedTypeChange {
                stream: stream.clone(),
                expected,
                event: event.clone(),
            };
            match self.submit(Work::Type(change)).await {
                Ok(committed) => {
                    let duplicate = committed.duplicate;
                    let events = committed.streams.into_iter().flat_map(|part| part.events);
                    let event = events.last().ok_or(AppendError::Fault)?;
                    self.registry().take(&event);
                    return self.registered(event_type, Some(event), duplicate);
                }
                // Somebody was faster: what he has registered decides what becomes of this one.
                Err(AppendError::Refused(refusal))
                    if matches!(*refusal, Refusal::WrongExpectedVersion(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn registered(
        &self,
        event_type: &EventType,
        event: Option<Arc<RecordedEvent>>,
        duplicate: bool,
    ) -> Result<TypeRegistered, AppendError> {
        let known = self.registry().get(event_type.as_str());
        Ok(TypeRegistered {
            known: known.ok_or(AppendError::Fault)?,
            event,
            duplicate,
        })
    }

    fn registration_event(
        &self,
        registration: &PreparedRegistration,
        event_id: Option<Uuid>,
        metadata: Option<&str>,
    ) -> Result<PreparedEvent, Refusal> {
        let event = reserved_event(registration.recorded_type(), event_id, metadata)?;
        let event = PreparedEvent {
            data: registration.data().clone(),
            ..event
        };
        let limit = self.options().append.max_event_bytes;
        if event.bytes() > limit {
            return Err(Refusal::LimitExceeded(LimitExceeded {
                kind: LimitKind::EventBytes,
                path: InputPath::default(),
                value: event.bytes() as u64,
                limit: limit as u64,
            }));
        }
        Ok(event)
    }

    /// The event that is stored under the id of a registration that the caller has chosen.
    async fn stored_registration(
        &self,
        event: &PreparedEvent,
    ) -> Result<Option<Arc<RecordedEvent>>, AppendError> {
        if event.id_is_minted {
            return Ok(None);
        }
        let found = self.events_by_id(&Scope::All, &[event.event_id]).await;
        let found = found.map_err(|_| AppendError::NotWritten)?;
        Ok(found.into_values().next())
    }

    /// Reads what has been registered about these types since this node last looked.
    pub(super) async fn refresh_types(
        &self,
        event_types: &HashSet<EventType>,
    ) -> Result<(), ReadError> {
        let names: Vec<StreamName> = event_types.iter().map(StreamName::of_event_type).collect();
        let names: Vec<&StreamName> = names.iter().collect();
        for stream in self.streams_by_name(&Scope::All, &names).await? {
            let event_type = stream.name.registers().ok_or(ReadError::Fault)?;
            let known = self.registry().stream_version(event_type.as_str());
            if stream.version > known {
                let registrations = EventFilter {
                    stream: Some(stream.name.clone()),
                    ..EventFilter::default()
                };
                let after = Position::ORIGIN;
                self.take_registrations(registrations, known + 1, after, Position::MAX)
                    .await?;
            }
        }
        Ok(())
    }

    /// Hands the registrations of a part of the log to the registry.
    async fn take_registrations(
        &self,
        filter: EventFilter,
        from_version: i32,
        mut after: Position,
        through: Position,
    ) -> Result<(), ReadError> {
        loop {
            let query = EventQuery {
                scope: Scope::All,
                filter: filter.clone(),
                stream_id: None,
                after,
                through,
                versions: VersionRange {
                    from: filter.stream.is_some().then_some(from_version),
                    through: None,
                },
                descending: false,
                limit: PAGE_EVENTS,
            };
            let events = self.events(&query).await?;
            for event in &events {
                self.take_registration(event);
            }
            match events.last() {
                Some(last) if events.len() as u64 == PAGE_EVENTS => after = last.position,
                _ => return Ok(()),
            }
        }
    }

    /// Whether the registry now knows the type up to this event.
    fn take_registration(&self, event: &RecordedEvent) -> bool {
        let taken = self.registry().take(event);
        if let Some(known) = event
            .stream
            .registers()
            .and_then(|event_type| self.registry().get(event_type.as_str()))
        {
            for broken in known.broken() {
                if broken.registered.event_id == event.event_id {
                    let (stream, reason) = (&event.stream, &broken.reason);
                    tracing::warn!(%stream, %reason, "a registration in the log cannot be used");
                }
            }
        }
        taken == Taken::Known
    }

    /// Hands every registration of the log up to `head` to the registry.
    pub(super) async fn load_registrations(
        &self,
        after: Position,
        head: Position,
    ) -> Result<(), ReadError> {
        let registrations = EventFilter {
            categories: vec![TYPE_CATEGORY.to_owned()],
            ..EventFilter::default()
        };
        self.take_registrations(registrations, 1, after, head).await
    }
}

/// A stored event under the id of a registration is a retry if it records the same.
pub(super) fn check_retry(
    stored: &RecordedEvent,
    stream: &StreamName,
    event: &PreparedEvent,
) -> Result<(), Refusal> {
    let reason = if stored.stream != *stream {
        DuplicateReason::OtherStream
    } else if stored.event_type != event.event_type || stored.data.as_deref() != Some(&*event.data)
    {
        DuplicateReason::OtherContent
    } else {
        return Ok(());
    };
    Err(Refusal::DuplicateEvent(vec![DuplicateId::of_stored(
        stored, reason,
    )]))
}

fn refusal_of(refusal: RegistrationRefusal) -> Refusal {
    match refusal {
        RegistrationRefusal::Invalid { field, message } => Refusal::InvalidInput(InvalidInput {
            kind: InvalidInputKind::Argument,
            path: InputPath::of(&[field]),
            message,
        }),
        RegistrationRefusal::NotFound(event_type) => Refusal::TypeNotFound(event_type),
        RegistrationRefusal::Conflict { field, message } => Refusal::TypeConflict(TypeRefusal {
            path: InputPath::of(&[field]),
            message,
        }),
        RegistrationRefusal::TooMany { what, value, limit } => {
            let (kind, field) = match what {
                Counted::Types => (LimitKind::RegisteredTypes, "name"),
                Counted::Versions => (LimitKind::TypeVersions, "version"),
            };
            Refusal::LimitExceeded(LimitExceeded {
                kind,
                path: InputPath::of(&[field]),
                value: value as u64,
                limit: limit as u64,
            })
        }
    }
}
