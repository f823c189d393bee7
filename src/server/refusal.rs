//! Answers of the front door itself, in the shape of GraphQL errors, so that a client has one
//! place to look for what went wrong.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::media_type::MediaType;
use crate::graphql::{TraceId, error_body};

/// Why a request is not handed to GraphQL, or its answer not awaited.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    pub(super) fn invalid(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "INVALID_ARGUMENT", message)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    pub(super) fn into_response(self, media_type: MediaType, trace_id: &TraceId) -> Response {
        let body = error_body(self.code, &self.message, trace_id);
        let content_type = (header::CONTENT_TYPE, media_type.content_type());
        let mut response = (self.status, [content_type], body).into_response();
        response.headers_mut().extend(self.header);
        response
    }
}
