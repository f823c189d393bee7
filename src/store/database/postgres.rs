//! A PostgreSQL database: how it is reached, and how sessions, or transactions behind a pooler, are set up.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions as _, Executor as _};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};

use super::{DatabaseOptions, OpenError};

/// A PostgreSQL database and the ways to it.
#[derive(Clone)]
pub(super) struct Postgres {
    /// Reads, appends and notifications.
    main: PgConnectOptions,
    /// To the same database, with no transaction pooler in between; none if no such way is known.
    direct: Option<PgConnectOptions>,
    connect_timeout: Duration,
    statement_timeout: Duration,
    behind_pooler: bool,
}

impl Postgres {
    pub(super) fn parse(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let main = connect_options(&options.url)?;
        let listen = options.listen_url.as_deref();
        let direct = listen.map(connect_options).transpose()?;
        let behind_pooler = options.transaction_pooler;
        let postgres = Self {
            direct: direct.or_else(|| (!behind_pooler).then(|| main.clone())),
            main,
            connect_timeout: options.connect_timeout,
            statement_timeout: options.statement_timeout,
            behind_pooler,
        };
        Ok(if behind_pooler {
            postgres.without_sessions()
        } else {
            postgres
        })
    }

    /// Behind a pooler a prepared statement is gone with the transaction that made it, and a parameter that
    /// the pooler does not know refuses the connection.
    fn without_sessions(mut self) -> Self {
        self.main = self
            .main
            .statement_cache_capacity(0)
            .extra_float_digits(None);
        self
    }

    /// Connections for statements.
    pub(super) fn connections(&self, most: u32) -> DatabaseConnection {
        let pool = if self.behind_pooler {
            self.pool(most).connect_lazy_with(self.main.clone())
        } else {
            self.sessions(most).connect_lazy_with(self.main.clone())
        };
        SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
    }

    /// Connections whose sessions last; none if no way without a pooler is known.
    pub(super) fn lasting_connections(&self, most: u32) -> Option<DatabaseConnection> {
        if !self.behind_pooler {
            return Some(self.connections(most));
        }
        let pool = self.sessions(most).connect_lazy_with(self.direct.clone()?);
        Some(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }

    /// One connection to listen on; none if a pooler lies between.
    pub(super) fn listener(&self) -> Option<sqlx::PgPool> {
        // One that is idle for long is what a listener's connection should be.
        let pool = self.pool(1).idle_timeout(None).max_lifetime(None);
        Some(pool.connect_lazy_with(self.direct.clone()?))
    }

    fn pool(&self, most: u32) -> PgPoolOptions {
        PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(self.connect_timeout)
            .test_before_acquire(false)
    }

    fn sessions(&self, most: u32) -> PgPoolOptions {
        let timeout = self.statement_timeout.as_millis();
        self.pool(most).after_connect(move |connection, _| {
            Box::pin(async move {
                // A node that vanishes while it holds the head of the log must not hold it for ever.
                // Appends read what they locked, so they need READ COMMITTED whatever the database's
                // default is; a page takes a millisecond, and compiling its plan a hundred; and an acknowledged append is durable whatever the default is (rule A5).
                let settings = format!(
                    "SET statement_timeout = {timeout};
                     SET idle_in_transaction_session_timeout = {timeout};
                     SET default_transaction_isolation = 'read committed';
                     SET jit = off;
                     SELECT set_config('synchronous_commit', 'on', false)
                      WHERE current_setting('synchronous_commit') = 'off'"
                );
                connection
                    .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(settings)))
                    .await?;
                Ok(())
            })
        })
    }

    /// What begins each transaction behind a pooler, as one message: what `sessions` sets for a session, and
    /// an end to the prepared statements that others have left there, which have the same names as ours.
    ///
    /// None where sessions last.
    pub(super) fn transaction_set_up(&self, access: Access) -> Option<String> {
        let timeout = self.statement_timeout.as_millis();
        let mode = match access {
            Access::ReadWrite => "READ WRITE",
            Access::ReadOnly => "READ ONLY",
        };
        self.behind_pooler.then(|| {
            format!(
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, {mode};
                 DEALLOCATE ALL;
                 SET LOCAL statement_timeout = {timeout};
                 SET LOCAL idle_in_transaction_session_timeout = {timeout};
                 SET LOCAL jit = off;
                 SELECT set_config('synchronous_commit', 'on', true)
                  WHERE current_setting('synchronous_commit') = 'off'"
            )
        })
    }
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadOnly,
    ReadWrite,
}

fn connect_options(url: &str) -> Result<PgConnectOptions, OpenError> {
    // The parser's own messages may repeat the URL with its password.
    let postgres = PgConnectOptions::from_str(url).map_err(|_| {
        let use_this = "use postgres://USER:PASSWORD@HOST:PORT/NAME, each part URL-encoded";
        OpenError::InvalidUrl(use_this.to_owned())
    })?;
    Ok(postgres
        .application_name("gamebot-event-store")
        .statement_cache_capacity(256)
        .disable_statement_logging())
}
