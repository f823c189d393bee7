//! The closed list of error codes, and how a fault becomes a GraphQL error.

use std::time::Duration;

use async_graphql::{Enum, Error, ErrorExtensions};

use crate::cursor::InvalidCursor;
use crate::projection::{ChangeError, ViewError};
use crate::store::{AppendError, ReadError};
use crate::stream::InvalidStreamName;

/// Every error that the store answers, whether as a refusal in a payload, in the `extensions.code` of a
/// GraphQL error, or as the reason of a closed socket. Each has a page in docs/errors.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A text is not a stream name: category-id.
    InvalidStreamId,
    /// A feed or page would begin beyond the end of the stream or log.
    InvalidStartVersion,
    /// An append has no events, a batch no streams, or too many of them.
    InvalidBatchSize,
    /// An expected version is negative.
    InvalidExpectedVersion,
    /// A text is not an event type.
    InvalidEventType,
    /// An event's data or metadata cannot be kept, or contradicts its stream.
    InvalidEventData,
    /// A token is no cursor of this list, of another store, or beyond the head.
    InvalidCursor,
    /// Any other argument that cannot be used.
    InvalidArgument,
    /// One event is larger than allowed.
    EventTooLarge,
    /// All events of a request together are larger than allowed.
    BatchTooLarge,
    /// A document, page or list is larger than allowed.
    LimitExceeded,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The stream is not at the version that the caller expected.
    WrongExpectedVersion,
    /// Event ids are stored already, and this is not a retry of the request that stored them.
    DuplicateEvent,
    /// A change of the life of a stream that does not exist.
    StreamNotFound,
    /// The stream is deleted, and the request is not for a deleted stream.
    StreamDeleted,
    /// The stream is ended for ever.
    StreamTombstoned,
    /// The stream is read-only.
    StreamArchived,
    /// The stream would become longer than its limit.
    StreamTooLarge,
    /// Events break rules of their domain, and the server is set to refuse that.
    RuleViolated,
    /// There is no operation with this id.
    OperationNotFound,
    /// The operation has ended, and cannot be cancelled any more.
    OperationFinished,
    /// No node has begun to build the projection.
    ProjectionNotBuilt,
    /// A stored payload does not have the shape of its type.
    /// An event type, or a version of it, that nobody has registered.
    TypeNotFound,
    /// A registration contradicts what is known of its event type.
    TypeConflict,
    /// An event cannot be shown in the schema version that was asked for: no steps lead there.
    UpcastNotFound,
    /// A stored payload does not have the shape of its type, or a step to another version of it failed.
    DeserializationFailed,
    /// The database could not be reached; certainly nothing was written.
    ConnectionError,
    /// The outcome is unknown; the same request may be sent again.
    Timeout,
    /// A queue is full; the same request may be sent again later.
    Overloaded,
    /// A subscriber read nothing for too long, and its socket was closed.
    SubscriberTooSlow,
    /// The caller may not do this, a page of this origin may not connect, or an administrator has ended the
    /// subscription.
    Forbidden,
    /// A fault of the server.
    Internal,
}

impl ErrorCode {
    /// The name that clients see.
    #[must_use]
    pub fn name(self) -> &'static str {
        <Self as async_graphql::resolver_utils::EnumType>::items()
            .iter()
            .find(|item| item.value == self)
            .map_or("INTERNAL", |item| item.name)
    }

    /// A GraphQL error of this code.
    pub(super) fn error(self, message: impl Into<String>) -> Error {
        self.error_after(message, false, None)
    }

    fn error_after(
        self,
        message: impl Into<String>,
        retryable: bool,
        retry_after: Option<Duration>,
    ) -> Error {
        Error::new(message).extend_with(|_, extensions| {
            extensions.set("code", self.name());
            extensions.set("retryable", retryable);
            if let Some(after) = retry_after {
                extensions.set(
                    "retryAfterMs",
                    u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                );
            }
        })
    }
}

/// A list argument that names too many values, or a page that is too long.
pub(super) fn limit_exceeded(what: &str, value: impl std::fmt::Display, limit: usize) -> Error {
    ErrorCode::LimitExceeded.error(format!("{what} is {value}; the limit is {limit}."))
}

/// A read that failed.
pub(super) fn read_error(error: &ReadError) -> Error {
    match error {
        ReadError::Unavailable => ErrorCode::ConnectionError.error_after(
            "The database cannot be reached at the moment. Send the same request again in a second.",
            true,
            Some(Duration::from_secs(1)),
        ),
        ReadError::TooSlow => ErrorCode::Timeout.error_after(
            "The database could not answer within the time that a statement may take. Ask for less: fewer \
             rows, or a filter that has an index.",
            true,
            None,
        ),
        ReadError::Fault => ErrorCode::Internal
            .error("The server could not read what was asked for. Its log says why, under the trace id."),
    }
}

/// An append without an outcome that is a value. Refusals are answered as values and never come here.
pub(super) fn append_error(error: &AppendError) -> Error {
    let message = capitalised(&error.to_string());
    match error {
        AppendError::Overloaded { retry_after } => {
            ErrorCode::Overloaded.error_after(message, true, Some(*retry_after))
        }
        AppendError::Outdated => {
            ErrorCode::Overloaded.error_after(message, true, Some(Duration::from_millis(250)))
        }
        AppendError::NotWritten => {
            ErrorCode::ConnectionError.error_after(message, true, Some(Duration::from_secs(1)))
        }
        AppendError::Timeout => ErrorCode::Timeout.error_after(message, true, None),
        AppendError::Fault | AppendError::Refused(_) => ErrorCode::Internal
            .error("The append failed; nothing was written. The server's log says why."),
    }
}

/// A projection that cannot be read.
pub(super) fn view_error(error: &ViewError) -> Error {
    match error {
        ViewError::Unavailable => read_error(&ReadError::Unavailable),
        ViewError::Fault => read_error(&ReadError::Fault),
        ViewError::NotBuilt(name) => ErrorCode::ProjectionNotBuilt.error_after(
            not_built(name),
            true,
            Some(Duration::from_secs(1)),
        ),
        ViewError::Behind { .. } => ErrorCode::Timeout.error_after(
            format!(
                "{}. Ask again, or ask without `waitForPosition`.",
                capitalised(&error.to_string())
            ),
            true,
            None,
        ),
    }
}

/// A change of a projection without an outcome that is a value.
pub(super) fn change_error(error: &ChangeError) -> Error {
    match error {
        ChangeError::Unavailable => read_error(&ReadError::Unavailable),
        ChangeError::Fault => read_error(&ReadError::Fault),
        ChangeError::NotBuilt(name) => ErrorCode::ProjectionNotBuilt.error(not_built(name)),
    }
}

/// What to do about a projection that nobody has begun to build.
pub(super) fn not_built(name: &str) -> String {
    format!(
        "The projection {name} is not built: no node of this log has run projections yet. Wait a moment after \
         the start of a server; if projections.run is false on every node, set it to true on one."
    )
}

pub(super) fn invalid_cursor(error: &InvalidCursor) -> Error {
    ErrorCode::InvalidCursor.error(capitalised(&error.to_string()))
}

pub(super) fn invalid_stream_name(error: &InvalidStreamName) -> Error {
    ErrorCode::InvalidStreamId.error(error.to_string())
}

/// Errors are written to stand in the middle of a sentence; messages are sentences. A message that begins
/// with the name of a field keeps it as it is written.
pub(super) fn capitalised(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default();
    if ["data", "metadata"].contains(&first_word) || first_word.contains(['.', '`']) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
