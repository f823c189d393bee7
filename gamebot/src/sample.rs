//! Three complete games that obey every rule of the game, embedded in the program.
//!
//! | Name | Events | Content |
//! |---|---|---|
//! | `two_player` | 31 | 5 rounds, one attempt abandoned by timeout, one pause; won |
//! | `knockout` | 81 | 4 teams, 3 rounds, a disconnect with rejoin |
//! | `race` | 150 | 4 teams, 180 seconds, two give-ups, decided by average attempts |

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::script::{GameScript, ScriptEvent};

const FILES: [(&str, &str); 3] = [
    ("two_player", include_str!("../samples/two_player.json")),
    ("knockout", include_str!("../samples/knockout.json")),
    ("race", include_str!("../samples/race.json")),
];

/// The sample games, in the order of the table above. An error means that the program was built
/// from a damaged file.
pub fn games() -> serde_json::Result<Vec<GameScript>> {
    FILES.iter().map(|(name, text)| game(name, text)).collect()
}

#[derive(Deserialize)]
struct FileEvent {
    #[serde(rename = "type", borrow)]
    event_type: &'static str,
    #[serde(rename = "schemaVersion")]
    schema_version: i32,
    #[serde(borrow)]
    data: &'static RawValue,
    #[serde(borrow)]
    metadata: &'static RawValue,
}

fn game(name: &'static str, text: &'static str) -> serde_json::Result<GameScript> {
    #[derive(Default, Deserialize)]
    struct WithGameId {
        game_id: String,
    }
    let events: Vec<FileEvent> = serde_json::from_str(text)?;
    let with_game_id: WithGameId = match events.first() {
        Some(first) => serde_json::from_str(first.data.get())?,
        None => WithGameId::default(),
    };
    Ok(GameScript {
        name: Cow::Borrowed(name),
        game_id: with_game_id.game_id,
        events: events.into_iter().map(ScriptEvent::from).collect(),
        observations: Vec::new(),
    })
}

impl From<FileEvent> for ScriptEvent {
    fn from(event: FileEvent) -> Self {
        Self {
            event_type: Cow::Borrowed(event.event_type),
            schema_version: event.schema_version,
            data: Cow::Borrowed(event.data.get()),
            metadata: Cow::Borrowed(event.metadata.get()),
        }
    }
}
