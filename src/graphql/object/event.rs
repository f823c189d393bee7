//! An event, and lists of events.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::{Arc, OnceLock};

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::metadata::EventMetadata;
use super::payload::{DecodeError, EventPayload, decode, metadata_fault};
use super::shown::ShownData;
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
use crate::graphql::schema_choice::{SchemaChoice, SchemaChoiceInput};
use crate::position::Position;
use crate::store::EventQuery;

/// A recorded event: a fact that the store keeps for ever, exactly as it was appended.
#[derive(Description, Clone)]
pub(in crate::graphql) struct EventObject {
    event: Arc<RecordedEvent>,
    schema: SchemaChoice,
    /// Its data in that schema version, once it was asked for.
    shown: OnceLock<ShownData>,
}

impl EventObject {
    /// An event, shown in the newest version of its type.
    pub(in crate::graphql) fn new(event: Arc<RecordedEvent>) -> Self {
        Self::in_schema(event, SchemaChoice::Newest)
    }

    /// An event, shown in the schema version that its reader asked for.
    pub(in crate::graphql) fn in_schema(event: Arc<RecordedEvent>, schema: SchemaChoice) -> Self {
        Self {
            event,
            schema,
            shown: OnceLock::new(),
        }
    }

    /// The data as it is shown, worked out once.
    fn shown(&self, ctx: &Context<'_>) -> Result<&ShownData> {
        let registry = Operation::of(ctx)?.store.registry();
        let show = || ShownData::of(&self.event, self.schema, registry);
        Ok(self.shown.get_or_init(show))
    }

    /// The data as it is shown, taken from the operation's budget.
    fn show(&self, ctx: &Context<'_>) -> Result<&ShownData> {
        let shown = self.shown(ctx)?;
        let bytes = shown.text.as_ref().map_or(0, |text| text.len());
        Operation::of(ctx)?.show(bytes)?;
        Ok(shown)
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
        NodeId::Event(self.event.event_id).encode()
    }

    /// The id that the client gave the event, or that the server made for it.
    async fn event_id(&self) -> Uuid {
        self.event.event_id
    }

    /// Its place in the whole log: dense from 1, in commit order.
    async fn position(&self) -> PositionScalar {
        PositionScalar(self.event.position)
    }

    /// The cursor of this place: `after` of a page of the log, or the start of a subscription.
    async fn cursor(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(cursor::encode_event(
            Operation::of(ctx)?.store.id(),
            self.event.position,
        ))
    }

    /// The name of its stream.
    async fn stream_name(&self) -> &str {
        self.event.stream.as_str()
    }

    /// Its stream.
    async fn stream(&self, ctx: &Context<'_>) -> Result<StreamObject> {
        let stream = Operation::of(ctx)?
            .stream_by_id(self.event.stream_id)
            .await?;
        // The stream's row is written before its first event and never deleted.
        let missing = || ErrorCode::Internal.error("The event's stream could not be found.");
        stream.map(StreamObject).ok_or_else(missing)
    }

    /// Its place in its stream: the n-th event of a stream has version n.
    async fn stream_version(&self) -> i32 {
        self.event.stream_version
    }

    /// The kind of event, for example `guess_processed`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        self.event.event_type.as_str()
    }

    /// The version of the shape of the data, as shown here.
    async fn schema_version(&self, ctx: &Context<'_>) -> Result<i32> {
        let shown = self.shown(ctx)?;
        // What was made of the payload is kept until the operation is answered, whether it is shown or not.
        if let (Some(text), Some(stored)) = (&shown.text, &self.event.data)
            && !Arc::ptr_eq(text, stored)
        {
            Operation::of(ctx)?.show(text.len())?;
        }
        Ok(shown.version)
    }

    /// The version of the shape of `data`, as it was appended.
    async fn stored_schema_version(&self) -> i32 {
        self.event.schema_version
    }

    /// The guild that its stream belongs to; null for a stream without a guild.
    async fn guild_id(&self) -> Option<&str> {
        self.event.guild_id.as_deref()
    }

    /// The payload in the schema version that you asked for. In the version in which it is stored it is exactly as
    /// it was appended. Null where `removed` or `decodeError` says why.
    async fn data(&self, ctx: &Context<'_>) -> Result<Option<JsonScalar>> {
        let shown = self.show(ctx)?;
        let text = shown.text.as_ref().filter(|_| shown.problem.is_none());
        Ok(text.map(|text| JsonScalar(text.to_string())))
    }

    /// The payload's JSON text as a string, for clients whose own JSON reader would change its numbers; null
    /// where `removed` says why. Where the payload could not be brought into the version that you asked for, this
    /// is the text as it is stored, and `schemaVersion` says so.
    async fn raw_text(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.show(ctx)?.text.as_deref())
    }

    /// Why the payload is not shown; null where it is.
    async fn removed(&self) -> Option<RemovalReason> {
        self.event.removed.map(RemovalReason::from)
    }

    /// The payload as the object of its type; null where it is removed or cannot be decoded.
    async fn payload(&self, ctx: &Context<'_>) -> Result<Option<EventPayload>> {
        let shown = self.show(ctx)?;
        Ok(decode(&self.event, shown).ok().flatten())
    }

    /// Why the payload cannot be shown: the stored data does not have the shape of its type, cannot be brought into
    /// the schema version that you asked for, or is not JSON any more; or why `metadata` is not. Only this event is concerned, never the page or the feed.
    async fn decode_error(&self, ctx: &Context<'_>) -> Result<Option<DecodeError>> {
        let fault = decode(&self.event, self.shown(ctx)?).err();
        Ok(fault.or_else(|| metadata_fault(&self.event)))
    }

    /// Who, why and when around the event; null where it is removed with the payload, or where `decodeError` says
    /// why.
    async fn metadata(&self, ctx: &Context<'_>) -> Result<Option<EventMetadata>> {
        let bytes = self
            .event
            .metadata
            .as_ref()
            .map_or(0, |metadata| metadata.len());
        Operation::of(ctx)?.show(bytes)?;
        Ok(EventMetadata::of(&self.event))
    }

    /// When the store recorded it. Never decreases along the log.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.event.recorded_at
    }

    /// The event that directly caused it, if `metadata.causation_id` is the id of a stored event.
    async fn caused_by(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        let Some(id) = self
            .event
            .causation_id
            .as_deref()
            .and_then(|id| Uuid::try_parse(id).ok())
        else {
            return Ok(None);
        };
        Ok(Operation::of(ctx)?
            .event_by_id(id)
            .await?
            .map(EventObject::new))
    }

    /// The events that it directly caused, oldest first.
    async fn effects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<EventConnection> {
        let causation_ids = vec![self.event.event_id.to_string()];
        related(
            ctx,
            EventFilter {
                causation_ids,
                include_reserved: self.event.stream.is_reserved(),
                ..EventFilter::default()
            },
            first,
            after,
            schema,
        )
        .await
    }

    /// The events of its conversation, itself among them, oldest first.
    async fn correlated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<EventConnection> {
        let correlation_ids = vec![self.event.correlation_id.to_string()];
        related(
            ctx,
            EventFilter {
                correlation_ids,
                include_reserved: self.event.stream.is_reserved(),
                ..EventFilter::default()
            },
            first,
            after,
            schema,
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
        causation::tree(ctx, &self.event, depth, nodes).await
    }

    /// SHA-256, in hexadecimal, of salt, type, schema version, data and metadata.
    async fn content_hash(&self) -> String {
        hex::encode(self.event.content_hash)
    }

    /// SHA-256, in hexadecimal, of the event before it in the log and of everything that identifies this
    /// one: a chain, so that nothing can be changed or taken out unnoticed.
    async fn hash(&self) -> String {
        hex::encode(self.event.hash)
    }
}

async fn related(
    ctx: &Context<'_>,
    filter: EventFilter,
    first: Option<i32>,
    after: Option<String>,
    schema: Option<SchemaChoiceInput>,
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
        schema: SchemaChoice::parse(schema)?,
    };
    list.read(Operation::of(ctx)?).await
}

/// A page of events.
#[derive(Description)]
pub(in crate::graphql) struct EventConnection {
    pub(in crate::graphql) rows: Rows<Arc<RecordedEvent>>,
    pub(in crate::graphql) head: Position,
    /// The schema version in which its events are shown.
    pub(in crate::graphql) schema: SchemaChoice,
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
            node: EventObject::in_schema(Arc::clone(event), self.schema),
        };
        Ok(self.rows.items.iter().map(edge).collect())
    }

    /// The events.
    async fn nodes(&self) -> Vec<EventObject> {
        self.rows
            .items
            .iter()
            .map(|event| EventObject::in_schema(Arc::clone(event), self.schema))
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
