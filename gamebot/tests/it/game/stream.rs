//! Streams of events for the tests, easy to change.

use gamebot::{
    game::{Recoverer, Recovery, Severity, StoredEvent, Violation},
    script::{GameScript, ScriptEvent},
};
use serde_json::{Value, json};

/// An event of a stream, before it has a version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) event_type: String,
    pub(crate) schema_version: i32,
    /// JSON text; none when it was removed.
    pub(crate) data: Option<String>,
    /// JSON text; none when it was removed.
    pub(crate) metadata: Option<String>,
    pub(crate) event_id: String,
    /// The team that the event is about; none when it is about the whole game.
    pub(crate) team: Option<String>,
}

/// A whole stream of the game with this id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stream {
    pub(crate) game_id: String,
    pub(crate) events: Vec<Written>,
}

impl From<&ScriptEvent> for Written {
    fn from(event: &ScriptEvent) -> Self {
        Self::new(
            &event.event_type,
            &serde_json::from_str(&event.data).unwrap(),
            &serde_json::from_str(&event.metadata).unwrap(),
        )
    }
}

impl From<&GameScript> for Stream {
    fn from(game: &GameScript) -> Self {
        Self {
            game_id: game.game_id.clone(),
            events: game.events.iter().map(Written::from).collect(),
        }
    }
}

impl Written {
    pub(crate) fn new(event_type: &str, data: &Value, metadata: &Value) -> Self {
        Self {
            event_type: event_type.to_owned(),
            schema_version: 1,
            event_id: metadata["event_id"].as_str().unwrap().to_owned(),
            team: team_of(data),
            data: Some(data.to_string()),
            metadata: Some(metadata.to_string()),
        }
    }

    pub(crate) fn stored(&self, stream_version: i32) -> StoredEvent<'_> {
        StoredEvent {
            stream_version,
            event_id: &self.event_id,
            event_type: &self.event_type,
            schema_version: self.schema_version,
            data: self.data.as_deref(),
            metadata: self.metadata.as_deref(),
        }
    }

    pub(crate) fn data(&self) -> Value {
        serde_json::from_str(self.data.as_ref().unwrap()).unwrap()
    }

    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut data = self.data();
        change(&mut data);
        self.data = Some(data.to_string());
    }

    pub(crate) fn edit_metadata(&mut self, change: impl FnOnce(&mut Value)) {
        let mut metadata: Value = serde_json::from_str(self.metadata.as_ref().unwrap()).unwrap();
        change(&mut metadata);
        let event_id = metadata["event_id"].as_str().unwrap();
        event_id.clone_into(&mut self.event_id);
        self.metadata = Some(metadata.to_string());
    }
}

fn team_of(data: &Value) -> Option<String> {
    let team = data["team_id"]
        .as_str()
        .or_else(|| data["winner_team_id"].as_str())
        .or_else(|| {
            let states = data["team_states"].as_object()?;
            let mut teams = states.keys();
            teams
                .next()
                .filter(|_| states.len() == 1)
                .map(String::as_str)
        });
    team.map(str::to_owned)
}

impl Stream {
    /// The sample game of this name.
    pub(crate) fn sample(name: &str) -> Self {
        let games = gamebot::sample::games().unwrap();
        Self::from(games.iter().find(|game| game.name == name).unwrap())
    }

    /// Recovers the session; the events are numbered from 1 in their order.
    pub(crate) fn recover(&self) -> Recovery {
        self.recover_at(|index| i32::try_from(index).unwrap() + 1)
    }

    /// The same with other versions.
    pub(crate) fn recover_at(&self, version_of: impl Fn(usize) -> i32) -> Recovery {
        let mut recoverer = Recoverer::new(&self.game_id, 1);
        for (index, event) in self.events.iter().enumerate() {
            recoverer.feed(&event.stored(version_of(index)));
        }
        recoverer.finish()
    }

    /// Gives the event at this index another id, as if it had been written anew.
    pub(crate) fn renew(&mut self, index: usize) {
        let id = format!("0195ffff-0000-7000-8000-{index:012}");
        self.events[index].edit_metadata(|metadata| metadata["event_id"] = json!(id));
    }
}

/// The violations as text, for the messages of failing tests.
pub(crate) fn told(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The rules that are broken by an error, sorted, each once.
pub(crate) fn errors(recovery: &Recovery) -> Vec<&'static str> {
    let mut rules: Vec<&str> = recovery
        .violations
        .iter()
        .filter(|violation| violation.severity == Severity::Error)
        .map(|violation| violation.rule.as_str())
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
