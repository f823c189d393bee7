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

use super::kind::{Digest, Projector};
use super::tables::{Fault, Target};
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
            let keys = self.unknown(events).into_iter().map(Value::from).collect();
            let select = "SELECT game_id, first_position, position, state, figures FROM {game} WHERE game_id";
            let mut batch = HashMap::new();
            for row in target.rows_of(select, keys).await? {
                let entry = Entry::stored(&row)?;
                batch.insert(entry.state.game_id.clone(), entry);
            }
            self.fold(events, batch)?.write(target).await
        })
    }

    fn digest(
        &mut self,
        events: &[Arc<RecordedEvent>],
    ) -> Result<Option<Box<dyn Digest>>, DatabaseError> {
        if events.is_empty() || !self.unknown(events).is_empty() {
            return Ok(None);
        }
        let folded = self.fold(events, HashMap::new())?;
        Ok(Some(Box::new(folded)))
    }
}

/// What a batch has come to.
struct Folded {
    pending: Pending,
    faults: Vec<Fault>,
}

impl Folded {
    async fn write(self, target: &mut Target<'_>) -> Result<(), DatabaseError> {
        target.faults.extend(self.faults);
        self.pending.write(target).await
    }
}

impl Digest for Folded {
    fn write<'a>(
        self: Box<Self>,
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(Folded::write(*self, target))
    }
}

impl Games {
    /// The games of a batch that are not in memory, and may have a row. Before its first event a game has none.
    fn unknown<'a>(&self, events: &'a [Arc<RecordedEvent>]) -> HashSet<&'a str> {
        let mut seen = HashSet::new();
        let mut unknown = HashSet::new();
        for event in events {
            if let Some(game_id) = game_of(event)
                && seen.insert(game_id)
                && event.stream_version > 1
                && !self.entries.contains(game_id)
            {
                unknown.insert(game_id);
            }
        }
        unknown
    }

    /// Folds events into their games; `batch` has those that were not in memory.
    fn fold(
        &mut self,
        events: &[Arc<RecordedEvent>],
        mut batch: HashMap<String, Entry>,
    ) -> Result<Folded, DatabaseError> {
        let mut pending = Pending::default();
        let mut faults = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let Some(game_id) = ended_game(event) {
                self.entries.pop(&game_id);
                batch.remove(&game_id);
                pending.remove(&game_id);
            } else if let Some(game_id) = game_of(event)
                && event.data.is_some()
            {
                if !batch.contains_key(game_id) {
                    let entry = self.entries.pop(game_id);
                    let entry = entry.unwrap_or_else(|| Entry::new(game_id));
                    batch.insert(game_id.to_owned(), entry);
                }
                if let Some(entry) = batch.get_mut(game_id)
                    && let Err(reason) = apply(entry, event, &mut pending)
                {
                    faults.push(Fault::new(index, event, reason));
                }
            }
        }
        for (game_id, mut entry) in batch {
            if entry.is_changed {
                pending.game(&entry)?;
            }
            entry.is_changed = false;
            entry.roster_changed = false;
            if !entry.is_over() {
                self.entries.put(game_id, entry);
            }
        }
        Ok(Folded { pending, faults })
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
