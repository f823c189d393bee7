//! A retry of an append whose events are scavenged (rule A1): ids, stream and order decide, since nothing is
//! left to compare contents with.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{append, delete, scavenged};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(a_retry_of_what_is_scavenged_is_recognised_by_ids_stream_and_order);

async fn a_retry_of_what_is_scavenged_is_recognised_by_ids_stream_and_order(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    append(&client, &stream, 2).await;
    let events = append(&client, &stream, 3).await;
    delete(&client, &stream).await;
    scavenged(&client, json!({})).await;

    let retried = client
        .append(&stream, Expected::Exactly(2), events.clone())
        .await;
    assert_eq!(retried["__typename"], "Appended", "{retried:#}");
    assert_eq!(retried["duplicate"], true);
    assert_eq!(
        [&retried["version"], &retried["firstPosition"]],
        [&json!(5), &json!(3)]
    );
    // The contents cannot be told apart any more.
    let mut other_content = events.clone();
    other_content[1]["data"] = json!({"number": "another"});
    let retried = client.append(&stream, Expected::Any, other_content).await;
    assert_eq!(retried["duplicate"], true, "{retried:#}");

    let order: Value = [2, 1, 0].iter().map(|&at| events[at].clone()).collect();
    refused(&client, &stream, &order, "OTHER_ORDER").await;
    refused(&client, &new_stream("game"), &events, "OTHER_STREAM").await;
    let mut more = events.clone();
    more.as_array_mut().unwrap().push(super::door::new_event(9));
    refused(&client, &stream, &more, "NEW_BESIDE_STORED").await;
}

async fn refused(client: &GraphqlClient, stream: &str, events: &Value, reason: &str) {
    let query =
        "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename
        ... on DuplicateEvent { duplicates { reason } } } }";
    let expected = Expected::Any.to_json();
    let input = json!({"stream": stream, "expectedVersion": expected, "events": events});
    let answer = client.query(query, json!({"input": input})).await;
    let refusal = &answer["appendToStream"];
    assert_eq!(refusal["__typename"], "DuplicateEvent", "{refusal:#}");
    let reasons = refusal["duplicates"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|duplicate| duplicate["reason"] == reason),
        "{refusal:#}"
    );
}
