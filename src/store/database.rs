//! The connections: one writer and several readers, on SQLite or PostgreSQL, and what their errors mean.
//!
//! Together with `group.rs`, `insert.rs` and `select.rs` this is where the backends differ.

mod breaker;
mod error;
mod postgres;
mod reader;
mod sqlite;

pub(crate) use error::DatabaseError;
pub(super) use reader::Reader;

use std::fs::File;
use std::path::{Path, PathBuf};
#[cfg(test)]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::{self, sqlite::SqliteConnectOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use breaker::Breaker;
use postgres::{Access, Postgres};
use reader::no_answer;

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
    /// A way to the same PostgreSQL database whose sessions last: to listen, and for migrations. None: `url`
    /// itself, unless a transaction pooler lies there.
    pub listen_url: Option<String>,
    /// Whether `url` leads through a pooler that lends connections for one transaction at a time.
    pub transaction_pooler: bool,
}

/// An open database: one writer, several readers.
pub struct Database {
    target: Target,
    options: DatabaseOptions,
    readers: Reader,
    breaker: Breaker,
    statements: AtomicU64,
    /// The turn at SQLite's write lock.
    turn: tokio::sync::Mutex<()>,
    /// What reads have sent since somebody last looked, for the tests that ask the database for its plans.
    #[cfg(test)]
    recorded: Mutex<Vec<Statement>>,
    /// Held as long as this process has the SQLite file.
    _file_lock: Option<File>,
}

#[derive(Clone)]
enum Target {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<Postgres>),
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
    /// Tables cannot be changed through a transaction pooler.
    #[error(
        "migrations need a session of their own, and database.transaction_pooler says that database.url leads \
         through a pooler. Set database.listen_url to reach PostgreSQL directly; or set \
         database.migrate_at_start = false, and run `gamebot-event-store migrate` with a direct database.url."
    )]
    NoDirectWay,
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
            Target::Sqlite(sqlite) => Some(sqlite::lock_file(sqlite.get_filename())?),
            Target::Postgres(_) => None,
        };
        Ok(Self {
            readers: target.reader(&options, options.read_connections),
            target,
            breaker: Breaker::default(),
            statements: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
            #[cfg(test)]
            recorded: Mutex::default(),
            options,
            _file_lock: file_lock,
        })
    }

    /// Opens a database for what can be made again from the log: a power cut may take its last commits back,
    /// all of them together, and nothing waits for the disk.
    pub fn open_derived(options: DatabaseOptions) -> Result<Self, OpenError> {
        let mut database = Self::open(options)?;
        if let Target::Sqlite(sqlite) = &mut database.target {
            **sqlite = sqlite::derived(sqlite.as_ref().clone());
        }
        Ok(database)
    }

    /// Which of the two it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self.target {
            Target::Sqlite(_) => DbBackend::Sqlite,
            Target::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// The file of SQLite; none of PostgreSQL.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::Sqlite(sqlite) => Some(sqlite.get_filename()),
            Target::Postgres(_) => None,
        }
    }

    /// A new connection that may write. On SQLite only whoever has the `write_turn` uses
    /// it.
    pub fn writer(&self) -> DatabaseConnection {
        match &self.target {
            Target::Sqlite(sqlite) => sqlite::writer(sqlite, &self.options),
            // Two, so that the next group need not wait until the pool has taken the last connection back.
            Target::Postgres(postgres) => postgres.connections(2),
        }
    }

    /// A new connection that may change tables: as `writer`, but never through a transaction pooler.
    pub fn migrator(&self) -> Result<DatabaseConnection, OpenError> {
        match &self.target {
            Target::Sqlite(_) => Ok(self.writer()),
            Target::Postgres(postgres) => postgres
                .lasting_connections(2)
                .ok_or(OpenError::NoDirectWay),
        }
    }

    /// Begins a transaction that will write. SQLite takes its write lock now: a transaction that begins as a
    /// reader and then writes fails at once when somebody else has written in between.
    pub async fn begin(&self, writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
        let Target::Postgres(postgres) = &self.target else {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            return writer.begin_with_options(options).await;
        };
        let transaction = writer.begin().await?;
        if let Some(set_up) = postgres.transaction_set_up(Access::ReadWrite) {
            transaction.execute_unprepared(&set_up).await?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that writes what can be made again from the log: its commit need not wait for the
    /// disk, since a checkpoint that is lost is lost together with what it covers.
    pub(crate) async fn begin_derived(
        &self,
        writer: &DatabaseConnection,
    ) -> Result<DatabaseTransaction, DbErr> {
        let transaction = self.begin(writer).await?;
        if self.backend() == DbBackend::Postgres {
            let relaxed = "SET LOCAL synchronous_commit = off";
            transaction.execute_unprepared(relaxed).await?;
        }
        Ok(transaction)
    }

    /// A transaction that reads one moment of the database.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, DatabaseError> {
        self.breaker.check()?;
        let opened = self.readers.snapshot().await;
        self.breaker.note(&opened);
        opened
    }

    /// A connection on which the store reads for itself, so that slow reads of callers do not hold it up.
    pub(super) fn own_reader(&self) -> Reader {
        self.target.reader(&self.options, 1)
    }

    /// A connection that tells other nodes; none where there are none.
    pub(super) fn notifier(&self) -> Option<DatabaseConnection> {
        match &self.target {
            Target::Sqlite(_) => None,
            Target::Postgres(postgres) => Some(postgres.connections(1)),
        }
    }

    /// A connection to listen to other nodes; none where there are none, or a pooler lies between.
    pub(super) fn listener(&self) -> Option<sqlx::PgPool> {
        match &self.target {
            Target::Sqlite(_) => None,
            Target::Postgres(postgres) => postgres.listener(),
        }
    }

    /// How long to wait for a connection.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.options.connect_timeout
    }

    /// Waits for the turn to write, which ends when the answer is dropped. SQLite has one write lock, and
    /// whoever finds it taken tries again and again without any order; here they stand in line, so that an
    /// append waits for one batch of other work at most. On PostgreSQL nobody waits.
    pub(crate) async fn write_turn(&self) -> Option<WriteTurn<'_>> {
        match self.target {
            Target::Sqlite(_) => Some(self.turn.lock().await),
            Target::Postgres(_) => None,
        }
    }

    /// How long one statement, or one group's transaction, may take.
    pub(crate) fn statement_timeout(&self) -> Duration {
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
        self.readers.rows(statement).await
    }

    /// Whether the database answers now.
    pub(super) async fn ping(&self) -> Result<(), DatabaseError> {
        let statement = Statement::from_string(self.backend(), "SELECT 1");
        let limit = self.options.connect_timeout;
        match self.readers.rows_within(limit, statement).await {
            Some(result) => result.map(|_| ()),
            None => Err(DatabaseError::Unavailable(no_answer(limit))),
        }
    }
}

/// The turn to write.
pub(crate) type WriteTurn<'a> = tokio::sync::MutexGuard<'a, ()>;

impl Target {
    fn parse(options: &DatabaseOptions) -> Result<Self, OpenError> {
        let scheme = options.url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => sqlite::parse(options)
                .map(|sqlite| Self::Sqlite(Box::new(sqlite)))
                .ok_or_else(|| {
                    let use_this = "use sqlite://PATH, for example sqlite://data/gamebot.db";
                    OpenError::InvalidUrl(use_this.to_owned())
                }),
            "postgres" | "postgresql" => {
                Postgres::parse(options).map(|postgres| Self::Postgres(Box::new(postgres)))
            }
            other => Err(OpenError::UnknownScheme(crate::stream::shown(other))),
        }
    }

    fn reader(&self, options: &DatabaseOptions, connections: u32) -> Reader {
        let statement_timeout = options.statement_timeout;
        match self {
            Self::Sqlite(sqlite) => Reader {
                connections: sqlite::readers(sqlite, options, connections),
                statement_timeout,
                transaction_set_up: None,
            },
            Self::Postgres(postgres) => Reader {
                connections: postgres.connections(connections),
                statement_timeout,
                transaction_set_up: postgres.transaction_set_up(Access::ReadOnly),
            },
        }
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
