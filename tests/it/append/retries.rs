//! The same request again answers what the first one answered, in every mode.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{
    append, append_batch, append_request, appended, each, head, new_event, new_events, part,
    payload_of, read_log,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_retry_answers_what_the_first_request_did_in_every_mode_also_after_the_stream_has_grown,
    a_part_of_a_stored_request_in_its_order_is_a_retry,
    a_retry_of_a_batch_is_recognised_whole_in_part_and_with_its_streams_reordered,
    content_that_differs_in_white_space_and_defaults_only_is_the_same,
    a_request_sent_eight_times_at_once_is_stored_once_in_every_mode,
    a_batch_sent_eight_times_at_once_is_stored_once,
);

const MODES: [Expected; 4] = [
    Expected::Any,
    Expected::NoStream,
    Expected::StreamExists,
    Expected::Exactly(0),
];

/// A stream in the state that the expectation wants.
async fn stream_for(client: &GraphqlClient, expected: Expected) -> String {
    let stream = new_stream("game");
    if expected == Expected::StreamExists {
        appended(client, &stream, Expected::NoStream, &new_events(1)).await;
    }
    stream
}

/// What a retry must answer: all that the first one did, but for the stream as it is now.
fn without_the_stream(mut payload: Value) -> Value {
    payload["stream"].take();
    payload["duplicate"].take();
    payload
}

async fn a_retry_answers_what_the_first_request_did_in_every_mode_also_after_the_stream_has_grown(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    for expected in MODES {
        let stream = stream_for(&client, expected).await;
        let events = new_events(3);
        let first = appended(&client, &stream, expected, &events).await;
        assert_eq!(first["duplicate"], false);
        let again = appended(&client, &stream, expected, &events).await;
        assert_eq!(again["duplicate"], true, "{expected:?}");
        assert_eq!(again["stream"], first["stream"], "{expected:?}");
        assert_eq!(
            without_the_stream(again),
            without_the_stream(first.clone()),
            "{expected:?}"
        );

        let grown = appended(&client, &stream, Expected::Any, &new_events(2)).await;
        let before = head(&client).await;
        let later = appended(&client, &stream, expected, &events).await;
        assert_eq!(later["duplicate"], true, "{expected:?}");
        assert_eq!(later["stream"]["version"], grown["version"], "{expected:?}");
        assert_eq!(
            without_the_stream(later),
            without_the_stream(first),
            "{expected:?}"
        );
        assert_eq!(head(&client).await, before, "{expected:?}");
    }
}

async fn a_part_of_a_stored_request_in_its_order_is_a_retry(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = new_events(4);
    appended(&client, &stream, Expected::Exactly(0), &events).await;
    for range in [0..4, 0..2, 1..3, 3..4] {
        let part: Value = events.as_array().unwrap()[range.clone()].into();
        for expected in MODES {
            let again = appended(&client, &stream, expected, &part).await;
            assert_eq!(again["duplicate"], true, "{range:?}");
            assert_eq!(again["previousVersion"], range.start);
            assert_eq!(again["version"], range.end);
            assert_eq!(again["firstPosition"], range.start + 1);
            assert_eq!(again["lastPosition"], range.end);
        }
    }
    assert_eq!(head(&client).await, 4);
}

async fn a_retry_of_a_batch_is_recognised_whole_in_part_and_with_its_streams_reordered(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let names = ["a", "b", "c"].map(new_stream);
    let [a, b] = [0, 1].map(|index| part(&names[index], Expected::NoStream, new_events(2)));
    let check = part(&names[2], Expected::NoStream, json!([]));
    let first = append_batch(&client, &[a.clone(), check.clone(), b.clone()]).await;
    assert_eq!(first["duplicate"], false, "{first:#}");
    // What was checked does not hold any more, and the streams have grown.
    for name in &names {
        appended(&client, name, Expected::Any, &new_events(1)).await;
    }
    let before = head(&client).await;

    let requests = [
        (vec![a.clone(), check.clone(), b.clone()], vec![0, 4, 2]),
        (vec![b.clone(), a.clone()], vec![2, 0]),
        (vec![b.clone()], vec![2]),
    ];
    for (parts, firsts) in requests {
        let again = append_batch(&client, &parts).await;
        assert_eq!(again["duplicate"], true, "{again:#}");
        let streams = again["streams"].as_array().unwrap();
        assert_eq!(each(streams, "streamName"), each(&parts, "stream"));
        for (stream, first) in streams.iter().zip(firsts) {
            let expected = if first == 4 {
                Value::Null
            } else {
                json!(first + 1)
            };
            assert_eq!(stream["firstPosition"], expected);
            let version = if first == 4 { 1 } else { 2 };
            assert_eq!(stream["version"], version, "{stream:#}");
        }
    }
    let alone = appended(&client, &names[0], Expected::Exactly(0), &a["events"]).await;
    assert_eq!(alone["duplicate"], true);
    assert_eq!(head(&client).await, before);
}

async fn content_that_differs_in_white_space_and_defaults_only_is_the_same(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let event_id = Uuid::now_v7();
    let written = [
        format!(r#"{{"eventId":"{event_id}","type":"noted","data":{{"a":1.10,"b":[1,2]}}}}"#),
        format!(
            "{{\"eventId\":\"{event_id}\",\"type\":\"noted\",\"data\": {{ \"a\" : 1.10,\\n\\t\"b\" : [ 1 , 2 ] }}}}"
        )
        .replace("\\n", "\n")
        .replace("\\t", "\t"),
        format!(
            r#"{{"schemaVersion":1,"metadata":{{ }},"data":{{"a":1.10,"b":[1,2]}},"eventId":"{}","type":"noted"}}"#,
            event_id.simple()
        ),
        format!(
            r#"{{"eventId":"{event_id}","type":"noted","schemaVersion":null,"metadata":null,"data":{{"a":1.10,"b":[1,2]}}}}"#
        ),
    ];
    for (index, event) in written.iter().enumerate() {
        let template = append_request(&stream, Expected::Exactly(0), &json!(["EVENT"]));
        let answer = client
            .raw(template.replace("\"EVENT\"", event))
            .await
            .json();
        let payload = payload_of(answer, "appendToStream");
        assert_eq!(payload["__typename"], "Appended", "{event}: {payload:#}");
        assert_eq!(payload["duplicate"], index > 0, "{event}");
        assert_eq!(payload["events"][0]["rawText"], r#"{"a":1.10,"b":[1,2]}"#);
    }
    assert_eq!(head(&client).await, 1);
}

/// Sends the same body so often at the same time.
async fn at_once(client: &GraphqlClient, body: &str, times: usize) -> Vec<Value> {
    let sending: Vec<_> = (0..times)
        .map(|_| {
            let (client, body) = (client.clone(), body.to_owned());
            tokio::spawn(async move { client.raw(body).await.json() })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sending {
        answers.push(answer.await.unwrap());
    }
    answers
}

async fn a_request_sent_eight_times_at_once_is_stored_once_in_every_mode(world: World) {
    let (_server, client) = world.server_and_client().await;
    for expected in MODES {
        let stream = stream_for(&client, expected).await;
        let before = head(&client).await;
        let body = append_request(&stream, expected, &new_events(3));
        let answers = at_once(&client, &body, 8).await;
        let payloads: Vec<Value> = answers
            .into_iter()
            .map(|answer| payload_of(answer, "appendToStream"))
            .collect();
        let firsts = payloads
            .iter()
            .filter(|payload| payload["duplicate"] == false);
        assert_eq!(firsts.count(), 1, "{expected:?}: {payloads:#?}");
        for payload in &payloads {
            assert_eq!(payload["__typename"], "Appended", "{expected:?}");
            assert_eq!(
                without_the_stream(payload.clone()),
                without_the_stream(payloads[0].clone())
            );
        }
        assert_eq!(head(&client).await, before + 3, "{expected:?}");
    }
}

async fn a_batch_sent_eight_times_at_once_is_stored_once(world: World) {
    let (_server, client) = world.server_and_client().await;
    let parts: Vec<Value> = (0..4)
        .map(|number| {
            part(
                &new_stream("game"),
                Expected::Any,
                json!([new_event(number)]),
            )
        })
        .collect();
    let body = super::door::batch_request(&parts);
    let answers = at_once(&client, &body, 8).await;
    let mut firsts = 0;
    for answer in answers {
        let payload = payload_of(answer, "appendBatch");
        assert_eq!(payload["__typename"], "BatchAppended", "{payload:#}");
        firsts += u32::from(payload["duplicate"] == false);
        assert_eq!(
            each(payload["streams"].as_array().unwrap(), "version"),
            vec![json!(1); 4]
        );
    }
    assert_eq!(firsts, 1);
    assert_eq!(
        each(&read_log(&client).await, "streamName"),
        each(&parts, "stream")
    );
    let third = append(
        &client,
        parts[0]["stream"].as_str().unwrap(),
        Expected::Any,
        &parts[0]["events"],
    );
    assert_eq!(third.await["duplicate"], true);
}
