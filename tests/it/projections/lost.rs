//! Connections to the database that break while a projection works: nothing is lost, and nothing counts twice.

use serde_json::json;
use testkit::{ChaosProxy, GraphqlClient, ProxyMode, ServerProcess, eventually};

use super::making::rebuild;
use super::play::{everything, generated, play_all, prepare, prepare_at, projection_of_games};
use crate::support::World;

/// A node that takes appends and answers, and one that works at projections and reaches the database through a
/// proxy.
struct Nodes {
    _front: ServerProcess,
    client: GraphqlClient,
    _worker: ServerProcess,
    proxy: ChaosProxy,
}

impl Nodes {
    async fn start(world: &World) -> Self {
        let front = prepare(world)
            .environment("GAMEBOT_PROJECTIONS_RUN", "false")
            .start()
            .await;
        let url = world.database_url();
        let proxy = ChaosProxy::start(world.authority()).await;
        let worker = prepare_at(&proxy.url(url))
            // Many transactions, of which one or the other is hit, with the text of every statement.
            .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "10")
            .environment("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true")
            .environment("GAMEBOT_DATABASE_LISTEN_URL", url)
            .start()
            .await;
        let client = GraphqlClient::new(&front.base_url());
        eventually("somebody works at the projection", async || {
            let games = projection_of_games(&client).await;
            games["activeBuild"]["nodeId"].is_string().then_some(())
        })
        .await;
        Self {
            _front: front,
            client,
            _worker: worker,
            proxy,
        }
    }

    /// Waits until all of the log is projected; everything is, once, and a rebuild comes to the same.
    async fn all_counts_once(&self, head: i64) {
        let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
        self.client.query(&text, json!({})).await;
        let games = projection_of_games(&self.client).await;
        assert_eq!(games["activeBuild"]["appliedEvents"], head, "{games}");
        let whole = everything(&self.client).await;
        rebuild(&self.client, "GAMES", head).await;
        assert_eq!(everything(&self.client).await, whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_commit_counts_nothing_twice() {
    let world = World::postgres().await;
    let nodes = Nodes::start(&world).await;
    let mut head = 0;
    for (number, game) in generated(71, 2).into_iter().enumerate() {
        nodes.proxy.cut_reply_containing("COMMIT\0", "COMMIT");
        head = play_all(&nodes.client, &[game]).await;
        eventually("an answer is lost", async || {
            (nodes.proxy.triggers() > number).then_some(())
        })
        .await;
    }
    nodes.all_counts_once(head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_is_applied_again() {
    let world = World::postgres().await;
    let nodes = Nodes::start(&world).await;
    let mut head = 0;
    for (number, game) in generated(72, 2).into_iter().enumerate() {
        // In the middle of a transaction, once the checkpoint was moved.
        nodes
            .proxy
            .cut_reply_after("UPDATE projections.builds SET position");
        head = play_all(&nodes.client, &[game]).await;
        eventually("a transaction is broken off", async || {
            (nodes.proxy.triggers() > number).then_some(())
        })
        .await;
    }
    nodes.all_counts_once(head).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_by_itself_when_the_database_is_back() {
    let world = World::postgres().await;
    let nodes = Nodes::start(&world).await;
    let games = generated(73, 2);
    let (before, after) = games.split_at(4);
    let head = play_all(&nodes.client, before).await;
    nodes.proxy.set_mode(ProxyMode::Refuse).await;
    nodes.proxy.cut_all();
    let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    let _ = nodes.client.execute(&text, json!({})).await;
    let head = play_all(&nodes.client, after).await;
    nodes.proxy.set_mode(ProxyMode::Pass).await;
    nodes.all_counts_once(head).await;
}
