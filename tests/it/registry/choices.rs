//! In which version an event is shown, and what is said where it cannot be.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, Subscription};

use super::door::{checked, event, registered, renamed, says, version, whole};
use crate::append::door::{appended, error_code};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_version_that_cannot_be_reached_is_an_error_of_its_event_alone,
    a_step_that_fails_is_named_and_stops_no_reader,
    effects_and_conversations_are_shown_in_the_version_asked_for,
    the_answer_to_an_append_shows_the_newest_version,
);

const EVENT: &str = "type schemaVersion storedSchemaVersion data rawText payload { __typename }
    decodeError { code message pointer }";

async fn page(client: &GraphqlClient, stream: &str, schema: Value) -> Vec<Value> {
    let query = format!(
        "query($name: String!, $schema: SchemaChoice) {{
           stream(name: $name) {{ events(schema: $schema) {{ nodes {{ {EVENT} }} }} }} }}"
    );
    let mut found = client
        .query(&query, json!({"name": stream, "schema": schema}))
        .await;
    match found["stream"]["events"]["nodes"].take() {
        Value::Array(nodes) => nodes,
        other => panic!("{other:#}"),
    }
}

/// Three types at different versions in one stream.
async fn mixed_stream(client: &GraphqlClient) -> String {
    registered(
        client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    registered(
        client,
        &version(
            "coffee_brewed",
            2,
            whole("amount"),
            renamed("count", "amount"),
        ),
    )
    .await;
    registered(client, &version("tea_made", 1, json!({}), Value::Null)).await;
    let stream = new_stream("kitchen");
    let events = json!([
        event("coffee_brewed", 1, json!({"count": 1})),
        event("coffee_brewed", 2, json!({"amount": 2})),
        event("tea_made", 1, json!({"leaves": 3})),
    ]);
    appended(client, &stream, Expected::Exactly(0), &events).await;
    stream
}

async fn a_version_that_cannot_be_reached_is_an_error_of_its_event_alone(world: World) {
    let (server, client) = checked(&world).await;
    let stream = mixed_stream(&client).await;

    let events = page(&client, &stream, json!({"version": 1})).await;
    assert_eq!(events[0]["data"], json!({"count": 1}));
    let downward = &events[1];
    assert_eq!(
        (&downward["data"], &downward["payload"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(downward["rawText"], r#"{"amount":2}"#);
    assert_eq!(downward["schemaVersion"], 2);
    assert_eq!(downward["decodeError"]["code"], "UPCAST_NOT_FOUND");
    says(
        &downward["decodeError"],
        &["coffee_brewed", "stored as version 2", "version 1"],
    );
    assert_eq!(events[2]["data"], json!({"leaves": 3}));

    let events = page(&client, &stream, json!({"version": 2})).await;
    assert_eq!(events[0]["data"], json!({"amount": 1}));
    assert_eq!(events[1]["data"], json!({"amount": 2}));
    assert_eq!(events[2]["decodeError"]["code"], "UPCAST_NOT_FOUND");
    says(
        &events[2]["decodeError"],
        &["tea_made has no version 2", "newest is 1"],
    );

    let query = format!(
        "subscription($name: String!) {{ feed: stream(name: $name, from: {{at: ORIGIN}}, schema: {{version: 2}}) {{
           __typename ... on EventReceived {{ event {{ {EVENT} }} }} }} }}"
    );
    let mut feed = Subscription::start(&server.base_url(), &query, json!({"name": stream})).await;
    for wanted in &events {
        assert_eq!(feed.next().await.unwrap()["feed"]["event"], *wanted);
    }
    assert_eq!(feed.next().await.unwrap()["feed"]["__typename"], "CaughtUp");

    for schema in ["{version: 0}", "{version: -1}"] {
        let query = format!("{{ events(schema: {schema}) {{ nodes {{ data }} }} }}");
        let answer = client.execute(&query, json!({})).await;
        assert_eq!(error_code(&answer), "INVALID_ARGUMENT");
    }
    let both = client
        .execute(
            "{ events(schema: {version: 1, form: STORED}) { nodes { data } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&both), "GRAPHQL_VALIDATION_FAILED");
}

async fn a_step_that_fails_is_named_and_stops_no_reader(world: World) {
    let (server, client) = checked(&world).await;
    let open = json!({"type": "object"});
    registered(
        &client,
        &version("coffee_brewed", 1, open.clone(), Value::Null),
    )
    .await;
    let stream = new_stream("kitchen");
    let events = json!([
        event("coffee_brewed", 1, json!({"count": 1})),
        event("coffee_brewed", 1, json!({"none": 1})),
        event("coffee_brewed", 1, json!({"count": "many"})),
        event("coffee_brewed", 1, json!({"count": 4})),
    ]);
    appended(&client, &stream, Expected::Exactly(0), &events).await;
    registered(
        &client,
        &version("coffee_brewed", 2, open, json!({"compatible": true})),
    )
    .await;
    registered(
        &client,
        &version(
            "coffee_brewed",
            3,
            whole("amount"),
            renamed("count", "amount"),
        ),
    )
    .await;

    let events = page(&client, &stream, Value::Null).await;
    assert_eq!(events[0]["data"], json!({"amount": 1}));
    assert_eq!(events[3]["data"], json!({"amount": 4}));
    for (index, said) in [
        (
            1,
            &[
                "from version 2 to 3",
                "operation 0, move at `/amount`",
                "nothing at its `from`",
            ][..],
        ),
        (
            2,
            &[
                "from version 2 to 3",
                "does not fit the schema of version 3",
                "data.amount is `many`",
                "a whole number",
            ],
        ),
    ] {
        let event = &events[index];
        assert_eq!(
            (&event["data"], &event["payload"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            event["decodeError"]["code"], "DESERIALIZATION_FAILED",
            "{event:#}"
        );
        says(&event["decodeError"], said);
    }
    assert_eq!(events[2]["rawText"], r#"{"count":"many"}"#);
    // Who asks for what is stored, or for a version before the broken step, gets it.
    for (schema, version) in [(json!({"form": "STORED"}), 1), (json!({"version": 2}), 2)] {
        let events = page(&client, &stream, schema).await;
        assert!(events.iter().all(|event| event["decodeError"].is_null()));
        assert!(events.iter().all(|event| event["schemaVersion"] == version));
        assert_eq!(events[1]["data"], json!({"none": 1}));
    }
    let query = "subscription($name: String!) { feed: stream(name: $name, from: {at: ORIGIN}) {
        ... on EventReceived { event { data decodeError { code } } } } }";
    let mut feed = Subscription::start(&server.base_url(), query, json!({"name": stream})).await;
    for event in &events {
        let heard = feed.next().await.unwrap();
        assert_eq!(heard["feed"]["event"]["data"], event["data"]);
        assert_eq!(
            heard["feed"]["event"]["decodeError"]["code"],
            event["decodeError"]["code"]
        );
    }
}

async fn effects_and_conversations_are_shown_in_the_version_asked_for(world: World) {
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
    let cause = event("coffee_brewed", 1, json!({"count": 1}));
    let mut effect = event("coffee_brewed", 1, json!({"count": 2}));
    effect["metadata"] =
        json!({"causation_id": cause["eventId"], "correlation_id": cause["eventId"]});
    appended(
        &client,
        &new_stream("kitchen"),
        Expected::Any,
        &json!([cause, effect]),
    )
    .await;
    let query = "query($id: UUID!) { event(eventId: $id) {
        stored: effects(schema: {form: STORED}) { nodes { data } }
        newest: effects { nodes { data causedBy { data } } }
        correlated(schema: {version: 1}) { nodes { data } } } }";
    let found = client.query(query, json!({"id": cause["eventId"]})).await;
    let nodes = |field: &str| found["event"][field]["nodes"].clone();
    assert_eq!(nodes("stored"), json!([{"data": {"count": 2}}]));
    let newest = json!([{"data": {"amount": 2}, "causedBy": {"data": {"amount": 1}}}]);
    assert_eq!(nodes("newest"), newest);
    assert_eq!(
        nodes("correlated"),
        json!([{"data": {"count": 1}}, {"data": {"count": 2}}])
    );
}

async fn the_answer_to_an_append_shows_the_newest_version(world: World) {
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
    // A bot that has not heard of version 2 sends no schema version, which is version 1 for ever.
    let events =
        json!([{"eventId": uuid::Uuid::now_v7(), "type": "coffee_brewed", "data": {"count": 1}}]);
    let query = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) {
        ... on Appended { events { schemaVersion storedSchemaVersion data } } } }";
    let mut input = json!({"stream": new_stream("kitchen"), "expectedVersion": {"state": "ANY"}});
    input["events"] = events;
    let answer = client.query(query, json!({"input": input})).await;
    let wanted = json!([{"schemaVersion": 2, "storedSchemaVersion": 1, "data": {"amount": 1}}]);
    assert_eq!(answer["appendToStream"]["events"], wanted);
}
