//! Queries: parse → call → shape.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use async_graphql::{Context, ID, Interface, MergedObject, Object, Result};
use uuid::Uuid;

use super::error_code::{limit_exceeded, read_error};
use super::event_types::{self, EventTypeFilterInput};
use super::figures::FiguresQuery;
use super::games::{self, GameRule};
use super::input::{
    Direction, EventFilterInput, StreamFilterInput, StreamOrder, StreamOrderField,
    parse_any_stream_name,
};
use super::list::{EventList, StreamList};
use super::live::{self, LiveSubscriptionFilter};
use super::loader::Operation;
use super::node_id::NodeId;
use super::object::event::{EventConnection, EventObject};
use super::object::event_type::{EventTypeConnection, EventTypeObject};
use super::object::game::GameObject;
use super::object::live_subscription::{LiveSubscriptionConnection, LiveSubscriptionObject};
use super::object::operation::{OperationConnection, OperationObject};
use super::object::server::{Head, Server};
use super::object::stream::{StreamConnection, StreamObject};
use super::operations::{OperationFilterInput, OperationList, operation_id};
use super::page::PageArguments;
use super::played::PlayedQuery;
use super::projections::ProjectionQuery;
use super::read_models::{GuildQuery, ObservationQuery, PlayerQuery, TeamQuery};
use super::scalar::PositionScalar;
use super::schema_choice::{SchemaChoice, SchemaChoiceInput};
use super::subscribers::Subscribers;
use crate::cursor;

/// What can be asked.
#[derive(MergedObject, Default)]
pub(super) struct Query(
    LogQuery,
    ProjectionQuery,
    PlayedQuery,
    FiguresQuery,
    TeamQuery,
    PlayerQuery,
    GuildQuery,
    ObservationQuery,
);

/// What can be asked of the log.
#[derive(Default)]
pub(super) struct LogQuery;

/// Anything that has a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id, for `node`."))]
pub(super) enum Node {
    /// A stream.
    Stream(StreamObject),
    /// An event.
    Event(EventObject),
    /// A subscription that runs.
    LiveSubscription(LiveSubscriptionObject),
    /// A long-running operation.
    Operation(OperationObject),
    /// An event type.
    EventType(EventTypeObject),
}

#[Object]
impl LogQuery {
    /// The object with this global id; null if there is none that you may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id, as any `id` field gave it.")] id: ID,
    ) -> Result<Option<Node>> {
        find_node(ctx, &id).await
    }

    /// The objects with these global ids, in their order; null where there is none that you may see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids; at most 1,000.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        let operation = Operation::of(ctx)?;
        if ids.len() > operation.limits.page_max {
            return Err(limit_exceeded(
                "The number of ids",
                ids.len(),
                operation.limits.page_max,
            ));
        }
        operation.ask_for(ids.len())?;
        let found = ids.iter().map(|id| find_node(ctx, id));
        futures_util::future::try_join_all(found).await
    }

    /// The stream of this name; null if nobody has appended to it or set its metadata.
    async fn stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name, category-id.")] name: String,
    ) -> Result<Option<StreamObject>> {
        let operation = Operation::of(ctx)?;
        let name = parse_any_stream_name(&name)?;
        let stream = operation.store.stream(&operation.scope, &name).await;
        Ok(stream
            .map_err(|error| read_error(&error))?
            .map(StreamObject))
    }

    /// The streams, by name unless `orderBy` says otherwise.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which streams.")] filter: Option<StreamFilterInput>,
        #[graphql(desc = "By name, forward, if absent.")] order_by: Option<StreamOrder>,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<StreamConnection> {
        let operation = Operation::of(ctx)?;
        let (field, direction) = order_by
            .map_or((StreamOrderField::Name, Direction::Forward), |order| {
                (order.field, order.direction)
            });
        let streams = StreamList {
            filter: filter.unwrap_or_default().parse(&operation.limits)?,
            order: field.into(),
            direction,
            page: PageArguments {
                first,
                after,
                last,
                before,
            },
        };
        streams.read(operation).await
    }

    /// The event with this id; null if there is none that you may see.
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id that its writer gave it.")] event_id: Uuid,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<Option<EventObject>> {
        let schema = SchemaChoice::parse(schema)?;
        let found = Operation::of(ctx)?.event_by_id(event_id).await?;
        Ok(found.map(|event| EventObject::in_schema(event, schema)))
    }

    /// The event at this position; null at 0, beyond the head, and where you may not see it.
    async fn event_at(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A position, from 1.")] position: PositionScalar,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
    ) -> Result<Option<EventObject>> {
        let schema = SchemaChoice::parse(schema)?;
        let operation = Operation::of(ctx)?;
        let found = operation
            .store
            .events_at(&operation.scope, &[position.0])
            .await;
        let found = found.map_err(|error| read_error(&error))?;
        let found = found.into_values().next();
        Ok(found.map(|event| EventObject::in_schema(event, schema)))
    }

    /// The log: the events of all streams in the order in which they were committed, oldest first unless
    /// `direction` says otherwise.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<EventFilterInput>,
        #[graphql(desc = "Which way the list runs.", default)] direction: Direction,
        #[graphql(desc = "Begin the list at this position, which it includes.")]
        from_position: Option<PositionScalar>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor: of a page, an event, or a subscription.")]
        after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let operation = Operation::of(ctx)?;
        let events = EventList {
            filter: filter.unwrap_or_default().parse(&operation.limits)?,
            stream_id: None,
            is_nested: false,
            direction,
            from_position: from_position.map(|position| position.0),
            from_version: None,
            page: PageArguments {
                first,
                after,
                last,
                before,
            },
            schema: SchemaChoice::parse(schema)?,
        };
        events.read(operation).await
    }

    /// A game as its events come to, now or as it was at an earlier version of its stream. Null if no event of it
    /// is shown up to there: because there was none yet, or because it was deleted.
    async fn game(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The part of the stream's name after `game-`.")] game_id: String,
        #[graphql(desc = "The version of the stream, from 1; now if absent.")] at_version: Option<
            i32,
        >,
    ) -> Result<Option<GameObject>> {
        games::find(ctx, &game_id, at_version).await
    }

    /// The rules that the events of a game obey: what `recoverGame` looks for, and appends if the server is set to.
    async fn game_rules(&self) -> Vec<GameRule> {
        games::rules()
    }

    /// The event type of this name; null if there is none.
    async fn event_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name, for example `guess_processed`.")] name: String,
    ) -> Result<Option<EventTypeObject>> {
        let registry = Operation::of(ctx)?.store.registry();
        Ok(registry.get(&name).map(EventTypeObject))
    }

    /// The event types that this server knows, in the order of their names: those of the server itself, and
    /// those that were registered on any server of the store.
    async fn event_types(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which types.")] filter: Option<EventTypeFilterInput>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<EventTypeConnection> {
        let page = PageArguments {
            first,
            after,
            last: None,
            before: None,
        };
        event_types::list(Operation::of(ctx)?, &filter.unwrap_or_default(), &page)
    }

    /// The long-running operation with this id; null if there is none that you may see.
    async fn operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id, or its `operationId`.")] id: ID,
    ) -> Result<Option<OperationObject>> {
        let operation = Operation::of(ctx)?;
        let Some(id) = operation_id(&id) else {
            return Ok(None);
        };
        Ok(operation.operation_by_id(id).await?.map(OperationObject))
    }

    /// The long-running operations, in the order in which they were asked for: `last: 10` are the latest.
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which operations.")] filter: Option<OperationFilterInput>,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<OperationConnection> {
        let operations = OperationList {
            filter,
            page: PageArguments {
                first,
                after,
                last,
                before,
            },
        };
        operations.read(Operation::of(ctx)?).await
    }

    /// The end of the log.
    async fn head(&self, ctx: &Context<'_>) -> Result<Head> {
        let operation = Operation::of(ctx)?;
        let position = operation.head().await?;
        let cursor = cursor::encode_event(operation.store.id(), position);
        Ok(Head {
            position: PositionScalar(position),
            cursor,
        })
    }

    /// The subscriptions that run on this node now, in the order in which they began: who follows what, and
    /// how far each has come. Every node of a cluster lists its own; `server.nodeId` tells which node answered.
    async fn live_subscriptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which subscriptions.")] filter: Option<LiveSubscriptionFilter>,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor; its subscription may have ended since.")]
        after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<LiveSubscriptionConnection> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        live::list(ctx, filter.unwrap_or_default(), &page)
    }

    /// This server: its version, database and limits.
    async fn server(&self, ctx: &Context<'_>) -> Result<Server> {
        Ok(ctx.data::<Server>()?.clone())
    }
}

async fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let operation = Operation::of(ctx)?;
    match NodeId::decode(id) {
        None => Ok(None),
        Some(NodeId::Event(event_id)) => Ok(operation
            .event_by_id(event_id)
            .await?
            .map(EventObject::new)
            .map(Node::Event)),
        Some(NodeId::Operation(id)) => {
            let found = operation.operation_by_id(id).await?;
            Ok(found.map(OperationObject).map(Node::Operation))
        }
        Some(NodeId::Stream(name)) => {
            let stream = operation.stream_by_name(name).await?;
            Ok(stream.map(StreamObject).map(Node::Stream))
        }
        Some(NodeId::EventType(name)) => {
            let known = operation.store.registry().get(&name);
            Ok(known.map(EventTypeObject).map(Node::EventType))
        }
        Some(NodeId::LiveSubscription(id)) => {
            let found = Subscribers::of(ctx)?.find(id);
            Ok(found
                .map(LiveSubscriptionObject)
                .map(Node::LiveSubscription))
        }
    }
}
