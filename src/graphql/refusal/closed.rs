//! Streams that do not take what the request has for them.

use super::StreamNotFound;
use crate::graphql::error_code::ErrorCode;
use crate::store;
use crate::stream::StreamName;

impl StreamNotFound {
    /// The refusal of what names no stream that the caller may see, in a field of `input`.
    pub(in crate::graphql) fn of(stream: &StreamName, field: &str) -> Self {
        stream_not_found(stream, vec!["input".to_owned(), field.to_owned()])
    }
}

pub(super) fn stream_not_found(stream: &StreamName, path: Vec<String>) -> StreamNotFound {
    StreamNotFound {
        code: ErrorCode::StreamNotFound,
        message: format!("There is no stream {stream}: it never had an event. Check its name."),
        retryable: false,
        path: Some(path),
        stream: stream.to_string(),
    }
}

pub(super) fn deleted(closed: &store::ClosedStream) -> String {
    let remedy = if closed.of_change {
        "Append to it first, which reopens it, or tombstone it."
    } else {
        "STREAM_EXISTS was expected; expect ANY, NO_STREAM or its exact version to reopen it."
    };
    format!("The stream {} is deleted. {remedy}", closed.stream)
}

pub(super) fn tombstoned(closed: &store::ClosedStream) -> String {
    let remedy = if closed.of_change {
        "nothing about it can change any more."
    } else {
        "nothing can be appended to it. Use a stream of another name."
    };
    format!("The stream {} is ended for ever: {remedy}", closed.stream)
}

pub(super) fn archived(closed: &store::ClosedStream) -> String {
    let remedy = if closed.of_change {
        "it cannot be deleted before it is unarchived. A tombstone would end it as it is."
    } else {
        "it takes no events until it is unarchived."
    };
    format!("The stream {} is archived: {remedy}", closed.stream)
}
