//! A client for queries and mutations over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

/// How long one request may take.
const REQUEST_DEADLINE: Duration = Duration::from_mins(1);

/// Everything of the payload that the agreed core of the schema promises. `stream` is a name in one
/// member of the union and an object in another, hence the alias.
const APPEND: &str = "mutation Append($input: AppendToStreamInput!) {
  appendToStream(input: $input) {
    __typename
    ... on Appended {
      previousVersion version firstPosition lastPosition duplicate
      stream { name version }
      events { eventId type schemaVersion streamVersion position recordedAt }
    }
    ... on Refusal { code message retryable path }
    ... on WrongExpectedVersion {
      refusedStream: stream
      expected { exactly state }
      actual
      conflictingEvents { eventId type streamVersion position }
    }
    ... on InvalidEvents { violations { index pointer rule message } }
  }
}";

/// A client of one server. Cheap to clone: the clones share their connections.
#[derive(Debug, Clone)]
pub struct GraphqlClient {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// An HTTP answer, not interpreted.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl RawResponse {
    /// The first header of this name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Panics when it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{} with {:?}: {error}", self.status, self.body))
    }
}

/// The condition of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever the stream's state.
    Any,
    /// The stream has no visible events.
    NoStream,
    /// The stream has visible events.
    StreamExists,
    /// The stream is at this version.
    Exactly(i32),
}

impl Expected {
    /// The value of an `ExpectedVersionInput`.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self {
            Self::Any => json!({"state": "ANY"}),
            Self::NoStream => json!({"state": "NO_STREAM"}),
            Self::StreamExists => json!({"state": "STREAM_EXISTS"}),
            Self::Exactly(version) => json!({"exactly": version}),
        }
    }
}

/// A new event whose data and metadata are JSON text, sent to the server letter by letter: for
/// numbers, key orders, escapes and mistakes that a JSON library would not let through.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// The client's id, or none.
    pub event_id: Option<&'a str>,
    /// The event's type.
    pub event_type: &'a str,
    /// The text of `data`.
    pub data: &'a str,
    /// The text of `metadata`, or none.
    pub metadata: Option<&'a str>,
}

/// The body of an `appendToStream` request with `data` and `metadata` spliced in as they are; to be
/// sent with [`GraphqlClient::raw`].
#[must_use]
pub fn append_body(stream: &str, expected: Expected, events: &[RawEvent<'_>]) -> String {
    let events: Vec<String> = events.iter().map(raw_event_text).collect();
    format!(
        r#"{{"query":{},"variables":{{"input":{{"stream":{},"expectedVersion":{},"events":[{}]}}}}}}"#,
        Value::from(APPEND),
        Value::from(stream),
        expected.to_json(),
        events.join(",")
    )
}

fn raw_event_text(event: &RawEvent<'_>) -> String {
    let event_id = event
        .event_id
        .map(|id| format!(r#","eventId":{}"#, Value::from(id)));
    let metadata = event
        .metadata
        .map(|metadata| format!(r#","metadata":{metadata}"#));
    format!(
        r#"{{"type":{},"data":{}{}{}}}"#,
        Value::from(event.event_type),
        event.data,
        event_id.unwrap_or_default(),
        metadata.unwrap_or_default()
    )
}

impl GraphqlClient {
    /// A client of the server at `base_url` (`http://host:port`), whose API is at `/graphql`.
    ///
    /// # Panics
    ///
    /// Panics when the HTTP client cannot be built.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_DEADLINE)
            // A proxy of the environment has no business between a test and its server.
            .no_proxy()
            .build()
            .unwrap_or_else(|error| panic!("the HTTP client: {error}"));
        let url = format!("{}/graphql", base_url.trim_end_matches('/'));
        Self {
            http,
            url,
            token: None,
        }
    }

    /// The same client with a bearer token on every request.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// The address that requests go to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The HTTP client underneath, for requests that no helper makes.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Runs an operation, and returns its `data`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or the answer has errors or no data.
    pub async fn query(&self, text: &str, variables: Value) -> Value {
        let mut response = self.execute(text, variables).await;
        assert!(
            response.get("errors").is_none(),
            "{text}\nwas answered with {response:#}"
        );
        match response.get_mut("data").map(Value::take) {
            Some(data) if !data.is_null() => data,
            _ => panic!("{text}\nwas answered without data: {response:#}"),
        }
    }

    /// Runs an operation that is to fail, and returns its `errors`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or the answer has no errors.
    pub async fn query_for_errors(&self, text: &str, variables: Value) -> Vec<Value> {
        let mut response = self.execute(text, variables).await;
        match response.get_mut("errors").map(Value::take) {
            Some(Value::Array(errors)) if !errors.is_empty() => errors,
            _ => panic!("{text}\nwas answered without errors: {response:#}"),
        }
    }

    /// Runs an operation, and returns the whole answer: `data`, `errors`, `extensions`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or does not answer with JSON.
    pub async fn execute(&self, text: &str, variables: Value) -> Value {
        self.raw(json!({"query": text, "variables": variables}).to_string())
            .await
            .json()
    }

    /// Posts a body as it is, as `application/json`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached or cuts the answer.
    pub async fn raw(&self, body: impl Into<String>) -> RawResponse {
        self.try_raw(body)
            .await
            .unwrap_or_else(|error| panic!("{} gives no answer: {error:?}", self.url))
    }

    /// Like [`GraphqlClient::raw`], for requests that may get no answer.
    pub async fn try_raw(&self, body: impl Into<String>) -> Result<RawResponse, reqwest::Error> {
        let mut request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.body(body.into()).send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let bytes = response.bytes().await?;
        Ok(RawResponse {
            status,
            headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// Appends events (a JSON array of `NewEventInput`), and returns the payload, of whichever type:
    /// see its `__typename`. The name of the stream that a `WrongExpectedVersion` is about is in
    /// `refusedStream`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached, or the answer has errors.
    pub async fn append(&self, stream: &str, expected: Expected, events: Value) -> Value {
        let input = json!({
            "stream": stream,
            "expectedVersion": expected.to_json(),
            "events": events,
        });
        self.query(APPEND, json!({ "input": input })).await["appendToStream"].take()
    }

    /// Appends events, and returns the payload, which is `Appended`.
    ///
    /// # Panics
    ///
    /// Panics when the append is refused, too.
    pub async fn appended(&self, stream: &str, expected: Expected, events: Value) -> Value {
        let payload = self.append(stream, expected, events).await;
        assert_eq!(
            payload["__typename"], "Appended",
            "append to {stream}: {payload:#}"
        );
        payload
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with `answer`; the task's result is the request.
    async fn answering(answer: &'static str) -> (GraphqlClient, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            while !is_complete(&request) {
                let mut chunk = [0; 4096];
                let length = stream.read(&mut chunk).await.unwrap();
                request.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nX-Kept: yes";
            let text = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(text.as_bytes()).await.unwrap();
            request
        });
        (GraphqlClient::new(&base_url), task)
    }

    fn is_complete(request: &str) -> bool {
        let Some((head, body)) = request.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        body.len() == length.unwrap().parse::<usize>().unwrap()
    }

    #[tokio::test]
    async fn a_query_sends_its_text_variables_and_token_and_returns_the_data() {
        let (client, server) = answering(r#"{"data":{"head":{"position":7}}}"#).await;
        let data = client
            .with_token("secret")
            .query("{ head }", json!({"a": [1]}))
            .await;
        assert_eq!(data, json!({"head": {"position": 7}}));
        let request = server.await.unwrap();
        assert!(
            request.starts_with("POST /graphql HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request.contains("content-type: application/json\r\n"),
            "{request}"
        );
        assert!(
            request.contains("authorization: Bearer secret\r\n"),
            "{request}"
        );
        assert!(
            request.ends_with(r#"{"query":"{ head }","variables":{"a":[1]}}"#),
            "{request}"
        );
    }

    #[tokio::test]
    #[should_panic(expected = "the log is on fire")]
    async fn an_answer_with_errors_fails_the_test_with_the_answer() {
        let answer = r#"{"data":{"head":null},"errors":[{"message":"the log is on fire"}]}"#;
        let (client, _server) = answering(answer).await;
        client.query("{ head }", Value::Null).await;
    }

    #[tokio::test]
    async fn expected_errors_are_returned() {
        let (client, _server) = answering(r#"{"errors":[{"message":"no"}]}"#).await;
        let errors = client.query_for_errors("{ head }", Value::Null).await;
        assert_eq!(errors, [json!({"message": "no"})]);
    }

    #[tokio::test]
    async fn a_raw_body_goes_and_comes_as_it_is() {
        let (client, server) = answering("not JSON").await;
        let response = client.raw("neither is this").await;
        assert_eq!((response.status, response.body.as_str()), (200, "not JSON"));
        assert_eq!(response.header("x-kept"), Some("yes"));
        assert!(server.await.unwrap().ends_with("\r\n\r\nneither is this"));
    }

    #[test]
    fn spliced_data_keeps_every_letter() {
        let event = RawEvent {
            event_id: Some("0190d9b1-0000-7000-8000-000000000000"),
            event_type: "GameStarted",
            data: r#"{"b":1.10, "a":18446744073709551616,"a":1E2}"#,
            metadata: Some(r#"{"lone":"\ud800"}"#),
        };
        let body = append_body("game-\"1\"", Expected::Exactly(3), &[event, event]);
        assert_eq!(body.matches(event.data).count(), 2);
        assert_eq!(body.matches(r#""metadata":{"lone":"\ud800"}"#).count(), 2);

        let harmless = RawEvent {
            data: "{}",
            metadata: None,
            ..event
        };
        let parsed: Value =
            serde_json::from_str(&append_body("game-\"1\"", Expected::NoStream, &[harmless]))
                .unwrap();
        let input = &parsed["variables"]["input"];
        assert_eq!(input["stream"], "game-\"1\"");
        assert_eq!(input["expectedVersion"], json!({"state": "NO_STREAM"}));
        assert_eq!(input["events"][0]["eventId"], event.event_id.unwrap());
        assert_eq!(input["events"][0]["type"], "GameStarted");
    }
}
