//! Many writers and many followers at once, slow ones among them.

use std::time::Duration;

use rand::Rng;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, SocketOptions, Subscription};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::feed::{Feed, Kind, positions};
use super::writer::new_events;
use crate::support::{World, on_both_backends};

on_both_backends!(
    followers_fast_and_slow_see_the_events_of_eight_writers_once_and_in_order,
    a_hundred_subscribers_see_a_burst_once_and_in_order,
);

const WRITERS: usize = 8;
const APPENDS: usize = 250;

async fn followers_fast_and_slow_see_the_events_of_eight_writers_once_and_in_order(world: World) {
    let events = WRITERS * APPENDS;
    let mut feeds = JoinSet::new();
    let hub_capacity = rand::rng().random_range(1..5).to_string();
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", hub_capacity)
        .start()
        .await;
    let written = watch::Sender::new(0);
    for number in 0..8 {
        // Every second one is slow, and the socket of a slow one has little room.
        let is_slow = number % 2 == 1;
        let options = SocketOptions {
            receive_buffer_bytes: is_slow.then_some(4_096),
            ..SocketOptions::default()
        };
        let from = json!({"at": "ORIGIN"});
        let mut feed = Feed::start_with(&server.base_url(), options, from, Value::Null).await;
        feed.expect_kind(Kind::CaughtUp).await;
        let progress = written.subscribe();
        feeds.spawn(async move {
            if is_slow {
                read_slowly(&mut feed, events, progress).await;
            } else {
                feed.until_events(events).await;
            }
            feed
        });
    }
    let client = GraphqlClient::new(&server.base_url());
    write(&client, WRITERS, APPENDS, 1, &written).await;
    let mut came_back = 0;
    while let Some(feed) = feeds.join_next().await {
        let mut feed = feed.unwrap();
        assert_eq!(feed.event_positions(), positions(1, 2_000));
        if feed.count(Kind::FellBehind) > 0 {
            // Whoever falls behind is told when it has caught up.
            while feed.count(Kind::CaughtUp) <= feed.count(Kind::FellBehind) {
                feed.expect().await;
            }
            came_back += 1;
        }
    }
    assert!(came_back > 0, "nobody fell behind and caught up again");
}

/// Reads some messages, then nothing until some more events have been written, and so on.
async fn read_slowly(feed: &mut Feed, events: usize, mut written: watch::Receiver<usize>) {
    let mut seen = 0;
    while seen < events {
        let pause: usize = rand::rng().random_range(1..200);
        let wait_for = (*written.borrow() + pause).min(events);
        written.wait_for(|count| *count >= wait_for).await.unwrap();
        seen = (seen + rand::rng().random_range(1..200)).min(events);
        feed.until_events(seen).await;
    }
}

/// Lets writers append at once, each to a stream of its own, and counts the events that are written.
async fn write(
    client: &GraphqlClient,
    writers: usize,
    requests: usize,
    events: usize,
    written: &watch::Sender<usize>,
) {
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (client, written) = (client.clone(), written.clone());
        tasks.spawn(async move {
            for _ in 0..requests {
                let stream = format!("game-{writer}");
                let sent = new_events(events);
                client.appended(&stream, Expected::Any, sent).await;
                written.send_modify(|count| *count += events);
            }
        });
    }
    while let Some(finished) = tasks.join_next().await {
        finished.unwrap();
    }
}

const SUBSCRIBERS: usize = 100;
const BURST: usize = 10_000;
/// A million messages, on a machine that may be busy with other tests.
const BURST_DEADLINE: Duration = Duration::from_mins(5);
const FEW_FIELDS: &str = "subscription {
  events { ... on FeedPoint { position } ... on EventReceived { __typename } }
}";

async fn a_hundred_subscribers_see_a_burst_once_and_in_order(world: World) {
    let server = world.server().await;
    let mut subscribers = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        let mut feed = Subscription::start(&server.base_url(), FEW_FIELDS, json!({}))
            .await
            .with_deadline(BURST_DEADLINE);
        let first = feed.next().await.unwrap();
        assert_eq!(first["events"]["position"], 0);
        subscribers.spawn(async move {
            let mut last = 0;
            while last < BURST {
                let message = feed.next().await.unwrap();
                if message["events"]["__typename"] == "EventReceived" {
                    assert_eq!(message["events"]["position"], last + 1);
                    last += 1;
                }
            }
        });
    }
    let client = GraphqlClient::new(&server.base_url());
    write(&client, 4, 25, BURST / 100, &watch::Sender::new(0)).await;
    while let Some(finished) = subscribers.join_next().await {
        finished.unwrap();
    }
}
