//! Events: as a client proposes them and as the log holds them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::json_text::JsonText;
use crate::position::Position;
use crate::stream::{RESERVED, StreamName, shown};

/// The longest event type, in bytes.
pub const MAX_EVENT_TYPE_BYTES: usize = 64;
/// The longest indexed metadata value (correlation, causation, actor) and guild id, in characters (rule A9).
pub const MAX_INDEXED_CHARACTERS: usize = 128;

/// The kind of an event: `[a-z][a-z0-9_]{0,63}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Arc<str>);

impl EventType {
    /// Parses a type, or says what a type looks like.
    pub fn parse(text: &str) -> Result<Self, InvalidEventType> {
        let legal = text.len() <= MAX_EVENT_TYPE_BYTES && crate::stream::is_category(text);
        if legal {
            Ok(Self(text.into()))
        } else {
            Err(InvalidEventType(shown(text)))
        }
    }

    /// Parses a type to look for, which may be one of the store's own.
    pub fn parse_any(text: &str) -> Result<Self, InvalidEventType> {
        match text.strip_prefix(RESERVED) {
            Some(reserved) => Self::parse(reserved).map(|_| Self(text.into())),
            None => Self::parse(text),
        }
    }

    /// A type as the database holds it.
    #[must_use]
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// A text that is not an event type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an event type: it must be [a-z][a-z0-9_]{{0,63}}, for example `guess_processed`."
)]
pub struct InvalidEventType(String);

/// An event as a client proposes it, not yet looked at.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The client's id; required where the expected version cannot recognise a retry.
    pub event_id: Option<Uuid>,
    /// The kind.
    pub event_type: String,
    /// The version of the shape of `data`; 1 when absent, for ever.
    pub schema_version: Option<i32>,
    /// JSON text as sent.
    pub data: String,
    /// JSON text as sent.
    pub metadata: Option<String>,
}

/// A new event whose shape is known to be right.
#[derive(Clone, Debug)]
pub struct PreparedEvent {
    /// The client's id, or one that the server minted.
    pub event_id: Uuid,
    /// Whether the server minted the id, so that no earlier request can have stored it.
    pub id_is_minted: bool,
    /// The kind.
    pub event_type: EventType,
    /// The version of the shape of `data`.
    pub schema_version: i32,
    /// The payload, compact.
    pub data: JsonText,
    /// The metadata, compact; `{}` where none was sent.
    pub metadata: JsonText,
    /// `data.guild_id`.
    pub guild_id: Option<Arc<str>>,
    /// `metadata.correlation_id`, or the event's own id.
    pub correlation_id: Arc<str>,
    /// `metadata.causation_id`, in the form of [`cause_key`].
    pub causation_id: Option<Arc<str>>,
    /// `metadata.actor_id`.
    pub actor_id: Option<Arc<str>>,
}

/// The form in which a cause is looked up: the id of an event as the store writes it, however the caller has
/// written it, and any other text as it is.
#[must_use]
pub fn cause_key(causation_id: &str) -> Cow<'_, str> {
    match Uuid::try_parse(causation_id) {
        Ok(id) => id.to_string().into(),
        Err(_) => causation_id.into(),
    }
}

impl PreparedEvent {
    /// Bytes of compact data and metadata: what the size limits count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + self.metadata.len()
    }

    /// The content hash under `salt`.
    #[must_use]
    pub fn content_hash(&self, salt: &Salt) -> Hash {
        content_hash(
            salt,
            self.event_type.as_str(),
            self.schema_version,
            &self.data,
            &self.metadata,
        )
    }
}

/// 16 random bytes: without them nobody can test a guess about a removed payload against its hash.
pub type Salt = [u8; 16];
/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the whole log.
    pub position: Position,
    /// The client's UUID.
    pub event_id: Uuid,
    /// The internal number of its stream.
    pub stream_id: i64,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream, from 1.
    pub stream_version: i32,
    /// The kind.
    pub event_type: EventType,
    /// The version of the shape of `data`, as stored.
    pub schema_version: i32,
    /// The payload's JSON text; `None` once it is removed.
    pub data: Option<Arc<str>>,
    /// The metadata's JSON text; `None` once it is removed.
    pub metadata: Option<Arc<str>>,
    /// The salt of the content hash; `None` once the payload is removed.
    pub salt: Option<Salt>,
    /// The guild of its stream.
    pub guild_id: Option<Arc<str>>,
    /// The conversation that it belongs to.
    pub correlation_id: Arc<str>,
    /// What caused it: an event id, in the form of [`cause_key`], or an id outside the store.
    pub causation_id: Option<Arc<str>>,
    /// Who caused it.
    pub actor_id: Option<Arc<str>>,
    /// Why the payload is not shown; `None` where it is.
    pub removed: Option<Removal>,
    /// When the store recorded it; never decreases along the log.
    pub recorded_at: DateTime<Utc>,
    /// Hash of salt, type, schema version, data and metadata.
    pub content_hash: Hash,
    /// This link of the chain along the log.
    pub hash: Hash,
}

/// Why an event's payload is not shown. Its position, id and hashes stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is older, or further back, than its stream keeps.
    Retention,
    /// Its stream was deleted after it.
    Deleted,
    /// Its stream was ended for ever.
    Tombstoned,
    /// Its payload is gone from the tables as well.
    Scavenged,
}

/// The types of the events that the store writes about streams, into [`StreamName::life`].
pub mod life {
    /// The events up to its `version` are hidden; an append reopens the stream.
    pub const DELETED: &str = "$stream_deleted";
    /// An append has reopened a deleted stream.
    pub const REOPENED: &str = "$stream_reopened";
    /// All events are hidden, and there will be no others.
    pub const TOMBSTONED: &str = "$stream_tombstoned";
    /// The stream is read-only.
    pub const ARCHIVED: &str = "$stream_archived";
    /// The stream takes events again.
    pub const UNARCHIVED: &str = "$stream_unarchived";
    /// The stream's metadata was set, as a whole.
    pub const METADATA_SET: &str = "$stream_metadata_set";
}

impl RecordedEvent {
    /// The stream whose events this event has hidden from readers, if it has.
    #[must_use]
    pub fn hides_others_of(&self) -> Option<StreamName> {
        let types = [life::DELETED, life::TOMBSTONED, life::METADATA_SET];
        let stream = self.stream.lives()?;
        types.contains(&self.event_type.as_str()).then_some(stream)
    }

    /// The event as readers see it: without payload and metadata, where they are hidden.
    #[must_use]
    pub fn shown(self: Arc<Self>) -> Arc<Self> {
        if self.removed.is_none() || (self.data.is_none() && self.metadata.is_none()) {
            return self;
        }
        Arc::new(Self {
            data: None,
            metadata: None,
            ..Self::clone(&self)
        })
    }
}

/// SHA-256 over salt, type, schema version (8 bytes, big-endian), data and metadata, each text preceded by
/// its length in bytes (8 bytes, big-endian), so that no two contents share one input (rule O9).
#[must_use]
pub fn content_hash(
    salt: &Salt,
    event_type: &str,
    schema_version: i32,
    data: &str,
    metadata: &str,
) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    update_text(&mut hasher, event_type);
    hasher.update(i64::from(schema_version).to_be_bytes());
    update_text(&mut hasher, data);
    update_text(&mut hasher, metadata);
    hasher.finalize().into()
}

/// What one link of the hash chain covers.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The hash of the event at the position before; 32 zero bytes at position 1.
    pub previous: &'a Hash,
    /// The event's position.
    pub position: Position,
    /// The event's stream.
    pub stream: &'a str,
    /// The event's version in its stream.
    pub stream_version: i32,
    /// The event's id.
    pub event_id: Uuid,
    /// Milliseconds since 1970-01-01 UTC.
    pub recorded_at: i64,
    /// The event's content hash.
    pub content_hash: &'a Hash,
}

impl Link<'_> {
    /// SHA-256 over the fields in their order: hashes and id as they are, numbers as 8 bytes big-endian,
    /// the stream's name preceded by its length (rule O9).
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(self.previous);
        hasher.update(self.position.get().to_be_bytes());
        update_text(&mut hasher, self.stream);
        hasher.update(i64::from(self.stream_version).to_be_bytes());
        hasher.update(self.event_id.as_bytes());
        hasher.update(self.recorded_at.to_be_bytes());
        hasher.update(self.content_hash);
        hasher.finalize().into()
    }
}

fn update_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}
