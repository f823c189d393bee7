//! The table of changes: every change of every state, with every expectation.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{Change, State, life_of, stream_now};
use crate::append::door::head;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(each_change_of_each_state_with_each_expectation_comes_to_what_the_table_says);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Changed,
    AlreadySo,
    Wrong,
    NotFound,
    Deleted,
    Archived,
    Tombstoned,
}

use Outcome::{AlreadySo, Archived, Changed, Deleted, NotFound, Tombstoned};

/// What a change comes to whose expectation holds, in the order of [`State::ALL`]: never existed, only
/// metadata, open, deleted, reopened, archived, unarchived, tombstoned.
const TABLE: [(Change, [Outcome; 8]); 5] = [
    (
        Change::Delete,
        [
            NotFound, Changed, Changed, AlreadySo, Changed, Archived, Changed, Tombstoned,
        ],
    ),
    (
        Change::Tombstone,
        [
            NotFound, Changed, Changed, Changed, Changed, Changed, Changed, AlreadySo,
        ],
    ),
    (
        Change::Archive,
        [
            NotFound, Changed, Changed, Deleted, Changed, AlreadySo, Changed, Tombstoned,
        ],
    ),
    (
        Change::Unarchive,
        [
            NotFound, AlreadySo, AlreadySo, Deleted, AlreadySo, Changed, AlreadySo, Tombstoned,
        ],
    ),
    (
        Change::SetMetadata,
        [
            Changed, Changed, Changed, Changed, Changed, Changed, Changed, Tombstoned,
        ],
    ),
];

const EXPECTATIONS: [Expected; 7] = [
    Expected::Any,
    Expected::NoStream,
    Expected::StreamExists,
    Expected::Exactly(0),
    Expected::Exactly(1),
    Expected::Exactly(2),
    Expected::Exactly(3),
];

/// Whether an expectation on a stream's version (or its metadata's) holds.
fn holds(change: Change, state: State, expected: Expected) -> bool {
    let version = version_of(change, state);
    let is_deleted = state == State::Deleted && change != Change::SetMetadata;
    match expected {
        Expected::Any => true,
        Expected::NoStream => version == 0 || is_deleted,
        // Who deletes or ends a deleted stream that he expects to exist may be repeating himself.
        Expected::StreamExists => version > 0,
        Expected::Exactly(exactly) => exactly == version,
    }
}

/// The version that the change's expectation is about.
fn version_of(change: Change, state: State) -> i32 {
    match change {
        Change::SetMetadata => i32::from(state == State::OnlyMetadata),
        _ => state.version(),
    }
}

struct Cell {
    change: Change,
    state: State,
    expected: Expected,
    stream: String,
    outcome: Outcome,
}

async fn each_change_of_each_state_with_each_expectation_comes_to_what_the_table_says(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    for (change, outcomes) in TABLE {
        for (state, outcome) in State::ALL.into_iter().zip(outcomes) {
            for expected in EXPECTATIONS {
                let is_judged = matches!(outcome, Changed | AlreadySo);
                let fails = is_judged && !holds(change, state, expected);
                let cell = Cell {
                    change,
                    state,
                    expected,
                    stream: new_stream("game"),
                    outcome: if fails { Outcome::Wrong } else { outcome },
                };
                cell.run(&client).await;
            }
        }
    }
}

impl Cell {
    async fn run(&self, client: &GraphqlClient) {
        self.state.make(client, &self.stream).await;
        let before = stream_now(client, &self.stream).await;
        let (head_before, life_before) =
            (head(client).await, life_of_any(client, &self.stream).await);
        let input = self.change.input(&self.stream, self.expected);
        let payload = self.change.send(client, &input).await;
        let after = stream_now(client, &self.stream).await;
        match self.outcome {
            Changed => {
                self.check_change(&payload, &before, &after);
                assert_eq!(payload["event"]["position"], head_before + 1, "{self}");
                assert_eq!(head(client).await, head_before + 1, "{self}");
                let life = life_of(client, &self.stream).await;
                assert_eq!(life.len(), life_before.len() + 1, "{self}");
                assert_eq!(life.last(), Some(&payload["event"]), "{self}");
            }
            AlreadySo => {
                assert_eq!(
                    payload["__typename"], "StreamChanged",
                    "{self}: {payload:#}"
                );
                assert_eq!(payload["duplicate"], true, "{self}");
                assert_eq!(payload["event"], Value::Null, "{self}");
                assert_eq!(payload["stream"], before, "{self}");
            }
            _ => self.check_refusal(&payload),
        }
        if self.outcome != Changed {
            assert_eq!(after, before, "{self}");
            assert_eq!(head(client).await, head_before, "{self}");
        }
    }

    fn check_change(&self, payload: &Value, before: &Value, after: &Value) {
        assert_eq!(
            payload["__typename"], "StreamChanged",
            "{self}: {payload:#}"
        );
        assert_eq!(payload["duplicate"], false, "{self}");
        assert_eq!(payload["stream"], *after, "{self}");
        let event = &payload["event"];
        assert_eq!(event["type"], self.change.event_type(), "{self}");
        assert_eq!(
            event["streamName"],
            format!("$stream-{}", self.stream),
            "{self}"
        );
        let version = self.state.version();
        let mut expected = before.clone();
        match self.change {
            Change::Delete => expected["status"] = json!("DELETED"),
            Change::Tombstone => expected["status"] = json!("TOMBSTONED"),
            Change::Archive => expected["status"] = json!("ARCHIVED"),
            Change::Unarchive => expected["status"] = json!("OPEN"),
            Change::SetMetadata => {
                if self.state == State::Never {
                    expected = json!({
                        "name": self.stream, "version": 0, "status": "OPEN", "guildId": null,
                        "hiddenThrough": 0,
                    });
                }
                expected["metadata"] = json!({
                    "version": version_of(self.change, self.state) + 1,
                    "maxAgeSeconds": null, "maxCount": null, "truncateBefore": null, "maxEvents": null,
                    "custom": null, "event": {"eventId": event["eventId"]},
                });
            }
        }
        if matches!(self.change, Change::Delete | Change::Tombstone) {
            expected["hiddenThrough"] = json!(version);
        }
        assert_eq!(*after, expected, "{self}");
    }

    fn check_refusal(&self, refusal: &Value) {
        let expectation = self.change.expectation();
        let (typename, code, field) = match self.outcome {
            Outcome::Wrong => (
                "WrongExpectedVersion",
                "WRONG_EXPECTED_VERSION",
                expectation,
            ),
            NotFound if self.change == Change::SetMetadata => unreachable!("{self} creates it"),
            NotFound => ("StreamNotFound", "STREAM_NOT_FOUND", "stream"),
            Deleted => ("StreamDeleted", "STREAM_DELETED", "stream"),
            Archived => ("StreamArchived", "STREAM_ARCHIVED", "stream"),
            Tombstoned => ("StreamTombstoned", "STREAM_TOMBSTONED", "stream"),
            Changed | AlreadySo => unreachable!("{self} is not refused"),
        };
        assert_eq!(refusal["__typename"], typename, "{self}: {refusal:#}");
        assert_eq!(refusal["code"], code, "{self}");
        assert_eq!(refusal["retryable"], false, "{self}");
        assert_eq!(refusal["path"], json!(["input", field]), "{self}");
        assert_eq!(refusal["refusedStream"], self.stream, "{self}");
        let message = refusal["message"].as_str().unwrap();
        assert!(message.contains(&self.stream), "{self}: {message}");
        if self.outcome == Outcome::Wrong {
            let actual = version_of(self.change, self.state);
            assert_eq!(refusal["actual"], actual, "{self}");
            let wanted = self.expected.to_json();
            for (field, value) in wanted.as_object().unwrap() {
                assert_eq!(refusal["expected"][field], *value, "{self}");
            }
            let check =
                json!([{"stream": self.stream, "expected": refusal["expected"], "actual": actual}]);
            assert_eq!(refusal["checks"], check, "{self}");
        }
    }
}

/// The events about a stream; none where it does not exist.
async fn life_of_any(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    if stream_now(client, &format!("$stream-{stream}"))
        .await
        .is_null()
    {
        return Vec::new();
    }
    life_of(client, stream).await
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:?} of {:?} with {:?}",
            self.change, self.state, self.expected
        )
    }
}
