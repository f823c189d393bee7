//! A snapshot of a stream.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use async_graphql::{Context, Description, Object, Result};
use chrono::{DateTime, Utc};

use crate::graphql::loader::Operation;
use crate::graphql::scalar::{JsonScalar, PositionScalar};
use crate::store::Snapshot;

/// What the events of a stream come to at a version, kept so that they need not be read again. A cache: it may be
/// gone at any time, and no answer depends on it.
#[derive(Description, Clone)]
pub(in crate::graphql) struct SnapshotObject(pub(in crate::graphql) Snapshot);

#[Object(name = "Snapshot", use_type_description)]
impl SnapshotObject {
    /// The version of the last event that went into it.
    async fn version(&self) -> i32 {
        self.0.content.stream_version
    }

    /// The position of that event in the log.
    async fn position(&self) -> PositionScalar {
        PositionScalar(self.0.position)
    }

    /// The version of the first event that went into it.
    async fn first_version(&self) -> i32 {
        self.0.content.first_version
    }

    /// The version of the shape and meaning of the state. A server uses only those of its own version.
    async fn state_version(&self) -> i32 {
        self.0.content.state_version
    }

    /// When it was taken.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// How long the state is, in bytes.
    async fn bytes(&self) -> i32 {
        i32::try_from(self.0.content.state.len()).unwrap_or(i32::MAX)
    }

    /// The state, as this version of the server writes it; for looking at, not for building on: `game` has it in
    /// fields.
    async fn state(&self, ctx: &Context<'_>) -> Result<JsonScalar> {
        let state = &self.0.content.state;
        Operation::of(ctx)?.show(state.len())?;
        Ok(JsonScalar(state.to_string()))
    }
}
