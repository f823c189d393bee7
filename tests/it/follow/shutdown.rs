//! A server that is stopped in good order: its feeds are told to come back, and miss nothing (rule S6).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use tokio::task::JoinSet;

use super::feed::{Feed, Kind, positions};
use super::writer::{append_ticks, head, new_events};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_stopping_server_closes_feeds_with_1012_and_never_completes_them,
    feeds_resume_without_loss_when_a_server_is_restarted_amid_appends,
);

async fn a_stopping_server_closes_feeds_with_1012_and_never_completes_them(world: World) {
    let (mut server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 3).await;
    let base_url = server.base_url();
    let mut feeds = vec![
        Feed::start(&base_url, json!({"at": "ORIGIN"}), Value::Null).await,
        Feed::start(&base_url, json!({"at": "END"}), Value::Null).await,
        Feed::start(&base_url, Value::Null, json!({"types": ["never"]})).await,
        Feed::of_stream(&base_url, "game-1", json!({"version": 1})).await,
    ];
    for feed in &mut feeds {
        feed.until_kind(Kind::CaughtUp).await;
    }
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
    for feed in &mut feeds {
        // A `complete` would have failed the feed.
        let (code, reason) = feed.until_closed().await;
        assert_eq!(code, 1012, "{reason}");
        assert!(reason.contains("cursor"), "{reason}");
    }

    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 2).await;
    for feed in &feeds {
        let from = json!({"cursor": feed.cursor()});
        let mut resumed = Feed::start(&server.base_url(), from, Value::Null).await;
        resumed.until_kind(Kind::CaughtUp).await;
        assert_eq!(resumed.event_positions(), [4, 5]);
    }
}

async fn feeds_resume_without_loss_when_a_server_is_restarted_amid_appends(world: World) {
    let mut server = world.server().await;
    let mut seen = Vec::new();
    let mut from = json!({"at": "ORIGIN"});
    let mut acknowledged = 0;
    for _ in 0..3 {
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        feed.until_kind(Kind::CaughtUp).await;
        let mut writers = JoinSet::new();
        for writer in 0..4 {
            writers.spawn(append_until_stopped(server.base_url(), writer));
        }
        feed.until_events(20).await;
        let status = server.terminate().await;
        assert!(status.success(), "{status}");
        let (code, reason) = feed.until_closed().await;
        assert_eq!(code, 1012, "{reason}");
        while let Some(writer) = writers.join_next().await {
            acknowledged += writer.unwrap();
        }
        seen.extend(feed.event_positions());
        from = json!({"cursor": feed.cursor()});
        server.start_again().await;
    }
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    seen.extend(feed.event_positions());
    let end = head(&client).await;
    assert_eq!(seen, positions(1, end));
    assert!(
        end >= acknowledged,
        "{acknowledged} acknowledged, {end} there"
    );
}

/// Appends one event after the other until the server answers no more, and says how many it acknowledged.
async fn append_until_stopped(base_url: String, writer: usize) -> i64 {
    let client = GraphqlClient::new(&base_url);
    let query =
        "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename } }";
    let mut acknowledged = 0;
    loop {
        let input = json!({
            "stream": format!("game-{writer}"),
            "expectedVersion": Expected::Any.to_json(),
            "events": new_events(1),
        });
        let body = json!({"query": query, "variables": {"input": input}}).to_string();
        match client.try_raw(body).await {
            Ok(answer) if answer.status == 200 => {
                let payload = &answer.json()["data"]["appendToStream"];
                acknowledged += i64::from(payload["__typename"] == "Appended");
            }
            _ => return acknowledged,
        }
    }
}
