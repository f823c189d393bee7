//! A change sent again changes nothing again.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{Change, State, life_of, set_metadata, stream_now, with};
use crate::append::door::{append, appended, head, new_event, new_events, payload_of};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_change_sent_again_with_its_id_answers_the_first_one_whatever_has_happened_since,
    a_deletion_sent_again_after_somebody_reopened_the_stream_does_not_delete_it_again,
    an_id_of_another_change_is_refused_and_says_where_it_is_stored,
    metadata_of_another_text_under_the_same_id_is_refused,
    the_ids_of_changes_and_of_events_are_one_space,
    a_change_sent_eight_times_at_once_is_recorded_once,
    deletions_that_race_delete_once,
    a_retry_survives_a_crash_of_the_server,
);

/// The state that a change starts from in these tests.
fn start_of(change: Change) -> State {
    match change {
        Change::Unarchive => State::Archived,
        _ => State::Open,
    }
}

/// Undoes a change, as far as it can be undone, so that doing it again would have an effect.
async fn undo(client: &GraphqlClient, change: Change, stream: &str) {
    match change {
        Change::Delete => {
            appended(client, stream, Expected::Any, &new_events(1)).await;
        }
        Change::Archive => {
            Change::Unarchive.of(client, stream).await;
        }
        Change::Unarchive => {
            Change::Archive.of(client, stream).await;
        }
        Change::SetMetadata => {
            set_metadata(client, stream, json!({"maxEvents": 9})).await;
        }
        Change::Tombstone => {}
    }
}

async fn a_change_sent_again_with_its_id_answers_the_first_one_whatever_has_happened_since(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    for change in Change::ALL {
        let stream = new_stream("game");
        start_of(change).make(&client, &stream).await;
        let more = json!({"eventId": Uuid::now_v7(), "metadata": {"actor_id": "7"}});
        let input = with(change.input(&stream, Expected::Any), more);
        let first = change.send_for_success(&client, &input).await;
        assert_eq!(first["duplicate"], false, "{change:?}");
        assert_eq!(first["event"]["eventId"], input["eventId"], "{change:?}");
        let at_once = change.send_for_success(&client, &input).await;
        assert_eq!(at_once["duplicate"], true, "{change:?}");
        assert_eq!(at_once["event"], first["event"], "{change:?}");
        assert_eq!(at_once["stream"], first["stream"], "{change:?}");

        undo(&client, change, &stream).await;
        let before = (head(&client).await, stream_now(&client, &stream).await);
        for expected in [Expected::Any, Expected::Exactly(9), Expected::NoStream] {
            let fields = json!({"eventId": input["eventId"], "metadata": {"actor_id": "7"}});
            let again = with(change.input(&stream, expected), fields);
            let later = change.send_for_success(&client, &again).await;
            assert_eq!(later["duplicate"], true, "{change:?}");
            assert_eq!(later["event"], first["event"], "{change:?}");
            assert_eq!(later["stream"], before.1, "{change:?}");
        }
        let after = (head(&client).await, stream_now(&client, &stream).await);
        assert_eq!(before, after, "{change:?}");
    }
}

async fn a_deletion_sent_again_after_somebody_reopened_the_stream_does_not_delete_it_again(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    State::Open.make(&client, &stream).await;
    let id = json!({"eventId": Uuid::now_v7()});
    let deletion = with(Change::Delete.input(&stream, Expected::Exactly(2)), id);
    Change::Delete.send_for_success(&client, &deletion).await;
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    let again = Change::Delete.send_for_success(&client, &deletion).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["stream"]["status"], "OPEN");
    assert_eq!(super::door::shown_versions(&client, &stream).await, [3]);

    // Without the id it is another deletion, which needs the version that the stream has now.
    let nameless = Change::Delete.input(&stream, Expected::Exactly(2));
    let refusal = Change::Delete.send(&client, &nameless).await;
    assert_eq!(refusal["code"], "WRONG_EXPECTED_VERSION", "{refusal:#}");
    let conflicting = refusal["conflictingEvents"].as_array().unwrap();
    assert_eq!(conflicting.len(), 1, "{refusal:#}");
    assert_eq!(conflicting[0]["streamVersion"], 3);
}

async fn an_id_of_another_change_is_refused_and_says_where_it_is_stored(world: World) {
    let (_server, client) = world.server_and_client().await;
    for change in Change::ALL {
        let [stream, other_stream] = ["game", "game"].map(new_stream);
        start_of(change).make(&client, &stream).await;
        start_of(change).make(&client, &other_stream).await;
        let id = json!({"eventId": Uuid::now_v7()});
        let input = with(change.input(&stream, Expected::Any), id.clone());
        let first = change.send_for_success(&client, &input).await;
        let before = head(&client).await;

        let elsewhere = with(change.input(&other_stream, Expected::Any), id.clone());
        let mut requests = vec![(change, elsewhere, "OTHER_STREAM")];
        for other in Change::ALL {
            if other != change {
                let input = with(other.input(&stream, Expected::Any), id.clone());
                requests.push((other, input, "OTHER_CONTENT"));
            }
        }
        for (kind, request, reason) in requests {
            let refusal = kind.send(&client, &request).await;
            let what = format!("{kind:?} with the id of {change:?}: {refusal:#}");
            assert_eq!(refusal["__typename"], "DuplicateEvent", "{what}");
            assert_eq!(refusal["path"], json!(["input", "eventId"]), "{what}");
            assert_eq!(
                refusal["duplicates"],
                json!([{
                    "eventId": id["eventId"], "path": ["input", "eventId"], "reason": reason,
                    "storedStream": format!("$stream-{stream}"),
                    "storedVersion": first["event"]["streamVersion"],
                    "storedPosition": first["event"]["position"],
                }]),
                "{what}"
            );
        }
        assert_eq!(head(&client).await, before, "{change:?}");
    }
}

/// Sends metadata whose custom part is this text.
async fn set_custom(client: &GraphqlClient, input: &Value, custom: &str) -> Value {
    let mut input = input.clone();
    input["custom"] = json!("CUSTOM");
    let body = Change::SetMetadata.request(&input);
    let body = body.replace("\"CUSTOM\"", custom);
    payload_of(client.raw(body).await.json(), "setStreamMetadata")
}

async fn metadata_of_another_text_under_the_same_id_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let settings = json!({
        "eventId": Uuid::now_v7(), "maxAgeSeconds": 60, "maxCount": 5, "truncateBefore": 1, "maxEvents": 7,
    });
    let input = with(
        Change::SetMetadata.input(&stream, Expected::Exactly(0)),
        settings,
    );
    let text = r#"{"price":1.10,"big":18446744073709551616,"list":[1,2]}"#;
    let first = set_custom(&client, &input, text).await;
    assert_eq!(first["duplicate"], false, "{first:#}");

    let spaced = r#"{ "price" : 1.10, "big":18446744073709551616, "list": [1, 2] }"#;
    for same in [text, spaced] {
        let again = set_custom(&client, &input, same).await;
        assert_eq!(again["duplicate"], true, "{same}: {again:#}");
        assert_eq!(again["event"], first["event"], "{same}");
    }
    let others = [
        r#"{"price":1.1,"big":18446744073709551616,"list":[1,2]}"#,
        r#"{"price":1.10,"big":18446744073709551617,"list":[1,2]}"#,
        r#"{"big":18446744073709551616,"price":1.10,"list":[1,2]}"#,
        r#"{"price":1.10,"big":18446744073709551616,"list":[2,1]}"#,
        "null",
    ];
    for other in others {
        let refusal = set_custom(&client, &input, other).await;
        assert_eq!(refusal["code"], "DUPLICATE_EVENT", "{other}: {refusal:#}");
        assert_eq!(refusal["duplicates"][0]["reason"], "OTHER_CONTENT");
    }
    for field in ["maxAgeSeconds", "maxCount", "maxEvents", "truncateBefore"] {
        let changes = [Value::Null, json!(1), json!(3)];
        for change in changes {
            let mut other = input.clone();
            if other[field] == change {
                continue;
            }
            other[field] = change.clone();
            let refusal = set_custom(&client, &other, text).await;
            assert_eq!(
                refusal["code"], "DUPLICATE_EVENT",
                "{field} {change}: {refusal:#}"
            );
        }
    }
    assert_eq!(head(&client).await, 1);
    assert_eq!(stream_now(&client, &stream).await["metadata"]["version"], 1);
}

async fn the_ids_of_changes_and_of_events_are_one_space(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let event = new_event(1);
    appended(&client, &stream, Expected::Any, &json!([event])).await;
    let id = json!({"eventId": event["eventId"]});
    for change in Change::ALL {
        let input = with(change.input(&stream, Expected::Any), id.clone());
        let refusal = change.send(&client, &input).await;
        assert_eq!(
            refusal["code"], "DUPLICATE_EVENT",
            "{change:?}: {refusal:#}"
        );
        assert_eq!(refusal["duplicates"][0]["reason"], "OTHER_STREAM");
        assert_eq!(refusal["duplicates"][0]["storedStream"], stream);
    }
    let archived = Change::Archive.of(&client, &stream).await;
    let mut taken = new_event(2);
    taken["eventId"] = archived["event"]["eventId"].clone();
    let refusal = append(&client, &new_stream("game"), Expected::Any, &json!([taken])).await;
    assert_eq!(refusal["duplicates"][0]["reason"], "OTHER_STREAM");
    let life = format!("$stream-{stream}");
    assert_eq!(refusal["duplicates"][0]["storedStream"], life);
    assert_eq!(head(&client).await, 2);
}

/// Sends the same request so often at the same time, and returns the payloads.
async fn at_once(
    client: &GraphqlClient,
    change: Change,
    input: &Value,
    times: usize,
) -> Vec<Value> {
    let sending: Vec<_> = (0..times)
        .map(|_| {
            let (client, input) = (client.clone(), input.clone());
            tokio::spawn(async move { change.send_for_success(&client, &input).await })
        })
        .collect();
    let mut payloads = Vec::new();
    for sent in sending {
        payloads.push(sent.await.unwrap());
    }
    payloads
}

async fn a_change_sent_eight_times_at_once_is_recorded_once(world: World) {
    let (_server, client) = world.server_and_client().await;
    for change in Change::ALL {
        let stream = new_stream("game");
        start_of(change).make(&client, &stream).await;
        let before = head(&client).await;
        let id = json!({"eventId": Uuid::now_v7()});
        let input = with(change.input(&stream, Expected::Any), id);
        let payloads = at_once(&client, change, &input, 8).await;
        let firsts = payloads
            .iter()
            .filter(|payload| payload["duplicate"] == false);
        assert_eq!(firsts.count(), 1, "{change:?}: {payloads:#?}");
        for payload in &payloads {
            assert_eq!(payload["event"], payloads[0]["event"], "{change:?}");
        }
        assert_eq!(head(&client).await, before + 1, "{change:?}");
    }
}

async fn deletions_that_race_delete_once(world: World) {
    let (_server, client) = world.server_and_client().await;
    for expected in [Expected::Exactly(2), Expected::StreamExists, Expected::Any] {
        let stream = new_stream("game");
        State::Open.make(&client, &stream).await;
        let input = Change::Delete.input(&stream, expected);
        let payloads = at_once(&client, Change::Delete, &input, 8).await;
        let firsts: Vec<&Value> = payloads
            .iter()
            .filter(|payload| payload["duplicate"] == false)
            .collect();
        assert_eq!(firsts.len(), 1, "{expected:?}: {payloads:#?}");
        for payload in &payloads {
            assert_eq!(payload["stream"]["status"], "DELETED", "{expected:?}");
            assert_eq!(payload["event"].is_null(), payload["duplicate"] == true);
        }
        assert_eq!(
            life_of(&client, &stream).await,
            [firsts[0]["event"].clone()],
            "{expected:?}"
        );
    }
}

async fn a_retry_survives_a_crash_of_the_server(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    State::Open.make(&client, &stream).await;
    let id = json!({"eventId": Uuid::now_v7()});
    let input = with(Change::Delete.input(&stream, Expected::Exactly(2)), id);
    let first = Change::Delete.send_for_success(&client, &input).await;
    server.restart().await;
    let client = GraphqlClient::new(&server.base_url());
    let again = Change::Delete.send_for_success(&client, &input).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["event"], first["event"]);
}
