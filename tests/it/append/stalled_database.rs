//! A database that is there, but does not get on: somebody else holds the lock that every append needs.

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, eventually};

use super::door::{Inside, append_request, appended, error_code, new_events, read_stream};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    what_could_not_begin_until_its_deadline_is_certainly_not_written,
    a_full_queue_answers_overloaded_at_once_and_says_when_to_come_again,
    a_queue_full_of_bytes_answers_overloaded_too,
    appends_go_on_by_themselves_when_the_database_does,
);

/// A transaction that holds the lock of the log's head.
struct Stall(DatabaseTransaction);

impl Stall {
    async fn begin(world: &World) -> Self {
        let transaction = Inside::of(world).await.connection.begin().await.unwrap();
        transaction
            .execute_unprepared("UPDATE log_head SET position = position")
            .await
            .unwrap();
        Self(transaction)
    }

    async fn end(self) {
        self.0.rollback().await.unwrap();
    }
}

/// A server whose appends wait so long, unless the settings say otherwise.
async fn impatient(world: &World, settings: &[(&str, &str)]) -> (ServerProcess, GraphqlClient) {
    let mut server = world
        .prepare()
        .environment("GAMEBOT_APPEND_DEADLINE_MS", "400");
    for (name, value) in settings {
        server = server.environment(*name, *value);
    }
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    // The writer is connected before anything stalls. On a busy machine that may take more than one
    // deadline.
    repeated(&client, &new_stream("warm"), &new_events(1)).await;
    (server, client)
}

async fn failed(client: &GraphqlClient, stream: &str, events: &Value) -> Value {
    let body = append_request(stream, Expected::Any, events);
    client.raw(body).await.json()
}

/// Repeats an append until it succeeds.
async fn repeated(client: &GraphqlClient, stream: &str, events: &Value) -> Value {
    eventually("the append to succeed", async || {
        let mut answer = failed(client, stream, events).await;
        let done = answer.get("errors").is_none();
        done.then(|| answer["data"]["appendToStream"].take())
    })
    .await
}

async fn what_could_not_begin_until_its_deadline_is_certainly_not_written(world: World) {
    let (_server, client) = impatient(&world, &[]).await;
    let streams = ["a", "b"].map(new_stream);
    let requests = [new_events(1), new_events(1)];
    let stall = Stall::begin(&world).await;
    // The first is at the lock, the second in the queue behind it.
    for (stream, events) in streams.iter().zip(&requests) {
        let answer = failed(&client, stream, events).await;
        assert_eq!(error_code(&answer), "CONNECTION_ERROR", "{answer:#}");
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["retryable"], true);
        assert!(extensions["retryAfterMs"].is_u64(), "{answer:#}");
    }
    stall.end().await;
    let later = new_stream("later");
    repeated(&client, &later, &new_events(1)).await;
    for (stream, events) in streams.iter().zip(&requests) {
        assert_eq!(read_stream(&client, stream).await, Vec::<Value>::new());
        repeated(&client, stream, events).await;
        assert_eq!(read_stream(&client, stream).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_by_its_deadline_times_out_and_what_waits_behind_it_is_not_written() {
    let world = World::postgres().await;
    // Long enough to reach the lock on a busy machine, and no second attempt takes both requests along.
    let settings = [
        ("GAMEBOT_APPEND_DEADLINE_MS", "5000"),
        ("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "60000"),
    ];
    let (_server, client) = impatient(&world, &settings).await;
    let [under_way, waiting] = ["a", "b"].map(new_stream);
    let (first, second) = (new_events(1), new_events(1));
    // The head can be locked and the streams be read, but not be written.
    let stall = Inside::of(&world).await.connection.begin().await.unwrap();
    let lock = "LOCK TABLE streams IN EXCLUSIVE MODE";
    stall.execute_unprepared(lock).await.unwrap();
    let answer = failed(&client, &under_way, &first).await;
    assert_eq!(error_code(&answer), "TIMEOUT", "{answer:#}");
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], true);
    let answer = failed(&client, &waiting, &second).await;
    assert_eq!(error_code(&answer), "CONNECTION_ERROR", "{answer:#}");
    stall.rollback().await.unwrap();

    // The retry of the first finds it stored, or stores it; the second was never written.
    let retry = repeated(&client, &under_way, &first).await;
    assert_eq!(retry["version"], 1);
    assert_eq!(read_stream(&client, &under_way).await.len(), 1);
    assert_eq!(read_stream(&client, &waiting).await, Vec::<Value>::new());
    repeated(&client, &waiting, &second).await;
    assert_eq!(read_stream(&client, &waiting).await.len(), 1);
}

async fn a_full_queue_answers_overloaded_at_once_and_says_when_to_come_again(world: World) {
    let (_server, client) = impatient(&world, &[("GAMEBOT_APPEND_QUEUE_REQUESTS", "2")]).await;
    let stream = new_stream("game");
    let stall = Stall::begin(&world).await;
    let mut codes = Vec::new();
    let requests: Vec<Value> = (0..4).map(|_| new_events(1)).collect();
    for events in &requests {
        let answer = failed(&client, &stream, events).await;
        codes.push(error_code(&answer).to_owned());
        if codes.len() == 4 {
            let extensions = &answer["errors"][0]["extensions"];
            assert_eq!(extensions["retryable"], true);
            assert!(extensions["retryAfterMs"].as_u64().unwrap() > 0);
        }
    }
    assert_eq!(
        codes,
        [
            "CONNECTION_ERROR",
            "CONNECTION_ERROR",
            "CONNECTION_ERROR",
            "OVERLOADED"
        ]
    );
    stall.end().await;
    // None of them was written, and each can be sent again.
    repeated(&client, &new_stream("later"), &new_events(1)).await;
    assert_eq!(read_stream(&client, &stream).await, Vec::<Value>::new());
    for events in &requests {
        repeated(&client, &stream, events).await;
    }
    assert_eq!(read_stream(&client, &stream).await.len(), 4);
}

async fn a_queue_full_of_bytes_answers_overloaded_too(world: World) {
    let settings = [
        ("GAMEBOT_APPEND_QUEUE_BYTES", "1048576"),
        ("GAMEBOT_APPEND_MAX_EVENT_BYTES", "1048576"),
    ];
    let (_server, client) = impatient(&world, &settings).await;
    let stream = new_stream("game");
    let mut large = new_events(1);
    large[0]["data"] = json!({"text": "x".repeat(700_000)});
    let stall = Stall::begin(&world).await;
    assert_eq!(
        error_code(&failed(&client, &stream, &large).await),
        "CONNECTION_ERROR"
    );
    let waiting = failed(&client, &stream, &new_events(1)).await;
    assert_eq!(error_code(&waiting), "CONNECTION_ERROR");
    let mut another = new_events(1);
    another[0]["data"] = large[0]["data"].clone();
    assert_eq!(
        error_code(&failed(&client, &stream, &another).await),
        "OVERLOADED"
    );
    stall.end().await;
    repeated(&client, &stream, &another).await;
}

async fn appends_go_on_by_themselves_when_the_database_does(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let stall = Stall::begin(&world).await;
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let (client, stream) = (client.clone(), stream.clone());
            tokio::spawn(
                async move { appended(&client, &stream, Expected::Any, &new_events(1)).await },
            )
        })
        .collect();
    // What is read meanwhile is what was committed.
    assert_eq!(read_stream(&client, &stream).await, Vec::<Value>::new());
    stall.end().await;
    let mut versions = Vec::new();
    for payload in waiting {
        versions.push(payload.await.unwrap()["version"].as_i64().unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=16).collect::<Vec<i64>>());
}
