//! The figures of games, held against a worksheet that another language works out, against their
//! own laws, and in the corners of their definitions.

mod aggregates;
mod corners;
mod damage;
mod folding;
mod fresh;
mod leaderboards;
mod story;
mod windows;
mod worksheet;

use chrono::{DateTime, Utc};
use gamebot::{
    event::{Decoded, Event},
    script::{GameScript, ScriptEvent},
    statistics::{Changes, GameFigures, GameResult, GuessRow, RoundRow},
};
use serde_json::Value;

fn decode(event: &ScriptEvent) -> Event {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(event) => event,
        other => panic!("{other:?} from {}", event.data),
    }
}

/// The tables that a projection would have after some events.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tables {
    guesses: Vec<GuessRow>,
    rounds: Vec<RoundRow>,
    result: Option<GameResult>,
}

impl Tables {
    fn take(&mut self, changes: Changes) {
        self.guesses.extend(changes.guesses);
        for row in changes.rounds {
            let is_same = |other: &RoundRow| {
                (other.round_number, &other.team_id) == (row.round_number, &row.team_id)
            };
            match self.rounds.iter().position(is_same) {
                Some(place) => self.rounds[place] = row,
                None => self.rounds.push(row),
            }
        }
        if let Some(result) = changes.finished {
            assert_eq!(self.result, None, "a game has one result");
            self.result = Some(*result);
        }
    }
}

/// Feeds the figures with the events from this index on.
fn feed(figures: &mut GameFigures, tables: &mut Tables, events: &[ScriptEvent], from: usize) {
    for (index, event) in events.iter().enumerate().skip(from) {
        let stream_version = i32::try_from(index + 1).unwrap();
        figures.note_stored(&event.event_type, event.schema_version);
        let event_id = event.event_id().unwrap();
        tables.take(figures.apply(stream_version, &event_id, &decode(event)));
    }
}

fn tables_of(game: &GameScript) -> Tables {
    let mut tables = Tables::default();
    feed(&mut GameFigures::new(), &mut tables, &game.events, 0);
    tables
}

/// Says where two JSON values differ. Times are compared as times and numbers as numbers, because
/// they may be written in more than one way.
fn differences(path: &str, ours: &Value, theirs: &Value) -> Vec<String> {
    let instant = |value: &Value| -> Option<DateTime<Utc>> { value.as_str()?.parse().ok() };
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let null = Value::Null;
            keys.into_iter()
                .flat_map(|key| match (ours.get(key), theirs.get(key)) {
                    (Some(ours), Some(theirs)) => {
                        differences(&format!("{path}/{key}"), ours, theirs)
                    }
                    (ours, theirs) => vec![format!(
                        "{path}/{key}: {} here, {} there",
                        ours.unwrap_or(&null),
                        theirs.unwrap_or(&null)
                    )],
                })
                .collect()
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => ours
            .iter()
            .zip(theirs)
            .enumerate()
            .flat_map(|(index, (ours, theirs))| {
                differences(&format!("{path}/{index}"), ours, theirs)
            })
            .collect(),
        (Value::Number(ours_number), Value::Number(theirs_number)) => {
            let (ours_number, theirs_number) = (ours_number.as_f64(), theirs_number.as_f64());
            let gap = (ours_number.unwrap() - theirs_number.unwrap()).abs();
            // The last digit of a quotient may be lost in writing it down and reading it.
            let is_close = gap <= 1e-9 * theirs_number.unwrap().abs();
            if is_close {
                vec![]
            } else {
                vec![format!("{path}: {ours} here, {theirs} there")]
            }
        }
        _ if ours == theirs => vec![],
        _ if instant(ours).is_some() && instant(ours) == instant(theirs) => vec![],
        _ => vec![format!("{path}: {ours} here, {theirs} there")],
    }
}

#[test]
fn a_difference_is_seen_wherever_it_is() {
    let ours = serde_json::json!({"a": [1, {"b": "2025-03-12T18:04:05Z"}], "c": null});
    let same = serde_json::json!({"c": null, "a": [1.0, {"b": "2025-03-12T18:04:05.000000Z"}]});
    assert_eq!(differences("", &ours, &same), Vec::<String>::new());
    let others = [
        serde_json::json!({"a": [2, {"b": "2025-03-12T18:04:05Z"}], "c": null}),
        serde_json::json!({"a": [1, {"b": "2025-03-12T18:04:06Z"}], "c": null}),
        serde_json::json!({"a": [1], "c": null}),
        serde_json::json!({"a": [1, {"b": "2025-03-12T18:04:05Z"}]}),
        serde_json::json!({"a": [1, {"b": "2025-03-12T18:04:05Z"}], "c": 0}),
    ];
    for other in others {
        assert_eq!(differences("", &ours, &other).len(), 1, "{other}");
    }
}
