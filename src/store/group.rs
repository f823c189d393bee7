//! The transaction of one group of appends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::{event, log_head, stream};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Iden, QueryResult,
    Statement, Value,
};
use uuid::Uuid;

use super::append::{Committed, PreparedAppend};
use super::database::{self, DatabaseError};
use super::judge::{Head, View};
use super::refusal::Refusal;
use super::row::{self, EVENT_COLUMNS, RowError, STREAM_COLUMNS};
use crate::event::{RecordedEvent, Salt};
use crate::position::Position;
use crate::stream::{Stream, StreamName};

/// What a group's transaction came to.
pub(super) struct Written {
    /// One verdict per request, in order.
    pub(super) verdicts: Vec<Result<Committed, Refusal>>,
    /// The events that were stored, in the order of their positions.
    pub(super) events: Vec<Arc<RecordedEvent>>,
    /// The head of the log after the commit.
    pub(super) head: Position,
}

/// Why a group's transaction came to nothing.
pub(super) enum Failure {
    /// The database refused a statement; nothing was written.
    Refused(String),
    /// The database went away. Unless in doubt, nothing was written.
    Away {
        /// What happened, for the log.
        reason: String,
        /// Whether the commit had been sent.
        in_doubt: bool,
    },
}

/// How far a transaction has come, readable when it is given up.
#[derive(Default)]
pub(super) struct Stage(AtomicBool);

impl Stage {
    /// Whether the commit has been sent, so that only the log itself can tell the outcome.
    pub(super) fn is_committing(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn commit_is_sent(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Judges and writes a group in one transaction, and returns once it is durable.
///
/// `take` gives the appends, once, when the head is locked.
pub(super) async fn write(
    writer: &DatabaseConnection,
    take: impl FnOnce() -> Vec<Arc<PreparedAppend>>,
    max_stream_events: i32,
    mut new_salt: impl FnMut() -> Salt,
    stage: &Stage,
) -> Result<Written, Failure> {
    let transaction = database::begin(writer).await.map_err(DatabaseError::from)?;
    let (head, now) = lock_head(&transaction).await?;
    let appends = take();
    let streams = find_streams(&transaction, &appends).await?;
    let stored = find_events(&transaction, &appends).await?;
    let mut view = View::new(head, now, streams, stored, max_stream_events);
    let verdicts = appends
        .iter()
        .map(|append| view.judge(append, &mut new_salt))
        .collect();
    if view.accepted.is_empty() {
        transaction.rollback().await.map_err(DatabaseError::from)?;
    } else {
        insert(&transaction, &view).await?;
        stage.commit_is_sent();
        transaction.commit().await.map_err(|error| Failure::Away {
            // Whatever COMMIT answered instead of success: only the log can tell whether it happened.
            reason: error.to_string(),
            in_doubt: true,
        })?;
    }
    Ok(Written {
        verdicts,
        events: view.accepted,
        head: view.head.position,
    })
}

/// Locks the head row, which serialises appends across all nodes, and reads it with the database's clock.
///
/// On SQLite the transaction holds the only write lock already.
async fn lock_head(transaction: &DatabaseTransaction) -> Result<(Head, i64), Failure> {
    let sql = match transaction.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT position, hash, recorded_at, next_stream_id, CAST(unixepoch('subsec') * 1000 AS INTEGER)
             FROM log_head WHERE id = 1"
        }
        _ => {
            "SELECT position, hash, recorded_at, next_stream_id,
                    (extract(epoch FROM clock_timestamp()) * 1000)::bigint
             FROM log_head WHERE id = 1 FOR UPDATE"
        }
    };
    let statement = Statement::from_string(transaction.get_database_backend(), sql);
    let row = transaction
        .query_one_raw(statement)
        .await
        .map_err(DatabaseError::from)?;
    let row =
        row.ok_or_else(|| Failure::Refused("the head row of the log is missing".to_owned()))?;
    let now = row.try_get_by_index(4).map_err(RowError::from)?;
    Ok((row::head_of(&row)?, now))
}

async fn find_streams(
    transaction: &DatabaseTransaction,
    appends: &[Arc<PreparedAppend>],
) -> Result<HashMap<StreamName, Stream>, Failure> {
    let names: HashSet<&str> = appends
        .iter()
        .flat_map(|append| append.streams.iter().map(|stream| stream.name.as_str()))
        .collect();
    let names: Vec<Value> = names.into_iter().map(Value::from).collect();
    let select = |names: Vec<Value>| {
        Query::select()
            .columns(STREAM_COLUMNS)
            .from(stream::Entity)
            .and_where(Expr::col(stream::Column::Name).is_in(names))
            .to_owned()
    };
    let mut found = HashMap::new();
    for row in look_up(transaction, names, select).await? {
        let stream = row::stream_of(&row)?;
        found.insert(stream.name.clone(), stream);
    }
    Ok(found)
}

async fn find_events(
    transaction: &DatabaseTransaction,
    appends: &[Arc<PreparedAppend>],
) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, Failure> {
    // An id that the server has just minted cannot be stored yet, except by an attempt of this very group
    // whose commit was in doubt; so all ids are looked up.
    let ids = appends
        .iter()
        .flat_map(|append| append.events().map(|(_, _, event)| event.event_id));
    let ids: Vec<Value> = ids.map(Value::from).collect();
    let select = |ids: Vec<Value>| {
        row::select_events()
            .and_where(Expr::col((event::Entity, event::Column::EventId)).is_in(ids))
            .to_owned()
    };
    let mut found = HashMap::new();
    for row in look_up(transaction, ids, select).await? {
        let event = row::event_of(&row)?;
        found.insert(event.event_id, Arc::new(event));
    }
    Ok(found)
}

/// The sizes of the statements that look up or insert many rows: few, so that each is prepared once.
/// The greatest stays far below the bind parameters that SQLite (32,766) and PostgreSQL (65,535) allow.
const CHUNKS: [usize; 5] = [256, 64, 16, 4, 1];

async fn look_up(
    transaction: &DatabaseTransaction,
    mut keys: Vec<Value>,
    select: impl Fn(Vec<Value>) -> sea_orm::sea_query::SelectStatement,
) -> Result<Vec<QueryResult>, Failure> {
    let backend = transaction.get_database_backend();
    let mut rows = Vec::new();
    while let Some(last) = keys.last().cloned() {
        // One statement of the next larger size, filled up with the last key again, beats several smaller.
        let size = CHUNKS
            .iter()
            .rev()
            .find(|&&size| size >= keys.len())
            .unwrap_or(&CHUNKS[0]);
        let mut chunk = keys.split_off(keys.len().saturating_sub(*size));
        chunk.resize(*size, last);
        let statement = backend.build(&select(chunk));
        rows.extend(
            transaction
                .query_all_raw(statement)
                .await
                .map_err(DatabaseError::from)?,
        );
    }
    Ok(rows)
}

async fn insert(transaction: &DatabaseTransaction, view: &View) -> Result<(), Failure> {
    let streams: Vec<_> = view
        .changed
        .iter()
        .filter_map(|name| view.streams.get(name))
        .collect();
    insert_rows(
        transaction,
        STREAMS_SQL,
        &STREAM_COLUMNS,
        &streams,
        |stream| row::stream_values(stream).into(),
    )
    .await?;
    insert_rows(
        transaction,
        EVENTS_SQL,
        &EVENT_COLUMNS,
        &view.accepted,
        |event| row::event_values(event).into(),
    )
    .await?;
    let update = Query::update()
        .table(log_head::Entity)
        .value(log_head::Column::Position, view.head.position.get())
        .value(log_head::Column::Hash, view.head.hash.to_vec())
        .value(log_head::Column::RecordedAt, view.head.recorded_at)
        .value(log_head::Column::NextStreamId, view.head.next_stream_id)
        .and_where(Expr::col(log_head::Column::Id).eq(1))
        .to_owned();
    let statement = transaction.get_database_backend().build(&update);
    transaction
        .execute_raw(statement)
        .await
        .map_err(DatabaseError::from)?;
    Ok(())
}

const EVENTS_SQL: (&str, &str) = ("events", "");
/// New streams are inserted and known ones updated by one statement.
const STREAMS_SQL: (&str, &str) = (
    "streams",
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = excluded.status,
      updated_at = excluded.updated_at",
);

async fn insert_rows<T, C: Iden>(
    transaction: &DatabaseTransaction,
    (table, rest): (&str, &str),
    columns: &[C],
    mut rows: &[T],
    values: impl Fn(&T) -> Vec<Value>,
) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    while !rows.is_empty() {
        let size = CHUNKS
            .iter()
            .find(|&&size| size <= rows.len())
            .unwrap_or(&1);
        let (chunk, others) = rows.split_at(*size);
        let sql = insert_sql(backend, table, columns, *size) + rest;
        let statement =
            Statement::from_sql_and_values(backend, sql, chunk.iter().flat_map(&values));
        transaction
            .execute_raw(statement)
            .await
            .map_err(DatabaseError::from)?;
        rows = others;
    }
    Ok(())
}

/// `INSERT INTO table (a, b) VALUES ($1, $2), …`; both backends understand numbered parameters.
fn insert_sql<C: Iden>(backend: DbBackend, table: &str, columns: &[C], rows: usize) -> String {
    let marker = if backend == DbBackend::Sqlite {
        '?'
    } else {
        '$'
    };
    let names: Vec<String> = columns
        .iter()
        .map(|column| column.unquoted().to_owned())
        .collect();
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", names.join(", "));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { "), (" });
        for column in 1..=columns.len() {
            if column > 1 {
                sql.push_str(", ");
            }
            sql.push(marker);
            sql.push_str(&(row * columns.len() + column).to_string());
        }
    }
    sql.push(')');
    sql
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(reason) => Self::Away {
                reason,
                in_doubt: false,
            },
            DatabaseError::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<RowError> for Failure {
    fn from(error: RowError) -> Self {
        Self::Refused(error.to_string())
    }
}
