//! The words in which these tests talk about event types.

use serde_json::{Value, json};
use testkit::{GraphqlClient, ServerProcess};
use uuid::Uuid;

use crate::append::door::payload_of;
use crate::support::World;

/// Everything that an event type says of itself.
pub(super) const TYPE: &str = "id name state description classes categories newestVersion
    versions { version schema description state registeredAt registeredBy event { type streamName eventId } }
    upcasters { from to kind patch registeredAt registeredBy event { eventId } }
    deprecation { reason deprecatedAt deprecatedBy event { type } }
    errors { reason event { streamName streamVersion } }";

/// A server that checks, and a client of it.
pub(crate) async fn checked(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = world.prepare_checked().start().await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// A schema that demands a whole number under a key, and lets everything else pass.
pub(super) fn whole(key: &str) -> Value {
    let mut schema = json!({"type": "object", "required": [key], "properties": {}});
    schema["properties"][key] = json!({"type": "integer"});
    schema
}

/// What `registerEventType` wants.
pub(super) fn version(name: &str, version: i32, schema: Value, upcaster: Value) -> Value {
    let mut input = json!({"name": name, "version": version});
    input["schema"] = schema;
    if !upcaster.is_null() {
        input["upcaster"] = upcaster;
    }
    input
}

/// A patch that gives a member another name.
pub(super) fn renamed(from: &str, to: &str) -> Value {
    json!({"patch": [{"op": "move", "from": format!("/{from}"), "path": format!("/{to}")}]})
}

/// The body of a mutation about an event type.
pub(super) fn request(mutation: &str, input: &Value) -> String {
    let mut capital = mutation[..1].to_uppercase();
    capital.push_str(&mutation[1..]);
    let query = format!(
        "mutation($input: {capital}Input!) {{ {mutation}(input: $input) {{ __typename
            ... on EventTypeRegistered {{
              duplicate event {{ type streamName streamVersion eventId data metadata {{ actorId }} }}
              eventType {{ {TYPE} }}
            }}
            ... on Refusal {{ code message retryable path }}
            ... on LimitExceeded {{ value limit }}
        }} }}"
    );
    json!({"query": query, "variables": {"input": input}}).to_string()
}

/// Sends a mutation about an event type, and returns its payload, whichever it is.
pub(super) async fn mutate(client: &GraphqlClient, mutation: &str, input: &Value) -> Value {
    let answer = client.raw(request(mutation, input)).await.json();
    payload_of(answer, mutation)
}

/// Registers a version, whatever comes of it.
pub(super) async fn register(client: &GraphqlClient, input: &Value) -> Value {
    mutate(client, "registerEventType", input).await
}

/// Registers a version, which must succeed.
pub(super) async fn registered(client: &GraphqlClient, input: &Value) -> Value {
    let payload = register(client, input).await;
    assert_eq!(payload["__typename"], "EventTypeRegistered", "{payload:#}");
    payload
}

/// Registers a step between versions, whatever comes of it.
pub(super) async fn step(
    client: &GraphqlClient,
    name: &str,
    from: i32,
    to: i32,
    how: Value,
) -> Value {
    let input = json!({"name": name, "from": from, "to": to, "upcaster": how});
    mutate(client, "registerUpcaster", &input).await
}

/// An event type as a server knows it; null if it does not.
pub(super) async fn event_type(client: &GraphqlClient, name: &str) -> Value {
    let query = format!("query($name: String!) {{ eventType(name: $name) {{ {TYPE} }} }}");
    client.query(&query, json!({"name": name})).await["eventType"].take()
}

/// An event of a type, with an id of its own.
pub(super) fn event(event_type: &str, schema_version: i32, data: Value) -> Value {
    let mut event =
        json!({"eventId": Uuid::now_v7(), "type": event_type, "schemaVersion": schema_version});
    event["data"] = data;
    event
}

/// Places and rules of the violations of a refusal.
pub(super) fn places(refusal: &Value) -> Vec<(i64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let violations = refusal["violations"].as_array();
    violations
        .unwrap_or_else(|| panic!("no violations: {refusal:#}"))
        .iter()
        .map(|one| {
            (
                one["index"].as_i64().unwrap(),
                text(&one["pointer"]),
                text(&one["rule"]),
            )
        })
        .collect()
}

/// Whether a message says all of this.
pub(super) fn says(payload: &Value, parts: &[&str]) {
    let message = payload["message"].as_str().unwrap_or_default();
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing: {payload:#}");
    }
}
