//! Recovery of a session: the whole stream, from its first event, with every check there is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gamebot::event::{Decoded, Event, EventType};
use gamebot::game::{
    CausePlace, GameState, Recoverer, Rule, STATE_VERSION, Severity, StoredEvent, Violation,
};
use uuid::Uuid;

use super::cache::{Cached, Verdicts};
use super::fold::{Folded, PAGE_EVENTS};
use super::{Games, game_id_of};
use crate::event::{RecordedEvent, content_hash};
use crate::position::Position;
use crate::registry::Registry;
use crate::scope::Scope;
use crate::store::{Basis, EventQuery, ReadError, Snapshot, SnapshotWanted, VersionRange};
use crate::stream::{Stream, StreamName};

/// What a recovery found.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The stream, as it was when the recovery began.
    pub stream: Stream,
    /// The state after the last event that is shown.
    pub state: Arc<GameState>,
    /// The position of that event; `None` where no event is shown.
    pub position: Option<Position>,
    /// Everything that is wrong, in the order of the stream; what concerns the stream as a whole comes last.
    pub violations: Vec<Violation>,
    /// The first version that was read.
    pub first_version: i32,
    /// The events that were folded.
    pub applied: i32,
    /// The events that could not be used.
    pub skipped: i32,
    /// The newest snapshot, and whether it is right.
    pub snapshot: Option<RecoverySnapshot>,
}

/// A snapshot that a recovery has looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoverySnapshot {
    /// The version that it is of.
    pub version: i32,
    /// Whether it is what the events up to there come to. One that is not was replaced.
    pub agrees: bool,
}

/// Ids that are looked up in one statement.
const IDS: usize = 500;
/// The most breaches of its schema that are told of one event.
const MOST_OF_SCHEMA: usize = 10;

impl Recovery {
    /// Whether no error was found, so that the state can be trusted.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.violations
            .iter()
            .all(|violation| violation.severity != Severity::Error)
    }
}

impl Games {
    /// Folds the whole stream of a game, never from a snapshot, and tells everything that is wrong with it; `None`
    /// if there is no such stream in the scope.
    ///
    /// Events that a deletion has hidden are no part of the game that came after it. Events that a retention has
    /// hidden are missing, and reported as a gap.
    pub async fn recover(
        &self,
        scope: &Scope,
        name: &StreamName,
    ) -> Result<Option<Recovery>, ReadError> {
        loop {
            let Some(stream) = self.store().stream(scope, name).await? else {
                return Ok(None);
            };
            let snapshot = self.newest_snapshot(&stream).await?;
            let mut reading = Reading::new(&stream, snapshot);
            self.read_whole(&stream, &mut reading).await?;
            if reading.last_version < stream.version {
                let now = self.store().stream(scope, name).await?;
                if now.as_ref().map(Basis::of) != Some(Basis::of(&stream)) {
                    // Events were hidden or added while the stream was read: it is another one now.
                    continue;
                }
            }
            return self.conclude(scope, stream, reading).await.map(Some);
        }
    }

    async fn newest_snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, ReadError> {
        let wanted = SnapshotWanted {
            state_version: STATE_VERSION,
            first_version: stream.deleted_through + 1,
            through: stream.version,
        };
        self.store().snapshot(stream, wanted).await
    }

    async fn read_whole(&self, stream: &Stream, reading: &mut Reading) -> Result<(), ReadError> {
        loop {
            let query = EventQuery {
                versions: VersionRange {
                    from: Some(reading.last_version + 1),
                    through: Some(stream.version),
                },
                ..EventQuery::of_stream(Scope::All, stream, PAGE_EVENTS)
            };
            let events = self.store().events(&query).await?;
            for event in &events {
                reading.take(event, self.store().registry());
            }
            if (events.len() as u64) < PAGE_EVENTS {
                return Ok(());
            }
        }
    }

    async fn conclude(
        &self,
        scope: &Scope,
        stream: Stream,
        reading: Reading,
    ) -> Result<Recovery, ReadError> {
        let mut found = reading.recoverer.finish();
        let places = self
            .causes(scope, &found.unknown_causes, &reading.positions)
            .await?;
        found.settle_causes(|version, cause| {
            let place = places.get(&(version, cause.to_owned()));
            place.copied().unwrap_or(CausePlace::Nowhere)
        });
        for violation in &mut found.violations {
            mark_corrupt(violation, &reading.corrupt);
        }
        found.violations.extend(reading.of_schemas);
        found
            .violations
            .sort_by_key(|violation| violation.stream_version.unwrap_or(i32::MAX));
        let snapshot = reading.snapshot.map(|(_, looked_at)| looked_at);
        let has_events = reading.plain.position > Position::ORIGIN;
        if has_events && reading.plain.version() == stream.version {
            self.heal(&stream, &reading.plain, snapshot).await?;
        }
        Ok(Recovery {
            state: Arc::new(found.state),
            position: has_events.then_some(reading.plain.position),
            violations: found.violations,
            first_version: stream.deleted_through + 1,
            applied: found.applied,
            skipped: found.skipped,
            snapshot,
            stream,
        })
    }

    /// Puts what was folded from the first event in the place of what is remembered.
    async fn heal(
        &self,
        stream: &Stream,
        plain: &Folded,
        snapshot: Option<RecoverySnapshot>,
    ) -> Result<(), ReadError> {
        let cached = Cached {
            folded: Arc::new(plain.clone()),
            verdicts: Verdicts::default(),
        };
        self.cache().replace(&stream.name, cached);
        if let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.agrees) {
            tracing::error!(
                stream = %stream.name, version = snapshot.version,
                "a snapshot was not what the events come to; all of its stream are made anew"
            );
            self.store().forget_snapshots(stream.id).await?;
            if let Some(right) = plain.to_snapshot(stream.id) {
                self.store().record_snapshot(right).await?;
            }
        }
        Ok(())
    }

    /// Where the causes are that are not among the stream's events, as far as the caller may see.
    async fn causes(
        &self,
        scope: &Scope,
        unknown: &[(i32, String)],
        positions: &HashMap<i32, Position>,
    ) -> Result<HashMap<(i32, String), CausePlace>, ReadError> {
        let ids: HashSet<Uuid> = unknown
            .iter()
            .filter_map(|(_, id)| Uuid::try_parse(id).ok())
            .collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut found = HashMap::new();
        for ids in ids.chunks(IDS) {
            let events = self.store().events_by_id(scope, ids).await?;
            found.extend(events.into_iter().map(|(id, event)| (id, event.position)));
        }
        let place = |(version, id): &(i32, String)| {
            let cause = Uuid::try_parse(id).ok().and_then(|id| found.get(&id));
            let place = match (cause, positions.get(version)) {
                (Some(cause), Some(effect)) if cause < effect => CausePlace::Before,
                (Some(_), _) => CausePlace::After,
                (None, _) => CausePlace::Nowhere,
            };
            ((*version, id.clone()), place)
        };
        Ok(unknown.iter().map(place).collect())
    }
}

/// A recovery on its way through a stream.
struct Reading {
    recoverer: Recoverer,
    /// The fold without any check, as `game` shows it: what snapshots are held against.
    plain: Folded,
    /// The newest snapshot, as JSON, and what became of the comparison.
    snapshot: Option<(Option<GameState>, RecoverySnapshot)>,
    positions: HashMap<i32, Position>,
    /// The versions of events that are not what was stored.
    corrupt: HashSet<i32>,
    /// What events break of the schemas of their types.
    of_schemas: Vec<Violation>,
    last_version: i32,
}

impl Reading {
    fn new(stream: &Stream, snapshot: Option<Snapshot>) -> Self {
        let first_version = stream.deleted_through + 1;
        let snapshot = snapshot.map(|snapshot| {
            let looked_at = RecoverySnapshot {
                version: snapshot.content.stream_version,
                agrees: false,
            };
            (
                serde_json::from_str(&snapshot.content.state).ok(),
                looked_at,
            )
        });
        Self {
            recoverer: Recoverer::new(game_id_of(&stream.name), first_version),
            plain: Folded::before(stream, first_version),
            snapshot,
            positions: HashMap::new(),
            corrupt: HashSet::new(),
            of_schemas: Vec::new(),
            last_version: stream.deleted_through,
        }
    }

    fn take(&mut self, event: &RecordedEvent, registry: &Registry) {
        let version = event.stream_version;
        let is_corrupt = is_corrupt(event);
        if is_corrupt {
            self.corrupt.insert(version);
        } else {
            self.of_schemas.extend(schema_breaches(event, registry));
        }
        let mut id = Uuid::encode_buffer();
        self.recoverer.feed(&StoredEvent {
            stream_version: version,
            event_id: event.event_id.hyphenated().encode_lower(&mut id),
            event_type: event.event_type.as_str(),
            schema_version: event.schema_version,
            // What was changed is no fact.
            data: event.data.as_deref().filter(|_| !is_corrupt),
            metadata: event.metadata.as_deref().filter(|_| !is_corrupt),
        });
        self.plain.take(event);
        self.positions.insert(version, event.position);
        self.last_version = version;
        if let Some((kept, looked_at)) = &mut self.snapshot
            && looked_at.version == version
        {
            looked_at.agrees = kept.as_ref() == Some(&*self.plain.state);
        }
    }
}

/// What an event that can be read breaks of the schema of its type (rule R10): readers take more than writers may
/// send. What cannot be read at all, the recoverer tells.
fn schema_breaches(event: &RecordedEvent, registry: &Registry) -> Vec<Violation> {
    let (event_type, version) = (event.event_type.as_str(), event.schema_version);
    let Some(data) = event.data.as_deref() else {
        return Vec::new();
    };
    let is_read = EventType::named(event_type).is_some()
        && matches!(Event::decode(event_type, version, data), Decoded::Known(_));
    if !is_read {
        return Vec::new();
    }
    let found = registry.violations(event_type, version, data, MOST_OF_SCHEMA);
    let breach = |message: String| Violation {
        rule: Rule::R10,
        code: "invalid_event_data",
        severity: Rule::R10.severity(),
        stream_version: Some(event.stream_version),
        event_id: Some(event.event_id.to_string()),
        event_type: Some(event_type.to_owned()),
        message,
    };
    found
        .into_iter()
        .map(|found| breach(found.message))
        .collect()
}

/// Whether an event's content is not what its hash says. Without the salt nobody can tell.
fn is_corrupt(event: &RecordedEvent) -> bool {
    let (Some(salt), Some(data), Some(metadata)) = (&event.salt, &event.data, &event.metadata)
    else {
        return false;
    };
    let event_type = event.event_type.as_str();
    content_hash(salt, event_type, event.schema_version, data, metadata) != event.content_hash
}

/// The recoverer was given no data of a corrupt event; here stands why.
fn mark_corrupt(violation: &mut Violation, corrupt: &HashSet<i32>) {
    let is_of_corrupt = violation
        .stream_version
        .is_some_and(|version| corrupt.contains(&version));
    if is_of_corrupt && violation.rule == Rule::R10 {
        violation.code = "deserialization_failed";
        violation.severity = Severity::Error;
        "the content hash of the event does not fit its content: it was changed after it was stored, and is left \
         out"
        .clone_into(&mut violation.message);
    }
}
