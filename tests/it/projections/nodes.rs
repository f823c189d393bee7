//! Several nodes on one PostgreSQL: one works at a projection, all answer from it, and another takes over.

use serde_json::json;
use testkit::{GraphqlClient, ServerProcess, eventually};

use super::inside::Inside;
use super::making::rebuild;
use super::play::{everything, generated, play_all, prepare, projection_of_games};
use crate::support::World;

async fn node(world: &World) -> (ServerProcess, GraphqlClient) {
    node_that_waits(world, "2000").await
}

/// A node that takes over from another one after so many milliseconds of silence.
async fn node_that_waits(world: &World, takeover_after: &str) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world)
        .environment("GAMEBOT_PROJECTIONS_POLL_MS", "200")
        .environment("GAMEBOT_PROJECTIONS_TAKEOVER_AFTER_MS", takeover_after)
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

async fn built(client: &GraphqlClient) -> serde_json::Value {
    eventually("somebody works at the projection", async || {
        let node = projection_of_games(client).await["activeBuild"]["nodeId"].clone();
        (!node.is_null()).then_some(node)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_takes_over_when_one_is_killed() {
    let world = World::postgres().await;
    let (mut first, client) = node(&world).await;
    let worker = built(&client).await;
    let (_second, other) = node(&world).await;
    let games = generated(31, 2);
    let (before, after) = games.split_at(3);
    let head = play_all(&other, before).await;
    let text = |head: i64| format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    other.query(&text(head), json!({})).await;
    assert_eq!(
        projection_of_games(&other).await["activeBuild"]["nodeId"],
        worker
    );
    first.kill();
    let head = play_all(&other, after).await;
    // The wait of the read bounds the time of the take-over.
    other.query(&text(head), json!({})).await;
    let games = projection_of_games(&other).await;
    assert_ne!(games["activeBuild"]["nodeId"], worker);
    assert_eq!(
        games["activeBuild"]["appliedEvents"], head,
        "each event counts once: {games}"
    );
    let whole = everything(&other).await;
    rebuild(&other, "GAMES", head).await;
    assert_eq!(everything(&other).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_gives_its_work_to_the_other_at_once() {
    let world = World::postgres().await;
    // By silence neither would lose its work within an hour.
    let (mut first, client) = node_that_waits(&world, "3600000").await;
    let worker = built(&client).await;
    let (_second, other) = node_that_waits(&world, "3600000").await;
    first.terminate().await;
    let next = eventually("the other node works at it", async || {
        let node = projection_of_games(&other).await["activeBuild"]["nodeId"].clone();
        (!node.is_null() && node != worker).then_some(node)
    })
    .await;
    let head = play_all(&other, &generated(32, 1)).await;
    let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    other.query(&text, json!({})).await;
    assert_eq!(
        projection_of_games(&other).await["activeBuild"]["nodeId"],
        next
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_goes_on_when_the_node_that_makes_it_is_killed() {
    let world = World::postgres().await;
    let (mut first, client) = node(&world).await;
    let worker = built(&client).await;
    let head = play_all(&client, &generated(33, 2)).await;
    let wait = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    client.query(&wait, json!({})).await;
    let whole = everything(&client).await;
    let (mut second, other) = node(&world).await;
    // The build that answers is held, so that the rebuild can do everything but take over.
    let inside = Inside::of(&world).await;
    let answering = "SELECT 1 FROM {builds} WHERE projection = 'games' AND state = 1 FOR UPDATE";
    let held = inside.hold(answering).await;
    let text = "mutation { rebuildProjection(input: {projection: GAMES}) { __typename } }";
    client.query(text, json!({})).await;
    let text = "{ projections { rebuild { nodeId position } } }";
    let maker = eventually("somebody has made the rebuild", async || {
        let mut data = other.query(text, json!({})).await;
        let rebuild = data["projections"][0]["rebuild"].take();
        (rebuild["position"] == head).then(|| rebuild["nodeId"].clone())
    })
    .await;
    let left = if maker == worker {
        first.kill();
        other
    } else {
        second.kill();
        client
    };
    drop(held);
    eventually("the rebuild takes over on the other node", async || {
        let games = projection_of_games(&left).await;
        let active = &games["activeBuild"];
        (games["rebuild"].is_null() && active["number"].as_i64() > Some(5)).then_some(())
    })
    .await;
    let games = projection_of_games(&left).await;
    assert_eq!(games["activeBuild"]["appliedEvents"], head, "{games}");
    assert_eq!(everything(&left).await, whole);
}
