//! A stream's metadata: versioned, set as a whole under an expectation, and kept letter for letter (rule L1).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{Change, State, life_of, set_metadata, stream_now, with};
use crate::append::door::{append, appended, head, new_events};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    metadata_counts_how_often_it_was_set_and_is_set_as_a_whole,
    each_expectation_on_metadata_is_judged_by_its_version_whatever_the_stream_s,
    metadata_creates_a_stream_that_every_expectation_takes_for_new,
    a_custom_document_is_kept_letter_for_letter,
    a_custom_value_can_be_anything_that_json_can_be,
    metadata_survives_deletion_and_reopening,
    writers_that_race_for_one_version_of_the_metadata_set_it_once,
);

const SETTINGS: &str = "version maxAgeSeconds maxCount truncateBefore maxEvents custom";

async fn metadata(client: &GraphqlClient, stream: &str) -> Value {
    let query =
        format!("query($name: String!) {{ stream(name: $name) {{ metadata {{ {SETTINGS} }} }} }}");
    client.query(&query, json!({"name": stream})).await["stream"]["metadata"].take()
}

async fn metadata_counts_how_often_it_was_set_and_is_set_as_a_whole(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    let unset = json!({
        "version": 0, "maxAgeSeconds": null, "maxCount": null, "truncateBefore": null,
        "maxEvents": null, "custom": null,
    });
    assert_eq!(metadata(&client, &stream).await, unset);
    let event = stream_now(&client, &stream).await["metadata"]["event"].take();
    assert_eq!(event, Value::Null);

    let steps = [
        json!({"maxAgeSeconds": 86_400, "maxCount": 10, "truncateBefore": 1, "maxEvents": 20,
               "custom": {"a": 1}}),
        json!({"maxCount": 11}),
        json!({"custom": [null]}),
        json!({}),
        json!({"maxAgeSeconds": 2_147_483_647, "maxCount": 2_147_483_647, "maxEvents": 2_147_483_647}),
    ];
    for (settings, version) in steps.into_iter().zip(1..) {
        let input = with(
            Change::SetMetadata.input(&stream, Expected::Exactly(version - 1)),
            settings.clone(),
        );
        let set = Change::SetMetadata.send_for_success(&client, &input).await;
        assert_eq!(set["event"]["streamVersion"], version);
        let expected = with(with(unset.clone(), settings), json!({"version": version}));
        assert_eq!(metadata(&client, &stream).await, expected);
        let recorded = &set["stream"]["metadata"]["event"]["eventId"];
        assert_eq!(*recorded, set["event"]["eventId"]);
        // The stream's own version does not count these.
        assert_eq!(set["stream"]["version"], 3);
    }
}

async fn each_expectation_on_metadata_is_judged_by_its_version_whatever_the_stream_s(world: World) {
    let (_server, client) = world.server_and_client().await;
    let cases = [
        (Expected::Any, [true, true, true]),
        (Expected::NoStream, [true, false, false]),
        (Expected::StreamExists, [false, true, true]),
        (Expected::Exactly(0), [true, false, false]),
        (Expected::Exactly(1), [false, true, false]),
        (Expected::Exactly(2), [false, false, true]),
        (Expected::Exactly(5), [false, false, false]),
    ];
    for (expected, outcomes) in cases {
        for (version, holds) in outcomes.into_iter().enumerate() {
            for state in [State::Never, State::Open, State::Deleted, State::Archived] {
                let stream = new_stream("game");
                state.make(&client, &stream).await;
                for number in 0..version {
                    set_metadata(&client, &stream, json!({ "custom": number })).await;
                }
                let what = format!("{expected:?} at {version} of {state:?}");
                let before = head(&client).await;
                let input = Change::SetMetadata.input(&stream, expected);
                let payload = Change::SetMetadata.send(&client, &input).await;
                if holds {
                    assert_eq!(
                        payload["__typename"], "StreamChanged",
                        "{what}: {payload:#}"
                    );
                    let now = &payload["stream"]["metadata"]["version"];
                    assert_eq!(*now, version + 1, "{what}");
                } else {
                    check_refusal(&payload, &stream, expected, version, &what);
                    assert_eq!(head(&client).await, before, "{what}");
                }
            }
        }
    }
}

fn check_refusal(refusal: &Value, stream: &str, expected: Expected, actual: usize, what: &str) {
    assert_eq!(
        refusal["code"], "WRONG_EXPECTED_VERSION",
        "{what}: {refusal:#}"
    );
    assert_eq!(
        refusal["path"],
        json!(["input", "expectedMetadataVersion"]),
        "{what}"
    );
    assert_eq!(refusal["refusedStream"], stream, "{what}");
    assert_eq!(refusal["actual"], actual, "{what}");
    for (field, value) in expected.to_json().as_object().unwrap() {
        assert_eq!(refusal["expected"][field], *value, "{what}");
    }
    // The stream's events have nothing to do with it.
    assert_eq!(refusal["conflictingEvents"], json!([]), "{what}");
    let message = refusal["message"].as_str().unwrap();
    assert!(
        message.contains("metadata") && message.contains(stream),
        "{what}: {message}"
    );
}

async fn metadata_creates_a_stream_that_every_expectation_takes_for_new(world: World) {
    let (_server, client) = world.server_and_client().await;
    let cases = [
        (Expected::Any, true),
        (Expected::NoStream, true),
        (Expected::StreamExists, false),
        (Expected::Exactly(0), true),
        (Expected::Exactly(1), false),
    ];
    for (expected, holds) in cases {
        let stream = new_stream("game");
        let set = set_metadata(&client, &stream, json!({"maxEvents": 3})).await;
        assert_eq!(set["stream"]["version"], 0);
        assert_eq!(set["stream"]["status"], "OPEN");
        let listed = client
            .query(
                "query($p: String!) { streams(filter: {namePrefix: $p}) { nodes { version } } }",
                json!({"p": stream}),
            )
            .await;
        assert_eq!(listed["streams"]["nodes"], json!([{"version": 0}]));
        let answer = append(&client, &stream, expected, &new_events(2)).await;
        if holds {
            assert_eq!(answer["previousVersion"], 0, "{expected:?}: {answer:#}");
            assert_eq!(answer["version"], 2, "{expected:?}");
        } else {
            assert_eq!(answer["code"], "WRONG_EXPECTED_VERSION", "{expected:?}");
            assert_eq!(answer["actual"], 0, "{expected:?}");
        }
        // What was set before the first event holds from the first event on.
        let room = if holds { 1 } else { 3 };
        let refusal = append(&client, &stream, Expected::Any, &new_events(room + 1)).await;
        assert_eq!(refusal["code"], "STREAM_TOO_LARGE", "{refusal:#}");
        appended(&client, &stream, Expected::Any, &new_events(room)).await;
    }
}

/// Texts that a JSON library would change.
const TEXTS: [&str; 5] = [
    r#"{"price":1.10,"big":18446744073709551616,"exponent":1E2,"huge":1e300,"zero":-0}"#,
    r#"{"z":1,"a":2,"m":{"y":[],"b":{}}}"#,
    r#"{"text":"\u00fc ü \ud83d\ude00 \/ \" \\ \n","":null}"#,
    "[1.0,1,1.00,10000000000000000000000000000000000001]",
    r#"{"custom":{"custom":"\"custom\""},"stream":"x","version":9,"max_count":1}"#,
];

async fn a_custom_document_is_kept_letter_for_letter(world: World) {
    let (mut server, mut client) = world.server_and_client().await;
    for text in TEXTS {
        let stream = new_stream("game");
        let mut input = Change::SetMetadata.input(&stream, Expected::Exactly(0));
        input["custom"] = json!("CUSTOM");
        let body = Change::SetMetadata.request(&input);
        let spaced = text.replace(":{", " : {").replace(":[", ":\t[");
        let answer = client.raw(body.replace("\"CUSTOM\"", &spaced)).await;
        let member = format!(r#""custom":{text}"#);
        assert!(answer.body.contains(&member), "{text}: {}", answer.body);

        // As a variable of its own beside literals, too.
        let document = "mutation($custom: JSON, $name: String!) { setStreamMetadata(input: {
            stream: $name, expectedMetadataVersion: {exactly: 1}, custom: $custom
          }) { __typename ... on StreamChanged { stream { metadata { custom } } } } }";
        let variables = json!({"custom": "CUSTOM", "name": stream});
        let body = json!({"query": document, "variables": variables}).to_string();
        let answer = client.raw(body.replace("\"CUSTOM\"", text)).await;
        assert!(answer.body.contains(&member), "{text}: {}", answer.body);

        server.restart().await;
        client = GraphqlClient::new(&server.base_url());
        let query = format!(r#"{{ stream(name: "{stream}") {{ metadata {{ custom }} }} }}"#);
        let read = client.raw(json!({ "query": query }).to_string()).await;
        assert!(read.body.contains(&member), "{text}: {}", read.body);
        let life = life_of(&client, &stream).await;
        for event in &life {
            let data = event["rawText"].as_str().unwrap();
            assert!(data.contains(&member), "{text}: {data}");
        }
    }
}

async fn a_custom_value_can_be_anything_that_json_can_be(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    for custom in [
        json!("text"),
        json!(7),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
    ] {
        set_metadata(&client, &stream, json!({ "custom": custom })).await;
        assert_eq!(metadata(&client, &stream).await["custom"], custom);
    }
    set_metadata(&client, &stream, json!({"custom": null})).await;
    assert_eq!(metadata(&client, &stream).await["custom"], Value::Null);
}

async fn metadata_survives_deletion_and_reopening(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    set_metadata(&client, &stream, json!({"maxCount": 2, "custom": "kept"})).await;
    let before = metadata(&client, &stream).await;
    Change::Delete.of(&client, &stream).await;
    assert_eq!(metadata(&client, &stream).await, before);
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    assert_eq!(metadata(&client, &stream).await, before);
    assert_eq!(super::door::shown_versions(&client, &stream).await, [3, 4]);

    // It can be set while the stream is deleted, which does not reopen it.
    Change::Delete.of(&client, &stream).await;
    let set = set_metadata(&client, &stream, json!({"custom": "new"})).await;
    assert_eq!(set["stream"]["status"], "DELETED");
    assert_eq!(set["stream"]["metadata"]["version"], 2);
}

async fn writers_that_race_for_one_version_of_the_metadata_set_it_once(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let racing: Vec<_> = (0..8)
        .map(|number| {
            let client = client.clone();
            let custom = json!({ "custom": number });
            let input = with(
                Change::SetMetadata.input(&stream, Expected::Exactly(0)),
                custom,
            );
            tokio::spawn(async move { Change::SetMetadata.send(&client, &input).await })
        })
        .collect();
    let mut set = Vec::new();
    for payload in racing {
        let payload = payload.await.unwrap();
        if payload["__typename"] == "StreamChanged" {
            set.push(payload);
        } else {
            assert_eq!(payload["code"], "WRONG_EXPECTED_VERSION", "{payload:#}");
            assert_eq!(payload["actual"], 1);
        }
    }
    assert_eq!(set.len(), 1, "{set:#?}");
    let now = metadata(&client, &stream).await;
    assert_eq!(now["version"], 1);
    assert_eq!(now["custom"], set[0]["stream"]["metadata"]["custom"]);
    assert_eq!(head(&client).await, 1);
}
