//! Decides each change of an operation under the lock of the head. Pure, like the judgement of appends.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Operation, OperationArguments, OperationKind, OperationResult, OperationState};
use crate::store::refusal::{
    InputPath, InvalidInput, InvalidInputKind, LimitExceeded, LimitKind, Refusal,
};

/// What a commit does to an operation, beside the event that tells of it.
#[derive(Clone, Debug)]
pub(in crate::store) enum OperationChange {
    /// Somebody asks for it.
    Start {
        /// Chosen by the caller, or minted.
        id: Uuid,
        /// What is asked for.
        arguments: OperationArguments,
        /// The most operations that may wait or run.
        max_unfinished: usize,
    },
    /// The node that works at it has come to its end.
    End(Ending),
    /// Somebody wants it to stop.
    Cancel {
        /// The operation.
        id: Uuid,
    },
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub(in crate::store) struct Ending {
    pub(in crate::store) id: Uuid,
    pub(in crate::store) kind: OperationKind,
    /// The node that worked at it; if it is another one's by now, nothing is written.
    pub(in crate::store) node_id: Uuid,
    /// What it came to, if it succeeded; else why not, in words for its caller.
    pub(in crate::store) outcome: Result<(), String>,
    pub(in crate::store) done: i64,
    pub(in crate::store) total: Option<i64>,
    pub(in crate::store) result: Option<OperationResult>,
}

/// The operations that a group of requests may have to do with: those that are not finished, and those that
/// it names.
#[derive(Debug, Default)]
pub(in crate::store) struct Operations {
    known: HashMap<Uuid, Operation>,
    /// What is to be written, in order.
    pub(in crate::store) writes: Vec<OperationWrite>,
}

/// A row to write.
#[derive(Clone, Debug)]
pub(in crate::store) struct OperationWrite {
    /// The operation as it will be.
    pub(in crate::store) operation: Operation,
    /// What it must be until then.
    pub(in crate::store) condition: WriteCondition,
}

/// What a row must be for a write to be right. Claims and signs of life do not wait for the lock of the head,
/// so a row can change hands between judgement and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum WriteCondition {
    /// There is none.
    New,
    /// This node works at it.
    RunningAt(Uuid),
    /// It is not finished.
    Unfinished,
}

/// What is to be done about a change.
#[derive(Debug)]
pub(in crate::store) enum Judged {
    /// Nothing: the operation is what the change would make it.
    Already(Operation),
    /// Write it.
    Write(OperationWrite),
}

impl OperationChange {
    /// The operation.
    pub(in crate::store) fn id(&self) -> Uuid {
        match self {
            Self::Start { id, .. } | Self::Cancel { id } => *id,
            Self::End(ending) => ending.id,
        }
    }
}

impl Operations {
    pub(in crate::store) fn new(known: impl IntoIterator<Item = Operation>) -> Self {
        let known = known
            .into_iter()
            .map(|operation| (operation.id, operation))
            .collect();
        Self {
            known,
            writes: Vec::new(),
        }
    }

    /// Judges a change at the time `now`.
    pub(in crate::store) fn judge(
        &self,
        change: &OperationChange,
        now: DateTime<Utc>,
    ) -> Result<Judged, Refusal> {
        match change {
            OperationChange::Start {
                id,
                arguments,
                max_unfinished,
            } => self.judge_start(*id, arguments, *max_unfinished, now),
            OperationChange::End(ending) => self.judge_end(ending, now),
            OperationChange::Cancel { id } => self.judge_cancel(*id, now),
        }
    }

    /// Takes a write in, for the transaction and for the changes that are judged after it.
    pub(in crate::store) fn accept(&mut self, write: OperationWrite) {
        self.known
            .insert(write.operation.id, write.operation.clone());
        self.writes.push(write);
    }

    fn judge_start(
        &self,
        id: Uuid,
        arguments: &OperationArguments,
        max_unfinished: usize,
        now: DateTime<Utc>,
    ) -> Result<Judged, Refusal> {
        if let Some(known) = self.known.get(&id) {
            if known.arguments == *arguments {
                return Ok(Judged::Already(known.clone()));
            }
            return Err(known_id(id));
        }
        let unfinished = self
            .known
            .values()
            .filter(|known| !known.state.is_final())
            .collect::<Vec<_>>();
        if let Some(same) = unfinished
            .iter()
            // One that has begun may have passed by what the caller wants to be done.
            .filter(|known| known.arguments == *arguments && known.started_at.is_none())
            .min_by_key(|known| (known.created_at, known.id))
        {
            return Ok(Judged::Already((*same).clone()));
        }
        if unfinished.len() >= max_unfinished {
            return Err(too_many(unfinished.len(), max_unfinished));
        }
        Ok(Judged::Write(OperationWrite {
            operation: new_operation(id, arguments.clone(), now),
            condition: WriteCondition::New,
        }))
    }

    fn judge_end(&self, ending: &Ending, now: DateTime<Utc>) -> Result<Judged, Refusal> {
        let known = self.get(ending.id)?;
        if known.state != OperationState::Running || known.node_id != Some(ending.node_id) {
            // Either an earlier attempt of this very end was committed, or somebody else was faster.
            return Ok(Judged::Already(known.clone()));
        }
        let (state, error) = match &ending.outcome {
            Ok(()) => (OperationState::Succeeded, None),
            Err(reason) => (OperationState::Failed, Some(reason.clone())),
        };
        Ok(Judged::Write(OperationWrite {
            operation: Operation {
                state,
                error,
                done: ending.done,
                total: ending.total,
                result: ending.result.clone(),
                finished_at: Some(now),
                ..known.clone()
            },
            condition: WriteCondition::RunningAt(ending.node_id),
        }))
    }

    fn judge_cancel(&self, id: Uuid, now: DateTime<Utc>) -> Result<Judged, Refusal> {
        let known = self.get(id)?;
        match known.state {
            OperationState::Cancelled => Ok(Judged::Already(known.clone())),
            OperationState::Succeeded | OperationState::Failed => {
                Err(Refusal::OperationFinished(Box::new(known.clone())))
            }
            OperationState::Waiting | OperationState::Running => {
                Ok(Judged::Write(OperationWrite {
                    operation: Operation {
                        state: OperationState::Cancelled,
                        finished_at: Some(now),
                        ..known.clone()
                    },
                    condition: WriteCondition::Unfinished,
                }))
            }
        }
    }

    fn get(&self, id: Uuid) -> Result<&Operation, Refusal> {
        self.known.get(&id).ok_or(Refusal::OperationNotFound(id))
    }
}

fn new_operation(id: Uuid, arguments: OperationArguments, now: DateTime<Utc>) -> Operation {
    Operation {
        id,
        arguments,
        state: OperationState::Waiting,
        done: 0,
        total: None,
        result: None,
        error: None,
        node_id: None,
        heartbeat_at: now,
        created_at: now,
        started_at: None,
        finished_at: None,
        resume_after: 0,
    }
}

fn known_id(id: Uuid) -> Refusal {
    Refusal::InvalidInput(InvalidInput {
        kind: InvalidInputKind::Argument,
        path: InputPath::of(&["operationId"]),
        message: format!(
            "there is an operation {id} already, and it was asked for something else. Send a new request under a \
             new id; send a retry unchanged."
        ),
    })
}

fn too_many(found: usize, limit: usize) -> Refusal {
    Refusal::LimitExceeded(LimitExceeded {
        kind: LimitKind::UnfinishedOperations,
        path: InputPath::of(&["operationId"]),
        value: found as u64,
        limit: limit as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::operation::ScavengeArguments;

    const NODE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const ID: Uuid = Uuid::from_u128(3);

    fn operation(state: OperationState, node_id: Option<Uuid>) -> Operation {
        let arguments = OperationArguments::Scavenge(ScavengeArguments::default());
        Operation {
            state,
            node_id,
            ..new_operation(ID, arguments, DateTime::UNIX_EPOCH)
        }
    }

    fn end(known: Operation) -> Judged {
        let ending = Ending {
            id: ID,
            kind: OperationKind::Scavenge,
            node_id: NODE,
            outcome: Ok(()),
            done: 5,
            total: Some(5),
            result: None,
        };
        let operations = Operations::new([known]);
        let change = OperationChange::End(ending);
        let judged = operations.judge(&change, DateTime::UNIX_EPOCH);
        judged.expect("an end is never refused")
    }

    #[test]
    fn only_the_node_that_has_an_operation_ends_it() {
        let Judged::Write(write) = end(operation(OperationState::Running, Some(NODE))) else {
            panic!("the end must be written");
        };
        assert_eq!(write.operation.state, OperationState::Succeeded);
        assert_eq!(write.operation.done, 5);
        assert_eq!(write.condition, WriteCondition::RunningAt(NODE));
        for known in [
            operation(OperationState::Running, Some(OTHER)),
            operation(OperationState::Waiting, None),
            operation(OperationState::Cancelled, Some(NODE)),
            operation(OperationState::Succeeded, Some(NODE)),
        ] {
            match end(known.clone()) {
                Judged::Already(found) => assert_eq!(found, known),
                Judged::Write(write) => panic!("{write:?}"),
            }
        }
    }

    #[test]
    fn what_a_group_has_started_is_known_to_its_later_requests() {
        let mut operations = Operations::default();
        let start = |id| OperationChange::Start {
            id,
            arguments: OperationArguments::Scavenge(ScavengeArguments::default()),
            max_unfinished: 1,
        };
        let judged = operations.judge(&start(ID), DateTime::UNIX_EPOCH);
        let Ok(Judged::Write(write)) = judged else {
            panic!("{judged:?}");
        };
        operations.accept(write);
        match operations.judge(&start(OTHER), DateTime::UNIX_EPOCH) {
            Ok(Judged::Already(found)) => assert_eq!(found.id, ID),
            other => panic!("{other:?}"),
        }
    }
}
