//! What is known of an event type besides the shape of its data.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::GameMode;

/// What an event does to the state of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventClass {
    /// It changes the lobby of a game that has not started.
    Lobby,
    /// It changes the state.
    State,
    /// It closes a stream that is complete, and changes nothing else.
    Archival,
    /// It reports, and never changes any state.
    Observation,
}

/// How firm an event type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventTypeStatus {
    /// One of the types that carry a game from its start to its result.
    Core,
    /// Written by the bot.
    Defined,
    /// Written by earlier versions of the bot.
    Earlier,
    /// Not yet written by any version of the bot.
    Proposed,
}

/// A category of streams: what stands before the first hyphen of a stream's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamCategory {
    /// A game, written by the one session that runs it.
    Game,
    /// A team.
    Team,
    /// A user of the bot in one Discord server.
    Player,
    /// The settings of a Discord server.
    Guild,
    /// Observations about one game.
    Gamelog,
    /// Observations about no game.
    Botlog,
}

impl EventClass {
    /// The class in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lobby => "lobby",
            Self::State => "state",
            Self::Archival => "archival",
            Self::Observation => "observation",
        }
    }
}

impl EventTypeStatus {
    /// The status in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Defined => "defined",
            Self::Earlier => "earlier",
            Self::Proposed => "proposed",
        }
    }
}

impl StreamCategory {
    /// The category as it stands in the names of streams.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Game => "game",
            Self::Team => "team",
            Self::Player => "player",
            Self::Guild => "guild",
            Self::Gamelog => "gamelog",
            Self::Botlog => "botlog",
        }
    }
}

/// An event type of the catalogue.
#[derive(Debug)]
pub struct EventType {
    /// The name, for example `guess_processed`.
    pub name: &'static str,
    /// What its events do to a state; two classes for those of a lobby that occur during play, too.
    pub classes: &'static [EventClass],
    /// How firm it is.
    pub status: EventTypeStatus,
    /// The categories of the streams that its events belong to. Observations are besides tolerated
    /// in the stream of a game after its first event, because imported games have them there.
    pub categories: &'static [StreamCategory],
    /// The modes of the games in which it occurs; none when it does not belong to a game.
    pub modes: &'static [GameMode],
    pub(super) schema: fn() -> Value,
}

impl EventType {
    /// The JSON Schema (draft 2020-12) of the data of its events at schema version
    /// [`Event::SCHEMA_VERSION`](super::Event::SCHEMA_VERSION).
    ///
    /// It says what may be written: everything that can be said of one event without knowing its
    /// fields' relations or the events before it. Unknown keys are allowed. It is made anew with
    /// each call, so a caller that needs it often keeps it.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// What its events mean, in English: one sentence or more. It is the description of the
    /// schema, and as costly as it.
    #[must_use]
    pub fn description(&self) -> String {
        let schema = self.schema();
        let description = schema.get("description").and_then(Value::as_str);
        description.unwrap_or_default().to_owned()
    }

    /// Whether its events change the state that is folded from their stream.
    #[must_use]
    pub fn changes_state(&self) -> bool {
        let changing = [EventClass::Lobby, EventClass::State];
        self.classes.iter().any(|class| changing.contains(class))
    }
}

/// The JSON Schema of a payload type.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
