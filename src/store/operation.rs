//! Long-running operations: work that outlives the request that asked for it.
//!
//! An operation is a row that says what is wanted, how far it is and who works at it. Its start, its end
//! and its cancellation go through the committer like an append: each is an event, with actor, in the
//! reserved stream `$operation-<id>`, in the same commit as the row. The work itself runs beside the log:
//! each node has a runner that takes the oldest operation that nobody works at, and goes on where the last
//! one stopped.

mod change;
mod lease;
mod request;
mod row;
mod runner;
mod watch;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use change::{Judged, Operations};
pub(super) use lease::{Lease, Step, WorkError};
pub(super) use request::PreparedOperation;
pub(super) use row::{find, operation_of, select_operations, write};
pub(super) use runner::RunnerHandle;

use crate::stream::StreamName;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Removes the payloads of hidden events.
    Scavenge,
}

/// Where an operation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// No node works at it.
    Waiting,
    /// A node works at it.
    Running,
    /// It did what it was asked for.
    Succeeded,
    /// It gave up; `error` says why.
    Failed,
    /// Somebody cancelled it. What it had done stays done.
    Cancelled,
}

/// What an operation was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationArguments {
    /// Which streams to scavenge.
    Scavenge(ScavengeArguments),
}

/// Which streams to scavenge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScavengeArguments {
    /// The name of the only stream; `None` = every stream that has something to remove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// What an operation came to, or has come to so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// What was removed.
    Scavenge(ScavengeResult),
}

/// What a scavenge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScavengeResult {
    /// The streams that it is done with, of those that had something to remove.
    pub streams: i64,
    /// The events whose payloads it removed.
    pub events: i64,
    /// The bytes of their data and metadata.
    pub bytes: i64,
}

/// A long-running operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id, chosen by the caller or minted.
    pub id: Uuid,
    /// What it was asked for.
    pub arguments: OperationArguments,
    /// Where it is in its life.
    pub state: OperationState,
    /// Units of work that are done: of a scavenge, events.
    pub done: i64,
    /// Units of work in all, once a node has counted them.
    pub total: Option<i64>,
    /// What it came to so far; complete once it has ended. `None` until something is done.
    pub result: Option<OperationResult>,
    /// Why it failed, in words for its caller.
    pub error: Option<String>,
    /// The node that works at it, or worked at it last.
    pub node_id: Option<Uuid>,
    /// When that node last said so, by the database's clock.
    pub heartbeat_at: DateTime<Utc>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a node first began with it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, however it did.
    pub finished_at: Option<DateTime<Utc>>,
    /// The last key that is done with: where a node goes on.
    pub(super) resume_after: i64,
}

/// A request for a scavenge.
#[derive(Clone, Debug, Default)]
pub struct StartScavenge {
    /// The caller's id of the operation: the same request under the same id starts nothing twice.
    pub operation_id: Option<Uuid>,
    /// The name of the only stream to scavenge, not yet looked at.
    pub stream: Option<String>,
    /// Who asks, and why: JSON text as sent, with the keys of an event's metadata.
    pub metadata: Option<String>,
}

/// An operation that was asked for.
#[derive(Clone, Debug)]
pub struct OperationStarted {
    /// The operation.
    pub operation: Operation,
    /// Whether it was there already, so that this request started nothing.
    pub duplicate: bool,
}

/// How operations run.
#[derive(Clone, Copy, Debug)]
pub struct OperationOptions {
    /// How often a node without work looks for some.
    pub poll: Duration,
    /// A node that gave no sign of life for this long has lost its operation to any other.
    pub takeover_after: Duration,
    /// How often a watched operation is looked at.
    pub watch: Duration,
    /// The most operations that wait or run at a time.
    pub max_unfinished: usize,
}

impl OperationKind {
    /// The text that stands in the database.
    #[must_use]
    pub(super) const fn stored(self) -> &'static str {
        match self {
            Self::Scavenge => "scavenge",
        }
    }

    /// The kind behind a text of the database; `None` for one that no version of this store wrote.
    #[must_use]
    pub(super) fn from_stored(text: &str) -> Option<Self> {
        match text {
            "scavenge" => Some(Self::Scavenge),
            _ => None,
        }
    }
}

impl OperationState {
    /// Whether nothing more will happen to the operation.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }

    /// The number that stands in the database.
    #[must_use]
    pub(super) const fn stored(self) -> i32 {
        match self {
            Self::Waiting => 0,
            Self::Running => 1,
            Self::Succeeded => 2,
            Self::Failed => 3,
            Self::Cancelled => 4,
        }
    }

    /// The state behind a number of the database; `None` for one that no version of this store wrote.
    #[must_use]
    pub(super) const fn from_stored(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Waiting),
            1 => Some(Self::Running),
            2 => Some(Self::Succeeded),
            3 => Some(Self::Failed),
            4 => Some(Self::Cancelled),
            _ => None,
        }
    }
}

impl OperationArguments {
    /// What the operation does.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::Scavenge(_) => OperationKind::Scavenge,
        }
    }
}

impl Operation {
    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        self.arguments.kind()
    }

    /// The reserved stream that holds its start and its end as events.
    #[must_use]
    pub fn stream_name(&self) -> StreamName {
        StreamName::of_operation(self.id)
    }

    /// Whether a watcher has nothing new to see in `other`: signs of life alone are no news.
    #[must_use]
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        let at_one_time = Self {
            heartbeat_at: other.heartbeat_at,
            ..self.clone()
        };
        at_one_time == *other
    }
}
