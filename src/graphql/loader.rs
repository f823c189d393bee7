//! Look-ups behind nested fields, gathered so that a page of any length costs a constant number of
//! statements, and the budget that keeps nested lists from multiplying without end.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, QueryPathSegment, Result};
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::error_code::{limit_exceeded, read_error};
use crate::event::RecordedEvent;
use crate::game::Games;
use crate::position::Position;
use crate::projection::Projections;
use crate::scope::Scope;
use crate::store::{self, EventQuery, EventStore, ReadError};
use crate::stream::{Stream, StreamName};

/// What one operation carries with it: who asks, what it may load, how much it may ask for.
///
/// It is made anew for every operation: a loader that were shared would mix what different callers may see.
pub(super) struct Operation {
    pub(super) store: EventStore,
    pub(super) projections: Projections,
    pub(super) games: Games,
    pub(super) scope: Scope,
    pub(super) limits: PageLimits,
    loader: DataLoader<StoreLoader>,
    keys: Arc<Keys>,
    turn: RwLock<Arc<Turn>>,
}

/// One execution: of a query or mutation the only one, of a subscription one per message.
#[derive(Default)]
struct Turn {
    nodes_asked_for: AtomicUsize,
    bytes_shown: AtomicUsize,
    head: OnceCell<Position>,
}

/// The stream of keys that an execution asks for. The nested fields of one page ask one after the other, and a
/// long page takes a while over it; whoever loads waits until nobody has asked for a moment, so that a page of
/// any length is loaded in one statement per kind of field.
#[derive(Default)]
struct Keys {
    last_asked_for: Mutex<Option<Instant>>,
}

/// How long a key waits for its siblings; what the timer can do at best.
const PATIENCE: Duration = Duration::from_millis(1);
/// A page that asks for no key in this time has asked for all of this round.
const SILENCE: Duration = Duration::from_micros(250);

impl Keys {
    fn note(&self) {
        *self
            .last_asked_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn are_all_there(&self) -> bool {
        let last = self
            .last_asked_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.is_none_or(|last| last.elapsed() >= SILENCE)
    }

    async fn wait_until_all_are_there(&self) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            if self.are_all_there() {
                return;
            }
        }
    }
}

/// How long lists may be.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// `first` where it is absent.
    pub page_default: usize,
    /// The greatest `first` or `last`.
    pub page_max: usize,
    /// `totalCount` counts no further.
    pub count_limit: u64,
    /// The most nodes that one operation may ask for, nested lists multiplied out.
    pub operation_nodes: usize,
    /// The most bytes of payloads and metadata that one operation, or one message of a subscription, may show,
    /// each field counted: the same payload under two names counts twice.
    pub operation_bytes: usize,
    /// The most values in one list of a filter.
    pub filter_values: usize,
}

impl Operation {
    pub(super) fn new(
        games: Games,
        projections: Projections,
        scope: Scope,
        limits: PageLimits,
    ) -> Self {
        let store = games.store().clone();
        let loader = StoreLoader {
            store: store.clone(),
            scope: scope.clone(),
        };
        let keys = Arc::<Keys>::default();
        let come = Arc::clone(&keys);
        let spawn = move |load: BoxFuture<'static, ()>| {
            let come = Arc::clone(&come);
            tokio::spawn(async move {
                come.wait_until_all_are_there().await;
                load.await;
            })
        };
        Self {
            // The wait above is the delay.
            loader: DataLoader::new(loader, spawn).delay(Duration::ZERO),
            keys,
            store,
            projections,
            games,
            scope,
            limits,
            turn: RwLock::default(),
        }
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Self>> {
        ctx.data::<Arc<Self>>()
    }

    /// Begins the next message of a subscription, which has a budget and a head of its own.
    pub(super) fn next_turn(&self) {
        *self.turn.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn turn(&self) -> Arc<Turn> {
        Arc::clone(&self.turn.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the nodes of a list from the operation's budget, before they are read.
    pub(super) fn ask_for(&self, nodes: usize) -> Result<()> {
        let asked = self
            .turn()
            .nodes_asked_for
            .fetch_add(nodes, Ordering::Relaxed)
            .saturating_add(nodes);
        let limit = self.limits.operation_nodes;
        if asked > limit {
            let what = "The number of nodes that this operation asks for, its nested lists multiplied out,";
            return Err(limit_exceeded(what, format!("{asked} or more"), limit));
        }
        Ok(())
    }

    /// Takes the bytes of a payload from the operation's budget, before they are shown.
    pub(super) fn show(&self, bytes: usize) -> Result<()> {
        let shown = self.turn().bytes_shown.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limits.operation_bytes;
        if shown.saturating_add(bytes) > limit {
            let what = "The number of bytes of payloads and metadata that this operation shows";
            return Err(limit_exceeded(what, "greater", limit));
        }
        Ok(())
    }

    pub(super) async fn stream_by_id(&self, id: i64) -> Result<Option<Stream>> {
        self.load(StreamKey(id)).await
    }

    pub(super) async fn stream_by_name(&self, name: StreamName) -> Result<Option<Stream>> {
        self.load(NameKey(name)).await
    }

    pub(super) async fn event_by_id(&self, id: Uuid) -> Result<Option<Arc<RecordedEvent>>> {
        self.load(EventKey(id)).await
    }

    /// The event that has set a stream's metadata, for whoever sees the stream.
    pub(super) async fn metadata_event(
        &self,
        position: Position,
    ) -> Result<Option<Arc<RecordedEvent>>> {
        self.load(PositionKey(position)).await
    }

    pub(super) async fn operation_by_id(&self, id: Uuid) -> Result<Option<store::Operation>> {
        self.load(OperationKey(id)).await
    }

    /// The newest snapshot of a stream.
    pub(super) async fn newest_snapshot(&self, stream_id: i64) -> Result<Option<store::Snapshot>> {
        self.load(SnapshotKey(stream_id)).await
    }

    /// The events of a list; lists that are asked for at the same time share a statement.
    pub(super) async fn events_with_siblings(
        &self,
        query: EventQuery,
    ) -> Result<Vec<Arc<RecordedEvent>>> {
        Ok(self.load(PageKey(query)).await?.unwrap_or_default())
    }

    /// The length of a list, counted up to the query's limit.
    pub(super) async fn count_events(&self, query: EventQuery) -> Result<u64> {
        Ok(self.load(CountKey(query)).await?.unwrap_or_default())
    }

    async fn load<K>(&self, key: K) -> Result<Option<<StoreLoader as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        StoreLoader: Loader<K, Error = ReadError>,
    {
        self.keys.note();
        let loaded = self.loader.load_one(key).await;
        loaded.map_err(|error| read_error(&error))
    }

    /// The head of the log that this execution reads at: looked up once, so that all of its pages agree.
    pub(super) async fn head(&self) -> Result<Position> {
        let turn = self.turn();
        let head = turn.head.get_or_try_init(|| self.store.head()).await;
        head.copied().map_err(|error| read_error(&error))
    }
}

/// Whether a field stands in a list, whose other items ask for the same of theirs.
pub(super) fn has_siblings(ctx: &Context<'_>) -> bool {
    let path = ctx.path_node.as_ref();
    let mut steps = std::iter::successors(path, |step| step.parent);
    steps.any(|step| matches!(step.segment, QueryPathSegment::Index(_)))
}

struct StoreLoader {
    store: EventStore,
    scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct StreamKey(i64);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PageKey(EventQuery);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CountKey(EventQuery);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct NameKey(StreamName);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EventKey(Uuid);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PositionKey(Position);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OperationKey(Uuid);

/// By the number of a stream, which whoever asks has been shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SnapshotKey(i64);

impl Loader<StreamKey> for StoreLoader {
    type Value = Stream;
    type Error = ReadError;

    async fn load(&self, keys: &[StreamKey]) -> Result<HashMap<StreamKey, Stream>, ReadError> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = self.store.streams_by_id(&self.scope, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, stream)| (StreamKey(id), stream))
            .collect())
    }
}

impl Loader<NameKey> for StoreLoader {
    type Value = Stream;
    type Error = ReadError;

    async fn load(&self, keys: &[NameKey]) -> Result<HashMap<NameKey, Stream>, ReadError> {
        let names: Vec<&StreamName> = keys.iter().map(|key| &key.0).collect();
        let found = self.store.streams_by_name(&self.scope, &names).await?;
        Ok(found
            .into_iter()
            .map(|stream| (NameKey(stream.name.clone()), stream))
            .collect())
    }
}

impl Loader<EventKey> for StoreLoader {
    type Value = Arc<RecordedEvent>;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[EventKey],
    ) -> Result<HashMap<EventKey, Arc<RecordedEvent>>, ReadError> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.store.events_by_id(&self.scope, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, event)| (EventKey(id), event))
            .collect())
    }
}

impl Loader<PositionKey> for StoreLoader {
    type Value = Arc<RecordedEvent>;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[PositionKey],
    ) -> Result<HashMap<PositionKey, Arc<RecordedEvent>>, ReadError> {
        let positions: Vec<Position> = keys.iter().map(|key| key.0).collect();
        // Who sees a stream sees its metadata, also where that was set before the stream had a guild.
        let found = self.store.events_at(&Scope::All, &positions).await?;
        Ok(found
            .into_iter()
            .map(|(position, event)| (PositionKey(position), event))
            .collect())
    }
}

impl Loader<OperationKey> for StoreLoader {
    type Value = store::Operation;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[OperationKey],
    ) -> Result<HashMap<OperationKey, store::Operation>, ReadError> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.store.operations_by_id(&self.scope, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, operation)| (OperationKey(id), operation))
            .collect())
    }
}

impl Loader<SnapshotKey> for StoreLoader {
    type Value = store::Snapshot;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[SnapshotKey],
    ) -> Result<HashMap<SnapshotKey, store::Snapshot>, ReadError> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = self
            .store
            .newest_snapshots(&ids, Games::STATE_VERSION)
            .await?;
        Ok(found
            .into_iter()
            .map(|snapshot| (SnapshotKey(snapshot.content.stream_id), snapshot))
            .collect())
    }
}

impl Loader<PageKey> for StoreLoader {
    type Value = Vec<Arc<RecordedEvent>>;
    type Error = ReadError;

    async fn load(
        &self,
        keys: &[PageKey],
    ) -> Result<HashMap<PageKey, Vec<Arc<RecordedEvent>>>, ReadError> {
        if let [only] = keys {
            return Ok(HashMap::from([(
                only.clone(),
                self.store.events(&only.0).await?,
            )]));
        }
        let queries: Vec<EventQuery> = keys.iter().map(|key| key.0.clone()).collect();
        let found = self.store.events_of(&queries).await?;
        Ok(queries.into_iter().map(PageKey).zip(found).collect())
    }
}

impl Loader<CountKey> for StoreLoader {
    type Value = u64;
    type Error = ReadError;

    async fn load(&self, keys: &[CountKey]) -> Result<HashMap<CountKey, u64>, ReadError> {
        let queries: Vec<EventQuery> = keys.iter().map(|key| key.0.clone()).collect();
        let found = self.store.count_events_of(&queries).await?;
        Ok(queries.into_iter().map(CountKey).zip(found).collect())
    }
}
