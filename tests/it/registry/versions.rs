//! A type whose events were stored at version 1, read at every version that came later.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, Subscription};

use super::door::{checked, event, registered, renamed, says, step, version, whole};
use crate::append::door::appended;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_thousand_events_are_read_in_every_version_in_pages_and_feeds,
    a_shortcut_is_taken_and_an_ambiguous_or_downward_one_is_refused,
    what_no_step_mentions_is_shown_to_the_last_digit,
);

const EVENTS: usize = 1_000;
const EVENT: &str = "schemaVersion storedSchemaVersion data rawText decodeError { code message }
    payload { __typename ... on UnknownPayload { eventType schemaVersion json } }";

/// What the event of a number looks like in a version: each version has the number under another name, and
/// version 4 says besides where it comes from.
fn data(version: i32, number: usize) -> Value {
    match version {
        1 => json!({"count": number}),
        2 => json!({"amount": number}),
        3 => json!({"quantity": number}),
        _ => json!({"total": number, "unit": "cup"}),
    }
}

async fn register_later_versions(client: &GraphqlClient) {
    let later = [
        (2, whole("amount"), renamed("count", "amount")),
        (3, whole("quantity"), renamed("amount", "quantity")),
        (
            4,
            json!({"type": "object", "required": ["total", "unit"], "additionalProperties": false,
                "properties": {"total": {"type": "integer"}, "unit": {"enum": ["cup", "pot"]}}}),
            json!({"patch": [
                {"op": "move", "from": "/quantity", "path": "/total"},
                {"op": "add", "path": "/unit", "value": "cup"},
            ]}),
        ),
    ];
    for (number, schema, upcaster) in later {
        registered(client, &version("coffee_brewed", number, schema, upcaster)).await;
    }
}

fn check(event: &Value, version: i32, number: usize) {
    let wanted = data(version, number);
    assert_eq!(event["schemaVersion"], version, "{event:#}");
    assert_eq!(event["storedSchemaVersion"], 1);
    assert_eq!(event["data"], wanted);
    assert_eq!(event["rawText"], wanted.to_string());
    assert_eq!(event["decodeError"], Value::Null);
    let payload = json!({"__typename": "UnknownPayload", "eventType": "coffee_brewed",
        "schemaVersion": version, "json": wanted});
    assert_eq!(event["payload"], payload);
}

async fn a_thousand_events_are_read_in_every_version_in_pages_and_feeds(world: World) {
    let (server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    let stream = new_stream("kitchen");
    let brewed = |number| event("coffee_brewed", 1, data(1, number));
    let events: Value = (0..EVENTS).map(brewed).collect();
    let stored = appended(&client, &stream, Expected::Exactly(0), &events).await;
    register_later_versions(&client).await;

    let choices = [
        (json!({"form": "STORED"}), 1),
        (json!({"version": 1}), 1),
        (json!({"version": 2}), 2),
        (json!({"version": 3}), 3),
        (json!({"version": 4}), 4),
        (json!({"form": "NEWEST"}), 4),
        (Value::Null, 4),
    ];
    for (schema, version) in choices {
        let page = format!(
            "query($name: String!, $prefix: String!, $schema: SchemaChoice) {{
               stream(name: $name) {{ events(first: 1000, schema: $schema) {{ nodes {{ {EVENT} }} }} }}
               events(first: 1000, filter: {{streamPrefix: $prefix}}, schema: $schema) {{ edges {{ node {{ {EVENT} }} }} }} }}"
        );
        let variables = json!({"name": stream, "prefix": stream, "schema": schema});
        let found = client.query(&page, variables).await;
        let nodes = found["stream"]["events"]["nodes"].as_array().unwrap();
        let edges = found["events"]["edges"].as_array().unwrap();
        assert_eq!((nodes.len(), edges.len()), (EVENTS, EVENTS));
        for (number, (node, edge)) in nodes.iter().zip(edges).enumerate() {
            check(node, version, number);
            check(&edge["node"], version, number);
        }
        one_by_one(&client, &stored, &schema, version).await;
        for feed in ["events", "stream"] {
            follow(&server.base_url(), feed, &stream, &schema, version).await;
        }
    }
}

async fn one_by_one(client: &GraphqlClient, stored: &Value, schema: &Value, version: i32) {
    let query = format!(
        "query($id: UUID!, $position: Position!, $schema: SchemaChoice) {{
           event(eventId: $id, schema: $schema) {{ {EVENT} }}
           eventAt(position: $position, schema: $schema) {{ {EVENT} }} }}"
    );
    let last = &stored["events"][EVENTS - 1];
    let variables = json!({"id": last["eventId"], "position": last["position"], "schema": schema});
    let found = client.query(&query, variables).await;
    check(&found["event"], version, EVENTS - 1);
    check(&found["eventAt"], version, EVENTS - 1);
}

async fn follow(base_url: &str, feed: &str, stream: &str, schema: &Value, version: i32) {
    let which = match feed {
        "events" => "filter: {streamPrefix: $name}",
        _ => "name: $name",
    };
    let query = format!(
        "subscription($name: String!, $schema: SchemaChoice) {{ feed: {feed}({which}, from: {{at: ORIGIN}}, schema: $schema) {{
           ... on EventReceived {{ event {{ {EVENT} }} }} }} }}"
    );
    let variables = json!({"name": stream, "schema": schema});
    let mut subscription = Subscription::start(base_url, &query, variables).await;
    let mut number = 0;
    while number < EVENTS {
        let message = subscription.next().await.unwrap();
        let event = &message["feed"]["event"];
        if event.is_object() {
            check(event, version, number);
            number += 1;
        }
    }
    subscription.close().await;
}

async fn a_shortcut_is_taken_and_an_ambiguous_or_downward_one_is_refused(world: World) {
    let (_server, client) = checked(&world).await;
    let open = json!({"type": "object"});
    let by = |way: &str| json!({"patch": [{"op": "add", "path": "/way/-", "value": way}]});
    registered(
        &client,
        &version("route_taken", 1, open.clone(), Value::Null),
    )
    .await;
    for number in 2..=5 {
        let way = format!("{}-{number}", number - 1);
        registered(
            &client,
            &version("route_taken", number, open.clone(), by(&way)),
        )
        .await;
    }
    let stream = new_stream("road");
    let events = json!([event("route_taken", 1, json!({"way": []}))]);
    appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(
        way_to(&client, &stream, 5).await,
        json!(["1-2", "2-3", "3-4", "4-5"])
    );

    let taken = step(&client, "route_taken", 1, 3, by("1-3")).await;
    assert_eq!(taken["duplicate"], false, "{taken:#}");
    assert_eq!(
        way_to(&client, &stream, 5).await,
        json!(["1-3", "3-4", "4-5"])
    );
    let twice = step(&client, "route_taken", 1, 3, by("1-3")).await;
    assert_eq!(
        (&twice["duplicate"], &twice["event"]),
        (&json!(true), &Value::Null)
    );

    // 1 → 2 → 4 would be as short as 1 → 3 → 4.
    let refused = step(&client, "route_taken", 2, 4, by("2-4")).await;
    assert_eq!(refused["code"], "TYPE_CONFLICT", "{refused:#}");
    says(&refused, &["1 → 3 → 4", "1 → 2 → 4"]);
    let other = step(&client, "route_taken", 1, 3, by("another")).await;
    assert_eq!(other["code"], "TYPE_CONFLICT");
    assert_eq!(other["path"], json!(["input", "to"]));
    for (from, to, field) in [(3, 1, "to"), (2, 2, "to"), (0, 2, "to"), (1, 6, "to")] {
        let refused = step(&client, "route_taken", from, to, by("x")).await;
        assert_eq!(
            refused["code"], "INVALID_ARGUMENT",
            "{from} {to}: {refused:#}"
        );
        assert_eq!(refused["path"], json!(["input", field]));
    }
    assert_eq!(
        way_to(&client, &stream, 5).await,
        json!(["1-3", "3-4", "4-5"])
    );

    // A direct step settles what would be ambiguous.
    step(&client, "route_taken", 1, 4, by("1-4")).await;
    let taken = step(&client, "route_taken", 2, 4, by("2-4")).await;
    assert_eq!(taken["__typename"], "EventTypeRegistered", "{taken:#}");
    assert_eq!(way_to(&client, &stream, 5).await, json!(["1-4", "4-5"]));
}

async fn way_to(client: &GraphqlClient, stream: &str, version: i32) -> Value {
    let query = "query($name: String!, $version: Int!) { stream(name: $name) {
        events(schema: {version: $version}) { nodes { data } } } }";
    let found = client
        .query(query, json!({"name": stream, "version": version}))
        .await;
    found["stream"]["events"]["nodes"][0]["data"]["way"].clone()
}

async fn what_no_step_mentions_is_shown_to_the_last_digit(world: World) {
    let (_server, client) = checked(&world).await;
    let open = json!({"type": "object"});
    registered(&client, &version("price_set", 1, open.clone(), Value::Null)).await;
    registered(
        &client,
        &version("price_set", 2, open.clone(), renamed("old", "new")),
    )
    .await;
    registered(
        &client,
        &version("price_set", 3, open, json!({"compatible": true})),
    )
    .await;
    let stream = new_stream("shop");
    let data = r#"{"z":1.10,"old":1E2,"big":18446744073709551617,"a":{"deep":[0.10,-0]}}"#;
    let body = testkit::append_body(
        &stream,
        Expected::Exactly(0),
        &[testkit::RawEvent {
            event_id: None,
            event_type: "price_set",
            data,
            metadata: None,
        }],
    );
    let answer = client.raw(body).await.json();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    let query = "query($name: String!) { stream(name: $name) { events { nodes { schemaVersion rawText } } } }";
    let found = client.query(query, json!({"name": stream})).await;
    let wanted = r#"{"z":1.10,"big":18446744073709551617,"a":{"deep":[0.10,-0]},"new":1E2}"#;
    assert_eq!(
        found["stream"]["events"]["nodes"],
        json!([{"schemaVersion": 3, "rawText": wanted}])
    );
}
