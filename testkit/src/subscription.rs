//! One subscription over a WebSocket of its own.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::DEFAULT_DEADLINE;
use crate::graphql_socket::{GraphqlSocket, SocketClosed, SocketEvent, SocketOptions};

/// The id of the only operation on the socket.
const OPERATION_ID: &str = "1";

/// What the server said about a subscription.
#[derive(Debug, Clone, PartialEq)]
pub enum SubscriptionMessage {
    /// A result: `data`, and `errors` if there were any.
    Next(Value),
    /// The operation was refused: a list of errors.
    Error(Value),
    /// The server has nothing more to say.
    Complete,
    /// The connection ended.
    Closed(SocketClosed),
}

/// A subscription that runs. All its waits together may take as long as its deadline, a minute
/// unless changed, so that a test whose events do not come fails with a text.
#[derive(Debug)]
pub struct Subscription {
    socket: GraphqlSocket,
    ends_at: Instant,
    received: usize,
    closed: Option<SocketClosed>,
}

/// A subscription whose client does not read.
#[derive(Debug)]
pub struct StalledSubscription(Subscription);

impl Subscription {
    /// Connects to the server at `base_url` (`http://host:port`), and subscribes.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or does not acknowledge the connection.
    pub async fn start(base_url: &str, query: &str, variables: Value) -> Self {
        let mut socket = GraphqlSocket::connect(base_url).await;
        socket.initialise(Value::Null).await;
        Self::over(socket, query, variables).await
    }

    /// Like [`Subscription::start`], with a bearer token in the payload of `connection_init`, and
    /// with options for the socket.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or does not acknowledge the connection.
    pub async fn start_with(
        base_url: &str,
        options: SocketOptions,
        init_payload: Value,
        query: &str,
        variables: Value,
    ) -> Self {
        let mut socket = GraphqlSocket::connect_with(base_url, options)
            .await
            .unwrap_or_else(|error| panic!("no WebSocket to {base_url}: {error:?}"));
        socket.initialise(init_payload).await;
        Self::over(socket, query, variables).await
    }

    /// Subscribes over a socket that is initialised and carries nothing else.
    pub async fn over(mut socket: GraphqlSocket, query: &str, variables: Value) -> Self {
        let payload = json!({"query": query, "variables": variables});
        socket
            .send(json!({"id": OPERATION_ID, "type": "subscribe", "payload": payload}))
            .await;
        Self {
            socket,
            ends_at: Instant::now() + DEFAULT_DEADLINE,
            received: 0,
            closed: None,
        }
    }

    /// Gives all waits from now on together this long.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.extend_deadline(deadline);
        self
    }

    /// Gives all waits from now on together this long.
    pub fn extend_deadline(&mut self, deadline: Duration) {
        self.ends_at = Instant::now() + deadline;
    }

    /// The `data` of the next result; none when the server completed the operation or closed the
    /// connection (see [`Subscription::closed`] for which).
    ///
    /// # Panics
    ///
    /// Panics when the deadline passes, when the operation is refused, and when the result has
    /// errors.
    pub async fn next(&mut self) -> Option<Value> {
        match self.next_message().await {
            SubscriptionMessage::Next(mut result) => {
                assert!(
                    result.get("errors").is_none(),
                    "a result with errors: {result:#}"
                );
                Some(result["data"].take())
            }
            SubscriptionMessage::Error(errors) => panic!("the operation failed: {errors:#}"),
            SubscriptionMessage::Complete | SubscriptionMessage::Closed(_) => None,
        }
    }

    /// Whatever comes next about the operation.
    ///
    /// # Panics
    ///
    /// Panics when the deadline passes, and when the server breaks the protocol.
    pub async fn next_message(&mut self) -> SubscriptionMessage {
        let left = self.ends_at.saturating_duration_since(Instant::now());
        let Some(message) = self.next_message_within(left).await else {
            panic!(
                "the subscription's deadline passed after {} results",
                self.received
            );
        };
        message
    }

    /// Like [`Subscription::next_message`], but silence is an answer: for tests that nothing comes.
    ///
    /// # Panics
    ///
    /// Panics when the server breaks the protocol.
    pub async fn next_message_within(&mut self, wait: Duration) -> Option<SubscriptionMessage> {
        let ends_at = Instant::now() + wait;
        loop {
            let left = ends_at.saturating_duration_since(Instant::now());
            match self.socket.receive_within(left).await? {
                SocketEvent::Closed(closed) => {
                    self.closed = Some(closed.clone());
                    return Some(SubscriptionMessage::Closed(closed));
                }
                SocketEvent::Message(message) => {
                    if let Some(message) = self.understand(message).await {
                        return Some(message);
                    }
                }
            }
        }
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn closed(&self) -> Option<&SocketClosed> {
        self.closed.as_ref()
    }

    /// How many results have come so far.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received
    }

    /// Ends the operation and the connection in an orderly way.
    ///
    /// # Panics
    ///
    /// Panics when the server does not answer the close.
    pub async fn close(mut self) -> SocketClosed {
        self.socket
            .send(json!({"id": OPERATION_ID, "type": "complete"}))
            .await;
        self.socket.close().await
    }

    /// Stops reading and keeps the connection open: what the server sends piles up in the system's
    /// buffers until they are full. [`SocketOptions::receive_buffer_bytes`] makes them small.
    #[must_use]
    pub fn stall(self) -> StalledSubscription {
        StalledSubscription(self)
    }

    /// The message's meaning for the operation; none for a ping or pong, which have no id.
    async fn understand(&mut self, mut message: Value) -> Option<SubscriptionMessage> {
        let kind = message["type"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "ping" => {
                self.socket.send(json!({"type": "pong"})).await;
                return None;
            }
            "pong" => return None,
            _ => assert_eq!(
                message["id"], OPERATION_ID,
                "a message for nobody: {message}"
            ),
        }
        match kind.as_str() {
            "next" => {
                self.received += 1;
                Some(SubscriptionMessage::Next(message["payload"].take()))
            }
            "error" => Some(SubscriptionMessage::Error(message["payload"].take())),
            "complete" => Some(SubscriptionMessage::Complete),
            _ => panic!("a message that the protocol does not know: {message}"),
        }
    }
}

impl StalledSubscription {
    /// Reads on, from what has piled up.
    #[must_use]
    pub fn resume(self) -> Subscription {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::{SinkExt, StreamExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;

    use super::*;
    use crate::ConnectError;

    type ServerSide = WebSocketStream<TcpStream>;

    /// A server for one connection, played by `script` after the handshake.
    async fn server<Script, Playing>(script: Script) -> String
    where
        Script: FnOnce(ServerSide) -> Playing + Send + 'static,
        Playing: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, choose).await {
                script(socket).await;
            }
        });
        base_url
    }

    /// Takes the first protocol that is offered, and refuses strangers.
    #[expect(
        clippy::result_large_err,
        reason = "the library's callback wants this type"
    )]
    fn choose(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/graphql");
        if request.headers().contains_key("origin") {
            let mut refusal = ErrorResponse::new(Some("no strangers".to_owned()));
            *refusal.status_mut() = "403".parse().unwrap();
            return Err(refusal);
        }
        let offered = request.headers()["sec-websocket-protocol"].clone();
        response
            .headers_mut()
            .insert("sec-websocket-protocol", offered);
        Ok(response)
    }

    async fn tell(socket: &mut ServerSide, message: Value) {
        socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn hear(socket: &mut ServerSide) -> Value {
        let message = socket.next().await.unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    async fn acknowledge(socket: &mut ServerSide) -> Value {
        let init = hear(socket).await;
        assert_eq!(init["type"], "connection_init");
        tell(socket, json!({"type": "connection_ack"})).await;
        hear(socket).await
    }

    #[tokio::test]
    async fn results_come_in_order_pings_are_answered_and_complete_is_the_end() {
        let url = server(async |mut socket| {
            let subscribe = acknowledge(&mut socket).await;
            assert_eq!(
                subscribe,
                json!({"id": "1", "type": "subscribe", "payload":
                    {"query": "subscription { events }", "variables": {"a": 1}}})
            );
            tell(
                &mut socket,
                json!({"id": "1", "type": "next", "payload": {"data": 1}}),
            )
            .await;
            tell(&mut socket, json!({"type": "ping"})).await;
            assert_eq!(hear(&mut socket).await, json!({"type": "pong"}));
            tell(
                &mut socket,
                json!({"id": "1", "type": "next", "payload": {"data": 2}}),
            )
            .await;
            tell(&mut socket, json!({"id": "1", "type": "complete"})).await;
            assert!(socket.next().await.unwrap().unwrap().is_close());
        })
        .await;
        let variables = json!({"a": 1});
        let mut subscription =
            Subscription::start(&url, "subscription { events }", variables).await;
        assert_eq!(subscription.next().await, Some(json!(1)));
        assert_eq!(subscription.next().await, Some(json!(2)));
        assert_eq!(subscription.next().await, None);
        assert_eq!((subscription.received(), subscription.closed()), (2, None));
    }

    #[tokio::test]
    async fn a_close_tells_its_code_and_reason() {
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
            let frame = CloseFrame {
                code: 4403.into(),
                reason: "token expired".into(),
            };
            socket.close(Some(frame)).await.unwrap();
        })
        .await;
        let mut subscription =
            Subscription::start(&url, "subscription { events }", json!({})).await;
        assert_eq!(subscription.next().await, None);
        let expected = SocketClosed {
            code: 4403,
            reason: "token expired".to_owned(),
        };
        assert_eq!(subscription.closed(), Some(&expected));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_an_end_with_code_1006() {
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
        })
        .await;
        let mut subscription =
            Subscription::start(&url, "subscription { events }", json!({})).await;
        assert_eq!(subscription.next().await, None);
        assert_eq!(subscription.closed().map(|closed| closed.code), Some(1006));
    }

    #[tokio::test]
    #[should_panic(expected = "the operation failed")]
    async fn a_refused_operation_fails_the_test() {
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
            let errors = json!([{"message": "no such field"}]);
            tell(
                &mut socket,
                json!({"id": "1", "type": "error", "payload": errors}),
            )
            .await;
            let _closed = socket.next().await;
        })
        .await;
        Subscription::start(&url, "subscription { nothing }", json!({}))
            .await
            .next()
            .await;
    }

    #[tokio::test]
    #[should_panic(expected = "the subscription's deadline passed after 1 results")]
    async fn the_deadline_counts_for_all_waits_together() {
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
            tell(
                &mut socket,
                json!({"id": "1", "type": "next", "payload": {"data": 1}}),
            )
            .await;
            let _closed = socket.next().await;
        })
        .await;
        let subscription = Subscription::start(&url, "subscription { events }", json!({})).await;
        let mut subscription = subscription.with_deadline(Duration::from_millis(200));
        subscription.next().await;
        subscription.next().await;
    }

    #[tokio::test]
    async fn a_stalled_client_gets_the_rest_when_it_reads_on() {
        const RESULTS: usize = 2_000;
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
            let text = "x".repeat(1_000);
            for _ in 0..RESULTS {
                tell(
                    &mut socket,
                    json!({"id": "1", "type": "next", "payload": {"data": text}}),
                )
                .await;
            }
            tell(&mut socket, json!({"id": "1", "type": "complete"})).await;
            let _closed = socket.next().await;
        })
        .await;
        let options = SocketOptions {
            receive_buffer_bytes: Some(4_096),
            ..Default::default()
        };
        let query = "subscription { events }";
        let started =
            Subscription::start_with(&url, options, json!({"token": "t"}), query, json!({}));
        let mut subscription = started.await.stall().resume();
        while subscription.next().await.is_some() {}
        assert_eq!(subscription.received(), RESULTS);
    }

    #[tokio::test]
    async fn closing_completes_the_operation_first() {
        let url = server(async |mut socket| {
            acknowledge(&mut socket).await;
            assert_eq!(
                hear(&mut socket).await,
                json!({"id": "1", "type": "complete"})
            );
            assert!(socket.next().await.unwrap().unwrap().is_close());
            assert!(socket.next().await.is_none());
        })
        .await;
        let subscription = Subscription::start(&url, "subscription { events }", json!({})).await;
        assert_eq!(subscription.close().await.code, 1005);
    }

    #[tokio::test]
    async fn a_refused_handshake_tells_its_status() {
        let url = server(async |_socket| {}).await;
        let headers = vec![("origin".to_owned(), "http://elsewhere".to_owned())];
        let options = SocketOptions {
            headers,
            ..Default::default()
        };
        let refusal = GraphqlSocket::connect_with(&url, options)
            .await
            .unwrap_err();
        let expected = ConnectError::Refused {
            status: 403,
            body: "no strangers".to_owned(),
        };
        assert_eq!(refusal, expected);
    }
}
