//! The sample games are the measure: the types must say exactly what they say.

use gamebot::{
    event::{Decoded, Event},
    sample,
    script::ScriptEvent,
};
use serde_json::Value;

use crate::referee;

fn all_events() -> Vec<ScriptEvent> {
    let games = sample::games().unwrap();
    games.into_iter().flat_map(|game| game.events).collect()
}

#[test]
fn the_three_sample_games_have_their_known_lengths_and_names() {
    let games = sample::games().unwrap();
    let found: Vec<(&str, String, usize)> = games
        .iter()
        .map(|game| (game.name.as_ref(), game.stream_name(), game.events.len()))
        .collect();
    let id = |id: &str| format!("game-{id}");
    assert_eq!(
        found,
        [
            ("two_player", id("01958b87-26e2-7ec9-9dcd-35f0c7fde805"), 31),
            ("knockout", id("01959659-a3c0-7d46-8117-c876156393d8"), 81),
            ("race", id("01959ba5-149d-7176-a859-612663e70c9b"), 150),
        ]
    );
}

#[test]
fn a_sample_event_keeps_the_text_of_the_file() {
    let games = sample::games().unwrap();
    let first = &games[0].events[0];
    assert!(first.data.contains("\n      \"game_id\": "));
    assert!(first.data.contains("\"success_threshold\": 4,"));
    assert_eq!(
        first.event_id().as_deref(),
        Some("01958b87-26e6-77ff-aa65-92bb012d0ea6")
    );
    let happened = first.timestamp().unwrap().to_rfc3339();
    assert_eq!(happened, "2025-03-12T18:04:05.222341+00:00");
}

#[test]
fn every_event_of_the_samples_decodes_and_says_the_same_when_written_again() {
    let mut types_seen = std::collections::BTreeSet::new();
    for event in &all_events() {
        let decoded = Event::decode(&event.event_type, event.schema_version, &event.data);
        let Decoded::Known(payload) = decoded else {
            panic!("{decoded:?} from {}", event.data);
        };
        assert_eq!(payload.event_type(), event.event_type);
        // The texts are compared, not only the values, because the order of keys counts. An amount
        // may be stored as 4 or as 4.0, which is the same number.
        let stored: Value = serde_json::from_str(&event.data).unwrap();
        let without_zeros = |text: String| text.replace(".0,", ",");
        assert_eq!(
            without_zeros(serde_json::to_string(&payload).unwrap()),
            without_zeros(stored.to_string()),
            "a {} is written otherwise than it is stored",
            event.event_type
        );
        types_seen.insert(payload.event_type());
    }
    assert_eq!(types_seen.len(), 17, "{types_seen:?}");
}

/// Keeps the referee honest: whoever accepts the generated games must accept these, too.
#[test]
fn the_sample_games_obey_the_rules() {
    for game in sample::games().unwrap() {
        assert_eq!(referee::judge(&game.events), Ok(()), "{}", game.name);
    }
}

/// Keeps the referee sharp: it notices when an event is missing, unless the event was optional.
#[test]
fn the_referee_notices_a_missing_event() {
    for game in sample::games().unwrap() {
        for missing in 0..game.events.len() {
            let mut events = game.events.clone();
            let removed = events.remove(missing);
            let is_optional =
                ["guess_started", "race_time_warning"].contains(&removed.event_type.as_ref());
            if !is_optional {
                let verdict = referee::judge(&events);
                assert!(
                    verdict.is_err(),
                    "{} without event {missing}, a {}",
                    game.name,
                    removed.event_type
                );
            }
        }
    }
}
