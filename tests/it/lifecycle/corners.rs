//! Corners in which the life of a stream went wrong once.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::filter::EventFilter;
use gamebot_event_store::position::Position;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    Append, Change, ChangeKind, Changed, Committed, Database, DatabaseOptions, EventQuery,
    EventStore, FeedMessage, Follow, FollowOptions, StreamAppend, StreamSettings, VersionRange,
};
use gamebot_event_store::stream::{Retention, StreamName};
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use crate::follow::in_process;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    the_life_of_a_stream_belongs_to_the_guild_that_the_stream_got_later,
    what_its_age_has_hidden_stays_hidden_when_the_stream_keeps_more_again,
    a_live_follower_is_not_shown_what_a_newer_event_has_pushed_out,
    a_slow_reader_of_the_log_is_not_shown_what_newer_events_have_pushed_out,
    a_change_of_another_stream_does_not_make_a_follower_read_its_page_again,
    a_stream_at_its_own_limit_is_told_the_remedy_that_helps,
);

const FOLLOW: FollowOptions = FollowOptions {
    page_events: 100,
    scan_window: 10_000,
    checkpoint_every: 1_000,
    checkpoint_interval: Duration::from_mins(1),
};

fn event(guild_id: Option<&str>) -> NewEvent {
    let data = guild_id.map_or_else(|| json!({"n": 1}), |id| json!({"guild_id": id}));
    NewEvent {
        event_id: Some(Uuid::now_v7()),
        event_type: "tick".to_owned(),
        schema_version: None,
        data: data.to_string(),
        metadata: None,
    }
}

fn append_of(stream: &str, events: Vec<NewEvent>) -> Append {
    Append {
        streams: vec![StreamAppend {
            stream: stream.to_owned(),
            expected: ExpectedVersion::Any,
            events,
        }],
        is_batch: false,
    }
}

async fn append(store: &EventStore, stream: &str, events: usize) -> Committed {
    let events = (0..events).map(|_| event(None)).collect();
    store.append(append_of(stream, events)).await.unwrap()
}

async fn change(store: &EventStore, stream: &str, kind: ChangeKind) -> Changed {
    let change = Change {
        stream: stream.to_owned(),
        expected: ExpectedVersion::Any,
        kind,
        event_id: None,
        metadata: None,
    };
    store.change(change).await.unwrap()
}

fn keeps(retention: Retention) -> ChangeKind {
    ChangeKind::SetMetadata(StreamSettings {
        retention,
        ..StreamSettings::default()
    })
}

fn newest(count: i32) -> ChangeKind {
    keeps(Retention {
        max_count: Some(count),
        ..Retention::default()
    })
}

fn a_second() -> ChangeKind {
    keeps(Retention {
        max_age_ms: Some(1_000),
        ..Retention::default()
    })
}

async fn types(store: &EventStore, scope: Scope, filter: EventFilter) -> Vec<String> {
    let query = EventQuery {
        scope,
        filter,
        stream_id: None,
        after: Position::ORIGIN,
        through: Position::MAX,
        versions: VersionRange::default(),
        descending: false,
        limit: 100,
    };
    let events = store.events(&query).await.unwrap();
    let types = events.iter().map(|event| event.event_type.as_str());
    types.map(str::to_owned).collect()
}

async fn of_stream(store: &EventStore, stream: &str) -> usize {
    let filter = EventFilter {
        stream: Some(StreamName::parse(stream).unwrap()),
        ..EventFilter::default()
    };
    types(store, Scope::All, filter).await.len()
}

/// Rule O8 and R7: who sees a stream sees its life, and nobody else does.
async fn the_life_of_a_stream_belongs_to_the_guild_that_the_stream_got_later(world: World) {
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    change(&store, &stream, newest(10)).await;
    let first = append_of(&stream, vec![event(Some("4711"))]);
    store.append(first).await.unwrap();
    change(&store, &stream, ChangeKind::Delete).await;

    let everything = || EventFilter {
        include_reserved: true,
        ..EventFilter::default()
    };
    let strangers = Scope::Guilds {
        guild_ids: BTreeSet::new(),
        include_without_guild: true,
    };
    let owners = Scope::Guilds {
        guild_ids: BTreeSet::from(["4711".into()]),
        include_without_guild: false,
    };
    let deleted = "$stream_deleted".to_owned();
    let seen = types(&store, owners, everything()).await;
    assert!(seen.contains(&deleted), "the guild itself sees {seen:?}");
    let seen = types(&store, strangers, everything()).await;
    assert!(!seen.contains(&deleted), "others see {seen:?}");
}

/// `hidden_through` only grows: what is hidden stays hidden.
async fn what_its_age_has_hidden_stays_hidden_when_the_stream_keeps_more_again(world: World) {
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    append(&store, &stream, 3).await;
    change(&store, &stream, a_second()).await;
    eventually("the events to be too old", async || {
        (of_stream(&store, &stream).await == 0).then_some(())
    })
    .await;
    change(&store, &stream, keeps(Retention::default())).await;
    assert_eq!(of_stream(&store, &stream).await, 0, "they came back");
}

fn from_here(store: &EventStore) -> Follow {
    Follow {
        scope: Scope::All,
        filter: EventFilter::default(),
        after: store.known_head(),
    }
}

/// The ring holds an event with its payload; by the time that its follower looks, it is hidden.
async fn a_live_follower_is_not_shown_what_a_newer_event_has_pushed_out(world: World) {
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    change(&store, &stream, newest(1)).await;
    let mut feed = pin!(store.follow(from_here(&store)));
    assert!(matches!(feed.next().await, Some(FeedMessage::CaughtUp(_))));
    append(&store, &stream, 1).await;
    append(&store, &stream, 1).await;
    assert_eq!(of_stream(&store, &stream).await, 1, "the first is hidden");
    let Some(FeedMessage::Event(first)) = feed.next().await else {
        panic!("the first event")
    };
    assert_eq!(first.stream_version, 1);
    assert_eq!(first.data, None, "a hidden payload is never shown");
}

/// The same for a page that was read while its events were shown.
async fn a_slow_reader_of_the_log_is_not_shown_what_newer_events_have_pushed_out(world: World) {
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    change(&store, &stream, newest(3)).await;
    let from = from_here(&store);
    append(&store, &stream, 3).await;
    let mut feed = pin!(store.follow(from));
    feed.next().await.unwrap();
    append(&store, &stream, 3).await;
    let Some(FeedMessage::Event(second)) = feed.next().await else {
        panic!("the second event")
    };
    assert_eq!(second.stream_version, 2);
    assert_eq!(second.data, None, "a hidden payload is never shown");
}

/// A page of 100 events is read once, whatever happens to streams that it does not hold.
async fn a_change_of_another_stream_does_not_make_a_follower_read_its_page_again(world: World) {
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let (stream, other) = (new_stream("game"), new_stream("other"));
    append(&store, &stream, 50).await;
    let from = Follow {
        after: Position::ORIGIN,
        ..from_here(&store)
    };
    let mut feed = pin!(store.follow(from));
    let before = store.read_statements();
    for _ in 0..50 {
        let message = feed.next().await;
        assert!(matches!(message, Some(FeedMessage::Event(_))));
        // Says nothing of what is kept, so hides nothing.
        change(&store, &other, keeps(Retention::default())).await;
    }
    let reads = store.read_statements() - before;
    assert!(reads <= 3, "50 events of one page took {reads} reads");
}

async fn a_stream_at_its_own_limit_is_told_the_remedy_that_helps(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let any = json!({"state": "ANY"});
    let set = "mutation($input: SetStreamMetadataInput!) { setStreamMetadata(input: $input) { __typename } }";
    let input = json!({"stream": stream, "expectedMetadataVersion": any, "maxEvents": 1});
    client.query(set, json!({"input": input})).await;
    let append = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { \
                  ... on StreamTooLarge { message } } }";
    let event = || json!({"eventId": Uuid::now_v7(), "type": "tick", "data": {}});
    let input = json!({"stream": stream, "expectedVersion": any, "events": [event(), event()]});
    let answer: Value = client.query(append, json!({"input": input})).await;
    let message = answer["appendToStream"]["message"].as_str().unwrap();
    assert!(message.contains("maxEvents"), "{message}");
    assert!(!message.contains("append.max_stream_events"), "{message}");
}

/// On one thread both requests are in the queue before the committer looks, so that they share a group.
#[tokio::test]
async fn of_two_appends_in_a_group_the_second_may_count_on_what_age_has_hidden() {
    let world = World::sqlite();
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    append(&store, &stream, 1).await;
    let limited = ChangeKind::SetMetadata(StreamSettings {
        retention: Retention {
            max_age_ms: Some(1_000),
            ..Retention::default()
        },
        max_events: Some(2),
        custom: None,
    });
    change(&store, &stream, limited).await;
    eventually("the event to be too old", async || {
        (of_stream(&store, &stream).await == 0).then_some(())
    })
    .await;
    let (one, other) = tokio::join!(
        store.append(append_of(&stream, vec![event(None)])),
        store.append(append_of(&stream, vec![event(None)])),
    );
    one.unwrap();
    other.unwrap();
}

/// As above; the second request is a retry that overtakes its answer.
#[tokio::test]
async fn a_retry_in_the_same_group_is_not_shown_what_the_append_hid_at_once() {
    let world = World::sqlite();
    let store = in_process::open_store(&world, 64, FOLLOW).await;
    let stream = new_stream("game");
    change(&store, &stream, newest(1)).await;
    let request = append_of(&stream, vec![event(None), event(None)]);
    let (one, other) = tokio::join!(store.append(request.clone()), store.append(request));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(other.duplicate);
    let first = |committed: &Committed| committed.streams[0].events[0].data.clone();
    assert_eq!((first(&one), first(&other)), (None, None));
}

/// A file has one server process, whatever it is called.
#[tokio::test]
async fn a_sqlite_file_is_locked_under_all_of_its_names() {
    let world = World::sqlite();
    let open = |name: &str| {
        let config = world.config();
        Database::open(DatabaseOptions {
            url: format!("sqlite://{}", world.folder().join(name).display()),
            read_connections: 1,
            connect_timeout: config.database.connect_timeout,
            statement_timeout: config.database.statement_timeout,
            listen_url: None,
            transaction_pooler: false,
        })
    };
    let first = open("log.db").unwrap();
    migration::up(&first.writer()).await.unwrap();
    std::os::unix::fs::symlink(
        world.folder().join("log.db"),
        world.folder().join("other.db"),
    )
    .unwrap();
    assert!(open("other.db").is_err(), "two servers have one file");
}

/// `correlated` says: the events of its conversation, itself among them.
#[tokio::test]
async fn an_event_of_the_store_itself_is_among_those_of_its_conversation() {
    let world = World::sqlite();
    let (_server, client) = world.server_and_client().await;
    let set = "mutation($input: SetStreamMetadataInput!) { setStreamMetadata(input: $input) { \
               ... on StreamChanged { event { eventId correlated { nodes { eventId } } } } } }";
    let input = json!({"stream": new_stream("game"), "expectedMetadataVersion": {"exactly": 0}});
    let answer = client.query(set, json!({"input": input})).await;
    let event = &answer["setStreamMetadata"]["event"];
    let found = event["correlated"]["nodes"].as_array().unwrap();
    let ids: Vec<_> = found.iter().map(|found| &found["eventId"]).collect();
    assert_eq!(ids, [&event["eventId"]]);
}
