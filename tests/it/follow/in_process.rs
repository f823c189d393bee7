//! The store itself, opened in the test's own process, for tests that must look inside.

use std::time::Duration;

use gamebot_event_store::store::{
    AppendLimits, Database, DatabaseOptions, EventStore, FollowOptions, StoreOptions, TailOptions,
};

use crate::support::World;

/// Migrates the world's database, and starts a store on it.
pub(crate) async fn open_store(
    world: &World,
    hub_capacity: usize,
    follow: FollowOptions,
) -> EventStore {
    let config = world.config();
    let database = Database::open(DatabaseOptions {
        url: world.database_url().to_owned(),
        read_connections: config.database.read_connections,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        listen_url: None,
        transaction_pooler: false,
    })
    .unwrap();
    let writer = database.writer();
    migration::up(&writer).await.unwrap();
    writer.close().await.unwrap();
    let options = StoreOptions {
        append: AppendLimits {
            max_events: config.append.max_events,
            max_request_bytes: config.append.max_request_bytes,
            max_event_bytes: config.append.max_event_bytes,
            max_batch_streams: config.append.max_batch_streams,
        },
        max_stream_events: 10_000,
        queue_requests: config.append.queue_requests,
        queue_bytes: config.append.queue_bytes,
        group_events: config.append.group_events,
        group_bytes: config.append.group_bytes,
        deadline: Duration::from_secs(30),
        hub_capacity,
        follow,
        tail: TailOptions {
            poll_interval: config.tail.poll_interval,
            notify_interval: config.tail.notify_interval,
        },
    };
    EventStore::start(database, options).await.unwrap()
}
