//! Schemas and data that are made to cost a server its memory, its stack or its time.

use serde_json::{Map, Value, json};
use testkit::{Expected, GraphqlClient, RawEvent, append_body};
use uuid::Uuid;

use super::door::{checked, event, places, register, registered, renamed, version, whole};
use crate::append::door::{append, appended, payload_of};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    references_that_lead_deep_are_refused_whatever_is_found_first,
    millions_of_violations_are_not_told,
    what_was_made_of_payloads_counts_whether_it_is_shown_or_not,
    a_number_may_be_written_as_long_as_the_event_is,
);

async fn references_that_lead_deep_are_refused_whatever_is_found_first(world: World) {
    let (_server, client) = checked(&world).await;
    // Each leads to the one before, so that whoever walks through them in their order finds short ways only.
    let mut definitions = Map::new();
    definitions.insert("a000".to_owned(), json!({"type": "string"}));
    for level in 1..1_000 {
        let before = format!("#/allOf/0/$defs/a{:03}", level - 1);
        definitions.insert(format!("a{level:03}"), json!({"$ref": before}));
    }
    let schema = json!({"allOf": [{"$defs": definitions}, {"$ref": "#/allOf/0/$defs/a999"}]});
    let refused = register(&client, &version("deep", 1, schema, Value::Null)).await;
    assert_eq!(refused["__typename"], "InvalidInput", "{refused:#}");
    assert_eq!(refused["path"], json!(["input", "schema"]));
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("64 levels"), "{message}");
}

async fn millions_of_violations_are_not_told(world: World) {
    let (_server, client) = checked(&world).await;
    let shape = json!({"type": "null"});
    let schema = json!({"properties": {"list": {"anyOf": vec![shape.clone(); 3_500]}}});
    registered(&client, &version("shaped", 1, schema, Value::Null)).await;
    let schema = json!({"properties": {"list": {"items": {"allOf": vec![shape; 3_500]}}}});
    registered(&client, &version("listed", 1, schema, Value::Null)).await;
    let data = json!({"list": vec![0; 30_000]});
    let stream = new_stream("kitchen");
    let refused = async |event_type: &str, data: &Value| {
        let events = json!([event(event_type, 1, data.clone())]);
        let refused = append(&client, &stream, Expected::Any, &events).await;
        assert_eq!(refused["__typename"], "InvalidEvents", "{event_type}");
        places(&refused)
    };
    let one = |pointer: &str, rule: &str| vec![(0, pointer.to_owned(), rule.to_owned())];
    assert_eq!(refused("shaped", &data).await, one("/data", "schema"));
    assert_eq!(refused("listed", &data).await, one("/data/list/0", "type"));
    // A type of the game, and one long key above very many wrong items.
    let mut teams = json!({});
    teams["k".repeat(30_000)] = json!({"team_id": "1", "active_players": vec![0; 15_000]});
    let data = json!({"game_id": "1", "mode": "race", "round_number": 1, "team_states": teams,
        "timestamp": "2026-01-01T00:00:00Z"});
    let found = refused("round_started", &data).await;
    assert_eq!(found.len(), 1);
    // Of data of a usual size, everything is told.
    let data = json!({"list": [0, 0, 0]});
    assert_eq!(refused("listed", &data).await.len(), 100);
}

async fn what_was_made_of_payloads_counts_whether_it_is_shown_or_not(world: World) {
    let server = world
        .prepare_checked()
        .environment("GAMEBOT_GRAPHQL_OPERATION_BYTES", "1048576")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    registered(&client, &version("grown", 1, whole("count"), Value::Null)).await;
    let stream = new_stream("kitchen");
    let events: Vec<Value> = (0..100)
        .map(|count| json!({"eventId": Uuid::now_v7(), "type": "grown", "data": {"count": count}}))
        .collect();
    appended(&client, &stream, Expected::Any, &json!(events)).await;
    let read = async |fields: &str, schema: &str| {
        let query = format!(
            "query($name: String!) {{ stream(name: $name) {{ events(first: 100, schema: {schema}) {{
                nodes {{ {fields} }} }} }} }}"
        );
        let request = json!({"query": query, "variables": {"name": stream}});
        client.raw(request.to_string()).await.json()
    };
    // What only gets another name is small.
    let upcaster = renamed("count", "amount");
    registered(&client, &version("grown", 2, whole("amount"), upcaster)).await;
    let answer = read("schemaVersion data", "{form: NEWEST}").await;
    assert_eq!(
        answer["data"]["stream"]["events"]["nodes"][99]["schemaVersion"], 2,
        "{answer:#}"
    );
    let patch = json!({"patch": [{"op": "add", "path": "/padding", "value": "x".repeat(20_000)}]});
    registered(&client, &version("grown", 3, json!({}), patch)).await;
    let answer = read("schemaVersion", "{form: NEWEST}").await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED",
        "{answer:#}"
    );
    let answer = read("schemaVersion", "{form: STORED}").await;
    assert_eq!(answer["errors"], Value::Null);
}

async fn a_number_may_be_written_as_long_as_the_event_is(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_EVENT_BYTES", "200000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let stream = new_stream("game");
    let game_id = stream.strip_prefix("game-").unwrap();
    let zeros = "0".repeat(100_000);
    let data = format!(
        r#"{{"game_id":"{game_id}","mode":"race","round_number":1.{zeros},"created_by":"7","team_ids":[],
            "created_at":"2026-01-01T00:00:00Z","timestamp":"2026-01-01T00:00:00Z"}}"#
    );
    let event = RawEvent {
        event_id: None,
        event_type: "game_created",
        data: &data,
        metadata: None,
    };
    let request = append_body(&stream, Expected::NoStream, &[event]);
    let appended = payload_of(client.raw(request).await.json(), "appendToStream");
    assert_eq!(appended["__typename"], "Appended", "{appended:#}");
    let query = "query($name: String!, $id: String!) { game(gameId: $id) { phase }
        stream(name: $name) { events { nodes { payload { ... on GameCreated { roundNumber } } } } } }";
    let found = client
        .query(query, json!({"name": stream, "id": game_id}))
        .await;
    assert_eq!(found["game"]["phase"], "LOBBY");
    let payload = &found["stream"]["events"]["nodes"][0]["payload"];
    assert_eq!(payload["roundNumber"], 1);
}
