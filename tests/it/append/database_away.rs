//! A database that cannot be reached: what callers are told meanwhile, and that everything comes back.

use serde_json::{Value, json};
use testkit::{
    ChaosProxy, Expected, GraphqlClient, ProxyMode, ServerProcess, Subscription, eventually,
};

use super::door::{
    append_request, appended, database_authority, each, error_code, new_event, new_events,
    prepare_at, read_log,
};
use crate::support::{World, new_stream};

/// A PostgreSQL database behind a proxy, and a server that gives up soon.
async fn impatient_server(world: &World) -> (ChaosProxy, ServerProcess, GraphqlClient) {
    let proxy = ChaosProxy::start(database_authority(world.database_url())).await;
    let server = prepare_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_APPEND_DEADLINE_MS", "500")
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "300")
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "1000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (proxy, server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_callers_are_told_the_truth_and_then_all_resumes_by_itself() {
    for stalled in [false, true] {
        let world = World::postgres().await;
        let (proxy, server, client) = impatient_server(&world).await;
        let stream = new_stream("game");
        let before = new_event(0);
        appended(&client, &stream, Expected::Any, &json!([before])).await;
        let mut feed = follow(&server).await;
        assert_eq!(next_ids(&mut feed, 1).await, [before["eventId"].clone()]);

        if stalled {
            proxy.set_mode(ProxyMode::Stall).await;
        } else {
            proxy.set_mode(ProxyMode::Refuse).await;
            proxy.cut_all();
        }
        let requests: Vec<Value> = (1..=6).map(new_event).collect();
        let mut told = Vec::new();
        for event in &requests {
            let body = append_request(&stream, Expected::Any, &json!([event]));
            let answer = client.raw(body).await.json();
            let code = error_code(&answer).to_owned();
            assert!(
                ["CONNECTION_ERROR", "TIMEOUT"].contains(&code.as_str()),
                "{answer:#}"
            );
            assert_eq!(answer["errors"][0]["extensions"]["retryable"], true);
            told.push(code);
        }
        assert!(told.contains(&"CONNECTION_ERROR".to_owned()), "{told:?}");
        not_ready(&server).await;
        let read = client.execute(
            "{ head { position } events { nodes { position } } }",
            json!({}),
        );
        assert_eq!(error_code(&read.await), "CONNECTION_ERROR");

        proxy.set_mode(ProxyMode::Pass).await;
        let mut ids = vec![before["eventId"].clone()];
        for (event, told) in requests.iter().zip(&told) {
            let payload = repeated(&client, &stream, event).await;
            if told == "CONNECTION_ERROR" {
                assert_eq!(
                    payload["duplicate"], false,
                    "it was said to be certainly not written"
                );
            }
            ids.push(event["eventId"].clone());
        }
        let log = eventually_log(&client).await;
        let mut stored = each(&log, "eventId");
        assert_eq!(each(&log, "position"), (1..=7).collect::<Vec<u64>>());
        let received = next_ids(&mut feed, 6).await;
        assert_eq!(received, stored[1..]);
        let order = |id: &Value| id.as_str().unwrap().to_owned();
        stored.sort_by_key(order);
        ids.sort_by_key(order);
        assert_eq!(stored, ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_hangs_is_settled_without_its_caller() {
    let world = World::postgres().await;
    let (proxy, _server, client) = impatient_server(&world).await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::Any, &new_events(1)).await;
    // The connection dies with the COMMIT under way, and nothing new gets through: the server cannot
    // know, and says so.
    proxy.cut_after_forwarding("COMMIT\0");
    let event = new_event(1);
    let body = append_request(&stream, Expected::Any, &json!([event]));
    let sending = {
        let client = client.clone();
        tokio::spawn(async move { client.raw(body).await.json() })
    };
    eventually("the cut", async || (proxy.triggers() == 1).then_some(())).await;
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_all();
    let answer = sending.await.unwrap();
    proxy.set_mode(ProxyMode::Pass).await;
    // The committer may have been faster than the proxy, and then has the right answer.
    if answer.get("errors").is_some() {
        assert_eq!(error_code(&answer), "TIMEOUT", "{answer:#}");
    }
    let payload = repeated(&client, &stream, &event).await;
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
