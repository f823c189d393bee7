//! What a refused expectation tells: all that failed, and what the caller missed.

use serde_json::{Value, json};
use testkit::Expected;

use super::door::{append, append_batch, appended, head, new_event, new_events, part};
use crate::lifecycle::door::Change;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    every_expectation_of_a_batch_that_fails_is_reported_in_the_order_of_the_request,
    a_batch_that_fails_on_deleted_streams_only_says_so,
    a_conflict_carries_the_events_that_the_caller_missed,
    the_events_of_a_conflict_are_bounded,
    a_batch_sees_what_the_requests_before_it_have_done,
    a_stream_that_stands_twice_in_a_batch_is_refused,
    a_negative_expected_version_is_refused,
);

async fn every_expectation_of_a_batch_that_fails_is_reported_in_the_order_of_the_request(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let [right, behind, ahead] = ["a", "b", "c"].map(new_stream);
    let (deleted, missing) = (new_stream("deleted"), new_stream("missing"));
    for stream in [&right, &behind, &ahead, &deleted] {
        appended(&client, stream, Expected::Exactly(0), &new_events(2)).await;
    }
    Change::Delete.of(&client, &deleted).await;
    let before = head(&client).await;

    let parts = [
        part(&right, Expected::Exactly(2), new_events(1)),
        part(&deleted, Expected::StreamExists, new_events(1)),
        part(&behind, Expected::Exactly(1), new_events(1)),
        part(&missing, Expected::StreamExists, json!([])),
        part(&ahead, Expected::Exactly(7), json!([])),
    ];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["__typename"], "WrongExpectedVersion", "{refusal:#}");
    let expected = json!([
        {"stream": deleted, "expected": {"exactly": null, "state": "STREAM_EXISTS"}, "actual": 2},
        {"stream": behind, "expected": {"exactly": 1, "state": null}, "actual": 2},
        {"stream": missing, "expected": {"exactly": null, "state": "STREAM_EXISTS"}, "actual": 0},
        {"stream": ahead, "expected": {"exactly": 7, "state": null}, "actual": 2},
    ]);
    assert_eq!(refusal["checks"], expected);
    assert_eq!(refusal["refusedStream"], deleted);
    let message = refusal["message"].as_str().unwrap();
    for stream in [&deleted, &behind, &missing, &ahead] {
        assert!(message.contains(stream.as_str()), "{message}");
    }
    assert!(!message.contains(&right), "{message}");
    assert_eq!(head(&client).await, before);
}

async fn a_batch_that_fails_on_deleted_streams_only_says_so(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (open, deleted) = (new_stream("open"), new_stream("deleted"));
    for stream in [&open, &deleted] {
        appended(&client, stream, Expected::Exactly(0), &new_events(1)).await;
    }
    Change::Delete.of(&client, &deleted).await;
    let parts = [
        part(&open, Expected::StreamExists, new_events(1)),
        part(&deleted, Expected::StreamExists, new_events(1)),
    ];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["__typename"], "StreamDeleted", "{refusal:#}");
    assert_eq!(refusal["refusedStream"], deleted);
}

async fn a_conflict_carries_the_events_that_the_caller_missed(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::Exactly(0), &new_events(5)).await;
    let cases: [(Expected, &[i32]); 5] = [
        (Expected::Exactly(2), &[3, 4, 5]),
        (Expected::Exactly(4), &[5]),
        (Expected::Exactly(0), &[1, 2, 3, 4, 5]),
        (Expected::NoStream, &[1, 2, 3, 4, 5]),
        (Expected::Exactly(9), &[]),
    ];
    for (expected, missed) in cases {
        let refusal = append(&client, &stream, expected, &new_events(1)).await;
        let versions: Vec<Value> = missed
            .iter()
            .map(|version| json!({"streamVersion": version}))
            .collect();
        assert_eq!(
            refusal["conflictingEvents"],
            Value::from(versions),
            "{expected:?}: {refusal:#}"
        );
    }
}

async fn the_events_of_a_conflict_are_bounded(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::Exactly(0), &new_events(150)).await;
    let query = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) {
        ... on WrongExpectedVersion {
          actual
          few: conflictingEvents(first: 2) { streamVersion }
          usual: conflictingEvents { streamVersion }
        } } }";
    let input = part(&stream, Expected::Exactly(10), new_events(1));
    let conflict = client.query(query, json!({ "input": input })).await;
    let conflict = &conflict["appendToStream"];
    assert_eq!(conflict["actual"], 150);
    assert_eq!(
        conflict["few"],
        json!([{"streamVersion": 11}, {"streamVersion": 12}])
    );
    let usual = conflict["usual"].as_array().unwrap();
    assert_eq!(usual.len(), 100);
    assert_eq!(usual.last().unwrap()["streamVersion"], 110);
}

async fn a_batch_sees_what_the_requests_before_it_have_done(world: World) {
    let (_server, client) = world.server_and_client().await;
    let streams: Vec<String> = (0..5).map(|_| new_stream("chain")).collect();
    for version in 0..4 {
        let parts: Vec<Value> = streams
            .iter()
            .map(|stream| part(stream, Expected::Exactly(version), json!([new_event(1)])))
            .collect();
        let payload = append_batch(&client, &parts).await;
        assert_eq!(payload["__typename"], "BatchAppended", "{payload:#}");
        for (index, appended) in payload["streams"].as_array().unwrap().iter().enumerate() {
            assert_eq!(appended["streamName"], streams[index]);
            assert_eq!(appended["version"], version + 1);
            let position = usize::try_from(version).unwrap() * streams.len() + index + 1;
            assert_eq!(appended["firstPosition"], position);
        }
    }
}

async fn a_stream_that_stands_twice_in_a_batch_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let parts = [
        part(&stream, Expected::Exactly(0), new_events(1)),
        part(&stream, Expected::Exactly(1), new_events(1)),
    ];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["__typename"], "InvalidInput", "{refusal:#}");
    assert_eq!(refusal["code"], "INVALID_ARGUMENT");
    assert_eq!(refusal["path"], json!(["input", "streams", "1", "stream"]));
    assert_eq!(head(&client).await, 0);
}

async fn a_negative_expected_version_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let refusal = append(&client, &stream, Expected::Exactly(-1), &new_events(1)).await;
    assert_eq!(refusal["__typename"], "InvalidInput", "{refusal:#}");
    assert_eq!(refusal["code"], "INVALID_EXPECTED_VERSION");
    assert_eq!(refusal["path"], json!(["input", "expectedVersion"]));
    let parts = [part(&stream, Expected::Exactly(i32::MIN), json!([]))];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["code"], "INVALID_EXPECTED_VERSION", "{refusal:#}");
    assert_eq!(
        refusal["path"],
        json!(["input", "streams", "0", "expectedVersion"])
    );
}
