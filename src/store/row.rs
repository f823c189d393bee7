//! Rows to values and back.

use std::sync::Arc;

use chrono::DateTime;
use entity::{event, stream};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use uuid::Uuid;

use super::judge::Head;
use crate::event::{EventType, RecordedEvent, Removal};
use crate::position::Position;
use crate::stream::{Retention, Stream, StreamName, StreamStatus};

/// A row that no version of this store has written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// A column is missing or of another type.
    #[error(transparent)]
    Column(#[from] DbErr),
    /// A value is impossible.
    #[error("{0}")]
    Impossible(String),
}

/// Selects the columns of an event in the order that [`event_of`] reads them.
///
/// The stream's name comes from a sub-select by key rather than from a join, so that no planner gets the
/// idea to walk the streams first.
///
/// `removal` tells of each event why it is hidden, as a number: see [`removal_of`].
pub(super) fn select_events(removal: Expr) -> SelectStatement {
    let name = Query::select()
        .column((stream::Entity, stream::Column::Name))
        .from(stream::Entity)
        .and_where(
            Expr::col((stream::Entity, stream::Column::Id))
                .equals((event::Entity, event::Column::StreamId)),
        )
        .to_owned();
    Query::select()
        .column((event::Entity, event::Column::Position))
        .column((event::Entity, event::Column::EventId))
        .column((event::Entity, event::Column::StreamId))
        .expr_as(
            Expr::SubQuery(None, Box::new(name.into())),
            Alias::new("stream_name"),
        )
        .columns([
            (event::Entity, event::Column::StreamVersion),
            (event::Entity, event::Column::EventType),
            (event::Entity, event::Column::SchemaVersion),
            (event::Entity, event::Column::Data),
            (event::Entity, event::Column::Metadata),
            (event::Entity, event::Column::Salt),
            (event::Entity, event::Column::GuildId),
            (event::Entity, event::Column::CorrelationId),
            (event::Entity, event::Column::CausationId),
            (event::Entity, event::Column::ActorId),
            (event::Entity, event::Column::RecordedAt),
            (event::Entity, event::Column::ContentHash),
            (event::Entity, event::Column::Hash),
        ])
        .expr_as(removal, Alias::new("removal"))
        .from(event::Entity)
        .to_owned()
}

/// An event from a row of [`select_events`].
pub(super) fn event_of(row: &QueryResult) -> Result<RecordedEvent, RowError> {
    let salt: Option<Vec<u8>> = row.try_get_by_index(9)?;
    let (data, metadata) = (shared(row, 7)?, shared(row, 8)?);
    let removed = match data {
        None => Some(Removal::Scavenged),
        Some(_) => removal_of(row.try_get_by_index(17)?)?,
    };
    Ok(RecordedEvent {
        position: Position::from_stored(row.try_get_by_index(0)?),
        event_id: row.try_get_by_index(1)?,
        stream_id: row.try_get_by_index(2)?,
        stream: StreamName::from_stored(&get::<String>(row, 3)?),
        stream_version: row.try_get_by_index(4)?,
        event_type: EventType::from_stored(&get::<String>(row, 5)?),
        schema_version: row.try_get_by_index(6)?,
        // What is hidden goes no further than here; the salt stays, so that a retry is recognised.
        data: data.filter(|_| removed.is_none()),
        metadata: metadata.filter(|_| removed.is_none()),
        removed,
        salt: salt.map(|salt| bytes(salt, "salt")).transpose()?,
        guild_id: shared(row, 10)?,
        correlation_id: get::<String>(row, 11)?.into(),
        causation_id: shared(row, 12)?,
        actor_id: shared(row, 13)?,
        recorded_at: time(row.try_get_by_index(14)?)?,
        content_hash: bytes(row.try_get_by_index(15)?, "content_hash")?,
        hash: bytes(row.try_get_by_index(16)?, "hash")?,
    })
}

/// The reasons behind the numbers of the column `removal`; 0 = the event is shown.
pub(super) const RETENTION: i32 = 1;
pub(super) const DELETED: i32 = 2;
pub(super) const TOMBSTONED: i32 = 3;

fn removal_of(number: i32) -> Result<Option<Removal>, RowError> {
    match number {
        0 => Ok(None),
        RETENTION => Ok(Some(Removal::Retention)),
        DELETED => Ok(Some(Removal::Deleted)),
        TOMBSTONED => Ok(Some(Removal::Tombstoned)),
        other => Err(RowError::Impossible(format!(
            "an event is hidden for the reason {other}"
        ))),
    }
}

/// The columns of `events` in the order of [`event_values`].
pub(super) const EVENT_COLUMNS: [event::Column; 17] = [
    event::Column::Position,
    event::Column::EventId,
    event::Column::StreamId,
    event::Column::StreamVersion,
    event::Column::Category,
    event::Column::GuildId,
    event::Column::EventType,
    event::Column::SchemaVersion,
    event::Column::Data,
    event::Column::Metadata,
    event::Column::Salt,
    event::Column::CorrelationId,
    event::Column::CausationId,
    event::Column::ActorId,
    event::Column::RecordedAt,
    event::Column::ContentHash,
    event::Column::Hash,
];

/// The values of an event's row.
pub(super) fn event_values(event: &RecordedEvent) -> [Value; 17] {
    [
        event.position.get().into(),
        event.event_id.into(),
        event.stream_id.into(),
        event.stream_version.into(),
        event.stream.category().into(),
        text(event.guild_id.as_ref()),
        event.event_type.as_str().into(),
        event.schema_version.into(),
        text(event.data.as_ref()),
        text(event.metadata.as_ref()),
        Value::Bytes(event.salt.map(|salt| salt.to_vec())),
        event.correlation_id.as_ref().into(),
        text(event.causation_id.as_ref()),
        text(event.actor_id.as_ref()),
        event.recorded_at.timestamp_millis().into(),
        Value::Bytes(Some(event.content_hash.to_vec())),
        Value::Bytes(Some(event.hash.to_vec())),
    ]
}

/// The columns of `streams` in the order that [`stream_of`] reads and [`stream_values`] writes them.
pub(super) const STREAM_COLUMNS: [stream::Column; 16] = [
    stream::Column::Id,
    stream::Column::Name,
    stream::Column::Category,
    stream::Column::GuildId,
    stream::Column::Version,
    stream::Column::Status,
    stream::Column::HiddenThrough,
    stream::Column::MaxEvents,
    stream::Column::CreatedAt,
    stream::Column::UpdatedAt,
    stream::Column::DeletedThrough,
    stream::Column::MaxAgeMs,
    stream::Column::MaxCount,
    stream::Column::TruncateBefore,
    stream::Column::MetadataVersion,
    stream::Column::MetadataPosition,
];

/// A stream from a row of [`STREAM_COLUMNS`].
pub(super) fn stream_of(row: &QueryResult) -> Result<Stream, RowError> {
    let status: i32 = row.try_get_by_index(5)?;
    Ok(Stream {
        id: row.try_get_by_index(0)?,
        name: StreamName::from_stored(&get::<String>(row, 1)?),
        guild_id: shared(row, 3)?,
        version: row.try_get_by_index(4)?,
        status: StreamStatus::from_stored(status)
            .ok_or_else(|| RowError::Impossible(format!("a stream has the status {status}")))?,
        hidden_through: row.try_get_by_index(6)?,
        max_events: row.try_get_by_index(7)?,
        created_at: time(row.try_get_by_index(8)?)?,
        updated_at: time(row.try_get_by_index(9)?)?,
        deleted_through: row.try_get_by_index(10)?,
        retention: Retention {
            max_age_ms: row.try_get_by_index(11)?,
            max_count: row.try_get_by_index(12)?,
            truncate_before: row.try_get_by_index(13)?,
        },
        metadata_version: row.try_get_by_index(14)?,
        metadata_position: row
            .try_get_by_index::<Option<i64>>(15)?
            .map(Position::from_stored),
    })
}

/// The values of a stream's row.
pub(super) fn stream_values(stream: &Stream) -> [Value; 16] {
    [
        stream.id.into(),
        stream.name.as_str().into(),
        stream.name.category().into(),
        text(stream.guild_id.as_ref()),
        stream.version.into(),
        stream.status.stored().into(),
        stream.hidden_through.into(),
        Value::Int(stream.max_events),
        stream.created_at.timestamp_millis().into(),
        stream.updated_at.timestamp_millis().into(),
        stream.deleted_through.into(),
        Value::BigInt(stream.retention.max_age_ms),
        Value::Int(stream.retention.max_count),
        Value::Int(stream.retention.truncate_before),
        stream.metadata_version.into(),
        Value::BigInt(stream.metadata_position.map(Position::get)),
    ]
}

/// The head from a row of `position, hash, recorded_at, next_stream_id`.
pub(super) fn head_of(row: &QueryResult) -> Result<Head, RowError> {
    Ok(Head {
        position: Position::from_stored(row.try_get_by_index(0)?),
        hash: bytes(row.try_get_by_index(1)?, "hash")?,
        recorded_at: row.try_get_by_index(2)?,
        next_stream_id: row.try_get_by_index(3)?,
    })
}

/// A UUID from a row's first column.
pub(super) fn uuid_of(row: &QueryResult) -> Result<Uuid, RowError> {
    Ok(row.try_get_by_index(0)?)
}

fn get<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, RowError> {
    Ok(row.try_get_by_index(index)?)
}

fn shared(row: &QueryResult, index: usize) -> Result<Option<Arc<str>>, RowError> {
    Ok(row
        .try_get_by_index::<Option<String>>(index)?
        .map(Arc::from))
}

fn text(text: Option<&Arc<str>>) -> Value {
    Value::String(text.map(|text| text.as_ref().to_owned()))
}

pub(super) fn bytes<const N: usize>(bytes: Vec<u8>, column: &str) -> Result<[u8; N], RowError> {
    let found = bytes.len();
    bytes
        .try_into()
        .map_err(|_| RowError::Impossible(format!("{column} has {found} bytes instead of {N}")))
}

pub(super) fn time(milliseconds: i64) -> Result<DateTime<chrono::Utc>, RowError> {
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| RowError::Impossible(format!("{milliseconds} ms is no time")))
}
