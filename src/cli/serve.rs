//! `serve`: the server itself.

use std::net::SocketAddr;

use clap::Args;
use tokio::sync::oneshot;

use super::CliError;
use super::settings::{Environment, SettingsArguments, flag};
use super::signal;
use crate::config::{Config, Sources};

pub(super) const LONG_ABOUT: &str = "Serve the GraphQL API at /graphql (HTTP, WebSocket, server-sent events), \
the console at / and GraphiQL at /playground. Ctrl-C or SIGTERM ends it in good order: running \
requests are finished, and subscribers are told to come back.";

const EXAMPLES: &str = "Examples:
  gamebot-event-store serve
  gamebot-event-store serve --listen 127.0.0.1:5000 --database-url sqlite://games.db
  PROFILE=prod DATABASE_URL=postgres://bot@db/games gamebot-event-store serve
  GAMEBOT_LOG_LEVEL=debug gamebot-event-store serve --config gamebot.toml

The server has no authentication yet, so it listens on loopback only, unless server.allow_remote
is set.";

/// The flags of `serve`, and of what starts a server on the way.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArguments {
    /// The address and port to listen on; port 0 takes any free one [variable: LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,

    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

impl ServeArguments {
    pub(super) fn load(&self, environment: &Environment) -> Result<Config, CliError> {
        Ok(Config::load(&self.sources(environment))?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listen.is_none() && self.settings.is_empty()
    }

    fn sources(&self, environment: &Environment) -> Sources {
        let mut sources = self.settings.sources(environment);
        if let Some(address) = &self.listen {
            sources
                .flags
                .push(flag("--listen", "server.listen", address));
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
#[expect(clippy::unused_async, reason = "not wired yet")]
pub(super) async fn serve(
    _config: Config,
    _ready: oneshot::Sender<SocketAddr>,
    _stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), CliError> {
    Err(CliError::Failed("serve is not wired yet".to_owned()))
}
