//! What went wrong, for those who look after the bot. None of it changes the state of a game.

use super::{
    JsonObject,
    base::observation,
    shape::{Id, Text},
    text_enum::text_enum,
};

observation! {
    /// The command of a user failed.
    pub struct CommandError {
        /// The name of the command.
        pub command_name: String,
        /// The code of the error.
        pub error_code: String,
        /// What the user was told, or what was logged.
        pub error_message: String,
        /// The Discord user id of whoever gave the command.
        #[schemars(with = "Id")]
        pub user_id: String,
        /// The Discord channel it came from.
        #[schemars(with = "Id")]
        pub channel_id: String,
        /// Whether the same command can succeed later. Null when the event does not mention it. In
        /// the stored data the key is `retriable`; unlike the `retriable` of a failed recovery it
        /// may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "commandRetriable"))]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub retriable: Option<bool>,
        /// What the user can do about it. Null when nothing is known.
        pub recovery_hint: Option<String>,
    }
}

observation! {
    /// Something inside the bot failed.
    pub struct SystemError {
        /// The kind of the error.
        pub error_type: String,
        /// What was logged.
        pub error_message: String,
        /// What is known of the circumstances; its keys are free, and it may be empty.
        pub context: JsonObject,
        /// Where in the program it happened, at most 8,192 characters. Null when it is not known.
        #[schemars(with = "Option<Text<0, 8192>>")]
        pub stacktrace: Option<String>,
        /// What can be done about it. Null when nothing is known.
        pub recovery_hint: Option<String>,
    }
}

observation! {
    /// A word that a player sent was refused.
    pub struct GuessError {
        /// The team of the player.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The word.
        pub word: String,
        /// Why it was refused. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "guessErrorReason"))]
        pub reason: GuessErrorReason,
    }
}

observation! {
    /// The two words of a team were refused.
    pub struct GuessPairError {
        /// The team.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The word of one player.
        pub word1: String,
        /// The word of the other player.
        pub word2: String,
        /// Why they were refused. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "guessPairErrorReason"))]
        pub reason: GuessPairErrorReason,
    }
}

observation! {
    /// An operation on a game was refused.
    pub struct GameError {
        /// Why it was refused. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "gameErrorReason"))]
        pub reason: GameErrorReason,
        /// More about it. Null when there is no more to say.
        pub details: Option<String>,
    }
}

observation! {
    /// The check that is made of a round from time to time failed.
    pub struct RoundCheckError {
        /// Why it failed. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "roundCheckErrorReason"))]
        pub reason: RoundCheckErrorReason,
        /// More about it. Null when there is no more to say.
        pub details: Option<String>,
    }
}

text_enum! {
    /// Why a word was refused.
    pub enum GuessErrorReason {
        /// It is no word.
        InvalidWord = "invalid_word",
        /// It was not for this player to send one.
        NotPlayersTurn = "not_players_turn",
        /// It had been used already.
        WordAlreadyGuessed = "word_already_guessed",
        /// The player is not in the game.
        InvalidPlayer = "invalid_player",
        /// The team is not in the game.
        InvalidTeam = "invalid_team",
        /// The player may not use it.
        ForbiddenWord = "forbidden_word",
        /// The player had sent one already.
        GuessAlreadySubmitted = "guess_already_submitted",
        /// The player is not in the Discord server of the game.
        NotInGuild = "not_in_guild",
    }
}

text_enum! {
    /// Why two words were refused.
    pub enum GuessPairErrorReason {
        /// One of them is no word.
        InvalidWordPair = "invalid_word_pair",
        /// It was not for this team to send words.
        NotTeamsTurn = "not_teams_turn",
        /// They had been used already.
        WordsAlreadyGuessed = "words_already_guessed",
        /// The team is not in the game.
        InvalidTeam = "invalid_team",
    }
}

text_enum! {
    /// Why an operation on a game was refused.
    pub enum GameErrorReason {
        /// There is no such game.
        GameNotFound = "game_not_found",
        /// There is such a game already.
        GameAlreadyExists = "game_already_exists",
        /// The game is in a state that does not allow it.
        InvalidGameState = "invalid_game_state",
        /// There is no such operation.
        InvalidOperation = "invalid_operation",
    }
}

text_enum! {
    /// Why the check of a round failed.
    pub enum RoundCheckErrorReason {
        /// The round is in a state that cannot be.
        InvalidRoundState = "invalid_round_state",
        /// The round is over.
        RoundAlreadyEnded = "round_already_ended",
        /// The round has not begun.
        RoundNotStarted = "round_not_started",
    }
}
