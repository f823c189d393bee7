//! The shape of the events of one stream.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use super::{invalid, path};
use crate::event::{EventType, MAX_INDEXED_CHARACTERS, NewEvent, PreparedEvent, cause_key};
use crate::expected_version::ExpectedVersion;
use crate::json_text::{JsonKind, JsonLimits, JsonText, Member};
use crate::store::refusal::{InputPath, InvalidInputKind, Refusal, Violation, ViolationKind};
use crate::stream::{RESERVED, shown};

/// Checks the events of one stream, gathering every violation.
pub(super) struct EventShape<'a> {
    pub(super) is_batch: bool,
    pub(super) stream: usize,
    pub(super) expected: ExpectedVersion,
    pub(super) violations: &'a mut Vec<Violation>,
}

/// An event that the store records about itself, with the metadata that its cause came with. Its data is
/// what the judge knows.
pub(in crate::store) fn reserved_event(
    event_type: &'static str,
    event_id: Option<Uuid>,
    metadata: Option<&str>,
) -> Result<PreparedEvent, Refusal> {
    let mut violations = Vec::new();
    let mut shape = EventShape {
        is_batch: false,
        stream: 0,
        expected: ExpectedVersion::NoStream,
        violations: &mut violations,
    };
    let event = NewEvent {
        event_id,
        event_type: event_type.trim_start_matches(RESERVED).to_owned(),
        schema_version: None,
        data: "{}".to_owned(),
        metadata: metadata.map(str::to_owned),
    };
    let prepared = shape.prepare(0, &event)?;
    let event_type = EventType::from_stored(event_type);
    match (prepared, violations.into_iter().next()) {
        (Some(prepared), None) => Ok(PreparedEvent {
            event_type,
            ..prepared
        }),
        (_, violation) => {
            let (path, message) = violation.map_or_else(Default::default, |violation| {
                (violation.path.field, violation.message)
            });
            let path = InputPath {
                field: path,
                ..InputPath::default()
            };
            Err(invalid(InvalidInputKind::Argument, path, message))
        }
    }
}

impl EventShape<'_> {
    /// The event in its right shape; `None` if violations were found.
    pub(super) fn prepare(
        &mut self,
        index: usize,
        event: &NewEvent,
    ) -> Result<Option<PreparedEvent>, Refusal> {
        let before = self.violations.len();
        let event_type = self.event_type(index, &event.event_type);
        let schema_version = self.schema_version(index, event.schema_version);
        let data = self.document(index, "data", &event.data);
        let metadata = match &event.metadata {
            Some(metadata) => self.document(index, "metadata", metadata),
            None => Some(JsonText::empty_object()),
        };
        let (Some(data), Some(metadata)) = (data, metadata) else {
            return Ok(None);
        };
        let guild_id = self.indexed(index, "data", "guild_id", &data);
        let correlation_id = self.indexed(index, "metadata", "correlation_id", &metadata);
        let causation_id = self
            .indexed(index, "metadata", "causation_id", &metadata)
            .map(|cause| match cause_key(&cause) {
                Cow::Borrowed(_) => Arc::clone(&cause),
                Cow::Owned(key) => key.into(),
            });
        let actor_id = self.indexed(index, "metadata", "actor_id", &metadata);
        let named = self.id_in_metadata(index, event.event_id, &metadata);
        if self.violations.len() > before {
            return Ok(None);
        }
        let Some(event_type) = event_type else {
            return Ok(None);
        };
        let client_id = event.event_id.or(named);
        let event_id = match client_id {
            Some(event_id) => event_id,
            None if self.expected.needs_event_ids() => return Err(self.missing_id(index)),
            None => Uuid::now_v7(),
        };
        Ok(Some(PreparedEvent {
            event_id,
            id_is_minted: client_id.is_none(),
            event_type,
            schema_version,
            correlation_id: correlation_id.unwrap_or_else(|| event_id.to_string().into()),
            data,
            metadata,
            guild_id,
            causation_id,
            actor_id,
        }))
    }

    fn missing_id(&self, index: usize) -> Refusal {
        let message = format!(
            "there is no event id. With the expected version {} a retry can be recognised by its event ids \
             only: send a UUID of your own with each event, and the same one again when you retry.",
            self.expected
        );
        let path = path(self.is_batch, self.stream, Some(index), "eventId");
        invalid(InvalidInputKind::Argument, path, message)
    }

    fn event_type(&mut self, index: usize, text: &str) -> Option<EventType> {
        EventType::parse(text)
            .map_err(|error| {
                self.violate(
                    ViolationKind::Type,
                    index,
                    &["type"],
                    "event type",
                    error.to_string(),
                );
            })
            .ok()
    }

    fn schema_version(&mut self, index: usize, version: Option<i32>) -> i32 {
        let version = version.unwrap_or(1);
        if version < 1 {
            let message = format!(
                "the schema version is {version}. Schema versions begin at 1, which is the default."
            );
            self.violate(
                ViolationKind::Data,
                index,
                &["schemaVersion"],
                "schema version",
                message,
            );
        }
        version
    }

    fn document(&mut self, index: usize, field: &'static str, raw: &str) -> Option<JsonText> {
        let text = match JsonText::parse(raw, &JsonLimits::default()) {
            Ok(text) => text,
            Err(error) => {
                let message = error.message_under(field);
                let mut steps = vec![field];
                steps.extend(error.steps.iter().map(String::as_str));
                self.violate(ViolationKind::Data, index, &steps, "json", message);
                return None;
            }
        };
        if text.kind() != JsonKind::Object {
            let message = format!(
                "{field} is {}. It must be a JSON object, such as {{\"guild_id\":\"964224541917669458\"}}.",
                shown(&text)
            );
            self.violate(ViolationKind::Data, index, &[field], "object", message);
            return None;
        }
        Some(text)
    }

    /// A member that the store indexes: a string of 1 to 128 characters, or null, or absent.
    fn indexed(
        &mut self,
        index: usize,
        document: &'static str,
        key: &'static str,
        text: &JsonText,
    ) -> Option<Arc<str>> {
        let found = match text.member_str(key) {
            Member::Absent | Member::Null => return None,
            Member::Text(value) => {
                let characters = value.chars().count();
                if (1..=MAX_INDEXED_CHARACTERS).contains(&characters) {
                    return Some(value.into());
                }
                format!("a string of {characters} characters")
            }
            Member::Other(kind) => kind.to_string(),
        };
        let message = format!(
            "{document}.{key} is {found}. It must be a string of 1 to {MAX_INDEXED_CHARACTERS} characters, \
             null or absent; Discord ids are strings, since they do not fit a JSON number."
        );
        self.violate(
            ViolationKind::Data,
            index,
            &[document, key],
            "indexed value",
            message,
        );
        None
    }

    /// `metadata.event_id` must be the event's id; where no other id is given, it is the event's id.
    fn id_in_metadata(
        &mut self,
        index: usize,
        event_id: Option<Uuid>,
        metadata: &JsonText,
    ) -> Option<Uuid> {
        let message = match metadata.member_str("event_id") {
            Member::Absent | Member::Null => return None,
            Member::Text(text) => match Uuid::try_parse(&text) {
                Ok(named) if event_id.is_none_or(|event_id| event_id == named) => {
                    return Some(named);
                }
                Ok(named) => format!(
                    "metadata.event_id is {named}, but eventId is {}. Send the same id in both places, or in \
                     one only.",
                    event_id.unwrap_or_default()
                ),
                Err(_) => format!(
                    "metadata.event_id is `{}`, which is not a UUID.",
                    shown(&text)
                ),
            },
            Member::Other(_) => "metadata.event_id is not a string. It must be a UUID.".to_owned(),
        };
        self.violate(
            ViolationKind::Data,
            index,
            &["metadata", "event_id"],
            "event id",
            message,
        );
        None
    }

    fn violate(
        &mut self,
        kind: ViolationKind,
        index: usize,
        field: &[&str],
        rule: &'static str,
        message: String,
    ) {
        let path = InputPath {
            stream: self.is_batch.then_some(self.stream),
            event: Some(index),
            field: field.iter().map(|&step| step.to_owned()).collect(),
        };
        self.violations.push(Violation {
            kind,
            path,
            rule: rule.into(),
            message,
        });
    }
}
