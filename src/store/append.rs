//! One append: its shape is checked here, in the caller's own task; the committer judges the rest.

mod event_shape;
mod schema;

use std::sync::Arc;

use event_shape::EventShape;
pub(super) use event_shape::reserved_event;
pub(super) use schema::{judge_schemas, missed_types};

use super::draft::DomainJudgement;
use super::operation::Operation;
use super::refusal::{
    InputPath, InvalidInput, InvalidInputKind, LimitExceeded, LimitKind, Refusal,
};
use crate::event::{NewEvent, PreparedEvent, RecordedEvent};
use crate::expected_version::ExpectedVersion;
use crate::stream::{Stream, StreamName};

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
    /// The operation that the request started or ended, as it now is; `None` for any other request.
    pub operation: Option<Operation>,
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

/// The greatest number of events per request that a configuration can allow.
pub const MOST_REQUEST_EVENTS: usize = 10_000;
/// The greatest number of streams per batch that a configuration can allow.
pub const MOST_BATCH_STREAMS: usize = 1_000;
/// The search for violations ends with the event in which this many are reached: who has so many has one
/// mistake.
const MOST_VIOLATIONS: usize = 100;
/// What a waiting event costs beside its data and metadata, in bytes, roughly.
const EVENT_OVERHEAD_BYTES: usize = 512;

/// An append whose shape is right.
#[derive(Clone, Debug)]
pub(super) struct PreparedAppend {
    pub(super) streams: Vec<PreparedStream>,
    /// A refusal that stands unless the request turns out to be a retry (rule A3).
    pub(super) held: Option<Refusal>,
    /// A refusal that stands unless the request turns out to be a retry, or the state refuses it first
    /// (rule A3): what its events break of the schemas of their types.
    pub(super) rejection: Option<Refusal>,
    pub(super) is_batch: bool,
}

/// The part of a prepared append that concerns one stream.
#[derive(Clone, Debug)]
pub(super) struct PreparedStream {
    pub(super) name: StreamName,
    pub(super) expected: ExpectedVersion,
    pub(super) events: Vec<PreparedEvent>,
    /// What the rules of its domain say; `None` where nobody has looked.
    pub(super) domain: Option<DomainJudgement>,
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

    /// What the request occupies while it waits.
    pub(super) fn queue_bytes(&self) -> usize {
        self.bytes() + self.event_count() * EVENT_OVERHEAD_BYTES
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
    check_never_allowed(&append)?;
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
            if shape.violations.len() >= MOST_VIOLATIONS {
                return Err(Refusal::InvalidEvents(violations));
            }
        }
        streams.push(PreparedStream {
            name,
            expected: stream.expected,
            events,
            domain: None,
        });
    }
    if !violations.is_empty() {
        return Err(Refusal::InvalidEvents(violations));
    }
    check_streams_differ(&streams)?;
    let mut prepared = PreparedAppend {
        streams,
        held: None,
        rejection: None,
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
        let path = InputPath::of(&["streams"]);
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

/// Refuses at once what no configuration has ever accepted, so that it cannot be a retry either.
fn check_never_allowed(append: &Append) -> Result<(), Refusal> {
    let streams = append.streams.len();
    if streams > MOST_BATCH_STREAMS {
        return Err(counted(
            LimitKind::BatchStreams,
            "streams",
            streams,
            MOST_BATCH_STREAMS,
        ));
    }
    let events = append
        .streams
        .iter()
        .map(|stream| stream.events.len())
        .sum();
    if events > MOST_REQUEST_EVENTS {
        let field = if append.is_batch { "streams" } else { "events" };
        return Err(counted(
            LimitKind::RequestEvents,
            field,
            events,
            MOST_REQUEST_EVENTS,
        ));
    }
    Ok(())
}

fn counted(kind: LimitKind, field: &str, value: usize, limit: usize) -> Refusal {
    Refusal::LimitExceeded(LimitExceeded {
        kind,
        path: InputPath::of(&[field]),
        value: value as u64,
        limit: limit as u64,
    })
}

pub(super) fn check_expected(expected: ExpectedVersion, path: InputPath) -> Result<(), Refusal> {
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
    if append.streams.len() > limits.max_batch_streams {
        let count = append.streams.len();
        return exceeded(
            LimitKind::BatchStreams,
            InputPath::of(&["streams"]),
            count,
            limits.max_batch_streams,
        );
    }
    let whole = InputPath::of(&[if append.is_batch { "streams" } else { "events" }]);
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

pub(super) fn invalid(kind: InvalidInputKind, path: InputPath, message: String) -> Refusal {
    Refusal::InvalidInput(InvalidInput {
        kind,
        path,
        message,
    })
}
