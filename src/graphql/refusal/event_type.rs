//! Refusals of registrations of event types.

use async_graphql::SimpleObject;

use super::wording::graphql_path;
use crate::graphql::error_code::{ErrorCode, capitalised};
use crate::store;
use crate::stream::shown;

/// There is no event type of this name, or it has no versions.
#[derive(SimpleObject)]
pub(in crate::graphql) struct EventTypeNotFound {
    /// `TYPE_NOT_FOUND`.
    pub(super) code: ErrorCode,
    /// What was given, and what to do.
    pub(super) message: String,
    /// False: the identical request will be refused again, until somebody registers the type.
    pub(super) retryable: bool,
    /// The name.
    pub(super) path: Option<Vec<String>>,
    /// The name.
    pub(super) name: String,
}

/// A registration contradicts what is known of its event type: the type belongs to the server, the version is
/// registered with another schema or upcaster, or two ways between versions would be equally short.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TypeConflict {
    /// `TYPE_CONFLICT`.
    pub(super) code: ErrorCode,
    /// What is known, and what to do.
    pub(super) message: String,
    /// False: the identical request will be refused again.
    pub(super) retryable: bool,
    /// The input that contradicts it.
    pub(super) path: Option<Vec<String>>,
}

impl EventTypeNotFound {
    pub(super) fn new(name: &str) -> Self {
        Self {
            code: ErrorCode::TypeNotFound,
            message: format!(
                "There is no event type {}. Register its version 1 first, with registerEventType.",
                shown(name)
            ),
            retryable: false,
            path: Some(vec!["input".to_owned(), "name".to_owned()]),
            name: name.to_owned(),
        }
    }
}

impl TypeConflict {
    pub(super) fn new(refusal: &store::TypeRefusal) -> Self {
        Self {
            code: ErrorCode::TypeConflict,
            message: capitalised(&refusal.message),
            retryable: false,
            path: Some(graphql_path(&refusal.path)),
        }
    }
}
