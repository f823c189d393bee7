//! Turns given values into typed ones, and refuses what is outside its bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::database_url::{Secret, mask_url};
use super::layers::{Given, Layered, Layers};
use super::{ConfigError, DatabaseUrl, Origin};

/// How a value is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Plainly,
    AsUrl,
    Masked,
}

/// What was learnt about a setting by reading it: the reference and `config` print it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) allowed: String,
    pub(super) shown: Shown,
}

/// Reads settings by name. Whatever is read is also recorded, so that the list of settings with
/// their bounds is the one that the code enforces.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    rules: BTreeMap<String, Rule>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self {
            layers,
            rules: BTreeMap::new(),
        }
    }

    /// A whole number within `bounds`, which the caller's type must be able to hold.
    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        name: &str,
        bounds: RangeInclusive<u64>,
        unit: &str,
    ) -> Result<T, ConfigError> {
        let allowed = format!(
            "a whole number from {} to {} ({unit})",
            bounds.start(),
            bounds.end()
        );
        self.read(name, Shown::Plainly, allowed, |given| {
            let number = match given {
                Given::Typed(value) => u64::try_from(value.as_integer()?).ok()?,
                Given::Text(text) => text.parse().ok()?,
            };
            bounds
                .contains(&number)
                .then(|| T::try_from(number).ok())
                .flatten()
        })
    }

    /// A time, given in milliseconds within `bounds`.
    pub(super) fn milliseconds(
        &mut self,
        name: &str,
        bounds: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.number(name, bounds, "milliseconds")
            .map(Duration::from_millis)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ConfigError> {
        self.read(
            name,
            Shown::Plainly,
            "true or false".to_owned(),
            |given| match given {
                Given::Typed(value) => value.as_bool(),
                Given::Text(text) => text.parse().ok(),
            },
        )
    }

    /// A text, which may be empty.
    pub(super) fn text(&mut self, name: &str, allowed: &str) -> Result<String, ConfigError> {
        self.parsed(name, Shown::Plainly, allowed, |text| Some(text.to_owned()))
    }

    /// A text that is never shown, which may be empty.
    pub(super) fn secret(&mut self, name: &str, allowed: &str) -> Result<Secret, ConfigError> {
        self.parsed(name, Shown::Masked, allowed, |text| {
            Some(Secret::new(text.to_owned()))
        })
    }

    /// An address and a port to listen on.
    pub(super) fn address(&mut self, name: &str) -> Result<SocketAddr, ConfigError> {
        let allowed = "an IP address and a port, such as 127.0.0.1:4000 or [::1]:4000";
        self.parsed(name, Shown::Plainly, allowed, |text| text.parse().ok())
    }

    /// The url of a database.
    pub(super) fn database_url(&mut self, name: &str) -> Result<DatabaseUrl, ConfigError> {
        self.parsed(name, Shown::AsUrl, DatabaseUrl::ALLOWED, DatabaseUrl::parse)
    }

    /// The url of a PostgreSQL database; an empty text is none.
    pub(super) fn optional_postgres_url(
        &mut self,
        name: &str,
    ) -> Result<Option<DatabaseUrl>, ConfigError> {
        self.parsed(name, Shown::AsUrl, DatabaseUrl::POSTGRES_OR_NONE, |text| {
            if text.is_empty() {
                return Some(None);
            }
            DatabaseUrl::parse_postgres(text).map(Some)
        })
    }

    /// A text that `parse` accepts.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        shown: Shown,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.read(name, shown, allowed.to_owned(), |given| match given {
            Given::Typed(value) => value.as_str().and_then(parse),
            Given::Text(text) => parse(text),
        })
    }

    /// A list of texts, each of which `accept` accepts: an array, or a text separated by commas.
    pub(super) fn list(
        &mut self,
        name: &str,
        allowed: &str,
        accept: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, ConfigError> {
        self.read(name, Shown::Plainly, allowed.to_owned(), |given| {
            let items: Vec<String> = match given {
                Given::Typed(value) => value
                    .as_array()?
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
                Given::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            };
            items.iter().all(|item| accept(item)).then_some(items)
        })
    }

    /// Where the value of a setting came from.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.layers
            .get(name)
            .map_or(Origin::Default, |layered| layered.origin.clone())
    }

    /// The value of a setting as people may see it.
    pub(super) fn shown(&self, name: &str) -> String {
        let shown = self
            .rules
            .get(name)
            .map_or(Shown::Masked, |rule| rule.shown);
        self.layers
            .get(name)
            .map_or_else(String::new, |layered| show(&layered.given, shown))
    }

    /// Name, value and origin of a setting in a sentence: `append.max_events = 7 (from …)`.
    pub(super) fn quote(&self, name: &str) -> String {
        format!("{name} = {} (from {})", self.shown(name), self.origin(name))
    }

    /// What was learnt about every setting that was read.
    pub(super) fn into_rules(self) -> BTreeMap<String, Rule> {
        self.rules
    }

    fn read<T>(
        &mut self,
        name: &str,
        shown: Shown,
        allowed: String,
        accept: impl FnOnce(&Given) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.rules.insert(
            name.to_owned(),
            Rule {
                allowed: allowed.clone(),
                shown,
            },
        );
        let Some(Layered { given, origin }) = self.layers.get(name) else {
            return Err(ConfigError::UnknownSetting {
                name: name.to_owned(),
                origin: Origin::Default,
                nearest: None,
            });
        };
        accept(given).ok_or_else(|| ConfigError::Value {
            name: name.to_owned(),
            value: show(given, shown),
            origin: origin.clone(),
            allowed,
        })
    }
}

fn show(given: &Given, shown: Shown) -> String {
    let text = match given {
        Given::Typed(Value::String(text)) | Given::Text(text) => text,
        // A secret of the wrong kind, such as a password written as a number, is still a secret.
        Given::Typed(_) if shown != Shown::Plainly => return "***".to_owned(),
        Given::Typed(value) => return value.to_string(),
    };
    match shown {
        Shown::Masked if !text.is_empty() => "***".to_owned(),
        Shown::AsUrl if !text.is_empty() => format!("{:?}", mask_url(text)),
        Shown::Masked | Shown::AsUrl | Shown::Plainly => format!("{text:?}"),
    }
}
