//! The settings of a server: where they come from, what they may be, and what they mean.
//!
//! `config.default.toml` is the one list of settings: a key that is not in it does not exist. A
//! profile, a file, the environment and flags override it, in this order. [`Config::load`] is the
//! only way in, and everything that it reads is handed to it in [`Sources`]: two servers with
//! different settings can run in one process.

mod database;
mod database_url;
mod error;
mod game;
mod layers;
mod origin;
mod projections;
mod reader;
mod reference;
mod sections;
#[cfg(test)]
mod tests;

pub use database::DatabaseSettings;
pub use database_url::{Backend, DatabaseUrl, Secret};
pub use error::ConfigError;
pub use game::{DomainSettings, SnapshotSettings};
pub use origin::{Origin, Profile};
pub use projections::ProjectionSettings;
pub use reference::{render_effective, render_reference};
pub use sections::{
    AppendSettings, GraphqlSettings, LogFormat, LogSettings, OperationSettings, ScavengeSettings,
    SchemaSettings, ServerSettings, SubscriptionSettings, TailSettings,
};

use std::collections::BTreeMap;
use std::path::PathBuf;

use layers::Layers;
use reader::Reader;

/// Everything that settings can come from, given explicitly: nothing is read from the process.
///
/// It has no `Debug`, because the environment and the flags may hold secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The profile that a flag named; it wins over `PROFILE` in the environment.
    pub profile: Option<String>,
    /// The file that a flag named; it wins over `CONFIG_FILE` in the environment.
    pub file: Option<PathBuf>,
    /// The environment, by variable. Only `PROFILE`, `CONFIG_FILE`, `LISTEN`, `DATABASE_URL` and
    /// names that begin with `GAMEBOT_` are looked at.
    pub environment: BTreeMap<String, String>,
    /// Settings given as flags.
    pub flags: Vec<FlagValue>,
}

/// One setting given as a flag on the command line.
#[derive(Clone)]
pub struct FlagValue {
    /// The flag as the person typed it, for example `--listen`: errors name it.
    pub flag: String,
    /// The setting that it overrides, for example `server.listen`.
    pub setting: String,
    /// Its value.
    pub value: String,
}

/// The settings in force: complete, checked, and within their bounds.
#[derive(Clone, Debug)]
pub struct Config {
    /// The overlay that was chosen, `dev` when none was named.
    pub profile: Profile,
    /// HTTP and WebSocket.
    pub server: ServerSettings,
    /// Where the log is stored.
    pub database: DatabaseSettings,
    /// What an append may carry, and how appends share commits.
    pub append: AppendSettings,
    /// Event types, and what is demanded of events.
    pub schema: SchemaSettings,
    /// Live feeds.
    pub subscription: SubscriptionSettings,
    /// How nodes hear of each other.
    pub tail: TailSettings,
    /// Long-running operations.
    pub operations: OperationSettings,
    /// How a scavenge spares the database.
    pub scavenge: ScavengeSettings,
    /// Projections.
    pub projections: ProjectionSettings,
    /// The rules of the domain on append.
    pub domain: DomainSettings,
    /// Snapshots of folded states.
    pub snapshots: SnapshotSettings,
    /// What one GraphQL document may ask for.
    pub graphql: GraphqlSettings,
    /// What the server says on stderr.
    pub log: LogSettings,
}

impl Config {
    /// Reads the settings from `sources`, and the files that they name.
    ///
    /// Fails with the first value that cannot be used: the error names the setting, the value
    /// (masked when it is secret), where it came from and what is allowed.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let layers = Layers::read(sources)?;
        Self::build(&mut Reader::new(&layers), layers.profile())
    }

    fn build(reader: &mut Reader<'_>, profile: Profile) -> Result<Self, ConfigError> {
        let config = Self {
            profile,
            server: ServerSettings::read(reader)?,
            database: DatabaseSettings::read(reader)?,
            append: AppendSettings::read(reader)?,
            schema: SchemaSettings::read(reader)?,
            subscription: SubscriptionSettings::read(reader)?,
            tail: TailSettings::read(reader)?,
            operations: OperationSettings::read(reader)?,
            scavenge: ScavengeSettings::read(reader)?,
            projections: ProjectionSettings::read(reader)?,
            domain: DomainSettings::read(reader)?,
            snapshots: SnapshotSettings::read(reader)?,
            graphql: GraphqlSettings::read(reader)?,
            log: LogSettings::read(reader)?,
        };
        sections::check_together(&config, reader)?;
        Ok(config)
    }
}
