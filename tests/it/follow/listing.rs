//! The list of live subscriptions: who follows what, and how far each has come (rule S5).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use testkit::{ChaosProxy, GraphqlClient, ProxyMode, SocketOptions, eventually};

use super::feed::{Feed, Kind};
use super::live::{all, append_large, counts, listed, of_client, only};
use super::writer::append_ticks;
use crate::support::{World, on_both_backends, prepare_at};

on_both_backends!(
    the_list_tells_who_follows_what_and_how_far_each_has_come,
    what_was_asked_for_is_told_as_it_was_given,
    a_filtered_feed_that_matches_nothing_shows_its_position_moving,
    a_feed_that_falls_behind_is_told_from_one_that_is_live,
    the_lag_of_a_client_that_reads_nothing_grows_and_that_of_others_does_not,
);

/// A socket whose buffers are full soon, of a program with a name.
fn options(user_agent: &str) -> SocketOptions {
    SocketOptions {
        receive_buffer_bytes: Some(4_096),
        headers: vec![("user-agent".to_owned(), user_agent.to_owned())],
        ..SocketOptions::default()
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

async fn the_list_tells_who_follows_what_and_how_far_each_has_come(world: World) {
    let (server, client) = world.server_and_client().await;
    assert_eq!(
        (all(&client).await, counts(&client).await),
        (vec![], (0, 0))
    );
    append_ticks(&client, "game-1", 3).await;
    let before = Utc::now();
    let mut panel = Feed::start_as(
        &server.base_url(),
        options("panel-library/7"),
        json!({"name": "panel", "version": "1.2"}),
        json!({"at": "ORIGIN"}),
        Value::Null,
    )
    .await;
    panel.until_kind(Kind::CaughtUp).await;
    let mut bot = Feed::of_stream(&server.base_url(), "game-1", json!({"at": "END"})).await;
    bot.until_kind(Kind::CaughtUp).await;

    let found = all(&client).await;
    let [first, second] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(first["kind"], "EVENTS");
    assert_eq!(first["operationName"], "Feed");
    assert_eq!(first["arguments"], json!({"from": {"at": "ORIGIN"}}));
    assert_eq!(
        (&first["state"], &first["lag"]),
        (&json!("LIVE"), &json!(0))
    );
    assert_eq!(
        (&first["position"], &first["cursor"]),
        (&json!(3), &json!(panel.cursor()))
    );
    assert_eq!(
        (&first["messagesDelivered"], &first["eventsDelivered"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(first["timesFallenBehind"], 0);
    let who = &first["client"];
    assert_eq!(
        (&who["name"], &who["version"]),
        (&json!("panel"), &json!("1.2"))
    );
    assert_eq!(who["userAgent"], "panel-library/7");
    assert!(
        who["address"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{who}"
    );
    let (connected, started) = (time(&who["connectedAt"]), time(&first["startedAt"]));
    assert!(before <= connected && connected <= started && started <= Utc::now());

    assert_eq!(second["kind"], "STREAM");
    assert_eq!(
        second["arguments"],
        json!({"name": "game-1", "from": {"at": "END"}})
    );
    assert_eq!(
        (&second["messagesDelivered"], &second["eventsDelivered"]),
        (&json!(1), &json!(0))
    );
    let other = &second["client"];
    assert_eq!(
        (&other["name"], &other["userAgent"]),
        (&Value::Null, &Value::Null)
    );
    assert_ne!(
        (&other["connectionId"], &other["address"]),
        (&who["connectionId"], &who["address"])
    );
    assert_eq!(counts(&client).await, (2, 2));
}

async fn what_was_asked_for_is_told_as_it_was_given(world: World) {
    let (server, client) = world.server_and_client().await;
    let filter = json!({
        "types": ["guess_processed"],
        "dataEquals": [{"path": "a.b[0]", "equals": 9_007_199_254_740_993_i64}, {"path": "c", "equals": null}],
    });
    let mut feed = Feed::start(&server.base_url(), Value::Null, filter.clone()).await;
    feed.until_kind(Kind::CaughtUp).await;
    assert_eq!(
        only(&client).await["arguments"],
        json!({ "filter": filter })
    );
}

async fn a_filtered_feed_that_matches_nothing_shows_its_position_moving(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_POSITIONS", "10")
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "60000");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let filter = json!({"types": ["never"]});
    let mut feed = Feed::start(&server.base_url(), Value::Null, filter).await;
    feed.until_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-1", 4).await;
    let quiet = only(&client).await;
    assert_eq!((&quiet["position"], &quiet["lag"]), (&json!(0), &json!(4)));
    append_ticks(&client, "game-1", 7).await;
    let checkpoint = feed.until_kind(Kind::Checkpoint).await;
    let moved = only(&client).await;
    assert_eq!(moved["position"], checkpoint.position);
    assert_eq!(moved["lag"], 11 - checkpoint.position);
    assert_eq!(
        (&moved["messagesDelivered"], &moved["eventsDelivered"]),
        (&json!(2), &json!(0))
    );
}

async fn a_feed_that_falls_behind_is_told_from_one_that_is_live(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", "16");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start_as(
        &server.base_url(),
        options("slow"),
        json!({"name": "slow"}),
        Value::Null,
        Value::Null,
    )
    .await;
    feed.until_kind(Kind::CaughtUp).await;
    append_large(&client, 12).await;
    assert_eq!(of_client(&client, "slow").await["timesFallenBehind"], 0);
    feed.until_kind(Kind::FellBehind).await;
    let behind = of_client(&client, "slow").await;
    assert_eq!(
        (&behind["state"], &behind["timesFallenBehind"]),
        (&json!("CATCHING_UP"), &json!(1))
    );
    feed.until_kind(Kind::CaughtUp).await;
    let live = of_client(&client, "slow").await;
    assert_eq!((&live["state"], &live["lag"]), (&json!("LIVE"), &json!(0)));
}

async fn the_lag_of_a_client_that_reads_nothing_grows_and_that_of_others_does_not(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let start = async |name: &str| {
        let who = json!({ "name": name });
        let options = options("test");
        let mut feed =
            Feed::start_as(&server.base_url(), options, who, Value::Null, Value::Null).await;
        feed.until_kind(Kind::CaughtUp).await;
        feed
    };
    let (_stalled, mut reading) = (start("stalled").await, start("reading").await);
    let mut lags = vec![0];
    for round in 1..=3 {
        append_large(&client, 10).await;
        reading.until_events(150 * round).await;
        let stalled = of_client(&client, "stalled").await;
        lags.push(stalled["lag"].as_i64().unwrap());
        assert_eq!(of_client(&client, "reading").await["lag"], 0);
    }
    assert!(lags.is_sorted_by(|one, next| one < next), "{lags:?}");
    let lagging = listed(&client, json!({"minLag": 1})).await;
    assert_eq!(lagging.len(), 1);
    assert_eq!(lagging[0]["client"]["name"], "stalled");
}

/// The list needs no database: it tells what waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_waits_for_the_database_is_listed_as_starting() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = prepare_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_LOG_LEVEL", "error")
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "500")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_all();
    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    let starting = eventually("the subscription to be listed", async || {
        all(&client).await.pop()
    })
    .await;
    assert_eq!(starting["state"], "STARTING");
    assert_eq!(
        (&starting["position"], &starting["cursor"], &starting["lag"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    proxy.set_mode(ProxyMode::Pass).await;
    feed.until_kind(Kind::CaughtUp).await;
    assert_eq!(only(&client).await["state"], "LIVE");
}
