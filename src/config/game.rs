//! The settings of what is known of the game: the rules on append, and the snapshots of its state.

use super::ConfigError;
use super::reader::{Reader, Shown};
use crate::game::Enforcement;

/// The rules of the domain on append.
#[derive(Clone, Copy, Debug)]
pub struct DomainSettings {
    /// What becomes of an append that breaks a rule of the game.
    pub game: Enforcement,
    /// Most games whose state is kept in memory.
    pub cached_streams: usize,
    /// Most bytes that the states in memory may take, roughly.
    pub cached_bytes: usize,
}

/// Snapshots of folded states.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotSettings {
    /// A snapshot is taken after this many events of a stream; 0 = none is taken by itself.
    pub every_events: i32,
    /// Most snapshots of one stream.
    pub kept_per_stream: u32,
    /// Most snapshots that wait to be written.
    pub queue: usize,
}

impl DomainSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            game: reader.parsed(
                "domain.game",
                Shown::Plainly,
                "off, warn or refuse",
                |text| match text {
                    "off" => Some(Enforcement::Off),
                    "warn" => Some(Enforcement::Warn),
                    "refuse" => Some(Enforcement::Refuse),
                    _ => None,
                },
            )?,
            cached_streams: reader.number("domain.cached_streams", 1..=1_000_000, "streams")?,
            cached_bytes: reader.number("domain.cached_bytes", 1 << 20..=1 << 34, "bytes")?,
        })
    }
}

impl SnapshotSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            every_events: reader.number("snapshots.every_events", 0..=1_000_000, "events")?,
            kept_per_stream: reader.number("snapshots.kept_per_stream", 1..=10_000, "snapshots")?,
            queue: reader.number("snapshots.queue", 1..=10_000, "snapshots")?,
        })
    }
}
