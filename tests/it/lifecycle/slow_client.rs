//! A client that has stopped reading gets nothing of what was hidden meanwhile: an unfiltered feed tells it as
//! removed, a filtered one not at all (rules L5 and S4).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, SocketOptions, Subscription};

use super::door::{Change, set_metadata};
use crate::append::door::{appended, head, new_events};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    what_is_hidden_while_a_client_stalls_over_a_page_of_the_log_is_not_shown_to_it,
    what_is_hidden_while_a_live_client_stalls_is_not_shown_to_it,
);

/// More than a socket's buffers hold: 14 MiB in events of 56 KiB.
const EVENTS: usize = 256;
const PER_REQUEST: usize = 16;
const BYTES: usize = 56 * 1024;

/// The ways to hide all of a stream's large events, without their age.
#[derive(Clone, Copy, Debug)]
enum Hiding {
    Deletion,
    Tombstone,
    Truncation,
    /// By the events that are appended after them.
    Count,
}

impl Hiding {
    const ALL: [Self; 4] = [
        Self::Deletion,
        Self::Tombstone,
        Self::Truncation,
        Self::Count,
    ];

    async fn hide(self, client: &GraphqlClient, stream: &str) {
        match self {
            Self::Deletion => {
                Change::Delete.of(client, stream).await;
            }
            Self::Tombstone => {
                Change::Tombstone.of(client, stream).await;
            }
            Self::Truncation => {
                let all = json!({"truncateBefore": EVENTS + 1});
                set_metadata(client, stream, all).await;
            }
            Self::Count => {
                appended(client, stream, Expected::Any, &new_events(EVENTS)).await;
            }
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Deletion => "DELETED",
            Self::Tombstone => "TOMBSTONED",
            Self::Truncation | Self::Count => "RETENTION",
        }
    }
}

/// What a client asks to follow.
#[derive(Clone, Copy, Debug)]
enum Following {
    Log,
    Category,
    Stream,
}

impl Following {
    const ALL: [Self; 3] = [Self::Log, Self::Category, Self::Stream];

    /// A feed whose client has a small buffer, after its first message.
    async fn start(self, server: &ServerProcess, stream: &str, from: &str) -> Subscription {
        let field = match self {
            Self::Log => format!("events(from: {from})"),
            Self::Category => format!("events(from: {from}, filter: {{categories: [\"game\"]}})"),
            Self::Stream => format!("stream(name: \"{stream}\", from: {from})"),
        };
        let query = format!(
            "subscription {{ feed: {field} {{ __typename ... on FeedPoint {{ position }}
               ... on EventReceived {{ event {{ streamVersion removed rawText data }} }} }} }}"
        );
        let options = SocketOptions {
            receive_buffer_bytes: Some(4096),
            ..SocketOptions::default()
        };
        let base_url = server.base_url();
        let mut feed =
            Subscription::start_with(&base_url, options, Value::Null, &query, json!({})).await;
        feed.next().await.unwrap();
        feed
    }
}

/// A server that reads all of a test's events in one page, and holds them in its ring.
async fn server_of(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = world
        .prepare()
        .environment("GAMEBOT_SUBSCRIPTION_PAGE_EVENTS", "1000")
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", "4096")
        .environment("GAMEBOT_SUBSCRIPTION_CHECKPOINT_EVERY_MS", "100")
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// A stream that keeps as many events as it is about to get.
async fn new_large_stream(client: &GraphqlClient) -> String {
    let stream = new_stream("game");
    set_metadata(client, &stream, json!({ "maxCount": EVENTS })).await;
    stream
}

async fn append_large_events(client: &GraphqlClient, stream: &str) {
    let text = "x".repeat(BYTES);
    for _ in 0..EVENTS / PER_REQUEST {
        let mut events = new_events(PER_REQUEST);
        for event in events.as_array_mut().unwrap() {
            event["data"] = json!({ "text": text });
        }
        client.appended(stream, Expected::Any, events).await;
    }
}

/// Reads a feed on to a position, and checks that after the first event that is told as hidden, or not at
/// all, no large payload comes any more.
async fn check_rest(mut feed: Subscription, following: Following, hiding: Hiding, end: u64) {
    let what = format!("{following:?} {hiding:?}");
    let mut shown = 0;
    let mut removed = 0;
    loop {
        let message = feed.next().await.unwrap()["feed"].take();
        let event = &message["event"];
        let is_large = event["streamVersion"]
            .as_u64()
            .is_some_and(|version| version <= EVENTS as u64);
        if is_large && event["removed"].is_null() {
            assert!(event["data"].is_object(), "{what}");
            assert_eq!(removed, 0, "{what}: a payload after {removed} hidden ones");
            shown += 1;
        } else if is_large {
            assert_eq!(event["removed"], hiding.reason(), "{what}");
            assert_eq!(
                [&event["data"], &event["rawText"]],
                [&Value::Null; 2],
                "{what}"
            );
            removed += 1;
        }
        if message["position"].as_u64().unwrap() >= end {
            break;
        }
    }
    // What lay in the buffers of the sockets came as it was sent; the rest did not.
    assert!(shown < EVENTS * 3 / 4, "{what}: {shown} payloads came");
    let told = if matches!(following, Following::Log) {
        EVENTS - 1 - shown
    } else {
        0
    };
    assert!(removed >= told, "{what}: {shown} shown, {removed} removed");
}

async fn what_is_hidden_while_a_client_stalls_over_a_page_of_the_log_is_not_shown_to_it(
    world: World,
) {
    let (server, client) = server_of(&world).await;
    for hiding in Hiding::ALL {
        let stream = new_large_stream(&client).await;
        let from = format!("{{position: {}}}", head(&client).await);
        append_large_events(&client, &stream).await;
        let mut stalled = Vec::new();
        for following in Following::ALL {
            let feed = following.start(&server, &stream, &from).await;
            stalled.push((following, feed.stall()));
        }
        hiding.hide(&client, &stream).await;
        let end = head(&client).await;
        for (following, stalled) in stalled {
            check_rest(stalled.resume(), following, hiding, end).await;
        }
    }
}

async fn what_is_hidden_while_a_live_client_stalls_is_not_shown_to_it(world: World) {
    let (server, client) = server_of(&world).await;
    for hiding in Hiding::ALL {
        let stream = new_large_stream(&client).await;
        let mut stalled = Vec::new();
        for following in Following::ALL {
            let feed = following.start(&server, &stream, "{at: END}").await;
            stalled.push((following, feed.stall()));
        }
        append_large_events(&client, &stream).await;
        hiding.hide(&client, &stream).await;
        let end = head(&client).await;
        for (following, stalled) in stalled {
            check_rest(stalled.resume(), following, hiding, end).await;
        }
    }
}
