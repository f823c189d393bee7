//! A stream, and lists of streams.

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Description, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::event::EventConnection;
use super::snapshot::SnapshotObject;
use super::stream_metadata::StreamMetadata;
use crate::cursor;
use crate::filter::EventFilter;
use crate::graphql::error_code::read_error;
use crate::graphql::input::{Direction, EventFilterInput, StreamStatusEnum};
use crate::graphql::list::{EventList, check_version, order_code, stream_key};
use crate::graphql::loader::{Operation, has_siblings};
use crate::graphql::node_id::NodeId;
use crate::graphql::page::{Count, PageArguments, Rows};
use crate::graphql::schema_choice::{SchemaChoice, SchemaChoiceInput};
use crate::store::{StreamOrder, StreamQuery};
use crate::stream::Stream;

/// A stream: the ordered events of one thing, for example of one game.
#[derive(Description, Clone)]
pub(in crate::graphql) struct StreamObject(pub(in crate::graphql) Stream);

#[Object(name = "Stream", use_type_description)]
impl StreamObject {
    /// Global id, for `node`.
    pub async fn id(&self) -> ID {
        NodeId::Stream(self.0.name.clone()).encode()
    }

    /// Its name, category-id.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The part of its name before the first hyphen.
    async fn category(&self) -> &str {
        self.0.name.category()
    }

    /// The number of events ever appended to it. What an append expects with `exactly`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Where it is in its life.
    async fn status(&self) -> StreamStatusEnum {
        self.0.status.into()
    }

    /// The guild that it belongs to: `data.guild_id` of its first event, fixed for ever; null for none.
    async fn guild_id(&self) -> Option<&str> {
        self.0.guild_id.as_deref()
    }

    /// Events up to this version are hidden, by a deletion or by what the metadata keeps; 0 = none. Events
    /// beyond it may be hidden by their age.
    async fn hidden_through(&self) -> i32 {
        self.0.hidden_through
    }

    /// What it keeps, and whatever else was set about it.
    async fn metadata(&self) -> StreamMetadata {
        StreamMetadata(self.0.clone())
    }

    /// The newest snapshot of what its events come to; null where there is none that can be used: of another category
    /// than `game`, without one yet, or where what it shows is hidden by now.
    async fn snapshot(&self, ctx: &Context<'_>) -> Result<Option<SnapshotObject>> {
        let snapshot = Operation::of(ctx)?.newest_snapshot(self.0.id).await?;
        Ok(snapshot.map(SnapshotObject))
    }

    /// When it began to exist: with its first event, or with its metadata.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its latest event was recorded.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Its events that are not hidden, oldest first unless `direction` says otherwise.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of its events.")] filter: Option<EventFilterInput>,
        #[graphql(desc = "Which way the list runs.", default)] direction: Direction,
        #[graphql(desc = "Begin the list at this version, which it includes.")]
        from_version: Option<i32>,
        #[graphql(desc = "In which schema version; the newest if absent.")] schema: Option<
            SchemaChoiceInput,
        >,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let operation = Operation::of(ctx)?;
        check_version("fromVersion", from_version)?;
        let filter = filter.unwrap_or_default().parse(&operation.limits)?;
        let events = EventList {
            filter: EventFilter {
                stream: Some(self.0.name.clone()),
                ..filter
            },
            stream_id: Some(self.0.id),
            is_nested: has_siblings(ctx),
            direction,
            from_position: None,
            from_version,
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
}

/// A page of streams.
#[derive(Description)]
pub(in crate::graphql) struct StreamConnection {
    pub(in crate::graphql) rows: Rows<Stream>,
    pub(in crate::graphql) order: StreamOrder,
    /// The whole list, for `totalCount`.
    pub(in crate::graphql) counted: StreamQuery,
}

/// A stream and its place in the list.
#[derive(SimpleObject)]
#[graphql(name = "StreamEdge")]
pub(in crate::graphql) struct StreamEdge {
    /// The place: `after` or `before` of another page in the same order.
    cursor: String,
    /// The stream.
    node: StreamObject,
}

impl StreamConnection {
    fn cursor(&self, stream: &Stream) -> String {
        let (value, name) = stream_key(self.order, stream);
        cursor::encode_stream(order_code(self.order), value, &name)
    }
}

#[Object(use_type_description)]
impl StreamConnection {
    /// The streams with their cursors.
    async fn edges(&self) -> Vec<StreamEdge> {
        let edge = |stream: &Stream| StreamEdge {
            cursor: self.cursor(stream),
            node: StreamObject(stream.clone()),
        };
        self.rows.items.iter().map(edge).collect()
    }

    /// The streams.
    async fn nodes(&self) -> Vec<StreamObject> {
        self.rows.items.iter().cloned().map(StreamObject).collect()
    }

    /// Whether there are more streams, and the cursors of the page's ends.
    async fn page_info(&self) -> PageInfo {
        self.rows.page_info(|stream| self.cursor(stream))
    }

    /// How many streams there are in the whole list, counted up to a bound (10,000 by default). Costs a statement of its own.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Count> {
        let operation = Operation::of(ctx)?;
        let limit = operation.limits.count_limit;
        let query = StreamQuery {
            limit: limit + 1,
            ..self.counted.clone()
        };
        let found = operation
            .store
            .count_streams(&query)
            .await
            .map_err(|error| read_error(&error))?;
        Ok(Count::up_to(found, limit))
    }
}
