//! Opaque global ids: `node(id:)` finds by them what any field has given out.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::stream::StreamName;

/// What a global id names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NodeId {
    Stream(StreamName),
    Event(Uuid),
    Operation(Uuid),
    LiveSubscription(Uuid),
    EventType(String),
}

impl NodeId {
    pub(super) fn encode(&self) -> ID {
        let text = match self {
            Self::Stream(name) => format!("stream:{name}"),
            Self::Event(event_id) => format!("event:{event_id}"),
            Self::Operation(id) => format!("operation:{id}"),
            Self::LiveSubscription(id) => format!("live-subscription:{id}"),
            Self::EventType(name) => format!("event-type:{name}"),
        };
        ID(URL_SAFE_NO_PAD.encode(text))
    }

    /// `None` for an id that this server did not give out; there is no such node, then.
    pub(super) fn decode(id: &ID) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
        match text.split_once(':')? {
            ("stream", name) => StreamName::parse_any(name).ok().map(Self::Stream),
            ("event", event_id) => Uuid::try_parse(event_id).ok().map(Self::Event),
            ("operation", id) => Uuid::try_parse(id).ok().map(Self::Operation),
            ("event-type", name) => Some(Self::EventType(name.to_owned())),
            ("live-subscription", id) => Uuid::try_parse(id).ok().map(Self::LiveSubscription),
            _ => None,
        }
    }
}
