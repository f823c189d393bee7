use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::http::innermost;
use super::{ClientError, Endpoint};

/// What a server says about its readiness, as `GET /health/ready` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Readiness {
    /// `ready`, or a word for why it is not: `unavailable`, `stopping`.
    pub status: String,
    /// What the server needs for its work, and how each of it is.
    pub components: Vec<ComponentState>,
}

/// One thing that a server needs for its work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ComponentState {
    /// What it is, such as `database`.
    pub name: String,
    /// Whether it works.
    pub healthy: bool,
    /// What is wrong with it, or what it is at.
    pub detail: Option<String>,
}

impl Readiness {
    /// Whether the server wants to be sent requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// Asks the server at `address`, such as `http://127.0.0.1:4000`, whether it is ready. A path in the
/// address is not looked at. An answer that takes longer than `timeout` is none.
pub async fn readiness(address: &str, timeout: Duration) -> Result<Readiness, ClientError> {
    let endpoint = Endpoint::parse(address)?;
    let unusable = |reason: String| ClientError::Address {
        address: address.to_owned(),
        reason,
    };
    let url = Url::parse(endpoint.http())
        .and_then(|url| url.join("/health/ready"))
        .map_err(|error| unusable(error.to_string()))?;
    let http = reqwest::Client::builder()
        .timeout(timeout)
        // The environment's proxy is for the outer world, not for the machine's own server.
        .no_proxy()
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let no_answer = |error: &reqwest::Error| ClientError::NoAnswer {
        address: url.to_string(),
        reason: if error.is_timeout() {
            format!("nothing within {timeout:?}, as when its database does not answer")
        } else {
            innermost(error)
        },
    };
    let answer = http.get(url.clone()).send().await;
    let answer = answer.map_err(|error| no_answer(&error))?;
    let code = answer.status();
    let text = answer.text().await.map_err(|error| no_answer(&error))?;
    // Not ready is 503 with the same body; another answer with 503 comes from a proxy on the way.
    serde_json::from_str(&text).map_err(|_| ClientError::NotHealth {
        address: url.to_string(),
        reason: format!("HTTP status {code}"),
    })
}
