//! The right of a node to work at an operation, held in the operation's row: taken by compare-and-set, kept by
//! signs of life, lost by silence or cancellation.
//!
//! Whatever a node does for an operation, it does in a [`Step`], whose commit writes the row too: if that is
//! not this node's any more, nothing of the step is committed. So the figures in the row are those of the work
//! that is done, however often the work changed hands.

use std::time::Duration;

use entity::operation::Column;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Order, Statement,
    Value,
};
use uuid::Uuid;

use super::row::{column_names, operation_of, result_text, select_operations};
use super::{Operation, OperationState};
use crate::store::database::{Database, DatabaseError, Reader, WriteTurn};
use crate::store::row::RowError;
use crate::store::select::visibility::now;

/// Why work at an operation stops before its end.
#[derive(Debug)]
pub(in crate::store) enum WorkError {
    /// The operation is not this node's any more: it was cancelled, or another node has it.
    Lost,
    /// The database is away: go on later, from what the row says.
    Away(String),
    /// The database could not do so much in the time that it has: go on later, in smaller steps.
    TooSlow(String),
    /// It cannot be done.
    Failed(String),
}

/// An operation that this node works at.
pub(in crate::store) struct Lease<'a> {
    pub(in crate::store) database: &'a Database,
    /// A connection for what the operation reads outside of its steps.
    pub(in crate::store) reader: &'a Reader,
    /// Connections for its steps.
    pub(in crate::store) writer: &'a DatabaseConnection,
    pub(in crate::store) node_id: Uuid,
    /// How long one step may take: so short that signs of life come often enough.
    pub(in crate::store) limit: Duration,
    /// As the row is; within a step, as the row will be.
    pub(in crate::store) operation: Operation,
}

/// A transaction of an operation.
pub(in crate::store) struct Step<'a> {
    pub(in crate::store) transaction: DatabaseTransaction,
    /// Ends with the transaction.
    _turn: Option<WriteTurn<'a>>,
}

/// The oldest operation that is not finished, if there is any.
///
/// Only the oldest is ever claimed, on whichever node, so that operations run one after the other.
pub(super) async fn oldest(
    database: &Database,
    reader: &Reader,
) -> Result<Option<Operation>, WorkError> {
    let select = select_operations()
        .and_where(Expr::col(Column::State).lt(OperationState::Succeeded.stored()))
        .order_by(Column::CreatedAt, Order::Asc)
        .order_by(Column::Id, Order::Asc)
        .limit(1)
        .to_owned();
    let rows = reader.rows(database.backend().build(&select)).await?;
    Ok(rows.first().map(operation_of).transpose()?)
}

/// Makes the operation this node's, unless another one works at it and gave a sign of life not longer than
/// `takeover_after` ago. A SQLite file has one process: whoever else worked at it is gone.
pub(super) async fn claim(
    database: &Database,
    writer: &DatabaseConnection,
    id: Uuid,
    node_id: Uuid,
    takeover_after: Duration,
) -> Result<Option<Operation>, WorkError> {
    let backend = database.backend();
    let (now, columns) = (now(backend), column_names());
    let silent = match backend {
        DbBackend::Sqlite => "$3 = $3",
        _ => "heartbeat_at <= {now} - $3",
    }
    .replace("{now}", now);
    let sql = format!(
        "UPDATE operations
         SET state = 1, node_id = $1, heartbeat_at = {now}, started_at = coalesce(started_at, {now})
         WHERE id = $2 AND (state = 0 OR state = 1 AND (node_id = $1 OR {silent}))
         RETURNING {columns}"
    );
    let silence = i64::try_from(takeover_after.as_millis()).unwrap_or(i64::MAX);
    let values = [node_id.into(), id.into(), silence.into()];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let _turn = database.write_turn().await;
    let transaction = database.begin(writer).await?;
    let row = transaction.query_one_raw(statement).await?;
    transaction.commit().await?;
    Ok(row.as_ref().map(operation_of).transpose()?)
}

/// Gives back whatever this node works at, so that another one, or this one after a restart, goes on at once.
pub(super) async fn give_back(
    database: &Database,
    writer: &DatabaseConnection,
    node_id: Uuid,
) -> Result<(), WorkError> {
    let sql = "UPDATE operations SET state = 0, node_id = NULL WHERE state = 1 AND node_id = $1";
    let statement = Statement::from_sql_and_values(database.backend(), sql, [node_id.into()]);
    let _turn = database.write_turn().await;
    let transaction = database.begin(writer).await?;
    transaction.execute_raw(statement).await?;
    Ok(transaction.commit().await?)
}

impl<'a> Lease<'a> {
    /// Begins a step; on SQLite, once it is its turn.
    pub(in crate::store) async fn begin(&self) -> Result<Step<'a>, WorkError> {
        let turn = self.database.write_turn().await;
        Ok(Step {
            transaction: self.database.begin(self.writer).await?,
            _turn: turn,
        })
    }

    /// Ends a step: its work and the row are committed together, or neither is.
    ///
    /// The row is written last. A cancellation, which holds the head of the log, waits for it no longer than a
    /// commit takes.
    pub(in crate::store) async fn commit(&self, step: Step<'a>) -> Result<(), WorkError> {
        let (backend, operation) = (self.database.backend(), &self.operation);
        let sql = format!(
            "UPDATE operations SET done = $1, total = $2, resume_after = $3, result = $4, heartbeat_at = {}
             WHERE id = $5 AND node_id = $6 AND state = 1",
            now(backend)
        );
        let values = [
            operation.done.into(),
            Value::BigInt(operation.total),
            operation.resume_after.into(),
            result_text(operation.result.as_ref()),
            operation.id.into(),
            self.node_id.into(),
        ];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let saved = step.transaction.execute_raw(statement).await?;
        if saved.rows_affected() == 0 {
            step.transaction.rollback().await?;
            return Err(WorkError::Lost);
        }
        // Whatever COMMIT answers instead of success: the row tells whether it happened.
        let away = |error: DbErr| WorkError::Away(error.to_string());
        step.transaction.commit().await.map_err(away)
    }

    /// A step that does nothing but give a sign of life and say how far the work is.
    pub(in crate::store) async fn beat(&self) -> Result<(), WorkError> {
        let step = self.begin().await?;
        self.commit(step).await
    }
}

impl From<DatabaseError> for WorkError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(reason) => Self::Away(reason),
            DatabaseError::TooSlow(reason) => Self::TooSlow(reason),
            DatabaseError::Refused(reason) => Self::Failed(reason),
        }
    }
}

impl From<DbErr> for WorkError {
    fn from(error: DbErr) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<RowError> for WorkError {
    fn from(error: RowError) -> Self {
        Self::Failed(error.to_string())
    }
}
