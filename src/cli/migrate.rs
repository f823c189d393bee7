//! `migrate`: the tables of the database.

use std::io::Write;

use clap::{Args, Subcommand};

use super::CliError;
use super::serve;
use super::settings::SettingsArguments;
use crate::config::Config;

const EXAMPLES: &str = "Examples:
  gamebot-event-store migrate                 create the tables, or bring them up to date
  gamebot-event-store migrate status          what is applied, and what is not
  gamebot-event-store migrate up 1            apply the next migration only
  gamebot-event-store migrate down 1 --yes    take the last migration back
  gamebot-event-store migrate --database-url postgres://bot@db/games

`serve` does `migrate up` by itself, unless database.migrate_at_start is false.";

/// The flags of `migrate`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct MigrateArguments {
    #[command(subcommand)]
    action: Option<MigrateAction>,

    #[command(flatten)]
    pub(super) settings: SettingsArguments,
}

/// What to do with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(super) enum MigrateAction {
    /// Apply the migrations that are not applied yet. What is meant when nothing is said.
    Up {
        /// How many of them, the oldest first; all if it is not given.
        #[arg(value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
        steps: Option<u32>,
    },
    /// Take the last STEPS migrations back. Data that only they have a place for is lost.
    Down {
        /// How many migrations to take back.
        #[arg(value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
        /// Lose what is in the tables and columns that go.
        #[arg(long)]
        yes: bool,
    },
    /// Print every migration, and whether it is applied.
    Status,
}

impl MigrateArguments {
    pub(super) fn action(&self) -> MigrateAction {
        self.action.unwrap_or(MigrateAction::Up { steps: None })
    }
}

/// Migrates the database that `config` names.
pub(super) async fn run(
    action: MigrateAction,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), CliError> {
    if let MigrateAction::Down { steps, yes: false } = action {
        return Err(CliError::Usage(format!(
            "migrate down {steps} would take back what the last migrations made in {}, and lose what is in it: \
             every event, if the first one is among them; nothing is changed without --yes",
            config.database.url
        )));
    }
    let database = serve::open_database(config)?;
    let migrator = database.migrator().map_err(serve::failed)?;
    match action {
        MigrateAction::Up { steps } => migration::up_by(&migrator, steps).await,
        MigrateAction::Down { steps, .. } => migration::down(&migrator, Some(steps)).await,
        MigrateAction::Status => migration::refuse_newer(&migrator).await,
    }
    .map_err(|error| serve::database_failed(config, &error))?;
    for migration in migration::status(&migrator).await.map_err(serve::failed)? {
        let state = if migration.is_applied {
            "applied"
        } else {
            "pending"
        };
        writeln!(out, "{state}  {}", migration.name)?;
    }
    migrator.close().await.map_err(serve::failed)
}
