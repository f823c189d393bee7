//! The registry by itself: types of a program with steps in Rust, and registrations as they come from a log.

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::event::EventType;
use crate::position::Position;
use crate::stream::StreamName;

fn options() -> RegistryOptions {
    RegistryOptions {
        open: Categories::default(),
        unchecked: Categories::default(),
        max_types: 10,
        max_versions: 10,
    }
}

fn built_in(upcasters: Vec<(i32, i32, BuiltInUpcaster)>) -> BuiltInType {
    BuiltInType {
        name: "noted",
        facts: BuiltInFacts {
            description: "Somebody took a note.".to_owned(),
            classes: vec!["state"],
            categories: vec!["game"],
        },
        schemas: (1..=3)
            .map(|version| json!({"required": [format!("v{version}")]}))
            .collect(),
        upcasters,
    }
}

fn of_program(upcasters: Vec<(i32, i32, BuiltInUpcaster)>) -> Registry {
    Registry::new(vec![built_in(upcasters)], options()).unwrap()
}

#[test]
fn types_of_the_program_are_upcast_by_functions() {
    let registry = of_program(vec![
        (1, 2, |data| Ok(data.replace("v1", "v2"))),
        (2, 3, |data| Ok(data.replace("v2", "v3"))),
    ]);
    let shown = |stored, wanted, data: &str| registry.upcast("noted", stored, wanted, data);
    let upcast = |version, data: Option<&str>| {
        let data = data.map(str::to_owned);
        Ok(Upcast { version, data })
    };
    assert_eq!(
        shown(1, None, r#"{"v1":1.10}"#),
        upcast(3, Some(r#"{"v3":1.10}"#))
    );
    assert_eq!(
        shown(1, Some(2), r#"{"v1":1}"#),
        upcast(2, Some(r#"{"v2":1}"#))
    );
    assert_eq!(shown(3, None, "{}"), upcast(3, None));
    // What is stored in a later version than this program knows is shown as it is.
    assert_eq!(shown(4, None, "{}"), upcast(4, None));
    assert!(matches!(
        shown(2, Some(1), "{}"),
        Err(UpcastError::NotFound(_))
    ));
    assert!(matches!(
        shown(1, Some(4), "{}"),
        Err(UpcastError::NotFound(_))
    ));
    assert!(matches!(
        registry.upcast("other", 1, Some(2), "{}"),
        Err(UpcastError::NotFound(_))
    ));
    assert_eq!(registry.upcast("other", 1, None, "{}"), upcast(1, None));
}

#[test]
fn a_function_that_fails_or_answers_nonsense_is_named_with_its_step() {
    for (step, reason) in [
        (
            (|_| Err("the note is empty".to_owned())) as BuiltInUpcaster,
            "the note is empty",
        ),
        (|_| Ok("[]".to_owned()), "not a JSON object"),
        (|_| Ok("{".to_owned()), "cannot be read as JSON"),
        (
            |_| Ok("{}".to_owned()),
            "data has no `v3`, which is required",
        ),
        (
            |_| Ok(format!("{{\"v3\":\"{}\"}}", "x".repeat(MOST_PATCH_BYTES))),
            "1048576",
        ),
    ] {
        let registry = of_program(vec![
            (1, 2, |data| Ok(data.replace("v1", "v2"))),
            (2, 3, step),
        ]);
        let error = registry
            .upcast("noted", 1, None, r#"{"v1":1}"#)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("the step of noted from version 2 to 3 failed"),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_program_whose_types_contradict_themselves_does_not_start() {
    let error = Registry::new(vec![built_in(Vec::new())], options()).unwrap_err();
    assert!(
        error.to_string().contains("no step leads from 1 to 2"),
        "{error}"
    );
}

fn event_of(event_type: &str, version: i32, kind: &str, data: &str) -> RecordedEvent {
    let event_type = EventType::parse(event_type).unwrap();
    RecordedEvent {
        position: Position::from_stored(i64::from(version)),
        event_id: Uuid::from_u128(version.unsigned_abs().into()),
        stream_id: 1,
        stream: StreamName::of_event_type(&event_type),
        stream_version: version,
        event_type: EventType::from_stored(kind),
        schema_version: 1,
        data: Some(data.into()),
        metadata: Some("{}".into()),
        salt: None,
        guild_id: None,
        correlation_id: "c".into(),
        causation_id: None,
        actor_id: None,
        removed: None,
        recorded_at: DateTime::UNIX_EPOCH,
        content_hash: [0; 32],
        hash: [0; 32],
    }
}

fn version_of(number: i32) -> Value {
    let mut data = json!({"event_type": "brewed", "version": number, "schema": {}});
    if number > 1 {
        data["compatible"] = json!(true);
    }
    data
}

#[test]
fn registrations_are_taken_in_order_and_once() {
    let registry = Registry::new(Vec::new(), options()).unwrap();
    let one = event_of("brewed", 1, recorded::TYPE, &version_of(1).to_string());
    let two = event_of("brewed", 2, recorded::TYPE, &version_of(2).to_string());
    let three = event_of("brewed", 3, recorded::TYPE, &version_of(3).to_string());
    assert_eq!(registry.take(&two), Taken::AfterGap { known: 0 });
    for event in [&one, &one, &two, &one, &three, &two] {
        assert_eq!(registry.take(event), Taken::Known);
    }
    let known = registry.get("brewed").unwrap();
    assert_eq!((known.newest(), known.upcasters().count()), (3, 2));
    assert_eq!(registry.stream_version("brewed"), 3);
    assert!(known.broken().is_empty());
}

#[test]
fn a_registration_that_cannot_be_used_is_noted_and_keeps_its_place() {
    let registry = Registry::new(catalogue(), options()).unwrap();
    let cases = [
        (
            recorded::TYPE,
            json!({"event_type": "brewed"}),
            "no `version`",
        ),
        (recorded::TYPE, json!(7), "not that of a registration"),
        (recorded::TYPE, version_of(2), "next version is 1"),
        (recorded::TYPE, version_of(1), ""),
        (
            recorded::UPCASTER,
            json!({"event_type": "brewed", "from": 2, "to": 1, "compatible": true}),
            "upward",
        ),
        (
            recorded::DEPRECATED,
            json!({"event_type": "brewed"}),
            "no `reason`",
        ),
        (
            "$something_else",
            json!({"event_type": "brewed"}),
            "none of a registration",
        ),
        (recorded::TYPE, version_of(2), ""),
    ];
    let mut reasons = Vec::new();
    for ((kind, data, reason), version) in cases.iter().zip(1..) {
        assert_eq!(
            registry.take(&event_of("brewed", version, kind, &data.to_string())),
            Taken::Known
        );
        reasons.extend(Some(*reason).filter(|reason| !reason.is_empty()));
    }
    let known = registry.get("brewed").unwrap();
    assert_eq!((known.newest(), registry.stream_version("brewed")), (2, 8));
    assert_eq!(known.broken().len(), reasons.len());
    for (broken, reason) in known.broken().iter().zip(reasons) {
        assert!(broken.reason.contains(reason), "{}", broken.reason);
    }
    // A type of the program that an earlier release had left to others stays the program's.
    let data =
        json!({"event_type": "game_started", "version": 2, "schema": {}, "compatible": true});
    registry.take(&event_of(
        "game_started",
        1,
        recorded::TYPE,
        &data.to_string(),
    ));
    let known = registry.get("game_started").unwrap();
    assert_eq!((known.state(), known.newest()), (TypeState::BuiltIn, 1));
    assert_eq!(known.broken().len(), 1);
}

#[test]
fn what_is_judged_right_is_folded_to_what_was_judged() {
    let registry = Registry::new(Vec::new(), options()).unwrap();
    let patch = r#"[ {"op": "add", "path": "/unit", "value": 1.50} ]"#;
    let registrations = [
        Registration::Version {
            version: 1,
            schema: r#"{ "type": "object" }"#.to_owned(),
            upcaster: None,
            description: Some("Somebody made coffee.".to_owned()),
        },
        Registration::Version {
            version: 2,
            schema: "{}".to_owned(),
            upcaster: Some(NewUpcaster::Patch(patch.to_owned())),
            description: None,
        },
        Registration::Version {
            version: 3,
            schema: "{}".to_owned(),
            upcaster: Some(NewUpcaster::Compatible),
            description: None,
        },
        Registration::Upcaster {
            from: 1,
            to: 3,
            upcaster: NewUpcaster::Patch(patch.to_owned()),
        },
        Registration::Deprecation {
            reason: "Write tea_made.".to_owned(),
        },
        Registration::Undeprecation,
    ];
    for (registration, version) in registrations.into_iter().zip(1..) {
        let prepared = PreparedRegistration::new("brewed", registration).unwrap();
        assert_eq!(registry.judge_registration(&prepared), Ok(false));
        registry.take(&event_of(
            "brewed",
            version,
            prepared.recorded_type(),
            prepared.data(),
        ));
        assert_eq!(
            registry.judge_registration(&prepared),
            Ok(true),
            "{version}"
        );
    }
    let known = registry.get("brewed").unwrap();
    assert!(known.broken().is_empty(), "{:?}", known.broken());
    assert_eq!(known.description(), Some("Somebody made coffee."));
    assert_eq!(
        known.version(1).unwrap().schema().as_str(),
        r#"{"type":"object"}"#
    );
    assert_eq!(known.state(), TypeState::Registered);
    assert_eq!(known.upcasters().count(), 3);
}
