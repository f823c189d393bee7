//! The end of a race and of any game.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    PlayerStats,
    game_event::game_event,
    keyed::{self, keyed_by},
};

game_event! {
    /// The time of a race is up: no further attempt counts, and open rounds end without result.
    pub struct RaceModeTimeExpired {
        /// What each team had reached, for all teams of the game.
        #[serde(with = "keyed")]
        pub final_matches: Vec<RaceResult>,
        /// Whole seconds since the start of the game; at least the time limit.
        pub game_duration: i32,
    }
}

game_event! {
    /// The game is over and has a result. The round number is the last round, in the race modes
    /// the highest round of any team.
    pub struct GameCompleted {
        /// The ids of the teams that won. Two or more share the win; none is only possible in mode
        /// `two_player`, when the team missed its goal.
        pub winners: Vec<String>,
        /// The result of every team of the game, eliminated teams included.
        #[serde(with = "keyed")]
        pub final_scores: Vec<TeamScore>,
        /// Whole seconds from the start of the game to `finishedAt`.
        pub game_duration: i32,
        /// The number of rounds played, at least 1; in the race modes the highest round of any
        /// team.
        pub total_rounds: i32,
        /// When play ended, at or before the event's timestamp.
        pub finished_at: DateTime<Utc>,
    }
}

/// What a team had reached when the time of a race was up.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct RaceResult {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The rounds that the team solved.
    pub matches: i32,
    /// The attempts of the team, finished and abandoned.
    pub total_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    pub average_guesses: f64,
    /// When the team solved its last round. Null when it never solved one.
    pub last_match_timestamp: Option<DateTime<Utc>>,
    /// The numbers of the team's two players.
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

/// The result of a team in a finished game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct TeamScore {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The team's points. Only in mode `golf_race` it can be negative.
    pub score: i32,
    /// The rounds that the team solved.
    pub matches: i32,
    /// The attempts of the team, finished and abandoned.
    pub total_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    pub average_guesses: f64,
    /// The numbers of the team's two players.
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

keyed_by!(RaceResult, team_id);
keyed_by!(TeamScore, team_id);
