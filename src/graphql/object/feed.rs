//! What a live feed says.

use async_graphql::{Interface, SimpleObject, Union};
use uuid::Uuid;

use super::event::EventObject;
use crate::cursor;
use crate::graphql::scalar::PositionScalar;
use crate::graphql::schema_choice::SchemaChoice;
use crate::position::Position;
use crate::store::FeedMessage;

/// One message of a feed.
#[derive(Union)]
pub(in crate::graphql) enum EventFeedMessage {
    /// An event.
    EventReceived(EventReceived),
    /// The feed has reached the head.
    CaughtUp(CaughtUp),
    /// The feed reads from the log again.
    FellBehind(FellBehind),
    /// Nothing matched for a while.
    Checkpoint(Checkpoint),
}

/// Where a feed stands: every message has it, and a feed that starts after it misses nothing.
#[derive(Interface)]
#[graphql(
    field(
        name = "cursor",
        ty = "&String",
        desc = "Resume after this message with it."
    ),
    field(
        name = "position",
        ty = "&PositionScalar",
        desc = "Everything up to here has been delivered."
    )
)]
pub(in crate::graphql) enum FeedPoint {
    /// An event.
    EventReceived(EventReceived),
    /// The feed has reached the head.
    CaughtUp(CaughtUp),
    /// The feed reads from the log again.
    FellBehind(FellBehind),
    /// Nothing matched for a while.
    Checkpoint(Checkpoint),
}

/// An event that the feed wants. Each comes once, in the order of the log.
#[derive(SimpleObject)]
pub(in crate::graphql) struct EventReceived {
    /// Resume after this event with it.
    cursor: String,
    /// The event's position.
    position: PositionScalar,
    /// The event.
    event: EventObject,
}

/// Everything up to this position has been delivered, and what follows comes as it happens. Sent when the
/// feed first reaches the head, and each time that it has caught up after falling behind.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CaughtUp {
    /// Resume after this message with it.
    cursor: String,
    /// The head that was reached.
    position: PositionScalar,
}

/// The client was too slow for the live fan-out; the feed goes on from the log without losing anything, and
/// says `CaughtUp` when it is live again.
#[derive(SimpleObject)]
pub(in crate::graphql) struct FellBehind {
    /// Resume after this message with it.
    cursor: String,
    /// The last position before the gap.
    position: PositionScalar,
}

/// Nothing matched the filter up to this position: the cursor advances all the same.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Checkpoint {
    /// Resume after this message with it.
    cursor: String,
    /// The last position that was looked at.
    position: PositionScalar,
}

impl EventFeedMessage {
    pub(in crate::graphql) fn new(
        store_id: Uuid,
        message: FeedMessage,
        schema: SchemaChoice,
    ) -> Self {
        let at = |position: Position| {
            (
                cursor::encode_event(store_id, position),
                PositionScalar(position),
            )
        };
        let (cursor, position) = at(message.position());
        match message {
            FeedMessage::Event(event) => Self::EventReceived(EventReceived {
                cursor,
                position,
                event: EventObject::in_schema(event, schema),
            }),
            FeedMessage::CaughtUp(_) => Self::CaughtUp(CaughtUp { cursor, position }),
            FeedMessage::FellBehind(_) => Self::FellBehind(FellBehind { cursor, position }),
            FeedMessage::Checkpoint(_) => Self::Checkpoint(Checkpoint { cursor, position }),
        }
    }
}
