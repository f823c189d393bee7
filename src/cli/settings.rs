//! The flags that choose settings, and the way from the process to [`Sources`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::config::{Config, FlagValue, Sources};

/// The variables of the process, by name.
pub(super) type Environment = BTreeMap<String, String>;

/// Keeps the variables that are text. One of ours that is not is refused: its value would be
/// changed by any reading.
pub(super) fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, CliError> {
    let mut environment = Environment::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else {
            continue;
        };
        let ours = name.starts_with("GAMEBOT_")
            || ["PROFILE", "CONFIG_FILE", "LISTEN", "DATABASE_URL"].contains(&name.as_str());
        match value.into_string() {
            Ok(value) => {
                environment.insert(name, value);
            }
            Err(_) if ours => {
                return Err(CliError::Usage(format!("the variable {name} is not UTF-8")));
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}

const DATABASE_URL_HELP: &str = "The database: sqlite://PATH or postgres://USER@HOST:PORT/NAME \
[variable: DATABASE_URL]. Other users of the machine can read a command line: give a password by \
GAMEBOT_DATABASE_PASSWORD_FILE or GAMEBOT_DATABASE_URL_FILE instead.";

/// The flags of every command that needs the database.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct SettingsArguments {
    /// A file of settings, as in `config.default.toml`; overrides `CONFIG_FILE`.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "A file of settings, with the sections \
        and keys of config.default.toml [variable: CONFIG_FILE]"
    )]
    pub(super) config: Option<PathBuf>,

    /// The overlay over the defaults; overrides `PROFILE`.
    #[arg(
        long,
        global = true,
        value_name = "PROFILE",
        help = "A small overlay over the defaults: \
        dev, test or prod [variable: PROFILE, default: dev]"
    )]
    pub(super) profile: Option<String>,

    /// The database; overrides `DATABASE_URL`.
    #[arg(long, global = true, value_name = "URL", help = "The database: sqlite://PATH or \
        postgres://USER@HOST:PORT/NAME [variable: DATABASE_URL]", long_help = DATABASE_URL_HELP)]
    pub(super) database_url: Option<String>,
}

impl SettingsArguments {
    /// Everything that settings come from, for [`Config::load`].
    pub(super) fn sources(&self, environment: &Environment) -> Sources {
        let mut sources = Sources {
            profile: self.profile.clone(),
            file: self.config.clone(),
            environment: environment.clone(),
            flags: Vec::new(),
        };
        if let Some(url) = &self.database_url {
            sources
                .flags
                .push(flag("--database-url", "database.url", url));
        }
        sources
    }

    pub(super) fn load(&self, environment: &Environment) -> Result<Config, CliError> {
        Ok(Config::load(&self.sources(environment))?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.config.is_none() && self.profile.is_none() && self.database_url.is_none()
    }
}

pub(super) fn flag(flag: &str, setting: &str, value: &str) -> FlagValue {
    FlagValue {
        flag: flag.to_owned(),
        setting: setting.to_owned(),
        value: value.to_owned(),
    }
}
