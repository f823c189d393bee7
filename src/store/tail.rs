//! Brings to the followers of this node what did not come from its own committer: what other nodes commit,
//! and what this one committed without hearing the database's answer.
//!
//! It reads the log after the last event that passed the hub, and offers what it finds. It looks when the
//! hub has a gap, when another node says that it has committed (PostgreSQL's NOTIFY), and after every poll
//! interval in any case. A notification is only a hint to look: one that is lost costs the rest of the
//! interval, one that lies costs a read (rule S7).
//!
//! A SQLite file has one server process, so there the tail only fills gaps.

mod backoff;
mod listener;
mod notifier;

use std::sync::Arc;
use std::time::Duration;

use entity::log_head;
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{DbBackend, QueryResult};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::database::{Database, DatabaseError, Reader};
use super::hub::Hub;
use super::row::{self, RowError};
use super::select::{self, Page, Streams, VersionRange};
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::scope::Scope;
use backoff::Backoff;
use listener::Listener;
use notifier::Notifier;

/// How nodes on one database hear of each other. Without effect on SQLite.
#[derive(Clone, Copy, Debug)]
pub struct TailOptions {
    /// The longest time until a node looks for what others have committed.
    pub poll_interval: Duration,
    /// The least time between two notifications of one node.
    pub notify_interval: Duration,
}

/// What the tail is started with.
pub(super) struct TailParts {
    pub(super) database: Arc<Database>,
    pub(super) hub: Arc<Hub>,
    /// The head after the last commit of this node.
    pub(super) committed: watch::Receiver<Position>,
    pub(super) store_id: Uuid,
    /// The most events that one read brings into memory.
    pub(super) page_events: u64,
    pub(super) options: TailOptions,
}

/// Starts the tail and, where there may be other nodes, what hears and tells them. They end when the set is
/// dropped.
pub(super) fn start(parts: TailParts) -> JoinSet<()> {
    let TailParts {
        database,
        hub,
        committed,
        store_id,
        page_events,
        options,
    } = parts;
    let mut tasks = JoinSet::new();
    let look = Arc::new(Notify::new());
    let has_other_nodes = database.backend() == DbBackend::Postgres;
    // Several stores may share one database.
    let channel = format!("gamebot_event_store_{}", store_id.simple());
    if has_other_nodes {
        let listener = Listener::new(&database, &hub, &look, channel.clone());
        let listens_itself = listener.is_some();
        if let Some(listener) = listener {
            tasks.spawn(listener.run());
        } else {
            tracing::info!(
                poll_interval = ?options.poll_interval,
                "a transaction pooler cannot listen, and database.listen_url is not set: what other nodes \
                 append is found by polling alone"
            );
        }
        let interval = options.notify_interval;
        let notifier = Notifier::new(
            Arc::clone(&database),
            channel,
            committed,
            interval,
            listens_itself,
        );
        tasks.spawn(notifier.run());
    }
    let tail = Tail {
        reader: database.own_reader(),
        backend: database.backend(),
        hub,
        look,
        page_events: page_events.max(1),
        poll_interval: has_other_nodes.then_some(options.poll_interval),
    };
    tasks.spawn(tail.run());
    tasks
}

struct Tail {
    reader: Reader,
    backend: DbBackend,
    hub: Arc<Hub>,
    /// Rung when there may be something new in the log.
    look: Arc<Notify>,
    page_events: u64,
    /// None: nobody else commits.
    poll_interval: Option<Duration>,
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("the head row of the log is missing")]
    NoHead,
}

impl Tail {
    async fn run(self) {
        loop {
            self.wait().await;
            self.bring_up_to_date().await;
        }
    }

    /// Waits for a reason to look at the log.
    async fn wait(&self) {
        let interval = self.poll_interval.unwrap_or(Duration::MAX);
        tokio::select! {
            () = self.hub.gap() => {}
            () = self.look.notified() => {}
            () = tokio::time::sleep(interval), if self.poll_interval.is_some() => {}
        }
    }

    /// Reads until the hub has passed on everything that the log has. Nothing else could do it, so a read
    /// that fails is tried again.
    async fn bring_up_to_date(&self) {
        let mut backoff = Backoff::new();
        loop {
            match self.read_on().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    if backoff.is_fresh() {
                        tracing::warn!(%error, "the tail cannot read the log; live feeds wait");
                    }
                    backoff.wait().await;
                }
            }
        }
        if !backoff.is_fresh() {
            tracing::info!("the tail reads the log again");
        }
    }

    /// One page of the log, to the hub. True: there is no more.
    async fn read_on(&self) -> Result<bool, TailError> {
        let (sent, known) = (self.hub.sent(), self.hub.head());
        let gap = u64::try_from(known.get() - sent.get()).unwrap_or_default();
        if gap > self.hub.capacity() as u64 {
            // What the ring cannot hold would push the followers out of it; each reads at its own pace.
            self.hub.skip_to_head();
            return Ok(false);
        }
        let events = self.page(sent).await?;
        let is_full = events.len() as u64 >= self.page_events;
        let head = if is_full { self.head().await? } else { known };
        self.hub.offer(&events, head);
        let begins_later = events
            .first()
            .is_some_and(|first| first.position > sent.next());
        if begins_later || (events.is_empty() && known > sent) {
            // Positions are dense, so that the log was damaged. The followers read what there is.
            tracing::error!(after = %sent, "an event is missing in the log; run verify");
            self.hub.skip_to_head();
        }
        Ok(self.hub.sent() >= self.hub.head())
    }

    /// The next events of the log, whatever stream they are of and whoever may see them.
    async fn page(&self, after: Position) -> Result<Vec<Arc<RecordedEvent>>, TailError> {
        let everything = EventFilter {
            include_reserved: true,
            ..EventFilter::default()
        };
        let page = Page {
            scope: &Scope::All,
            filter: &everything,
            streams: Streams::NotListed,
            after,
            through: Position::MAX,
            versions: VersionRange::default(),
            descending: false,
            limit: self.page_events,
        };
        let rows = self.rows(&select::page(self.backend, &page)).await?;
        let events = rows.iter().map(|row| row::event_of(row).map(Arc::new));
        Ok(events.collect::<Result<_, _>>()?)
    }

    async fn head(&self) -> Result<Position, TailError> {
        let select = Query::select()
            .column(log_head::Column::Position)
            .from(log_head::Entity)
            .to_owned();
        let rows = self.rows(&select).await?;
        let row = rows.first().ok_or(TailError::NoHead)?;
        let position = row.try_get_by_index(0).map_err(RowError::from)?;
        Ok(Position::from_stored(position))
    }

    async fn rows(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, DatabaseError> {
        self.reader.rows(self.backend.build(select)).await
    }
}
