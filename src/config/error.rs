use std::path::PathBuf;

use super::Origin;

/// Why the settings cannot be used. Each message is complete: a person can repair the cause from it alone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value has the wrong kind or is outside its bounds.
    #[error("the setting {name} is {value} (from {origin}), which is not allowed: give {allowed}")]
    Value {
        /// The setting, as `section.key`.
        name: String,
        /// The value that was found, masked when it is secret.
        value: String,
        /// Where it was found.
        origin: Origin,
        /// What would be accepted, with bounds and unit.
        allowed: String,
    },

    /// A file or a flag names a setting that does not exist.
    #[error("there is no setting {name} (from {origin}){}", suggestion(nearest.as_deref()))]
    UnknownSetting {
        /// What was named.
        name: String,
        /// Where it was named.
        origin: Origin,
        /// The setting that comes nearest, if one is near.
        nearest: Option<String>,
    },

    /// A variable begins with `GAMEBOT_` and configures nothing.
    #[error("the variable {variable} configures nothing{}", suggestion(nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The variable that comes nearest, if one is near.
        nearest: Option<String>,
    },

    /// Two settings that exclude each other were both given, or one lacks the other that it needs.
    #[error("{problem}: {remedy}")]
    Contradiction {
        /// Which settings disagree, with their values (masked when secret) and origins.
        problem: String,
        /// What to change.
        remedy: String,
    },

    /// A file that a setting names cannot be read.
    #[error("cannot read the file {} that {named_by} names: {reason}", path.display())]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// What named it, with its origin.
        named_by: String,
        /// What the operating system said.
        reason: String,
    },

    /// A file is not TOML.
    #[error("the file {} is not valid TOML, at line {line}: {reason}", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, counted from 1.
        line: usize,
        /// What the parser said; never the text of the line, which may hold a secret.
        reason: String,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || ". `gamebot-event-store config` lists all settings".to_owned(),
        |name| format!("; did you mean {name}?"),
    )
}
