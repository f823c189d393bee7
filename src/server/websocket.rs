//! One task for each WebSocket: it moves frames between the socket and the protocol, and decides
//! when a connection is over. What the frames mean is [`graphql`](crate::graphql)'s.
//!
//! Nothing is queued: the next frame is made only when the one before it is in the kernel, so a
//! client that reads slowly slows its own subscriptions and costs no memory. A client that does
//! not read at all is closed, because a blocked write also blocks its pings and its subscriptions.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Error;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite;

use super::refusal::Refusal;
use super::{Options, Phase, Server, http, origin, until};
use crate::graphql::{Peer, SocketFrame};

/// The only sub-protocol that the server speaks.
const PROTOCOL: &str = "graphql-transport-ws";

/// Of each connection, allocated at once; the library's default of 128 KiB is most of the memory
/// of an idle socket.
const READ_BUFFER_BYTES: usize = 4096;

/// Client messages between the socket and the protocol, which takes them all whenever it is polled.
const INCOMING_FRAMES: usize = 8;

/// Frames that are ready together go out in one write until they make up this much.
const BATCH_BYTES: usize = 64 * 1024;

/// Pings without an answer after which a client is taken for dead.
const MISSED_PONGS: u32 = 2;

/// How long a client may take to answer a close frame before the connection is dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers a handshake.
pub(super) async fn upgrade(server: Server, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !origin::is_allowed(&parts.headers, &server.inner.options.allowed_origins) {
        let message = "Pages of this origin may not connect: the server's list of allowed origins \
                       does not name it.";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", message);
        return http::refuse(&parts.headers, refusal);
    }
    let mut upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let refusal = Refusal::invalid(rejection.status(), rejection.body_text());
            return http::refuse(&parts.headers, refusal);
        }
    };
    let understood = upgrade
        .requested_protocols()
        .any(|offered| offered == PROTOCOL);
    // A browser drops a connection whose sub-protocol was not confirmed, shows no reason, and tries
    // again. So what it asked for is confirmed, and then closed with a code that it understands.
    let first_offered = upgrade.requested_protocols().next().cloned();
    if understood {
        upgrade = upgrade.protocols([PROTOCOL]);
    } else if let Some(offered) = first_offered {
        upgrade.set_selected_protocol(offered);
    }
    let max_bytes = server.inner.options.max_message_bytes;
    // Taken now, so that a shutdown waits for this connection from its handshake on.
    let phase = server.inner.phase.subscribe();
    let peer = peer(&parts);
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .on_upgrade(move |socket| async move {
            let peer = understood.then_some(peer);
            serve(socket, server, phase, peer).await;
        })
}

/// Who connects. Headers in which a proxy may name the client before it are not looked at: anybody can
/// write them.
fn peer(parts: &Parts) -> Peer {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let user_agent = parts.headers.get(header::USER_AGENT);
    Peer {
        address: address.map(|ConnectInfo(address)| *address),
        user_agent: user_agent.map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()),
    }
}

/// Serves a connection to its end; without a peer, one that asked for another protocol.
async fn serve(
    socket: WebSocket,
    server: Server,
    phase: watch::Receiver<Phase>,
    peer: Option<Peer>,
) {
    let (sink, source) = socket.split();
    let options = &server.inner.options;
    let mut connection = Connection {
        sink,
        source,
        options,
    };
    let end = if let Some(peer) = peer {
        let (frames, received) = mpsc::channel(INCOMING_FRAMES);
        let outgoing = server
            .inner
            .api
            .web_socket(ReceiverStream::new(received), peer);
        connection
            .converse(&frames, pin!(outgoing), phase.clone())
            .await
    } else {
        End::closed(4406, "this server speaks graphql-transport-ws only")
    };
    if let End::Close(code, reason) = end {
        tracing::debug!(code, %reason, "closing a WebSocket");
        connection.close(code, &reason).await;
    }
    // Until here the connection counts as open.
    drop(phase);
}

/// Why a connection is over.
#[derive(Debug)]
enum End {
    /// We close it: a code, and a reason of at most 123 bytes.
    Close(u16, Cow<'static, str>),
    /// The client closed it, or is gone.
    Gone,
}

impl End {
    fn closed(code: u16, reason: &'static str) -> Self {
        Self::Close(code, Cow::Borrowed(reason))
    }
}

/// `Break` when the connection is over.
type Flow = ControlFlow<End>;

struct Connection<'o> {
    sink: SplitSink<WebSocket, Message>,
    source: SplitStream<WebSocket>,
    options: &'o Options,
}

/// What the client has shown of itself.
#[derive(Default)]
struct Signs {
    initialised: bool,
    pings_unanswered: u32,
}

impl Connection<'_> {
    async fn converse<S: Stream<Item = SocketFrame>>(
        &mut self,
        frames: &mpsc::Sender<Bytes>,
        mut outgoing: Pin<&mut S>,
        mut phase: watch::Receiver<Phase>,
    ) -> End {
        let every = self.options.ping_interval;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut init_timeout = pin!(sleep(self.options.init_timeout));
        let mut signs = Signs::default();
        loop {
            // A frame is read only when there is room to pass it on.
            let source = &mut self.source;
            let receive = async { (frames.reserve().await, source.next().await) };
            let flow = tokio::select! {
                () = until(&mut phase, Phase::Draining) => Flow::Break(
                    // And never `complete`: clients would take it for the end of the events.
                    End::closed(1012, "server restarts, reconnect with your last cursor"),
                ),
                () = &mut init_timeout, if !signs.initialised => {
                    Flow::Break(End::closed(4408, "connection_init did not come in time"))
                }
                _ = pings.tick() => self.ping(&mut signs).await,
                (permit, message) = receive => match permit {
                    Ok(permit) => signs.take(message, permit),
                    Err(_) => Flow::Break(End::Gone),
                },
                frame = outgoing.next() => match frame {
                    Some(frame) => self.send(frame, outgoing.as_mut()).await,
                    None => Flow::Break(End::closed(4400, "not a message of this protocol")),
                },
            };
            if let Flow::Break(End::Gone) = flow {
                // The answer to the client's own close frame, if that is how it ended.
                let _: Result<_, _> = timeout(CLOSE_TIMEOUT, self.sink.close()).await;
            }
            if let Flow::Break(end) = flow {
                return end;
            }
        }
    }

    /// Sends a frame, and with it those that are ready by now, in one write.
    async fn send<S: Stream<Item = SocketFrame>>(
        &mut self,
        first: SocketFrame,
        mut outgoing: Pin<&mut S>,
    ) -> Flow {
        let sink = &mut self.sink;
        let write = async {
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(frame) = next {
                match frame {
                    SocketFrame::Text(text) => {
                        bytes += text.len();
                        sink.feed(Message::Text(text.into())).await?;
                    }
                    SocketFrame::Close(code, reason) => {
                        sink.flush().await?;
                        return Ok(Flow::Break(End::Close(code, reason.into())));
                    }
                }
                let room = bytes < BATCH_BYTES;
                next = if room {
                    outgoing.next().now_or_never().flatten()
                } else {
                    None
                };
            }
            sink.flush().await?;
            Ok(Flow::Continue(()))
        };
        within(self.options.stalled_client_timeout, write).await
    }

    async fn ping(&mut self, signs: &mut Signs) -> Flow {
        if signs.pings_unanswered >= MISSED_PONGS {
            return Flow::Break(End::Gone);
        }
        signs.pings_unanswered += 1;
        let write = async {
            self.sink.send(Message::Ping(Bytes::new())).await?;
            Ok(Flow::Continue(()))
        };
        within(self.options.stalled_client_timeout, write).await
    }

    /// Sends the close frame and waits for the client's: a connection that is dropped with
    /// something unread is reset, and the reset may overtake the close frame.
    async fn close(&mut self, code: u16, reason: &str) {
        let frame = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        let closing = async {
            if self.sink.send(frame).await.is_ok() {
                while let Some(Ok(_)) = self.source.next().await {}
            }
        };
        let _: Result<(), _> = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

/// Bounds a write: what it cannot place in time is for a client that does not read.
async fn within(limit: Duration, write: impl Future<Output = Result<Flow, Error>>) -> Flow {
    match timeout(limit, write).await {
        Ok(Ok(flow)) => flow,
        Ok(Err(_)) => Flow::Break(End::Gone),
        Err(_) => Flow::Break(End::closed(
            1013,
            "SUBSCRIBER_TOO_SLOW: nothing was read for too long; come back with your last cursor",
        )),
    }
}

impl Signs {
    /// Takes what came from the client; text goes on to the protocol.
    fn take(
        &mut self,
        message: Option<Result<Message, Error>>,
        permit: mpsc::Permit<'_, Bytes>,
    ) -> Flow {
        self.pings_unanswered = 0;
        match message {
            Some(Ok(Message::Text(text))) => {
                self.initialised = self.initialised || is_connection_init(&text);
                permit.send(text.into());
                Flow::Continue(())
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Flow::Continue(()),
            Some(Ok(Message::Binary(_))) => {
                Flow::Break(End::closed(4400, "messages are text frames"))
            }
            Some(Ok(Message::Close(_))) | None => Flow::Break(End::Gone),
            Some(Err(error)) => Flow::Break(unreadable(error)),
        }
    }
}

fn is_connection_init(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Typed<'_>>(text).is_ok_and(|typed| typed.kind == "connection_init")
}

fn unreadable(error: Error) -> End {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => End::closed(1009, "the message is too big"),
        Some(tungstenite::Error::Utf8(_)) => End::closed(1007, "the text is not UTF-8"),
        _ => End::Gone,
    }
}

#[cfg(test)]
mod tests;
