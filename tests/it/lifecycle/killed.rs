//! A server that is killed while streams are changed: a change and its event are both there, or neither is
//! (rule O1), and what was acknowledged is there.

use std::collections::HashMap;

use rand::Rng;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::door::{Change, stream_now, whole_log, with};
use super::history::Told;
use crate::append::door::{append_request, new_event};
use crate::support::{World, on_both_backends};

on_both_backends!(a_change_and_its_event_are_both_there_or_neither_after_kills);

const ROUNDS: usize = 5;
const WRITERS: usize = 6;

/// A request, by the id of the event that it writes, and whether its answer came.
struct Request {
    event_id: String,
    change: Option<Change>,
    body: String,
    /// What was answered: the event's position, or null where nothing was to do or it was refused.
    answer: Option<Value>,
}

async fn a_change_and_its_event_are_both_there_or_neither_after_kills(world: World) {
    let mut server = world.server().await;
    let streams: Vec<String> = (0..3).map(|number| format!("game-{number}")).collect();
    let mut requests = Vec::new();
    for _ in 0..ROUNDS {
        let answered = watch::Sender::new(0);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let client = GraphqlClient::new(&server.base_url());
            let stream = streams[writer % streams.len()].clone();
            writers.spawn(change_until_killed(client, stream, answered.clone()));
        }
        let enough = rand::rng().random_range(5..60);
        let mut progress = answered.subscribe();
        progress.wait_for(|count| *count >= enough).await.unwrap();
        server.kill();
        while let Some(writer) = writers.join_next().await {
            requests.extend(writer.unwrap());
        }
        server.start_again().await;
        let client = GraphqlClient::new(&server.base_url());
        check(&client, &streams, &requests).await;
        // What was left without an answer is asked for again, and gets one.
        for request in &mut requests {
            if request.answer.is_none() {
                let answer = client.raw(request.body.clone()).await.json();
                request.answer = Some(position_of(&answer, request));
            }
        }
        check(&client, &streams, &requests).await;
    }
}

/// Appends to a stream and changes it, one request after the other, until no answer comes.
async fn change_until_killed(
    client: GraphqlClient,
    stream: String,
    answered: watch::Sender<usize>,
) -> Vec<Request> {
    let mut requests = Vec::new();
    loop {
        let mut request = new_request(&stream);
        let answer = client.try_raw(request.body.clone()).await;
        request.answer = answer
            .ok()
            .map(|answer| position_of(&answer.json(), &request));
        let is_last = request.answer.is_none();
        requests.push(request);
        if is_last {
            return requests;
        }
        answered.send_modify(|count| *count += 1);
    }
}

fn new_request(stream: &str) -> Request {
    let changes = [
        None,
        None,
        None,
        Some(Change::Delete),
        Some(Change::Archive),
        Some(Change::Unarchive),
        Some(Change::Unarchive),
        Some(Change::SetMetadata),
    ];
    let change = changes[rand::rng().random_range(0..changes.len())];
    let Some(kind) = change else {
        let event = new_event(1);
        return Request {
            event_id: event["eventId"].as_str().unwrap().to_owned(),
            change: None,
            body: append_request(stream, Expected::Any, &json!([event])),
            answer: None,
        };
    };
    let event_id = Uuid::now_v7().to_string();
    let mut input = with(
        kind.input(stream, Expected::Any),
        json!({ "eventId": event_id }),
    );
    if kind == Change::SetMetadata {
        input["maxCount"] = json!(rand::rng().random_range(1..5));
    }
    Request {
        event_id,
        change,
        body: kind.request(&input),
        answer: None,
    }
}

/// The position of the event that a request wrote; null where it wrote none.
fn position_of(answer: &Value, request: &Request) -> Value {
    let payload = match request.change {
        Some(change) => &answer["data"][change.field()],
        None => &answer["data"]["appendToStream"],
    };
    match payload["__typename"].as_str() {
        Some("Appended") => payload["firstPosition"].clone(),
        Some("StreamChanged") => payload["event"]["position"].clone(),
        Some("StreamArchived" | "StreamDeleted" | "StreamNotFound") => Value::Null,
        _ => panic!("{:?}: {answer:#}", request.change),
    }
}

/// Each stream is what its events say; each request that was answered has its event where it was said to be,
/// and each that wrote nothing has none; and there is nothing else.
async fn check(client: &GraphqlClient, streams: &[String], requests: &[Request]) {
    let log = whole_log(client).await;
    for (event, position) in log.iter().zip(1..) {
        assert_eq!(event["position"], position, "{event:#}");
    }
    for stream in streams {
        let told = Told::of(stream, &log);
        let now = stream_now(client, stream).await;
        if now.is_null() {
            assert_eq!(
                told.version + told.metadata_version,
                0,
                "{stream} has events"
            );
        } else {
            told.assert_is(&now);
        }
    }
    let mut found: HashMap<&str, &Value> = HashMap::new();
    for event in log
        .iter()
        .filter(|event| event["type"] != "$stream_reopened")
    {
        let id = event["eventId"].as_str().unwrap();
        assert!(
            found.insert(id, event).is_none(),
            "{event:#} is there twice"
        );
    }
    for request in requests {
        let event = found.remove(request.event_id.as_str());
        let position = event.map_or(Value::Null, |event| event["position"].clone());
        if let Some(answer) = &request.answer {
            assert_eq!(
                position, *answer,
                "{:?} {}",
                request.change, request.event_id
            );
        }
        if let Some(event) = event {
            let written = request.change.map_or("noted", Change::event_type);
            assert_eq!(event["type"], written);
        }
    }
    assert!(
        found.is_empty(),
        "the log holds what nobody sent: {found:#?}"
    );
}
