//! Games that obey the rules.

use gamebot::generate::{GameGenerator, GeneratedMode};

use super::{
    by_hand,
    stream::{Stream, told},
};
use crate::schema::validators;

const GENERATED_PER_MODE: usize = 120;

#[test]
fn the_samples_fold_without_a_breach() {
    for game in gamebot::sample::games().unwrap() {
        let recovery = Stream::from(&game).recover();
        assert_eq!(told(&recovery.violations), "", "{}", game.name);
        assert_eq!(recovery.unknown_causes, [], "{}", game.name);
        assert_eq!(recovery.skipped, 0);
        assert_eq!(
            usize::try_from(recovery.applied).unwrap(),
            game.events.len()
        );
    }
}

#[test]
fn generated_games_fold_without_a_breach() {
    let start = "2026-01-05T19:30:00.123456Z".parse().unwrap();
    for mode in GeneratedMode::ALL {
        for game in GameGenerator::new(11, start, mode).take(GENERATED_PER_MODE) {
            let recovery = Stream::from(&game).recover();
            assert_eq!(told(&recovery.violations), "", "{}", game.name);
            assert_eq!(recovery.unknown_causes, [], "{}", game.name);
        }
    }
}

#[test]
fn games_of_every_mode_played_by_hand_fold_without_a_breach() {
    for table in by_hand::all() {
        let recovery = table.stream().recover();
        assert_eq!(told(&recovery.violations), "", "{}", table.mode);
    }
}

/// Keeps the games played by hand honest: what they write may be written.
#[test]
fn games_played_by_hand_satisfy_the_schemas() {
    let validators = validators();
    for table in by_hand::all() {
        for event in &table.events {
            let validator = &validators[event.event_type.as_str()];
            assert!(validator.is_valid(&event.data()), "{event:?}");
        }
    }
}
