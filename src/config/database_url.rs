//! Secrets, and the address of a database, which may contain one.

use std::fmt;

const MASK: &str = "***";
/// Parameters of a database url whose values are no secret.
const PUBLIC_PARAMETERS: [&str; 4] = ["sslmode", "mode", "cache", "application_name"];

/// A text that is shown to nobody: neither `Debug` nor `Display` gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

/// The kind of database that a url names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file, one server process.
    Sqlite,
    /// A PostgreSQL server, shared by any number of server processes.
    Postgres,
}

/// The address of the database. `Debug` and `Display` mask the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Secret,
    backend: Backend,
}

impl DatabaseUrl {
    /// What a url may be, for error messages.
    pub(super) const ALLOWED: &str = "sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/NAME";

    /// What the url of a second way to PostgreSQL may be, for error messages.
    pub(super) const POSTGRES: &str = "postgres://USER:PASSWORD@HOST:PORT/NAME";
    pub(super) const POSTGRES_OR_NONE: &str = "postgres://USER:PASSWORD@HOST:PORT/NAME, or nothing";

    pub(super) fn parse_postgres(text: &str) -> Option<Self> {
        Self::parse(text).filter(|url| url.backend == Backend::Postgres)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let backend = match scheme {
            // In memory, the writer and each reader would have a database of their own.
            "sqlite" if rest.contains(":memory:") || rest.contains("mode=memory") => return None,
            "sqlite" if !rest.trim_start_matches('/').is_empty() => Backend::Sqlite,
            "postgres" | "postgresql" if rest.len() > 2 && rest.starts_with("//") => {
                Backend::Postgres
            }
            _ => return None,
        };
        Some(Self {
            url: Secret::new(text.to_owned()),
            backend,
        })
    }

    /// Composes the url of a PostgreSQL database; every part is encoded, whatever it contains.
    pub(super) fn compose(host: &str, port: u16, user: &str, password: &str, name: &str) -> Self {
        // An IPv6 address stands in brackets, so that its colons are not taken for the port's.
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = if bare.contains(':') {
            format!("[{bare}]")
        } else {
            encode(bare)
        };
        let password = if password.is_empty() {
            String::new()
        } else {
            format!(":{}", encode(password))
        };
        let url = format!(
            "postgres://{}{password}@{host}:{port}/{}",
            encode(user),
            encode(name)
        );
        Self {
            url: Secret::new(url),
            backend: Backend::Postgres,
        }
    }

    /// The url with its password, for the connection and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// The kind of database.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&mask_url(self.url.expose()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Masks what may be secret in a url, also in one that is malformed: it is shown in errors.
pub(super) fn mask_url(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return mask_parameters(url);
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return MASK.to_owned();
    };
    // The last `@` ends the credentials even where a person forgot to encode one in the password.
    let Some((credentials, address)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{}", mask_parameters(rest));
    };
    let user = match credentials.split_once(':') {
        Some((user, _)) => format!("{user}:{MASK}"),
        None => credentials.to_owned(),
    };
    format!("{scheme}://{user}@{}", mask_parameters(address))
}

fn mask_parameters(text: &str) -> String {
    let Some((address, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    let masked: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if !PUBLIC_PARAMETERS.contains(&name) => format!("{name}={MASK}"),
            _ => parameter.to_owned(),
        })
        .collect();
    format!("{address}?{}", masked.join("&"))
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}
