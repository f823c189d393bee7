use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ClientError, Endpoint, GraphqlError};

/// Longer than the server's own deadline, so that its answer is heard before we give up on it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends queries and mutations.
#[derive(Clone, Debug)]
pub struct GraphqlClient {
    http: reqwest::Client,
    endpoint: Endpoint,
}

#[derive(Serialize)]
struct RequestBody<'a, V> {
    query: &'a str,
    variables: &'a V,
}

#[derive(Deserialize)]
struct ResponseBody<D> {
    data: Option<D>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

impl GraphqlClient {
    /// A client of the server at `endpoint`. It connects with the first request.
    pub fn new(endpoint: Endpoint) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .tcp_nodelay(true)
            // The environment's proxy is for the outer world, not for the machine's own server.
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Address {
                address: endpoint.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self { http, endpoint })
    }

    /// The address of the server.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Executes one query or mutation.
    ///
    /// Raw JSON text in `variables` is sent as it is, and raw JSON text in `D` is kept as it came:
    /// nothing on the way parses numbers or reorders keys.
    pub async fn execute<V: Serialize, D: DeserializeOwned>(
        &self,
        query: &str,
        variables: &V,
    ) -> Result<D, ClientError> {
        let body = serde_json::to_string(&RequestBody { query, variables })
            .map_err(|error| self.not_graphql(format!("unsendable variables: {error}"), false))?;
        let answer = self
            .http
            .post(self.endpoint.http())
            .header(CONTENT_TYPE, "application/json")
            .header(
                ACCEPT,
                "application/graphql-response+json, application/json;q=0.9",
            )
            .body(body)
            .send()
            .await
            .map_err(|error| self.no_answer(&error))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| self.no_answer(&error))?;
        let response: ResponseBody<D> = serde_json::from_str(&text).map_err(|error| {
            let reason = if status.is_success() {
                error.to_string()
            } else {
                format!("HTTP status {status}")
            };
            self.not_graphql(reason, status.is_server_error())
        })?;
        if let Some(error) = response.errors.into_iter().next() {
            return Err(error.into());
        }
        response.data.ok_or_else(|| {
            self.not_graphql(
                format!("HTTP status {status} with neither data nor errors"),
                false,
            )
        })
    }

    fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        ClientError::NoAnswer {
            address: self.endpoint.to_string(),
            reason: innermost(error),
        }
    }

    fn not_graphql(&self, reason: String, retryable: bool) -> ClientError {
        ClientError::NotGraphql {
            address: self.endpoint.to_string(),
            reason,
            retryable,
        }
    }
}

/// The cause at the bottom, such as "Connection refused": the layers above it only say that
/// sending failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
