//! Every filter has an index behind it: what the databases say of the statements that reads really send.

use std::fmt::Write as _;

use chrono::TimeDelta;
use sea_orm::{DbBackend, Statement};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::event::NewEvent;
use crate::expected_version::ExpectedVersion;
use crate::filter::{Document, JsonEquals};
use crate::json_path::{JsonPath, JsonScalar};
use crate::registry::{Categories, Registry, RegistryOptions};
use crate::store::{
    Append, AppendLimits, Database, DatabaseOptions, FollowOptions, OperationOptions,
    ScavengeOptions, SnapshotOptions, StoreOptions, StreamAppend, TailOptions,
};
use crate::stream::StreamName;

const STREAMS: usize = 3000;
const EVENTS_PER_STREAM: usize = 4;
/// The length of the pages that are asked for.
const LIMIT: u64 = 10;
/// A page may look at this many rows, a tenth of the log: some for each of its walks along an index, and a few
/// hundred streams for a prefix.
const MOST_ROWS: u64 = 1200;
/// How far lists are counted.
const COUNT_LIMIT: u64 = 10_001;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_searches_an_index_for_every_filter() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("log.db").display());
    every_read_is_planned_well(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_searches_an_index_for_every_filter() {
    let url = testkit::shared_postgres().await.create_database().await;
    every_read_is_planned_well(&url).await;
}

async fn every_read_is_planned_well(url: &str) {
    let store = filled(url).await;
    let mut faults = String::new();
    for (name, index, query) in event_queries(&store).await {
        for descending in [false, true] {
            for after_half in [false, true] {
                let query = bounded(&query, descending, after_half);
                store.database().recorded();
                store.events(&query).await.unwrap();
                let name =
                    format!("{name}, descending: {descending}, from the middle: {after_half}");
                note_faults(&store, &name, index, 0, &mut faults).await;
            }
        }
        store
            .events_of(&[query.clone(), query.clone()])
            .await
            .unwrap();
        note_faults(
            &store,
            &format!("{name}, beside another"),
            index,
            0,
            &mut faults,
        )
        .await;
        let all = EventQuery {
            limit: COUNT_LIMIT,
            ..query
        };
        let counted = store.count_events(&all).await.unwrap();
        note_faults(
            &store,
            &format!("the count of {name}"),
            index,
            counted,
            &mut faults,
        )
        .await;
    }
    for (name, query) in stream_queries() {
        store.streams(&query).await.unwrap();
        note_faults(&store, &format!("streams {name}"), "", 0, &mut faults).await;
        let all = StreamQuery {
            limit: COUNT_LIMIT,
            ..query
        };
        let counted = store.count_streams(&all).await.unwrap();
        note_faults(
            &store,
            &format!("the count of streams {name}"),
            "",
            counted,
            &mut faults,
        )
        .await;
    }
    look_ups(&store).await;
    note_faults(&store, "look-ups", "", 0, &mut faults).await;
    assert!(faults.is_empty(), "{faults}");
    store.close().await;
}

/// The same query from either end, and from the middle of the log.
fn bounded(query: &EventQuery, descending: bool, from_the_middle: bool) -> EventQuery {
    let middle = Position::from_stored(i64::try_from(STREAMS * EVENTS_PER_STREAM / 2).unwrap());
    let mut query = EventQuery {
        descending,
        ..query.clone()
    };
    if from_the_middle && descending {
        query.through = middle;
    } else if from_the_middle {
        query.after = middle;
    }
    query
}

async fn event_queries(store: &EventStore) -> Vec<(String, &'static str, EventQuery)> {
    let events = store.events(&query(EventFilter::default())).await.unwrap();
    let mut queries = Vec::new();
    for (name, index, filter) in filters(&events[2]) {
        queries.push((name.to_owned(), index, query(filter)));
    }
    let of_a_type = EventFilter {
        event_types: texts(&["type_1"]),
        ..EventFilter::default()
    };
    for guilds in [&["1"][..], &["1", "2"]] {
        let scope = Scope::Guilds {
            guild_ids: guilds.iter().copied().map(Arc::from).collect(),
            include_without_guild: true,
        };
        let query = EventQuery {
            scope,
            ..query(of_a_type.clone())
        };
        queries.push((
            format!("a type in {} guilds", guilds.len()),
            "events_type",
            query,
        ));
    }
    queries
}

/// Each part of a filter alone, and some together, each with the index that leads; `some` is an event that has
/// all of them.
fn filters(some: &RecordedEvent) -> Vec<(&'static str, &'static str, EventFilter)> {
    let (cause, talk) = (some.event_id.to_string(), some.correlation_id.to_string());
    let after = |milliseconds| Some(some.recorded_at + TimeDelta::milliseconds(milliseconds));
    let stream = || Some(some.stream.clone());
    let value = || JsonEquals {
        document: Document::Data,
        path: JsonPath::parse("n").unwrap(),
        value: JsonScalar::Int(1),
    };
    let prefix = |prefix: &str| Some(prefix.to_owned());
    let mut filters = Vec::new();
    let mut add = |name, index, change: &dyn Fn(&mut EventFilter)| {
        let mut filter = EventFilter::default();
        change(&mut filter);
        filters.push((name, index, filter));
    };
    add("everything", "INTEGER PRIMARY KEY", &|_| ());
    add("one stream", "events_2", &|it| it.stream = stream());
    add("a category", "events_category", &|it| {
        it.categories = texts(&["c1"]);
    });
    add("categories", "events_category", &|it| {
        it.categories = texts(&["c1", "c2", "no"]);
    });
    add("a prefix of one stream", "events_2", &|it| {
        it.stream_prefix = prefix("c4-2999");
    });
    add("a prefix of few streams", "events_2", &|it| {
        it.stream_prefix = prefix("c1-11");
    });
    add("a prefix of many streams", "INTEGER PRIMARY KEY", &|it| {
        it.stream_prefix = prefix("c");
    });
    add("a prefix of a category", "events_category", &|it| {
        it.stream_prefix = prefix("c1-");
    });
    add("a prefix of none", "", &|it| it.stream_prefix = prefix("x"));
    add("a type", "events_type", &|it| {
        it.event_types = texts(&["type_1"]);
    });
    add("types", "events_type", &|it| {
        it.event_types = texts(&["type_1", "type_2"]);
    });
    add("a guild", "events_guild", &|it| {
        it.guild_ids = texts(&["1"]);
    });
    add("guilds", "events_guild", &|it| {
        it.guild_ids = texts(&["1", "2", "3"]);
    });
    add("an actor", "events_actor", &|it| {
        it.actor_ids = texts(&["7"]);
    });
    add("actors", "events_actor", &|it| {
        it.actor_ids = texts(&["7", "8"]);
    });
    add("a correlation", "events_correlation", &|it| {
        it.correlation_ids = texts(&[&talk]);
    });
    add("correlations", "events_correlation", &|it| {
        it.correlation_ids = texts(&[&talk, "x"]);
    });
    add("a cause", "events_causation", &|it| {
        it.causation_ids = texts(&[&cause]);
    });
    add("causes", "events_causation", &|it| {
        it.causation_ids = texts(&[&cause, "x"]);
    });
    add("a time on", "events_recorded_at", &|it| {
        it.recorded_from = after(1);
    });
    add("until a time", "events_recorded_at", &|it| {
        it.recorded_before = after(100);
    });
    add("a guild and a type", "events_guild", &|it| {
        it.guild_ids = texts(&["1"]);
        it.event_types = texts(&["type_1"]);
    });
    add("a value in a stream", "events_2", &|it| {
        it.stream = stream();
        it.json_equals.push(value());
    });
    add("a value of an effect", "events_causation", &|it| {
        it.causation_ids = texts(&[&cause]);
        it.json_equals.push(value());
    });
    filters
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn stream_queries() -> Vec<(String, StreamQuery)> {
    let mut queries = Vec::new();
    for order in [
        StreamOrder::Name,
        StreamOrder::CreatedAt,
        StreamOrder::UpdatedAt,
    ] {
        for descending in [false, true] {
            let all = StreamQuery {
                scope: Scope::All,
                filter: StreamFilter::default(),
                order,
                after: None,
                before: None,
                descending,
                limit: LIMIT,
            };
            queries.push((format!("by {order:?}, descending: {descending}"), all));
        }
    }
    let filter = StreamFilter::default;
    for (name, filter) in [
        (
            "of a category",
            StreamFilter {
                categories: texts(&["c1"]),
                ..filter()
            },
        ),
        (
            "of a guild",
            StreamFilter {
                guild_ids: texts(&["1"]),
                ..filter()
            },
        ),
        (
            "of a prefix",
            StreamFilter {
                name_prefix: Some("c1-1".to_owned()),
                ..filter()
            },
        ),
    ] {
        let query = StreamQuery {
            filter,
            ..queries[0].1.clone()
        };
        queries.push((name.to_owned(), query));
    }
    let after = StreamQuery {
        after: Some((0, "c3".to_owned())),
        ..queries[0].1.clone()
    };
    queries.push(("after one".to_owned(), after));
    queries
}

async fn look_ups(store: &EventStore) {
    let events = store.events(&query(EventFilter::default())).await.unwrap();
    let ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let streams: Vec<i64> = events.iter().map(|event| event.stream_id).collect();
    let names: Vec<&StreamName> = events.iter().map(|event| &event.stream).collect();
    let places: Vec<Position> = events.iter().map(|event| event.position).collect();
    store.events_by_id(&Scope::All, &ids).await.unwrap();
    store.events_at(&Scope::All, &places).await.unwrap();
    store.streams_by_id(&Scope::All, &streams).await.unwrap();
    store.streams_by_name(&Scope::All, &names).await.unwrap();
    store.position_at(events[3].recorded_at).await.unwrap();
}

fn query(filter: EventFilter) -> EventQuery {
    EventQuery {
        scope: Scope::All,
        filter,
        stream_id: None,
        after: Position::ORIGIN,
        through: Position::MAX,
        versions: VersionRange::default(),
        descending: false,
        limit: LIMIT,
    }
}

/// Adds what is wrong with the plans of the statements that were sent since the last call.
///
/// A count looks at what it counts; what else a database looks at must not be much more. Only SQLite is held to
/// the index by its name: PostgreSQL knows how often a value occurs, and may know a cheaper way.
async fn note_faults(
    store: &EventStore,
    name: &str,
    index: &str,
    counted: u64,
    faults: &mut String,
) {
    let backend = store.database().backend();
    let mut plans = String::new();
    for statement in store.database().recorded() {
        let rows = explain(store, &statement).await;
        let (is_bad, plan) = match backend {
            DbBackend::Sqlite => sqlite_faults(&rows),
            _ => postgres_faults(&rows, MOST_ROWS + 3 * counted),
        };
        if is_bad {
            writeln!(faults, "{name}:\n{}\n{plan}", statement.sql).unwrap();
        }
        plans += &plan;
    }
    if backend == DbBackend::Sqlite && !plans.contains(index) {
        writeln!(faults, "{name} is not led by {index}:\n{plans}").unwrap();
    }
}

async fn explain(store: &EventStore, statement: &Statement) -> Vec<QueryResult> {
    let explain = match store.database().backend() {
        DbBackend::Sqlite => "EXPLAIN QUERY PLAN",
        _ => "EXPLAIN ANALYZE",
    };
    let explained = Statement {
        sql: format!("{explain} {}", statement.sql),
        ..statement.clone()
    };
    let rows = store.database().read(explained).await.unwrap();
    store.database().recorded();
    rows
}

/// SQLite says what it does, not how much of it: the scan of a table is a fault, and so is a sort, unless it
/// merges parts that are already cut to the page's length.
fn sqlite_faults(rows: &[QueryResult]) -> (bool, String) {
    let details = rows.iter().map(|row| row.try_get("", "detail").unwrap());
    let details: Vec<String> = std::iter::once(String::new()).chain(details).collect();
    let bad = details.windows(2).any(|pair| {
        // To walk an index in its order until the page is full is no scan of the table.
        let is_scan = (pair[1].starts_with("SCAN events") || pair[1].starts_with("SCAN streams"))
            && !pair[1].contains("USING");
        let is_sort = pair[1].contains("TEMP B-TREE") && pair[0] != "SCAN part";
        is_scan || is_sort
    });
    (bad, details.join("\n"))
}

/// PostgreSQL ran the statement and counted: no step of it may touch more rows than a page can need.
fn postgres_faults(rows: &[QueryResult], most_rows: u64) -> (bool, String) {
    let lines: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    let (mut loops, mut touched, mut most) = (1, 0, 0);
    for line in &lines {
        if let Some((_, actual)) = line.split_once("(actual ") {
            loops = number_after(actual, "loops=").unwrap();
            touched = number_after(actual, "rows=").unwrap() * loops;
        } else if line.contains("Rows Removed by") {
            touched += number_after(line, ": ").unwrap() * loops;
        }
        most = Ord::max(most, touched);
    }
    (
        most > most_rows,
        format!("touches {most} rows:\n{}", lines.join("\n")),
    )
}

/// The whole part of the number after a mark.
fn number_after(text: &str, mark: &str) -> Option<u64> {
    let (_, rest) = text.split_once(mark)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// A store with a few thousand events, and the statistics that a database gathers by and by.
async fn filled(url: &str) -> EventStore {
    let seconds = std::time::Duration::from_secs;
    let database = Database::open(DatabaseOptions {
        url: url.to_owned(),
        read_connections: 2,
        connect_timeout: seconds(30),
        statement_timeout: seconds(30),
        listen_url: None,
        transaction_pooler: false,
    })
    .unwrap();
    let writer = database.writer();
    migration::up(&writer).await.unwrap();
    let store = EventStore::start(database, options(), registry())
        .await
        .unwrap();
    for round in 0..EVENTS_PER_STREAM {
        for batch in 0..STREAMS / 100 {
            let streams = (0..100).map(|number| stream_append(batch * 100 + number, round));
            let append = Append {
                streams: streams.collect(),
                is_batch: true,
            };
            store.append(append).await.unwrap();
        }
    }
    if store.database().backend() == DbBackend::Postgres {
        // The versions of rows that the appends have left behind would count as touched, if autovacuum has
        // not happened to come by.
        sea_orm::ConnectionTrait::execute_unprepared(&writer, "VACUUM ANALYZE")
            .await
            .unwrap();
    }
    writer.close().await.unwrap();
    store
}

fn stream_append(stream: usize, round: usize) -> StreamAppend {
    let id = |round: usize| Uuid::from_u128((stream * 100 + round) as u128 + 1);
    let mut metadata = json!({"actor_id": (stream % 50).to_string(), "correlation_id": id(0)});
    if round > 0 {
        metadata["causation_id"] = json!(id(round - 1));
    }
    let mut data = json!({"n": round});
    if stream.is_multiple_of(3) {
        data["guild_id"] = json!((stream % 40).to_string());
    }
    let event = NewEvent {
        event_id: Some(id(round)),
        event_type: format!("type_{}", (stream + round) % 4),
        schema_version: None,
        data: data.to_string(),
        metadata: Some(metadata.to_string()),
    };
    StreamAppend {
        stream: format!("c{}-{stream}", stream % 5),
        expected: ExpectedVersion::Any,
        events: vec![event],
    }
}

/// A registry that lets everything pass.
pub(in crate::store) fn registry() -> Registry {
    let options = RegistryOptions {
        open: Categories::default(),
        unchecked: Categories::new(&["*".to_owned()]),
        max_types: 0,
        max_versions: 1,
    };
    Registry::new(Vec::new(), options).unwrap()
}

pub(in crate::store) fn options() -> StoreOptions {
    let seconds = std::time::Duration::from_secs;
    StoreOptions {
        append: AppendLimits {
            max_events: 1000,
            max_request_bytes: 1 << 20,
            max_event_bytes: 1 << 16,
            max_batch_streams: 100,
        },
        max_stream_events: 10_000,
        queue_requests: 100,
        queue_bytes: 1 << 26,
        group_events: 2000,
        group_bytes: 1 << 22,
        deadline: seconds(30),
        hub_capacity: 16,
        follow: FollowOptions {
            page_events: 100,
            scan_window: 1000,
            checkpoint_every: 1000,
            checkpoint_interval: seconds(5),
        },
        operations: OperationOptions {
            poll: seconds(1),
            takeover_after: seconds(10),
            watch: seconds(1),
            max_unfinished: 1,
        },
        scavenge: ScavengeOptions {
            batch_events: 100,
            pause: seconds(0),
        },
        snapshots: SnapshotOptions {
            kept_per_stream: 20,
            queue: 64,
        },
        tail: TailOptions {
            poll_interval: seconds(1),
            notify_interval: std::time::Duration::from_millis(2),
        },
    }
}

/// The log is large enough that it matters where a walk stops: 200,000 events, 4,000 of each of 50 guilds.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_stops_at_the_end_of_a_page_and_compiles_nothing_for_it() {
    use sea_orm::ConnectionTrait;
    let url = testkit::shared_postgres().await.create_database().await;
    let seconds = std::time::Duration::from_secs;
    let database = Database::open(DatabaseOptions {
        url,
        read_connections: 2,
        connect_timeout: seconds(30),
        statement_timeout: seconds(60),
        listen_url: None,
        transaction_pooler: false,
    })
    .unwrap();
    let writer = database.writer();
    migration::up(&writer).await.unwrap();
    for statement in [
        "INSERT INTO streams (id, name, category, guild_id, version, status, hidden_through, created_at, updated_at)
         SELECT i, 'game-' || i, 'game', (i % 50)::text, 40, 0, 0, i, i FROM generate_series(1, 5000) i",
        "INSERT INTO events (position, event_id, stream_id, stream_version, category, guild_id, event_type,
            schema_version, data, metadata, salt, correlation_id, recorded_at, content_hash, hash)
         SELECT p, gen_random_uuid(), 1 + p % 5000, 1 + p / 5000, 'game', ((1 + p % 5000) % 50)::text,
            't' || p % 8, 1, repeat('x', 300), '{}', decode(repeat('00', 16), 'hex'), 'c' || p / 40, p,
            decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
         FROM generate_series(1, 199999) p",
        "UPDATE log_head SET position = 199999, next_stream_id = 5001",
        "VACUUM ANALYZE",
    ] {
        writer.execute_unprepared(statement).await.unwrap();
    }
    let store = EventStore::start(database, options(), registry())
        .await
        .unwrap();
    let mut faults = String::new();
    for (name, filter) in [
        (
            "category",
            EventFilter {
                categories: texts(&["game"]),
                ..EventFilter::default()
            },
        ),
        (
            "guild",
            EventFilter {
                guild_ids: texts(&["7"]),
                ..EventFilter::default()
            },
        ),
        (
            "type",
            EventFilter {
                event_types: texts(&["t3"]),
                ..EventFilter::default()
            },
        ),
    ] {
        let query = EventQuery {
            limit: 100,
            ..query(filter)
        };
        store.database().recorded();
        assert_eq!(store.events(&query).await.unwrap().len(), 100);
        for statement in store.database().recorded() {
            let rows = explain(&store, &statement).await;
            let (is_bad, plan) = postgres_faults(&rows, 400);
            if is_bad || plan.contains("JIT:") {
                writeln!(faults, "{name}: {plan}").unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
    store.close().await;
}
