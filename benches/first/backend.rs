//! The databases that are measured: one for the server, and one with the same tables for the floor.

use std::path::Path;
use std::time::Duration;

use gamebot_event_store::store::{Database, DatabaseOptions};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, Statement};
use tempfile::TempDir;
use testkit::{PostgresCluster, ServerProcess, ServerProcessBuilder};

use crate::Result;

/// The binary that is measured, built with the profile of this benchmark.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gamebot-event-store");

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A place for databases, which vanish with it.
pub(crate) struct Bench {
    pub(crate) backend: Backend,
    cluster: Option<PostgresCluster>,
    folder: TempDir,
}

/// A server process on a database of its own.
pub(crate) struct Served {
    pub(crate) server: ServerProcess,
    pub(crate) database_url: String,
}

impl Served {
    /// The processor time that the server has used so far, where the system tells it (Linux).
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = format!("/proc/{}/stat", self.server.process_id()?);
        let stat = std::fs::read_to_string(stat).ok()?;
        // The second field is the program's name in parentheses; user and system time are the 14th and 15th.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut times = fields.split(' ').skip(11);
        let mut ticks = || times.next()?.parse::<u64>().ok();
        // Linux counts these in hundredths of a second, on every architecture.
        Some(Duration::from_millis((ticks()? + ticks()?) * 10))
    }
}

impl Bench {
    /// Starts what the backend needs: of PostgreSQL a cluster with its default settings, durable.
    pub(crate) async fn open(backend: Backend) -> Result<Self> {
        let cluster = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(PostgresCluster::start().await),
        };
        let folder = TempDir::new()?;
        Ok(Self {
            backend,
            cluster,
            folder,
        })
    }

    /// The database's name and version.
    pub(crate) async fn version(&self) -> Result<String> {
        let (database, _) = self.migrated("version").await?;
        let sql = match self.backend {
            Backend::Sqlite => "SELECT sqlite_version()",
            Backend::Postgres => "SELECT current_setting('server_version')",
        };
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await?;
        let version: String = row.ok_or("no version")?.try_get_by_index(0)?;
        database.close().await?;
        Ok(format!("{} {version}", self.backend.name()))
    }

    /// A server on an empty database.
    pub(crate) async fn serve(&self) -> Result<Served> {
        self.serve_with(&[]).await
    }

    /// A server on an empty database, with settings of its own.
    pub(crate) async fn serve_with(&self, environment: &[(&str, &str)]) -> Result<Served> {
        let database_url = self.url("served").await;
        let mut server = prepare(&database_url);
        for &(name, value) in environment {
            server = server.environment(name, value);
        }
        let server = server.start().await;
        Ok(Served {
            server,
            database_url,
        })
    }

    /// Two nodes on one empty database of PostgreSQL, each listening on a way of its own if one is given.
    pub(crate) async fn serve_two(
        &self,
        listen_url: impl Fn(&str) -> Option<String>,
    ) -> [ServerProcess; 2] {
        let database_url = self.url("served").await;
        let node = || match listen_url(&database_url) {
            Some(url) => prepare(&database_url).environment("GAMEBOT_DATABASE_LISTEN_URL", url),
            None => prepare(&database_url),
        };
        [node().start().await, node().start().await]
    }

    /// `host:port` of PostgreSQL.
    pub(crate) fn postgres_authority(&self) -> Option<String> {
        let cluster = self.cluster.as_ref()?;
        Some(format!("127.0.0.1:{}", cluster.port()))
    }

    /// An empty database with the server's tables and indexes, and a connection that is set up as the
    /// server's writer.
    pub(crate) async fn migrated(&self, name: &str) -> Result<(DatabaseConnection, String)> {
        let url = self.url(name).await;
        let database = Database::open(DatabaseOptions {
            url: url.clone(),
            read_connections: 1,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(1),
            listen_url: None,
            transaction_pooler: false,
        })?;
        let writer = database.writer();
        migration::up(&writer).await?;
        Ok((writer, url))
    }

    /// One of PostgreSQL's programs.
    pub(crate) fn postgres_program(&self, name: &str) -> Option<std::path::PathBuf> {
        self.cluster.as_ref().map(|cluster| cluster.program(name))
    }

    /// A folder for files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn url(&self, name: &str) -> String {
        if let Some(cluster) = &self.cluster {
            return cluster.server().create_database().await;
        }
        let file = format!("{name}-{}.db", uuid::Uuid::new_v4().simple());
        format!("sqlite://{}", self.folder.path().join(file).display())
    }
}

fn prepare(database_url: &str) -> ServerProcessBuilder {
    ServerProcess::builder(PROGRAM, database_url)
        .environment("PROFILE", "prod")
        .environment("GAMEBOT_LOG_LEVEL", "warn")
}

/// A plain connection to a database that a server has open.
pub(crate) async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(sea_orm::Database::connect(options).await?)
}
