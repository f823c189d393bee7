//! What the server says of itself.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::graphql::scalar::PositionScalar;
use crate::graphql::subscribers::Subscribers;

/// The end of the log.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Head {
    /// The greatest committed position; 0 while the log is empty.
    pub(in crate::graphql) position: PositionScalar,
    /// The cursor of the head: a subscription that starts after it gets what is appended from now on.
    pub(in crate::graphql) cursor: String,
}

/// This server.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct Server {
    /// The version of the program.
    pub(in crate::graphql) version: String,
    /// The id of the log; a cursor of another log is refused.
    pub(in crate::graphql) store_id: Uuid,
    /// The database: `SQLite` or `PostgreSQL`.
    pub(in crate::graphql) backend: String,
    /// When this process started.
    pub(in crate::graphql) started_at: DateTime<Utc>,
    /// What this server accepts at most.
    pub(in crate::graphql) limits: ServerLimits,
}

#[ComplexObject]
impl Server {
    /// The id of this process, new with every start. Several nodes may serve one store, and each lists and
    /// ends its own live subscriptions only.
    async fn node_id(&self, ctx: &Context<'_>) -> Result<Uuid> {
        Ok(Subscribers::of(ctx)?.node_id())
    }

    /// The WebSocket connections that are open to this node now.
    async fn connections(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(Subscribers::of(ctx)?.connections()))
    }

    /// The subscriptions that run on this node now; `liveSubscriptions` lists them.
    async fn subscriptions(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(Subscribers::of(ctx)?.count()))
    }
}

fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a server accepts at most.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct ServerLimits {
    /// Events per append or batch.
    pub(in crate::graphql) append_events: i32,
    /// Bytes of compact data and metadata per append or batch.
    pub(in crate::graphql) append_bytes: i32,
    /// Bytes of compact data and metadata per event.
    pub(in crate::graphql) event_bytes: i32,
    /// Streams per batch.
    pub(in crate::graphql) batch_streams: i32,
    /// Events per stream, hidden ones not counted; a stream may have a limit of its own.
    pub(in crate::graphql) stream_events: i32,
    /// Items per page.
    pub(in crate::graphql) page: i32,
    /// Items per page where neither `first` nor `last` is given.
    pub(in crate::graphql) page_default: i32,
    /// Nodes per operation, nested lists multiplied out.
    pub(in crate::graphql) operation_nodes: i32,
    /// How long an append may take before it is answered without an outcome, in milliseconds.
    pub(in crate::graphql) append_deadline_ms: i32,
}
