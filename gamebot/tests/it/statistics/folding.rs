//! The laws of the fold: where it is interrupted does not matter, and nothing makes it panic.

use std::sync::LazyLock;

use gamebot::{
    event::{Decoded, Event},
    generate::{GameGenerator, GeneratedMode},
    script::GameScript,
    statistics::GameFigures,
};
use proptest::prelude::*;
use serde_json::Value;

use super::{Tables, decode, feed, tables_of};

/// The samples, and some generated games of each mode.
static GAMES: LazyLock<Vec<GameScript>> = LazyLock::new(|| {
    let start = "2026-01-05T19:30:00.123456Z".parse().unwrap();
    let generated = GeneratedMode::ALL
        .into_iter()
        .flat_map(|mode| GameGenerator::new(11, start, mode).take(3));
    let samples = gamebot::sample::games().unwrap();
    samples.into_iter().chain(generated).collect()
});

fn a_game() -> impl Strategy<Value = &'static GameScript> {
    (0..GAMES.len()).prop_map(|index| &GAMES[index])
}

fn a_cut_game() -> impl Strategy<Value = (&'static GameScript, usize)> {
    a_game().prop_flat_map(|game| (Just(game), 0..=game.events.len()))
}

/// The game's events in any order, and a number for each that takes the place of all its integers.
fn a_damaged_game() -> impl Strategy<Value = Vec<(usize, Option<i32>)>> {
    let order = Just((0..GAMES[1].events.len()).collect::<Vec<_>>()).prop_shuffle();
    let odd = proptest::option::of(proptest::sample::select(vec![i32::MIN, -1, 0, 1, i32::MAX]));
    order.prop_flat_map(move |order| {
        let length = order.len();
        (Just(order), proptest::collection::vec(odd.clone(), length))
            .prop_map(|(order, odd)| order.into_iter().zip(odd).collect())
    })
}

proptest! {
    #[test]
    fn figures_that_are_written_down_and_read_again_go_on_as_before((game, cut) in a_cut_game()) {
        let (mut figures, mut tables) = (GameFigures::new(), Tables::default());
        feed(&mut figures, &mut tables, &game.events[..cut], 0);
        let written = serde_json::to_string(&figures).unwrap();
        let mut again: GameFigures = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&again, &figures);
        feed(&mut again, &mut tables, &game.events, cut);
        prop_assert_eq!(tables, tables_of(game));
    }

    #[test]
    fn an_event_that_comes_again_changes_nothing((game, cut) in a_cut_game()) {
        let (mut figures, mut tables) = (GameFigures::new(), Tables::default());
        feed(&mut figures, &mut tables, &game.events[..cut], 0);
        let (figures_before, tables_before) = (figures.clone(), tables.clone());
        feed(&mut figures, &mut tables, &game.events[..cut], 0);
        prop_assert_eq!((&figures, &tables), (&figures_before, &tables_before));
    }

    #[test]
    fn no_stream_makes_the_figures_panic(damage in a_damaged_game()) {
        let mut figures = GameFigures::new();
        for (version, (index, odd)) in (1..).zip(damage) {
            let event = &GAMES[1].events[index];
            let mut data: Value = serde_json::from_str(&event.data).unwrap();
            if let Some(odd) = odd {
                replace_integers(&mut data, odd);
            }
            let text = data.to_string();
            if let Decoded::Known(event) = Event::decode(&event.event_type, 1, &text) {
                figures.apply(version, "", &event);
            }
        }
    }
}

fn replace_integers(value: &mut Value, odd: i32) {
    match value {
        Value::Number(number) if number.is_i64() => *value = odd.into(),
        Value::Array(list) => list
            .iter_mut()
            .for_each(|entry| replace_integers(entry, odd)),
        Value::Object(fields) => {
            fields
                .values_mut()
                .for_each(|field| replace_integers(field, odd));
        }
        _ => {}
    }
}

#[test]
fn each_event_answers_with_few_rows() {
    for game in GAMES.iter() {
        let mut figures = GameFigures::new();
        for (version, event) in (1..).zip(&game.events) {
            let changes = figures.apply(version, "", &decode(event));
            assert!(changes.guesses.len() <= 1 && changes.rounds.len() <= 12);
            let teams: std::collections::HashSet<_> =
                changes.rounds.iter().map(|row| &row.team_id).collect();
            assert_eq!(teams.len(), changes.rounds.len(), "a row for each team");
            assert_eq!(
                changes.finished.is_some(),
                event.event_type == "game_completed"
            );
        }
    }
}

#[test]
fn the_figures_of_a_game_stay_small() {
    for game in GAMES.iter() {
        let mut figures = GameFigures::new();
        feed(&mut figures, &mut Tables::default(), &game.events, 0);
        let teams = figures.scores().count();
        let length = serde_json::to_string(&figures).unwrap().len();
        assert!(length < 800 + 1500 * teams, "{}: {length} bytes", game.name);
    }
}

#[test]
fn what_was_counted_is_what_the_game_says_at_its_end() {
    for game in GAMES.iter() {
        let tables = tables_of(game);
        let result = tables.result.unwrap();
        for team in &result.teams {
            let guesses = tables
                .guesses
                .iter()
                .filter(|row| row.team_id == team.team_id);
            assert_eq!(
                guesses.count(),
                usize::try_from(team.guesses).unwrap(),
                "{}",
                game.name
            );
            let rounds = tables
                .rounds
                .iter()
                .filter(|row| row.team_id == team.team_id);
            let matches: i32 = rounds.map(|row| row.matches).sum();
            assert_eq!(matches, team.matches, "{}", game.name);
            assert_eq!(team.round_count, team.matches);
        }
        assert!(tables.rounds.iter().all(|row| row.finished_at.is_some()));
    }
}
