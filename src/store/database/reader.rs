//! Connections that read.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, TransactionTrait,
};

use super::{DatabaseError, bounded};

/// Connections that read, and how long a statement may take on them.
pub(in crate::store) struct Reader {
    pub(super) connections: DatabaseConnection,
    pub(super) statement_timeout: Duration,
    /// What begins each transaction behind a transaction pooler, where nothing lasts longer than one.
    pub(super) transaction_set_up: Option<String>,
}

impl Reader {
    /// The rows of a statement.
    pub(in crate::store) async fn rows(
        &self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        let limit = self.statement_timeout;
        match statement.db_backend {
            DbBackend::Sqlite => self
                .rows_within(limit, statement)
                .await
                .unwrap_or_else(|| Err(DatabaseError::TooSlow(no_answer(limit)))),
            _ => self
                .rows_within(limit + ANSWER_MARGIN, statement)
                .await
                .unwrap_or_else(|| Err(DatabaseError::Unavailable(no_answer(limit)))),
        }
    }

    /// The rows of a statement; `None`: no answer within the limit.
    pub(super) async fn rows_within(
        &self,
        limit: Duration,
        statement: Statement,
    ) -> Option<Result<Vec<QueryResult>, DatabaseError>> {
        match &self.transaction_set_up {
            None => bounded(limit, self.connections.query_all_raw(statement)).await,
            Some(set_up) => bounded(limit, self.rows_in_transaction(set_up, statement)).await,
        }
    }

    /// A statement is parsed and then executed by two messages, which a pooler keeps together only within a
    /// transaction.
    async fn rows_in_transaction(
        &self,
        set_up: &str,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let transaction = self.connections.begin().await?;
        transaction.execute_unprepared(set_up).await?;
        let rows = transaction.query_all_raw(statement).await?;
        transaction.commit().await?;
        Ok(rows)
    }
}

pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}

/// How much longer a reader waits than PostgreSQL lets the statement run: a server that is merely slow says
/// so by then, and one that does not is away.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);
