//! The subscription to an operation: every change, from any server, to its end.

use serde_json::{Value, json};
use testkit::{GraphqlClient, Subscription, SubscriptionMessage};

use super::door::{append, delete, ended, scavenged, slow, started};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_subscription_tells_of_an_operation_to_its_end,
    what_has_ended_is_told_once_and_what_is_unknown_is_refused,
);

const FOLLOW: &str = "subscription($id: ID!) { operation(id: $id) {
    id state progress { done total } result { ... on ScavengeResult { events } } } }";

async fn begin(client: &GraphqlClient, count: usize) -> Value {
    let stream = new_stream("game");
    append(client, &stream, count).await;
    delete(client, &stream).await;
    started(client, json!({})).await
}

/// All that a subscription tells.
async fn told(mut feed: Subscription) -> Vec<Value> {
    let mut states = Vec::new();
    while let Some(mut message) = feed.next().await {
        states.push(message["operation"].take());
    }
    states
}

fn check(states: &[Value], count: usize) {
    let done: Vec<u64> = states
        .iter()
        .map(|state| state["progress"]["done"].as_u64().unwrap())
        .collect();
    assert!(done.is_sorted(), "{done:?}");
    assert!(done.len() > 3, "changes are told as they happen: {done:?}");
    for pair in states.windows(2) {
        assert_ne!(pair[0], pair[1], "what has not changed is not told");
    }
    let last = states.last().unwrap();
    assert_eq!(last["state"], "SUCCEEDED");
    assert_eq!(last["progress"], json!({"done": count, "total": count}));
    let final_ones = states.iter().filter(|state| state["state"] == "SUCCEEDED");
    assert_eq!(final_ones.count(), 1);
}

async fn a_subscription_tells_of_an_operation_to_its_end(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    let begun = begin(&client, 30).await;
    let variables = json!({"id": begun["id"]});
    let feed = Subscription::start(&server.base_url(), FOLLOW, variables).await;
    check(&told(feed).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_tells_of_it_as_well() {
    let world = World::postgres().await;
    let (here, there) = (slow(&world).start().await, slow(&world).start().await);
    let begun = begin(&GraphqlClient::new(&here.base_url()), 30).await;
    let variables = json!({"id": begun["operationId"]});
    let feed = Subscription::start(&there.base_url(), FOLLOW, variables).await;
    check(&told(feed).await, 30);
    ended(&GraphqlClient::new(&there.base_url()), &begun["id"]).await;
}

async fn what_has_ended_is_told_once_and_what_is_unknown_is_refused(world: World) {
    let (server, client) = world.server_and_client().await;
    let operation = scavenged(&client, json!({})).await;
    let variables = json!({"id": operation["id"]});
    let feed = Subscription::start(&server.base_url(), FOLLOW, variables).await;
    let states = told(feed).await;
    assert_eq!(states.len(), 1, "{states:#?}");
    assert_eq!(states[0]["state"], "SUCCEEDED");

    let variables = json!({"id": "none"});
    let mut feed = Subscription::start(&server.base_url(), FOLLOW, variables).await;
    match feed.next_message().await {
        SubscriptionMessage::Next(refused) => {
            let code = &refused["errors"][0]["extensions"]["code"];
            assert_eq!(code, "OPERATION_NOT_FOUND", "{refused:#}");
        }
        other => panic!("{other:?}"),
    }
}
