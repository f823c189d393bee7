//! Group commit: one task of this process takes every append that queued while the last group committed,
//! and writes them in one transaction.
//!
//! The way of a group: lock the head → take all that has queued → look up its streams and ids → judge each
//! request in turn → write → commit → raise the hub's head → answer. The head is locked **before** anything
//! is looked up: in the other order another node's commit comes between, and good requests are answered with
//! conflicts. The queue is emptied **after** the lock, so that whatever came while it was waited for rides
//! along.
//! The task belongs to nobody's request: a caller that gives up changes nothing, so that the log is never
//! ahead of the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rand::RngCore;
use sea_orm::DatabaseConnection;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::append::Committed;
use super::database::Database;
use super::group::{self, Failure, Stage};
use super::hub::Hub;
use super::refusal::AppendError;
use super::work::Work;
use crate::event::Salt;
use crate::position::Position;

/// How large a group may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupLimits {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) max_stream_events: i32,
}

/// One request in the queue.
pub(super) struct Queued {
    pub(super) work: Arc<Work>,
    pub(super) reply: oneshot::Sender<Result<Committed, AppendError>>,
    pub(super) deadline: Instant,
    pub(super) ticket: Ticket,
    /// The bytes that this request occupies in the queue; freed with it.
    pub(super) _bytes: OwnedSemaphorePermit,
}

impl Queued {
    /// Whether nobody waits for the outcome any more and the deadline has passed: then the request is not
    /// written, unless it has been.
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed() && Instant::now() >= self.deadline
    }
}

/// Who may still decide about a request: its caller, as long as no transaction carries it.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticket(Arc<AtomicU8>);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const CANCELLED: u8 = 2;

impl Ticket {
    /// The caller gives up. True: certainly nothing was or will be written.
    pub(super) fn cancel(&self) -> bool {
        self.0
            .compare_exchange(WAITING, CANCELLED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The committer takes the request into a transaction that can write. False: the caller has given up.
    fn take(&self) -> bool {
        match self
            .0
            .compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(found) => found == TAKEN,
        }
    }

    /// Whether the caller has given up while it could.
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) == CANCELLED
    }

    /// The transaction certainly wrote nothing: the caller may give up again. One that has given up before
    /// stays so.
    fn release(&self) {
        let _ = self
            .0
            .compare_exchange(TAKEN, WAITING, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Whether a group takes in what has queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Open,
    /// It is one request of a group that failed, to be tried by itself.
    Closed,
}

/// The task that writes.
pub(super) struct Committer {
    database: Arc<Database>,
    hub: Arc<Hub>,
    /// The head after the last commit of this node, for those who tell the other nodes.
    committed: watch::Sender<Position>,
    queue: mpsc::Receiver<Queued>,
    limits: GroupLimits,
    writer: Option<DatabaseConnection>,
    /// Whether a commit was sent whose answer never came, so that the log may be ahead of the hub.
    in_doubt: bool,
}

impl Committer {
    pub(super) fn new(
        database: Arc<Database>,
        hub: Arc<Hub>,
        committed: watch::Sender<Position>,
        queue: mpsc::Receiver<Queued>,
        limits: GroupLimits,
    ) -> Self {
        Self {
            database,
            hub,
            committed,
            queue,
            limits,
            writer: None,
            in_doubt: false,
        }
    }

    /// Runs until every sender of the queue is gone and the queue is empty.
    pub(super) async fn run(mut self) {
        loop {
            let next = self.queue.recv();
            let first = if self.in_doubt {
                let Ok(first) = tokio::time::timeout(RESYNC_PAUSE, next).await else {
                    // Nobody appends, and the followers may be waiting for what was committed.
                    self.settle(Vec::new(), Growth::Closed).await;
                    continue;
                };
                first
            } else {
                next.await
            };
            let Some(first) = first else { break };
            self.settle(vec![first], Growth::Open).await;
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.close().await;
        }
    }

    /// Brings a group to its end, through lost connections: every request is answered exactly once, by
    /// this task or by its caller's deadline.
    async fn settle(&mut self, mut group: Vec<Queued>, growth: Growth) {
        let mut pause = Pause::new();
        let mut is_retry = false;
        loop {
            group.retain(|queued| !queued.ticket.is_cancelled() && !queued.is_abandoned());
            if group.is_empty() && (is_retry || !self.in_doubt) {
                return;
            }
            match self.attempt(&mut group, growth).await {
                Ok(outcomes) => {
                    answer(group, outcomes);
                    return;
                }
                // An earlier attempt may have committed, so that nobody can be told that nothing was written.
                Err(Failure::Refused(reason)) if self.in_doubt => {
                    tracing::error!(%reason, "the outcome of a commit cannot be looked up yet");
                    self.writer = None;
                    pause.wait().await;
                }
                Err(Failure::Refused(reason)) if group.len() == 1 => {
                    tracing::error!(%reason, "the database refused an append");
                    answer(group, vec![Err(AppendError::Fault)]);
                    return;
                }
                Err(Failure::Refused(reason)) => {
                    tracing::warn!(%reason, requests = group.len(), "a group failed; its requests run one by one");
                    for queued in group {
                        Box::pin(self.settle(vec![queued], Growth::Closed)).await;
                    }
                    return;
                }
                Err(Failure::Away { reason, in_doubt }) => {
                    tracing::warn!(%reason, in_doubt, "the database is away; the group waits");
                    self.recover(&group, in_doubt);
                    pause.wait().await;
                }
            }
            is_retry = true;
        }
    }

    fn recover(&mut self, group: &[Queued], in_doubt: bool) {
        // The connection is not worth keeping: what was sent on it may still be under way.
        self.writer = None;
        self.in_doubt |= in_doubt;
        if !self.in_doubt {
            for queued in group {
                queued.ticket.release();
            }
        }
    }

    async fn attempt(
        &mut self,
        group: &mut Vec<Queued>,
        growth: Growth,
    ) -> Result<Vec<Result<Committed, AppendError>>, Failure> {
        let limit = self.database.statement_timeout();
        let writer = self
            .writer
            .get_or_insert_with(|| self.database.writer())
            .clone();
        let stage = Stage::default();
        let database = Arc::clone(&self.database);
        let work = async {
            let _turn = database.write_turn().await;
            let opened = group::open(&database, &writer).await?;
            // A request that is not in doubt stays in the queue, where its caller may still give it up.
            if growth == Growth::Open && !self.in_doubt {
                self.gather(group);
            }
            // From here on a caller cannot be told that nothing was written; until here it could, however
            // long the database could not be reached.
            group.retain(|queued| queued.ticket.take());
            let works: Vec<_> = group
                .iter()
                .map(|queued| Arc::clone(&queued.work))
                .collect();
            let max_stream_events = self.limits.max_stream_events;
            opened
                .write(&works, max_stream_events, new_salt, &stage)
                .await
        };
        let Ok(result) = tokio::time::timeout(limit, work).await else {
            let reason = "the transaction took too long".to_owned();
            let in_doubt = stage.is_committing();
            return Err(Failure::Away { reason, in_doubt });
        };
        let written = result?;
        // The order matters: a caller that has its answer must find its events on every feed and page of
        // this node, so the hub hears first. What the hub cannot place, it leaves to the tail.
        for (stream, before) in &written.pushed_out {
            self.hub.hide(stream, *before);
        }
        self.hub.offer(&written.events, written.head);
        if !written.events.is_empty() || self.in_doubt {
            self.committed.send_replace(written.head);
        }
        self.in_doubt = false;
        Ok(written.verdicts)
    }

    /// Everything that has queued meanwhile, up to the bounds. There is no timer: the group is whatever
    /// came while the last one committed and this one waited for the head.
    fn gather(&mut self, group: &mut Vec<Queued>) {
        let mut events: usize = group.iter().map(|queued| queued.work.event_count()).sum();
        let mut bytes: usize = group.iter().map(|queued| queued.work.bytes()).sum();
        while events < self.limits.events && bytes < self.limits.bytes {
            let Ok(next) = self.queue.try_recv() else {
                break;
            };
            if next.is_abandoned() {
                continue;
            }
            events += next.work.event_count();
            bytes += next.work.bytes();
            group.push(next);
        }
    }
}

fn answer(group: Vec<Queued>, outcomes: Vec<Result<Committed, AppendError>>) {
    for (queued, outcome) in group.into_iter().zip(outcomes) {
        // A caller that is gone has given up its answer, not its append.
        let _ = queued.reply.send(outcome);
    }
}

fn new_salt() -> Salt {
    let mut salt = Salt::default();
    rand::rng().fill_bytes(&mut salt);
    salt
}

/// How often a committer in doubt looks for the head while nobody appends.
const RESYNC_PAUSE: Duration = Duration::from_secs(1);

/// Waits a little longer after each failure, never longer than a second.
struct Pause(Duration);

impl Pause {
    fn new() -> Self {
        Self(Duration::from_millis(20))
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(1));
    }
}
