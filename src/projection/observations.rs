//! The read models `error_log` and `stream_health`: what was observed about the bot and its games.
//!
//! Errors are counted for each stream by itself (`error_part`), and the parts are summed up by guild, day and
//! code (`error_log`). When a stream ends, its parts go, and the sums that they were in are made anew from the
//! parts that are left; so a rebuild, which never sees them, comes to the same sums.

mod errors;
mod health;
mod query;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use health::RecoveryState;
pub use query::{ErrorFilter, ErrorSum, QuarantinedEvent, RecoveryReport, StreamHealth};

use super::kind::Projector;
use super::meaning::{Meaning, meaning, remove_streams};
use super::tables::{Layout, Target};
use crate::event::RecordedEvent;
use crate::store::DatabaseError;
use errors::Errors;
use health::Health;

pub(super) static LAYOUT: Layout = Layout {
    tables: &["error_log", "error_part", "recovery", "quarantined"],
    creations: &[
        // The key is guild, day and code as a JSON list: a guild may be null, and a key may not.
        "CREATE TABLE {error_log} (
            error_key {text} NOT NULL PRIMARY KEY, guild_id {text}, day {text} NOT NULL, code {text} NOT NULL,
            count BIGINT NOT NULL, last_at BIGINT NOT NULL, last_position BIGINT NOT NULL,
            last_part {text} NOT NULL)",
        // The stream and the key of the sum, each for itself and, as one column to look up, together.
        "CREATE TABLE {error_part} (
            part_key {text} NOT NULL PRIMARY KEY, stream {text} NOT NULL, error_key {text} NOT NULL,
            version INTEGER NOT NULL, guild_id {text}, day {text} NOT NULL, code {text} NOT NULL,
            count BIGINT NOT NULL, last_at BIGINT NOT NULL, last_position BIGINT NOT NULL,
            sample_type {text} NOT NULL, sample {text} NOT NULL, retriable INTEGER)",
        // These two serve the ends of streams, and so are needed from the beginning.
        "CREATE INDEX {error_part_stream_index} ON {error_part} (stream)",
        "CREATE INDEX {error_part_key_index} ON {error_part} (error_key)",
        // The stream that observes and the one that is observed are two: a game's log and the game.
        "CREATE TABLE {recovery} (
            stream {text} NOT NULL, subject {text} NOT NULL, version INTEGER NOT NULL, guild_id {text},
            position BIGINT NOT NULL, state INTEGER NOT NULL, attempt INTEGER NOT NULL, started_at BIGINT,
            ended_at BIGINT, report {text} NOT NULL, PRIMARY KEY (stream, subject))",
        "CREATE TABLE {quarantined} (
            stream {text} NOT NULL, version INTEGER NOT NULL, subject {text} NOT NULL, guild_id {text},
            position BIGINT NOT NULL, subject_version INTEGER NOT NULL, reason {text} NOT NULL, detail {text},
            at BIGINT NOT NULL, PRIMARY KEY (stream, version))",
    ],
    indexes: &[
        "CREATE INDEX IF NOT EXISTS {error_log_day_index} ON {error_log} (day, error_key)",
        "CREATE INDEX IF NOT EXISTS {error_log_guild_index} ON {error_log} (guild_id, day, error_key)",
        "CREATE INDEX IF NOT EXISTS {recovery_subject_index} ON {recovery} (subject)",
        "CREATE INDEX IF NOT EXISTS {quarantined_subject_index} ON {quarantined} (subject, subject_version)",
    ],
};

/// Where observations stand: in logs of their own, and, in games of old, in the game's stream.
const CATEGORIES: [&str; 3] = ["gamelog", "botlog", "game"];

/// The types of events that are observations.
pub(super) const TYPES: [&str; 10] = [
    "command_error",
    "system_error",
    "guess_error",
    "guess_pair_error",
    "game_error",
    "round_check_error",
    "session_recovery_started",
    "session_recovered",
    "session_recovery_failed",
    "event_quarantined",
];

/// Keeps nothing from one batch to the next.
#[derive(Default)]
pub(super) struct Observations;

impl Projector for Observations {
    fn apply<'a>(
        &'a mut self,
        events: &'a [Arc<RecordedEvent>],
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(apply(events, target))
    }
}

async fn apply(
    events: &[Arc<RecordedEvent>],
    target: &mut Target<'_>,
) -> Result<(), DatabaseError> {
    // Most events of games are no observations, so they are read first, and then only the rows they concern.
    let mut said = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match meaning(event, &CATEGORIES, &TYPES) {
            Ok(Meaning::Nothing) => {}
            Ok(meaning) => said.push((index, meaning)),
            Err(reason) => target.fault(index, event, &reason),
        }
    }
    let observed = said.iter().filter_map(|(index, meaning)| match meaning {
        Meaning::Says(said) => Some((events[*index].as_ref(), said.as_ref())),
        Meaning::Ends(_) | Meaning::Nothing => None,
    });
    let observed: Vec<_> = observed.collect();
    let mut errors = Errors::read(&observed, target).await?;
    let mut health = Health::read(&observed, target).await?;
    let mut ended = BTreeSet::new();
    for (index, meaning) in &said {
        let event = &events[*index];
        let done = match meaning {
            Meaning::Nothing => Ok(()),
            Meaning::Ends(stream) => {
                errors.end(stream.as_str());
                health.end(stream.as_str());
                ended.insert(stream.as_str().to_owned());
                Ok(())
            }
            Meaning::Says(said) => errors
                .fold(event, said)
                .and_then(|()| health.fold(event, said)),
        };
        if let Err(reason) = done {
            target.fault(*index, event, &reason);
        }
    }
    let sums_to_mend = errors::sums_of(&ended, target).await?;
    let tables = ["error_part", "recovery", "quarantined"];
    remove_streams(target, &tables, &ended).await?;
    health.write(target).await?;
    errors.write(&sums_to_mend, target).await
}
