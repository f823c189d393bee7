//! Long-running operations: parse → call → shape.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, Union};
use uuid::Uuid;

use super::error_code::{append_error, invalid_cursor, read_error};
use super::input::empty_list;
use super::loader::Operation;
use super::node_id::NodeId;
use super::object::operation::{
    OperationConnection, OperationKindEnum, OperationObject, OperationStateEnum,
};
use super::page::{PageArguments, Rows};
use super::refusal::{
    InvalidInput, LimitExceeded, OperationFinished, OperationNotFound, Refusal, StreamNotFound,
};
use super::scalar::JsonScalar;
use crate::cursor;
use crate::store::{self, AppendError, OperationFilter, OperationQuery, StartScavenge};

/// Long-running operations.
#[derive(Default)]
pub(super) struct OperationMutation;

#[Object]
impl OperationMutation {
    /// Removes the payloads of hidden events for good: of what deletions, tombstones and the metadata of
    /// streams have hidden. Positions, ids and hashes stay, so that cursors, retries and the hash chain hold.
    /// Appends and reads go on meanwhile.
    ///
    /// It answers at once with an operation, which the subscription `operation` follows. Where
    /// the same has been asked for and has not begun yet, that one is answered. One that has begun may have
    /// passed what you want to be removed, so another one waits for its turn.
    async fn scavenge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to scavenge, and who asks.")] input: ScavengeInput,
    ) -> Result<ScavengePayload> {
        let operation = Operation::of(ctx)?;
        let request = StartScavenge {
            operation_id: input.operation_id,
            stream: input.stream,
            metadata: input.metadata.map(|metadata| metadata.0),
        };
        let started = operation.store.start_scavenge(&operation.scope, request);
        match started.await {
            Ok(started) => Ok(ScavengePayload::ScavengeStarted(ScavengeStarted {
                operation: OperationObject(started.operation),
                duplicate: started.duplicate,
            })),
            Err(AppendError::Refused(refusal)) => {
                ScavengePayload::refused(Refusal::new(*refusal, &operation.scope))
            }
            Err(error) => Err(append_error(&error)),
        }
    }

    /// Stops an operation that waits or runs. Nothing is done for it from then on; what was done stays done.
    /// Cancelling a cancelled operation is a success.
    async fn cancel_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which operation, and who asks.")] input: CancelOperationInput,
    ) -> Result<CancelOperationPayload> {
        let operation = Operation::of(ctx)?;
        let Some(id) = operation_id(&input.operation) else {
            let refusal = OperationNotFound::new(&input.operation);
            return Ok(CancelOperationPayload::OperationNotFound(refusal));
        };
        let metadata = input.metadata.map(|metadata| metadata.0);
        let cancelled = operation.store.cancel_operation(id, metadata.as_deref());
        match cancelled.await {
            Ok(cancelled) => {
                let operation = OperationObject(cancelled);
                let cancelled = OperationCancelled { operation };
                Ok(CancelOperationPayload::OperationCancelled(cancelled))
            }
            Err(AppendError::Refused(refusal)) => {
                CancelOperationPayload::refused(Refusal::new(*refusal, &operation.scope))
            }
            Err(error) => Err(append_error(&error)),
        }
    }
}

/// What to scavenge.
#[derive(InputObject)]
pub(super) struct ScavengeInput {
    /// Your own id of the operation, best a version 7 UUID. The same request again with the same id never
    /// starts a second one. Without it the server mints one.
    operation_id: Option<Uuid>,
    /// The only stream to scavenge, by its name; if absent, every stream that has something to remove.
    stream: Option<String>,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`. It
    /// is kept in the event that tells of the start.
    metadata: Option<JsonScalar>,
}

/// The operation to cancel.
#[derive(InputObject)]
pub(super) struct CancelOperationInput {
    /// The operation: its global id, or its `operationId`.
    operation: ID,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`. It
    /// is kept in the event that tells of the cancellation.
    metadata: Option<JsonScalar>,
}

/// Which operations you want: those that satisfy every field that you give. A list is satisfied by any of its
/// values.
#[derive(InputObject, Default)]
#[graphql(name = "OperationFilter")]
pub(super) struct OperationFilterInput {
    /// The operation does one of these things.
    kinds: Option<Vec<OperationKindEnum>>,
    /// The operation is in one of these states.
    states: Option<Vec<OperationStateEnum>>,
}

/// What asking for a scavenge came to.
#[derive(Union)]
pub(super) enum ScavengePayload {
    /// There is an operation that does it.
    ScavengeStarted(ScavengeStarted),
    /// There is no such stream.
    StreamNotFound(StreamNotFound),
    /// An input has the wrong shape, or the id belongs to another operation.
    InvalidInput(InvalidInput),
    /// Too many operations wait.
    LimitExceeded(LimitExceeded),
}

/// There is an operation that does what was asked for, durably: a server begins with it by itself.
#[derive(SimpleObject)]
pub(super) struct ScavengeStarted {
    /// The operation as it is now.
    operation: OperationObject,
    /// Whether it was there already, so that this request started nothing.
    duplicate: bool,
}

/// What a cancellation came to.
#[derive(Union)]
pub(super) enum CancelOperationPayload {
    /// It is cancelled.
    OperationCancelled(OperationCancelled),
    /// There is no such operation.
    OperationNotFound(OperationNotFound),
    /// It had ended before.
    OperationFinished(OperationFinished),
    /// An input has the wrong shape.
    InvalidInput(InvalidInput),
}

/// Nothing more is done for the operation.
#[derive(SimpleObject)]
pub(super) struct OperationCancelled {
    /// The operation as it is now.
    operation: OperationObject,
}

impl ScavengePayload {
    fn refused(refusal: Refusal) -> Result<Self> {
        match refusal {
            Refusal::StreamNotFound(refusal) => Ok(Self::StreamNotFound(refusal)),
            Refusal::InvalidInput(refusal) => Ok(Self::InvalidInput(refusal)),
            Refusal::LimitExceeded(refusal) => Ok(Self::LimitExceeded(refusal)),
            Refusal::WrongExpectedVersion(_)
            | Refusal::DuplicateEvent(_)
            | Refusal::StreamDeleted(_)
            | Refusal::StreamTombstoned(_)
            | Refusal::StreamArchived(_)
            | Refusal::StreamTooLarge(_)
            | Refusal::InvalidEvents(_)
            | Refusal::RuleViolated(_)
            | Refusal::OperationNotFound(_)
            | Refusal::OperationFinished(_)
            | Refusal::ProjectionNotBuilt(_)
            | Refusal::EventTypeNotFound(_)
            | Refusal::TypeConflict(_) => Err(append_error(&AppendError::Fault)),
        }
    }
}

impl CancelOperationPayload {
    fn refused(refusal: Refusal) -> Result<Self> {
        match refusal {
            Refusal::OperationNotFound(refusal) => Ok(Self::OperationNotFound(refusal)),
            Refusal::OperationFinished(refusal) => Ok(Self::OperationFinished(refusal)),
            Refusal::InvalidInput(refusal) => Ok(Self::InvalidInput(refusal)),
            Refusal::WrongExpectedVersion(_)
            | Refusal::DuplicateEvent(_)
            | Refusal::StreamNotFound(_)
            | Refusal::StreamDeleted(_)
            | Refusal::StreamTombstoned(_)
            | Refusal::StreamArchived(_)
            | Refusal::StreamTooLarge(_)
            | Refusal::InvalidEvents(_)
            | Refusal::RuleViolated(_)
            | Refusal::LimitExceeded(_)
            | Refusal::ProjectionNotBuilt(_)
            | Refusal::EventTypeNotFound(_)
            | Refusal::TypeConflict(_) => Err(append_error(&AppendError::Fault)),
        }
    }
}

/// The operation that an argument names, by its global id or by its own; `None` for what names none.
pub(super) fn operation_id(id: &ID) -> Option<Uuid> {
    match NodeId::decode(id) {
        Some(NodeId::Operation(id)) => Some(id),
        Some(
            NodeId::Stream(_)
            | NodeId::Event(_)
            | NodeId::LiveSubscription(_)
            | NodeId::EventType(_),
        ) => None,
        None => Uuid::try_parse(id.as_str()).ok(),
    }
}

/// A list of operations, as it was asked for.
pub(super) struct OperationList {
    pub(super) filter: Option<OperationFilterInput>,
    pub(super) page: PageArguments,
}

impl OperationList {
    pub(super) async fn read(self, operation: &Operation) -> Result<OperationConnection> {
        let size = self.page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        let decode = |token: &Option<String>| -> Result<Option<(i64, Uuid)>> {
            let key = token.as_deref().map(cursor::decode_operation).transpose();
            key.map_err(|error| invalid_cursor(&error))
        };
        let (after, before) = (decode(&self.page.after)?, decode(&self.page.before)?);
        let bounded = if size.from_the_end {
            before.is_some()
        } else {
            after.is_some()
        };
        let whole = OperationQuery {
            scope: operation.scope.clone(),
            filter: self.filter.unwrap_or_default().parse()?,
            after: None,
            before: None,
            descending: false,
            limit: 0,
        };
        let page = OperationQuery {
            after,
            before,
            descending: size.from_the_end,
            limit: size.limit as u64 + 1,
            ..whole.clone()
        };
        let found = operation.store.operations(&page).await;
        let found: Vec<store::Operation> = found.map_err(|error| read_error(&error))?;
        Ok(OperationConnection {
            rows: Rows::new(found, size, bounded),
            counted: whole,
        })
    }
}

impl OperationFilterInput {
    fn parse(self) -> Result<OperationFilter> {
        Ok(OperationFilter {
            kinds: not_empty("kinds", self.kinds)?,
            states: not_empty("states", self.states)?,
        })
    }
}

fn not_empty<T, U: From<T>>(name: &str, values: Option<Vec<T>>) -> Result<Vec<U>> {
    match values {
        Some(values) if values.is_empty() => Err(empty_list(name)),
        values => Ok(values.into_iter().flatten().map(U::from).collect()),
    }
}
