//! What a change cannot be given, each with its place, its value, the limit and what to do.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{Change, set_metadata, stream_now, with};
use crate::append::door::{appended, error_code, head, new_events, payload_of};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    limits_below_one_are_refused,
    truncation_beyond_the_next_version_is_refused,
    a_custom_document_that_cannot_be_kept_is_refused_at_its_place,
    metadata_that_cannot_be_kept_is_refused_for_every_change,
    what_is_too_large_is_refused_with_its_size_and_the_limit,
    a_name_and_a_negative_expectation_are_refused_for_every_change,
);

/// Sends metadata that is to be refused, and checks that nothing was written.
async fn refused(client: &GraphqlClient, stream: &str, settings: Value) -> Value {
    let before = (head(client).await, stream_now(client, stream).await);
    let input = with(Change::SetMetadata.input(stream, Expected::Any), settings);
    let refusal = Change::SetMetadata.send(client, &input).await;
    assert_eq!(
        refusal["__typename"], "InvalidInput",
        "{input}: {refusal:#}"
    );
    assert_eq!(refusal["retryable"], false, "{input}");
    let after = (head(client).await, stream_now(client, stream).await);
    assert_eq!(before, after, "{input}");
    refusal
}

/// Whether the message of a refusal has all these words.
#[track_caller]
fn assert_says(refusal: &Value, words: &[&str]) {
    let message = refusal["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
}

async fn limits_below_one_are_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (stream, missing) = (new_stream("game"), new_stream("game"));
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    for field in ["maxAgeSeconds", "maxCount", "truncateBefore", "maxEvents"] {
        for value in [0, -1, i32::MIN] {
            for stream in [&stream, &missing] {
                let refusal = refused(&client, stream, json!({field: value})).await;
                assert_eq!(refusal["code"], "INVALID_ARGUMENT");
                assert_eq!(refusal["path"], json!(["input", field]));
                let value = value.to_string();
                assert_says(
                    &refusal,
                    &[field_in_message(field), &value, "1 or more", "leave it out"],
                );
            }
        }
        // A fraction, a text and what is beyond 32 bits are no such numbers at all.
        for value in [json!(1.5), json!("1"), json!(2_147_483_648_i64)] {
            let input = with(
                Change::SetMetadata.input(&stream, Expected::Any),
                json!({field: value}),
            );
            let answer = client.raw(Change::SetMetadata.request(&input)).await.json();
            let code = error_code(&answer);
            assert!(
                ["GRAPHQL_VALIDATION_FAILED", "INVALID_ARGUMENT"].contains(&code),
                "{field} {value}: {answer:#}"
            );
        }
    }
    assert_eq!(head(&client).await, 3);
}

/// A message begins with the name in upper case.
fn field_in_message(field: &str) -> &str {
    &field[1..]
}

async fn truncation_beyond_the_next_version_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    for before in [5, 6, i32::MAX] {
        let refusal = refused(&client, &stream, json!({"truncateBefore": before})).await;
        assert_eq!(refusal["code"], "INVALID_ARGUMENT");
        assert_eq!(refusal["path"], json!(["input", "truncateBefore"]));
        assert_says(
            &refusal,
            &[&before.to_string(), &stream, "version 3", "at most 4"],
        );
    }
    let missing = new_stream("game");
    let refusal = refused(&client, &missing, json!({"truncateBefore": 2})).await;
    assert_says(&refusal, &["version 0", "at most 1"]);
    for (stream, before) in [(&stream, 4), (&missing, 1)] {
        set_metadata(&client, stream, json!({"truncateBefore": before})).await;
    }
}

/// Sends a body in which the texts stand as they are.
async fn send_raw(
    client: &GraphqlClient,
    change: Change,
    input: &Value,
    texts: &[(&str, &str)],
) -> Value {
    let mut body = change.request(input);
    for (word, text) in texts {
        body = body.replace(&format!("\"{word}\""), text);
    }
    payload_of(client.raw(body).await.json(), change.field())
}

async fn a_custom_document_that_cannot_be_kept_is_refused_at_its_place(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let cases: [(&str, &[&str]); 5] = [
        (r#"{"a":[1,{"b":"x\u0000y"}]}"#, &["a", "1", "b"]),
        (r#"{"a":"\ud800"}"#, &["a"]),
        (r#"{"a":1e400}"#, &["a"]),
        (r#"{"a":{"k":1,"k":2}}"#, &["a", "k"]),
        (&deep, &[]),
    ];
    for (text, steps) in cases {
        let mut input = Change::SetMetadata.input(&stream, Expected::Any);
        input["custom"] = json!("CUSTOM");
        let refusal = send_raw(&client, Change::SetMetadata, &input, &[("CUSTOM", text)]).await;
        assert_eq!(refusal["code"], "INVALID_ARGUMENT", "{text}: {refusal:#}");
        let path: Vec<String> = serde_json::from_value(refusal["path"].clone()).unwrap();
        assert_eq!(path[..2], ["input", "custom"], "{text}: {refusal:#}");
        if !steps.is_empty() {
            assert_eq!(path[2..], *steps, "{text}: {refusal:#}");
        }
    }
    assert_eq!(head(&client).await, 0);
}

async fn metadata_that_cannot_be_kept_is_refused_for_every_change(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    let long = format!(r#"{{"actor_id":"{}"}}"#, "x".repeat(129));
    let cases = [
        ("[]", None),
        ("7", None),
        (r#"{"actor_id":7}"#, Some("actor_id")),
        (r#"{"actor_id":""}"#, Some("actor_id")),
        (&long, Some("actor_id")),
        (r#"{"a":"x\u0000y"}"#, Some("a")),
        (r#"{"a":1,"a":2}"#, Some("a")),
        (
            r#"{"event_id":"00000000-0000-0000-0000-000000000000"}"#,
            Some("event_id"),
        ),
    ];
    for change in Change::ALL {
        let mut input = change.input(&stream, Expected::Any);
        input["metadata"] = json!("METADATA");
        input["eventId"] = json!(uuid::Uuid::now_v7());
        for (text, place) in cases {
            let refusal = send_raw(&client, change, &input, &[("METADATA", text)]).await;
            let what = format!("{change:?} {text}: {refusal:#}");
            assert_eq!(refusal["__typename"], "InvalidInput", "{what}");
            let path = refusal["path"].as_array().unwrap();
            assert_eq!(path[..2], ["input", "metadata"], "{what}");
            if let Some(place) = place {
                assert_eq!(path.get(2), Some(&json!(place)), "{what}");
            }
        }
    }
    assert_eq!(head(&client).await, 1);
    assert_eq!(stream_now(&client, &stream).await["status"], "OPEN");
}

async fn what_is_too_large_is_refused_with_its_size_and_the_limit(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_EVENT_BYTES", "300");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let stream = new_stream("game");
    let text = |bytes: usize| "x".repeat(bytes - 2);
    // Metadata `{}` has two bytes of them.
    let refusal = refused(&client, &stream, json!({"custom": text(299)})).await;
    assert_says(&refusal, &["301 bytes", "300"]);
    let refusal = refused(&client, &stream, json!({"custom": text(5000)})).await;
    assert_eq!(refusal["path"], json!(["input", "custom"]));
    assert_says(&refusal, &["5000 bytes", "300"]);
    set_metadata(&client, &stream, json!({"custom": text(298)})).await;

    for change in [Change::Archive, Change::Delete, Change::Tombstone] {
        let mut input = change.input(&stream, Expected::Any);
        input["metadata"] = json!({"reason": text(300)});
        let refusal = change.send(&client, &input).await;
        assert_eq!(refusal["path"], json!(["input", "metadata"]), "{refusal:#}");
        assert_says(&refusal, &["311 bytes", "300"]);
    }
    assert_eq!(head(&client).await, 1);
}

async fn a_name_and_a_negative_expectation_are_refused_for_every_change(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    for change in Change::ALL {
        for name in ["", "game", "Game-1", "game-ü", "game-", "$stream-game-1"] {
            let refusal = change
                .send(&client, &change.input(name, Expected::Any))
                .await;
            assert_eq!(
                refusal["code"], "INVALID_STREAM_ID",
                "{change:?}: {refusal:#}"
            );
            assert_eq!(refusal["path"], json!(["input", "stream"]));
            assert_says(&refusal, &[name, "category-id"]);
        }
        let refusal = change
            .send(&client, &change.input(&stream, Expected::Exactly(-1)))
            .await;
        assert_eq!(
            refusal["code"], "INVALID_EXPECTED_VERSION",
            "{change:?}: {refusal:#}"
        );
        assert_eq!(refusal["path"], json!(["input", change.expectation()]));
        assert_says(&refusal, &["-1"]);
    }
    assert_eq!(head(&client).await, 1);
}
