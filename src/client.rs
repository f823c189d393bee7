//! A small client of the public API, used by the commands `play`, `tail`, `scavenge` and `health`.
//!
//! It knows the server only by what it publishes, as any bot does: queries and mutations over HTTP
//! ([`GraphqlClient`]), live feeds over `graphql-transport-ws` ([`Feed`]), which come back by
//! themselves and go on after the last cursor, and the health check ([`readiness`]).

mod backoff;
mod endpoint;
#[cfg(test)]
pub(crate) mod fake_server;
mod feed;
mod health;
mod http;
mod operation;
mod socket;
#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use endpoint::Endpoint;
pub use feed::{Feed, FeedEvent, FeedFilter, FeedItem, FeedPoint, FeedSource, FeedStart};
pub use health::{ComponentState, Readiness, readiness};
pub use http::GraphqlClient;
pub use operation::{
    OPERATION_STATUS, OperationProgress, OperationStatus, OperationWatch, ScavengeFigures,
    WatchItem,
};

use std::time::Duration;

/// Why the server's answer is not there.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the server cannot be used.
    #[error("the address {address:?} cannot be used: {reason}")]
    Address {
        /// The address as it was given.
        address: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// No answer came. Whether the request was carried out is unknown: send it again.
    #[error("no answer from {address}: {reason}")]
    NoAnswer {
        /// The address of the server.
        address: String,
        /// What went wrong on the way.
        reason: String,
    },

    /// The server answered, and not with GraphQL.
    #[error("{address} does not answer as a GraphQL server does: {reason}")]
    NotGraphql {
        /// The address of the server.
        address: String,
        /// What came instead.
        reason: String,
        /// Whether it may be different later, as with the answer of a proxy whose server restarts.
        retryable: bool,
    },

    /// The server answered, and not as its health check does.
    #[error("{address} is no health check of this server: {reason}")]
    NotHealth {
        /// The address that was asked.
        address: String,
        /// What came instead.
        reason: String,
    },

    /// The server answered with a GraphQL error.
    #[error("the server refused: {message} ({code})")]
    Refused {
        /// The code of the first error, or `UNKNOWN` where it has none.
        code: String,
        /// The message of the first error.
        message: String,
        /// Whether the same request may succeed later.
        retryable: bool,
        /// How long the server asks to wait before that.
        retry_after: Option<Duration>,
    },
}

impl ClientError {
    /// Whether sending the same request again makes sense.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Address { .. } => false,
            Self::NoAnswer { .. } | Self::NotHealth { .. } => true,
            Self::NotGraphql { retryable, .. } | Self::Refused { retryable, .. } => *retryable,
        }
    }

    /// How long the server asked to wait before the request is sent again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Address { .. }
            | Self::NoAnswer { .. }
            | Self::NotGraphql { .. }
            | Self::NotHealth { .. } => None,
        }
    }
}

/// One entry of `errors` in a GraphQL answer.
#[derive(Debug, serde::Deserialize)]
struct GraphqlError {
    message: String,
    #[serde(default)]
    extensions: GraphqlErrorExtensions,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GraphqlErrorExtensions {
    code: Option<String>,
    retryable: bool,
    retry_after_ms: Option<u64>,
}

impl From<GraphqlError> for ClientError {
    fn from(error: GraphqlError) -> Self {
        Self::Refused {
            code: error
                .extensions
                .code
                .unwrap_or_else(|| "UNKNOWN".to_owned()),
            message: error.message,
            retryable: error.extensions.retryable,
            retry_after: error.extensions.retry_after_ms.map(Duration::from_millis),
        }
    }
}
