//! The read models `error_log` and `stream_health`: what was observed about the bot and its games.
//!
//! Errors are counted for each stream by itself (`error_part`), and the parts are summed up by guild, day and
//! code (`error_log`). When a stream ends, its parts go, and the sums that they were in are made anew from the
//! parts that are left; so a rebuild, which never sees them, comes to the same sums.

mod errors;
mod health;
mod query;

use std::collections::BTreeSet;

use gamebot::event::Event;

pub use health::RecoveryState;
pub use query::{ErrorFilter, ErrorSum, QuarantinedEvent, RecoveryReport, StreamHealth};

use super::batch::{Said, StreamRows};
use super::meaning::remove_streams;
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

/// What a batch of events observes.
pub(super) struct Observations {
    errors: Errors,
    health: Health,
}

impl StreamRows for Observations {
    /// Observations stand in logs of their own, and, in games of old, in the game's stream.
    const CATEGORIES: &'static [&'static str] = &["gamelog", "botlog", "game"];
    const TYPES: &'static [&'static str] = &TYPES;

    async fn read(said: &[Said<'_>], target: &Target<'_>) -> Result<Self, DatabaseError> {
        Ok(Self {
            errors: Errors::read(said, target).await?,
            health: Health::read(said, target).await?,
        })
    }

    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        self.errors.fold(event, said)?;
        self.health.fold(event, said)
    }

    fn end(&mut self, stream: &str) {
        self.errors.end(stream);
        self.health.end(stream);
    }

    async fn write(
        self,
        ended: &BTreeSet<String>,
        target: &Target<'_>,
    ) -> Result<(), DatabaseError> {
        let sums_to_mend = errors::sums_of(ended, target).await?;
        let tables = ["error_part", "recovery", "quarantined"];
        remove_streams(target, &tables, ended).await?;
        self.health.write(target).await?;
        self.errors.write(&sums_to_mend, target).await
    }
}
