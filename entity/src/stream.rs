//! One row per stream.

use sea_orm::entity::prelude::*;

/// A stream.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "streams")]
pub struct Model {
    /// Internal number; never leaves the store.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// `category-id`.
    #[sea_orm(unique)]
    pub name: String,
    /// The part of the name before its first hyphen.
    pub category: String,
    /// The guild of the stream's first event, fixed for ever.
    pub guild_id: Option<String>,
    /// The number of events ever appended.
    pub version: i32,
    /// 0 open, 1 deleted, 2 archived, 3 tombstoned.
    pub status: i32,
    /// Events up to this version are hidden from readers.
    pub hidden_through: i32,
    /// The length limit of this stream, where it differs from the server's.
    pub max_events: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub updated_at: i64,
    /// The last soft deletion hid the events up to this version.
    pub deleted_through: i32,
    /// Events that are older than this, in milliseconds, are hidden.
    pub max_age_ms: Option<i64>,
    /// Only this many of the latest events are not hidden.
    pub max_count: Option<i32>,
    /// Events before this version are hidden.
    pub truncate_before: Option<i32>,
    /// How often the stream's metadata was set.
    pub metadata_version: i32,
    /// The position of the event that set it last.
    pub metadata_position: Option<i64>,
    /// The payloads of the events up to this version are removed; written by the scavenger alone.
    pub scavenged_through: i32,
}

impl ActiveModelBehavior for ActiveModel {}
