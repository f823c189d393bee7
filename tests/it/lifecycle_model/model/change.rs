//! What a change of a stream's life should come to.

use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::store::{ChangeKind, StreamSettings};
use gamebot_event_store::stream::StreamStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, Model, Outcome, Refused, StreamState};

/// A change as it is sent.
#[derive(Clone, Debug)]
pub(in super::super) struct SentChange {
    pub(in super::super) stream: String,
    pub(in super::super) expected: ExpectedVersion,
    pub(in super::super) kind: ChangeKind,
    pub(in super::super) id: Option<Uuid>,
    pub(in super::super) actor: Option<String>,
}

impl SentChange {
    /// The metadata that it is sent with.
    pub(in super::super) fn metadata(&self) -> Option<String> {
        let actor = self.actor.as_ref()?;
        Some(json!({"actor_id": actor}).to_string())
    }
}

impl Model {
    /// Judges a change, and records it unless it is refused or the stream already is so.
    pub(in super::super) fn change(&mut self, sent: &SentChange) -> Outcome {
        self.write += 1;
        match self.judge_change(sent) {
            Ok(outcome) => outcome,
            Err(refused) => Outcome::Refused(refused),
        }
    }

    fn judge_change(&mut self, sent: &SentChange) -> Result<Outcome, Refused> {
        if let Some(stored) = sent.id.and_then(|id| self.ids.get(&id).copied()) {
            return self.original_change(sent, stored);
        }
        let is_so = self.check_change(sent)?;
        if is_so {
            return Ok(Outcome::Changed {
                duplicate: true,
                event: None,
                stream: self.streams[&sent.stream].clone(),
            });
        }
        self.begin(&sent.stream);
        self.apply(sent);
        Ok(self.record(sent))
    }

    fn original_change(&self, sent: &SentChange, stored: usize) -> Result<Outcome, Refused> {
        let event = &self.events[stored];
        let refuse = |reason| Err(Refused::DuplicateEvent(vec![(event.id, reason)]));
        if event.stream != life_of(&sent.stream) {
            return refuse("of another stream");
        }
        if event.event_type != event_type(&sent.kind) || !has_settings(event, &sent.kind) {
            return refuse("of other content");
        }
        Ok(Outcome::Changed {
            duplicate: true,
            event: Some(stored),
            stream: self.streams[&sent.stream].clone(),
        })
    }

    /// Whether the stream already is so.
    fn check_change(&self, sent: &SentChange) -> Result<bool, Refused> {
        let name = || sent.stream.clone();
        let sets_metadata = matches!(sent.kind, ChangeKind::SetMetadata(_));
        let known = self.streams.get(&sent.stream);
        if known.is_none() && !sets_metadata {
            return Err(Refused::StreamNotFound(name()));
        }
        let nothing = StreamState::default();
        let stream = known.unwrap_or(&nothing);
        match (&sent.kind, stream.status) {
            (ChangeKind::Tombstone, StreamStatus::Tombstoned) => {}
            (_, StreamStatus::Tombstoned) => return Err(Refused::StreamTombstoned(name())),
            (ChangeKind::Delete, StreamStatus::Archived) => {
                return Err(Refused::StreamArchived(name()));
            }
            (ChangeKind::Archive | ChangeKind::Unarchive, StreamStatus::Deleted) => {
                return Err(Refused::StreamDeleted(name()));
            }
            _ => {}
        }
        let actual = if sets_metadata {
            stream.metadata_version
        } else {
            stream.version
        };
        if !expectation_holds(sent, stream, actual) {
            let failed = (name(), actual, sets_metadata);
            return Err(Refused::WrongExpectedVersion(vec![failed]));
        }
        if let ChangeKind::SetMetadata(settings) = &sent.kind {
            let before = settings.retention.truncate_before;
            if before.is_some_and(|before| before > stream.version + 1) {
                return Err(Refused::InvalidInput);
            }
            return Ok(false);
        }
        Ok(stream.status == status_after(&sent.kind))
    }

    fn apply(&mut self, sent: &SentChange) {
        let stream = self.streams.get_mut(&sent.stream).unwrap();
        match &sent.kind {
            ChangeKind::Delete => {
                stream.deleted_through = stream.version;
                stream.hidden_through = stream.version;
            }
            ChangeKind::Tombstone => stream.hidden_through = stream.version,
            ChangeKind::Archive | ChangeKind::Unarchive => {}
            ChangeKind::SetMetadata(settings) => {
                stream.metadata_version += 1;
                stream.settings = settings.clone();
            }
        }
        if !matches!(sent.kind, ChangeKind::SetMetadata(_)) {
            stream.status = status_after(&sent.kind);
        }
        if matches!(sent.kind, ChangeKind::Archive | ChangeKind::Unarchive) {
            return;
        }
        self.hide(&sent.stream);
    }

    fn record(&mut self, sent: &SentChange) -> Outcome {
        let mut more = json!({});
        if let ChangeKind::SetMetadata(settings) = &sent.kind {
            more = settings_data(settings);
            more["metadata_version"] = json!(self.streams[&sent.stream].metadata_version);
        }
        let event = Event {
            id: sent.id,
            event_type: event_type(&sent.kind).to_owned(),
            actor: sent.actor.clone(),
            data: self.life_data(&sent.stream, more),
            metadata: Some(sent.metadata().unwrap_or_else(|| "{}".to_owned())),
            ..Event::unknown()
        };
        let index = self.push_life(&sent.stream, event);
        let position = self.events[index].position;
        let stream = self.streams.get_mut(&sent.stream).unwrap();
        if matches!(sent.kind, ChangeKind::SetMetadata(_)) {
            stream.metadata_position = Some(position);
        }
        Outcome::Changed {
            duplicate: false,
            event: Some(index),
            stream: stream.clone(),
        }
    }

    /// Adds an event to the stream of a stream's life, which follows that stream into its guild.
    pub(super) fn push_life(&mut self, stream: &str, event: Event) -> usize {
        let life = life_of(stream);
        let guild = self.streams[stream].guild.clone();
        self.begin(&life).guild = guild;
        self.push(&life, event)
    }

    /// The data of an event of a stream's life, the keys in no particular order.
    pub(super) fn life_data(&self, name: &str, more: Value) -> String {
        let stream = &self.streams[name];
        let mut data = more;
        data["stream"] = json!(name);
        data["version"] = json!(stream.version);
        if let Some(guild) = &stream.guild {
            data["guild_id"] = json!(guild);
        }
        data.to_string()
    }
}

/// The name of the stream of a stream's life.
pub(in super::super) fn life_of(stream: &str) -> String {
    format!("$stream-{stream}")
}

fn event_type(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Delete => "$stream_deleted",
        ChangeKind::Tombstone => "$stream_tombstoned",
        ChangeKind::Archive => "$stream_archived",
        ChangeKind::Unarchive => "$stream_unarchived",
        ChangeKind::SetMetadata(_) => "$stream_metadata_set",
    }
}

fn status_after(kind: &ChangeKind) -> StreamStatus {
    match kind {
        ChangeKind::Delete => StreamStatus::Deleted,
        ChangeKind::Tombstone => StreamStatus::Tombstoned,
        ChangeKind::Archive => StreamStatus::Archived,
        ChangeKind::Unarchive | ChangeKind::SetMetadata(_) => StreamStatus::Open,
    }
}

/// Who deletes or ends a deleted stream that he expects to exist may be repeating himself.
fn expectation_holds(sent: &SentChange, stream: &StreamState, actual: i32) -> bool {
    let status = match sent.kind {
        ChangeKind::SetMetadata(_) => StreamStatus::Open,
        _ => stream.status,
    };
    let may_repeat = matches!(sent.kind, ChangeKind::Delete | ChangeKind::Tombstone)
        && status == StreamStatus::Deleted
        && sent.expected == ExpectedVersion::StreamExists;
    may_repeat || Model::holds(sent.expected, actual, status)
}

/// What the event of a change of metadata says, without what only the log knows.
fn settings_data(settings: &StreamSettings) -> Value {
    let mut data = json!({});
    let retention = &settings.retention;
    let numbers = [
        (
            "max_age_seconds",
            retention.max_age_ms.map(|age| age / 1000),
        ),
        ("max_count", retention.max_count.map(i64::from)),
        ("truncate_before", retention.truncate_before.map(i64::from)),
        ("max_events", settings.max_events.map(i64::from)),
    ];
    for (key, value) in numbers {
        if let Some(value) = value {
            data[key] = json!(value);
        }
    }
    // A null is nothing.
    if let Some(custom) = settings.custom.as_ref().filter(|custom| *custom != "null") {
        data["custom"] = serde_json::from_str(custom).unwrap();
    }
    data
}

fn has_settings(event: &Event, kind: &ChangeKind) -> bool {
    let ChangeKind::SetMetadata(settings) = kind else {
        return true;
    };
    let mut stored: Value = serde_json::from_str(&event.data).unwrap();
    let stored = stored.as_object_mut().unwrap();
    for key in ["stream", "version", "guild_id", "metadata_version"] {
        stored.remove(key);
    }
    settings_data(settings) == Value::Object(std::mem::take(stored))
}
