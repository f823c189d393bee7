//! Collects every given value by setting, the later source over the earlier one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ConfigError, FlagValue, Origin, Profile, Sources};

/// Every setting with its default, as compiled in.
pub(super) const DEFAULTS: &str = include_str!("../../config.default.toml");

const VARIABLE_PREFIX: &str = "GAMEBOT_";
const PROFILE_VARIABLE: &str = "PROFILE";
const FILE_VARIABLE: &str = "CONFIG_FILE";
const LISTEN: &str = "server.listen";
const ALLOW_REMOTE: &str = "server.allow_remote";
/// The table of `config.default.toml` that holds the overlays; no section may have its name.
const PROFILES: &str = "profile";

/// A value as it was given: files have types, the environment and flags only text.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Typed(Value),
    Text(String),
}

#[derive(Clone, Debug)]
pub(super) struct Layered {
    pub(super) given: Given,
    pub(super) origin: Origin,
}

/// The winning value of every setting, by `section.key`.
pub(super) struct Layers {
    profile: Profile,
    values: BTreeMap<String, Layered>,
}

impl Layers {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut defaults = parse(DEFAULTS, Path::new("config.default.toml"))?;
        let overlays = defaults.remove(PROFILES);
        let profile = choose_profile(sources)?;
        let mut layers = Self {
            profile,
            values: BTreeMap::new(),
        };
        for (name, value) in flatten(defaults) {
            let layered = Layered {
                given: Given::Typed(value),
                origin: Origin::Default,
            };
            layers.values.insert(name, layered);
        }
        if let Some(overlay) = overlays.as_ref().and_then(|all| all.get(profile.name())) {
            layers.lay_table(overlay.as_table().cloned(), &Origin::Profile(profile))?;
        }
        if let Some((path, named_by)) = choose_file(sources) {
            let text = read_file(&path, &named_by)?;
            layers.lay_table(Some(parse(&text, &path)?), &Origin::File(path))?;
        }
        layers.lay_environment(&sources.environment)?;
        layers.lay_flags(&sources.flags)?;
        layers.open_default_address();
        Ok(layers)
    }

    pub(super) fn profile(&self) -> Profile {
        self.profile
    }

    pub(super) fn get(&self, name: &str) -> Option<&Layered> {
        self.values.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    fn lay_table(&mut self, table: Option<Table>, origin: &Origin) -> Result<(), ConfigError> {
        for (name, value) in flatten(table.unwrap_or_default()) {
            self.lay(&name, Given::Typed(value), origin.clone())?;
        }
        Ok(())
    }

    fn lay_environment(
        &mut self,
        environment: &BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        let settings: BTreeMap<String, String> = self
            .names()
            .map(|name| (variable_of(name), name.to_owned()))
            .collect();
        for (variable, text) in environment {
            let Some(name) = settings.get(variable) else {
                if variable.starts_with(VARIABLE_PREFIX) {
                    return Err(unknown_variable(variable, settings.keys()));
                }
                continue;
            };
            // Orchestrators pass variables that were left out as empty ones.
            if !text.is_empty() {
                self.lay(
                    name,
                    Given::Text(text.clone()),
                    Origin::Variable(variable.clone()),
                )?;
            }
        }
        Ok(())
    }

    fn lay_flags(&mut self, flags: &[FlagValue]) -> Result<(), ConfigError> {
        for flag in flags {
            let given = Given::Text(flag.value.clone());
            self.lay(&flag.setting, given, Origin::Flag(flag.flag.clone()))?;
        }
        Ok(())
    }

    /// Where beyond loopback is allowed and nobody chose an address, every one of this machine is meant:
    /// to allow it and to stay on loopback would make two settings out of one wish. What allowed it is the
    /// origin of the address, so that everybody sees why the server is open.
    fn open_default_address(&mut self) {
        let (Some(allow), Some(listen)) = (self.get(ALLOW_REMOTE), self.get(LISTEN)) else {
            return;
        };
        let allowed = match &allow.given {
            Given::Typed(value) => value.as_bool() == Some(true),
            Given::Text(text) => text == "true",
        };
        let Given::Typed(Value::String(address)) = &listen.given else {
            return;
        };
        if !allowed || listen.origin.is_explicit() {
            return;
        }
        if let Ok(mut address) = address.parse::<SocketAddr>() {
            address.set_ip(Ipv4Addr::UNSPECIFIED.into());
            let open = Layered {
                given: Given::Text(address.to_string()),
                origin: allow.origin.clone(),
            };
            self.values.insert(LISTEN.to_owned(), open);
        }
    }

    fn lay(&mut self, name: &str, given: Given, origin: Origin) -> Result<(), ConfigError> {
        if let Some(slot) = self.values.get_mut(name) {
            *slot = Layered { given, origin };
            return Ok(());
        }
        Err(ConfigError::UnknownSetting {
            name: name.to_owned(),
            nearest: nearest(name, self.names()),
            origin,
        })
    }
}

/// The variable that overrides a setting.
pub(super) fn variable_of(setting: &str) -> String {
    match setting {
        "server.listen" => "LISTEN".to_owned(),
        "database.url" => "DATABASE_URL".to_owned(),
        other => format!(
            "{VARIABLE_PREFIX}{}",
            other.replace('.', "_").to_uppercase()
        ),
    }
}

/// Reads a file that `named_by` named.
pub(super) fn read_file(path: &Path, named_by: &str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::UnreadableFile {
        path: path.to_owned(),
        named_by: named_by.to_owned(),
        reason: error.to_string(),
    })
}

fn choose_profile(sources: &Sources) -> Result<Profile, ConfigError> {
    let from_flag = sources.profile.as_ref().map(|name| (name, "--profile"));
    let from_environment = || given_variable(sources, PROFILE_VARIABLE);
    let Some((name, source)) =
        from_flag.or_else(|| from_environment().map(|name| (name, PROFILE_VARIABLE)))
    else {
        return Ok(Profile::Dev);
    };
    Profile::parse(name).ok_or_else(|| ConfigError::Value {
        name: PROFILES.to_owned(),
        value: format!("{name:?}"),
        origin: if source == PROFILE_VARIABLE {
            Origin::Variable(source.to_owned())
        } else {
            Origin::Flag(source.to_owned())
        },
        allowed: Profile::ALL.map(Profile::name).join(", "),
    })
}

fn choose_file(sources: &Sources) -> Option<(PathBuf, String)> {
    let from_flag = sources
        .file
        .clone()
        .map(|path| (path, "the flag --config".to_owned()));
    from_flag.or_else(|| {
        given_variable(sources, FILE_VARIABLE)
            .map(|path| (PathBuf::from(path), format!("the variable {FILE_VARIABLE}")))
    })
}

fn given_variable<'a>(sources: &'a Sources, name: &str) -> Option<&'a String> {
    sources
        .environment
        .get(name)
        .filter(|value| !value.is_empty())
}

/// The parser's own display quotes the line, which may hold a password: only its message is kept.
fn parse(text: &str, path: &Path) -> Result<Table, ConfigError> {
    text.parse::<Table>()
        .map_err(|error| ConfigError::MalformedFile {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| {
                text.as_bytes()
                    .iter()
                    .take(span.start)
                    .filter(|byte| **byte == b'\n')
                    .count()
                    + 1
            }),
            reason: error.message().to_owned(),
        })
}

/// `section.key` and value of everything in a table; what is not in a section keeps its bare name.
fn flatten(table: Table) -> Vec<(String, Value)> {
    let mut settings = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => settings.extend(
                keys.into_iter()
                    .map(|(key, value)| (format!("{section}.{key}"), value)),
            ),
            other => settings.push((section, other)),
        }
    }
    settings
}

fn unknown_variable<'a>(variable: &str, known: impl Iterator<Item = &'a String>) -> ConfigError {
    // The names without the prefix are the ones that people prefix by mistake.
    let bare = variable.trim_start_matches(VARIABLE_PREFIX);
    let unprefixed = match bare {
        "LISTEN" | "SERVER_LISTEN" => Some("LISTEN"),
        "DATABASE_URL" => Some("DATABASE_URL"),
        PROFILE_VARIABLE => Some(PROFILE_VARIABLE),
        FILE_VARIABLE => Some(FILE_VARIABLE),
        _ => None,
    };
    ConfigError::UnknownVariable {
        nearest: unprefixed
            .map(str::to_owned)
            .or_else(|| nearest(variable, known.map(String::as_str))),
        variable: variable.to_owned(),
    }
}

/// The known name with the fewest edits, unless more than a third of the wrong name would change.
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|name| (edit_distance(wrong, name), name))
        .min()
        .filter(|(distance, _)| distance * 3 <= wrong.chars().count())
        .map(|(_, name)| name.to_owned())
}

/// The least number of characters to insert, delete or replace (Levenshtein), one row at a time.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, from_char) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, to_char) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from_char != *to_char);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
