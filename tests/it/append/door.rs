//! The words in which these tests talk to the server, and their way past it into the database.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use crate::support::World;

/// Everything that an event says of itself.
pub(crate) const EVENT: &str = "eventId type schemaVersion streamName streamVersion position recordedAt \
     guildId removed rawText contentHash hash metadata { raw correlationId causationId actorId }";

/// Everything that a refusal says; `stream` is an object where the append succeeds, hence the alias.
const REFUSAL: &str = "
    ... on Refusal { code message retryable path }
    ... on WrongExpectedVersion {
      refusedStream: stream expected { exactly state } actual
      checks { stream expected { exactly state } actual }
      conflictingEvents { streamVersion }
    }
    ... on DuplicateEvent {
      duplicates { eventId path reason storedStream storedVersion storedPosition }
    }
    ... on StreamDeleted { refusedStream: stream }
    ... on StreamTombstoned { refusedStream: stream }
    ... on StreamArchived { refusedStream: stream }
    ... on StreamTooLarge { refusedStream: stream length limit }
    ... on InvalidEvents { violations { code index pointer rule message path } }
    ... on LimitExceeded { value limit }";

/// What is asked of an append to one stream.
pub(crate) fn append_selection() -> String {
    format!(
        "{{ __typename
            ... on Appended {{
              previousVersion version firstPosition lastPosition duplicate
              stream {{ name version status guildId }}
              events {{ {EVENT} }}
            }}
            {REFUSAL} }}"
    )
}

fn batch_selection() -> String {
    format!(
        "{{ __typename
            ... on BatchAppended {{
              duplicate
              streams {{
                streamName previousVersion version firstPosition lastPosition
                stream {{ name version status guildId }}
                events {{ {EVENT} }}
              }}
            }}
            {REFUSAL} }}"
    )
}

/// The body of an append to one stream; `events` is JSON.
pub(crate) fn append_request(stream: &str, expected: Expected, events: &Value) -> String {
    let query = format!(
        "mutation($input: AppendToStreamInput!) {{ appendToStream(input: $input) {} }}",
        append_selection()
    );
    let input = part(stream, expected, events.clone());
    json!({"query": query, "variables": {"input": input}}).to_string()
}

/// The body of a batch append.
pub(crate) fn batch_request(parts: &[Value]) -> String {
    let query = format!(
        "mutation($input: AppendBatchInput!) {{ appendBatch(input: $input) {} }}",
        batch_selection()
    );
    json!({"query": query, "variables": {"input": {"streams": parts}}}).to_string()
}

/// What concerns one stream in a batch, and the whole input of an append to one stream.
pub(crate) fn part(stream: &str, expected: Expected, events: Value) -> Value {
    let mut part = json!({"stream": stream, "expectedVersion": expected.to_json()});
    part["events"] = events;
    part
}

/// Sends an append, and returns its payload, whichever it is.
pub(crate) async fn append(
    client: &GraphqlClient,
    stream: &str,
    expected: Expected,
    events: &Value,
) -> Value {
    let answer = client
        .raw(append_request(stream, expected, events))
        .await
        .json();
    payload_of(answer, "appendToStream")
}

/// Sends an append that must succeed.
pub(crate) async fn appended(
    client: &GraphqlClient,
    stream: &str,
    expected: Expected,
    events: &Value,
) -> Value {
    let payload = append(client, stream, expected, events).await;
    assert_eq!(payload["__typename"], "Appended", "{stream}: {payload:#}");
    payload
}

/// Sends a batch append, and returns its payload, whichever it is.
pub(crate) async fn append_batch(client: &GraphqlClient, parts: &[Value]) -> Value {
    let answer = client.raw(batch_request(parts)).await.json();
    payload_of(answer, "appendBatch")
}

/// The payload in an answer that has no errors.
pub(crate) fn payload_of(mut answer: Value, field: &str) -> Value {
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"][field].take()
}

/// The code of the only error of an answer.
pub(crate) fn error_code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("an answer without an error code: {answer:#}"))
}

/// An event with an id of its own.
pub(crate) fn new_event(number: usize) -> Value {
    json!({"eventId": Uuid::now_v7(), "type": "noted", "data": {"number": number}})
}

/// As many events as named, each with an id of its own.
pub(crate) fn new_events(count: usize) -> Value {
    (1..=count).map(new_event).collect()
}

/// The whole log in the order of its positions.
pub(crate) async fn read_log(client: &GraphqlClient) -> Vec<Value> {
    let query = format!(
        "query($from: Position!) {{ events(fromPosition: $from, first: 1000) {{ nodes {{ {EVENT} }} }} }}"
    );
    let mut log = Vec::new();
    loop {
        let mut page = client.query(&query, json!({"from": log.len() + 1})).await;
        let Value::Array(nodes) = page["events"]["nodes"].take() else {
            panic!("no list of events: {page:#}");
        };
        if nodes.is_empty() {
            return log;
        }
        log.extend(nodes);
    }
}

/// The events of a stream, oldest first; none of a stream that does not exist.
pub(crate) async fn read_stream(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    let query = format!(
        "query($name: String!) {{ stream(name: $name) {{ events(first: 1000) {{ nodes {{ {EVENT} }} }} }} }}"
    );
    let mut found = client.query(&query, json!({"name": stream})).await;
    match found["stream"]["events"]["nodes"].take() {
        Value::Array(nodes) => nodes,
        _ => Vec::new(),
    }
}

/// The stream's version and status; null where it does not exist.
pub(crate) async fn stream_state(client: &GraphqlClient, stream: &str) -> Value {
    let query = "query($name: String!) { stream(name: $name) { version status } }";
    client.query(query, json!({"name": stream})).await["stream"].take()
}

/// The greatest position of the log.
pub(crate) async fn head(client: &GraphqlClient) -> u64 {
    let head = client.query("{ head { position } }", json!({})).await;
    head["head"]["position"].as_u64().unwrap()
}

/// One field of each of the values.
pub(crate) fn each<'a>(values: impl IntoIterator<Item = &'a Value>, field: &str) -> Vec<Value> {
    values
        .into_iter()
        .map(|value| value[field].clone())
        .collect()
}

/// A connection into the database beside the server's own.
pub(crate) struct Inside {
    pub(crate) connection: DatabaseConnection,
}

impl Inside {
    /// A connection of its own, closed when it is dropped.
    pub(crate) async fn of(world: &World) -> Self {
        let connection = Database::connect(world.database_url()).await.unwrap();
        Self { connection }
    }

    /// Runs statements that mean the same on both backends.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connection
            .execute_unprepared(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Takes the trigger away that refuses to change events.
    pub(crate) async fn unlock_events(&self) {
        let on_table = match self.connection.get_database_backend() {
            DbBackend::Sqlite => "",
            _ => " ON events",
        };
        let drop = format!("DROP TRIGGER events_refuse_update{on_table}");
        self.execute(&drop).await;
    }

    /// The rows that a query finds.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.connection.get_database_backend(), sql);
        self.connection.query_all_raw(statement).await.unwrap()
    }
}
