//! A payload as the object of its type, as JSON, and as text; and one that does not fit.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, RawEvent, Subscription, append_body};

use crate::append::door::Inside;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_payload_of_the_catalogue_is_an_object_of_its_type,
    a_type_or_version_that_nobody_knows_is_an_unknown_payload,
    a_payload_that_does_not_fit_its_type_spoils_neither_its_data_nor_the_page,
    a_text_that_was_damaged_spoils_neither_the_page_nor_the_feed,
    metadata_is_typed_and_raw,
    what_has_no_field_that_applies_is_an_empty_object_and_not_null,
);

const SELECTION: &str = "type schemaVersion data rawText removed decodeError { code message pointer } \
    payload { __typename ... on TeamEliminated { teamId eliminationReason } ... on UnknownPayload { json } }";

async fn events(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    let query = format!(
        "query($name: String!) {{ stream(name: $name) {{ events {{ nodes {{ {SELECTION} }} }} }} }}"
    );
    let mut answer = client.query(&query, json!({"name": stream})).await;
    match answer["stream"]["events"]["nodes"].take() {
        Value::Array(nodes) => nodes,
        other => panic!("{other}"),
    }
}

fn team_eliminated() -> Value {
    let games = gamebot::sample::games().unwrap();
    let mut events = games.iter().flat_map(|game| &game.events);
    let event = events
        .find(|event| event.event_type == "team_eliminated")
        .unwrap();
    serde_json::from_str(&event.data).unwrap()
}

async fn a_payload_of_the_catalogue_is_an_object_of_its_type(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let data = team_eliminated();
    client
        .appended(
            &stream,
            Expected::NoStream,
            json!([{"type": "team_eliminated", "data": data}]),
        )
        .await;
    let event = &events(&client, &stream).await[0];
    assert_eq!(event["payload"]["__typename"], "TeamEliminated");
    assert_eq!(event["payload"]["teamId"], data["team_id"]);
    let reason = data["reason"].as_str().unwrap().to_uppercase();
    assert_eq!(event["payload"]["eliminationReason"], reason);
    assert_eq!(event["data"], data);
    assert_eq!(
        (&event["removed"], &event["decodeError"]),
        (&json!(null), &json!(null))
    );
}

async fn a_type_or_version_that_nobody_knows_is_an_unknown_payload(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let text = r#"{"b":1.10,"a":[1E2,18446744073709551616,{"x":null}],"ü":"\u00fc\ud83d\ude00"}"#;
    let raw = RawEvent {
        event_id: None,
        event_type: "wholly_new",
        data: text,
        metadata: None,
    };
    client
        .raw(append_body(&stream, Expected::NoStream, &[raw]))
        .await;
    let future =
        json!([{"type": "team_eliminated", "schemaVersion": 99, "data": {"other": "shape"}}]);
    client.appended(&stream, Expected::Exactly(1), future).await;
    let events = events(&client, &stream).await;
    assert_eq!(events[0]["rawText"], text);
    assert_eq!(events[0]["payload"]["__typename"], "UnknownPayload");
    assert_eq!(events[0]["payload"]["json"], events[0]["data"]);
    assert_eq!(
        events[1]["payload"],
        json!({"__typename": "UnknownPayload", "json": {"other": "shape"}})
    );
    assert_eq!(
        (&events[1]["schemaVersion"], &events[1]["decodeError"]),
        (&json!(99), &json!(null))
    );

    let query = format!(
        "{{ stream(name: \"{stream}\") {{ events {{ nodes {{ data payload {{ ... on UnknownPayload {{ json }} }} }} }} }} }}"
    );
    let body = client.raw(json!({"query": query}).to_string()).await.body;
    assert_eq!(
        body.matches(text).count(),
        2,
        "both letter for letter: {body}"
    );
}

async fn a_payload_that_does_not_fit_its_type_spoils_neither_its_data_nor_the_page(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut wrong = team_eliminated();
    wrong["team_id"] = json!(7);
    let appended = json!([
        {"type": "team_eliminated", "data": wrong},
        {"type": "team_eliminated", "data": {}},
        {"type": "team_eliminated", "data": team_eliminated()},
    ]);
    client.appended(&stream, Expected::NoStream, appended).await;
    let events = events(&client, &stream).await;
    let error = &events[0]["decodeError"];
    assert_eq!(
        (&error["code"], &error["pointer"]),
        (&json!("DESERIALIZATION_FAILED"), &json!("/team_id"))
    );
    assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
    assert_eq!(
        (&events[0]["payload"], &events[0]["data"]),
        (&json!(null), &wrong)
    );
    assert_eq!(
        (&events[1]["decodeError"]["code"], &events[1]["data"]),
        (&json!("DESERIALIZATION_FAILED"), &json!({}))
    );
    assert_eq!(
        events[2]["payload"]["__typename"], "TeamEliminated",
        "the next event is as it should be"
    );
}

async fn a_text_that_was_damaged_spoils_neither_the_page_nor_the_feed(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let stream = new_stream("note");
    let note = || json!({"type": "noted", "data": {"a": 1}, "metadata": {"actor_id": "7"}});
    let notes = json!([note(), note(), note()]);
    client.appended(&stream, Expected::NoStream, notes).await;
    let inside = Inside::of(&world).await;
    inside.unlock_events().await;
    inside
        .execute("UPDATE events SET data = '{\"a\":' WHERE stream_version = 1")
        .await;
    inside
        .execute("UPDATE events SET metadata = 'null, x' WHERE stream_version = 2")
        .await;
    let selection = format!("{SELECTION} metadata {{ actorId raw }}");
    let page = format!(
        "query($name: String!) {{ stream(name: $name) {{ events {{ nodes {{ {selection} }} }} }} }}"
    );
    let mut page = client.query(&page, json!({"name": stream})).await;
    let page = page["stream"]["events"]["nodes"].take();
    assert_eq!(page[0]["data"], Value::Null);
    assert_eq!(page[0]["rawText"], "{\"a\":");
    assert_eq!(page[0]["decodeError"]["code"], "DESERIALIZATION_FAILED");
    assert_eq!(page[0]["metadata"]["actorId"], "7");
    assert_eq!(
        (&page[1]["data"], &page[1]["metadata"]),
        (&json!({"a": 1}), &Value::Null)
    );
    let message = page[1]["decodeError"]["message"].as_str().unwrap();
    assert!(message.contains("metadata is not JSON"), "{message}");
    assert_eq!(page[2]["decodeError"], Value::Null);
    assert_eq!(page[2]["metadata"]["raw"], json!({"actor_id": "7"}));
    // A feed that starts anew reads the same.
    server.restart().await;
    let feed = format!(
        "subscription($name: String!) {{ stream(name: $name, from: {{at: ORIGIN}}) {{
            ... on EventReceived {{ event {{ {selection} }} }} }} }}"
    );
    let url = server.base_url();
    let mut feed = Subscription::start(&url, &feed, json!({"name": stream})).await;
    for wanted in page.as_array().unwrap() {
        let message = feed.next().await.expect("the feed ended");
        assert_eq!(message["stream"]["event"], *wanted);
    }
}

async fn metadata_is_typed_and_raw(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let metadata =
        json!({"actor_id": "5", "source": "timer", "channel_id": 7, "own": {"key": [1]}});
    let events = json!([
        {"type": "guess_processed", "data": {}, "metadata": metadata},
        {"type": "guess_processed", "data": {}},
    ]);
    let appended = client.appended(&stream, Expected::NoStream, events).await;
    let query = "query($name: String!) { stream(name: $name) { events { nodes { metadata { correlationId causationId \
                 actorId source channelId guildId raw } } } } }";
    let answer = client.query(query, json!({"name": stream})).await;
    let nodes = &answer["stream"]["events"]["nodes"];
    let expected = json!({
        "correlationId": appended["events"][0]["eventId"], "causationId": null, "actorId": "5", "source": "timer",
        "channelId": null, "guildId": null, "raw": metadata,
    });
    assert_eq!(nodes[0]["metadata"], expected);
    assert_eq!(
        nodes[1]["metadata"]["raw"],
        json!({}),
        "absent metadata is an empty object"
    );
    assert_eq!(
        nodes[1]["metadata"]["correlationId"],
        appended["events"][1]["eventId"]
    );
}

async fn what_has_no_field_that_applies_is_an_empty_object_and_not_null(world: World) {
    let (server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = json!([
        {"type": "team_eliminated", "data": team_eliminated()},
        {"type": "team_eliminated", "data": {"team_id": 5}},
    ]);
    client.appended(&stream, Expected::NoStream, events).await;
    let query = "query($name: String!, $skip: Boolean!) {
        head { position @skip(if: $skip) }
        stream(name: $name) { events { nodes {
            payload { ... on GameStarted { gameId } ...Eliminated }
            decodeError { ...Coded }
        } } }
        ... on Query @include(if: $skip) { server { nodeId @skip(if: $skip) } }
    }
    fragment Eliminated on TeamEliminated { teamId @skip(if: $skip) }
    fragment Coded on DecodeError { code @skip(if: $skip) }";
    let asked = |skip: bool| json!({"name": stream, "skip": skip});
    let nodes = |data: &Value| data["stream"]["events"]["nodes"].clone();
    let without = client.query(query, asked(true)).await;
    assert_eq!(
        (&without["head"], &without["server"]),
        (&json!({}), &json!({}))
    );
    // Null is what there is not, and only that.
    let nothing =
        json!([{"payload": {}, "decodeError": null}, {"payload": null, "decodeError": {}}]);
    assert_eq!(nodes(&without), nothing);
    let with = client.query(query, asked(false)).await;
    let keys: Vec<&String> = with.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["head", "stream"]);
    let team = team_eliminated()["team_id"].clone();
    let one = json!([
        {"payload": {"teamId": team}, "decodeError": null},
        {"payload": null, "decodeError": {"code": "DESERIALIZATION_FAILED"}},
    ]);
    assert_eq!(nodes(&with), one);

    let document = "subscription { events { ... on EventReceived { event { type } } } }";
    let mut feed = Subscription::start(&server.base_url(), document, json!({})).await;
    let caught_up = feed.next().await.unwrap();
    assert_eq!(caught_up, json!({"events": {}}));
}
