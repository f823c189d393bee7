//! Tells other nodes what this one has committed.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::sync::watch;
use tokio::time::Instant;

use super::backoff::Backoff;
use crate::position::Position;
use crate::store::database::Database;

/// Sends the head after this node's commits, on a connection of its own and outside their transactions:
/// PostgreSQL lets only one transaction of a whole server that notifies commit at a time.
pub(super) struct Notifier {
    database: Arc<Database>,
    channel: String,
    committed: watch::Receiver<Position>,
    /// Commits within this time share a notification.
    interval: Duration,
    /// Whether one of those who listen is this node.
    listens_itself: bool,
}

/// Who hears the notifications, as far as the notifier knows.
struct Audience {
    is_there: bool,
    look_again_at: Instant,
    /// Whether there is something that nobody was told, since nobody was there.
    missed_something: bool,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            is_there: false,
            look_again_at: Instant::now(),
            missed_something: false,
        }
    }
}

/// How long the notifier relies on what it knows of who listens.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Notifier {
    pub(super) fn new(
        database: Arc<Database>,
        channel: String,
        committed: watch::Receiver<Position>,
        interval: Duration,
        listens_itself: bool,
    ) -> Self {
        Self {
            database,
            channel,
            committed,
            interval,
            listens_itself,
        }
    }

    /// Runs until the committer ends.
    pub(super) async fn run(mut self) {
        let mut connection = None;
        let mut backoff = Backoff::new();
        let mut audience = Audience::default();
        while self.next(&audience).await {
            let head = *self.committed.borrow_and_update();
            if connection.is_none() {
                connection = self.database.notifier();
            }
            let Some(open) = &connection else { return };
            match self.tell_others(open, head, &mut audience).await {
                Ok(()) => {
                    backoff.succeed();
                    tokio::time::sleep(self.interval).await;
                }
                Err(reason) => {
                    if backoff.is_fresh() {
                        tracing::warn!(%reason, "other nodes cannot be told; they find by polling what this one appends");
                    }
                    connection = None;
                    backoff.wait().await;
                }
            }
        }
    }

    /// Waits for something to tell; false when the committer has ended.
    async fn next(&mut self, audience: &Audience) -> bool {
        let changed = self.committed.changed();
        if !audience.missed_something {
            return changed.await.is_ok();
        }
        // Whoever has come meanwhile is told what there was.
        tokio::time::timeout_at(audience.look_again_at, changed)
            .await
            .map_or(true, |changed| changed.is_ok())
    }

    /// Notifies if there is anybody to hear it: a notification is a commit of its own, which on a busy
    /// database costs the appends more than it is worth to nobody.
    async fn tell_others(
        &self,
        connection: &DatabaseConnection,
        head: Position,
        audience: &mut Audience,
    ) -> Result<(), String> {
        let now = Instant::now();
        if now >= audience.look_again_at {
            audience.is_there = self.others_listen(connection).await?;
            audience.look_again_at = now + LOOK_INTERVAL;
        }
        audience.missed_something = !audience.is_there;
        if audience.is_there {
            self.tell(connection, head).await?;
        }
        Ok(())
    }

    /// Whether other sessions than this node's listen to the channel. A session whose statement may not be
    /// seen counts as one that does.
    async fn others_listen(&self, connection: &DatabaseConnection) -> Result<bool, String> {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database()
               AND (query LIKE 'LISTEN%{}%' OR query = '<insufficient privilege>')",
            self.channel
        );
        let limit = self.database.statement_timeout();
        let counting = async {
            // A pooler keeps a prepared statement's connection for the length of a transaction only.
            let transaction = self.database.begin(connection).await?;
            let statement = Statement::from_string(DbBackend::Postgres, sql);
            let row = transaction.query_one_raw(statement).await?;
            transaction.rollback().await?;
            row.map(|row| row.try_get_by_index::<i64>(0)).transpose()
        };
        match tokio::time::timeout(limit, counting).await {
            Ok(Ok(listening)) => Ok(listening.unwrap_or(i64::MAX) > i64::from(self.listens_itself)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {limit:?}")),
        }
    }

    /// One statement, and thus one transaction, which does not wait for the disk: nothing is lost with it
    /// that polling would not find.
    async fn tell(&self, connection: &DatabaseConnection, head: Position) -> Result<(), String> {
        let sql = format!(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify('{}', '{head}')",
            self.channel
        );
        let limit = self.database.statement_timeout();
        match tokio::time::timeout(limit, connection.execute_unprepared(&sql)).await {
            Ok(told) => told.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {limit:?}")),
        }
    }
}
