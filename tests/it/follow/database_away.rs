//! The database goes away while clients follow: feeds stay open and go on by themselves, without loss.

use serde_json::{Value, json};
use testkit::{
    ChaosProxy, Expected, GraphqlClient, PostgresCluster, ProxyMode, ServerProcess, eventually,
};
use tokio::task::JoinHandle;

use super::feed::{Feed, Kind, positions};
use super::writer::{append_ticks, head, new_events};
use crate::support::{World, prepare_at};

/// A server behind a proxy to its PostgreSQL, and a feed that is live.
struct Scene {
    proxy: ChaosProxy,
    server: ServerProcess,
    client: GraphqlClient,
    feed: Feed,
    _world: World,
}

impl Scene {
    async fn new(hub_capacity: &str) -> Self {
        let world = World::postgres().await;
        let proxy = ChaosProxy::start(world.authority()).await;
        let server = server(&proxy.url(world.database_url()), hub_capacity).await;
        let client = GraphqlClient::new(&server.base_url());
        let feed = live_feed(&server).await;
        Self {
            proxy,
            server,
            client,
            feed,
            _world: world,
        }
    }

    /// Starts an append that will have to wait for the database.
    fn append_later(&self, stream: &'static str, count: usize) -> JoinHandle<Value> {
        let client = self.client.clone();
        let task = async move {
            client
                .append(stream, Expected::Any, new_events(count))
                .await
        };
        tokio::spawn(task)
    }
}

/// A server that notices soon that its database is away, and lets appends wait long enough for it.
async fn server(database_url: &str, hub_capacity: &str) -> ServerProcess {
    prepare_at(database_url)
        .environment("GAMEBOT_LOG_LEVEL", "error")
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "500")
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "1000")
        .environment("GAMEBOT_APPEND_DEADLINE_MS", "25000")
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", hub_capacity)
        .start()
        .await
}

async fn live_feed(server: &ServerProcess) -> Feed {
    let from = json!({"at": "ORIGIN"});
    let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await;
    feed
}

async fn readiness(server: &ServerProcess) -> u16 {
    let url = format!("{}/health/ready", server.base_url());
    let client = GraphqlClient::new(&server.base_url());
    let response = client.http().get(url).send().await.unwrap();
    response.status().as_u16()
}

async fn wait_for_readiness(server: &ServerProcess, status: u16) {
    let what = format!("/health/ready to answer {status}");
    eventually(&what, async || {
        (readiness(server).await == status).then_some(())
    })
    .await;
}

/// While the database is away, the server says so, and reads are answered with a failure that may be
/// retried rather than left waiting.
async fn assert_away(server: &ServerProcess, client: &GraphqlClient) {
    wait_for_readiness(server, 503).await;
    for _ in 0..20 {
        let errors = client
            .query_for_errors("{ head { position } }", json!({}))
            .await;
        assert_eq!(errors[0]["extensions"]["code"], "CONNECTION_ERROR");
        assert_eq!(errors[0]["extensions"]["retryable"], true);
    }
}

/// Once it is back, everything goes on by itself.
async fn assert_back(server: &ServerProcess, client: &GraphqlClient) {
    wait_for_readiness(server, 200).await;
    eventually("reads to succeed again", async || {
        let answer = client.execute("{ head { position } }", json!({})).await;
        answer.get("errors").is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_go_on_after_connections_were_cut_and_refused() {
    let mut scene = Scene::new("1024").await;
    append_ticks(&scene.client, "game-1", 2).await;
    scene.proxy.set_mode(ProxyMode::Refuse).await;
    scene.proxy.cut_all();
    assert_away(&scene.server, &scene.client).await;
    let waiting = scene.append_later("game-2", 3);
    scene.proxy.set_mode(ProxyMode::Pass).await;
    assert_back(&scene.server, &scene.client).await;
    let appended = waiting.await.unwrap();
    assert_eq!(appended["__typename"], "Appended", "{appended:#}");
    let end = append_ticks(&scene.client, "game-1", 1).await;
    scene.feed.until_position(end).await;
    assert_eq!(scene.feed.event_positions(), positions(1, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_go_on_after_the_database_gave_no_answer() {
    let mut scene = Scene::new("1024").await;
    append_ticks(&scene.client, "game-1", 2).await;
    scene.proxy.set_mode(ProxyMode::Stall).await;
    assert_away(&scene.server, &scene.client).await;
    let waiting = scene.append_later("game-2", 3);
    scene.proxy.set_mode(ProxyMode::Pass).await;
    assert_back(&scene.server, &scene.client).await;
    let appended = waiting.await.unwrap();
    assert_eq!(appended["__typename"], "Appended", "{appended:#}");
    let end = append_ticks(&scene.client, "game-1", 1).await;
    scene.feed.until_position(end).await;
    assert_eq!(scene.feed.event_positions(), positions(1, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_reaches_the_feeds_all_the_same() {
    let mut scene = Scene::new("1024").await;
    for round in 1..=3 {
        scene.proxy.cut_reply_containing("COMMIT", "COMMIT");
        let appended = scene
            .client
            .appended("game-1", Expected::Exactly(round - 1), new_events(1))
            .await;
        assert_eq!(appended["version"], round);
        assert_eq!(scene.proxy.triggers(), usize::try_from(round).unwrap());
        // Nothing is appended after it that could take it along.
        scene.feed.until_position(i64::from(round)).await;
    }
    assert_eq!(scene.feed.event_positions(), positions(1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_reads_the_log_outlives_cut_after_cut() {
    const REQUESTS: usize = 60;
    // A ring of one: a group of two events throws every feed back to the log.
    let mut scene = Scene::new("1").await;
    let mut filtered = Feed::start(
        &scene.server.base_url(),
        json!({"at": "ORIGIN"}),
        json!({"categories": ["game"]}),
    )
    .await;
    let mut of_stream =
        Feed::of_stream(&scene.server.base_url(), "game-0", json!({"at": "ORIGIN"})).await;
    filtered.expect_kind(Kind::CaughtUp).await;
    of_stream.expect_kind(Kind::CaughtUp).await;
    let mut appends = Vec::new();
    for number in 0..REQUESTS {
        appends.push(scene.append_later(["game-0", "game-1", "team-1"][number % 3], 4));
        if number % 3 == 0 {
            scene.feed.expect().await;
            scene.proxy.cut_all();
        }
    }
    for append in appends {
        let appended = append.await.unwrap();
        assert_eq!(appended["__typename"], "Appended", "{appended:#}");
    }
    assert_back(&scene.server, &scene.client).await;
    let end = head(&scene.client).await;
    assert_eq!(end, 240);
    scene.feed.until_events(240).await;
    assert_eq!(scene.feed.event_positions(), positions(1, end));
    assert!(scene.feed.count(Kind::FellBehind) > 0);
    filtered.until_events(160).await;
    of_stream.until_events(80).await;
    let query = "query($filter: EventFilter) { events(filter: $filter, first: 1000) { nodes { position } } }";
    for (feed, filter) in [
        (&filtered, json!({"categories": ["game"]})),
        (&of_stream, json!({"streamPrefix": "game-0"})),
    ] {
        let page = scene.client.query(query, json!({"filter": filter})).await;
        let nodes = page["events"]["nodes"].as_array().unwrap();
        let expected: Vec<i64> = nodes
            .iter()
            .map(|node| node["position"].as_i64().unwrap())
            .collect();
        assert_eq!(feed.event_positions(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_go_on_after_the_database_crashed_and_came_back() {
    let cluster = PostgresCluster::start().await;
    let database_url = cluster.create_database().await;
    let server = server(&database_url, "1024").await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = live_feed(&server).await;
    let mut end = 0;
    for round in 1..=2 {
        append_ticks(&client, "game-1", 2).await;
        cluster.stop_immediate().await;
        assert_away(&server, &client).await;
        let waiting = {
            let client = client.clone();
            tokio::spawn(async move { client.append("game-2", Expected::Any, new_events(3)).await })
        };
        cluster.start_again().await;
        assert_back(&server, &client).await;
        let appended = waiting.await.unwrap();
        assert_eq!(appended["__typename"], "Appended", "{appended:#}");
        end = append_ticks(&client, "game-1", 1).await;
        assert_eq!(end, 6 * round);
        feed.until_position(end).await;
    }
    assert_eq!(feed.event_positions(), positions(1, end));
}
