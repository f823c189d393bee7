//! The event store: its whole interface and the guarantees that it makes.
//!
//! - An append is atomic, durable when it is acknowledged, and never written twice.
//! - Positions are dense and in commit order: whoever has read up to p has missed nothing below p.
//! - A follower gets every event that it wants once, in order, however slow it is.
//!
//! The store knows nothing of GraphQL, of the game, or of who is asking: what a caller may see comes in as
//! a [`Scope`].

mod append;
mod change;
mod committer;
mod database;
mod draft;
mod follow;
mod group;
mod hub;
mod insert;
mod judge;
mod operation;
mod read;
mod refusal;
mod registrations;
mod row;
mod scavenge;
mod select;
mod snapshot;
mod tail;
mod work;

use std::sync::Arc;
use std::time::Duration;

use entity::log_head;
use sea_orm::DbBackend;
use sea_orm::sea_query::Query;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

pub use append::{
    Append, AppendLimits, Committed, CommittedStream, MOST_BATCH_STREAMS, MOST_REQUEST_EVENTS,
    StreamAppend,
};
pub use change::{Change, ChangeKind, Changed, StreamSettings};
pub(crate) use database::DatabaseError;
pub use database::{Database, DatabaseOptions, OpenError};
pub use draft::{Basis, DomainJudgement, Draft, DraftStream};
pub use follow::{FeedMessage, Follow, FollowOptions};
pub use operation::{
    Operation, OperationArguments, OperationKind, OperationOptions, OperationResult,
    OperationStarted, OperationState, ScavengeArguments, ScavengeResult, StartScavenge,
};
pub use read::{
    EventQuery, OperationFilter, OperationQuery, ReadError, StreamFilter, StreamKey, StreamOrder,
    StreamQuery,
};
pub use refusal::{
    AppendError, BrokenRule, ClosedStream, DuplicateId, DuplicateReason, FailedCheck, InputPath,
    InvalidInput, InvalidInputKind, LimitExceeded, LimitKind, Refusal, StoredAt, StreamTooLarge,
    TypeRefusal, Violation, ViolationKind,
};
pub use registrations::{Register, TypeRegistered};
pub use scavenge::ScavengeOptions;
pub use select::VersionRange;
pub(crate) use select::visibility::now as clock;
pub use snapshot::{NewSnapshot, Snapshot, SnapshotOptions, SnapshotWanted};
pub use tail::TailOptions;

use crate::position::Position;
use crate::registry::Registry;
use crate::scope::Scope;
use crate::stream::StreamName;
use append::PreparedAppend;
use committer::{Committer, GroupLimits, Queued, Ticket};
use hub::{Hub, Listener};
use judge::View;
use operation::RunnerHandle;
use registrations::RegistrationWatch;
use snapshot::SnapshotWriter;
use tail::TailParts;
use work::Work;

/// How the store behaves.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// The limits of one append.
    pub append: AppendLimits,
    /// The most events of a stream that are not hidden (rule A8).
    pub max_stream_events: i32,
    /// The most requests that wait for the committer.
    pub queue_requests: usize,
    /// The most bytes of data and metadata that wait for the committer.
    pub queue_bytes: usize,
    /// A group takes no more requests once it holds this many events …
    pub group_events: usize,
    /// … or this many bytes.
    pub group_bytes: usize,
    /// How long an append may take before its caller is answered without an outcome.
    pub deadline: Duration,
    /// The events that the hub keeps for followers that are a little slow.
    pub hub_capacity: usize,
    /// How feeds behave.
    pub follow: FollowOptions,
    /// How long-running operations run.
    pub operations: OperationOptions,
    /// How a scavenge spares the database.
    pub scavenge: ScavengeOptions,
    /// How snapshots are kept.
    pub snapshots: SnapshotOptions,
    /// How nodes on one database hear of each other.
    pub tail: TailOptions,
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct EventStore(Arc<Inner>);

struct Inner {
    id: Uuid,
    database: Arc<Database>,
    hub: Arc<Hub>,
    options: StoreOptions,
    registry: Registry,
    queue: std::sync::Mutex<Option<mpsc::Sender<Queued>>>,
    queue_bytes: Arc<Semaphore>,
    committer: Mutex<Option<JoinHandle<()>>>,
    runner: RunnerHandle,
    snapshots: SnapshotWriter,
    /// Brings what other nodes commit, and keeps the registry up to date with it; ends with the store.
    tail: Mutex<JoinSet<()>>,
}

impl EventStore {
    /// Starts the store on an open, migrated database. The registry, which knows the types of this program, is
    /// told of all that the log has registered before this returns.
    pub async fn start(
        database: Database,
        options: StoreOptions,
        registry: Registry,
    ) -> Result<Self, OpenError> {
        let database = Arc::new(database);
        let (id, head) = identify(&database).await?;
        let hub = Arc::new(Hub::new(options.hub_capacity, head));
        let registrations = hub.listen();
        let (queue, receiver) = mpsc::channel(options.queue_requests.max(1));
        let limits = GroupLimits {
            events: options.group_events,
            bytes: options.group_bytes,
            max_stream_events: options.max_stream_events,
        };
        let (own_head, told) = watch::channel(head);
        let committer = Committer::new(
            Arc::clone(&database),
            Arc::clone(&hub),
            own_head,
            receiver,
            limits,
        );
        let committer = tokio::spawn(committer.run());
        let tail = tail::start(TailParts {
            database: Arc::clone(&database),
            hub: Arc::clone(&hub),
            committed: told,
            store_id: id,
            page_events: options.follow.page_events,
            options: options.tail,
        });
        let snapshots = SnapshotWriter::start(&database, options.snapshots);
        let store = Self(Arc::new(Inner {
            id,
            database,
            hub,
            queue: std::sync::Mutex::new(Some(queue)),
            queue_bytes: Arc::new(Semaphore::new(options.queue_bytes)),
            committer: Mutex::new(Some(committer)),
            runner: RunnerHandle::default(),
            snapshots,
            tail: Mutex::new(tail),
            options,
            registry,
        }));
        store.watch_registrations(registrations, head).await?;
        store.0.runner.start(&store);
        Ok(store)
    }

    /// Tells the registry what is registered up to the head, and keeps telling it.
    async fn watch_registrations(
        &self,
        listener: Listener,
        head: Position,
    ) -> Result<(), OpenError> {
        self.load_registrations(Position::ORIGIN, head)
            .await
            .map_err(|error| OpenError::Database(error.to_string()))?;
        let watch = RegistrationWatch::new(self, listener, head);
        self.0.tail.lock().await.spawn(watch.run());
        Ok(())
    }

    /// The id of this log; every cursor holds it.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// `SQLite` or `PostgreSQL`.
    #[must_use]
    pub fn backend_name(&self) -> &'static str {
        match self.0.database.backend() {
            DbBackend::Sqlite => "SQLite",
            _ => "PostgreSQL",
        }
    }

    /// The options that the store was started with.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.0.options
    }

    /// The number of statements that reads have sent so far.
    #[must_use]
    pub fn read_statements(&self) -> u64 {
        self.0.database.statements()
    }

    /// Whether appends are taken: false once the store closes, or if its committer has ended by a fault.
    #[must_use]
    pub fn takes_appends(&self) -> bool {
        let queue = self
            .0
            .queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), ReadError> {
        self.0
            .database
            .ping()
            .await
            .map_err(|_| ReadError::Unavailable)
    }

    /// Appends events, all or none, and returns when they are durable (rules A1 to A9).
    ///
    /// Dropping the future gives up the answer, not the append: it may still be written.
    pub async fn append(&self, append: Append) -> Result<Committed, AppendError> {
        let draft = self.draft(append)?;
        self.append_draft(draft, self.deadline()).await
    }

    /// Hands a request to the committer and awaits its outcome.
    async fn submit(&self, work: Work) -> Result<Committed, AppendError> {
        self.submit_until(work, self.deadline()).await
    }

    async fn submit_until(&self, work: Work, deadline: Instant) -> Result<Committed, AppendError> {
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket::default();
        self.enqueue(work, reply, deadline, ticket.clone())?;
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            // Either the deadline passed, or the committer ended without an answer.
            Ok(Err(_)) | Err(_) if ticket.cancel() => Err(AppendError::NotWritten),
            Ok(Err(_)) | Err(_) => Err(AppendError::Timeout),
        }
    }

    /// Refuses a request that is beyond a limit, unless every one of its events is stored already.
    async fn check_retry(
        &self,
        append: &PreparedAppend,
        held: &Refusal,
    ) -> Result<(), AppendError> {
        let ids: Vec<Uuid> = append
            .events()
            .map(|(_, _, event)| event.event_id)
            .collect();
        let stored = self.events_by_id(&Scope::All, &ids).await;
        let stored = stored.map_err(|_| AppendError::NotWritten)?;
        let view = View::of_stored(stored);
        match view.retry_of(append)? {
            Some(_) => Ok(()),
            None => Err(held.clone().into()),
        }
    }

    fn enqueue(
        &self,
        work: Work,
        reply: oneshot::Sender<Result<Committed, AppendError>>,
        deadline: Instant,
        ticket: Ticket,
    ) -> Result<(), AppendError> {
        // A request with one event more than fits must still be judged, since it may be a retry.
        let wanted = work.queue_bytes().clamp(1, self.0.options.queue_bytes);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let overloaded = || AppendError::Overloaded {
            retry_after: OVERLOAD_PAUSE,
        };
        let bytes = Arc::clone(&self.0.queue_bytes)
            .try_acquire_many_owned(wanted)
            .map_err(|_| overloaded())?;
        let queue = self
            .0
            .queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else {
            return Err(AppendError::NotWritten);
        };
        let queued = Queued {
            work: Arc::new(work),
            reply,
            deadline,
            ticket,
            _bytes: bytes,
        };
        queue.try_send(queued).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => overloaded(),
            mpsc::error::TrySendError::Closed(_) => AppendError::NotWritten,
        })
    }

    /// Takes no more appends, and returns when those that were accepted are answered. An operation that this
    /// store works at is given back first, for another node or the next start to go on with.
    pub async fn close(&self) {
        self.0.runner.stop().await;
        drop(
            self.0
                .queue
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take(),
        );
        if let Some(committer) = self.0.committer.lock().await.take() {
            let _ = committer.await;
        }
        self.0.snapshots.stop().await;
        self.0.tail.lock().await.shutdown().await;
    }

    /// The greatest position that this node knows to be committed: what its feeds run towards. Asks nobody,
    /// so that it answers also while the database is away.
    #[must_use]
    pub fn known_head(&self) -> Position {
        self.hub().head()
    }

    /// The greatest position that this node knows to be committed, for those who wait for it to move.
    pub(crate) fn watch_head(&self) -> watch::Receiver<Position> {
        self.hub().watch()
    }

    /// Whether events of a stream may have been hidden after the position `as_of`, as far as this node knows:
    /// whoever has something from that time that shows them makes it anew. Asks nobody.
    #[must_use]
    pub fn may_be_hidden(&self, stream: &StreamName, as_of: Position) -> bool {
        self.hub().may_be_hidden(stream, as_of)
    }

    /// The position of the last commit that hid events, as far as this node knows: what is read from now on is
    /// not older, for [`Self::may_be_hidden`].
    #[must_use]
    pub fn hidden_at(&self) -> Position {
        self.hub().hidden_at()
    }

    fn database(&self) -> &Database {
        &self.0.database
    }

    fn hub(&self) -> &Hub {
        &self.0.hub
    }

    fn runner(&self) -> &RunnerHandle {
        &self.0.runner
    }

    fn snapshot_writer(&self) -> &SnapshotWriter {
        &self.0.snapshots
    }

    fn follow_options(&self) -> &FollowOptions {
        &self.0.options.follow
    }
}

/// When an append that found the queue full should come again.
const OVERLOAD_PAUSE: Duration = Duration::from_millis(250);

async fn identify(database: &Database) -> Result<(Uuid, Position), OpenError> {
    let select = Query::select()
        .columns([log_head::Column::StoreId, log_head::Column::Position])
        .from(log_head::Entity)
        .to_owned();
    let statement = database.backend().build(&select);
    let failed = |reason: &dyn std::fmt::Display| OpenError::Database(reason.to_string());
    let rows = database
        .read(statement)
        .await
        .map_err(|error| match error {
            DatabaseError::Unavailable(reason) | DatabaseError::TooSlow(reason) => failed(&reason),
            DatabaseError::Refused(_) => OpenError::NotMigrated,
        })?;
    let row = rows.first().ok_or(OpenError::NotMigrated)?;
    let id = row::uuid_of(row).map_err(|error| failed(&error))?;
    let position: i64 = row.try_get_by_index(1).map_err(|error| failed(&error))?;
    Ok((id, Position::from_stored(position)))
}
