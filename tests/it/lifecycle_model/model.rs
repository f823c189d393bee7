//! The log as it should be: a list of events, each with the moments at which what readers see of it
//! changes, and what is known of each stream.

mod append;
mod change;

use std::collections::{BTreeMap, HashMap};

use gamebot_event_store::event::Removal;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::store::StreamSettings;
use gamebot_event_store::stream::StreamStatus;
use uuid::Uuid;

pub(super) use self::append::{SentAppend, SentEvent, SentPart};
pub(super) use self::change::SentChange;
use super::plan::STREAMS;
use super::wish::Wish;

/// The names of the streams of a case.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Names that end with `suffix`, so that cases can share a database.
    pub(super) fn new(suffix: &str) -> Self {
        let names = STREAMS.iter();
        Self(names.map(|(name, _)| format!("{name}.{suffix}")).collect())
    }

    pub(super) fn of(&self, stream: usize) -> &str {
        &self.0[stream]
    }

    pub(super) fn all(&self) -> &[String] {
        &self.0
    }
}

/// The log, and the streams in it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) names: Names,
    /// The position before the first event of this case.
    pub(super) base: i64,
    /// When this case began, in milliseconds since 1970.
    pub(super) began_at: i64,
    pub(super) events: Vec<Event>,
    pub(super) streams: BTreeMap<String, StreamState>,
    /// The ordinary streams in the order in which they began to exist, each with the version up to which its
    /// payloads are removed.
    scavenged: Vec<(String, i32)>,
    /// The number of the latest write; 0 = none yet.
    pub(super) write: usize,
    ids: HashMap<Uuid, usize>,
    default_max_events: i32,
}

/// An event as it should be.
#[derive(Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "`type` is a word of the language"
)]
pub(super) struct Event {
    pub(super) position: i64,
    /// `None` while nobody but the server knows it.
    pub(super) id: Option<Uuid>,
    pub(super) stream: String,
    pub(super) version: i32,
    pub(super) event_type: String,
    pub(super) guild: Option<String>,
    pub(super) actor: Option<String>,
    /// `data.n`
    pub(super) number: Option<i64>,
    /// Exact; empty = not looked at.
    pub(super) data: String,
    /// Exact; `None` = not looked at.
    pub(super) metadata: Option<String>,
    /// What readers see of it, each from a write on; the first is the write that brought it.
    states: Vec<(usize, Option<Removal>)>,
}

/// A stream as it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StreamState {
    pub(super) version: i32,
    pub(super) status: StreamStatus,
    pub(super) guild: Option<String>,
    pub(super) hidden_through: i32,
    pub(super) deleted_through: i32,
    pub(super) settings: StreamSettings,
    pub(super) metadata_version: i32,
    pub(super) metadata_position: Option<i64>,
}

impl Default for StreamState {
    fn default() -> Self {
        Self {
            version: 0,
            status: StreamStatus::Open,
            guild: None,
            hidden_through: 0,
            deleted_through: 0,
            settings: StreamSettings::default(),
            metadata_version: 0,
            metadata_position: None,
        }
    }
}

impl StreamState {
    /// The custom part of its metadata stands in its event only.
    pub(super) fn without_custom(&self) -> Self {
        let mut state = self.clone();
        state.settings.custom = None;
        state
    }
}

/// What a request should come to.
#[derive(Debug)]
pub(super) enum Outcome {
    Appended {
        duplicate: bool,
        parts: Vec<AppendedPart>,
    },
    Changed {
        duplicate: bool,
        /// The index of the event that records it.
        event: Option<usize>,
        stream: StreamState,
    },
    Refused(Refused),
}

/// What an append should come to in one stream.
#[derive(Debug)]
pub(super) struct AppendedPart {
    pub(super) stream: String,
    pub(super) previous_version: i32,
    pub(super) version: i32,
    /// The indexes of its events.
    pub(super) events: Vec<usize>,
    /// The stream afterwards; `None` = it does not exist.
    pub(super) state: Option<StreamState>,
}

/// A refusal, as far as the model predicts it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// The streams with their actual versions, and whether these are of their metadata.
    WrongExpectedVersion(Vec<(String, i32, bool)>),
    DuplicateEvent(Vec<(Option<Uuid>, &'static str)>),
    StreamNotFound(String),
    StreamDeleted(String),
    StreamTombstoned(String),
    StreamArchived(String),
    /// Stream, length, number of new events, limit.
    StreamTooLarge(String, i32, usize, i32),
    /// So many violations.
    InvalidEvents(usize),
    InvalidInput,
}

impl Event {
    pub(super) fn is_reserved(&self) -> bool {
        self.stream.starts_with('$')
    }

    /// What is seen of it after a write; before it was there, what is seen of it first.
    pub(super) fn state_at(&self, write: usize) -> Option<Removal> {
        let mut states = self.states.iter().rev();
        let state = states.find(|(since, _)| *since <= write);
        state.map_or(self.states[0].1, |(_, state)| *state)
    }

    /// What may be seen of it by somebody who looked after one write and at the latest after another.
    pub(super) fn states_between(&self, first: usize, last: usize) -> Vec<Option<Removal>> {
        let later = self.states.iter();
        let later = later.filter(|(since, _)| *since > first && *since <= last);
        let mut states = vec![self.state_at(first)];
        states.extend(later.map(|(_, state)| *state));
        states
    }

    /// The write that brought it.
    pub(super) fn since(&self) -> usize {
        self.states[0].0
    }

    fn state(&self) -> Option<Removal> {
        self.states.last().unwrap().1
    }
}

impl Model {
    pub(super) fn new(names: Names, base: i64, default_max_events: i32) -> Self {
        Self {
            names,
            base,
            began_at: chrono::Utc::now().timestamp_millis(),
            events: Vec::new(),
            streams: BTreeMap::new(),
            write: 0,
            scavenged: Vec::new(),
            ids: HashMap::new(),
            default_max_events,
        }
    }

    /// The last position.
    pub(super) fn head(&self) -> i64 {
        self.base + i64::try_from(self.events.len()).unwrap()
    }

    /// The event at a position of this case.
    pub(super) fn at(&self, position: i64) -> &Event {
        &self.events[usize::try_from(position - self.base - 1).unwrap()]
    }

    /// The version that a condition of a plan means by "now".
    pub(super) fn version_of(&self, stream: &str) -> i32 {
        self.streams.get(stream).map_or(0, |stream| stream.version)
    }

    pub(super) fn metadata_version_of(&self, stream: &str) -> i32 {
        let stream = self.streams.get(stream);
        stream.map_or(0, |stream| stream.metadata_version)
    }

    /// The server has minted this id.
    pub(super) fn learn_id(&mut self, event: usize, id: Uuid) {
        self.events[event].id = Some(id);
        self.ids.insert(id, event);
    }

    /// The payloads of what is hidden are removed, stream by stream, each by a write of its own, between an
    /// event that tells of the beginning and one that tells of the end. `None`: there is no such stream.
    pub(super) fn scavenge(&mut self, id: Uuid, only: Option<&str>) -> Option<()> {
        if only.is_some_and(|only| !self.streams.contains_key(only)) {
            return None;
        }
        self.tell_of_operation(id, "$scavenge_started");
        for index in 0..self.scavenged.len() {
            let (name, through) = self.scavenged[index].clone();
            let hidden = self.streams[&name].hidden_through;
            if hidden > through && only.is_none_or(|only| only == name) {
                self.scavenged[index].1 = hidden;
                self.scavenge_stream(&name, hidden);
            }
        }
        self.tell_of_operation(id, "$scavenge_completed");
        Some(())
    }

    fn scavenge_stream(&mut self, name: &str, hidden: i32) {
        self.write += 1;
        let of_stream = self.events.iter_mut().filter(|event| event.stream == name);
        for event in of_stream.filter(|event| event.version <= hidden) {
            event.see(self.write, Some(Removal::Scavenged));
        }
    }

    fn tell_of_operation(&mut self, id: Uuid, event_type: &str) {
        self.write += 1;
        let stream = format!("$operation-{id}");
        self.begin(&stream);
        let event = Event {
            event_type: event_type.to_owned(),
            ..Event::unknown()
        };
        self.push(&stream, event);
    }

    /// A stream, which begins to exist if it does not.
    fn begin(&mut self, name: &str) -> &mut StreamState {
        if !self.streams.contains_key(name) && !name.starts_with('$') {
            self.scavenged.push((name.to_owned(), 0));
        }
        self.streams.entry(name.to_owned()).or_default()
    }

    /// The events that a page should show after a write, in the order of the log: all that are in the
    /// range, without a limit.
    pub(super) fn shown(
        &self,
        wish: &Wish,
        range: (i64, i64),
        write: usize,
    ) -> Vec<(i64, Option<Removal>)> {
        let there = self.events.iter().filter(|event| event.since() <= write);
        there
            .filter(|event| event.position > range.0 && event.position <= range.1)
            .filter(|event| wish.includes(event, &self.names))
            .map(|event| (event.position, event.state_at(write)))
            .filter(|(_, state)| state.is_none() || wish.shows_removed())
            .collect()
    }

    /// An expectation of a stream that is neither tombstoned nor archived.
    fn holds(expected: ExpectedVersion, version: i32, status: StreamStatus) -> bool {
        let is_deleted = status == StreamStatus::Deleted;
        match expected {
            ExpectedVersion::Any => true,
            ExpectedVersion::NoStream => version == 0 || is_deleted,
            ExpectedVersion::StreamExists => version > 0 && !is_deleted,
            ExpectedVersion::Exactly(exactly) => version == exactly,
        }
    }

    /// Adds an event to a stream, and returns its index.
    fn push(&mut self, stream: &str, event: Event) -> usize {
        let index = self.events.len();
        let position = self.head() + 1;
        let state = self.streams.get_mut(stream).unwrap();
        state.version += 1;
        if let Some(id) = event.id {
            self.ids.insert(id, index);
        }
        self.events.push(Event {
            position,
            version: state.version,
            guild: state.guild.clone(),
            stream: stream.to_owned(),
            states: vec![(self.write, None)],
            ..event
        });
        index
    }

    /// Applies what the stream's state says to its events.
    fn hide(&mut self, name: &str) {
        let stream = self.streams.get_mut(name).unwrap();
        let retention = stream.settings.retention;
        let truncated = retention.truncate_before.map_or(0, |before| before - 1);
        let uncounted = retention
            .max_count
            .map_or(0, |count| stream.version - count);
        let hidden = truncated.max(uncounted).min(stream.version);
        stream.hidden_through = stream.hidden_through.max(hidden);
        for event in self.events.iter_mut().filter(|event| event.stream == name) {
            let removal = match stream.status {
                _ if event.state() == Some(Removal::Scavenged) => Removal::Scavenged,
                StreamStatus::Tombstoned => Removal::Tombstoned,
                _ if event.version <= stream.deleted_through => Removal::Deleted,
                _ if event.version <= stream.hidden_through => Removal::Retention,
                _ => continue,
            };
            event.see(self.write, Some(removal));
        }
    }
}

impl Event {
    /// What is seen of it from a write on.
    fn see(&mut self, write: usize, state: Option<Removal>) {
        match self.states.last_mut() {
            Some(last) if last.0 == write => last.1 = state,
            Some(last) if last.1 == state => {}
            _ => self.states.push((write, state)),
        }
    }
}
