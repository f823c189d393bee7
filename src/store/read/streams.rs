//! Streams: by name, by number, and as a list.

use std::collections::HashMap;

use entity::stream;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{QueryResult, Value};

use super::{ReadError, fault};
use crate::scope::Scope;
use crate::store::row::{self, STREAM_COLUMNS};
use crate::store::{EventStore, select};
use crate::stream::{RESERVED, Stream, StreamName, StreamStatus};

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
    /// The store's own streams too, which are left out otherwise.
    pub include_reserved: bool,
}

impl StreamFilter {
    /// Whether the store's own streams are wanted: by that choice, or because a name that begins with `$`
    /// asks for them.
    fn wants_reserved(&self) -> bool {
        let is_reserved = |text: &String| text.starts_with(RESERVED);
        self.include_reserved
            || self.name_prefix.as_ref().is_some_and(is_reserved)
            || self.categories.iter().any(is_reserved)
    }
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

impl EventStore {
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

pub(super) fn stream_scope(scope: &Scope) -> Condition {
    let column = || Expr::col(stream::Column::GuildId);
    Condition::all().add_option(select::scope(scope, column))
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
        .add_option((!filter.statuses.is_empty()).then(|| {
            // As the index of the streams in use has it.
            if filter.statuses == StreamStatus::UNARCHIVED {
                Expr::cust("\"status\" <> 2")
            } else {
                Expr::col(stream::Column::Status).is_in(statuses)
            }
        }))
        .add_option(prefix.map(|prefix| select::begins_with(stream::Column::Name, prefix)))
        // Ordinary names begin with a letter, which stands after `$`.
        .add_option(
            (!filter.wants_reserved() && prefix.is_none())
                .then(|| Expr::col(stream::Column::Name).gte("a")),
        )
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
