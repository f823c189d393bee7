//! One append: its shape is checked here, in the caller's own task; the committer judges the rest.

use std::sync::Arc;

use uuid::Uuid;

use super::refusal::{
    InputPath, InvalidInput, InvalidInputKind, LimitExceeded, LimitKind, Refusal, Violation,
    ViolationKind,
};
use crate::event::{EventType, MAX_INDEXED_CHARACTERS, NewEvent, PreparedEvent, RecordedEvent};
use crate::expected_version::ExpectedVersion;
use crate::json_text::{JsonKind, JsonLimits, JsonText, Member};
use crate::stream::{Stream, StreamName, shown};

/// An append to one stream, or a batch append to several, all or nothing.
#[derive(Clone, Debug)]
pub struct Append {
    /// The streams, each with its own expectation.
    pub streams: Vec<StreamAppend>,
    /// Whether the caller sent a batch: decides how its inputs are named, and allows pure checks.
    pub is_batch: bool,
}

/// The part of an append that concerns one stream.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// The stream's name, not yet looked at.
    pub stream: String,
    /// The condition.
    pub expected: ExpectedVersion,
    /// The events; none = a pure check, in a batch only.
    pub events: Vec<NewEvent>,
}

/// What an append came to.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Per stream of the request, in its order.
    pub streams: Vec<CommittedStream>,
    /// Whether an earlier request had stored the events, and this one wrote nothing.
    pub duplicate: bool,
}

/// What an append came to in one stream.
#[derive(Clone, Debug)]
pub struct CommittedStream {
    /// The stream's name.
    pub name: StreamName,
    /// The stream as it is now; `None` for a pure check on a stream that does not exist.
    pub stream: Option<Stream>,
    /// The version before the events.
    pub previous_version: i32,
    /// The version after the events.
    pub version: i32,
    /// The recorded events.
    pub events: Vec<Arc<RecordedEvent>>,
}

/// The limits of one append (rule A9).
#[derive(Clone, Copy, Debug)]
pub struct AppendLimits {
    /// Events per request.
    pub max_events: usize,
    /// Bytes of compact data and metadata per request.
    pub max_request_bytes: usize,
    /// Bytes of compact data and metadata per event.
    pub max_event_bytes: usize,
    /// Streams per batch.
    pub max_batch_streams: usize,
}

/// An append whose shape is right.
#[derive(Clone, Debug)]
pub(super) struct PreparedAppend {
    pub(super) streams: Vec<PreparedStream>,
    /// A refusal that stands unless the request turns out to be a retry (rule A3).
    pub(super) held: Option<Refusal>,
    pub(super) is_batch: bool,
}

/// The part of a prepared append that concerns one stream.
#[derive(Clone, Debug)]
pub(super) struct PreparedStream {
    pub(super) name: StreamName,
    pub(super) expected: ExpectedVersion,
    pub(super) events: Vec<PreparedEvent>,
}

impl PreparedAppend {
    /// The events with the indexes of their stream and of themselves in it.
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, usize, &PreparedEvent)> {
        self.streams
            .iter()
            .enumerate()
            .flat_map(|(stream_index, stream)| {
                let indexed = stream.events.iter().enumerate();
                indexed.map(move |(event_index, event)| (stream_index, event_index, event))
            })
    }

    pub(super) fn event_count(&self) -> usize {
        self.streams.iter().map(|stream| stream.events.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.events().map(|(_, _, event)| event.bytes()).sum()
    }

    pub(super) fn path(&self, stream: usize, event: Option<usize>, field: &str) -> InputPath {
        path(self.is_batch, stream, event, field)
    }
}

fn path(is_batch: bool, stream: usize, event: Option<usize>, field: &str) -> InputPath {
    InputPath {
        stream: is_batch.then_some(stream),
        event,
        field: vec![field.to_owned()],
    }
}

/// Checks the shape of a request: everything that can be said without looking at the log.
///
/// What is merely too large is held back, since a retry of an append that was accepted under a higher limit
/// is still a success.
pub(super) fn prepare(append: Append, limits: &AppendLimits) -> Result<PreparedAppend, Refusal> {
    check_counts(&append)?;
    let mut violations = Vec::new();
    let mut streams = Vec::with_capacity(append.streams.len());
    let is_batch = append.is_batch;
    for (index, stream) in append.streams.into_iter().enumerate() {
        let name = StreamName::parse(&stream.stream).map_err(|error| {
            invalid(
                InvalidInputKind::StreamName,
                path(is_batch, index, None, "stream"),
                error.to_string(),
            )
        })?;
        check_expected(
            stream.expected,
            path(is_batch, index, None, "expectedVersion"),
        )?;
        let mut shape = EventShape {
            is_batch,
            stream: index,
            expected: stream.expected,
            violations: &mut violations,
        };
        let mut events = Vec::with_capacity(stream.events.len());
        for (event_index, event) in stream.events.iter().enumerate() {
            events.extend(shape.prepare(event_index, event)?);
        }
        streams.push(PreparedStream {
            name,
            expected: stream.expected,
            events,
        });
    }
    if !violations.is_empty() {
        return Err(Refusal::InvalidEvents(violations));
    }
    check_streams_differ(&streams)?;
    let mut prepared = PreparedAppend {
        streams,
        held: None,
        is_batch,
    };
    prepared.held = too_large(&prepared, limits);
    Ok(prepared)
}

fn check_counts(append: &Append) -> Result<(), Refusal> {
    let empty = |index, remedy: &str| {
        let path = path(append.is_batch, index, None, "events");
        Err(invalid(
            InvalidInputKind::BatchSize,
            path,
            format!("there are 0 events. {remedy}"),
        ))
    };
    if append.streams.is_empty() {
        let path = InputPath {
            field: vec!["streams".to_owned()],
            ..InputPath::default()
        };
        let message =
            "the batch names 0 streams. Name at least one, each with an expected version.";
        return Err(invalid(
            InvalidInputKind::BatchSize,
            path,
            message.to_owned(),
        ));
    }
    if !append.is_batch && append.streams.iter().all(|stream| stream.events.is_empty()) {
        return empty(
            0,
            "Send at least one; a pure check of a version is a batch append.",
        );
    }
    Ok(())
}

fn check_expected(expected: ExpectedVersion, path: InputPath) -> Result<(), Refusal> {
    match expected {
        ExpectedVersion::Exactly(version) if version < 0 => Err(invalid(
            InvalidInputKind::ExpectedVersion,
            path,
            format!(
                "the expected version is {version}. Versions count events: 0 = none yet, 1 = the first."
            ),
        )),
        _ => Ok(()),
    }
}

fn check_streams_differ(streams: &[PreparedStream]) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    for (index, stream) in streams.iter().enumerate() {
        if !seen.insert(&stream.name) {
            let message = format!(
                "the stream {} stands twice in the batch. Put its events together: order within a stream is \
                 the order of its events.",
                stream.name
            );
            let path = path(true, index, None, "stream");
            return Err(invalid(InvalidInputKind::Argument, path, message));
        }
    }
    Ok(())
}

fn too_large(append: &PreparedAppend, limits: &AppendLimits) -> Option<Refusal> {
    let exceeded = |kind, path, value: usize, limit: usize| {
        Some(Refusal::LimitExceeded(LimitExceeded {
            kind,
            path,
            value: value as u64,
            limit: limit as u64,
        }))
    };
    let all = |field: &str| InputPath {
        field: vec![field.to_owned()],
        ..InputPath::default()
    };
    if append.streams.len() > limits.max_batch_streams {
        let count = append.streams.len();
        return exceeded(
            LimitKind::BatchStreams,
            all("streams"),
            count,
            limits.max_batch_streams,
        );
    }
    let whole = all(if append.is_batch { "streams" } else { "events" });
    let count = append.event_count();
    if count > limits.max_events {
        return exceeded(LimitKind::RequestEvents, whole, count, limits.max_events);
    }
    for (stream, event, prepared) in append.events() {
        if prepared.bytes() > limits.max_event_bytes {
            let mut path = append.path(stream, Some(event), "");
            path.field.clear();
            return exceeded(
                LimitKind::EventBytes,
                path,
                prepared.bytes(),
                limits.max_event_bytes,
            );
        }
    }
    let bytes = append.bytes();
    if bytes > limits.max_request_bytes {
        return exceeded(
            LimitKind::RequestBytes,
            whole,
            bytes,
            limits.max_request_bytes,
        );
    }
    None
}

fn invalid(kind: InvalidInputKind, path: InputPath, message: String) -> Refusal {
    Refusal::InvalidInput(InvalidInput {
        kind,
        path,
        message,
    })
}

/// Checks the events of one stream, gathering every violation.
struct EventShape<'a> {
    is_batch: bool,
    stream: usize,
    expected: ExpectedVersion,
    violations: &'a mut Vec<Violation>,
}

impl EventShape<'_> {
    fn prepare(
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
        let causation_id = self.indexed(index, "metadata", "causation_id", &metadata);
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
            rule,
            message,
        });
    }
}
