//! The read model `guild_config`: what a guild has set for its games, and its variations of the modes.

mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gamebot::event::{Event, GameVariationDefined, GameVariationRetired, GuildConfigChanged};
use sea_orm::{QueryResult, Value};

pub use query::{GameVariation, GuildConfiguration};

use super::column::{Columns, json, micros};
use super::kind::Projector;
use super::meaning::{Meaning, check_key, meaning, remove_streams};
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

/// The types of events that change what a guild has set.
const TYPES: [&str; 3] = [
    "guild_config_changed",
    "game_variation_defined",
    "game_variation_retired",
];

/// Keeps nothing from one batch to the next.
#[derive(Default)]
pub(super) struct Guilds;

impl Projector for Guilds {
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
    let mut batch = Batch::read(events, target).await?;
    for (index, event) in events.iter().enumerate() {
        let done = match meaning(event, &["guild"], &TYPES) {
            Ok(Meaning::Nothing) => Ok(()),
            Ok(Meaning::Ends(stream)) => {
                batch.end(stream.as_str());
                Ok(())
            }
            Ok(Meaning::Says(said)) => batch.fold(event, &said),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = done {
            target.fault(index, event, &reason);
        }
    }
    batch.write(target).await
}

/// The rows that a batch of events concerns, by stream, and by mode or variation.
#[derive(Default)]
struct Batch {
    configs: BTreeMap<(String, String), ConfigRow>,
    variations: BTreeMap<(String, String), VariationRow>,
    ended: BTreeSet<String>,
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

impl Batch {
    /// What the streams have set already. A guild has few modes and variations, so all of them are read.
    async fn read(
        events: &[Arc<RecordedEvent>],
        target: &Target<'_>,
    ) -> Result<Self, DatabaseError> {
        let streams: BTreeSet<&str> = events
            .iter()
            .filter(|event| !event.stream.is_reserved())
            .map(|event| event.stream.as_str())
            .collect();
        let keys: Vec<Value> = streams.into_iter().map(Into::into).collect();
        let columns = CONFIG_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{guild_config}} WHERE stream");
        let configs = target.rows_of(&select, keys.clone()).await?;
        let columns = VARIATION_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{game_variation}} WHERE stream");
        let variations = target.rows_of(&select, keys).await?;
        Ok(Self {
            configs: configs
                .iter()
                .map(ConfigRow::read)
                .collect::<Result<_, _>>()?,
            variations: variations
                .iter()
                .map(VariationRow::read)
                .collect::<Result<_, _>>()?,
            ended: BTreeSet::new(),
        })
    }

    /// Forgets what a stream has set.
    fn end(&mut self, stream: &str) {
        self.configs.retain(|(of, _), _| of != stream);
        self.variations.retain(|(of, _), _| of != stream);
        self.ended.insert(stream.to_owned());
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

    async fn write(self, target: &Target<'_>) -> Result<(), DatabaseError> {
        remove_streams(target, LAYOUT.tables, &self.ended).await?;
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
