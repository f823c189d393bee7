//! From the stored text to a typed event, or to the reason why not.

use std::{error::Error, fmt};

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::{Event, whole_number::with_plain_whole_numbers};

/// What became of the attempt to read an event's data.
#[expect(
    clippy::large_enum_variant,
    reason = "a known event is the usual case; a box would cost an allocation for each event read"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// The event type and version are known, and the data has their shape.
    Known(Event),
    /// The event type, or this version of it, is not in the catalogue. This is no fault: event
    /// types can be registered at run time.
    Unknown,
    /// The event type and version are known, but the data does not have their shape.
    Undecodable(DecodeFailure),
}

/// Where and why an event's data does not have the shape that its type demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeFailure {
    /// The place in the data, as a JSON pointer (RFC 6901); empty for the data as a whole.
    pub pointer: String,
    /// What is wrong there, in English. A line and a column count in the stored text, from 1.
    pub reason: String,
}

impl fmt::Display for DecodeFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            write!(formatter, "the data cannot be read: {}", self.reason)
        } else {
            write!(
                formatter,
                "the data cannot be read at {}: {}",
                self.pointer, self.reason
            )
        }
    }
}

impl Error for DecodeFailure {}

/// Reads `data` as the payload type that `wrap` expects.
pub(super) fn decode<T: DeserializeOwned>(data: &str, wrap: fn(T) -> Event) -> Decoded {
    if let Ok(payload) = serde_json::from_str(data) {
        return Decoded::Known(wrap(payload));
    }
    let data = with_plain_whole_numbers(data);
    match serde_json::from_str(&data) {
        Ok(payload) => Decoded::Known(wrap(payload)),
        Err(error) => Decoded::Undecodable(explain::<T>(&data, &error)),
    }
}

/// Finds the place of a failure by reading once more, so that the usual case does not pay for the
/// bookkeeping.
fn explain<T: DeserializeOwned>(data: &str, error: &serde_json::Error) -> DecodeFailure {
    let mut deserializer = serde_json::Deserializer::from_str(data);
    let pointer = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(located) => json_pointer(located.path()),
        // A whole value was read, so the fault is in the text after it.
        Ok(_) => String::new(),
    };
    DecodeFailure {
        pointer,
        reason: error.to_string(),
    }
}

fn json_pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}
