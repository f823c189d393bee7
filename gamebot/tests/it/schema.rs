//! The JSON Schema of each event type accepts what may be written and nothing else.

mod agreement;
mod breaches;

use std::collections::BTreeMap;

use gamebot::{
    event::EventType,
    generate::{GameGenerator, GeneratedMode},
    sample,
};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::examples::{examples, minimal};
use breaches::breaches;

/// As a server should use it: the format of timestamps is checked, not only noted.
pub(crate) fn validator(event_type: &EventType) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&event_type.schema()).unwrap()
}

pub(crate) fn validators() -> BTreeMap<&'static str, Validator> {
    let types = EventType::all().iter();
    types
        .map(|event_type| (event_type.name, validator(event_type)))
        .collect()
}

/// What is wrong, as pairs of a keyword and the place of the fault.
fn faults(validator: &Validator, data: &Value) -> Vec<(String, String)> {
    let errors = validator.iter_errors(data);
    errors
        .map(|error| {
            let keyword = error.kind().keyword().to_owned();
            (keyword, error.instance_path().to_string())
        })
        .collect()
}

#[test]
fn every_schema_is_a_schema_of_the_draft_that_it_names() {
    for event_type in EventType::all() {
        let schema = event_type.schema();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(jsonschema::meta::is_valid(&schema), "{}", event_type.name);
        assert_eq!(schema["type"], "object");
        assert!(schema.get("additionalProperties").is_none());
    }
}

#[test]
fn the_full_and_the_minimal_examples_are_accepted() {
    for event_type in EventType::all() {
        let validator = validator(event_type);
        let full = &examples()[event_type.name];
        assert_eq!(faults(&validator, full), [], "{}", event_type.name);
        let mut open = minimal(event_type, full);
        open["from_the_future"] = json!(1);
        assert_eq!(faults(&validator, &open), [], "{}", event_type.name);
    }
}

#[test]
fn the_sample_games_are_accepted() {
    let validators = validators();
    for event in sample::games()
        .unwrap()
        .iter()
        .flat_map(|game| &game.events)
    {
        let data = serde_json::from_str(&event.data).unwrap();
        let validator = &validators[event.event_type.as_ref()];
        assert_eq!(faults(validator, &data), [], "{}", event.data);
    }
}

#[test]
fn generated_games_are_accepted() {
    let validators = validators();
    for mode in GeneratedMode::ALL {
        let start = "2025-03-15T21:10:42Z".parse().unwrap();
        let games = GameGenerator::new(7, start, mode).take(30);
        for event in games.flat_map(|game| game.events) {
            let data = serde_json::from_str(&event.data).unwrap();
            let validator = &validators[event.event_type.as_ref()];
            assert_eq!(faults(validator, &data), [], "{}", event.data);
        }
    }
}

/// The data is broken in every way that the schema forbids, once at a time, and each fault is named
/// with its keyword and its place.
#[test]
fn every_constraint_refuses_what_breaks_it_and_says_where() {
    let mut tried = BTreeMap::new();
    for event_type in EventType::all() {
        let validator = validator(event_type);
        for breach in breaches(&event_type.schema(), &examples()[event_type.name]) {
            let found = faults(&validator, &breach.data);
            let expected = (breach.keyword, breach.pointer);
            assert!(
                found.contains(&expected),
                "{}: {expected:?} is not among {found:?} of {}",
                event_type.name,
                breach.data
            );
            *tried.entry(expected.0).or_insert(0) += 1;
        }
    }
    let keywords: Vec<&str> = tried.keys().map(String::as_str).collect();
    assert_eq!(
        keywords,
        [
            "enum",
            "exclusiveMinimum",
            "format",
            "maxItems",
            "maxLength",
            "maximum",
            "minItems",
            "minLength",
            "minProperties",
            "minimum",
            "not",
            "pattern",
            "propertyNames",
            "required",
            "type",
            "uniqueItems"
        ]
    );
    assert!(tried.values().sum::<i32>() > 4_000, "{tried:?}");
}

/// What the schema of a field must say, for fields of every kind: the breaches above are taken from
/// the schema, so they cannot notice that a constraint is missing.
#[test]
fn the_bounds_are_those_of_the_catalogue() {
    let cases: &[(&str, &str, &[Value])] = &[
        (
            "game_started",
            "/game_id",
            &[json!(""), json!("a b"), json!("a".repeat(65))],
        ),
        ("game_started", "/round_number", &[json!(0), json!(2)]),
        ("game_started", "/team_ids", &[json!([]), json!(["1", "1"])]),
        (
            "game_started",
            "/teams",
            &[json!({}), json!({ "t": ["1"] }), json!({ "t": ["1", "1"] })],
        ),
        (
            "game_started",
            "/forbidden_words",
            &[json!({ "1": vec!["w"; 13] })],
        ),
        (
            "game_started",
            "/config/max_guesses",
            &[json!(0), json!("12")],
        ),
        (
            "guess_processed",
            "/round_number",
            &[json!(0), json!(2_147_483_648_i64)],
        ),
        (
            "guess_processed",
            "/player1_word",
            &[json!("a"), json!("a".repeat(51))],
        ),
        ("guess_processed", "/match_score", &[json!(-1), json!(0.5)]),
        ("guess_processed", "/guess_count", &[json!(0), json!(null)]),
        (
            "guess_abandoned",
            "/reason",
            &[json!("rage_quit"), json!(null)],
        ),
        (
            "guess_abandoned",
            "/last_guess/player_id",
            &[json!(""), json!(7)],
        ),
        (
            "round_ended",
            "/winners",
            &[json!(["1"]), json!(["1", "1"])],
        ),
        ("round_started", "/team_states", &[json!({})]),
        (
            "golf_race_points_awarded",
            "/points",
            &[json!(-2), json!(5)],
        ),
        ("game_paused", "/note", &[json!("n".repeat(201))]),
        ("game_aborted", "/detail", &[json!("n".repeat(501))]),
        ("game_config_changed", "/changes", &[json!([])]),
        (
            "team_created",
            "/name",
            &[json!("ab"), json!("a".repeat(33)), json!("...")],
        ),
        (
            "team_created",
            "/player_ids",
            &[json!(["1"]), json!(["1", "2", "3"])],
        ),
        ("team_invitation_created", "/proposed_name", &[json!("ab")]),
        (
            "player_joined",
            "/username",
            &[json!(""), json!("a".repeat(33))],
        ),
        (
            "user_registered",
            "/timestamp",
            &[json!("2025-03-15 21:10:42Z"), json!(1)],
        ),
        ("system_error", "/stacktrace", &[json!("s".repeat(8_193))]),
        ("command_error", "/game_id", &[json!("game 1")]),
        ("event_quarantined", "/version", &[json!(-1)]),
    ];
    let validators = validators();
    for (event_type, pointer, values) in cases {
        for value in *values {
            let mut data = examples()[*event_type].clone();
            *data.pointer_mut(pointer).unwrap() = value.clone();
            let is_valid = validators[event_type].is_valid(&data);
            assert!(!is_valid, "{event_type}{pointer} = {value}");
        }
    }
}

/// Of a field that must be there, null is a value only where the catalogue says so.
#[test]
fn the_nullable_required_fields_are_the_three_of_the_catalogue() {
    let mut nullable = Vec::new();
    for event_type in EventType::all() {
        let schema = event_type.schema();
        for (place, object) in objects(&schema) {
            for key in object["required"].as_array().unwrap() {
                let field = &object["properties"][key.as_str().unwrap()];
                let types = field.get("type").map(Value::to_string);
                if types.is_some_and(|types| types.contains("null")) {
                    nullable.push(format!("{}{place} {key}", event_type.name));
                }
            }
        }
    }
    assert_eq!(
        nullable,
        [
            "guess_processed \"player1_duration\"",
            "guess_processed \"player2_duration\"",
            "race_mode_time_expired RaceResult \"last_match_timestamp\"",
        ]
    );
}

/// The event itself and the structures inside of it.
fn objects(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = vec![(String::new(), schema)];
    let inner = schema["$defs"].as_object().into_iter().flatten();
    found.extend(
        inner
            .filter(|(_, inner)| inner.get("properties").is_some())
            .map(|(name, inner)| (format!(" {name}"), inner)),
    );
    found
}
