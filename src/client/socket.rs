//! One WebSocket that speaks `graphql-transport-ws` and carries one subscription.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::{ClientError, Endpoint, GraphqlError};

/// The time for the connection and for the server's greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An event may have 64 KiB by default; a server may be configured for 16 MiB.
const MAX_MESSAGE_BYTES: usize = 32 * 1024 * 1024;
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// There is one subscription on the socket.
const OPERATION_ID: &str = "1";

/// Close codes after which the same subscription would be refused again.
const FINAL_CLOSE_CODES: [u16; 6] = [4400, 4401, 4406, 4409, 4429, 4500];

pub(super) struct SubscriptionSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    address: String,
    silence: Duration,
}

#[derive(Serialize)]
struct Outgoing<'a, P> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

#[derive(Serialize)]
struct SubscribePayload<'a, V> {
    query: &'a str,
    variables: &'a V,
}

#[derive(Deserialize)]
struct Incoming {
    #[serde(rename = "type")]
    kind: String,
    payload: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct NextPayload {
    data: Option<Box<RawValue>>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

impl SubscriptionSocket {
    /// Connects, greets and subscribes. A server that then says nothing for `silence` is asked
    /// whether it is still there; after the same time again the connection counts as dead.
    pub(super) async fn open<V: Serialize>(
        endpoint: &Endpoint,
        query: &str,
        variables: &V,
        silence: Duration,
    ) -> Result<Self, ClientError> {
        let address = endpoint.socket().to_owned();
        let connecting = Self::connect(address.clone(), silence);
        let mut socket = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| no_answer(&address, "it took too long to connect"))??;
        socket.send::<()>("connection_init", None, None).await?;
        let greeting = timeout(CONNECT_TIMEOUT, socket.receive())
            .await
            .map_err(|_| no_answer(&address, "connection_init was not answered"))??;
        if greeting.kind != "connection_ack" {
            return Err(socket.not_graphql(&format!("{} came before the ack", greeting.kind)));
        }
        let payload = SubscribePayload { query, variables };
        socket
            .send("subscribe", Some(OPERATION_ID), Some(payload))
            .await?;
        Ok(socket)
    }

    /// The data of the next message, `None` when the server says that the subscription is complete.
    pub(super) async fn next(&mut self) -> Result<Option<Box<RawValue>>, ClientError> {
        let mut asked = false;
        loop {
            let Ok(message) = timeout(self.silence, self.receive_any()).await else {
                if asked {
                    return Err(no_answer(&self.address, "the server has fallen silent"));
                }
                asked = true;
                self.send::<()>("ping", None, None).await?;
                continue;
            };
            asked = false;
            let Some(message) = message? else { continue };
            match message.kind.as_str() {
                "next" => return self.data(message).map(Some),
                "error" => return Err(self.refusal(message)),
                "complete" => return Ok(None),
                "ping" => self.send::<()>("pong", None, None).await?,
                // The protocol has no other message that needs an answer.
                _ => {}
            }
        }
    }

    /// Ends the subscription in good order. Failures do not matter any more.
    pub(super) async fn close(mut self) {
        let _ = self.send::<()>("complete", Some(OPERATION_ID), None).await;
        let _ = timeout(Duration::from_secs(1), self.socket.close(None)).await;
    }

    async fn connect(address: String, silence: Duration) -> Result<Self, ClientError> {
        let mut request = address
            .as_str()
            .into_client_request()
            .map_err(|error| failure(&address, error))?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (socket, _) = connect_async_with_config(request, Some(config), true)
            .await
            .map_err(|error| failure(&address, error))?;
        Ok(Self {
            socket,
            address,
            silence,
        })
    }

    async fn send<P: Serialize>(
        &mut self,
        kind: &str,
        id: Option<&str>,
        payload: Option<P>,
    ) -> Result<(), ClientError> {
        let text = serde_json::to_string(&Outgoing { kind, id, payload })
            .map_err(|error| self.not_graphql(&format!("unsendable message: {error}")))?;
        let sent = self.socket.send(Message::text(text)).await;
        sent.map_err(|error| failure(&self.address, error))
    }

    /// The next message of the protocol.
    async fn receive(&mut self) -> Result<Incoming, ClientError> {
        loop {
            if let Some(message) = self.receive_any().await? {
                return Ok(message);
            }
        }
    }

    /// The next sign of life; `None` for one that is not a message, such as a ping, which the
    /// socket answers by itself.
    async fn receive_any(&mut self) -> Result<Option<Incoming>, ClientError> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| self.not_graphql(&error.to_string())),
            Some(Ok(Message::Close(frame))) => Err(self.closed(frame)),
            Some(Ok(_)) => Ok(None),
            Some(Err(error)) => Err(failure(&self.address, error)),
            None => Err(no_answer(
                &self.address,
                "the connection ended without a word",
            )),
        }
    }

    fn data(&self, message: Incoming) -> Result<Box<RawValue>, ClientError> {
        let payload = message
            .payload
            .ok_or_else(|| self.not_graphql("next without payload"))?;
        let payload: NextPayload = serde_json::from_str(payload.get())
            .map_err(|error| self.not_graphql(&error.to_string()))?;
        if let Some(error) = payload.errors.into_iter().next() {
            return Err(error.into());
        }
        payload
            .data
            .ok_or_else(|| self.not_graphql("next with neither data nor errors"))
    }

    fn refusal(&self, message: Incoming) -> ClientError {
        let errors = message
            .payload
            .and_then(|payload| serde_json::from_str::<Vec<GraphqlError>>(payload.get()).ok());
        errors
            .and_then(|errors| errors.into_iter().next())
            .map_or_else(
                || self.not_graphql("an error without a message"),
                ClientError::from,
            )
    }

    fn closed(&self, frame: Option<CloseFrame>) -> ClientError {
        let Some(frame) = frame else {
            return no_answer(&self.address, "the server closed the connection");
        };
        let code = u16::from(frame.code);
        let reason = format!("the server closed the connection: {code} {}", frame.reason);
        if FINAL_CLOSE_CODES.contains(&code) {
            return self.not_graphql(&reason);
        }
        no_answer(&self.address, &reason)
    }

    fn not_graphql(&self, reason: &str) -> ClientError {
        ClientError::NotGraphql {
            address: self.address.clone(),
            reason: reason.to_owned(),
            retryable: false,
        }
    }
}

fn no_answer(address: &str, reason: &str) -> ClientError {
    ClientError::NoAnswer {
        address: address.to_owned(),
        reason: reason.to_owned(),
    }
}

fn failure(address: &str, error: SocketError) -> ClientError {
    match error {
        SocketError::Http(answer) => ClientError::NotGraphql {
            address: address.to_owned(),
            reason: format!("HTTP status {} instead of a WebSocket", answer.status()),
            retryable: answer.status().is_server_error(),
        },
        SocketError::Url(error) => ClientError::Address {
            address: address.to_owned(),
            reason: error.to_string(),
        },
        other => no_answer(address, &other.to_string()),
    }
}
