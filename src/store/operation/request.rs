//! What callers ask of operations, and how it becomes work for the committer.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::change::{Ending, OperationChange};
use super::{
    Operation, OperationArguments, OperationKind, OperationResult, OperationStarted,
    ScavengeArguments, StartScavenge,
};
use crate::event::{PreparedEvent, RecordedEvent};
use crate::json_text::JsonText;
use crate::scope::Scope;
use crate::store::append::{invalid, reserved_event};
use crate::store::refusal::{AppendError, ClosedStream, InputPath, InvalidInputKind, Refusal};
use crate::store::work::Work;
use crate::store::{EventStore, ReadError};
use crate::stream::StreamName;

/// The types of the events that operations leave in their streams.
const SCAVENGE_STARTED: &str = "$scavenge_started";
const SCAVENGE_COMPLETED: &str = "$scavenge_completed";
const SCAVENGE_FAILED: &str = "$scavenge_failed";
const CANCELLED: &str = "$operation_cancelled";

/// A change of an operation, and the event that tells of it, still without its data.
#[derive(Clone, Debug)]
pub(in crate::store) struct PreparedOperation {
    pub(in crate::store) change: OperationChange,
    pub(in crate::store) event: PreparedEvent,
}

impl PreparedOperation {
    /// The end of an operation. Its event has the operation's start for its cause.
    pub(super) fn end(ending: Ending, start: Option<&RecordedEvent>) -> Result<Self, Refusal> {
        let event_type = match (ending.kind, &ending.outcome) {
            (OperationKind::Scavenge, Ok(())) => SCAVENGE_COMPLETED,
            (OperationKind::Scavenge, Err(_)) => SCAVENGE_FAILED,
        };
        let metadata = start.map(metadata_after);
        let event = reserved_event(event_type, None, metadata.as_deref())?;
        let change = OperationChange::End(ending);
        Ok(Self { change, event })
    }

    /// The bytes of what its caller sent.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.event.metadata.len()
    }

    /// The reserved stream of the operation.
    pub(in crate::store) fn stream_name(&self) -> StreamName {
        StreamName::of_operation(self.change.id())
    }
}

/// The metadata of an operation's end: caused by its start, in the same conversation, on behalf of who asked.
fn metadata_after(start: &RecordedEvent) -> String {
    let mut metadata = json!({
        "correlation_id": start.correlation_id.as_ref(),
        "causation_id": start.event_id,
    });
    if let Some(actor_id) = &start.actor_id {
        metadata["actor_id"] = actor_id.as_ref().into();
    }
    metadata.to_string()
}

impl OperationChange {
    /// The data of the event that tells of this change of an operation, which is then as given.
    pub(in crate::store) fn data(&self, operation: &Operation) -> JsonText {
        let mut data = json!({
            "operation_id": operation.id,
            "kind": operation.kind().stored(),
        });
        match self {
            Self::Start { arguments, .. } => {
                let OperationArguments::Scavenge(arguments) = arguments;
                if let Some(stream) = &arguments.stream {
                    data["stream"] = stream.as_str().into();
                }
            }
            Self::End(ending) => {
                if let Some(OperationResult::Scavenge(figures)) = &operation.result {
                    data["streams"] = figures.streams.into();
                    data["events"] = figures.events.into();
                    data["bytes"] = figures.bytes.into();
                }
                if let Err(reason) = &ending.outcome {
                    data["error"] = reason.as_str().into();
                }
            }
            Self::Cancel { .. } => {}
        }
        JsonText::from_stored(data.to_string())
    }
}

impl EventStore {
    /// Asks for a scavenge, and returns when that is durable; a node then begins with it.
    ///
    /// Safe to retry under the same id. Where the same has been asked for and has not begun yet, that one
    /// is answered. Scavenges run one after the other.
    pub async fn start_scavenge(
        &self,
        scope: &Scope,
        request: StartScavenge,
    ) -> Result<OperationStarted, AppendError> {
        let event = self.event(SCAVENGE_STARTED, request.metadata.as_deref())?;
        if let Some(stream) = &request.stream {
            self.check_stream(scope, stream).await?;
        }
        let change = OperationChange::Start {
            id: request.operation_id.unwrap_or_else(Uuid::now_v7),
            arguments: OperationArguments::Scavenge(ScavengeArguments {
                stream: request.stream,
            }),
            max_unfinished: self.options().operations.max_unfinished,
        };
        let started = self.change_operation(PreparedOperation { change, event });
        let started = started.await?;
        self.runner().wake();
        Ok(started)
    }

    /// Cancels an operation, and returns when that is durable: nothing is done for it from then on. What was
    /// done stays done. Cancelling twice is a success.
    pub async fn cancel_operation(
        &self,
        id: Uuid,
        metadata: Option<&str>,
    ) -> Result<Operation, AppendError> {
        let event = self.event(CANCELLED, metadata)?;
        let change = OperationChange::Cancel { id };
        let cancelled = self.change_operation(PreparedOperation { change, event });
        Ok(cancelled.await?.operation)
    }

    pub(super) async fn change_operation(
        &self,
        prepared: PreparedOperation,
    ) -> Result<OperationStarted, AppendError> {
        let committed = self.submit(Work::Operation(prepared)).await?;
        Ok(OperationStarted {
            operation: committed.operation.ok_or(AppendError::Fault)?,
            duplicate: committed.duplicate,
        })
    }

    /// The event that began an operation; `None` where it cannot be read.
    pub(super) async fn event_of_start(
        &self,
        id: Uuid,
    ) -> Result<Option<Arc<RecordedEvent>>, ReadError> {
        let position = self
            .position_of_version(&Scope::All, &StreamName::of_operation(id), 1)
            .await?;
        let Some(position) = position else {
            return Ok(None);
        };
        let found = self.events_at(&Scope::All, &[position]).await?;
        Ok(found.into_values().next())
    }

    fn event(
        &self,
        event_type: &'static str,
        metadata: Option<&str>,
    ) -> Result<PreparedEvent, Refusal> {
        let event = reserved_event(event_type, None, metadata)?;
        if !event.id_is_minted {
            let message = "metadata.event_id cannot be chosen for an operation. Leave it out; with `operationId` a \
                 retry of its start is recognised.";
            let path = InputPath::of(&["metadata", "event_id"]);
            return Err(invalid(
                InvalidInputKind::Argument,
                path,
                message.to_owned(),
            ));
        }
        let (bytes, limit) = (event.metadata.len(), self.options().append.max_event_bytes);
        if bytes <= limit {
            return Ok(event);
        }
        let message = format!(
            "metadata has {bytes} bytes; the limit is {limit}. Keep large contents elsewhere and refer to them."
        );
        Err(refused("metadata", InvalidInputKind::Argument, message))
    }

    async fn check_stream(&self, scope: &Scope, name: &str) -> Result<(), AppendError> {
        let name = StreamName::parse(name)
            .map_err(|error| refused("stream", InvalidInputKind::StreamName, error.to_string()))?;
        let found = self.stream(scope, &name).await;
        match found.map_err(|_| AppendError::NotWritten)? {
            Some(_) => Ok(()),
            None => Err(Refusal::StreamNotFound(ClosedStream {
                stream: name,
                path: InputPath::of(&["stream"]),
                of_change: true,
            })
            .into()),
        }
    }
}

fn refused(field: &str, kind: InvalidInputKind, message: String) -> Refusal {
    invalid(kind, InputPath::of(&[field]), message)
}
