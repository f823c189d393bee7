//! What a registration is: an event with who and why, which is refused with a reason or known from then on.

use serde_json::{Value, json};
use testkit::Expected;
use uuid::Uuid;

use super::door::{
    checked, event, event_type, mutate, places, register, registered, renamed, says, version, whole,
};
use crate::append::door::{append, appended, head, read_stream};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_registration_is_an_event_of_a_reserved_stream_with_who_and_why,
    the_same_again_is_a_success_that_writes_nothing,
    what_contradicts_what_is_known_is_refused_with_the_reason,
    a_built_in_type_cannot_be_changed,
    a_deprecated_type_is_still_accepted_and_read,
    registrations_survive_a_restart,
    the_numbers_of_types_and_versions_are_bounded,
);

async fn a_registration_is_an_event_of_a_reserved_stream_with_who_and_why(world: World) {
    let (_server, client) = checked(&world).await;
    let event_id = Uuid::now_v7();
    let mut input = version("coffee_brewed", 1, whole("count"), Value::Null);
    input["description"] = json!("Somebody made coffee.");
    input["eventId"] = json!(event_id);
    input["metadata"] = json!({"actor_id": "barista", "reason": "a new machine"});
    let done = registered(&client, &input).await;
    assert_eq!(done["duplicate"], false);
    let recorded = &done["event"];
    assert_eq!(recorded["type"], "$event_type_registered");
    assert_eq!(recorded["streamName"], "$type-coffee_brewed");
    assert_eq!(recorded["eventId"], json!(event_id));
    assert_eq!(recorded["metadata"]["actorId"], "barista");
    let data = json!({"event_type": "coffee_brewed", "version": 1,
        "description": "Somebody made coffee.", "schema": whole("count")});
    assert_eq!(recorded["data"], data);

    let known = event_type(&client, "coffee_brewed").await;
    assert_eq!(known, done["eventType"]);
    assert_eq!(known["state"], "REGISTERED");
    assert_eq!(known["description"], "Somebody made coffee.");
    assert_eq!(known["newestVersion"], 1);
    let first = &known["versions"][0];
    assert_eq!(
        (&first["version"], &first["schema"]),
        (&json!(1), &whole("count"))
    );
    assert_eq!(first["registeredBy"], "barista");
    assert_eq!(first["event"]["eventId"], json!(event_id));
    let log = read_stream(&client, "$type-coffee_brewed").await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        log[0]["recordedAt"].as_str().unwrap()[..19],
        first["registeredAt"].as_str().unwrap()[..19]
    );

    let stream = new_stream("kitchen");
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([event("coffee_brewed", 1, json!({"count": 1}))]),
    )
    .await;
    let refused = append(
        &client,
        &stream,
        Expected::Any,
        &json!([event("coffee_brewed", 1, json!({}))]),
    )
    .await;
    assert_eq!(
        places(&refused),
        [(0, "/data".to_owned(), "required".to_owned())]
    );
}

async fn the_same_again_is_a_success_that_writes_nothing(world: World) {
    let (_server, client) = checked(&world).await;
    let first = version("coffee_brewed", 1, whole("count"), Value::Null);
    registered(&client, &first).await;
    let mut second = version(
        "coffee_brewed",
        2,
        whole("amount"),
        renamed("count", "amount"),
    );
    second["eventId"] = json!(Uuid::now_v7());
    registered(&client, &second).await;
    let before = head(&client).await;
    // White space and the order of keys do not make another schema.
    let mut turned = version("coffee_brewed", 1, json!({}), Value::Null);
    turned["schema"] = json!({"properties": {"count": {"type": "integer"}}, "required": ["count"], "type": "object"});
    for again in [&first, &turned, &second] {
        let done = registered(&client, again).await;
        assert_eq!(done["duplicate"], true);
        assert_eq!(done["eventType"]["newestVersion"], 2);
    }
    // With the event id, the event of the first time is answered too.
    let done = registered(&client, &second).await;
    assert_eq!(done["event"]["eventId"], second["eventId"]);
    let mut other = version(
        "coffee_brewed",
        3,
        whole("count"),
        json!({"compatible": true}),
    );
    other["eventId"] = second["eventId"].clone();
    let refused = register(&client, &other).await;
    assert_eq!(refused["code"], "DUPLICATE_EVENT", "{refused:#}");
    assert_eq!(head(&client).await, before);
}

async fn what_contradicts_what_is_known_is_refused_with_the_reason(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    registered(
        &client,
        &version(
            "coffee_brewed",
            2,
            whole("amount"),
            renamed("count", "amount"),
        ),
    )
    .await;
    let before = head(&client).await;
    for (input, code, field, said) in out_of_place().into_iter().chain(malformed()) {
        let refused = register(&client, &input).await;
        assert_eq!(refused["code"], code, "{input}: {refused:#}");
        assert_eq!(refused["path"], json!(["input", field]), "{refused:#}");
        assert_eq!(refused["retryable"], false);
        says(&refused, &[said]);
    }
    let unknown = mutate(
        &client,
        "deprecateEventType",
        &json!({"name": "tea_made", "reason": "x"}),
    )
    .await;
    assert_eq!(unknown["code"], "TYPE_NOT_FOUND");
    assert_eq!(event_type(&client, "tea_made").await, Value::Null);
    assert_eq!(head(&client).await, before);
}

/// What does not fit what is known of `coffee_brewed` at version 2, or of a new type.
fn out_of_place() -> Vec<(Value, &'static str, &'static str, &'static str)> {
    let compatible = json!({"compatible": true});
    let open = json!({});
    vec![
        (
            version("coffee_brewed", 1, whole("other"), Value::Null),
            "TYPE_CONFLICT",
            "schema",
            "version 3",
        ),
        (
            version("coffee_brewed", 2, whole("amount"), compatible.clone()),
            "TYPE_CONFLICT",
            "upcaster",
            "another upcaster",
        ),
        (
            version("coffee_brewed", 4, open.clone(), compatible.clone()),
            "INVALID_ARGUMENT",
            "version",
            "next version is 3",
        ),
        (
            version("tea_made", 2, open.clone(), compatible.clone()),
            "INVALID_ARGUMENT",
            "version",
            "next version is 1",
        ),
        (
            version("coffee_brewed", 0, open.clone(), Value::Null),
            "INVALID_ARGUMENT",
            "version",
            "begin at 1",
        ),
        (
            version("coffee_brewed", 3, open.clone(), Value::Null),
            "INVALID_ARGUMENT",
            "upcaster",
            "no upcaster from version 2",
        ),
        (
            version("tea_made", 1, open.clone(), compatible.clone()),
            "INVALID_ARGUMENT",
            "upcaster",
            "Leave the upcaster out",
        ),
        (
            version("Tea", 1, open.clone(), Value::Null),
            "INVALID_ARGUMENT",
            "name",
            "[a-z]",
        ),
    ]
}

/// What fits no type.
fn malformed() -> Vec<(Value, &'static str, &'static str, &'static str)> {
    let open = json!({});
    vec![
        (
            version("$stream_deleted", 1, open.clone(), Value::Null),
            "INVALID_ARGUMENT",
            "name",
            "[a-z]",
        ),
        (
            version("tea_made", 1, json!({"type": "text"}), Value::Null),
            "INVALID_ARGUMENT",
            "schema",
            "/type",
        ),
        (
            version("tea_made", 1, json!(true), Value::Null),
            "INVALID_ARGUMENT",
            "schema",
            "JSON object",
        ),
        (
            version("tea_made", 1, json!({"items": {"$ref": "#"}}), Value::Null),
            "INVALID_ARGUMENT",
            "schema",
            "circle",
        ),
        (
            version(
                "tea_made",
                1,
                json!({"$ref": "http://localhost/x"}),
                Value::Null,
            ),
            "INVALID_ARGUMENT",
            "schema",
            "elsewhere",
        ),
        (
            version(
                "coffee_brewed",
                3,
                open.clone(),
                json!({"compatible": false}),
            ),
            "INVALID_ARGUMENT",
            "upcaster",
            "false",
        ),
        (
            version("coffee_brewed", 3, open.clone(), json!({"patch": []})),
            "INVALID_ARGUMENT",
            "upcaster",
            "no operations",
        ),
        (
            version(
                "coffee_brewed",
                3,
                open,
                json!({"patch": [{"op": "grow", "path": "/a"}]}),
            ),
            "INVALID_ARGUMENT",
            "upcaster",
            "operation 0",
        ),
    ]
}

async fn a_built_in_type_cannot_be_changed(world: World) {
    let (_server, client) = checked(&world).await;
    let built_in = event_type(&client, "guess_processed").await;
    assert_eq!(built_in["state"], "BUILT_IN");
    assert_eq!(built_in["categories"], json!(["game"]));
    assert_eq!(built_in["versions"][0]["registeredAt"], Value::Null);
    let schema = built_in["versions"][0]["schema"].clone();
    let compatible = json!({"compatible": true});
    let upcaster = json!({"name": "guess_processed", "from": 1, "to": 2, "upcaster": compatible});
    for (mutation, input) in [
        (
            "registerEventType",
            version("guess_processed", 1, schema, Value::Null),
        ),
        (
            "registerEventType",
            version("guess_processed", 2, json!({}), compatible),
        ),
        ("registerUpcaster", upcaster),
        (
            "deprecateEventType",
            json!({"name": "guess_processed", "reason": "x"}),
        ),
        ("undeprecateEventType", json!({"name": "guess_processed"})),
    ] {
        let refused = mutate(&client, mutation, &input).await;
        assert_eq!(refused["code"], "TYPE_CONFLICT", "{mutation}: {refused:#}");
        says(
            &refused,
            &["guess_processed", "cannot be changed at run time"],
        );
    }
    assert_eq!(head(&client).await, 0);
}

async fn a_deprecated_type_is_still_accepted_and_read(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    let input = json!({"name": "coffee_brewed", "reason": "Write tea_made.", "metadata": {"actor_id": "boss"}});
    let done = mutate(&client, "deprecateEventType", &input).await;
    assert_eq!(done["eventType"]["state"], "DEPRECATED", "{done:#}");
    let again = mutate(&client, "deprecateEventType", &input).await;
    assert_eq!(
        (&again["duplicate"], &again["event"]),
        (&json!(true), &Value::Null)
    );
    let known = event_type(&client, "coffee_brewed").await;
    assert_eq!(known["deprecation"]["reason"], "Write tea_made.");
    assert_eq!(known["deprecation"]["deprecatedBy"], "boss");
    assert_eq!(
        known["deprecation"]["event"]["type"],
        "$event_type_deprecated"
    );

    let stream = new_stream("kitchen");
    let events = json!([event("coffee_brewed", 1, json!({"count": 1}))]);
    appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(read_stream(&client, &stream).await.len(), 1);
    registered(
        &client,
        &version(
            "coffee_brewed",
            2,
            whole("count"),
            json!({"compatible": true}),
        ),
    )
    .await;

    let input = json!({"name": "coffee_brewed"});
    let done = mutate(&client, "undeprecateEventType", &input).await;
    assert_eq!(done["eventType"]["state"], "REGISTERED");
    assert_eq!(done["eventType"]["deprecation"], Value::Null);
    let again = mutate(&client, "undeprecateEventType", &input).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(read_stream(&client, "$type-coffee_brewed").await.len(), 4);
}

async fn registrations_survive_a_restart(world: World) {
    let (mut server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    registered(
        &client,
        &version(
            "coffee_brewed",
            2,
            whole("amount"),
            renamed("count", "amount"),
        ),
    )
    .await;
    registered(
        &client,
        &version(
            "coffee_brewed",
            3,
            whole("amount"),
            json!({"compatible": true}),
        ),
    )
    .await;
    super::door::step(&client, "coffee_brewed", 1, 3, renamed("count", "amount")).await;
    mutate(
        &client,
        "deprecateEventType",
        &json!({"name": "coffee_brewed", "reason": "x"}),
    )
    .await;
    let stream = new_stream("kitchen");
    let events = json!([event("coffee_brewed", 1, json!({"count": 7}))]);
    appended(&client, &stream, Expected::Any, &events).await;
    let before = event_type(&client, "coffee_brewed").await;
    server.kill();
    server.start_again().await;
    let client = testkit::GraphqlClient::new(&server.base_url());
    assert_eq!(event_type(&client, "coffee_brewed").await, before);
    assert_eq!(before["upcasters"].as_array().unwrap().len(), 3);
    let log = read_stream(&client, &stream).await;
    assert_eq!(log[0]["rawText"], r#"{"amount":7}"#);
    let refused = append(
        &client,
        &stream,
        Expected::Any,
        &json!([event("coffee_brewed", 3, json!({"count": 7}))]),
    )
    .await;
    assert_eq!(refused["code"], "INVALID_EVENT_DATA");
}

async fn the_numbers_of_types_and_versions_are_bounded(world: World) {
    let server = world
        .prepare_checked()
        .environment("GAMEBOT_SCHEMA_MAX_TYPES", "1")
        .environment("GAMEBOT_SCHEMA_MAX_VERSIONS", "2")
        .start()
        .await;
    let client = testkit::GraphqlClient::new(&server.base_url());
    let compatible = json!({"compatible": true});
    registered(
        &client,
        &version("coffee_brewed", 1, json!({}), Value::Null),
    )
    .await;
    registered(
        &client,
        &version("coffee_brewed", 2, json!({}), compatible.clone()),
    )
    .await;
    for (input, setting, value, limit) in [
        (
            version("coffee_brewed", 3, json!({}), compatible),
            "schema.max_versions",
            3,
            2,
        ),
        (
            version("tea_made", 1, json!({}), Value::Null),
            "schema.max_types",
            2,
            1,
        ),
    ] {
        let refused = register(&client, &input).await;
        assert_eq!(refused["code"], "LIMIT_EXCEEDED", "{refused:#}");
        assert_eq!(
            (&refused["value"], &refused["limit"]),
            (&json!(value), &json!(limit))
        );
        says(&refused, &[setting]);
    }
    // What is there already is no new type and no new version.
    let again = registered(
        &client,
        &version("coffee_brewed", 1, json!({}), Value::Null),
    )
    .await;
    assert_eq!(again["duplicate"], true);
    let large = json!({"description": "x".repeat(64 * 1024)});
    let refused = register(&client, &version("coffee_brewed", 1, large, Value::Null)).await;
    says(&refused, &["65536"]);
}
