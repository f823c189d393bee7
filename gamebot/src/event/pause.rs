//! The interruption of a game.

use super::{
    base::game_event,
    shape::{Id, Text, Whole},
    text_enum::text_enum,
};

game_event! {
    /// Play is suspended, and the clocks stop.
    pub struct GamePaused {
        /// The Discord user id of whoever paused the game. Null when the system did.
        #[schemars(with = "Option<Id>")]
        pub paused_by: Option<String>,
        /// Why the game was paused. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "pauseReason"))]
        pub reason: PauseReason,
        /// The seconds that are left on the clock of the mode. Null when it has none. In the
        /// stored data the key is `remaining_seconds`; unlike the `remainingSeconds` of a warning
        /// it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "remainingClockSeconds"))]
        #[schemars(with = "Option<Whole<0>>")]
        pub remaining_seconds: Option<i32>,
        /// A remark for the players, at most 200 characters. Null when there is none.
        #[schemars(with = "Option<Text<0, 200>>")]
        pub note: Option<String>,
    }
}

game_event! {
    /// Play continues after a pause.
    pub struct GameResumed {
        /// The Discord user id of whoever resumed the game. Null when the system did.
        #[schemars(with = "Option<Id>")]
        pub resumed_by: Option<String>,
        /// How long the pause took, in whole seconds, rounded down.
        #[schemars(with = "Whole<0>")]
        pub paused_duration: i32,
        /// The seconds that are left on the clock of the mode; as many as at the pause. Null when
        /// it has none. In the stored data the key is `remaining_seconds`.
        #[cfg_attr(feature = "graphql", graphql(name = "remainingClockSeconds"))]
        #[schemars(with = "Option<Whole<0>>")]
        pub remaining_seconds: Option<i32>,
    }
}

text_enum! {
    /// Why a game was paused.
    pub enum PauseReason {
        /// A player asked for it.
        PlayerRequest = "player_request",
        /// An administrator paused it.
        Admin = "admin",
        /// A player lost the connection to Discord.
        Disconnect = "disconnect",
        /// The bot is being serviced.
        Maintenance = "maintenance",
    }
}
