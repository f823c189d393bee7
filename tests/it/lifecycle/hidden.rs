//! What is hidden shows nothing of its content, on whichever way it is reached (rules L5 and R8).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, RawEvent, append_body};
use uuid::Uuid;

use super::door::{Change, EVENT, assert_removed, set_metadata, stream_now, taken};
use crate::append::door::{append, append_batch, appended, each, part};
use crate::scavenge::door::scavenged;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    every_way_to_an_event_shows_a_hidden_one_as_removed_or_not_at_all,
    the_unfiltered_log_shows_hidden_events_at_their_positions,
    every_filter_and_count_passes_over_hidden_events,
    a_page_of_a_stream_is_filled_with_events_that_are_shown,
    a_conflict_shows_none_of_the_hidden_events_that_the_caller_missed,
    a_hidden_payload_of_the_catalogue_has_no_object_either,
);

/// A word that stands in the content of hidden events and nowhere else.
const SECRET: &str = "unspeakable";

/// Why events are hidden in these tests.
const REASONS: [&str; 4] = ["DELETED", "TOMBSTONED", "RETENTION", "SCAVENGED"];

/// A stream of hidden events, and one that is about them.
struct Hidden {
    reason: &'static str,
    stream: String,
    events: Vec<Value>,
    /// An event of another stream that one of these has caused, and that is not hidden.
    effect: Value,
}

fn secret_event(metadata: Value) -> Value {
    let mut metadata = metadata;
    metadata["actor_id"] = json!(format!("{SECRET}-actor"));
    metadata["correlation_id"] = json!("conversation");
    metadata["reason"] = json!(SECRET);
    json!({
        "eventId": Uuid::now_v7(), "type": "noted", "metadata": metadata,
        "data": {"guild_id": "g1", "word": SECRET},
    })
}

impl Hidden {
    /// Three events, each of which has caused the next, hidden for a reason.
    async fn make(client: &GraphqlClient, reason: &'static str) -> Self {
        let stream = new_stream("game");
        let mut events = vec![secret_event(json!({}))];
        for _ in 0..2 {
            let cause = events.last().unwrap()["eventId"].clone();
            events.push(secret_event(json!({ "causation_id": cause })));
        }
        appended(client, &stream, Expected::NoStream, &events.clone().into()).await;
        let effect = json!({
            "eventId": Uuid::now_v7(), "type": "noted", "data": {},
            "metadata": {"causation_id": events[2]["eventId"], "correlation_id": "conversation"},
        });
        let other = new_stream("team");
        appended(client, &other, Expected::NoStream, &json!([effect])).await;
        match reason {
            "TOMBSTONED" => Change::Tombstone.of(client, &stream).await,
            "RETENTION" => set_metadata(client, &stream, json!({"truncateBefore": 4})).await,
            _ => Change::Delete.of(client, &stream).await,
        };
        if reason == "SCAVENGED" {
            scavenged(client, json!({"stream": stream})).await;
        }
        Self {
            reason,
            stream,
            events,
            effect,
        }
    }

    fn ids(&self) -> Vec<Value> {
        each(&self.events, "eventId")
    }
}

/// Asks, and returns the answer's `data`, in which the secret must not stand, wherever.
async fn ask(client: &GraphqlClient, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables}).to_string();
    let answer = client.raw(body).await;
    assert!(!answer.body.contains(SECRET), "{query}: {}", answer.body);
    let mut answer = answer.json();
    assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
    answer["data"].take()
}

/// Everything around an event that is an event again.
fn around() -> String {
    format!(
        "{EVENT} causedBy {{ {EVENT} }} effects {{ nodes {{ {EVENT} }} totalCount {{ value }} }}
         correlated {{ nodes {{ {EVENT} }} totalCount {{ value }} }}
         stream {{ events {{ nodes {{ {EVENT} }} }} metadata {{ event {{ eventId }} }} }}"
    )
}

async fn every_way_to_an_event_shows_a_hidden_one_as_removed_or_not_at_all(world: World) {
    let (_server, client) = world.server_and_client().await;
    for reason in REASONS {
        let hidden = Hidden::make(&client, reason).await;
        let around = around();
        let mut found = Vec::new();
        for id in hidden.ids() {
            let query = format!("query($id: UUID!) {{ event(eventId: $id) {{ id {around} }} }}");
            let by_id = ask(&client, &query, json!({ "id": id })).await["event"].take();
            let query =
                format!("query($at: Position!) {{ eventAt(position: $at) {{ id {around} }} }}");
            let at = json!({"at": by_id["position"]});
            assert_eq!(ask(&client, &query, at).await["eventAt"], by_id);
            found.push(by_id);
        }
        let ids = each(&found, "id");
        let query = format!(
            "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Event {{ id {around} }} }} }}"
        );
        let nodes = ask(&client, &query, json!({ "ids": ids })).await["nodes"].take();
        assert_eq!(nodes, Value::from(found.clone()));
        let query =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ id {around} }} }} }}");
        for event in &found {
            let node = ask(&client, &query, json!({"id": event["id"]})).await;
            assert_eq!(node["node"], *event);
        }
        check_found(&hidden, &found);
        check_answers_of_appends(&hidden, &client).await;
    }
}

/// Hidden events, and what is around them.
fn check_found(hidden: &Hidden, found: &[Value]) {
    for (event, version) in found.iter().zip(1..) {
        assert_removed(event, hidden.reason);
        // What identifies it is still there.
        assert_eq!(event["streamName"], hidden.stream);
        assert_eq!(event["streamVersion"], version);
        assert_eq!(event["type"], "noted");
        assert_eq!(event["guildId"], "g1");
        assert_eq!(event["hash"].as_str().unwrap().len(), 64);
        assert_eq!(event["stream"]["events"]["nodes"], json!([]));
        // A cause is looked up by its id, and is hidden itself; effects and conversations are filters.
        if version > 1 {
            assert_removed(&event["causedBy"], hidden.reason);
        }
        let expected = if version == 3 {
            vec![&hidden.effect]
        } else {
            vec![]
        };
        assert_lists(&event["effects"], &expected);
        for node in event["correlated"]["nodes"].as_array().unwrap() {
            assert_eq!(node["removed"], Value::Null, "{node:#}");
        }
    }
}

/// Whether a list has these events and counts them.
#[track_caller]
fn assert_lists(list: &Value, events: &[&Value]) {
    let ids = each(list["nodes"].as_array().unwrap(), "eventId");
    assert_eq!(ids, each(events.iter().copied(), "eventId"), "{list:#}");
    assert_eq!(list["totalCount"]["value"], events.len());
}

/// The answer to a retry is a way to hidden events, too.
async fn check_answers_of_appends(hidden: &Hidden, client: &GraphqlClient) {
    let around = around();
    let events = Value::from(hidden.events.clone());
    let query = format!(
        "mutation($input: AppendToStreamInput!) {{ appendToStream(input: $input) {{
           ... on Appended {{ duplicate events {{ {around} }} stream {{ events {{ nodes {{ {EVENT} }} }} }} }} }} }}"
    );
    let input = part(&hidden.stream, Expected::NoStream, events.clone());
    let answer = ask(client, &query, json!({ "input": input })).await["appendToStream"].take();
    assert_eq!(answer["duplicate"], true, "{answer:#}");
    check_found(hidden, answer["events"].as_array().unwrap());
    let query = format!(
        "mutation($input: AppendBatchInput!) {{ appendBatch(input: $input) {{
           ... on BatchAppended {{ duplicate streams {{ events {{ {around} }} }} }} }} }}"
    );
    let parts = json!({"input": {"streams": [part(&hidden.stream, Expected::NoStream, events)]}});
    let answer = ask(client, &query, parts).await["appendBatch"].take();
    check_found(hidden, answer["streams"][0]["events"].as_array().unwrap());
}

const LOG: &str = "events(first: 1000) { nodes { EVENT } totalCount { value } }";

async fn the_unfiltered_log_shows_hidden_events_at_their_positions(world: World) {
    let (_server, client) = world.server_and_client().await;
    let mut expected: Vec<Option<&str>> = Vec::new();
    for reason in REASONS {
        Hidden::make(&client, reason).await;
        expected.extend([Some(reason), Some(reason), Some(reason), None]);
    }
    let query = format!("{{ {} }}", LOG.replace("EVENT", EVENT));
    let log = ask(&client, &query, json!({})).await["events"].take();
    assert_eq!(log["totalCount"]["value"], expected.len());
    let log = log["nodes"].as_array().unwrap();
    let reasons: Vec<Value> = expected.iter().map(|reason| json!(reason)).collect();
    assert_eq!(each(log, "removed"), reasons);
    for (event, reason) in log.iter().zip(&expected) {
        if let Some(reason) = reason {
            assert_removed(event, reason);
        }
    }
    // Backwards, and in pages that begin at a hidden event, too.
    let query = format!(
        "query($from: Position!) {{ events(direction: BACKWARD, fromPosition: $from, first: 2) {{
           nodes {{ {EVENT} }} }} }}"
    );
    let from = log[5]["position"].clone();
    let page = ask(&client, &query, json!({ "from": from })).await;
    assert_eq!(page["events"]["nodes"], json!([log[5], log[4]]));
    // The store's own events have their places between them, and hide nothing of their own.
    let query = format!(
        "{{ events(first: 1000, filter: {{includeSystem: true}}) {{ nodes {{ {EVENT} }} }} }}"
    );
    let whole = taken(ask(&client, &query, json!({})).await["events"]["nodes"].take());
    let positions: Vec<Value> = (1..=whole.len()).map(Value::from).collect();
    assert_eq!(each(&whole, "position"), positions);
    for event in whole.iter().filter(|event| event["type"] != "noted") {
        assert_eq!(event["removed"], Value::Null, "{event:#}");
        assert!(event["data"].is_object(), "{event:#}");
    }
}

/// A filter of each kind, which finds the hidden events of [`Hidden`] while they are not hidden.
fn filters(hidden: &Hidden) -> Vec<Value> {
    vec![
        json!({"categories": ["game"]}),
        json!({"categories": ["game", "other"]}),
        json!({"streamPrefix": hidden.stream}),
        json!({"streamPrefix": "game-"}),
        json!({"types": ["noted"]}),
        json!({"guildIds": ["g1"]}),
        json!({"actorIds": [format!("{SECRET}-actor")]}),
        json!({"correlationIds": ["conversation"]}),
        json!({"causationIds": [hidden.events[0]["eventId"], hidden.events[1]["eventId"]]}),
        json!({"recordedFrom": "2020-01-01T00:00:00Z"}),
        json!({"recordedBefore": "2999-01-01T00:00:00Z"}),
        json!({"dataEquals": [{"path": "word", "equals": SECRET}]}),
        json!({"metadataEquals": [{"path": "reason", "equals": SECRET}]}),
        json!({"types": ["noted"], "guildIds": ["g1"], "includeSystem": true}),
    ]
}

async fn every_filter_and_count_passes_over_hidden_events(world: World) {
    let (_server, client) = world.server_and_client().await;
    for reason in REASONS {
        let hidden = Hidden::make(&client, reason).await;
        let ids = hidden.ids();
        let list = "nodes { eventId removed } totalCount { value }";
        for filter in filters(&hidden) {
            let query = format!(
                "query($filter: EventFilter, $name: String!) {{
                   events(filter: $filter, first: 1000) {{ {list} }}
                   stream(name: $name) {{ events(filter: $filter) {{ {list} }} }} }}"
            );
            let variables = json!({"filter": filter, "name": hidden.stream});
            let found = ask(&client, &query, variables).await;
            let log = &found["events"];
            for event in log["nodes"].as_array().unwrap() {
                assert!(!ids.contains(&event["eventId"]), "{reason} {filter}");
                assert_eq!(event["removed"], Value::Null, "{reason} {filter}");
            }
            let count = log["nodes"].as_array().unwrap().len();
            assert_eq!(log["totalCount"]["value"], count, "{reason} {filter}");
            assert_lists(&found["stream"]["events"], &[]);
        }
    }
}

async fn a_page_of_a_stream_is_filled_with_events_that_are_shown(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = |count: usize| Value::from(vec![json!({"type": "noted", "data": {}}); count]);
    client
        .appended(&stream, Expected::NoStream, events(6))
        .await;
    Change::Delete.of(&client, &stream).await;
    client
        .appended(&stream, Expected::Exactly(6), events(5))
        .await;
    set_metadata(&client, &stream, json!({"truncateBefore": 9})).await;
    let page = async |arguments: &str| {
        let query = format!(
            "{{ stream(name: \"{stream}\") {{ events({arguments}) {{
               nodes {{ streamVersion }} pageInfo {{ hasNextPage hasPreviousPage }} totalCount {{ value }} }} }} }}"
        );
        let mut answer = ask(&client, &query, json!({})).await;
        answer["stream"]["events"].take()
    };
    for (arguments, versions, more) in [
        ("first: 2", vec![9, 10], true),
        ("first: 3", vec![9, 10, 11], false),
        ("last: 2", vec![10, 11], false),
        ("first: 10, fromVersion: 1", vec![9, 10, 11], false),
        ("first: 2, fromVersion: 7", vec![9, 10], true),
        ("first: 2, fromVersion: 10", vec![10, 11], false),
        ("first: 2, direction: BACKWARD", vec![11, 10], true),
        (
            "first: 5, direction: BACKWARD, fromVersion: 9",
            vec![9],
            false,
        ),
        (
            "first: 5, direction: BACKWARD, fromVersion: 8",
            vec![],
            false,
        ),
    ] {
        let found = page(arguments).await;
        let found_versions = each(found["nodes"].as_array().unwrap(), "streamVersion");
        assert_eq!(found_versions, versions, "{arguments}: {found:#}");
        assert_eq!(found["pageInfo"]["hasNextPage"], more, "{arguments}");
    }
    assert_eq!(page("first: 1").await["totalCount"]["value"], 3);
    let now = stream_now(&client, &stream).await;
    assert_eq!(
        (&now["version"], &now["hiddenThrough"]),
        (&json!(11), &json!(8))
    );
}

async fn a_conflict_shows_none_of_the_hidden_events_that_the_caller_missed(world: World) {
    let (_server, client) = world.server_and_client().await;
    for reason in REASONS {
        let hidden = Hidden::make(&client, reason).await;
        let more = json!([{"eventId": Uuid::now_v7(), "type": "noted", "data": {}}]);
        let mut expected = json!([]);
        if reason != "TOMBSTONED" {
            appended(&client, &hidden.stream, Expected::Any, &more).await;
            expected = json!([{"streamVersion": 4}]);
        }
        for exactly in [0, 1, 2] {
            let expectation = Expected::Exactly(exactly);
            let refusal = append(&client, &hidden.stream, expectation, &more_of(&more)).await;
            assert!(
                !refusal.to_string().contains(SECRET),
                "{reason}: {refusal:#}"
            );
            let parts = [part(&hidden.stream, expectation, more_of(&more))];
            let of_batch = append_batch(&client, &parts).await;
            if reason == "TOMBSTONED" {
                assert_eq!(refusal["code"], "STREAM_TOMBSTONED");
                continue;
            }
            assert_eq!(refusal["conflictingEvents"], expected, "{reason}");
            assert_eq!(of_batch["conflictingEvents"], expected, "{reason}");
            let change = Change::Delete.input(&hidden.stream, expectation);
            let refusal = Change::Delete.send(&client, &change).await;
            let versions = each(
                refusal["conflictingEvents"].as_array().unwrap(),
                "streamVersion",
            );
            assert_eq!(versions, [4], "{reason}");
        }
    }
}

/// The same events with ids of their own.
fn more_of(events: &Value) -> Value {
    let mut events = events.clone();
    events[0]["eventId"] = json!(Uuid::now_v7());
    events
}

async fn a_hidden_payload_of_the_catalogue_has_no_object_either(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    // A payload of the catalogue has an object of its type, which is a way to its content, too.
    let games = gamebot::sample::games().unwrap();
    let sample = games.iter().flat_map(|game| &game.events);
    let mut of_type = sample.filter(|event| event.event_type == "team_eliminated");
    let data = &of_type.next().unwrap().data;
    let event = RawEvent {
        event_id: None,
        event_type: "team_eliminated",
        data,
        metadata: None,
    };
    let body = append_body(&stream, Expected::NoStream, &[event]);
    let answer = client.raw(body).await.json();
    let id = answer["data"]["appendToStream"]["events"][0]["eventId"].clone();
    let query = format!(
        "query($id: UUID!) {{ event(eventId: $id) {{ {EVENT} typed: payload {{
           ... on TeamEliminated {{ teamId playerStats {{ playerId }} }} }} }} }}"
    );
    let before = ask(&client, &query, json!({ "id": id })).await;
    assert!(before["event"]["typed"]["teamId"].is_string(), "{before:#}");
    Change::Delete.of(&client, &stream).await;
    let after = ask(&client, &query, json!({ "id": id })).await;
    assert_removed(&after["event"], "DELETED");
    assert_eq!(after["event"]["typed"], Value::Null);
}
