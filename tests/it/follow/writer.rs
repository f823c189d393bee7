//! Clients that append, and what they know about what they have appended.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

/// A new event of a type, with an id of its own.
pub(crate) fn new_event(event_type: &str, data: &Value) -> Value {
    json!({"eventId": Uuid::now_v7(), "type": event_type, "data": data})
}

/// New events, numbered in their data.
pub(crate) fn new_events(count: usize) -> Value {
    (0..count)
        .map(|number| new_event("tick", &json!({ "number": number })))
        .collect()
}

/// Appends this many events in one request, and returns the last one's position.
pub(crate) async fn append_ticks(client: &GraphqlClient, stream: &str, count: usize) -> i64 {
    let appended = client
        .appended(stream, Expected::Any, new_events(count))
        .await;
    appended["lastPosition"].as_i64().unwrap()
}

/// The position of the log's head.
pub(crate) async fn head(client: &GraphqlClient) -> i64 {
    let data = client.query("{ head { position } }", json!({})).await;
    data["head"]["position"].as_i64().unwrap()
}
