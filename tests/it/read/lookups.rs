//! One thing by its name, its id or its position; and the events around an event.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use crate::support::{World, on_both_backends};

on_both_backends!(
    a_stream_is_found_by_its_name_and_is_null_before_its_first_event,
    an_event_is_found_by_its_id_and_by_its_position,
    a_global_id_leads_back_to_its_object,
    causes_effects_and_conversations_are_found,
);

async fn append(client: &GraphqlClient, stream: &str, metadata: Value) -> Value {
    let event = json!([{"eventId": Uuid::now_v7(), "type": "guess_processed", "data": {}, "metadata": metadata}]);
    client.appended(stream, Expected::Any, event).await["events"][0].take()
}

async fn a_stream_is_found_by_its_name_and_is_null_before_its_first_event(world: World) {
    let (_server, client) = world.server_and_client().await;
    let query = "query($name: String!) { stream(name: $name) { name category version status guildId createdAt \
                 updatedAt events { totalCount { value } } } }";
    let missing = client.query(query, json!({"name": "game-1"})).await;
    assert_eq!(missing, json!({"stream": null}));
    let first = json!([{"type": "game_started", "data": {"guild_id": "77"}}]);
    let first = client.appended("game-1", Expected::NoStream, first).await["events"][0].take();
    let second = append(&client, "game-1", json!({})).await;
    let found = client.query(query, json!({"name": "game-1"})).await;
    let expected = json!({
        "name": "game-1", "category": "game", "version": 2, "status": "OPEN", "guildId": "77",
        "createdAt": first["recordedAt"], "updatedAt": second["recordedAt"],
        "events": {"totalCount": {"value": 2}},
    });
    assert_eq!(found["stream"], expected);
    for name in ["game", "", "game-", "-1", "ga me-1", "Game-1ü"] {
        let errors = client.query_for_errors(query, json!({"name": name})).await;
        assert_eq!(
            errors[0]["extensions"]["code"], "INVALID_STREAM_ID",
            "{name:?}: {errors:?}"
        );
    }
}

async fn an_event_is_found_by_its_id_and_by_its_position(world: World) {
    let (_server, client) = world.server_and_client().await;
    let first = append(&client, "game-1", json!({})).await;
    let second = append(&client, "game-2", json!({})).await;
    let by_id = "query($id: UUID!) { event(eventId: $id) { eventId position streamName stream { version } } }";
    let by_position = "query($at: Position!) { eventAt(position: $at) { eventId position streamName stream { version } } }";
    for (event, position, stream) in [(&first, 1, "game-1"), (&second, 2, "game-2")] {
        let expected = json!({
            "eventId": event["eventId"], "position": position, "streamName": stream, "stream": {"version": 1},
        });
        assert_eq!(
            client.query(by_id, json!({"id": event["eventId"]})).await["event"],
            expected
        );
        assert_eq!(
            client.query(by_position, json!({"at": position})).await["eventAt"],
            expected
        );
    }
    let upper = first["eventId"].as_str().unwrap().to_uppercase();
    assert_eq!(
        client.query(by_id, json!({"id": upper})).await["event"]["position"],
        1
    );
    assert_eq!(
        client.query(by_id, json!({"id": Uuid::new_v4()})).await,
        json!({"event": null})
    );
    for position in [0, 3, 9_007_199_254_740_991_i64] {
        assert_eq!(
            client.query(by_position, json!({"at": position})).await,
            json!({"eventAt": null})
        );
    }
    for position in [
        json!(-1),
        json!(9_007_199_254_740_992_i64),
        json!(1.5),
        json!("1"),
        json!(1e300),
    ] {
        client
            .query_for_errors(by_position, json!({"at": position}))
            .await;
    }
}

async fn a_global_id_leads_back_to_its_object(world: World) {
    let (_server, client) = world.server_and_client().await;
    append(&client, "game-1", json!({})).await;
    let ids = client
        .query(
            "{ stream(name: \"game-1\") { id } eventAt(position: 1) { id } }",
            json!({}),
        )
        .await;
    let (stream, event) = (&ids["stream"]["id"], &ids["eventAt"]["id"]);
    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Stream { name } ... on Event { position } } }";
    let found_stream = json!({"__typename": "Stream", "id": stream, "name": "game-1"});
    let found_event = json!({"__typename": "Event", "id": event, "position": 1});
    assert_eq!(
        client.query(node, json!({"id": stream})).await["node"],
        found_stream
    );
    assert_eq!(
        client.query(node, json!({"id": event})).await["node"],
        found_event
    );
    for id in ["", "nonsense", "game-1", "1"] {
        assert_eq!(
            client.query(node, json!({"id": id})).await,
            json!({"node": null}),
            "{id}"
        );
    }
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Stream { name } ... on Event { position } } }";
    let found = client
        .query(nodes, json!({"ids": [event, "nonsense", stream, event]}))
        .await;
    assert_eq!(
        found["nodes"],
        json!([found_event, null, found_stream, found_event])
    );
    assert_eq!(
        client.query(nodes, json!({"ids": []})).await,
        json!({"nodes": []})
    );
    let many = vec![event; 1001];
    let errors = client.query_for_errors(nodes, json!({"ids": many})).await;
    assert_eq!(errors[0]["extensions"]["code"], "LIMIT_EXCEEDED");
    let found = client.query(nodes, json!({"ids": many[..1000]})).await;
    assert_eq!(found["nodes"].as_array().unwrap().len(), 1000);
}

async fn causes_effects_and_conversations_are_found(world: World) {
    let (_server, client) = world.server_and_client().await;
    // 1 starts a conversation of its own and causes 2, 3 and 5; 4 is of that conversation by its name.
    let first = append(&client, "game-1", json!({"note": "alone"})).await["eventId"].take();
    append(
        &client,
        "game-1",
        json!({"causation_id": first, "correlation_id": first}),
    )
    .await;
    append(&client, "game-2", json!({"causation_id": first})).await;
    append(
        &client,
        "game-2",
        json!({"causation_id": "1349442842771932388", "correlation_id": first}),
    )
    .await;
    append(
        &client,
        "game-3",
        json!({"causation_id": first, "correlation_id": "talk"}),
    )
    .await;
    append(
        &client,
        "game-3",
        json!({"causation_id": Uuid::new_v4(), "correlation_id": "talk"}),
    )
    .await;

    let query = "{ events { nodes { position causedBy { position } metadata { correlationId causationId } \
                 effects { totalCount { value } nodes { position } } \
                 correlated { totalCount { value } nodes { position } } } } }";
    let answer = client.query(query, json!({})).await;
    let of = |event: &Value, field: &str| {
        let list = &event[field];
        let positions = super::lists::positions(list["nodes"].as_array().unwrap());
        assert_eq!(list["totalCount"]["value"], positions.len());
        positions
    };
    let found: Vec<(Value, Vec<i64>, Vec<i64>)> = answer["events"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["causedBy"]["position"].clone(),
                of(event, "effects"),
                of(event, "correlated"),
            )
        })
        .collect();
    let expected = [
        (json!(null), vec![2, 3, 5], vec![1, 2, 4]),
        (json!(1), vec![], vec![1, 2, 4]),
        (json!(1), vec![], vec![3]),
        (json!(null), vec![], vec![1, 2, 4]),
        (json!(1), vec![], vec![5, 6]),
        (json!(null), vec![], vec![5, 6]),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        answer["events"]["nodes"][0]["metadata"]["correlationId"],
        first
    );

    let page = "query($after: String) { eventAt(position: 1) { effects(first: 2, after: $after) { nodes { position } \
                pageInfo { hasNextPage hasPreviousPage endCursor } totalCount { value } } } }";
    let one = client.query(page, json!({})).await["eventAt"]["effects"].take();
    assert_eq!(one["nodes"], json!([{"position": 2}, {"position": 3}]));
    assert_eq!(
        (
            &one["pageInfo"]["hasNextPage"],
            &one["pageInfo"]["hasPreviousPage"]
        ),
        (&json!(true), &json!(false))
    );
    let two = client
        .query(page, json!({"after": one["pageInfo"]["endCursor"]}))
        .await["eventAt"]["effects"]
        .take();
    assert_eq!(two["nodes"], json!([{"position": 5}]));
    assert_eq!(
        (
            &two["pageInfo"]["hasNextPage"],
            &two["pageInfo"]["hasPreviousPage"]
        ),
        (&json!(false), &json!(true))
    );
    assert_eq!(two["totalCount"]["value"], 3);
}
