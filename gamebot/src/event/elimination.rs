//! Teams that leave a game, and the end of a knockout round.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    PlayerStats, TeamInfo,
    base::game_event,
    keyed,
    shape::{Id, List, MapOf, Whole},
    text_enum::text_enum,
};

game_event! {
    /// A team is out. Its numbers do not change any more.
    pub struct TeamEliminated {
        /// The team. It was still in the game, and it was not the last one.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// Why the team is out. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "eliminationReason"))]
        pub reason: EliminationReason,
        /// The team's roster and numbers when it left.
        pub final_state: TeamInfo,
        /// The team's score when it left; the same as in `finalState`.
        #[schemars(with = "Whole")]
        pub final_score: i32,
        /// The numbers of the team's two players.
        #[schemars(with = "MapOf<PlayerStats>")]
        #[serde(with = "keyed")]
        pub player_stats: Vec<PlayerStats>,
    }
}

game_event! {
    /// A knockout round ended. The eliminated and the advancing teams together are the teams that
    /// were in the game when the round began.
    pub struct KnockoutRoundCompleted {
        /// The teams that left during or at the end of this round; may be empty. Each has an
        /// earlier `team_eliminated` of the same round.
        pub eliminated_teams: Vec<EliminatedTeam>,
        /// The teams that play on, at least 1.
        #[schemars(with = "List<AdvancingTeam, 1>")]
        pub advancing_teams: Vec<AdvancingTeam>,
        /// How long the round took, in whole seconds.
        #[schemars(with = "Whole<0>")]
        pub round_duration: i32,
    }
}

text_enum! {
    /// Why a team is out of a game.
    pub enum EliminationReason {
        /// It had no match when the round's time was up.
        Timeout = "timeout",
        /// It failed as often as a round allows.
        MaxGuesses = "max_guesses",
        /// It was among the slowest of the round.
        RoundLoss = "round_loss",
        /// Its players were gone.
        Forfeit = "forfeit",
    }
}

/// A team that a knockout round eliminated.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct EliminatedTeam {
    /// The team's id.
    #[schemars(with = "Id")]
    pub team_id: String,
    /// Why the team is out; the same as in its `team_eliminated`. In the stored data the key is
    /// `reason`.
    #[cfg_attr(feature = "graphql", graphql(name = "eliminationReason"))]
    pub reason: EliminationReason,
    /// The team's score when it left.
    #[schemars(with = "Whole")]
    pub final_score: i32,
    /// The numbers of the team's two players.
    #[schemars(with = "MapOf<PlayerStats>")]
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

/// A team that plays on after a knockout round.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct AdvancingTeam {
    /// The team's id.
    #[schemars(with = "Id")]
    pub team_id: String,
    /// The team's points so far.
    #[schemars(with = "Whole")]
    pub score: i32,
    /// The rounds that the team has solved so far.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team so far, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
}
