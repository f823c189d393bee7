//! What a page costs, counted in statements.

use chrono::Utc;
use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
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
            documents: Limits::default(),
            pages: PageLimits {
                page_default: 100,
                page_max: 1000,
                count_limit: 10_000,
                operation_nodes: 1_000_000,
                filter_values: 100,
            },
            introspection: true,
            started_at: Utc::now(),
        };
        let api = api(store.clone(), &options).unwrap();
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

/// The most statements of a page with everything in it: a round of look-ups per kind of nested field, which
/// the loader may cut in two where the fields of one page do not come in one go.
const FEW: u64 = 20;

async fn a_page_of_a_hundred_costs_as_many_statements_as_a_page_of_ten(world: World) {
    let counted = Counted::start(&world).await;
    for query in [
        "query($first: Int!) { events(first: $first) { totalCount { value } nodes { stream { name version } } } }",
        "query($first: Int!) { events(first: $first) { nodes { causedBy { position } } } }",
        "query($first: Int!) { events(first: $first) { nodes { effects { nodes { position } } } } }",
        "query($first: Int!) { events(first: $first) { nodes { effects { totalCount { value } } } } }",
        "query($first: Int!) { events(first: $first) { nodes { correlated(first: 2) { totalCount { value } nodes { position } } } } }",
        "query($first: Int!) { events(first: $first) { nodes { stream { name } causedBy { stream { name } } \
            effects { totalCount { value } nodes { position } } \
            correlated { totalCount { value } nodes { position stream { version } } } } } }",
        "query($first: Int!) { streams(first: $first) { totalCount { value } nodes { events(last: 2) { totalCount { value } nodes { position } } } } }",
        "query($first: Int!) { streams(first: $first) { nodes { events(filter: {types: [\"guess_processed\", \"x\"]}, direction: BACKWARD) { nodes { position } } } } }",
        "query($first: Int!) { events(first: $first, direction: BACKWARD) { nodes { stream { events(first: 1) { nodes { effects { nodes { position } } } } } } } }",
    ] {
        // The first look at a database learns things that later ones know.
        counted.query(query, json!({"first": 1})).await;
        let (ten, for_ten) = counted.query(query, json!({"first": 10})).await;
        let (hundred, for_hundred) = counted.query(query, json!({"first": 100})).await;
        let length = |answer: &Value| {
            let list = answer.get("events").or(answer.get("streams")).unwrap();
            list["nodes"].as_array().unwrap().len()
        };
        assert_eq!((length(&ten), length(&hundred)), (10, 100));
        assert_eq!(for_ten, for_hundred, "{query}");
        assert!(for_hundred <= FEW, "{for_hundred} statements for {query}");
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
