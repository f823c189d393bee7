//! Three complete games that obey every rule of the game, embedded in the program, with what was
//! observed of them and the streams of those who play.
//!
//! | Name | Events | Content | Observed |
//! |---|---|---|---|
//! | `two_player` | 31 | 5 rounds, one attempt abandoned by timeout, one pause; won | a word refused, the session brought back |
//! | `knockout` | 81 | 4 teams, 3 rounds, a disconnect with rejoin | a word and a command refused, an error of the bot |
//! | `race` | 150 | 4 teams, 180 seconds, two give-ups, decided by average attempts | words, a pair and a command refused |

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::script::{GameScript, ScriptEvent, StreamScript};

const FILES: [(&str, &str); 3] = [
    ("two_player", include_str!("../samples/two_player.json")),
    ("knockout", include_str!("../samples/knockout.json")),
    ("race", include_str!("../samples/race.json")),
];
/// Every stream that is not a game: of the Discord servers, players and teams, and the logs of the
/// games.
const STREAMS: &str = include_str!("../samples/streams.json");

/// The sample games, in the order of the table above. An error means that the program was built
/// from a damaged file.
pub fn games() -> serde_json::Result<Vec<GameScript>> {
    let mut streams = streams()?;
    let games = FILES.iter().map(|(name, text)| {
        let mut game = game(name, text)?;
        let log = game.observations_stream_name();
        let log = streams.iter_mut().find(|stream| stream.stream_name == log);
        game.observations = log.map_or_else(Vec::new, |log| std::mem::take(&mut log.events));
        Ok(game)
    });
    games.collect()
}

/// The streams of the Discord servers, players and teams of the sample games. Everything in them
/// happened in the 60 days before their game. An error means that the program was built from a
/// damaged file.
pub fn community() -> serde_json::Result<Vec<StreamScript>> {
    let mut streams = streams()?;
    streams.retain(|stream| !stream.stream_name.starts_with("gamelog-"));
    Ok(streams)
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct FileStream {
    stream: String,
    events: Vec<FileEvent>,
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

fn streams() -> serde_json::Result<Vec<StreamScript>> {
    let streams: Vec<FileStream> = serde_json::from_str(STREAMS)?;
    let streams = streams.into_iter().map(|found| StreamScript {
        stream_name: found.stream,
        events: found.events.into_iter().map(ScriptEvent::from).collect(),
    });
    Ok(streams.collect())
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
