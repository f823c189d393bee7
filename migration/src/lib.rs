//! The frozen history of the tables. A released migration never changes; a new need is a new migration.
//!
//! This crate imports neither `entity` nor the server: a migration written today must still mean the same
//! when the rows that it made have long got other names.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait,
};

mod m0001_log;
mod m0002_lifecycle;
mod m0003_snapshots;
mod words;

/// All migrations, oldest first.
struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_log::Migration),
            Box::new(m0002_lifecycle::Migration),
            Box::new(m0003_snapshots::Migration),
        ]
    }
}

/// Why the tables could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version of the program has changed the tables.
    #[error(
        "the database is newer than this program: it has the migration `{}`, which this version does not know. \
         Run the newer version; to go back, let it take its migrations back first (migrate down).",
        unknown.join("`, `")
    )]
    Newer {
        /// The migrations that this version does not know, oldest first.
        unknown: Vec<String>,
    },
    /// An older version of the program made the tables, and nobody has brought them up to date.
    #[error(
        "the database is older than this program: it lacks the migration `{}`. \
         Run `gamebot-event-store migrate` first.",
        pending.join("`, `")
    )]
    Older {
        /// The migrations that the database lacks, oldest first.
        pending: Vec<String>,
    },
    /// There is no way to the database.
    #[error(
        "the database cannot be reached: {0}. Is it running, and does it take connections from here?"
    )]
    Unreachable(DbErr),
    /// The database refused.
    #[error("the database refused to change its tables: {0}")]
    Database(DbErr),
}

impl From<DbErr> for MigrationError {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Self::Unreachable(error),
            other => Self::Database(other),
        }
    }
}

/// A migration, and whether it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub is_applied: bool,
}

/// Applies every migration that is not applied yet. Several processes may do so at once.
pub async fn up(database: &DatabaseConnection) -> Result<(), MigrationError> {
    up_by(database, None).await
}

/// Applies the next `steps` migrations that are not applied yet, all if `None`.
pub async fn up_by(
    database: &DatabaseConnection,
    steps: Option<u32>,
) -> Result<(), MigrationError> {
    alone(database, async || {
        refuse_newer(database).await?;
        Ok(Migrator::up(database, steps).await?)
    })
    .await
}

/// Takes the last `steps` migrations back, all if `None`. What is in tables that go is lost.
pub async fn down(database: &DatabaseConnection, steps: Option<u32>) -> Result<(), MigrationError> {
    alone(database, async || {
        refuse_newer(database).await?;
        Ok(Migrator::down(database, steps).await?)
    })
    .await
}

/// Every migration that this version knows, oldest first.
pub async fn status<C>(database: &C) -> Result<Vec<Status>, MigrationError>
where
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let applied = applied(database).await?;
    let known = Migrator::migrations()
        .into_iter()
        .map(|migration| migration.name().to_owned());
    Ok(known
        .map(|name| Status {
            is_applied: applied.contains(&name),
            name,
        })
        .collect())
}

/// Refuses a database that a newer version of the program has changed.
pub async fn refuse_newer<C>(database: &C) -> Result<(), MigrationError>
where
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let mut unknown = applied(database).await?;
    unknown.retain(|name| !known.contains(name));
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(MigrationError::Newer { unknown })
    }
}

/// Refuses a database whose tables are not exactly those of this version, newer or older: a server on them
/// would fail later, at the first statement that needs what is missing.
pub async fn refuse_other<C>(database: &C) -> Result<(), MigrationError>
where
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    refuse_newer(database).await?;
    let mut pending = status(database).await?;
    pending.retain(|migration| !migration.is_applied);
    if pending.is_empty() {
        return Ok(());
    }
    let pending = pending
        .into_iter()
        .map(|migration| migration.name)
        .collect();
    Err(MigrationError::Older { pending })
}

async fn applied<C>(database: &C) -> Result<Vec<String>, DbErr>
where
    C: ConnectionTrait,
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    if !SchemaManager::new(database)
        .has_table("seaql_migrations")
        .await?
    {
        return Ok(Vec::new());
    }
    let models = Migrator::get_migration_models(database).await?;
    Ok(models.into_iter().map(|model| model.version).collect())
}

/// `GBES` in ASCII: the advisory lock of this program's migrations.
const LOCK: i64 = 0x4742_4553;

/// Lets one process at a time change the tables. The lock belongs to a transaction of its own, so that it is
/// freed however the process ends, also behind a pooler. A SQLite file has one process anyway.
async fn alone(
    database: &DatabaseConnection,
    work: impl AsyncFnOnce() -> Result<(), MigrationError>,
) -> Result<(), MigrationError> {
    if database.get_database_backend() == DbBackend::Sqlite {
        return work().await;
    }
    let lock = database.begin().await?;
    // It waits as long as another process migrates, and is idle as long as this one does.
    lock.execute_unprepared(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '1h'",
    )
    .await?;
    let sql = format!("SELECT pg_advisory_xact_lock({LOCK})");
    lock.execute_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    let outcome = work().await;
    lock.commit().await?;
    outcome
}
