//! What a finished game counts for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{ModeFigures, PlayerGame, TeamGame};
use crate::event::{EliminationReason, GameMode};

/// The result of a game that reached its `game_completed`. A game that was aborted has none, and
/// counts for nobody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameResult {
    /// The game.
    pub game_id: String,
    /// The Discord server of the game; none when it was started in a direct message.
    pub guild_id: Option<String>,
    /// The rules by which it was played.
    pub mode: GameMode,
    /// When play began: `started_at` of `game_started`.
    pub started_at: DateTime<Utc>,
    /// When play ended: `finished_at` of `game_completed`. Streaks follow it.
    pub finished_at: DateTime<Utc>,
    /// The timestamp of `game_completed`. The windows of leaderboards follow it.
    pub completed_at: DateTime<Utc>,
    /// Whole seconds from `started_at` to `finished_at`, as `game_completed` says.
    pub duration_s: i32,
    /// How many events the stream has up to `game_completed`: its stream version.
    pub event_count: i32,
    /// Every player of `player_ids` in `game_started`, in the order of the teams.
    pub players: Vec<PlayerResult>,
    /// Every team of `team_ids` in `game_started`, in that order; eliminated teams as well.
    pub teams: Vec<TeamResult>,
    /// The figures that games of all modes have.
    pub base: BaseFigures,
    /// The figures that only games of this mode have.
    pub mode_figures: ModeFigures,
    /// The schema versions in which the events of the stream are stored, by event type, each in
    /// rising order: all of them, as [`GameFigures::note_stored`](super::GameFigures::note_stored)
    /// was told.
    pub schema_versions: BTreeMap<String, Vec<i32>>,
}

/// What a game counts for one of its players.
///
/// P is the set of attempts with both words in which the player took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlayerResult {
    /// The player's Discord user id.
    pub user_id: String,
    /// The player's team.
    pub team_id: String,
    /// The Discord user id of the other player of the team; none when the roster has no other.
    pub partner_id: Option<String>,
    /// Whether the team is among the winners.
    pub won: bool,
    /// The final score of the team.
    pub score: i32,
    /// The number of attempts in P.
    pub guesses: i32,
    /// The number of matches in P.
    pub matches: i32,
    /// The attempts that this player abandoned.
    pub abandoned: i32,
    /// The smallest `guess_count` of a match in P; none without a match.
    pub best_match: Option<i32>,
    /// The matches in P whose `guess_count` is 1.
    pub perfect_rounds: i32,
    /// The sum of the player's response times in milliseconds. A response time is the player's own
    /// duration in an attempt of P minus the `guess_duration` of the team's previous attempt in
    /// the same round, which is 0 for the first. One that is negative, or that lacks one of the
    /// two durations, is left out.
    pub response_ms_sum: i64,
    /// How many response times are in the sum.
    pub response_count: i32,
}

/// What a game counts for one of its teams.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TeamResult {
    /// The team.
    pub team_id: String,
    /// The Discord user ids of its players, as in `game_started`.
    pub player_ids: Vec<String>,
    /// Whether the team is among the winners.
    pub won: bool,
    /// The final score, as `game_completed` says.
    pub score: i32,
    /// The attempts of the team, with both words or abandoned: `total_guesses` of its final score.
    pub guesses: i32,
    /// The matches of the team: `matches` of its final score.
    pub matches: i32,
    /// The attempts of the team that were abandoned, as counted.
    pub abandoned: i32,
    /// `guesses / matches`; none without a match.
    pub average_guesses: Option<f64>,
    /// The matches whose `guess_count` is 1, as counted.
    pub perfect_rounds: i32,
    /// The sum of the durations of the rounds with a match, in milliseconds.
    pub round_ms_sum: i64,
    /// The number of rounds with a match.
    pub round_count: i32,
    /// Why the team was eliminated; none when it was not.
    pub eliminated: Option<EliminationReason>,
}

/// The figures that games of all modes have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseFigures {
    /// Whole seconds from the start to the end of play: `game_duration` of `game_completed`.
    pub duration_seconds: i32,
    /// The attempts of all teams, with both words or abandoned: the sum of `guesses` of the teams.
    pub total_guesses: i64,
    /// The number of players.
    pub player_count: i32,
    /// The number of teams.
    pub team_count: i32,
    /// The highest round number that was started, in the race modes by any team.
    pub rounds: i32,
}

impl GameResult {
    /// The game from the side of each player.
    pub fn player_games(&self) -> impl Iterator<Item = PlayerGame> + '_ {
        self.players.iter().map(|result| PlayerGame {
            game_id: self.game_id.clone(),
            finished_at: self.finished_at,
            result: result.clone(),
        })
    }

    /// The game from the side of each team.
    pub fn team_games(&self) -> impl Iterator<Item = TeamGame> + '_ {
        self.teams.iter().map(|result| TeamGame {
            game_id: self.game_id.clone(),
            finished_at: self.finished_at,
            result: result.clone(),
        })
    }
}
