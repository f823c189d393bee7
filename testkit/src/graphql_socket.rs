//! One WebSocket that speaks `graphql-transport-ws`, message by message.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::DEFAULT_DEADLINE;

/// The subprotocol's name.
const PROTOCOL: &str = "graphql-transport-ws";

/// How a socket is opened.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    /// The subprotocols to offer, the preferred one first.
    pub protocols: Vec<String>,
    /// More headers of the handshake, such as `origin` or `authorization`.
    pub headers: Vec<(String, String)>,
    /// The size of the system's receive buffer in bytes, to make a client that does not read felt
    /// soon; none leaves it to the system, which takes megabytes.
    pub receive_buffer_bytes: Option<u32>,
    /// How long any single wait for the server may take.
    pub deadline: Duration,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            protocols: vec![PROTOCOL.to_owned()],
            headers: Vec::new(),
            receive_buffer_bytes: None,
            deadline: DEFAULT_DEADLINE,
        }
    }
}

/// Why there is no socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// The server answered the handshake with this HTTP status and body.
    Refused {
        /// The status code.
        status: u16,
        /// The body as text.
        body: String,
    },
    /// There was no HTTP answer.
    Unreachable(String),
}

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketClosed {
    /// The close code; 1005 when the frame had none, 1006 when there was no close frame.
    pub code: u16,
    /// The reason, or what broke the connection.
    pub reason: String,
}

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum SocketEvent {
    /// A message of the protocol.
    Message(Value),
    /// The end. Every later wait gives the same.
    Closed(SocketClosed),
}

/// A client's WebSocket. WebSocket pings are answered while something is received, and nothing is
/// read otherwise.
#[derive(Debug)]
pub struct GraphqlSocket {
    stream: WebSocketStream<TcpStream>,
    /// The subprotocol that the server chose.
    protocol: Option<String>,
    deadline: Duration,
    closed: Option<SocketClosed>,
}

impl GraphqlSocket {
    /// Opens a socket to the server at `base_url` (`http://host:port`), offering
    /// `graphql-transport-ws`, and does not say anything yet.
    ///
    /// # Panics
    ///
    /// Panics when the server refuses or cannot be reached.
    pub async fn connect(base_url: &str) -> Self {
        Self::connect_with(base_url, SocketOptions::default())
            .await
            .unwrap_or_else(|error| panic!("no WebSocket to {base_url}: {error:?}"))
    }

    /// Opens a socket with options.
    ///
    /// # Panics
    ///
    /// Panics when the server leaves the handshake without an answer, or an option is not a valid
    /// header.
    pub async fn connect_with(
        base_url: &str,
        options: SocketOptions,
    ) -> Result<Self, ConnectError> {
        let request = handshake_request(base_url, &options);
        let connecting = async {
            let tcp = open_tcp(authority_of(base_url), options.receive_buffer_bytes)
                .await
                .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
            tokio_tungstenite::client_async(request, tcp)
                .await
                .map_err(connect_error)
        };
        let (stream, response) = tokio::time::timeout(options.deadline, connecting)
            .await
            .unwrap_or_else(|_| panic!("{base_url} left the handshake without an answer"))?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Self {
            stream,
            protocol,
            deadline: options.deadline,
            closed: None,
        })
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Sends `connection_init`, with a payload unless it is null, and waits for the
    /// acknowledgement, whose payload is returned (null when absent).
    ///
    /// # Panics
    ///
    /// Panics when something else comes.
    pub async fn initialise(&mut self, payload: Value) -> Value {
        let mut message = json!({"type": "connection_init"});
        if !payload.is_null() {
            message["payload"] = payload;
        }
        self.send(message).await;
        match self.receive().await {
            SocketEvent::Message(mut answer) if answer["type"] == "connection_ack" => {
                answer["payload"].take()
            }
            other => panic!("connection_init was answered with {other:?}"),
        }
    }

    /// Sends a message of the protocol. A connection that is gone is noticed by the next
    /// [`GraphqlSocket::receive`].
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    /// Sends text, be it a message of the protocol or not.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        let _noticed_later = self.stream.send(Message::text(text.into())).await;
    }

    /// Sends a binary frame, which the protocol does not know.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        let _noticed_later = self.stream.send(Message::binary(bytes)).await;
    }

    /// The next message, or the end.
    ///
    /// # Panics
    ///
    /// Panics when nothing comes within the deadline, or something that is not JSON.
    pub async fn receive(&mut self) -> SocketEvent {
        let deadline = self.deadline;
        self.receive_within(deadline)
            .await
            .unwrap_or_else(|| panic!("nothing came over the WebSocket within {deadline:?}"))
    }

    /// Like [`GraphqlSocket::receive`], but silence is an answer: for tests that nothing comes.
    ///
    /// # Panics
    ///
    /// Panics when something comes that is not JSON.
    pub async fn receive_within(&mut self, deadline: Duration) -> Option<SocketEvent> {
        tokio::time::timeout(deadline, self.next_event()).await.ok()
    }

    /// Waits for the end, over any messages that come first.
    ///
    /// # Panics
    ///
    /// Panics when the server does not close within the deadline.
    pub async fn wait_until_closed(&mut self) -> SocketClosed {
        let deadline = self.deadline;
        let closing = async {
            loop {
                if let SocketEvent::Closed(closed) = self.next_event().await {
                    return closed;
                }
            }
        };
        tokio::time::timeout(deadline, closing)
            .await
            .unwrap_or_else(|_| panic!("the WebSocket is still open after {deadline:?}"))
    }

    /// Closes from the client's side, and waits for the server's answer to it.
    ///
    /// # Panics
    ///
    /// Panics when the server does not answer within the deadline.
    pub async fn close(&mut self) -> SocketClosed {
        let _gone_already = self.stream.close(None).await;
        self.wait_until_closed().await
    }

    async fn next_event(&mut self) -> SocketEvent {
        if let Some(closed) = &self.closed {
            return SocketEvent::Closed(closed.clone());
        }
        loop {
            let closed = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return SocketEvent::Message(parsed(&text)),
                Some(Ok(Message::Close(Some(frame)))) => SocketClosed {
                    code: frame.code.into(),
                    reason: frame.reason.to_string(),
                },
                Some(Ok(Message::Close(None))) => SocketClosed {
                    code: 1005,
                    reason: String::new(),
                },
                Some(Ok(_ping_or_pong)) => continue,
                Some(Err(error)) => SocketClosed {
                    code: 1006,
                    reason: error.to_string(),
                },
                None => SocketClosed {
                    code: 1006,
                    reason: "the stream ended".to_owned(),
                },
            };
            self.closed = Some(closed.clone());
            // The answer to a close frame is sent by the library while it is read on.
            let _flushed = self.stream.flush().await;
            return SocketEvent::Closed(closed);
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text:?} came: {error}"))
}

fn authority_of(base_url: &str) -> &str {
    let authority = base_url.strip_prefix("http://").unwrap_or(base_url);
    authority
        .split_once('/')
        .map_or(authority, |(host_and_port, _)| host_and_port)
}

fn handshake_request(base_url: &str, options: &SocketOptions) -> Request<()> {
    let mut request = format!("ws://{}/graphql", authority_of(base_url))
        .into_client_request()
        .unwrap_or_else(|error| panic!("{base_url}: {error}"));
    let protocols = options.protocols.join(", ");
    let protocol_header = ("sec-websocket-protocol".to_owned(), protocols);
    let offered = (!options.protocols.is_empty()).then_some(&protocol_header);
    for (name, value) in options.headers.iter().chain(offered) {
        let name: HeaderName = name
            .parse()
            .unwrap_or_else(|error| panic!("header name {name:?}: {error}"));
        let value: HeaderValue = value
            .parse()
            .unwrap_or_else(|error| panic!("header value {value:?}: {error}"));
        request.headers_mut().insert(name, value);
    }
    request
}

async fn open_tcp(authority: &str, receive_buffer: Option<u32>) -> std::io::Result<TcpStream> {
    let Some(receive_buffer) = receive_buffer else {
        return TcpStream::connect(authority).await;
    };
    let mut addresses = tokio::net::lookup_host(authority).await?;
    let address = addresses
        .next()
        .ok_or_else(|| std::io::Error::other("no address"))?;
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Before connecting: the handshake of TCP announces the window.
    socket.set_recv_buffer_size(receive_buffer)?;
    socket.connect(address).await
}

fn connect_error(error: Error) -> ConnectError {
    match error {
        Error::Http(response) => ConnectError::Refused {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                .into_owned(),
        },
        other => ConnectError::Unreachable(other.to_string()),
    }
}
