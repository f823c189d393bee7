//! How long a page is, where it begins, and how long the whole list is.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::lists::List;
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_page_is_as_long_as_asked_and_never_clamped,
    a_list_begins_at_a_position_or_version_which_it_includes,
    the_total_is_exact_up_to_a_bound_and_says_so,
    an_operation_that_asks_for_too_many_nodes_is_refused_before_it_reads,
);

/// Appends this many events to one stream.
async fn fill(client: &GraphqlClient, stream: &str, events: usize) {
    let event = json!({"type": "guess_processed", "data": {}});
    client
        .appended(stream, Expected::NoStream, json!(vec![event; events]))
        .await;
}

async fn a_page_is_as_long_as_asked_and_never_clamped(world: World) {
    let (_server, client) = world.server_and_client().await;
    fill(&client, "game-long", 1000).await;
    fill(&client, "game-short", 1).await;
    for list in [List::log(""), List::log("direction: BACKWARD,")] {
        let page = async |arguments: Value| list.page(&client, arguments).await;
        for which in ["first", "last"] {
            for size in [0, 1, 999, 1000] {
                let page = page(json!({which: size})).await;
                assert_eq!(page.nodes.len(), size);
                assert_eq!(
                    (page.has_next, page.has_previous),
                    (which == "first", which == "last")
                );
            }
        }
        let all = page(json!({})).await;
        assert_eq!(all.nodes.len(), 100, "the default");
        let rest = page(json!({"first": 1000, "after": all.cursors[0]})).await;
        assert_eq!(
            (rest.nodes.len(), rest.has_next, rest.has_previous),
            (1000, false, true)
        );
        let none = page(json!({"first": 5, "after": rest.cursors[999]})).await;
        assert_eq!(
            (none.nodes.len(), none.has_next, none.has_previous),
            (0, false, true)
        );
        let none = page(json!({"last": 5, "before": all.cursors[0]})).await;
        assert_eq!(
            (none.nodes.len(), none.has_next, none.has_previous),
            (0, true, false)
        );
        let between =
            page(json!({"first": 5, "after": all.cursors[2], "before": all.cursors[5]})).await;
        assert_eq!(between.nodes, all.nodes[3..5]);
        let between =
            page(json!({"last": 1, "after": all.cursors[2], "before": all.cursors[5]})).await;
        assert_eq!(between.nodes, all.nodes[4..5]);
        let none =
            page(json!({"first": 5, "after": all.cursors[5], "before": all.cursors[2]})).await;
        assert_eq!(
            none.nodes.len(),
            0,
            "nothing lies between bounds the wrong way round"
        );
    }
    for list in [
        List::log(""),
        List::of_stream("game-long", ""),
        List::streams(""),
    ] {
        let refusal = async |arguments| list.refusal(&client, arguments).await;
        refusal(json!({"first": 1001}))
            .await
            .is("LIMIT_EXCEEDED", &["`first`", "1001", "1000"]);
        refusal(json!({"last": 1001}))
            .await
            .is("LIMIT_EXCEEDED", &["`last`", "1001", "1000"]);
        refusal(json!({"first": -1}))
            .await
            .is("INVALID_ARGUMENT", &["`first`", "-1"]);
        refusal(json!({"last": -1}))
            .await
            .is("INVALID_ARGUMENT", &["`last`", "-1"]);
        refusal(json!({"first": 1, "last": 1}))
            .await
            .is("INVALID_ARGUMENT", &["`first`", "`last`"]);
    }
    let streams = List::streams("");
    let one = streams.page(&client, json!({"first": 1})).await;
    assert_eq!(
        (one.nodes.len(), one.has_next, one.has_previous),
        (1, true, false)
    );
    assert_eq!(
        streams.page(&client, json!({"last": 0})).await.nodes.len(),
        0
    );
}

async fn a_list_begins_at_a_position_or_version_which_it_includes(world: World) {
    let (_server, client) = world.server_and_client().await;
    fill(&client, "game-a", 4).await;
    fill(&client, "game-b", 4).await;
    let positions = async |list: List, page: Value| list.page(&client, page).await.positions();
    for (arguments, expected) in [
        ("fromPosition: 6,", &[6, 7, 8][..]),
        ("fromPosition: 1,", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("fromPosition: 0,", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("fromPosition: 9,", &[]),
        ("fromPosition: 9007199254740991,", &[]),
        ("fromPosition: 3, direction: BACKWARD,", &[3, 2, 1]),
        ("fromPosition: 0, direction: BACKWARD,", &[]),
        (
            "fromPosition: 9007199254740991, direction: BACKWARD,",
            &[8, 7, 6, 5, 4, 3, 2, 1],
        ),
        (
            "fromPosition: 4, filter: {streamPrefix: \"game-b\"},",
            &[5, 6, 7, 8],
        ),
    ] {
        assert_eq!(
            positions(List::log(arguments), json!({})).await,
            expected,
            "{arguments}"
        );
        let last = &expected[expected.len().saturating_sub(2)..];
        assert_eq!(
            positions(List::log(arguments), json!({"last": 2})).await,
            last,
            "{arguments}"
        );
    }
    for (arguments, expected) in [
        ("fromVersion: 3,", &[7, 8][..]),
        ("fromVersion: 0,", &[5, 6, 7, 8]),
        ("fromVersion: 5,", &[]),
        ("fromVersion: 2147483647,", &[]),
        ("fromVersion: 2, direction: BACKWARD,", &[6, 5]),
        (
            "fromVersion: 2147483647, direction: BACKWARD,",
            &[8, 7, 6, 5],
        ),
    ] {
        let list = List::of_stream("game-b", arguments);
        assert_eq!(
            positions(list.clone(), json!({})).await,
            expected,
            "{arguments}"
        );
        let end = &expected[expected.len().saturating_sub(1)..];
        assert_eq!(
            positions(list, json!({"last": 1})).await,
            end,
            "{arguments}"
        );
    }
    let negative = List::of_stream("game-b", "fromVersion: -1,")
        .refusal(&client, json!({}))
        .await;
    negative.is("INVALID_START_VERSION", &["`fromVersion`", "-1"]);
    // A cursor further on counts more than where the list begins.
    let page = List::log("").page(&client, json!({"first": 7})).await;
    let list = List::log("fromPosition: 2,");
    assert_eq!(
        positions(list.clone(), json!({"after": page.cursors[5]})).await,
        [7, 8]
    );
    assert_eq!(
        positions(list.clone(), json!({"after": page.cursors[0], "first": 1})).await,
        [2]
    );
    assert_eq!(
        positions(list, json!({"before": page.cursors[3]})).await,
        [2, 3]
    );
}

async fn the_total_is_exact_up_to_a_bound_and_says_so(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_GRAPHQL_COUNT_LIMIT", "5")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let total = async |list: &str| {
        let answer = client
            .query(
                &format!("{{ list: {list} {{ totalCount {{ value isExact }} }} }}"),
                json!({}),
            )
            .await;
        let count = &answer["list"]["totalCount"];
        (
            count["value"].as_i64().unwrap(),
            count["isExact"].as_bool().unwrap(),
        )
    };
    assert_eq!(total("events").await, (0, true));
    assert_eq!(total("streams").await, (0, true));
    fill(&client, "game-a", 4).await;
    fill(&client, "game-b", 1).await;
    assert_eq!(
        total("events(first: 1)").await,
        (5, true),
        "the whole list, not the page"
    );
    fill(&client, "team-a", 1).await;
    assert_eq!(
        total("events(last: 1, direction: BACKWARD)").await,
        (5, false)
    );
    assert_eq!(
        total("events(filter: {categories: [\"game\"]}, first: 0)").await,
        (5, true)
    );
    assert_eq!(
        total("events(filter: {categories: [\"game\", \"team\"]})").await,
        (5, false)
    );
    assert_eq!(
        total("events(fromPosition: 5)").await,
        (2, true),
        "the list begins there"
    );
    assert_eq!(
        total("events(fromPosition: 2, direction: BACKWARD)").await,
        (2, true)
    );
    assert_eq!(total("streams(first: 1)").await, (3, true));
    assert_eq!(
        total("streams(filter: {namePrefix: \"game-\"})").await,
        (2, true)
    );
    for name in ["x-1", "x-2", "x-3"] {
        fill(&client, name, 1).await;
    }
    assert_eq!(
        total("streams(filter: {categories: [\"x\"]})").await,
        (3, true)
    );
    assert_eq!(total("streams").await, (5, false));
}

async fn an_operation_that_asks_for_too_many_nodes_is_refused_before_it_reads(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_GRAPHQL_OPERATION_NODES", "100")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    for number in 0..12 {
        fill(&client, &format!("game-{number}"), 1).await;
    }
    let refused = async |query: &str| {
        let errors = client.query_for_errors(query, json!({})).await;
        assert_eq!(
            errors[0]["extensions"]["code"], "LIMIT_EXCEEDED",
            "{query}: {errors:?}"
        );
        let message = errors[0]["message"].as_str().unwrap();
        assert!(
            message.contains("100") && message.contains("101"),
            "{query}: {message}"
        );
    };
    client
        .query("{ events(first: 100) { head } }", json!({}))
        .await;
    refused("{ events(first: 101) { head } }").await;
    client
        .query(
            "{ streams(first: 10) { nodes { events(first: 9) { head } } } }",
            json!({}),
        )
        .await;
    refused("{ streams(first: 10) { nodes { events(first: 9) { head } } } head { position } events(first: 1) { head } }").await;
    client
        .query(
            "{ a: events(first: 50) { head } b: events(first: 50) { head } }",
            json!({}),
        )
        .await;
    refused("{ a: events(first: 50) { head } b: events(first: 51) { head } }").await;
    let errors = client
        .query_for_errors("{ streams(first: 10) { nodes { events(first: 10) { nodes { correlated(first: 10) { head } } } } } }", json!({}))
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "LIMIT_EXCEEDED");
}
