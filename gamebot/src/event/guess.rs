//! A finished attempt.

use super::game_event::game_event;

game_event! {
    /// Both words of a team are in and were compared: one attempt is finished.
    ///
    /// All durations count from the start of the team's round, without pauses. The time of one
    /// attempt is the difference to the team's previous attempt in the round.
    pub struct GuessProcessed {
        /// The team that made the attempt. It is still in the game.
        pub team_id: String,
        /// The Discord user id of the player who answered first.
        pub player1_id: String,
        /// The Discord user id of the team's other player.
        pub player2_id: String,
        /// The word of player 1, 2 to 50 characters.
        pub player1_word: String,
        /// The word of player 2, 2 to 50 characters.
        pub player2_word: String,
        /// Whether the two words match: equal ignoring case, or variants of one another.
        pub guess_successful: bool,
        /// The points for a match: at least 1, in mode `golf_race` 0 to 4. Null for a miss.
        pub match_score: Option<i32>,
        /// The number of this attempt in the current chain of words, from 1. It starts again with
        /// a round, and when a team gave up and got new words.
        pub guess_count: i32,
        /// The number of this attempt in the team's round, from 1; at least `guessCount`.
        pub round_guess_count: i32,
        /// The number of this attempt in the game of this team, from 1; at least `roundGuessCount`.
        pub total_guesses: i32,
        /// Milliseconds until the second word arrived: the greater of the two players' durations.
        pub guess_duration: i32,
        /// Milliseconds until the word of player 1 arrived. Null when it was not measured.
        pub player1_duration: Option<i32>,
        /// Milliseconds until the word of player 2 arrived. Null when it was not measured.
        pub player2_duration: Option<i32>,
    }
}
