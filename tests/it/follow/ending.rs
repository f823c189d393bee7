//! Live subscriptions end: by themselves, and by an administrator (rule S5).

use serde_json::{Value, json};
use testkit::{GraphqlClient, ServerProcess, SocketOptions, eventually};

use super::feed::{Feed, Kind, positions};
use super::live::{
    Feeds, all, append_large, counts, end, ended, node_id, of_client, only, wait_for,
};
use super::writer::append_ticks;
use crate::support::{World, on_both_backends};

on_both_backends!(
    ending_one_ends_exactly_that_one_and_its_client_can_resume,
    the_end_is_told_to_the_client_with_the_reason_and_the_way_back,
    a_client_that_reads_nothing_is_ended_there_and_then_and_loses_nothing,
    a_subscription_is_off_the_list_however_it_ends,
    a_subscription_that_was_refused_is_not_listed,
    a_server_that_starts_again_lists_nothing_under_a_new_id,
);

async fn ending_one_ends_exactly_that_one_and_its_client_can_resume(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut elsewhere = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    let mut feeds = Feeds::connect(&server.base_url()).await;
    feeds.follow("one", json!({"at": "ORIGIN"})).await;
    feeds.follow("other", json!({"at": "ORIGIN"})).await;
    // `CaughtUp` of each.
    let (_, _) = (feeds.next().await, feeds.next().await);
    append_ticks(&client, "game-1", 5).await;
    let before = feeds.until(["one", "other"], 5).await;
    assert_eq!(before, [positions(1, 5), positions(1, 5)]);

    let running = all(&client).await;
    let find = |name: &str| running.iter().find(|live| live["operationName"] == name);
    let (one, other) = (find("one").unwrap(), find("other").unwrap());
    assert_eq!(
        one["client"]["connectionId"],
        other["client"]["connectionId"]
    );
    ended(&client, &one["id"], "it is yours no more").await;
    let told = feeds.next().await;
    assert_eq!(
        (&told["id"], &told["type"]),
        (&json!("one"), &json!("next"))
    );
    let cursor = told["payload"]["errors"][0]["extensions"]["cursor"].clone();
    assert_eq!(feeds.next().await, json!({"id": "one", "type": "complete"}));

    append_ticks(&client, "game-1", 5).await;
    assert_eq!(feeds.until(["other"], 10).await, [positions(6, 10)]);
    elsewhere.until_position(10).await;
    assert_eq!(elsewhere.event_positions(), positions(1, 10));
    let left: Vec<Value> = all(&client).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|live| live["id"] != one["id"]));

    // The id is free again on the same socket.
    feeds.follow("one", json!({ "cursor": cursor })).await;
    assert_eq!(feeds.until(["one"], 10).await, [positions(6, 10)]);
}

async fn the_end_is_told_to_the_client_with_the_reason_and_the_way_back(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 2).await;
    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    let id = only(&client).await["id"].clone();
    let was = ended(&client, &id, "The panel floods the database.").await;
    assert_eq!(
        was,
        json!({"id": id, "position": 2, "eventsDelivered": 0, "state": "LIVE"})
    );
    let error = feed.until_error().await;
    let extensions = &error["extensions"];
    assert_eq!(extensions["code"], "FORBIDDEN");
    assert_eq!(extensions["retryable"], false);
    assert_eq!(extensions["cursor"], feed.cursor());
    let message = error["message"].as_str().unwrap();
    let beginning = "An administrator ended this subscription, with the reason: The panel floods the database. You \
                     were sent everything up to position 2; ";
    assert!(message.starts_with(beginning), "{message}");
    assert!(message.contains(&feed.cursor()), "{message}");
    // The connection is there for whatever the client wants next.
    assert_eq!(counts(&client).await, (0, 1));
    feed.close().await;

    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    end(&client, &only(&client).await["id"], Value::Null).await;
    let message = feed.until_error().await["message"].clone();
    let without = "An administrator ended this subscription. You were";
    assert!(message.as_str().unwrap().starts_with(without), "{message}");
}

async fn a_client_that_reads_nothing_is_ended_there_and_then_and_loses_nothing(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let mut stalled = small_feed(&server, "stalled", Value::Null).await;
    append_large(&client, 20).await;
    let stands = async || {
        of_client(&client, "stalled").await["position"]
            .as_i64()
            .unwrap()
    };
    eventually("the client's socket to be full", async || {
        let before = stands().await;
        append_large(&client, 1).await;
        (stands().await == before).then_some(())
    })
    .await;
    let id = of_client(&client, "stalled").await["id"].clone();
    let was = ended(&client, &id, "it does not read").await;
    // Not when the client reads, and not when it is closed in the end, but now.
    assert_eq!(counts(&client).await, (0, 1));

    // The client wakes up, finds what was under way, is told, and comes back for the rest.
    let error = stalled.until_error().await;
    assert_eq!(was["position"], stalled.position());
    let read = stalled.event_positions();
    assert_eq!(error["extensions"]["cursor"], stalled.cursor());
    let from = json!({"cursor": error["extensions"]["cursor"]});
    let mut back = small_feed(&server, "back", from).await;
    back.until_kind(Kind::CaughtUp).await;
    let end = back.position();
    let both = [read, back.event_positions()].concat();
    assert_eq!(both, positions(1, end));
    assert!(end >= 300, "{end}");
}

/// A feed whose buffers are full soon. It does not read unless it is asked to.
async fn small_feed(server: &ServerProcess, name: &str, from: Value) -> Feed {
    let options = SocketOptions {
        receive_buffer_bytes: Some(4_096),
        ..SocketOptions::default()
    };
    let who = json!({ "name": name });
    let mut feed = Feed::start_as(&server.base_url(), options, who, from, Value::Null).await;
    feed.expect().await;
    feed
}

async fn a_subscription_is_off_the_list_however_it_ends(world: World) {
    let (server, client) = world.server_and_client().await;
    let base_url = server.base_url();

    let mut feeds = Feeds::connect(&base_url).await;
    feeds.follow("completed", Value::Null).await;
    wait_for(&client, 1).await;
    feeds.complete("completed").await;
    wait_for(&client, 0).await;
    assert_eq!(counts(&client).await, (0, 1));

    // Under an id in use, the second takes the place of the first.
    feeds.follow("twice", Value::Null).await;
    wait_for(&client, 1).await;
    let first = only(&client).await["id"].clone();
    feeds.follow("twice", Value::Null).await;
    eventually("the second to be the only one", async || {
        let running = all(&client).await;
        (running.len() == 1 && running[0]["id"] != first).then_some(())
    })
    .await;

    // The connection is cut without a word.
    drop(feeds);
    wait_for(&client, 0).await;
    eventually("the connection to be gone", async || {
        (counts(&client).await == (0, 0)).then_some(())
    })
    .await;

    let feed = Feed::start(&base_url, Value::Null, Value::Null).await;
    wait_for(&client, 1).await;
    feed.close().await;
    wait_for(&client, 0).await;

    let mut feed = Feed::start(&base_url, Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    ended(&client, &only(&client).await["id"], "because").await;
    assert_eq!(all(&client).await, Vec::<Value>::new());
}

async fn a_subscription_that_was_refused_is_not_listed(world: World) {
    let (server, client) = world.server_and_client().await;
    let error = super::feed::refused_start(&server.base_url(), json!({"position": 99})).await;
    assert_eq!(error["extensions"]["code"], "INVALID_START_VERSION");
    assert_eq!(all(&client).await, Vec::<Value>::new());
}

async fn a_server_that_starts_again_lists_nothing_under_a_new_id(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    let before = node_id(&client).await;
    server.kill();
    drop(server);
    let (_server, client) = world.server_and_client().await;
    assert_ne!(node_id(&client).await, before);
    assert_eq!(
        (all(&client).await, counts(&client).await),
        (vec![], (0, 0))
    );
}
