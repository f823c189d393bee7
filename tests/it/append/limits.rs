//! What an append may carry: exactly so much, and not one more.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{append, append_batch, appended, each, head, new_event, new_events, part};
use crate::lifecycle::door::{Change, set_metadata};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    an_event_of_64_kib_is_stored_and_one_byte_more_is_refused,
    white_space_does_not_count,
    a_request_of_1_mib_is_stored_and_one_byte_more_is_refused,
    a_thousand_events_are_stored_and_one_more_is_refused,
    a_hundred_streams_are_stored_and_one_more_is_refused,
    a_body_beyond_4_mib_is_refused_before_it_is_read,
    an_append_without_events_is_refused,
    a_stream_takes_as_many_events_as_its_limit_says,
    a_stream_s_own_limit_stands_over_the_server_s_and_hidden_events_do_not_count,
    indexed_values_have_128_characters_at_most,
);

/// An event whose compact data and metadata have so many bytes together.
fn event_of(bytes: usize) -> Value {
    let mut event = new_event(0);
    let metadata = json!({"actor_id": "7"});
    let frame = r#"{"text":""}"#.len() + metadata.to_string().len();
    event["data"] = json!({"text": "x".repeat(bytes - frame)});
    event["metadata"] = metadata;
    event
}

fn check(refusal: &Value, code: &str, path: &Value, value: usize, limit: usize) {
    assert_eq!(refusal["__typename"], "LimitExceeded", "{refusal:#}");
    assert_eq!(refusal["code"], code);
    assert_eq!(refusal["retryable"], false);
    assert_eq!(refusal["path"], *path);
    assert_eq!(refusal["value"], value);
    assert_eq!(refusal["limit"], limit);
    let message = refusal["message"].as_str().unwrap();
    let told = message.contains(&value.to_string()) && message.contains(&limit.to_string());
    assert!(told, "{message}");
}

async fn an_event_of_64_kib_is_stored_and_one_byte_more_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let limit = 64 * 1024;
    appended(&client, &stream, Expected::Any, &json!([event_of(limit)])).await;
    let events = json!([new_event(0), event_of(limit + 1)]);
    let refusal = append(&client, &stream, Expected::Any, &events).await;
    check(
        &refusal,
        "EVENT_TOO_LARGE",
        &json!(["input", "events", "1"]),
        limit + 1,
        limit,
    );
    let parts = [
        part(&new_stream("game"), Expected::Any, json!([])),
        part(&stream, Expected::Any, events),
    ];
    let refusal = append_batch(&client, &parts).await;
    let path = json!(["input", "streams", "1", "events", "1"]);
    check(&refusal, "EVENT_TOO_LARGE", &path, limit + 1, limit);
    assert_eq!(head(&client).await, 1);
}

async fn white_space_does_not_count(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut event = event_of(64 * 1024);
    event["metadata"] = json!("METADATA");
    let body = super::door::append_request(&stream, Expected::Any, &json!([event]));
    let spaced = format!("{{{}\"actor_id\" : \"7\"}}", " \n\t".repeat(50_000));
    let answer = client
        .raw(body.replace("\"METADATA\"", &spaced))
        .await
        .json();
    assert_eq!(
        answer["data"]["appendToStream"]["__typename"], "Appended",
        "{answer:#}"
    );
}

async fn a_request_of_1_mib_is_stored_and_one_byte_more_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (stream, other) = (new_stream("game"), new_stream("game"));
    let limit = 1024 * 1024;
    let full = |last: usize| -> Value {
        let sizes = std::iter::repeat_n(64 * 1024, 15).chain([last]);
        sizes.map(event_of).collect()
    };
    appended(&client, &stream, Expected::Any, &full(64 * 1024)).await;
    let mut above = full(64 * 1024 - 100);
    above.as_array_mut().unwrap().push(event_of(101));
    let refusal = append(&client, &stream, Expected::Any, &above).await;
    check(
        &refusal,
        "BATCH_TOO_LARGE",
        &json!(["input", "events"]),
        limit + 1,
        limit,
    );
    let parts = [
        part(&stream, Expected::Any, full(64 * 1024 - 100)),
        part(&other, Expected::Any, json!([event_of(101)])),
    ];
    let refusal = append_batch(&client, &parts).await;
    check(
        &refusal,
        "BATCH_TOO_LARGE",
        &json!(["input", "streams"]),
        limit + 1,
        limit,
    );
    let parts = [
        part(&stream, Expected::Any, full(64 * 1024 - 100)),
        part(&other, Expected::Any, json!([event_of(100)])),
    ];
    let payload = append_batch(&client, &parts).await;
    assert_eq!(payload["__typename"], "BatchAppended", "{payload:#}");
}

async fn a_thousand_events_are_stored_and_one_more_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let payload = appended(&client, &stream, Expected::Any, &new_events(1000)).await;
    let positions = each(payload["events"].as_array().unwrap(), "position");
    assert_eq!(positions, (1..=1000).collect::<Vec<_>>());
    let refusal = append(&client, &stream, Expected::Any, &new_events(1001)).await;
    check(
        &refusal,
        "INVALID_BATCH_SIZE",
        &json!(["input", "events"]),
        1001,
        1000,
    );
    let parts = [
        part(&stream, Expected::Any, new_events(500)),
        part(&new_stream("game"), Expected::Any, new_events(501)),
    ];
    let refusal = append_batch(&client, &parts).await;
    check(
        &refusal,
        "INVALID_BATCH_SIZE",
        &json!(["input", "streams"]),
        1001,
        1000,
    );
    assert_eq!(head(&client).await, 1000);
}

async fn a_hundred_streams_are_stored_and_one_more_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let parts = |count: usize| -> Vec<Value> {
        let part_of = |_| part(&new_stream("game"), Expected::NoStream, new_events(1));
        (0..count).map(part_of).collect()
    };
    let hundred = parts(100);
    let payload = append_batch(&client, &hundred).await;
    assert_eq!(payload["__typename"], "BatchAppended", "{payload:#}");
    let streams = payload["streams"].as_array().unwrap();
    assert_eq!(each(streams, "streamName"), each(&hundred, "stream"));
    assert_eq!(each(streams, "lastPosition"), (1..=100).collect::<Vec<_>>());
    let refusal = append_batch(&client, &parts(101)).await;
    check(
        &refusal,
        "INVALID_BATCH_SIZE",
        &json!(["input", "streams"]),
        101,
        100,
    );
    // Pure checks count as streams.
    let mut checks = parts(99);
    checks.extend((0..2).map(|_| part(&new_stream("game"), Expected::NoStream, json!([]))));
    let refusal = append_batch(&client, &checks).await;
    check(
        &refusal,
        "INVALID_BATCH_SIZE",
        &json!(["input", "streams"]),
        101,
        100,
    );
    assert_eq!(head(&client).await, 100);
}

async fn a_body_beyond_4_mib_is_refused_before_it_is_read(world: World) {
    let (_server, client) = world.server_and_client().await;
    let body = super::door::append_request(&new_stream("game"), Expected::Any, &new_events(1));
    let limit = 4 * 1024 * 1024;
    let fitting = body.clone() + &" ".repeat(limit - body.len());
    let answer = client.raw(fitting.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = client.raw(fitting + " ").await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(
        answer.json()["errors"][0]["extensions"]["code"].is_string(),
        "{}",
        answer.body
    );
    assert_eq!(head(&client).await, 1);
}

async fn an_append_without_events_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let refusal = append(&client, &new_stream("game"), Expected::Any, &json!([])).await;
    assert_eq!(refusal["__typename"], "InvalidInput", "{refusal:#}");
    assert_eq!(refusal["code"], "INVALID_BATCH_SIZE");
    assert_eq!(refusal["path"], json!(["input", "events"]));
    let refusal = append_batch(&client, &[]).await;
    assert_eq!(refusal["code"], "INVALID_BATCH_SIZE", "{refusal:#}");
    assert_eq!(refusal["path"], json!(["input", "streams"]));
}

async fn server_with_short_streams(world: &World) -> (testkit::ServerProcess, GraphqlClient) {
    let server = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_STREAM_EVENTS", "5");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

async fn a_stream_takes_as_many_events_as_its_limit_says(world: World) {
    let (_server, client) = server_with_short_streams(&world).await;
    let (stream, other) = (new_stream("game"), new_stream("game"));
    appended(&client, &stream, Expected::Any, &new_events(3)).await;
    let refusal = append(&client, &stream, Expected::Any, &new_events(3)).await;
    assert_eq!(refusal["__typename"], "StreamTooLarge", "{refusal:#}");
    assert_eq!(refusal["code"], "STREAM_TOO_LARGE");
    assert_eq!(refusal["refusedStream"], stream);
    assert_eq!([&refusal["length"], &refusal["limit"]], [3, 5]);
    assert_eq!(refusal["path"], json!(["input", "events"]));
    let message = refusal["message"].as_str().unwrap();
    assert!(message.contains("append.max_stream_events"), "{message}");
    appended(&client, &stream, Expected::Any, &new_events(2)).await;
    let parts = [
        part(&other, Expected::Any, new_events(5)),
        part(&stream, Expected::Any, new_events(1)),
    ];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["code"], "STREAM_TOO_LARGE", "{refusal:#}");
    assert_eq!(refusal["path"], json!(["input", "streams", "1", "events"]));
    // A check adds nothing, and a first append may be too long as well.
    let parts = [
        part(&other, Expected::Any, new_events(5)),
        part(&stream, Expected::Exactly(5), json!([])),
    ];
    assert_eq!(
        append_batch(&client, &parts).await["__typename"],
        "BatchAppended"
    );
    let refusal = append(&client, &new_stream("game"), Expected::Any, &new_events(6)).await;
    assert_eq!(refusal["code"], "STREAM_TOO_LARGE", "{refusal:#}");
    assert_eq!(head(&client).await, 10);
}

async fn a_stream_s_own_limit_stands_over_the_server_s_and_hidden_events_do_not_count(
    world: World,
) {
    let (_server, client) = server_with_short_streams(&world).await;
    let streams = ["long", "short", "hidden", "deleted"].map(new_stream);
    for stream in &streams {
        appended(&client, stream, Expected::Any, &new_events(4)).await;
    }
    let [long, short, hidden, deleted] = &streams;
    set_metadata(&client, long, json!({"maxEvents": 7})).await;
    set_metadata(&client, short, json!({"maxEvents": 4})).await;
    set_metadata(&client, hidden, json!({"truncateBefore": 4})).await;
    Change::Delete.of(&client, deleted).await;
    for (stream, room) in streams.iter().zip([3, 0, 4, 5]) {
        let refusal = append(&client, stream, Expected::Any, &new_events(room + 1)).await;
        assert_eq!(refusal["code"], "STREAM_TOO_LARGE", "{stream}: {refusal:#}");
        if room > 0 {
            appended(&client, stream, Expected::Any, &new_events(room)).await;
        }
    }
}

async fn indexed_values_have_128_characters_at_most(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    for (document, key) in [
        ("metadata", "correlation_id"),
        ("metadata", "causation_id"),
        ("metadata", "actor_id"),
        ("data", "guild_id"),
    ] {
        for wrong in [
            json!("ü".repeat(129)),
            json!(""),
            json!(7),
            json!({}),
            json!(["7"]),
        ] {
            let mut event = new_event(0);
            event[document] = json!({key: wrong});
            let refusal = append(
                &client,
                &stream,
                Expected::Any,
                &json!([new_event(0), event]),
            )
            .await;
            assert_eq!(refusal["__typename"], "InvalidEvents", "{refusal:#}");
            let violation = &refusal["violations"][0];
            assert_eq!(
                violation["pointer"],
                format!("/{document}/{key}"),
                "{refusal:#}"
            );
            assert_eq!(violation["index"], 1);
            assert_eq!(
                violation["path"],
                json!(["input", "events", "1", document, key])
            );
        }
        for right in [json!("ü".repeat(128)), json!(null)] {
            let mut event = new_event(0);
            event[document] = json!({key: right});
            appended(&client, &new_stream("game"), Expected::Any, &json!([event])).await;
        }
    }
}
