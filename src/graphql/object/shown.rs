//! The data of an event in the schema version that its reader asked for.

use std::sync::Arc;

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
    /// Why it could not.
    pub(super) problem: Option<UpcastError>,
}

impl ShownData {
    pub(super) fn of(event: &RecordedEvent, choice: SchemaChoice, registry: &Registry) -> Self {
        let stored = Self {
            version: event.schema_version,
            text: event.data.clone(),
            problem: None,
        };
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
                problem: Some(problem),
                ..stored
            },
        }
    }
}
