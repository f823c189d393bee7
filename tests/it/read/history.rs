//! A store in this process, and a log in it that the test knows by heart.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gamebot_event_store::event::{NewEvent, RecordedEvent};
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::store::{
    Append, AppendLimits, Database, DatabaseOptions, EventStore, FollowOptions, OperationOptions,
    ScavengeOptions, SnapshotOptions, StoreOptions, StreamAppend, TailOptions,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use crate::support::{World, unchecked_registry};

/// Few values for everything, so that filters often match and often just miss.
pub(super) const STREAMS: [&str; 7] = [
    "game-1",
    "game-10",
    "game-2",
    "gamelog-1",
    "team-1",
    "team-2",
    "t-1",
];
pub(super) const TYPES: [&str; 3] = ["guess_processed", "guess_abandoned", "guess"];
pub(super) const GUILDS: [&str; 3] = ["77", "777", "8"];
pub(super) const PEOPLE: [&str; 3] = ["5", "55", "ü"];
pub(super) const TALKS: [&str; 3] = ["talk", "talk-2", "Talk"];

/// A store on the database of a world.
pub(crate) async fn open(world: &World) -> EventStore {
    let seconds = Duration::from_secs;
    let database = Database::open(DatabaseOptions {
        url: world.database_url().to_owned(),
        read_connections: 4,
        connect_timeout: seconds(30),
        statement_timeout: seconds(30),
        listen_url: None,
        transaction_pooler: false,
    })
    .unwrap();
    let writer = database.writer();
    migration::up(&writer).await.unwrap();
    writer.close().await.unwrap();
    let options = StoreOptions {
        append: AppendLimits {
            max_events: 1000,
            max_request_bytes: 1 << 20,
            max_event_bytes: 1 << 16,
            max_batch_streams: 100,
        },
        max_stream_events: 10_000,
        queue_requests: 1000,
        queue_bytes: 1 << 26,
        group_events: 2000,
        group_bytes: 1 << 22,
        deadline: seconds(30),
        hub_capacity: 16,
        follow: FollowOptions {
            page_events: 100,
            scan_window: 1000,
            checkpoint_every: 1000,
            checkpoint_interval: seconds(5),
        },
        operations: OperationOptions {
            poll: seconds(1),
            takeover_after: seconds(10),
            watch: seconds(1),
            max_unfinished: 1,
        },
        scavenge: ScavengeOptions {
            batch_events: 100,
            pause: seconds(0),
        },
        snapshots: SnapshotOptions {
            kept_per_stream: 20,
            queue: 64,
        },
        tail: TailOptions {
            poll_interval: seconds(1),
            notify_interval: Duration::from_millis(2),
        },
    };
    EventStore::start(database, options, unchecked_registry())
        .await
        .unwrap()
}

/// An event as the test wrote it, with what the store added.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) position: i64,
    pub(super) stream: &'static str,
    pub(super) version: i32,
    pub(super) guild: Option<&'static str>,
    pub(super) event_type: &'static str,
    pub(super) event_id: Uuid,
    pub(super) data: Value,
    pub(super) metadata: Value,
    pub(super) recorded_at: DateTime<Utc>,
    /// For the filter of live feeds, which sees nothing else.
    pub(super) recorded: Arc<RecordedEvent>,
}

impl Known {
    /// A text in the metadata.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.metadata[key].as_str()
    }

    pub(super) fn correlation(&self) -> String {
        let own = self.event_id.to_string();
        self.text("correlation_id").map_or(own, str::to_owned)
    }
}

/// The guild that each stream has from its first event on.
pub(super) fn guild_of(stream: &str) -> Option<&'static str> {
    let place = STREAMS.iter().position(|name| *name == stream).unwrap();
    [Some(0), Some(1), None, Some(0), None, Some(2), Some(1)][place]
        .map(|guild: usize| GUILDS[guild])
}

/// Appends random events, and returns them in the order of the log.
pub(super) async fn fill(store: &EventStore, seed: u64, requests: usize) -> Vec<Known> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut known: Vec<Known> = Vec::new();
    for _ in 0..requests {
        let stream = *STREAMS.choose(&mut random).unwrap();
        let written: Vec<Written> = (0..random.random_range(1..4))
            .map(|_| written(&mut random, stream, &known))
            .collect();
        let events = written.iter().map(|event| NewEvent {
            event_id: Some(event.event_id),
            event_type: event.event_type.to_owned(),
            schema_version: None,
            data: event.data.to_string(),
            metadata: Some(event.metadata.to_string()),
        });
        let part = StreamAppend {
            stream: stream.to_owned(),
            expected: ExpectedVersion::Any,
            events: events.collect(),
        };
        let append = Append {
            streams: vec![part],
            is_batch: false,
        };
        let committed = store.append(append).await.unwrap();
        for (event, recorded) in written.into_iter().zip(&committed.streams[0].events) {
            known.push(Known {
                position: recorded.position.get(),
                stream,
                version: recorded.stream_version,
                guild: guild_of(stream),
                event_type: event.event_type,
                event_id: event.event_id,
                data: event.data,
                metadata: event.metadata,
                recorded_at: recorded.recorded_at,
                recorded: Arc::clone(recorded),
            });
        }
        // The clock of the store counts milliseconds, and some events should lie apart.
        if random.random_bool(0.3) {
            let last = committed.streams[0].events[0].recorded_at;
            eventually("the clock to move on", async || {
                (Utc::now().timestamp_millis() > last.timestamp_millis()).then_some(())
            })
            .await;
        }
    }
    known
}

struct Written {
    event_id: Uuid,
    event_type: &'static str,
    data: Value,
    metadata: Value,
}

fn written(random: &mut StdRng, stream: &str, known: &[Known]) -> Written {
    let mut metadata = json!({});
    if random.random_bool(0.6) {
        metadata["actor_id"] = json!(PEOPLE.choose(random).unwrap());
    }
    if random.random_bool(0.6) {
        metadata["correlation_id"] = json!(TALKS.choose(random).unwrap());
    }
    if random.random_bool(0.6) {
        let cause = known
            .choose(random)
            .map_or_else(|| "outside".to_owned(), |event| event.event_id.to_string());
        metadata["causation_id"] = json!(cause);
    }
    metadata["n"] = json!(random.random_range(0..3));
    let mut data = json!({"a": random.random_range(0..3), "b": {"c": [random.random_bool(0.5), null]}, "d": PEOPLE.choose(random).unwrap()});
    if let Some(guild) = guild_of(stream) {
        data["guild_id"] = json!(guild);
    }
    Written {
        event_id: Uuid::from_u128(random.random()),
        event_type: TYPES.choose(random).unwrap(),
        data,
        metadata,
    }
}
