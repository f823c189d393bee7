//! Lists of events and streams: arguments to ranges, ranges to pages.

use async_graphql::Result;

use super::error_code::{ErrorCode, invalid_cursor, read_error};
use super::input::Direction;
use super::loader::Operation;
use super::object::event::EventConnection;
use super::object::stream::StreamConnection;
use super::page::{PageArguments, Rows};
use super::schema_choice::SchemaChoice;
use crate::cursor;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::store::{EventQuery, StreamFilter, StreamKey, StreamOrder, StreamQuery, VersionRange};
use crate::stream::Stream;

/// A list of events of the log or of a stream, as it was asked for.
pub(super) struct EventList {
    pub(super) filter: EventFilter,
    /// The internal number of `filter.stream`, where it is known.
    pub(super) stream_id: Option<i64>,
    /// Whether there may be siblings of this list, which are then read together with it. Waiting for
    /// siblings takes a millisecond, so a list that has none does not wait.
    pub(super) is_nested: bool,
    pub(super) direction: Direction,
    pub(super) from_position: Option<Position>,
    pub(super) from_version: Option<i32>,
    pub(super) page: PageArguments,
    /// The schema version in which the events are shown.
    pub(super) schema: SchemaChoice,
}

impl EventList {
    pub(super) async fn read(self, operation: &Operation) -> Result<EventConnection> {
        let size = self.page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        let head = operation.head().await?;
        let backward = self.direction == Direction::Backward;
        let whole = self.whole(operation, head);
        let decode = |token: &Option<String>| -> Result<Option<Position>> {
            let position = |token| cursor::decode_event(operation.store.id(), head, token);
            token
                .as_deref()
                .map(position)
                .transpose()
                .map_err(|error| invalid_cursor(&error))
        };
        let (after, before) = (decode(&self.page.after)?, decode(&self.page.before)?);
        // In a list that runs backward, what comes after a cursor lies below its position.
        let (lower, upper) = if backward {
            (before, after)
        } else {
            (after, before)
        };
        let page = EventQuery {
            after: lower.map_or(whole.after, |lower| lower.max(whole.after)),
            through: upper.map_or(whole.through, |upper| upper.previous().min(whole.through)),
            descending: backward != size.from_the_end,
            limit: size.limit as u64 + 1,
            ..whole.clone()
        };
        let events = if self.is_nested {
            operation.events_with_siblings(page).await?
        } else {
            let events = operation.store.events(&page).await;
            events.map_err(|error| read_error(&error))?
        };
        let bounded = if size.from_the_end {
            before.is_some()
        } else {
            after.is_some()
        };
        Ok(EventConnection {
            rows: Rows::new(events, size, bounded),
            head,
            schema: self.schema,
            counted: whole,
        })
    }

    /// The list that the page is a part of.
    fn whole(&self, operation: &Operation, head: Position) -> EventQuery {
        let backward = self.direction == Direction::Backward;
        let (mut after, mut through) = (Position::ORIGIN, head);
        if let Some(from) = self.from_position {
            if backward {
                through = from.min(head);
            } else {
                after = from.previous();
            }
        }
        let versions = if backward {
            VersionRange {
                from: None,
                through: self.from_version,
            }
        } else {
            VersionRange {
                from: self.from_version,
                through: None,
            }
        };
        EventQuery {
            scope: operation.scope.clone(),
            filter: self.filter.clone(),
            stream_id: self.stream_id,
            after,
            through,
            versions,
            descending: backward,
            limit: 0,
        }
    }
}

/// A list of streams, as it was asked for.
pub(super) struct StreamList {
    pub(super) filter: StreamFilter,
    pub(super) order: StreamOrder,
    pub(super) direction: Direction,
    pub(super) page: PageArguments,
}

impl StreamList {
    pub(super) async fn read(self, operation: &Operation) -> Result<StreamConnection> {
        let size = self.page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        let backward = self.direction == Direction::Backward;
        let decode = |token: &Option<String>| -> Result<Option<StreamKey>> {
            let key = |token| cursor::decode_stream(order_code(self.order), token);
            token
                .as_deref()
                .map(key)
                .transpose()
                .map_err(|error| invalid_cursor(&error))
        };
        let (after, before) = (decode(&self.page.after)?, decode(&self.page.before)?);
        let bounded = if size.from_the_end {
            before.is_some()
        } else {
            after.is_some()
        };
        let whole = StreamQuery {
            scope: operation.scope.clone(),
            filter: self.filter,
            order: self.order,
            after: None,
            before: None,
            descending: backward,
            limit: 0,
        };
        let (lower, upper) = if backward {
            (before, after)
        } else {
            (after, before)
        };
        let page = StreamQuery {
            after: lower,
            before: upper,
            descending: backward != size.from_the_end,
            limit: size.limit as u64 + 1,
            ..whole.clone()
        };
        let streams = operation
            .store
            .streams(&page)
            .await
            .map_err(|error| read_error(&error))?;
        let rows = Rows::new(streams, size, bounded);
        Ok(StreamConnection {
            rows,
            order: self.order,
            counted: whole,
        })
    }
}

/// The place of a stream in a list of this order.
pub(super) fn stream_key(order: StreamOrder, stream: &Stream) -> StreamKey {
    let value = match order {
        StreamOrder::Name => 0,
        StreamOrder::CreatedAt => stream.created_at.timestamp_millis(),
        StreamOrder::UpdatedAt => stream.updated_at.timestamp_millis(),
    };
    (value, stream.name.as_str().to_owned())
}

/// The order's mark inside a cursor; never changed, since cursors outlive a release.
pub(super) const fn order_code(order: StreamOrder) -> u8 {
    match order {
        StreamOrder::Name => 0,
        StreamOrder::CreatedAt => 1,
        StreamOrder::UpdatedAt => 2,
    }
}

/// A stream version in an argument.
pub(super) fn check_version(name: &str, version: Option<i32>) -> Result<()> {
    match version {
        Some(version) if version < 0 => Err(ErrorCode::InvalidStartVersion.error(format!(
            "`{name}` is {version}. Stream versions begin at 1; 0 stands before the first event."
        ))),
        _ => Ok(()),
    }
}
