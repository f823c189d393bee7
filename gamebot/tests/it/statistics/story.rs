//! Short games, told event by event.

use chrono::{DateTime, TimeDelta, Utc};
use gamebot::{
    event::{Decoded, Event},
    statistics::{Changes, GameFigures, GameResult, RoundRow},
};
use serde_json::{Value, json};

use super::Tables;

/// A game that is being told. Times are in milliseconds after its start.
pub(super) struct Story {
    pub(super) figures: GameFigures,
    pub(super) tables: Tables,
    mode: &'static str,
    version: i32,
    attempts: i32,
}

/// The time this many milliseconds after the start of a story.
pub(super) fn at(ms: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2025-03-12T18:00:00Z".parse().unwrap();
    start + TimeDelta::milliseconds(ms)
}

impl Story {
    /// A game that has started with teams `a` (players 1 and 2), `b` (3 and 4), and so on.
    pub(super) fn new(mode: &'static str, team_ids: &[&str]) -> Self {
        let players = |index: usize| [(2 * index + 1).to_string(), (2 * index + 2).to_string()];
        let teams: serde_json::Map<String, Value> = team_ids
            .iter()
            .enumerate()
            .map(|(index, id)| ((*id).to_owned(), json!(players(index))))
            .collect();
        let player_ids: Vec<String> = (0..team_ids.len()).flat_map(players).collect();
        let mut story = Self::untold(mode);
        story.tell(
            "game_started",
            0,
            json!({
                "teams": teams, "team_ids": team_ids, "player_ids": player_ids, "config": {},
                "started_at": at(0),
            }),
        );
        story
    }

    /// A game of which nothing is told yet.
    pub(super) fn untold(mode: &'static str) -> Self {
        Self {
            figures: GameFigures::new(),
            tables: Tables::default(),
            mode,
            version: 0,
            attempts: 0,
        }
    }

    /// Tells an event; `own` can overrule the base fields.
    pub(super) fn tell(&mut self, event_type: &str, ms: i64, own: Value) -> Changes {
        let mut data = json!({
            "game_id": "g", "guild_id": "9", "mode": self.mode, "round_number": 1,
            "timestamp": at(ms),
        });
        if let (Value::Object(data), Value::Object(own)) = (&mut data, own) {
            data.extend(own);
        }
        let event = match Event::decode(event_type, 1, &data.to_string()) {
            Decoded::Known(event) => event,
            other => panic!("{other:?} from {data}"),
        };
        self.version += 1;
        let changes = self.figures.apply(self.version, "id", &event);
        self.tables.take(changes.clone());
        changes
    }

    pub(super) fn round(&mut self, number: i32, ms: i64, team_ids: &[&str]) -> Changes {
        let states: serde_json::Map<String, Value> = team_ids
            .iter()
            .map(|id| {
                let state = json!({
                    "team_id": id, "active_players": [], "eliminated_players": [], "score": 0,
                    "matches": 0, "total_guesses": 0,
                });
                ((*id).to_owned(), state)
            })
            .collect();
        self.tell(
            "round_started",
            ms,
            json!({"round_number": number, "team_states": states}),
        )
    }

    /// An attempt of team `a` in round 1 that takes until `duration`, unless `own` says otherwise.
    pub(super) fn guess(&mut self, ms: i64, duration: i32, own: &Value) -> Changes {
        self.attempts += 1;
        let mut data = json!({
            "team_id": "a", "player1_id": "1", "player2_id": "2", "player1_word": "ox",
            "player2_word": "cow", "guess_successful": false, "match_score": null,
            "guess_count": self.attempts, "round_guess_count": self.attempts,
            "total_guesses": self.attempts, "guess_duration": duration,
            "player1_duration": null, "player2_duration": null,
        });
        extend(&mut data, own);
        self.tell("guess_processed", ms, data)
    }

    /// An attempt of team `a` that matches.
    pub(super) fn matched(&mut self, ms: i64, duration: i32, own: &Value) -> Changes {
        let mut data = json!({"guess_successful": true, "match_score": 1});
        extend(&mut data, own);
        self.guess(ms, duration, &data)
    }

    /// An attempt of team `a` that player 2 abandons.
    pub(super) fn abandoned(&mut self, ms: i64, duration: Option<i32>, own: &Value) -> Changes {
        self.attempts += 1;
        let mut data = json!({
            "team_id": "a", "player1_id": "1", "player2_id": "2", "reason": "timeout",
            "abandoning_player_id": "2", "last_guess": null, "guess_count": self.attempts,
            "round_guess_count": self.attempts, "total_guesses": self.attempts,
            "guess_duration": duration,
        });
        extend(&mut data, own);
        self.tell("guess_abandoned", ms, data)
    }

    pub(super) fn eliminated(&mut self, ms: i64, team_id: &str, round_number: i32) -> Changes {
        let last = json!({
            "team_id": team_id, "player_ids": [], "score": 0, "matches": 0, "total_guesses": 0,
        });
        self.tell(
            "team_eliminated",
            ms,
            json!({
                "team_id": team_id, "round_number": round_number, "reason": "round_loss",
                "final_state": last, "final_score": 0, "player_stats": {},
            }),
        )
    }

    /// Ends the game after this many seconds, with `(score, matches, guesses)` for each team.
    pub(super) fn completed(
        &mut self,
        seconds: i32,
        winners: &[&str],
        scores: &[(&str, i32, i32, i32)],
    ) -> GameResult {
        let scores: serde_json::Map<String, Value> = scores
            .iter()
            .map(|(id, score, matches, guesses)| {
                let score = json!({
                    "score": score, "matches": matches, "total_guesses": guesses,
                    "average_guesses": 0, "player_stats": {},
                });
                ((*id).to_owned(), score)
            })
            .collect();
        let ms = i64::from(seconds) * 1000;
        self.tell(
            "game_completed",
            ms + 5,
            json!({
                "winners": winners, "final_scores": scores, "game_duration": seconds,
                "total_rounds": 1, "finished_at": at(ms),
            }),
        );
        self.tables.result.clone().unwrap()
    }

    /// The row of a team's round.
    pub(super) fn row(&self, round_number: i32, team_id: &str) -> &RoundRow {
        let mut rows = self.tables.rounds.iter();
        let found = rows.find(|row| row.round_number == round_number && row.team_id == team_id);
        found.unwrap()
    }

    /// The attempt times of the game, in order.
    pub(super) fn attempt_ms(&self) -> Vec<Option<i32>> {
        self.tables
            .guesses
            .iter()
            .map(|row| row.attempt_ms)
            .collect()
    }
}

fn extend(data: &mut Value, own: &Value) {
    if let (Value::Object(data), Value::Object(own)) = (data, own.clone()) {
        data.extend(own);
    }
}
