//! Judges a change of a stream's life, and records it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::View;
use crate::event::{EventType, PreparedEvent, Salt, life};
use crate::expected_version::Mismatch;
use crate::json_text::JsonText;
use crate::store::append::{Committed, CommittedStream};
use crate::store::change::{ChangeKind, PreparedChange, StreamSettings};
use crate::store::refusal::{
    ClosedStream, DuplicateId, DuplicateReason, FailedCheck, InputPath, InvalidInput,
    InvalidInputKind, Refusal,
};
use crate::stream::{Stream, StreamName, StreamStatus};

/// The data of an event that records a change of a stream's life.
#[derive(Serialize)]
struct Recorded<'a> {
    /// The stream that was changed.
    stream: &'a str,
    /// Its version at the change.
    version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    guild_id: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    settings: Option<RecordedSettings<'a>>,
}

/// A stream's metadata as its event holds it. A limit that is not set is absent.
#[derive(Deserialize, Serialize)]
struct RecordedSettings<'a> {
    metadata_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_count: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate_before: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_events: Option<i32>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    custom: Option<&'a RawValue>,
}

/// Whether a change that is allowed has anything to do.
enum Outcome {
    Change(Box<Stream>),
    AlreadySo(Box<Stream>),
}

impl View {
    /// Judges one change and records it, if nothing refuses it and the stream is not so already.
    pub(super) fn judge_change(
        &mut self,
        change: &PreparedChange,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> Result<Committed, Refusal> {
        if let Some(original) = self.retry_of_change(change)? {
            return Ok(original);
        }
        let stream = match self.outcome(change)? {
            Outcome::Change(stream) => stream,
            Outcome::AlreadySo(stream) => return Ok(unchanged(*stream)),
        };
        let (mut stream, event) = apply(change, *stream)?;
        let recorded = self.record(&stream, &event, new_salt);
        if matches!(change.kind, ChangeKind::SetMetadata(_)) {
            stream.metadata_position = Some(recorded.position);
        }
        self.keep(stream.clone());
        Ok(Committed {
            streams: vec![CommittedStream {
                name: stream.name.clone(),
                previous_version: stream.version,
                version: stream.version,
                stream: Some(stream),
                events: vec![recorded],
            }],
            operation: None,
            duplicate: false,
        })
    }

    /// Records that an append reopens a deleted stream.
    pub(super) fn record_reopening(
        &mut self,
        stream: &Stream,
        cause: &PreparedEvent,
        new_salt: &mut impl FnMut() -> Salt,
    ) {
        let mut metadata = serde_json::json!({
            "correlation_id": cause.correlation_id.as_ref(),
            "causation_id": cause.event_id,
        });
        if let Some(actor_id) = cause.actor_id.as_deref() {
            metadata["actor_id"] = actor_id.into();
        }
        let event = PreparedEvent {
            event_id: uuid::Uuid::now_v7(),
            id_is_minted: true,
            event_type: EventType::from_stored(life::REOPENED),
            schema_version: 1,
            data: data(stream, None),
            metadata: JsonText::from_stored(metadata.to_string()),
            guild_id: stream.guild_id.clone(),
            correlation_id: cause.correlation_id.clone(),
            causation_id: Some(cause.event_id.to_string().into()),
            actor_id: cause.actor_id.clone(),
        };
        self.record(stream, &event, new_salt);
    }

    /// A change whose id is stored is a retry if it is the same kind of change of the same stream; of
    /// metadata, with the same content.
    fn retry_of_change(&self, change: &PreparedChange) -> Result<Option<Committed>, Refusal> {
        let Some(stored) = self.stored.get(&change.event.event_id) else {
            return Ok(None);
        };
        let reason = if stored.stream != change.stream.life() {
            Some(DuplicateReason::OtherStream)
        } else if stored.event_type.as_str() != change.kind.event_type()
            || !has_same_settings(change, stored.data.as_deref())
        {
            Some(DuplicateReason::OtherContent)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Refusal::DuplicateEvent(vec![DuplicateId::of_stored(
                stored, reason,
            )]));
        }
        let stream = self.streams.get(&change.stream).cloned();
        Ok(stream.map(|stream| Committed {
            streams: vec![CommittedStream {
                events: vec![stored.clone()],
                ..unchanged_part(stream)
            }],
            operation: None,
            duplicate: true,
        }))
    }

    /// What the state says to the change, in the order: found → tombstoned → archived → already so →
    /// expectation.
    fn outcome(&mut self, change: &PreparedChange) -> Result<Outcome, Refusal> {
        let known = self.streams.get(&change.stream).cloned();
        let Some(stream) = known else {
            return self.outcome_for_missing(change);
        };
        let closed = || ClosedStream {
            stream: stream.name.clone(),
            path: InputPath::of(&["stream"]),
            of_change: true,
        };
        let (kind, status) = (&change.kind, stream.status);
        match (kind, status) {
            (ChangeKind::Tombstone, StreamStatus::Tombstoned) => {}
            (_, StreamStatus::Tombstoned) => return Err(Refusal::StreamTombstoned(closed())),
            (ChangeKind::Delete, StreamStatus::Archived) => {
                return Err(Refusal::StreamArchived(closed()));
            }
            (ChangeKind::Archive | ChangeKind::Unarchive, StreamStatus::Deleted) => {
                return Err(Refusal::StreamDeleted(closed()));
            }
            _ => {}
        }
        let already_so = wanted_status(kind) == Some(status);
        check_expectation(change, &stream, already_so)?;
        Ok(if already_so {
            Outcome::AlreadySo(Box::new(stream))
        } else {
            Outcome::Change(Box::new(stream))
        })
    }

    /// Only metadata can be set before a stream has events: that creates it at version 0.
    fn outcome_for_missing(&mut self, change: &PreparedChange) -> Result<Outcome, Refusal> {
        if !matches!(change.kind, ChangeKind::SetMetadata(_)) {
            return Err(Refusal::StreamNotFound(ClosedStream {
                stream: change.stream.clone(),
                path: InputPath::of(&["stream"]),
                of_change: true,
            }));
        }
        if change.expected.judge(0, StreamStatus::Open).is_err() {
            return Err(Refusal::WrongExpectedVersion(vec![FailedCheck {
                stream: change.stream.clone(),
                path: InputPath::of(&[change.kind.expectation_field()]),
                expected: change.expected,
                actual: 0,
                of_metadata: true,
            }]));
        }
        let stream = self.new_stream(&change.stream, None);
        Ok(Outcome::Change(Box::new(stream)))
    }

    /// Takes an event into the reserved stream of a stream's life.
    fn record(
        &mut self,
        stream: &Stream,
        event: &PreparedEvent,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> std::sync::Arc<crate::event::RecordedEvent> {
        let name = stream.name.life();
        let mut life = match self.streams.get(&name) {
            Some(life) => life.clone(),
            None => self.new_stream(&name, None),
        };
        // The guild of the stream that it is about, which may have come after the first event of its life.
        life.guild_id.clone_from(&stream.guild_id);
        let recorded = self.accept_event(&mut life, event, new_salt());
        life.updated_at = recorded.recorded_at;
        self.keep(life);
        recorded
    }
}

/// Whether a stored event holds the settings of a change. Those of another kind of change have none.
fn has_same_settings(change: &PreparedChange, data: Option<&str>) -> bool {
    let ChangeKind::SetMetadata(settings) = &change.kind else {
        return true;
    };
    let stored = data.and_then(|data| serde_json::from_str::<RecordedSettings<'_>>(data).ok());
    let wanted = recorded_settings(settings, change.custom.as_deref(), 0);
    stored.is_some_and(|stored| {
        stored.max_age_seconds == wanted.max_age_seconds
            && stored.max_count == wanted.max_count
            && stored.truncate_before == wanted.truncate_before
            && stored.max_events == wanted.max_events
            && stored.custom.map(RawValue::get) == wanted.custom.map(RawValue::get)
    })
}

fn check_expectation(
    change: &PreparedChange,
    stream: &Stream,
    already_so: bool,
) -> Result<(), Refusal> {
    let of_metadata = matches!(change.kind, ChangeKind::SetMetadata(_));
    let (actual, status) = if of_metadata {
        (stream.metadata_version, StreamStatus::Open)
    } else {
        (stream.version, stream.status)
    };
    match change.expected.judge(actual, status) {
        Ok(()) => Ok(()),
        // Who deletes or ends a stream that he expects to exist may be repeating himself.
        Err(Mismatch::Deleted) if already_so || change.kind == ChangeKind::Tombstone => Ok(()),
        Err(Mismatch::Deleted | Mismatch::WrongVersion) => {
            Err(Refusal::WrongExpectedVersion(vec![FailedCheck {
                stream: stream.name.clone(),
                path: InputPath::of(&[change.kind.expectation_field()]),
                expected: change.expected,
                actual,
                of_metadata,
            }]))
        }
    }
}

/// The stream as it becomes, and the event that says so.
fn apply(change: &PreparedChange, mut stream: Stream) -> Result<(Stream, PreparedEvent), Refusal> {
    let mut settings = None;
    match &change.kind {
        ChangeKind::Delete => {
            stream.status = StreamStatus::Deleted;
            stream.deleted_through = stream.version;
            stream.hidden_through = stream.version;
        }
        ChangeKind::Tombstone => {
            stream.status = StreamStatus::Tombstoned;
            stream.hidden_through = stream.version;
        }
        ChangeKind::Archive => stream.status = StreamStatus::Archived,
        ChangeKind::Unarchive => stream.status = StreamStatus::Open,
        ChangeKind::SetMetadata(wanted) => {
            check_truncation(&stream, wanted)?;
            stream.metadata_version += 1;
            stream.retention = wanted.retention;
            stream.max_events = wanted.max_events;
            stream.hide_by_retention();
            let custom = change.custom.as_deref();
            settings = Some(recorded_settings(wanted, custom, stream.metadata_version));
        }
    }
    let event = PreparedEvent {
        data: data(&stream, settings),
        guild_id: stream.guild_id.clone(),
        ..change.event.clone()
    };
    Ok((stream, event))
}

fn wanted_status(kind: &ChangeKind) -> Option<StreamStatus> {
    match kind {
        ChangeKind::Delete => Some(StreamStatus::Deleted),
        ChangeKind::Tombstone => Some(StreamStatus::Tombstoned),
        ChangeKind::Archive => Some(StreamStatus::Archived),
        ChangeKind::Unarchive => Some(StreamStatus::Open),
        ChangeKind::SetMetadata(_) => None,
    }
}

/// What has not been appended yet cannot be truncated: who names such a version mistakes it for another.
fn check_truncation(stream: &Stream, wanted: &StreamSettings) -> Result<(), Refusal> {
    let most = stream.version.saturating_add(1);
    match wanted.retention.truncate_before {
        Some(before) if before > most => Err(Refusal::InvalidInput(InvalidInput {
            kind: InvalidInputKind::Argument,
            path: InputPath::of(&["truncateBefore"]),
            message: format!(
                "`truncateBefore` is {before}, and the stream {} is at version {}. It can be at most {most}, which \
                 hides all events that it has.",
                stream.name, stream.version
            ),
        })),
        _ => Ok(()),
    }
}

fn recorded_settings<'a>(
    settings: &StreamSettings,
    custom: Option<&'a RawValue>,
    metadata_version: i32,
) -> RecordedSettings<'a> {
    RecordedSettings {
        metadata_version,
        max_age_seconds: settings.retention.max_age_ms.map(|age| age / 1000),
        max_count: settings.retention.max_count,
        truncate_before: settings.retention.truncate_before,
        max_events: settings.max_events,
        custom,
    }
}

fn data(stream: &Stream, settings: Option<RecordedSettings<'_>>) -> JsonText {
    let recorded = Recorded {
        stream: stream.name.as_str(),
        version: stream.version,
        guild_id: stream.guild_id.as_deref(),
        settings,
    };
    // Texts, numbers and a document that was checked: there is nothing that could fail.
    JsonText::from_stored(serde_json::to_string(&recorded).unwrap_or_default())
}

fn unchanged(stream: Stream) -> Committed {
    Committed {
        streams: vec![unchanged_part(stream)],
        operation: None,
        duplicate: true,
    }
}

fn unchanged_part(stream: Stream) -> CommittedStream {
    CommittedStream {
        name: stream.name.clone(),
        previous_version: stream.version,
        version: stream.version,
        stream: Some(stream),
        events: Vec::new(),
    }
}

/// The names of reserved streams that judging these streams may need: of those that an append reopens.
pub(in crate::store) fn lives_to_look_up<'a>(
    streams: impl Iterator<Item = &'a Stream>,
) -> impl Iterator<Item = StreamName> {
    streams
        .filter(|stream| stream.status == StreamStatus::Deleted)
        .map(|stream| stream.name.life())
}
