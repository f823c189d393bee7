//! Streams: their names, their state, and what a reader sees of them.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::event::{EventType, RecordedEvent, Removal};
use crate::position::Position;

/// The longest stream name, in bytes.
pub const MAX_STREAM_NAME_BYTES: usize = 160;
/// The longest id part of a stream name, in bytes.
pub const MAX_STREAM_ID_BYTES: usize = 120;

/// A stream's name: `category-id`, split at the first hyphen.
///
/// Category: `[a-z][a-z0-9_]*`. Id: `[A-Za-z0-9_.:-]{1,120}`. At most 160 bytes, case-sensitive. Names that
/// begin with `$` belong to the store: nobody else appends to them, and they are read with
/// [`parse_any`](Self::parse_any).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    name: Arc<str>,
    category_bytes: usize,
}

impl StreamName {
    /// Parses a name, or says which rule it breaks and what would be right.
    pub fn parse(name: &str) -> Result<Self, InvalidStreamName> {
        if name.starts_with(RESERVED) {
            return Err(InvalidStreamName {
                name: shown(name),
                problem: "names that begin with `$` are reserved for the store",
            });
        }
        Self::parse_ordinary(name)
    }

    /// Parses the name of a stream to be read, which may be one of the store's own.
    pub fn parse_any(name: &str) -> Result<Self, InvalidStreamName> {
        let Some(reserved) = name.strip_prefix(RESERVED) else {
            return Self::parse_ordinary(name);
        };
        let problem = "reserved names are $category-id, for example $stream-game-42";
        let invalid = || InvalidStreamName {
            name: shown(name),
            problem,
        };
        let (category, id) = reserved.split_once('-').ok_or_else(invalid)?;
        let is_legal =
            is_category(category) && is_id(id) && name.len() <= MAX_RESERVED_STREAM_NAME_BYTES;
        is_legal
            .then(|| Self::from_stored(name))
            .ok_or_else(invalid)
    }

    fn parse_ordinary(name: &str) -> Result<Self, InvalidStreamName> {
        let refuse = |problem| {
            Err(InvalidStreamName {
                name: shown(name),
                problem,
            })
        };
        if name.len() > MAX_STREAM_NAME_BYTES {
            return refuse("it is longer than 160 bytes");
        }
        let Some((category, id)) = name.split_once('-') else {
            return refuse("it has no hyphen between category and id");
        };
        if !is_category(category) {
            return refuse("its category (before the first hyphen) is not [a-z][a-z0-9_]*");
        }
        if id.len() > MAX_STREAM_ID_BYTES || !is_id(id) {
            return refuse("its id (after the first hyphen) is not [A-Za-z0-9_.:-]{1,120}");
        }
        Ok(Self {
            name: name.into(),
            category_bytes: category.len(),
        })
    }

    /// The reserved stream that holds the life of this one: its deletions, its metadata and the like.
    #[must_use]
    pub fn life(&self) -> Self {
        Self::from_stored(&format!("{LIFE_PREFIX}{}", self.name))
    }

    /// The stream whose life this reserved stream holds, if it is one.
    #[must_use]
    pub fn lives(&self) -> Option<Self> {
        self.name.strip_prefix(LIFE_PREFIX).map(Self::from_stored)
    }

    /// The reserved stream of an operation of the store.
    #[must_use]
    pub fn of_operation(id: Uuid) -> Self {
        Self::from_stored(&format!("$operation-{id}"))
    }

    /// The reserved stream that holds what is registered about an event type.
    #[must_use]
    pub fn of_event_type(event_type: &EventType) -> Self {
        Self::from_stored(&format!("{TYPE_PREFIX}{event_type}"))
    }

    /// The event type whose registrations this reserved stream holds, if it is one.
    #[must_use]
    pub fn registers(&self) -> Option<EventType> {
        let event_type = self.name.strip_prefix(TYPE_PREFIX)?;
        Some(EventType::from_stored(event_type))
    }

    /// Whether the stream belongs to the store.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.name.starts_with(RESERVED)
    }

    /// A name as the database holds it, which was parsed before it was stored.
    #[must_use]
    pub(crate) fn from_stored(name: &str) -> Self {
        let category_bytes = name.find('-').unwrap_or(name.len());
        Self {
            name: name.into(),
            category_bytes,
        }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The part before the first hyphen.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.name[..self.category_bytes]
    }
}

/// What the names of the store's own streams, categories and event types begin with.
pub const RESERVED: char = '$';
/// The longest name of a reserved stream, in bytes: it may hold the name of another stream.
pub const MAX_RESERVED_STREAM_NAME_BYTES: usize = LIFE_PREFIX.len() + MAX_STREAM_NAME_BYTES;
/// The category of the reserved streams that hold registrations of event types.
pub const TYPE_CATEGORY: &str = "$type";
const LIFE_PREFIX: &str = "$stream-";
const TYPE_PREFIX: &str = "$type-";

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// Whether a text is a legal category: `[a-z][a-z0-9_]*`.
#[must_use]
pub fn is_category(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl fmt::Display for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, formatter)
    }
}

/// A text that is not a stream name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a stream name: {problem}. A name is category-id, for example \
     `game-01958b87-26e2-7ec9-9dcd-35f0c7fde805`."
)]
pub struct InvalidStreamName {
    /// What was given, cut to a readable length.
    name: String,
    problem: &'static str,
}

/// At most 200 characters of a client's text, for use in a message.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// Takes events.
    Open,
    /// Soft-deleted; the next append reopens it.
    Deleted,
    /// Read-only.
    Archived,
    /// Ended for ever.
    Tombstoned,
}

impl StreamStatus {
    /// What a list of streams shows where nothing else is asked for (rule L4).
    pub const UNARCHIVED: [Self; 3] = [Self::Open, Self::Deleted, Self::Tombstoned];

    /// The number that stands in the database.
    #[must_use]
    pub(crate) const fn stored(self) -> i32 {
        match self {
            Self::Open => 0,
            Self::Deleted => 1,
            Self::Archived => 2,
            Self::Tombstoned => 3,
        }
    }

    /// The status behind a number of the database; `None` for a number that no version of this store wrote.
    #[must_use]
    pub(crate) const fn from_stored(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Open),
            1 => Some(Self::Deleted),
            2 => Some(Self::Archived),
            3 => Some(Self::Tombstoned),
            _ => None,
        }
    }
}

/// A stream as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Internal number; joins the tables and never leaves the server.
    pub id: i64,
    /// Its name.
    pub name: StreamName,
    /// The number of events ever appended; 0 = none.
    pub version: i32,
    /// Where it is in its life.
    pub status: StreamStatus,
    /// The guild of its first event, fixed for ever (rule O8).
    pub guild_id: Option<Arc<str>>,
    /// Events up to this version are hidden from readers; 0 = none.
    pub hidden_through: i32,
    /// Its last deletion hid the events up to this version; 0 = it was never deleted.
    pub deleted_through: i32,
    /// Its own length limit, where it differs from the server's.
    pub max_events: Option<i32>,
    /// Which of its events are kept.
    pub retention: Retention,
    /// How often its metadata was set; 0 = never.
    pub metadata_version: i32,
    /// The position of the event that set it last.
    pub metadata_position: Option<Position>,
    /// When it began to exist: with its first event, or with its metadata.
    pub created_at: DateTime<Utc>,
    /// When its latest event was recorded.
    pub updated_at: DateTime<Utc>,
}

/// Which events of a stream are kept; what is not kept is hidden at once (rules L1 and L5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Events older than this, in milliseconds, are hidden.
    pub max_age_ms: Option<i64>,
    /// Only this many of the latest events are not hidden.
    pub max_count: Option<i32>,
    /// Events before this version are hidden.
    pub truncate_before: Option<i32>,
}

impl Stream {
    /// Whether nothing of it is hidden by time or by number as it grows.
    #[must_use]
    pub fn keeps_everything(&self) -> bool {
        self.retention.max_age_ms.is_none() && self.retention.max_count.is_none()
    }

    /// One of its events as it is shown now, also if it was hidden after it was read.
    pub(crate) fn show(&self, event: Arc<RecordedEvent>) -> Arc<RecordedEvent> {
        if event.removed.is_some() || event.stream_version > self.hidden_through {
            return event.shown();
        }
        let removed = if self.status == StreamStatus::Tombstoned {
            Removal::Tombstoned
        } else if event.stream_version <= self.deleted_through {
            Removal::Deleted
        } else {
            Removal::Retention
        };
        Arc::new(RecordedEvent {
            removed: Some(removed),
            ..RecordedEvent::clone(&event)
        })
        .shown()
    }

    /// Hides what the retention hides by count and version. What is hidden stays hidden, also if the
    /// retention keeps more later: a reader may rely on it, and a scavenge may have removed it.
    pub(crate) fn hide_by_retention(&mut self) {
        let truncated = self.retention.truncate_before.map(|before| before - 1);
        let counted = self.retention.max_count.map(|count| self.version - count);
        let hidden = truncated.max(counted).unwrap_or(0).min(self.version);
        self.hidden_through = self.hidden_through.max(hidden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_splits_at_its_first_hyphen() {
        let name = StreamName::parse("game-01958b87-26e2").expect("legal");
        assert_eq!(name.category(), "game");
        assert_eq!(name.as_str(), "game-01958b87-26e2");
    }

    #[test]
    fn what_breaks_a_rule_is_refused_with_that_rule() {
        let too_long = format!("game-{}", "x".repeat(121));
        let far_too_long = format!("{}-{}", "c".repeat(60), "x".repeat(100));
        for (name, rule) in [
            ("", "no hyphen"),
            ("game", "no hyphen"),
            ("$streams-1", "reserved"),
            ("Game-1", "category"),
            ("1game-1", "category"),
            ("-1", "category"),
            ("game-", "its id"),
            ("game-a b", "its id"),
            ("game-ä", "its id"),
            (too_long.as_str(), "its id"),
            (far_too_long.as_str(), "longer than 160"),
        ] {
            let error = StreamName::parse(name).expect_err(name).to_string();
            assert!(error.contains(rule), "{name}: {error}");
        }
    }

    #[test]
    fn reserved_names_are_read_and_never_appended_to() {
        let game = StreamName::parse("game-42").expect("legal");
        let life = game.life();
        assert_eq!(
            (life.as_str(), life.category()),
            ("$stream-game-42", "$stream")
        );
        assert_eq!(StreamName::parse_any("$stream-game-42"), Ok(life.clone()));
        assert!(life.is_reserved() && !game.is_reserved());
        assert_eq!((life.lives(), game.lives()), (Some(game.clone()), None));
        assert!(StreamName::parse("$stream-game-42").is_err());
        for name in [
            "$",
            "$stream",
            "$-1",
            "$stream-",
            "$stream-a b",
            "$Stream-1",
        ] {
            assert!(StreamName::parse_any(name).is_err(), "{name}");
        }
        let longest = StreamName::parse(&format!("{}-{}", "c".repeat(39), "x".repeat(120)));
        assert!(StreamName::parse_any(longest.expect("legal").life().as_str()).is_ok());
    }

    #[test]
    fn the_longest_legal_name_is_legal() {
        assert!(StreamName::parse(&format!("{}-{}", "c".repeat(39), "x".repeat(120))).is_ok());
    }
}
