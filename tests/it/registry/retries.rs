//! A retry stays a retry, whatever the schemas say by then.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{event, mutate, registered, version, whole};
use crate::append::door::{append, append_batch, appended, head, part};
use crate::support::{UNCHECKED, World, new_stream, on_both_backends};

on_both_backends!(
    a_retry_succeeds_after_the_schemas_became_stricter,
    a_registration_that_is_sent_again_after_a_crash_is_the_same_registration,
);

async fn a_retry_succeeds_after_the_schemas_became_stricter(world: World) {
    let mut lax = world.prepare().start().await;
    let client = GraphqlClient::new(&lax.base_url());
    let stream = new_stream("kitchen");
    let events = json!([
        event("coffee_brewed", 1, json!({"count": "many"})),
        event("never_heard_of", 4, json!({})),
    ]);
    let first = appended(&client, &stream, Expected::Exactly(0), &events).await;
    lax.terminate().await;

    let strict = world.prepare().environment(UNCHECKED.0, "").start().await;
    let client = GraphqlClient::new(&strict.base_url());
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    for expected in [Expected::Exactly(0), Expected::Any] {
        let again = appended(&client, &stream, expected, &events).await;
        assert_eq!(again["duplicate"], true);
        assert_eq!(again["lastPosition"], first["lastPosition"]);
    }
    let batch = append_batch(&client, &[part(&stream, Expected::Any, events.clone())]).await;
    assert_eq!(batch["duplicate"], true, "{batch:#}");
    // With other ids, the same events are new ones; with a part of the ids, they are no retry.
    let new = json!([event("coffee_brewed", 1, json!({"count": "many"}))]);
    let refused = append(&client, &stream, Expected::Any, &new).await;
    assert_eq!(refused["code"], "INVALID_EVENT_DATA");
    let mixed = json!([events[0], new[0]]);
    let refused = append(&client, &stream, Expected::Any, &mixed).await;
    assert_eq!(refused["code"], "DUPLICATE_EVENT", "{refused:#}");
}

async fn a_registration_that_is_sent_again_after_a_crash_is_the_same_registration(world: World) {
    let (mut server, client) = super::door::checked(&world).await;
    let mut first = version("coffee_brewed", 1, whole("count"), Value::Null);
    first["eventId"] = json!(uuid::Uuid::now_v7());
    let done = registered(&client, &first).await;
    let deprecation =
        json!({"name": "coffee_brewed", "reason": "x", "eventId": uuid::Uuid::now_v7()});
    let deprecated = mutate(&client, "deprecateEventType", &deprecation).await;
    mutate(
        &client,
        "undeprecateEventType",
        &json!({"name": "coffee_brewed"}),
    )
    .await;
    let before = head(&client).await;
    server.kill();
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let again = registered(&client, &first).await;
    assert_eq!(
        (&again["duplicate"], &again["event"]),
        (&json!(true), &done["event"])
    );
    // The state has moved on since, and the retry does not turn it back.
    let again = mutate(&client, "deprecateEventType", &deprecation).await;
    assert_eq!(
        (&again["duplicate"], &again["event"]),
        (&json!(true), &deprecated["event"])
    );
    assert_eq!(again["eventType"]["state"], "REGISTERED");
    assert_eq!(head(&client).await, before);
}
