//! A database that cannot be reached: what callers are told meanwhile, and that everything comes back.

use serde_json::{Value, json};
use testkit::{
    ChaosProxy, Expected, GraphqlClient, ProxyMode, ServerProcess, Subscription, eventually,
};

use super::door::{append_request, appended, each, error_code, new_event, read_log};
use crate::support::{World, new_stream, prepare_at};

/// A PostgreSQL database behind a proxy, and a server with these settings.
async fn behind_a_proxy(
    world: &World,
    settings: &[(&str, &str)],
) -> (ChaosProxy, ServerProcess, GraphqlClient) {
    let proxy = ChaosProxy::start(world.authority()).await;
    let mut server = prepare_at(&proxy.url(world.database_url()));
    for (name, value) in settings {
        server = server.environment(*name, *value);
    }
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    (proxy, server, client)
}

/// Gives up so soon that on a busy machine an append may need a second attempt.
const IMPATIENT: [(&str, &str); 3] = [
    ("GAMEBOT_APPEND_DEADLINE_MS", "500"),
    ("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "300"),
    ("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "1000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_callers_are_told_the_truth_and_then_all_resumes_by_itself() {
    for stalled in [false, true] {
        let world = World::postgres().await;
        let (proxy, server, client) = behind_a_proxy(&world, &IMPATIENT).await;
        let stream = new_stream("game");
        let before = new_event(0);
        repeated(&client, &stream, &before).await;
        let mut feed = follow(&server).await;
        assert_eq!(next_ids(&mut feed, 1).await, [before["eventId"].clone()]);

        if stalled {
            proxy.set_mode(ProxyMode::Stall).await;
        } else {
            proxy.set_mode(ProxyMode::Refuse).await;
            proxy.cut_all();
        }
        // No transaction can have begun: not one of them may be left in doubt.
        let requests: Vec<Value> = (1..=6).map(new_event).collect();
        for event in &requests {
            let body = append_request(&stream, Expected::Any, &json!([event]));
            let answer = client.raw(body).await.json();
            assert_eq!(error_code(&answer), "CONNECTION_ERROR", "{answer:#}");
            assert_eq!(answer["errors"][0]["extensions"]["retryable"], true);
        }
        not_ready(&server).await;
        let read = client.execute("{ events { nodes { position } } }", json!({}));
        assert_eq!(error_code(&read.await), "CONNECTION_ERROR");

        proxy.set_mode(ProxyMode::Pass).await;
        let later = new_event(7);
        repeated(&client, &stream, &later).await;
        let mut ids = vec![before["eventId"].clone(), later["eventId"].clone()];
        assert_eq!(each(&eventually_log(&client).await, "eventId"), ids);
        for event in &requests {
            repeated(&client, &stream, event).await;
            ids.push(event["eventId"].clone());
        }
        assert_eq!(each(&eventually_log(&client).await, "eventId"), ids);
        assert_eq!(next_ids(&mut feed, 7).await, ids[1..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_outcome_is_unknown_is_called_so_and_reaches_the_feeds_without_its_caller() {
    let world = World::postgres().await;
    // Long enough to reach the COMMIT on a busy machine.
    let settings = [("GAMEBOT_APPEND_DEADLINE_MS", "6000")];
    let (proxy, server, client) = behind_a_proxy(&world, &settings).await;
    let stream = new_stream("game");
    let events = [new_event(0), new_event(1)];
    appended(&client, &stream, Expected::Any, &json!([events[0]])).await;
    let mut feed = follow(&server).await;
    assert_eq!(next_ids(&mut feed, 1).await, [events[0]["eventId"].clone()]);

    // The writer's connection dies with the COMMIT under way, and there is no other.
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_after_forwarding("COMMIT\0");
    let body = append_request(&stream, Expected::Any, &json!([events[1]]));
    let answer = client.raw(body).await.json();
    assert_eq!(proxy.triggers(), 1);
    assert_eq!(error_code(&answer), "TIMEOUT", "{answer:#}");
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], true);

    // Nobody appends or asks any more: the server itself looks what became of it.
    proxy.set_mode(ProxyMode::Pass).await;
    assert_eq!(next_ids(&mut feed, 1).await, [events[1]["eventId"].clone()]);
    let payload = repeated(&client, &stream, &events[1]).await;
    assert_eq!(payload["duplicate"], true);
    assert_eq!(payload["version"], 2);
    assert_eq!(eventually_log(&client).await.len(), 2);
}

async fn follow(server: &ServerProcess) -> Subscription {
    let query = "subscription { events(from: {at: ORIGIN}) { __typename
        ... on EventReceived { event { eventId } } } }";
    Subscription::start(&server.base_url(), query, json!({})).await
}

async fn next_ids(feed: &mut Subscription, count: usize) -> Vec<Value> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let mut message = feed.next().await.expect("the feed ended");
        if message["events"]["__typename"] == "EventReceived" {
            ids.push(message["events"]["event"]["eventId"].take());
        }
    }
    ids
}

async fn repeated(client: &GraphqlClient, stream: &str, event: &Value) -> Value {
    let body = append_request(stream, Expected::Any, &json!([event]));
    eventually("the append to succeed", async || {
        let mut answer = client.raw(body.clone()).await.json();
        let done = answer.get("errors").is_none();
        done.then(|| answer["data"]["appendToStream"].take())
    })
    .await
}

/// The log, once reads have noticed that the database is back.
async fn eventually_log(client: &GraphqlClient) -> Vec<Value> {
    eventually("reads to resume", async || {
        let answer = client
            .execute("{ events(first: 1) { nodes { position } } }", json!({}))
            .await;
        answer.get("errors").is_none().then_some(())
    })
    .await;
    read_log(client).await
}

async fn not_ready(server: &ServerProcess) {
    let url = format!("{}/health/ready", server.base_url());
    eventually("the server to say that it is not ready", async || {
        let response = reqwest::get(&url).await.ok()?;
        (response.status().as_u16() == 503).then_some(())
    })
    .await;
}
