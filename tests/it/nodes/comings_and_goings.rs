//! Nodes that are started later, that go, and that have nothing to do themselves.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use crate::follow::feed::{Feed, Kind, positions};
use crate::follow::writer::append_ticks;
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_an_idle_node_hears_of_a_single_append_at_another() {
    let world = World::postgres().await;
    let (idle, busy) = (world.server().await, world.server().await);
    let mut feed = Feed::start(&idle.base_url(), json!({"at": "END"}), Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await;
    let client = GraphqlClient::new(&busy.base_url());
    for position in 1..=5 {
        assert_eq!(append_ticks(&client, "game-1", 1).await, position);
        assert_eq!(feed.expect_kind(Kind::Event).await.position, position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_started_later_serves_feeds_from_the_origin_on() {
    let world = World::postgres().await;
    let (mut first, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 30).await;
    let later = world.server().await;
    let mut feed = Feed::start(&later.base_url(), json!({"at": "ORIGIN"}), Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-1", 3).await;
    feed.until_position(33).await;
    // It goes on when the other one is gone, and a third one hears of it.
    first.terminate().await;
    let third = world.server().await;
    let mut other = Feed::start(&third.base_url(), json!({"at": "END"}), Value::Null).await;
    other.expect_kind(Kind::CaughtUp).await;
    append_ticks(&GraphqlClient::new(&later.base_url()), "game-1", 2).await;
    feed.until_position(35).await;
    other.until_position(35).await;
    assert_eq!(feed.event_positions(), positions(1, 35));
    assert_eq!(other.event_positions(), [34, 35]);
}

/// A cursor is a place in the log, not at a node: a feed may go on at a node that has not heard of that
/// place yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_one_node_is_good_at_every_other() {
    let world = World::postgres().await;
    let nodes = [world.server().await, world.server().await];
    let clients = nodes
        .each_ref()
        .map(|node| GraphqlClient::new(&node.base_url()));
    let mut from = json!({"at": "ORIGIN"});
    let mut seen = Vec::new();
    for round in 0..20 {
        let here = round % 2;
        let last = append_ticks(&clients[here], "game-1", 3).await;
        // Alternately at the node that has just committed, and at the other one.
        let at = (round / 2) % 2;
        let mut feed = Feed::start(&nodes[at].base_url(), from, Value::Null).await;
        feed.until_position(last).await;
        seen.extend(feed.event_positions());
        from = json!({"cursor": feed.cursor()});
    }
    assert_eq!(seen, positions(1, 60));
}
