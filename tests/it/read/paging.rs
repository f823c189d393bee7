//! Pages put together are the list: no hole, no double, in order, also while the log grows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::lists::{List, Walk};
use crate::support::{World, on_both_backends};

on_both_backends!(
    pages_of_the_log_fit_together_while_it_grows,
    pages_of_a_category_and_of_a_stream_fit_together_while_they_grow,
    pages_of_streams_fit_together_in_every_order,
    pages_of_streams_by_name_and_creation_fit_together_while_streams_come,
);

/// The streams that the writers write to: two of one category, and one of another whose name begins alike.
const STREAMS: [&str; 3] = ["game-a", "game-b", "gamelog-a"];

async fn pages_of_the_log_fit_together_while_it_grows(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writers = Writers::start(&client).await;
    let walks = fit_together(&client, List::log).await;
    let written = writers.stop().await;
    for (ascending, walk) in walks {
        check(&walk, ascending, written.iter().map(|event| event.position));
    }
    // Nothing else was ever written.
    let all: Vec<i64> = written.iter().map(|event| event.position).collect();
    assert_eq!(
        all,
        (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>()
    );
}

async fn pages_of_a_category_and_of_a_stream_fit_together_while_they_grow(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writers = Writers::start(&client).await;
    let category =
        |arguments: &str| List::log(&format!("filter: {{categories: [\"game\"]}}, {arguments}"));
    let of_category = fit_together(&client, category).await;
    let of_stream = fit_together(&client, |arguments| List::of_stream("game-a", arguments)).await;
    let written = writers.stop().await;
    for (ascending, walk) in of_category {
        let wanted = written
            .iter()
            .filter(|event| event.stream.starts_with("game-"));
        check(&walk, ascending, wanted.map(|event| event.position));
    }
    for (ascending, walk) in of_stream {
        let wanted = written.iter().filter(|event| event.stream == "game-a");
        check(&walk, ascending, wanted.map(|event| event.position));
        let mut versions: Vec<i64> = walk
            .nodes
            .iter()
            .map(|node| node["streamVersion"].as_i64().unwrap())
            .collect();
        if !ascending {
            versions.reverse();
        }
        assert_eq!(
            versions,
            (1..=i64::try_from(versions.len()).unwrap()).collect::<Vec<_>>()
        );
    }
}

/// Walks a list in each of the four ways; says of each whether positions rise along the list.
async fn fit_together(client: &GraphqlClient, list: impl Fn(&str) -> List) -> Vec<(bool, Walk)> {
    let (forward, backward) = (list("direction: FORWARD,"), list("direction: BACKWARD,"));
    // A list that grows at its end may never end: it is walked until it has passed the head that it began at.
    let passed = |walk: &Walk| {
        walk.positions()
            .last()
            .is_some_and(|last| *last >= walk.head)
    };
    vec![
        (true, forward.walk(client, 7, passed).await),
        (true, forward.walk_back(client, 5).await),
        (false, backward.walk(client, 3, |_| false).await),
        (false, backward.walk(client, 1000, |_| false).await),
    ]
}

/// Up to the head of the first page, the walk is exactly what was written; what it saw beyond has no hole.
fn check(walk: &Walk, ascending: bool, written: impl Iterator<Item = i64>) {
    let mut seen = walk.positions();
    if !ascending {
        seen.reverse();
    }
    let last = seen.last().copied().unwrap_or_default().max(walk.head);
    let written: Vec<i64> = written.filter(|position| *position <= last).collect();
    assert!(walk.pages > 0 && written.len() > 20, "{written:?}");
    assert_eq!(seen, written, "read at {}", walk.head);
}

async fn pages_of_streams_fit_together_in_every_order(world: World) {
    let (_server, client) = world.server_and_client().await;
    let mut streams = Vec::new();
    // A batch records all of its events at one time, so that names have ties to settle.
    for batch in 0..4 {
        let names: Vec<String> = (0..6)
            .map(|number| format!("game-{}{batch}", (number * 5) % 7))
            .collect();
        let parts: Vec<Value> = names
            .iter()
            .map(|name| json!({"stream": name, "expectedVersion": {"exactly": 0}, "events": [event()]}))
            .collect();
        let answer = client
            .query(
                "mutation($input: AppendBatchInput!) { appendBatch(input: $input) { ... on BatchAppended { \
                 streams { stream { name createdAt updatedAt } } } ... on Refusal { message } } }",
                json!({"input": {"streams": parts}}),
            )
            .await;
        let created = answer["appendBatch"]["streams"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .clone();
        streams.extend(created.into_iter().map(|part| part["stream"].clone()));
    }
    for stream in streams.iter_mut().step_by(4) {
        let name = stream["name"].as_str().unwrap().to_owned();
        client
            .appended(&name, Expected::Exactly(1), json!([event()]))
            .await;
        *stream = client
            .query(
                "query($name: String!) { stream(name: $name) { name createdAt updatedAt } }",
                json!({"name": name}),
            )
            .await["stream"]
            .take();
    }
    for (order, key) in [
        ("NAME", "name"),
        ("CREATED_AT", "createdAt"),
        ("UPDATED_AT", "updatedAt"),
    ] {
        streams.sort_by_key(|stream| {
            ["name", key].map(|key| stream[key].as_str().unwrap().to_owned())
        });
        streams.sort_by_key(|stream| time_or_name(&stream[key]));
        let expected: Vec<String> = streams
            .iter()
            .map(|stream| stream["name"].as_str().unwrap().to_owned())
            .collect();
        for direction in ["FORWARD", "BACKWARD"] {
            let list = List::streams(&format!(
                "orderBy: {{field: {order}, direction: {direction}}},"
            ));
            let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            if direction == "BACKWARD" {
                expected.reverse();
            }
            for size in [1, 5, 24, 100] {
                assert_eq!(
                    list.walk(&client, size, |_| false).await.names(),
                    expected,
                    "{order} {direction}"
                );
                assert_eq!(
                    list.walk_back(&client, size).await.names(),
                    expected,
                    "{order} {direction}"
                );
            }
        }
    }
}

/// Fractions of seconds are written as long as they need to be, so times cannot be compared as text.
fn time_or_name(value: &Value) -> (i64, String) {
    let text = value.as_str().unwrap();
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(time) => (time.timestamp_micros(), String::new()),
        Err(_) => (0, text.to_owned()),
    }
}

async fn pages_of_streams_by_name_and_creation_fit_together_while_streams_come(world: World) {
    let (_server, client) = world.server_and_client().await;
    let mut first = BTreeSet::new();
    for _ in 0..20 {
        let name = format!("game-{}", Uuid::new_v4());
        client
            .appended(&name, Expected::NoStream, json!([event()]))
            .await;
        first.insert(name);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (client, stop) = (client.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let name = format!("game-{}", Uuid::new_v4());
                client
                    .appended(&name, Expected::NoStream, json!([event()]))
                    .await;
            }
        })
    };
    for order in ["NAME", "CREATED_AT"] {
        for direction in ["FORWARD", "BACKWARD"] {
            let list = List::streams(&format!(
                "orderBy: {{field: {order}, direction: {direction}}},"
            ));
            let complete = |walk: &Walk| {
                first
                    .iter()
                    .all(|name| walk.names().contains(&name.as_str()))
            };
            let walk = list.walk(&client, 3, complete).await;
            let distinct: BTreeSet<&str> = walk.names().into_iter().collect();
            assert_eq!(
                distinct.len(),
                walk.nodes.len(),
                "{order} {direction}: no stream twice"
            );
            assert!(
                complete(&walk),
                "{order} {direction}: a stream that was there is missing"
            );
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

fn event() -> Value {
    json!({"type": "guess_processed", "eventId": Uuid::new_v4(), "data": {}})
}

/// An event that was acknowledged.
#[derive(Debug)]
struct Written {
    position: i64,
    stream: String,
}

/// One writer per stream, from before the test reads until after.
struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Vec<Written>>>,
}

impl Writers {
    /// Returns when there is something to page through.
    async fn start(client: &GraphqlClient) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = STREAMS.map(|stream| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            tokio::spawn(write(client, stream, stop))
        });
        let writers = Self {
            stop,
            tasks: tasks.into(),
        };
        testkit::eventually("a hundred events", async || {
            let answer = client.query("{ head { position } }", json!({})).await;
            (answer["head"]["position"].as_i64() > Some(100)).then_some(())
        })
        .await;
        writers
    }

    /// Everything that was acknowledged, in the order of the log.
    async fn stop(self) -> Vec<Written> {
        self.stop.store(true, Ordering::Relaxed);
        let mut written = Vec::new();
        for task in self.tasks {
            written.extend(task.await.unwrap());
        }
        written.sort_by_key(|event| event.position);
        written
    }
}

async fn write(client: GraphqlClient, stream: &str, stop: Arc<AtomicBool>) -> Vec<Written> {
    let mut written = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let events: Vec<Value> = (0..=(written.len() % 3)).map(|_| event()).collect();
        let appended = client.appended(stream, Expected::Any, json!(events)).await;
        for event in appended["events"].as_array().unwrap() {
            written.push(Written {
                position: event["position"].as_i64().unwrap(),
                stream: stream.to_owned(),
            });
        }
    }
    written
}
