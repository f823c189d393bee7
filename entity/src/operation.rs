//! One row per long-running operation of the store.

use sea_orm::entity::prelude::*;

/// An operation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    /// Its id, chosen by the caller or minted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it does, for example `scavenge`.
    pub kind: String,
    /// 0 waiting, 1 running, 2 succeeded, 3 failed, 4 cancelled.
    pub state: i32,
    /// What it was asked for, as JSON.
    pub arguments: String,
    /// Units of work that are done.
    pub done: i64,
    /// Units of work in all, once that is known.
    pub total: Option<i64>,
    /// The last key that is done with: where another node goes on.
    pub resume_after: i64,
    /// What it came to, as JSON.
    pub result: Option<String>,
    /// Why it failed, in words for its caller.
    pub error: Option<String>,
    /// The node that works at it.
    pub node_id: Option<Uuid>,
    /// When that node last said so; milliseconds since 1970-01-01 UTC by the database's clock.
    pub heartbeat_at: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub started_at: Option<i64>,
    /// Milliseconds since 1970-01-01 UTC.
    pub finished_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
