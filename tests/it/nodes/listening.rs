//! Notifications, when they come, when they are lost, and when they lie. The nodes here poll once in an hour,
//! so that nothing but a notification can bring what another node appends.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::filter::EventFilter;
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    Append, EventStore, FeedMessage, Follow, FollowOptions, StreamAppend, TailOptions,
};
use testkit::{ChaosProxy, ProxyMode, eventually, shared_postgres};
use uuid::Uuid;

use crate::follow::feed::{LONG, positions};
use crate::follow::in_process::{Node, open_node};
use crate::support::World;

pub(super) type Feed = Pin<Box<dyn Stream<Item = FeedMessage> + Send>>;

/// A node that never polls in the time of a test.
pub(super) fn node(hub_capacity: usize, page_events: u64) -> Node {
    Node {
        listen_url: None,
        hub_capacity,
        follow: FollowOptions {
            page_events,
            scan_window: 100,
            checkpoint_every: 1_000,
            checkpoint_interval: Duration::from_mins(1),
        },
        tail: TailOptions {
            poll_interval: Duration::from_hours(1),
            notify_interval: Duration::from_millis(2),
        },
    }
}

pub(super) fn feed_from_origin(store: &EventStore) -> Feed {
    Box::pin(store.follow(Follow {
        scope: Scope::All,
        filter: EventFilter::default(),
        after: Position::ORIGIN,
    }))
}

/// Reads on until the event at this position, and returns the positions of all events on the way.
pub(super) async fn read_until(feed: &mut Feed, position: i64) -> Vec<i64> {
    let mut seen = Vec::new();
    let reading = async {
        while seen.last() != Some(&position) {
            if let FeedMessage::Event(event) = feed.next().await.unwrap() {
                seen.push(event.position.get());
            }
        }
    };
    let outcome = tokio::time::timeout(LONG, reading).await;
    assert!(outcome.is_ok(), "no event {position} came after {seen:?}");
    seen
}

/// Appends some events, and returns the position of the last one.
pub(super) async fn append(store: &EventStore, count: usize) -> i64 {
    let event = || NewEvent {
        event_id: Some(Uuid::now_v7()),
        event_type: "tick".to_owned(),
        schema_version: None,
        data: "{}".to_owned(),
        metadata: None,
    };
    let stream = StreamAppend {
        stream: "game-1".to_owned(),
        expected: ExpectedVersion::Any,
        events: (0..count).map(|_| event()).collect(),
    };
    let append = Append {
        streams: vec![stream],
        is_batch: false,
    };
    let committed = store.append(append).await.unwrap();
    committed.streams[0].events[count - 1].position.get()
}

/// Runs SQL on the world's database.
async fn sql(world: &World, sql: &str) -> String {
    let (_, database) = world.database_url().rsplit_once('/').unwrap();
    shared_postgres().await.execute(database, sql).await
}

/// Waits until so many connections of this database listen.
async fn listeners(world: &World, count: usize) {
    let counting = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    eventually("connections to listen", async || {
        (sql(world, counting).await == count.to_string()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_brings_what_another_node_appends() {
    let world = World::postgres().await;
    let here = open_node(&world, node(64, 10)).await;
    let there = open_node(&world, node(64, 10)).await;
    let mut feed = feed_from_origin(&here);
    let mut last = 0;
    for count in [1, 1, 25, 1, 100, 3] {
        let first = last + 1;
        last = append(&there, count).await;
        assert_eq!(read_until(&mut feed, last).await, positions(first, last));
    }
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_listens_is_made_again_and_what_was_said_meanwhile_is_found() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let behind_proxy = Node {
        listen_url: Some(proxy.url(world.database_url())),
        ..node(64, 10)
    };
    let here = open_node(&world, behind_proxy).await;
    let there = open_node(&world, node(64, 10)).await;
    let mut feed = feed_from_origin(&here);
    listeners(&world, 2).await;
    let mut last = append(&there, 1).await;
    assert_eq!(read_until(&mut feed, last).await, [1]);
    for _ in 0..3 {
        proxy.set_mode(ProxyMode::Refuse).await;
        proxy.cut_all();
        listeners(&world, 1).await;
        let first = last + 1;
        last = append(&there, 5).await;
        proxy.set_mode(ProxyMode::Pass).await;
        assert_eq!(read_until(&mut feed, last).await, positions(first, last));
        listeners(&world, 2).await;
        last = append(&there, 1).await;
        assert_eq!(read_until(&mut feed, last).await, [last]);
    }
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_lies_does_no_harm() {
    let world = World::postgres().await;
    let here = open_node(&world, node(64, 10)).await;
    let there = open_node(&world, node(64, 10)).await;
    let mut feed = feed_from_origin(&here);
    listeners(&world, 2).await;
    let channel = format!("gamebot_event_store_{}", here.id().simple());
    for round in 1..=10 {
        for lie in [
            "9007199254740991",
            "-1",
            "0",
            "",
            "head",
            "99999999999999999999",
        ] {
            sql(&world, &format!("SELECT pg_notify('{channel}', '{lie}')")).await;
        }
        assert_eq!(append(&there, 1).await, round);
        assert_eq!(read_until(&mut feed, round).await, [round]);
    }
    here.close().await;
    there.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hears_itself_tells_nothing_twice() {
    let world = World::postgres().await;
    let here = open_node(&world, node(64, 10)).await;
    let mut feed = feed_from_origin(&here);
    for position in 1..=50 {
        append(&here, 1).await;
        assert_eq!(read_until(&mut feed, position).await, [position]);
    }
    here.close().await;
}

/// A position that the log does not have can only come of damage; feeds go on behind it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_a_damaged_log_stops_no_feed() {
    let world = World::postgres().await;
    let here = open_node(&world, node(64, 10)).await;
    let there = open_node(&world, node(64, 10)).await;
    let (mut own, mut others) = (feed_from_origin(&there), feed_from_origin(&here));
    assert_eq!(append(&there, 2).await, 2);
    for feed in [&mut own, &mut others] {
        assert_eq!(read_until(feed, 2).await, [1, 2]);
    }
    sql(&world, "UPDATE log_head SET position = position + 1").await;
    assert_eq!(append(&there, 1).await, 4);
    assert_eq!(append(&there, 1).await, 5);
    for feed in [&mut own, &mut others] {
        assert_eq!(read_until(feed, 5).await, [4, 5]);
    }
    here.close().await;
    there.close().await;
}
