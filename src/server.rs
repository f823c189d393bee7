//! The front door: HTTP and WebSocket in, [`graphql`](crate::graphql) behind. The only room that
//! names axum and tower; it knows no store and no schema.
//!
//! | path | what |
//! |---|---|
//! | `POST /graphql` | queries and mutations |
//! | `GET /graphql` | queries; with `Upgrade: websocket`, subscriptions |
//! | `GET /schema.graphql` | the schema as text |
//! | `GET /playground` | GraphiQL, served from the binary |
//! | `GET /health/live`, `/health/ready` | for whatever watches the process |

mod health;
mod http;
mod media_type;
mod origin;
mod playground;
mod refusal;
mod websocket;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::graphql::Api;

pub use health::{Component, ReadinessCheck};

/// What the server allows its clients, and how long it waits for them.
#[derive(Clone, Debug)]
pub struct Options {
    /// Length of a request's body, in bytes; more is answered 413.
    pub body_limit_bytes: usize,
    /// From the head of a request to its answer; afterwards it is answered 408 or 504 and stopped.
    pub request_timeout: Duration,
    /// How long one write to a WebSocket may take before its client counts as not reading.
    pub stalled_client_timeout: Duration,
    /// How long a WebSocket may stay open without `connection_init`.
    pub init_timeout: Duration,
    /// Time between two pings to a WebSocket; after two without a pong it counts as dead.
    pub ping_interval: Duration,
    /// Length of one message from a WebSocket, in bytes; more closes it with 1009.
    pub max_message_bytes: usize,
    /// Origins (`https://panel.example.org`) whose pages may open a WebSocket, besides the
    /// server's own. Clients that are no browsers send no origin and are always allowed.
    pub allowed_origins: Vec<String>,
    /// How long a shutdown waits for requests under way and sockets being closed.
    pub shutdown_grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_limit_bytes: 4 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            stalled_client_timeout: Duration::from_secs(10),
            init_timeout: Duration::from_secs(3),
            ping_interval: Duration::from_secs(12),
            max_message_bytes: 256 * 1024,
            allowed_origins: Vec::new(),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// How far the server's life has come. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Nothing new is accepted, sockets are being closed, requests under way may finish.
    Draining,
    /// The grace time is over.
    Ended,
}

/// A server that is ready to serve.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api,
    options: Options,
    readiness: ReadinessCheck,
    /// Everything that a shutdown must wait for holds a receiver.
    phase: watch::Sender<Phase>,
}

impl Server {
    /// `readiness` is asked for every `GET /health/ready`.
    #[must_use]
    pub fn new(api: Api, options: Options, readiness: ReadinessCheck) -> Self {
        let phase = watch::Sender::new(Phase::Running);
        Self {
            inner: Arc::new(Inner {
                api,
                options,
                readiness,
                phase,
            }),
        }
    }

    /// The routes alone, for whoever brings their own listener, or none.
    pub fn router(&self) -> Router {
        Router::new()
            .route(
                "/graphql",
                get(http::get).post(http::post).fallback(http::other_method),
            )
            .route("/schema.graphql", get(schema))
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/playground", get(playground::page))
            .route("/playground/{asset}", get(playground::asset))
            // Browsers ask for it unasked, and would call its absence an error.
            .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
            .route("/", get(|| async { Redirect::temporary("/playground") }))
            .fallback(http::not_found)
            .with_state(self.clone())
    }

    /// Serves until `shutdown` completes, and then until all is closed or the grace time is over:
    /// no new connections, sockets closed with 1012, requests under way finished. Requests that
    /// outlive the grace time are answered 503 and stopped.
    ///
    /// Fails if the listener does.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let phase = &self.inner.phase;
        // Without this, an event waits up to 40 ms in the kernel for the acknowledgement of the
        // one before it.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
        });
        let mut signal = phase.subscribe();
        let draining = async move { until(&mut signal, Phase::Draining).await };
        let service = self
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(draining);
        let mut serving = pin!(serving.into_future());
        tokio::select! {
            ended = &mut serving => return ended,
            () = shutdown => {}
        }
        phase.send_replace(Phase::Draining);
        let drained = async {
            let ended = serving.await;
            phase.closed().await;
            ended
        };
        if let Ok(ended) = tokio::time::timeout(self.inner.options.shutdown_grace, drained).await {
            return ended;
        }
        tracing::warn!(
            open = phase.receiver_count(),
            "the grace time of the shutdown is over"
        );
        phase.send_replace(Phase::Ended);
        // What still runs needs one turn to notice; a task that never suspends gets no more.
        let _: Result<(), _> = tokio::time::timeout(LAST_TURN, phase.closed()).await;
        Ok(())
    }
}

const LAST_TURN: Duration = Duration::from_millis(500);

/// Waits until the server's life has come this far.
async fn until(phase: &mut watch::Receiver<Phase>, least: Phase) {
    // The sender lives in the server; if it is gone, so is the server.
    let _: Result<_, watch::error::RecvError> = phase
        .wait_for(|phase| *phase >= least)
        .await
        .map(|phase| *phase);
}

async fn schema(State(server): State<Server>) -> Response {
    let text = server.inner.api.sdl().to_owned();
    ([("content-type", "text/plain; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod test_server;
