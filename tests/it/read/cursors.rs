//! One cursor for pages and feeds; and what is said of a token that is none.

use gamebot_event_store::cursor;
use gamebot_event_store::position::Position;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, Subscription};
use uuid::Uuid;

use super::lists::List;
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_cursor_of_a_page_starts_a_subscription_and_the_other_way_round,
    a_token_that_is_no_cursor_of_the_list_is_refused_with_the_reason,
);

const FEED: &str = "subscription($cursor: String!) { events(from: {cursor: $cursor}) { __typename \
                    ... on FeedPoint { cursor position } ... on EventReceived { event { cursor position } } } }";

async fn append(client: &GraphqlClient, stream: &str, events: usize) {
    let event = json!({"type": "guess_processed", "data": {}});
    client
        .appended(stream, Expected::NoStream, json!(vec![event; events]))
        .await;
}

/// What a feed says from this cursor on until it has caught up, the positions and the cursors.
async fn follow(server: &ServerProcess, cursor: &str) -> Vec<(i64, String)> {
    let mut feed = Subscription::start(&server.base_url(), FEED, json!({"cursor": cursor})).await;
    let mut received = Vec::new();
    loop {
        let message = feed.next().await.unwrap()["events"].take();
        if message["__typename"] == "CaughtUp" {
            return received;
        }
        assert_eq!(
            message["event"]["cursor"], message["cursor"],
            "an event's own cursor is the feed's"
        );
        let cursor = message["cursor"].as_str().unwrap().to_owned();
        received.push((message["position"].as_i64().unwrap(), cursor));
    }
}

async fn a_cursor_of_a_page_starts_a_subscription_and_the_other_way_round(world: World) {
    let (server, client) = world.server_and_client().await;
    append(&client, "game-a", 3).await;
    append(&client, "game-b", 3).await;

    let page = List::log("").page(&client, json!({})).await;
    let received = follow(&server, &page.cursors[1]).await;
    let expected: Vec<(i64, String)> = (3..=6).zip(page.cursors[2..].iter().cloned()).collect();
    assert_eq!(
        received, expected,
        "the feed goes on where the page stopped, with the page's cursors"
    );

    let list = List::log("");
    for (position, cursor) in received {
        let after = list.page(&client, json!({"after": cursor})).await;
        assert_eq!(after.positions(), (position + 1..=6).collect::<Vec<_>>());
        let before = list.page(&client, json!({"before": cursor})).await;
        assert_eq!(before.positions(), (1..position).collect::<Vec<_>>());
    }

    // A place in the log is a place in any list of events.
    let of_stream = List::of_stream("game-b", "");
    let after_another_streams_event = of_stream
        .page(&client, json!({"after": page.cursors[0]}))
        .await;
    assert_eq!(after_another_streams_event.positions(), [4, 5, 6]);
    let of_stream = List::of_stream("game-a", "direction: BACKWARD,");
    assert_eq!(
        of_stream
            .page(&client, json!({"after": page.cursors[4]}))
            .await
            .positions(),
        [3, 2, 1]
    );
    assert_eq!(
        of_stream
            .page(&client, json!({"before": page.cursors[1]}))
            .await
            .positions(),
        [3]
    );

    let head = client
        .query("{ head { position cursor } }", json!({}))
        .await;
    assert_eq!(head["head"]["cursor"], page.cursors[5]);
    assert_eq!(follow(&server, &page.cursors[5]).await, []);
}

async fn a_token_that_is_no_cursor_of_the_list_is_refused_with_the_reason(world: World) {
    let (_server, client) = world.server_and_client().await;
    append(&client, "game-a", 2).await;
    let store = client.query("{ server { storeId } }", json!({})).await["server"]["storeId"].take();
    let store = Uuid::parse_str(store.as_str().unwrap()).unwrap();
    let other = Uuid::new_v4();
    let position = |number| Position::new(number).unwrap();

    let events = List::log("").page(&client, json!({})).await.cursors[0].clone();
    let streams = List::streams("").page(&client, json!({})).await.cursors[0].clone();
    let of_other_store = cursor::encode_event(other, position(1));
    let beyond = cursor::encode_event(store, position(3));
    let (store, other) = (store.to_string(), other.to_string());
    let not_ours = "is not a cursor of this kind of list";
    let cases: [(&str, &[&str]); 7] = [
        ("", &[not_ours]),
        ("nonsense", &["`nonsense`", not_ours]),
        ("!!", &["`!!`", not_ours]),
        (&streams, &[not_ours]),
        (&of_other_store, &[&other, &store]),
        (&beyond, &["position 3", "beyond the head", "2"]),
        (&"A".repeat(5000), &[not_ours]),
    ];
    for list in [
        List::log(""),
        List::of_stream("game-a", ""),
        List::log("direction: BACKWARD,"),
    ] {
        for (token, said) in cases {
            for argument in ["after", "before"] {
                let refused = list.refusal(&client, json!({argument: token})).await;
                refused.is("INVALID_CURSOR", said);
                assert!(
                    refused.message.len() < 500,
                    "a long token is cut: {refused:?}"
                );
            }
        }
    }
    for field in ["effects", "correlated"] {
        for (token, said) in cases {
            let query = format!(
                "query($after: String) {{ eventAt(position: 1) {{ {field}(after: $after) {{ head }} }} }}"
            );
            let errors = client
                .query_for_errors(&query, json!({"after": token}))
                .await;
            assert_eq!(
                errors[0]["extensions"]["code"], "INVALID_CURSOR",
                "{field} {token}"
            );
            for text in said {
                assert!(
                    errors[0]["message"].as_str().unwrap().contains(text),
                    "{field}: {errors:?}"
                );
            }
        }
    }
    let by_creation = List::streams("orderBy: {field: CREATED_AT},");
    let refused = by_creation
        .refusal(&client, json!({"after": streams}))
        .await;
    refused.is("INVALID_CURSOR", &["another order", "`orderBy`"]);
    let refused = List::streams("")
        .refusal(&client, json!({"before": events}))
        .await;
    refused.is("INVALID_CURSOR", &[not_ours]);
    let nul = cursor::encode_stream(0, 0, "a\0b");
    List::streams("")
        .refusal(&client, json!({"after": nul}))
        .await
        .is("INVALID_CURSOR", &[not_ours]);
    let none: Value = json!(null);
    assert_eq!(
        List::log("")
            .page(&client, json!({"after": none}))
            .await
            .positions(),
        [1, 2]
    );
}
