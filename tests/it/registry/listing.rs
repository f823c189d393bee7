//! The list of event types.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{checked, event_type, mutate, registered, version};
use crate::append::door::{each, error_code};
use crate::support::{World, on_both_backends};

on_both_backends!(
    every_type_is_listed_in_pages_under_a_filter,
    an_event_type_is_a_node,
);

async fn page(client: &GraphqlClient, variables: Value) -> Value {
    let query = "query($filter: EventTypeFilter, $first: Int, $after: String) {
        eventTypes(filter: $filter, first: $first, after: $after) {
          totalCount { value isExact } pageInfo { hasNextPage hasPreviousPage endCursor }
          edges { cursor node { name } } nodes { name state } } }";
    client.query(query, variables).await["eventTypes"].take()
}

async fn names(client: &GraphqlClient, filter: Value) -> Vec<Value> {
    let page = page(client, json!({"filter": filter, "first": 1000})).await;
    each(page["nodes"].as_array().unwrap(), "name")
}

async fn every_type_is_listed_in_pages_under_a_filter(world: World) {
    let (_server, client) = checked(&world).await;
    for name in ["coffee_brewed", "tea_made", "team_coffee"] {
        registered(&client, &version(name, 1, json!({}), Value::Null)).await;
    }
    mutate(
        &client,
        "deprecateEventType",
        &json!({"name": "tea_made", "reason": "x"}),
    )
    .await;
    let built_in = gamebot::event::Event::EVENT_TYPES;
    let all = names(&client, Value::Null).await;
    assert_eq!(all.len(), built_in.len() + 3);
    assert!(all.is_sorted_by_key(|name| name.as_str().unwrap().to_owned()));
    for name in built_in {
        assert!(all.contains(&json!(name)), "{name}");
    }
    assert_eq!(
        names(&client, json!({"states": ["REGISTERED"]})).await,
        ["coffee_brewed", "team_coffee"]
    );
    assert_eq!(
        names(&client, json!({"states": ["DEPRECATED"]})).await,
        ["tea_made"]
    );
    assert_eq!(
        names(&client, json!({"states": ["BUILT_IN"]})).await.len(),
        built_in.len()
    );
    let teams = names(
        &client,
        json!({"namePrefix": "team_", "categories": ["team"]}),
    )
    .await;
    assert!(teams.contains(&json!("team_created")) && !teams.contains(&json!("team_coffee")));
    assert!(
        !teams.contains(&json!("team_eliminated")),
        "it belongs to games"
    );

    let mut walked = Vec::new();
    let mut after = Value::Null;
    loop {
        let found = page(&client, json!({"first": 7, "after": after})).await;
        assert_eq!(
            found["totalCount"],
            json!({"value": all.len(), "isExact": true})
        );
        assert_eq!(found["pageInfo"]["hasPreviousPage"], !after.is_null());
        walked.extend(each(found["nodes"].as_array().unwrap(), "name"));
        after = found["pageInfo"]["endCursor"].clone();
        assert_eq!(
            found["edges"].as_array().unwrap().last().unwrap()["cursor"],
            after
        );
        if found["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(walked, all);
    for (variables, code) in [
        (json!({"first": 1001}), "LIMIT_EXCEEDED"),
        (json!({"first": -1}), "INVALID_ARGUMENT"),
        (json!({"after": "?"}), "INVALID_CURSOR"),
        (json!({"filter": {"states": []}}), "INVALID_ARGUMENT"),
        (json!({"filter": {"categories": []}}), "INVALID_ARGUMENT"),
    ] {
        let query = "query($filter: EventTypeFilter, $first: Int, $after: String) {
            eventTypes(filter: $filter, first: $first, after: $after) { nodes { name } } }";
        let answer = client.execute(query, variables.clone()).await;
        assert_eq!(error_code(&answer), code, "{variables}");
    }
}

async fn an_event_type_is_a_node(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, json!({}), Value::Null),
    )
    .await;
    for name in ["coffee_brewed", "game_started"] {
        let known = event_type(&client, name).await;
        let query = "query($id: ID!) { node(id: $id) { id __typename ... on EventType { name } } }";
        let found = client.query(query, json!({"id": known["id"]})).await;
        let node = json!({"id": known["id"], "__typename": "EventType", "name": name});
        assert_eq!(found["node"], node);
    }
    assert_eq!(event_type(&client, "nobody").await, Value::Null);
}
