//! One row per snapshot of a stream; each may be deleted at any time, since the log can make it again.

use sea_orm::entity::prelude::*;

/// A snapshot.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
pub struct Model {
    /// The stream's internal number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub stream_id: i64,
    /// The version of the shape and meaning of `state`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub state_version: i32,
    /// The version of the last event that went into it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub stream_version: i32,
    /// The version of the first event that went into it.
    pub first_version: i32,
    /// `hash` of the event at `stream_version`.
    pub event_hash: Vec<u8>,
    /// JSON text.
    pub state: String,
    /// SHA-256 over everything else.
    pub checksum: Vec<u8>,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
