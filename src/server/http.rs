//! GraphQL over HTTP: media types, methods, limits and status codes, as the working draft of the
//! specification and the audits of npm's `graphql-http` want them.

use axum::body::BodyDataStream;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::media_type::{self, MediaType};
use super::refusal::Refusal;
use super::{Phase, Server, until, websocket};
use crate::graphql::{Answer, AnswerKind, HttpRequest, Parameters, TraceId};

/// `POST /graphql`.
pub(super) async fn post(State(server): State<Server>, request: Request) -> Response {
    let conversation = Conversation::new(&server, request.headers());
    let (limit, deadline) = (server.inner.options.body_limit_bytes, conversation.deadline);
    let (head, body) = request.into_parts();
    let mut body = body.into_data_stream();
    conversation
        .answer(async {
            let read = match check_body_headers(&server, &head.headers) {
                Ok(()) => read_body(&mut body, limit, deadline).await,
                Err(refusal) => Err(refusal),
            };
            // A client that asked first (`Expect: 100-continue`) has sent nothing yet.
            if read.is_err() && !head.headers.contains_key(header::EXPECT) {
                discard(&mut body, limit, deadline).await;
            }
            Ok((Parameters::Json(read?), false))
        })
        .await
}

/// `GET /graphql`: a query, or the handshake of a WebSocket.
pub(super) async fn get(State(server): State<Server>, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        return websocket::upgrade(server, request).await;
    }
    let conversation = Conversation::new(&server, request.headers());
    let parameters = split_parameters(request.uri());
    conversation.answer(async { Ok((parameters?, true)) }).await
}

/// Any other method on `/graphql`.
pub(super) async fn other_method(method: Method, headers: HeaderMap) -> Response {
    let message = format!("{method} is not supported here: query by GET or POST, mutate by POST.");
    refuse(
        &headers,
        Refusal::invalid(StatusCode::METHOD_NOT_ALLOWED, message)
            .with_header(header::ALLOW, "GET, POST"),
    )
}

/// Any other path.
pub(super) async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    let message = format!(
        "There is nothing at {}; the API is at /graphql.",
        uri.path()
    );
    refuse(&headers, Refusal::invalid(StatusCode::NOT_FOUND, message))
}

/// Refuses a request outside a conversation.
pub(super) fn refuse(headers: &HeaderMap, refusal: Refusal) -> Response {
    let media_type = media_type::negotiate(headers).unwrap_or(MediaType::Json);
    refusal.into_response(media_type, &trace_id(headers))
}

/// What one request and its answer have in common.
struct Conversation<'s> {
    server: &'s Server,
    media_type: Option<MediaType>,
    trace_id: TraceId,
    deadline: Instant,
}

impl<'s> Conversation<'s> {
    fn new(server: &'s Server, headers: &HeaderMap) -> Self {
        Self {
            server,
            media_type: media_type::negotiate(headers),
            trace_id: trace_id(headers),
            deadline: Instant::now() + server.inner.options.request_timeout,
        }
    }

    /// Runs the operation whose parameters (and whether it may only read) `parameters` gives.
    async fn answer(
        &self,
        parameters: impl Future<Output = Result<(Parameters, bool), Refusal>>,
    ) -> Response {
        let Some(media_type) = self.media_type else {
            return not_acceptable().into_response(MediaType::Json, &self.trace_id);
        };
        let answered = async {
            let (parameters, read_only) = parameters.await?;
            self.execute(parameters, read_only).await
        };
        match answered.await {
            Ok(answer) => respond(answer, media_type),
            Err(refusal) => refusal.into_response(media_type, &self.trace_id),
        }
    }

    async fn execute(&self, parameters: Parameters, read_only: bool) -> Result<Answer, Refusal> {
        let trace_id = self.trace_id.clone();
        let request = HttpRequest {
            parameters,
            read_only,
            trace_id,
        };
        // Held until the answer is there: a shutdown waits for it.
        let mut phase = self.server.inner.phase.subscribe();
        let execution = self.server.inner.api.execute(request);
        tokio::select! {
            answer = timeout_at(self.deadline, execution) => answer.map_err(|_| out_of_time()),
            () = until(&mut phase, Phase::Ended) => Err(shutting_down()),
        }
    }
}

fn respond(answer: Answer, media_type: MediaType) -> Response {
    let status = match (answer.kind, media_type) {
        (AnswerKind::Executed, _) | (AnswerKind::RequestError, MediaType::Json) => StatusCode::OK,
        (AnswerKind::RequestError, MediaType::GraphqlResponse)
        | (AnswerKind::BadJson | AnswerKind::Malformed, _) => StatusCode::BAD_REQUEST,
        (AnswerKind::MutationOverGet, _) => StatusCode::METHOD_NOT_ALLOWED,
        (AnswerKind::Failed, _) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let content_type = (header::CONTENT_TYPE, media_type.content_type());
    let mut response = (status, [content_type], answer.body).into_response();
    let headers = response.headers_mut();
    // An answer is as old as the head that it was read at: no cache may give it again.
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    if answer.kind == AnswerKind::MutationOverGet {
        headers.insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    }
    response
}

fn check_body_headers(server: &Server, headers: &HeaderMap) -> Result<(), Refusal> {
    if !media_type::is_json(headers) {
        let message = "The body must be JSON in UTF-8: send Content-Type: application/json.";
        return Err(Refusal::invalid(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message,
        ));
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "The body must not be compressed.";
        return Err(Refusal::invalid(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message,
        ));
    }
    let limit = server.inner.options.body_limit_bytes;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > limit => Err(too_large(limit, &format!("{length} bytes"))),
        _ => Ok(()),
    }
}

async fn read_body(
    body: &mut BodyDataStream,
    limit: usize,
    deadline: Instant,
) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    loop {
        let chunk = timeout_at(deadline, body.next()).await.map_err(|_| {
            let message = "The body did not arrive in time.";
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
        })?;
        let chunk = match chunk {
            Some(Ok(chunk)) => chunk,
            Some(Err(_)) => {
                let message = "The body ended before it was complete.";
                return Err(Refusal::invalid(StatusCode::BAD_REQUEST, message));
            }
            None => return Ok(whole.freeze()),
        };
        if whole.len() + chunk.len() > limit {
            return Err(too_large(limit, "more"));
        }
        whole.extend_from_slice(&chunk);
    }
}

/// Reads a refused body to its end, for up to a few times the limit. A client looks for the answer when it
/// has sent everything; a connection that is closed before shows it a broken pipe instead of the refusal.
async fn discard(body: &mut BodyDataStream, limit: usize, deadline: Instant) {
    let mut discarded = 0;
    while discarded <= limit.saturating_mul(4) {
        match timeout_at(deadline, body.next()).await {
            Ok(Some(Ok(chunk))) => discarded += chunk.len(),
            Ok(Some(Err(_)) | None) | Err(_) => return,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SplitParameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

fn split_parameters(uri: &Uri) -> Result<Parameters, Refusal> {
    let Query(split) = Query::<SplitParameters>::try_from_uri(uri).map_err(|rejection| {
        let message = format!("The parameters in the address cannot be read: {rejection}");
        Refusal::invalid(StatusCode::BAD_REQUEST, message)
    })?;
    let SplitParameters {
        query,
        operation_name,
        variables,
        extensions,
    } = split;
    Ok(Parameters::Split {
        query,
        operation_name,
        variables,
        extensions,
    })
}

fn trace_id(headers: &HeaderMap) -> TraceId {
    let traceparent = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    traceparent
        .and_then(TraceId::from_traceparent)
        .unwrap_or_else(TraceId::fresh)
}

fn not_acceptable() -> Refusal {
    let message = "Answers are application/graphql-response+json or application/json: accept one.";
    Refusal::invalid(StatusCode::NOT_ACCEPTABLE, message)
}

fn too_large(limit: usize, found: &str) -> Refusal {
    let message = format!("The limit for a body is {limit} bytes; this one has {found}.");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED", message)
}

fn out_of_time() -> Refusal {
    let message = "The operation took too long and was stopped. Whether a mutation took effect is \
                   unknown; sending it again with the same event ids is safe.";
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", message)
}

fn shutting_down() -> Refusal {
    let message = "The server is shutting down and stopped the operation. Whether a mutation took \
                   effect is unknown; sending it again with the same event ids is safe.";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", message)
        .with_header(header::RETRY_AFTER, "1")
}

#[cfg(test)]
mod tests;
