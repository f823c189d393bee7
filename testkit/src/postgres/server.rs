//! A running PostgreSQL server, ours or not: where to connect, and databases on it.

use std::path::PathBuf;

use super::binaries;

/// A running server on which tests make databases of their own.
#[derive(Debug, Clone)]
pub struct PostgresServer {
    /// `postgres://user:password@host:port`, without a database.
    base_url: String,
    psql: PathBuf,
}

impl PostgresServer {
    /// A server that runs already. `base_url` names it as `postgres://user:password@host:port`,
    /// without a database; the user needs the right to create databases.
    ///
    /// # Panics
    ///
    /// Panics when `psql` is not installed.
    #[must_use]
    pub fn at(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            psql: binaries::psql(),
        }
    }

    /// The URL of one of the server's databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base_url)
    }

    /// Creates an empty UTF-8 database under a fresh name, and returns its URL.
    ///
    /// # Panics
    ///
    /// Panics when the server refuses.
    pub async fn create_database(&self) -> String {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        // template0 has no connections, which would be in the way of copying it.
        let statement = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        self.execute("postgres", &statement).await;
        self.url(&name)
    }

    /// Runs SQL on one database, and returns the rows as text: a line per row, columns separated
    /// by `|`.
    ///
    /// # Panics
    ///
    /// Panics when the server cannot be reached or a statement fails.
    pub async fn execute(&self, database: &str, sql: &str) -> String {
        self.try_execute(database, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}\non database {database}: {error}"))
    }

    /// Like [`PostgresServer::execute`], for statements that are expected to fail: the error is
    /// what `psql` printed.
    pub async fn try_execute(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = tokio::process::Command::new(&self.psql)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql, "--dbname"])
            .arg(self.url(database))
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("{}: {error}", self.psql.display()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned())
        }
    }
}
