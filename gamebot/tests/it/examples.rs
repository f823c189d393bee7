//! One example of each event type, with every field that the type has.

use gamebot::event::{Decoded, Event, EventType};
use serde_json::{Map, Value, json};

/// The examples by the names of their event types, in the order of the file.
pub(crate) fn examples() -> Map<String, Value> {
    serde_json::from_str(include_str!("examples.json")).unwrap()
}

/// The schema that a reference stands for, or the schema itself.
pub(crate) fn resolve<'schema>(root: &'schema Value, schema: &'schema Value) -> &'schema Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The example with nothing that may be left out, neither in the event nor inside of it.
pub(crate) fn minimal(event_type: &EventType, example: &Value) -> Value {
    let root = event_type.schema();
    let mut event = example.clone();
    keep_required(&root, &root, &mut event);
    // What else these events must have follows from the values of other fields.
    match event_type.name {
        "player_left" => event["reason"] = json!("quit"),
        "team_disbanded" => event["reason"] = json!("admin"),
        _ => {}
    }
    event
}

fn keep_required(root: &Value, schema: &Value, value: &mut Value) {
    let schema = resolve(root, schema);
    match value {
        Value::Object(object) => {
            if let Some(properties) = schema.get("properties") {
                let required = schema.get("required").and_then(Value::as_array);
                let required = required.cloned().unwrap_or_default();
                object.retain(|key, _| required.contains(&json!(key)));
                for (key, value) in object {
                    keep_required(root, &properties[key], value);
                }
            } else if let Some(values) = schema.get("additionalProperties") {
                for value in object.values_mut() {
                    keep_required(root, values, value);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                keep_required(root, &schema["items"], item);
            }
        }
        _ => {}
    }
}

fn decoded(event_type: &str, data: &Value) -> Event {
    match Event::decode(event_type, Event::SCHEMA_VERSION, &data.to_string()) {
        Decoded::Known(event) => event,
        other => panic!("{event_type}: {other:?}"),
    }
}

/// Amounts may be written as 2 or as 2.0.
fn same_numbers(text: &str) -> String {
    text.replace(".0,", ",").replace(".0}", "}")
}

#[test]
fn every_type_has_an_example_and_every_example_a_type() {
    let examples = examples();
    let names: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(names, Event::EVENT_TYPES);
}

#[test]
fn a_full_example_of_each_type_says_the_same_when_written_again() {
    for (event_type, example) in examples() {
        let event = decoded(&event_type, &example);
        assert_eq!(event.event_type(), event_type);
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(
            same_numbers(&written.replace("40.500Z", "40.5Z")),
            same_numbers(&example.to_string())
        );
    }
}

#[test]
fn a_minimal_example_of_each_type_decodes_and_survives_being_written() {
    for event_type in EventType::all() {
        let minimal = minimal(event_type, &examples()[event_type.name]);
        let event = decoded(event_type.name, &minimal);
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(decoded(event_type.name, &written), event);
        for (key, value) in minimal.as_object().unwrap() {
            assert!(written.get(key).is_some(), "{}: {key}", event_type.name);
            assert!(!value.is_null() || written[key].is_null());
        }
    }
}

#[test]
fn what_may_be_left_out_may_be_null() {
    for event_type in EventType::all() {
        let example = &examples()[event_type.name];
        let minimal = minimal(event_type, example);
        let mut with_nulls = minimal.clone();
        for key in example.as_object().unwrap().keys() {
            if minimal.get(key).is_none() {
                with_nulls[key] = Value::Null;
            }
        }
        assert_eq!(
            decoded(event_type.name, &with_nulls),
            decoded(event_type.name, &minimal)
        );
    }
}

#[test]
fn keys_of_the_future_are_ignored() {
    for (event_type, example) in examples() {
        let mut of_the_future = example.clone();
        of_the_future["from_the_future"] = json!({ "deep": [1] });
        assert_eq!(
            decoded(&event_type, &of_the_future),
            decoded(&event_type, &example)
        );
    }
}

#[test]
fn the_base_fields_of_an_event_are_known_without_its_type() {
    for (event_type, example) in examples() {
        let event = decoded(&event_type, &example);
        assert_eq!(event.guild_id(), example["guild_id"].as_str());
        assert_eq!(
            event.game_id(),
            example.get("game_id").and_then(Value::as_str)
        );
        let timestamp = event.timestamp().to_rfc3339();
        assert_eq!(timestamp, "2025-03-15T21:10:42.000001+00:00");
        let base = event.game_base();
        assert_eq!(base.is_some(), example.get("round_number").is_some());
        if let Some(base) = base {
            assert_eq!(Some(base.game_id), example["game_id"].as_str());
            assert_eq!(base.guild_id, example["guild_id"].as_str());
            assert_eq!(Some(base.mode.as_str()), example["mode"].as_str());
            assert_eq!(json!(base.round_number), example["round_number"]);
            assert_eq!(base.timestamp, event.timestamp());
        }
    }
}
