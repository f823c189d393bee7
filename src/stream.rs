//! Streams: their names, their state, and what a reader sees of them.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// The longest stream name, in bytes.
pub const MAX_STREAM_NAME_BYTES: usize = 160;
/// The longest id part of a stream name, in bytes.
pub const MAX_STREAM_ID_BYTES: usize = 120;

/// A stream's name: `category-id`, split at the first hyphen.
///
/// Category: `[a-z][a-z0-9_]*`. Id: `[A-Za-z0-9_.:-]{1,120}`. At most 160 bytes, case-sensitive. Names that
/// begin with `$` belong to the store and cannot be parsed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    name: Arc<str>,
    category_bytes: usize,
}

impl StreamName {
    /// Parses a name, or says which rule it breaks and what would be right.
    pub fn parse(name: &str) -> Result<Self, InvalidStreamName> {
        let refuse = |problem| {
            Err(InvalidStreamName {
                name: shown(name),
                problem,
            })
        };
        if name.starts_with('$') {
            return refuse("names that begin with `$` are reserved for the store");
        }
        if name.len() > MAX_STREAM_NAME_BYTES {
            return refuse("it is longer than 160 bytes");
        }
        let Some((category, id)) = name.split_once('-') else {
            return refuse("it has no hyphen between category and id");
        };
        if !is_category(category) {
            return refuse("its category (before the first hyphen) is not [a-z][a-z0-9_]*");
        }
        let id_is_legal = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte));
        if id.is_empty() || id.len() > MAX_STREAM_ID_BYTES || !id_is_legal {
            return refuse("its id (after the first hyphen) is not [A-Za-z0-9_.:-]{1,120}");
        }
        Ok(Self {
            name: name.into(),
            category_bytes: category.len(),
        })
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
    /// Its own length limit, where it differs from the server's.
    pub max_events: Option<i32>,
    /// When its first event was recorded.
    pub created_at: DateTime<Utc>,
    /// When its latest event was recorded.
    pub updated_at: DateTime<Utc>,
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
    fn the_longest_legal_name_is_legal() {
        assert!(StreamName::parse(&format!("{}-{}", "c".repeat(39), "x".repeat(120))).is_ok());
    }
}
