use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::fake_server::{FakeServer, FeedFault, PATIENCE};
use super::*;

#[test]
fn either_spelling_of_an_address_serves_for_both_transports() {
    for address in [
        "http://127.0.0.1:4000/graphql",
        "ws://127.0.0.1:4000/graphql",
        "ws://127.0.0.1:4000",
    ] {
        let endpoint = Endpoint::parse(address).unwrap();
        assert_eq!(endpoint.http(), "http://127.0.0.1:4000/graphql");
        assert_eq!(endpoint.socket(), "ws://127.0.0.1:4000/graphql");
    }
}

#[test]
fn an_address_that_needs_tls_is_refused_with_the_way_out() {
    for address in [
        "https://games.example/graphql",
        "wss://games.example/graphql",
    ] {
        let error = Endpoint::parse(address).unwrap_err();
        assert!(error.to_string().contains("put a proxy"), "{error}");
        assert!(!error.is_retryable());
    }
    for address in ["ftp://games.example", "127.0.0.1:4000", "graphql"] {
        let error = Endpoint::parse(address).unwrap_err().to_string();
        assert!(
            error.contains(address) && error.contains("http://"),
            "{error}"
        );
    }
}

#[test]
fn waits_grow_are_bounded_are_drawn_and_are_forgotten_after_success() {
    let mut backoff = Backoff::new(7);
    let waits: Vec<Duration> = (0..40).map(|_| backoff.after_failure()).collect();
    for (failures, wait) in waits.iter().enumerate() {
        let longest = Duration::from_millis(100 << failures.min(10)).min(Duration::from_secs(10));
        assert!(
            (longest / 2..=longest).contains(wait),
            "{failures}: {wait:?}"
        );
    }
    let mut other = Backoff::new(8);
    assert_ne!(
        waits,
        (0..40).map(|_| other.after_failure()).collect::<Vec<_>>()
    );
    backoff.after_success();
    assert!(backoff.after_failure() <= Duration::from_millis(100));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_worth_another_try() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let endpoint = Endpoint::parse(&format!("http://{address}")).unwrap();
    let client = GraphqlClient::new(endpoint).unwrap();
    let error = client
        .execute::<_, serde_json::Value>("{ __typename }", &json!({}))
        .await;
    let error = error.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

async fn next(feed: &mut Feed) -> Result<FeedItem, ClientError> {
    timeout(PATIENCE, feed.next())
        .await
        .expect("the feed must tell something")
}

/// The positions of the next `count` events; everything else is passed over.
async fn positions(feed: &mut Feed, count: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        if let FeedItem::Event(event) = next(feed).await.unwrap() {
            positions.push(event.position);
        }
    }
    positions
}

fn feed_of(server: &FakeServer, start: FeedStart) -> Feed {
    let source = FeedSource::Log(FeedFilter::default());
    Feed::new(server.endpoint(), source, start, Backoff::new(1))
}

#[tokio::test]
async fn a_feed_goes_on_after_every_kind_of_lost_connection_without_loss_or_doubles() {
    let server = FakeServer::start().await;
    for number in 1..=10 {
        server.record("game-1", "guess_processed", &format!("{{\"n\":{number}}}"));
    }
    server.fail_feed(FeedFault::CloseAfter {
        messages: 3,
        code: 1012,
    });
    server.fail_feed(FeedFault::VanishAfter { messages: 0 });
    server.fail_feed(FeedFault::CloseAfter {
        messages: 2,
        code: 4403,
    });
    server.fail_feed(FeedFault::ResumeTooEarly);
    let mut feed = feed_of(&server, FeedStart::At("ORIGIN"));
    assert_eq!(positions(&mut feed, 10).await, (1..=10).collect::<Vec<_>>());

    server.record("game-1", "guess_processed", "{}");
    assert_eq!(positions(&mut feed, 1).await, [11]);
    let starts: Vec<_> = server
        .subscriptions()
        .iter()
        .map(|all| all["from"].clone())
        .collect();
    let cursors = ["c3", "c3", "c5"].map(|cursor| json!({ "cursor": cursor }));
    assert_eq!(starts[0], json!({ "at": "ORIGIN" }));
    assert_eq!(starts[1..], cursors);
    feed.close().await;
}

#[tokio::test]
async fn a_feed_says_when_it_is_lost_and_when_it_is_back() {
    let server = FakeServer::start().await;
    server.fail_feed(FeedFault::CloseAfter {
        messages: 1,
        code: 1013,
    });
    let mut feed = feed_of(&server, FeedStart::At("END"));
    assert!(
        matches!(next(&mut feed).await, Ok(FeedItem::Point(point)) if point.kind == "CaughtUp")
    );
    match next(&mut feed).await.unwrap() {
        FeedItem::Disconnected { reason, retry_in } => {
            assert!(
                reason.contains("1013") && reason.contains("as told"),
                "{reason}"
            );
            assert!(retry_in <= Duration::from_millis(100), "{retry_in:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(next(&mut feed).await, Ok(FeedItem::Reconnected)));
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_and_the_feed_goes_on() {
    let server = FakeServer::start().await;
    server.record("game-1", "guess_processed", "{}");
    server.fail_feed(FeedFault::FallSilent);
    let start = FeedStart::At("ORIGIN");
    let mut feed = feed_of(&server, start).with_silence(Duration::from_millis(50));
    match next(&mut feed).await.unwrap() {
        FeedItem::Disconnected { reason, .. } => assert!(reason.contains("silent"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(positions(&mut feed, 1).await, [1]);
}

#[tokio::test]
async fn what_trying_again_cannot_repair_ends_a_feed() {
    let server = FakeServer::start().await;
    server.fail_feed(FeedFault::Refuse {
        code: "INVALID_CURSOR",
        retryable: false,
    });
    let error = next(&mut feed_of(&server, FeedStart::Cursor("c0".to_owned())))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server refused: no such feed (INVALID_CURSOR)"
    );

    server.fail_feed(FeedFault::CloseAfter {
        messages: 0,
        code: 4400,
    });
    let error = next(&mut feed_of(&server, FeedStart::At("END")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("4400"), "{error}");
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_tried_again() {
    let server = FakeServer::start().await;
    server.record("game-1", "guess_processed", "{}");
    server.fail_feed(FeedFault::Refuse {
        code: "OVERLOADED",
        retryable: true,
    });
    let mut feed = feed_of(&server, FeedStart::At("ORIGIN"));
    assert_eq!(positions(&mut feed, 1).await, [1]);
}

#[tokio::test]
async fn data_arrives_as_the_text_that_it_is() {
    let server = FakeServer::start().await;
    let data = r#"{"b":1.10,"a":18446744073709551616,"e":1E2}"#;
    server.record("game-1", "guess_processed", data);
    let mut feed = feed_of(&server, FeedStart::At("ORIGIN"));
    match next(&mut feed).await.unwrap() {
        FeedItem::Event(event) => assert!(event.event.get().contains(data), "{event:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_filter_is_sent_only_when_it_restricts_something() {
    let server = FakeServer::start().await;
    let filter = FeedFilter {
        types: vec!["game_started".to_owned()],
        ..FeedFilter::default()
    };
    for source in [
        FeedSource::Log(FeedFilter::default()),
        FeedSource::Log(filter),
        FeedSource::Stream("game-1".to_owned()),
    ] {
        let mut feed = Feed::new(
            server.endpoint(),
            source,
            FeedStart::Position(0),
            Backoff::new(1),
        );
        next(&mut feed).await.unwrap();
    }
    let from = json!({ "position": 0 });
    assert_eq!(
        server.subscriptions(),
        [
            json!({ "from": from }),
            json!({ "from": from, "filter": { "types": ["game_started"] } }),
            json!({ "from": from, "name": "game-1" }),
        ]
    );
}
