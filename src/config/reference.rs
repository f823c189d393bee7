//! The settings for people: the reference of all of them, and the ones in force.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layers::{DEFAULTS, Layers, variable_of};
use super::reader::{Reader, Rule};
use super::{Config, ConfigError, Sources};

/// One setting as `config.default.toml` documents it.
struct Documented {
    name: String,
    default: String,
    description: String,
}

/// Renders the settings in force, in the order of the defaults file, each with its origin:
/// `append.deadline_ms = 5000  # the variable GAMEBOT_APPEND_DEADLINE_MS`. Secrets are masked.
pub fn render_effective(sources: &Sources) -> Result<String, ConfigError> {
    let layers = Layers::read(sources)?;
    let mut reader = Reader::new(&layers);
    let config = Config::build(&mut reader, layers.profile())?;
    let lines: Vec<(String, String)> = documented()
        .map(|setting| {
            let line = format!("{} = {}", setting.name, reader.shown(&setting.name));
            (line, reader.origin(&setting.name).to_string())
        })
        .collect();
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = format!(
        "# profile: {}\n# database: {}\n",
        config.profile, config.database.url
    );
    for (line, origin) in lines {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{line:width$}  # {origin}");
    }
    Ok(text)
}

/// Renders every setting with its default, its variable, its bounds and its reason, as Markdown.
pub fn render_reference() -> Result<String, ConfigError> {
    let rules = default_rules()?;
    let mut text = String::from(
        "| Setting | Default | Variable | Allowed | Meaning |\n|---|---|---|---|---|\n",
    );
    for Documented {
        name,
        default,
        description,
    } in documented()
    {
        let allowed = rules.get(&name).map_or("", |rule| rule.allowed.as_str());
        let variable = variable_of(&name);
        let cells = [
            format!("`{name}`"),
            format!("`{default}`"),
            format!("`{variable}`"),
            allowed.replace('|', "\\|"),
            description.replace('|', "\\|"),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    Ok(text)
}

/// What the code enforces for each setting, learnt by reading the bare defaults.
pub(super) fn default_rules() -> Result<BTreeMap<String, Rule>, ConfigError> {
    let layers = Layers::read(&Sources::default())?;
    let mut reader = Reader::new(&layers);
    Config::build(&mut reader, layers.profile())?;
    Ok(reader.into_rules())
}

/// The settings of `config.default.toml` in its order, each with the comment above it.
fn documented() -> impl Iterator<Item = Documented> {
    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    DEFAULTS.lines().filter_map(move |line| {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
            return None;
        }
        let description = std::mem::take(&mut comment).join(" ");
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            return None;
        }
        let (key, default) = line.split_once('=')?;
        // The overlays repeat settings; they are no settings of their own.
        (!section.starts_with("profile")).then(|| Documented {
            name: format!("{section}.{}", key.trim()),
            default: default.trim().to_owned(),
            description,
        })
    })
}
