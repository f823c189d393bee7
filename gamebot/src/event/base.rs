//! What the events of one stream have in common.

use chrono::{DateTime, Utc};

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

/// The base fields that every event of a game's stream carries, except observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GameBase<'event> {
    /// The game's id, without the `game-` of the stream's name.
    pub game_id: &'event str,
    /// The Discord server that owns the game; none for a game started in a direct message.
    pub guild_id: Option<&'event str>,
    /// The rules of the game.
    pub mode: &'event GameMode,
    /// The round the event belongs to, from 1.
    pub round_number: i32,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
}

/// What can be said of an event of any type.
pub(super) trait Based {
    /// The base fields of a game event; none for other events.
    fn game_base(&self) -> Option<GameBase<'_>>;

    /// The game that the event belongs to or tells about.
    fn game_id(&self) -> Option<&str>;

    /// The Discord server that it belongs to.
    fn guild_id(&self) -> Option<&str>;

    /// When it happened.
    fn timestamp(&self) -> DateTime<Utc>;
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
        #[derive(
            Clone, Debug, PartialEq, ::serde::Deserialize, ::serde::Serialize, ::schemars::JsonSchema,
        )]
        #[cfg_attr(feature = "graphql", derive(::async_graphql::SimpleObject))]
        $(#[$attribute])*
        pub struct $name {
            /// The game's id: the part of the stream's name after `game-`. 1 to 64 characters,
            /// the same in every event of the stream.
            #[schemars(with = "crate::event::shape::GameId")]
            pub game_id: String,
            /// The Discord server that owns the game. Null when the game was started in a direct
            /// message; the same in every event of the stream.
            #[schemars(with = "Option<crate::event::shape::Id>")]
            pub guild_id: Option<String>,
            /// The rules of the game. They do not change after its start.
            pub mode: $crate::event::GameMode,
            /// The round the event belongs to, from 1: the game's round, or in the race modes the
            /// team's own. An event of a whole race carries the highest round of any team.
            #[schemars(with = "crate::event::shape::Whole<1>")]
            pub round_number: i32,
            $($(#[$field_attribute])* pub $field: $field_type,)*
            /// When it happened. It never decreases along a stream.
            #[schemars(with = "crate::event::shape::Timestamp")]
            pub timestamp: ::chrono::DateTime<::chrono::Utc>,
        }

        impl $crate::event::base::Based for $name {
            fn game_base(&self) -> Option<$crate::event::GameBase<'_>> {
                Some($crate::event::GameBase {
                    game_id: &self.game_id,
                    guild_id: self.guild_id.as_deref(),
                    mode: &self.mode,
                    round_number: self.round_number,
                    timestamp: self.timestamp,
                })
            }

            fn game_id(&self) -> Option<&str> {
                Some(&self.game_id)
            }

            fn guild_id(&self) -> Option<&str> {
                self.guild_id.as_deref()
            }

            fn timestamp(&self) -> ::chrono::DateTime<::chrono::Utc> {
                self.timestamp
            }
        }
    };
}

/// Defines the data of an event type of the categories `team`, `player` and `guild`, in the same
/// way.
macro_rules! community_event {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* pub $field:ident: $field_type:ty,)*
        }
    ) => {
        #[derive(
            Clone, Debug, PartialEq, ::serde::Deserialize, ::serde::Serialize, ::schemars::JsonSchema,
        )]
        #[cfg_attr(feature = "graphql", derive(::async_graphql::SimpleObject))]
        $(#[$attribute])*
        pub struct $name {
            /// The Discord server that it belongs to. Null for what belongs to direct messages.
            #[schemars(with = "Option<crate::event::shape::Id>")]
            pub guild_id: Option<String>,
            $($(#[$field_attribute])* pub $field: $field_type,)*
            /// When it happened. It never decreases along a stream.
            #[schemars(with = "crate::event::shape::Timestamp")]
            pub timestamp: ::chrono::DateTime<::chrono::Utc>,
        }

        impl $crate::event::base::Based for $name {
            fn game_base(&self) -> Option<$crate::event::GameBase<'_>> {
                None
            }

            fn game_id(&self) -> Option<&str> {
                None
            }

            fn guild_id(&self) -> Option<&str> {
                self.guild_id.as_deref()
            }

            fn timestamp(&self) -> ::chrono::DateTime<::chrono::Utc> {
                self.timestamp
            }
        }
    };
}

/// Defines the data of an observation, which reports about a game or the bot and changes nothing,
/// in the same way.
macro_rules! observation {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* pub $field:ident: $field_type:ty,)*
        }
    ) => {
        #[derive(
            Clone, Debug, PartialEq, ::serde::Deserialize, ::serde::Serialize, ::schemars::JsonSchema,
        )]
        #[cfg_attr(feature = "graphql", derive(::async_graphql::SimpleObject))]
        $(#[$attribute])*
        pub struct $name {
            /// The id of the game that it is about. Null when it is about none. In the stored data
            /// the key is `game_id`; unlike the `gameId` of a game's own event it may be missing.
            #[cfg_attr(feature = "graphql", graphql(name = "observedGameId"))]
            #[schemars(with = "Option<crate::event::shape::GameId>")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub game_id: Option<String>,
            /// The Discord server where it happened. Null outside of any.
            #[schemars(with = "Option<crate::event::shape::Id>")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub guild_id: Option<String>,
            $($(#[$field_attribute])* pub $field: $field_type,)*
            /// When it was observed.
            #[schemars(with = "crate::event::shape::Timestamp")]
            pub timestamp: ::chrono::DateTime<::chrono::Utc>,
        }

        impl $crate::event::base::Based for $name {
            fn game_base(&self) -> Option<$crate::event::GameBase<'_>> {
                None
            }

            fn game_id(&self) -> Option<&str> {
                self.game_id.as_deref()
            }

            fn guild_id(&self) -> Option<&str> {
                self.guild_id.as_deref()
            }

            fn timestamp(&self) -> ::chrono::DateTime<::chrono::Utc> {
                self.timestamp
            }
        }
    };
}

pub(super) use {community_event, game_event, observation};
