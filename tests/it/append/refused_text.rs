//! Text that cannot be kept is refused with its place, before it can join a group of appends.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{
    append_request, append_selection, appended, each, head, new_event, payload_of, read_log,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    text_that_cannot_be_kept_is_refused_with_its_place_whichever_variable_holds_it,
    bad_text_in_a_variable_inside_a_literal_is_refused_with_its_place,
    sixty_four_levels_are_kept_and_one_more_is_refused,
    all_that_is_wrong_with_the_events_is_told_at_once,
    data_and_metadata_must_be_objects,
    bad_requests_never_spoil_good_ones_that_come_at_the_same_moment,
    nul_is_refused_in_every_string,
    text_that_is_no_json_is_refused_as_a_whole,
);

/// Values that JSON's grammar allows and the store does not, with a word of the message.
const BAD_VALUES: [(&str, &str); 8] = [
    (r#""a\u0000b""#, "NUL"),
    (r#""\ud800""#, "surrogate"),
    (r#""\udc00\ud800""#, "surrogate"),
    (r#"{"k":1,"\u006b":2}"#, "second time"),
    (r#"{"a":{},"a":{}}"#, "second time"),
    ("1e400", "too large"),
    ("-1e99999", "too large"),
    (r#"{"x\u0000y":1}"#, "NUL"),
];

/// A way of writing two events into a request, the second with this data and metadata: the name, the
/// arguments and the variables.
struct Shape {
    operation: String,
    variables: String,
    path: &'static [&'static str],
}

const GOOD: &str = r#"{"type":"noted","data":{}}"#;

fn shapes(stream: &str, data: &str, metadata: &str) -> [Shape; 5] {
    let bad = format!(r#"{{"type":"noted","data":{data},"metadata":{metadata}}}"#);
    let part = format!(
        r#"{{"stream":"{stream}","expectedVersion":{{"exactly":0}},"events":[{GOOD},{bad}]}}"#
    );
    let literal = |events: &str| {
        format!(
            r#"appendToStream(input: {{stream: "{stream}", expectedVersion: {{exactly: 0}}, events: {events}}})"#
        )
    };
    let single = &["input", "events", "1"];
    [
        Shape {
            operation: "($input: AppendToStreamInput!) { appendToStream(input: $input)".into(),
            variables: format!(r#"{{"input":{part}}}"#),
            path: single,
        },
        Shape {
            operation: format!("($events: [NewEventInput!]!) {{ {}", literal("$events")),
            variables: format!(r#"{{"events":[{GOOD},{bad}]}}"#),
            path: single,
        },
        Shape {
            operation: format!(
                "($event: NewEventInput!) {{ {}",
                literal(r#"[{type: "noted", data: {}}, $event]"#)
            ),
            variables: format!(r#"{{"event":{bad}}}"#),
            path: single,
        },
        Shape {
            operation: format!(
                "($data: JSON!, $metadata: JSON) {{ {}",
                literal(
                    r#"[{type: "noted", data: {}}, {type: "noted", data: $data, metadata: $metadata}]"#
                )
            ),
            variables: format!(r#"{{"data":{data},"metadata":{metadata}}}"#),
            path: single,
        },
        Shape {
            operation: "($input: AppendBatchInput!) { appendToStream: appendBatch(input: $input)"
                .into(),
            variables: format!(r#"{{"input":{{"streams":[{part}]}}}}"#),
            path: &["input", "streams", "0", "events", "1"],
        },
    ]
}

async fn send(client: &GraphqlClient, operation: &str, variables: &str) -> Value {
    let selection = "{ __typename
        ... on Refusal { code message retryable path }
        ... on InvalidEvents { violations { code index pointer rule message path } } }";
    let query = Value::from(format!("mutation{operation} {selection} }}"));
    let body = format!(r#"{{"query":{query},"variables":{variables}}}"#);
    payload_of(client.raw(body).await.json(), "appendToStream")
}

async fn text_that_cannot_be_kept_is_refused_with_its_place_whichever_variable_holds_it(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    for (value, word) in BAD_VALUES {
        let bad = format!(r#"{{"a":{{"b c":[0,{value}]}}}}"#);
        for (document, data, metadata) in [
            ("data", bad.as_str(), "{}"),
            ("metadata", "{}", bad.as_str()),
        ] {
            for shape in shapes(&stream, data, metadata) {
                let refusal = send(&client, &shape.operation, &shape.variables).await;
                check(&refusal, document, &shape, word);
            }
        }
    }
    assert_eq!(head(&client).await, 0);
}

fn check(refusal: &Value, document: &str, shape: &Shape, word: &str) {
    assert_eq!(
        refusal["__typename"], "InvalidEvents",
        "{refusal:#}\n{}",
        shape.variables
    );
    assert_eq!(refusal["code"], "INVALID_EVENT_DATA");
    assert_eq!(refusal["retryable"], false);
    let violations = refusal["violations"].as_array().unwrap();
    assert_eq!(violations.len(), 1, "{refusal:#}");
    let violation = &violations[0];
    assert_eq!(violation["index"], 1);
    let pointer = violation["pointer"].as_str().unwrap();
    assert!(
        pointer.starts_with(&format!("/{document}/a/b c/1")),
        "{pointer}"
    );
    let mut path: Vec<&str> = shape.path.to_vec();
    path.extend([document, "a", "b c", "1"]);
    let told = violation["path"].as_array().unwrap();
    assert!(
        told.starts_with(&path.into_iter().map(Value::from).collect::<Vec<_>>()),
        "{told:?}"
    );
    assert_eq!(refusal["path"], violation["path"]);
    let message = violation["message"].as_str().unwrap();
    assert!(message.contains(word), "{message}");
    assert!(
        message.contains(&format!(r#"{document}.a["b c"][1]"#)),
        "{message}"
    );
}

async fn bad_text_in_a_variable_inside_a_literal_is_refused_with_its_place(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    for (value, word) in BAD_VALUES {
        let operation = format!(
            r#"($value: JSON) {{ appendToStream(input: {{stream: "{stream}", expectedVersion: {{exactly: 0}},
               events: [{{type: "noted", data: {{whole: [1, $value]}}}}]}})"#
        );
        let refusal = send(&client, &operation, &format!(r#"{{"value":{value}}}"#)).await;
        assert_eq!(
            refusal["__typename"], "InvalidEvents",
            "{value}: {refusal:#}"
        );
        let pointer = refusal["violations"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/data/whole/1"), "{pointer}");
        assert!(
            refusal["message"].as_str().unwrap().contains(word),
            "{refusal:#}"
        );
    }
    assert_eq!(head(&client).await, 0);
}

async fn sixty_four_levels_are_kept_and_one_more_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let nested = |depth: usize| format!("{}{}{}", r#"{"a":"#.repeat(depth), 1, "}".repeat(depth));
    for (index, (data, metadata)) in [(64, 1), (1, 64)]
        .into_iter()
        .map(|(a, b)| (nested(a), nested(b)))
        .enumerate()
    {
        for (number, shape) in shapes(&new_stream("game"), &data, &metadata)
            .iter()
            .enumerate()
            .take(4)
        {
            let stored = send(&client, &shape.operation, &shape.variables).await;
            // The four shapes name one stream, so the first of them is stored.
            let typename = if number == 0 {
                "Appended"
            } else {
                "WrongExpectedVersion"
            };
            assert_eq!(stored["__typename"], typename, "{index}: {stored:#}");
        }
    }
    let before = head(&client).await;
    for (data, metadata) in [(65, 1), (1, 65)] {
        for shape in shapes(&new_stream("game"), &nested(data), &nested(metadata)) {
            let refusal = send(&client, &shape.operation, &shape.variables).await;
            assert_eq!(refusal["__typename"], "InvalidEvents", "{refusal:#}");
            assert_eq!(refusal["violations"][0]["index"], 1);
            assert!(
                refusal["message"].as_str().unwrap().contains("64"),
                "{refusal:#}"
            );
        }
    }
    assert_eq!(head(&client).await, before);
}

async fn all_that_is_wrong_with_the_events_is_told_at_once(world: World) {
    let (_server, client) = world.server_and_client().await;
    let events = r#"[
        {"type":"Not A Type","data":{"a":"\ud800"},"metadata":{"b":1e999}},
        {"type":"noted","data":{}},
        {"type":"noted","schemaVersion":0,"data":[],"metadata":{"actor_id":7,"correlation_id":""}},
        {"type":"noted","data":{"guild_id":7},"metadata":null}]"#;
    let body = append_request(&new_stream("game"), Expected::Exactly(0), &json!("EVENTS"));
    let answer = client.raw(body.replace("\"EVENTS\"", events)).await.json();
    let refusal = payload_of(answer, "appendToStream");
    let violations = refusal["violations"].as_array().unwrap();
    let found: Vec<(u64, &str, &str)> = violations
        .iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().unwrap();
            (
                one["index"].as_u64().unwrap(),
                text("code"),
                text("pointer"),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, "INVALID_EVENT_TYPE", "/type"),
            (0, "INVALID_EVENT_DATA", "/data/a"),
            (0, "INVALID_EVENT_DATA", "/metadata/b"),
            (2, "INVALID_EVENT_DATA", "/schemaVersion"),
            (2, "INVALID_EVENT_DATA", "/data"),
            (3, "INVALID_EVENT_DATA", "/data/guild_id"),
        ],
        "{refusal:#}"
    );
    assert_eq!(refusal["code"], "INVALID_EVENT_TYPE");
    assert_eq!(head(&client).await, 0);
}

async fn data_and_metadata_must_be_objects(world: World) {
    let (_server, client) = world.server_and_client().await;
    for wrong in [json!([]), json!("{}"), json!(1), json!(true)] {
        for document in ["data", "metadata"] {
            let mut event = new_event(0);
            event[document] = wrong.clone();
            let body = append_request(&new_stream("game"), Expected::Any, &json!([event]));
            let refusal = payload_of(client.raw(body).await.json(), "appendToStream");
            assert_eq!(refusal["violations"][0]["rule"], "object", "{refusal:#}");
            assert_eq!(refusal["violations"][0]["pointer"], format!("/{document}"));
        }
    }
    // A missing payload is a mistake in the request, not in an event.
    let mut event = new_event(0);
    event["data"] = Value::Null;
    let body = append_request(&new_stream("game"), Expected::Any, &json!([event]));
    let answer = client.raw(body).await.json();
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
        "{answer:#}"
    );
    assert_eq!(head(&client).await, 0);
}

async fn bad_requests_never_spoil_good_ones_that_come_at_the_same_moment(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let sending: Vec<_> = (0..64)
        .map(|number| {
            let event = json!({"eventId": Uuid::now_v7(), "type": "noted", "data": "DATA"});
            let body = append_request(&stream, Expected::Any, &json!([event]));
            let data = match number % 2 {
                0 => format!(r#"{{"number":{number}}}"#),
                _ => format!(
                    r#"{{"bad":{}}}"#,
                    BAD_VALUES[number / 2 % BAD_VALUES.len()].0
                ),
            };
            let (client, body) = (client.clone(), body.replace("\"DATA\"", &data));
            tokio::spawn(async move { payload_of(client.raw(body).await.json(), "appendToStream") })
        })
        .collect();
    for (number, payload) in sending.into_iter().enumerate() {
        let payload = payload.await.unwrap();
        let typename = if number % 2 == 0 {
            "Appended"
        } else {
            "InvalidEvents"
        };
        assert_eq!(payload["__typename"], typename, "{number}: {payload:#}");
    }
    assert_eq!(read_log(&client).await.len(), 32);
}

async fn nul_is_refused_in_every_string(world: World) {
    let (_server, client) = world.server_and_client().await;
    let places: [(&[&str], Value); 4] = [
        (&["stream"], json!("game-a\0b")),
        (&["events", "0", "type"], json!("no\0ted")),
        (&["events", "0", "eventId"], json!("\0")),
        (&["expectedVersion", "state"], json!("ANY\0")),
    ];
    for (place, value) in places {
        let mut event = new_event(0);
        let mut input = json!({"stream": "game-1", "expectedVersion": {"state": "ANY"}});
        if let ["events", _, field] = place {
            event[*field] = value;
        } else {
            let pointer = format!("/{}", place.join("/"));
            *input.pointer_mut(&pointer).unwrap() = value;
        }
        input["events"] = json!([event]);
        let query = format!(
            "mutation($input: AppendToStreamInput!) {{ appendToStream(input: $input) {} }}",
            append_selection()
        );
        let errors = client
            .query_for_errors(&query, json!({ "input": input }))
            .await;
        assert_eq!(
            errors[0]["extensions"]["code"], "INVALID_ARGUMENT",
            "{errors:#?}"
        );
        let message = errors[0]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("$input.{}", place.join("."))),
            "{message}"
        );
    }
    let literal = r#"mutation { appendToStream(input: {stream: "game-1", expectedVersion: {state: ANY},
        events: [{type: "noted", data: {a: ["\u0000"]}}]}) { __typename } }"#;
    let errors = client.query_for_errors(literal, Value::Null).await;
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        message.contains("appendToStream.input.events.0.data.a.0"),
        "{message}"
    );
    assert_eq!(head(&client).await, 0);
}

async fn text_that_is_no_json_is_refused_as_a_whole(world: World) {
    let (_server, client) = world.server_and_client().await;
    for broken in [
        "{\"a\":\"\0\"}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":01}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":1,}",
    ] {
        let body = append_request(&new_stream("game"), Expected::Any, &json!("EVENTS"));
        let events = format!(
            r#"[{{"type":"noted","eventId":"{}","data":{broken}}}]"#,
            Uuid::now_v7()
        );
        let answer = client.raw(body.replace("\"EVENTS\"", &events)).await;
        assert_eq!(answer.status, 400, "{broken:?}: {}", answer.body);
        assert!(answer.json().get("data").is_none(), "{}", answer.body);
    }
    // The connection and the server are as good as before.
    appended(
        &client,
        &new_stream("game"),
        Expected::Any,
        &json!([new_event(0)]),
    )
    .await;
    assert_eq!(each(&read_log(&client).await, "position"), [1]);
}
