//! One event of a stream, as the fold and the rules look at it.

use gamebot::event::{Decoded, Event, EventType};
use gamebot::game::{Envelope, GameState, Rule, Violation, check};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::event::{PreparedEvent, RecordedEvent};
use crate::json_text::{JsonText, Member};

/// What is looked at of an event, recorded or about to be.
pub(crate) struct Step<'a> {
    stream_version: i32,
    event_id: Uuid,
    event_type: &'a str,
    schema_version: i32,
    data: Option<&'a str>,
    correlation_id: Option<&'a str>,
    causation_id: Option<&'a str>,
}

impl<'a> Step<'a> {
    /// An event of the log.
    pub(crate) fn recorded(event: &'a RecordedEvent) -> Self {
        let metadata = || event.metadata.clone().map(JsonText::from_stored);
        Self {
            stream_version: event.stream_version,
            event_id: event.event_id,
            event_type: event.event_type.as_str(),
            schema_version: event.schema_version,
            data: event.data.as_deref(),
            correlation_id: named(&event.correlation_id, event.event_id, metadata),
            causation_id: event.causation_id.as_deref(),
        }
    }

    /// A new event that would get this version.
    pub(super) fn prepared(event: &'a PreparedEvent, stream_version: i32) -> Self {
        let metadata = || Some(event.metadata.clone());
        Self {
            stream_version,
            event_id: event.event_id,
            event_type: event.event_type.as_str(),
            schema_version: event.schema_version,
            data: Some(&event.data),
            correlation_id: named(&event.correlation_id, event.event_id, metadata),
            causation_id: event.causation_id.as_deref(),
        }
    }

    /// Takes the event into a state. What cannot be decoded has its place there, and changes nothing else.
    pub(crate) fn fold(&self, state: &mut GameState) {
        let mut buffer = [0; Hyphenated::LENGTH];
        let envelope = self.envelope(&mut buffer);
        match self.decode() {
            Some(Decoded::Known(event)) => state.apply(&envelope, &event),
            _ => state.skip(&envelope, self.event_type),
        }
    }

    /// Takes the event into a state, and tells what it breaks there. How long a stream may become, the store
    /// says.
    pub(super) fn check_and_fold(&self, state: &mut GameState) -> Vec<Violation> {
        let mut buffer = [0; Hyphenated::LENGTH];
        let envelope = self.envelope(&mut buffer);
        match self.decode() {
            Some(Decoded::Known(event)) => {
                let mut broken = check(state, &envelope, &event);
                broken.retain(|violation| violation.rule != Rule::R38);
                state.apply(&envelope, &event);
                broken
            }
            other => {
                state.skip(&envelope, self.event_type);
                vec![self.undecodable(other)]
            }
        }
    }

    /// What its data says; none where the data is removed.
    pub(crate) fn decode(&self) -> Option<Decoded> {
        let data = self.data?;
        Some(Event::decode(self.event_type, self.schema_version, data))
    }

    /// What the fold looks at beside the data; the event's id is written into `buffer`.
    pub(crate) fn envelope<'b>(&self, buffer: &'b mut [u8; Hyphenated::LENGTH]) -> Envelope<'b>
    where
        'a: 'b,
    {
        Envelope {
            stream_version: self.stream_version,
            event_id: self.event_id.hyphenated().encode_lower(buffer),
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
        }
    }

    fn undecodable(&self, decoded: Option<Decoded>) -> Violation {
        let (rule, code, message) = match decoded {
            Some(Decoded::Undecodable(failure)) => {
                (Rule::R10, "invalid_event_data", failure.to_string())
            }
            _ if EventType::named(self.event_type).is_some() => (
                Rule::R09,
                "unsupported_version",
                format!(
                    "the schema version of {} is {}, and versions up to {} are known",
                    self.event_type,
                    self.schema_version,
                    Event::SCHEMA_VERSION
                ),
            ),
            _ => (
                Rule::R09,
                "unsupported_event_type",
                format!("the type {} is not one of the game's", self.event_type),
            ),
        };
        Violation {
            rule,
            code,
            severity: rule.severity(),
            stream_version: Some(self.stream_version),
            event_id: Some(self.event_id.to_string()),
            event_type: Some(self.event_type.to_owned()),
            message,
        }
    }
}

/// The correlation that an event's writer named. The store keeps the event's own id where there was none, so only
/// that one is looked for in the text.
fn named(kept: &str, event_id: Uuid, metadata: impl FnOnce() -> Option<JsonText>) -> Option<&str> {
    let mut buffer = [0; Hyphenated::LENGTH];
    if kept != event_id.hyphenated().encode_lower(&mut buffer) {
        return Some(kept);
    }
    let metadata = metadata()?;
    matches!(metadata.member_str("correlation_id"), Member::Text(_)).then_some(kept)
}
