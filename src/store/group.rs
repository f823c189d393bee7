//! The transaction of one group of requests.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::{event, stream};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement,
    Value,
};
use uuid::Uuid;

use super::append::Committed;
use super::database::{Database, DatabaseError};
use super::insert;
use super::judge::{self, Head, View};
use super::operation;
use super::refusal::AppendError;
use super::row::{self, RowError, STREAM_COLUMNS};
use super::select::visibility;
use super::work::Work;
use crate::event::{RecordedEvent, Salt};
use crate::position::Position;
use crate::stream::{Stream, StreamName};

/// What a group's transaction came to.
pub(super) struct Written {
    /// One verdict per request, in order.
    pub(super) verdicts: Vec<Result<Committed, AppendError>>,
    /// The events that were stored, in the order of their positions.
    pub(super) events: Vec<Arc<RecordedEvent>>,
    /// The head of the log after the commit.
    pub(super) head: Position,
    /// The streams in which appends have hidden events that were shown before, each with the position before
    /// which those stand.
    pub(super) pushed_out: Vec<(StreamName, Position)>,
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

/// A transaction that holds the lock of the head: nobody else appends until it ends.
pub(super) struct Opened {
    transaction: DatabaseTransaction,
    head: Head,
    now: i64,
}

/// Begins a group's transaction and waits for the lock.
pub(super) async fn open(
    database: &Database,
    writer: &DatabaseConnection,
) -> Result<Opened, Failure> {
    let transaction = database.begin(writer).await.map_err(DatabaseError::from)?;
    let (head, now) = lock_head(&transaction).await?;
    Ok(Opened {
        transaction,
        head,
        now,
    })
}

impl Opened {
    /// Judges and writes the group, and returns once it is durable.
    pub(super) async fn write(
        self,
        works: &[Arc<Work>],
        max_stream_events: i32,
        mut new_salt: impl FnMut() -> Salt,
        stage: &Stage,
    ) -> Result<Written, Failure> {
        let transaction = self.transaction;
        let streams = find_streams(&transaction, works).await?;
        let stored = find_events(&transaction, works).await?;
        let mut view = View::new(self.head, self.now, streams, stored, max_stream_events);
        hide_by_age(&transaction, works, &mut view).await?;
        let named = works.iter().filter_map(|work| work.operation_id());
        view.operations = operation::find(&transaction, named.collect()).await?;
        let verdicts = works
            .iter()
            .map(|work| view.judge(work, &mut new_salt))
            .collect();
        if view.accepted.is_empty() {
            transaction.rollback().await.map_err(DatabaseError::from)?;
        } else {
            insert::insert(&transaction, &view).await?;
            operation::write(&transaction, &view.operations).await?;
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
            pushed_out: view.pushed_out,
        })
    }
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
    works: &[Arc<Work>],
) -> Result<HashMap<StreamName, Stream>, Failure> {
    let mut names = HashSet::new();
    for work in works {
        work.add_names(&mut names);
    }
    let mut found = find_streams_by_name(transaction, names.iter()).await?;
    // An append to a deleted stream records that it reopens it; that is only known now, and rare.
    let lives: Vec<_> = judge::lives_to_look_up(found.values()).collect();
    found.extend(find_streams_by_name(transaction, lives.iter()).await?);
    Ok(found)
}

async fn find_streams_by_name(
    transaction: &DatabaseTransaction,
    names: impl Iterator<Item = &StreamName>,
) -> Result<HashMap<StreamName, Stream>, Failure> {
    let names = names.map(|name| Value::from(name.as_str())).collect();
    let select = Query::select()
        .columns(STREAM_COLUMNS)
        .from(stream::Entity)
        .to_owned();
    let name = Expr::col(stream::Column::Name);
    let mut found = HashMap::new();
    for row in look_up(transaction, &select, &name, names).await? {
        let stream = row::stream_of(&row)?;
        found.insert(stream.name.clone(), stream);
    }
    Ok(found)
}

async fn find_events(
    transaction: &DatabaseTransaction,
    works: &[Arc<Work>],
) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, Failure> {
    // An id that the server has just minted cannot be stored yet, except by an attempt of this very group
    // whose commit was in doubt; so all ids are looked up.
    let mut ids = Vec::new();
    for work in works {
        work.add_ids(&mut ids);
    }
    let ids = ids.into_iter().map(Value::from).collect();
    let event_id = Expr::col((event::Entity, event::Column::EventId));
    let select = row::select_events(visibility::removal(transaction.get_database_backend()));
    let mut found = HashMap::new();
    for row in look_up(transaction, &select, &event_id, ids).await? {
        let event = row::event_of(&row)?;
        found.insert(event.event_id, Arc::new(event));
    }
    Ok(found)
}

/// Counts what age has hidden in the streams that would be too long otherwise (rule A8).
async fn hide_by_age(
    transaction: &DatabaseTransaction,
    works: &[Arc<Work>],
    view: &mut View,
) -> Result<(), Failure> {
    let aging: Vec<Stream> = view.aging_streams(works).cloned().collect();
    for stream in aging {
        let too_old = view.recorded_at - stream.retention.max_age_ms.unwrap_or(i64::MAX);
        // Times never decrease along a stream, so what is too old is its beginning.
        let last = Query::select()
            .column(event::Column::StreamVersion)
            .from(event::Entity)
            .and_where(Expr::col(event::Column::StreamId).eq(stream.id))
            .and_where(Expr::col(event::Column::RecordedAt).lte(too_old))
            .order_by(event::Column::StreamVersion, Order::Desc)
            .limit(1)
            .to_owned();
        let statement = transaction.get_database_backend().build(&last);
        let row = transaction.query_one_raw(statement).await;
        if let Some(row) = row.map_err(DatabaseError::from)? {
            let version = row.try_get_by_index(0).map_err(RowError::from)?;
            view.hide_by_age(&stream.name, version);
        }
    }
    Ok(())
}

/// The rows of `select` whose `column` is one of the keys.
async fn look_up(
    transaction: &DatabaseTransaction,
    select: &SelectStatement,
    column: &Expr,
    keys: Vec<Value>,
) -> Result<Vec<QueryResult>, Failure> {
    let backend = transaction.get_database_backend();
    let mut rows = Vec::new();
    for condition in conditions(backend, column, keys) {
        let statement = backend.build(select.clone().and_where(condition));
        let found = transaction.query_all_raw(statement).await;
        rows.extend(found.map_err(DatabaseError::from)?);
    }
    Ok(rows)
}

/// The sizes of the lists in SQLite's statements: few, so that each statement is prepared once. The
/// greatest stays far below the 32,766 parameters that SQLite allows.
const SQLITE_CHUNKS: [usize; 5] = [256, 64, 16, 4, 1];

/// The conditions that together find every key, each in a statement of its own.
fn conditions(backend: DbBackend, column: &Expr, mut keys: Vec<Value>) -> Vec<Expr> {
    let mut conditions = Vec::new();
    while let Some(last) = keys.last().cloned() {
        if backend != DbBackend::Sqlite {
            // One text and one plan for any number of keys. A long list of parameters would be planned as a
            // scan of the table while that is small, and the plan kept when it has become large.
            let keys = Value::Array(last.array_type(), Some(Box::new(keys)));
            conditions.push(column.clone().eq(PgFunc::any(keys)));
            break;
        }
        // One statement of the next larger size, filled up with the last key again, beats several smaller.
        let size = SQLITE_CHUNKS
            .iter()
            .rev()
            .find(|&&size| size >= keys.len())
            .unwrap_or(&SQLITE_CHUNKS[0]);
        let mut chunk = keys.split_off(keys.len().saturating_sub(*size));
        chunk.resize(*size, last);
        conditions.push(column.clone().is_in(chunk));
    }
    conditions
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(reason) | DatabaseError::TooSlow(reason) => Self::Away {
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
