//! The event catalogue: one Rust type per event type, read from the JSON that the store keeps.
//!
//! Reading is tolerant, because a reader must survive what a newer writer stored: unknown keys are
//! ignored, unknown values of an enum are kept as they are, and bounds are not checked. What cannot
//! be read is said with the place and the reason, and never panics. The bounds are in the JSON
//! Schema of the type ([`EventType::schema`]), which is for writers.
//!
//! Writing follows one rule. A field that the catalogue allows to be null is written as null when
//! it is absent; a field that is merely optional is left out.
//!
//! To add an event type, describe its data in the file of its group and name it in the list in
//! `list.rs`. All else follows from the two: the [`Event`], the decoding, the JSON Schema, the
//! GraphQL object.

mod abandoned;
mod base;
mod decode;
mod elimination;
mod ending;
mod event_type;
mod failure;
mod guess;
mod guild;
mod invitation;
mod json_object;
mod keyed;
mod list;
mod lobby;
mod pause;
mod player;
mod race;
mod recovery;
mod round;
mod shape;
mod start;
mod team;
mod team_life;
mod text_enum;
mod user;
mod verdict;
mod whole_number;

pub use abandoned::{AbandonReason, GuessAbandoned, LastGuess};
pub use base::{GameBase, GameMode};
pub use decode::{DecodeFailure, Decoded};
pub use elimination::{
    AdvancingTeam, EliminatedTeam, EliminationReason, KnockoutRoundCompleted, TeamEliminated,
};
pub use ending::{AbortReason, GameAborted, GameArchived, GameCompleted, TeamScore};
pub use event_type::{EventClass, EventType, EventTypeStatus, StreamCategory};
pub use failure::{
    CommandError, GameError, GameErrorReason, GuessError, GuessErrorReason, GuessPairError,
    GuessPairErrorReason, RoundCheckError, RoundCheckErrorReason, SystemError,
};
pub use guess::{GuessProcessed, GuessStarted};
pub use guild::{GameVariationDefined, GameVariationRetired, GuildConfigChanged};
pub use invitation::{
    TeamInvitationAccepted, TeamInvitationCreated, TeamInvitationDeclined, TeamInvitationExpired,
};
pub use json_object::{JsonObject, JsonValue};
pub use lobby::{ConfigChange, GameConfigChanged, GameCreated, GameModeChanged};
pub use pause::{GamePaused, GameResumed, PauseReason};
pub use player::{LeaveReason, PlayerJoined, PlayerLeft, PlayerStatus, PlayerStatusChanged};
pub use race::{
    GolfRacePointsAwarded, PointsReason, RaceModeTimeExpired, RaceResult, RaceTimeWarning,
    TeamStanding,
};
pub use recovery::{
    EventQuarantined, QuarantineReason, RecoveryTrigger, SessionRecovered, SessionRecoveryFailed,
    SessionRecoveryStarted,
};
pub use round::{
    RoundCompleted, RoundEnded, RoundOutcome, RoundRestarted, RoundStarted, RoundStats,
};
pub use start::{GameStarted, PlayerForbiddenWords, PlayerRole, TeamRoster};
pub use team::{PlayerStats, TeamInfo, TeamState, TeamStatus};
pub use team_life::{
    DisbandReason, TeamCreated, TeamDisbanded, TeamMemberAdded, TeamMemberRemoved, TeamUpdated,
};
pub use user::{UserPreferencesChanged, UserProfileUpdated, UserRegistered};
pub use verdict::{DayStanding, LongformDayEnded, TwoPlayerResultEvaluated};

use chrono::{DateTime, Utc};
use serde::Serialize;

use base::Based;

/// Every mode, for the event types that occur in all of them.
const ALL_MODES: &[GameMode] = &[
    GameMode::TwoPlayer,
    GameMode::Knockout,
    GameMode::Race,
    GameMode::GolfRace,
    GameMode::Longform,
];

macro_rules! modes {
    ([all]) => { ALL_MODES };
    ([$($mode:ident)*]) => { &[$(GameMode::$mode),*] };
}

/// Defines what must name each event type of the catalogue.
macro_rules! catalogue {
    ($(
        $payload:ident = $event_type:literal:
            [$($class:ident)+] $status:ident [$($category:ident)+] $modes:tt;
    )+) => {
        /// The data of an event of any type of the catalogue.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $(
                #[doc = concat!("The data of a `", $event_type, "`.")]
                $payload($payload),
            )+
        }

        static EVENT_TYPES: &[EventType] = &[$(
            EventType {
                name: $event_type,
                classes: &[$(EventClass::$class),+],
                status: EventTypeStatus::$status,
                categories: &[$(StreamCategory::$category),+],
                modes: modes!($modes),
                schema: event_type::schema_of::<$payload>,
            },
        )+];

        impl Event {
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

            fn based(&self) -> &dyn Based {
                match self {
                    $(Self::$payload(payload) => payload,)+
                }
            }
        }

        $(
            impl From<$payload> for Event {
                fn from(payload: $payload) -> Self {
                    Self::$payload(payload)
                }
            }
        )+
    };
}

crate::for_each_event_type!(catalogue);

impl Event {
    /// The version of the shape of the data that every event type has today.
    pub const SCHEMA_VERSION: i32 = 1;

    /// The base fields that all events of a game's stream share; none for the events of other
    /// streams and for observations.
    #[must_use]
    pub fn game_base(&self) -> Option<GameBase<'_>> {
        self.based().game_base()
    }

    /// The game that the event belongs to, or that an observation is about.
    #[must_use]
    pub fn game_id(&self) -> Option<&str> {
        self.based().game_id()
    }

    /// The Discord server that the event belongs to; none for direct messages.
    #[must_use]
    pub fn guild_id(&self) -> Option<&str> {
        self.based().guild_id()
    }

    /// When it happened, as its writer says.
    #[must_use]
    pub fn timestamp(&self) -> DateTime<Utc> {
        self.based().timestamp()
    }
}

impl EventType {
    /// All event types, in the order of the catalogue.
    #[must_use]
    pub fn all() -> &'static [Self] {
        EVENT_TYPES
    }

    /// The event type of this name; none when the catalogue does not have it.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        EVENT_TYPES
            .iter()
            .find(|event_type| event_type.name == name)
    }
}
