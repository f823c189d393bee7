//! From plans to requests: what is relative to the log becomes absolute.

use gamebot_event_store::event::NewEvent;
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::store::{Append, Change, ChangeKind, StreamAppend, StreamSettings};
use gamebot_event_store::stream::Retention;
use serde_json::json;
use uuid::Uuid;

use super::model::{Model, SentAppend, SentChange, SentEvent, SentPart};
use super::plan::{
    Again, AppendPlan, ChangePlan, EventPlan, ExpectedPlan, GuildPlan, KindPlan, STREAMS,
    SettingsPlan, TYPES,
};
use super::wish::ACTOR;

/// Ten years: no event of a test becomes so old.
const LONG_AGE_MS: i64 = 10 * 365 * 24 * 3_600_000;

impl ExpectedPlan {
    fn at(self, version: i32) -> ExpectedVersion {
        match self {
            Self::Any => ExpectedVersion::Any,
            Self::NoStream => ExpectedVersion::NoStream,
            Self::StreamExists => ExpectedVersion::StreamExists,
            Self::Version(more) => ExpectedVersion::Exactly((version + more).max(0)),
        }
    }
}

impl SentAppend {
    /// The append of a plan.
    pub(super) fn new(plan: &AppendPlan, model: &Model) -> Self {
        let mut parts: Vec<SentPart> = Vec::new();
        for part in &plan.parts {
            let stream = model.names.of(part.stream);
            if parts.iter().any(|other| other.stream == stream) {
                continue;
            }
            let expected = part.expected.at(model.version_of(stream));
            let events = part.events.iter();
            parts.push(SentPart {
                stream: stream.to_owned(),
                expected,
                events: events
                    .map(|event| SentEvent::new(event, part.stream, expected))
                    .collect(),
            });
        }
        Self {
            parts,
            is_batch: plan.is_batch,
        }
    }

    /// This append again, in some way.
    pub(super) fn again(&self, how: Again, model: &Model) -> Self {
        let mut again = self.clone();
        let first = again.parts.iter_mut().find(|part| !part.events.is_empty());
        let Some(first) = first else { return again };
        match how {
            Again::Same => {}
            Again::FirstOnly => again
                .parts
                .iter_mut()
                .for_each(|part| part.events.truncate(1)),
            Again::OneMore => first.events.push(SentEvent {
                id: Some(Uuid::now_v7()),
                ..first.events[0].clone()
            }),
            Again::Reversed => first.events.reverse(),
            Again::OtherData => first.events[0].set_data(7),
            Again::OtherStream => {
                let names = model.names.all().iter();
                let other = names.rev().find(|name| **name != first.stream);
                let other = other.unwrap().clone();
                again
                    .parts
                    .retain(|part| part.stream != other && !part.events.is_empty());
                if let Some(first) = again.parts.first_mut() {
                    first.stream = other;
                }
            }
            Again::Doubled => first.events.push(first.events[0].clone()),
        }
        again
    }

    /// The append in the store's words.
    pub(super) fn to_append(&self) -> Append {
        let parts = self.parts.iter().map(|part| StreamAppend {
            stream: part.stream.clone(),
            expected: part.expected,
            events: part.events.iter().map(SentEvent::to_new).collect(),
        });
        Append {
            streams: parts.collect(),
            is_batch: self.is_batch,
        }
    }
}

impl SentEvent {
    fn new(plan: &EventPlan, stream: usize, expected: ExpectedVersion) -> Self {
        let guild = match plan.guild {
            GuildPlan::OfStream => STREAMS[stream].1.map(str::to_owned),
            GuildPlan::Absent => None,
            GuildPlan::Other => Some("g9".to_owned()),
        };
        let actor = plan.has_actor.then(|| ACTOR.to_owned());
        let metadata = match &actor {
            Some(actor) => json!({"actor_id": actor, "z": 1}),
            None => json!({}),
        };
        let has_id = plan.has_id || expected.needs_event_ids();
        let mut event = Self {
            id: has_id.then(Uuid::now_v7),
            event_type: TYPES[plan.event_type],
            number: plan.number,
            guild,
            actor,
            data: String::new(),
            metadata: metadata.to_string(),
        };
        event.set_data(plan.number);
        event
    }

    /// The payload, with a number whose text must survive.
    fn set_data(&mut self, number: i64) {
        self.number = number;
        self.data = match &self.guild {
            Some(guild) => format!(r#"{{"x":1.10,"n":{number},"guild_id":"{guild}"}}"#),
            None => format!(r#"{{"x":1.10,"n":{number}}}"#),
        };
    }

    fn to_new(&self) -> NewEvent {
        NewEvent {
            event_id: self.id,
            event_type: self.event_type.to_owned(),
            schema_version: None,
            data: self.data.clone(),
            metadata: Some(self.metadata.clone()),
        }
    }
}

impl SentChange {
    /// The change of a plan.
    pub(super) fn new(plan: &ChangePlan, model: &Model) -> Self {
        let stream = model.names.of(plan.stream);
        let version = model.version_of(stream);
        let (kind, version_meant) = match &plan.kind {
            KindPlan::Delete => (ChangeKind::Delete, version),
            KindPlan::Tombstone => (ChangeKind::Tombstone, version),
            KindPlan::Archive => (ChangeKind::Archive, version),
            KindPlan::Unarchive => (ChangeKind::Unarchive, version),
            KindPlan::SetMetadata(settings) => (
                ChangeKind::SetMetadata(settings_at(settings, version)),
                model.metadata_version_of(stream),
            ),
        };
        Self {
            stream: stream.to_owned(),
            expected: plan.expected.at(version_meant),
            kind,
            id: plan.has_id.then(Uuid::now_v7),
            actor: plan.has_id.then(|| ACTOR.to_owned()),
        }
    }

    /// The change in the store's words.
    pub(super) fn to_change(&self) -> Change {
        Change {
            stream: self.stream.clone(),
            expected: self.expected,
            kind: self.kind.clone(),
            event_id: self.id,
            metadata: self.metadata(),
        }
    }
}

fn settings_at(plan: &SettingsPlan, version: i32) -> StreamSettings {
    let before = plan.truncate_before.map(|more| (version + more).max(1));
    StreamSettings {
        retention: Retention {
            max_age_ms: plan.has_max_age.then_some(LONG_AGE_MS),
            max_count: plan.max_count,
            truncate_before: before,
        },
        max_events: plan.max_events,
        custom: plan.custom.map(str::to_owned),
    }
}
