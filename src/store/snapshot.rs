//! Snapshots: what the first events of a stream come to, kept so that it need not be worked out again.
//!
//! What a state means is not known here: it is a text with a version of its own. A snapshot is a cache in the
//! database, never the truth. It is used only if it is whole (its checksum), if it is of this very log (the hash
//! of the last event that went into it), and if everything that went into it is still shown (its first version);
//! whatever is wrong with one costs the time to do without it, and nothing else.

mod writer;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{event, snapshot};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, JoinType, Order, Query, SelectStatement};
use sha2::{Digest, Sha256};

pub(super) use writer::{SnapshotWriter, remove_shown_before};

use super::read::fault;
use super::row::{self, RowError, bytes};
use super::{EventStore, ReadError};
use crate::event::Hash;
use crate::position::Position;
use crate::scope::Scope;
use crate::stream::Stream;

/// How snapshots are kept.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOptions {
    /// The most snapshots of one stream; the oldest versions go first.
    pub kept_per_stream: u32,
    /// The most snapshots that wait to be written; what comes on top is dropped, and made another time.
    pub queue: usize,
}

/// A state at a version of a stream, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSnapshot {
    /// The internal number of the stream.
    pub stream_id: i64,
    /// The version of the shape and meaning of `state`.
    pub state_version: i32,
    /// The version of the first event that went into it.
    pub first_version: i32,
    /// The version of the last event that went into it.
    pub stream_version: i32,
    /// The hash of that event.
    pub event_hash: Hash,
    /// The state, as JSON text.
    pub state: Arc<str>,
}

/// A snapshot that is whole and of this log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What was kept.
    pub content: NewSnapshot,
    /// The position of the last event that went into it.
    pub position: Position,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
}

/// Which snapshot of a stream is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotWanted {
    /// A state of this version only.
    pub state_version: i32,
    /// With exactly this event as its first: the first that is shown of the stream.
    pub first_version: i32,
    /// At this version of the stream at most.
    pub through: i32,
}

impl EventStore {
    /// The newest snapshot of a stream that can be used; `None` if there is none. One that is damaged is passed
    /// over for an older one.
    pub async fn snapshot(
        &self,
        stream: &Stream,
        wanted: SnapshotWanted,
    ) -> Result<Option<Snapshot>, ReadError> {
        let mut through = std::cmp::min(wanted.through, stream.version);
        loop {
            let select = newest(stream.id, wanted, through);
            let rows = self.rows(&select).await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let found: i32 = row
                .try_get_by_index(VERSION_INDEX)
                .map_err(|error| fault(&error))?;
            match snapshot_of(row) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(damage) => {
                    // Not a word of its content: it may be anybody's.
                    tracing::warn!(
                        stream = %stream.name, version = found, %damage,
                        "a snapshot cannot be used and is passed over"
                    );
                    through = found - 1;
                }
            }
        }
    }

    /// The newest snapshot of each of these streams that shows nothing hidden. Where the newest is damaged, and of
    /// streams that hide their events by age, there is none.
    pub async fn newest_snapshots(
        &self,
        stream_ids: &[i64],
        state_version: i32,
    ) -> Result<Vec<Snapshot>, ReadError> {
        let shown = "EXISTS (SELECT 1 FROM \"streams\" AS \"life\" WHERE \"life\".\"id\" = \"snapshots\".\"stream_id\"
            AND \"life\".\"status\" <> 3 AND \"life\".\"max_age_ms\" IS NULL
            AND \"life\".\"hidden_through\" < \"snapshots\".\"first_version\")";
        let newest = "\"snapshots\".\"stream_version\" = (SELECT max(\"other\".\"stream_version\")
            FROM \"snapshots\" AS \"other\" WHERE \"other\".\"stream_id\" = \"snapshots\".\"stream_id\"
            AND \"other\".\"state_version\" = \"snapshots\".\"state_version\")";
        let column = |column: snapshot::Column| Expr::col((snapshot::Entity, column));
        let select = select_snapshots()
            .and_where(column(snapshot::Column::StreamId).is_in(stream_ids.iter().copied()))
            .and_where(column(snapshot::Column::StateVersion).eq(state_version))
            .and_where(Expr::cust(newest))
            .and_where(Expr::cust(shown))
            .to_owned();
        let rows = self.rows(&select).await?;
        Ok(rows
            .iter()
            .filter_map(|row| snapshot_of(row).ok())
            .collect())
    }

    /// The version of the first event of a stream that is shown; one beyond the stream's version if none is.
    pub async fn first_shown_version(
        &self,
        scope: &Scope,
        stream: &Stream,
    ) -> Result<i32, ReadError> {
        let beyond = stream.version + 1;
        if stream.retention.max_age_ms.is_none() {
            return Ok(std::cmp::min(stream.hidden_through + 1, beyond));
        }
        let query = super::EventQuery::of_stream(scope.clone(), stream, 1);
        let events = self.events(&query).await?;
        Ok(events.first().map_or(beyond, |first| first.stream_version))
    }

    /// Keeps snapshots in the background. They are dropped while too many wait: whoever needs them will make
    /// them again.
    pub fn keep_snapshots(&self, snapshots: Vec<NewSnapshot>) {
        self.snapshot_writer().keep(snapshots);
    }

    /// Removes every snapshot of a stream.
    pub async fn forget_snapshots(&self, stream_id: i64) -> Result<(), ReadError> {
        self.snapshot_writer().forget(stream_id).await
    }

    /// Keeps a snapshot, and returns when it is written. False: something that it shows is hidden by now.
    pub async fn record_snapshot(&self, snapshot: NewSnapshot) -> Result<bool, ReadError> {
        self.snapshot_writer().record(snapshot).await
    }
}

/// The index of `stream_version` among the columns of [`select_snapshots`].
const VERSION_INDEX: usize = 2;

fn newest(stream_id: i64, wanted: SnapshotWanted, through: i32) -> SelectStatement {
    let column = |column: snapshot::Column| Expr::col((snapshot::Entity, column));
    select_snapshots()
        .and_where(column(snapshot::Column::StreamId).eq(stream_id))
        .and_where(column(snapshot::Column::StateVersion).eq(wanted.state_version))
        .and_where(column(snapshot::Column::FirstVersion).eq(wanted.first_version))
        .and_where(column(snapshot::Column::StreamVersion).lte(through))
        .order_by(
            (snapshot::Entity, snapshot::Column::StreamVersion),
            Order::Desc,
        )
        .limit(1)
        .to_owned()
}

/// Each with the event that stands in the log where its last event should.
fn select_snapshots() -> SelectStatement {
    let column = |column: snapshot::Column| Expr::col((snapshot::Entity, column));
    let of_event = |column: event::Column| Expr::col((event::Entity, column));
    Query::select()
        .columns([
            (snapshot::Entity, snapshot::Column::StreamId),
            (snapshot::Entity, snapshot::Column::StateVersion),
            (snapshot::Entity, snapshot::Column::StreamVersion),
            (snapshot::Entity, snapshot::Column::FirstVersion),
            (snapshot::Entity, snapshot::Column::EventHash),
            (snapshot::Entity, snapshot::Column::State),
            (snapshot::Entity, snapshot::Column::Checksum),
            (snapshot::Entity, snapshot::Column::CreatedAt),
        ])
        .expr_as(of_event(event::Column::Hash), Alias::new("hash_in_log"))
        .expr_as(of_event(event::Column::Position), Alias::new("position"))
        .from(snapshot::Entity)
        .join(
            JoinType::LeftJoin,
            event::Entity,
            of_event(event::Column::StreamId)
                .eq(column(snapshot::Column::StreamId))
                .and(
                    of_event(event::Column::StreamVersion)
                        .eq(column(snapshot::Column::StreamVersion)),
                ),
        )
        .to_owned()
}

/// Why a row is no snapshot that can be used.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("its checksum does not fit its content")]
    Checksum,
    #[error("the event at its version is another one, or missing")]
    OtherEvent,
}

fn snapshot_of(row: &QueryResult) -> Result<Snapshot, Damage> {
    let get = |index| row.try_get_by_index::<i32>(index).map_err(RowError::from);
    let hash = |index, name| -> Result<Hash, RowError> {
        let found: Option<Vec<u8>> = row.try_get_by_index(index)?;
        bytes(found.unwrap_or_default(), name)
    };
    let state: String = row.try_get_by_index(5).map_err(RowError::from)?;
    let created_at: i64 = row.try_get_by_index(7).map_err(RowError::from)?;
    let content = NewSnapshot {
        stream_id: row.try_get_by_index(0).map_err(RowError::from)?,
        state_version: get(1)?,
        stream_version: get(VERSION_INDEX)?,
        first_version: get(3)?,
        event_hash: hash(4, "event_hash")?,
        state: state.into(),
    };
    if hash(6, "checksum")? != checksum(&content, created_at) {
        return Err(Damage::Checksum);
    }
    if hash(8, "hash_in_log").ok() != Some(content.event_hash) {
        return Err(Damage::OtherEvent);
    }
    let position: i64 = row.try_get_by_index(9).map_err(RowError::from)?;
    Ok(Snapshot {
        position: Position::from_stored(position),
        created_at: row::time(created_at)?,
        content,
    })
}

/// SHA-256 over everything that a row holds: numbers as 8 bytes big-endian, the state preceded by its length.
fn checksum(snapshot: &NewSnapshot, created_at: i64) -> Hash {
    let mut hasher = Sha256::new();
    for number in [
        snapshot.stream_id,
        snapshot.state_version.into(),
        snapshot.stream_version.into(),
        snapshot.first_version.into(),
        created_at,
    ] {
        hasher.update(number.to_be_bytes());
    }
    hasher.update(snapshot.event_hash);
    hasher.update((snapshot.state.len() as u64).to_be_bytes());
    hasher.update(snapshot.state.as_bytes());
    hasher.finalize().into()
}
