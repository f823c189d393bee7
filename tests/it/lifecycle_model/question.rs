//! A page of the log as it is asked for, and what the model answers.

use std::sync::Arc;

use gamebot_event_store::event::{RecordedEvent, Removal};
use gamebot_event_store::position::Position;
use gamebot_event_store::store::{EventQuery, VersionRange};

use super::model::{Model, Names};
use super::wish::Wish;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) wish: Wish,
    /// Exclusive.
    pub(super) after: i64,
    /// Inclusive.
    pub(super) through: i64,
    /// Of `wish.stream` only.
    pub(super) versions: VersionRange,
    pub(super) descending: bool,
    pub(super) limit: u64,
}

/// A position, and what is seen there.
pub(super) type Place = (i64, Option<Removal>);

impl Question {
    /// The question in the store's words.
    pub(super) fn query(&self, names: &Names) -> EventQuery {
        EventQuery {
            scope: self.wish.scope(),
            filter: self.wish.filter(names),
            stream_id: None,
            after: Position::new(self.after).unwrap(),
            through: Position::new(self.through).unwrap(),
            versions: self.versions,
            descending: self.descending,
            limit: self.limit,
        }
    }
}

impl Model {
    /// The right answer after a write.
    pub(super) fn answer(&self, question: &Question, write: usize) -> Vec<Place> {
        let range = (question.after, question.through);
        let mut places = self.shown(&question.wish, range, write);
        if question.wish.stream.is_some() {
            let (from, through) = (question.versions.from, question.versions.through);
            places.retain(|(position, _)| {
                let version = self.at(*position).version;
                from.is_none_or(|from| version >= from)
                    && through.is_none_or(|through| version <= through)
            });
        }
        if question.descending {
            places.reverse();
        }
        places.truncate(usize::try_from(question.limit).unwrap());
        places
    }

    /// Panics unless an event that the store has shown is the one of its position, exactly, and is seen in
    /// one of these ways.
    pub(super) fn check_shown(&self, shown: &RecordedEvent, allowed: &[Option<Removal>]) {
        assert!(
            allowed.contains(&shown.removed),
            "{:?} instead of one of {allowed:?}: {shown:?}",
            shown.removed
        );
        let event = self.at(shown.position.get());
        let has_payload = shown.data.is_some() || shown.metadata.is_some();
        assert_eq!(has_payload, shown.removed.is_none(), "{shown:?}");
        assert_eq!(shown.stream.as_str(), event.stream, "{shown:?}");
        assert_eq!(shown.stream_version, event.version, "{shown:?}");
        assert_eq!(shown.event_type.as_str(), event.event_type, "{shown:?}");
        assert_eq!(
            shown.guild_id.as_deref(),
            event.guild.as_deref(),
            "{shown:?}"
        );
        // The API tells of a removed event nothing that its metadata says.
        if has_payload || shown.actor_id.is_some() {
            let actors = (shown.actor_id.as_deref(), event.actor.as_deref());
            assert_eq!(actors.0, actors.1, "{shown:?}");
        }
        if let Some(id) = event.id {
            assert_eq!(shown.event_id, id, "{shown:?}");
        }
        if let Some(data) = &shown.data {
            self.check_payload(shown, data);
        }
    }

    fn check_payload(&self, shown: &RecordedEvent, data: &Arc<str>) {
        let event = self.at(shown.position.get());
        if event.is_reserved() && !event.data.is_empty() {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(value(data), value(&event.data), "{shown:?}");
        } else if !event.is_reserved() {
            assert_eq!(data.as_ref(), event.data, "{shown:?}");
        }
        if let Some(metadata) = &event.metadata {
            assert_eq!(
                shown.metadata.as_deref(),
                Some(metadata.as_str()),
                "{shown:?}"
            );
        }
    }
}

/// Where the events of a page are, and how they are seen.
pub(super) fn places_of(events: &[Arc<RecordedEvent>]) -> Vec<Place> {
    let places = events.iter();
    places
        .map(|event| (event.position.get(), event.removed))
        .collect()
}
