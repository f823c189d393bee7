//! What an event of the log means to a projection.

use std::collections::BTreeSet;

use gamebot::event::{Decoded, Event};

use super::tables::Target;
use crate::event::{RecordedEvent, life};
use crate::store::DatabaseError;
use crate::stream::StreamName;

/// What there is to do about an event.
pub(super) enum Meaning {
    /// It says this.
    Says(Box<Event>),
    /// What a stream has said so far does not count any more: it was deleted, or ended for ever.
    Ends(StreamName),
    /// Nothing: it is of no type that is wanted, of a version that is not known, or its payload is removed.
    Nothing,
}

/// What an event means to a projection that wants these types in streams of these categories; or why it
/// cannot be used.
pub(super) fn meaning(
    event: &RecordedEvent,
    categories: &[&str],
    types: &[&str],
) -> Result<Meaning, String> {
    if let Some(stream) = event.stream.lives() {
        let ends = [life::DELETED, life::TOMBSTONED].contains(&event.event_type.as_str());
        let is_wanted = categories.contains(&stream.category());
        return Ok(if ends && is_wanted {
            Meaning::Ends(stream)
        } else {
            Meaning::Nothing
        });
    }
    let Some(data) = event.data.as_deref() else {
        return Ok(Meaning::Nothing);
    };
    // Asked first: most events of a category may be of no interest, and are not worth being read. What a stream
    // of another category says would not go with that stream.
    let is_wanted =
        types.contains(&event.event_type.as_str()) && categories.contains(&event.stream.category());
    if !is_wanted {
        return Ok(Meaning::Nothing);
    }
    match Event::decode(event.event_type.as_str(), event.schema_version, data) {
        Decoded::Known(known) => Ok(Meaning::Says(Box::new(known))),
        Decoded::Unknown => Ok(Meaning::Nothing),
        Decoded::Undecodable(failure) => Err(failure.to_string()),
    }
}

/// The most characters of a text that is part of a key. PostgreSQL refuses keys of more than 2,704 bytes, and
/// an event that can never be written would stop its projection for ever.
const MOST_KEY_CHARACTERS: usize = 200;

/// Whether a text that an event brings can be part of a key.
pub(super) fn check_key(name: &str, text: &str) -> Result<(), String> {
    let characters = text.chars().count();
    if characters <= MOST_KEY_CHARACTERS {
        return Ok(());
    }
    Err(format!(
        "`{name}` has {characters} characters; a key has at most {MOST_KEY_CHARACTERS}"
    ))
}

/// Removes the rows that came from streams which have ended.
pub(super) async fn remove_streams(
    target: &Target<'_>,
    tables: &[&str],
    streams: &BTreeSet<String>,
) -> Result<(), DatabaseError> {
    let streams: Vec<&String> = streams.iter().collect();
    for chunk in streams.chunks(MOST_STREAMS) {
        let marks = vec!["?"; chunk.len()].join(", ");
        for table in tables {
            let delete = format!("DELETE FROM {{{table}}} WHERE stream IN ({marks})");
            let keys = chunk.iter().map(|stream| stream.as_str().into());
            target.execute(&delete, keys.collect()).await?;
        }
    }
    Ok(())
}

/// The most streams in one statement.
const MOST_STREAMS: usize = 64;
