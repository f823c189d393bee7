//! Connections that read.

use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, Statement, TransactionTrait,
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

    /// A transaction that reads one moment of the database.
    pub(super) async fn snapshot(&self) -> Result<DatabaseTransaction, DatabaseError> {
        let begin = async {
            let Some(set_up) = &self.transaction_set_up else {
                let isolation = Some(IsolationLevel::RepeatableRead);
                let access = Some(AccessMode::ReadOnly);
                return match self.connections.get_database_backend() {
                    // A transaction of SQLite reads one moment whatever it is told.
                    DbBackend::Sqlite => self.connections.begin().await,
                    _ => self.connections.begin_with_config(isolation, access).await,
                };
            };
            let transaction = self.connections.begin().await?;
            let set_up = set_up.replace("READ COMMITTED", "REPEATABLE READ");
            transaction.execute_unprepared(&set_up).await?;
            Ok(transaction)
        };
        let limit = self.statement_timeout;
        bounded(limit, begin)
            .await
            .unwrap_or_else(|| Err(DatabaseError::Unavailable(no_answer(limit))))
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
