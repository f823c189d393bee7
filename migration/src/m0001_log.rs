//! The log: its head, its streams, its events, and the triggers that keep it append-only.
//!
//! The statements are written out, since what matters here (collation, partial indexes, strict tables,
//! triggers) is what a table builder hides. `{…}` marks the few words that differ between the backends.

use sea_orm_migration::prelude::*;

use crate::words::{is_sqlite, run};

/// Creates the tables of the log.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Both backends, in the order of execution.
///
/// `log_head` has exactly one row. Locking it is what serialises appends, so it also holds everything that
/// an append must know about the log as a whole: the last position, the last hash of the chain, the last
/// recording time and the next free stream id. Nothing is taken from a sequence: a sequence gives numbers
/// out before the commit, and that is how other stores came to skip events.
const TABLES: &[&str] = &[
    "CREATE TABLE log_head (
        id {integer} PRIMARY KEY CHECK (id = 1),
        store_id {uuid} NOT NULL,
        position {bigint} NOT NULL CHECK (position >= 0),
        hash {bytes} NOT NULL,
        recorded_at {bigint} NOT NULL,
        next_stream_id {bigint} NOT NULL
    ){strict}",
    "INSERT INTO log_head (id, store_id, position, hash, recorded_at, next_stream_id)
     VALUES (1, {random_uuid}, 0, {zero_hash}, 0, 1)",
    "CREATE TABLE streams (
        id {key} PRIMARY KEY,
        name {text} NOT NULL UNIQUE,
        category {text} NOT NULL,
        guild_id {text},
        version {integer} NOT NULL CHECK (version >= 0),
        status {integer} NOT NULL CHECK (status BETWEEN 0 AND 3),
        hidden_through {integer} NOT NULL CHECK (hidden_through BETWEEN 0 AND version),
        max_events {integer},
        created_at {bigint} NOT NULL,
        updated_at {bigint} NOT NULL
    ){strict}",
    "CREATE TABLE events (
        position {key} PRIMARY KEY,
        event_id {uuid} NOT NULL UNIQUE,
        stream_id {bigint} NOT NULL REFERENCES streams (id),
        stream_version {integer} NOT NULL CHECK (stream_version >= 1),
        category {text} NOT NULL,
        guild_id {text},
        event_type {text} NOT NULL,
        schema_version {integer} NOT NULL CHECK (schema_version >= 1),
        data {text},
        metadata {text},
        salt {bytes},
        correlation_id {text} NOT NULL,
        causation_id {text},
        actor_id {text},
        recorded_at {bigint} NOT NULL,
        content_hash {bytes} NOT NULL,
        hash {bytes} NOT NULL,
        CONSTRAINT events_stream_version UNIQUE (stream_id, stream_version)
    ){strict}",
    // One index behind each filter. Each ends with the position, so that a page of the log under that
    // filter is one walk along the index, already in order.
    "CREATE INDEX streams_category ON streams (category, name)",
    "CREATE INDEX streams_guild ON streams (guild_id, name) WHERE guild_id IS NOT NULL",
    "CREATE INDEX streams_updated ON streams (updated_at, name)",
    "CREATE INDEX streams_created ON streams (created_at, name)",
    "CREATE INDEX events_category ON events (category, position)",
    "CREATE INDEX events_type ON events (event_type, position)",
    "CREATE INDEX events_guild ON events (guild_id, position) WHERE guild_id IS NOT NULL",
    "CREATE INDEX events_correlation ON events (correlation_id, position)",
    "CREATE INDEX events_causation ON events (causation_id, position) WHERE causation_id IS NOT NULL",
    "CREATE INDEX events_actor ON events (actor_id, position) WHERE actor_id IS NOT NULL",
    "CREATE INDEX events_recorded_at ON events (recorded_at, position)",
];

/// A payload may leave the table only while a permit exists, written by the same transaction.
///
/// SQLite has one writer and its permit is deleted before the commit; PostgreSQL's permit names its
/// transaction, so that a permit left behind is worth nothing.
const SQLITE_TRIGGERS: &[&str] = &[
    "CREATE TABLE removal_permits (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT",
    "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN
        SELECT RAISE(ABORT, 'events are append-only: DELETE is refused');
     END",
    "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
     WHEN NOT (
        EXISTS (SELECT 1 FROM removal_permits)
        AND NEW.data IS NULL AND NEW.metadata IS NULL AND NEW.salt IS NULL
        AND NEW.position IS OLD.position AND NEW.event_id IS OLD.event_id
        AND NEW.stream_id IS OLD.stream_id AND NEW.stream_version IS OLD.stream_version
        AND NEW.category IS OLD.category AND NEW.guild_id IS OLD.guild_id
        AND NEW.event_type IS OLD.event_type AND NEW.schema_version IS OLD.schema_version
        AND NEW.correlation_id IS OLD.correlation_id AND NEW.causation_id IS OLD.causation_id
        AND NEW.actor_id IS OLD.actor_id AND NEW.recorded_at IS OLD.recorded_at
        AND NEW.content_hash IS OLD.content_hash AND NEW.hash IS OLD.hash
     ) BEGIN
        SELECT RAISE(ABORT, 'events are append-only: UPDATE is refused');
     END",
    "CREATE TRIGGER streams_refuse_delete BEFORE DELETE ON streams BEGIN
        SELECT RAISE(ABORT, 'streams are never deleted: a name keeps its versions for ever');
     END",
    "CREATE TRIGGER log_head_refuse_delete BEFORE DELETE ON log_head BEGIN
        SELECT RAISE(ABORT, 'the head of the log is never deleted');
     END",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "CREATE TABLE removal_permits (
        id integer PRIMARY KEY CHECK (id = 1),
        transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
     )",
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
     END $$",
    "CREATE FUNCTION refuse_event_update() RETURNS trigger LANGUAGE plpgsql AS $$
     DECLARE kept events%ROWTYPE;
     BEGIN
        kept := OLD;
        kept.data := NULL;
        kept.metadata := NULL;
        kept.salt := NULL;
        IF NEW IS DISTINCT FROM kept OR NOT EXISTS (
            SELECT 1 FROM removal_permits WHERE transaction_id = pg_current_xact_id()
        ) THEN
            RAISE EXCEPTION 'events are append-only: UPDATE is refused'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
     END $$",
    "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
        FOR EACH ROW EXECUTE FUNCTION refuse_event_update()",
    "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
        FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER streams_refuse_delete BEFORE DELETE ON streams
        FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER streams_refuse_truncate BEFORE TRUNCATE ON streams
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER log_head_refuse_delete BEFORE DELETE ON log_head
        FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER log_head_refuse_truncate BEFORE TRUNCATE ON log_head
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
];

/// Frequent small updates of the same rows: room in the page keeps them heap-only, without index work.
const POSTGRES_STORAGE: &[&str] = &[
    "ALTER TABLE log_head SET (fillfactor = 10)",
    "ALTER TABLE streams SET (fillfactor = 70)",
];

const DOWN: &[&str] = &[
    "DROP TABLE events",
    "DROP TABLE streams",
    "DROP TABLE log_head",
    "DROP TABLE removal_permits",
];

const POSTGRES_DOWN: &[&str] = &[
    "DROP FUNCTION refuse_change()",
    "DROP FUNCTION refuse_event_update()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, TABLES).await?;
        run(
            manager,
            if is_sqlite(manager) {
                SQLITE_TRIGGERS
            } else {
                POSTGRES_TRIGGERS
            },
        )
        .await?;
        run(
            manager,
            if is_sqlite(manager) {
                &[]
            } else {
                POSTGRES_STORAGE
            },
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await?;
        run(
            manager,
            if is_sqlite(manager) {
                &[]
            } else {
                POSTGRES_DOWN
            },
        )
        .await
    }
}
