//! The database itself keeps the log append-only, against the store's own connections too.

use gamebot_event_store::store::{Database, DatabaseOptions};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, TransactionTrait};
use serde_json::{Value, json};
use testkit::Expected;

use super::door::{Inside, appended, new_events, read_log};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    what_was_appended_cannot_be_deleted_replaced_or_changed,
    with_a_permit_a_payload_may_go_whole_and_nothing_else_may_change,
    a_permit_does_not_permit_to_delete,
    a_permit_that_was_taken_back_permits_nothing,
);

/// A log of three events, and a connection to it as the store's own writer is.
struct Closed {
    world: World,
    writer: DatabaseConnection,
    /// Holds the lock of a SQLite file as long as the writer may write.
    database: Database,
    before: Vec<Value>,
}

impl Closed {
    async fn of(world: World) -> Self {
        let (mut server, client) = world.server_and_client().await;
        let mut events = new_events(3);
        events[0]["data"] = json!({"guild_id": "g1"});
        events[1]["metadata"] = json!({"actor_id": "7", "causation_id": "c"});
        appended(&client, &new_stream("game"), Expected::Any, &events).await;
        let before = read_log(&client).await;
        server.terminate().await;
        let settings = world.config().database;
        let database = Database::open(DatabaseOptions {
            url: settings.url.expose().to_owned(),
            read_connections: 1,
            connect_timeout: settings.connect_timeout,
            statement_timeout: settings.statement_timeout,
            listen_url: None,
            transaction_pooler: false,
        })
        .unwrap();
        let writer = database.writer();
        Self {
            world,
            writer,
            database,
            before,
        }
    }

    /// Runs statements in one transaction, which is committed only if all succeed.
    async fn transaction(&self, statements: &[&str]) -> Result<(), DbErr> {
        let transaction = self.writer.begin().await?;
        for statement in statements {
            transaction.execute_unprepared(statement).await?;
        }
        transaction.commit().await
    }

    async fn refuses(&self, statements: &[&str]) {
        let error = self
            .transaction(statements)
            .await
            .expect_err(&statements.join("; "));
        let message = error.to_string();
        let word = ["append-only", "never deleted"]
            .iter()
            .any(|word| message.contains(word));
        assert!(word, "{statements:?}: {message}");
    }

    /// Opens the log again, as it is now.
    async fn log(self) -> Vec<Value> {
        drop((self.writer, self.database));
        let (_server, client) = self.world.server_and_client().await;
        read_log(&client).await
    }
}

const PERMIT: &str = "INSERT INTO removal_permits (id) VALUES (1)";
const REMOVE: &str =
    "UPDATE events SET data = NULL, metadata = NULL, salt = NULL WHERE position = 2";

/// A change of each column of an event.
const CHANGES: [&str; 17] = [
    "position = position + 10",
    "event_id = (SELECT store_id FROM log_head)",
    "stream_id = stream_id + 0, data = '{}'",
    "stream_version = stream_version + 10",
    "category = 'other'",
    "guild_id = 'other'",
    "guild_id = NULL",
    "event_type = 'other'",
    "schema_version = 2",
    "data = '{}'",
    "metadata = '{}'",
    "correlation_id = 'other'",
    "causation_id = 'other'",
    "actor_id = 'other'",
    "recorded_at = recorded_at + 1",
    "content_hash = hash",
    "hash = content_hash",
];

async fn what_was_appended_cannot_be_deleted_replaced_or_changed(world: World) {
    let closed = Closed::of(world).await;
    for statement in [
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 3",
        "DELETE FROM streams",
        "DELETE FROM log_head",
        REMOVE,
        "UPDATE events SET data = NULL",
    ] {
        closed.refuses(&[statement]).await;
    }
    for change in CHANGES {
        closed
            .refuses(&[&format!("UPDATE events SET {change} WHERE position = 1")])
            .await;
    }
    if closed.world.is_sqlite() {
        for table in ["events", "streams", "log_head"] {
            let replace = format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1");
            closed.refuses(&[&replace]).await;
            closed
                .refuses(&[&format!("REPLACE INTO {table} SELECT * FROM {table}")])
                .await;
        }
    } else {
        for table in [
            "events",
            "streams CASCADE",
            "log_head",
            "log_head, streams, events, snapshots",
        ] {
            closed.refuses(&[&format!("TRUNCATE {table}")]).await;
        }
    }
    let before = closed.before.clone();
    assert_eq!(closed.log().await, before);
}

async fn with_a_permit_a_payload_may_go_whole_and_nothing_else_may_change(world: World) {
    let closed = Closed::of(world).await;
    for change in CHANGES {
        closed
            .refuses(&[
                PERMIT,
                &format!("UPDATE events SET {change} WHERE position = 1"),
            ])
            .await;
        let with_removal = format!(
            "UPDATE events SET {change}{} WHERE position = 1",
            [", data = NULL", ", metadata = NULL", ", salt = NULL"]
                .into_iter()
                .filter(|removal| !change.contains(&removal[2..removal.len() - 4]))
                .collect::<String>()
        );
        closed.refuses(&[PERMIT, &with_removal]).await;
    }
    for part in [
        "data = NULL",
        "metadata = NULL",
        "salt = NULL",
        "data = NULL, salt = NULL",
    ] {
        closed
            .refuses(&[
                PERMIT,
                &format!("UPDATE events SET {part} WHERE position = 1"),
            ])
            .await;
    }
    let done = [PERMIT, REMOVE, "DELETE FROM removal_permits"];
    closed.transaction(&done).await.unwrap();

    let mut expected = closed.before.clone();
    expected[1]["removed"] = json!("SCAVENGED");
    expected[1]["rawText"] = Value::Null;
    expected[1]["metadata"] = Value::Null;
    assert_eq!(closed.log().await, expected);
}

async fn a_permit_does_not_permit_to_delete(world: World) {
    let closed = Closed::of(world).await;
    closed
        .refuses(&[PERMIT, "DELETE FROM events WHERE position = 2"])
        .await;
    closed
        .refuses(&[PERMIT, REMOVE, "DELETE FROM events WHERE position = 2"])
        .await;
    let before = closed.before.clone();
    assert_eq!(closed.log().await, before);
}

async fn a_permit_that_was_taken_back_permits_nothing(world: World) {
    let closed = Closed::of(world).await;
    closed
        .refuses(&[PERMIT, "DELETE FROM removal_permits", REMOVE])
        .await;
    let given_up = closed.writer.begin().await.unwrap();
    given_up.execute_unprepared(PERMIT).await.unwrap();
    given_up.rollback().await.unwrap();
    closed.refuses(&[REMOVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_permit_that_another_transaction_left_behind_is_worth_nothing() {
    let closed = Closed::of(World::postgres().await).await;
    closed.transaction(&[PERMIT]).await.unwrap();
    closed.refuses(&[REMOVE]).await;
    // Nor does a permit that another transaction holds at this moment.
    closed
        .transaction(&["DELETE FROM removal_permits"])
        .await
        .unwrap();
    let inside = Inside::of(&closed.world).await;
    let other = inside.connection.begin().await.unwrap();
    other.execute_unprepared(PERMIT).await.unwrap();
    closed.refuses(&[REMOVE]).await;
    other.rollback().await.unwrap();
}
