//! Reads: one answer is one moment of one build.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use tokio::time::Instant;

use super::Projections;
use super::builds::Builds;
use super::kind::ProjectionKind;
use super::tables::Names;
use crate::position::Position;
use crate::store::DatabaseError;

/// One moment of a projection: everything that is read through it is as of `position`.
pub struct View {
    transaction: DatabaseTransaction,
    names: Names,
    position: Position,
    limit: Duration,
}

/// Why a projection cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database is away, or too slow: the same read may succeed later.
    #[error("the projections cannot be read now")]
    Unavailable,
    /// No node has begun to build it: nobody runs projections on this log.
    #[error("the projection {0} is not built: no node of this log runs projections")]
    NotBuilt(&'static str),
    /// It has not reached the position that the caller wants to see.
    #[error(
        "the projection {projection} has reached position {reached}, and not {wanted} yet, after {waited:?}"
    )]
    Behind {
        /// Which.
        projection: &'static str,
        /// How far it is.
        reached: Position,
        /// What was wanted.
        wanted: Position,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The answer of the database is not what this server has written.
    #[error("the projections hold something that cannot be read")]
    Fault,
}

/// How often another node's progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

impl Projections {
    /// One moment of a projection, at `wait_for` or later.
    pub async fn view(
        &self,
        kind: ProjectionKind,
        wait_for: Option<Position>,
    ) -> Result<View, ViewError> {
        let begun = Instant::now();
        let waits = self.0.options.wait_timeout;
        let mut was_told = false;
        loop {
            let view = match self.view_now(kind).await {
                // This node is about to build it: it has started a moment ago.
                Err(ViewError::NotBuilt(_)) if self.0.options.run && begun.elapsed() < waits => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                view => view?,
            };
            let reached = view.position;
            let Some(wanted) = wait_for.filter(|wanted| *wanted > reached) else {
                return Ok(view);
            };
            drop(view);
            if begun.elapsed() >= waits {
                return Err(ViewError::Behind {
                    projection: kind.name(),
                    reached,
                    wanted,
                    waited: waits,
                });
            }
            // This node may be the one that works at it, and then it hurries, and knows at once.
            self.0.awaited.notify_waiters();
            let mut progress = self.0.progress.subscribe(kind);
            let told = progress.wait_for(|position| *position >= wanted);
            let is_told = tokio::time::timeout(LOOK, told).await.is_ok();
            if is_told && was_told {
                // Another build answers, which is not as far as the one that was told of.
                tokio::time::sleep(LOOK).await;
            }
            was_told = is_told;
        }
    }

    async fn view_now(&self, kind: ProjectionKind) -> Result<View, ViewError> {
        let limit = self.0.database.statement_timeout();
        let open = async {
            self.until_set_up().await;
            let transaction = self.0.database.snapshot().await?;
            let builds = Builds::of(&transaction);
            if !self.is_set_up(&builds).await? {
                return Ok(None);
            }
            let active = builds.active(kind).await?;
            Ok::<_, DatabaseError>(active.map(|build| (transaction, build)))
        };
        let within = tokio::time::timeout(limit, open).await;
        let found = within.map_err(|_| ViewError::Unavailable)?;
        let (transaction, build) = found
            .map_err(|error| ViewError::from(&error))?
            .ok_or(ViewError::NotBuilt(kind.name()))?;
        Ok(View {
            names: Names::of_build(transaction.get_database_backend(), build.id),
            transaction,
            position: build.position,
            limit,
        })
    }
}

impl View {
    /// Everything up to here is in the answers, and nothing after it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// What a statement finds, each row as `read` reads it.
    pub(super) async fn all<T>(
        &self,
        template: &str,
        values: Vec<Value>,
        read: fn(&QueryResult) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, ViewError> {
        let rows = self.rows(template, values).await?;
        let found = rows.iter().map(read).collect::<Result<_, _>>();
        found.map_err(|error| ViewError::from(&error))
    }

    /// The first that a statement finds.
    pub(super) async fn first<T>(
        &self,
        template: &str,
        values: Vec<Value>,
        read: fn(&QueryResult) -> Result<T, DatabaseError>,
    ) -> Result<Option<T>, ViewError> {
        let found = self.all(template, values, read).await?;
        Ok(found.into_iter().next())
    }

    async fn rows(
        &self,
        template: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, ViewError> {
        let statement = self.names.statement(template, values);
        let read = self.transaction.query_all_raw(statement);
        match tokio::time::timeout(self.limit, read).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(ViewError::from(&DatabaseError::from(error))),
            Err(_) => Err(ViewError::Unavailable),
        }
    }
}

impl From<&DatabaseError> for ViewError {
    fn from(error: &DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) | DatabaseError::TooSlow(_) => Self::Unavailable,
            DatabaseError::Refused(reason) => {
                tracing::error!(%reason, "a projection cannot be read");
                Self::Fault
            }
        }
    }
}
