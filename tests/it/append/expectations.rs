//! The table of expected versions: every expectation on every state of a stream.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{append, append_batch, head, new_event, part, stream_state};
use crate::lifecycle::door::State;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    each_expectation_is_judged_on_each_state_by_the_table,
    each_expectation_of_a_batch_is_judged_on_each_state_by_the_table,
    a_pure_check_is_judged_by_the_table_and_takes_an_archived_stream_as_open,
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Appended,
    Wrong,
    Deleted,
    Archived,
    Tombstoned,
}

use Outcome::{Appended as Ok, Archived, Deleted, Tombstoned, Wrong};

/// The column of the table that says how a stream in a state is judged.
fn column(state: State) -> usize {
    match state {
        State::Never | State::OnlyMetadata => 0,
        State::Open | State::Reopened | State::Unarchived => 1,
        State::Deleted => 2,
        State::Archived => 3,
        State::Tombstoned => 4,
    }
}

/// Each expectation on a stream that never existed, and on one at version 2 that is open, deleted, archived
/// or tombstoned.
const TABLE: [(Expected, [Outcome; 5]); 7] = [
    (Expected::Any, [Ok, Ok, Ok, Archived, Tombstoned]),
    (Expected::NoStream, [Ok, Wrong, Ok, Archived, Tombstoned]),
    (
        Expected::StreamExists,
        [Wrong, Ok, Deleted, Archived, Tombstoned],
    ),
    (
        Expected::Exactly(0),
        [Ok, Wrong, Wrong, Archived, Tombstoned],
    ),
    (
        Expected::Exactly(1),
        [Wrong, Wrong, Wrong, Archived, Tombstoned],
    ),
    (Expected::Exactly(2), [Wrong, Ok, Ok, Archived, Tombstoned]),
    (
        Expected::Exactly(3),
        [Wrong, Wrong, Wrong, Archived, Tombstoned],
    ),
];

/// One place of the table, with a stream in that state.
struct Cell {
    expected: Expected,
    state: State,
    stream: String,
    version: i32,
    outcome: Outcome,
}

async fn each_expectation_is_judged_on_each_state_by_the_table(world: World) {
    let (_server, client) = world.server_and_client().await;
    for cell in cells(&client).await {
        let before = (
            head(&client).await,
            stream_state(&client, &cell.stream).await,
        );
        let payload = append(&client, &cell.stream, cell.expected, &json!([new_event(3)])).await;
        cell.check_type(&payload, "Appended");
        if cell.outcome == Ok {
            cell.check_success(&payload);
            let first = before.0 + 1 + cell.events_of_reopening();
            assert_eq!(payload["firstPosition"], first, "{cell}");
        } else {
            cell.check_refusal(&payload, &["input"]);
            let after = (
                head(&client).await,
                stream_state(&client, &cell.stream).await,
            );
            assert_eq!(before, after, "{cell}");
        }
    }
}

async fn each_expectation_of_a_batch_is_judged_on_each_state_by_the_table(world: World) {
    let (_server, client) = world.server_and_client().await;
    for cell in cells(&client).await {
        let neighbour = new_stream("neighbour");
        let before = (
            head(&client).await,
            stream_state(&client, &cell.stream).await,
        );
        let parts = [
            part(&neighbour, Expected::NoStream, json!([new_event(1)])),
            part(&cell.stream, cell.expected, json!([new_event(3)])),
        ];
        let payload = append_batch(&client, &parts).await;
        cell.check_type(&payload, "BatchAppended");
        if cell.outcome == Ok {
            assert_eq!(payload["streams"][0]["streamName"], neighbour);
            cell.check_success(&payload["streams"][1]);
            assert_eq!(payload["streams"][0]["firstPosition"], before.0 + 1);
            let first = before.0 + 2 + cell.events_of_reopening();
            assert_eq!(payload["streams"][1]["firstPosition"], first, "{cell}");
        } else {
            cell.check_refusal(&payload, &["input", "streams", "1"]);
            let after = (
                head(&client).await,
                stream_state(&client, &cell.stream).await,
            );
            assert_eq!(before, after, "{cell}");
            assert_eq!(
                stream_state(&client, &neighbour).await,
                Value::Null,
                "{cell}"
            );
        }
    }
}

async fn a_pure_check_is_judged_by_the_table_and_takes_an_archived_stream_as_open(world: World) {
    let (_server, client) = world.server_and_client().await;
    for mut cell in cells(&client).await {
        if cell.outcome == Archived {
            cell.outcome = row_of(cell.expected)[1];
        }
        let state = stream_state(&client, &cell.stream).await;
        let neighbour = new_stream("neighbour");
        let parts = [
            part(&cell.stream, cell.expected, json!([])),
            part(&neighbour, Expected::NoStream, json!([new_event(1)])),
        ];
        let payload = append_batch(&client, &parts).await;
        cell.check_type(&payload, "BatchAppended");
        let written = stream_state(&client, &neighbour).await;
        if cell.outcome == Ok {
            let checked = &payload["streams"][0];
            assert_eq!(checked["previousVersion"], cell.version, "{cell}");
            assert_eq!(checked["version"], cell.version, "{cell}");
            assert_eq!(checked["firstPosition"], Value::Null, "{cell}");
            assert_eq!(checked["events"], json!([]), "{cell}");
            assert_eq!(written["version"], 1, "{cell}");
        } else {
            cell.check_refusal(&payload, &["input", "streams", "0"]);
            assert_eq!(written, Value::Null, "{cell}");
        }
        // Not even a check that holds changes what it looks at: a deleted stream stays deleted.
        assert_eq!(stream_state(&client, &cell.stream).await, state, "{cell}");
    }
}

fn row_of(expected: Expected) -> [Outcome; 5] {
    let mut rows = TABLE.iter();
    rows.find(|(row, _)| *row == expected).unwrap().1
}

/// Makes a stream for each place of the table, in its state.
async fn cells(client: &GraphqlClient) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (expected, outcomes) in TABLE {
        for state in State::ALL {
            let stream = new_stream("game");
            state.make(client, &stream).await;
            cells.push(Cell {
                expected,
                state,
                stream,
                version: state.version(),
                outcome: outcomes[column(state)],
            });
        }
    }
    cells
}

impl Cell {
    /// How many events of its own the store writes before those of an append.
    fn events_of_reopening(&self) -> u64 {
        u64::from(self.state == State::Deleted)
    }

    fn check_type(&self, payload: &Value, success: &str) {
        let typename = match self.outcome {
            Ok => success,
            Wrong => "WrongExpectedVersion",
            Deleted => "StreamDeleted",
            Archived => "StreamArchived",
            Tombstoned => "StreamTombstoned",
        };
        assert_eq!(payload["__typename"], typename, "{self}: {payload:#}");
    }

    fn check_success(&self, appended: &Value) {
        assert_eq!(appended["previousVersion"], self.version, "{self}");
        assert_eq!(appended["version"], self.version + 1, "{self}");
        assert_eq!(appended["stream"]["version"], self.version + 1, "{self}");
        assert_eq!(appended["stream"]["status"], "OPEN", "{self}");
        assert_eq!(
            appended["events"][0]["streamVersion"],
            self.version + 1,
            "{self}"
        );
    }

    /// `place` is where the stream's part of the request stands.
    fn check_refusal(&self, refusal: &Value, place: &[&str]) {
        let (code, field) = match self.outcome {
            Ok => unreachable!("{self} is not refused"),
            Wrong => ("WRONG_EXPECTED_VERSION", "expectedVersion"),
            Deleted => ("STREAM_DELETED", "expectedVersion"),
            Archived => ("STREAM_ARCHIVED", "stream"),
            Tombstoned => ("STREAM_TOMBSTONED", "stream"),
        };
        assert_eq!(refusal["path"], json!([place, &[field]].concat()), "{self}");
        assert_eq!(refusal["code"], code, "{self}");
        assert_eq!(refusal["retryable"], false, "{self}");
        assert_eq!(refusal["refusedStream"], self.stream, "{self}");
        let message = refusal["message"].as_str().unwrap();
        assert!(message.contains(&self.stream), "{self}: {message}");
        if self.outcome == Wrong {
            assert_eq!(refusal["actual"], self.version, "{self}");
            let expected = &refusal["expected"];
            for (field, value) in self.expected.to_json().as_object().unwrap() {
                assert_eq!(expected[field], *value, "{self}");
            }
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} on {:?}", self.expected, self.state)
    }
}
