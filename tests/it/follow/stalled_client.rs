//! A client that reads nothing: it stops its own feed, costs bounded memory, and is closed in the end
//! (rule S4).

use serde_json::{Value, json};
use testkit::{GraphqlClient, ServerProcess, SocketOptions, StalledSubscription, eventually};
use tokio::task::JoinSet;

use super::feed::{Feed, Kind, positions};
use super::writer::{append_ticks, new_event};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_client_that_reads_nothing_is_closed_without_disturbing_others,
    a_client_that_reads_nothing_costs_bounded_memory,
    a_client_that_reads_nothing_does_not_keep_a_server_from_stopping,
);

const SMALL_RECEIVE_BUFFER: u32 = 4_096;
const KIB: usize = 1_024;

/// A feed of whole events whose client has stopped reading.
async fn stalled(server: &ServerProcess, from: &str) -> StalledSubscription {
    let options = SocketOptions {
        receive_buffer_bytes: Some(SMALL_RECEIVE_BUFFER),
        ..SocketOptions::default()
    };
    let query =
        "subscription($from: StartFrom) { events(from: $from) { ...Message } }
        fragment Message on EventFeedMessage { __typename ... on EventReceived { event { data rawText } } }";
    let mut subscription = testkit::Subscription::start_with(
        &server.base_url(),
        options,
        Value::Null,
        query,
        json!({"from": {"at": from}}),
    )
    .await;
    subscription.next().await.unwrap();
    subscription.stall()
}

/// Appends megabytes of events, 960 KiB in each request.
async fn append_megabytes(client: &GraphqlClient, megabytes: usize) {
    let text = "x".repeat(60 * KIB);
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        let (client, text) = (client.clone(), text.clone());
        writers.spawn(async move {
            for _ in 0..megabytes / 2 {
                let event = || new_event("tick", &json!({ "text": text }));
                let events: Value = (0..16).map(|_| event()).collect();
                let stream = format!("large-{writer}");
                let expected = testkit::Expected::Any;
                client.appended(&stream, expected, events).await;
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
}

async fn a_client_that_reads_nothing_is_closed_without_disturbing_others(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "500")
        .environment("GAMEBOT_LOG_LEVEL", "warn,gamebot_event_store=debug")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await;
    let stalled = stalled(&server, "END").await;
    append_megabytes(&client, 16).await;
    feed.until_events(256).await;
    eventually("the stalled client to be closed", async || {
        server.logs().contains("reads too slowly").then_some(())
    })
    .await;
    let end = append_ticks(&client, "game-1", 3).await;
    feed.until_position(end).await;
    assert_eq!(feed.event_positions(), positions(1, end));
    // What was in the system's buffers is still there to be read, and after it the end.
    let mut resumed = stalled.resume();
    while resumed.next().await.is_some() {}
    assert!(resumed.closed().is_some());
    assert!(resumed.received() < 259, "it was sent everything");
}

async fn a_client_that_reads_nothing_costs_bounded_memory(world: World) {
    // A ring of few events: what it holds is shared by all feeds, and is not what is measured here.
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", "16")
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    // Whatever large events cost at all, caches and queues, is paid before.
    append_megabytes(&client, 40).await;
    let before = resident_kib(&server);
    let stalled_live = stalled(&server, "END").await;
    append_megabytes(&client, 200).await;
    let growth = resident_kib(&server).saturating_sub(before);
    assert!(
        growth < 60 * KIB,
        "200 MB past a stalled client took {growth} KiB"
    );
    // This one stalls while it reads from the log, with all of it still before it.
    let stalled_behind = stalled(&server, "ORIGIN").await;
    append_megabytes(&client, 10).await;
    let growth = resident_kib(&server).saturating_sub(before);
    assert!(
        growth < 60 * KIB,
        "a client stalled 240 MB behind took {growth} KiB"
    );
    drop((stalled_live, stalled_behind));
}

async fn a_client_that_reads_nothing_does_not_keep_a_server_from_stopping(world: World) {
    let mut server = world
        .prepare()
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let stalled = stalled(&server, "END").await;
    append_megabytes(&client, 10).await;
    // Far sooner than the client would be closed for its slowness, or this fails.
    server.terminate().await;
    drop(stalled);
}

/// The memory of the server's process that is in use, in KiB.
fn resident_kib(server: &ServerProcess) -> usize {
    let id = server.process_id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
