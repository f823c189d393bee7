//! One change of a stream's life (rules L1 to L4): its shape is checked here, in the caller's own task; the
//! committer judges and records the rest.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::EventStore;
use super::append::{Committed, check_expected, invalid, reserved_event};
use super::refusal::{AppendError, InputPath, InvalidInputKind, Refusal};
use super::work::Work;
use crate::event::{PreparedEvent, RecordedEvent, life};
use crate::expected_version::ExpectedVersion;
use crate::json_text::{JsonLimits, JsonText};
use crate::stream::{Retention, Stream, StreamName};

/// A change of a stream's life, as a caller asks for it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The stream's name, not yet looked at.
    pub stream: String,
    /// The condition on the stream's version; of [`ChangeKind::SetMetadata`], on its metadata's version.
    pub expected: ExpectedVersion,
    /// What is to happen.
    pub kind: ChangeKind,
    /// The caller's id of the event that records the change; with it a retry is recognised for ever.
    pub event_id: Option<Uuid>,
    /// JSON text as sent: who, why and when around the change.
    pub metadata: Option<String>,
}

/// What can happen to a stream besides appends.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// Its events are hidden; the next append reopens it.
    Delete,
    /// Its events are hidden, and it takes no others, for ever.
    Tombstone,
    /// It becomes read-only.
    Archive,
    /// It takes events again.
    Unarchive,
    /// Its metadata is replaced as a whole.
    SetMetadata(StreamSettings),
}

/// What a stream's metadata says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamSettings {
    /// Which of its events are kept.
    pub retention: Retention,
    /// Its own length limit.
    pub max_events: Option<i32>,
    /// Whatever else its owner wants to remember: JSON text as sent.
    pub custom: Option<String>,
}

/// What a change came to.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The stream as it is now.
    pub stream: Stream,
    /// The event that records the change; `None` if the stream already was so, and nothing was written.
    pub event: Option<Arc<RecordedEvent>>,
    /// Whether nothing was written: the stream already was so, or this request had changed it before.
    pub duplicate: bool,
}

/// A change whose shape is right.
#[derive(Clone, Debug)]
pub(super) struct PreparedChange {
    pub(super) stream: StreamName,
    pub(super) expected: ExpectedVersion,
    pub(super) kind: ChangeKind,
    /// The custom part of the metadata, compact.
    pub(super) custom: Option<Box<RawValue>>,
    /// The event that records the change, still without its data, which the judge knows.
    pub(super) event: PreparedEvent,
}

impl PreparedChange {
    pub(super) fn bytes(&self) -> usize {
        let custom = self.custom.as_ref().map_or(0, |custom| custom.get().len());
        self.event.metadata.len() + custom
    }
}

impl ChangeKind {
    /// What the API calls the condition.
    pub(super) fn expectation_field(&self) -> &'static str {
        match self {
            Self::SetMetadata(_) => "expectedMetadataVersion",
            Self::Delete | Self::Tombstone | Self::Archive | Self::Unarchive => "expectedVersion",
        }
    }

    /// The type of the event that records it.
    pub(super) fn event_type(&self) -> &'static str {
        match self {
            Self::Delete => life::DELETED,
            Self::Tombstone => life::TOMBSTONED,
            Self::Archive => life::ARCHIVED,
            Self::Unarchive => life::UNARCHIVED,
            Self::SetMetadata(_) => life::METADATA_SET,
        }
    }
}

impl EventStore {
    /// Changes a stream's life, and returns when that is durable. The change is an event itself, in the
    /// reserved stream [`StreamName::life`], written by the same commit.
    ///
    /// Safe to retry: with the same event id nothing is written twice, and a stream that already is so is a
    /// success too.
    pub async fn change(&self, change: Change) -> Result<Changed, AppendError> {
        let prepared = prepare(change, self.options().append.max_event_bytes)?;
        let committed = self.submit(Work::Change(prepared)).await?;
        changed(committed).ok_or(AppendError::Fault)
    }
}

fn changed(committed: Committed) -> Option<Changed> {
    let part = committed.streams.into_iter().next()?;
    Some(Changed {
        stream: part.stream?,
        event: part.events.into_iter().next(),
        duplicate: committed.duplicate,
    })
}

fn prepare(change: Change, max_event_bytes: usize) -> Result<PreparedChange, Refusal> {
    let stream = StreamName::parse(&change.stream).map_err(|error| {
        let kind = InvalidInputKind::StreamName;
        invalid(kind, InputPath::of(&["stream"]), error.to_string())
    })?;
    check_expected(
        change.expected,
        InputPath::of(&[change.kind.expectation_field()]),
    )?;
    let custom = match &change.kind {
        ChangeKind::SetMetadata(settings) => {
            check_settings(settings)?;
            prepare_custom(settings, max_event_bytes)?
        }
        ChangeKind::Delete
        | ChangeKind::Tombstone
        | ChangeKind::Archive
        | ChangeKind::Unarchive => None,
    };
    let event_type = change.kind.event_type();
    let event = reserved_event(event_type, change.event_id, change.metadata.as_deref())?;
    let prepared = PreparedChange {
        stream,
        expected: change.expected,
        kind: change.kind,
        custom,
        event,
    };
    let bytes = prepared.bytes();
    if bytes > max_event_bytes {
        let message = format!(
            "`metadata` and `custom` have {bytes} bytes together; the limit is {max_event_bytes}. Keep large contents \
             elsewhere and refer to them."
        );
        let kind = InvalidInputKind::Argument;
        return Err(invalid(kind, InputPath::of(&["metadata"]), message));
    }
    Ok(prepared)
}

fn check_settings(settings: &StreamSettings) -> Result<(), Refusal> {
    let retention = &settings.retention;
    let limits = [
        ("maxAgeSeconds", retention.max_age_ms.map(|age| age / 1000)),
        ("maxCount", retention.max_count.map(i64::from)),
        ("truncateBefore", retention.truncate_before.map(i64::from)),
        ("maxEvents", settings.max_events.map(i64::from)),
    ];
    for (name, value) in limits {
        if let Some(value) = value.filter(|value| *value < 1) {
            let message =
                format!("`{name}` is {value}. It must be 1 or more; leave it out for no limit.");
            let kind = InvalidInputKind::Argument;
            return Err(invalid(kind, InputPath::of(&[name]), message));
        }
    }
    Ok(())
}

fn prepare_custom(
    settings: &StreamSettings,
    max_bytes: usize,
) -> Result<Option<Box<RawValue>>, Refusal> {
    let Some(raw) = &settings.custom else {
        return Ok(None);
    };
    let refuse = |steps: &[&str], message: String| {
        Err(invalid(
            InvalidInputKind::Argument,
            InputPath::of(steps),
            message,
        ))
    };
    if raw.len() > max_bytes.saturating_mul(4) {
        let found = raw.len();
        return refuse(
            &["custom"],
            format!("`custom` has {found} bytes; the limit is {max_bytes} without white space."),
        );
    }
    let text = match JsonText::parse(raw, &JsonLimits::default()) {
        Ok(text) => text,
        Err(error) => {
            let mut steps = vec!["custom"];
            steps.extend(error.steps.iter().map(String::as_str));
            return refuse(&steps, error.message_under("custom"));
        }
    };
    match RawValue::from_string(text.to_string()) {
        // Readers are told null where nothing is set: the two are one.
        Ok(custom) => Ok((custom.get() != "null").then_some(custom)),
        Err(error) => refuse(&["custom"], format!("custom cannot be kept: {error}.")),
    }
}
