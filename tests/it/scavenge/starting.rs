//! Asking for a scavenge: twice, wrongly, and too often; and finding the operations again.

use serde_json::{Value, json};
use testkit::GraphqlClient;
use uuid::Uuid;

use super::door::{
    append, cancel, delete, done_at_least, ended, operation, scavenge, scavenged, slow, started,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    the_same_request_starts_nothing_twice,
    an_id_belongs_to_one_request_for_ever,
    scavenges_of_different_streams_run_one_after_the_other,
    too_many_that_wait_are_refused,
    what_cannot_be_asked_for_is_refused_at_its_place,
    operations_are_listed_paged_and_found_by_id,
);

/// A stream whose events are hidden.
async fn hidden(client: &GraphqlClient, count: usize) -> String {
    let stream = new_stream("game");
    append(client, &stream, count).await;
    delete(client, &stream).await;
    stream
}

async fn the_same_request_starts_nothing_twice(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    hidden(&client, 40).await;
    let id = Uuid::now_v7();
    let first = started(&client, json!({"operationId": id})).await;
    assert_eq!(first["operationId"], id.to_string());
    let again = scavenge(&client, json!({"operationId": id})).await;
    assert_eq!(again["duplicate"], true, "{again:#}");
    assert_eq!(again["operation"]["id"], first["id"]);
    done_at_least(&client, &first["id"], 1).await;
    // It may have passed what was hidden since, so that another one is due, and one is enough.
    let second = scavenge(&client, json!({})).await;
    assert_eq!(second["duplicate"], false, "{second:#}");
    assert_ne!(second["operation"]["id"], first["id"]);
    for waiting in [json!({"operationId": Uuid::now_v7()}), json!({})] {
        let payload = scavenge(&client, waiting).await;
        assert_eq!(payload["duplicate"], true, "{payload:#}");
        assert_eq!(payload["operation"]["id"], second["operation"]["id"]);
    }
    ended(&client, &first["id"]).await;
    ended(&client, &second["operation"]["id"]).await;
    let retried = scavenge(&client, json!({"operationId": id})).await;
    assert_eq!(retried["duplicate"], true);
    assert_eq!(retried["operation"]["state"], "SUCCEEDED");
    assert_eq!(
        retried["operation"]["events"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let new = scavenge(&client, json!({})).await;
    assert_eq!(new["duplicate"], false);
    assert_ne!(new["operation"]["id"], first["id"]);
}

async fn an_id_belongs_to_one_request_for_ever(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = hidden(&client, 2).await;
    let id = Uuid::now_v7();
    scavenged(&client, json!({"operationId": id, "stream": stream})).await;
    let refused = scavenge(&client, json!({"operationId": id})).await;
    assert_eq!(refused["__typename"], "InvalidInput", "{refused:#}");
    assert_eq!(refused["code"], "INVALID_ARGUMENT");
    assert_eq!(refused["path"], json!(["input", "operationId"]));
}

async fn scavenges_of_different_streams_run_one_after_the_other(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    let (one, other) = (hidden(&client, 20).await, hidden(&client, 5).await);
    let first = started(&client, json!({"stream": one})).await;
    let second = scavenge(&client, json!({"stream": other})).await;
    assert_eq!(second["duplicate"], false, "{second:#}");
    let second = ended(&client, &second["operation"]["id"]).await;
    let first = operation(&client, &first["id"]).await;
    assert_eq!(first["state"], "SUCCEEDED");
    let time = |operation: &Value, field: &str| operation[field].as_str().unwrap().to_owned();
    assert!(time(&first, "finishedAt") <= time(&second, "startedAt"));
    assert_eq!(second["result"]["events"], 5);
}

async fn too_many_that_wait_are_refused(world: World) {
    let server = slow(&world)
        .environment("GAMEBOT_OPERATIONS_MAX_UNFINISHED", "2")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let streams = [
        hidden(&client, 60).await,
        hidden(&client, 1).await,
        hidden(&client, 1).await,
    ];
    let first = started(&client, json!({"stream": streams[0]})).await;
    started(&client, json!({"stream": streams[1]})).await;
    let refused = scavenge(&client, json!({"stream": streams[2]})).await;
    assert_eq!(refused["__typename"], "LimitExceeded", "{refused:#}");
    assert_eq!(refused["code"], "LIMIT_EXCEEDED");
    assert_eq!(refused["retryable"], true);
    assert_eq!([&refused["value"], &refused["limit"]], [2, 2]);
    let cancelled = cancel(&client, json!({"operation": first["id"]})).await;
    assert_eq!(cancelled["__typename"], "OperationCancelled");
    scavenged(&client, json!({"stream": streams[2]})).await;
}

async fn what_cannot_be_asked_for_is_refused_at_its_place(world: World) {
    let (_server, client) = world.server_and_client().await;
    for (input, refusal, code, path) in [
        (
            json!({"stream": "game-none"}),
            "StreamNotFound",
            "STREAM_NOT_FOUND",
            json!(["input", "stream"]),
        ),
        (
            json!({"stream": "$stream-game-1"}),
            "InvalidInput",
            "INVALID_STREAM_ID",
            json!(["input", "stream"]),
        ),
        (
            json!({"metadata": {"actor_id": 7}}),
            "InvalidInput",
            "INVALID_ARGUMENT",
            json!(["input", "metadata", "actor_id"]),
        ),
        (
            json!({"metadata": {"event_id": Uuid::now_v7()}}),
            "InvalidInput",
            "INVALID_ARGUMENT",
            json!(["input", "metadata", "event_id"]),
        ),
        (
            json!({"metadata": {"text": "x".repeat(70_000)}}),
            "InvalidInput",
            "INVALID_ARGUMENT",
            json!(["input", "metadata"]),
        ),
    ] {
        let refused = scavenge(&client, input).await;
        assert_eq!(refused["__typename"], refusal, "{refused:#}");
        assert_eq!(refused["code"], code, "{refused:#}");
        assert_eq!(refused["path"], path, "{refused:#}");
    }
    let answer = client
        .query(
            "{ operations { nodes { id } } head { position } }",
            json!({}),
        )
        .await;
    assert_eq!(answer["operations"]["nodes"], json!([]));
    assert_eq!(answer["head"]["position"], 0);
}

async fn operations_are_listed_paged_and_found_by_id(world: World) {
    let (_server, client) = world.server_and_client().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(scavenged(&client, json!({})).await["id"].clone());
    }
    let query = "query($first: Int, $after: String, $last: Int, $before: String, $filter: OperationFilter) {
        operations(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
            nodes { id } edges { cursor } totalCount { value isExact }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let page = async |variables: Value| client.query(query, variables).await["operations"].take();
    let listed = |page: &Value| -> Vec<Value> {
        let nodes = page["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["id"].clone()).collect()
    };
    let first = page(json!({"first": 2})).await;
    assert_eq!(listed(&first), ids[..2]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["totalCount"], json!({"value": 5, "isExact": true}));
    let rest = page(json!({"after": first["pageInfo"]["endCursor"]})).await;
    assert_eq!(listed(&rest), ids[2..]);
    let last = page(json!({"last": 2})).await;
    assert_eq!(listed(&last), ids[3..]);
    let earlier = page(json!({"last": 2, "before": last["pageInfo"]["startCursor"]})).await;
    assert_eq!(listed(&earlier), ids[1..3]);
    for (filter, count) in [
        (json!({"states": ["SUCCEEDED"]}), 5),
        (json!({"states": ["RUNNING", "FAILED"]}), 0),
        (
            json!({"kinds": ["SCAVENGE"], "states": ["SUCCEEDED", "WAITING"]}),
            5,
        ),
    ] {
        assert_eq!(listed(&page(json!({"filter": filter})).await).len(), count);
    }

    let variables = json!({"filter": {"states": []}});
    let errors = client.query_for_errors(query, variables).await;
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_ARGUMENT");

    let found = operation(&client, &ids[3]).await;
    let query = "query($id: ID!, $own: ID!) {
        node(id: $id) { __typename id ... on Operation { operationId } }
        operation(id: $own) { id }
        none: operation(id: \"none\") { id } }";
    let own = &found["operationId"];
    let answer = client.query(query, json!({"id": ids[3], "own": own})).await;
    assert_eq!(answer["node"]["__typename"], "Operation");
    assert_eq!(&answer["node"]["operationId"], own);
    assert_eq!(answer["operation"]["id"], ids[3]);
    assert!(answer["none"].is_null());
}
