//! The store itself, opened in the test's own process, for tests that must look inside.

use std::time::Duration;

use gamebot_event_store::store::{
    AppendLimits, Database, DatabaseOptions, EventStore, FollowOptions, OperationOptions,
    ScavengeOptions, SnapshotOptions, StoreOptions, TailOptions,
};

use crate::support::{World, unchecked_registry};

/// What differs between the stores that tests open.
pub(crate) struct Node {
    pub(crate) listen_url: Option<String>,
    pub(crate) hub_capacity: usize,
    pub(crate) follow: FollowOptions,
    pub(crate) tail: TailOptions,
}

/// Migrates the world's database, and starts a store on it.
pub(crate) async fn open_store(
    world: &World,
    hub_capacity: usize,
    follow: FollowOptions,
) -> EventStore {
    let tail = world.config().tail;
    let node = Node {
        listen_url: None,
        hub_capacity,
        follow,
        tail: TailOptions {
            poll_interval: tail.poll_interval,
            notify_interval: tail.notify_interval,
        },
    };
    open_node(world, node).await
}

/// Like [`open_store`], with everything that may differ.
pub(crate) async fn open_node(world: &World, node: Node) -> EventStore {
    let config = world.config();
    let database = Database::open(DatabaseOptions {
        url: world.database_url().to_owned(),
        read_connections: config.database.read_connections,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        listen_url: node.listen_url,
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
        hub_capacity: node.hub_capacity,
        follow: node.follow,
        operations: OperationOptions {
            poll: config.operations.poll,
            takeover_after: config.operations.takeover_after,
            // Short, so that a test that waits for the end of an operation soon hears of it.
            watch: Duration::from_millis(2),
            max_unfinished: config.operations.max_unfinished,
        },
        scavenge: ScavengeOptions {
            batch_events: config.scavenge.batch_events,
            pause: Duration::ZERO,
        },
        snapshots: SnapshotOptions {
            kept_per_stream: 20,
            queue: 64,
        },
        tail: node.tail,
    };
    EventStore::start(database, options, unchecked_registry())
        .await
        .unwrap()
}
