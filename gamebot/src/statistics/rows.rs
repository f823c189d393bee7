//! What one event changes in the tables of guesses, rounds and results.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::GameResult;

/// What one event of a game changes. Most events change nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The attempt that the event is; none or one. It is new: no attempt changes later.
    pub guesses: Vec<GuessRow>,
    /// The rounds that are new or have changed, each as a whole row. At most one for each team.
    pub rounds: Vec<RoundRow>,
    /// The result, when the event is the one that completes the game.
    pub finished: Option<Box<GameResult>>,
}

/// One attempt of a team: both words, or an attempt that was abandoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuessRow {
    /// The number of the attempt in the game, over all teams, in the order of the stream, from 1.
    pub sequence: i32,
    /// The round, from 1; in the race modes the team's own.
    pub round_number: i32,
    /// The team.
    pub team_id: String,
    /// The Discord user id of one player; of the one who answered first, if both did.
    pub player1_id: String,
    /// The Discord user id of the other player.
    pub player2_id: String,
    /// The word of player 1; none when it did not arrive.
    pub player1_word: Option<String>,
    /// The word of player 2; none when it did not arrive.
    pub player2_word: Option<String>,
    /// How the attempt ended.
    pub outcome: GuessOutcome,
    /// The points for a match; none unless the outcome is a match.
    pub match_score: Option<i32>,
    /// The number of the attempt in the team's chain of words, from 1.
    pub guess_count: i32,
    /// How long the attempt took in milliseconds, without pauses: its `guess_duration` minus that
    /// of the team's previous attempt in the same round, which is 0 for the first. None when one
    /// of the two was not measured, or when the difference is negative.
    pub attempt_ms: Option<i32>,
    /// When the attempt ended: the timestamp of the event.
    pub at: DateTime<Utc>,
    /// The id of the event.
    pub event_id: String,
    /// The event's place in the stream of the game, from 1.
    pub stream_version: i32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuessOutcome {
    /// The two words match.
    Match,
    /// The two words do not match.
    Miss,
    /// One word or both are missing.
    Abandoned,
}

impl GuessOutcome {
    /// The text for it in rows: `match`, `miss` or `abandoned`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Miss => "miss",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What one team did in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundRow {
    /// The round, from 1; in the race modes the team's own.
    pub round_number: i32,
    /// The team.
    pub team_id: String,
    /// The attempts of the team in the round, with both words or abandoned.
    pub attempts: i32,
    /// The attempts that matched: 1 when the team solved the round, else 0.
    pub matches: i32,
    /// The attempts that were abandoned, by giving up as well.
    pub abandoned: i32,
    /// Whether the team matched with an attempt whose `guess_count` is 1. A team that gave up has a
    /// second chance of it, with the first attempt at its new words.
    pub perfect: bool,
    /// Whole milliseconds from `started_at` to `finished_at`, less the time in which the game was
    /// paused. None while the round goes on for the team.
    pub duration_ms: Option<i64>,
    /// When the round started for the team: the timestamp of its `round_started`.
    pub started_at: DateTime<Utc>,
    /// When the round ended for the team: the timestamp of its match, else of its elimination,
    /// else of the event that closes the round or the game. None while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
}
