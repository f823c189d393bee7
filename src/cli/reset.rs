//! `reset`: an empty store, for development.

use std::io::Write;

use clap::Args;

use super::CliError;
use super::serve;
use super::settings::SettingsArguments;
use crate::config::{Backend, Config, Profile};
use crate::projection;

const EXAMPLES: &str = "Examples:
  gamebot-event-store reset                   says what it would delete, and deletes nothing
  gamebot-event-store reset --yes             deletes it
  gamebot-event-store reset --yes --database-url sqlite://games.db";

/// The flags of `reset`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ResetArguments {
    /// Delete without asking again.
    #[arg(long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

/// Deletes every event, if that is allowed and meant.
pub(super) async fn run(
    arguments: &ResetArguments,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let victim = victim(config);
    if config.profile == Profile::Prod {
        return Err(CliError::Usage(format!(
            "reset is refused under the profile prod; it would delete {victim}"
        )));
    }
    if !arguments.yes {
        return Err(CliError::Usage(format!(
            "reset would delete {victim}; nothing is deleted without --yes"
        )));
    }
    erase(config).await?;
    writeln!(out, "deleted {victim}")?;
    Ok(())
}

/// What a reset deletes, in words.
fn victim(config: &Config) -> String {
    let url = &config.database.url;
    match url.backend() {
        Backend::Sqlite => format!(
            "every event of the store in the file of {url}, and the file of its projections, {}",
            config.projections.url(url)
        ),
        Backend::Postgres => format!(
            "every event and every table of the store in {url}, and its projections in the schema projections"
        ),
    }
}

/// Takes all tables back and makes them anew, so that the store also gets a new id: cursors of the old one
/// are refused instead of meaning something else. What was derived goes first: if that fails, nothing is lost.
async fn erase(config: &Config) -> Result<(), CliError> {
    let database = serve::open_database(config)?;
    let derived = serve::open_derived_database(config)?;
    projection::erase(&derived).await.map_err(serve::failed)?;
    let migrator = database.migrator().map_err(serve::failed)?;
    migration::down(&migrator, None)
        .await
        .map_err(serve::failed)?;
    migration::up(&migrator).await.map_err(serve::failed)?;
    migrator.close().await.map_err(serve::failed)
}
