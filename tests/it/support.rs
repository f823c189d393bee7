//! What every test here stands on: a world with a database of its own on one of the two backends, and
//! servers on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gamebot_event_store::config::{Config, FlagValue, Sources};
use gamebot_event_store::projection::{ProjectionOptions, Projections};
use gamebot_event_store::registry::{self, Categories, Registry, RegistryOptions};
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{Database, DatabaseOptions, EventStore};
use tempfile::TempDir;
use testkit::{GraphqlClient, ServerProcess, ServerProcessBuilder, shared_postgres};
use uuid::Uuid;

/// The binary that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_gamebot-event-store");

/// The setting under which events of any type and shape are accepted: most tests are not about schemas, and make
/// up types of their own.
pub(crate) const UNCHECKED: (&str, &str) = ("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "*");

/// A registry under which events of any type and shape are accepted, for a store in the test's own process.
pub(crate) fn unchecked_registry() -> Registry {
    let options = RegistryOptions {
        open: Categories::default(),
        unchecked: Categories::new(&["*".to_owned()]),
        max_types: 100,
        max_versions: 100,
    };
    Registry::new(registry::catalogue(), options).unwrap()
}

/// Runs each test function on both backends: `sqlite::name` and `postgres::name`.
macro_rules! on_both_backends {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::support::World::sqlite()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(crate::support::World::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_backends;

/// A database of its own, and a folder for whatever else a test needs. Both vanish with it.
pub(crate) struct World {
    database_url: String,
    folder: TempDir,
}

/// What callers may see, of a world in which two guilds are of interest.
pub(crate) fn scopes(one: &str, other: &str) -> Vec<Scope> {
    let guilds = |guilds: &[&str], include_without_guild| Scope::Guilds {
        guild_ids: guilds
            .iter()
            .copied()
            .map(Arc::from)
            .collect::<BTreeSet<Arc<str>>>(),
        include_without_guild,
    };
    vec![
        Scope::All,
        guilds(&[], false),
        guilds(&[], true),
        guilds(&[one], false),
        guilds(&[other], true),
        guilds(&[one, other], false),
        guilds(&["nobody's"], false),
    ]
}

/// A server at an address of a world's database, such as a proxy's, to be adjusted before it starts.
pub(crate) fn prepare_at(database_url: &str) -> ServerProcessBuilder {
    ServerProcess::builder(PROGRAM, database_url)
        .environment("PROFILE", "test")
        .environment(UNCHECKED.0, UNCHECKED.1)
        // Few tests are about projections; every server would make and follow five, and a test that cuts a
        // COMMIT would meet theirs.
        .environment("GAMEBOT_PROJECTIONS_RUN", "false")
        // Many servers start at once, on a machine that may be busy with something else as well.
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "30000")
        .environment("GAMEBOT_LOG_LEVEL", "warn")
}

impl World {
    /// A SQLite file that does not exist yet.
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let database_url = format!("sqlite://{}", folder.path().join("log.db").display());
        Self {
            database_url,
            folder,
        }
    }

    /// An empty database of the cluster that the tests share.
    pub(crate) async fn postgres() -> Self {
        let database_url = shared_postgres().await.create_database().await;
        Self {
            database_url,
            folder: TempDir::new().unwrap(),
        }
    }

    /// Whether the backend is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database_url.starts_with("sqlite:")
    }

    /// Where the database is.
    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// A folder of this test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `host:port` of a PostgreSQL database.
    pub(crate) fn authority(&self) -> &str {
        let (_, behind_user) = self.database_url.rsplit_once('@').unwrap();
        behind_user.split('/').next().unwrap()
    }

    /// A server on this database, to be adjusted before it starts.
    pub(crate) fn prepare(&self) -> ServerProcessBuilder {
        prepare_at(&self.database_url)
    }

    /// A server on this database that holds events against the schemas of their types, as it does by default.
    pub(crate) fn prepare_checked(&self) -> ServerProcessBuilder {
        // An empty variable counts as not given.
        self.prepare().environment(UNCHECKED.0, "")
    }

    /// A server on this database, as a process of its own.
    pub(crate) async fn server(&self) -> ServerProcess {
        self.prepare().start().await
    }

    /// A server and a client of it.
    pub(crate) async fn server_and_client(&self) -> (ServerProcess, GraphqlClient) {
        let server = self.server().await;
        let client = GraphqlClient::new(&server.base_url());
        (server, client)
    }

    /// The projections of a store of this process, which nobody works at.
    pub(crate) fn projections(&self, store: EventStore) -> Projections {
        let settings = self.config().projections;
        let database = Database::open_derived(DatabaseOptions {
            url: settings.url(&self.config().database.url),
            read_connections: 1,
            connect_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
            listen_url: None,
            transaction_pooler: false,
        });
        let options = ProjectionOptions {
            run: false,
            batch_events: settings.batch_events,
            poll: settings.poll,
            takeover_after: settings.takeover_after,
            on_fault: settings.on_fault,
            wait_timeout: settings.wait_timeout,
            keep_retired: settings.keep_retired,
        };
        Projections::start(store, database.unwrap(), options)
    }

    /// The configuration of a server on this database, for a test that looks inside.
    pub(crate) fn config(&self) -> Config {
        let flag = FlagValue {
            flag: "--database-url".to_owned(),
            setting: "database.url".to_owned(),
            value: self.database_url.clone(),
        };
        let sources = Sources {
            profile: Some("test".to_owned()),
            flags: vec![flag],
            ..Sources::default()
        };
        Config::load(&sources).unwrap()
    }
}

/// The name of a stream that no other test uses.
pub(crate) fn new_stream(category: &str) -> String {
    format!("{category}-{}", Uuid::now_v7())
}
