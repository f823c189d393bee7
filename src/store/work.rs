//! What the committer does for its callers.

use std::collections::HashSet;

use uuid::Uuid;

use super::append::PreparedAppend;
use super::change::PreparedChange;
use super::operation::PreparedOperation;
use super::registrations::PreparedTypeChange;
use crate::stream::StreamName;

/// A request whose shape is right, and which is judged and written as a whole.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Events for streams.
    Append(PreparedAppend),
    /// A change of a stream's life.
    Change(PreparedChange),
    /// The start or the end of a long-running operation.
    Operation(PreparedOperation),
    /// A registration about an event type.
    Type(PreparedTypeChange),
}

/// What a change, an operation or a registration costs in the queue, beside its own bytes: it writes one event.
const CHANGE_OVERHEAD_BYTES: usize = 1024;

impl Work {
    /// The events that it writes at least.
    pub(super) fn event_count(&self) -> usize {
        match self {
            Self::Append(append) => append.event_count(),
            Self::Change(_) | Self::Operation(_) | Self::Type(_) => 1,
        }
    }

    /// The bytes of data and metadata that it writes at least.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.bytes(),
            Self::Change(change) => change.bytes(),
            Self::Operation(operation) => operation.bytes(),
            Self::Type(change) => change.event.bytes(),
        }
    }

    /// What the request occupies while it waits.
    pub(super) fn queue_bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.queue_bytes(),
            Self::Change(_) | Self::Operation(_) | Self::Type(_) => {
                self.bytes() + CHANGE_OVERHEAD_BYTES
            }
        }
    }

    /// Adds the names of the streams that its judgement looks at.
    pub(super) fn add_names(&self, names: &mut HashSet<StreamName>) {
        match self {
            Self::Append(append) => {
                names.extend(append.streams.iter().map(|stream| stream.name.clone()));
            }
            Self::Change(change) => names.extend([change.stream.clone(), change.stream.life()]),
            Self::Operation(operation) => names.extend([operation.stream_name()]),
            Self::Type(change) => names.extend([change.stream.clone()]),
        }
    }

    /// Adds the ids of its events.
    pub(super) fn add_ids(&self, ids: &mut Vec<Uuid>) {
        match self {
            Self::Append(append) => {
                ids.extend(append.events().map(|(_, _, event)| event.event_id));
            }
            Self::Change(change) => ids.push(change.event.event_id),
            Self::Type(change) => ids.push(change.event.event_id),
            // The operation's own row tells a retry.
            Self::Operation(_) => {}
        }
    }

    /// The operation that it starts or ends.
    pub(super) fn operation_id(&self) -> Option<Uuid> {
        match self {
            Self::Append(_) | Self::Change(_) | Self::Type(_) => None,
            Self::Operation(operation) => Some(operation.change.id()),
        }
    }
}
