//! Holds the events of an append against the schemas of their types (rule V4).

use std::borrow::Cow;
use std::collections::HashSet;

use super::{MOST_VIOLATIONS, PreparedAppend};
use crate::event::{EventType, PreparedEvent};
use crate::registry::{Registry, SchemaViolation, Verdict};
use crate::store::refusal::{InputPath, Refusal, Violation, ViolationKind};

/// The types of events that would be refused because the registry does not know them, or their version.
pub(in crate::store) fn missed_types(
    append: &PreparedAppend,
    registry: &Registry,
) -> HashSet<EventType> {
    let mut missed = HashSet::new();
    for stream in &append.streams {
        for event in &stream.events {
            let event_type = &event.event_type;
            let category = stream.name.category();
            if !missed.contains(event_type)
                && registry.misses(category, event_type.as_str(), event.schema_version)
            {
                missed.insert(event_type.clone());
            }
        }
    }
    missed
}

/// The refusal of an append whose events break the schemas of their types, if they do. It stands unless the
/// append is a retry, or its streams refuse it first (rule A3).
pub(in crate::store) fn judge_schemas(
    append: &PreparedAppend,
    registry: &Registry,
) -> Option<Refusal> {
    let mut violations = Vec::new();
    for (stream_index, event_index, event) in append.events() {
        let category = append.streams.get(stream_index)?.name.category();
        let most = MOST_VIOLATIONS.saturating_sub(violations.len());
        if most == 0 {
            break;
        }
        let verdict = registry.judge(
            category,
            event.event_type.as_str(),
            event.schema_version,
            &event.data,
            most,
        );
        let place = |field: &str| append.path(stream_index, Some(event_index), field);
        match verdict {
            Verdict::Accepted => {}
            Verdict::Violations(found) => {
                violations.extend(found.into_iter().map(|found| broken(found, place("data"))));
            }
            Verdict::UnknownType { nearest } => {
                violations.push(unknown_type(event, category, &nearest, place("type")));
            }
            Verdict::UnknownVersion {
                newest,
                is_built_in,
            } => {
                let path = place("schemaVersion");
                violations.push(unknown_version(event, newest, is_built_in, path));
            }
        }
    }
    (!violations.is_empty()).then_some(Refusal::InvalidEvents(violations))
}

fn broken(found: SchemaViolation, mut path: InputPath) -> Violation {
    path.field.extend(found.steps);
    Violation {
        kind: ViolationKind::Data,
        path,
        rule: Cow::Owned(found.keyword),
        message: found.message,
    }
}

fn unknown_type(
    event: &PreparedEvent,
    category: &str,
    nearest: &[String],
    path: InputPath,
) -> Violation {
    let meant = match nearest {
        [] => String::new(),
        names => format!(" Did you mean {}?", names.join(" or ")),
    };
    Violation {
        kind: ViolationKind::UnknownType,
        path,
        rule: Cow::Borrowed("known type"),
        message: format!(
            "the event type `{}` is not known.{meant} Register it with registerEventType, or open the category \
             `{category}` to unknown types (schema.open_categories).",
            event.event_type
        ),
    }
}

fn unknown_version(
    event: &PreparedEvent,
    newest: i32,
    is_built_in: bool,
    path: InputPath,
) -> Violation {
    let (event_type, version) = (&event.event_type, event.schema_version);
    let remedy = if is_built_in {
        "Send a version that it has: the type belongs to this server, and only a newer release can bring another."
            .to_owned()
    } else {
        format!(
            "Send a version that it has, or register version {} with registerEventType.",
            newest + 1
        )
    };
    Violation {
        kind: ViolationKind::UnknownType,
        path,
        rule: Cow::Borrowed("known version"),
        message: format!(
            "the event type `{event_type}` has no version {version}; its newest is {newest}. {remedy}"
        ),
    }
}
