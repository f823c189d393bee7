//! Pages of the log and of a stream, and the look-ups behind nested fields.

mod operations;
mod streams;
#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{event, log_head, stream};
use sea_orm::QueryResult;
use sea_orm::sea_query::{
    Alias, Asterisk, Condition, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
};
use uuid::Uuid;

pub use operations::{OperationFilter, OperationQuery};
pub use streams::{StreamFilter, StreamKey, StreamOrder, StreamQuery};

use super::EventStore;
use super::database::DatabaseError;
use super::row::{self, RowError};
use super::select::{self, Page, Streams, VersionRange, visibility};
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::scope::Scope;
use crate::stream::{Stream, StreamName};

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The database is away: the same read may succeed later.
    #[error("the database is away")]
    Unavailable,
    /// The statement took longer than a statement may.
    #[error("the read took too long")]
    TooSlow,
    /// The database refused a statement, or a row cannot be understood.
    #[error("the read failed")]
    Fault,
}

/// A bounded part of the log under a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: EventFilter,
    /// The internal number of `filter.stream`, for a caller that has it: saves a look-up by name.
    pub stream_id: Option<i64>,
    /// Exclusive.
    pub after: Position,
    /// Inclusive.
    pub through: Position,
    /// Of `filter.stream` only.
    pub versions: VersionRange,
    /// Newest first.
    pub descending: bool,
    /// The most events to return.
    pub limit: u64,
}

/// The most sub-selects in one statement; SQLite allows 500.
const MOST_PARTS: usize = 400;
/// Up to this many streams a prefix is resolved to a list; beyond, it is compared along the log.
const FEW_STREAMS: u64 = 200;

impl EventQuery {
    /// The first events of a stream that are shown, up to `limit`.
    #[must_use]
    pub fn of_stream(scope: Scope, stream: &Stream, limit: u64) -> Self {
        Self {
            scope,
            filter: EventFilter {
                stream: Some(stream.name.clone()),
                ..EventFilter::default()
            },
            stream_id: Some(stream.id),
            after: Position::ORIGIN,
            through: Position::MAX,
            versions: VersionRange::default(),
            descending: false,
            limit,
        }
    }
}

impl EventStore {
    /// The greatest committed position.
    pub async fn head(&self) -> Result<Position, ReadError> {
        let select = Query::select()
            .columns([log_head::Column::Position, log_head::Column::RecordedAt])
            .from(log_head::Entity)
            .and_where(Expr::col(log_head::Column::Id).eq(1))
            .to_owned();
        let rows = self.rows(&select).await?;
        let row = rows.first().ok_or(ReadError::Fault)?;
        Ok(Position::from_stored(
            row.try_get_by_index(0).map_err(|error| fault(&error))?,
        ))
    }

    /// The events of a part of the log, in order, up to the limit.
    pub async fn events(&self, query: &EventQuery) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let Some(page) = self.page(query).await? else {
            return Ok(Vec::new());
        };
        let statement = select::page(self.database().backend(), &page);
        self.rows(&statement).await?.iter().map(event_of).collect()
    }

    /// The events of several parts of the log, each in its order up to its limit: one statement for all
    /// parts that need no look-up by a stream's name or prefix.
    pub async fn events_of(
        &self,
        queries: &[EventQuery],
    ) -> Result<Vec<Vec<Arc<RecordedEvent>>>, ReadError> {
        let backend = self.database().backend();
        let mut found = vec![Vec::new(); queries.len()];
        for row in self
            .parts(queries, |page| select::page(backend, page))
            .await?
        {
            let part: i32 = row.try_get_by("part").map_err(|error| fault(&error))?;
            let events = usize::try_from(part)
                .ok()
                .and_then(|part| found.get_mut(part));
            events.ok_or(ReadError::Fault)?.push(event_of(&row)?);
        }
        // A union has no order of its own.
        for (events, query) in found.iter_mut().zip(queries) {
            events.sort_unstable_by_key(|event| event.position);
            if query.descending {
                events.reverse();
            }
        }
        Ok(found)
    }

    /// The numbers of events of several parts of the log, each counted no further than its limit.
    pub async fn count_events_of(&self, queries: &[EventQuery]) -> Result<Vec<u64>, ReadError> {
        let backend = self.database().backend();
        let mut found = vec![0; queries.len()];
        for row in self
            .parts(queries, |page| select::count(backend, page))
            .await?
        {
            let part: i32 = row.try_get_by("part").map_err(|error| fault(&error))?;
            let count: i64 = row.try_get_by_index(0).map_err(|error| fault(&error))?;
            let slot = usize::try_from(part)
                .ok()
                .and_then(|part| found.get_mut(part));
            *slot.ok_or(ReadError::Fault)? = u64::try_from(count).map_err(|error| fault(&error))?;
        }
        Ok(found)
    }

    /// The rows of all parts, each with the number of its part in the column `part`.
    async fn parts(
        &self,
        queries: &[EventQuery],
        statement: impl Fn(&Page<'_>) -> SelectStatement,
    ) -> Result<Vec<QueryResult>, ReadError> {
        let mut parts = Vec::with_capacity(queries.len());
        for (query, number) in queries.iter().zip(0_i32..) {
            if let Some(page) = self.page(query).await? {
                parts.push((part(statement(&page), number), select::values(&page)));
            }
        }
        let mut rows = Vec::new();
        for statement in united(parts) {
            rows.extend(self.rows(&statement).await?);
        }
        Ok(rows)
    }

    /// The number of events of a part of the log, counted no further than the limit.
    pub async fn count_events(&self, query: &EventQuery) -> Result<u64, ReadError> {
        let Some(page) = self.page(query).await? else {
            return Ok(0);
        };
        self.counted(&select::count(self.database().backend(), &page))
            .await
    }

    /// `None` if the filter names streams that do not exist.
    async fn page<'a>(&self, query: &'a EventQuery) -> Result<Option<Page<'a>>, ReadError> {
        let streams = match (&query.filter.stream, &query.filter.stream_prefix) {
            // The statement for one stream does not look at the prefix again.
            (Some(name), Some(prefix)) if !name.as_str().starts_with(prefix.as_str()) => {
                return Ok(None);
            }
            (Some(_), _) if query.stream_id.is_some() => {
                Streams::One(query.stream_id.unwrap_or_default())
            }
            (Some(name), _) => match self.stream(&query.scope, name).await? {
                Some(stream) => Streams::One(stream.id),
                None => return Ok(None),
            },
            (None, Some(prefix)) => self.few_streams(&query.scope, prefix).await?,
            (None, None) => Streams::NotListed,
        };
        Ok(Some(Page {
            scope: &query.scope,
            filter: &query.filter,
            streams,
            after: query.after,
            through: query.through,
            versions: query.versions,
            descending: query.descending,
            limit: query.limit,
        }))
    }

    async fn few_streams(&self, scope: &Scope, prefix: &str) -> Result<Streams, ReadError> {
        let select = Query::select()
            .column(stream::Column::Id)
            .from(stream::Entity)
            .cond_where(select::begins_with(stream::Column::Name, prefix))
            .cond_where(streams::stream_scope(scope))
            // The order keeps the planner on the index of the names.
            .order_by(stream::Column::Name, Order::Asc)
            .limit(FEW_STREAMS + 1)
            .to_owned();
        let rows = self.rows(&select).await?;
        if rows.len() as u64 > FEW_STREAMS {
            return Ok(Streams::NotListed);
        }
        let ids: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
        Ok(Streams::Few(ids.map_err(|error| fault(&error))?))
    }

    /// The events with these ids, by id; those outside the scope are left out.
    pub async fn events_by_id(
        &self,
        scope: &Scope,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, ReadError> {
        let column = Expr::col((event::Entity, event::Column::EventId));
        let select = row::select_events(visibility::removal(self.database().backend()))
            .and_where(column.is_in(ids.iter().copied()))
            .cond_where(event_scope(scope))
            .to_owned();
        let rows = self.rows(&select).await?;
        rows.iter()
            .map(|row| event_of(row).map(|event| (event.event_id, event)))
            .collect()
    }

    /// The events at these positions, by position; those outside the scope are left out.
    pub async fn events_at(
        &self,
        scope: &Scope,
        positions: &[Position],
    ) -> Result<HashMap<Position, Arc<RecordedEvent>>, ReadError> {
        let column = Expr::col((event::Entity, event::Column::Position));
        let select = row::select_events(visibility::removal(self.database().backend()))
            .and_where(column.is_in(positions.iter().map(|position| position.get())))
            .cond_where(event_scope(scope))
            .to_owned();
        let rows = self.rows(&select).await?;
        rows.iter()
            .map(|row| event_of(row).map(|event| (event.position, event)))
            .collect()
    }

    /// The first position that was recorded at `time` or later; one beyond the head if there is none.
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, ReadError> {
        let select = Query::select()
            .column(event::Column::Position)
            .from(event::Entity)
            .and_where(Expr::col(event::Column::RecordedAt).gte(select::first_millisecond(time)))
            .order_by(event::Column::RecordedAt, Order::Asc)
            .order_by(event::Column::Position, Order::Asc)
            .limit(1)
            .to_owned();
        // The head is read first: an event that is committed in between is then after it.
        let head = self.head().await?;
        match self.rows(&select).await?.first() {
            Some(row) => Ok(Position::from_stored(
                row.try_get_by_index(0).map_err(|error| fault(&error))?,
            )),
            None => Ok(head.next()),
        }
    }

    /// The position of a version of a stream, hidden or not; `None` if the stream has no such version, or
    /// lies outside the scope.
    pub async fn position_of_version(
        &self,
        scope: &Scope,
        stream: &StreamName,
        version: i32,
    ) -> Result<Option<Position>, ReadError> {
        let Some(stream) = self.stream(scope, stream).await? else {
            return Ok(None);
        };
        let select = Query::select()
            .column(event::Column::Position)
            .from(event::Entity)
            .and_where(Expr::col(event::Column::StreamId).eq(stream.id))
            .and_where(Expr::col(event::Column::StreamVersion).eq(version))
            .to_owned();
        let rows = self.rows(&select).await?;
        let position = rows.first().map(|row| row.try_get_by_index(0));
        let position = position.transpose().map_err(|error| fault(&error))?;
        Ok(position.map(Position::from_stored))
    }

    async fn counted(&self, select: &SelectStatement) -> Result<u64, ReadError> {
        let rows = self.rows(select).await?;
        let row = rows.first().ok_or(ReadError::Fault)?;
        let count: i64 = row.try_get_by_index(0).map_err(|error| fault(&error))?;
        u64::try_from(count).map_err(|error| fault(&error))
    }

    pub(super) async fn rows(
        &self,
        select: &SelectStatement,
    ) -> Result<Vec<QueryResult>, ReadError> {
        let statement = self.database().backend().build(select);
        self.database()
            .read(statement)
            .await
            .map_err(|error| match error {
                DatabaseError::Unavailable(reason) => {
                    tracing::warn!(%reason, "a read failed: the database is away");
                    ReadError::Unavailable
                }
                DatabaseError::TooSlow(reason) => {
                    tracing::warn!(%reason, "a read was given up");
                    ReadError::TooSlow
                }
                DatabaseError::Refused(reason) => fault(&reason),
            })
    }
}

/// A fault is logged here, once; the caller is told no internals.
pub(super) fn fault(reason: &dyn std::fmt::Display) -> ReadError {
    tracing::error!(%reason, "a read failed");
    ReadError::Fault
}

fn event_of(row: &QueryResult) -> Result<Arc<RecordedEvent>, ReadError> {
    row::event_of(row)
        .map(Arc::new)
        .map_err(|error: RowError| fault(&error))
}

/// A statement as a part of a union, with its number. The sub-select keeps its own order and limit.
fn part(statement: SelectStatement, number: i32) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .expr_as(Expr::val(number), Alias::new("part"))
        .from_subquery(statement, Alias::new("part_of"))
        .to_owned()
}

/// As few statements as their bounds allow, from parts with their numbers of values.
fn united(parts: Vec<(SelectStatement, usize)>) -> Vec<SelectStatement> {
    let mut statements: Vec<SelectStatement> = Vec::new();
    let (mut united, mut bound) = (0, 0);
    for (part, values) in parts {
        match statements.last_mut() {
            Some(all) if united < MOST_PARTS && bound + values <= select::MOST_VALUES => {
                all.union(UnionType::All, part);
                (united, bound) = (united + 1, bound + values);
            }
            _ => {
                statements.push(part);
                (united, bound) = (1, values);
            }
        }
    }
    statements
}

fn event_scope(scope: &Scope) -> Condition {
    let column = || Expr::col((event::Entity, event::Column::GuildId));
    Condition::all().add_option(select::scope(scope, column))
}
