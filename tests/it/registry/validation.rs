//! What is appended fits the schema of its type, or nothing of it is written and every reason is told.

use serde_json::{Value, json};
use testkit::Expected;

use super::door::{checked, event, places, registered, says, version, whole};
use crate::append::door::{append, append_batch, appended, head, part, stream_state};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    every_violation_of_every_event_is_reported_with_its_place_and_rule,
    an_unknown_type_or_version_is_refused_with_the_remedy,
    one_bad_event_stops_its_batch_and_no_neighbour,
    the_state_of_the_stream_is_told_before_the_schema,
    events_of_the_game_are_held_against_the_catalogue,
    an_endless_list_of_violations_ends,
);

async fn every_violation_of_every_event_is_reported_with_its_place_and_rule(world: World) {
    let (_server, client) = checked(&world).await;
    let schema = json!({"type": "object", "required": ["count", "by"], "additionalProperties": false,
        "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 12}, "by": {"type": "string", "minLength": 1},
            "cups": {"items": {"enum": ["small", "large"]}}, "a/b": {"const": 1}, "at": {"format": "date-time"}}});
    registered(&client, &version("coffee_brewed", 1, schema, Value::Null)).await;
    let events = json!([
        event(
            "coffee_brewed",
            1,
            json!({"count": 0, "by": "", "cups": ["small", "huge", 7]})
        ),
        event("coffee_brewed", 1, json!({"count": 3, "by": "me"})),
        event(
            "coffee_brewed",
            1,
            json!({"count": "3", "a/b": 2, "extra": true, "at": "noon"})
        ),
    ]);
    let refused = append(&client, &new_stream("kitchen"), Expected::Any, &events).await;
    assert_eq!(refused["__typename"], "InvalidEvents", "{refused:#}");
    assert_eq!(
        (&refused["code"], &refused["retryable"]),
        (&json!("INVALID_EVENT_DATA"), &json!(false))
    );
    let mut found = places(&refused);
    found.sort();
    let wanted = [
        (0, "/data/by", "minLength"),
        (0, "/data/count", "minimum"),
        (0, "/data/cups/1", "enum"),
        (0, "/data/cups/2", "enum"),
        (2, "/data", "additionalProperties"),
        (2, "/data", "required"),
        (2, "/data/at", "format"),
        (2, "/data/a~1b", "const"),
        (2, "/data/count", "type"),
    ];
    let wanted = wanted.map(|(index, pointer, rule)| (index, pointer.to_owned(), rule.to_owned()));
    assert_eq!(found, wanted);
    let message = |pointer: &str| {
        let violations = refused["violations"].as_array().unwrap();
        let one = violations
            .iter()
            .find(|one| one["pointer"] == pointer)
            .unwrap();
        one["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        message("/data/count"),
        "data.count is 0. It must be at least 1."
    );
    assert_eq!(
        message("/data/cups/1"),
        "data.cups[1] is `huge`. It must be one of [\"small\",\"large\"]."
    );
    assert_eq!(
        message("/data/by"),
        "data.by has 0 characters. It must have at least 1."
    );
    let path = &refused["violations"][0]["path"];
    assert_eq!(path[0], "input");
    assert_eq!((&path[1], &path[2]), (&json!("events"), &json!("0")));
    assert_eq!(head(&client).await, 1);
}

async fn an_unknown_type_or_version_is_refused_with_the_remedy(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    let stream = new_stream("kitchen");
    for (event, rule, said) in [
        (
            event("coffee_brewd", 1, json!({})),
            "known type",
            &[
                "coffee_brewd",
                "Did you mean coffee_brewed?",
                "registerEventType",
                "schema.open_categories",
            ][..],
        ),
        (
            event("moon_landed", 1, json!({})),
            "known type",
            &["moon_landed", "`kitchen`"],
        ),
        (
            event("coffee_brewed", 2, json!({"count": 1})),
            "known version",
            &["no version 2", "newest is 1", "register version 2"],
        ),
        (
            event("guess_processed", 9, json!({})),
            "known version",
            &["no version 9", "belongs to this server"],
        ),
    ] {
        let refused = append(&client, &stream, Expected::Any, &json!([event])).await;
        assert_eq!(refused["code"], "TYPE_NOT_FOUND", "{refused:#}");
        let pointer = if rule == "known type" {
            "/type"
        } else {
            "/schemaVersion"
        };
        assert_eq!(places(&refused), [(0, pointer.to_owned(), rule.to_owned())]);
        says(&refused, said);
    }
    assert_eq!(stream_state(&client, &stream).await, Value::Null);
}

async fn one_bad_event_stops_its_batch_and_no_neighbour(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    let good = |count: usize| event("coffee_brewed", 1, json!({"count": count}));
    let bad = || event("coffee_brewed", 1, json!({"count": "many"}));
    let (one, other) = (new_stream("kitchen"), new_stream("kitchen"));
    let parts = [
        part(&one, Expected::Any, json!([good(1), good(2)])),
        part(&other, Expected::Any, json!([good(3), bad()])),
    ];
    let refused = append_batch(&client, &parts).await;
    assert_eq!(
        places(&refused),
        [(1, "/data/count".to_owned(), "type".to_owned())]
    );
    assert_eq!(
        refused["path"],
        json!(["input", "streams", "1", "events", "1", "data", "count"])
    );
    for stream in [&one, &other] {
        assert_eq!(stream_state(&client, stream).await, Value::Null);
    }
    // Many at a time, so that good and bad ones share groups.
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let stream = new_stream("kitchen");
                let is_bad = number % 3 == 0;
                let event = if is_bad {
                    event("coffee_brewed", 1, json!({}))
                } else {
                    event("coffee_brewed", 1, json!({"count": number}))
                };
                let outcome = append(&client, &stream, Expected::Exactly(0), &json!([event])).await;
                let wanted = if is_bad { "InvalidEvents" } else { "Appended" };
                assert_eq!(outcome["__typename"], wanted, "{outcome:#}");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(head(&client).await, 1 + 40);
}

async fn the_state_of_the_stream_is_told_before_the_schema(world: World) {
    let (_server, client) = checked(&world).await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    let good = || json!([event("coffee_brewed", 1, json!({"count": 1}))]);
    let bad = || json!([event("coffee_brewed", 1, json!({}))]);
    let stream = new_stream("kitchen");
    appended(&client, &stream, Expected::Exactly(0), &good()).await;
    let code = async |expected, events: Value| {
        append(&client, &stream, expected, &events).await["code"].clone()
    };
    assert_eq!(
        code(Expected::Exactly(0), bad()).await,
        "WRONG_EXPECTED_VERSION"
    );
    assert_eq!(
        code(Expected::Exactly(1), bad()).await,
        "INVALID_EVENT_DATA"
    );
    let set = "mutation($input: SetStreamMetadataInput!) { setStreamMetadata(input: $input) { __typename } }";
    let input =
        json!({"stream": stream, "expectedMetadataVersion": {"state": "ANY"}, "maxEvents": 1});
    client.query(set, json!({"input": input})).await;
    assert_eq!(code(Expected::Any, bad()).await, "STREAM_TOO_LARGE");
    let input = json!({"stream": stream, "expectedVersion": {"state": "ANY"}});
    let archive =
        "mutation($input: ArchiveStreamInput!) { archiveStream(input: $input) { __typename } }";
    client.query(archive, json!({"input": input})).await;
    assert_eq!(code(Expected::Exactly(0), bad()).await, "STREAM_ARCHIVED");
    let tombstone =
        "mutation($input: TombstoneStreamInput!) { tombstoneStream(input: $input) { __typename } }";
    client.query(tombstone, json!({"input": input})).await;
    assert_eq!(code(Expected::Exactly(0), bad()).await, "STREAM_TOMBSTONED");
    // What is not JSON data at all is a matter of shape, which comes first.
    let shapeless = json!([{"type": "coffee_brewed", "data": 7, "eventId": uuid::Uuid::now_v7()}]);
    assert_eq!(
        code(Expected::Exactly(0), shapeless).await,
        "INVALID_EVENT_DATA"
    );
}

async fn events_of_the_game_are_held_against_the_catalogue(world: World) {
    let (_server, client) = checked(&world).await;
    let games = gamebot::sample::games().unwrap();
    let game = games.first().unwrap();
    let first = game.events.first().unwrap();
    let data: Value = serde_json::from_str(&first.data).unwrap();
    let stream = new_stream("game");
    let started = |data: Value| json!([event("game_started", 1, data)]);
    appended(
        &client,
        &stream,
        Expected::Exactly(0),
        &started(data.clone()),
    )
    .await;
    let mut wrong = data;
    wrong["started_at"] = json!(5);
    wrong.as_object_mut().unwrap().remove("mode");
    let refused = append(
        &client,
        &new_stream("game"),
        Expected::Exactly(0),
        &started(wrong),
    )
    .await;
    let rules: Vec<String> = places(&refused)
        .into_iter()
        .map(|(_, place, rule)| format!("{place} {rule}"))
        .collect();
    assert!(rules.contains(&"/data required".to_owned()), "{refused:#}");
    assert!(
        rules.contains(&"/data/started_at type".to_owned()),
        "{refused:#}"
    );
}

async fn an_endless_list_of_violations_ends(world: World) {
    let (_server, client) = checked(&world).await;
    let schema = json!({"type": "object", "properties": {"list": {"items": {"type": "integer"}}}});
    registered(&client, &version("list_made", 1, schema, Value::Null)).await;
    let long = json!(vec!["x"; 5_000]);
    let events = json!([
        event("list_made", 1, json!({"list": long})),
        event("list_made", 1, json!({"list": long}))
    ]);
    let refused = append(&client, &new_stream("kitchen"), Expected::Any, &events).await;
    assert_eq!(places(&refused).len(), 100);
    says(&refused, &["99 more"]);
}
