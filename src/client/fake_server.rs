//! A server that knows just enough of the API to test its clients, and fails on command.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Endpoint;

/// Longer than anything that a test waits for, unless it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What goes wrong with the next append.
pub(crate) enum AppendFault {
    /// Nothing: the fault is for a later one.
    Nothing,
    /// The event is stored, and the connection dies before the answer.
    LoseAnswer,
    /// A proxy says that nobody is there.
    BadGateway,
    /// A refusal with this code, retryable or not.
    Refuse { code: &'static str, retryable: bool },
    /// A GraphQL error with this code, retryable or not.
    Error { code: &'static str, retryable: bool },
    /// Another writer's event gets into the stream first.
    OtherWriter,
    /// All events are gone, as after a restore from an old backup.
    ForgetEverything,
}

/// What goes wrong with the next subscription.
pub(crate) enum FeedFault {
    /// So many messages are sent, then the socket is closed with this code.
    CloseAfter { messages: usize, code: u16 },
    /// So many messages are sent, then the connection just ends.
    VanishAfter { messages: usize },
    /// The subscription is answered with an error message.
    Refuse { code: &'static str, retryable: bool },
    /// Nothing is sent and nothing is read any more, though the connection stays.
    FallSilent,
    /// The feed resumes one event too early.
    ResumeTooEarly,
    /// All events are sent, then `complete`.
    Complete,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) event_id: String,
    pub(crate) stream: String,
    pub(crate) version: usize,
    pub(crate) event_type: String,
    pub(crate) data: String,
    pub(crate) metadata: String,
}

#[derive(Default)]
struct Store {
    events: Vec<StoredEvent>,
    append_faults: VecDeque<AppendFault>,
    feed_faults: VecDeque<FeedFault>,
    subscriptions: Vec<Value>,
}

struct Shared {
    store: Mutex<Store>,
    changed: watch::Sender<usize>,
}

pub(crate) struct FakeServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeServer {
    pub(crate) async fn start() -> Self {
        let store = Mutex::new(Store::default());
        let shared = Arc::new(Shared {
            store,
            changed: watch::channel(0).0,
        });
        let router = Router::new()
            .route("/graphql", get(subscribe).post(execute))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            shared,
            address,
            task,
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::parse(&self.url()).unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub(crate) fn fail_append(&self, fault: AppendFault) {
        self.shared
            .store
            .lock()
            .unwrap()
            .append_faults
            .push_back(fault);
    }

    pub(crate) fn fail_feed(&self, fault: FeedFault) {
        self.shared
            .store
            .lock()
            .unwrap()
            .feed_faults
            .push_back(fault);
    }

    pub(crate) fn events(&self) -> Vec<StoredEvent> {
        self.shared.store.lock().unwrap().events.clone()
    }

    /// The variables of every subscription so far.
    pub(crate) fn subscriptions(&self) -> Vec<Value> {
        self.shared.store.lock().unwrap().subscriptions.clone()
    }

    /// Records an event and tells the live feeds.
    pub(crate) fn record(&self, stream: &str, event_type: &str, data: &str) {
        let mut store = self.shared.store.lock().unwrap();
        let event_id = format!("id-{}", store.events.len() + 1);
        store.push(stream, event_id, event_type, data, "{}");
        self.shared.changed.send_replace(store.events.len());
    }
}

impl Store {
    fn version(&self, stream: &str) -> usize {
        self.events
            .iter()
            .filter(|event| event.stream == stream)
            .count()
    }

    fn push(&mut self, stream: &str, event_id: String, event_type: &str, data: &str, meta: &str) {
        self.events.push(StoredEvent {
            event_id,
            stream: stream.to_owned(),
            version: self.version(stream) + 1,
            event_type: event_type.to_owned(),
            data: data.to_owned(),
            metadata: meta.to_owned(),
        });
    }
}

#[derive(Deserialize)]
struct RequestBody {
    query: String,
    variables: Box<RawValue>,
}

#[derive(Deserialize)]
struct AppendVariables {
    input: AppendInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AppendInput {
    stream: String,
    expected_version: Exactly,
    events: Vec<NewEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exactly {
    exactly: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEvent {
    event_id: String,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: i32,
    data: Box<RawValue>,
    metadata: Box<RawValue>,
}

async fn execute(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let body: RequestBody = serde_json::from_str(&body).unwrap();
    if body.query == "{ __typename }" {
        return answer(&json!({ "data": { "__typename": "Query" } }));
    }
    assert!(
        body.query.contains("appendToStream(input: $input)"),
        "{}",
        body.query
    );
    let variables: AppendVariables = serde_json::from_str(body.variables.get()).unwrap();
    let mut store = shared.store.lock().unwrap();
    let fault = store.append_faults.pop_front();
    match fault {
        Some(AppendFault::BadGateway) => {
            let page = Response::builder().status(StatusCode::BAD_GATEWAY);
            return page.body(Body::from("<html>nobody there</html>")).unwrap();
        }
        Some(AppendFault::Refuse { code, retryable }) => {
            return payload(&json!({ "__typename": "LimitExceeded", "code": code,
                "message": "not like this", "retryable": retryable, "path": null }));
        }
        Some(AppendFault::Error { code, retryable }) => {
            return answer(&json!({ "data": null, "errors": [{ "message": "not now",
                "extensions": { "code": code, "retryable": retryable, "retryAfterMs": 1 } }] }));
        }
        Some(AppendFault::OtherWriter) => {
            let stream = variables.input.stream.clone();
            store.push(&stream, "another".to_owned(), "round_started", "{}", "{}");
        }
        Some(AppendFault::ForgetEverything) => store.events.clear(),
        Some(AppendFault::LoseAnswer | AppendFault::Nothing) | None => {}
    }
    let answer = append(&mut store, &variables.input);
    shared.changed.send_replace(store.events.len());
    if matches!(fault, Some(AppendFault::LoseAnswer)) {
        let broken = futures_util::stream::iter([Err::<Bytes, _>(io::Error::other("cut off"))]);
        return Response::new(Body::from_stream(broken));
    }
    payload(&answer)
}

/// The rules A1 and A3 of the store, as far as one event needs them.
fn append(store: &mut Store, input: &AppendInput) -> Value {
    let [event] = input.events.as_slice() else {
        panic!("one event at a time is expected")
    };
    assert_eq!(event.schema_version, 1);
    let known = store
        .events
        .iter()
        .position(|stored| stored.event_id == event.event_id);
    if let Some(index) = known {
        assert_eq!(
            store.events[index].data,
            event.data.get(),
            "another event with this id"
        );
        return appended(store.events[index].version, index + 1, true);
    }
    let version = store.version(&input.stream);
    if version != input.expected_version.exactly {
        return json!({ "__typename": "WrongExpectedVersion", "actual": version,
            "code": "WRONG_EXPECTED_VERSION", "message": "the stream is elsewhere",
            "retryable": false, "path": null });
    }
    let (data, metadata) = (event.data.get(), event.metadata.get());
    store.push(
        &input.stream,
        event.event_id.clone(),
        &event.event_type,
        data,
        metadata,
    );
    appended(version + 1, store.events.len(), false)
}

fn appended(version: usize, position: usize, duplicate: bool) -> Value {
    json!({ "__typename": "Appended", "version": version, "firstPosition": position,
        "lastPosition": position, "duplicate": duplicate })
}

fn payload(payload: &Value) -> Response {
    answer(&json!({ "data": { "appendToStream": payload } }))
}

fn answer(body: &Value) -> Response {
    Response::new(Body::from(body.to_string()))
}

async fn subscribe(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .protocols(["graphql-transport-ws"])
        .on_upgrade(|socket| async move {
            assert!(socket.protocol().is_some(), "the client names no protocol");
            // The client may go at any time; the tests look at what it has seen.
            let _ = feed(&shared, socket).await;
        })
}

/// `None` ends the connection without a word.
async fn feed(shared: &Shared, mut socket: WebSocket) -> Option<()> {
    assert_eq!(receive(&mut socket).await?["type"], "connection_init");
    send(&mut socket, &json!({ "type": "connection_ack" })).await?;
    let message = receive(&mut socket).await?;
    assert_eq!(message["type"], "subscribe");
    let id = message["id"].as_str().unwrap().to_owned();
    let variables = message["payload"]["variables"].clone();
    let mut changes = shared.changed.subscribe();
    let (mut position, fault) = {
        let mut store = shared.store.lock().unwrap();
        store.subscriptions.push(variables.clone());
        (
            start(&variables["from"], store.events.len()),
            store.feed_faults.pop_front(),
        )
    };
    let mut left = usize::MAX;
    match fault {
        Some(FeedFault::Refuse { code, retryable }) => {
            let error = json!({ "message": "no such feed",
                "extensions": { "code": code, "retryable": retryable } });
            send(
                &mut socket,
                &json!({ "type": "error", "id": id, "payload": [error] }),
            )
            .await?;
            return None;
        }
        Some(FeedFault::FallSilent) => std::future::pending().await,
        Some(FeedFault::ResumeTooEarly) => position -= 1,
        Some(FeedFault::CloseAfter { messages, .. } | FeedFault::VanishAfter { messages }) => {
            left = messages;
        }
        Some(FeedFault::Complete) | None => {}
    }
    loop {
        let events = shared.store.lock().unwrap().events[position..].to_vec();
        let mut messages: Vec<String> = Vec::new();
        for event in events {
            position += 1;
            messages.push(event_message(position, &event));
        }
        messages.push(format!(
            r#"{{"__typename":"CaughtUp","cursor":"c{position}","position":{position}}}"#
        ));
        messages.push(format!(
            r#"{{"__typename":"Checkpoint","cursor":"c{position}","position":{position}}}"#
        ));
        for message in messages {
            if left == 0 {
                if let Some(FeedFault::CloseAfter { code, .. }) = fault {
                    let frame = CloseFrame {
                        code,
                        reason: "as told".into(),
                    };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    while socket.recv().await.is_some() {}
                }
                return None;
            }
            left -= 1;
            let next = format!(
                r#"{{"id":"{id}","type":"next","payload":{{"data":{{"feed":{message}}}}}}}"#
            );
            socket.send(Message::Text(next.into())).await.ok()?;
        }
        if matches!(fault, Some(FeedFault::Complete)) {
            return send(&mut socket, &json!({ "type": "complete", "id": id })).await;
        }
        tokio::select! {
            change = changes.changed() => change.ok()?,
            gone = socket.recv() => { gone?.ok()?; }
        }
    }
}

fn start(from: &Value, head: usize) -> usize {
    if let Some(cursor) = from["cursor"].as_str() {
        return cursor.trim_start_matches('c').parse().unwrap();
    }
    if let Some(position) = from["position"].as_u64() {
        return usize::try_from(position).unwrap();
    }
    if from["at"] == "ORIGIN" { 0 } else { head }
}

fn event_message(position: usize, event: &StoredEvent) -> String {
    let StoredEvent {
        event_id,
        stream,
        version,
        event_type,
        data,
        ..
    } = event;
    format!(
        r#"{{"__typename":"EventReceived","cursor":"c{position}","position":{position},"event":{{"eventId":"{event_id}","position":{position},"streamName":"{stream}","streamVersion":{version},"type":"{event_type}","data":{data},"recordedAt":"2025-03-14T20:30:11.908Z"}}}}"#
    )
}

async fn receive(socket: &mut WebSocket) -> Option<Value> {
    let message = socket.recv().await?.ok()?;
    serde_json::from_str(message.to_text().ok()?).ok()
}

async fn send(socket: &mut WebSocket, message: &Value) -> Option<()> {
    socket
        .send(Message::Text(message.to_string().into()))
        .await
        .ok()
}

/// An output that a test can wait on.
#[derive(Clone)]
pub(crate) struct WatchedOutput(watch::Sender<String>);

impl WatchedOutput {
    pub(crate) fn new() -> Self {
        Self(watch::channel(String::new()).0)
    }

    pub(crate) fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits until the output contains `expected`.
    pub(crate) async fn shows(&self, expected: &str) {
        let mut output = self.0.subscribe();
        let seen = output.wait_for(|text| text.contains(expected));
        let seen = tokio::time::timeout(PATIENCE, seen).await.map(|_| ());
        assert!(
            seen.is_ok(),
            "{expected:?} is not in the output:\n{}",
            self.text()
        );
    }
}

impl Write for WatchedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .send_modify(|text| text.push_str(std::str::from_utf8(bytes).unwrap()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
