//! Rounds, from the handing out of the words to the result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    TeamState,
    base::game_event,
    keyed,
    shape::{Amount, Id, Inline, List, MapOf, NoneOrSeveral, Whole},
    text_enum::text_enum,
};

game_event! {
    /// A round opened: the word pairs are out, and the attempt counters are zero.
    ///
    /// In the race modes the first one covers all teams, and every later one exactly one team.
    pub struct RoundStarted {
        /// The state of each team at the start of the round: all live teams, or in the race modes
        /// from round 2 on the one team whose round it is. Never empty.
        #[schemars(with = "MapOf<TeamState, 1>")]
        #[serde(with = "keyed")]
        pub team_states: Vec<TeamState>,
    }
}

game_event! {
    /// A team gave up its chain of words and got new words inside the same round.
    pub struct RoundRestarted {
        /// The team.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player of the team who gave up.
        #[schemars(with = "Id")]
        pub giving_up_player: String,
        /// The word that the other player had sent already. Null when there was none.
        pub teammate_word: Option<String>,
        /// The attempts that the team used on the chain it dropped, from 1.
        #[schemars(with = "Whole<1>")]
        pub guess_count: i32,
        /// The 2 new words that the team has to link. Null when the event does not mention them.
        #[schemars(with = "Option<List<String, 2, 2>>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub current_words: Option<Vec<String>>,
    }
}

game_event! {
    /// A round closed with a winner.
    pub struct RoundCompleted {
        /// The team that matched.
        #[schemars(with = "Id")]
        pub winner_team_id: String,
        /// The points that the winner got for the round.
        #[schemars(with = "Whole")]
        pub round_score: i32,
        /// The attempts of the round in numbers.
        pub round_stats: RoundStats,
    }
}

game_event! {
    /// A round closed without a single winner.
    pub struct RoundEnded {
        /// The ids of the teams that won it: none, or at least 2. A round with one winner ends in
        /// another event, `round_completed`.
        #[schemars(with = "NoneOrSeveral")]
        pub winners: Vec<String>,
        /// How it came to its end.
        pub outcome: RoundOutcome,
        /// How long the round took, in whole seconds. Null when the event does not mention it. In
        /// the stored data the key is `round_duration`; unlike the `roundDuration` of a knockout
        /// round it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "roundEndDuration"))]
        #[schemars(with = "Option<Whole<0>>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round_duration: Option<i32>,
        /// The attempts of the round in numbers. Null when the event does not mention them. In the
        /// stored data the key is `round_stats`; unlike the `roundStats` of a completed round they
        /// may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "roundEndStats"))]
        #[schemars(with = "Option<Inline<RoundStats>>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub round_stats: Option<RoundStats>,
    }
}

text_enum! {
    /// How a round without a single winner came to its end.
    pub enum RoundOutcome {
        /// Its time was up.
        TimedOut = "timed_out",
        /// It was skipped.
        Skipped = "skipped",
        /// All teams were eliminated in it.
        AllEliminated = "all_eliminated",
        /// It was called off.
        Cancelled = "cancelled",
    }
}

/// The attempts of a round in numbers, over the teams that the round belongs to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct RoundStats {
    /// The attempts, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// How many of them were a match.
    #[schemars(with = "Whole<0>")]
    pub successful_matches: i32,
    /// How many of them were abandoned.
    #[schemars(with = "Whole<0>")]
    pub abandoned_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    #[schemars(with = "Amount")]
    pub average_guess_count: f64,
}
