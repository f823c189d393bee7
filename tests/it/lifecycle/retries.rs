//! Appends stay idempotent whatever has become of their stream (rules A1 and A2): every way to send stored
//! events again, after everything that can happen to a stream, alone and in a batch, in every mode.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{State, stream_now};
use crate::append::door::{append, append_batch, each, head, new_event, new_events, part};
use crate::scavenge::door::scavenged;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    stored_events_sent_again_are_a_retry_or_refused_after_everything_that_can_happen_to_a_stream,
    a_batch_of_stored_events_sent_again_is_a_retry_or_refused_after_everything_that_can_happen,
);

/// What happens to a stream between an append and its retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Became(State),
    /// Deleted and scavenged.
    Scavenged,
}

/// Every fate, and why the events are hidden after it, if they are.
const FATES: [(Fate, Option<&str>); 7] = [
    (Fate::Became(State::Open), None),
    (Fate::Became(State::Deleted), Some("DELETED")),
    (Fate::Became(State::Reopened), Some("DELETED")),
    (Fate::Became(State::Archived), None),
    (Fate::Became(State::Unarchived), None),
    (Fate::Became(State::Tombstoned), Some("TOMBSTONED")),
    (Fate::Scavenged, Some("SCAVENGED")),
];

impl Fate {
    async fn befall(self, client: &GraphqlClient, stream: &str) {
        match self {
            Self::Became(state) => state.close(client, stream).await,
            Self::Scavenged => {
                State::Deleted.close(client, stream).await;
                scavenged(client, json!({"stream": stream})).await;
            }
        }
    }

    /// Content is compared as long as there is any.
    fn content_is_known(self) -> bool {
        self != Self::Scavenged
    }
}

const EXPECTATIONS: [Expected; 7] = [
    Expected::Any,
    Expected::NoStream,
    Expected::StreamExists,
    Expected::Exactly(0),
    Expected::Exactly(1),
    Expected::Exactly(3),
    Expected::Exactly(9),
];

/// A stream of three events and a neighbour of two, stored by one batch.
struct Stored {
    stream: String,
    neighbour: String,
    events: Vec<Value>,
    neighbour_events: Vec<Value>,
    /// What the batch answered.
    first: Value,
}

impl Stored {
    async fn make(client: &GraphqlClient) -> Self {
        let [stream, neighbour] = ["game", "team"].map(new_stream);
        let [events, neighbour_events] = [new_events(3), new_events(2)];
        let parts = [
            part(&stream, Expected::Exactly(0), events.clone()),
            part(&neighbour, Expected::NoStream, neighbour_events.clone()),
        ];
        let first = append_batch(client, &parts).await;
        assert_eq!(first["duplicate"], false, "{first:#}");
        Self {
            stream,
            neighbour,
            events: events.as_array().unwrap().clone(),
            neighbour_events: neighbour_events.as_array().unwrap().clone(),
            first,
        }
    }

    /// The events of a stream of the batch as they were first answered.
    fn original(&self, index: usize, range: std::ops::Range<usize>) -> &[Value] {
        &self.first["streams"][index]["events"].as_array().unwrap()[range]
    }
}

/// What comes of an attempt.
enum Outcome {
    /// The events of the stream with these indexes are answered as they were.
    Retry(std::ops::Range<usize>),
    /// It is refused, with these reasons.
    Refused(Vec<&'static str>),
}

/// An attempt to store events, and what comes of it.
struct Attempt {
    name: &'static str,
    /// Null = the stream that has them.
    stream: Option<String>,
    events: Vec<Value>,
    outcome: Outcome,
}

fn attempts(stored: &Stored, fate: Fate) -> Vec<Attempt> {
    let events = &stored.events;
    let mut other_content = events[..2].to_vec();
    other_content[1]["data"] = json!({"number": "other"});
    let other_content_outcome = if fate.content_is_known() {
        Outcome::Refused(vec!["OTHER_CONTENT"])
    } else {
        Outcome::Retry(0..2)
    };
    let here = |name, events, outcome| Attempt {
        name,
        stream: None,
        events,
        outcome,
    };
    let pick = |indexes: &[usize]| -> Vec<Value> {
        indexes.iter().map(|index| events[*index].clone()).collect()
    };
    vec![
        here("whole", events.clone(), Outcome::Retry(0..3)),
        here("the beginning", pick(&[0, 1]), Outcome::Retry(0..2)),
        here("the end", pick(&[1, 2]), Outcome::Retry(1..3)),
        here(
            "another order",
            pick(&[1, 0, 2]),
            Outcome::Refused(vec!["OTHER_ORDER", "OTHER_ORDER"]),
        ),
        here(
            "with a hole",
            pick(&[0, 2]),
            Outcome::Refused(vec!["OTHER_ORDER"]),
        ),
        here("other content", other_content, other_content_outcome),
        here(
            "an id twice",
            pick(&[0, 1, 1]),
            Outcome::Refused(vec!["TWICE_IN_REQUEST", "OTHER_ORDER"]),
        ),
        here(
            "beside a new one",
            vec![events[2].clone(), new_event(4)],
            Outcome::Refused(vec!["PART_OF_REQUEST", "NEW_BESIDE_STORED"]),
        ),
        Attempt {
            name: "in another stream",
            stream: Some(new_stream("game")),
            events: pick(&[0, 1]),
            outcome: Outcome::Refused(vec!["OTHER_STREAM", "OTHER_STREAM"]),
        },
        Attempt {
            name: "in the neighbour",
            stream: Some(stored.neighbour.clone()),
            events: pick(&[0]),
            outcome: Outcome::Refused(vec!["OTHER_STREAM"]),
        },
    ]
}

/// Whether an answered event is the one that was stored, and shows its content unless that is hidden.
fn assert_original(event: &Value, original: &Value, hidden: Option<&str>, what: &str) {
    let mut expected = original.clone();
    if let Some(reason) = hidden {
        expected["removed"] = json!(reason);
        expected["rawText"] = Value::Null;
        expected["metadata"] = Value::Null;
    }
    assert_eq!(*event, expected, "{what}");
}

/// Whether an answer's part is that of the first request; `events` are the stored ones.
fn assert_retry(answer: &Value, events: &[Value], hidden: Option<&str>, what: &str) {
    let (first, last) = (&events[0], &events[events.len() - 1]);
    let previous = first["streamVersion"].as_i64().unwrap() - 1;
    assert_eq!(answer["previousVersion"], previous, "{what}: {answer:#}");
    assert_eq!(answer["version"], last["streamVersion"], "{what}");
    assert_eq!(answer["firstPosition"], first["position"], "{what}");
    assert_eq!(answer["lastPosition"], last["position"], "{what}");
    let answered = answer["events"].as_array().unwrap();
    assert_eq!(answered.len(), events.len(), "{what}");
    for (event, original) in answered.iter().zip(events) {
        assert_original(event, original, hidden, what);
    }
}

/// Whether an answer refuses the ids for these reasons, and says where they are stored.
fn assert_refused(answer: &Value, reasons: &[&str], stored: &Stored, what: &str) {
    assert_eq!(answer["code"], "DUPLICATE_EVENT", "{what}: {answer:#}");
    assert_eq!(answer["retryable"], false, "{what}");
    let duplicates = answer["duplicates"].as_array().unwrap();
    assert_eq!(
        each(duplicates, "reason"),
        reasons,
        "{what}: {duplicates:#?}"
    );
    for duplicate in duplicates {
        let original = stored.original(0, 0..3).iter();
        let mut original = original.filter(|event| event["eventId"] == duplicate["eventId"]);
        if duplicate["reason"] == "NEW_BESIDE_STORED" || duplicate["reason"] == "TWICE_IN_REQUEST" {
            assert_eq!(duplicate["storedStream"], Value::Null, "{what}");
            continue;
        }
        let original = original.next().unwrap();
        assert_eq!(duplicate["storedStream"], stored.stream, "{what}");
        assert_eq!(
            duplicate["storedVersion"], original["streamVersion"],
            "{what}"
        );
        assert_eq!(duplicate["storedPosition"], original["position"], "{what}");
    }
}

async fn stored_events_sent_again_are_a_retry_or_refused_after_everything_that_can_happen_to_a_stream(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    for (fate, hidden) in FATES {
        let stored = Stored::make(&client).await;
        fate.befall(&client, &stored.stream).await;
        let before = (
            head(&client).await,
            stream_now(&client, &stored.stream).await,
        );
        for attempt in attempts(&stored, fate) {
            let stream = attempt.stream.as_ref().unwrap_or(&stored.stream);
            for expected in EXPECTATIONS {
                let what = format!("{fate:?}: {} with {expected:?}", attempt.name);
                let events = Value::from(attempt.events.clone());
                let answer = append(&client, stream, expected, &events).await;
                match &attempt.outcome {
                    Outcome::Retry(range) => {
                        assert_eq!(answer["duplicate"], true, "{what}: {answer:#}");
                        assert_eq!(answer["stream"]["status"], before.1["status"], "{what}");
                        let events = stored.original(0, range.clone());
                        assert_retry(&answer, events, hidden, &what);
                    }
                    Outcome::Refused(reasons) => assert_refused(&answer, reasons, &stored, &what),
                }
            }
        }
        let after = (
            head(&client).await,
            stream_now(&client, &stored.stream).await,
        );
        assert_eq!(before, after, "{fate:?}: something was written");
    }
}

/// The ways in which a neighbour takes part in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Neighbour {
    /// With the events that are stored.
    Again,
    /// With new events, which is no retry.
    New,
    /// With a check that fails, which no retry is asked for.
    Check,
}

async fn a_batch_of_stored_events_sent_again_is_a_retry_or_refused_after_everything_that_can_happen(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    for (fate, hidden) in FATES {
        let stored = Stored::make(&client).await;
        fate.befall(&client, &stored.stream).await;
        let before = head(&client).await;
        let state = stream_now(&client, &stored.stream).await;
        for attempt in attempts(&stored, fate) {
            let stream = attempt.stream.as_ref().unwrap_or(&stored.stream);
            if *stream == stored.neighbour {
                continue;
            }
            for neighbour in [Neighbour::Again, Neighbour::New, Neighbour::Check] {
                for expected in [Expected::Any, Expected::Exactly(9)] {
                    let what = format!(
                        "{fate:?}: {} with {expected:?} and a neighbour {neighbour:?}",
                        attempt.name
                    );
                    let of_neighbour = match neighbour {
                        Neighbour::Again => Value::from(stored.neighbour_events.clone()),
                        Neighbour::New => new_events(1),
                        Neighbour::Check => json!([]),
                    };
                    let parts = [
                        part(&stored.neighbour, Expected::Exactly(7), of_neighbour),
                        part(stream, expected, attempt.events.clone().into()),
                    ];
                    let answer = append_batch(&client, &parts).await;
                    check_batch(&answer, &attempt, neighbour, &stored, hidden, &what);
                }
            }
        }
        assert_eq!(
            head(&client).await,
            before,
            "{fate:?}: something was written"
        );
        assert_eq!(stream_now(&client, &stored.stream).await, state, "{fate:?}");
    }
}

fn check_batch(
    answer: &Value,
    attempt: &Attempt,
    neighbour: Neighbour,
    stored: &Stored,
    hidden: Option<&str>,
    what: &str,
) {
    match (&attempt.outcome, neighbour) {
        (Outcome::Retry(range), Neighbour::Again | Neighbour::Check) => {
            assert_eq!(answer["duplicate"], true, "{what}: {answer:#}");
            let events = stored.original(0, range.clone());
            assert_retry(&answer["streams"][1], events, hidden, what);
            let beside = &answer["streams"][0];
            if neighbour == Neighbour::Again {
                assert_retry(beside, stored.original(1, 0..2), None, what);
            } else {
                assert_eq!(beside["version"], 2, "{what}");
                assert_eq!(beside["firstPosition"], Value::Null, "{what}");
            }
        }
        (Outcome::Retry(_), Neighbour::New) => {
            assert_eq!(answer["code"], "DUPLICATE_EVENT", "{what}: {answer:#}");
            let reasons = each(answer["duplicates"].as_array().unwrap(), "reason");
            assert_eq!(reasons[0], "NEW_BESIDE_STORED", "{what}");
            assert!(
                reasons[1..]
                    .iter()
                    .all(|reason| reason == "PART_OF_REQUEST"),
                "{what}: {reasons:?}"
            );
        }
        (Outcome::Refused(_), _) => {
            assert_eq!(answer["code"], "DUPLICATE_EVENT", "{what}: {answer:#}");
            let path = answer["duplicates"][0]["path"].as_array().unwrap();
            assert_eq!(path[..2], ["input", "streams"], "{what}");
        }
    }
}
