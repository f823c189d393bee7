//! Filters, scopes and pages as SQL. Each filter walks an index that ends with the position, so that a page
//! comes out of the index already in order.

mod versions;
pub(super) mod visibility;

use chrono::{DateTime, Utc};
use entity::{event, stream};
use sea_orm::sea_query::{
    Alias, Asterisk, Condition, Expr, ExprTrait, IntoColumnRef, Order, Query, SelectStatement,
    SimpleExpr, UnionType,
};
use sea_orm::{DbBackend, Value};

use super::row;
use crate::filter::{Document, EventFilter, JsonEquals};
use crate::json_path::{SqlBind, SqlDialect};
use crate::position::Position;
use crate::scope::Scope;

/// A page of events: what, from where to where, in which order, how many.
#[derive(Clone, Debug)]
pub(super) struct Page<'a> {
    pub(super) scope: &'a Scope,
    pub(super) filter: &'a EventFilter,
    /// The streams that the filter names, if it names any and they are few.
    pub(super) streams: Streams,
    /// Exclusive.
    pub(super) after: Position,
    /// Inclusive.
    pub(super) through: Position,
    pub(super) versions: VersionRange,
    pub(super) descending: bool,
    pub(super) limit: u64,
}

/// Which streams a filter names.
#[derive(Clone, Debug)]
pub(super) enum Streams {
    /// All, or too many to list: the filter's prefix is compared along the log.
    NotListed,
    /// Exactly one, so that its versions are the order.
    One(i64),
    /// These few.
    Few(Vec<i64>),
}

/// A range of versions of one stream, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The least version.
    pub from: Option<i32>,
    /// The greatest version.
    pub through: Option<i32>,
}

/// The statement for a page.
pub(super) fn page(backend: DbBackend, page: &Page<'_>) -> SelectStatement {
    let mut walks = walks(page).into_iter().map(|(streams, driver)| {
        let part = Page {
            streams,
            ..page.clone()
        };
        ordered(one(backend, &part, &driver), &part)
    });
    let first = walks.next().unwrap_or_default();
    let Some(second) = walks.next() else {
        return first;
    };
    let mut all = cut(first);
    all.union(UnionType::All, cut(second));
    for walk in walks {
        all.union(UnionType::All, cut(walk));
    }
    all.order_by(Alias::new("position"), order(page))
        .limit(page.limit)
        .to_owned()
}

/// A walk with its own order and limit, inside a union.
fn cut(walk: SelectStatement) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from_subquery(walk, Alias::new("part"))
        .to_owned()
}

/// The walks along indexes that find a page, each in the order of the log: one per value of the leading list,
/// or one per stream. A single walk for several values would have to sort all that it finds.
fn walks(page: &Page<'_>) -> Vec<(Streams, Driver)> {
    let driver = Driver::of(page);
    let several: Vec<_> = match (&page.streams, &driver) {
        (Streams::Few(ids), _) => {
            let ids = ids.iter();
            ids.map(|id| (Streams::One(*id), Driver::Order)).collect()
        }
        (streams, Driver::Any(column)) => {
            let values = lists(page.filter)
                .into_iter()
                .filter(|(other, _)| same(*other, *column));
            let values = values.flat_map(|(_, values)| values);
            values
                .map(|value| (streams.clone(), Driver::Equals(*column, value.clone())))
                .collect()
        }
        (_, Driver::Order | Driver::Equals(..)) => Vec::new(),
    };
    if several.is_empty() || several.len() * values_of_one(page) > MOST_VALUES {
        vec![(page.streams.clone(), driver)]
    } else {
        several
    }
}

/// The statement that counts a page's range, never further than its limit.
pub(super) fn count(backend: DbBackend, page: &Page<'_>) -> SelectStatement {
    let mut found = Query::select()
        .expr(Expr::val(1))
        .from(event::Entity)
        .to_owned();
    found
        .cond_where(conditions(backend, page, &Driver::of(page)))
        .limit(page.limit);
    Query::select()
        .expr(Expr::cust("count(*)"))
        .from_subquery(found, Alias::new("found"))
        .to_owned()
}

/// The condition that leads through an index; the others only look at what it finds.
#[derive(Clone, Debug)]
enum Driver {
    /// The order itself: positions, or one stream's versions.
    Order,
    /// Equality on an indexed column.
    Equals(event::Column, String),
    /// The column whose list is its own index range, for a list that is not merged.
    Any(event::Column),
}

impl Driver {
    fn of(page: &Page<'_>) -> Self {
        if !matches!(page.streams, Streams::NotListed) {
            return Self::Order;
        }
        lists(page.filter)
            .into_iter()
            .find(|(_, values)| !values.is_empty())
            .map_or(Self::Order, |(column, values)| match values {
                [only] => Self::Equals(column, only.clone()),
                _ => Self::Any(column),
            })
    }
}

/// The list filters, the most selective column first: a cause has few effects, a type has many events.
fn lists(filter: &EventFilter) -> [(event::Column, &[String]); 6] {
    [
        (event::Column::CausationId, &filter.causation_ids),
        (event::Column::CorrelationId, &filter.correlation_ids),
        (event::Column::ActorId, &filter.actor_ids),
        (event::Column::GuildId, &filter.guild_ids),
        (event::Column::EventType, &filter.event_types),
        (event::Column::Category, &filter.categories),
    ]
}

/// The most values that a statement binds: PostgreSQL refuses more than 65,535, SQLite more than 32,766
/// unless it is built for more.
pub(super) const MOST_VALUES: usize = 30_000;

/// The number of values that a page's statement binds, and a few to spare.
pub(super) fn values(page: &Page<'_>) -> usize {
    values_of_one(page) * walks(page).len()
}

fn values_of_one(page: &Page<'_>) -> usize {
    let listed: usize = lists(page.filter)
        .iter()
        .map(|(_, values)| values.len())
        .sum();
    let streams = match &page.streams {
        Streams::Few(ids) => ids.len(),
        Streams::NotListed | Streams::One(_) => 1,
    };
    let guilds = match page.scope {
        Scope::All => 0,
        Scope::Guilds { guild_ids, .. } => guild_ids.len(),
    };
    listed + streams + guilds + page.filter.json_equals.len() * MOST_VALUES_OF_JSON_EQUALS + 16
}

/// A path has at most 16 steps, and there is the value that is wanted.
const MOST_VALUES_OF_JSON_EQUALS: usize = 17;

fn one(backend: DbBackend, page: &Page<'_>, driver: &Driver) -> SelectStatement {
    let removal = if page.filter.shows_removed() {
        visibility::removal(backend)
    } else {
        visibility::shown()
    };
    row::select_events(removal)
        .cond_where(conditions(backend, page, driver))
        .to_owned()
}

fn ordered(mut select: SelectStatement, page: &Page<'_>) -> SelectStatement {
    let column = match page.streams {
        // Within a stream, versions and positions have one order, and the index holds the versions.
        Streams::One(_) => event::Column::StreamVersion,
        Streams::Few(_) | Streams::NotListed => event::Column::Position,
    };
    select
        .order_by((event::Entity, column), order(page))
        .limit(page.limit)
        .to_owned()
}

fn order(page: &Page<'_>) -> Order {
    if page.descending {
        Order::Desc
    } else {
        Order::Asc
    }
}

fn conditions(backend: DbBackend, page: &Page<'_>, driver: &Driver) -> Condition {
    let mut all = Condition::all();
    all = match &page.streams {
        Streams::One(id) => all
            .add(col(event::Column::StreamId).eq(*id))
            .add(versions::within(page, *id))
            .add(visibility::is_shown_in(backend, *id)),
        Streams::Few(ids) => all
            .add(col(event::Column::StreamId).is_in(ids.iter().copied()))
            .add(positions(page))
            .add(visibility::is_shown(backend)),
        Streams::NotListed => all
            .add(positions(page))
            .add_option(prefix(page.filter))
            .add_option(not_reserved(page.filter))
            .add_option((!page.filter.shows_removed()).then(|| visibility::is_shown(backend))),
    };
    all = recorded(all, page.filter);
    for (column, values) in lists(page.filter) {
        let leads = match driver {
            Driver::Equals(driving, value) if same(*driving, column) => {
                all = all.add(col(column).eq(value.as_str()));
                continue;
            }
            Driver::Any(driving) => same(*driving, column),
            Driver::Order | Driver::Equals(..) => false,
        };
        all = all.add_option(list(backend, column, values, leads));
    }
    for wanted in &page.filter.json_equals {
        all = all.add(json_equals(backend, wanted));
    }
    all.add_option(scope(page.scope, || {
        looked_at(backend, event::Column::GuildId)
    }))
}

fn positions(page: &Page<'_>) -> Condition {
    Condition::all()
        .add(col(event::Column::Position).gt(page.after.get()))
        .add(col(event::Column::Position).lte(page.through.get()))
}

/// Leaves the store's own streams out, unless they are wanted or something else in the filter does.
fn not_reserved(filter: &EventFilter) -> Option<SimpleExpr> {
    let is_implied = !filter.categories.is_empty()
        || !filter.event_types.is_empty()
        || filter.stream_prefix.is_some();
    (!filter.wants_reserved() && !is_implied)
        .then(|| Expr::cust(r#"substr("events"."category", 1, 1) <> '$'"#))
}

/// A prefix of stream names, compared along the log by the key of each event's stream. Where the prefix
/// holds the whole category, the category's index leads.
fn prefix(filter: &EventFilter) -> Option<Condition> {
    let prefix = filter.stream_prefix.as_deref()?;
    let names = Query::select()
        .expr(Expr::val(1))
        .from(stream::Entity)
        .and_where(
            Expr::col((stream::Entity, stream::Column::Id))
                .equals((event::Entity, event::Column::StreamId)),
        )
        .cond_where(begins_with((stream::Entity, stream::Column::Name), prefix))
        .to_owned();
    let category = prefix.split_once('-').map(|(category, _)| category);
    let category = category.map(|category| col(event::Column::Category).eq(category));
    Some(
        Condition::all()
            .add_option(category)
            .add(Expr::exists(names)),
    )
}

/// `column` begins with `prefix`, as a range of its index; both backends compare names byte by byte.
pub(super) fn begins_with(column: impl IntoColumnRef + Clone, prefix: &str) -> Condition {
    let all = Condition::all().add(Expr::col(column.clone()).gte(prefix));
    // The least text that is greater than every text with this prefix. Prefixes are ASCII.
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    all.add_option(
        String::from_utf8(end)
            .ok()
            .map(|end| Expr::col(column).lt(end)),
    )
}

/// Recording times never decrease along the log, so a range of times is a range of positions.
fn recorded(all: Condition, filter: &EventFilter) -> Condition {
    let first_from = |time: DateTime<Utc>| {
        let first = Query::select()
            .column((Alias::new("timed"), event::Column::Position))
            .from_as(event::Entity, Alias::new("timed"))
            .and_where(
                Expr::col((Alias::new("timed"), event::Column::RecordedAt))
                    .gte(first_millisecond(time)),
            )
            .order_by((Alias::new("timed"), event::Column::RecordedAt), Order::Asc)
            .order_by((Alias::new("timed"), event::Column::Position), Order::Asc)
            .limit(1)
            .to_owned();
        let first: SimpleExpr = Expr::SubQuery(None, Box::new(first.into()));
        let beyond = Expr::val(Position::MAX.get());
        SimpleExpr::from(sea_orm::sea_query::Func::coalesce([first, beyond]))
    };
    let column = || col(event::Column::Position);
    all.add_option(
        filter
            .recorded_from
            .map(|time| column().gte(first_from(time))),
    )
    .add_option(
        filter
            .recorded_before
            .map(|time| column().lt(first_from(time))),
    )
}

/// The first whole millisecond at or after a time. Recording times are whole milliseconds: rounding down
/// would take one that is earlier than the time for one that is not.
pub(super) fn first_millisecond(time: DateTime<Utc>) -> i64 {
    let whole = time.timestamp_millis();
    if time.timestamp_subsec_nanos().is_multiple_of(1_000_000) {
        whole
    } else {
        whole.saturating_add(1)
    }
}

fn list(
    backend: DbBackend,
    column: event::Column,
    values: &[String],
    leads: bool,
) -> Option<SimpleExpr> {
    if values.is_empty() {
        return None;
    }
    let column = if leads {
        col(column)
    } else {
        looked_at(backend, column)
    };
    Some(column.is_in(values.iter().map(String::as_str)))
}

/// What a caller may see, as a condition on the column that holds the guild; `None` if that is everything.
/// Every statement takes its scope from here.
pub(super) fn scope(scope: &Scope, column: impl Fn() -> Expr) -> Option<Condition> {
    match scope {
        Scope::All => None,
        Scope::Guilds {
            guild_ids,
            include_without_guild,
        } => {
            let ids = guild_ids.iter().map(AsRef::<str>::as_ref);
            let none = include_without_guild.then(|| column().is_null());
            Some(Condition::any().add(column().is_in(ids)).add_option(none))
        }
    }
}

/// A column that no index is to be used for. SQLite, which keeps no statistics here, takes any index with
/// an equality for as good as another, and a unary plus keeps it off this one; PostgreSQL knows better.
fn looked_at(backend: DbBackend, column: event::Column) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust(format!(
            "+\"events\".\"{}\"",
            sea_orm::Iden::unquoted(&column)
        )),
        _ => col(column),
    }
}

fn json_equals(backend: DbBackend, wanted: &JsonEquals) -> SimpleExpr {
    let dialect = match backend {
        DbBackend::Sqlite => SqlDialect::Sqlite,
        _ => SqlDialect::Postgres,
    };
    let column = match wanted.document {
        Document::Data => "\"events\".\"data\"",
        Document::Metadata => "\"events\".\"metadata\"",
    };
    let (sql, binds) = wanted.path.sql(dialect, column, &wanted.value, 1);
    let values = binds.into_iter().map(|bind| match bind {
        SqlBind::Text(text) => Value::from(text),
        SqlBind::Int(number) => Value::from(number),
    });
    Expr::cust_with_values(sql, values)
}

fn col(column: event::Column) -> SimpleExpr {
    Expr::col((event::Entity, column))
}

fn same(one: event::Column, other: event::Column) -> bool {
    sea_orm::Iden::unquoted(&one) == sea_orm::Iden::unquoted(&other)
}
