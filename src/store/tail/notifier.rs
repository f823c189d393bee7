//! Tells other nodes what this one has committed.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::watch;

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
}

impl Notifier {
    pub(super) fn new(
        database: Arc<Database>,
        channel: String,
        committed: watch::Receiver<Position>,
        interval: Duration,
    ) -> Self {
        Self {
            database,
            channel,
            committed,
            interval,
        }
    }

    /// Runs until the committer ends.
    pub(super) async fn run(mut self) {
        let mut connection = None;
        let mut backoff = Backoff::new();
        while self.committed.changed().await.is_ok() {
            let head = *self.committed.borrow_and_update();
            if connection.is_none() {
                connection = self.database.notifier();
            }
            let Some(open) = &connection else { return };
            match self.tell(open, head).await {
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
