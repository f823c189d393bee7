//! Refusals of the store in the words of the API.

use super::closed::{archived, deleted, stream_not_found, tombstoned};
use super::rules::rule_violated;
use super::{
    DuplicateEvent, DuplicateId, EventTypeNotFound, ExpectedVersionObject, FailedCheck,
    InvalidEvents, InvalidInput, LimitExceeded, Missed, OperationFinished, OperationNotFound,
    Refusal, StreamArchived, StreamDeleted, StreamTombstoned, StreamTooLarge, TypeConflict,
    Violation, WrongExpectedVersion,
};
use crate::expected_version::ExpectedVersion;
use crate::graphql::error_code::{ErrorCode, capitalised};
use crate::graphql::input::ExpectedStreamState;
use crate::graphql::object::operation::OperationObject;
use crate::graphql::scalar::PositionScalar;
use crate::scope::Scope;
use crate::store::{self, InputPath};
use crate::stream::{StreamName, shown};

impl Refusal {
    /// A refusal of the store in the words of the API.
    pub(in crate::graphql) fn new(refusal: store::Refusal, scope: &Scope) -> Self {
        match refusal {
            store::Refusal::InvalidInput(input) => Self::InvalidInput(invalid_input(&input)),
            store::Refusal::InvalidEvents(violations) => {
                Self::InvalidEvents(invalid_events(&violations))
            }
            store::Refusal::LimitExceeded(limit) => Self::LimitExceeded(limit_exceeded(&limit)),
            store::Refusal::WrongExpectedVersion(checks) => {
                Self::WrongExpectedVersion(wrong_version(&checks))
            }
            store::Refusal::DuplicateEvent(ids) => Self::DuplicateEvent(duplicate(ids, scope)),
            store::Refusal::StreamNotFound(closed) => {
                Self::StreamNotFound(stream_not_found(&closed.stream, graphql_path(&closed.path)))
            }
            store::Refusal::StreamDeleted(closed) => Self::StreamDeleted(StreamDeleted {
                code: ErrorCode::StreamDeleted,
                message: deleted(&closed),
                retryable: false,
                path: Some(graphql_path(&closed.path)),
                stream: closed.stream.to_string(),
            }),
            store::Refusal::StreamTombstoned(closed) => Self::StreamTombstoned(StreamTombstoned {
                code: ErrorCode::StreamTombstoned,
                message: tombstoned(&closed),
                retryable: false,
                path: Some(graphql_path(&closed.path)),
                stream: closed.stream.to_string(),
            }),
            store::Refusal::StreamArchived(closed) => Self::StreamArchived(StreamArchived {
                code: ErrorCode::StreamArchived,
                message: archived(&closed),
                retryable: false,
                path: Some(graphql_path(&closed.path)),
                stream: closed.stream.to_string(),
            }),
            store::Refusal::StreamTooLarge(found) => Self::StreamTooLarge(too_large(&found)),
            store::Refusal::RuleViolated(broken) => Self::RuleViolated(rule_violated(&broken)),
            store::Refusal::OperationNotFound(id) => {
                Self::OperationNotFound(OperationNotFound::new(&id.to_string()))
            }
            store::Refusal::OperationFinished(operation) => {
                Self::OperationFinished(OperationFinished::new(*operation))
            }
            store::Refusal::TypeNotFound(event_type) => {
                Self::EventTypeNotFound(EventTypeNotFound::new(event_type.as_str()))
            }
            store::Refusal::TypeConflict(refusal) => {
                Self::TypeConflict(TypeConflict::new(&refusal))
            }
        }
    }
}

impl OperationNotFound {
    /// The refusal of what names no operation.
    pub(in crate::graphql) fn new(id: &str) -> Self {
        Self {
            code: ErrorCode::OperationNotFound,
            message: format!(
                "There is no operation {}. Take its id from the answer that started it, or from `operations`.",
                shown(id)
            ),
            retryable: false,
            path: Some(vec!["input".to_owned(), "operation".to_owned()]),
        }
    }
}

impl OperationFinished {
    fn new(operation: store::Operation) -> Self {
        let ended = match operation.state {
            store::OperationState::Failed => "has failed",
            _ => "has succeeded",
        };
        Self {
            code: ErrorCode::OperationFinished,
            message: format!(
                "The operation {} {ended}: there is nothing left to cancel.",
                operation.id
            ),
            retryable: false,
            path: Some(vec!["input".to_owned(), "operation".to_owned()]),
            operation: OperationObject(operation),
        }
    }
}

fn invalid_input(input: &store::InvalidInput) -> InvalidInput {
    let code = match input.kind {
        store::InvalidInputKind::StreamName => ErrorCode::InvalidStreamId,
        store::InvalidInputKind::ExpectedVersion => ErrorCode::InvalidExpectedVersion,
        store::InvalidInputKind::BatchSize => ErrorCode::InvalidBatchSize,
        store::InvalidInputKind::Argument => ErrorCode::InvalidArgument,
    };
    let message = capitalised(&input.message);
    InvalidInput {
        code,
        message,
        retryable: false,
        path: Some(graphql_path(&input.path)),
    }
}

fn invalid_events(found: &[store::Violation]) -> InvalidEvents {
    let count = found.len();
    let violations: Vec<_> = found.iter().map(violation).collect();
    let first = violations.first();
    let more = match count {
        0 | 1 => String::new(),
        2 => " (One more violation is listed.)".to_owned(),
        _ => format!(" ({} more violations are listed.)", count - 1),
    };
    InvalidEvents {
        code: first.map_or(ErrorCode::InvalidEventData, |first| first.code),
        message: first.map_or_else(String::new, |first| first.message.clone()) + &more,
        retryable: false,
        path: first.map(|first| first.path.clone()),
        violations,
    }
}

fn violation(found: &store::Violation) -> Violation {
    let mut pointer = String::new();
    for step in &found.path.field {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    }
    Violation {
        code: match found.kind {
            store::ViolationKind::Type => ErrorCode::InvalidEventType,
            store::ViolationKind::Data => ErrorCode::InvalidEventData,
            store::ViolationKind::UnknownType => ErrorCode::TypeNotFound,
        },
        index: found.path.event.map_or(0, int),
        pointer,
        rule: found.rule.clone().into_owned(),
        message: capitalised(&found.message),
        path: graphql_path(&found.path),
    }
}

fn limit_exceeded(found: &store::LimitExceeded) -> LimitExceeded {
    let (value, limit) = (found.value, found.limit);
    let (code, message) = match found.kind {
        store::LimitKind::EventBytes => (
            ErrorCode::EventTooLarge,
            format!(
                "The event has {value} bytes of data and metadata; the limit is {limit}. Keep large contents \
                 elsewhere and refer to them."
            ),
        ),
        store::LimitKind::RequestBytes => (
            ErrorCode::BatchTooLarge,
            format!(
                "The request has {value} bytes of data and metadata; the limit is {limit}. Send it in parts."
            ),
        ),
        store::LimitKind::RequestEvents => (
            ErrorCode::InvalidBatchSize,
            format!("The request has {value} events; the limit is {limit}. Send it in parts."),
        ),
        store::LimitKind::BatchStreams => (
            ErrorCode::InvalidBatchSize,
            format!("The batch names {value} streams; the limit is {limit}. Send it in parts."),
        ),
        store::LimitKind::UnfinishedOperations => (
            ErrorCode::LimitExceeded,
            format!(
                "{value} operations wait or run; the limit is {limit} (operations.max_unfinished). Wait until some \
                 have ended, or cancel some."
            ),
        ),
        store::LimitKind::RegisteredTypes => (
            ErrorCode::LimitExceeded,
            format!(
                "There would be {value} event types that are registered at run time; the limit is {limit} \
                 (schema.max_types)."
            ),
        ),
        store::LimitKind::TypeVersions => (
            ErrorCode::LimitExceeded,
            format!(
                "The event type would have {value} versions; the limit is {limit} (schema.max_versions). Register \
                 a type of another name for what is so different."
            ),
        ),
    };
    let retryable = found.kind == store::LimitKind::UnfinishedOperations;
    let number = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
    LimitExceeded {
        code,
        message,
        retryable,
        path: Some(graphql_path(&found.path)),
        value: number(value),
        limit: number(limit),
    }
}

fn wrong_version(checks: &[store::FailedCheck]) -> WrongExpectedVersion {
    let failed: Vec<_> = checks
        .iter()
        .map(|check| FailedCheck {
            stream: check.stream.to_string(),
            expected: check.expected.into(),
            actual: check.actual,
        })
        .collect();
    let sentences: Vec<String> = checks.iter().map(expectation).collect();
    // The store refuses with at least one failed check.
    let (stream, expected, actual, missed) = checks.first().map_or_else(
        || {
            (
                String::new(),
                ExpectedVersion::Any.into(),
                0,
                Missed::none(),
            )
        },
        |first| {
            (
                first.stream.to_string(),
                first.expected.into(),
                first.actual,
                Missed::of(first),
            )
        },
    );
    let remedy = if checks.iter().any(|check| check.of_metadata) {
        "Read the metadata, decide again, and set it with the version that you then know."
    } else {
        "Read what you have not seen (conflictingEvents), decide again, and send the version that you then \
         know."
    };
    WrongExpectedVersion {
        code: ErrorCode::WrongExpectedVersion,
        message: format!("{} {remedy}", sentences.join(" ")),
        retryable: false,
        path: checks.first().map(|first| graphql_path(&first.path)),
        checks: failed,
        stream,
        expected,
        actual,
        missed,
    }
}

fn expectation(check: &store::FailedCheck) -> String {
    if check.of_metadata {
        let actual = match check.actual {
            0 => "was never set".to_owned(),
            version => format!("is at version {version}"),
        };
        return format!(
            "The metadata of the stream {} was expected to be {}, but {actual}.",
            check.stream, check.expected
        );
    }
    let actual = match check.actual {
        0 => "has no events".to_owned(),
        version => format!("is at version {version}"),
    };
    format!(
        "The stream {} was expected to be {}, but {actual}.",
        check.stream, check.expected
    )
}

impl Missed {
    fn none() -> Self {
        Self {
            stream: StreamName::from_stored(""),
            after: 0,
            through: 0,
        }
    }

    fn of(check: &store::FailedCheck) -> Self {
        if check.of_metadata {
            return Self::none();
        }
        let after = match check.expected {
            ExpectedVersion::Exactly(version) => version,
            ExpectedVersion::NoStream => 0,
            // Such an expectation only fails where there are no events to show.
            ExpectedVersion::Any | ExpectedVersion::StreamExists => check.actual,
        };
        Self {
            stream: check.stream.clone(),
            after,
            through: check.actual,
        }
    }
}

impl From<ExpectedVersion> for ExpectedVersionObject {
    fn from(expected: ExpectedVersion) -> Self {
        let (exactly, state) = match expected {
            ExpectedVersion::Exactly(version) => (Some(version), None),
            ExpectedVersion::Any => (None, Some(ExpectedStreamState::Any)),
            ExpectedVersion::NoStream => (None, Some(ExpectedStreamState::NoStream)),
            ExpectedVersion::StreamExists => (None, Some(ExpectedStreamState::StreamExists)),
        };
        Self { exactly, state }
    }
}

/// The most ids that a refusal lists; its message counts them all.
const MOST_DUPLICATES: usize = 100;

fn duplicate(ids: Vec<store::DuplicateId>, scope: &Scope) -> DuplicateEvent {
    let count = ids.len();
    let listed = ids.into_iter().take(MOST_DUPLICATES);
    let duplicates: Vec<_> = listed.map(|id| duplicate_id(id, scope)).collect();
    DuplicateEvent {
        code: ErrorCode::DuplicateEvent,
        message: format!(
            "{count} of the request's events cannot be stored under their ids, and the request is not a retry: a \
             retry has the same ids with the same content in the same order. Give new events new ids; send a \
             retry unchanged."
        ),
        retryable: false,
        path: duplicates.first().map(|first| first.path.clone()),
        duplicates,
    }
}

fn duplicate_id(id: store::DuplicateId, scope: &Scope) -> DuplicateId {
    let visible = id
        .stored
        .filter(|stored| scope.allows(stored.guild_id.as_deref()));
    DuplicateId {
        event_id: id.event_id,
        path: graphql_path(&id.path),
        reason: id.reason.into(),
        stored_stream: visible.as_ref().map(|stored| stored.stream.to_string()),
        stored_version: visible.as_ref().map(|stored| stored.stream_version),
        stored_position: visible
            .as_ref()
            .map(|stored| PositionScalar(stored.position)),
    }
}

fn too_large(found: &store::StreamTooLarge) -> StreamTooLarge {
    let store::StreamTooLarge {
        stream,
        path,
        length,
        adding,
        limit,
        is_own_limit,
    } = found;
    let remedy = if *is_own_limit {
        "maxEvents of its metadata"
    } else {
        "maxEvents of its metadata, or append.max_stream_events for all streams"
    };
    StreamTooLarge {
        code: ErrorCode::StreamTooLarge,
        message: format!(
            "The stream {stream} has {length} events, and {adding} more would exceed its limit of {limit}. Begin \
             a new stream for what follows, or raise the limit: {remedy}."
        ),
        retryable: false,
        path: Some(graphql_path(path)),
        stream: stream.to_string(),
        length: *length,
        limit: *limit,
    }
}

/// A place in the request as the names and indexes that lead to it.
pub(super) fn graphql_path(path: &InputPath) -> Vec<String> {
    let mut steps = vec!["input".to_owned()];
    if let Some(stream) = path.stream {
        steps.extend(["streams".to_owned(), stream.to_string()]);
    }
    if let Some(event) = path.event {
        steps.extend(["events".to_owned(), event.to_string()]);
    }
    steps.extend(path.field.iter().cloned());
    steps
}

fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
