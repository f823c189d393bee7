//! What `endSubscription` refuses, and that nothing ends then.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::feed::{Feed, Kind};
use super::live::{all, end, ended, node_id, only};
use super::writer::append_ticks;
use crate::support::{World, on_both_backends};

on_both_backends!(
    ending_twice_is_refused_naming_the_node,
    ids_of_other_things_are_refused,
    a_reason_that_is_too_long_is_refused,
);

/// The refusal's message; it is to blame a field of the input.
fn refusal<'a>(payload: &'a Value, field: &str) -> &'a str {
    assert_eq!(payload["__typename"], "InvalidInput", "{payload:#}");
    assert_eq!(payload["code"], "INVALID_ARGUMENT");
    assert_eq!(payload["retryable"], false);
    assert_eq!(payload["path"], json!(["input", field]));
    payload["message"].as_str().unwrap()
}

async fn live_feed(base_url: &str) -> Feed {
    let mut feed = Feed::start(base_url, Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    feed
}

/// The feed has not been told anything, and goes on.
async fn assert_goes_on(feed: &mut Feed, client: &GraphqlClient) {
    let position = append_ticks(client, "game-1", 1).await;
    let next = feed.expect_kind(Kind::Event).await;
    assert_eq!(next.position, position);
}

async fn ending_twice_is_refused_naming_the_node(world: World) {
    let (server, client) = world.server_and_client().await;
    let _feed = live_feed(&server.base_url()).await;
    let id = only(&client).await["id"].clone();
    ended(&client, &id, "once").await;
    let payload = end(&client, &id, json!("twice")).await;
    let message = refusal(&payload, "id");
    assert!(message.starts_with("No live subscription "), "{message}");
    assert!(message.contains(&node_id(&client).await), "{message}");
    assert!(
        message.contains("each node lists and ends its own"),
        "{message}"
    );

    // Of many at once, one wins.
    let _feed = live_feed(&server.base_url()).await;
    let id = only(&client).await["id"].clone();
    let all_at_once = (0..8).map(|_| end(&client, &id, Value::Null));
    let payloads = futures_util::future::join_all(all_at_once).await;
    let ended = payloads
        .iter()
        .filter(|payload| payload["__typename"] == "SubscriptionEnded");
    assert_eq!(ended.count(), 1, "{payloads:#?}");
}

async fn ids_of_other_things_are_refused(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 1).await;
    let mut feed = live_feed(&server.base_url()).await;
    let query = r#"{ stream(name: "game-1") { id events { nodes { id } } } }"#;
    let answer = client.query(query, json!({})).await;
    let (stream, event) = (
        &answer["stream"]["id"],
        &answer["stream"]["events"]["nodes"][0]["id"],
    );
    for (id, named) in [
        (stream, "`id` is the id of a stream. "),
        (event, "`id` is the id of an event. "),
        (
            &json!("nonsense"),
            "`id` is `nonsense`, which is no id of this server. ",
        ),
        (&json!(""), "which is no id of this server. "),
    ] {
        let payload = end(&client, id, Value::Null).await;
        let message = refusal(&payload, "id");
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(all(&client).await.len(), 1);
    assert_goes_on(&mut feed, &client).await;
}

async fn a_reason_that_is_too_long_is_refused(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut feed = live_feed(&server.base_url()).await;
    let id = only(&client).await["id"].clone();
    let payload = end(&client, &id, json!("ä".repeat(201))).await;
    let message = refusal(&payload, "reason");
    assert!(
        message.contains("201") && message.contains("200"),
        "{message}"
    );
    assert_goes_on(&mut feed, &client).await;
    ended(&client, &id, &"ä".repeat(200)).await;
    let told = feed.until_error().await["message"].clone();
    assert!(told.as_str().unwrap().contains(&"ä".repeat(200)), "{told}");
}

/// Each node knows its own subscriptions, and says so instead of claiming that there are none.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_end_what_runs_on_another() {
    let world = World::postgres().await;
    let (here, here_client) = world.server_and_client().await;
    let (_there, there_client) = world.server_and_client().await;
    let mut feed = live_feed(&here.base_url()).await;
    let id = only(&here_client).await["id"].clone();
    assert_eq!(all(&there_client).await, Vec::<Value>::new());
    let payload = end(&there_client, &id, Value::Null).await;
    let message = refusal(&payload, "id");
    let (here, there) = (node_id(&here_client).await, node_id(&there_client).await);
    assert!(
        message.contains(&there) && !message.contains(&here),
        "{message}"
    );
    assert_goes_on(&mut feed, &here_client).await;
}
