//! Mutations: parse → call → shape.

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object, Result, SimpleObject, Union};

use super::error_code::append_error;
use super::event_types::EventTypeMutation;
use super::games::GameMutation;
use super::input::{AppendBatchInput, AppendToStreamInput};
use super::lifecycle::LifecycleMutation;
use super::live::LiveMutation;
use super::loader::Operation;
use super::object::event::EventObject;
use super::object::stream::StreamObject;
use super::operations::OperationMutation;
use super::projections::ProjectionMutation;
use super::refusal::{
    BrokenRule, DuplicateEvent, InvalidEvents, InvalidInput, LimitExceeded, Refusal, RuleViolated,
    StreamArchived, StreamDeleted, StreamTombstoned, StreamTooLarge, WrongExpectedVersion,
};
use super::scalar::PositionScalar;
use crate::game::JudgedAppend;
use crate::store::{Append, AppendError, CommittedStream};

/// What changes the log.
#[derive(MergedObject, Default)]
pub(super) struct Mutation(
    AppendMutation,
    LifecycleMutation,
    GameMutation,
    LiveMutation,
    OperationMutation,
    ProjectionMutation,
    EventTypeMutation,
);

/// Appends.
#[derive(Default)]
pub(super) struct AppendMutation;

#[Object]
impl AppendMutation {
    /// Appends events to one stream, all or none, and answers when they are durable.
    ///
    /// Safe to retry: the same request with the same event ids never writes twice, and a retry answers what
    /// the first one would have, with `duplicate: true`.
    async fn append_to_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The stream, what you expect of it, and the events.")]
        input: AppendToStreamInput,
    ) -> Result<AppendToStreamPayload> {
        match append(ctx, input.into()).await? {
            Ok(appended) => AppendToStreamPayload::appended(appended),
            Err(refusal) => AppendToStreamPayload::refused(refusal),
        }
    }

    /// Appends events to several streams, all or none, each with its own expectation. A stream without
    /// events is a pure check.
    async fn append_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The streams, what you expect of them, and their events.")]
        input: AppendBatchInput,
    ) -> Result<AppendBatchPayload> {
        match append(ctx, input.into()).await? {
            Ok(appended) => Ok(AppendBatchPayload::BatchAppended(appended.into())),
            Err(refusal) => AppendBatchPayload::refused(refusal),
        }
    }
}

async fn append(ctx: &Context<'_>, append: Append) -> Result<Result<JudgedAppend, Refusal>> {
    let operation = Operation::of(ctx)?;
    match operation.games.append(append).await {
        Ok(appended) => Ok(Ok(appended)),
        Err(AppendError::Refused(refusal)) => Ok(Err(Refusal::new(*refusal, &operation.scope))),
        Err(error) => Err(append_error(&error)),
    }
}

/// What an append to one stream came to.
#[derive(Union)]
pub(super) enum AppendToStreamPayload {
    /// The events are stored.
    Appended(Appended),
    /// The stream is at another version.
    WrongExpectedVersion(WrongExpectedVersion),
    /// Event ids are stored already.
    DuplicateEvent(DuplicateEvent),
    /// The stream is deleted.
    StreamDeleted(StreamDeleted),
    /// The stream is ended for ever.
    StreamTombstoned(StreamTombstoned),
    /// The stream is read-only.
    StreamArchived(StreamArchived),
    /// The stream would become too long.
    StreamTooLarge(StreamTooLarge),
    /// An input has the wrong shape.
    InvalidInput(InvalidInput),
    /// Events have the wrong shape.
    InvalidEvents(InvalidEvents),
    /// Something is larger than allowed.
    LimitExceeded(LimitExceeded),
    /// Events break rules of their domain.
    RuleViolated(RuleViolated),
}

/// What a batch append came to.
#[derive(Union)]
pub(super) enum AppendBatchPayload {
    /// The events are stored.
    BatchAppended(BatchAppended),
    /// A stream is at another version.
    WrongExpectedVersion(WrongExpectedVersion),
    /// Event ids are stored already.
    DuplicateEvent(DuplicateEvent),
    /// A stream is deleted.
    StreamDeleted(StreamDeleted),
    /// A stream is ended for ever.
    StreamTombstoned(StreamTombstoned),
    /// A stream is read-only.
    StreamArchived(StreamArchived),
    /// A stream would become too long.
    StreamTooLarge(StreamTooLarge),
    /// An input has the wrong shape.
    InvalidInput(InvalidInput),
    /// Events have the wrong shape.
    InvalidEvents(InvalidEvents),
    /// Something is larger than allowed.
    LimitExceeded(LimitExceeded),
    /// Events break rules of their domain.
    RuleViolated(RuleViolated),
}

/// The events are stored, durably, and every subscriber will get them.
#[derive(SimpleObject)]
pub(super) struct Appended {
    /// The stream as it is now.
    stream: StreamObject,
    /// Its version before the events.
    previous_version: i32,
    /// Its version after the events: what the next append expects with `exactly`.
    version: i32,
    /// The position of the first event.
    first_position: PositionScalar,
    /// The position of the last event.
    last_position: PositionScalar,
    /// The recorded events, in their order.
    events: Vec<EventObject>,
    /// Whether an earlier request had stored these events, so that this one wrote nothing. The versions and
    /// positions are those of the earlier one.
    duplicate: bool,
    /// Rules of their domain that the events break, in their order: with `domain.game = "warn"` all that they
    /// break, with `"refuse"` those that only warn. Empty for a retry.
    warnings: Vec<BrokenRule>,
}

/// The events of the whole batch are stored, durably, and every subscriber will get them.
#[derive(SimpleObject)]
pub(super) struct BatchAppended {
    /// What came to each stream, in the order of the request.
    streams: Vec<StreamAppended>,
    /// Whether an earlier request had stored these events, so that this one wrote nothing.
    duplicate: bool,
    /// Rules of their domain that the events break, in the order of the request; see `Appended.warnings`.
    warnings: Vec<BrokenRule>,
}

/// What a batch came to in one stream.
#[derive(SimpleObject)]
pub(super) struct StreamAppended {
    /// The stream's name.
    stream_name: String,
    /// The stream as it is now; null for a pure check on a stream that does not exist.
    stream: Option<StreamObject>,
    /// Its version before the events.
    previous_version: i32,
    /// Its version after the events.
    version: i32,
    /// The position of its first event; null for a pure check.
    first_position: Option<PositionScalar>,
    /// The position of its last event; null for a pure check.
    last_position: Option<PositionScalar>,
    /// The recorded events, in their order.
    events: Vec<EventObject>,
}

impl AppendToStreamPayload {
    fn appended(appended: JudgedAppend) -> Result<Self> {
        let JudgedAppend {
            committed,
            warnings,
        } = appended;
        let warnings = warnings.iter().map(BrokenRule::from).collect();
        let duplicate = committed.duplicate;
        let appended = committed.streams.into_iter().next().and_then(|stream| {
            let appended = StreamAppended::from(stream);
            Some(Appended {
                stream: appended.stream?,
                previous_version: appended.previous_version,
                version: appended.version,
                first_position: appended.first_position?,
                last_position: appended.last_position?,
                events: appended.events,
                duplicate,
                warnings,
            })
        });
        // An append to one stream has at least one event, and so a stream.
        let fault = || append_error(&AppendError::Fault);
        appended.map(Self::Appended).ok_or_else(fault)
    }
}

impl From<JudgedAppend> for BatchAppended {
    fn from(appended: JudgedAppend) -> Self {
        let JudgedAppend {
            committed,
            warnings,
        } = appended;
        let streams = committed
            .streams
            .into_iter()
            .map(StreamAppended::from)
            .collect();
        Self {
            streams,
            duplicate: committed.duplicate,
            warnings: warnings.iter().map(BrokenRule::from).collect(),
        }
    }
}

impl From<CommittedStream> for StreamAppended {
    fn from(committed: CommittedStream) -> Self {
        let position = |event: Option<&Arc<crate::event::RecordedEvent>>| {
            event.map(|event| PositionScalar(event.position))
        };
        Self {
            stream_name: committed.name.to_string(),
            stream: committed.stream.map(StreamObject),
            previous_version: committed.previous_version,
            version: committed.version,
            first_position: position(committed.events.first()),
            last_position: position(committed.events.last()),
            events: committed.events.into_iter().map(EventObject::new).collect(),
        }
    }
}

/// Both payloads have the same refusals; each lists them, since payload types are never shared.
macro_rules! refused {
    ($payload:ident: $($refusal:ident),+ $(,)?) => {
        impl $payload {
            fn refused(refusal: Refusal) -> Result<Self> {
                match refusal {
                    $(Refusal::$refusal(refusal) => Ok(Self::$refusal(refusal)),)+
                    // Appending makes streams, has nothing to do with operations, and registers nothing.
                    Refusal::StreamNotFound(_)
                    | Refusal::OperationNotFound(_)
                    | Refusal::OperationFinished(_)
                    | Refusal::ProjectionNotBuilt(_)
                    | Refusal::EventTypeNotFound(_)
                    | Refusal::TypeConflict(_) => Err(append_error(&AppendError::Fault)),
                }
            }
        }
    };
}

refused! {
    AppendToStreamPayload: WrongExpectedVersion, DuplicateEvent, StreamDeleted, StreamTombstoned,
    StreamArchived, StreamTooLarge, InvalidInput, InvalidEvents, LimitExceeded, RuleViolated,
}
refused! {
    AppendBatchPayload: WrongExpectedVersion, DuplicateEvent, StreamDeleted, StreamTombstoned,
    StreamArchived, StreamTooLarge, InvalidInput, InvalidEvents, LimitExceeded, RuleViolated,
}
