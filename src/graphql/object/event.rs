//! An event, and lists of events.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::metadata::EventMetadata;
use super::payload::{DecodeError, EventPayload, decode};
use super::stream::StreamObject;
use crate::cursor;
use crate::event::{RecordedEvent, Removal};
use crate::filter::EventFilter;
use crate::graphql::causation::{self, CausationTree};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::input::Direction;
use crate::graphql::list::EventList;
use crate::graphql::loader::{Operation, has_siblings};
use crate::graphql::node_id::NodeId;
use crate::graphql::page::{Count, PageArguments, Rows};
use crate::graphql::scalar::{JsonScalar, PositionScalar};
use crate::position::Position;
use crate::store::EventQuery;

/// A recorded event: a fact that the store keeps for ever, exactly as it was appended.
#[derive(Description, Clone)]
pub(in crate::graphql) struct EventObject(pub(in crate::graphql) Arc<RecordedEvent>);

impl EventObject {
    /// Takes the payload from the operation's budget.
    fn show(&self, ctx: &Context<'_>) -> Result<()> {
        let bytes = self.0.data.as_ref().map_or(0, |data| data.len());
        Operation::of(ctx)?.show(bytes)
    }
}

/// Why an event's payload is not shown. Its position, id and hashes stay.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Removal")]
pub(in crate::graphql) enum RemovalReason {
    /// It is older, or further back, than its stream keeps.
    Retention,
    /// Its stream was deleted after it.
    Deleted,
    /// Its stream was ended for ever.
    Tombstoned,
    /// Its payload is gone from the disk as well.
    Scavenged,
}

#[Object(name = "Event", use_type_description)]
impl EventObject {
    /// Global id, for `node`.
    pub async fn id(&self) -> ID {
        NodeId::Event(self.0.event_id).encode()
    }

    /// The id that the client gave the event, or that the server made for it.
    async fn event_id(&self) -> Uuid {
        self.0.event_id
    }

    /// Its place in the whole log: dense from 1, in commit order.
    async fn position(&self) -> PositionScalar {
        PositionScalar(self.0.position)
    }

    /// The cursor of this place: `after` of a page of the log, or the start of a subscription.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(cursor::encode_event(
            Operation::of(ctx)?.store.id(),
            self.0.position,
        ))
    }

    /// The name of its stream.
    async fn stream_name(&self) -> &str {
        self.0.stream.as_str()
    }

    /// Its stream.
    async fn stream(&self, ctx: &Context<'_>) -> Result<StreamObject> {
        let stream = Operation::of(ctx)?.stream_by_id(self.0.stream_id).await?;
        // The stream's row is written before its first event and never deleted.
        let missing = || ErrorCode::Internal.error("The event's stream could not be found.");
        stream.map(StreamObject).ok_or_else(missing)
    }

    /// Its place in its stream: the n-th event of a stream has version n.
    async fn stream_version(&self) -> i32 {
        self.0.stream_version
    }

    /// The kind of event, for example `guess_processed`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        self.0.event_type.as_str()
    }

    /// The version of the shape of `data`, as shown here.
    async fn schema_version(&self) -> i32 {
        self.0.schema_version
    }

    /// The version of the shape of `data`, as it was appended.
    async fn stored_schema_version(&self) -> i32 {
        self.0.schema_version
    }

    /// The guild that its stream belongs to; null for a stream without a guild.
    async fn guild_id(&self) -> Option<&str> {
        self.0.guild_id.as_deref()
    }

    /// The payload, exactly as it was appended; null where `removed` says why.
    async fn data(&self, ctx: &Context<'_>) -> Result<Option<JsonScalar>> {
        self.show(ctx)?;
        let data = self.0.data.as_ref();
        Ok(data.map(|data| JsonScalar(data.to_string())))
    }

    /// The payload's JSON text as a string, for clients whose own JSON reader would change its numbers; null
    /// where `removed` says why.
    async fn raw_text(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.show(ctx)?;
        Ok(self.0.data.as_deref())
    }

    /// Why the payload is not shown; null where it is.
    async fn removed(&self) -> Option<RemovalReason> {
        self.0.removed.map(RemovalReason::from)
    }

    /// The payload as the object of its type; null where it is removed or cannot be decoded.
    async fn payload(&self, ctx: &Context<'_>) -> Result<Option<EventPayload>> {
        self.show(ctx)?;
        Ok(decode(&self.0).ok().flatten())
    }

    /// Why `payload` cannot be shown, where the stored data does not have the shape of its type.
    async fn decode_error(&self) -> Option<DecodeError> {
        decode(&self.0).err()
    }

    /// Who, why and when around the event; null where it is removed with the payload.
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Option<EventMetadata>> {
        let bytes = self
            .0
            .metadata
            .as_ref()
            .map_or(0, |metadata| metadata.len());
        Operation::of(ctx)?.show(bytes)?;
        Ok(EventMetadata::of(&self.0))
    }

    /// When the store recorded it. Never decreases along the log.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// The event that directly caused it, if `metadata.causation_id` is the id of a stored event.
    async fn caused_by(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        let Some(id) = self
            .0
            .causation_id
            .as_deref()
            .and_then(|id| Uuid::try_parse(id).ok())
        else {
            return Ok(None);
        };
        Ok(Operation::of(ctx)?.event_by_id(id).await?.map(EventObject))
    }

    /// The events that it directly caused, oldest first.
    async fn effects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<EventConnection> {
        let causation_ids = vec![self.0.event_id.to_string()];
        related(
            ctx,
            EventFilter {
                causation_ids,
                include_reserved: self.0.stream.is_reserved(),
                ..EventFilter::default()
            },
            first,
            after,
        )
        .await
    }

    /// The events of its conversation, itself among them, oldest first.
    async fn correlated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<EventConnection> {
        let correlation_ids = vec![self.0.correlation_id.to_string()];
        related(
            ctx,
            EventFilter {
                correlation_ids,
                include_reserved: self.0.stream.is_reserved(),
                ..EventFilter::default()
            },
            first,
            after,
        )
        .await
    }

    /// What led to it, up to the first cause, and everything that it led to. Causes are what writers say in
    /// `metadata.causation_id`; each level of effects is one look-up in an index.
    async fn causation_tree(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many steps up and how many down, from 1 to 100.",
            default = 10
        )]
        depth: i32,
        #[graphql(
            desc = "How many events in all, at most 1,000: the nearest causes, then the nearest effects.",
            default = 100
        )]
        nodes: i32,
    ) -> Result<CausationTree> {
        causation::tree(ctx, &self.0, depth, nodes).await
    }

    /// SHA-256, in hexadecimal, of salt, type, schema version, data and metadata.
    async fn content_hash(&self) -> String {
        hex::encode(self.0.content_hash)
    }

    /// SHA-256, in hexadecimal, of the event before it in the log and of everything that identifies this
    /// one: a chain, so that nothing can be changed or taken out unnoticed.
    async fn hash(&self) -> String {
        hex::encode(self.0.hash)
    }
}

async fn related(
    ctx: &Context<'_>,
    filter: EventFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<EventConnection> {
    let list = EventList {
        filter,
        stream_id: None,
        is_nested: has_siblings(ctx),
        direction: Direction::Forward,
        from_position: None,
        from_version: None,
        page: PageArguments {
            first,
            after,
            last: None,
            before: None,
        },
    };
    list.read(Operation::of(ctx)?).await
}

/// A page of events.
#[derive(Description)]
pub(in crate::graphql) struct EventConnection {
    pub(in crate::graphql) rows: Rows<Arc<RecordedEvent>>,
    pub(in crate::graphql) head: Position,
    /// The whole list, for `totalCount`.
    pub(in crate::graphql) counted: EventQuery,
}

/// An event and its place in the list.
#[derive(SimpleObject)]
#[graphql(name = "EventEdge")]
pub(in crate::graphql) struct EventEdge {
    /// The place: `after` or `before` of another page, or the start of a subscription.
    cursor: String,
    /// The event.
    node: EventObject,
}

#[Object(use_type_description)]
impl EventConnection {
    /// The events with their cursors.
    async fn edges(&self, ctx: &Context<'_>) -> Result<Vec<EventEdge>> {
        let store_id = Operation::of(ctx)?.store.id();
        let edge = |event: &Arc<RecordedEvent>| EventEdge {
            cursor: cursor::encode_event(store_id, event.position),
            node: EventObject(Arc::clone(event)),
        };
        Ok(self.rows.items.iter().map(edge).collect())
    }

    /// The events.
    async fn nodes(&self) -> Vec<EventObject> {
        self.rows
            .items
            .iter()
            .map(|event| EventObject(Arc::clone(event)))
            .collect()
    }

    /// Whether there are more events, and the cursors of the page's ends.
    async fn page_info(&self, ctx: &Context<'_>) -> Result<PageInfo> {
        let store_id = Operation::of(ctx)?.store.id();
        Ok(self
            .rows
            .page_info(|event| cursor::encode_event(store_id, event.position)))
    }

    /// The head of the log that the page was read at: a subscription that starts after this position misses
    /// nothing that the page does not show.
    async fn head(&self) -> PositionScalar {
        PositionScalar(self.head)
    }

    /// How many events there are in the whole list, counted up to a bound (10,000 by default). Costs a statement of its own.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Count> {
        let operation = Operation::of(ctx)?;
        let limit = operation.limits.count_limit;
        let query = EventQuery {
            limit: limit + 1,
            ..self.counted.clone()
        };
        let found = operation.count_events(query).await?;
        Ok(Count::up_to(found, limit))
    }
}
