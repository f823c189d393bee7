//! An event's payload as the object of its type.

use async_graphql::{SimpleObject, Union};
use gamebot::event::{self, Decoded, Event};

use super::shown::{Problem, ShownData, json_fault};
use crate::event::RecordedEvent;
use crate::graphql::error_code::{ErrorCode, capitalised};
use crate::graphql::scalar::JsonScalar;
use crate::registry::UpcastError;

/// Makes the union from the list of the catalogue, so that it cannot miss a type.
macro_rules! event_payload {
    ($($payload:ident = $name:literal: $classes:tt $status:ident $categories:tt $modes:tt;)+) => {
        /// The payload of an event as the object of its type, so that a panel can select its fields.
        #[derive(Union)]
        pub(in crate::graphql) enum EventPayload {
            $(
                #[doc = concat!("The payload of a `", $name, "`.")]
                $payload(Box<event::$payload>),
            )+
            /// A type or version without an object of its own.
            Unknown(UnknownPayload),
        }

        impl From<Event> for EventPayload {
            fn from(event: Event) -> Self {
                match event {
                    $(Event::$payload(payload) => Self::$payload(Box::new(payload)),)+
                }
            }
        }
    };
}

gamebot::for_each_event_type!(event_payload);

/// The payload of a type, or of a schema version, that has no object of its own in this API.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UnknownPayload {
    /// The event's type.
    event_type: String,
    /// The version of the shape of `json`.
    schema_version: i32,
    /// The whole payload.
    json: JsonScalar,
}

/// Why a stored payload cannot be shown as the object of its type, or in the schema version that was asked for.
/// The event's `rawText` is still there.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DecodeError {
    /// `DESERIALIZATION_FAILED`; `UPCAST_NOT_FOUND` where no steps lead to the schema version that was asked for.
    code: ErrorCode,
    /// What does not fit, or which step failed.
    message: String,
    /// Where in the payload, as a JSON pointer; empty for the payload as a whole.
    pointer: String,
}

/// The payload of an event as it is shown; `None` where it is removed.
pub(super) fn decode(
    event: &RecordedEvent,
    shown: &ShownData,
) -> Result<Option<EventPayload>, DecodeError> {
    if let Some(problem) = &shown.problem {
        return Err(DecodeError::of(problem));
    }
    let Some(data) = shown.text.as_deref() else {
        return Ok(None);
    };
    match Event::decode(event.event_type.as_str(), shown.version, data) {
        Decoded::Known(known) => Ok(Some(known.into())),
        Decoded::Unknown => Ok(Some(EventPayload::Unknown(UnknownPayload {
            event_type: event.event_type.to_string(),
            schema_version: shown.version,
            json: JsonScalar(data.to_owned()),
        }))),
        Decoded::Undecodable(failure) => Err(DecodeError {
            code: ErrorCode::DeserializationFailed,
            message: failure.to_string(),
            pointer: failure.pointer,
        }),
    }
}

/// Why the metadata of an event cannot be shown.
pub(super) fn metadata_fault(event: &RecordedEvent) -> Option<DecodeError> {
    let reason = event.metadata.as_deref().and_then(json_fault)?;
    let message = format!("the stored metadata is not JSON: {reason}");
    Some(DecodeError::new(ErrorCode::DeserializationFailed, &message))
}

impl DecodeError {
    fn of(problem: &Problem) -> Self {
        match problem {
            Problem::Upcast(problem @ UpcastError::NotFound(_)) => {
                Self::new(ErrorCode::UpcastNotFound, &problem.to_string())
            }
            Problem::Upcast(problem @ UpcastError::StepFailed { .. }) => {
                Self::new(ErrorCode::DeserializationFailed, &problem.to_string())
            }
            Problem::NotJson(reason) => {
                let message = format!("the stored payload is not JSON: {reason}");
                Self::new(ErrorCode::DeserializationFailed, &message)
            }
        }
    }

    fn new(code: ErrorCode, message: &str) -> Self {
        let message = capitalised(message);
        Self {
            code,
            message: if message.ends_with('.') {
                message
            } else {
                format!("{message}.")
            },
            pointer: String::new(),
        }
    }
}
