//! A SQLite file: its lock, its one writer and its readers.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{DatabaseConnection, SqlxSqliteConnector};

use super::{DatabaseOptions, OpenError};

/// What the file's URL says, or none if it cannot be read.
pub(super) fn parse(options: &DatabaseOptions) -> Option<SqliteConnectOptions> {
    let sqlite = SqliteConnectOptions::from_str(&options.url).ok()?;
    Some(sqlite_options(sqlite, options))
}

/// The one connection that writes.
pub(super) fn writer(
    sqlite: &SqliteConnectOptions,
    options: &DatabaseOptions,
) -> DatabaseConnection {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(options.connect_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(sqlite.clone());
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
}

/// Connections that can only read.
pub(super) fn readers(
    sqlite: &SqliteConnectOptions,
    options: &DatabaseOptions,
    connections: u32,
) -> DatabaseConnection {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.connect_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(sqlite.clone().pragma("query_only", "1"));
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
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
        // Rows go from SQLite's thread to the reader's through a channel. All rows are collected anyway, and a
        // channel that is never full is not waited for at every row.
        .row_buffer_size(2048)
        .disable_statement_logging()
}

/// The same for a file that can be made again from the log. Its transactions are large: with SQLite's usual
/// 2 MB of cache their pages go to the disk several times, and what a statement would take back goes to files of
/// its own.
pub(super) fn derived(sqlite: SqliteConnectOptions) -> SqliteConnectOptions {
    sqlite
        .synchronous(SqliteSynchronous::Normal)
        // In KiB, for each connection that writes. An index is sorted in it, too.
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "MEMORY")
}

/// The one name of a file, whichever way leads to it: a link must not lead past the lock.
fn real_path(database: &Path) -> PathBuf {
    let in_folder = || {
        let folder = database.parent()?.canonicalize().ok()?;
        Some(folder.join(database.file_name()?))
    };
    let existing = database.canonicalize().ok();
    existing
        .or_else(in_folder)
        .unwrap_or_else(|| database.to_owned())
}

/// Makes the folder and takes the lock beside the database file. The system frees the lock when the process
/// ends, however it ends.
pub(super) fn lock_file(database: &Path) -> Result<File, OpenError> {
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
    let mut name = real_path(database).into_os_string();
    name.push(".lock");
    let file = File::create(PathBuf::from(name)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Held(database.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
