//! Filters on feeds (rules S2 and S3): the same events from the log and live, and a cursor that advances
//! where nothing matches.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::feed::{Feed, Kind};
use super::writer::{append_ticks, head};
use crate::support::{World, on_both_backends};

on_both_backends!(
    each_filter_chooses_the_same_events_from_the_log_and_live,
    a_filter_on_recording_times_bounds_a_feed,
    a_catching_up_feed_that_matches_nothing_tells_how_far_it_has_come,
    a_live_feed_that_matches_nothing_tells_how_far_it_has_come,
    a_quiet_live_feed_tells_how_far_it_has_come_after_a_while,
    a_feed_of_one_stream_tells_how_far_it_has_come,
    a_checkpoint_resumes_a_feed,
);

/// An event of the sample: its stream, its type, what else there is to find it by.
type Sample = (&'static str, &'static str, Value, Value);

/// Each filter of the test finds some of these, and misses others.
fn samples() -> Vec<Sample> {
    vec![
        (
            "game-1",
            "opened",
            json!({"guild_id": "10", "round": {"number": 1}, "words": ["a", "b"]}),
            json!({"actor_id": "70", "correlation_id": "c1"}),
        ),
        (
            "game-1",
            "closed",
            json!({"guild_id": "10", "final": true}),
            json!({"actor_id": "71", "correlation_id": "c1", "causation_id": "e1"}),
        ),
        (
            "game-2",
            "opened",
            json!({"guild_id": "11", "round": {"number": 2}}),
            json!({"actor_id": "70", "causation_id": "e2", "source": {"kind": "timer"}}),
        ),
        (
            "gamex-1",
            "opened",
            json!({"round": {"number": null}}),
            json!({}),
        ),
        ("team-1", "closed", json!({"guild_id": "10"}), json!({})),
    ]
}

/// Filters, and the samples that each finds.
fn filters() -> Vec<(Value, Vec<usize>)> {
    let at = |path: &str, equals: Value| json!([{"path": path, "equals": equals}]);
    vec![
        (json!({}), vec![0, 1, 2, 3, 4]),
        (json!({"categories": ["game"]}), vec![0, 1, 2]),
        (json!({"categories": ["gamex", "team"]}), vec![3, 4]),
        (json!({"streamPrefix": "game"}), vec![0, 1, 2, 3]),
        (json!({"streamPrefix": "game-"}), vec![0, 1, 2]),
        (json!({"streamPrefix": "nothing"}), vec![]),
        (json!({"types": ["opened"]}), vec![0, 2, 3]),
        (json!({"types": ["opened", "closed"]}), vec![0, 1, 2, 3, 4]),
        (json!({"guildIds": ["10"]}), vec![0, 1, 4]),
        (json!({"actorIds": ["70"]}), vec![0, 2]),
        (json!({"actorIds": ["71", "99"]}), vec![1]),
        (json!({"correlationIds": ["c1"]}), vec![0, 1]),
        (json!({"causationIds": ["e1", "e2"]}), vec![1, 2]),
        (json!({"dataEquals": at("round.number", json!(2))}), vec![2]),
        (
            json!({"dataEquals": at("round.number", Value::Null)}),
            vec![3],
        ),
        (json!({"dataEquals": at("final", json!(true))}), vec![1]),
        (json!({"dataEquals": at("words[1]", json!("b"))}), vec![0]),
        (
            json!({"metadataEquals": at("source.kind", json!("timer"))}),
            vec![2],
        ),
        (
            json!({"categories": ["game"], "types": ["opened"], "guildIds": ["11"]}),
            vec![2],
        ),
    ]
}

/// Appends the samples one by one, so that all of them pass through the hub, and returns their ids.
async fn append_samples(client: &GraphqlClient) -> Vec<String> {
    let mut ids = Vec::new();
    for (stream, event_type, data, metadata) in samples() {
        let id = Uuid::now_v7().to_string();
        let event =
            json!([{"eventId": id, "type": event_type, "data": data, "metadata": metadata}]);
        client.appended(stream, Expected::Any, event).await;
        ids.push(id);
    }
    ids
}

async fn each_filter_chooses_the_same_events_from_the_log_and_live(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let from_log = append_samples(&client).await;
    let mut feeds = Vec::new();
    for (filter, found) in filters() {
        let from = json!({"at": "ORIGIN"});
        let mut feed = Feed::start(&server.base_url(), from, filter.clone()).await;
        feed.until_kind(Kind::CaughtUp).await;
        feeds.push((feed, filter, found));
    }
    let live = append_samples(&client).await;
    let end = head(&client).await;
    for (feed, filter, found) in &mut feeds {
        feed.until_position(end).await;
        let chosen = |ids: &[String]| found.iter().map(|index| ids[*index].clone()).collect();
        let expected: Vec<String> = [chosen(&from_log), chosen(&live)]
            .into_iter()
            .flat_map(|ids: Vec<String>| ids)
            .collect();
        assert_eq!(feed.event_ids(), expected, "{filter}");
    }
}

async fn a_filter_on_recording_times_bounds_a_feed(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 1).await;
    let recorded_at = |page: &Value| page["eventAt"]["recordedAt"].as_str().unwrap().to_owned();
    let query = "{ eventAt(position: 1) { recordedAt } }";
    let first = recorded_at(&client.query(query, json!({})).await);
    // The next event is recorded in a later millisecond.
    testkit::eventually("the clock to move on", async || {
        (chrono::Utc::now()
            > first.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
                + chrono::TimeDelta::milliseconds(2))
        .then_some(())
    })
    .await;
    let next = chrono::DateTime::parse_from_rfc3339(&first).unwrap()
        + chrono::TimeDelta::microseconds(500);
    let next = next.to_rfc3339();
    let mut before = Feed::start(
        &server.base_url(),
        json!({"at": "ORIGIN"}),
        json!({"recordedBefore": next}),
    )
    .await;
    let mut later = Feed::start(
        &server.base_url(),
        json!({"at": "ORIGIN"}),
        json!({"recordedFrom": next}),
    )
    .await;
    before.until_kind(Kind::CaughtUp).await;
    later.until_kind(Kind::CaughtUp).await;
    let end = append_ticks(&client, "game-1", 2).await;
    before.until_position(end).await;
    later.until_position(end).await;
    assert_eq!(before.event_positions(), [1]);
    assert_eq!(later.event_positions(), [2, 3]);
}

/// A server whose filtered feeds tell their cursor after 10 positions, or after a time that does not come.
async fn server_with_checkpoints(world: &World, every_ms: &str) -> testkit::ServerProcess {
    world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_POSITIONS", "10")
        .environment("GAMEBOT_SUBSCRIPTION_SCAN_WINDOW_POSITIONS", "10")
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", every_ms)
        .start()
        .await
}

const NEVER: &str = "600000";

fn nothing() -> Value {
    json!({"types": ["never_happens"]})
}

async fn a_catching_up_feed_that_matches_nothing_tells_how_far_it_has_come(world: World) {
    let server = server_with_checkpoints(&world, NEVER).await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 35).await;
    let mut feed = Feed::start(&server.base_url(), json!({"at": "ORIGIN"}), nothing()).await;
    for position in [10, 20, 30] {
        assert_eq!(feed.expect_kind(Kind::Checkpoint).await.position, position);
    }
    assert_eq!(feed.expect_kind(Kind::CaughtUp).await.position, 35);
}

async fn a_live_feed_that_matches_nothing_tells_how_far_it_has_come(world: World) {
    let server = server_with_checkpoints(&world, NEVER).await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start(&server.base_url(), Value::Null, nothing()).await;
    feed.expect_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-1", 35).await;
    for position in [10, 20, 30] {
        assert_eq!(feed.expect_kind(Kind::Checkpoint).await.position, position);
    }
    // The one event that matches comes at its place, and starts the count anew.
    let event = super::writer::new_event("never_happens", &json!({}));
    client
        .appended("game-1", Expected::Any, json!([event]))
        .await;
    assert_eq!(feed.expect_kind(Kind::Event).await.position, 36);
    append_ticks(&client, "game-1", 10).await;
    assert_eq!(feed.expect_kind(Kind::Checkpoint).await.position, 46);
}

async fn a_quiet_live_feed_tells_how_far_it_has_come_after_a_while(world: World) {
    let server = server_with_checkpoints(&world, "100").await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start(&server.base_url(), Value::Null, nothing()).await;
    feed.expect_kind(Kind::CaughtUp).await;
    for end in 1..=3 {
        append_ticks(&client, "game-1", 1).await;
        assert_eq!(feed.expect_kind(Kind::Checkpoint).await.position, end);
    }
}

async fn a_feed_of_one_stream_tells_how_far_it_has_come(world: World) {
    let server = server_with_checkpoints(&world, NEVER).await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 1).await;
    let mut feed = Feed::of_stream(&server.base_url(), "game-1", json!({"at": "ORIGIN"})).await;
    assert_eq!(feed.expect_kind(Kind::Event).await.position, 1);
    assert_eq!(feed.expect_kind(Kind::CaughtUp).await.position, 1);
    append_ticks(&client, "game-2", 10).await;
    assert_eq!(feed.expect_kind(Kind::Checkpoint).await.position, 11);
}

async fn a_checkpoint_resumes_a_feed(world: World) {
    let server = server_with_checkpoints(&world, NEVER).await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 15).await;
    append_ticks(&client, "team-1", 3).await;
    let filter = json!({"categories": ["team"]});
    let mut feed = Feed::start(&server.base_url(), json!({"at": "ORIGIN"}), filter.clone()).await;
    let cursor = feed.expect_kind(Kind::Checkpoint).await.cursor;
    let mut resumed = Feed::start(&server.base_url(), json!({"cursor": cursor}), filter).await;
    resumed.until_kind(Kind::CaughtUp).await;
    assert_eq!(resumed.event_positions(), [16, 17, 18]);
}
