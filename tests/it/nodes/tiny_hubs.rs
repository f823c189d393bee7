//! Two nodes whose hubs have hardly any room, and writers at both: whatever falls off a ring, whatever does
//! not fit it and whatever comes in the wrong order, no follower misses or doubles an event.

use rand::Rng;
use tokio::task::JoinSet;

use super::listening::{append, feed_from_origin, node, read_until};
use crate::follow::feed::positions;
use crate::follow::in_process::open_node;
use crate::support::World;

const APPENDS: u8 = 40;
const FOLLOWERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn rings_of_one_event_lose_nothing() {
    race(1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rings_of_two_events_lose_nothing() {
    race(2, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rings_of_a_thousand_events_lose_nothing() {
    race(1_024, 4).await;
}

async fn race(hub_capacity: usize, page_events: u64) {
    let world = World::postgres().await;
    let nodes = [
        open_node(&world, node(hub_capacity, page_events)).await,
        open_node(&world, node(hub_capacity, page_events)).await,
    ];
    let mut followers = Vec::new();
    for number in 0..FOLLOWERS {
        followers.push(feed_from_origin(&nodes[number % nodes.len()]));
    }
    let mut writers = JoinSet::new();
    for node in &nodes {
        for _ in 0..2 {
            let node = node.clone();
            writers.spawn(async move {
                let mut written = 0;
                for _ in 0..APPENDS {
                    let count = rand::rng().random_range(1..4);
                    append(&node, count).await;
                    written += count;
                }
                written
            });
        }
    }
    let mut reading = JoinSet::new();
    let (head, known) = tokio::sync::watch::channel(None);
    for mut feed in followers {
        let mut known = known.clone();
        reading.spawn(async move {
            // The first half as it comes, so that followers live through the race.
            let mut seen = read_until(&mut feed, i64::from(APPENDS)).await;
            let head = known.wait_for(Option::is_some).await.unwrap().unwrap();
            seen.extend(read_until(&mut feed, head).await);
            (seen, head)
        });
    }
    let mut written = 0;
    while let Some(writer) = writers.join_next().await {
        written += writer.unwrap();
    }
    // The last event is a node's own, so that the other one must hear of it.
    let last = append(&nodes[0], 1).await;
    assert_eq!(last, i64::try_from(written + 1).unwrap());
    head.send_replace(Some(last));
    while let Some(read) = reading.join_next().await {
        let (seen, head) = read.unwrap();
        assert_eq!(seen, positions(1, head));
    }
    for node in nodes {
        node.close().await;
    }
}
