//! The data of an event in the schema version that its reader asked for.

use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::event::RecordedEvent;
use crate::graphql::schema_choice::SchemaChoice;
use crate::registry::{Registry, UpcastError};

/// An event's data as it is shown.
#[derive(Clone, Debug)]
pub(super) struct ShownData {
    /// The version of `text`.
    pub(super) version: i32,
    /// The data; `None` where it is removed. Where it could not be brought into the version asked for, it is
    /// as it was stored.
    pub(super) text: Option<Arc<str>>,
    /// Why it could not, or why it cannot be shown as JSON at all.
    pub(super) problem: Option<Problem>,
}

/// Why data is not shown.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// It could not be brought into the version that was asked for.
    Upcast(UpcastError),
    /// What is stored is not JSON: somebody has changed it. Where JSON is copied into an answer as it is stored, one
    /// such text would make the whole answer unreadable.
    NotJson(String),
}

/// Why a stored text is not JSON; `None` if it is.
pub(super) fn json_fault(text: &str) -> Option<String> {
    let read = serde_json::from_str::<IgnoredAny>(text);
    read.err().map(|error| error.to_string())
}

impl ShownData {
    pub(super) fn of(event: &RecordedEvent, choice: SchemaChoice, registry: &Registry) -> Self {
        let stored = Self {
            version: event.schema_version,
            text: event.data.clone(),
            problem: None,
        };
        if let Some(reason) = event.data.as_deref().and_then(json_fault) {
            return Self {
                problem: Some(Problem::NotJson(reason)),
                ..stored
            };
        }
        let wanted = match choice {
            SchemaChoice::Stored => return stored,
            SchemaChoice::Newest => None,
            SchemaChoice::Version(version) => Some(version),
        };
        let Some(data) = event.data.as_deref() else {
            return stored;
        };
        let event_type = event.event_type.as_str();
        match registry.upcast(event_type, event.schema_version, wanted, data) {
            Ok(upcast) => Self {
                version: upcast.version,
                text: upcast.data.map(Arc::from).or(stored.text),
                problem: None,
            },
            Err(problem) => Self {
                problem: Some(Problem::Upcast(problem)),
                ..stored
            },
        }
    }
}
