//! The generated games: repeatable, lawful and of every length that was promised.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use gamebot::{
    event::{Decoded, Event, EventType, EventTypeStatus, GameStarted},
    generate::{GameGenerator, GeneratedMode},
    script::{GameScript, ScriptEvent},
};
use serde_json::Value;

use crate::referee;

const GAMES_PER_MODE: usize = 60;

fn start() -> DateTime<Utc> {
    "2026-01-05T19:30:00.123456Z".parse().unwrap()
}

fn games(seed: u64, mode: GeneratedMode, count: usize) -> Vec<GameScript> {
    GameGenerator::new(seed, start(), mode)
        .take(count)
        .collect()
}

fn decode(event: &ScriptEvent) -> Event {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(event) => event,
        other => panic!("{other:?} from {}", event.data),
    }
}

fn start_of(game: &GameScript) -> GameStarted {
    let mut events = game.events.iter().map(decode);
    let start = events.find_map(|event| match event {
        Event::GameStarted(started) => Some(started),
        _ => None,
    });
    start.unwrap()
}

#[test]
fn the_same_seed_gives_the_same_games_and_another_seed_others() {
    for mode in GeneratedMode::ALL {
        assert_eq!(games(7, mode, 5), games(7, mode, 5));
        let ids = |seed| -> HashSet<String> {
            let events = games(seed, mode, 5)
                .into_iter()
                .flat_map(|game| game.events);
            events.map(|event| event.event_id().unwrap()).collect()
        };
        assert!(ids(7).is_disjoint(&ids(8)), "{mode:?}");
    }
}

#[test]
fn every_game_obeys_the_rules() {
    for mode in GeneratedMode::ALL {
        for (index, game) in games(1, mode, GAMES_PER_MODE).iter().enumerate() {
            assert_eq!(referee::judge(&game.events), Ok(()), "{mode:?} {index}");
        }
    }
}

#[test]
fn every_game_has_between_30_and_300_events() {
    for mode in GeneratedMode::ALL {
        for game in games(2, mode, GAMES_PER_MODE) {
            let length = game.events.len();
            assert!((30..=300).contains(&length), "{mode:?}: {length}");
        }
    }
}

#[test]
fn every_event_decodes_and_says_the_same_when_written_again() {
    let mut types_seen = HashSet::new();
    for mode in GeneratedMode::ALL {
        let events = games(3, mode, 20).into_iter().flat_map(|game| game.events);
        for event in events {
            match Event::decode(&event.event_type, event.schema_version, &event.data) {
                Decoded::Known(payload) => {
                    types_seen.insert(payload.event_type());
                    // Timestamps may be written with fewer digits, so the values are compared.
                    let written = serde_json::to_string(&payload).unwrap();
                    let again = Event::decode(&event.event_type, 1, &written);
                    assert_eq!(again, Decoded::Known(payload));
                }
                other => panic!("{other:?} from {}", event.data),
            }
        }
    }
    let core = EventType::all()
        .iter()
        .filter(|event_type| event_type.status == EventTypeStatus::Core);
    for event_type in core {
        assert!(types_seen.contains(event_type.name), "{}", event_type.name);
    }
}

#[test]
fn event_ids_are_unique_over_games_and_game_ids_sort_by_time() {
    let games = games(4, GeneratedMode::Race, 40);
    let mut ids = HashSet::new();
    for event in games.iter().flat_map(|game| &game.events) {
        assert!(ids.insert(event.event_id().unwrap()));
    }
    let game_ids: Vec<&str> = games.iter().map(|game| game.game_id.as_str()).collect();
    assert!(game_ids.is_sorted());
}

#[test]
fn the_modes_of_one_seed_share_players_but_no_ids() {
    let mut ids = HashSet::new();
    for mode in GeneratedMode::ALL {
        for game in games(6, mode, 20) {
            for event in game.events {
                assert!(ids.insert(event.event_id().unwrap()), "{mode:?}");
            }
        }
    }
    let guilds = |mode| -> HashSet<String> {
        games(6, mode, 40)
            .iter()
            .filter_map(|game| start_of(game).guild_id)
            .collect()
    };
    assert_eq!(guilds(GeneratedMode::Race), guilds(GeneratedMode::Knockout));
}

#[test]
fn players_come_back_for_more_games() {
    let games = games(5, GeneratedMode::TwoPlayer, 100);
    let rosters: HashSet<String> = games
        .iter()
        .map(|game| start_of(game).team_ids.concat())
        .collect();
    assert!(rosters.len() < games.len());
}

#[test]
fn a_generator_plays_in_all_ways_that_its_modes_allow() {
    let mut seen = HashSet::new();
    for mode in GeneratedMode::ALL {
        for game in games(9, mode, 60) {
            seen.insert(format!(
                "{} after {}",
                mode.as_str(),
                game.events[0].event_type
            ));
            for event in game.events.iter().chain(&game.observations) {
                seen.insert(event.event_type.to_string());
                if let Event::GolfRacePointsAwarded(award) = decode(event) {
                    seen.insert(format!("{} points", award.points));
                }
            }
        }
    }
    for mode in GeneratedMode::ALL {
        for first in ["game_created", "game_started"] {
            assert!(seen.contains(&format!("{} after {first}", mode.as_str())));
        }
    }
    for points in -1..=4 {
        assert!(seen.contains(&format!("{points} points")), "{points}");
    }
    let others = [
        "player_joined",
        "game_config_changed",
        "game_mode_changed",
        "round_restarted",
        "longform_day_ended",
        "guess_error",
        "session_recovery_started",
        "session_recovered",
    ];
    for event_type in others {
        assert!(seen.contains(event_type), "{event_type}");
    }
}

#[test]
fn what_is_observed_of_a_game_is_told_in_order_with_causes_of_its_own() {
    let mut observed = 0;
    for mode in GeneratedMode::ALL {
        for game in games(10, mode, 40) {
            let json = |event: &ScriptEvent| -> [Value; 2] {
                [&event.data, &event.metadata].map(|text| serde_json::from_str(text).unwrap())
            };
            let events: Vec<[Value; 2]> = game.events.iter().map(json).collect();
            let mut ids: HashSet<&Value> = events
                .iter()
                .map(|[_, metadata]| &metadata["event_id"])
                .collect();
            let observations: Vec<[Value; 2]> = game.observations.iter().map(json).collect();
            for (event, [data, metadata]) in game.observations.iter().zip(&observations) {
                decode(event);
                let causation_id = &metadata["causation_id"];
                assert!(ids.contains(causation_id) || *causation_id == metadata["source_id"]);
                assert_eq!(metadata["correlation_id"], events[0][1]["correlation_id"]);
                assert_eq!(data["game_id"], game.game_id.as_str());
                assert_eq!(data["guild_id"], events[0][0]["guild_id"]);
                assert!(ids.insert(&metadata["event_id"]), "an id occurs once");
                observed += 1;
            }
            assert!(
                game.observations
                    .iter()
                    .map(ScriptEvent::timestamp)
                    .is_sorted()
            );
            assert_eq!(
                game.observations_stream_name(),
                format!("gamelog-{}", game.game_id)
            );
        }
    }
    assert!(observed > 100, "{observed}");
}
