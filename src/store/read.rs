//! Pages of the log, of a stream, of the list of streams; and the look-ups behind nested fields.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{event, log_head, stream};
use sea_orm::sea_query::{
    Alias, Asterisk, Condition, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
};
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::EventStore;
use super::database::DatabaseError;
use super::row::{self, RowError, STREAM_COLUMNS};
use super::select::{self, Page, Streams, VersionRange};
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::scope::Scope;
use crate::stream::{Stream, StreamName, StreamStatus};

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The database is away: the same read may succeed later.
    #[error("the database is away")]
    Unavailable,
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

/// Which streams are wanted: those that satisfy every part that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamFilter {
    /// Streams of these categories.
    pub categories: Vec<String>,
    /// Streams whose name begins with this ASCII text.
    pub name_prefix: Option<String>,
    /// Streams of these guilds.
    pub guild_ids: Vec<String>,
    /// Streams in one of these states.
    pub statuses: Vec<StreamStatus>,
}

/// What a list of streams is ordered by; the name settles ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamOrder {
    /// By name, byte by byte.
    Name,
    /// By the time of the first event.
    CreatedAt,
    /// By the time of the latest event.
    UpdatedAt,
}

/// A bounded part of the list of streams.
#[derive(Clone, Debug)]
pub struct StreamQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: StreamFilter,
    /// What the list is ordered by.
    pub order: StreamOrder,
    /// Exclusive lower bound: the value that the list is ordered by, and the name.
    pub after: Option<StreamKey>,
    /// Exclusive upper bound.
    pub before: Option<StreamKey>,
    /// From the end of the list.
    pub descending: bool,
    /// The most streams to return.
    pub limit: u64,
}

/// A place in a list of streams: milliseconds since 1970 (0 in a list by name), and the name.
pub type StreamKey = (i64, String);

/// The most sub-selects in one statement; SQLite allows 500.
const MOST_PARTS: usize = 400;
/// Up to this many streams a prefix is resolved to a list; beyond, it is compared along the log.
const FEW_STREAMS: u64 = 200;

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
                parts.push(part(statement(&page), number));
            }
        }
        let mut rows = Vec::new();
        for parts in parts.chunks(MOST_PARTS) {
            if let Some((first, rest)) = parts.split_first() {
                let mut all = first.clone();
                for part in rest {
                    all.union(UnionType::All, part.clone());
                }
                rows.extend(self.rows(&all).await?);
            }
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
            (Some(_), _) if query.stream_id.is_some() => {
                Streams::One(query.stream_id.unwrap_or_default())
            }
            (Some(name), _) => match self.stream(&query.scope, name).await? {
                Some(stream) => Streams::One(stream.id),
                None => return Ok(None),
            },
            (None, Some(prefix)) => self.few_streams(prefix).await?,
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

    async fn few_streams(&self, prefix: &str) -> Result<Streams, ReadError> {
        let select = Query::select()
            .column(stream::Column::Id)
            .from(stream::Entity)
            .cond_where(select::begins_with(stream::Column::Name, prefix))
            .limit(FEW_STREAMS + 1)
            .to_owned();
        let rows = self.rows(&select).await?;
        if rows.len() as u64 > FEW_STREAMS {
            return Ok(Streams::NotListed);
        }
        let ids: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
        Ok(Streams::Few(ids.map_err(|error| fault(&error))?))
    }

    /// A stream by its name; `None` if it does not exist or lies outside the scope.
    pub async fn stream(
        &self,
        scope: &Scope,
        name: &StreamName,
    ) -> Result<Option<Stream>, ReadError> {
        let select = select_streams()
            .and_where(Expr::col(stream::Column::Name).eq(name.as_str()))
            .cond_where(stream_scope(scope))
            .to_owned();
        self.rows(&select).await?.first().map(stream_of).transpose()
    }

    /// The streams with these internal numbers, by number; those outside the scope are left out.
    pub async fn streams_by_id(
        &self,
        scope: &Scope,
        ids: &[i64],
    ) -> Result<HashMap<i64, Stream>, ReadError> {
        let select = select_streams()
            .and_where(Expr::col(stream::Column::Id).is_in(ids.iter().copied()))
            .cond_where(stream_scope(scope))
            .to_owned();
        let rows = self.rows(&select).await?;
        rows.iter()
            .map(|row| stream_of(row).map(|stream| (stream.id, stream)))
            .collect()
    }

    /// The streams with these names, those outside the scope left out.
    pub async fn streams_by_name(
        &self,
        scope: &Scope,
        names: &[&StreamName],
    ) -> Result<Vec<Stream>, ReadError> {
        let select = select_streams()
            .and_where(
                Expr::col(stream::Column::Name).is_in(names.iter().map(|name| name.as_str())),
            )
            .cond_where(stream_scope(scope))
            .to_owned();
        self.rows(&select).await?.iter().map(stream_of).collect()
    }

    /// The events with these ids, by id; those outside the scope are left out.
    pub async fn events_by_id(
        &self,
        scope: &Scope,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<RecordedEvent>>, ReadError> {
        let column = Expr::col((event::Entity, event::Column::EventId));
        let select = row::select_events()
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
        let select = row::select_events()
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

    /// A part of the list of streams, in order, up to the limit.
    pub async fn streams(&self, query: &StreamQuery) -> Result<Vec<Stream>, ReadError> {
        let order = if query.descending {
            Order::Desc
        } else {
            Order::Asc
        };
        let mut select = select_streams()
            .cond_where(stream_conditions(query))
            .to_owned();
        if let Some(column) = order_column(query.order) {
            select.order_by(column, order.clone());
        }
        select
            .order_by(stream::Column::Name, order)
            .limit(query.limit);
        self.rows(&select).await?.iter().map(stream_of).collect()
    }

    /// The number of streams of a part of the list, counted no further than the limit.
    pub async fn count_streams(&self, query: &StreamQuery) -> Result<u64, ReadError> {
        let mut found = Query::select()
            .expr(Expr::val(1))
            .from(stream::Entity)
            .to_owned();
        found
            .cond_where(stream_conditions(query))
            .limit(query.limit);
        let count = Query::select()
            .expr(Expr::cust("count(*)"))
            .from_subquery(found, Alias::new("found"))
            .to_owned();
        self.counted(&count).await
    }

    async fn counted(&self, select: &SelectStatement) -> Result<u64, ReadError> {
        let rows = self.rows(select).await?;
        let row = rows.first().ok_or(ReadError::Fault)?;
        let count: i64 = row.try_get_by_index(0).map_err(|error| fault(&error))?;
        u64::try_from(count).map_err(|error| fault(&error))
    }

    async fn rows(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, ReadError> {
        let statement = self.database().backend().build(select);
        self.database()
            .read(statement)
            .await
            .map_err(|error| match error {
                DatabaseError::Unavailable(reason) => {
                    tracing::warn!(%reason, "a read failed: the database is away");
                    ReadError::Unavailable
                }
                DatabaseError::Refused(reason) => fault(&reason),
            })
    }
}

/// A fault is logged here, once; the caller is told no internals.
fn fault(reason: &dyn std::fmt::Display) -> ReadError {
    tracing::error!(%reason, "a read failed");
    ReadError::Fault
}

fn event_of(row: &QueryResult) -> Result<Arc<RecordedEvent>, ReadError> {
    row::event_of(row)
        .map(Arc::new)
        .map_err(|error: RowError| fault(&error))
}

fn stream_of(row: &QueryResult) -> Result<Stream, ReadError> {
    row::stream_of(row).map_err(|error| fault(&error))
}

fn select_streams() -> SelectStatement {
    Query::select()
        .columns(STREAM_COLUMNS)
        .from(stream::Entity)
        .to_owned()
}

/// A statement as a part of a union, with its number. The sub-select keeps its own order and limit.
fn part(statement: SelectStatement, number: i32) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .expr_as(Expr::val(number), Alias::new("part"))
        .from_subquery(statement, Alias::new("part_of"))
        .to_owned()
}

fn event_scope(scope: &Scope) -> Condition {
    scope_of(scope, || Expr::col((event::Entity, event::Column::GuildId)))
}

fn stream_scope(scope: &Scope) -> Condition {
    scope_of(scope, || Expr::col(stream::Column::GuildId))
}

fn scope_of(scope: &Scope, column: impl Fn() -> Expr) -> Condition {
    match scope {
        Scope::All => Condition::all(),
        Scope::Guilds {
            guild_ids,
            include_without_guild,
        } => Condition::any()
            .add(column().is_in(guild_ids.iter().map(AsRef::<str>::as_ref)))
            .add_option(include_without_guild.then(|| column().is_null())),
    }
}

fn order_column(order: StreamOrder) -> Option<stream::Column> {
    match order {
        StreamOrder::Name => None,
        StreamOrder::CreatedAt => Some(stream::Column::CreatedAt),
        StreamOrder::UpdatedAt => Some(stream::Column::UpdatedAt),
    }
}

fn stream_conditions(query: &StreamQuery) -> Condition {
    let filter = &query.filter;
    let is_in = |column: stream::Column, values: &[String]| {
        let values: Vec<Value> = values.iter().map(|value| value.as_str().into()).collect();
        (!values.is_empty()).then(|| Expr::col(column).is_in(values))
    };
    let statuses = filter.statuses.iter().map(|status| status.stored());
    let prefix = filter.name_prefix.as_deref();
    Condition::all()
        .add_option(is_in(stream::Column::Category, &filter.categories))
        .add_option(is_in(stream::Column::GuildId, &filter.guild_ids))
        .add_option(
            (!filter.statuses.is_empty())
                .then(|| Expr::col(stream::Column::Status).is_in(statuses)),
        )
        .add_option(prefix.map(|prefix| select::begins_with(stream::Column::Name, prefix)))
        .add_option(
            query
                .after
                .as_ref()
                .map(|key| beyond(query.order, key, true)),
        )
        .add_option(
            query
                .before
                .as_ref()
                .map(|key| beyond(query.order, key, false)),
        )
        .add(stream_scope(&query.scope))
}

/// The streams that stand after (or before) a key.
fn beyond(order: StreamOrder, (value, name): &StreamKey, after: bool) -> Condition {
    let side = |column: stream::Column, bound: Value| {
        let column = Expr::col(column);
        if after {
            column.gt(bound)
        } else {
            column.lt(bound)
        }
    };
    let by_name = side(stream::Column::Name, name.as_str().into());
    match order_column(order) {
        None => Condition::all().add(by_name),
        // Written as a bound on the leading column and an exception, so that the index is used for it.
        Some(column) => {
            let bound = Expr::col(column);
            let bound = if after {
                bound.gte(*value)
            } else {
                bound.lte(*value)
            };
            let beyond = side(column, (*value).into());
            Condition::all()
                .add(bound)
                .add(Condition::any().add(beyond).add(by_name))
        }
    }
}
