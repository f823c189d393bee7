//! Snapshots: what the events of a stream come to at a version, so that it need not be found out again.

use sea_orm_migration::prelude::*;

use crate::words::run;

/// Adds the table of snapshots.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A snapshot is a cache that the database keeps: the log alone is the truth, and a row may be lost, changed or
/// deleted at any time without a wrong answer. `event_hash` is the link of the log's chain that the last folded
/// event is, `checksum` covers every other column.
const TABLES: &[&str] = &["CREATE TABLE snapshots (
        stream_id {bigint} NOT NULL REFERENCES streams (id),
        state_version {integer} NOT NULL CHECK (state_version >= 1),
        stream_version {integer} NOT NULL CHECK (stream_version >= 1),
        first_version {integer} NOT NULL CHECK (first_version >= 1),
        event_hash {bytes} NOT NULL,
        state {text} NOT NULL,
        checksum {bytes} NOT NULL,
        created_at {bigint} NOT NULL,
        CONSTRAINT snapshots_key PRIMARY KEY (stream_id, state_version, stream_version)
    ){strict}"];

const DOWN: &[&str] = &["DROP TABLE snapshots"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}
