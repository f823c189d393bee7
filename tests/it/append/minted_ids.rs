//! Who names an event: the client, its metadata, or the server.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{append, append_batch, appended, head, part};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    without_an_id_the_server_makes_one_where_the_version_tells_a_retry,
    where_the_version_cannot_tell_a_retry_each_event_needs_an_id,
    an_id_in_the_metadata_is_the_id_of_the_event,
    two_ids_that_contradict_each_other_are_refused,
    an_id_that_is_no_uuid_is_refused,
);

fn nameless(metadata: &Value) -> Value {
    json!({"type": "noted", "data": {}, "metadata": metadata})
}

async fn without_an_id_the_server_makes_one_where_the_version_tells_a_retry(world: World) {
    let (_server, client) = world.server_and_client().await;
    let events =
        json!([nameless(&json!({})), nameless(&Value::Null), {"type": "noted", "data": {}}]);
    for expected in [Expected::Exactly(0), Expected::NoStream] {
        let stream = new_stream("game");
        let payload = appended(&client, &stream, expected, &events).await;
        let mut ids: Vec<Uuid> = payload["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["eventId"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7), "{ids:?}");
        for event in payload["events"].as_array().unwrap() {
            assert_eq!(event["metadata"]["correlationId"], event["eventId"]);
        }
        ids.dedup();
        assert_eq!(ids.len(), 3);
        let again = append(&client, &stream, expected, &events).await;
        assert_eq!(again["__typename"], "WrongExpectedVersion", "{again:#}");
        assert_eq!(again["actual"], 3);
    }
    assert_eq!(head(&client).await, 6);
}

async fn where_the_version_cannot_tell_a_retry_each_event_needs_an_id(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let named = json!({"type": "noted", "data": {}, "eventId": Uuid::now_v7()});
    let events = json!([named, {"type": "noted", "data": {}}]);
    for expected in [Expected::Any, Expected::StreamExists] {
        let refusal = append(&client, &stream, expected, &events).await;
        assert_eq!(refusal["__typename"], "InvalidInput", "{refusal:#}");
        assert_eq!(refusal["code"], "INVALID_ARGUMENT");
        assert_eq!(refusal["path"], json!(["input", "events", "1", "eventId"]));
        let parts = [part(&stream, expected, events.clone())];
        let refusal = append_batch(&client, &parts).await;
        let path = json!(["input", "streams", "0", "events", "1", "eventId"]);
        assert_eq!(refusal["path"], path, "{refusal:#}");
    }
    assert_eq!(head(&client).await, 0);
}

async fn an_id_in_the_metadata_is_the_id_of_the_event(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let id = Uuid::now_v7();
    let events = json!([nameless(&json!({"event_id": id}))]);
    let first = appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(first["events"][0]["eventId"], id.to_string());
    let again = appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(again["duplicate"], true);

    let id = Uuid::now_v7();
    let mut both = nameless(&json!({"event_id": id.to_string().to_uppercase()}));
    both["eventId"] = json!(id);
    let payload = appended(&client, &stream, Expected::Any, &json!([both])).await;
    assert_eq!(payload["events"][0]["eventId"], id.to_string());
    // The metadata stays as it was written.
    assert_eq!(payload["events"][0]["metadata"]["raw"], both["metadata"]);
}

async fn violation(client: &GraphqlClient, event: &Value) -> Value {
    let stream = new_stream("game");
    let mut refusal = append(client, &stream, Expected::Exactly(0), &json!([event])).await;
    assert_eq!(refusal["__typename"], "InvalidEvents", "{refusal:#}");
    assert_eq!(refusal["code"], "INVALID_EVENT_DATA");
    assert_eq!(
        refusal["violations"].as_array().unwrap().len(),
        1,
        "{refusal:#}"
    );
    refusal["violations"][0].take()
}

async fn two_ids_that_contradict_each_other_are_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let mut event = nameless(&json!({"event_id": one}));
    event["eventId"] = json!(other);
    let violation = violation(&client, &event).await;
    assert_eq!(violation["pointer"], "/metadata/event_id");
    assert_eq!(
        violation["path"],
        json!(["input", "events", "0", "metadata", "event_id"])
    );
    let message = violation["message"].as_str().unwrap();
    assert!(message.contains(&one.to_string()) && message.contains(&other.to_string()));
    assert_eq!(head(&client).await, 0);
}

async fn an_id_that_is_no_uuid_is_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    for wrong in [
        json!("not a uuid"),
        json!(""),
        json!(7),
        json!({}),
        json!(true),
    ] {
        let violation = violation(&client, &nameless(&json!({"event_id": wrong}))).await;
        assert_eq!(violation["pointer"], "/metadata/event_id", "{wrong}");
    }
    let mut event = nameless(&json!({}));
    event["eventId"] = json!("not a uuid");
    let input = part(&new_stream("game"), Expected::Exactly(0), json!([event]));
    let query =
        "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename } }";
    let errors = client
        .query_for_errors(query, json!({ "input": input }))
        .await;
    assert_eq!(
        errors[0]["extensions"]["code"], "INVALID_ARGUMENT",
        "{errors:#?}"
    );
    assert_eq!(head(&client).await, 0);
}
