//! The life of a stream: what its metadata says, what is hidden and why, what is already removed; and the
//! long-running operations of the store.

use sea_orm_migration::prelude::*;

use crate::words::{is_sqlite, run};

/// Adds the columns of a stream's life, and the table of operations.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Both backends, in the order of execution. A column is added by a statement of its own, since SQLite
/// adds no more at a time, and its check names no other column, so that it can be dropped again.
///
/// `deleted_through` tells what a deletion has hidden from what retention has hidden. `scavenged_through`
/// belongs to the scavenger alone: no append writes it. What a stream's metadata says beside its limits
/// stands in the event at `metadata_position`, once.
const TABLES: &[&str] = &[
    "ALTER TABLE streams ADD COLUMN deleted_through {integer} NOT NULL DEFAULT 0 CHECK (deleted_through >= 0)",
    "ALTER TABLE streams ADD COLUMN max_age_ms {bigint} CHECK (max_age_ms > 0)",
    "ALTER TABLE streams ADD COLUMN max_count {integer} CHECK (max_count > 0)",
    "ALTER TABLE streams ADD COLUMN truncate_before {integer} CHECK (truncate_before > 0)",
    "ALTER TABLE streams ADD COLUMN metadata_version {integer} NOT NULL DEFAULT 0 CHECK (metadata_version >= 0)",
    "ALTER TABLE streams ADD COLUMN metadata_position {bigint} CHECK (metadata_position > 0)",
    "ALTER TABLE streams ADD COLUMN scavenged_through {integer} NOT NULL DEFAULT 0 CHECK (scavenged_through >= 0)",
    // What a scavenge has to look at: few streams among many.
    "CREATE INDEX streams_to_scavenge ON streams (id)
        WHERE hidden_through > scavenged_through OR max_age_ms IS NOT NULL",
    // Finished games are archived, so that most streams are; lists are of the others.
    "CREATE INDEX streams_in_use ON streams (name) WHERE status <> 2",
    // One row per operation. Its node says with `heartbeat_at` that it is still at work; where it falls
    // silent, another node goes on after `resume_after`.
    "CREATE TABLE operations (
        id {uuid} PRIMARY KEY,
        kind {text} NOT NULL,
        state {integer} NOT NULL CHECK (state BETWEEN 0 AND 4),
        arguments {text} NOT NULL,
        done {bigint} NOT NULL CHECK (done >= 0),
        total {bigint} CHECK (total >= 0),
        resume_after {bigint} NOT NULL,
        result {text},
        error {text},
        node_id {uuid},
        heartbeat_at {bigint} NOT NULL,
        created_at {bigint} NOT NULL,
        started_at {bigint},
        finished_at {bigint}
    ){strict}",
    "CREATE INDEX operations_created ON operations (created_at, id)",
    "CREATE INDEX operations_unfinished ON operations (created_at, id) WHERE state < 2",
];

const DOWN: &[&str] = &[
    "DROP TABLE operations",
    "DROP INDEX streams_in_use",
    "DROP INDEX streams_to_scavenge",
    "ALTER TABLE streams DROP COLUMN scavenged_through",
    "ALTER TABLE streams DROP COLUMN metadata_position",
    "ALTER TABLE streams DROP COLUMN metadata_version",
    "ALTER TABLE streams DROP COLUMN truncate_before",
    "ALTER TABLE streams DROP COLUMN max_count",
    "ALTER TABLE streams DROP COLUMN max_age_ms",
    "ALTER TABLE streams DROP COLUMN deleted_through",
];

/// A store serves one operation of a kind at a time; PostgreSQL rewrites its rows in place.
const POSTGRES_STORAGE: &[&str] = &["ALTER TABLE operations SET (fillfactor = 50)"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, TABLES).await?;
        if is_sqlite(manager) {
            return Ok(());
        }
        run(manager, POSTGRES_STORAGE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}
