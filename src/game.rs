//! Games, as what their events come to: a fold of the log, and the rules that its events obey.
//!
//! What a game is and which rules it has is the crate `gamebot`'s, where all of it is pure. This room brings the
//! two together: it reads streams for the fold, page by page, from the newest snapshot on; it keeps the states of
//! games that are being played; and it looks at new events before they are appended.
//!
//! Everything that it holds is a cache. A state is shown only where it is what the events that are shown now come
//! to: events of a stream that was deleted are no part of the game that a later append begins.

mod cache;
mod domain;
mod fold;
mod follow;
mod recover;
mod snapshots;
mod step;

use std::sync::Arc;

use cache::Cache;
use domain::Turns;

pub use domain::JudgedAppend;
pub use fold::{Folded, GameError};
pub use follow::GameMessage;
pub use recover::{Recovery, RecoverySnapshot};
pub use snapshots::SnapshotOutcome;
pub(crate) use step::Step;

use crate::store::EventStore;
use crate::stream::{InvalidStreamName, StreamName};

/// The category of the streams that are folded to games.
pub const CATEGORY: &str = "game";

/// What becomes of an append that breaks a rule of its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Nobody looks.
    Off,
    /// The events are stored, and the answer tells what they break.
    Warn,
    /// An event that breaks an error rule is refused, and its whole request with it.
    Refuse,
}

/// How games are folded, and what becomes of events that break their rules.
#[derive(Clone, Copy, Debug)]
pub struct GameOptions {
    /// What becomes of an append that breaks a rule of the game.
    pub enforcement: Enforcement,
    /// The most games whose state is kept in memory.
    pub cached_streams: usize,
    /// The most bytes that these states may take, roughly.
    pub cached_bytes: usize,
    /// A snapshot is taken at every so many events of a stream; 0 = only on request.
    pub snapshot_every: i32,
    /// The most snapshots that the store keeps of one stream.
    pub snapshots_kept: u32,
}

impl Default for GameOptions {
    /// No rules, no snapshots, and little memory.
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Off,
            cached_streams: 16,
            cached_bytes: 1 << 20,
            snapshot_every: 0,
            snapshots_kept: 1,
        }
    }
}

/// The games of a store. Clones share what is kept in memory.
#[derive(Clone)]
pub struct Games(Arc<Inner>);

struct Inner {
    store: EventStore,
    options: GameOptions,
    cache: Cache,
    turns: Turns,
}

impl Games {
    /// The games of this store.
    #[must_use]
    pub fn new(store: EventStore, options: GameOptions) -> Self {
        Self(Arc::new(Inner {
            store,
            cache: Cache::new(options.cached_streams, options.cached_bytes),
            turns: Turns::new(),
            options,
        }))
    }

    /// The store whose games they are.
    #[must_use]
    pub fn store(&self) -> &EventStore {
        &self.0.store
    }

    /// The stream of a game's events; refused where the id could not stand in a stream's name.
    pub fn stream_name(game_id: &str) -> Result<StreamName, InvalidStreamName> {
        StreamName::parse(&format!("{CATEGORY}-{game_id}"))
    }

    fn options(&self) -> &GameOptions {
        &self.0.options
    }

    fn cache(&self) -> &Cache {
        &self.0.cache
    }
}

/// The part of a stream's name after its category.
fn game_id_of(stream: &StreamName) -> &str {
    let name = stream.as_str();
    name.split_once('-').map_or(name, |(_, id)| id)
}
