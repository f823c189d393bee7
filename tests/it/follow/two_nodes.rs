//! Two stores on one PostgreSQL: a follower of one of them loses nothing of what the other has written
//! (rules O3 and S7).

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::filter::EventFilter;
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    Append, EventStore, FeedMessage, Follow, FollowOptions, StreamAppend,
};
use uuid::Uuid;

use super::feed::positions;
use super::in_process::open_store;
use crate::support::World;

/// The hub of a node does not see what another node commits. Its next own event shows the gap, and the
/// follower reads the log before it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_wrote_in_between_comes_in_its_place() {
    const ROUNDS: usize = 20;
    let world = World::postgres().await;
    let options = FollowOptions {
        page_events: 4,
        scan_window: 4,
        checkpoint_every: 1_000,
        checkpoint_interval: Duration::from_mins(1),
    };
    let (here, there) = (
        open_store(&world, 1_024, options).await,
        open_store(&world, 1_024, options).await,
    );
    let mut feed = pin!(here.follow(Follow {
        scope: Scope::All,
        filter: EventFilter::default(),
        after: Position::ORIGIN,
    }));
    let first = feed.next().await.unwrap();
    assert!(matches!(first, FeedMessage::CaughtUp(Position::ORIGIN)));
    let mut seen = Vec::new();
    for round in 0..ROUNDS {
        for _ in 0..round % 7 {
            append(&there).await;
        }
        let last = append(&here).await;
        while seen.last() != Some(&last) {
            match feed.next().await.unwrap() {
                FeedMessage::Event(event) => seen.push(event.position.get()),
                FeedMessage::CaughtUp(_) => {}
                other => panic!("{other:?} after {seen:?}"),
            }
        }
        assert_eq!(seen, positions(1, last));
    }
    here.close().await;
    there.close().await;
}

/// Appends one event, and returns its position.
async fn append(store: &EventStore) -> i64 {
    let event = NewEvent {
        event_id: Some(Uuid::now_v7()),
        event_type: "tick".to_owned(),
        schema_version: None,
        data: "{}".to_owned(),
        metadata: None,
    };
    let stream = StreamAppend {
        stream: "game-1".to_owned(),
        expected: ExpectedVersion::Any,
        events: vec![event],
    };
    let append = Append {
        streams: vec![stream],
        is_batch: false,
    };
    let committed = store.append(append).await.unwrap();
    committed.streams[0].events[0].position.get()
}
