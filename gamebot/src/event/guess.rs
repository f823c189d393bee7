//! An attempt, from its first word to the comparison.

use super::{
    base::game_event,
    shape::{Id, OrNull, Whole, Word},
};

game_event! {
    /// The first word of a pair is in, and the team waits for the other player. Not every attempt
    /// has this event.
    pub struct GuessStarted {
        /// The team that makes the attempt.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player of the team who sent the word.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The Discord channel it came from, normally the player's direct messages.
        #[schemars(with = "Id")]
        pub channel_id: String,
    }
}

game_event! {
    /// Both words of a team are in and were compared: one attempt is finished.
    ///
    /// All durations count from the start of the team's round, without pauses. The time of one
    /// attempt is the difference to the team's previous attempt in the round.
    pub struct GuessProcessed {
        /// The team that made the attempt. It is still in the game.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player who answered first.
        #[schemars(with = "Id")]
        pub player1_id: String,
        /// The Discord user id of the team's other player.
        #[schemars(with = "Id")]
        pub player2_id: String,
        /// The word of player 1, 2 to 50 characters.
        #[schemars(with = "Word")]
        pub player1_word: String,
        /// The word of player 2, 2 to 50 characters.
        #[schemars(with = "Word")]
        pub player2_word: String,
        /// Whether the two words match: equal ignoring case, or variants of one another.
        pub guess_successful: bool,
        /// The points for a match: at least 1, in mode `golf_race` 0 to 4. Null for a miss.
        #[schemars(with = "Option<Whole<0>>")]
        pub match_score: Option<i32>,
        /// The number of this attempt in the current chain of words, from 1. It starts again with
        /// a round, and when a team gave up and got new words.
        #[schemars(with = "Whole<1>")]
        pub guess_count: i32,
        /// The number of this attempt in the team's round, from 1; at least `guessCount`.
        #[schemars(with = "Whole<1>")]
        pub round_guess_count: i32,
        /// The number of this attempt in the game of this team, from 1; at least `roundGuessCount`.
        #[schemars(with = "Whole<1>")]
        pub total_guesses: i32,
        /// Milliseconds until the second word arrived: the greater of the two players' durations.
        #[schemars(with = "Whole<0>")]
        pub guess_duration: i32,
        /// Milliseconds until the word of player 1 arrived. Null when it was not measured.
        #[schemars(with = "OrNull<Whole<0>>")]
        pub player1_duration: Option<i32>,
        /// Milliseconds until the word of player 2 arrived. Null when it was not measured.
        #[schemars(with = "OrNull<Whole<0>>")]
        pub player2_duration: Option<i32>,
    }
}
