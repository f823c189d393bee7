//! What is known of a build, and how it is read from its row.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use uuid::Uuid;

use crate::position::Position;
use crate::projection::kind::ProjectionKind;
use crate::store::DatabaseError;

/// Where a build is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildState {
    /// It runs after the log beside the active build, and answers nobody.
    Building,
    /// It answers.
    Active,
    /// Another one has taken its place; its tables go when nobody can be reading them any more.
    Retired,
}

/// A copy of a projection's tables, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its number: the greater, the younger.
    pub id: i64,
    /// What it is a build of.
    pub kind: ProjectionKind,
    /// The version of the code that makes it.
    pub version: i32,
    /// Where it is in its life.
    pub state: BuildState,
    /// Everything up to this position of the log is in it, and nothing after it.
    pub position: Position,
    /// The head of the log when it began: what it must reach to take over.
    pub goal: Position,
    /// The events that were applied to it.
    pub applied: i64,
    /// The events that could not be used and were set aside.
    pub set_aside: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it became the active one.
    pub activated_at: Option<DateTime<Utc>>,
    /// When another one took its place.
    pub retired_at: Option<DateTime<Utc>>,
    /// The node that works at it, or worked at it last.
    pub node_id: Option<Uuid>,
    /// When that node last said so, by the database's clock.
    pub heartbeat_at: DateTime<Utc>,
    /// Why it stands still, and at which event; it goes on when it is told to.
    pub halted: Option<Halt>,
    /// Who asked for it; none for one that a new version of the code asked for.
    pub requested_by: Option<String>,
}

/// Why a build stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The event that could not be used.
    pub position: Position,
    /// Why not.
    pub reason: String,
}

/// An event that could not be used by a build, and was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The event.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
    /// Its stream.
    pub stream: String,
    /// Its type.
    pub event_type: String,
    /// Why it could not be used.
    pub reason: String,
    /// When it was set aside.
    pub at: DateTime<Utc>,
}

/// `None` for a projection that this version of the server does not know.
pub(super) fn build_of(row: &QueryResult) -> Result<Option<Build>, DatabaseError> {
    let name: String = row.try_get_by_index(1)?;
    let Some(kind) = ProjectionKind::of_name(&name) else {
        return Ok(None);
    };
    let state = match row.try_get_by_index::<i32>(3)? {
        0 => BuildState::Building,
        1 => BuildState::Active,
        _ => BuildState::Retired,
    };
    let halted_at: Option<i64> = row.try_get_by_index(13)?;
    let halted_reason: Option<String> = row.try_get_by_index(14)?;
    let node_id: Option<String> = row.try_get_by_index(11)?;
    Ok(Some(Build {
        id: row.try_get_by_index(0)?,
        kind,
        version: row.try_get_by_index(2)?,
        state,
        position: Position::from_stored(row.try_get_by_index(4)?),
        goal: Position::from_stored(row.try_get_by_index(5)?),
        applied: row.try_get_by_index(6)?,
        set_aside: row.try_get_by_index(7)?,
        started_at: time(row.try_get_by_index(8)?),
        activated_at: row.try_get_by_index::<Option<i64>>(9)?.map(time),
        retired_at: row.try_get_by_index::<Option<i64>>(10)?.map(time),
        node_id: node_id.and_then(|id| id.parse().ok()),
        heartbeat_at: time(row.try_get_by_index(12)?),
        halted: halted_reason.map(|reason| Halt {
            position: Position::from_stored(halted_at.unwrap_or_default()),
            reason,
        }),
        requested_by: row.try_get_by_index(15)?,
    }))
}

pub(super) fn set_aside_of(row: &QueryResult) -> Result<SetAside, DatabaseError> {
    let event_id: String = row.try_get_by_index(1)?;
    Ok(SetAside {
        position: Position::from_stored(row.try_get_by_index(0)?),
        event_id: event_id.parse().unwrap_or_default(),
        stream: row.try_get_by_index(2)?,
        event_type: row.try_get_by_index(3)?,
        reason: row.try_get_by_index(4)?,
        at: time(row.try_get_by_index(5)?),
    })
}

fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
