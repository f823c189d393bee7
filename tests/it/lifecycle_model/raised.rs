//! What no program can hit by chance: a scavenge hides what has aged between the look of an append at its
//! stream and its write. Only PostgreSQL lets the two run at once.

use std::time::Duration;

use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{Append, Committed, EventStore, FollowOptions, StreamAppend};
use gamebot_event_store::stream::StreamName;
use sea_orm::{ConnectionTrait, Database, Statement, TransactionTrait};
use testkit::eventually;
use uuid::Uuid;

use crate::follow::in_process::open_store;
use crate::support::World;

const STREAM: &str = "game-raised";

#[tokio::test(flavor = "multi_thread")]
async fn an_append_shows_nothing_again_that_was_hidden_while_it_was_written() {
    let world = World::postgres().await;
    let store = open_store(&world, 16, follow_options()).await;
    append(&store, 3).await;
    let beside = Database::connect(world.database_url()).await.unwrap();
    let hiding = beside.begin().await.unwrap();
    let sql = format!("UPDATE streams SET hidden_through = 2 WHERE name = '{STREAM}'");
    hiding.execute_unprepared(&sql).await.unwrap();
    // The append has looked at the stream by the time it waits for the row.
    let appending = tokio::spawn({
        let store = store.clone();
        async move { append(&store, 1).await }
    });
    let waiting = "SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO streams%'";
    let waiting = Statement::from_string(beside.get_database_backend(), waiting);
    eventually("the append waits for the stream's row", async || {
        let found = beside.query_one_raw(waiting.clone()).await.unwrap();
        found.map(|_| ())
    })
    .await;
    hiding.commit().await.unwrap();
    assert_eq!(appending.await.unwrap().streams[0].version, 4);
    let name = StreamName::parse(STREAM).unwrap();
    let found = store.stream(&Scope::All, &name).await.unwrap().unwrap();
    assert_eq!((found.version, found.hidden_through), (4, 2));
    store.close().await;
}

fn follow_options() -> FollowOptions {
    FollowOptions {
        page_events: 10,
        scan_window: 100,
        checkpoint_every: 100,
        checkpoint_interval: Duration::from_secs(1),
    }
}

async fn append(store: &EventStore, count: usize) -> Committed {
    let event = || NewEvent {
        event_id: Some(Uuid::now_v7()),
        event_type: "noted".to_owned(),
        schema_version: None,
        data: "{}".to_owned(),
        metadata: None,
    };
    let stream = StreamAppend {
        stream: STREAM.to_owned(),
        expected: ExpectedVersion::Any,
        events: (0..count).map(|_| event()).collect(),
    };
    let append = Append {
        streams: vec![stream],
        is_batch: false,
    };
    store.append(append).await.unwrap()
}
