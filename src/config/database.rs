//! The database: its settings, and the two ways to name it, as a whole or in parts.

use std::path::Path;
use std::time::Duration;

use super::database_url::mask_url;
use super::layers::read_file;
use super::reader::Reader;
use super::sections::HOUR_MS;
use super::{Backend, ConfigError, DatabaseUrl, Secret};

/// Where the log is stored.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The database, composed from its parts where it was given in parts.
    pub url: DatabaseUrl,
    /// Connections for reads.
    pub read_connections: u32,
    /// Longest time to wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time that one statement may run.
    pub statement_timeout: Duration,
    /// A second way to the same PostgreSQL database, whose sessions last.
    pub listen_url: Option<DatabaseUrl>,
    /// Whether `url` leads through a pooler that lends connections for one transaction at a time.
    pub transaction_pooler: bool,
    /// Whether `serve` creates and migrates the tables.
    pub migrate_at_start: bool,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let settings = Self {
            url: read_database_url(reader)?,
            read_connections: reader.number("database.read_connections", 1..=100, "connections")?,
            connect_timeout: reader.milliseconds("database.connect_timeout_ms", 100..=HOUR_MS)?,
            statement_timeout: reader
                .milliseconds("database.statement_timeout_ms", 100..=HOUR_MS)?,
            listen_url: read_listen_url(reader)?,
            transaction_pooler: reader.flag("database.transaction_pooler")?,
            migrate_at_start: reader.flag("database.migrate_at_start")?,
        };
        settings.check_backend(reader)?;
        Ok(settings)
    }

    /// A SQLite file has one server process, which nobody else appends to.
    fn check_backend(&self, reader: &Reader<'_>) -> Result<(), ConfigError> {
        let only_postgres = [
            ("database.listen_url", self.listen_url.is_some()),
            ("database.transaction_pooler", self.transaction_pooler),
        ];
        match only_postgres.iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) if self.url.backend() == Backend::Sqlite => {
                Err(ConfigError::Contradiction {
                    problem: format!(
                        "{} is for PostgreSQL, and the database is {}",
                        reader.quote(name),
                        self.url
                    ),
                    remedy: format!("leave {name} out, or name a PostgreSQL database"),
                })
            }
            _ => Ok(()),
        }
    }
}

fn read_listen_url(reader: &mut Reader<'_>) -> Result<Option<DatabaseUrl>, ConfigError> {
    let url = reader.optional_postgres_url("database.listen_url")?;
    let url_file = reader.text("database.listen_url_file", "the path of a file")?;
    if url_file.is_empty() {
        return Ok(url);
    }
    if url.is_some() {
        return Err(exclusive(
            reader,
            "database.listen_url",
            "database.listen_url_file",
        ));
    }
    let parse = DatabaseUrl::parse_postgres;
    read_url_file(
        reader,
        "database.listen_url_file",
        &url_file,
        DatabaseUrl::POSTGRES,
        parse,
    )
    .map(Some)
}

/// The parts in which a database can be given; `url` and `url_file` exclude all of them.
const PARTS: [&str; 6] = [
    "database.host",
    "database.port",
    "database.user",
    "database.password",
    "database.password_file",
    "database.name",
];

fn read_database_url(reader: &mut Reader<'_>) -> Result<DatabaseUrl, ConfigError> {
    let url = reader.database_url("database.url")?;
    let url_file = reader.text("database.url_file", "the path of a file")?;
    let parts = DatabaseParts::read(reader)?;
    let given = |name: &&str| reader.origin(name).is_explicit() && reader.shown(name) != "\"\"";
    let url_given = given(&"database.url");
    let part_given = PARTS.iter().find(|name| given(name));

    if url_given && !url_file.is_empty() {
        return Err(exclusive(reader, "database.url", "database.url_file"));
    }
    if let Some(part) = part_given {
        if url_given {
            return Err(exclusive(reader, "database.url", part));
        }
        if !url_file.is_empty() {
            return Err(exclusive(reader, "database.url_file", part));
        }
        return parts.compose(reader, part);
    }
    if url_file.is_empty() {
        return Ok(url);
    }
    let (name, parse) = ("database.url_file", DatabaseUrl::parse);
    read_url_file(reader, name, &url_file, DatabaseUrl::ALLOWED, parse)
}

fn read_url_file(
    reader: &Reader<'_>,
    name: &str,
    path: &str,
    allowed: &str,
    parse: fn(&str) -> Option<DatabaseUrl>,
) -> Result<DatabaseUrl, ConfigError> {
    let named_by = reader.quote(name);
    let text = read_file(Path::new(path), &named_by)?;
    parse(text.trim()).ok_or_else(|| ConfigError::Value {
        name: name.to_owned(),
        value: format!("{path:?}, whose content is {:?}", mask_url(text.trim())),
        origin: reader.origin(name),
        allowed: format!("a file that holds {allowed}"),
    })
}

/// A PostgreSQL database in parts; empty means not given.
struct DatabaseParts {
    host: String,
    port: u16,
    user: String,
    password: Secret,
    password_file: String,
    name: String,
}

impl DatabaseParts {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            host: reader.text("database.host", "a host name or an IP address")?,
            port: reader.number("database.port", 1..=u64::from(u16::MAX), "port")?,
            user: reader.text("database.user", "the name of a user, not encoded")?,
            password: reader.secret("database.password", "a password, not encoded")?,
            password_file: reader.text("database.password_file", "the path of a file")?,
            name: reader.text("database.name", "the name of a database, not encoded")?,
        })
    }

    fn compose(&self, reader: &Reader<'_>, first: &str) -> Result<DatabaseUrl, ConfigError> {
        let required = [
            ("database.host", &self.host),
            ("database.user", &self.user),
            ("database.name", &self.name),
        ];
        for (name, value) in required {
            if value.is_empty() {
                return Err(ConfigError::Contradiction {
                    problem: format!(
                        "{} gives the database in parts, but {name} is missing",
                        reader.quote(first)
                    ),
                    remedy: "give at least database.host, database.user and database.name, \
                             or database.url alone"
                        .to_owned(),
                });
            }
        }
        let password = self.password(reader)?;
        Ok(DatabaseUrl::compose(
            &self.host, self.port, &self.user, &password, &self.name,
        ))
    }

    fn password(&self, reader: &Reader<'_>) -> Result<String, ConfigError> {
        if self.password_file.is_empty() {
            return Ok(self.password.expose().to_owned());
        }
        if !self.password.expose().is_empty() {
            return Err(exclusive(
                reader,
                "database.password",
                "database.password_file",
            ));
        }
        let named_by = reader.quote("database.password_file");
        let text = read_file(Path::new(&self.password_file), &named_by)?;
        // Editors end a file with a line end; a password may well begin or end with a space.
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }
}

fn exclusive(reader: &Reader<'_>, first: &str, second: &str) -> ConfigError {
    ConfigError::Contradiction {
        problem: format!(
            "{} and {} exclude each other",
            reader.quote(first),
            reader.quote(second)
        ),
        remedy: "give the database as a whole, or in parts, and its secret once".to_owned(),
    }
}
