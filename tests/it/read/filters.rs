//! A filter means one thing: to a page, to a count, to a live feed, and to whoever reads its description.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gamebot_event_store::filter::{Document, EventFilter, JsonEquals};
use gamebot_event_store::json_path::{JsonPath, JsonScalar};
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{EventQuery, EventStore, VersionRange};
use gamebot_event_store::stream::StreamName;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use uuid::Uuid;

use super::history::{GUILDS, Known, PEOPLE, STREAMS, TALKS, TYPES, fill, open};
use crate::support::{World, on_both_backends};

on_both_backends!(pages_counts_live_filters_and_a_naive_reading_agree);

#[expect(
    clippy::result_large_err,
    reason = "a failed property carries its whole case"
)]
async fn pages_counts_live_filters_and_a_naive_reading_agree(world: World) {
    let store = open(&world).await;
    let log = fill(&store, 7, 60).await;
    let runtime = tokio::runtime::Handle::current();
    let (asked, found) = (Cell::new(0_usize), Cell::new(0_usize));
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&query(&log), |query| {
            let wanted = naive(&query, &log);
            prop_assert_eq!(
                live(&query, &log),
                unbounded(&query, &log),
                "the live filter"
            );
            let (page, batched, count, batched_count) = runtime.block_on(ask(&store, &query));
            prop_assert_eq!(&page, &wanted, "a page");
            prop_assert_eq!(&batched, &wanted, "a page beside another");
            prop_assert_eq!(count, wanted.len() as u64, "a count");
            prop_assert_eq!(batched_count, wanted.len() as u64, "a count beside another");
            asked.set(asked.get() + 1);
            found.set(found.get() + usize::from(!wanted.is_empty()));
            Ok(())
        })
    });
    outcome.unwrap();
    // An agreement about nothing would prove nothing.
    let (asked, found) = (asked.get(), found.get());
    assert!(
        found * 4 > asked && found < asked,
        "{found} of {asked} queries found something"
    );
    store.close().await;
}

/// The page and its length, asked for alone and together with another.
async fn ask(store: &EventStore, query: &EventQuery) -> (Vec<i64>, Vec<i64>, u64, u64) {
    let other = EventQuery {
        descending: !query.descending,
        ..query.clone()
    };
    let together = [other, query.clone()];
    let positions = |events: &[Arc<gamebot_event_store::event::RecordedEvent>]| {
        events.iter().map(|event| event.position.get()).collect()
    };
    let page = store.events(query).await.unwrap();
    let pages = store.events_of(&together).await.unwrap();
    let count = store.count_events(query).await.unwrap();
    let counts = store.count_events_of(&together).await.unwrap();
    (positions(&page), positions(&pages[1]), count, counts[1])
}

/// What the query should find, by walking the log.
fn naive(query: &EventQuery, log: &[Known]) -> Vec<i64> {
    let mut found: Vec<i64> = log
        .iter()
        .filter(|event| query.scope.allows(event.guild))
        .filter(|event| is_wanted(&query.filter, event))
        .filter(|event| query.after.get() < event.position && event.position <= query.through.get())
        .filter(|event| query.versions.from.is_none_or(|from| event.version >= from))
        .filter(|event| {
            query
                .versions
                .through
                .is_none_or(|through| event.version <= through)
        })
        .map(|event| event.position)
        .collect();
    if query.descending {
        found.reverse();
    }
    found.truncate(usize::try_from(query.limit).unwrap());
    found
}

fn unbounded(query: &EventQuery, log: &[Known]) -> Vec<i64> {
    let wanted = log.iter().filter(|event| is_wanted(&query.filter, event));
    wanted.map(|event| event.position).collect()
}

fn live(query: &EventQuery, log: &[Known]) -> Vec<i64> {
    let wanted = log
        .iter()
        .filter(|event| query.filter.matches(&event.recorded));
    wanted.map(|event| event.position).collect()
}

/// The filter's documentation as code, over what was written and not over what was stored.
fn is_wanted(filter: &EventFilter, event: &Known) -> bool {
    let among = |wanted: &[String], value: Option<&str>| {
        wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value))
    };
    filter
        .stream
        .as_ref()
        .is_none_or(|stream| stream.as_str() == event.stream)
        && among(&filter.categories, event.stream.split('-').next())
        && filter
            .stream_prefix
            .as_ref()
            .is_none_or(|prefix| event.stream.starts_with(prefix))
        && among(&filter.event_types, Some(event.event_type))
        && among(&filter.guild_ids, event.guild)
        && among(&filter.actor_ids, event.text("actor_id"))
        && among(&filter.correlation_ids, Some(&event.correlation()))
        && among(&filter.causation_ids, event.text("causation_id"))
        && filter
            .recorded_from
            .is_none_or(|from| event.recorded_at >= from)
        && filter
            .recorded_before
            .is_none_or(|before| event.recorded_at < before)
        && filter
            .json_equals
            .iter()
            .all(|wanted| has_value(wanted, event))
}

fn has_value(wanted: &JsonEquals, event: &Known) -> bool {
    let document = match wanted.document {
        Document::Data => &event.data,
        Document::Metadata => &event.metadata,
    };
    let pointer = wanted
        .path
        .to_string()
        .replace(['.', '['], "/")
        .replace(']', "");
    let value = match &wanted.value {
        JsonScalar::Str(text) => Value::from(text.as_str()),
        JsonScalar::Bool(value) => Value::from(*value),
        JsonScalar::Null => Value::Null,
        JsonScalar::Int(number) => Value::from(*number),
    };
    document.pointer(&format!("/{pointer}")) == Some(&value)
}

fn query(log: &[Known]) -> impl Strategy<Value = EventQuery> + use<> {
    let head = i64::try_from(log.len()).unwrap();
    let end = move || prop_oneof![2 => Just(None), 1 => (0..=head + 2).prop_map(Some)];
    let versions = prop_oneof![3 => Just((None, None)), 1 => (end(), end())];
    let limit = prop_oneof![1 => 0_u64..5, 1 => Just(1000)];
    (
        scope(),
        filter(log),
        end(),
        end(),
        versions,
        any::<bool>(),
        limit,
    )
        .prop_map(
            move |(scope, filter, after, through, versions, descending, limit)| {
                let position = |number: Option<i64>, default| {
                    Position::new(number.unwrap_or(default)).unwrap()
                };
                let version =
                    |number: Option<i64>| number.map(|number| i32::try_from(number).unwrap());
                let versions = match filter.stream {
                    Some(_) => VersionRange {
                        from: version(versions.0),
                        through: version(versions.1),
                    },
                    None => VersionRange::default(),
                };
                EventQuery {
                    scope,
                    filter,
                    stream_id: None,
                    after: position(after, 0),
                    through: position(through, head),
                    versions,
                    descending,
                    limit,
                }
            },
        )
}

fn scope() -> impl Strategy<Value = Scope> {
    let guilds = (subsequence(GUILDS.to_vec(), 0..=3), any::<bool>());
    let guilds = guilds.prop_map(|(guilds, include_without_guild)| Scope::Guilds {
        guild_ids: guilds
            .into_iter()
            .map(Arc::from)
            .collect::<BTreeSet<Arc<str>>>(),
        include_without_guild,
    });
    prop_oneof![1 => Just(Scope::All), 1 => guilds]
}

/// Up to four parts: more would seldom find anything.
fn filter(log: &[Known]) -> impl Strategy<Value = EventFilter> + use<> {
    proptest::collection::vec(part(log), 0..5).prop_map(|parts| {
        let mut filter = EventFilter::default();
        for part in parts {
            part.put_into(&mut filter);
        }
        filter
    })
}

#[derive(Clone, Debug)]
enum Part {
    Stream(String),
    Categories(Vec<String>),
    Prefix(String),
    Types(Vec<String>),
    Guilds(Vec<String>),
    Actors(Vec<String>),
    Correlations(Vec<String>),
    Causations(Vec<String>),
    From(DateTime<Utc>),
    Before(DateTime<Utc>),
    Json(JsonEquals),
}

impl Part {
    fn put_into(self, filter: &mut EventFilter) {
        match self {
            Self::Stream(name) => filter.stream = Some(StreamName::parse(&name).unwrap()),
            Self::Categories(values) => filter.categories = values,
            Self::Prefix(prefix) => filter.stream_prefix = Some(prefix),
            Self::Types(values) => filter.event_types = values,
            Self::Guilds(values) => filter.guild_ids = values,
            Self::Actors(values) => filter.actor_ids = values,
            Self::Correlations(values) => filter.correlation_ids = values,
            Self::Causations(values) => filter.causation_ids = values,
            Self::From(time) => filter.recorded_from = Some(time),
            Self::Before(time) => filter.recorded_before = Some(time),
            Self::Json(wanted) => filter.json_equals.push(wanted),
        }
    }
}

fn part(log: &[Known]) -> impl Strategy<Value = Part> + use<> {
    let ids: Vec<String> = log.iter().map(|event| event.event_id.to_string()).collect();
    let own = ids.iter().take(3).cloned();
    let talks = TALKS
        .map(str::to_owned)
        .into_iter()
        .chain(own)
        .chain([Uuid::nil().to_string()])
        .collect();
    let causes: BTreeSet<String> = log
        .iter()
        .filter_map(|event| event.text("causation_id"))
        .map(str::to_owned)
        .collect();
    prop_oneof![
        select(names(&["game-3"])).prop_map(Part::Stream),
        some(&["game", "gamelog", "team", "t", "x"]).prop_map(Part::Categories),
        select(prefixes()).prop_map(Part::Prefix),
        some(&[TYPES[0], TYPES[1], TYPES[2], "other"]).prop_map(Part::Types),
        some(&[GUILDS[0], GUILDS[1], GUILDS[2], "7"]).prop_map(Part::Guilds),
        some(&[PEOPLE[0], PEOPLE[1], PEOPLE[2], "u\u{308}"]).prop_map(Part::Actors),
        some_of(talks).prop_map(Part::Correlations),
        some_of(causes.into_iter().collect()).prop_map(Part::Causations),
        time(log).prop_map(Part::From),
        time(log).prop_map(Part::Before),
        json_equals().prop_map(Part::Json),
    ]
}

fn names(more: &[&str]) -> Vec<String> {
    STREAMS
        .iter()
        .chain(more)
        .map(|name| (*name).to_owned())
        .collect()
}

/// Of the streams' names every beginning, and some that only come near.
fn prefixes() -> Vec<String> {
    let all = names(&["game-3", "gamf", "tea~"]);
    all.iter()
        .flat_map(|name| (1..=name.len()).map(|end| name[..end].to_owned()))
        .collect()
}

fn some(values: &[&str]) -> impl Strategy<Value = Vec<String>> + use<> {
    some_of(values.iter().map(|value| (*value).to_owned()).collect())
}

fn some_of(values: Vec<String>) -> impl Strategy<Value = Vec<String>> {
    let most = values.len().min(3);
    subsequence(values, 1..=most)
}

/// The time of an event, and a little before and after it: less than the store's clock can tell, too.
fn time(log: &[Known]) -> impl Strategy<Value = DateTime<Utc>> + use<> {
    let times: Vec<DateTime<Utc>> = log.iter().map(|event| event.recorded_at).collect();
    let steps = select(vec![
        -1_000_000,
        -1_000,
        -1,
        0,
        1,
        500,
        1_000,
        86_400_000_000,
    ]);
    (select(times), steps)
        .prop_map(|(time, microseconds)| time + TimeDelta::microseconds(microseconds))
}

fn json_equals() -> impl Strategy<Value = JsonEquals> {
    let data = [
        "a", "b.c[0]", "b.c[1]", "b.c[2]", "d", "guild_id", "missing",
    ];
    let metadata = ["n", "actor_id", "correlation_id"];
    let places = data
        .map(|path| (Document::Data, path))
        .into_iter()
        .chain(metadata.map(|path| (Document::Metadata, path)));
    let text = |text: &str| JsonScalar::Str(text.to_owned());
    let values = vec![
        JsonScalar::Int(0),
        JsonScalar::Int(1),
        JsonScalar::Bool(true),
        JsonScalar::Null,
        text("5"),
        text("ü"),
        text("77"),
        text("talk"),
        text("1"),
    ];
    (select(places.collect::<Vec<_>>()), select(values)).prop_map(|((document, path), value)| {
        JsonEquals {
            document,
            path: JsonPath::parse(path).unwrap(),
            value,
        }
    })
}
