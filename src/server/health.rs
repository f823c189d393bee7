//! Whether the process runs, and whether it can do its work.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::json;

use super::{Phase, Server};

/// One thing that the server needs for its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// What it is, such as `database`.
    pub name: String,
    /// Whether it works.
    pub healthy: bool,
    /// What is wrong with it, or what it is at, in words fit for anyone who can reach the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Asks everything that the server needs how it is. The server is ready if all are healthy.
#[derive(Clone)]
pub struct ReadinessCheck(Arc<dyn Fn() -> BoxFuture<'static, Vec<Component>> + Send + Sync>);

impl ReadinessCheck {
    /// A check that runs `check` each time it is asked.
    pub fn new<F, R>(check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Vec<Component>> + Send + 'static,
    {
        Self(Arc::new(move || check().boxed()))
    }
}

/// `GET /health/live`: 200 as long as there is someone to answer.
pub(super) async fn live() -> Response {
    Json(json!({"status": "live"})).into_response()
}

/// `GET /health/ready`: 200 if all components are healthy; 503 if one is not, or the server is
/// stopping.
pub(super) async fn ready(State(server): State<Server>) -> Response {
    let stopping = *server.inner.phase.borrow() != Phase::Running;
    let limit = server.inner.options.request_timeout;
    let check = tokio::time::timeout(limit, (server.inner.readiness.0)());
    // A check that hangs is a failed check: whoever asked waits for an answer.
    let components = check.await.unwrap_or_else(|_| {
        let detail = Some("the check did not answer in time".to_owned());
        vec![Component {
            name: "readiness".to_owned(),
            healthy: false,
            detail,
        }]
    });
    let healthy = components.iter().all(|component| component.healthy);
    let (code, status) = match (stopping, healthy) {
        (false, true) => (StatusCode::OK, "ready"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    let body = Json(json!({"status": status, "components": components}));
    (code, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
