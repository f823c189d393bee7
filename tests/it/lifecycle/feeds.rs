//! Feeds and what is hidden: an unfiltered feed delivers it at its position as removed, a filtered one passes
//! it by and moves its cursor on (rule L5); and feeds of the store's own streams.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, Subscription};

use super::door::{Change, EVENT, assert_removed, life_of, set_metadata, whole_log};
use crate::append::door::{appended, each, head, new_events};
use crate::scavenge::door::scavenged;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    an_unfiltered_feed_delivers_hidden_events_as_removed_at_their_positions,
    a_filtered_feed_passes_hidden_events_by_and_tells_how_far_it_has_come,
    a_feed_of_a_stream_begins_after_a_hidden_version_and_passes_the_hidden_ones_by,
    events_that_are_hidden_at_birth_are_so_on_live_feeds,
    changes_reach_the_feeds_that_ask_for_them_and_no_others,
    a_feed_that_ends_at_a_hidden_event_resumes_after_it,
);

const MESSAGE: &str = "{ __typename ... on FeedPoint { position cursor }
    ... on EventReceived { event { EVENT stream { status } } } }";

/// A feed, message by message.
pub(super) struct Feed {
    subscription: Subscription,
}

impl Feed {
    /// Follows the log.
    pub(super) async fn start(server: &ServerProcess, from: Value, filter: Value) -> Self {
        let query = format!(
            "subscription($from: StartFrom, $filter: EventFilter) {{ feed: events(from: $from, filter: $filter) {} }}",
            MESSAGE.replace("EVENT", EVENT)
        );
        let variables = json!({"from": from, "filter": filter});
        Self {
            subscription: Subscription::start(&server.base_url(), &query, variables).await,
        }
    }

    /// Follows a stream.
    pub(super) async fn of_stream(server: &ServerProcess, name: &str, from: Value) -> Self {
        let query = format!(
            "subscription($name: String!, $from: StartFrom) {{ feed: stream(name: $name, from: $from) {} }}",
            MESSAGE.replace("EVENT", EVENT)
        );
        let variables = json!({"name": name, "from": from});
        Self {
            subscription: Subscription::start(&server.base_url(), &query, variables).await,
        }
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Value {
        let mut data = self.subscription.next().await.unwrap();
        data["feed"].take()
    }

    /// The events that come until the feed stands at a position.
    pub(super) async fn events_until(&mut self, position: u64) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let mut message = self.next().await;
            if message["__typename"] == "EventReceived" {
                assert_eq!(message["position"], message["event"]["position"]);
                events.push(message["event"].take());
            }
            if message["position"].as_u64().unwrap() >= position {
                return events;
            }
        }
    }

    /// The events that come before the feed has caught up.
    pub(super) async fn events_until_caught_up(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let mut message = self.next().await;
            match message["__typename"].as_str() {
                Some("EventReceived") => events.push(message["event"].take()),
                Some("CaughtUp") => return events,
                _ => {}
            }
        }
    }
}

/// A server whose filtered feeds tell soon how far they have come.
async fn talkative(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// Streams whose events are hidden for each reason, and one whose are not, with three events each.
async fn hidden_streams(client: &GraphqlClient) -> Vec<(String, Option<&'static str>)> {
    let mut streams = Vec::new();
    for reason in [
        Some("SCAVENGED"),
        Some("DELETED"),
        Some("TOMBSTONED"),
        Some("RETENTION"),
        None,
    ] {
        let stream = new_stream("game");
        appended(client, &stream, Expected::NoStream, &new_events(3)).await;
        match reason {
            Some("SCAVENGED") => {
                Change::Delete.of(client, &stream).await;
                scavenged(client, json!({"stream": stream})).await;
            }
            Some("DELETED") => {
                Change::Delete.of(client, &stream).await;
            }
            Some("TOMBSTONED") => {
                Change::Tombstone.of(client, &stream).await;
            }
            Some(_) => {
                set_metadata(client, &stream, json!({"truncateBefore": 4})).await;
            }
            None => {}
        }
        streams.push((stream, reason));
    }
    streams
}

async fn an_unfiltered_feed_delivers_hidden_events_as_removed_at_their_positions(world: World) {
    let (server, client) = world.server_and_client().await;
    let streams = hidden_streams(&client).await;
    let origin = json!({"at": "ORIGIN"});
    let mut feed = Feed::start(&server, origin.clone(), Value::Null).await;
    let events = feed.events_until_caught_up().await;
    assert_eq!(events.len(), 15);
    for (event, number) in events.iter().zip(0..) {
        let (stream, reason) = &streams[number / 3];
        assert_eq!(event["streamName"], *stream);
        match reason {
            Some(reason) => assert_removed(event, reason),
            None => assert!(event["data"].is_object(), "{event:#}"),
        }
    }
    let everything = json!({"includeSystem": true});
    let mut feed = Feed::start(&server, origin, everything).await;
    let mut events = feed.events_until_caught_up().await;
    for event in &mut events {
        event.as_object_mut().unwrap().remove("stream");
    }
    assert_eq!(events, whole_log(&client).await);
}

async fn a_filtered_feed_passes_hidden_events_by_and_tells_how_far_it_has_come(world: World) {
    let (server, client) = talkative(&world).await;
    let streams = hidden_streams(&client).await;
    let (open, _) = streams.last().unwrap();
    // What comes last is hidden, so that only a checkpoint can pass it.
    let last = new_stream("game");
    appended(&client, &last, Expected::NoStream, &new_events(2)).await;
    Change::Delete.of(&client, &last).await;
    let end = head(&client).await;
    let filters = [
        json!({"categories": ["game"]}),
        json!({"streamPrefix": "game-"}),
        json!({"types": ["noted"]}),
        json!({"recordedFrom": "2020-01-01T00:00:00Z"}),
        json!({"types": ["noted"], "includeSystem": true}),
    ];
    let mut feeds = Vec::new();
    for filter in filters {
        let origin = json!({"at": "ORIGIN"});
        let mut feed = Feed::start(&server, origin, filter.clone()).await;
        let events = feed.events_until(end).await;
        assert_eq!(each(&events, "streamName"), [open.as_str(); 3], "{filter}");
        assert_eq!(each(&events, "streamVersion"), [1, 2, 3], "{filter}");
        feeds.push((feed, filter));
    }
    // Live, what is shown comes, and a deletion comes to nothing but a cursor.
    let more = appended(&client, open, Expected::Any, &new_events(1)).await;
    Change::Delete.of(&client, open).await;
    let end = head(&client).await;
    for (mut feed, filter) in feeds {
        let events = feed.events_until(end).await;
        let shown: Vec<&Value> = events
            .iter()
            .filter(|event| event["removed"].is_null())
            .collect();
        assert_eq!(events.len(), shown.len(), "{filter}: {events:#?}");
        // A feed that was slower than the deletion need not have seen the event.
        for event in shown {
            assert_eq!(event["position"], more["lastPosition"], "{filter}");
        }
    }
}

async fn a_feed_of_a_stream_begins_after_a_hidden_version_and_passes_the_hidden_ones_by(
    world: World,
) {
    let (server, client) = talkative(&world).await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(4)).await;
    Change::Delete.of(&client, &stream).await;
    appended(&client, &stream, Expected::NoStream, &new_events(2)).await;
    for from in [
        json!({"version": 0}),
        json!({"version": 2}),
        json!({"version": 4}),
        json!({"at": "ORIGIN"}),
        json!({"position": 1}),
    ] {
        let mut feed = Feed::of_stream(&server, &stream, from.clone()).await;
        let events = feed.events_until_caught_up().await;
        assert_eq!(each(&events, "streamVersion"), [5, 6], "{from}");
    }
    let mut feed = Feed::of_stream(&server, &stream, json!({"version": 5})).await;
    assert_eq!(
        each(&feed.events_until_caught_up().await, "streamVersion"),
        [6]
    );
    // The stream goes on through a deletion and a reopening, without a gap in what is shown.
    Change::Delete.of(&client, &stream).await;
    let reopened = appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    let position = reopened["lastPosition"].as_u64().unwrap();
    let events = feed.events_until(position).await;
    assert_eq!(each(&events, "streamVersion"), [7]);
    // Nothing shown at all: the cursor moves all the same.
    Change::Delete.of(&client, &stream).await;
    let end = head(&client).await;
    let mut feed = Feed::of_stream(&server, &stream, json!({"version": 1})).await;
    assert_eq!(feed.events_until(end).await, [] as [Value; 0]);
}

async fn events_that_are_hidden_at_birth_are_so_on_live_feeds(world: World) {
    let (server, client) = talkative(&world).await;
    let stream = new_stream("game");
    set_metadata(&client, &stream, json!({"maxCount": 2})).await;
    let end = Value::Null;
    let mut unfiltered = Feed::start(&server, end.clone(), Value::Null).await;
    let mut filtered = Feed::start(&server, end.clone(), json!({"categories": ["game"]})).await;
    let mut of_stream = Feed::of_stream(&server, &stream, end).await;
    for feed in [&mut unfiltered, &mut filtered, &mut of_stream] {
        assert_eq!(feed.next().await["__typename"], "CaughtUp");
    }
    let answer = appended(&client, &stream, Expected::NoStream, &new_events(5)).await;
    let last = answer["lastPosition"].as_u64().unwrap();
    let events = unfiltered.events_until(last).await;
    assert_eq!(each(&events, "streamVersion"), [1, 2, 3, 4, 5]);
    for event in &events[..3] {
        assert_removed(event, "RETENTION");
    }
    for event in &events[3..] {
        assert!(event["data"].is_object(), "{event:#}");
    }
    for feed in [&mut filtered, &mut of_stream] {
        let events = feed.events_until(last).await;
        assert_eq!(each(&events, "streamVersion"), [4, 5]);
    }
}

async fn changes_reach_the_feeds_that_ask_for_them_and_no_others(world: World) {
    let (server, client) = talkative(&world).await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    let life = format!("$stream-{stream}");
    let asking = [
        json!({"includeSystem": true}),
        json!({"categories": ["$stream"]}),
        json!({"streamPrefix": "$stream-"}),
        json!({"types": ["$stream_archived", "$stream_unarchived"]}),
    ];
    let not_asking = [
        Value::Null,
        json!({"categories": ["game"]}),
        json!({"actorIds": ["7"]}),
    ];
    let mut told = Vec::new();
    for filter in &asking {
        told.push(Feed::start(&server, Value::Null, filter.clone()).await);
    }
    told.push(Feed::of_stream(&server, &life, Value::Null).await);
    let mut untold = Vec::new();
    for filter in &not_asking {
        untold.push(Feed::start(&server, Value::Null, filter.clone()).await);
    }
    for feed in told.iter_mut().chain(&mut untold) {
        assert_eq!(feed.next().await["__typename"], "CaughtUp");
    }
    for change in [Change::Archive, Change::Unarchive] {
        let mut input = change.input(&stream, Expected::Any);
        input["metadata"] = json!({"actor_id": "7"});
        change.send_for_success(&client, &input).await;
    }
    let end = head(&client).await;
    let recorded = life_of(&client, &stream).await;
    for feed in &mut told {
        let events = feed.events_until(end).await;
        assert_eq!(each(&events, "eventId"), each(&recorded, "eventId"));
        assert_eq!(each(&events, "data"), each(&recorded, "data"));
    }
    for feed in &mut untold {
        assert_eq!(feed.events_until(end).await, [] as [Value; 0]);
    }
}

async fn a_feed_that_ends_at_a_hidden_event_resumes_after_it(world: World) {
    let (server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    Change::Delete.of(&client, &stream).await;
    let mut feed = Feed::start(&server, json!({"at": "ORIGIN"}), Value::Null).await;
    let first = feed.next().await;
    assert_removed(&first["event"], "DELETED");
    drop(feed);
    let cursor = json!({"cursor": first["cursor"]});
    let mut resumed = Feed::start(&server, cursor, Value::Null).await;
    let events = resumed.events_until_caught_up().await;
    assert_eq!(each(&events, "streamVersion"), [2, 3]);
}
