//! The connections: one writer and several readers, on SQLite or PostgreSQL, and what their errors mean.
//!
//! Together with `group.rs`, `insert.rs` and `select.rs` this is where the backends differ.

mod error;

pub(crate) use error::DatabaseError;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions as _, Executor as _};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
    TransactionOptions, TransactionTrait,
};

/// Where the log is kept, and how it is reached.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`.
    pub url: String,
    /// The most connections that reads use at once.
    pub read_connections: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one statement, or one group's transaction, may take.
    pub statement_timeout: Duration,
}

/// An open database: one writer, several readers.
pub struct Database {
    target: Target,
    options: DatabaseOptions,
    readers: DatabaseConnection,
    breaker: Breaker,
    statements: AtomicU64,
    /// What reads have sent since somebody last looked, for the tests that ask the database for its plans.
    #[cfg(test)]
    recorded: Mutex<Vec<Statement>>,
    /// Held as long as this process has the SQLite file.
    _file_lock: Option<File>,
}

#[derive(Clone)]
enum Target {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of another kind.
    #[error(
        "the database URL begins with `{0}`. Use sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/NAME."
    )]
    UnknownScheme(String),
    /// The URL is of a known kind, but cannot be read.
    #[error("the database URL cannot be used: {0}")]
    InvalidUrl(String),
    /// Another process has the SQLite file.
    #[error(
        "another process has the database {} open. A SQLite file serves one server process; stop the other \
         one, or use PostgreSQL for several.", .0.display()
    )]
    Held(PathBuf),
    /// The folder or lock file could not be made.
    #[error("the database folder of {} cannot be used: {source}", path.display())]
    Folder {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tables of the log are missing.
    #[error("the database has no tables of this store. Run `gamebot-event-store migrate` first.")]
    NotMigrated,
    /// The database does not answer, or not as it should.
    #[error("the database cannot be opened: {0}")]
    Database(String),
}

impl Database {
    /// Opens the database; of a SQLite file it makes the folder and takes the lock.
    ///
    /// Connections are made when they are first needed.
    pub fn open(options: DatabaseOptions) -> Result<Self, OpenError> {
        let target = Target::parse(&options)?;
        let file_lock = match &target {
            Target::Sqlite(sqlite) => Some(lock_file(sqlite.get_filename())?),
            Target::Postgres(_) => None,
        };
        let readers = target.readers(&options);
        Ok(Self {
            target,
            readers,
            breaker: Breaker::default(),
            statements: AtomicU64::new(0),
            #[cfg(test)]
            recorded: Mutex::default(),
            options,
            _file_lock: file_lock,
        })
    }

    /// Which of the two it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self.target {
            Target::Sqlite(_) => DbBackend::Sqlite,
            Target::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// A new connection that may write. On SQLite there must be only one at a time.
    pub fn writer(&self) -> DatabaseConnection {
        self.target.writer(&self.options)
    }

    /// How long one statement, or one group's transaction, may take.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.options.statement_timeout
    }

    /// The number of statements that reads have sent so far.
    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    fn record(&self, statement: Statement) {
        let recorded = self.recorded.lock();
        recorded
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(statement);
    }

    /// The statements that reads have sent since the last call.
    #[cfg(test)]
    pub(super) fn recorded(&self) -> Vec<Statement> {
        let recorded = self.recorded.lock();
        std::mem::take(&mut recorded.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Reads rows. A connection that died while it was idle is replaced once, unnoticed; when the database
    /// is away, reads fail at once for a moment instead of piling up.
    pub(super) async fn read(
        &self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        self.breaker.check()?;
        let result = match self.try_read(statement.clone()).await {
            Err(DatabaseError::Unavailable(_)) => self.try_read(statement).await,
            other => other,
        };
        self.breaker.note(&result);
        result
    }

    async fn try_read(&self, statement: Statement) -> Result<Vec<QueryResult>, DatabaseError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        #[cfg(test)]
        self.record(statement.clone());
        let limit = self.options.statement_timeout;
        let work = self.readers.query_all_raw(statement);
        let no_answer = format!("no answer within {limit:?}");
        match self.backend() {
            DbBackend::Sqlite => bounded(limit, work)
                .await
                .unwrap_or(Err(DatabaseError::TooSlow(no_answer))),
            _ => bounded(limit + ANSWER_MARGIN, work)
                .await
                .unwrap_or(Err(DatabaseError::Unavailable(no_answer))),
        }
    }

    /// Whether the database answers now.
    pub(super) async fn ping(&self) -> Result<(), DatabaseError> {
        let statement = Statement::from_string(self.backend(), "SELECT 1");
        let limit = self.options.connect_timeout;
        match bounded(limit, self.readers.query_all_raw(statement)).await {
            Some(result) => result.map(|_| ()),
            None => Err(DatabaseError::Unavailable(format!(
                "no answer within {limit:?}"
            ))),
        }
    }
}

/// Begins a transaction that will write. SQLite takes its write lock now: a transaction that begins as a
/// reader and then writes fails at once when somebody else has written in between.
pub(super) async fn begin(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    match writer.get_database_backend() {
        DbBackend::Sqlite => {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            writer.begin_with_options(options).await
        }
        _ => writer.begin().await,
    }
}

/// `None`: no answer within the limit.
async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Option<Result<T, DatabaseError>> {
    let result = tokio::time::timeout(limit, work).await.ok()?;
    Some(result.map_err(DatabaseError::from))
}

/// How much longer a reader waits than PostgreSQL lets the statement run: a server that is merely slow says
/// so by then, and one that does not is away.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

impl Target {
    fn parse(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let url = options.url.as_str();
        let scheme = url.split(':').next().unwrap_or_default();
        // The parsers' own messages may repeat the URL with its password, so only their kind is told.
        let unreadable = |what: &str| OpenError::InvalidUrl(what.to_owned());
        match scheme {
            "sqlite" => SqliteConnectOptions::from_str(url)
                .map(|sqlite| Self::Sqlite(sqlite_options(sqlite, options)))
                .map_err(|_| unreadable("use sqlite://PATH, for example sqlite://data/gamebot.db")),
            "postgres" | "postgresql" => PgConnectOptions::from_str(url)
                .map(|postgres| Self::Postgres(postgres_options(postgres)))
                .map_err(|_| {
                    unreadable("use postgres://USER:PASSWORD@HOST:PORT/NAME, each part URL-encoded")
                }),
            other => Err(OpenError::UnknownScheme(crate::stream::shown(other))),
        }
    }

    fn writer(&self, options: &DatabaseOptions) -> DatabaseConnection {
        match self {
            Self::Sqlite(sqlite) => {
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .test_before_acquire(false);
                let pool = pool
                    .acquire_timeout(options.connect_timeout)
                    .idle_timeout(None);
                let pool = pool.max_lifetime(None).connect_lazy_with(sqlite.clone());
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
            }
            // Two, so that the next group need not wait until the pool has taken the last connection back.
            Self::Postgres(postgres) => {
                SqlxPostgresConnector::from_sqlx_postgres_pool(postgres_pool(postgres, options, 2))
            }
        }
    }

    fn readers(&self, options: &DatabaseOptions) -> DatabaseConnection {
        match self {
            Self::Sqlite(sqlite) => {
                let pool = SqlitePoolOptions::new().max_connections(options.read_connections);
                let pool = pool
                    .acquire_timeout(options.connect_timeout)
                    .test_before_acquire(false);
                let pool = pool.connect_lazy_with(sqlite.clone().pragma("query_only", "1"));
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
            }
            Self::Postgres(postgres) => SqlxPostgresConnector::from_sqlx_postgres_pool(
                postgres_pool(postgres, options, options.read_connections),
            ),
        }
    }
}

fn sqlite_options(sqlite: SqliteConnectOptions, options: &DatabaseOptions) -> SqliteConnectOptions {
    sqlite
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.statement_timeout)
        // A checkpoint holds up the commit that triggers it. Every 40 MiB instead of every 4, it is rarer than
        // one commit in a hundred, and writes a page that many commits changed once.
        .pragma("wal_autocheckpoint", "10000")
        // The write-ahead log shrinks back to this size after a burst.
        .pragma("journal_size_limit", "67108864")
        // Without it, REPLACE would delete rows without asking the triggers.
        .pragma("recursive_triggers", "1")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

fn postgres_options(postgres: PgConnectOptions) -> PgConnectOptions {
    postgres
        .application_name("gamebot-event-store")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

fn postgres_pool(
    postgres: &PgConnectOptions,
    options: &DatabaseOptions,
    connections: u32,
) -> sqlx::PgPool {
    let timeout = options.statement_timeout.as_millis();
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.connect_timeout)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                // A node that vanishes while it holds the head of the log must not hold it for ever.
                // Appends read what they locked, so they need READ COMMITTED whatever the database's
                // default is; and an acknowledged append is durable whatever the default is (rule A5).
                let settings = format!(
                    "SET statement_timeout = {timeout};
                     SET idle_in_transaction_session_timeout = {timeout};
                     SET default_transaction_isolation = 'read committed';
                     SELECT set_config('synchronous_commit', 'on', false)
                      WHERE current_setting('synchronous_commit') = 'off'"
                );
                connection
                    .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(settings)))
                    .await?;
                Ok(())
            })
        })
        .connect_lazy_with(postgres.clone())
}

/// Makes the folder and takes the lock beside the database file. The system frees the lock when the process
/// ends, however it ends.
fn lock_file(database: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder {
        path: database.to_owned(),
        source,
    };
    if let Some(folder) = database
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let file = File::create(PathBuf::from(name)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Held(database.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Lets reads fail at once while the database is away: one of them tries every half second.
#[derive(Default)]
struct Breaker {
    open_until: Mutex<Option<Instant>>,
}

const BREAKER_PAUSE: Duration = Duration::from_millis(500);

impl Breaker {
    fn check(&self) -> Result<(), DatabaseError> {
        let mut open_until = self
            .open_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match *open_until {
            Some(until) if Instant::now() < until => Err(DatabaseError::Unavailable(
                "it was away a moment ago".to_owned(),
            )),
            Some(_) => {
                // This read tries; the others go on failing fast until it has come back.
                *open_until = Some(Instant::now() + BREAKER_PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn note<T>(&self, result: &Result<T, DatabaseError>) {
        let away = matches!(result, Err(DatabaseError::Unavailable(_)));
        let mut open_until = self
            .open_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *open_until = away.then(|| Instant::now() + BREAKER_PAUSE);
    }
}
