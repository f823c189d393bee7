//! Where a feed can begin (rule S1).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::feed::{Feed, Kind, positions, refused_start, refused_stream_start};
use super::writer::{append_ticks, new_events};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_feed_from_the_origin_delivers_everything_and_then_says_so,
    a_feed_from_the_end_delivers_only_what_is_appended_after_its_first_message,
    a_feed_of_an_empty_log_says_at_once_that_it_has_caught_up,
    a_feed_after_a_position_delivers_what_comes_after_it,
    the_cursors_of_pages_events_and_feeds_all_resume_a_feed,
    a_feed_at_a_time_begins_with_the_first_event_recorded_then_or_later,
    a_feed_at_a_time_to_come_passes_by_what_is_recorded_before,
    a_feed_of_a_stream_begins_after_a_version,
    a_feed_of_a_stream_waits_for_it_to_exist,
    a_cursor_of_another_store_is_refused_naming_both,
    a_cursor_or_position_beyond_the_head_is_refused_naming_both,
    what_is_no_cursor_is_refused,
    a_version_that_the_stream_does_not_have_is_refused,
    the_log_has_no_versions_to_begin_at,
);

async fn a_feed_from_the_origin_delivers_everything_and_then_says_so(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 250).await;
    let mut feed = Feed::start(&server.base_url(), json!({"at": "ORIGIN"}), Value::Null).await;
    let caught_up = feed.until_kind(Kind::CaughtUp).await;
    assert_eq!(caught_up.position, 250);
    assert_eq!(feed.event_positions(), positions(1, 250));
    append_ticks(&client, "game-1", 2).await;
    feed.until_events(252).await;
    assert_eq!(feed.event_positions(), positions(1, 252));
}

async fn a_feed_from_the_end_delivers_only_what_is_appended_after_its_first_message(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 3).await;
    for from in [json!({"at": "END"}), Value::Null] {
        let head = super::writer::head(&client).await;
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        assert_eq!(feed.expect_kind(Kind::CaughtUp).await.position, head);
        append_ticks(&client, "game-1", 2).await;
        feed.until_events(2).await;
        assert_eq!(feed.event_positions(), positions(head + 1, head + 2));
    }
}

async fn a_feed_of_an_empty_log_says_at_once_that_it_has_caught_up(world: World) {
    let (server, client) = world.server_and_client().await;
    for from in [
        json!({"at": "ORIGIN"}),
        json!({"at": "END"}),
        json!({"position": 0}),
        json!({"time": "2020-01-01T00:00:00Z"}),
    ] {
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        let first = feed.expect_kind(Kind::CaughtUp).await;
        assert_eq!(first.position, 0);
    }
    // The cursor of that message is as good as any: a client that drops now can resume.
    let mut feed = Feed::start(&server.base_url(), json!({"at": "END"}), Value::Null).await;
    let cursor = feed.expect().await.cursor;
    drop(feed);
    append_ticks(&client, "game-1", 2).await;
    let mut resumed = Feed::start(&server.base_url(), json!({"cursor": cursor}), Value::Null).await;
    resumed.until_kind(Kind::CaughtUp).await;
    assert_eq!(resumed.event_positions(), [1, 2]);
}

async fn a_feed_after_a_position_delivers_what_comes_after_it(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 5).await;
    for after in 0..=5 {
        let from = json!({"position": after});
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        feed.until_kind(Kind::CaughtUp).await;
        assert_eq!(feed.event_positions(), positions(after + 1, 5));
    }
}

async fn the_cursors_of_pages_events_and_feeds_all_resume_a_feed(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 4).await;
    let query = "{
      events(first: 2) { edges { cursor } nodes { cursor } pageInfo { endCursor } }
      stream(name: \"game-1\") { events(first: 2) { pageInfo { endCursor } } }
      eventAt(position: 2) { cursor }
      head { cursor }
    }";
    let data = client.query(query, json!({})).await;
    let mut feed = Feed::start(&server.base_url(), json!({"at": "ORIGIN"}), Value::Null).await;
    feed.expect().await;
    let of_feed = feed.expect().await.cursor;
    let after_2 = [
        &data["events"]["edges"][1]["cursor"],
        &data["events"]["nodes"][1]["cursor"],
        &data["events"]["pageInfo"]["endCursor"],
        &data["stream"]["events"]["pageInfo"]["endCursor"],
        &data["eventAt"]["cursor"],
        &json!(of_feed),
    ];
    for cursor in after_2 {
        assert_resumes(&server.base_url(), cursor, &[3, 4]).await;
    }
    assert_resumes(&server.base_url(), &data["head"]["cursor"], &[]).await;
    // And the other way round: the cursor of a feed is where a page goes on.
    let query = "query($after: String!) { events(after: $after) { nodes { position } } }";
    let page = client.query(query, json!({"after": of_feed})).await;
    assert_eq!(
        page["events"]["nodes"],
        json!([{"position": 3}, {"position": 4}])
    );
}

async fn assert_resumes(base_url: &str, cursor: &Value, expected: &[i64]) {
    let mut feed = Feed::start(base_url, json!({"cursor": cursor}), Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    assert_eq!(feed.event_positions(), expected, "from {cursor}");
}

async fn a_feed_at_a_time_begins_with_the_first_event_recorded_then_or_later(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut recorded = Vec::new();
    while recorded.len() < 6 {
        let appended = client
            .appended("game-1", Expected::Any, new_events(1))
            .await;
        recorded.push(
            appended["events"][0]["recordedAt"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let times: Vec<chrono::DateTime<chrono::Utc>> =
        recorded.iter().map(|time| time.parse().unwrap()).collect();
    let nudge = chrono::TimeDelta::microseconds(1);
    for time in times
        .iter()
        .flat_map(|time| [*time - nudge, *time, *time + nudge])
    {
        let from = json!({"time": time.to_rfc3339()});
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        feed.until_kind(Kind::CaughtUp).await;
        let earlier = times.iter().filter(|recorded| **recorded < time).count();
        let first = i64::try_from(earlier).unwrap() + 1;
        assert_eq!(feed.event_positions(), positions(first, 6), "from {time}");
    }
}

async fn a_feed_at_a_time_to_come_passes_by_what_is_recorded_before(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 1).await;
    let from = json!({"time": "2999-12-31T00:00:00Z"});
    let mut log = Feed::start(&server.base_url(), from.clone(), Value::Null).await;
    let mut stream = Feed::of_stream(&server.base_url(), "game-1", from).await;
    for feed in [&mut log, &mut stream] {
        assert_eq!(feed.expect_kind(Kind::CaughtUp).await.position, 1);
    }
    let end = append_ticks(&client, "game-1", 2).await;
    for feed in [&mut log, &mut stream] {
        feed.until_position(end).await;
        assert_eq!(feed.event_positions(), positions(1, 0));
    }
}

async fn a_feed_of_a_stream_begins_after_a_version(world: World) {
    let (server, client) = world.server_and_client().await;
    // The stream's versions 1, 2, 3 stand at the positions 1, 3, 5.
    for _ in 0..3 {
        append_ticks(&client, "game-1", 1).await;
        append_ticks(&client, "game-2", 1).await;
    }
    for (version, expected) in [
        (0, &[1, 3, 5][..]),
        (1, &[3, 5][..]),
        (2, &[5][..]),
        (3, &[][..]),
    ] {
        let from = json!({"version": version});
        let mut feed = Feed::of_stream(&server.base_url(), "game-1", from).await;
        feed.until_kind(Kind::CaughtUp).await;
        assert_eq!(feed.event_positions(), expected, "after {version}");
    }
    let mut feed = Feed::of_stream(&server.base_url(), "game-1", json!({"version": 2})).await;
    feed.until_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-2", 1).await;
    append_ticks(&client, "game-1", 1).await;
    feed.until_events(2).await;
    assert_eq!(feed.event_positions(), [5, 8]);
}

async fn a_feed_of_a_stream_waits_for_it_to_exist(world: World) {
    let (server, client) = world.server_and_client().await;
    let name = new_stream("game");
    append_ticks(&client, "game-other", 2).await;
    let mut from_end = Feed::of_stream(&server.base_url(), &name, Value::Null).await;
    from_end.expect_kind(Kind::CaughtUp).await;
    let mut from_start = Feed::of_stream(&server.base_url(), &name, json!({"at": "ORIGIN"})).await;
    from_start.until_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-other", 1).await;
    append_ticks(&client, &name, 2).await;
    for feed in [&mut from_end, &mut from_start] {
        feed.until_events(2).await;
        assert_eq!(feed.event_positions(), [4, 5]);
    }
}

async fn a_cursor_of_another_store_is_refused_naming_both(world: World) {
    let (server, client) = world.server_and_client().await;
    let other = World::sqlite();
    let (_other_server, other_client) = other.server_and_client().await;
    append_ticks(&client, "game-1", 2).await;
    append_ticks(&other_client, "game-1", 2).await;
    let query = "{ head { cursor } server { storeId } }";
    let foreign = other_client.query(query, json!({})).await;
    let own = client.query(query, json!({})).await;
    let from = json!({"cursor": foreign["head"]["cursor"]});
    for error in [
        refused_start(&server.base_url(), from.clone()).await,
        refused_stream_start(&server.base_url(), "game-1", from).await,
    ] {
        assert_refused(&error, "INVALID_CURSOR");
        let message = error["message"].as_str().unwrap();
        for store in [&foreign["server"]["storeId"], &own["server"]["storeId"]] {
            assert!(message.contains(store.as_str().unwrap()), "{message}");
        }
    }
}

async fn a_cursor_or_position_beyond_the_head_is_refused_naming_both(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 41).await;
    let data = client.query("{ server { storeId } }", json!({})).await;
    let store_id = data["server"]["storeId"].as_str().unwrap().parse().unwrap();
    let beyond = gamebot_event_store::position::Position::new(977).unwrap();
    let cursor = gamebot_event_store::cursor::encode_event(store_id, beyond);
    for (from, code) in [
        (json!({"cursor": cursor}), "INVALID_CURSOR"),
        (json!({"position": 977}), "INVALID_START_VERSION"),
    ] {
        let error = refused_start(&server.base_url(), from).await;
        assert_refused(&error, code);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("977") && message.contains("41"),
            "{message}"
        );
    }
}

async fn what_is_no_cursor_is_refused(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 1).await;
    let streams = client
        .query("{ streams { pageInfo { endCursor } } }", json!({}))
        .await;
    let of_streams = streams["streams"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap();
    for garbage in ["", "1", "not a cursor", "AAAAAAAA", of_streams] {
        let error = refused_start(&server.base_url(), json!({"cursor": garbage})).await;
        assert_refused(&error, "INVALID_CURSOR");
    }
}

async fn a_version_that_the_stream_does_not_have_is_refused(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 3).await;
    for (name, version) in [("game-1", 4), ("game-2", 1)] {
        let from = json!({"version": version});
        let error = refused_stream_start(&server.base_url(), name, from).await;
        assert_refused(&error, "INVALID_START_VERSION");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(name) && message.contains(&version.to_string()),
            "{message}"
        );
    }
    let from = json!({"version": -1});
    let error = refused_stream_start(&server.base_url(), "game-1", from).await;
    assert_refused(&error, "INVALID_START_VERSION");
    let error = refused_stream_start(&server.base_url(), "game", json!({"at": "END"})).await;
    assert_refused(&error, "INVALID_STREAM_ID");
}

async fn the_log_has_no_versions_to_begin_at(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 3).await;
    let error = refused_start(&server.base_url(), json!({"version": 1})).await;
    assert_refused(&error, "INVALID_ARGUMENT");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("stream"), "{message}");
}

fn assert_refused(error: &Value, code: &str) {
    assert_eq!(error["extensions"]["code"], code, "{error:#}");
    assert_eq!(error["extensions"]["retryable"], false, "{error:#}");
}
