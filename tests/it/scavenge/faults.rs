//! Servers that die, servers that stop, and a database that goes away in the middle of a scavenge: it goes on,
//! and the figures are those of a scavenge that nothing happened to.

use serde_json::{Value, json};
use testkit::{ChaosProxy, GraphqlClient, ProxyMode, ServerProcess};

use super::door::{
    Inside, Row, append, delete, done_at_least, ended, figures, operation, slow, slow_at, started,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_killed_server_goes_on_after_its_restart_without_counting_twice,
    a_stopped_server_gives_its_operation_back,
);

const STREAMS: usize = 3;
const EVENTS: usize = 20;

/// Hides some streams, begins to scavenge them, and returns the operation and the bytes to remove.
async fn begin(world: &World, client: &GraphqlClient) -> (Value, usize) {
    for _ in 0..STREAMS {
        let stream = new_stream("game");
        append(client, &stream, EVENTS).await;
        delete(client, &stream).await;
    }
    let events = Inside::of(world).await.events().await;
    let ordinary = events.iter().filter(|row| !row.stream.starts_with('$'));
    let bytes = ordinary.map(Row::bytes).sum();
    (started(client, json!({})).await, bytes)
}

async fn check_complete(world: &World, client: &GraphqlClient, begun: &Value, bytes: usize) {
    let operation = ended(client, &begun["id"]).await;
    assert_eq!(operation["state"], "SUCCEEDED", "{operation:#}");
    let expected = [STREAMS, STREAMS * EVENTS, bytes].map(|figure| figure as u64);
    assert_eq!(figures(&operation), expected);
    assert_eq!(operation["progress"]["done"], STREAMS * EVENTS);
    assert_eq!(operation["progress"]["total"], STREAMS * EVENTS);
    let told = operation["events"]["nodes"].as_array().unwrap();
    assert_eq!(told.len(), 2, "start and end are told once: {operation:#}");
    assert_eq!(Inside::of(world).await.payloads().await, 0);
}

async fn a_killed_server_goes_on_after_its_restart_without_counting_twice(world: World) {
    let mut server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    let (begun, bytes) = begin(&world, &client).await;
    let mut done = 0;
    for _ in 0..3 {
        let client = GraphqlClient::new(&server.base_url());
        let so_far = done_at_least(&client, &begun["id"], done + 4).await;
        assert_eq!(so_far["state"], "RUNNING");
        server.kill();
        // Nothing is half there, and the figures are those of the table.
        let left = Inside::of(&world).await.payloads().await as u64;
        server.start_again().await;
        let client = GraphqlClient::new(&server.base_url());
        let restarted = operation(&client, &begun["id"]).await;
        done = restarted["progress"]["done"].as_u64().unwrap();
        let all = (STREAMS * EVENTS) as u64;
        assert!(
            done + left >= all,
            "{left} payloads are left: {restarted:#}"
        );
        assert_eq!(restarted["result"]["events"], done);
    }
    let client = GraphqlClient::new(&server.base_url());
    check_complete(&world, &client, &begun, bytes).await;
}

async fn a_stopped_server_gives_its_operation_back(world: World) {
    let mut server = slow(&world)
        // Nobody may take it over within this test: it must have been given back.
        .environment("GAMEBOT_OPERATIONS_TAKEOVER_AFTER_MS", "3600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let (begun, bytes) = begin(&world, &client).await;
    done_at_least(&client, &begun["id"], 2).await;
    assert!(server.terminate().await.success());
    let inside = Inside::of(&world).await;
    let row = &inside
        .rows("SELECT state, node_id IS NULL FROM operations")
        .await[0];
    assert_eq!(row.try_get_by_index::<i32>(0).unwrap(), 0);
    assert!(row.try_get_by_index::<bool>(1).unwrap());
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    check_complete(&world, &client, &begun, bytes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_takes_over_what_a_dead_one_worked_at() {
    let world = World::postgres().await;
    let mut here = slow(&world).start().await;
    let client = GraphqlClient::new(&here.base_url());
    let (begun, bytes) = begin(&world, &client).await;
    done_at_least(&client, &begun["id"], 2).await;
    let there = slow(&world).start().await;
    let there_client = GraphqlClient::new(&there.base_url());
    // As long as the first one lives, the second leaves it alone.
    let node = node_of(&world).await;
    done_at_least(&there_client, &begun["id"], 10).await;
    assert_eq!(node_of(&world).await, node);
    here.kill();
    check_complete(&world, &there_client, &begun, bytes).await;
    assert_ne!(node_of(&world).await, node);
}

async fn node_of(world: &World) -> uuid::Uuid {
    let rows = Inside::of(world)
        .await
        .rows("SELECT node_id FROM operations")
        .await;
    rows[0].try_get_by_index(0).unwrap()
}

/// A server behind a proxy that stands between it and its database.
async fn behind_a_proxy(world: &World) -> (ChaosProxy, ServerProcess, GraphqlClient) {
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = slow_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "300")
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "1000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (proxy, server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_only_delays_a_scavenge() {
    for mode in [ProxyMode::Refuse, ProxyMode::Stall] {
        let world = World::postgres().await;
        let (proxy, _server, client) = behind_a_proxy(&world).await;
        let (begun, bytes) = begin(&world, &client).await;
        done_at_least(&client, &begun["id"], 5).await;
        proxy.set_mode(mode).await;
        if mode == ProxyMode::Refuse {
            proxy.cut_all();
        }
        let inside = Inside::of(&world).await;
        let before = inside.payloads().await;
        testkit::eventually("reads to notice", async || {
            let query = "{ head { position } }";
            let answer = client.execute(query, json!({})).await;
            answer.get("errors").is_some().then_some(())
        })
        .await;
        assert!(
            before - inside.payloads().await <= 1,
            "only what was under way"
        );
        proxy.set_mode(ProxyMode::Pass).await;
        check_complete(&world, &client, &begun, bytes).await;
    }
}

/// The answer to a batch's COMMIT is lost, and the batch is committed: it must not be counted again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_commit_changes_no_figure() {
    let world = World::postgres().await;
    let (proxy, _server, client) = behind_a_proxy(&world).await;
    let (begun, bytes) = begin(&world, &client).await;
    for count in 1..=4 {
        let so_far = operation(&client, &begun["id"]).await["progress"]["done"].as_u64();
        proxy.cut_reply_containing("COMMIT", "COMMIT\0");
        testkit::eventually("the cut", async || {
            (proxy.triggers() == count).then_some(())
        })
        .await;
        done_at_least(&client, &begun["id"], so_far.unwrap() + 2).await;
    }
    check_complete(&world, &client, &begun, bytes).await;
}
