//! Appends that race with changes of their stream: each is before or after each change, and nothing is lost.

use std::collections::HashSet;

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess};
use tokio::task::JoinSet;

use super::door::{Change, set_metadata, shown_versions, stream_now, whole_log};
use super::history::Told;
use crate::append::door::{append, appended, each, new_event, new_events};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    appends_of_eight_writers_are_before_or_after_each_deletion,
    appends_of_eight_writers_are_before_or_after_each_archiving,
    appends_of_eight_writers_are_before_or_after_the_end_of_the_stream,
    changes_of_every_kind_and_appends_at_once_leave_what_their_events_say,
);

const WRITERS: usize = 8;
const APPENDS: usize = 20;

/// What a writer was told: the ids and versions of what was stored, and the codes of what was refused.
#[derive(Default)]
struct Heard {
    stored: Vec<(Value, Value)>,
    refused: Vec<String>,
}

/// Appends one event after the other, whatever the stream is.
async fn write(client: GraphqlClient, stream: String) -> Heard {
    let mut heard = Heard::default();
    for number in 0..APPENDS {
        let event = new_event(number);
        let answer = append(&client, &stream, Expected::Any, &json!([event])).await;
        if answer["__typename"] == "Appended" {
            assert_eq!(answer["duplicate"], false);
            let mut stored = answer["events"][0].clone();
            heard
                .stored
                .push((stored["eventId"].take(), stored["streamVersion"].take()));
        } else {
            heard
                .refused
                .push(answer["code"].as_str().unwrap().to_owned());
        }
    }
    heard
}

/// Lets eight writers append to a stream while it is changed, and returns what they heard and what became
/// of it.
async fn race<Changing>(server: &ServerProcess, stream: &str, changing: Changing) -> (Heard, Told)
where
    Changing: Future<Output = ()>,
{
    let client = GraphqlClient::new(&server.base_url());
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(write(
            GraphqlClient::new(&server.base_url()),
            stream.to_owned(),
        ));
    }
    changing.await;
    let mut heard = Heard::default();
    while let Some(writer) = writers.join_next().await {
        let writer = writer.unwrap();
        heard.stored.extend(writer.stored);
        heard.refused.extend(writer.refused);
    }
    assert_eq!(heard.stored.len() + heard.refused.len(), WRITERS * APPENDS);
    let told = check(&client, stream, &heard).await;
    (heard, told)
}

/// The log says what was acknowledged, and nothing else; and the stream is what its events say.
async fn check(client: &GraphqlClient, stream: &str, heard: &Heard) -> Told {
    let log = whole_log(client).await;
    let told = Told::of(stream, &log);
    told.assert_is(&stream_now(client, stream).await);
    let in_log = log.iter().filter(|event| event["streamName"] == stream);
    let places: HashSet<(String, i64)> = in_log
        .map(|event| place(&event["eventId"], &event["streamVersion"]))
        .collect();
    let acknowledged: HashSet<(String, i64)> = heard
        .stored
        .iter()
        .map(|(id, version)| place(id, version))
        .collect();
    assert!(acknowledged.is_subset(&places), "acknowledged and lost");
    assert_eq!(
        acknowledged.len() + 1,
        places.len(),
        "all but the first event"
    );
    let shown: Vec<i64> = (told.hidden_through + 1..=told.version).collect();
    assert_eq!(shown_versions(client, stream).await, shown);
    told
}

fn place(id: &Value, version: &Value) -> (String, i64) {
    (id.as_str().unwrap().to_owned(), version.as_i64().unwrap())
}

async fn started(world: &World) -> (ServerProcess, GraphqlClient, String) {
    let (server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    (server, client, stream)
}

async fn appends_of_eight_writers_are_before_or_after_each_deletion(world: World) {
    let (server, client, stream) = started(&world).await;
    let deleting = async {
        for _ in 0..15 {
            Change::Delete.of(&client, &stream).await;
        }
    };
    let (heard, told) = race(&server, &stream, deleting).await;
    // `ANY` reopens what is deleted, so that no append is ever refused (rule A7).
    assert_eq!(heard.refused, [""; 0]);
    let appends = i64::try_from(WRITERS * APPENDS).unwrap();
    assert_eq!(told.version, appends + 1);
}

async fn appends_of_eight_writers_are_before_or_after_each_archiving(world: World) {
    let (server, client, stream) = started(&world).await;
    let archiving = async {
        for _ in 0..8 {
            Change::Archive.of(&client, &stream).await;
            Change::Unarchive.of(&client, &stream).await;
        }
    };
    let (heard, told) = race(&server, &stream, archiving).await;
    let codes: HashSet<&str> = heard.refused.iter().map(String::as_str).collect();
    assert!(
        codes.is_subset(&HashSet::from(["STREAM_ARCHIVED"])),
        "{codes:?}"
    );
    assert_eq!(told.status, "OPEN");
}

async fn appends_of_eight_writers_are_before_or_after_the_end_of_the_stream(world: World) {
    let (server, client, stream) = started(&world).await;
    let ending = async {
        // When some of them are through.
        testkit::eventually("the writers to have begun", async || {
            let now = stream_now(&client, &stream).await;
            (now["version"].as_i64().unwrap() > 9).then_some(())
        })
        .await;
        Change::Tombstone.of(&client, &stream).await;
    };
    let (heard, told) = race(&server, &stream, ending).await;
    let codes: HashSet<&str> = heard.refused.iter().map(String::as_str).collect();
    assert!(
        codes.is_subset(&HashSet::from(["STREAM_TOMBSTONED"])),
        "{codes:?}"
    );
    assert_eq!(told.status, "TOMBSTONED");
    assert_eq!(told.hidden_through, told.version);
}

async fn changes_of_every_kind_and_appends_at_once_leave_what_their_events_say(world: World) {
    let (server, client, stream) = started(&world).await;
    let changing = async {
        let mut changers = JoinSet::new();
        for number in 0..4_usize {
            let (client, stream) = (client.clone(), stream.clone());
            changers.spawn(async move {
                for round in 0..12_usize {
                    let kind = [
                        Change::Delete,
                        Change::Archive,
                        Change::Unarchive,
                        Change::SetMetadata,
                    ][(number + round) % 4];
                    if kind == Change::SetMetadata {
                        let settings = json!({"maxCount": 1 + round % 3});
                        set_metadata(&client, &stream, settings).await;
                    } else {
                        // It may come when it cannot be done; then nothing happens.
                        kind.send(&client, &kind.input(&stream, Expected::Any))
                            .await;
                    }
                }
            });
        }
        while let Some(changer) = changers.join_next().await {
            changer.unwrap();
        }
    };
    let (_, told) = race(&server, &stream, changing).await;
    assert_eq!(told.metadata_version, 12);
    let log = whole_log(&client).await;
    let positions: Vec<Value> = (1..=log.len()).map(Value::from).collect();
    assert_eq!(each(&log, "position"), positions);
}
