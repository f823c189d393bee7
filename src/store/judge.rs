//! Decides each append of a group, in order, against one view of the log. Pure: rows, clock and randomness
//! come in; verdicts and the rows to write come out.

mod change;
mod domain;
mod guild;
mod length;
mod operation;
mod registration;
mod retry;

pub(super) use change::lives_to_look_up;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::DateTime;
use uuid::Uuid;

use super::append::{Committed, CommittedStream, PreparedAppend, PreparedStream};
use super::operation::Operations;
use super::refusal::{AppendError, ClosedStream, FailedCheck, Refusal};
use super::work::Work;
use crate::event::{Hash, Link, PreparedEvent, RecordedEvent, Removal, Salt};
use crate::expected_version::Mismatch;
use crate::position::Position;
use crate::stream::{Retention, Stream, StreamName, StreamStatus};

/// The log's head row, as locked.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) position: Position,
    pub(super) hash: Hash,
    pub(super) recorded_at: i64,
    pub(super) next_stream_id: i64,
}

/// What the log holds of what a group mentions, kept up to date while the group is judged, so that a
/// request sees what an earlier request of its own group has done.
#[derive(Debug)]
pub(super) struct View {
    /// The head, moving as events are accepted.
    pub(super) head: Head,
    /// The streams that exist, of those that the group mentions.
    pub(super) streams: HashMap<StreamName, Stream>,
    /// The events that are stored, of those whose ids the group mentions.
    pub(super) stored: HashMap<Uuid, Arc<RecordedEvent>>,
    /// Accepted events, in the order of their positions.
    pub(super) accepted: Vec<Arc<RecordedEvent>>,
    /// The streams that accepted events have changed.
    pub(super) changed: HashSet<StreamName>,
    /// The operations that the group may have to do with.
    pub(super) operations: Operations,
    /// The streams in which appends have hidden events that were shown before, since they keep only so many,
    /// each with the position before which those stand.
    pub(super) pushed_out: Vec<(StreamName, Position)>,
    /// `recordedAt` of the whole group: never before that of the last event (rule O5).
    pub(super) recorded_at: i64,
    /// The length limit of a stream that has none of its own.
    pub(super) max_stream_events: i32,
}

impl View {
    /// A view under a locked head, at the database's time `now`.
    pub(super) fn new(
        head: Head,
        now: i64,
        streams: HashMap<StreamName, Stream>,
        stored: HashMap<Uuid, Arc<RecordedEvent>>,
        max_stream_events: i32,
    ) -> Self {
        Self {
            recorded_at: now.max(head.recorded_at),
            head,
            streams,
            stored,
            accepted: Vec::new(),
            changed: HashSet::new(),
            operations: Operations::default(),
            pushed_out: Vec::new(),
            max_stream_events,
        }
    }

    /// A view of nothing but stored events: enough to recognise a retry.
    pub(super) fn of_stored(stored: HashMap<Uuid, Arc<RecordedEvent>>) -> Self {
        let head = Head {
            position: Position::ORIGIN,
            hash: Hash::default(),
            recorded_at: 0,
            next_stream_id: 0,
        };
        Self::new(head, 0, HashMap::new(), stored, 0)
    }

    /// Judges one request, and takes its events in if nothing refuses them.
    pub(super) fn judge(
        &mut self,
        work: &Work,
        mut new_salt: impl FnMut() -> Salt,
    ) -> Result<Committed, AppendError> {
        match work {
            Work::Append(append) => self.judge_append(append, &mut new_salt),
            Work::Change(change) => Ok(self.judge_change(change, &mut new_salt)?),
            Work::Operation(operation) => Ok(self.judge_operation(operation, &mut new_salt)?),
            Work::Type(change) => Ok(self.judge_registration(change, &mut new_salt)?),
        }
    }

    /// Judges an append, in the order of rule A3.
    fn judge_append(
        &mut self,
        request: &PreparedAppend,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> Result<Committed, AppendError> {
        if let Some(original) = self.retry_of(request)? {
            return Ok(original);
        }
        if let Some(held) = &request.held {
            return Err(held.clone().into());
        }
        self.check_closed(request)?;
        self.check_expectations(request)?;
        self.check_length(request)?;
        // Judged before the request queued, and told after everything that the state alone can refuse.
        if let Some(rejection) = &request.rejection {
            return Err(rejection.clone().into());
        }
        self.check_guild(request)?;
        self.check_domain(request)?;
        Ok(self.accept(request, new_salt))
    }

    fn original_stream(&self, wanted: &PreparedStream) -> CommittedStream {
        let stream = self.streams.get(&wanted.name).cloned();
        let stored = wanted
            .events
            .iter()
            .filter_map(|event| self.stored.get(&event.event_id).cloned());
        let events: Vec<_> = stored
            .map(|event| {
                stream
                    .as_ref()
                    .map_or(event.clone(), |stream| stream.show(event))
            })
            .collect();
        let now = stream.as_ref().map_or(0, |stream| stream.version);
        CommittedStream {
            name: wanted.name.clone(),
            stream,
            previous_version: events.first().map_or(now, |first| first.stream_version - 1),
            version: events.last().map_or(now, |last| last.stream_version),
            events,
        }
    }

    fn status(&self, name: &StreamName) -> StreamStatus {
        self.streams
            .get(name)
            .map_or(StreamStatus::Open, |stream| stream.status)
    }

    fn check_closed(&self, request: &PreparedAppend) -> Result<(), Refusal> {
        let closed = |index, stream: &PreparedStream| ClosedStream {
            stream: stream.name.clone(),
            path: request.path(index, None, "stream"),
            of_change: false,
        };
        for (index, stream) in request.streams.iter().enumerate() {
            if self.status(&stream.name) == StreamStatus::Tombstoned {
                return Err(Refusal::StreamTombstoned(closed(index, stream)));
            }
        }
        for (index, stream) in request.streams.iter().enumerate() {
            // A pure check on an archived stream is judged as if it were open.
            if !stream.events.is_empty() && self.status(&stream.name) == StreamStatus::Archived {
                return Err(Refusal::StreamArchived(closed(index, stream)));
            }
        }
        Ok(())
    }

    fn check_expectations(&self, request: &PreparedAppend) -> Result<(), Refusal> {
        let mut failed = Vec::new();
        let mut only_deleted = true;
        for (index, wanted) in request.streams.iter().enumerate() {
            let actual = self
                .streams
                .get(&wanted.name)
                .map_or(0, |stream| stream.version);
            if let Err(mismatch) = wanted.expected.judge(actual, self.status(&wanted.name)) {
                only_deleted &= mismatch == Mismatch::Deleted;
                failed.push(FailedCheck {
                    stream: wanted.name.clone(),
                    path: request.path(index, None, "expectedVersion"),
                    expected: wanted.expected,
                    actual,
                    of_metadata: false,
                });
            }
        }
        match failed.first() {
            None => Ok(()),
            Some(first) if only_deleted => Err(Refusal::StreamDeleted(ClosedStream {
                stream: first.stream.clone(),
                path: first.path.clone(),
                of_change: false,
            })),
            Some(_) => Err(Refusal::WrongExpectedVersion(failed)),
        }
    }

    fn guild_of(&self, wanted: &PreparedStream) -> Option<Arc<str>> {
        match self.streams.get(&wanted.name) {
            Some(stream) if stream.version > 0 => stream.guild_id.clone(),
            _ => wanted
                .events
                .first()
                .and_then(|event| event.guild_id.clone()),
        }
    }

    fn accept(
        &mut self,
        request: &PreparedAppend,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> Committed {
        let streams = request
            .streams
            .iter()
            .map(|stream| self.accept_stream(stream, new_salt))
            .collect();
        Committed {
            streams,
            operation: None,
            duplicate: false,
        }
    }

    fn accept_stream(
        &mut self,
        wanted: &PreparedStream,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> CommittedStream {
        if wanted.events.is_empty() {
            return self.original_stream(wanted);
        }
        let guild_id = self.guild_of(wanted);
        let mut stream = match self.streams.get(&wanted.name) {
            Some(stream) => stream.clone(),
            None => self.new_stream(&wanted.name, guild_id.clone()),
        };
        if let (StreamStatus::Deleted, Some(first)) = (stream.status, wanted.events.first()) {
            self.record_reopening(&stream, first, new_salt);
        }
        let previous_version = stream.version;
        if previous_version == 0 {
            stream.guild_id = guild_id;
        }
        let mut events: Vec<_> = wanted
            .events
            .iter()
            .map(|event| self.accept_event(&mut stream, event, new_salt()))
            .collect();
        stream.status = StreamStatus::Open;
        stream.updated_at = time(self.recorded_at);
        let shown_from = stream.hidden_through + 1;
        stream.hide_by_retention();
        if let Some(first) = events.first()
            && shown_from <= previous_version.min(stream.hidden_through)
        {
            self.pushed_out.push((stream.name.clone(), first.position));
        }
        self.hide_at_birth(&stream, &mut events);
        self.keep(stream.clone());
        CommittedStream {
            name: wanted.name.clone(),
            previous_version,
            version: stream.version,
            stream: Some(stream),
            events,
        }
    }

    /// A stream that keeps fewer events than one append brings hides the first of them at once: they are
    /// written as they came, and nobody is shown them.
    fn hide_at_birth(&mut self, stream: &Stream, events: &mut [Arc<RecordedEvent>]) {
        let newest = self.accepted.len() - events.len();
        for (event, accepted) in events.iter_mut().zip(&mut self.accepted[newest..]) {
            if event.stream_version <= stream.hidden_through {
                let hidden = Arc::new(RecordedEvent {
                    removed: Some(Removal::Retention),
                    ..RecordedEvent::clone(event)
                });
                *accepted = Arc::clone(&hidden);
                *event = hidden.shown();
            }
        }
    }

    /// Takes a stream in as it now is.
    fn keep(&mut self, stream: Stream) {
        self.changed.insert(stream.name.clone());
        self.streams.insert(stream.name.clone(), stream);
    }

    fn new_stream(&mut self, name: &StreamName, guild_id: Option<Arc<str>>) -> Stream {
        let id = self.head.next_stream_id;
        self.head.next_stream_id += 1;
        Stream {
            id,
            name: name.clone(),
            version: 0,
            status: StreamStatus::Open,
            guild_id,
            hidden_through: 0,
            deleted_through: 0,
            max_events: None,
            retention: Retention::default(),
            metadata_version: 0,
            metadata_position: None,
            created_at: time(self.recorded_at),
            updated_at: time(self.recorded_at),
        }
    }

    fn accept_event(
        &mut self,
        stream: &mut Stream,
        event: &PreparedEvent,
        salt: Salt,
    ) -> Arc<RecordedEvent> {
        stream.version += 1;
        let position = self.head.position.next();
        let content_hash = event.content_hash(&salt);
        let link = Link {
            previous: &self.head.hash,
            position,
            stream: stream.name.as_str(),
            stream_version: stream.version,
            event_id: event.event_id,
            recorded_at: self.recorded_at,
            content_hash: &content_hash,
        };
        let hash = link.hash();
        let recorded = Arc::new(RecordedEvent {
            position,
            event_id: event.event_id,
            stream_id: stream.id,
            stream: stream.name.clone(),
            stream_version: stream.version,
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            data: Some(event.data.shared()),
            metadata: Some(event.metadata.shared()),
            salt: Some(salt),
            removed: None,
            guild_id: stream.guild_id.clone(),
            correlation_id: event.correlation_id.clone(),
            causation_id: event.causation_id.clone(),
            actor_id: event.actor_id.clone(),
            recorded_at: time(self.recorded_at),
            content_hash,
            hash,
        });
        self.head.position = position;
        self.head.hash = hash;
        self.head.recorded_at = self.recorded_at;
        self.stored.insert(event.event_id, Arc::clone(&recorded));
        self.accepted.push(Arc::clone(&recorded));
        recorded
    }
}

/// A time from milliseconds; the store's own clock cannot leave chrono's range.
fn time(milliseconds: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
