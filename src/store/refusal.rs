//! What an append can be answered besides success.

use std::borrow::Cow;
use std::time::Duration;

use uuid::Uuid;

use super::operation::Operation;
use crate::event::{EventType, RecordedEvent};
use crate::expected_version::ExpectedVersion;
use crate::position::Position;
use crate::stream::StreamName;

/// An expected outcome that is not a success; nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// An input outside the events has the wrong shape.
    InvalidInput(InvalidInput),
    /// Events have the wrong shape, or contradict their stream; all violations found.
    InvalidEvents(Vec<Violation>),
    /// A size or a count is beyond its limit.
    LimitExceeded(LimitExceeded),
    /// Expectations do not hold; all that failed, in request order.
    WrongExpectedVersion(Vec<FailedCheck>),
    /// Event ids are stored already, or twice in the request, and this is not a retry.
    DuplicateEvent(Vec<DuplicateId>),
    /// A change of the life of a stream that does not exist.
    StreamNotFound(ClosedStream),
    /// `STREAM_EXISTS` on a soft-deleted stream, or a change that a deleted stream does not take.
    StreamDeleted(ClosedStream),
    /// The stream is ended for ever.
    StreamTombstoned(ClosedStream),
    /// The stream is read-only.
    StreamArchived(ClosedStream),
    /// The stream would become longer than its limit.
    StreamTooLarge(StreamTooLarge),
    /// Events break error rules of their domain; all rules that they break, warnings too, in request order.
    RuleViolated(Vec<BrokenRule>),
    /// There is no operation with this id.
    OperationNotFound(Uuid),
    /// The operation has ended, and cannot be cancelled.
    OperationFinished(Box<Operation>),
    /// There is no event type of this name.
    TypeNotFound(EventType),
    /// A registration contradicts what is known of its event type.
    TypeConflict(TypeRefusal),
}

/// Why something cannot be registered about an event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRefusal {
    /// The input that contradicts it.
    pub path: InputPath,
    /// What is known, and what to do.
    pub message: String,
}

/// An input that has the wrong shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    /// Which rule it breaks.
    pub kind: InvalidInputKind,
    /// Where it stands in the request.
    pub path: InputPath,
    /// What was given, what is allowed, what to do.
    pub message: String,
}

/// The rules that inputs outside the events can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidInputKind {
    /// Not a stream name.
    StreamName,
    /// Not an expected version.
    ExpectedVersion,
    /// An empty append, or a batch without streams.
    BatchSize,
    /// Anything else, such as a missing event id.
    Argument,
}

/// A place in an append request, in the words of the store: the API adds its own names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputPath {
    /// The stream's index in a batch.
    pub stream: Option<usize>,
    /// The event's index among its stream's events.
    pub event: Option<usize>,
    /// The field, and the way into it.
    pub field: Vec<String>,
}

impl InputPath {
    /// A place that is not inside an event: a field of the request, or the way into one.
    #[must_use]
    pub fn of(field: &[&str]) -> Self {
        Self {
            field: field.iter().map(|&step| step.to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// One thing that is wrong with one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule it breaks.
    pub kind: ViolationKind,
    /// Where the event stands in the request.
    pub path: InputPath,
    /// The rule, in a word or two.
    pub rule: Cow<'static, str>,
    /// What was given, what is allowed, what to do.
    pub message: String,
}

/// The rules that an event can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationKind {
    /// Not an event type.
    Type,
    /// Data or metadata that cannot be kept, or break the schema of their type.
    Data,
    /// An event type, or a version of it, that nobody has registered.
    UnknownType,
}

/// A size or count beyond its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Which limit.
    pub kind: LimitKind,
    /// Where it stands in the request.
    pub path: InputPath,
    /// What was found.
    pub value: u64,
    /// What is allowed.
    pub limit: u64,
}

/// The limits of a request (rule A9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Bytes of one event's compact data and metadata.
    EventBytes,
    /// Bytes of all events of the request.
    RequestBytes,
    /// Events in the request.
    RequestEvents,
    /// Streams in the batch.
    BatchStreams,
    /// Operations that wait or run.
    UnfinishedOperations,
    /// Event types that are registered at run time.
    RegisteredTypes,
    /// Versions of one event type.
    TypeVersions,
}

/// A stream that does not take what the request has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedStream {
    /// The stream.
    pub stream: StreamName,
    /// Where it is named in the request.
    pub path: InputPath,
    /// Whether the request would change the stream's life rather than append to it.
    pub of_change: bool,
}

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// The stream.
    pub stream: StreamName,
    /// Where the expectation stands in the request.
    pub path: InputPath,
    /// What the caller expected.
    pub expected: ExpectedVersion,
    /// The stream's version; 0 = it never had an event.
    pub actual: i32,
    /// Whether the versions are those of the stream's metadata instead.
    pub of_metadata: bool,
}

/// An event id that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateId {
    /// The id; absent for an event that was sent without one beside stored ones.
    pub event_id: Option<Uuid>,
    /// Where it stands in the request.
    pub path: InputPath,
    /// Where it is stored, if it is.
    pub stored: Option<StoredAt>,
    /// Why this is no retry.
    pub reason: DuplicateReason,
}

impl DuplicateId {
    /// The id of a stored event, which a request that writes one event has used for something else.
    pub(super) fn of_stored(stored: &RecordedEvent, reason: DuplicateReason) -> Self {
        Self {
            event_id: Some(stored.event_id),
            path: InputPath::of(&["eventId"]),
            stored: Some(StoredAt {
                stream: stored.stream.clone(),
                stream_version: stored.stream_version,
                position: stored.position,
                guild_id: stored.guild_id.clone(),
            }),
            reason,
        }
    }
}

/// Where an event is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAt {
    /// Its stream.
    pub stream: StreamName,
    /// Its version in the stream.
    pub stream_version: i32,
    /// Its position in the log.
    pub position: Position,
    /// The guild of its stream: decides who may be told.
    pub guild_id: Option<std::sync::Arc<str>>,
}

/// Why a request with stored ids is not a retry of the request that stored them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateReason {
    /// The id stands twice in the request.
    TwiceInRequest,
    /// It is stored in another stream.
    OtherStream,
    /// It is stored with another type, schema version, data or metadata.
    OtherContent,
    /// The ids are stored, but not one after the other in this order.
    OtherOrder,
    /// It is stored, and other events of the request are not.
    PartOfRequest,
    /// It is new, beside stored ones.
    NewBesideStored,
}

/// A stream that would become too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamTooLarge {
    /// The stream.
    pub stream: StreamName,
    /// Where its events stand in the request.
    pub path: InputPath,
    /// Its events that are not hidden.
    pub length: i32,
    /// The events of the request for it.
    pub adding: usize,
    /// The most that it may have.
    pub limit: i32,
    /// Whether its own metadata says so, and not the server's settings.
    pub is_own_limit: bool,
}

/// A rule of its domain that an event breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule's stable name, such as `R22`; `None` where the rules could not be looked at.
    pub rule: Option<&'static str>,
    /// The stable code of this kind of breach.
    pub code: &'static str,
    /// Whether the event would be refused where rules are enforced; else it is a warning.
    pub is_error: bool,
    /// Where the event stands in the request.
    pub path: InputPath,
    /// What was found and what was wanted.
    pub message: String,
}

/// Why an append has no outcome that is a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// An expected outcome; nothing was written.
    #[error("refused")]
    Refused(Box<Refusal>),
    /// The queue is full; nothing was written.
    #[error("the append queue is full; nothing was written. Send the same request again in {} ms.", retry_after.as_millis())]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The database did not take the request; certainly nothing was written.
    #[error(
        "the database could not be reached in time; nothing was written. Send the same request again."
    )]
    NotWritten,
    /// The stream is not what the rules of its domain were looked at for; nothing was written. Whoever knows the
    /// rules looks again; a caller is told only if that never succeeded before the deadline.
    #[error(
        "the stream was changed by others, again and again, while the rules for its events were looked at; nothing \
         was written. Send the same request again."
    )]
    Outdated,
    /// The deadline passed while the database was committing.
    #[error(
        "the database did not answer in time, and the outcome is unknown. Send the same request again: it is never written twice."
    )]
    Timeout,
    /// A fault of the store or its database; nothing was written.
    #[error("the append failed; nothing was written")]
    Fault,
}

impl From<Refusal> for AppendError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
