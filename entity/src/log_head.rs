//! The one row that describes the log as a whole; locking it serialises appends.

use sea_orm::entity::prelude::*;

/// The head of the log.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Names this log; part of every cursor, so that a cursor of another store is recognised.
    pub store_id: Uuid,
    /// The greatest committed position; 0 while the log is empty.
    pub position: i64,
    /// The hash of the event at `position`; 32 zero bytes while the log is empty.
    pub hash: Vec<u8>,
    /// `recorded_at` of the event at `position`, in milliseconds since 1970-01-01 UTC.
    pub recorded_at: i64,
    /// The id that the next new stream gets.
    pub next_stream_id: i64,
}

impl ActiveModelBehavior for ActiveModel {}
