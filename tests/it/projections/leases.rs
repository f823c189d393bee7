//! Who works at a build: what keeps a node from it, and what must not.

use serde_json::json;
use testkit::{GraphqlClient, ServerProcess, eventually};

use super::builds::team_of;
use super::inside::Inside;
use super::play::{everything, generated, play_all, prepare, projection_of_games, samples, start};
use crate::support::{World, on_both_backends};

async fn node(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world)
        .environment("GAMEBOT_PROJECTIONS_TAKEOVER_AFTER_MS", "1500")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

async fn wait_for(client: &GraphqlClient, head: i64) {
    let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    client.query(&text, json!({})).await;
}

on_both_backends!(whoever_has_nothing_to_do_gives_signs_of_life);

/// On a quiet log too, or another node would take over again and again.
async fn whoever_has_nothing_to_do_gives_signs_of_life(world: World) {
    let (_server, client) = start(&world).await;
    let signs = async || {
        let text = "{ projections { activeBuild { nodeId heartbeatAt } } }";
        client.query(text, json!({})).await["projections"].take()
    };
    let first = eventually("somebody works at all of them", async || {
        let all = signs().await;
        let mut each = all.as_array().unwrap().iter();
        each.all(|one| one["activeBuild"]["nodeId"].is_string())
            .then_some(all)
    })
    .await;
    eventually("each has given a sign of life again", async || {
        let all = signs().await;
        let mut pairs = all
            .as_array()
            .unwrap()
            .iter()
            .zip(first.as_array().unwrap());
        pairs
            .all(|(now, then)| {
                let (now, then) = (&now["activeBuild"], &then["activeBuild"]);
                assert_eq!(now["nodeId"], then["nodeId"]);
                now["heartbeatAt"] != then["heartbeatAt"]
            })
            .then_some(())
    })
    .await;
}

/// A SQLite file has one process: whoever else worked at it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_a_file_is_worked_at_at_once() {
    let world = World::sqlite();
    let mut server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_TAKEOVER_AFTER_MS", "3600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let games = generated(51, 1);
    let (before, after) = games.split_at(2);
    let head = play_all(&client, before).await;
    wait_for(&client, head).await;
    server.kill();
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let head = play_all(&client, after).await;
    wait_for(&client, head).await;
    assert_eq!(everything(&client).await.len(), games.len());
}

/// The clock of the database was put back, or another one, which is late, is the primary now.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_from_the_future_keeps_nobody_away() {
    let world = World::postgres().await;
    let (mut server, client) = start(&world).await;
    let head = play_all(&client, &samples()).await;
    wait_for(&client, head).await;
    server.terminate().await;
    let inside = Inside::of(&world).await;
    let died = "UPDATE {builds} SET node_id = '0195a000-0000-7000-8000-000000000000',
        heartbeat_at = heartbeat_at + 86400000";
    assert_eq!(inside.execute(died).await, 5);
    let (_server, client) = node(&world).await;
    let head = play_all(&client, &generated(52, 1)).await;
    wait_for(&client, head).await;
}

/// A node that has frozen in the middle of a transaction holds one build, and not those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_locked_holds_up_no_other() {
    let world = World::postgres().await;
    let (mut first, client) = node(&world).await;
    let head = play_all(&client, &samples()).await;
    wait_for(&client, head).await;
    first.kill();
    let inside = Inside::of(&world).await;
    let lock = "SELECT 1 FROM {builds} WHERE projection = 'games' FOR UPDATE";
    let frozen = inside.hold(lock).await;
    let (_second, client) = node(&world).await;
    let head = team_of(&client, "11", "22").await;
    let text = "query($head: Position!) {
        teamOfPlayer(userId: \"22\", guildId: \"7\", waitForPosition: $head) { teamId } }";
    let found = client.query(text, json!({ "head": head })).await;
    assert_eq!(found["teamOfPlayer"]["teamId"], "11_22");
    frozen.rollback().await.unwrap();
    wait_for(&client, head).await;
}

/// A node that has lost a build while it slept writes nothing to it when it wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_lost_its_build_writes_nothing_more() {
    let world = World::postgres().await;
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_TAKEOVER_AFTER_MS", "3600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let head = play_all(&client, &samples()).await;
    wait_for(&client, head).await;
    let before = everything(&client).await;
    let inside = Inside::of(&world).await;
    // Another node has it now, and stands at the same place.
    let taken =
        "UPDATE {builds} SET node_id = '0195a000-0000-7000-8000-000000000000', epoch = epoch + 1
         WHERE projection = 'games'";
    assert_eq!(inside.execute(taken).await, 1);
    let mut last = head;
    for game in generated(53, 1) {
        last = play_all(&client, &[game]).await;
        let text = format!("{{ teams(waitForPosition: {last}) {{ projectedThrough }} }}");
        client.query(&text, json!({})).await;
    }
    assert_eq!(projection_of_games(&client).await["position"], head);
    assert_eq!(everything(&client).await, before);
    // Once the other one gives it back, it goes on.
    let given_back = "UPDATE {builds} SET node_id = NULL WHERE projection = 'games'";
    assert_eq!(inside.execute(given_back).await, 1);
    wait_for(&client, last).await;
    assert!(everything(&client).await.len() > before.len());
}
