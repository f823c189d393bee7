//! The words in which these tests ask for operations, and what they look up behind the server's back.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement};
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcessBuilder, eventually};
use uuid::Uuid;

use crate::support::{World, prepare_at};

/// Everything that an operation says of itself.
pub(super) const OPERATION: &str =
    "id operationId kind state error createdAt startedAt finishedAt streamName
    arguments { ... on ScavengeArguments { stream } }
    progress { done total fraction }
    result { ... on ScavengeResult { streams events bytes } }
    events { nodes { type data metadata { actorId correlationId causationId } eventId } }";

/// Asks for a scavenge, and returns the payload, whichever it is.
pub(crate) async fn scavenge(client: &GraphqlClient, input: Value) -> Value {
    let query = format!(
        "mutation($input: ScavengeInput!) {{ scavenge(input: $input) {{ __typename
            ... on ScavengeStarted {{ duplicate operation {{ {OPERATION} }} }}
            ... on Refusal {{ code message retryable path }}
            ... on LimitExceeded {{ value limit }} }} }}"
    );
    client.query(&query, json!({"input": input})).await["scavenge"].take()
}

/// Asks for a scavenge that must be taken, and returns the operation.
pub(crate) async fn started(client: &GraphqlClient, input: Value) -> Value {
    let mut payload = scavenge(client, input).await;
    assert_eq!(payload["__typename"], "ScavengeStarted", "{payload:#}");
    payload["operation"].take()
}

/// The operation as it is now.
pub(super) async fn operation(client: &GraphqlClient, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ operation(id: $id) {{ {OPERATION} }} }}");
    client.query(&query, json!({"id": id})).await["operation"].take()
}

/// Waits for the end of an operation, and returns it. A database that is away only delays the answer.
pub(crate) async fn ended(client: &GraphqlClient, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ operation(id: $id) {{ {OPERATION} }} }}");
    eventually("the operation to end", async || {
        let mut answer = client.execute(&query, json!({"id": id})).await;
        let operation = answer["data"]["operation"].take();
        let is_final = ["SUCCEEDED", "FAILED", "CANCELLED"]
            .iter()
            .any(|state| operation["state"] == *state);
        is_final.then_some(operation)
    })
    .await
}

/// Waits until so many events are done.
pub(super) async fn done_at_least(client: &GraphqlClient, id: &Value, least: u64) -> Value {
    eventually("the operation to come so far", async || {
        let operation = operation(client, id).await;
        let done = operation["progress"]["done"].as_u64().unwrap();
        (done >= least).then_some(operation)
    })
    .await
}

/// A whole scavenge, which must succeed.
pub(crate) async fn scavenged(client: &GraphqlClient, input: Value) -> Value {
    let operation = started(client, input).await;
    let operation = ended(client, &operation["id"]).await;
    assert_eq!(operation["state"], "SUCCEEDED", "{operation:#}");
    operation
}

/// Cancels an operation, and returns the payload, whichever it is.
pub(super) async fn cancel(client: &GraphqlClient, input: Value) -> Value {
    let query = format!(
        "mutation($input: CancelOperationInput!) {{ cancelOperation(input: $input) {{ __typename
            ... on OperationCancelled {{ operation {{ {OPERATION} }} }}
            ... on Refusal {{ code message retryable path }} }} }}"
    );
    client.query(&query, json!({"input": input})).await["cancelOperation"].take()
}

/// Appends so many events, each with an id of its own, and returns them as they were sent.
pub(super) async fn append(client: &GraphqlClient, stream: &str, count: usize) -> Value {
    let events: Value = (1..=count).map(new_event).collect();
    client.appended(stream, Expected::Any, events.clone()).await;
    events
}

pub(super) fn new_event(number: usize) -> Value {
    json!({
        "eventId": Uuid::now_v7(),
        "type": "noted",
        "data": {"number": number, "text": "ü".repeat(number % 7)},
        "metadata": {"actor_id": "7"},
    })
}

/// Hides all that a stream has.
pub(super) async fn delete(client: &GraphqlClient, stream: &str) {
    change(
        client,
        "deleteStream",
        "DeleteStreamInput",
        json!({
            "stream": stream, "expectedVersion": {"state": "ANY"},
        }),
    )
    .await;
}

/// Ends a stream.
pub(super) async fn tombstone(client: &GraphqlClient, stream: &str) {
    change(
        client,
        "tombstoneStream",
        "TombstoneStreamInput",
        json!({
            "stream": stream, "expectedVersion": {"state": "ANY"},
        }),
    )
    .await;
}

/// Sets what a stream keeps.
pub(super) async fn keep(client: &GraphqlClient, stream: &str, mut input: Value) {
    input["stream"] = stream.into();
    input["expectedMetadataVersion"] = json!({"state": "ANY"});
    change(client, "setStreamMetadata", "SetStreamMetadataInput", input).await;
}

async fn change(client: &GraphqlClient, field: &str, input_type: &str, input: Value) {
    let query = format!(
        "mutation($input: {input_type}!) {{ {field}(input: $input) {{ __typename
            ... on Refusal {{ message }} }} }}"
    );
    let answer = client.query(&query, json!({"input": input})).await;
    assert_eq!(answer[field]["__typename"], "StreamChanged", "{answer:#}");
}

/// A server that removes one event at a time and pauses after each, so that a scavenge can be caught in the
/// middle; and that soon takes over what another one has left behind.
pub(super) fn slow(world: &World) -> ServerProcessBuilder {
    slow_at(world.database_url())
}

/// A slow server at another address of the database, such as a proxy's.
pub(super) fn slow_at(database_url: &str) -> ServerProcessBuilder {
    prepare_at(database_url)
        .environment("GAMEBOT_SCAVENGE_BATCH_EVENTS", "1")
        .environment("GAMEBOT_SCAVENGE_PAUSE_MS", "20")
        .environment("GAMEBOT_OPERATIONS_POLL_MS", "50")
        .environment("GAMEBOT_OPERATIONS_TAKEOVER_AFTER_MS", "2500")
        .environment("GAMEBOT_OPERATIONS_WATCH_MS", "20")
}

/// A row of the table of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) position: i64,
    pub(super) event_id: Uuid,
    pub(super) stream: String,
    pub(super) stream_version: i32,
    pub(super) event_type: String,
    pub(super) schema_version: i32,
    pub(super) recorded_at: i64,
    pub(super) content_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
    pub(super) data: Option<String>,
    pub(super) metadata: Option<String>,
    pub(super) salt: Option<Vec<u8>>,
}

impl Row {
    /// Whether the payload is there as a whole. A half of it would be a fault of its own.
    pub(super) fn has_payload(&self) -> bool {
        let parts = [
            self.data.is_some(),
            self.metadata.is_some(),
            self.salt.is_some(),
        ];
        assert!(parts == [true; 3] || parts == [false; 3], "{self:?}");
        parts[0]
    }

    /// The bytes of data and metadata.
    pub(super) fn bytes(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        length(&self.data) + length(&self.metadata)
    }

    /// The row as it is without its payload.
    pub(super) fn without_payload(&self) -> Self {
        Self {
            data: None,
            metadata: None,
            salt: None,
            ..self.clone()
        }
    }
}

/// A connection into the database beside the server's own.
pub(super) struct Inside(DatabaseConnection);

impl Inside {
    pub(super) async fn of(world: &World) -> Self {
        Self(Database::connect(world.database_url()).await.unwrap())
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        self.0.query_all_raw(statement).await.unwrap()
    }

    /// The table of events in the order of the log.
    pub(super) async fn events(&self) -> Vec<Row> {
        let sql = "SELECT position, event_id, name, stream_version, event_type, schema_version, recorded_at,
                content_hash, hash, data, metadata, salt
            FROM events JOIN streams ON streams.id = stream_id ORDER BY position";
        self.rows(sql).await.iter().map(row_of).collect()
    }

    /// How many payloads of ordinary streams are there.
    pub(super) async fn payloads(&self) -> usize {
        let events = self.events().await;
        let ordinary = events.iter().filter(|row| !row.stream.starts_with('$'));
        ordinary.filter(|row| row.has_payload()).count()
    }
}

fn row_of(row: &QueryResult) -> Row {
    Row {
        position: row.try_get_by_index(0).unwrap(),
        event_id: row.try_get_by_index(1).unwrap(),
        stream: row.try_get_by_index(2).unwrap(),
        stream_version: row.try_get_by_index(3).unwrap(),
        event_type: row.try_get_by_index(4).unwrap(),
        schema_version: row.try_get_by_index(5).unwrap(),
        recorded_at: row.try_get_by_index(6).unwrap(),
        content_hash: row.try_get_by_index(7).unwrap(),
        hash: row.try_get_by_index(8).unwrap(),
        data: row.try_get_by_index(9).unwrap(),
        metadata: row.try_get_by_index(10).unwrap(),
        salt: row.try_get_by_index(11).unwrap(),
    }
}

/// The figures of an operation: streams, events and bytes.
pub(super) fn figures(operation: &Value) -> [u64; 3] {
    ["streams", "events", "bytes"].map(|name| operation["result"][name].as_u64().unwrap())
}
