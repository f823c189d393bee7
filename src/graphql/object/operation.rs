//! Long-running operations, and lists of them.

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject, Union};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::EventConnection;
use crate::cursor;
use crate::filter::EventFilter;
use crate::graphql::error_code::read_error;
use crate::graphql::input::Direction;
use crate::graphql::list::EventList;
use crate::graphql::loader::{Operation, has_siblings};
use crate::graphql::node_id::NodeId;
use crate::graphql::page::{Count, PageArguments, Rows};
use crate::graphql::scalar::SafeInt;
use crate::graphql::schema_choice::SchemaChoice;
use crate::store::{self, OperationQuery};

/// Long work that the server does by itself, once it is asked for: it goes on when its caller is gone, after
/// a restart, and on another server when the one that worked at it is gone.
#[derive(Description, Clone)]
pub(in crate::graphql) struct OperationObject(pub(in crate::graphql) store::Operation);

/// What an operation does.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "OperationKind", remote = "store::OperationKind")]
pub(in crate::graphql) enum OperationKindEnum {
    /// It removes the payloads of hidden events, to free space.
    Scavenge,
}

/// Where an operation is in its life.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "OperationState", remote = "store::OperationState")]
pub(in crate::graphql) enum OperationStateEnum {
    /// No server works at it at the moment.
    Waiting,
    /// A server works at it.
    Running,
    /// It did what it was asked for.
    Succeeded,
    /// It gave up; `error` says why. What it had done stays done.
    Failed,
    /// It was cancelled. What it had done stays done.
    Cancelled,
}

/// How far an operation is.
#[derive(SimpleObject)]
pub(in crate::graphql) struct OperationProgress {
    /// Units of work that are done: of a scavenge, events.
    done: SafeInt,
    /// Units of work in all, as far as is known; null until they are counted. More may come on the way.
    total: Option<SafeInt>,
    /// What part is done, from 0 to 1; null until the work is counted.
    fraction: Option<f64>,
}

/// What an operation was asked for, by its kind.
#[derive(Union)]
pub(in crate::graphql) enum OperationArguments {
    /// Of a scavenge.
    ScavengeArguments(ScavengeArguments),
}

/// What a scavenge was asked for.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ScavengeArguments {
    /// The only stream to scavenge; null = every stream that has something to remove.
    stream: Option<String>,
}

/// What an operation came to, by its kind.
#[derive(Union)]
pub(in crate::graphql) enum OperationResult {
    /// Of a scavenge.
    ScavengeResult(ScavengeResult),
}

/// What a scavenge removed. Nothing counts twice, whatever happened on the way.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ScavengeResult {
    /// The streams that it is done with, of those that had something to remove.
    streams: SafeInt,
    /// The events whose data and metadata it removed.
    events: SafeInt,
    /// The bytes of that data and metadata.
    bytes: SafeInt,
}

#[Object(name = "Operation", use_type_description)]
impl OperationObject {
    /// Global id, for `node`.
    pub async fn id(&self) -> ID {
        NodeId::Operation(self.0.id).encode()
    }

    /// The id that its caller chose, or that the server minted.
    async fn operation_id(&self) -> Uuid {
        self.0.id
    }

    /// What it does.
    async fn kind(&self) -> OperationKindEnum {
        self.0.kind().into()
    }

    /// Where it is in its life.
    async fn state(&self) -> OperationStateEnum {
        self.0.state.into()
    }

    /// What it was asked for.
    async fn arguments(&self) -> OperationArguments {
        let store::OperationArguments::Scavenge(arguments) = &self.0.arguments;
        OperationArguments::ScavengeArguments(ScavengeArguments {
            stream: arguments.stream.clone(),
        })
    }

    /// How far it is.
    async fn progress(&self) -> OperationProgress {
        let (done, total) = (self.0.done, self.0.total);
        OperationProgress {
            done: count(done),
            total: total.map(count),
            fraction: total.map(|total| fraction(done, total)),
        }
    }

    /// What it came to so far, and in the end; null until something is done.
    async fn result(&self) -> Option<OperationResult> {
        let store::OperationResult::Scavenge(result) = self.0.result.as_ref()?;
        Some(OperationResult::ScavengeResult(ScavengeResult {
            streams: count(result.streams),
            events: count(result.events),
            bytes: count(result.bytes),
        }))
    }

    /// Why it failed; null in any other state.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When a server first began with it; null until then.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    /// When it ended, however it did; null until then.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// The stream of the store's own that holds its start and its end as events.
    async fn stream_name(&self) -> String {
        self.0.stream_name().to_string()
    }

    /// Its start and its end as events, with who asked for them and why, oldest first.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let events = EventList {
            filter: EventFilter {
                stream: Some(self.0.stream_name()),
                ..EventFilter::default()
            },
            stream_id: None,
            is_nested: has_siblings(ctx),
            direction: Direction::Forward,
            from_position: None,
            from_version: None,
            page: PageArguments {
                first,
                after,
                last,
                before,
            },
            schema: SchemaChoice::default(),
        };
        events.read(Operation::of(ctx)?).await
    }
}

/// Counts are never negative.
fn count(number: i64) -> SafeInt {
    SafeInt(u64::try_from(number).unwrap_or_default())
}

/// An operation that found nothing to do has done all of it.
#[expect(
    clippy::cast_precision_loss,
    reason = "a part for people, of numbers far below 2^52"
)]
fn fraction(done: i64, total: i64) -> f64 {
    if total <= 0 {
        return 1.0;
    }
    (done as f64 / total as f64).clamp(0.0, 1.0)
}

/// A page of operations, in the order in which they were asked for.
#[derive(Description)]
pub(in crate::graphql) struct OperationConnection {
    pub(in crate::graphql) rows: Rows<store::Operation>,
    /// The whole list, for `totalCount`.
    pub(in crate::graphql) counted: OperationQuery,
}

/// An operation and its place in the list.
#[derive(SimpleObject)]
pub(in crate::graphql) struct OperationEdge {
    /// The place: `after` or `before` of another page.
    cursor: String,
    /// The operation.
    node: OperationObject,
}

fn cursor_of(operation: &store::Operation) -> String {
    cursor::encode_operation(operation.created_at.timestamp_millis(), operation.id)
}

#[Object(use_type_description)]
impl OperationConnection {
    /// The operations with their cursors.
    async fn edges(&self) -> Vec<OperationEdge> {
        let edge = |operation: &store::Operation| OperationEdge {
            cursor: cursor_of(operation),
            node: OperationObject(operation.clone()),
        };
        self.rows.items.iter().map(edge).collect()
    }

    /// The operations.
    async fn nodes(&self) -> Vec<OperationObject> {
        let operations = self.rows.items.iter().cloned();
        operations.map(OperationObject).collect()
    }

    /// Whether there are more operations, and the cursors of the page's ends.
    async fn page_info(&self) -> PageInfo {
        self.rows.page_info(cursor_of)
    }

    /// How many operations there are in the whole list, counted up to a bound (10,000 by default). Costs a
    /// statement of its own.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Count> {
        let operation = Operation::of(ctx)?;
        let limit = operation.limits.count_limit;
        let query = OperationQuery {
            limit: limit + 1,
            ..self.counted.clone()
        };
        let found = operation.store.count_operations(&query).await;
        Ok(Count::up_to(
            found.map_err(|error| read_error(&error))?,
            limit,
        ))
    }
}
