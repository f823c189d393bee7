//! The sample games are the measure: the types must say exactly what they say.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use gamebot::{
    event::{Decoded, Event, GameStarted},
    sample,
    script::{GameScript, ScriptEvent},
};
use serde_json::Value;

use crate::referee;

fn all_events() -> Vec<ScriptEvent> {
    let games = sample::games().unwrap();
    let of_games = games
        .into_iter()
        .flat_map(|game| [game.events, game.observations].concat());
    let community = sample::community().unwrap();
    let of_community = community.into_iter().flat_map(|stream| stream.events);
    of_games.chain(of_community).collect()
}

fn decode(event: &ScriptEvent) -> Event {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(event) => event,
        other => panic!("{other:?} from {}", event.data),
    }
}

fn start_of(game: &GameScript) -> GameStarted {
    match decode(&game.events[0]) {
        Event::GameStarted(start) => start,
        other => panic!("{} begins with {other:?}", game.name),
    }
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
    let mut types_seen = BTreeSet::new();
    for event in &all_events() {
        let payload = decode(event);
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
    assert_eq!(types_seen.len(), 35, "{types_seen:?}");
}

#[test]
fn everybody_who_plays_a_sample_game_has_a_stream_that_was_over_before() {
    let community = sample::community().unwrap();
    let mut wanted = BTreeSet::new();
    for game in sample::games().unwrap() {
        let start = start_of(&game);
        let guild = start.guild_id.unwrap();
        wanted.insert(format!("guild-{guild}"));
        let players = start.player_ids.iter();
        wanted.extend(players.map(|player| format!("player-{guild}_{player}")));
        let teams = start.team_ids.iter();
        wanted.extend(teams.map(|team| format!("team-{guild}_{team}")));
        for stream in &community {
            if wanted.contains(&stream.stream_name) && stream.stream_name.contains(&guild) {
                let times = stream.events.iter().map(ScriptEvent::timestamp);
                assert!(times.clone().is_sorted(), "{}", stream.stream_name);
                let start = start.started_at;
                for at in times.flatten() {
                    assert!(at < start && at > start - TimeDelta::days(60), "{at}");
                }
            }
        }
    }
    let names: BTreeSet<String> = community
        .into_iter()
        .map(|stream| stream.stream_name)
        .collect();
    assert_eq!(names, wanted);
}

#[test]
fn what_is_observed_of_a_sample_game_happens_in_it_and_has_its_correlation() {
    let metadata = |event: &ScriptEvent| serde_json::from_str::<Value>(&event.metadata).unwrap();
    for game in sample::games().unwrap() {
        let (first, last) = (game.events.first().unwrap(), game.events.last().unwrap());
        assert!(!game.observations.is_empty(), "{}", game.name);
        let times = game.observations.iter().map(ScriptEvent::timestamp);
        assert!(times.is_sorted(), "{}", game.name);
        for observed in &game.observations {
            let at = observed.timestamp();
            assert!(at > first.timestamp() && at < last.timestamp(), "{at:?}");
            let (said, of_game) = (metadata(observed), metadata(first));
            assert_eq!(said["correlation_id"], of_game["correlation_id"]);
            assert_eq!(decode(observed).game_id(), Some(game.game_id.as_str()));
            // What the bot concludes, it concludes from an event that is there already.
            if said["source"] == "system" {
                let both = game.events.iter().chain(&game.observations);
                let mut before = both.filter(|event| event.timestamp() < at);
                let cause = said["causation_id"].as_str();
                assert!(before.any(|event| event.event_id().as_deref() == cause));
            }
        }
    }
}

#[test]
fn an_event_id_occurs_once_in_all_of_the_samples() {
    let events = all_events();
    let ids: BTreeSet<_> = events
        .iter()
        .map(|event| event.event_id().unwrap())
        .collect();
    assert_eq!((events.len(), ids.len()), (342, 342));
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
