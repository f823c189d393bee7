//! Events as they are stored, and what can be read of them.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    event::{DecodeFailure, Decoded, Event, EventType},
    game::{
        check::is_optional,
        rule::{Rule, Severity},
    },
};

/// An event as the store has it, brought to the newest schema version that can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEvent<'a> {
    /// The place of the event in its stream, from 1.
    pub stream_version: i32,
    /// The id of the event, a UUID.
    pub event_id: &'a str,
    /// The event type, for example `guess_processed`.
    pub event_type: &'a str,
    /// The version of the shape of `data`.
    pub schema_version: i32,
    /// The data as JSON text; none when it was removed or is hidden.
    pub data: Option<&'a str>,
    /// The metadata as JSON text; none when it was removed or is hidden.
    pub metadata: Option<&'a str>,
}

/// The metadata that the rules ask about.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) correlation_id: Option<String>,
    pub(super) causation_id: Option<String>,
}

/// Why the data of an event is of no use.
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    pub(super) message: String,
}

/// Reads the data, or says why it is of no use.
pub(super) fn read_data(stored: &StoredEvent<'_>) -> Result<Event, Fault> {
    let Some(data) = stored.data else {
        // Data is removed on purpose, so where the state does without it nothing is wrong.
        let severity = if is_optional(stored.event_type) {
            Severity::Warning
        } else {
            Severity::Error
        };
        return Err(Fault {
            severity,
            ..Fault::new(
                Rule::R10,
                "invalid_event_data",
                "the data is not there".to_owned(),
            )
        });
    };
    match Event::decode(stored.event_type, stored.schema_version, data) {
        Decoded::Known(event) => Ok(event),
        Decoded::Unknown => Err(unknown(stored)),
        Decoded::Undecodable(failure) => Err(undecodable(data, &failure)),
    }
}

impl Fault {
    fn new(rule: Rule, code: &'static str, message: String) -> Self {
        Self {
            rule,
            code,
            severity: rule.severity(),
            message,
        }
    }
}

fn unknown(stored: &StoredEvent<'_>) -> Fault {
    let (event_type, version) = (stored.event_type, stored.schema_version);
    if EventType::named(event_type).is_none() {
        let message = format!("the event type {event_type} is not known");
        return Fault::new(Rule::R09, "unsupported_event_type", message);
    }
    let newest = Event::SCHEMA_VERSION;
    let message = format!("the schema version of the data is {version}, but {newest} is known");
    Fault::new(Rule::R09, "unsupported_version", message)
}

fn undecodable(data: &str, failure: &DecodeFailure) -> Fault {
    let is_json = serde_json::from_str::<IgnoredAny>(data).is_ok();
    let code = if is_json {
        "invalid_event_data"
    } else {
        "deserialization_failed"
    };
    Fault::new(Rule::R10, code, failure.to_string())
}

/// A number that tells one content from another.
pub(super) fn content_of(stored: &StoredEvent<'_>) -> u64 {
    // Its keys are fixed, unlike those of a hash map, so the answer is repeatable.
    let mut hasher = DefaultHasher::new();
    stored.event_type.hash(&mut hasher);
    stored.schema_version.hash(&mut hasher);
    stored.data.hash(&mut hasher);
    stored.metadata.hash(&mut hasher);
    hasher.finish()
}

/// The form in which ids are compared: a UUID may be written in capitals.
pub(super) fn normal_id(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// Whether a causation id is the id of an event. Those of triggers outside of the store are not
/// UUIDs.
pub(super) fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
