//! The task that works at operations, one in each store.
//!
//! It keeps nothing in memory that matters: whenever something goes wrong, it claims the oldest operation
//! again and goes on from what the row says. So a lost connection, a lost answer to a commit, a restart and
//! another node's take-over are all one case.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::change::Ending;
use super::lease::{self, Lease, WorkError};
use super::request::PreparedOperation;
use super::{Operation, OperationArguments, OperationOptions};
use crate::store::database::{Database, Reader};
use crate::store::refusal::AppendError;
use crate::store::scavenge::{Scavenge, ScavengeOptions};
use crate::store::{EventStore, Inner};

/// What the store holds of its runner.
#[derive(Default)]
pub(in crate::store) struct RunnerHandle {
    wake: Arc<Notify>,
    /// Closed with the store, which stops the runner too.
    stop: watch::Sender<bool>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl RunnerHandle {
    /// Starts the runner of a store.
    pub(in crate::store) fn start(&self, store: &EventStore) {
        let task = tokio::spawn(Runner::new(self, store).run());
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// There is something to do.
    pub(in crate::store) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops the runner, and returns when it has given back what it worked at.
    pub(in crate::store) async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

struct Runner {
    /// Weak: a store that nobody uses any more ends, and its runner with it.
    store: Weak<Inner>,
    database: Arc<Database>,
    reader: Reader,
    writer: DatabaseConnection,
    /// A name for this run of this store.
    node_id: Uuid,
    options: OperationOptions,
    /// The batch is smaller than the setting after one has taken too long.
    scavenge: ScavengeOptions,
    wake: Arc<Notify>,
    stop: watch::Receiver<bool>,
}

impl Runner {
    fn new(handle: &RunnerHandle, store: &EventStore) -> Self {
        let database = Arc::clone(&store.0.database);
        Self {
            store: Arc::downgrade(&store.0),
            reader: database.own_reader(),
            writer: database.writer(),
            database,
            node_id: Uuid::now_v7(),
            options: store.options().operations,
            scavenge: store.options().scavenge,
            wake: Arc::clone(&handle.wake),
            stop: handle.stop.subscribe(),
        }
    }

    async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // A batch under way is rolled back.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.serve() => {}
        }
        let giving_back = lease::give_back(&self.database, &self.writer, self.node_id);
        match tokio::time::timeout(GIVE_BACK, giving_back).await {
            Ok(Ok(())) => {}
            // Another node takes over when this one has been silent for long enough.
            Ok(Err(error)) => tracing::warn!(?error, "an operation could not be given back"),
            Err(_) => tracing::warn!("an operation could not be given back in time"),
        }
        let _ = self.writer.close().await;
    }

    async fn serve(&mut self) {
        let mut failures = 0;
        loop {
            let worked = self.next().await;
            failures = if worked.is_ok() { 0 } else { failures + 1 };
            match worked {
                Ok(true) | Err(WorkError::Lost) => {}
                Ok(false) => {
                    let _ = tokio::time::timeout(self.options.poll, self.wake.notified()).await;
                }
                Err(WorkError::Away(reason)) => {
                    tracing::warn!(%reason, "operations wait for the database");
                    tokio::time::sleep(back_off(failures)).await;
                }
                Err(WorkError::TooSlow(reason)) => {
                    self.scavenge.batch_events = (self.scavenge.batch_events / 2).max(1);
                    let events = self.scavenge.batch_events;
                    tracing::warn!(%reason, events, "the batches become smaller");
                    tokio::time::sleep(back_off(failures)).await;
                }
                Err(WorkError::Failed(reason)) => {
                    tracing::error!(%reason, "operations cannot be read or ended");
                    tokio::time::sleep(back_off(failures)).await;
                }
            }
        }
    }

    /// Works at the oldest operation, if this node may; answers whether it brought it to its end.
    async fn next(&mut self) -> Result<bool, WorkError> {
        let Some(oldest) = lease::oldest(&self.database, &self.reader).await? else {
            return Ok(false);
        };
        let claimed = lease::claim(
            &self.database,
            &self.writer,
            oldest.id,
            self.node_id,
            self.options.takeover_after,
        );
        let Some(operation) = claimed.await? else {
            return Ok(false);
        };
        tracing::info!(operation = %operation.id, done = operation.done, "an operation goes on");
        let (operation, outcome) = self.work(operation).await;
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(WorkError::Failed(reason)) => {
                tracing::error!(operation = %operation.id, %reason, "an operation failed");
                Err(FAILED.to_owned())
            }
            Err(WorkError::Lost) => {
                tracing::info!(operation = %operation.id, "an operation was cancelled or taken over");
                return Err(WorkError::Lost);
            }
            Err(other) => return Err(other),
        };
        self.end(operation, outcome).await?;
        self.scavenge = self
            .store
            .upgrade()
            .map_or(self.scavenge, |store| store.options.scavenge);
        Ok(true)
    }

    async fn work(&self, operation: Operation) -> (Operation, Result<(), WorkError>) {
        let OperationArguments::Scavenge(arguments) = operation.arguments.clone();
        let lease = Lease {
            database: &self.database,
            reader: &self.reader,
            writer: &self.writer,
            node_id: self.node_id,
            limit: self
                .database
                .statement_timeout()
                .min(self.options.takeover_after / 2),
            operation,
        };
        let mut scavenge = Scavenge {
            lease,
            arguments,
            options: self.scavenge,
            last_sign: Instant::now(),
        };
        let outcome = scavenge.run().await;
        (scavenge.lease.operation, outcome)
    }

    async fn end(
        &self,
        operation: Operation,
        outcome: Result<(), String>,
    ) -> Result<(), WorkError> {
        let store = self.store.upgrade().map(EventStore);
        let store = store.ok_or(WorkError::Lost)?;
        let away = |reason: String| WorkError::Away(reason);
        let start = store.event_of_start(operation.id).await;
        let start = start.map_err(|error| away(error.to_string()))?;
        let id = operation.id;
        let ending = Ending {
            id,
            kind: operation.kind(),
            node_id: self.node_id,
            outcome,
            done: operation.done,
            total: operation.total,
            result: operation.result,
        };
        let prepared = PreparedOperation::end(ending, start.as_deref())
            .map_err(|refusal| WorkError::Failed(format!("{refusal:?}")))?;
        match store.change_operation(prepared).await {
            Ok(ended) => {
                tracing::info!(operation = %id, state = ?ended.operation.state, "an operation ended");
                Ok(())
            }
            Err(AppendError::Refused(_)) => Err(WorkError::Lost),
            Err(error) => Err(away(error.to_string())),
        }
    }
}

/// Why an operation failed, for its caller. The server's log has the reason.
const FAILED: &str = "The database refused a step of the operation, and nothing of that step was done. The log of \
     the server says why, under the operation's id. What was done before stays done; start it again once the \
     cause is gone.";

/// How long a store that ends waits for the database to take its operation back.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// Waits longer after each failure in a row, up to two seconds.
fn back_off(failures: u32) -> Duration {
    let doubled = Duration::from_millis(50).saturating_mul(1 << failures.min(6));
    doubled.min(Duration::from_secs(2))
}
