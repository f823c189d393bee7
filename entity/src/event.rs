//! One row per event; never changed, never deleted.

use sea_orm::entity::prelude::*;

/// An event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// The place in the whole log: dense from 1, in commit order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The client's UUID.
    #[sea_orm(unique)]
    pub event_id: Uuid,
    /// The stream's internal number.
    pub stream_id: i64,
    /// The place in the stream: dense from 1.
    pub stream_version: i32,
    /// Copied from the stream, for the filter.
    pub category: String,
    /// Copied from the stream, for the filter and for every scope.
    pub guild_id: Option<String>,
    /// The kind of event.
    pub event_type: String,
    /// The version of the shape of `data`.
    pub schema_version: i32,
    /// JSON text, exactly as accepted; null once the payload is removed.
    pub data: Option<String>,
    /// JSON text, exactly as accepted; null once the payload is removed.
    pub metadata: Option<String>,
    /// 16 random bytes that go into `content_hash`; null once the payload is removed.
    pub salt: Option<Vec<u8>>,
    /// `metadata.correlation_id`, or the event's own id where there is none.
    pub correlation_id: String,
    /// `metadata.causation_id`.
    pub causation_id: Option<String>,
    /// `metadata.actor_id`.
    pub actor_id: Option<String>,
    /// Milliseconds since 1970-01-01 UTC; never decreases along the log.
    pub recorded_at: i64,
    /// SHA-256 of salt, type, schema version, data and metadata.
    pub content_hash: Vec<u8>,
    /// SHA-256 of the previous event's hash, position, stream, version, id, time and content hash.
    pub hash: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
