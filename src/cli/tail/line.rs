//! One event as one line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::CliError;

/// Longest part of the data in a line, in characters.
const DATA_CHARACTERS: usize = 100;
/// Fields that say what the rest of the line says, or the same in every line.
const REPEATED_FIELDS: [&str; 4] = ["game_id", "guild_id", "mode", "timestamp"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventFields<'a> {
    position: u64,
    stream_name: String,
    stream_version: i32,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    recorded_at: String,
}

/// Position, time, stream@version, type and a part of the data.
pub(super) fn of_event(event: &RawValue) -> Result<String, CliError> {
    let fields: EventFields<'_> = serde_json::from_str(event.get()).map_err(|error| {
        CliError::Failed(format!(
            "the server sent an event that cannot be read: {error}"
        ))
    })?;
    let line = format!(
        "{:>8}  {}  {}@{}  {}  {}",
        fields.position,
        fields.recorded_at,
        fields.stream_name,
        fields.stream_version,
        fields.event_type,
        fields.data.map_or_else(|| "(no data)".to_owned(), short)
    );
    // What a writer put into an event must not steer the reader's terminal.
    Ok(line.replace(char::is_control, "\u{fffd}"))
}

/// The fields of the data that tell something, as `name=value`, cut to a bearable length.
fn short(data: &RawValue) -> String {
    let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(data.get()) else {
        return cut(data.get());
    };
    let telling: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !REPEATED_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", value.get()))
        .collect();
    cut(&telling.join(" "))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(DATA_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
