//! The shortest way through everything: append, read, follow.

use serde_json::json;
use testkit::{Expected, RawEvent, Subscription, append_body};

use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(what_is_appended_is_read_and_followed);

async fn what_is_appended_is_read_and_followed(world: World) {
    let (server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut feed = Subscription::start(
        &server.base_url(),
        "subscription { events { __typename ... on FeedPoint { position } ... on EventReceived { event { data } } } }",
        json!({}),
    )
    .await;
    assert_eq!(
        feed.next().await.unwrap()["events"]["__typename"],
        "CaughtUp"
    );

    let event = RawEvent {
        event_id: None,
        event_type: "guess_processed",
        data: r#"{"price": 1.10, "big": 18446744073709551616}"#,
        metadata: None,
    };
    let appended = client
        .raw(append_body(&stream, Expected::Exactly(0), &[event]))
        .await
        .json();
    assert_eq!(
        appended["data"]["appendToStream"]["__typename"], "Appended",
        "{appended}"
    );
    assert_eq!(appended["data"]["appendToStream"]["version"], 1);

    let body = client
        .raw(json!({"query": format!(r#"{{ stream(name: "{stream}") {{ version events {{ nodes {{ data }} }} }} }}"#)}).to_string())
        .await
        .body;
    assert!(
        body.contains(r#"{"price":1.10,"big":18446744073709551616}"#),
        "{body}"
    );

    let received = feed.next().await.unwrap();
    assert_eq!(received["events"]["__typename"], "EventReceived");
    assert_eq!(received["events"]["position"], 1);
}
