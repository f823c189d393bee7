//! Which events a reader or a follower wants. One meaning, evaluated in SQL for pages and here for live
//! events; a property test holds the two together.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::event::RecordedEvent;
use crate::json_path::{JsonPath, JsonScalar};
use crate::stream::{RESERVED, StreamName};

/// Which events are wanted: those that satisfy every part that is set.
///
/// A list matches if one of its values does; an empty list is not set. Lists are short: the API bounds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFilter {
    /// Exactly this stream.
    pub stream: Option<StreamName>,
    /// Streams of these categories.
    pub categories: Vec<String>,
    /// Streams whose name begins with this text.
    pub stream_prefix: Option<String>,
    /// Events of these types.
    pub event_types: Vec<String>,
    /// Events of streams of these guilds.
    pub guild_ids: Vec<String>,
    /// `metadata.actor_id` is one of these.
    pub actor_ids: Vec<String>,
    /// `metadata.correlation_id` is one of these.
    pub correlation_ids: Vec<String>,
    /// `metadata.causation_id` is one of these.
    pub causation_ids: Vec<String>,
    /// Recorded at this time or later.
    pub recorded_from: Option<DateTime<Utc>>,
    /// Recorded before this time.
    pub recorded_before: Option<DateTime<Utc>>,
    /// Values inside `data` or `metadata`; not indexed.
    pub json_equals: Vec<JsonEquals>,
    /// Events of the store's own streams too, which are left out otherwise.
    pub include_reserved: bool,
    /// Events that are hidden too, as removed.
    pub include_removed: bool,
}

/// A value inside one of an event's two documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonEquals {
    /// Which document.
    pub document: Document,
    /// Where in it.
    pub path: JsonPath,
    /// What must stand there.
    pub value: JsonScalar,
}

/// One of an event's two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Document {
    /// The payload.
    Data,
    /// The metadata.
    Metadata,
}

impl EventFilter {
    /// Whether events that are hidden are shown all the same, at their positions and as removed: so are
    /// they where nothing is asked of an event (rule L5), and where somebody wants them.
    #[must_use]
    pub fn shows_removed(&self) -> bool {
        let everything = Self {
            include_reserved: self.include_reserved,
            ..Self::default()
        };
        self.include_removed || *self == everything
    }

    /// Whether events of the store's own streams are wanted: by that choice, or because a name that begins
    /// with `$` asks for them.
    #[must_use]
    pub fn wants_reserved(&self) -> bool {
        let is_reserved = |text: &String| text.starts_with(RESERVED);
        self.include_reserved
            || self.stream.as_ref().is_some_and(StreamName::is_reserved)
            || self.stream_prefix.as_ref().is_some_and(is_reserved)
            || self.categories.iter().any(is_reserved)
            || self.event_types.iter().any(is_reserved)
    }

    /// Whether this event is wanted.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        (!event.stream.is_reserved() || self.wants_reserved())
            && (event.removed.is_none() || self.shows_removed())
            && self
                .stream
                .as_ref()
                .is_none_or(|stream| *stream == event.stream)
            && among(&self.categories, Some(event.stream.category()))
            && self
                .stream_prefix
                .as_ref()
                .is_none_or(|prefix| event.stream.as_str().starts_with(prefix.as_str()))
            && among(&self.event_types, Some(event.event_type.as_str()))
            && among(&self.guild_ids, event.guild_id.as_deref())
            && among(&self.actor_ids, event.actor_id.as_deref())
            && among(&self.correlation_ids, Some(&event.correlation_id))
            && among(&self.causation_ids, event.causation_id.as_deref())
            && self
                .recorded_from
                .is_none_or(|from| event.recorded_at >= from)
            && self
                .recorded_before
                .is_none_or(|before| event.recorded_at < before)
            && self.json_equals.iter().all(|wanted| wanted.matches(event))
    }
}

impl JsonEquals {
    fn matches(&self, event: &RecordedEvent) -> bool {
        let text: Option<&Arc<str>> = match self.document {
            Document::Data => event.data.as_ref(),
            Document::Metadata => event.metadata.as_ref(),
        };
        text.is_some_and(|text| self.path.matches(text, &self.value))
    }
}

fn among(wanted: &[String], value: Option<&str>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|one| one == value))
}
