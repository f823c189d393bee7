//! What all events of a game's stream have in common.

use super::text_enum::text_enum;

text_enum! {
    /// The rules by which a game is played.
    pub enum GameMode {
        /// One team plays a fixed number of rounds, against a goal instead of an opponent.
        TwoPlayer = "two_player",
        /// 2 to 12 teams; the slowest leave after each round until one is left.
        Knockout = "knockout",
        /// 2 to 12 teams, each in rounds of its own; most matches within the time limit win.
        Race = "race",
        /// As race, but a match earns the more points the fewer attempts it took.
        GolfRace = "golf_race",
        /// 2 to 12 teams, one round a day; the slowest leave each day until one is left.
        Longform = "longform",
    }
}

/// Defines the data of an event type of the category `game`: its own fields between the base
/// fields that all of them carry, in the order in which they are stored.
macro_rules! game_event {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* pub $field:ident: $field_type:ty,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, ::serde::Deserialize, ::serde::Serialize)]
        #[cfg_attr(feature = "graphql", derive(::async_graphql::SimpleObject))]
        pub struct $name {
            /// The game's id: the part of the stream's name after `game-`. 1 to 64 characters,
            /// the same in every event of the stream.
            pub game_id: String,
            /// The Discord server that owns the game. Null when the game was started in a direct
            /// message; the same in every event of the stream.
            pub guild_id: Option<String>,
            /// The rules of the game. They do not change after its start.
            pub mode: $crate::event::GameMode,
            /// The round the event belongs to, from 1: the game's round, or in the race modes the
            /// team's own. An event of a whole race carries the highest round of any team.
            pub round_number: i32,
            $($(#[$field_attribute])* pub $field: $field_type,)*
            /// When it happened. It never decreases along a stream.
            pub timestamp: ::chrono::DateTime<::chrono::Utc>,
        }
    };
}

pub(super) use game_event;
