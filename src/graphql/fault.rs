//! How errors leave the server: every one with `extensions { code, retryable, traceId }`, none with
//! internals.
//!
//! An error reaches this file in one of four ways:
//!
//! 1. The transport refused the request itself: a [`Fault`], which knows its code.
//! 2. A resolver made an error and set `extensions.code`: its code and message are kept.
//! 3. The executor refused the request before running it (validation). Such errors have no path and
//!    come without data; they describe the client's document, so the message is kept, under
//!    `GRAPHQL_VALIDATION_FAILED`.
//! 4. Something failed while running, without a code. If the executor could not turn an argument
//!    into its Rust type, the message describes the client's value and is kept, under
//!    `INVALID_ARGUMENT`. Everything else was never meant for a client (a database's text, a path):
//!    it is logged under the trace id and replaced by a sentence that quotes that id.
//!
//! The executor marks coercion errors in no other way than by their wording, which is fixed by the
//! exactly pinned version of the library; tests here fail when an upgrade changes it. A message
//! that merely looks like one cannot come from a failed `?`, because that leaves its source behind.

use std::fmt::Display;

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value};
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::spelling;

/// The codes that the transport gives by itself; resolvers have their own closed list.
pub(super) mod code {
    pub(in crate::graphql) const GRAPHQL_PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    pub(in crate::graphql) const GRAPHQL_VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    pub(in crate::graphql) const INVALID_ARGUMENT: &str = "INVALID_ARGUMENT";
    pub(in crate::graphql) const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    pub(in crate::graphql) const INTERNAL: &str = "INTERNAL";
}

/// Errors in one answer: a document that is wrong everywhere says so twenty times.
const MAX_ERRORS: usize = 20;

/// Characters in one message: the library quotes the client's own text, which may be long.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// The beginnings of every message with which the library reports an argument that it could not
/// turn into its type.
const COERCION_MESSAGES: [&str; 3] = ["Expected input type \"", "Failed to parse \"", "Variable "];

/// Names one request in the logs and in its answer, so that a user can quote it and an operator
/// can find it: 32 hexadecimal digits, as in the W3C trace context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// A fresh id, for a request that brought none.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// Takes the trace id out of a W3C `traceparent` header, `00-<32 hex digits>-<16>-<2>`. `None`
    /// if the header has another form or the id is the invalid one, all zeros.
    #[must_use]
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let id = header.split('-').nth(1)?;
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let valid = id.len() == 32 && id.bytes().all(lower_hex) && id.bytes().any(|b| b != b'0');
        valid.then(|| Self(id.to_owned()))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for TraceId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why the transport refuses a request before the executor sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) locations: Vec<Pos>,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            locations: Vec::new(),
        }
    }

    /// A document that the grammar accepts and the rules of GraphQL do not.
    pub(super) fn invalid(message: impl Into<String>, position: Pos) -> Self {
        Self {
            locations: vec![position],
            ..Self::new(code::GRAPHQL_VALIDATION_FAILED, message)
        }
    }

    /// A limit, with its value and the value found: a client can do nothing with less.
    pub(super) fn limit(what: &str, found: usize, limit: usize) -> Self {
        let found = if found == usize::MAX {
            "too many to count".to_owned()
        } else {
            found.to_string()
        };
        Self::new(
            code::LIMIT_EXCEEDED,
            format!("The limit for {what} is {limit}; this document has {found}."),
        )
    }

    pub(super) fn into_response(self) -> Response {
        let mut error = ServerError::new(self.message, None);
        error.locations = self.locations;
        error.extensions = Some(with_code(self.code));
        Response::from_errors(vec![error])
    }
}

/// The answer to an operation whose resolver panicked. What it said is for the log alone.
pub(super) fn panic_response(panic: &(dyn std::any::Any + Send), trace_id: &TraceId) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned());
    tracing::error!(%trace_id, panic = said, "a resolver panicked");
    let mut error = ServerError::new(masked_message(trace_id), None);
    error.extensions = Some(with_code(code::INTERNAL));
    Response::from_errors(vec![error])
}

/// Gives every error of a response its extensions, masks what is internal, and cuts what is long.
pub(super) fn finish(response: &mut Response, trace_id: &TraceId) {
    let refused = is_request_error(response);
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        if code_of(error).is_none() {
            classify(error, refused, trace_id);
        }
        complete(error, trace_id);
    }
}

/// Whether the executor refused the request instead of running it: then `data` must be absent from
/// the answer, although the library writes `null`. Every error of a field that ran has a path.
pub(super) fn is_request_error(response: &Response) -> bool {
    !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

fn classify(error: &mut ServerError, refused: bool, trace_id: &TraceId) {
    let code = if refused {
        code::GRAPHQL_VALIDATION_FAILED
    } else if is_coercion_error(error) {
        code::INVALID_ARGUMENT
    } else {
        tracing::error!(%trace_id, path = ?error.path, error = error.message, "a resolver failed");
        error.message = masked_message(trace_id);
        code::INTERNAL
    };
    spelling::explain(&mut error.message);
    error.extensions.get_or_insert_default().set("code", code);
}

fn is_coercion_error(error: &ServerError) -> bool {
    error.source.is_none()
        && error.extensions.is_none()
        && COERCION_MESSAGES
            .iter()
            .any(|beginning| error.message.starts_with(beginning))
}

fn complete(error: &mut ServerError, trace_id: &TraceId) {
    if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
        error.message.truncate(end);
        error.message.push('…');
    }
    let retryable = code_of(error).is_some_and(is_retryable);
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("retryable").is_none() {
        extensions.set("retryable", retryable);
    }
    extensions.set("traceId", trace_id.as_str());
}

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        Value::Enum(code) => Some(code),
        _ => None,
    }
}

/// Whether the identical request may succeed later, for errors whose resolver did not say so.
fn is_retryable(code: &str) -> bool {
    matches!(
        code,
        "CONNECTION_ERROR"
            | "TIMEOUT"
            | "CIRCUIT_OPEN"
            | "OVERLOADED"
            | "RATE_LIMITED"
            | "SUBSCRIBER_TOO_SLOW"
    )
}

fn with_code(code: &str) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    extensions
}

fn masked_message(trace_id: &TraceId) -> String {
    format!("The server failed to answer this. Its log tells why under the trace id {trace_id}.")
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: &'a std::collections::BTreeMap<String, Value>,
}

/// The JSON of a finished response; without `data` if the request was refused.
pub(super) fn body(response: &Response, with_data: bool) -> Bytes {
    let body = Body {
        errors: &response.errors,
        data: with_data.then_some(&response.data),
        extensions: &response.extensions,
    };
    // A value tree of strings, numbers, lists and maps with string keys always has a JSON form.
    serde_json::to_vec(&body).unwrap_or_default().into()
}

/// The body of an answer that a layer outside GraphQL gives (wrong media type, body too large, out
/// of time), in the shape of a GraphQL error: `{"errors":[{message, extensions}]}`. `code` is one
/// of the API's error codes.
#[must_use]
pub fn error_body(code: &'static str, message: &str, trace_id: &TraceId) -> Bytes {
    let mut response = Fault::new(code, message).into_response();
    finish(&mut response, trace_id);
    body(&response, false)
}

#[cfg(test)]
mod tests {
    use async_graphql::PathSegment;

    use super::*;

    fn executed(error: ServerError) -> Response {
        Response::from_errors(vec![
            error.with_path(vec![PathSegment::Field("field".to_owned())]),
        ])
    }

    fn finished(mut response: Response) -> ServerError {
        finish(&mut response, &TraceId("t".to_owned()));
        response.errors.remove(0)
    }

    #[test]
    fn an_error_without_code_from_a_resolver_is_masked() {
        let error = finished(executed(ServerError::new("no such table: events", None)));
        assert_eq!(code_of(&error), Some("INTERNAL"));
        assert!(!error.message.contains("table"));
        assert!(error.message.contains("trace id t"));
    }

    #[test]
    fn an_error_with_code_keeps_its_message() {
        let mut error = ServerError::new("the store is away", None);
        error.extensions = Some(with_code("CONNECTION_ERROR"));
        let error = finished(executed(error));
        assert_eq!(error.message, "the store is away");
        let extensions = error.extensions.unwrap();
        assert_eq!(extensions.get("retryable"), Some(&Value::from(true)));
        assert_eq!(extensions.get("traceId"), Some(&Value::from("t")));
    }

    #[test]
    fn long_messages_are_cut_and_many_errors_dropped() {
        let errors = vec![ServerError::new("ä".repeat(5_000), None); 30];
        let mut response = Response::from_errors(errors);
        finish(&mut response, &TraceId("t".to_owned()));
        assert_eq!(response.errors.len(), MAX_ERRORS);
        assert_eq!(
            response.errors[0].message.chars().count(),
            MAX_MESSAGE_CHARS + 1
        );
        assert_eq!(
            code_of(&response.errors[0]),
            Some("GRAPHQL_VALIDATION_FAILED")
        );
    }

    #[test]
    fn a_traceparent_gives_its_trace_id_and_nothing_else_does() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let header = format!("00-{id}-00f067aa0ba902b7-01");
        assert_eq!(TraceId::from_traceparent(&header).unwrap().as_str(), id);
        assert_eq!(TraceId::from_traceparent("00-xyz-1-01"), None);
        assert_eq!(
            TraceId::from_traceparent(&format!("00-{}-1-01", "0".repeat(32))),
            None
        );
    }
}
