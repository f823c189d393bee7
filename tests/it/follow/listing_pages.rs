//! Pages and filters of the list of live subscriptions, and its entries as nodes.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::feed::{Feed, Kind};
use super::live::{Feeds, all, listed, only, wait_for};
use crate::support::{World, on_both_backends};

on_both_backends!(
    pages_go_through_the_list_in_the_order_of_the_starts,
    a_page_goes_on_after_a_subscription_that_has_ended,
    arguments_that_cannot_be_used_are_refused,
    a_filter_chooses_by_kind_state_and_client,
    a_live_subscription_is_a_node_as_long_as_it_runs,
);

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String) {
  liveSubscriptions(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { operationName } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount { value }
  }
}";

/// A page: the names of its operations, its info, its cursors.
async fn page(client: &GraphqlClient, arguments: Value) -> (Vec<String>, Value, Vec<String>) {
    let answer = client.query(PAGE, arguments).await;
    let list = &answer["liveSubscriptions"];
    let edges = list["edges"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names = edges
        .iter()
        .map(|edge| text(&edge["node"]["operationName"]));
    let cursors = edges.iter().map(|edge| text(&edge["cursor"]));
    (names.collect(), list["pageInfo"].clone(), cursors.collect())
}

/// A socket with feeds of these names, started in this order.
async fn feeds(base_url: &str, client: &GraphqlClient, names: &[&str]) -> Feeds {
    let mut feeds = Feeds::connect(base_url).await;
    for (count, name) in names.iter().enumerate() {
        feeds.follow(name, Value::Null).await;
        wait_for(client, count + 1).await;
    }
    feeds
}

async fn pages_go_through_the_list_in_the_order_of_the_starts(world: World) {
    let (server, client) = world.server_and_client().await;
    let _feeds = feeds(&server.base_url(), &client, &["e", "d", "c", "b", "a"]).await;
    let (names, info, cursors) = page(&client, json!({"first": 2})).await;
    assert_eq!(names, ["e", "d"]);
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&info["startCursor"], &info["endCursor"]),
        (&json!(cursors[0]), &json!(cursors[1]))
    );
    let (names, info, rest) = page(&client, json!({"first": 3, "after": cursors[1]})).await;
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    let (names, info, _) = page(&client, json!({"last": 2, "before": rest[2]})).await;
    assert_eq!(names, ["c", "b"]);
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(page(&client, json!({"last": 1})).await.0, ["a"]);
    let answer = client.query(PAGE, json!({"first": 1})).await;
    assert_eq!(answer["liveSubscriptions"]["totalCount"]["value"], 5);
}

async fn a_page_goes_on_after_a_subscription_that_has_ended(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut feeds = feeds(&server.base_url(), &client, &["a", "b", "c"]).await;
    let (_, _, cursors) = page(&client, json!({"first": 2})).await;
    feeds.complete("b").await;
    wait_for(&client, 2).await;
    let rest = page(&client, json!({"first": 2, "after": cursors[1]})).await;
    assert_eq!(rest.0, ["c"]);
    feeds.follow("d", Value::Null).await;
    wait_for(&client, 3).await;
    let rest = page(&client, json!({"first": 2, "after": cursors[1]})).await;
    assert_eq!(rest.0, ["c", "d"]);
}

async fn arguments_that_cannot_be_used_are_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let head = client.query("{ head { cursor } }", json!({})).await;
    for (arguments, code) in [
        (json!({"after": head["head"]["cursor"]}), "INVALID_CURSOR"),
        (json!({"after": ""}), "INVALID_CURSOR"),
        (json!({"first": 1_001}), "LIMIT_EXCEEDED"),
        (json!({"first": 1, "last": 1}), "INVALID_ARGUMENT"),
    ] {
        let errors = client.query_for_errors(PAGE, arguments.clone()).await;
        assert_eq!(
            errors[0]["extensions"]["code"], code,
            "{arguments}: {errors:#?}"
        );
    }
    for name in ["kinds", "states", "clientNames"] {
        let query = format!("{{ liveSubscriptions(filter: {{{name}: []}}) {{ nodes {{ id }} }} }}");
        let errors = client.query_for_errors(&query, json!({})).await;
        assert_eq!(errors[0]["extensions"]["code"], "INVALID_ARGUMENT");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("`{name}` is an empty list")),
            "{message}"
        );
    }
}

async fn a_filter_chooses_by_kind_state_and_client(world: World) {
    let (server, client) = world.server_and_client().await;
    let options = testkit::SocketOptions::default();
    let (who, from) = (json!({"name": "panel"}), Value::Null);
    let mut named =
        Feed::start_as(&server.base_url(), options, who, from.clone(), Value::Null).await;
    named.until_kind(Kind::CaughtUp).await;
    let mut stream = Feed::of_stream(&server.base_url(), "game-1", from).await;
    stream.until_kind(Kind::CaughtUp).await;
    for (filter, kinds) in [
        (json!({"kinds": ["EVENTS"]}), vec!["EVENTS"]),
        (json!({"kinds": ["STREAM"]}), vec!["STREAM"]),
        (
            json!({"kinds": ["STREAM", "EVENTS"]}),
            vec!["EVENTS", "STREAM"],
        ),
        (json!({"states": ["LIVE"]}), vec!["EVENTS", "STREAM"]),
        (json!({"states": ["STARTING", "CATCHING_UP"]}), vec![]),
        (json!({"clientNames": ["bot", "panel"]}), vec!["EVENTS"]),
        (
            json!({"clientNames": ["panel"], "kinds": ["STREAM"]}),
            vec![],
        ),
        (json!({"minLag": 0}), vec!["EVENTS", "STREAM"]),
        (json!({"minLag": 1}), vec![]),
    ] {
        let found = listed(&client, filter.clone()).await;
        let found: Vec<&Value> = found.iter().map(|found| &found["kind"]).collect();
        assert_eq!(found, kinds, "{filter}");
    }
}

async fn a_live_subscription_is_a_node_as_long_as_it_runs(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut feed = Feed::start(&server.base_url(), Value::Null, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    let id = only(&client).await["id"].clone();
    let query =
        "query($id: ID!) { node(id: $id) { __typename id ... on LiveSubscription { state } } }";
    let found = client.query(query, json!({ "id": id })).await;
    let expected = json!({"__typename": "LiveSubscription", "id": id, "state": "LIVE"});
    assert_eq!(found["node"], expected);
    feed.close().await;
    wait_for(&client, 0).await;
    let gone = client.query(query, json!({ "id": id })).await;
    assert_eq!(gone["node"], Value::Null);
    assert_eq!(all(&client).await, Vec::<Value>::new());
}
