//! The games that can be played, and those who play them: the adapter to the crate `gamebot`.

use std::collections::HashMap;
use std::iter;

use chrono::{DateTime, Utc};
use gamebot::event::{Decoded, Event, GameStarted};
use gamebot::generate::{GameGenerator, GeneratedMode, community_streams};
use gamebot::script::{GameScript, ScriptEvent, StreamScript};
use serde_json::value::RawValue;

use crate::cli::CliError;

/// A game as the bot plays it.
#[derive(Debug)]
pub(super) struct ScriptedGame {
    /// What kind of game it is, for people.
    pub(super) name: String,
    /// The id of the game; its stream is `game-{game_id}`.
    pub(super) game_id: String,
    /// The streams of those who play it, as far as no game before it had them: of their Discord
    /// server, of the players, of the teams.
    pub(super) introductions: Vec<ScriptedStream>,
    /// What happens in the game, and what is observed of it, in the order of time.
    pub(super) events: Vec<ScriptedEvent>,
}

/// A stream that is told from its first event to its last, before the game for which it matters.
#[derive(Debug)]
pub(super) struct ScriptedStream {
    pub(super) name: String,
    pub(super) events: Vec<ScriptedEvent>,
}

/// An event whose JSON is kept as text, so that it is sent as it was written.
#[derive(Debug)]
pub(super) struct ScriptedEvent {
    /// Whether it belongs to the log of the game instead of the game itself.
    pub(super) is_observation: bool,
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

    pub(super) fn log_name(&self) -> String {
        format!("gamelog-{}", self.game_id)
    }
}

/// The three sample games.
pub(super) fn samples() -> Result<Vec<ScriptedGame>, CliError> {
    let damaged = |error| CliError::Failed(format!("the sample games are damaged: {error}"));
    let mut cast = Cast::new(gamebot::sample::community().map_err(damaged)?);
    let games = gamebot::sample::games().map_err(damaged)?;
    games
        .into_iter()
        .map(|game| scripted_game(game, &mut cast))
        .collect()
}

/// `count` games, the modes in turn; the same seed and start give the same games.
pub(super) fn generated(
    count: u32,
    seed: u64,
    start: DateTime<Utc>,
) -> impl Iterator<Item = Result<ScriptedGame, CliError>> {
    // One seed, so that all modes are played by the same people.
    let mut cast = Cast::new(community_streams(seed, start));
    let mut generators = GeneratedMode::ALL.map(|mode| GameGenerator::new(seed, start, mode));
    let modes = (0..generators.len()).cycle();
    modes
        .map_while(move |mode| generators.get_mut(mode).and_then(Iterator::next))
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .map(move |game| scripted_game(game, &mut cast))
}

/// The streams of those who have not played yet, by name.
struct Cast(HashMap<String, StreamScript>);

impl Cast {
    fn new(streams: Vec<StreamScript>) -> Self {
        let streams = streams.into_iter();
        Self(
            streams
                .map(|stream| (stream.stream_name.clone(), stream))
                .collect(),
        )
    }

    /// Takes the streams of those who play this game, and keeps those of the others.
    fn introduce(&mut self, game: &GameScript) -> Vec<StreamScript> {
        let Some(start) = game.events.iter().find_map(start_of) else {
            return Vec::new();
        };
        // The scope of a game without a Discord server: direct messages.
        let scope = start.guild_id.as_deref().unwrap_or("dm");
        let server = iter::once(format!("guild-{scope}"));
        let players = start.player_ids.iter();
        let teams = start.team_ids.iter();
        server
            .chain(players.map(|player| format!("player-{scope}_{player}")))
            .chain(teams.map(|team| format!("team-{scope}_{team}")))
            .filter_map(|name| self.0.remove(&name))
            .collect()
    }
}

fn start_of(event: &ScriptEvent) -> Option<GameStarted> {
    match Event::decode(&event.event_type, event.schema_version, &event.data) {
        Decoded::Known(Event::GameStarted(start)) => Some(start),
        Decoded::Known(_) | Decoded::Unknown | Decoded::Undecodable(_) => None,
    }
}

fn scripted_game(game: GameScript, cast: &mut Cast) -> Result<ScriptedGame, CliError> {
    let introductions = cast.introduce(&game);
    let introductions = introductions.iter().map(scripted_stream);
    let (introductions, events) = introductions
        .collect::<Result<_, _>>()
        .and_then(|introductions| Ok((introductions, in_order_of_time(&game)?)))
        .map_err(|reason| {
            CliError::Failed(format!(
                "the game {} cannot be played: {reason}",
                game.game_id
            ))
        })?;
    Ok(ScriptedGame {
        // Generated games have their id in their name, which the stream tells as well.
        name: game.name.split(' ').next().unwrap_or_default().to_owned(),
        game_id: game.game_id,
        introductions,
        events,
    })
}

fn scripted_stream(stream: &StreamScript) -> Result<ScriptedStream, String> {
    let events = stream.events.iter();
    Ok(ScriptedStream {
        name: stream.stream_name.clone(),
        events: events
            .map(|event| scripted_event(event, false))
            .collect::<Result<_, _>>()?,
    })
}

/// The events of the game with the observations between them.
fn in_order_of_time(game: &GameScript) -> Result<Vec<ScriptedEvent>, String> {
    let mut observations = game.observations.iter().peekable();
    let mut events = Vec::new();
    for event in &game.events {
        // At the same time the game comes first, because it is what the observation is about.
        while let Some(observed) =
            observations.next_if(|observed| observed.timestamp() < event.timestamp())
        {
            events.push(scripted_event(observed, true)?);
        }
        events.push(scripted_event(event, false)?);
    }
    for observed in observations {
        events.push(scripted_event(observed, true)?);
    }
    Ok(events)
}

fn scripted_event(event: &ScriptEvent, is_observation: bool) -> Result<ScriptedEvent, String> {
    let raw = |text: &str| {
        RawValue::from_string(text.to_owned())
            .map_err(|error| format!("{} is not JSON: {error}", event.event_type))
    };
    Ok(ScriptedEvent {
        is_observation,
        event_id: event
            .event_id()
            .ok_or_else(|| format!("{} has no event_id in its metadata", event.event_type))?,
        event_type: event.event_type.clone().into_owned(),
        schema_version: event.schema_version,
        data: raw(&event.data)?,
        metadata: raw(&event.metadata)?,
    })
}
