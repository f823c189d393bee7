//! The generated games: repeatable, lawful and of every length that was promised.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use gamebot::{
    event::{Decoded, Event, EventType, EventTypeStatus},
    generate::{GameGenerator, GeneratedMode},
    script::GameScript,
};

use crate::referee;

const GAMES_PER_MODE: usize = 150;

fn start() -> DateTime<Utc> {
    "2026-01-05T19:30:00.123456Z".parse().unwrap()
}

fn games(seed: u64, mode: GeneratedMode, count: usize) -> Vec<GameScript> {
    GameGenerator::new(seed, start(), mode)
        .take(count)
        .collect()
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
        let events = games(6, mode, 40)
            .into_iter()
            .map(|mut game| game.events.remove(0));
        events
            .filter_map(
                |event| match Event::decode("game_started", 1, &event.data) {
                    Decoded::Known(Event::GameStarted(started)) => started.guild_id,
                    other => panic!("{other:?}"),
                },
            )
            .collect()
    };
    assert_eq!(guilds(GeneratedMode::Race), guilds(GeneratedMode::Knockout));
}

#[test]
fn players_come_back_for_more_games() {
    let games = games(5, GeneratedMode::TwoPlayer, 100);
    let rosters: HashSet<String> = games
        .iter()
        .map(
            |game| match Event::decode("game_started", 1, &game.events[0].data) {
                Decoded::Known(Event::GameStarted(started)) => started.team_ids.concat(),
                other => panic!("{other:?}"),
            },
        )
        .collect();
    assert!(rosters.len() < games.len());
}
