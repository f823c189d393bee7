//! Who follows the log through this process now, how far each has come, and how one is ended.
//!
//! An entry lives exactly as long as the stream that it describes: the stream owns a [`Presence`], and
//! whatever drops the stream (the client's `complete`, a lost connection, a panic, an administrator, a
//! shutdown) takes the entry off the list. So the list is bounded by what runs and needs no sweeping.
//!
//! The lock of the list is taken when a subscription begins and ends and when somebody looks. What changes
//! with every message is atomic, see [`Progress`].

mod line;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use async_graphql::{Context, Response, Result};
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use uuid::Uuid;

use line::Line;
pub(super) use line::{Carried, Ending, FeedState, Progress};

/// Characters of a name or version that a client gives itself; what is longer is cut.
const MAX_NAME_CHARS: usize = 100;

/// Characters of a user agent; what is longer is cut.
const MAX_USER_AGENT_CHARS: usize = 300;

/// The other end of a connection, as its transport sees it.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Where the connection comes from: the client, or the last proxy before this server.
    pub address: Option<SocketAddr>,
    /// What the handshake said of the program.
    pub user_agent: Option<String>,
}

/// What a client says of itself in the payload of `connection_init`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientName {
    pub(super) name: String,
    pub(super) version: Option<String>,
}

impl ClientName {
    /// Reads `{"client": {"name": …, "version": …}}`. A payload of another shape names nobody: it may be
    /// meant for somebody else, and is no reason to refuse a connection.
    fn read(payload: &serde_json::Value) -> Option<Self> {
        let text = |key: &str| {
            let text = payload.get("client")?.get(key)?.as_str()?.trim();
            (!text.is_empty()).then(|| cut(text, MAX_NAME_CHARS))
        };
        Some(Self {
            name: text("name")?,
            version: text("version"),
        })
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// One open connection, counted until it is dropped.
pub(super) struct Connection {
    pub(super) id: Uuid,
    pub(super) peer: Peer,
    pub(super) connected_at: DateTime<Utc>,
    client: OnceLock<ClientName>,
    registry: Arc<Registry>,
}

impl Connection {
    /// Takes what the client says of itself, the first time that it says it.
    pub(super) fn introduce(&self, payload: &serde_json::Value) {
        if let Some(client) = ClientName::read(payload) {
            self.client.get_or_init(|| client);
        }
    }

    pub(super) fn client(&self) -> Option<&ClientName> {
        self.client.get()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.registry.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a transport gives to an operation that it carries, so that the operation can be listed and ended.
#[derive(Clone)]
pub(super) struct Carrier {
    connection: Arc<Connection>,
    operation_name: Option<String>,
    progress: Arc<Progress>,
    /// Weak, because the operation's stream lies in the line and holds this.
    line: Weak<Line>,
}

impl Carrier {
    /// Runs an operation: `start` is given the carrier, which belongs into the operation's data, and gives
    /// the stream of its responses.
    pub(super) fn carry(
        connection: &Arc<Connection>,
        operation_name: Option<&str>,
        start: impl FnOnce(Self) -> BoxStream<'static, Response>,
    ) -> Carried {
        let progress = Arc::<Progress>::default();
        let line = Arc::new(Line::new(Arc::clone(&progress)));
        let responses = start(Self {
            connection: Arc::clone(connection),
            operation_name: operation_name.map(str::to_owned),
            progress,
            line: Arc::downgrade(&line),
        });
        Carried::new(line, responses)
    }

    /// What the operation reports to as it goes.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data::<Self>()
    }
}

/// What a subscription delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedKind {
    Events,
    Stream,
    Game,
}

/// A subscription that runs.
pub(super) struct LiveSubscription {
    pub(super) id: Uuid,
    pub(super) kind: FeedKind,
    /// What was asked for: a JSON object.
    pub(super) arguments: String,
    pub(super) started_at: DateTime<Utc>,
    carrier: Carrier,
}

impl LiveSubscription {
    pub(super) fn connection(&self) -> &Connection {
        &self.carrier.connection
    }

    pub(super) fn operation_name(&self) -> Option<&str> {
        self.carrier.operation_name.as_deref()
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.carrier.progress
    }
}

/// The subscriptions and connections of this process. Clones share them.
#[derive(Clone)]
pub(super) struct Subscribers(Arc<Registry>);

struct Registry {
    node_id: Uuid,
    live: Mutex<BTreeMap<Uuid, Arc<LiveSubscription>>>,
    connections: AtomicUsize,
}

/// A subscription's place on the list, given up when this is dropped.
pub(super) struct Presence {
    id: Uuid,
    registry: Arc<Registry>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.registry.live().remove(&self.id);
    }
}

impl Registry {
    fn live(&self) -> MutexGuard<'_, BTreeMap<Uuid, Arc<LiveSubscription>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscribers {
    /// Nobody yet, on a node with an id that no other has.
    pub(super) fn new() -> Self {
        Self(Arc::new(Registry {
            node_id: Uuid::now_v7(),
            live: Mutex::default(),
            connections: AtomicUsize::new(0),
        }))
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data::<Self>()
    }

    /// The id of this process, which lists what it serves and nothing else.
    pub(super) fn node_id(&self) -> Uuid {
        self.0.node_id
    }

    /// Counts a connection until it is dropped.
    pub(super) fn connect(&self, mut peer: Peer) -> Arc<Connection> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        peer.user_agent = peer.user_agent.map(|text| cut(&text, MAX_USER_AGENT_CHARS));
        Arc::new(Connection {
            id: Uuid::now_v7(),
            peer,
            connected_at: Utc::now(),
            client: OnceLock::new(),
            registry: Arc::clone(&self.0),
        })
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// How many subscriptions run.
    pub(super) fn count(&self) -> usize {
        self.0.live().len()
    }

    /// Puts a subscription on the list, for as long as the answer is kept.
    pub(super) fn enter(&self, carrier: &Carrier, kind: FeedKind, arguments: String) -> Presence {
        // Version 7 counts upwards within a process, so that the list is in the order of the starts.
        let id = Uuid::now_v7();
        let entry = LiveSubscription {
            id,
            kind,
            arguments,
            started_at: Utc::now(),
            carrier: carrier.clone(),
        };
        self.0.live().insert(id, Arc::new(entry));
        Presence {
            id,
            registry: Arc::clone(&self.0),
        }
    }

    /// The subscription of this id, if it runs here.
    pub(super) fn find(&self, id: Uuid) -> Option<Arc<LiveSubscription>> {
        self.0.live().get(&id).cloned()
    }

    /// All that run now, in the order in which they began.
    pub(super) fn list(&self) -> Vec<Arc<LiveSubscription>> {
        self.0.live().values().cloned().collect()
    }

    /// Ends a subscription: what it holds is free, and it is off the list, when this returns, whether or
    /// not its client reads. The client is told when it does. `None` if there is none of this id, or it is
    /// ending already.
    pub(super) fn end(&self, id: Uuid, ending: Ending) -> Option<Arc<LiveSubscription>> {
        let found = self.find(id)?;
        let line = found.carrier.line.upgrade()?;
        line.end(ending).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_client_is_known_by_the_name_that_it_gives_and_long_names_are_cut() {
        let read = |payload: &serde_json::Value| ClientName::read(payload);
        let named = read(&json!({"client": {"name": " panel ", "version": "1.2"}})).unwrap();
        assert_eq!(
            (named.name.as_str(), named.version.as_deref()),
            ("panel", Some("1.2"))
        );
        let long = read(&json!({"client": {"name": "ä".repeat(500)}})).unwrap();
        assert_eq!(long.name.chars().count(), MAX_NAME_CHARS);
        for other in [
            json!(null),
            json!({"client": "x"}),
            json!({"client": {"name": " "}}),
            json!([1]),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn connections_are_counted_until_they_are_dropped() {
        let subscribers = Subscribers::new();
        let (one, other) = (
            subscribers.connect(Peer::default()),
            subscribers.connect(Peer::default()),
        );
        assert_eq!(subscribers.connections(), 2);
        drop(one);
        assert_eq!(subscribers.connections(), 1);
        drop(other);
        assert_eq!(subscribers.connections(), 0);
    }
}
