//! Hears what other nodes say that they have committed.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::sqlx::{self, Executor as _};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::backoff::Backoff;
use crate::store::database::Database;
use crate::store::hub::Hub;

/// After this time of silence the connection is asked whether it still lives: one that died without a word
/// is silent for ever.
const SILENCE: Duration = Duration::from_secs(10);

/// One connection that listens, made anew whenever it is lost.
pub(super) struct Listener {
    database: Arc<Database>,
    hub: Arc<Hub>,
    look: Arc<Notify>,
    channel: String,
}

/// Why a connection listens no more.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Failed(#[from] sqlx::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("no answer in time")]
    Silent(#[from] tokio::time::error::Elapsed),
    #[error("there is no way to listen")]
    NoWay,
}

impl Listener {
    /// None if there is no connection that could listen.
    pub(super) fn new(
        database: &Arc<Database>,
        hub: &Arc<Hub>,
        look: &Arc<Notify>,
        channel: String,
    ) -> Option<Self> {
        database.listener()?;
        Some(Self {
            database: Arc::clone(database),
            hub: Arc::clone(hub),
            look: Arc::clone(look),
            channel,
        })
    }

    pub(super) async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            let lost = self.listen(&mut backoff).await;
            if backoff.is_fresh() {
                tracing::warn!(reason = %lost, "other nodes are not heard; polling finds what they append");
            }
            backoff.wait().await;
        }
    }

    /// Listens for as long as the connection lasts.
    async fn listen(&self, backoff: &mut Backoff) -> Lost {
        let error = match self.connect().await {
            Ok(mut connection) => {
                if !backoff.is_fresh() {
                    tracing::info!("other nodes are heard again");
                }
                // What was said before is lost.
                self.look.notify_one();
                self.hear(&mut connection, backoff).await
            }
            Err(error) => Err(error),
        };
        error.err().unwrap_or(Lost::Closed)
    }

    async fn connect(&self) -> Result<PgListener, Lost> {
        // A pool of its own each time, so that nothing waits for a connection that hangs in the last one.
        let pool = self.database.listener().ok_or(Lost::NoWay)?;
        let limit = self.database.connect_timeout();
        let mut connection = timeout(limit, PgListener::connect_with(&pool)).await??;
        // The tail must look at the log after a loss, so the loss must be told.
        connection.eager_reconnect(false);
        timeout(limit, connection.listen(&self.channel)).await??;
        Ok(connection)
    }

    async fn hear(&self, connection: &mut PgListener, backoff: &mut Backoff) -> Result<(), Lost> {
        loop {
            if let Ok(heard) = timeout(SILENCE, connection.try_recv()).await {
                let notification = heard?.ok_or(Lost::Closed)?;
                self.look_if_new(notification.payload());
            } else {
                // To listen again changes nothing, and `pg_stat_activity` goes on to say what this
                // connection is for.
                let again = format!("LISTEN \"{}\"", self.channel);
                let again = connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(again)));
                timeout(self.database.connect_timeout(), again).await??;
            }
            // A connection that is lost as soon as it is made is no success.
            backoff.succeed();
        }
    }

    /// A node hears its own notifications too, and several of the same commits.
    fn look_if_new(&self, head: &str) {
        let known = self.hub.head().get();
        if head.parse::<i64>().is_ok_and(|head| head > known) {
            self.look.notify_one();
        }
    }
}
