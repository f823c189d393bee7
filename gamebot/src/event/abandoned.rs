//! An attempt that ended without two words.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    base::game_event,
    shape::{Id, Inline, Timestamp, Whole},
    text_enum::text_enum,
};

game_event! {
    /// An attempt ended without two words. It counts as a failed attempt, and the word pair stays.
    pub struct GuessAbandoned {
        /// The team whose attempt it was. It is still in the game.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of one player of the team.
        #[schemars(with = "Id")]
        pub player1_id: String,
        /// The Discord user id of the team's other player.
        #[schemars(with = "Id")]
        pub player2_id: String,
        /// Why the attempt ended. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "abandonReason"))]
        pub reason: AbandonReason,
        /// The Discord user id of the player who is to blame; one of the two.
        #[schemars(with = "Id")]
        pub abandoning_player_id: String,
        /// The one word that did arrive; it came from the other player. Null when there was none.
        #[schemars(with = "Option<Inline<LastGuess>>")]
        pub last_guess: Option<LastGuess>,
        /// The number of this attempt in the current chain of words, from 1.
        #[schemars(with = "Whole<1>")]
        pub guess_count: i32,
        /// The number of this attempt in the team's round, from 1; at least `guessCount`.
        #[schemars(with = "Whole<1>")]
        pub round_guess_count: i32,
        /// The number of this attempt in the game of this team, from 1; at least `roundGuessCount`.
        #[schemars(with = "Whole<1>")]
        pub total_guesses: i32,
        /// Milliseconds from the start of the team's round to the abandonment, without pauses.
        /// Null when it was not measured. In the stored data the key is `guess_duration`; unlike
        /// the `guessDuration` of a finished attempt it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "abandonDuration"))]
        #[schemars(with = "Option<Whole<0>>")]
        pub guess_duration: Option<i32>,
    }
}

text_enum! {
    /// Why an attempt ended without two words.
    pub enum AbandonReason {
        /// The time for one attempt ran out.
        Timeout = "timeout",
        /// A player left the game.
        PlayerQuit = "player_quit",
        /// A player lost the connection to Discord.
        Disconnected = "disconnected",
        /// A player of a race gave the chain of words up. The team gets new words, unless the game
        /// ends first.
        GaveUp = "gave_up",
    }
}

/// A word that a player sent and that found no partner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct LastGuess {
    /// The Discord user id of the player who sent it.
    #[schemars(with = "Id")]
    pub player_id: String,
    /// The word.
    pub word: String,
    /// When it arrived.
    #[schemars(with = "Timestamp")]
    pub timestamp: DateTime<Utc>,
}
