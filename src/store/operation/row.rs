//! Operations in the database.

use chrono::{DateTime, Utc};
use entity::operation;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};
use serde::Deserialize;
use uuid::Uuid;

use super::change::{OperationWrite, Operations, WriteCondition};
use super::{Operation, OperationArguments, OperationKind, OperationResult, OperationState};
use crate::store::database::DatabaseError;
use crate::store::group::Failure;
use crate::store::row::{self, RowError};

/// The columns of `operations` in the order that [`operation_of`] reads and [`values`] writes them.
const COLUMNS: [operation::Column; 14] = [
    operation::Column::Id,
    operation::Column::Kind,
    operation::Column::State,
    operation::Column::Arguments,
    operation::Column::Done,
    operation::Column::Total,
    operation::Column::ResumeAfter,
    operation::Column::Result,
    operation::Column::Error,
    operation::Column::NodeId,
    operation::Column::HeartbeatAt,
    operation::Column::CreatedAt,
    operation::Column::StartedAt,
    operation::Column::FinishedAt,
];

/// Selects operations.
pub(in crate::store) fn select_operations() -> SelectStatement {
    Query::select()
        .columns(COLUMNS)
        .from(operation::Entity)
        .to_owned()
}

/// The columns, for the RETURNING of a statement that is written out.
pub(super) fn column_names() -> String {
    let names = COLUMNS.iter().map(sea_orm::Iden::unquoted);
    names.collect::<Vec<_>>().join(", ")
}

/// An operation from a row of [`select_operations`].
pub(in crate::store) fn operation_of(row: &QueryResult) -> Result<Operation, RowError> {
    let impossible = |what: &str, found: &dyn std::fmt::Display| {
        RowError::Impossible(format!("an operation has the {what} {found}"))
    };
    let kind: String = row.try_get_by_index(1)?;
    let kind = OperationKind::from_stored(&kind).ok_or_else(|| impossible("kind", &kind))?;
    let state: i32 = row.try_get_by_index(2)?;
    let arguments: String = row.try_get_by_index(3)?;
    let result: Option<String> = row.try_get_by_index(7)?;
    Ok(Operation {
        id: row.try_get_by_index(0)?,
        arguments: arguments_of(kind, &arguments)?,
        state: OperationState::from_stored(state).ok_or_else(|| impossible("state", &state))?,
        done: row.try_get_by_index(4)?,
        total: row.try_get_by_index(5)?,
        resume_after: row.try_get_by_index(6)?,
        result: result.map(|text| result_of(kind, &text)).transpose()?,
        error: row.try_get_by_index(8)?,
        node_id: row.try_get_by_index(9)?,
        heartbeat_at: row::time(row.try_get_by_index(10)?)?,
        created_at: row::time(row.try_get_by_index(11)?)?,
        started_at: optional_time(row, 12)?,
        finished_at: optional_time(row, 13)?,
    })
}

fn arguments_of(kind: OperationKind, text: &str) -> Result<OperationArguments, RowError> {
    match kind {
        OperationKind::Scavenge => json(text).map(OperationArguments::Scavenge),
    }
}

fn result_of(kind: OperationKind, text: &str) -> Result<OperationResult, RowError> {
    match kind {
        OperationKind::Scavenge => json(text).map(OperationResult::Scavenge),
    }
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Impossible(error.to_string()))
}

fn optional_time(row: &QueryResult, index: usize) -> Result<Option<DateTime<Utc>>, RowError> {
    let milliseconds: Option<i64> = row.try_get_by_index(index)?;
    milliseconds.map(row::time).transpose()
}

/// The operations that a group may have to do with, if it has to do with any.
pub(in crate::store) async fn find(
    transaction: &DatabaseTransaction,
    ids: Vec<Uuid>,
) -> Result<Operations, Failure> {
    if ids.is_empty() {
        return Ok(Operations::default());
    }
    let unfinished = Expr::col(operation::Column::State).lt(OperationState::Succeeded.stored());
    let select = select_operations()
        .cond_where(
            Condition::any()
                .add(unfinished)
                .add(Expr::col(operation::Column::Id).is_in(ids)),
        )
        .to_owned();
    let statement = transaction.get_database_backend().build(&select);
    let rows = transaction.query_all_raw(statement).await;
    let rows = rows.map_err(DatabaseError::from)?;
    let found: Result<Vec<_>, _> = rows.iter().map(operation_of).collect();
    Ok(Operations::new(found?))
}

/// Writes what a group does to operations. A row that is not what it was judged to be fails the group, which
/// is then judged again.
pub(in crate::store) async fn write(
    transaction: &DatabaseTransaction,
    operations: &Operations,
) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    for change in &operations.writes {
        let (sql, values) = match change.condition {
            WriteCondition::New => insert(&change.operation),
            WriteCondition::RunningAt(_) | WriteCondition::Unfinished => end(change),
        };
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let written = transaction.execute_raw(statement).await;
        if written.map_err(DatabaseError::from)?.rows_affected() != 1 {
            return Err(Failure::Away {
                reason: "an operation changed hands meanwhile".to_owned(),
                in_doubt: false,
            });
        }
    }
    Ok(())
}

fn insert(operation: &Operation) -> (String, Vec<Value>) {
    let marks: Vec<String> = (1..=COLUMNS.len()).map(|mark| format!("${mark}")).collect();
    let sql = format!(
        "INSERT INTO operations ({}) VALUES ({})",
        column_names(),
        marks.join(", ")
    );
    (sql, values(operation))
}

/// A cancellation leaves the figures as the last step wrote them; an end writes its own.
fn end(change: &OperationWrite) -> (String, Vec<Value>) {
    let operation = &change.operation;
    let mut sql = String::from("UPDATE operations SET state = $1, finished_at = $2");
    let mut values = vec![
        operation.state.stored().into(),
        milliseconds(operation.finished_at),
        operation.id.into(),
        OperationState::Succeeded.stored().into(),
    ];
    if let WriteCondition::RunningAt(node_id) = change.condition {
        sql.push_str(
            ", done = $5, total = $6, result = $7, error = $8
             WHERE id = $3 AND state < $4 AND node_id = $9",
        );
        values.extend([
            operation.done.into(),
            Value::BigInt(operation.total),
            result_text(operation.result.as_ref()),
            Value::String(operation.error.clone()),
            node_id.into(),
        ]);
    } else {
        sql.push_str(" WHERE id = $3 AND state < $4");
    }
    (sql, values)
}

fn values(operation: &Operation) -> Vec<Value> {
    vec![
        operation.id.into(),
        operation.kind().stored().into(),
        operation.state.stored().into(),
        arguments_text(&operation.arguments).into(),
        operation.done.into(),
        Value::BigInt(operation.total),
        operation.resume_after.into(),
        result_text(operation.result.as_ref()),
        Value::String(operation.error.clone()),
        Value::Uuid(operation.node_id),
        operation.heartbeat_at.timestamp_millis().into(),
        operation.created_at.timestamp_millis().into(),
        milliseconds(operation.started_at),
        milliseconds(operation.finished_at),
    ]
}

fn milliseconds(time: Option<DateTime<Utc>>) -> Value {
    Value::BigInt(time.map(|time| time.timestamp_millis()))
}

fn arguments_text(arguments: &OperationArguments) -> String {
    let OperationArguments::Scavenge(arguments) = arguments;
    serde_json::to_string(arguments).unwrap_or_default()
}

/// What an operation came to, as the database keeps it.
pub(super) fn result_text(result: Option<&OperationResult>) -> Value {
    let text = result.map(|OperationResult::Scavenge(result)| {
        // Three numbers: there is nothing in them that cannot be written.
        serde_json::to_string(result).unwrap_or_default()
    });
    Value::String(text)
}
