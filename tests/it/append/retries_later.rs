//! A retry stays a retry, whatever has become of the stream, the limits and the payload since.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{
    Inside, append, append_batch, appended, head, new_event, new_events, part, stream_state,
};
use crate::lifecycle::door::State;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_retry_succeeds_after_its_stream_was_closed_and_does_not_reopen_it,
    a_retry_succeeds_after_the_limits_were_lowered_and_a_new_request_of_its_size_is_refused,
    a_retry_of_a_batch_succeeds_after_the_limits_were_lowered,
    a_retry_survives_a_crash_of_the_server,
    where_the_payload_is_removed_ids_stream_and_order_decide,
);

async fn a_retry_succeeds_after_its_stream_was_closed_and_does_not_reopen_it(world: World) {
    let (_server, client) = world.server_and_client().await;
    for state in [State::Deleted, State::Archived, State::Tombstoned] {
        let status = state.status();
        let stream = new_stream("game");
        let events = new_events(2);
        let first = appended(&client, &stream, Expected::Exactly(0), &events).await;
        state.close(&client, &stream).await;
        for expected in [Expected::Exactly(0), Expected::Any, Expected::StreamExists] {
            let again = appended(&client, &stream, expected, &events).await;
            assert_eq!(again["duplicate"], true, "{status}");
            assert_eq!(again["firstPosition"], first["firstPosition"], "{status}");
            assert_eq!(again["version"], 2, "{status}");
            assert_eq!(again["stream"]["status"], status);
            let batch = [part(&stream, expected, events.clone())];
            assert_eq!(
                append_batch(&client, &batch).await["duplicate"],
                true,
                "{status}"
            );
        }
        let expected_state = json!({"version": 2, "status": status});
        assert_eq!(stream_state(&client, &stream).await, expected_state);
    }
    // Two events in each of the three streams, and one about each.
    assert_eq!(head(&client).await, 9);
}

/// An event with so many bytes of data.
fn event_of(bytes: usize) -> Value {
    let mut event = new_event(0);
    event["data"] = json!({"text": "x".repeat(bytes - r#"{"text":""}"#.len())});
    event
}

async fn refusal_of(client: &GraphqlClient, stream: &str, events: &Value) -> Value {
    let refusal = append(client, stream, Expected::Any, events).await;
    json!([refusal["code"], refusal["value"], refusal["limit"]])
}

async fn a_retry_succeeds_after_the_limits_were_lowered_and_a_new_request_of_its_size_is_refused(
    world: World,
) {
    let (mut server, client) = world.server_and_client().await;
    let (wide, many) = (new_stream("wide"), new_stream("many"));
    let one_wide = json!([event_of(1000)]);
    let many_small = new_events(5);
    let much: Value = (0..3).map(|_| event_of(400)).collect();
    appended(&client, &wide, Expected::Any, &one_wide).await;
    appended(&client, &many, Expected::Any, &many_small).await;
    appended(&client, &many, Expected::Any, &much).await;
    server.terminate().await;

    let stricter = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_EVENT_BYTES", "500")
        .environment("GAMEBOT_APPEND_MAX_REQUEST_BYTES", "1024")
        .environment("GAMEBOT_APPEND_MAX_EVENTS", "4")
        .environment("GAMEBOT_APPEND_MAX_STREAM_EVENTS", "4")
        .start()
        .await;
    let client = GraphqlClient::new(&stricter.base_url());
    for (stream, events) in [(&wide, &one_wide), (&many, &many_small), (&many, &much)] {
        let again = appended(&client, stream, Expected::Any, events).await;
        assert_eq!(again["duplicate"], true);
        assert_eq!(
            again["events"].as_array().unwrap().len(),
            events.as_array().unwrap().len()
        );
    }
    let fresh = new_stream("fresh");
    assert_eq!(
        refusal_of(&client, &fresh, &json!([event_of(1000)])).await,
        json!(["EVENT_TOO_LARGE", 1002, 500])
    );
    assert_eq!(
        refusal_of(&client, &fresh, &new_events(5)).await,
        json!(["INVALID_BATCH_SIZE", 5, 4])
    );
    let much: Value = (0..3).map(|_| event_of(400)).collect();
    assert_eq!(
        refusal_of(&client, &fresh, &much).await,
        json!(["BATCH_TOO_LARGE", 3 * 402, 1024])
    );
    let too_long = append(&client, &many, Expected::Any, &new_events(1)).await;
    assert_eq!(too_long["code"], "STREAM_TOO_LARGE", "{too_long:#}");
    assert_eq!(head(&client).await, 9);
}

async fn a_retry_of_a_batch_succeeds_after_the_limits_were_lowered(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let parts: Vec<Value> = (0..3)
        .map(|number| {
            part(
                &new_stream("game"),
                Expected::Any,
                json!([new_event(number)]),
            )
        })
        .collect();
    append_batch(&client, &parts).await;
    server.terminate().await;

    let stricter = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_BATCH_STREAMS", "2");
    let stricter = stricter.start().await;
    let client = GraphqlClient::new(&stricter.base_url());
    let again = append_batch(&client, &parts).await;
    assert_eq!(again["duplicate"], true, "{again:#}");
    let mut others = parts.clone();
    for (number, other) in others.iter_mut().enumerate() {
        other["events"] = json!([new_event(number)]);
    }
    let refusal = append_batch(&client, &others).await;
    assert_eq!(refusal["code"], "INVALID_BATCH_SIZE", "{refusal:#}");
    assert_eq!(refusal["path"], json!(["input", "streams"]));
    assert_eq!([&refusal["value"], &refusal["limit"]], [3, 2]);
}

async fn a_retry_survives_a_crash_of_the_server(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = new_events(3);
    let first = appended(&client, &stream, Expected::Any, &events).await;
    server.restart().await;
    let client = GraphqlClient::new(&server.base_url());
    let again = appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["events"], first["events"]);
}

async fn where_the_payload_is_removed_ids_stream_and_order_decide(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = new_events(2);
    appended(&client, &stream, Expected::Any, &events).await;
    let inside = Inside::of(&world).await;
    inside
        .execute(
            "BEGIN;
             INSERT INTO removal_permits (id) VALUES (1);
             UPDATE events SET data = NULL, metadata = NULL, salt = NULL;
             DELETE FROM removal_permits;
             COMMIT",
        )
        .await;

    let mut other_content = events.clone();
    other_content[0]["data"] = json!({"nobody": "can tell any more"});
    for again in [&events, &other_content] {
        let again = appended(&client, &stream, Expected::Any, again).await;
        assert_eq!(again["duplicate"], true);
        assert_eq!(again["events"][0]["rawText"], Value::Null);
    }
    let reordered = json!([events[1], events[0]]);
    let refusal = append(&client, &stream, Expected::Any, &reordered).await;
    assert_eq!(
        refusal["duplicates"][0]["reason"], "OTHER_ORDER",
        "{refusal:#}"
    );
    let elsewhere = append(&client, &new_stream("game"), Expected::Any, &events).await;
    assert_eq!(
        elsewhere["duplicates"][0]["reason"], "OTHER_STREAM",
        "{elsewhere:#}"
    );
}
