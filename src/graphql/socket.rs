//! One WebSocket's conversation in `graphql-transport-ws`, as text frames in and text frames out.
//! The pump that owns the socket (timeouts, pings, back pressure) knows nothing of GraphQL.
//!
//! The protocol itself is async-graphql's for now, behind [`Api::web_socket`]. What it does
//! differently from the protocol's text, and what this file or the pump corrects:
//!
//! - It closes with 1002 or 1011 where the protocol says 4400 and 4401; corrected here.
//! - It puts an error's text into the close reason at any length, and a reason over 123 bytes makes
//!   an invalid frame; cut here.
//! - It waits for `connection_init` for ever; the pump does not.
//! - A second `subscribe` under an id in use replaces the first in silence (should close 4409).
//! - A refused operation is answered by `next` with errors and `complete` (should be `error`).
//! - It answers a client's `complete` with `complete`; harmless.
//! - Polling its subscriptions is neither fair nor linear in their number.
//! - It reads variables into numbers and maps before we see them. Mutations are therefore refused
//!   on a socket: what is appended must be kept as it was sent, which only POST can promise.

use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::http::{WebSocket, WebSocketProtocols, WsMessage};
use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Executor, Request, Response};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::api::{Api, Prepared};
use super::fault::{self, Fault, TraceId, code};
use super::parameters::Read;
use super::subscribers::{Connection, Peer};

/// What a control frame may carry (RFC 6455, 5.5) less the two bytes of the close code.
const MAX_REASON_BYTES: usize = 123;

/// What the server sends on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketFrame {
    /// One message of the protocol, as JSON.
    Text(String),
    /// The end of the connection: a close code, and a reason of at most 123 bytes.
    Close(u16, String),
}

impl Api {
    /// The server's side of one connection: takes the client's text frames and gives the frames to
    /// send. It ends after a [`SocketFrame::Close`], when `frames` ends, or when the client breaks
    /// the protocol in a way that has no close code.
    ///
    /// It must be polled for subscriptions to run, and polls `frames` only while being polled.
    /// Nothing is buffered: not polling it is how a slow client is slowed down.
    ///
    /// `peer` is who administrators are told that this is.
    pub fn web_socket<S>(
        &self,
        frames: S,
        peer: Peer,
    ) -> impl Stream<Item = SocketFrame> + Send + use<S>
    where
        S: Stream + Send,
        S::Item: AsRef<[u8]>,
    {
        let connection = self.connect(peer);
        let executor = SocketExecutor {
            api: self.clone(),
            running: Arc::default(),
            connection: Arc::clone(&connection),
        };
        let introduce = move |payload: serde_json::Value| {
            connection.introduce(&payload);
            ready(Ok(Data::default()))
        };
        WebSocket::new(executor, frames, WebSocketProtocols::GraphQLWS)
            .on_connection_init(introduce)
            .map(|message| match message {
                WsMessage::Text(text) => SocketFrame::Text(text),
                WsMessage::Close(code, reason) => close_frame(code, reason),
            })
    }
}

/// The protocol's codes for what the library closes with its own.
fn close_frame(code: u16, reason: String) -> SocketFrame {
    let (code, mut reason) = match code {
        1002 => (4400, format!("bad message: {reason}")),
        1011 => (4401, "connection_init comes first".to_owned()),
        _ => (code, reason),
    };
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    SocketFrame::Close(code, reason)
}

#[derive(Clone)]
struct SocketExecutor {
    api: Api,
    /// The operations of this socket that have not ended.
    running: Arc<AtomicUsize>,
    connection: Arc<Connection>,
}

/// Counts an operation as running until it is dropped.
struct Running(Arc<AtomicUsize>);

impl Running {
    /// `None` if as many run as may.
    fn begin(count: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let running = Self(Arc::clone(count));
        (running.0.fetch_add(1, Ordering::Relaxed) < limit).then_some(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Executor for SocketExecutor {
    async fn execute(&self, request: Request) -> Response {
        let mut responses = self.execute_stream(request, None);
        responses.next().await.unwrap_or_default()
    }

    fn execute_stream(
        &self,
        request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let trace_id = TraceId::fresh();
        // The guard and the hook run here, outside the stream, so they need a net of their own.
        let start =
            AssertUnwindSafe(|| self.start(request, session.unwrap_or_default(), &trace_id));
        match std::panic::catch_unwind(start) {
            Ok(Ok(responses)) => responses,
            Ok(Err(fault)) => refused(fault.into_response(), &trace_id),
            Err(panic) => refused(fault::panic_response(&*panic, &trace_id), &trace_id),
        }
    }
}

impl SocketExecutor {
    fn start(
        &self,
        request: Request,
        session: Arc<Data>,
        trace_id: &TraceId,
    ) -> Result<BoxStream<'static, Response>, Fault> {
        let limit = self.api.limits().socket_operations;
        let running = Running::begin(&self.running, limit).ok_or_else(|| {
            let message = format!(
                "The limit for operations that run on one socket at a time is {limit}. End one, or open \
                 another socket."
            );
            Fault::new(code::LIMIT_EXCEEDED, message)
        })?;
        let variables = serde_json::to_string(&request.variables)
            .map_err(|error| Fault::new(code::INVALID_ARGUMENT, error.to_string()))?;
        let Prepared { request, selected } = self.api.prepare(Read {
            query: request.query,
            operation_name: request.operation_name.filter(|name| !name.is_empty()),
            variables: Some(&variables),
        })?;
        if selected.operation == OperationType::Mutation {
            let message = "Send mutations by POST: a socket's messages cannot carry numbers and \
                           keys exactly as they were written.";
            return Err(Fault::new(code::INVALID_ARGUMENT, message));
        }
        let (api, trace_id) = (self.api.clone(), trace_id.clone());
        let name = selected.operation_name();
        let responses = api.subscribe(request, name, session, &self.connection);
        let responses = AssertUnwindSafe(responses).catch_unwind();
        let finished = responses.map(move |response| {
            let _ = &running;
            let mut response =
                response.unwrap_or_else(|panic| fault::panic_response(&*panic, &trace_id));
            api.finish(&mut response, &selected, &trace_id);
            response
        });
        Ok(finished.boxed())
    }
}

fn refused(mut response: Response, trace_id: &TraceId) -> BoxStream<'static, Response> {
    fault::finish(&mut response, trace_id);
    stream::once(ready(response)).boxed()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::graphql::test_schema;

    /// Feeds the messages and gives what is answered until the connection ends or `count` frames
    /// have come.
    async fn converse(messages: Vec<Json>, count: usize) -> Vec<SocketFrame> {
        let texts = messages.into_iter().map(|message| message.to_string());
        let frames = stream::iter(texts).chain(stream::pending());
        test_schema::api()
            .web_socket(frames, Peer::default())
            .take(count)
            .collect()
            .await
    }

    fn text(frame: &SocketFrame) -> Json {
        match frame {
            SocketFrame::Text(text) => serde_json::from_str(text).unwrap(),
            SocketFrame::Close(code, reason) => panic!("closed {code} {reason}"),
        }
    }

    fn subscribe(query: &str) -> Vec<Json> {
        let payload = json!({"query": query});
        vec![
            json!({"type": "connection_init"}),
            json!({"type": "subscribe", "id": "1", "payload": payload}),
        ]
    }

    #[tokio::test]
    async fn a_subscription_whose_root_is_a_fragment_delivers_its_events() {
        let query = "subscription { ...F } fragment F on Subscription { count(to: 2) }";
        let frames = converse(subscribe(query), 4).await;
        assert_eq!(text(&frames[0])["type"], "connection_ack");
        assert_eq!(text(&frames[1])["payload"]["data"], json!({"count": 1}));
        assert_eq!(text(&frames[2])["payload"]["data"], json!({"count": 2}));
        assert_eq!(text(&frames[3])["type"], "complete");
    }

    #[tokio::test]
    async fn a_mutation_is_refused_with_the_way_to_send_it() {
        let query = "mutation { append(input: {events: []}) }";
        let error = &text(&converse(subscribe(query), 2).await[1])["payload"]["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
        assert!(error["message"].as_str().unwrap().contains("POST"));
    }

    #[tokio::test]
    async fn a_query_runs_and_the_guard_stands_before_it() {
        let frames = converse(subscribe("{ hello }"), 2).await;
        assert_eq!(
            text(&frames[1])["payload"]["data"],
            json!({"hello": "world"})
        );
        let frames = converse(
            subscribe("subscription { a: count(to: 1) b: count(to: 1) }"),
            2,
        );
        let message = text(&frames.await[1]).to_string();
        assert!(message.contains("exactly one root field"), "{message}");
    }

    #[tokio::test]
    async fn a_subscription_that_panics_is_masked_and_the_connection_stays() {
        let mut messages = subscribe("subscription { panics }");
        messages.push(json!({"type": "ping"}));
        let frames = converse(messages, 4).await;
        let all: Vec<String> = frames.iter().map(|frame| text(frame).to_string()).collect();
        assert!(
            all.iter().any(|frame| frame.contains("\"INTERNAL\"")),
            "{all:?}"
        );
        assert!(
            all.iter().any(|frame| frame.contains("\"pong\"")),
            "{all:?}"
        );
        assert!(!all.concat().contains("secret"));
    }

    #[tokio::test]
    async fn close_codes_are_the_protocols_and_reasons_are_short() {
        let long = json!({"type": "ä".repeat(200)});
        let frames = converse(vec![long], 9).await;
        let [SocketFrame::Close(4400, reason)] = &frames[..] else {
            panic!("{frames:?}")
        };
        assert!(reason.len() <= MAX_REASON_BYTES && reason.len() > 100);
        let early = subscribe("{ hello }").split_off(1);
        assert!(matches!(
            &converse(early, 9).await[..],
            [SocketFrame::Close(4401, _)]
        ));
    }
}
