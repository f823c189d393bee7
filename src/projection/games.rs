//! Games: where each stands, every guess and round, what finished games count for players and teams, and
//! replays.
//!
//! Each game is a fold: its [`GameState`] and its [`GameFigures`] are kept as JSON in its row, so that the
//! next event goes on from there, on whichever node. What is derived from them (guesses, rounds, results) has
//! rows of its own, which are written once and looked up by many keys.

mod entry;
mod layout;
mod query;
mod question;
mod results;
mod rows;
mod statistics;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gamebot::event::Decoded;
use lru::LruCache;
use sea_orm::Value;
use uuid::fmt::Hyphenated;

use super::kind::Projector;
use super::tables::Target;
use crate::event::{RecordedEvent, life};
use crate::game::Step;
use crate::store::DatabaseError;
use entry::Entry;
pub(super) use layout::LAYOUT;
pub use question::{
    GameFilter, GameQuery, GuessFilter, GuessQuery, PlayedRound, ProjectedGame, ProjectedGuess,
    ProjectedReplay, ReplayKey, ReplayQuery,
};
use rows::Pending;
pub use statistics::{LeaderboardQuery, StatisticsQuery};

/// The games that are kept in memory between batches: more than are played at a time on a large bot.
const GAMES_IN_MEMORY: NonZeroUsize = NonZeroUsize::new(2048).unwrap();
/// What precedes a game's id in the name of its stream.
const STREAM_PREFIX: &str = "game-";

pub(super) struct Games {
    entries: LruCache<String, Entry>,
}

impl Default for Games {
    fn default() -> Self {
        Self {
            entries: LruCache::new(GAMES_IN_MEMORY),
        }
    }
}

impl Projector for Games {
    fn apply<'a>(
        &'a mut self,
        events: &'a [Arc<RecordedEvent>],
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            let mut batch = self.load(events, target).await?;
            let mut pending = Pending::default();
            for (index, event) in events.iter().enumerate() {
                if let Some(game_id) = ended_game(event) {
                    batch.remove(&game_id);
                    pending.remove(&game_id);
                } else if let Some(game_id) = game_of(event)
                    && event.data.is_some()
                {
                    let entry = batch.entry(game_id.to_owned());
                    let entry = entry.or_insert_with(|| Entry::new(game_id));
                    if let Err(reason) = apply(entry, event, &mut pending) {
                        target.fault(index, event, &reason);
                    }
                }
            }
            for entry in batch.values().filter(|entry| entry.is_changed) {
                pending.game(entry)?;
            }
            pending.write(target).await?;
            for (game_id, mut entry) in batch {
                entry.is_changed = false;
                entry.roster_changed = false;
                if !entry.is_over() {
                    self.entries.put(game_id, entry);
                }
            }
            Ok(())
        })
    }

    fn forget(&mut self) {
        self.entries.clear();
    }
}

impl Games {
    /// The games of a batch, from memory or from their rows. Nobody else has them until the batch is written:
    /// a batch that fails takes them with it.
    async fn load(
        &mut self,
        events: &[Arc<RecordedEvent>],
        target: &Target<'_>,
    ) -> Result<HashMap<String, Entry>, DatabaseError> {
        let mut batch = HashMap::new();
        let mut wanted = HashSet::new();
        for event in events {
            let Some(game_id) = game_of(event) else {
                continue;
            };
            if batch.contains_key(game_id) || wanted.contains(game_id) {
                continue;
            }
            if let Some(entry) = self.entries.pop(game_id) {
                batch.insert(game_id.to_owned(), entry);
            } else if event.stream_version > 1 {
                // Before its first event a game has no row.
                wanted.insert(game_id);
            }
        }
        for event in events {
            if let Some(game_id) = ended_game(event) {
                self.entries.pop(&game_id);
            }
        }
        let keys: Vec<Value> = wanted.into_iter().map(Value::from).collect();
        let select =
            "SELECT game_id, first_position, position, state, figures FROM {game} WHERE game_id";
        for row in target.rows_of(select, keys).await? {
            let entry = Entry::stored(&row)?;
            batch.insert(entry.state.game_id.clone(), entry);
        }
        Ok(batch)
    }
}

/// Folds one event into its game. An event whose data cannot be read keeps its place in the stream.
fn apply(entry: &mut Entry, event: &RecordedEvent, pending: &mut Pending) -> Result<(), String> {
    if event.stream_version <= entry.state.stream_version {
        return Ok(());
    }
    entry.touch(event);
    let step = Step::recorded(event);
    let mut buffer = [0; Hyphenated::LENGTH];
    let envelope = step.envelope(&mut buffer);
    let name = event.event_type.as_str();
    match step.decode() {
        Some(Decoded::Known(known)) => {
            entry.state.apply(&envelope, &known);
            entry.note_roster(&known);
            if let Some(mut figures) = entry.figures.take() {
                figures.note_stored(name, event.schema_version);
                let changes = figures.apply(event.stream_version, envelope.event_id, &known);
                entry.figures = Some(figures);
                rows::check_keys(&changes)?;
                pending.changes(entry, changes);
            }
            if entry.is_over() {
                entry.figures = None;
            }
            Ok(())
        }
        Some(Decoded::Undecodable(failure)) => {
            entry.state.skip(&envelope, name);
            Err(failure.to_string())
        }
        Some(Decoded::Unknown) | None => {
            entry.state.skip(&envelope, name);
            Ok(())
        }
    }
}

/// The id of the game whose stream the event stands in.
fn game_of(event: &RecordedEvent) -> Option<&str> {
    event.stream.as_str().strip_prefix(STREAM_PREFIX)
}

/// The id of the game whose stream the event has deleted or ended for ever.
fn ended_game(event: &RecordedEvent) -> Option<String> {
    let stream = event.stream.lives()?;
    let is_end = [life::DELETED, life::TOMBSTONED].contains(&event.event_type.as_str());
    let game_id = stream.as_str().strip_prefix(STREAM_PREFIX)?;
    is_end.then(|| game_id.to_owned())
}
