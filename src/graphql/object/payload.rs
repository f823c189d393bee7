//! An event's payload as the object of its type.

use async_graphql::{SimpleObject, Union};
use gamebot::event::{
    CoreEvent, Decoded, GameCompleted, GameStarted, GuessAbandoned, GuessProcessed,
    KnockoutRoundCompleted, RaceModeTimeExpired, RoundStarted, TeamEliminated,
};

use crate::event::RecordedEvent;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::scalar::JsonScalar;

/// The payload of an event as the object of its type, so that a panel can select its fields.
#[derive(Union)]
pub(in crate::graphql) enum EventPayload {
    /// A game began.
    GameStarted(Box<GameStarted>),
    /// A round opened.
    RoundStarted(Box<RoundStarted>),
    /// Two words were compared.
    GuessProcessed(Box<GuessProcessed>),
    /// An attempt ended without two words.
    GuessAbandoned(Box<GuessAbandoned>),
    /// A team is out.
    TeamEliminated(Box<TeamEliminated>),
    /// A knockout round ended.
    KnockoutRoundCompleted(Box<KnockoutRoundCompleted>),
    /// The time of a race is up.
    RaceModeTimeExpired(Box<RaceModeTimeExpired>),
    /// A game is over.
    GameCompleted(Box<GameCompleted>),
    /// A type or version without an object of its own.
    Unknown(UnknownPayload),
}

/// The payload of a type, or of a schema version, that has no object of its own in this API.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UnknownPayload {
    /// The whole payload.
    json: JsonScalar,
}

/// Why a stored payload cannot be shown as the object of its type. The event's `data` is still there.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DecodeError {
    /// `DESERIALIZATION_FAILED`.
    code: ErrorCode,
    /// What does not fit.
    message: String,
    /// Where in the payload, as a JSON pointer; empty for the payload as a whole.
    pointer: String,
}

/// The payload of an event; `None` where it is removed.
pub(super) fn decode(event: &RecordedEvent) -> Result<Option<EventPayload>, DecodeError> {
    let Some(data) = event.data.as_deref() else {
        return Ok(None);
    };
    match CoreEvent::decode(event.event_type.as_str(), event.schema_version, data) {
        Decoded::Known(known) => Ok(Some(known.into())),
        Decoded::Unknown => Ok(Some(EventPayload::Unknown(UnknownPayload {
            json: JsonScalar(data.to_owned()),
        }))),
        Decoded::Undecodable(failure) => Err(DecodeError {
            code: ErrorCode::DeserializationFailed,
            message: failure.to_string(),
            pointer: failure.pointer,
        }),
    }
}

impl From<CoreEvent> for EventPayload {
    fn from(event: CoreEvent) -> Self {
        match event {
            CoreEvent::GameStarted(payload) => Self::GameStarted(Box::new(payload)),
            CoreEvent::RoundStarted(payload) => Self::RoundStarted(Box::new(payload)),
            CoreEvent::GuessProcessed(payload) => Self::GuessProcessed(Box::new(payload)),
            CoreEvent::GuessAbandoned(payload) => Self::GuessAbandoned(Box::new(payload)),
            CoreEvent::TeamEliminated(payload) => Self::TeamEliminated(Box::new(payload)),
            CoreEvent::KnockoutRoundCompleted(payload) => {
                Self::KnockoutRoundCompleted(Box::new(payload))
            }
            CoreEvent::RaceModeTimeExpired(payload) => Self::RaceModeTimeExpired(Box::new(payload)),
            CoreEvent::GameCompleted(payload) => Self::GameCompleted(Box::new(payload)),
        }
    }
}
