//! The event catalogue: one Rust type per event type, read from the JSON that the store keeps.
//!
//! Reading is tolerant, because a reader must survive what a newer writer stored: unknown keys are
//! ignored, unknown values of an enum are kept as they are, and bounds are documented but not
//! checked. What cannot be read is said with the place and the reason, and never panics.
//!
//! Writing follows one rule. A field that the catalogue allows to be null is written as null when
//! it is absent; a field that is merely optional is left out.
//!
//! To add an event type, describe its data in the file of its group and name it in the list at
//! `catalogue!` below.

mod abandoned;
mod decode;
mod elimination;
mod ending;
mod game_event;
mod guess;
mod json_object;
mod keyed;
mod start;
mod team;
mod text_enum;

pub use abandoned::{AbandonReason, GuessAbandoned, LastGuess};
pub use decode::{DecodeFailure, Decoded};
pub use elimination::{
    AdvancingTeam, EliminatedTeam, EliminationReason, KnockoutRoundCompleted, TeamEliminated,
};
pub use ending::{GameCompleted, RaceModeTimeExpired, RaceResult, TeamScore};
pub use game_event::GameMode;
pub use guess::GuessProcessed;
pub use json_object::JsonObject;
pub use start::{GameStarted, PlayerForbiddenWords, PlayerRole, RoundStarted, TeamRoster};
pub use team::{PlayerStats, TeamInfo, TeamState, TeamStatus};

use serde::Serialize;

/// Defines the enum of all event types of a catalogue, and everything that must name each of them.
macro_rules! catalogue {
    ($(#[$attribute:meta])* pub enum $catalogue:ident { $($payload:ident = $event_type:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum $catalogue {
            $(
                #[doc = concat!("The data of a `", $event_type, "`.")]
                $payload($payload),
            )+
        }

        impl $catalogue {
            /// The names of the event types, in the order of the catalogue.
            pub const EVENT_TYPES: &'static [&'static str] = &[$($event_type,)+];

            /// The name of this event's type, for example `guess_processed`.
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$payload(_) => $event_type,)+
                }
            }

            /// Reads the stored data of an event.
            ///
            /// `data` is the JSON text as stored. An event type that is not in the catalogue, or
            /// a schema version other than [`Self::SCHEMA_VERSION`], is
            /// [`Decoded::Unknown`]; the data is not looked at then.
            #[must_use]
            pub fn decode(event_type: &str, schema_version: i32, data: &str) -> Decoded {
                if schema_version != Self::SCHEMA_VERSION {
                    return Decoded::Unknown;
                }
                match event_type {
                    $($event_type => decode::decode(data, Self::$payload),)+
                    _ => Decoded::Unknown,
                }
            }
        }

        $(
            impl From<$payload> for $catalogue {
                fn from(payload: $payload) -> Self {
                    Self::$payload(payload)
                }
            }
        )+
    };
}

catalogue! {
    /// The data of one of the eight core event types, which carry a game from its start to its
    /// result.
    pub enum CoreEvent {
        GameStarted = "game_started",
        RoundStarted = "round_started",
        GuessProcessed = "guess_processed",
        GuessAbandoned = "guess_abandoned",
        TeamEliminated = "team_eliminated",
        KnockoutRoundCompleted = "knockout_round_completed",
        RaceModeTimeExpired = "race_mode_time_expired",
        GameCompleted = "game_completed",
    }
}

impl CoreEvent {
    /// The version of the shape of the data that every core event type has today.
    pub const SCHEMA_VERSION: i32 = 1;
}
