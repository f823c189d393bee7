//! What the other modes conclude: a day of the long form, and the goal of two players.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    PlayerStats,
    base::game_event,
    keyed::{self, keyed_by},
    shape::{Amount, Id, MapOf, Set, Whole},
};

game_event! {
    /// A day of a longform game, which is a round, came to its end.
    pub struct LongformDayEnded {
        /// The number of the day, from 1; the same as `roundNumber`.
        #[schemars(with = "Whole<1>")]
        pub day_number: i32,
        /// What each team that was in the game at the start of the day has reached.
        #[schemars(with = "MapOf<DayStanding>")]
        #[serde(with = "keyed")]
        pub team_standings: Vec<DayStanding>,
        /// The ids of those of them that are out, without duplicates; may be empty. In the stored
        /// data the key is `eliminated_teams`.
        #[cfg_attr(feature = "graphql", graphql(name = "eliminatedTeamIds"))]
        #[schemars(with = "Set<Id>")]
        pub eliminated_teams: Vec<String>,
        /// How long the day took, in whole seconds.
        #[schemars(with = "Whole<0>")]
        pub day_duration: i32,
    }
}

game_event! {
    /// The goal of a game for two players was evaluated after its last round.
    pub struct TwoPlayerResultEvaluated {
        /// The team.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The number of rounds that the configuration demands.
        #[schemars(with = "Whole<1>")]
        pub rounds_required: i32,
        /// The number of rounds played; the same.
        #[schemars(with = "Whole<1>")]
        pub rounds_played: i32,
        /// The attempts of all rounds, finished and abandoned.
        #[schemars(with = "Whole<0>")]
        pub total_guesses: i32,
        /// Attempts per round played, rounded to 4 decimals.
        #[schemars(with = "Amount")]
        pub average_guesses: f64,
        /// The goal: the greatest average that wins.
        #[schemars(with = "Amount")]
        pub success_threshold: f64,
        /// Whether the average is at most the goal.
        pub succeeded: bool,
        /// The number of rounds that the team solved with its first attempt.
        #[schemars(with = "Whole<0>")]
        pub perfect_rounds: i32,
    }
}

/// What a team of a longform game has reached at the end of a day.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct DayStanding {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The team's points.
    #[schemars(with = "Whole")]
    pub score: i32,
    /// The rounds that the team has solved in the game.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team in the game, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// Attempts per match in the game, rounded to 4 decimals; 0 without a match.
    #[schemars(with = "Amount")]
    pub average_guesses: f64,
    /// The rounds that the team solved on this day; at most `matches`.
    #[schemars(with = "Whole<0>")]
    pub daily_matches: i32,
    /// The attempts of the team on this day; at most `totalGuesses`.
    #[schemars(with = "Whole<0>")]
    pub daily_guesses: i32,
    /// The numbers of the team's two players.
    #[schemars(with = "MapOf<PlayerStats>")]
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

keyed_by!(DayStanding, team_id);
