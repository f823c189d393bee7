//! The words in which these tests change a stream's life, and look at what has become of it.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use crate::append::door::{appended, new_events, payload_of};

/// Everything of an event that can be hidden, and what cannot.
pub(crate) const EVENT: &str = "eventId position streamName streamVersion type recordedAt guildId contentHash \
     hash removed data rawText payload { __typename } decodeError { code } \
     metadata { raw actorId correlationId causationId }";

/// Everything about the life of a stream.
pub(crate) const STREAM: &str = "name version status guildId hiddenThrough metadata { \
     version maxAgeSeconds maxCount truncateBefore maxEvents custom event { eventId } }";

/// A change of a stream's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Delete,
    Tombstone,
    Archive,
    Unarchive,
    SetMetadata,
}

impl Change {
    pub(crate) const ALL: [Self; 5] = [
        Self::Delete,
        Self::Tombstone,
        Self::Archive,
        Self::Unarchive,
        Self::SetMetadata,
    ];

    /// The mutation.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Delete => "deleteStream",
            Self::Tombstone => "tombstoneStream",
            Self::Archive => "archiveStream",
            Self::Unarchive => "unarchiveStream",
            Self::SetMetadata => "setStreamMetadata",
        }
    }

    /// The type of the event that records it.
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Delete => "$stream_deleted",
            Self::Tombstone => "$stream_tombstoned",
            Self::Archive => "$stream_archived",
            Self::Unarchive => "$stream_unarchived",
            Self::SetMetadata => "$stream_metadata_set",
        }
    }

    /// The input's field for what is expected.
    pub(crate) fn expectation(self) -> &'static str {
        match self {
            Self::SetMetadata => "expectedMetadataVersion",
            _ => "expectedVersion",
        }
    }

    /// The refusals that name a stream and nothing else.
    fn closed_refusals(self) -> &'static [&'static str] {
        match self {
            Self::Delete => &["StreamNotFound", "StreamTombstoned", "StreamArchived"],
            Self::Tombstone => &["StreamNotFound"],
            Self::Archive | Self::Unarchive => {
                &["StreamNotFound", "StreamDeleted", "StreamTombstoned"]
            }
            Self::SetMetadata => &["StreamTombstoned"],
        }
    }

    /// The mutation with everything that it can answer.
    pub(crate) fn document(self) -> String {
        let field = self.field();
        let input_type = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let closed: Vec<String> = self
            .closed_refusals()
            .iter()
            .map(|refusal| format!("... on {refusal} {{ refusedStream: stream }}"))
            .collect();
        let closed = closed.join(" ");
        format!(
            "mutation($input: {input_type}!) {{ {field}(input: $input) {{ __typename
               ... on StreamChanged {{ duplicate stream {{ {STREAM} }} event {{ {EVENT} }} }}
               ... on Refusal {{ code message retryable path }}
               ... on WrongExpectedVersion {{
                 refusedStream: stream expected {{ exactly state }} actual
                 checks {{ stream expected {{ exactly state }} actual }}
                 conflictingEvents {{ {EVENT} }}
               }}
               ... on DuplicateEvent {{
                 duplicates {{ eventId path reason storedStream storedVersion storedPosition }}
               }} {closed} }} }}"
        )
    }

    /// The input that every change needs.
    pub(crate) fn input(self, stream: &str, expected: Expected) -> Value {
        let mut input = json!({ "stream": stream });
        input[self.expectation()] = expected.to_json();
        input
    }

    /// The body of a request.
    pub(crate) fn request(self, input: &Value) -> String {
        json!({"query": self.document(), "variables": {"input": input}}).to_string()
    }

    /// Asks for the change, and returns the payload, whichever it is.
    pub(crate) async fn send(self, client: &GraphqlClient, input: &Value) -> Value {
        payload_of(client.raw(self.request(input)).await.json(), self.field())
    }

    /// Asks for the change, which must succeed.
    pub(crate) async fn send_for_success(self, client: &GraphqlClient, input: &Value) -> Value {
        let payload = self.send(client, input).await;
        assert_eq!(
            payload["__typename"], "StreamChanged",
            "{self:?} {input}: {payload:#}"
        );
        payload
    }

    /// Changes a stream, whatever it is at.
    pub(crate) async fn of(self, client: &GraphqlClient, stream: &str) -> Value {
        self.send_for_success(client, &self.input(stream, Expected::Any))
            .await
    }
}

/// Sets a stream's metadata to these fields, whatever it was.
pub(crate) async fn set_metadata(client: &GraphqlClient, stream: &str, settings: Value) -> Value {
    let input = with(Change::SetMetadata.input(stream, Expected::Any), settings);
    Change::SetMetadata.send_for_success(client, &input).await
}

/// An object with the fields of another one.
pub(crate) fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object");
    };
    for (name, value) in fields {
        object[name] = value;
    }
    object
}

/// Where a stream can be in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It never existed.
    Never,
    /// It has metadata, and never had an event.
    OnlyMetadata,
    Open,
    Deleted,
    /// Deleted at version 1, and reopened by the second event.
    Reopened,
    Archived,
    Unarchived,
    Tombstoned,
}

impl State {
    pub(crate) const ALL: [Self; 8] = [
        Self::Never,
        Self::OnlyMetadata,
        Self::Open,
        Self::Deleted,
        Self::Reopened,
        Self::Archived,
        Self::Unarchived,
        Self::Tombstoned,
    ];

    /// The version of a stream that [`State::make`] has made.
    pub(crate) fn version(self) -> i32 {
        match self {
            Self::Never | Self::OnlyMetadata => 0,
            _ => 2,
        }
    }

    /// The state that the API tells.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Deleted => "DELETED",
            Self::Archived => "ARCHIVED",
            Self::Tombstoned => "TOMBSTONED",
            _ => "OPEN",
        }
    }

    /// Brings a stream that does not exist to this state, with two events where it has any.
    pub(crate) async fn make(self, client: &GraphqlClient, stream: &str) {
        match self {
            Self::Never => return,
            Self::OnlyMetadata => {
                set_metadata(client, stream, json!({"custom": "early"})).await;
                return;
            }
            Self::Reopened => {
                appended(client, stream, Expected::Exactly(0), &new_events(1)).await;
                Change::Delete.of(client, stream).await;
                appended(client, stream, Expected::Exactly(1), &new_events(1)).await;
                return;
            }
            _ => {}
        }
        appended(client, stream, Expected::Exactly(0), &new_events(2)).await;
        self.close(client, stream).await;
    }

    /// Brings a stream that takes events to this state.
    pub(crate) async fn close(self, client: &GraphqlClient, stream: &str) {
        match self {
            Self::Deleted => {
                Change::Delete.of(client, stream).await;
            }
            Self::Archived => {
                Change::Archive.of(client, stream).await;
            }
            Self::Unarchived => {
                Change::Archive.of(client, stream).await;
                Change::Unarchive.of(client, stream).await;
            }
            Self::Tombstoned => {
                Change::Tombstone.of(client, stream).await;
            }
            Self::Reopened => {
                Change::Delete.of(client, stream).await;
                appended(client, stream, Expected::Any, &new_events(1)).await;
            }
            Self::Never | Self::OnlyMetadata | Self::Open => {}
        }
    }
}

/// A stream as it is now; null where it does not exist.
pub(crate) async fn stream_now(client: &GraphqlClient, stream: &str) -> Value {
    let query = format!("query($name: String!) {{ stream(name: $name) {{ {STREAM} }} }}");
    client.query(&query, json!({"name": stream})).await["stream"].take()
}

/// The log from its beginning, the store's own streams included, hidden events in their places.
pub(crate) async fn whole_log(client: &GraphqlClient) -> Vec<Value> {
    let query = format!(
        "query($from: Position!) {{ events(fromPosition: $from, first: 1000, filter: {{includeSystem: true}}) {{
           nodes {{ {EVENT} }} }} }}"
    );
    let mut log = Vec::new();
    loop {
        let mut page = client.query(&query, json!({"from": log.len() + 1})).await;
        let nodes = taken(page["events"]["nodes"].take());
        if nodes.is_empty() {
            return log;
        }
        log.extend(nodes);
    }
}

/// The events that a stream shows.
pub(crate) async fn shown(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    let query = format!(
        "query($name: String!) {{ stream(name: $name) {{ events(first: 1000) {{ nodes {{ {EVENT} }} }} }} }}"
    );
    let mut found = client.query(&query, json!({"name": stream})).await;
    taken(found["stream"]["events"]["nodes"].take())
}

/// The versions that a stream shows.
pub(crate) async fn shown_versions(client: &GraphqlClient, stream: &str) -> Vec<i64> {
    let events = shown(client, stream).await;
    let version = |event: &Value| event["streamVersion"].as_i64().unwrap();
    events.iter().map(version).collect()
}

/// The events that the store has recorded about a stream.
pub(crate) async fn life_of(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    shown(client, &format!("$stream-{stream}")).await
}

/// The elements of a list.
pub(crate) fn taken(list: Value) -> Vec<Value> {
    match list {
        Value::Array(elements) => elements,
        other => panic!("{other} is no list"),
    }
}

/// Whether an event shows nothing of its content, and says why.
#[track_caller]
pub(crate) fn assert_removed(event: &Value, reason: &str) {
    assert_eq!(event["removed"], reason, "{event:#}");
    for field in ["data", "rawText", "payload", "metadata", "decodeError"] {
        assert_eq!(event[field], Value::Null, "{field} of {event:#}");
    }
    assert!(event["eventId"].is_string(), "{event:#}");
}
