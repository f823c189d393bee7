//! What a page costs, counted in statements.

use chrono::Utc;
use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::game::GameOptions;
use gamebot_event_store::graphql::{
    Api, ApiOptions, HttpRequest, Limits, PageLimits, Parameters, TraceId, api,
};
use gamebot_event_store::store::{Append, EventStore, StreamAppend};
use serde_json::{Value, json};
use uuid::Uuid;

use super::history::open;
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_page_of_a_hundred_costs_as_many_statements_as_a_page_of_ten,
    a_total_costs_a_statement_only_where_it_is_selected,
    siblings_with_long_filters_fit_into_their_statements,
);

/// The API over a store in this process, whose statements can be counted.
struct Counted {
    store: EventStore,
    api: Api,
}

impl Counted {
    /// With 400 streams of three events, each of which caused the next one.
    async fn start(world: &World) -> Self {
        let store = open(world).await;
        for batch in 0..4 {
            let streams = (0..100).map(|number| StreamAppend {
                stream: format!("game-{}", batch * 100 + number),
                expected: ExpectedVersion::NoStream,
                events: chain(),
            });
            let append = Append {
                streams: streams.collect(),
                is_batch: true,
            };
            store.append(append).await.unwrap();
        }
        let options = ApiOptions {
            games: GameOptions::default(),
            documents: Limits::default(),
            pages: PageLimits {
                page_default: 100,
                page_max: 1000,
                count_limit: 10_000,
                operation_nodes: 1_000_000,
                operation_bytes: 64 * 1024 * 1024,
                filter_values: 100,
            },
            introspection: true,
            started_at: Utc::now(),
        };
        let projections = world.projections(store.clone());
        let api = api(store.clone(), projections, &options).unwrap();
        Self { store, api }
    }

    /// The data of a query, and how many statements it took.
    async fn query(&self, query: &str, variables: Value) -> (Value, u64) {
        let before = self.store.read_statements();
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = HttpRequest {
            parameters: Parameters::Json(body.into()),
            read_only: false,
            trace_id: TraceId::fresh(),
        };
        let answer = self.api.execute(request).await;
        let mut answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.get("errors"), None, "{query}");
        (answer["data"].take(), self.store.read_statements() - before)
    }
}

impl Counted {
    /// The length of a page, and the least number of statements of many tries, or the first that is no more than
    /// `most`: a machine that is busy with something else may stop a page in its middle, and then its rest is
    /// looked up by itself.
    async fn least(&self, query: &str, first: usize, most: u64) -> (usize, u64) {
        let (mut length, mut least) = (0, u64::MAX);
        for _ in 0..200 {
            let (answer, statements) = self.query(query, json!({"first": first})).await;
            let list = answer.get("events").or(answer.get("streams")).unwrap();
            length = list["nodes"].as_array().unwrap().len();
            least = least.min(statements);
            if least <= most {
                break;
            }
        }
        (length, least)
    }
}

fn chain() -> Vec<NewEvent> {
    let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    let events = ids.iter().enumerate().map(|(place, id)| {
        let mut metadata = json!({"correlation_id": ids[0]});
        if place > 0 {
            metadata["causation_id"] = json!(ids[place - 1]);
        }
        NewEvent {
            event_id: Some(*id),
            event_type: "guess_processed".to_owned(),
            schema_version: None,
            data: "{}".to_owned(),
            metadata: Some(metadata.to_string()),
        }
    });
    events.collect()
}

/// Queries, and the most statements that each takes: the head, the page itself, and one for each kind of nested
/// field on each way to it.
const QUERIES: [(&str, u64); 11] = [
    (
        "events(first: $first) { totalCount { value } nodes { stream { name version } } }",
        4,
    ),
    (
        "events(first: $first) { nodes { causedBy { position } } }",
        3,
    ),
    (
        "events(first: $first) { nodes { effects { nodes { position } } } }",
        3,
    ),
    (
        "events(first: $first) { nodes { effects { totalCount { value } } } }",
        4,
    ),
    (
        "events(first: $first) { nodes { correlated(first: 2) { totalCount { value } nodes { position } } } }",
        4,
    ),
    (
        "events(first: $first) { nodes { stream { name } causedBy { stream { name } } \
         effects { totalCount { value } nodes { position } } \
         correlated { totalCount { value } nodes { position stream { version } } } } }",
        8,
    ),
    (
        "streams(first: $first) { totalCount { value } nodes { \
         events(last: 2) { totalCount { value } nodes { position } } } }",
        5,
    ),
    (
        "streams(first: $first) { nodes { events(filter: {types: [\"guess_processed\", \"x\"]}, \
         direction: BACKWARD) { nodes { position } } } }",
        3,
    ),
    (
        "events(first: $first, direction: BACKWARD) { nodes { stream { events(first: 1) { nodes { \
         effects { nodes { position } } } } } } }",
        5,
    ),
    (
        "streams(first: $first) { nodes { snapshot { version } } }",
        2,
    ),
    // One for each step up and down, however many trees there are.
    (
        "events(first: $first) { nodes { causationTree(depth: 2, nodes: 10) { nodes { depth } } } }",
        8,
    ),
];

async fn a_page_of_a_hundred_costs_as_many_statements_as_a_page_of_ten(world: World) {
    let counted = Counted::start(&world).await;
    for (query, most) in QUERIES {
        let query = format!("query($first: Int!) {{ {query} }}");
        for first in [10, 100] {
            let (length, statements) = counted.least(&query, first, most).await;
            assert_eq!(length, first, "{query}");
            assert!(
                statements <= most,
                "{statements} statements for {first} of {query}, at most {most}"
            );
        }
    }
    counted.store.close().await;
}

async fn a_total_costs_a_statement_only_where_it_is_selected(world: World) {
    let counted = Counted::start(&world).await;
    for list in [
        "events",
        "streams",
        "events(filter: {types: [\"guess_processed\"]})",
    ] {
        let (_, without) = counted
            .query(
                &format!("{{ list: {list} {{ nodes {{ __typename }} }} }}"),
                json!({}),
            )
            .await;
        let (_, with) = counted
            .query(
                &format!("{{ list: {list} {{ nodes {{ __typename }} totalCount {{ value }} }} }}"),
                json!({}),
            )
            .await;
        assert_eq!(with, without + 1, "{list}");
    }
    counted.store.close().await;
}

/// A database takes a bounded number of values in one statement; a page of lists with long filters has more.
async fn siblings_with_long_filters_fit_into_their_statements(world: World) {
    let counted = Counted::start(&world).await;
    let values: Vec<String> = (1..100).map(|number| format!("type_{number}")).collect();
    let mut types = values.clone();
    types.push("guess_processed".to_owned());
    let filter = json!({"types": types, "categories": ["game"]});
    let query = "query($filter: EventFilter) { streams(first: 400) { nodes { events(first: 1, filter: $filter) { nodes { position } totalCount { value } } } } }";
    let (answer, _) = counted.query(query, json!({"filter": filter})).await;
    check(&answer);
    let mut wide = filter;
    for key in ["categories", "actorIds", "guildIds"] {
        wide[key] = json!(values);
    }
    let (answer, _) = counted.query(query, json!({"filter": wide})).await;
    assert_eq!(
        answer["streams"]["nodes"][399]["events"]["nodes"],
        json!([])
    );
    // One list alone, with all that one may ask.
    for key in ["correlationIds", "causationIds", "types"] {
        wide[key] = json!(values);
    }
    let place = json!({"path": "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", "equals": "x"});
    wide["dataEquals"] = json!(vec![place; 100]);
    let query = "query($filter: EventFilter) { events(filter: $filter) { nodes { position } totalCount { value } } }";
    let (answer, _) = counted.query(query, json!({"filter": wide})).await;
    assert_eq!(answer["events"]["totalCount"]["value"], 0);
    counted.store.close().await;
}

fn check(answer: &Value) {
    let streams = answer["streams"]["nodes"].as_array().unwrap();
    assert_eq!(streams.len(), 400);
    for stream in streams {
        assert_eq!(stream["events"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!(stream["events"]["totalCount"]["value"], 3);
    }
}
