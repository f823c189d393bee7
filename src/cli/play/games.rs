//! The games that can be played: the adapter to the crate `gamebot`.

use chrono::{DateTime, Utc};
use gamebot::generate::{GameGenerator, GeneratedMode};
use gamebot::script::{GameScript, ScriptEvent};
use serde_json::value::RawValue;

use crate::cli::CliError;

/// Keeps the generators of the modes apart: from one seed they would give the same ids.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A game as the bot plays it: the events of one stream, in order.
#[derive(Debug)]
pub(super) struct ScriptedGame {
    /// What kind of game it is, for people.
    pub(super) name: String,
    /// The id of the game; its stream is `game-{game_id}`.
    pub(super) game_id: String,
    pub(super) events: Vec<ScriptedEvent>,
}

/// An event whose JSON is kept as text, so that it is sent as it was written.
#[derive(Debug)]
pub(super) struct ScriptedEvent {
    /// The id that makes an append repeatable, the same as in the metadata.
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) schema_version: i32,
    pub(super) data: Box<RawValue>,
    pub(super) metadata: Box<RawValue>,
}

impl ScriptedGame {
    pub(super) fn stream_name(&self) -> String {
        format!("game-{}", self.game_id)
    }
}

/// The three sample games.
pub(super) fn samples() -> Result<Vec<ScriptedGame>, CliError> {
    let games = gamebot::sample::games()
        .map_err(|error| CliError::Failed(format!("the sample games are damaged: {error}")))?;
    games.into_iter().map(scripted_game).collect()
}

/// `count` games, the modes in turn; the same seed and start give the same games.
pub(super) fn generated(
    count: u32,
    seed: u64,
    start: DateTime<Utc>,
) -> impl Iterator<Item = Result<ScriptedGame, CliError>> {
    let mut seed = seed;
    let mut generators = GeneratedMode::ALL.map(|mode| {
        seed = seed.wrapping_add(SEED_STEP);
        GameGenerator::new(seed, start, mode)
    });
    let modes = (0..generators.len()).cycle();
    modes
        .map_while(move |mode| generators.get_mut(mode).and_then(Iterator::next))
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .map(scripted_game)
}

fn scripted_game(game: GameScript) -> Result<ScriptedGame, CliError> {
    let events = game
        .events
        .iter()
        .map(scripted_event)
        .collect::<Result<_, _>>();
    let events = events.map_err(|reason| {
        CliError::Failed(format!(
            "the game {} cannot be played: {reason}",
            game.game_id
        ))
    })?;
    Ok(ScriptedGame {
        name: game.name.into_owned(),
        game_id: game.game_id,
        events,
    })
}

fn scripted_event(event: &ScriptEvent) -> Result<ScriptedEvent, String> {
    let raw = |text: &str| {
        RawValue::from_string(text.to_owned())
            .map_err(|error| format!("{} is not JSON: {error}", event.event_type))
    };
    Ok(ScriptedEvent {
        event_id: event
            .event_id()
            .ok_or_else(|| format!("{} has no event_id in its metadata", event.event_type))?,
        event_type: event.event_type.clone().into_owned(),
        schema_version: event.schema_version,
        data: raw(&event.data)?,
        metadata: raw(&event.metadata)?,
    })
}
