//! Registrations as the data of events.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Change, NewUpcaster, Registration, recorded};
use crate::event::{EventType, RecordedEvent};
use crate::json_text::{JsonLimits, JsonText};

/// The data of the events, in one structure: each type of event has some of the fields.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    event_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patch: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    compatible: bool,
}

/// The data of the event that records a registration.
pub(super) fn recorded_data(
    event_type: &EventType,
    registration: &Registration,
) -> Result<Recorded, serde_json::Error> {
    let mut recorded = Recorded {
        event_type: event_type.to_string(),
        version: None,
        from: None,
        to: None,
        description: None,
        reason: None,
        schema: None,
        patch: None,
        compatible: false,
    };
    let mut upcaster = None;
    match registration {
        Registration::Version {
            version,
            schema,
            upcaster: step,
            description,
        } => {
            recorded.version = Some(*version);
            recorded.schema = Some(compact(schema)?);
            recorded.description.clone_from(description);
            upcaster = step.as_ref();
        }
        Registration::Upcaster {
            from,
            to,
            upcaster: step,
        } => {
            (recorded.from, recorded.to) = (Some(*from), Some(*to));
            upcaster = Some(step);
        }
        Registration::Deprecation { reason } => recorded.reason = Some(reason.clone()),
        Registration::Undeprecation => {}
    }
    match upcaster {
        Some(NewUpcaster::Patch(patch)) => recorded.patch = Some(compact(patch)?),
        Some(NewUpcaster::Compatible) => recorded.compatible = true,
        None => {}
    }
    Ok(recorded)
}

/// White space does not make another registration.
fn compact(json: &str) -> Result<Box<RawValue>, serde_json::Error> {
    let text = JsonText::parse(json, &JsonLimits::default());
    RawValue::from_string(text.map_or_else(|_| json.to_owned(), |text| text.to_string()))
}

/// What an event of a type's reserved stream registers; if it cannot be used, why not.
pub(super) fn read_back(event: &RecordedEvent) -> Result<Change, String> {
    let data = event.data.as_deref().unwrap_or_default();
    let recorded: Recorded = serde_json::from_str(data)
        .map_err(|error| format!("its data is not that of a registration: {error}"))?;
    let missing = |field: &str| format!("its data has no `{field}`");
    let upcaster = match (recorded.patch, recorded.compatible) {
        (Some(patch), _) => Some(NewUpcaster::Patch(patch.get().to_owned())),
        (None, true) => Some(NewUpcaster::Compatible),
        (None, false) => None,
    };
    let registration = match event.event_type.as_str() {
        recorded::TYPE => Registration::Version {
            version: recorded.version.ok_or_else(|| missing("version"))?,
            schema: recorded
                .schema
                .ok_or_else(|| missing("schema"))?
                .get()
                .to_owned(),
            upcaster,
            description: recorded.description,
        },
        recorded::UPCASTER => Registration::Upcaster {
            from: recorded.from.ok_or_else(|| missing("from"))?,
            to: recorded.to.ok_or_else(|| missing("to"))?,
            upcaster: upcaster.ok_or_else(|| missing("patch"))?,
        },
        recorded::DEPRECATED => Registration::Deprecation {
            reason: recorded.reason.ok_or_else(|| missing("reason"))?,
        },
        recorded::UNDEPRECATED => Registration::Undeprecation,
        other => return Err(format!("its type {other} is none of a registration")),
    };
    Change::of(registration).map_err(|refusal| refusal.reason())
}
