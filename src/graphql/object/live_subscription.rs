//! A subscription that runs, and the list of them.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cursor;
use crate::graphql::loader::Operation;
use crate::graphql::node_id::NodeId;
use crate::graphql::page::{Count, Rows};
use crate::graphql::scalar::{JsonScalar, PositionScalar, SafeInt};
use crate::graphql::subscribers::{Connection, FeedKind, FeedState, LiveSubscription};
use crate::store::EventStore;

/// What a subscription delivers.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "LiveSubscriptionKind", remote = "FeedKind")]
pub(in crate::graphql) enum LiveSubscriptionKind {
    /// The log: `Subscription.events`.
    Events,
    /// One stream: `Subscription.stream`.
    Stream,
    /// A game: `Subscription.game`.
    Game,
}

/// What a subscription is doing, as of the last message that its client was sent.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "LiveSubscriptionState", remote = "FeedState")]
pub(in crate::graphql) enum LiveSubscriptionState {
    /// It looks up where to begin. While the database is away, it stays here.
    Starting,
    /// It reads from the log: it has not said `CaughtUp` yet, or not since it said `FellBehind`.
    CatchingUp,
    /// It has said `CaughtUp`, and delivers what is committed as it happens.
    Live,
}

/// A subscription that runs on this node now. The figures are those of the moment at which they are asked for.
#[derive(Description, Clone)]
pub(in crate::graphql) struct LiveSubscriptionObject(pub(in crate::graphql) Arc<LiveSubscription>);

#[Object(name = "LiveSubscription", use_type_description)]
impl LiveSubscriptionObject {
    /// Global id, for `node` and `endSubscription`. It names this one run: a client that comes back has another.
    pub async fn id(&self) -> ID {
        NodeId::LiveSubscription(self.0.id).encode()
    }

    /// What it delivers.
    async fn kind(&self) -> LiveSubscriptionKind {
        self.0.kind.into()
    }

    /// The name of the operation in the client's document; null for one without a name.
    async fn operation_name(&self) -> Option<&str> {
        self.0.operation_name()
    }

    /// What was asked for: an object of the arguments as they were given, with variables filled in and without
    /// those that are null, for example `{"from": {"at": "ORIGIN"}, "filter": {"guildIds": ["1"]}}`.
    async fn arguments(&self, ctx: &Context<'_>) -> Result<JsonScalar> {
        Operation::of(ctx)?.show(self.0.arguments.len())?;
        Ok(JsonScalar(self.0.arguments.clone()))
    }

    /// Who it is for, as far as the server knows.
    async fn client(&self) -> LiveClient {
        LiveClient::new(self.0.connection())
    }

    /// When it began.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// What it is doing.
    async fn state(&self) -> LiveSubscriptionState {
        self.0.progress().state().into()
    }

    /// Where it stands: the position of the last message that was handed to the client's connection, or of the
    /// place where it began if there was none. Under a filter it moves with every match and every `Checkpoint`.
    /// Null while the subscription is starting.
    async fn position(&self) -> Option<PositionScalar> {
        self.0.progress().position().map(PositionScalar)
    }

    /// The cursor of that position: a subscription that starts after it misses nothing. Null while the
    /// subscription is starting.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let store_id = Operation::of(ctx)?.store.id();
        let position = self.0.progress().position();
        Ok(position.map(|position| cursor::encode_event(store_id, position)))
    }

    /// How many positions lie between its position and the head as this node knows it. Of a client that reads
    /// nothing it grows with the log; of a quiet filter it grows until the next `Checkpoint`. Null while the
    /// subscription is starting.
    async fn lag(&self, ctx: &Context<'_>) -> Result<Option<SafeInt>> {
        Ok(lag(&Operation::of(ctx)?.store, &self.0).map(SafeInt))
    }

    /// The messages that were handed to the client's connection: events, and messages about the feed itself.
    async fn messages_delivered(&self) -> SafeInt {
        SafeInt(self.0.progress().messages())
    }

    /// The events among them.
    async fn events_delivered(&self) -> SafeInt {
        SafeInt(self.0.progress().events())
    }

    /// How often the client was so slow that the subscription had to read from the log again: the times it
    /// said `FellBehind`.
    async fn times_fallen_behind(&self) -> SafeInt {
        SafeInt(self.0.progress().times_fallen_behind())
    }
}

/// The positions between a subscription and the head of this node.
pub(in crate::graphql) fn lag(store: &EventStore, live: &LiveSubscription) -> Option<u64> {
    // In this order: a position that is read first is never beyond the head.
    let position = live.progress().position()?.get();
    // A feed may begin at a head that this node has not heard of yet.
    let behind = store.known_head().get().saturating_sub(position).max(0);
    Some(behind.unsigned_abs())
}

/// The client of a live subscription. Nothing of this is proven: there are no tokens yet, and a client can call
/// itself what it likes.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LiveClient {
    /// The connection: the subscriptions of one socket have the same.
    connection_id: Uuid,
    /// When the connection was opened.
    connected_at: DateTime<Utc>,
    /// Where the connection comes from, as `address:port`. Behind a proxy this is the proxy's, and
    /// `X-Forwarded-For` is not looked at, because anybody can write it. Null only where the transport has none.
    address: Option<String>,
    /// The header `User-Agent` of the handshake, cut to 300 characters; null if there was none.
    user_agent: Option<String>,
    /// The name that the client gave itself in the payload of `connection_init`,
    /// `{"client": {"name": "…", "version": "…"}}`, cut to 100 characters; null if it gave none.
    name: Option<String>,
    /// The version that it gave there, cut to 100 characters; null if it gave none.
    version: Option<String>,
}

impl LiveClient {
    fn new(connection: &Connection) -> Self {
        let client = connection.client();
        Self {
            connection_id: connection.id,
            connected_at: connection.connected_at,
            address: connection.peer.address.map(|address| address.to_string()),
            user_agent: connection.peer.user_agent.clone(),
            name: client.map(|client| client.name.clone()),
            version: client.and_then(|client| client.version.clone()),
        }
    }
}

/// A page of live subscriptions.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(in crate::graphql) struct LiveSubscriptionConnection {
    /// How many there are in the whole list.
    pub(in crate::graphql) total_count: Count,
    #[graphql(skip)]
    pub(in crate::graphql) rows: Rows<Arc<LiveSubscription>>,
}

/// A live subscription and its place in the list.
#[derive(SimpleObject)]
#[graphql(name = "LiveSubscriptionEdge")]
pub(in crate::graphql) struct LiveSubscriptionEdge {
    /// The place: `after` or `before` of another page, on this node.
    cursor: String,
    /// The subscription.
    node: LiveSubscriptionObject,
}

fn list_cursor(live: &Arc<LiveSubscription>) -> String {
    cursor::encode_live_subscription(live.id)
}

#[ComplexObject]
impl LiveSubscriptionConnection {
    /// The subscriptions with their cursors.
    async fn edges(&self) -> Vec<LiveSubscriptionEdge> {
        let edge = |live: &Arc<LiveSubscription>| LiveSubscriptionEdge {
            cursor: list_cursor(live),
            node: LiveSubscriptionObject(Arc::clone(live)),
        };
        self.rows.items.iter().map(edge).collect()
    }

    /// The subscriptions.
    async fn nodes(&self) -> Vec<LiveSubscriptionObject> {
        let items = self.rows.items.iter();
        items.cloned().map(LiveSubscriptionObject).collect()
    }

    /// Whether there are more subscriptions, and the cursors of the page's ends.
    async fn page_info(&self) -> PageInfo {
        self.rows.page_info(list_cursor)
    }
}
