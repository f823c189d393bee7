//! The read model `guild_config`: what a guild has set for its games, and its variations of the modes.

mod query;

use std::collections::{BTreeMap, BTreeSet};

use gamebot::event::{Event, GameVariationDefined, GameVariationRetired, GuildConfigChanged};
use sea_orm::{QueryResult, Value};

pub use query::{GameVariation, GuildConfiguration};

use super::batch::{Said, StreamRows, streams_of};
use super::column::{Columns, json, micros};
use super::meaning::{check_key, remove_streams};
use super::tables::{Layout, Target};
use crate::event::RecordedEvent;
use crate::store::DatabaseError;

pub(super) static LAYOUT: Layout = Layout {
    tables: &["guild_config", "game_variation"],
    creations: &[
        // The empty mode stands for all modes: a key cannot be null.
        "CREATE TABLE {guild_config} (
            stream {text} NOT NULL, mode {text} NOT NULL, version INTEGER NOT NULL, guild_id {text},
            config {text} NOT NULL, config_version INTEGER NOT NULL, changed_by {text} NOT NULL,
            changed_at BIGINT NOT NULL, PRIMARY KEY (stream, mode))",
        "CREATE TABLE {game_variation} (
            stream {text} NOT NULL, variation_id {text} NOT NULL, version INTEGER NOT NULL, guild_id {text},
            name {text} NOT NULL, base_mode {text} NOT NULL, config {text} NOT NULL,
            config_version INTEGER NOT NULL, defined_by {text} NOT NULL, defined_at BIGINT NOT NULL,
            retired_by {text}, retired_at BIGINT, PRIMARY KEY (stream, variation_id))",
    ],
    indexes: &[
        "CREATE INDEX IF NOT EXISTS {guild_config_guild_index} ON {guild_config} (guild_id, mode)",
        "CREATE INDEX IF NOT EXISTS {game_variation_guild_index} ON {game_variation} (guild_id, variation_id)",
    ],
};

/// The rows that a batch of events concerns, by stream, and by mode or variation.
pub(super) struct Guilds {
    configs: BTreeMap<(String, String), ConfigRow>,
    variations: BTreeMap<(String, String), VariationRow>,
}

/// What a guild has set for a mode.
struct ConfigRow {
    /// The stream version of the last event that was folded.
    version: i32,
    guild_id: Option<String>,
    config: String,
    config_version: i32,
    changed_by: String,
    changed_at: i64,
}

/// A variation of a mode.
struct VariationRow {
    /// The stream version of the last event that was folded.
    version: i32,
    guild_id: Option<String>,
    name: String,
    base_mode: String,
    config: String,
    config_version: i32,
    defined_by: String,
    defined_at: i64,
    retired_by: Option<String>,
    retired_at: Option<i64>,
}

const CONFIG_COLUMNS: [&str; 8] = [
    "stream",
    "mode",
    "version",
    "guild_id",
    "config",
    "config_version",
    "changed_by",
    "changed_at",
];

const VARIATION_COLUMNS: [&str; 12] = [
    "stream",
    "variation_id",
    "version",
    "guild_id",
    "name",
    "base_mode",
    "config",
    "config_version",
    "defined_by",
    "defined_at",
    "retired_by",
    "retired_at",
];

impl StreamRows for Guilds {
    const CATEGORIES: &'static [&'static str] = &["guild"];
    const TYPES: &'static [&'static str] = &[
        "guild_config_changed",
        "game_variation_defined",
        "game_variation_retired",
    ];

    /// What the streams have set already. A guild has few modes and variations, so all of them are read.
    async fn read(said: &[Said<'_>], target: &Target<'_>) -> Result<Self, DatabaseError> {
        let columns = CONFIG_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{guild_config}} WHERE stream");
        let configs = target.rows_of(&select, streams_of(said)).await?;
        let columns = VARIATION_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{game_variation}} WHERE stream");
        let variations = target.rows_of(&select, streams_of(said)).await?;
        let (configs, variations) = (configs.iter(), variations.iter());
        Ok(Self {
            configs: configs.map(ConfigRow::read).collect::<Result<_, _>>()?,
            variations: variations
                .map(VariationRow::read)
                .collect::<Result<_, _>>()?,
        })
    }

    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        match said {
            Event::GuildConfigChanged(changed) => self.set(event, changed),
            Event::GameVariationDefined(defined) => self.define(event, defined),
            Event::GameVariationRetired(retired) => {
                self.retire(event, retired);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, stream: &str) {
        self.configs.retain(|(of, _), _| of != stream);
        self.variations.retain(|(of, _), _| of != stream);
    }

    async fn write(
        self,
        ended: &BTreeSet<String>,
        target: &Target<'_>,
    ) -> Result<(), DatabaseError> {
        remove_streams(target, LAYOUT.tables, ended).await?;
        let configs = self.configs.into_iter().map(ConfigRow::row);
        target
            .upsert("guild_config", 2, CONFIG_COLUMNS, configs.collect())
            .await?;
        let variations = self.variations.into_iter().map(VariationRow::row);
        target
            .upsert("game_variation", 2, VARIATION_COLUMNS, variations.collect())
            .await
    }
}

impl Guilds {
    fn set(&mut self, event: &RecordedEvent, changed: &GuildConfigChanged) -> Result<(), String> {
        let mode = changed.mode.as_ref().map_or("", |mode| mode.as_str());
        check_key("mode", mode)?;
        let key = (event.stream.as_str().to_owned(), mode.to_owned());
        let folded = self.configs.get(&key).map_or(0, |config| config.version);
        if event.stream_version <= folded {
            return Ok(());
        }
        let config = ConfigRow {
            version: event.stream_version,
            guild_id: event.guild_id.as_deref().map(str::to_owned),
            config: json(&changed.config).map_err(|error| error.to_string())?,
            config_version: changed.config_version,
            changed_by: changed.changed_by.clone(),
            changed_at: micros(changed.timestamp),
        };
        self.configs.insert(key, config);
        Ok(())
    }

    fn define(
        &mut self,
        event: &RecordedEvent,
        defined: &GameVariationDefined,
    ) -> Result<(), String> {
        check_key("variation_id", &defined.variation_id)?;
        let key = (
            event.stream.as_str().to_owned(),
            defined.variation_id.clone(),
        );
        let folded = self.variations.get(&key).map_or(0, |known| known.version);
        if event.stream_version <= folded {
            return Ok(());
        }
        let variation = VariationRow {
            version: event.stream_version,
            guild_id: event.guild_id.as_deref().map(str::to_owned),
            name: defined.name.clone(),
            base_mode: defined.base_mode.as_str().to_owned(),
            config: json(&defined.config).map_err(|error| error.to_string())?,
            config_version: defined.config_version,
            defined_by: defined.defined_by.clone(),
            defined_at: micros(defined.timestamp),
            // Whoever defines a retired variation anew wants it to be chosen again.
            retired_by: None,
            retired_at: None,
        };
        self.variations.insert(key, variation);
        Ok(())
    }

    /// Of a variation that was never defined there is nothing to retire.
    fn retire(&mut self, event: &RecordedEvent, retired: &GameVariationRetired) {
        let key = (
            event.stream.as_str().to_owned(),
            retired.variation_id.clone(),
        );
        let Some(variation) = self.variations.get_mut(&key) else {
            return;
        };
        if event.stream_version > variation.version {
            variation.version = event.stream_version;
            variation.retired_by = Some(retired.retired_by.clone());
            variation.retired_at = Some(micros(retired.timestamp));
        }
    }
}

impl ConfigRow {
    fn read(row: &QueryResult) -> Result<((String, String), Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let key = (columns.take()?, columns.take()?);
        let config = Self {
            version: columns.take()?,
            guild_id: columns.take()?,
            config: columns.take()?,
            config_version: columns.take()?,
            changed_by: columns.take()?,
            changed_at: columns.take()?,
        };
        Ok((key, config))
    }

    fn row(((stream, mode), config): ((String, String), Self)) -> [Value; CONFIG_COLUMNS.len()] {
        [
            stream.into(),
            mode.into(),
            config.version.into(),
            config.guild_id.into(),
            config.config.into(),
            config.config_version.into(),
            config.changed_by.into(),
            config.changed_at.into(),
        ]
    }
}

impl VariationRow {
    fn read(row: &QueryResult) -> Result<((String, String), Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let key = (columns.take()?, columns.take()?);
        let variation = Self {
            version: columns.take()?,
            guild_id: columns.take()?,
            name: columns.take()?,
            base_mode: columns.take()?,
            config: columns.take()?,
            config_version: columns.take()?,
            defined_by: columns.take()?,
            defined_at: columns.take()?,
            retired_by: columns.take()?,
            retired_at: columns.take()?,
        };
        Ok((key, variation))
    }

    fn row(
        ((stream, variation_id), variation): ((String, String), Self),
    ) -> [Value; VARIATION_COLUMNS.len()] {
        [
            stream.into(),
            variation_id.into(),
            variation.version.into(),
            variation.guild_id.into(),
            variation.name.into(),
            variation.base_mode.into(),
            variation.config.into(),
            variation.config_version.into(),
            variation.defined_by.into(),
            variation.defined_at.into(),
            variation.retired_by.into(),
            variation.retired_at.into(),
        ]
    }
}
