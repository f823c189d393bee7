//! What an append should come to, in the order of rule A3.

use std::collections::HashSet;

use gamebot_event_store::event::Removal;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::stream::StreamStatus;
use serde_json::json;
use uuid::Uuid;

use super::{AppendedPart, Event, Model, Outcome, Refused, StreamState};

/// An append as it is sent.
#[derive(Clone, Debug)]
pub(in super::super) struct SentAppend {
    pub(in super::super) parts: Vec<SentPart>,
    pub(in super::super) is_batch: bool,
}

/// What it has for one stream.
#[derive(Clone, Debug)]
pub(in super::super) struct SentPart {
    pub(in super::super) stream: String,
    pub(in super::super) expected: ExpectedVersion,
    pub(in super::super) events: Vec<SentEvent>,
}

/// An event as it is sent.
#[derive(Clone, Debug)]
pub(in super::super) struct SentEvent {
    pub(in super::super) id: Option<Uuid>,
    pub(in super::super) event_type: &'static str,
    /// `data.n`
    pub(in super::super) number: i64,
    pub(in super::super) guild: Option<String>,
    pub(in super::super) actor: Option<String>,
    pub(in super::super) data: String,
    pub(in super::super) metadata: String,
}

impl Model {
    /// Judges an append, and takes its events in unless it is refused.
    pub(in super::super) fn append(&mut self, sent: &SentAppend) -> Outcome {
        self.write += 1;
        match self.judge(sent) {
            Ok(outcome) => outcome,
            Err(refused) => Outcome::Refused(refused),
        }
    }

    fn judge(&mut self, sent: &SentAppend) -> Result<Outcome, Refused> {
        if let Some(original) = self.original(sent)? {
            return Ok(original);
        }
        self.check_status(sent)?;
        self.check_expectations(sent)?;
        self.check_lengths(sent)?;
        self.check_guilds(sent)?;
        let parts = sent.parts.iter().map(|part| self.accept(part)).collect();
        Ok(Outcome::Appended {
            duplicate: false,
            parts,
        })
    }

    /// The outcome of the append that this one repeats.
    fn original(&self, sent: &SentAppend) -> Result<Option<Outcome>, Refused> {
        let events = || sent.parts.iter().flat_map(|part| &part.events);
        let mut seen = HashSet::new();
        let mut duplicates: Vec<(Option<Uuid>, &'static str)> = events()
            .filter_map(|event| event.id)
            .filter(|id| !seen.insert(*id))
            .map(|id| (Some(id), "twice in the request"))
            .collect();
        let is_stored = |event: &SentEvent| self.stored(event).is_some();
        if events().any(is_stored) {
            let all = events().all(is_stored);
            for part in &sent.parts {
                duplicates.extend(self.differences(part, all));
            }
        }
        if !duplicates.is_empty() {
            return Err(Refused::DuplicateEvent(duplicates));
        }
        let parts = || sent.parts.iter().map(|part| self.original_part(part));
        Ok(events().any(is_stored).then(|| Outcome::Appended {
            duplicate: true,
            parts: parts().collect(),
        }))
    }

    fn stored(&self, event: &SentEvent) -> Option<usize> {
        event.id.and_then(|id| self.ids.get(&id).copied())
    }

    fn differences(&self, part: &SentPart, all: bool) -> Vec<(Option<Uuid>, &'static str)> {
        let mut next = None;
        let mut found = Vec::new();
        for event in &part.events {
            let Some(stored) = self.stored(event).map(|index| &self.events[index]) else {
                found.push((event.id, "new beside stored"));
                continue;
            };
            let is_next = next.is_none_or(|next| next == stored.version);
            next = Some(stored.version + 1);
            if stored.stream != part.stream {
                found.push((event.id, "of another stream"));
            } else if !has_same_content(event, stored) {
                found.push((event.id, "of other content"));
            } else if !all {
                found.push((event.id, "a part of the request"));
            } else if !is_next {
                found.push((event.id, "in another order"));
            }
        }
        found
    }

    fn original_part(&self, part: &SentPart) -> AppendedPart {
        let events = part.events.iter();
        let events: Vec<usize> = events.filter_map(|event| self.stored(event)).collect();
        let version = |index: &usize| self.events[*index].version;
        let now = self.version_of(&part.stream);
        AppendedPart {
            stream: part.stream.clone(),
            previous_version: events.first().map_or(now, |first| version(first) - 1),
            version: events.last().map_or(now, version),
            events,
            state: self.streams.get(&part.stream).cloned(),
        }
    }

    fn status_of(&self, stream: &str) -> StreamStatus {
        let stream = self.streams.get(stream);
        stream.map_or(StreamStatus::Open, |stream| stream.status)
    }

    fn check_status(&self, sent: &SentAppend) -> Result<(), Refused> {
        let is = |part: &&SentPart, status| self.status_of(&part.stream) == status;
        let mut parts = sent.parts.iter();
        if let Some(part) = parts.find(|part| is(part, StreamStatus::Tombstoned)) {
            return Err(Refused::StreamTombstoned(part.stream.clone()));
        }
        let mut parts = sent.parts.iter().filter(|part| !part.events.is_empty());
        match parts.find(|part| is(part, StreamStatus::Archived)) {
            Some(part) => Err(Refused::StreamArchived(part.stream.clone())),
            None => Ok(()),
        }
    }

    fn check_expectations(&self, sent: &SentAppend) -> Result<(), Refused> {
        let failed = sent.parts.iter().filter(|part| {
            let version = self.version_of(&part.stream);
            !Self::holds(part.expected, version, self.status_of(&part.stream))
        });
        let failed: Vec<&SentPart> = failed.collect();
        let Some(first) = failed.first() else {
            return Ok(());
        };
        let is_deleted = |part: &&SentPart| {
            part.expected == ExpectedVersion::StreamExists
                && self.status_of(&part.stream) == StreamStatus::Deleted
        };
        if failed.iter().all(is_deleted) {
            return Err(Refused::StreamDeleted(first.stream.clone()));
        }
        let checks = failed.iter();
        Err(Refused::WrongExpectedVersion(
            checks
                .map(|part| (part.stream.clone(), self.version_of(&part.stream), false))
                .collect(),
        ))
    }

    fn check_lengths(&self, sent: &SentAppend) -> Result<(), Refused> {
        let nothing = StreamState::default();
        for part in sent.parts.iter().filter(|part| !part.events.is_empty()) {
            let stream = self.streams.get(&part.stream).unwrap_or(&nothing);
            let adding = part.events.len();
            let length = stream.version - stream.hidden_through;
            let limit = stream.settings.max_events;
            let limit = limit.unwrap_or(self.default_max_events);
            let kept = stream.settings.retention.max_count.unwrap_or(i32::MAX);
            let length_then = (length + i32::try_from(adding).unwrap()).min(kept);
            if length_then > limit {
                let name = part.stream.clone();
                return Err(Refused::StreamTooLarge(name, length, adding, limit));
            }
        }
        Ok(())
    }

    fn check_guilds(&self, sent: &SentAppend) -> Result<(), Refused> {
        let violations = sent.parts.iter().flat_map(|part| {
            let guild = self.guild_of(part);
            let others = part.events.iter();
            others.filter(move |event| event.guild.is_some() && event.guild != guild)
        });
        match violations.count() {
            0 => Ok(()),
            count => Err(Refused::InvalidEvents(count)),
        }
    }

    fn guild_of(&self, part: &SentPart) -> Option<String> {
        match self.streams.get(&part.stream) {
            Some(stream) if stream.version > 0 => stream.guild.clone(),
            _ => part.events.first().and_then(|first| first.guild.clone()),
        }
    }

    fn accept(&mut self, part: &SentPart) -> AppendedPart {
        let Some(first) = part.events.first() else {
            return self.original_part(part);
        };
        let guild = self.guild_of(part);
        if self.status_of(&part.stream) == StreamStatus::Deleted {
            self.reopen(&part.stream, first);
        }
        let stream = self.begin(&part.stream);
        stream.guild = guild;
        stream.status = StreamStatus::Open;
        let previous_version = stream.version;
        let events = part.events.iter();
        let events = events
            .map(|event| self.push(&part.stream, event_of(event)))
            .collect();
        self.hide(&part.stream);
        let stream = self.streams[&part.stream].clone();
        AppendedPart {
            stream: part.stream.clone(),
            previous_version,
            version: stream.version,
            events,
            state: Some(stream),
        }
    }

    /// An append to a deleted stream is told in the stream of its life, before the events.
    fn reopen(&mut self, stream: &str, cause: &SentEvent) {
        let data = self.life_data(stream, json!({}));
        let event = Event {
            event_type: "$stream_reopened".to_owned(),
            actor: cause.actor.clone(),
            data,
            metadata: None,
            ..Event::unknown()
        };
        self.push_life(stream, event);
    }
}

/// Where the salt is gone with the payload, only the id, the stream and the order are compared.
fn has_same_content(event: &SentEvent, stored: &Event) -> bool {
    stored.state() == Some(Removal::Scavenged)
        || (event.event_type == stored.event_type
            && event.data == stored.data
            && Some(&event.metadata) == stored.metadata.as_ref())
}

fn event_of(sent: &SentEvent) -> Event {
    Event {
        id: sent.id,
        event_type: sent.event_type.to_owned(),
        actor: sent.actor.clone(),
        number: Some(sent.number),
        data: sent.data.clone(),
        metadata: Some(sent.metadata.clone()),
        ..Event::unknown()
    }
}

impl Event {
    /// What [`Model::push`] knows better.
    pub(super) fn unknown() -> Self {
        Self {
            position: 0,
            id: None,
            stream: String::new(),
            version: 0,
            event_type: String::new(),
            guild: None,
            actor: None,
            number: None,
            data: String::new(),
            metadata: None,
            states: Vec::new(),
        }
    }
}
