//! A server that is killed while it writes: what was acknowledged is there, complete and in its place, and
//! nothing is half there (faults, rules A1, A5, O3, O9).

use std::collections::HashMap;

use gamebot_event_store::event::{Hash, Link};
use gamebot_event_store::position::Position;
use rand::Rng;
use serde_json::{Value, json};
use testkit::GraphqlClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::feed::{Feed, Kind, positions};
use super::writer::head;
use crate::support::{World, on_both_backends};

on_both_backends!(nothing_acknowledged_is_lost_and_nothing_is_half_there_after_kills);

const ROUNDS: usize = 4;
const WRITERS: usize = 8;

/// A batch append to two streams, and what became of it.
#[derive(Clone, Debug)]
struct Request {
    input: Value,
    /// The ids of its events, in the order of the request.
    ids: Vec<String>,
    /// Version and position of each event, once they were acknowledged.
    acknowledged: Option<Vec<(i64, i64)>>,
}

async fn nothing_acknowledged_is_lost_and_nothing_is_half_there_after_kills(world: World) {
    let mut server = world.server().await;
    let mut requests: Vec<Request> = Vec::new();
    let mut cursors = vec![cursor_of_origin(&server.base_url()).await];
    let mut seen: Vec<i64> = Vec::new();
    for round in 0..ROUNDS {
        let from = json!({"cursor": cursors.last()});
        let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
        feed.expect().await;

        let acknowledged = watch::Sender::new(0);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let client = GraphqlClient::new(&server.base_url());
            let stream = format!("game-{round}-{writer}");
            writers.spawn(append_until_killed(client, stream, acknowledged.clone()));
        }
        let enough = rand::rng().random_range(1..60);
        let mut progress = acknowledged.subscribe();
        progress.wait_for(|count| *count >= enough).await.unwrap();
        server.kill();
        while let Some(writer) = writers.join_next().await {
            requests.extend(writer.unwrap());
        }
        while feed.next().await.is_some() {}
        seen.extend(feed.event_positions());
        cursors.push(feed.cursor());

        server.start_again().await;
        let client = GraphqlClient::new(&server.base_url());
        let log = read_log(&client).await;
        check_chain(&log);
        check_requests(&log, &requests);
        // The retry of what was left without an answer is an append like any other (rule A6).
        retry(&client, &mut requests).await;
        check_requests(&read_log(&client).await, &requests);
    }
    let client = GraphqlClient::new(&server.base_url());
    let end = head(&client).await;
    let from = json!({"cursor": cursors.last()});
    let mut feed = Feed::start(&server.base_url(), from, Value::Null).await;
    feed.until_kind(Kind::CaughtUp).await;
    seen.extend(feed.event_positions());
    assert_eq!(seen, positions(1, end), "what a resuming follower saw");
}

async fn cursor_of_origin(base_url: &str) -> String {
    let mut feed = Feed::start(base_url, json!({"at": "ORIGIN"}), Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await.cursor
}

const APPEND: &str = "mutation($input: AppendBatchInput!) { appendBatch(input: $input) {
  __typename
  ... on BatchAppended { duplicate streams { events { eventId streamVersion position } } }
  ... on Refusal { code message }
} }";

/// Appends batches, one after the other, until no answer comes; the last one is left without.
async fn append_until_killed(
    client: GraphqlClient,
    stream: String,
    acknowledged: watch::Sender<usize>,
) -> Vec<Request> {
    let mut requests = Vec::new();
    loop {
        let count = rand::rng().random_range(1..6);
        let mut request = new_request(&stream, count);
        let body = json!({"query": APPEND, "variables": {"input": request.input}});
        let answer = client.try_raw(body.to_string()).await;
        request.acknowledged = answer.ok().map(|answer| places(&answer.json(), &request));
        let is_last = request.acknowledged.is_none();
        requests.push(request);
        if is_last {
            return requests;
        }
        acknowledged.send_modify(|count| *count += 1);
    }
}

/// A batch of so many events in each of two streams: one of the writer's own, one that all share.
fn new_request(stream: &str, count: usize) -> Request {
    let ids: Vec<String> = (0..2 * count).map(|_| Uuid::now_v7().to_string()).collect();
    let events = |ids: &[String]| -> Value {
        let event = |id: &String| json!({"eventId": id, "type": "tick", "data": {"of": stream}});
        ids.iter().map(event).collect()
    };
    let any = json!({"state": "ANY"});
    let input = json!({"streams": [
        {"stream": stream, "expectedVersion": any, "events": events(&ids[..count])},
        {"stream": "game-shared", "expectedVersion": any, "events": events(&ids[count..])},
    ]});
    Request {
        input,
        ids,
        acknowledged: None,
    }
}

/// Version and position of each event of an answer, whose ids are those of the request.
fn places(answer: &Value, request: &Request) -> Vec<(i64, i64)> {
    let payload = &answer["data"]["appendBatch"];
    assert_eq!(payload["__typename"], "BatchAppended", "{answer:#}");
    let events: Vec<&Value> = payload["streams"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stream| stream["events"].as_array().unwrap())
        .collect();
    let ids: Vec<&str> = events
        .iter()
        .map(|event| event["eventId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, request.ids);
    let number = |value: &Value| value.as_i64().unwrap();
    events
        .iter()
        .map(|event| (number(&event["streamVersion"]), number(&event["position"])))
        .collect()
}

/// Sends the requests without an answer again, as they were.
async fn retry(client: &GraphqlClient, requests: &mut [Request]) {
    for request in requests {
        if request.acknowledged.is_none() {
            let variables = json!({"input": request.input});
            let answer = client.execute(APPEND, variables).await;
            request.acknowledged = Some(places(&answer, request));
        }
    }
}

/// An event as the log shows it.
#[derive(Debug)]
struct Stored {
    event_id: String,
    stream: String,
    version: i32,
    position: i64,
    recorded_at: i64,
    content_hash: Hash,
    hash: Hash,
}

const PAGE: &str = "query($after: String) { events(first: 500, after: $after) {
  nodes { eventId streamName streamVersion position recordedAt contentHash hash }
  pageInfo { hasNextPage endCursor }
} }";

/// The whole log, page by page.
async fn read_log(client: &GraphqlClient) -> Vec<Stored> {
    let mut log = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut data = client.query(PAGE, json!({"after": after})).await;
        let page = &mut data["events"];
        log.extend(page["nodes"].as_array().unwrap().iter().map(stored));
        if page["pageInfo"]["hasNextPage"] == false {
            return log;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}

fn stored(event: &Value) -> Stored {
    let text = |key: &str| event[key].as_str().unwrap().to_owned();
    let hash = |key: &str| hex::decode(text(key)).unwrap().try_into().unwrap();
    let recorded_at: chrono::DateTime<chrono::Utc> = text("recordedAt").parse().unwrap();
    Stored {
        event_id: text("eventId"),
        stream: text("streamName"),
        version: event["streamVersion"].as_i64().unwrap().try_into().unwrap(),
        position: event["position"].as_i64().unwrap(),
        recorded_at: recorded_at.timestamp_millis(),
        content_hash: hash("contentHash"),
        hash: hash("hash"),
    }
}

/// Positions and versions have no gaps, times never decrease, and every hash covers the one before it.
fn check_chain(log: &[Stored]) {
    let mut previous: Hash = [0; 32];
    let mut versions: HashMap<&str, i32> = HashMap::new();
    let mut last_time = 0;
    for (event, position) in log.iter().zip(1..) {
        assert_eq!(event.position, position, "{event:?}");
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!(event.version, *version, "{event:?}");
        assert!(event.recorded_at >= last_time, "{event:?}");
        last_time = event.recorded_at;
        let link = Link {
            previous: &previous,
            position: Position::new(position).unwrap(),
            stream: &event.stream,
            stream_version: event.version,
            event_id: event.event_id.parse().unwrap(),
            recorded_at: event.recorded_at,
            content_hash: &event.content_hash,
        };
        assert_eq!(event.hash, link.hash(), "{event:?}");
        previous = event.hash;
    }
}

/// Each acknowledged event is there once, where it was said to be; each other request is there whole or not
/// at all; and there is nothing else.
fn check_requests(log: &[Stored], requests: &[Request]) {
    let mut places: HashMap<&str, (i64, i64)> = HashMap::new();
    for event in log {
        let place = (i64::from(event.version), event.position);
        let twice = places.insert(&event.event_id, place);
        assert_eq!(twice, None, "{event:?} is there twice");
    }
    let mut accounted = 0;
    for request in requests {
        let found: Vec<(i64, i64)> = request
            .ids
            .iter()
            .filter_map(|id| places.get(id.as_str()).copied())
            .collect();
        accounted += found.len();
        match &request.acknowledged {
            Some(acknowledged) => assert_eq!(&found, acknowledged, "{request:?}"),
            None => assert!(
                found.is_empty() || found.len() == request.ids.len(),
                "half there: {request:?} {found:?}"
            ),
        }
    }
    assert_eq!(accounted, log.len(), "the log holds what nobody sent");
}
