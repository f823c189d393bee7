//! Expected outcomes of appends that are not a success, as values.

mod closed;
mod event_type;
mod rules;
mod wording;

pub(super) use event_type::{EventTypeNotFound, TypeConflict};

use async_graphql::{ComplexObject, Context, Enum, Interface, Result, SimpleObject};
use uuid::Uuid;

pub(super) use rules::{BrokenRule, RuleViolated};

use super::error_code::{ErrorCode, not_built, read_error};
use super::input::ExpectedStreamState;
use super::loader::Operation;
use super::object::event::EventObject;
use super::object::operation::OperationObject;
use super::page::PageArguments;
use super::scalar::PositionScalar;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::store::{self, EventQuery, VersionRange};
use crate::stream::StreamName;

/// An expected outcome that is not a success; nothing was written. Select `... on Refusal { code message }`
/// to be complete, also for refusals that a later version adds.
#[derive(Interface)]
#[graphql(
    field(
        name = "code",
        ty = "&ErrorCode",
        desc = "Which rule refused; each code has a page in docs/errors."
    ),
    field(
        name = "message",
        ty = "&String",
        desc = "What happened, with the values, and what to do."
    ),
    field(
        name = "retryable",
        ty = "&bool",
        desc = "Whether the identical request may succeed later, without anything being changed for it."
    ),
    field(
        name = "path",
        ty = "&Option<Vec<String>>",
        desc = "The offending input, as the names and indexes that lead to it; null where none is to blame."
    )
)]
pub(super) enum Refusal {
    /// The stream is at another version.
    WrongExpectedVersion(WrongExpectedVersion),
    /// Event ids are stored already.
    DuplicateEvent(DuplicateEvent),
    /// There is no such stream.
    StreamNotFound(StreamNotFound),
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
    /// There is no such operation.
    OperationNotFound(OperationNotFound),
    /// The operation has ended.
    OperationFinished(OperationFinished),
    /// Nobody runs projections.
    ProjectionNotBuilt(ProjectionNotBuilt),
    /// There is no such event type.
    EventTypeNotFound(EventTypeNotFound),
    /// A registration contradicts what is known.
    TypeConflict(TypeConflict),
}

/// The stream is not as the caller expected. Read what was missed, decide again, and send the version that
/// you have seen.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct WrongExpectedVersion {
    /// `WRONG_EXPECTED_VERSION`.
    code: ErrorCode,
    /// What happened, with the values, and what to do.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The first expectation that failed.
    path: Option<Vec<String>>,
    /// Every expectation of the request that does not hold.
    checks: Vec<FailedCheck>,
    /// The stream of the first failed check.
    stream: String,
    /// What was expected of it.
    expected: ExpectedVersionObject,
    /// The version that it has; 0 = it never had an event.
    actual: i32,
    #[graphql(skip)]
    missed: Missed,
}

/// An expectation that does not hold.
#[derive(SimpleObject, Clone)]
pub(super) struct FailedCheck {
    /// The stream.
    stream: String,
    /// What was expected of it.
    expected: ExpectedVersionObject,
    /// The version that it has; 0 = it never had an event.
    actual: i32,
}

/// What an append expected: one of the two is set.
#[derive(SimpleObject, Clone, Copy)]
#[graphql(name = "ExpectedVersion")]
pub(super) struct ExpectedVersionObject {
    /// This version.
    exactly: Option<i32>,
    /// This state.
    state: Option<ExpectedStreamState>,
}

/// The events that a caller had not seen.
struct Missed {
    stream: StreamName,
    after: i32,
    through: i32,
}

#[ComplexObject]
impl WrongExpectedVersion {
    /// The events of that stream that the caller had not seen, oldest first: those after the expected
    /// version. Empty where the caller expected more than there is, where they are hidden, and where the
    /// versions are those of a stream's metadata.
    async fn conflicting_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
    ) -> Result<Vec<EventObject>> {
        let operation = Operation::of(ctx)?;
        let page = PageArguments {
            first,
            after: None,
            last: None,
            before: None,
        };
        let size = page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        if self.missed.after >= self.missed.through {
            return Ok(Vec::new());
        }
        let query = EventQuery {
            scope: operation.scope.clone(),
            filter: EventFilter {
                stream: Some(self.missed.stream.clone()),
                ..EventFilter::default()
            },
            stream_id: None,
            after: Position::ORIGIN,
            through: Position::MAX,
            versions: VersionRange {
                from: Some(self.missed.after + 1),
                through: Some(self.missed.through),
            },
            descending: false,
            limit: size.limit as u64,
        };
        let events = operation
            .store
            .events(&query)
            .await
            .map_err(|error| read_error(&error))?;
        Ok(events.into_iter().map(EventObject::new).collect())
    }
}

/// Event ids of the request are stored already, or stand in it twice, and it is not a retry of the request
/// that stored them. A retry has the same ids with the same content in the same order.
#[derive(SimpleObject)]
pub(super) struct DuplicateEvent {
    /// `DUPLICATE_EVENT`.
    code: ErrorCode,
    /// What happened, with the values, and what to do.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The first id that cannot be used.
    path: Option<Vec<String>>,
    /// The ids that cannot be used, up to 100 of them.
    duplicates: Vec<DuplicateId>,
}

/// An event id that cannot be used.
#[derive(SimpleObject)]
pub(super) struct DuplicateId {
    /// The id; null for an event that was sent without one beside stored ones.
    event_id: Option<Uuid>,
    /// Where it stands in the request.
    path: Vec<String>,
    /// Why this is no retry.
    reason: DuplicateReason,
    /// The stream that holds it; null where it is not stored, or where you may not see it.
    stored_stream: Option<String>,
    /// Its version in that stream.
    stored_version: Option<i32>,
    /// Its position in the log.
    stored_position: Option<PositionScalar>,
}

/// Why a request with stored ids is not a retry of the request that stored them.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "store::DuplicateReason")]
pub(super) enum DuplicateReason {
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
    /// It is not stored, and other events of the request are.
    NewBesideStored,
}

/// Declares a refusal that says nothing beyond the interface but its stream.
macro_rules! stream_refusal {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(SimpleObject)]
        pub(super) struct $name {
            /// Which rule refused.
            code: ErrorCode,
            /// What happened, with the values, and what to do.
            message: String,
            /// Whether the identical request may succeed later.
            retryable: bool,
            /// The offending input.
            path: Option<Vec<String>>,
            /// The stream.
            stream: String,
        }
    };
}

stream_refusal! {
    /// There is no such stream: it never had an event.
    StreamNotFound
}
stream_refusal! {
    /// The stream is deleted, and the request is not for a deleted stream. An append that expects `ANY`,
    /// `NO_STREAM` or its exact version would reopen it.
    StreamDeleted
}
stream_refusal! {
    /// The stream is ended for ever: nothing can be appended to it again.
    StreamTombstoned
}
stream_refusal! {
    /// The stream is archived, that is, read-only until it is unarchived.
    StreamArchived
}

/// The stream would become longer than its limit.
#[derive(SimpleObject)]
pub(super) struct StreamTooLarge {
    /// `STREAM_TOO_LARGE`.
    code: ErrorCode,
    /// What happened, with the values, and what to do.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The events.
    path: Option<Vec<String>>,
    /// The stream.
    stream: String,
    /// Its events that are not hidden.
    length: i32,
    /// The most that it may have.
    limit: i32,
}

/// An input outside the events has the wrong shape.
#[derive(SimpleObject)]
pub(super) struct InvalidInput {
    /// Which rule refused.
    code: ErrorCode,
    /// What was given, what is allowed, and what to do.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The offending input.
    path: Option<Vec<String>>,
}

impl InvalidInput {
    /// A field of `input` that cannot be used as it is.
    pub(super) fn argument(field: &str, message: String) -> Self {
        Self {
            code: ErrorCode::InvalidArgument,
            message,
            retryable: false,
            path: Some(vec!["input".to_owned(), field.to_owned()]),
        }
    }
}

/// Events have the wrong shape, or contradict their stream. All violations are listed; after 100 of them the
/// search ends.
#[derive(SimpleObject)]
pub(super) struct InvalidEvents {
    /// The code of the first violation.
    code: ErrorCode,
    /// The first violation, and how many there are.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The first violation's place.
    path: Option<Vec<String>>,
    /// Everything that is wrong.
    violations: Vec<Violation>,
}

/// One thing that is wrong with one event.
#[derive(SimpleObject)]
pub(super) struct Violation {
    /// Which rule it breaks.
    code: ErrorCode,
    /// The event's index among the events of its stream in the request.
    index: i32,
    /// Where in the event, as a JSON pointer such as `/data/guild_id`; empty for the event as a whole.
    pointer: String,
    /// The rule, in a word or two.
    rule: String,
    /// What was given, what is allowed, and what to do.
    message: String,
    /// Where in the request.
    path: Vec<String>,
}

/// Something is larger than allowed.
#[derive(SimpleObject)]
pub(super) struct LimitExceeded {
    /// `EVENT_TOO_LARGE`, `BATCH_TOO_LARGE`, `INVALID_BATCH_SIZE` or `LIMIT_EXCEEDED`.
    code: ErrorCode,
    /// What was found, what is allowed, and what to do.
    message: String,
    /// Whether the identical request may succeed later: where too many operations wait.
    retryable: bool,
    /// The offending input.
    path: Option<Vec<String>>,
    /// What was found: bytes, events, streams, operations, types or versions.
    value: i32,
    /// What is allowed.
    limit: i32,
}

/// There is no operation with this id.
#[derive(SimpleObject)]
pub(super) struct OperationNotFound {
    /// `OPERATION_NOT_FOUND`.
    code: ErrorCode,
    /// What was given, and what to do.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The id.
    path: Option<Vec<String>>,
}

/// No node has begun to build the projection.
#[derive(SimpleObject)]
pub(super) struct ProjectionNotBuilt {
    /// `PROJECTION_NOT_BUILT`.
    code: ErrorCode,
    /// What happened, and what to do.
    message: String,
    /// True: a node may begin with it at any time.
    retryable: bool,
    /// The projection.
    path: Option<Vec<String>>,
}

impl ProjectionNotBuilt {
    pub(super) fn new(name: &str) -> Self {
        Self {
            code: ErrorCode::ProjectionNotBuilt,
            message: not_built(name),
            retryable: true,
            path: Some(vec!["input".to_owned(), "projection".to_owned()]),
        }
    }
}

/// The operation has ended before, and cannot be cancelled any more.
#[derive(SimpleObject)]
pub(super) struct OperationFinished {
    /// `OPERATION_FINISHED`.
    code: ErrorCode,
    /// How it ended.
    message: String,
    /// False: the identical request will be refused again.
    retryable: bool,
    /// The id.
    path: Option<Vec<String>>,
    /// The operation.
    operation: OperationObject,
}
