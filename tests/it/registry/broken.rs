//! A log with registrations that this server cannot use.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{checked, event, event_type, registered, version, whole};
use crate::append::door::{Inside, append, appended};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(a_broken_registration_is_shown_and_stops_nothing);

async fn a_broken_registration_is_shown_and_stops_nothing(world: World) {
    let (mut server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    for (name, number) in [("tea_made", 1), ("coffee_brewed", 2)] {
        let upcaster = if number == 1 {
            Value::Null
        } else {
            json!({"compatible": true})
        };
        registered(&client, &version(name, number, whole("broken"), upcaster)).await;
    }
    registered(
        &client,
        &version("milk_poured", 1, whole("count"), Value::Null),
    )
    .await;
    server.terminate().await;
    // Another release has written what this one cannot read.
    let inside = Inside::of(&world).await;
    inside.unlock_events().await;
    inside
        .execute(r#"UPDATE events SET data = replace(data, '["broken"]', '7')"#)
        .await;
    drop(inside);

    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let known = event_type(&client, "coffee_brewed").await;
    assert_eq!(known["newestVersion"], 1);
    let errors = known["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{known:#}");
    assert_eq!(
        errors[0]["event"],
        json!({"streamName": "$type-coffee_brewed", "streamVersion": 2})
    );
    let stream = new_stream("kitchen");
    let good = json!([
        event("coffee_brewed", 1, json!({"count": 1})),
        event("milk_poured", 1, json!({"count": 1}))
    ]);
    appended(&client, &stream, Expected::Any, &good).await;
    let known = event_type(&client, "tea_made").await;
    assert_eq!(
        (&known["newestVersion"], &known["versions"]),
        (&Value::Null, &json!([]))
    );
    let refused = append(
        &client,
        &stream,
        Expected::Any,
        &json!([event("tea_made", 1, json!({}))]),
    )
    .await;
    assert_eq!(refused["code"], "TYPE_NOT_FOUND", "{refused:#}");
    // The broken registrations keep their places, and what is registered next is judged without them.
    let next = version(
        "coffee_brewed",
        2,
        whole("amount"),
        json!({"compatible": true}),
    );
    assert_eq!(
        registered(&client, &next).await["event"]["streamVersion"],
        3
    );
    assert_eq!(
        registered(
            &client,
            &version("tea_made", 1, whole("count"), Value::Null)
        )
        .await["duplicate"],
        false
    );
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([event("tea_made", 1, json!({"count": 1}))]),
    )
    .await;
}
