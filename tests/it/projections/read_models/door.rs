//! How these tests write and read.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, ServerProcessBuilder, eventually};
use uuid::Uuid;

use crate::support::World;

/// The guild that most of it happens in.
pub(super) const GUILD: &str = "81384788765712384";

/// A server that works at projections.
pub(super) fn prepare(world: &World) -> ServerProcessBuilder {
    world
        .prepare()
        .environment("GAMEBOT_PROJECTIONS_RUN", "true")
        .environment("GAMEBOT_PROJECTIONS_POLL_MS", "50")
        .environment("GAMEBOT_PROJECTIONS_WAIT_TIMEOUT_MS", "60000")
}

pub(super) async fn start(world: &World) -> (ServerProcess, GraphqlClient) {
    start_prepared(prepare(world)).await
}

/// Starts a server, and waits until there is something to ask.
pub(super) async fn start_prepared(server: ServerProcessBuilder) -> (ServerProcess, GraphqlClient) {
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    wait_until_built(&client).await;
    (server, client)
}

pub(super) async fn wait_until_built(client: &GraphqlClient) {
    eventually("the projections are built", async || {
        let answer = client.query("{ projections { state } }", json!({})).await;
        let mut projections = answer["projections"].as_array().unwrap().iter();
        projections
            .all(|projection| projection["state"] != "NOT_BUILT")
            .then_some(())
    })
    .await;
}

/// A time so many minutes after a noon.
pub(super) fn at(minute: u32) -> String {
    let (day, minute) = (minute / (24 * 60), minute % (24 * 60));
    let (hour, minute) = (12 + minute / 60, minute % 60);
    let (day, hour) = (20 + day + hour / 24, hour % 24);
    format!("2026-11-{day}T{hour:02}:{minute:02}:00Z")
}

/// An event of the guild at a minute.
pub(super) fn event(event_type: &str, minute: u32, fields: Value) -> Value {
    event_in(Some(GUILD), event_type, minute, fields)
}

/// An event of a guild or of direct messages at a minute.
pub(super) fn event_in(
    guild_id: Option<&str>,
    event_type: &str,
    minute: u32,
    mut fields: Value,
) -> Value {
    fields["guild_id"] = guild_id.into();
    fields["timestamp"] = at(minute).into();
    json!({
        "eventId": Uuid::now_v7(),
        "type": event_type,
        "data": fields,
        "metadata": {"actor_id": "77"},
    })
}

/// Appends events, and returns the position of the last one.
pub(super) async fn append(client: &GraphqlClient, stream: &str, events: Value) -> i64 {
    let appended = client.appended(stream, Expected::Any, events).await;
    appended["lastPosition"].as_i64().unwrap()
}

/// Deletes or tombstones a stream, and returns the head after it.
pub(super) async fn end(client: &GraphqlClient, mutation: &str, stream: &str) -> i64 {
    let input = match mutation {
        "deleteStream" => "DeleteStreamInput",
        _ => "TombstoneStreamInput",
    };
    let text = format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ __typename
            ... on Refusal {{ message }} }} }}"
    );
    let input = json!({"stream": stream, "expectedVersion": {"state": "ANY"}});
    let answer = client.query(&text, json!({ "input": input })).await;
    assert_eq!(answer[mutation]["__typename"], "StreamChanged", "{answer}");
    head(client).await
}

pub(super) async fn head(client: &GraphqlClient) -> i64 {
    let answer = client.query("{ head { position } }", json!({})).await;
    answer["head"]["position"].as_i64().unwrap()
}

/// One root field with its selection, as of a position or later; `arguments` without the position.
pub(super) async fn ask(
    client: &GraphqlClient,
    field: &str,
    arguments: &str,
    selection: &str,
    position: i64,
) -> Value {
    let comma = if arguments.is_empty() { "" } else { ", " };
    let text =
        format!("{{ {field}({arguments}{comma}waitForPosition: {position}) {{ {selection} }} }}");
    client.query(&text, json!({})).await[field].take()
}
