//! The settings of projections.

use std::time::Duration;

use super::reader::{Reader, Shown};
use super::sections::HOUR_MS;
use super::{ConfigError, DatabaseUrl};
use crate::projection::FaultPolicy;

/// How projections are run and read.
#[derive(Clone, Debug)]
pub struct ProjectionSettings {
    /// Whether this node works at projections.
    pub run: bool,
    /// The `SQLite` file that holds them; none: beside the log's.
    pub file: Option<String>,
    /// Connections for reads of projections.
    pub read_connections: u32,
    /// Most events that are applied in one transaction.
    pub batch_events: u64,
    /// How often a node looks for projections that nobody works at.
    pub poll: Duration,
    /// A node that is silent for this long loses its projections.
    pub takeover_after: Duration,
    /// What happens to an event that a projection cannot use.
    pub on_fault: FaultPolicy,
    /// Longest time that a read waits for a position.
    pub wait_timeout: Duration,
    /// How long the tables of a build that was replaced stay.
    pub keep_retired: Duration,
}

impl ProjectionSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let file = reader.text("projections.file", "the path of a file, or nothing")?;
        Ok(Self {
            run: reader.flag("projections.run")?,
            file: Some(file).filter(|file| !file.is_empty()),
            read_connections: reader.number(
                "projections.read_connections",
                1..=100,
                "connections",
            )?,
            batch_events: reader.number("projections.batch_events", 1..=100_000, "events")?,
            poll: reader.milliseconds("projections.poll_ms", 10..=10_000)?,
            takeover_after: reader
                .milliseconds("projections.takeover_after_ms", 1_500..=HOUR_MS)?,
            on_fault: reader.parsed(
                "projections.on_fault",
                Shown::Plainly,
                "set_aside or stop",
                |text| match text {
                    "set_aside" => Some(FaultPolicy::SetAside),
                    "stop" => Some(FaultPolicy::Stop),
                    _ => None,
                },
            )?,
            wait_timeout: reader.milliseconds("projections.wait_timeout_ms", 10..=HOUR_MS)?,
            keep_retired: reader.milliseconds("projections.keep_retired_ms", 0..=24 * HOUR_MS)?,
        })
    }

    /// The database of the projections of a log: of SQLite another file, of PostgreSQL the same one.
    #[must_use]
    pub fn url(&self, log: &DatabaseUrl) -> String {
        let url = log.expose();
        let Some(path) = url.strip_prefix("sqlite:") else {
            return url.to_owned();
        };
        if let Some(file) = &self.file {
            return format!("sqlite://{file}");
        }
        let (path, parameters) = path.split_at(path.find('?').unwrap_or(path.len()));
        let folder_end = path.rfind('/').map_or(0, |slash| slash + 1);
        let (stem, extension) = match path[folder_end..].rfind('.') {
            Some(dot) if dot > 0 => path.split_at(folder_end + dot),
            _ => (path, ""),
        };
        format!("sqlite:{stem}-projections{extension}{parameters}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    #[test]
    fn projections_lie_beside_the_log() {
        let settings = Config::load(&Sources::default()).unwrap().projections;
        for (log, projections) in [
            (
                "sqlite://data/gamebot.db",
                "sqlite://data/gamebot-projections.db",
            ),
            ("sqlite:games", "sqlite:games-projections"),
            (
                "sqlite:///a.b/games?mode=rwc",
                "sqlite:///a.b/games-projections?mode=rwc",
            ),
            ("sqlite://.hidden", "sqlite://.hidden-projections"),
            ("postgres://u:p@h/n", "postgres://u:p@h/n"),
        ] {
            assert_eq!(settings.url(&DatabaseUrl::parse(log).unwrap()), projections);
        }
        let elsewhere = ProjectionSettings {
            file: Some("/data/other.db".to_owned()),
            ..settings
        };
        let log = DatabaseUrl::parse("sqlite://games.db").unwrap();
        assert_eq!(elsewhere.url(&log), "sqlite:///data/other.db");
    }
}
