//! What earlier versions of the bot stored, brought into the form of the catalogue.
//!
//! Earlier versions used other names of event types, put players and sets into shapes of their own,
//! and wrote the name of a program's module where the mode belongs. [`event`] translates one event
//! of them. This is for the import of old data only: whoever appends an event uses the names and
//! shapes of today.

mod superseded;
mod value;

use std::{error::Error, fmt};

use serde_json::{Map, Value};

use crate::event::EventType;

/// An old event in the form of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The event type of the catalogue.
    pub event_type: &'static str,
    /// The data, with everything that the old event says.
    pub data: Map<String, Value>,
    /// The keys that the event type demands and that the old event does not say, in the order of
    /// the catalogue. The importer must find the values in the events before: counters and
    /// durations, mostly. The event cannot be appended without them.
    pub missing: Vec<String>,
    /// What the old event says and the event type has no place for, under the old keys. It can help
    /// to find what is missing.
    pub leftover: Map<String, Value>,
}

/// Why an old event cannot be brought into the form of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportFailure {
    /// The name is neither an event type of the catalogue nor a superseded one.
    UnknownType {
        /// The name.
        event_type: String,
    },
    /// The data is not a JSON object.
    NotAnObject {
        /// What is wrong with it, in English.
        reason: String,
    },
    /// A player's information names no player.
    PlayerWithoutId {
        /// The key of the information.
        key: String,
    },
    /// Two keys of the data stand for the same thing and say different things.
    Contradiction {
        /// The key of today.
        key: String,
        /// What it says, as JSON.
        value: String,
        /// The superseded key.
        old_key: String,
        /// What it would make of the key of today, as JSON.
        old_value: String,
    },
}

impl fmt::Display for ImportFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { event_type } => write!(
                formatter,
                "`{event_type}` is neither an event type nor a superseded name of one"
            ),
            Self::NotAnObject { reason } => {
                write!(formatter, "the data is not a JSON object: {reason}")
            }
            Self::PlayerWithoutId { key } => {
                write!(formatter, "`{key}` does not name a player's id")
            }
            Self::Contradiction {
                key,
                value,
                old_key,
                old_value,
            } => write!(
                formatter,
                "`{key}` is {value}, but by `{old_key}` it is {old_value}"
            ),
        }
    }
}

impl Error for ImportFailure {}

/// Brings an event of an earlier version into the form of the catalogue. An event that has that
/// form already comes out as it is.
///
/// `data` is its data as JSON text. What is done:
///
/// * a superseded or dotted name becomes the event type of today, and its fields move with it;
/// * the information about players in attempts becomes their ids, and their names are left over;
/// * the tagged form of a set becomes a list without duplicates;
/// * the name of a mode's module becomes the mode;
/// * an id that is a number becomes text;
/// * a miss has no score any more, where earlier versions wrote 0;
/// * the earlier words for the reasons of an elimination become those of today.
pub fn event(event_type: &str, data: &str) -> Result<Imported, ImportFailure> {
    let data = serde_json::from_str(data).map_err(|error| ImportFailure::NotAnObject {
        reason: error.to_string(),
    })?;
    let mut old = OldEvent {
        data,
        leftover: Map::new(),
    };
    value::modernize(&mut old.data);
    let name_today = superseded::adapt(event_type, &mut old)?;
    let event_type = EventType::named(&name_today).ok_or_else(|| ImportFailure::UnknownType {
        event_type: event_type.to_owned(),
    })?;
    Ok(Imported {
        event_type: event_type.name,
        missing: missing(event_type, &old.data),
        data: old.data,
        leftover: old.leftover,
    })
}

/// An event on its way.
struct OldEvent {
    data: Map<String, Value>,
    leftover: Map<String, Value>,
}

impl OldEvent {
    /// Sets a key of today from a superseded one. It may be there already with the same value.
    fn set(&mut self, key: &str, value: Value, old_key: &str) -> Result<(), ImportFailure> {
        match self.data.get(key) {
            Some(there) if !there.is_null() && *there != value => {
                Err(ImportFailure::Contradiction {
                    key: key.to_owned(),
                    value: there.to_string(),
                    old_key: old_key.to_owned(),
                    old_value: value.to_string(),
                })
            }
            _ => {
                self.data.insert(key.to_owned(), value);
                Ok(())
            }
        }
    }

    /// Moves what stands under a superseded key, if anything does.
    fn rename(&mut self, old_key: &str, key: &str) -> Result<(), ImportFailure> {
        match self.data.shift_remove(old_key) {
            Some(value) => self.set(key, value, old_key),
            None => Ok(()),
        }
    }

    /// Takes away what has no place any more, if it is there.
    fn leave_over(&mut self, old_key: &str) {
        if let Some(value) = self.data.shift_remove(old_key) {
            self.leftover.insert(old_key.to_owned(), value);
        }
    }
}

/// The required keys that are not there. What is required is known from the schema alone.
fn missing(event_type: &EventType, data: &Map<String, Value>) -> Vec<String> {
    let schema = event_type.schema();
    let required = schema.get("required").and_then(Value::as_array);
    let keys = required.into_iter().flatten().filter_map(Value::as_str);
    keys.filter(|key| !data.contains_key(*key))
        .map(str::to_owned)
        .collect()
}
