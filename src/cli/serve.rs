//! `serve`: the server itself.

use std::io::Write;
use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::CliError;
use super::settings::{Environment, SettingsArguments, flag};
use super::signal;
use crate::config::{Config, Sources};
use crate::game::GameOptions;
use crate::graphql::{self, ApiOptions, Limits, PageLimits};
use crate::projection::{ProjectionOptions, Projections};
use crate::registry::{self, Categories, Registry, RegistryOptions};
use crate::server::{self, Component, ReadinessCheck, Server};
use crate::store::{
    AppendLimits, Database, DatabaseOptions, EventStore, FollowOptions, OperationOptions,
    ScavengeOptions, SnapshotOptions, StoreOptions, TailOptions,
};

pub(super) const LONG_ABOUT: &str = "Serve the GraphQL API at /graphql (HTTP and WebSocket) and GraphiQL at \
/playground. Ctrl-C or SIGTERM ends it in good order: running requests are finished, and subscribers \
are told to come back.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store serve
  gamebot-event-store serve --listen 127.0.0.1:5000 --database-url sqlite://games.db
  PROFILE=prod DATABASE_URL=postgres://bot@db/games gamebot-event-store serve
  GAMEBOT_LOG_LEVEL=debug gamebot-event-store serve --config gamebot.toml

The server has no authentication yet, so it listens on loopback only. With --allow-remote, or
GAMEBOT_SERVER_ALLOW_REMOTE=true, it listens on every IPv4 address, or on the one that is given.";

/// The flags of `serve`, and of what starts a server on the way.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArguments {
    /// The address and port to listen on; port 0 takes any free one [variable: LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,

    /// Whether other machines are let in.
    #[arg(
        long,
        global = true,
        help = "Let other machines in: everybody who can reach the port can \
        then read and write everything [variable: GAMEBOT_SERVER_ALLOW_REMOTE]"
    )]
    pub(super) allow_remote: bool,

    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

impl ServeArguments {
    pub(super) fn load(&self, environment: &Environment) -> Result<Config, CliError> {
        Ok(Config::load(&self.sources(environment))?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listen.is_none() && !self.allow_remote && self.settings.is_empty()
    }

    fn sources(&self, environment: &Environment) -> Sources {
        let mut sources = self.settings.sources(environment);
        if let Some(address) = &self.listen {
            sources
                .flags
                .push(flag("--listen", "server.listen", address));
        }
        if self.allow_remote {
            sources
                .flags
                .push(flag("--allow-remote", "server.allow_remote", "true"));
        }
        sources
    }
}

/// Serves until a person or an orchestrator ends the process.
pub(super) async fn run(config: Config) -> Result<(), CliError> {
    let (ready, _) = oneshot::channel();
    serve(config, ready, signal::stop()).await
}

/// Serves until `stop` is ready, then shuts down in good order. `ready` is told the address as
/// soon as requests are accepted there; if nobody waits for it any more, that is no failure.
pub(super) async fn serve(
    config: Config,
    ready: oneshot::Sender<SocketAddr>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), CliError> {
    let mut stop = Box::pin(stop);
    // Who starts a server may change their mind while it waits for its database. As the first process of a
    // container it would not even be ended by the system: that ignores a SIGTERM that nobody waits for.
    let store = tokio::select! {
        // First, so that the wish is heard from the very beginning.
        biased;
        () = &mut stop => {
            tracing::info!("stopped before it was ready");
            return Ok(());
        }
        started = start_store(&config) => started?,
    };
    let projections = start_projections(&config, &store)?;
    let api = graphql::api(store.clone(), projections.clone(), &api_options(&config));
    let api = api.map_err(failed)?;
    let server = Server::new(api, server_options(&config), readiness(store.clone()));
    let listener = TcpListener::bind(config.server.listen)
        .await
        .map_err(|error| {
            CliError::Failed(format!(
                "cannot listen on {}: {error}. Choose another address with --listen or LISTEN.",
                config.server.listen
            ))
        })?;
    let address = listener.local_addr().map_err(failed)?;
    announce(address, &store);
    let _ = ready.send(address);
    let outcome = server.serve(listener, stop).await;
    projections.close().await;
    // Appends that were accepted are written and answered before the process ends.
    store.close().await;
    tracing::info!("stopped");
    outcome.map_err(failed)
}

/// Makes sure of the tables, and starts the store on them.
async fn start_store(config: &Config) -> Result<EventStore, CliError> {
    let database = open_database(config)?;
    if config.database.migrate_at_start {
        let migrator = database.migrator().map_err(failed)?;
        migration::up(&migrator)
            .await
            .map_err(|error| database_failed(config, &error))?;
        migrator.close().await.map_err(failed)?;
    } else {
        refuse_other_tables(&database).await?;
    }
    let registry = registry(config)?;
    EventStore::start(database, store_options(config), registry)
        .await
        .map_err(failed)
}

fn start_projections(config: &Config, store: &EventStore) -> Result<Projections, CliError> {
    let settings = &config.projections;
    let database = open_derived_database(config)?;
    let options = ProjectionOptions {
        run: settings.run,
        batch_events: settings.batch_events,
        poll: settings.poll,
        takeover_after: settings.takeover_after,
        on_fault: settings.on_fault,
        wait_timeout: settings.wait_timeout,
        keep_retired: settings.keep_retired,
    };
    Ok(Projections::start(store.clone(), database, options))
}

/// Reads which migrations are applied, within a transaction: that also works through a transaction pooler.
async fn refuse_other_tables(database: &Database) -> Result<(), CliError> {
    let writer = database.writer();
    let transaction = database.begin(&writer).await.map_err(failed)?;
    migration::refuse_other(&transaction)
        .await
        .map_err(failed)?;
    transaction.rollback().await.map_err(failed)?;
    writer.close().await.map_err(failed)
}

/// The first line on stdout is for people and for programs that start a server on any free port.
fn announce(address: SocketAddr, store: &EventStore) {
    let mut out = std::io::stdout();
    let lines = format!(
        "listening on http://{address}\n  GraphQL    http://{address}/graphql\n  playground http://{address}/playground\n"
    );
    // Nobody needs to listen to stdout for the server to serve.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    tracing::info!(%address, store = %store.id(), backend = store.backend_name(), "serving");
    if address.ip().is_loopback() {
        tracing::info!(
            "only programs of this machine, or of this container, can connect: a published port of a \
             container leads nowhere. To let others in: GAMEBOT_SERVER_ALLOW_REMOTE=true or --allow-remote"
        );
    } else {
        tracing::warn!(
            "everybody who can reach {address} can read and write everything: there is no authentication"
        );
    }
}

fn readiness(store: EventStore) -> ReadinessCheck {
    ReadinessCheck::new(move || {
        let store = store.clone();
        async move {
            let healthy = store.ping().await.is_ok();
            let detail = (!healthy).then(|| "the database does not answer".to_owned());
            let takes = store.takes_appends();
            let refused = (!takes).then(|| "appends are not taken any more".to_owned());
            vec![
                Component {
                    name: "database".to_owned(),
                    healthy,
                    detail,
                },
                Component {
                    name: "committer".to_owned(),
                    healthy: takes,
                    detail: refused,
                },
            ]
        }
    })
}

/// Opens the database that `config` names, and of a SQLite file takes the lock.
pub(super) fn open_database(config: &Config) -> Result<Database, CliError> {
    Database::open(database_options(config)).map_err(failed)
}

/// Opens the database of the projections, and of a SQLite file takes the lock.
pub(super) fn open_derived_database(config: &Config) -> Result<Database, CliError> {
    let settings = &config.projections;
    let database = Database::open_derived(DatabaseOptions {
        url: settings.url(&config.database.url),
        read_connections: settings.read_connections,
        // What the projections lack, the log can make again; they never listen and never migrate.
        listen_url: None,
        ..database_options(config)
    });
    database.map_err(failed)
}

fn database_options(config: &Config) -> DatabaseOptions {
    let database = &config.database;
    DatabaseOptions {
        url: database.url.expose().to_owned(),
        read_connections: database.read_connections,
        connect_timeout: database.connect_timeout,
        statement_timeout: database.statement_timeout,
        listen_url: database
            .listen_url
            .as_ref()
            .map(|url| url.expose().to_owned()),
        transaction_pooler: database.transaction_pooler,
    }
}

/// The types of the game; what was registered at run time comes from the log.
fn registry(config: &Config) -> Result<Registry, CliError> {
    let settings = &config.schema;
    let options = RegistryOptions {
        open: Categories::new(&settings.open_categories),
        unchecked: Categories::new(&settings.unchecked_categories),
        max_types: settings.max_types,
        max_versions: settings.max_versions,
    };
    Registry::new(registry::catalogue(), options).map_err(failed)
}

fn store_options(config: &Config) -> StoreOptions {
    let (append, subscription) = (&config.append, &config.subscription);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    StoreOptions {
        append: AppendLimits {
            max_events: append.max_events,
            max_request_bytes: append.max_request_bytes,
            max_event_bytes: append.max_event_bytes,
            max_batch_streams: append.max_batch_streams,
        },
        max_stream_events: i32::try_from(append.max_stream_events).unwrap_or(i32::MAX),
        queue_requests: append.queue_requests,
        queue_bytes: append.queue_bytes,
        group_events: append.group_events,
        group_bytes: append.group_bytes,
        deadline: append.deadline,
        hub_capacity: subscription.hub_capacity_events,
        follow: FollowOptions {
            page_events: subscription.page_events as u64,
            scan_window: signed(subscription.scan_window_positions),
            checkpoint_every: signed(subscription.checkpoint_every_positions),
            checkpoint_interval: subscription.checkpoint_every,
        },
        operations: OperationOptions {
            poll: config.operations.poll,
            takeover_after: config.operations.takeover_after,
            watch: config.operations.watch,
            max_unfinished: config.operations.max_unfinished,
        },
        scavenge: ScavengeOptions {
            batch_events: config.scavenge.batch_events,
            pause: config.scavenge.pause,
        },
        snapshots: SnapshotOptions {
            kept_per_stream: config.snapshots.kept_per_stream,
            queue: config.snapshots.queue,
        },
        tail: TailOptions {
            poll_interval: config.tail.poll_interval,
            notify_interval: config.tail.notify_interval,
        },
    }
}

fn api_options(config: &Config) -> ApiOptions {
    let settings = &config.graphql;
    ApiOptions {
        games: GameOptions {
            enforcement: config.domain.game,
            cached_streams: config.domain.cached_streams,
            cached_bytes: config.domain.cached_bytes,
            snapshot_every: config.snapshots.every_events,
            snapshots_kept: config.snapshots.kept_per_stream,
        },
        documents: Limits {
            document_bytes: settings.document_bytes,
            tokens: settings.tokens,
            depth: settings.depth,
            fields: settings.fields,
            aliases: settings.aliases,
            directives: settings.directives,
            socket_operations: settings.socket_operations,
            cached_documents: settings.cached_documents,
            ..Limits::default()
        },
        pages: PageLimits {
            page_default: settings.page_default,
            page_max: settings.page_max,
            count_limit: settings.count_limit as u64,
            operation_nodes: settings.operation_nodes,
            operation_bytes: settings.operation_bytes,
            filter_values: settings.filter_values,
        },
        introspection: settings.introspection,
        started_at: chrono::Utc::now(),
    }
}

fn server_options(config: &Config) -> server::Options {
    let settings = &config.server;
    server::Options {
        body_limit_bytes: settings.body_limit_bytes,
        request_timeout: settings.request_timeout,
        stalled_client_timeout: settings.stalled_client_timeout,
        init_timeout: settings.init_timeout,
        ping_interval: settings.ping_interval,
        max_message_bytes: settings.socket_message_bytes,
        allowed_origins: settings.allowed_origins.clone(),
        shutdown_grace: settings.shutdown_grace,
    }
}

/// A failure in its own words.
pub(super) fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// Why the tables could not be changed, and where they are: whoever starts a server with the wrong settings
/// sees it there.
pub(super) fn database_failed(config: &Config, error: &migration::MigrationError) -> CliError {
    CliError::Failed(format!("{}: {error}", config.database.url))
}
