//! The end of a game.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    PlayerStats,
    base::game_event,
    keyed::{self, keyed_by},
    shape::{Amount, Id, MapOf, Set, Sha256, Text, Timestamp, Whole},
    text_enum::text_enum,
};

game_event! {
    /// The game is over and has a result. The round number is the last round, in the race modes
    /// the highest round of any team.
    pub struct GameCompleted {
        /// The ids of the teams that won. Two or more share the win; none is only possible in mode
        /// `two_player`, when the team missed its goal.
        #[schemars(with = "Set<Id>")]
        pub winners: Vec<String>,
        /// The result of every team of the game, eliminated teams included.
        #[schemars(with = "MapOf<TeamScore>")]
        #[serde(with = "keyed")]
        pub final_scores: Vec<TeamScore>,
        /// Whole seconds from the start of the game to `finishedAt`.
        #[schemars(with = "Whole<0>")]
        pub game_duration: i32,
        /// The number of rounds played, at least 1; in the race modes the highest round of any
        /// team.
        #[schemars(with = "Whole<1>")]
        pub total_rounds: i32,
        /// When play ended, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub finished_at: DateTime<Utc>,
    }
}

game_event! {
    /// The game ended without a result.
    pub struct GameAborted {
        /// Why it ended. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "abortReason"))]
        pub reason: AbortReason,
        /// The Discord user id of whoever ended it. Null when the system did.
        #[schemars(with = "Option<Id>")]
        pub aborted_by: Option<String>,
        /// What the teams had reached. Null when the event does not mention it.
        #[schemars(with = "Option<MapOf<TeamScore>>")]
        #[serde(default, with = "keyed::optional", skip_serializing_if = "Option::is_none")]
        pub partial_scores: Option<Vec<TeamScore>>,
        /// More about the reason, at most 500 characters. Null when there is no more to say.
        #[schemars(with = "Option<Text<0, 500>>")]
        pub detail: Option<String>,
    }
}

game_event! {
    /// The stream of a finished game was moved to cold storage or closed for good.
    pub struct GameArchived {
        /// The Discord user id of whoever archived it, or `system:` and the name of a component.
        #[schemars(with = "Id")]
        pub archived_by: String,
        /// The number of events in the stream before this one, from 1.
        #[schemars(with = "Whole<1>")]
        pub event_count: i32,
        /// The name of the archive's object. Null when the stream stayed where it was.
        pub location: Option<String>,
        /// The SHA-256 of the archived bytes, in hexadecimal digits. Null when the stream stayed
        /// where it was.
        #[schemars(with = "Option<Sha256>")]
        pub checksum: Option<String>,
    }
}

text_enum! {
    /// Why a game ended without a result.
    pub enum AbortReason {
        /// Whoever opened it called it off.
        CancelledByCreator = "cancelled_by_creator",
        /// An administrator called it off.
        CancelledByAdmin = "cancelled_by_admin",
        /// Too few players were left.
        InsufficientPlayers = "insufficient_players",
        /// Nobody did anything for too long.
        Inactivity = "inactivity",
        /// Its state could not be rebuilt.
        UnrecoverableError = "unrecoverable_error",
    }
}

/// The result of a team in a game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct TeamScore {
    /// The team's id.
    #[serde(skip)]
    pub team_id: String,
    /// The team's points. Only in mode `golf_race` it can be negative.
    #[schemars(with = "Whole")]
    pub score: i32,
    /// The rounds that the team solved.
    #[schemars(with = "Whole<0>")]
    pub matches: i32,
    /// The attempts of the team, finished and abandoned.
    #[schemars(with = "Whole<0>")]
    pub total_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    #[schemars(with = "Amount")]
    pub average_guesses: f64,
    /// The numbers of the team's two players.
    #[schemars(with = "MapOf<PlayerStats>")]
    #[serde(with = "keyed")]
    pub player_stats: Vec<PlayerStats>,
}

keyed_by!(TeamScore, team_id);
