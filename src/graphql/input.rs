//! The inputs, and how they become the words of the store.

use async_graphql::{Enum, Error, InputObject, MaybeUndefined, OneofObject, Result};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::error_code::{ErrorCode, invalid_stream_name, limit_exceeded};
use super::loader::PageLimits;
use super::scalar::{JsonScalar, PositionScalar};
use crate::event::{NewEvent, cause_key};
use crate::expected_version::ExpectedVersion;
use crate::filter::{Document, EventFilter, JsonEquals};
use crate::json_path::{JsonPath, JsonScalar as PathScalar};
use crate::store::{self, Append, StreamAppend, StreamFilter};
use crate::stream::{MAX_STREAM_NAME_BYTES, StreamName, StreamStatus, shown};

/// Events to append to one stream, all or none.
#[derive(InputObject)]
pub(super) struct AppendToStreamInput {
    /// The stream's name, category-id, for example `game-01958b87-26e2-7ec9-9dcd-35f0c7fde805`. A stream
    /// begins to exist with its first event.
    stream: String,
    /// What you expect of the stream. If it is not so, nothing is written.
    expected_version: ExpectedVersionInput,
    /// 1 to 1,000 events, in their order; together at most 1 MiB of data and metadata.
    events: Vec<NewEventInput>,
}

/// Events to append to several streams, all or none.
#[derive(InputObject)]
pub(super) struct AppendBatchInput {
    /// 1 to 100 different streams; together at most 1,000 events and 1 MiB of data and metadata.
    streams: Vec<StreamAppendInput>,
}

/// One stream's part of a batch.
#[derive(InputObject)]
pub(super) struct StreamAppendInput {
    /// The stream's name.
    stream: String,
    /// What you expect of the stream. If it is not so, nothing of the whole batch is written.
    expected_version: ExpectedVersionInput,
    /// The events, in their order. An empty list makes this a pure check of the expectation.
    events: Vec<NewEventInput>,
}

/// What an append expects of its stream: exactly one of the two.
#[derive(OneofObject)]
pub(super) enum ExpectedVersionInput {
    /// The stream's version is this number; 0 = it never had an event.
    Exactly(i32),
    /// The stream is in this state.
    State(ExpectedStreamState),
}

/// What an append expects of its stream, where it does not know the version.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedStreamState {
    /// Anything. Never fails because somebody else was faster. Each event needs an `eventId`.
    Any,
    /// The stream never had an event, or is deleted.
    NoStream,
    /// The stream has events and is not deleted. Each event needs an `eventId`.
    StreamExists,
}

/// An event to append.
#[derive(InputObject)]
pub(super) struct NewEventInput {
    /// Your own id of the event, best a version 7 UUID. Sending the same request again with the same ids never
    /// writes twice: it answers what the first one answered. Required with `ANY` and `STREAM_EXISTS`; else
    /// the server makes one where it is absent, and a retry is then refused by the expected version instead.
    event_id: Option<Uuid>,
    /// The kind of event, in the past tense: `[a-z][a-z0-9_]{0,63}`, for example `guess_processed`.
    #[graphql(name = "type")]
    event_type: String,
    /// The version of the shape of `data`, from 1. Absent = 1.
    schema_version: Option<i32>,
    /// The payload: a JSON object. `guild_id` in it, if any, must be the guild of the stream's first event.
    data: JsonScalar,
    /// Who, why and when around the event: a JSON object with keys in snake case. `correlation_id`,
    /// `causation_id` and `actor_id` are indexed; unknown keys are kept.
    metadata: Option<JsonScalar>,
}

impl From<AppendToStreamInput> for Append {
    fn from(input: AppendToStreamInput) -> Self {
        let stream = StreamAppend {
            stream: input.stream,
            expected: input.expected_version.into(),
            events: input.events.into_iter().map(NewEvent::from).collect(),
        };
        Self {
            streams: vec![stream],
            is_batch: false,
        }
    }
}

impl From<AppendBatchInput> for Append {
    fn from(input: AppendBatchInput) -> Self {
        let streams = input.streams.into_iter().map(|stream| StreamAppend {
            stream: stream.stream,
            expected: stream.expected_version.into(),
            events: stream.events.into_iter().map(NewEvent::from).collect(),
        });
        Self {
            streams: streams.collect(),
            is_batch: true,
        }
    }
}

impl From<NewEventInput> for NewEvent {
    fn from(input: NewEventInput) -> Self {
        Self {
            event_id: input.event_id,
            event_type: input.event_type,
            schema_version: input.schema_version,
            data: input.data.0,
            metadata: input.metadata.map(|metadata| metadata.0),
        }
    }
}

impl From<ExpectedVersionInput> for ExpectedVersion {
    fn from(input: ExpectedVersionInput) -> Self {
        match input {
            ExpectedVersionInput::Exactly(version) => Self::Exactly(version),
            ExpectedVersionInput::State(ExpectedStreamState::Any) => Self::Any,
            ExpectedVersionInput::State(ExpectedStreamState::NoStream) => Self::NoStream,
            ExpectedVersionInput::State(ExpectedStreamState::StreamExists) => Self::StreamExists,
        }
    }
}

/// Which way a list runs.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    /// Oldest first, or least first.
    #[default]
    Forward,
    /// Newest first, or greatest first.
    Backward,
}

/// Which events you want: those that satisfy every field that you give. A list is satisfied by any of its
/// values. Each field but the last two has an index behind it.
#[derive(InputObject, Default)]
#[graphql(name = "EventFilter")]
pub(super) struct EventFilterInput {
    /// The event's stream is of one of these categories: the part of its name before the first hyphen.
    categories: Option<Vec<String>>,
    /// The name of the event's stream begins with this text.
    stream_prefix: Option<String>,
    /// The event is of one of these types.
    types: Option<Vec<String>>,
    /// The event's stream belongs to one of these guilds.
    guild_ids: Option<Vec<String>>,
    /// `metadata.actor_id` is one of these.
    actor_ids: Option<Vec<String>>,
    /// `metadata.correlation_id` is one of these; an event without one has its own event id there.
    correlation_ids: Option<Vec<String>>,
    /// `metadata.causation_id` is one of these.
    causation_ids: Option<Vec<String>>,
    /// The event was recorded at this time or later.
    recorded_from: Option<DateTime<Utc>>,
    /// The event was recorded before this time.
    recorded_before: Option<DateTime<Utc>>,
    /// These values stand at these places in `data`. Not indexed: combine it with another field.
    data_equals: Option<Vec<PathEquals>>,
    /// These values stand at these places in `metadata`. Not indexed: combine it with another field.
    metadata_equals: Option<Vec<PathEquals>>,
    /// Also the events of the store's own streams, whose names begin with `$`: what happened to streams
    /// beside their events. Without it they come only where another field names them, such as the category
    /// `$stream`.
    #[graphql(default)]
    include_system: bool,
}

/// A value at a place in a JSON document.
#[derive(InputObject)]
pub(super) struct PathEquals {
    /// The place: keys separated by dots, and indexes in brackets, for example `final_scores.team_1.score`
    /// or `player_ids[0]`.
    path: String,
    /// The value, which must be given: a string, true, false, null, or a whole number of 64 bits. A number
    /// matches only where it is written without fraction and exponent.
    // Nullable, because null is one of the values, and GraphQL refuses it where a type is non-null.
    equals: MaybeUndefined<JsonScalar>,
}

/// Which streams you want: those that satisfy every field that you give. A list is satisfied by any of its
/// values.
#[derive(InputObject, Default)]
#[graphql(name = "StreamFilter")]
pub(super) struct StreamFilterInput {
    /// The stream is of one of these categories.
    categories: Option<Vec<String>>,
    /// The stream's name begins with this text.
    name_prefix: Option<String>,
    /// The stream belongs to one of these guilds.
    guild_ids: Option<Vec<String>>,
    /// The stream is in one of these states; if absent, in any but `ARCHIVED`.
    statuses: Option<Vec<StreamStatusEnum>>,
    /// Also the store's own streams, whose names begin with `$`. Without it they come only where another
    /// field names them, such as the category `$stream`.
    #[graphql(default)]
    include_system: bool,
}

/// Where a stream is in its life.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "StreamStatus", remote = "StreamStatus")]
pub(super) enum StreamStatusEnum {
    /// It takes events.
    Open,
    /// It is deleted; the next append reopens it, and its numbering goes on.
    Deleted,
    /// It is read-only.
    Archived,
    /// It is ended for ever.
    Tombstoned,
}

/// What a list of streams is ordered by; the name settles ties.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[graphql(remote = "store::StreamOrder")]
pub(super) enum StreamOrderField {
    /// The name, byte by byte.
    #[default]
    Name,
    /// The time of the first event.
    CreatedAt,
    /// The time of the latest event.
    UpdatedAt,
}

/// The order of a list of streams.
#[derive(InputObject)]
pub(super) struct StreamOrder {
    /// What the list is ordered by.
    pub(super) field: StreamOrderField,
    /// Which way it runs.
    #[graphql(default)]
    pub(super) direction: Direction,
}

/// Where a subscription begins: exactly one of these.
#[derive(OneofObject)]
pub(super) enum StartFrom {
    /// At the origin or at the end.
    At(FeedStart),
    /// After this position: 0 = from the first event.
    Position(PositionScalar),
    /// After this cursor, of a page or of an earlier feed: how to resume.
    Cursor(String),
    /// After this version of the stream; for a subscription to one stream only.
    Version(i32),
    /// At the first event that was recorded at this time or later.
    Time(DateTime<Utc>),
}

/// One of the two ends of the log.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedStart {
    /// Before the first event.
    Origin,
    /// After the last event that is committed when the subscription starts.
    End,
}

impl EventFilterInput {
    pub(super) fn parse(self, limits: &PageLimits) -> Result<EventFilter> {
        let list = |name, values| short_list(name, values, limits);
        let mut json_equals = Vec::new();
        for (document, name, wanted) in [
            (Document::Data, "dataEquals", self.data_equals),
            (Document::Metadata, "metadataEquals", self.metadata_equals),
        ] {
            let wanted = wanted.unwrap_or_default();
            check_length(name, wanted.len(), limits)?;
            for one in wanted {
                json_equals.push(one.parse(document)?);
            }
        }
        Ok(EventFilter {
            stream: None,
            include_removed: false,
            categories: list("categories", self.categories)?,
            stream_prefix: self
                .stream_prefix
                .map(|prefix| parse_prefix("streamPrefix", prefix))
                .transpose()?,
            event_types: list("types", self.types)?,
            guild_ids: list("guildIds", self.guild_ids)?,
            actor_ids: list("actorIds", self.actor_ids)?,
            correlation_ids: list("correlationIds", self.correlation_ids)?,
            causation_ids: causes(list("causationIds", self.causation_ids)?),
            recorded_from: self.recorded_from,
            recorded_before: self.recorded_before,
            json_equals,
            include_reserved: self.include_system,
        })
    }
}

/// Causes as they are looked up. The ids of events are recognised however they are written.
fn causes(ids: Vec<String>) -> Vec<String> {
    let keys = ids.iter().map(|id| cause_key(id).into_owned());
    let mut wanted: Vec<String> = keys.collect();
    // Events of earlier releases are found as they were written.
    wanted.extend(ids);
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl PathEquals {
    fn parse(self, document: Document) -> Result<JsonEquals> {
        let path = JsonPath::parse(&self.path).map_err(|error| {
            ErrorCode::InvalidArgument.error(format!("`path` is `{}`: {error}", self.path))
        })?;
        let text = match self.equals {
            MaybeUndefined::Value(JsonScalar(text)) => text,
            MaybeUndefined::Null => "null".to_owned(),
            MaybeUndefined::Undefined => String::new(),
        };
        let value = match serde_json::from_str(&text) {
            Ok(serde_json::Value::Null) => Some(PathScalar::Null),
            Ok(serde_json::Value::Bool(value)) => Some(PathScalar::Bool(value)),
            Ok(serde_json::Value::String(text)) => Some(PathScalar::Str(text)),
            Ok(serde_json::Value::Number(number)) => number.as_i64().map(PathScalar::Int),
            Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) | Err(_) => None,
        };
        let value = value.ok_or_else(|| {
            let found = if text.is_empty() {
                "missing".to_owned()
            } else {
                shown(&text)
            };
            ErrorCode::InvalidArgument.error(format!(
                "`equals` is {found}. It must be a string, true, false, null, or a whole number of 64 bits."
            ))
        })?;
        Ok(JsonEquals {
            document,
            path,
            value,
        })
    }
}

impl StreamFilterInput {
    pub(super) fn parse(self, limits: &PageLimits) -> Result<StreamFilter> {
        Ok(StreamFilter {
            categories: short_list("categories", self.categories, limits)?,
            name_prefix: self
                .name_prefix
                .map(|prefix| parse_prefix("namePrefix", prefix))
                .transpose()?,
            guild_ids: short_list("guildIds", self.guild_ids, limits)?,
            statuses: match self.statuses {
                None => StreamStatus::UNARCHIVED.to_vec(),
                Some(statuses) if statuses.is_empty() => return Err(empty_list("statuses")),
                Some(statuses) => statuses.into_iter().map(StreamStatus::from).collect(),
            },
            include_reserved: self.include_system,
        })
    }
}

/// The name of a stream to read; it may be one of the store's own.
pub(super) fn parse_any_stream_name(name: &str) -> Result<StreamName> {
    StreamName::parse_any(name).map_err(|error| invalid_stream_name(&error))
}

pub(super) fn short_list(
    name: &str,
    values: Option<Vec<String>>,
    limits: &PageLimits,
) -> Result<Vec<String>> {
    let Some(mut values) = values else {
        return Ok(Vec::new());
    };
    if values.is_empty() {
        return Err(empty_list(name));
    }
    check_length(name, values.len(), limits)?;
    // A value named twice must not bring its events twice.
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

pub(super) fn empty_list(name: &str) -> Error {
    ErrorCode::InvalidArgument.error(format!(
        "`{name}` is an empty list, which nothing can satisfy. Leave it out to have no condition."
    ))
}

fn check_length(name: &str, found: usize, limits: &PageLimits) -> Result<()> {
    if found > limits.filter_values {
        return Err(limit_exceeded(
            &format!("The number of values in `{name}`"),
            found,
            limits.filter_values,
        ));
    }
    Ok(())
}

fn parse_prefix(name: &str, prefix: String) -> Result<String> {
    let legal = prefix.bytes().all(|byte| byte.is_ascii_graphic());
    if prefix.is_empty() || prefix.len() > MAX_STREAM_NAME_BYTES || !legal {
        return Err(ErrorCode::InvalidArgument.error(format!(
            "`{name}` is `{}`. It must be the beginning of a stream name: 1 to {MAX_STREAM_NAME_BYTES} \
             characters of [a-zA-Z0-9_.:$-].",
            shown(&prefix)
        )));
    }
    Ok(prefix)
}
