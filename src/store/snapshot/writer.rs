//! Writes snapshots: one task in each store, on a connection of its own, out of the way of appends.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, Value,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{NewSnapshot, SnapshotOptions, checksum};
use crate::store::ReadError;
use crate::store::database::{Database, DatabaseError};

/// Something that waits to be done, and who wants to know when it is.
struct Job {
    wanted: Wanted,
    reply: Option<oneshot::Sender<Result<bool, ReadError>>>,
}

enum Wanted {
    /// Write this one.
    Keep(NewSnapshot),
    /// Remove all of this stream.
    Forget(i64),
}

/// What the store holds of the task.
pub(in crate::store) struct SnapshotWriter {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl SnapshotWriter {
    /// Starts the task. It ends when the store closes or nobody uses it any more.
    pub(in crate::store) fn start(database: &Arc<Database>, options: SnapshotOptions) -> Self {
        let (jobs, receiver) = mpsc::channel(options.queue.max(1));
        let task = Task {
            writer: database.writer(),
            database: Arc::clone(database),
            kept: options.kept_per_stream,
        };
        Self {
            jobs: Mutex::new(Some(jobs)),
            task: tokio::sync::Mutex::new(Some(tokio::spawn(task.run(receiver)))),
        }
    }

    /// Writes what has been accepted, and takes no more.
    pub(in crate::store) async fn stop(&self) {
        drop(
            self.jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }

    /// Leaves snapshots to the task; those that find no place are dropped.
    pub(super) fn keep(&self, snapshots: Vec<NewSnapshot>) {
        let jobs = self.sender();
        for snapshot in snapshots {
            let job = Job {
                wanted: Wanted::Keep(snapshot),
                reply: None,
            };
            if jobs.as_ref().is_none_or(|jobs| jobs.try_send(job).is_err()) {
                tracing::debug!("a snapshot was not kept: too many wait to be written");
                return;
            }
        }
    }

    /// Waits until a snapshot is written.
    pub(super) async fn record(&self, snapshot: NewSnapshot) -> Result<bool, ReadError> {
        self.ask(Wanted::Keep(snapshot)).await
    }

    /// Waits until the snapshots of a stream are removed.
    pub(super) async fn forget(&self, stream_id: i64) -> Result<(), ReadError> {
        self.ask(Wanted::Forget(stream_id)).await.map(|_| ())
    }

    async fn ask(&self, wanted: Wanted) -> Result<bool, ReadError> {
        let (reply, written) = oneshot::channel();
        let job = Job {
            wanted,
            reply: Some(reply),
        };
        let jobs = self.sender().ok_or(ReadError::Unavailable)?;
        jobs.send(job).await.map_err(|_| ReadError::Unavailable)?;
        written.await.unwrap_or(Err(ReadError::Unavailable))
    }

    fn sender(&self) -> Option<mpsc::Sender<Job>> {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

struct Task {
    database: Arc<Database>,
    writer: DatabaseConnection,
    kept: u32,
}

impl Task {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job { wanted, reply }) = jobs.recv().await {
            let limit = self.database.statement_timeout();
            let written = match tokio::time::timeout(limit, self.work(&wanted)).await {
                Ok(written) => written,
                Err(_) => Err(DatabaseError::TooSlow(format!(
                    "no answer within {limit:?}"
                ))),
            };
            if let Err(error) = &written {
                tracing::warn!(%error, "a snapshot could not be written");
            }
            if let Some(reply) = reply {
                let written = written.map_err(|error| match error {
                    DatabaseError::Unavailable(_) => ReadError::Unavailable,
                    DatabaseError::TooSlow(_) => ReadError::TooSlow,
                    DatabaseError::Refused(_) => ReadError::Fault,
                });
                // Whoever asked may be gone; the snapshot is there all the same.
                let _ = reply.send(written);
            }
        }
        let _ = self.writer.close().await;
    }

    async fn work(&self, wanted: &Wanted) -> Result<bool, DatabaseError> {
        match wanted {
            Wanted::Keep(snapshot) => self.write(snapshot).await,
            Wanted::Forget(stream_id) => {
                let _turn = self.database.write_turn().await;
                let transaction = self.database.begin(&self.writer).await?;
                remove_shown_before(&transaction, *stream_id, i32::MAX).await?;
                transaction.commit().await?;
                Ok(true)
            }
        }
    }

    /// Writes a snapshot, unless something that it shows is hidden by now, and drops what is too many.
    async fn write(&self, snapshot: &NewSnapshot) -> Result<bool, DatabaseError> {
        let _turn = self.database.write_turn().await;
        let transaction = self.database.begin(&self.writer).await?;
        let now = Utc::now().timestamp_millis();
        let written = insert(&transaction, snapshot, now).await?;
        if written {
            let prune = prune(self.database.backend(), snapshot, self.kept);
            transaction.execute_raw(prune).await?;
        }
        transaction.commit().await?;
        Ok(written)
    }
}

/// Locking the stream's row makes a tombstone and a scavenge come before, and then nothing is written, or
/// after, and then they remove what was written.
async fn insert(
    transaction: &DatabaseTransaction,
    snapshot: &NewSnapshot,
    now: i64,
) -> Result<bool, DatabaseError> {
    let backend = transaction.get_database_backend();
    let lock = match backend {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    };
    let sql = format!(
        "INSERT INTO snapshots (stream_id, state_version, stream_version, first_version, event_hash, state,
            checksum, created_at)
         SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM streams
         WHERE id = $1 AND status <> 3 AND hidden_through < $4 AND version >= $3{lock}
         ON CONFLICT (stream_id, state_version, stream_version) DO UPDATE SET
            first_version = excluded.first_version, event_hash = excluded.event_hash,
            state = excluded.state, checksum = excluded.checksum, created_at = excluded.created_at"
    );
    let values: [Value; 8] = [
        snapshot.stream_id.into(),
        snapshot.state_version.into(),
        snapshot.stream_version.into(),
        snapshot.first_version.into(),
        snapshot.event_hash.to_vec().into(),
        snapshot.state.as_ref().into(),
        checksum(snapshot, now).to_vec().into(),
        now.into(),
    ];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let inserted = transaction.execute_raw(statement).await?;
    Ok(inserted.rows_affected() > 0)
}

/// Drops the oldest snapshots of a stream beyond so many, and those that no program of this version can use.
fn prune(backend: DbBackend, snapshot: &NewSnapshot, kept: u32) -> Statement {
    let sql = "DELETE FROM snapshots
               WHERE stream_id = $1 AND (state_version < $2 OR state_version = $2 AND (first_version <> $3
                  OR stream_version NOT IN (
                    SELECT stream_version FROM snapshots
                    WHERE stream_id = $1 AND state_version = $2 ORDER BY stream_version DESC LIMIT $4)))";
    let values: [Value; 4] = [
        snapshot.stream_id.into(),
        snapshot.state_version.into(),
        snapshot.first_version.into(),
        i64::from(kept.max(1)).into(),
    ];
    Statement::from_sql_and_values(backend, sql, values)
}

/// Removes the snapshots of a stream that show its events up to `hidden_through`, which are gone.
pub(in crate::store) async fn remove_shown_before(
    transaction: &DatabaseTransaction,
    stream_id: i64,
    hidden_through: i32,
) -> Result<(), sea_orm::DbErr> {
    let sql = "DELETE FROM snapshots WHERE stream_id = $1 AND first_version <= $2";
    let values: [Value; 2] = [stream_id.into(), hidden_through.into()];
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    transaction.execute_raw(statement).await?;
    Ok(())
}
