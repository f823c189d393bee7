//! Folding a game out of the log: from the nearest state that is known to be right, page by page, to the end.

use std::sync::Arc;

use gamebot::game::{GameState, STATE_VERSION};

use super::cache::{Cached, Verdicts};
use super::step::Step;
use super::{CATEGORY, Games, game_id_of};
use crate::event::{Hash, RecordedEvent};
use crate::position::Position;
use crate::scope::Scope;
use crate::store::{Basis, EventQuery, NewSnapshot, ReadError, SnapshotWanted, VersionRange};
use crate::stream::{Stream, StreamName};

/// A game after some event of its stream.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The state.
    pub state: Arc<GameState>,
    /// The position of the last event that went into it.
    pub position: Position,
    /// The hash of that event.
    pub event_hash: Hash,
    /// The version of the first event that went into it: the first that is shown.
    pub first_version: i32,
    /// The stream as it was when the fold began.
    pub(super) basis: Basis,
    /// What the state takes in memory, roughly.
    pub(super) bytes: usize,
    /// The bytes of data that were folded since that was found out.
    pub(super) unmeasured: usize,
}

/// Why a game cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The stream has no such version.
    #[error("the version {wanted} was asked for, and the stream {stream} is at version {version}")]
    NoSuchVersion {
        /// The stream.
        stream: StreamName,
        /// What was asked for.
        wanted: i32,
        /// What there is.
        version: i32,
    },
}

/// The most events that are read at a time.
pub(super) const PAGE_EVENTS: u64 = 1000;
/// What a state takes beside its parts that grow.
const STATE_BYTES: usize = 2048;

impl Games {
    /// A game as its events are shown now, or as they were shown up to a version; `None` if no event of it is
    /// shown up to there.
    pub async fn game(
        &self,
        scope: &Scope,
        name: &StreamName,
        at_version: Option<i32>,
    ) -> Result<Option<Folded>, GameError> {
        let Some(stream) = self.store().stream(scope, name).await? else {
            return Ok(None);
        };
        if let Some(wanted) = at_version
            && wanted > stream.version
        {
            return Err(GameError::NoSuchVersion {
                stream: name.clone(),
                wanted,
                version: stream.version,
            });
        }
        Ok(self.fold(stream, at_version).await?)
    }

    /// The state that the shown events of a stream come to at a version, or now. It begins with the nearest state
    /// that is known to be right.
    pub(super) async fn fold(
        &self,
        mut stream: Stream,
        at_version: Option<i32>,
    ) -> Result<Option<Folded>, ReadError> {
        debug_assert_eq!(stream.name.category(), CATEGORY, "only games are folded");
        loop {
            let through = at_version.unwrap_or(stream.version);
            let (folded, reached) = self.fold_once(&stream, through).await?;
            if reached >= through {
                return Ok(folded);
            }
            // Events are missing at the end: they were hidden while the pages were read, or they are lost.
            let now = self.store().stream(&Scope::All, &stream.name).await?;
            match now {
                Some(now) if Basis::of(&now) != Basis::of(&stream) => stream = now,
                _ => return Ok(folded),
            }
        }
    }

    /// The state, and the version that was reached.
    pub(super) async fn fold_once(
        &self,
        stream: &Stream,
        through: i32,
    ) -> Result<(Option<Folded>, i32), ReadError> {
        let first_version = self
            .store()
            .first_shown_version(&Scope::All, stream)
            .await?;
        if first_version > through {
            return Ok((None, through));
        }
        let base = self.base(stream, first_version, through).await?;
        let mut folding = Folding::new(base, stream, first_version, self.options().snapshot_every);
        self.read(stream, through, &mut folding).await?;
        let (folded, snapshots) = folding.finish(self.options().snapshots_kept);
        if !snapshots.is_empty() {
            self.store().keep_snapshots(snapshots);
        }
        let Some(folded) = folded else {
            return Ok((None, 0));
        };
        if folded.version() == stream.version {
            let cached = Cached {
                folded: Arc::new(folded.clone()),
                verdicts: Verdicts::default(),
            };
            self.cache().put(&stream.name, cached);
        }
        let reached = folded.version();
        Ok((Some(folded), reached))
    }

    /// The nearest state before a version that shows what is shown now: in memory, or a snapshot.
    async fn base(
        &self,
        stream: &Stream,
        first_version: i32,
        through: i32,
    ) -> Result<Option<Folded>, ReadError> {
        let cached = self.cache().get(&stream.name).map(|cached| cached.folded);
        let cached = cached
            .filter(|known| known.first_version == first_version && known.version() <= through);
        let near = self.options().snapshot_every.max(1);
        if let Some(known) = &cached
            && (through - known.version() < near || known.version() == through)
        {
            return Ok(Some(Folded::clone(known)));
        }
        let snapshot = self.snapshot(stream, first_version, through).await?;
        Ok(match (cached, snapshot) {
            (Some(cached), Some(snapshot)) if cached.version() >= snapshot.version() => {
                Some(Folded::clone(&cached))
            }
            (Some(cached), None) => Some(Folded::clone(&cached)),
            (_, snapshot) => snapshot,
        })
    }

    /// The newest snapshot that can be used, as a state.
    async fn snapshot(
        &self,
        stream: &Stream,
        first_version: i32,
        through: i32,
    ) -> Result<Option<Folded>, ReadError> {
        let mut wanted = SnapshotWanted {
            state_version: STATE_VERSION,
            first_version,
            through,
        };
        loop {
            let Some(found) = self.store().snapshot(stream, wanted).await? else {
                return Ok(None);
            };
            let content = found.content;
            let version = content.stream_version;
            let state = serde_json::from_str::<GameState>(&content.state);
            let is_of_game = |state: &GameState| {
                state.stream_version == version && state.game_id == game_id_of(&stream.name)
            };
            if let Some(state) = state.ok().filter(is_of_game) {
                return Ok(Some(Folded {
                    bytes: STATE_BYTES + content.state.len() * 2,
                    unmeasured: 0,
                    state: Arc::new(state),
                    position: found.position,
                    event_hash: content.event_hash,
                    first_version,
                    basis: Basis::of(stream),
                }));
            }
            tracing::warn!(stream = %stream.name, version, "a snapshot holds no state of this game");
            wanted.through = version - 1;
        }
    }

    async fn read(
        &self,
        stream: &Stream,
        through: i32,
        folding: &mut Folding,
    ) -> Result<(), ReadError> {
        while folding.next_version <= through {
            let query = EventQuery {
                versions: VersionRange {
                    from: Some(folding.next_version),
                    through: Some(through),
                },
                ..EventQuery::of_stream(Scope::All, stream, PAGE_EVENTS)
            };
            let events = self.store().events(&query).await?;
            for event in &events {
                folding.take(event);
            }
            // A page that is not full is the last one: versions are dense, but for what is hidden.
            if (events.len() as u64) < PAGE_EVENTS {
                break;
            }
        }
        Ok(())
    }
}

impl Folded {
    /// The version of the stream that the state is of.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.state.stream_version
    }

    /// Takes the next event in.
    pub(super) fn take(&mut self, event: &RecordedEvent) {
        Step::recorded(event).fold(Arc::make_mut(&mut self.state));
        self.note(event);
    }

    /// Takes note of an event that the state has taken in.
    pub(super) fn note(&mut self, event: &RecordedEvent) {
        self.position = event.position;
        self.event_hash = event.hash;
        self.unmeasured += event.data.as_ref().map_or(0, |data| data.len());
        self.measure();
    }

    /// Finds out what the state takes, once it may have doubled: so that it costs nothing per event.
    fn measure(&mut self) {
        if self.unmeasured < self.bytes {
            return;
        }
        let text = serde_json::to_vec(&*self.state).map_or(0, |text| text.len());
        self.bytes = STATE_BYTES + text * 2;
        self.unmeasured = 0;
    }

    /// What is kept of it in the database.
    pub(super) fn to_snapshot(&self, stream_id: i64) -> Option<NewSnapshot> {
        let state = serde_json::to_string(&*self.state).ok()?;
        Some(NewSnapshot {
            stream_id,
            state_version: STATE_VERSION,
            first_version: self.first_version,
            stream_version: self.version(),
            event_hash: self.event_hash,
            state: state.into(),
        })
    }

    /// The state before the first event that is shown of a stream: of a game that begins there.
    pub(super) fn before(stream: &Stream, first_version: i32) -> Self {
        Self::empty(&stream.name, Basis::of(stream), first_version)
    }

    /// The state before the first event.
    pub(super) fn empty(name: &StreamName, basis: Basis, first_version: i32) -> Self {
        let mut state = GameState::new(game_id_of(name));
        state.stream_version = basis.deleted_through;
        Self {
            state: Arc::new(state),
            position: Position::ORIGIN,
            event_hash: Hash::default(),
            first_version,
            basis,
            bytes: STATE_BYTES,
            unmeasured: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn for_test(bytes: usize, version: i32) -> Self {
        let name = StreamName::from_stored("game-1");
        let mut folded = Self::empty(&name, Basis::default(), 1);
        Arc::make_mut(&mut folded.state).stream_version = version;
        Self { bytes, ..folded }
    }
}

/// A fold on its way.
struct Folding {
    folded: Folded,
    stream_id: i64,
    /// The stream's version, towards which it goes.
    head: i32,
    next_version: i32,
    has_events: bool,
    /// A snapshot is taken at the multiples of this; 0 = none.
    every: i32,
    snapshots: Vec<NewSnapshot>,
}

impl Folding {
    fn new(base: Option<Folded>, stream: &Stream, first_version: i32, every: i32) -> Self {
        let has_events = base.is_some();
        let folded = base.unwrap_or_else(|| Folded::before(stream, first_version));
        let next_version = if has_events {
            folded.version() + 1
        } else {
            first_version
        };
        Self {
            folded: Folded {
                basis: Basis::of(stream),
                ..folded
            },
            stream_id: stream.id,
            head: stream.version,
            next_version,
            has_events,
            every: if stream.keeps_everything() { every } else { 0 },
            snapshots: Vec::new(),
        }
    }

    fn take(&mut self, event: &RecordedEvent) {
        self.folded.take(event);
        self.next_version = event.stream_version + 1;
        self.has_events = true;
        if self.every > 0 && event.stream_version % self.every == 0 {
            self.snapshots
                .extend(self.folded.to_snapshot(self.stream_id));
        }
    }

    /// The state, and the snapshots on the way that the store would keep.
    fn finish(self, kept: u32) -> (Option<Folded>, Vec<NewSnapshot>) {
        let mut snapshots = self.snapshots;
        let reach = i64::from(self.every) * i64::from(kept);
        snapshots
            .retain(|snapshot| i64::from(snapshot.stream_version) > i64::from(self.head) - reach);
        (self.has_events.then_some(self.folded), snapshots)
    }
}
