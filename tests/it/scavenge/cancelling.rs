//! Cancelling: from then on nothing is removed.

use serde_json::{Value, json};
use testkit::GraphqlClient;
use uuid::Uuid;

use super::door::{
    Inside, append, cancel, delete, done_at_least, figures, operation, scavenged, slow, started,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    nothing_is_removed_after_a_cancellation_and_the_rest_can_be_scavenged_later,
    what_has_ended_or_never_was_cannot_be_cancelled,
);

const HIDDEN: usize = 50;

async fn nothing_is_removed_after_a_cancellation_and_the_rest_can_be_scavenged_later(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    let stream = new_stream("game");
    append(&client, &stream, HIDDEN).await;
    delete(&client, &stream).await;
    let begun = started(&client, json!({})).await;
    done_at_least(&client, &begun["id"], 3).await;
    let input = json!({"operation": begun["operationId"], "metadata": {"actor_id": "admin"}});
    let cancelled = cancel(&client, input.clone()).await;
    assert_eq!(
        cancelled["__typename"], "OperationCancelled",
        "{cancelled:#}"
    );
    let payloads = Inside::of(&world).await.payloads().await;

    let after = cancel(&client, input).await["operation"].take();
    assert_eq!(after["state"], "CANCELLED");
    let [streams, events, _] = figures(&after);
    assert_eq!(
        usize::try_from(events).unwrap(),
        HIDDEN - payloads,
        "what was done stays in the figures"
    );
    assert_eq!(streams, 0);
    let told: Vec<&Value> = after["events"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(told, ["$scavenge_started", "$operation_cancelled"]);
    assert_eq!(after["events"]["nodes"][1]["metadata"]["actorId"], "admin");

    // Whoever goes on begins where the cancelled one stopped.
    let rest = scavenged(&client, json!({})).await;
    assert_eq!(figures(&rest)[..2], [1, HIDDEN as u64 - events]);
    assert_eq!(Inside::of(&world).await.payloads().await, 0);
    assert_eq!(operation(&client, &begun["id"]).await, after);
}

async fn what_has_ended_or_never_was_cannot_be_cancelled(world: World) {
    let (_server, client) = world.server_and_client().await;
    let ended = scavenged(&client, json!({})).await;
    let refused = cancel(&client, json!({"operation": ended["id"]})).await;
    assert_eq!(refused["__typename"], "OperationFinished", "{refused:#}");
    assert_eq!(refused["code"], "OPERATION_FINISHED");
    for unknown in [Uuid::now_v7().to_string(), "none".to_owned(), String::new()] {
        let refused = cancel(&client, json!({"operation": unknown})).await;
        assert_eq!(refused["__typename"], "OperationNotFound", "{refused:#}");
        assert_eq!(refused["code"], "OPERATION_NOT_FOUND");
        assert_eq!(refused["path"], json!(["input", "operation"]));
    }
    assert_eq!(operation(&client, &ended["id"]).await, ended);
}
