//! The numbers of a team, as events report them.

use serde_json::{Map, Value, json};

use super::TeamPlay;

impl TeamPlay {
    /// Attempts per match, as events state it.
    pub(in crate::generate) fn average_guesses(&self) -> f64 {
        average(self.total_guesses, self.matches)
    }

    /// The `TeamState` at the start of a round.
    pub(in crate::generate) fn state(&self, max_guesses: Option<i32>) -> Value {
        json!({
            "team_id": self.team.id,
            "active_players": self.player_ids(),
            "eliminated_players": [],
            "score": self.score,
            "matches": self.matches,
            "total_guesses": self.total_guesses,
            "average_guesses": self.average_guesses(),
            "remaining_guesses": max_guesses,
            "guess_count": 0,
            "current_words": self.current_words,
            "status": "guessing",
        })
    }

    /// The `TeamInfo` at the elimination.
    pub(in crate::generate) fn info(&self) -> Value {
        json!({
            "team_id": self.team.id,
            "player_ids": self.player_ids(),
            "score": self.score,
            "matches": self.matches,
            "total_guesses": self.total_guesses,
        })
    }

    /// The `TeamScore` at the end of the game.
    pub(in crate::generate) fn score_card(&self) -> Value {
        json!({
            "score": self.score,
            "matches": self.matches,
            "total_guesses": self.total_guesses,
            "average_guesses": self.average_guesses(),
            "player_stats": self.player_stats(),
        })
    }

    /// The `RoundStats` of the round that ends.
    pub(in crate::generate) fn round_stats(&self) -> Value {
        json!({
            "total_guesses": self.round_guess_count,
            "successful_matches": 1,
            "abandoned_guesses": self.round_abandoned,
            "average_guess_count": average(self.round_guess_count, 1),
        })
    }

    /// The `PlayerStats` of both players.
    pub(in crate::generate) fn player_stats(&self) -> Value {
        let players = self.team.players.iter().zip(&self.tallies);
        let stats = players.map(|(player, tally)| {
            let stats = json!({
                "total_guesses": tally.total_guesses,
                "successful_matches": tally.successful_matches,
                "abandoned_guesses": tally.abandoned_guesses,
                "average_guess_count": average(tally.total_guesses, tally.successful_matches),
            });
            (player.id.clone(), stats)
        });
        Value::Object(stats.collect::<Map<_, _>>())
    }

    fn player_ids(&self) -> [&str; 2] {
        [&self.team.players[0].id, &self.team.players[1].id]
    }
}

/// The average rounded to the 4 decimals of the catalogue; 0 of nothing.
pub(in crate::generate) fn average(total: i32, count: i32) -> f64 {
    if count == 0 {
        0.0
    } else {
        (f64::from(total) / f64::from(count) * 10_000.0).round() / 10_000.0
    }
}
