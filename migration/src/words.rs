//! How the statements of a migration become those of a backend.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// The words that differ: (marker, SQLite, PostgreSQL).
///
/// Text is compared byte by byte on both: SQLite's default `BINARY` collation and PostgreSQL's `"C"`.
const WORDS: &[(&str, &str, &str)] = &[
    ("{key}", "INTEGER", "bigint"),
    ("{bigint}", "INTEGER", "bigint"),
    ("{integer}", "INTEGER", "integer"),
    ("{text}", "TEXT", "text COLLATE \"C\""),
    ("{bytes}", "BLOB", "bytea"),
    ("{uuid}", "BLOB", "uuid"),
    ("{strict}", " STRICT", ""),
    ("{random_uuid}", "randomblob(16)", "gen_random_uuid()"),
    (
        "{zero_hash}",
        "zeroblob(32)",
        "decode(repeat('00', 32), 'hex')",
    ),
];

pub(crate) fn is_sqlite(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DbBackend::Sqlite
}

/// Runs the statements one after the other, each `{word}` replaced by the backend's own.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let is_sqlite = is_sqlite(manager);
    if !is_sqlite {
        // What is quick on new tables takes its time on full ones. Each migration is a transaction.
        connection
            .execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
    }
    for statement in statements {
        let sql = WORDS.iter().fold(
            (*statement).to_owned(),
            |sql, (marker, sqlite, postgres)| {
                sql.replace(marker, if is_sqlite { sqlite } else { postgres })
            },
        );
        connection.execute_unprepared(&sql).await?;
    }
    Ok(())
}
