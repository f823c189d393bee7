//! A whole game in the form in which it can be appended to a store.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A game from its first event to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameScript {
    /// A short name for people, for example `two_player`.
    pub name: Cow<'static, str>,
    /// The id of the game, as in the data of its events.
    pub game_id: String,
    /// The events in the order of the stream, never empty.
    pub events: Vec<ScriptEvent>,
    /// What was observed of the game without changing it, in the order of a stream of its own;
    /// mostly empty.
    pub observations: Vec<ScriptEvent>,
}

impl GameScript {
    /// The name of the stream that the events belong to.
    #[must_use]
    pub fn stream_name(&self) -> String {
        format!("game-{}", self.game_id)
    }

    /// The name of the stream that the observations belong to.
    #[must_use]
    pub fn observations_stream_name(&self) -> String {
        format!("gamelog-{}", self.game_id)
    }
}

/// A stream that is not a game, from its first event to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamScript {
    /// The name of the stream, for example `guild-964224541917669458`.
    pub stream_name: String,
    /// The events in the order of the stream, never empty.
    pub events: Vec<ScriptEvent>,
}

/// One event of a game, with its JSON as text so that numbers and the order of keys survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptEvent {
    /// The event type, for example `guess_processed`.
    pub event_type: Cow<'static, str>,
    /// The version of the shape of the data, from 1.
    pub schema_version: i32,
    /// The data, a JSON object. White space is as the source has it.
    pub data: Cow<'static, str>,
    /// The metadata, a JSON object. White space is as the source has it.
    pub metadata: Cow<'static, str>,
}

impl ScriptEvent {
    /// The id that the writer chose for the event, a UUID; none when the metadata has none.
    #[must_use]
    pub fn event_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct WithEventId {
            event_id: String,
        }
        serde_json::from_str(&self.metadata)
            .ok()
            .map(|found: WithEventId| found.event_id)
    }

    /// When the event happened; none when the data has no timestamp. Whoever plays a game in real
    /// time waits by it.
    #[must_use]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        #[derive(Deserialize)]
        struct WithTimestamp {
            timestamp: DateTime<Utc>,
        }
        serde_json::from_str(&self.data)
            .ok()
            .map(|found: WithTimestamp| found.timestamp)
    }
}
