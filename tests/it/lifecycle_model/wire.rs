//! Requests and answers of the API as the model's words.

use std::sync::Arc;

use chrono::DateTime;
use gamebot_event_store::event::{EventType, RecordedEvent, Removal};
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::position::Position;
use gamebot_event_store::store::{ChangeKind, FeedMessage};
use gamebot_event_store::stream::StreamName;
use serde_json::{Value, json};
use testkit::Expected;

use super::model::{SentAppend, SentChange, SentEvent, SentPart};
use super::wish::{ACTOR, Wish};

/// Everything that an event says of itself.
pub(super) const EVENT: &str = "eventId type schemaVersion streamName streamVersion position recordedAt \
     guildId rawText removed contentHash hash metadata { raw correlationId causationId actorId }";
/// Everything that a stream says of itself.
pub(super) const STREAM: &str = "{ version status hiddenThrough guildId
     metadata { version maxAgeSeconds maxCount truncateBefore maxEvents custom } }";

/// A filter of the API; of wishes that name no stream.
pub(super) fn filter(wish: &Wish) -> Value {
    let mut filter = json!({"includeSystem": wish.include_reserved});
    let lists = [
        ("categories", &wish.categories),
        ("types", &wish.event_types),
        ("guildIds", &wish.guild_ids),
    ];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        filter[key] = json!(list);
    }
    if let Some(prefix) = wish.prefix {
        filter["streamPrefix"] = json!(prefix);
    }
    if wish.has_actor {
        filter["actorIds"] = json!([ACTOR]);
    }
    if let Some(number) = wish.number {
        filter["dataEquals"] = json!([{"path": "n", "equals": number}]);
    }
    filter
}

/// The mutation and the body of an append, whose payloads are sent letter by letter.
pub(super) fn append_body(append: &SentAppend) -> (&'static str, String) {
    let parts: Vec<String> = append.parts.iter().map(part_text).collect();
    let what = format!("previousVersion version events {{ {EVENT} }}");
    if append.is_batch {
        let query = format!(
            "mutation($input: AppendBatchInput!) {{ appendBatch(input: $input) {{ __typename
               ... on BatchAppended {{ duplicate streams {{ {what} }} }} }} }}"
        );
        let input = format!(r#"{{"streams":[{}]}}"#, parts.join(","));
        ("appendBatch", body(&query, &input))
    } else {
        let query = format!(
            "mutation($input: AppendToStreamInput!) {{ appendToStream(input: $input) {{ __typename
               ... on Appended {{ duplicate {what} }} }} }}"
        );
        ("appendToStream", body(&query, &parts[0]))
    }
}

fn body(query: &str, input: &str) -> String {
    format!(
        r#"{{"query":{},"variables":{{"input":{input}}}}}"#,
        json!(query)
    )
}

fn part_text(part: &SentPart) -> String {
    let events: Vec<String> = part.events.iter().map(event_text).collect();
    format!(
        r#"{{"stream":"{}","expectedVersion":{},"events":[{}]}}"#,
        part.stream,
        expected(part.expected),
        events.join(",")
    )
}

fn event_text(event: &SentEvent) -> String {
    format!(
        r#"{{"eventId":{},"type":"{}","data":{},"metadata":{}}}"#,
        json!(event.id),
        event.event_type,
        event.data,
        event.metadata
    )
}

fn expected(expected: ExpectedVersion) -> Value {
    match expected {
        ExpectedVersion::Any => Expected::Any,
        ExpectedVersion::NoStream => Expected::NoStream,
        ExpectedVersion::StreamExists => Expected::StreamExists,
        ExpectedVersion::Exactly(version) => Expected::Exactly(version),
    }
    .to_json()
}

/// The mutation and the body of a change.
pub(super) fn change_body(change: &SentChange) -> (&'static str, String) {
    let (field, input_type) = match change.kind {
        ChangeKind::Delete => ("deleteStream", "DeleteStreamInput"),
        ChangeKind::Tombstone => ("tombstoneStream", "TombstoneStreamInput"),
        ChangeKind::Archive => ("archiveStream", "ArchiveStreamInput"),
        ChangeKind::Unarchive => ("unarchiveStream", "UnarchiveStreamInput"),
        ChangeKind::SetMetadata(_) => ("setStreamMetadata", "SetStreamMetadataInput"),
    };
    let metadata = change.metadata();
    let metadata: Option<Value> = metadata.map(|text| serde_json::from_str(&text).unwrap());
    let mut input = json!({"stream": change.stream, "eventId": change.id, "metadata": metadata});
    let condition = match &change.kind {
        ChangeKind::SetMetadata(settings) => {
            let retention = &settings.retention;
            input["maxAgeSeconds"] = json!(retention.max_age_ms.map(|age| age / 1000));
            input["maxCount"] = json!(retention.max_count);
            input["truncateBefore"] = json!(retention.truncate_before);
            input["maxEvents"] = json!(settings.max_events);
            let custom = settings.custom.as_ref();
            input["custom"] =
                custom.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
            "expectedMetadataVersion"
        }
        _ => "expectedVersion",
    };
    input[condition] = expected(change.expected);
    let query = format!(
        "mutation($input: {input_type}!) {{ {field}(input: $input) {{ __typename
           ... on StreamChanged {{ duplicate event {{ position }} stream {STREAM} }} }} }}"
    );
    (field, body(&query, &input.to_string()))
}

/// A message of a feed.
pub(super) fn message(message: &Value) -> FeedMessage {
    let position = Position::new(message["position"].as_i64().unwrap()).unwrap();
    match message["__typename"].as_str().unwrap() {
        "EventReceived" => FeedMessage::Event(Arc::new(event(&message["event"]))),
        "CaughtUp" => FeedMessage::CaughtUp(position),
        "FellBehind" => FeedMessage::FellBehind(position),
        "Checkpoint" => FeedMessage::Checkpoint(position),
        other => panic!("a feed says {other}"),
    }
}

/// A list of events.
pub(super) fn events(list: &Value) -> Vec<RecordedEvent> {
    list.as_array().unwrap().iter().map(event).collect()
}

/// An event. What the API does not tell is left empty.
fn event(found: &Value) -> RecordedEvent {
    let text = |field: &Value| field.as_str().map(Arc::<str>::from);
    let hash = |field: &Value| {
        hex::decode(field.as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap()
    };
    let metadata = &found["metadata"];
    RecordedEvent {
        position: Position::new(found["position"].as_i64().unwrap()).unwrap(),
        event_id: found["eventId"].as_str().unwrap().parse().unwrap(),
        stream_id: 0,
        stream: StreamName::parse_any(found["streamName"].as_str().unwrap()).unwrap(),
        stream_version: i32::try_from(found["streamVersion"].as_i64().unwrap()).unwrap(),
        event_type: EventType::parse_any(found["type"].as_str().unwrap()).unwrap(),
        schema_version: i32::try_from(found["schemaVersion"].as_i64().unwrap()).unwrap(),
        data: text(&found["rawText"]),
        metadata: metadata
            .is_object()
            .then(|| metadata["raw"].to_string().into()),
        salt: None,
        guild_id: text(&found["guildId"]),
        correlation_id: text(&metadata["correlationId"]).unwrap_or_default(),
        causation_id: text(&metadata["causationId"]),
        actor_id: text(&metadata["actorId"]),
        removed: found["removed"].as_str().map(removal),
        recorded_at: DateTime::parse_from_rfc3339(found["recordedAt"].as_str().unwrap())
            .unwrap()
            .to_utc(),
        content_hash: hash(&found["contentHash"]),
        hash: hash(&found["hash"]),
    }
}

fn removal(name: &str) -> Removal {
    match name {
        "RETENTION" => Removal::Retention,
        "DELETED" => Removal::Deleted,
        "TOMBSTONED" => Removal::Tombstoned,
        "SCAVENGED" => Removal::Scavenged,
        other => panic!("an event is removed for {other}"),
    }
}
