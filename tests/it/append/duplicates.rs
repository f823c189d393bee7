//! Every other overlap with stored ids is refused, names each id, and writes nothing.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{append, append_batch, appended, each, head, new_event, new_events, part};
use crate::lifecycle::door::Change;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    stored_events_in_another_order_are_refused,
    a_stored_event_with_other_content_is_refused_whatever_differs,
    a_stored_event_for_another_stream_is_refused_and_says_where_it_is,
    stored_events_beside_new_ones_are_refused_and_each_says_which_it_is,
    a_batch_that_is_stored_in_part_only_is_refused,
    an_id_that_stands_twice_in_a_request_is_refused,
    an_event_without_id_beside_stored_ones_is_refused,
    a_duplicate_is_told_before_a_closed_stream_a_wrong_version_and_a_limit,
);

async fn refused(client: &GraphqlClient, stream: &str, events: &Value) -> Vec<Value> {
    let before = head(client).await;
    let refusal = append(client, stream, Expected::Any, events).await;
    check(client, refusal, before).await
}

async fn refused_batch(client: &GraphqlClient, parts: &[Value]) -> Vec<Value> {
    let before = head(client).await;
    let refusal = append_batch(client, parts).await;
    check(client, refusal, before).await
}

/// The duplicates of a refusal after which the log is as before.
async fn check(client: &GraphqlClient, mut refusal: Value, before: u64) -> Vec<Value> {
    assert_eq!(refusal["__typename"], "DuplicateEvent", "{refusal:#}");
    assert_eq!(refusal["code"], "DUPLICATE_EVENT");
    assert_eq!(refusal["retryable"], false);
    assert_eq!(refusal["path"], refusal["duplicates"][0]["path"]);
    assert_eq!(head(client).await, before);
    let Value::Array(duplicates) = refusal["duplicates"].take() else {
        panic!("no duplicates: {refusal:#}");
    };
    duplicates
}

/// Reasons with the index of the event that each is about.
fn reasons(duplicates: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    duplicates
        .iter()
        .map(|duplicate| (text(&duplicate["path"][2]), text(&duplicate["reason"])))
        .collect()
}

fn reason(index: usize, reason: &str) -> (String, String) {
    (index.to_string(), reason.to_owned())
}

async fn stored_events_in_another_order_are_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = new_events(4);
    appended(&client, &stream, Expected::Any, &events).await;
    let pick =
        |indexes: &[usize]| -> Value { indexes.iter().map(|&at| events[at].clone()).collect() };
    let cases: [(&[usize], &[usize]); 3] =
        [(&[1, 0], &[1]), (&[0, 2, 3], &[1]), (&[3, 2, 1], &[1, 2])];
    for (indexes, offending) in cases {
        let duplicates = refused(&client, &stream, &pick(indexes)).await;
        let expected: Vec<_> = offending
            .iter()
            .map(|&at| reason(at, "OTHER_ORDER"))
            .collect();
        assert_eq!(reasons(&duplicates), expected, "{indexes:?}");
        assert_eq!(
            duplicates[0]["eventId"],
            events[indexes[offending[0]]]["eventId"]
        );
        assert_eq!(duplicates[0]["storedVersion"], indexes[offending[0]] + 1);
    }
}

async fn a_stored_event_with_other_content_is_refused_whatever_differs(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut event = new_event(1);
    event["data"] = json!({"a": 1, "b": 2});
    event["metadata"] = json!({"actor_id": "7"});
    appended(&client, &stream, Expected::Any, &json!([event])).await;
    let changes = [
        ("type", json!("renamed")),
        ("schemaVersion", json!(2)),
        ("data", json!({"b": 2, "a": 1})),
        ("data", json!({"a": 1.0, "b": 2})),
        ("data", json!({"a": 1, "b": 2, "c": null})),
        ("metadata", json!({})),
        ("metadata", json!({"actor_id": "8"})),
        ("metadata", Value::Null),
    ];
    for (field, value) in changes {
        let mut other = event.clone();
        other[field] = value;
        let duplicates = refused(&client, &stream, &json!([other])).await;
        assert_eq!(
            reasons(&duplicates),
            [reason(0, "OTHER_CONTENT")],
            "{other}"
        );
        assert_eq!(duplicates[0]["storedStream"], stream);
        assert_eq!(duplicates[0]["storedPosition"], 1);
    }
}

async fn a_stored_event_for_another_stream_is_refused_and_says_where_it_is(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (stream, other) = (new_stream("game"), new_stream("game"));
    let events = new_events(2);
    appended(&client, &stream, Expected::Any, &events).await;
    appended(&client, &other, Expected::Any, &new_events(2)).await;
    let duplicates = refused(&client, &other, &events).await;
    let expected: Vec<Value> = (0..2)
        .map(|index| {
            json!({
                "eventId": events[index]["eventId"],
                "path": ["input", "events", index.to_string(), "eventId"],
                "reason": "OTHER_STREAM",
                "storedStream": stream, "storedVersion": index + 1, "storedPosition": index + 1,
            })
        })
        .collect();
    assert_eq!(duplicates, expected);
}

async fn stored_events_beside_new_ones_are_refused_and_each_says_which_it_is(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let stored = new_event(1);
    appended(&client, &stream, Expected::Any, &json!([stored])).await;
    let new = new_event(2);
    let orders = [
        (
            json!([stored, new]),
            ["PART_OF_REQUEST", "NEW_BESIDE_STORED"],
        ),
        (
            json!([new, stored]),
            ["NEW_BESIDE_STORED", "PART_OF_REQUEST"],
        ),
    ];
    for (events, expected) in orders {
        let duplicates = refused(&client, &stream, &events).await;
        assert_eq!(each(&duplicates, "reason"), expected);
        assert_eq!(
            each(&duplicates, "eventId"),
            each(events.as_array().unwrap(), "eventId")
        );
    }
    // The new event is not spoilt by having been refused.
    appended(&client, &stream, Expected::Exactly(1), &json!([new])).await;
}

async fn a_batch_that_is_stored_in_part_only_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (old, new) = (new_stream("game"), new_stream("game"));
    let events = new_events(1);
    appended(&client, &old, Expected::Any, &events).await;
    let parts = [
        part(&new, Expected::Any, new_events(1)),
        part(&old, Expected::Any, events),
    ];
    let duplicates = refused_batch(&client, &parts).await;
    assert_eq!(
        each(&duplicates, "reason"),
        ["NEW_BESIDE_STORED", "PART_OF_REQUEST"]
    );
    assert_eq!(
        duplicates[1]["path"],
        json!(["input", "streams", "1", "events", "0", "eventId"])
    );
    assert_eq!(duplicates[0]["storedStream"], Value::Null);
    assert_eq!(duplicates[1]["storedStream"], old);
}

async fn an_id_that_stands_twice_in_a_request_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let (event, other) = (new_event(1), new_event(2));
    let events = json!([event, other, event, event]);
    let duplicates = refused(&client, &stream, &events).await;
    let twice = |index| reason(index, "TWICE_IN_REQUEST");
    assert_eq!(reasons(&duplicates), [twice(2), twice(3)]);
    assert_eq!(duplicates[0]["eventId"], event["eventId"]);

    let parts = [
        part(&stream, Expected::Any, json!([event])),
        part(&new_stream("game"), Expected::Any, json!([other, event])),
    ];
    let duplicates = refused_batch(&client, &parts).await;
    assert_eq!(each(&duplicates, "reason"), ["TWICE_IN_REQUEST"]);
    assert_eq!(
        duplicates[0]["path"],
        json!(["input", "streams", "1", "events", "1", "eventId"])
    );
    // Also where the event is stored: a request with it twice is never the one that stored it.
    appended(&client, &stream, Expected::Any, &json!([event])).await;
    let duplicates = refused(&client, &stream, &json!([event, event])).await;
    assert!(reasons(&duplicates).contains(&twice(1)), "{duplicates:#?}");
}

async fn an_event_without_id_beside_stored_ones_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let stored = new_event(1);
    appended(&client, &stream, Expected::Exactly(0), &json!([stored])).await;
    let nameless = json!({"type": "noted", "data": {}});
    let refusal = append(
        &client,
        &stream,
        Expected::Exactly(0),
        &json!([stored, nameless]),
    )
    .await;
    let duplicates = check(&client, refusal, 1).await;
    assert_eq!(
        each(&duplicates, "reason"),
        ["PART_OF_REQUEST", "NEW_BESIDE_STORED"]
    );
    // An id that the server would have made means nothing to the caller.
    assert_eq!(duplicates[1]["eventId"], Value::Null);
}

async fn a_duplicate_is_told_before_a_closed_stream_a_wrong_version_and_a_limit(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let stored = new_event(1);
    appended(&client, &stream, Expected::Any, &json!([stored])).await;
    Change::Tombstone.of(&client, &stream).await;
    let mut other = stored.clone();
    other["data"] = json!({"text": "x".repeat(70_000)});
    for events in [json!([stored, new_event(2)]), json!([other])] {
        for expected in [Expected::Any, Expected::Exactly(9)] {
            let refusal = append(&client, &stream, expected, &events).await;
            check(&client, refusal, 2).await;
        }
    }
}
