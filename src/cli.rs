//! The command line: what a person can ask of the binary, and how it answers.
//!
//! Exit codes: 0 when all went well, 1 for a failure, 2 for a wrong command line or configuration.

mod error;
mod health;
mod migrate;
mod play;
mod reset;
mod scavenge;
mod serve;
mod settings;
mod show_config;
mod signal;
mod tail;
#[cfg(test)]
mod tests;

pub use error::CliError;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{LogFormat, LogSettings};
use crate::graphql;
use crate::telemetry;
use settings::Environment;

const EXAMPLES: &str = "Examples:
  gamebot-event-store serve                     serve on 127.0.0.1:4000, data in data/gamebot.db
  gamebot-event-store play --serve              serve, and play three sample games
  gamebot-event-store tail --from origin        follow every event, from the first one on
  gamebot-event-store serve --listen 127.0.0.1:5000 --database-url postgres://bot@localhost/games
  gamebot-event-store health                    whether the server is ready
  gamebot-event-store config                    the settings in force, and where each comes from
  gamebot-event-store schema > schema.graphql   the schema of the API

Settings come from a profile, a file, the environment and flags; a later one wins.
`gamebot-event-store config --reference` explains every one of them.";

/// An event store with a GraphQL API and live subscriptions that never miss, double or reorder an event.
#[derive(Debug, Parser)]
#[command(name = "gamebot-event-store", version, after_help = EXAMPLES, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the GraphQL API, the live feeds and the playground.
    #[command(long_about = serve::LONG_ABOUT)]
    Serve(serve::ServeArguments),
    /// Create the tables, bring them up to date, or go back.
    Migrate(migrate::MigrateArguments),
    /// Print the schema of the API, in GraphQL's schema language.
    Schema,
    /// Print the settings in force with their origins, secrets masked; or explain all settings.
    Config(show_config::ConfigArguments),
    /// Delete every event. For development; refused under the profile prod.
    Reset(reset::ResetArguments),
    /// Play games through the public API, as a bot would.
    #[command(long_about = play::LONG_ABOUT)]
    Play(play::PlayArguments),
    /// Remove the payloads of hidden events for good, to free space.
    #[command(long_about = scavenge::LONG_ABOUT)]
    Scavenge(scavenge::ScavengeArguments),
    /// Follow events in the terminal, live, without missing one.
    #[command(long_about = tail::LONG_ABOUT)]
    Tail(tail::TailArguments),
    /// Ask a server whether it is ready.
    #[command(long_about = health::LONG_ABOUT)]
    Health(health::HealthArguments),
}

/// Runs what `arguments` ask for, to its end, and answers the exit code of the process.
///
/// It starts the log, which belongs to the process: `main` calls it once.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let command = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line.command,
        Err(answer) => {
            // Help and version come this way too; clap knows which stream each belongs to.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    let outcome =
        settings::environment(environment).and_then(|environment| execute(command, &environment));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.message() {
                // Nobody is left to tell when stderr itself is closed.
                let _ = writeln!(io::stderr(), "error: {message}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn execute(command: Command, environment: &Environment) -> Result<(), CliError> {
    match command {
        Command::Schema => Ok(io::stdout().write_all(graphql::sdl().as_bytes())?),
        Command::Config(arguments) => show_config::run(&arguments, environment, &mut io::stdout()),
        Command::Serve(arguments) => {
            let config = arguments.load(environment)?;
            telemetry::start(&config.log)?;
            block_on(serve::run(config))
        }
        Command::Migrate(arguments) => {
            let config = arguments.settings.load(environment)?;
            telemetry::start(&config.log)?;
            block_on(migrate::run(arguments.action(), &config, &mut io::stdout()))
        }
        Command::Reset(arguments) => {
            let config = arguments.settings.load(environment)?;
            telemetry::start(&config.log)?;
            block_on(reset::run(&arguments, &config, &mut io::stdout()))
        }
        Command::Play(arguments) => {
            let server = arguments.server_settings(environment)?;
            telemetry::start(server.as_ref().map_or(&client_log(), |config| &config.log))?;
            block_on(play::run(&arguments, server, &mut io::stdout()))
        }
        Command::Scavenge(arguments) => {
            telemetry::start(&client_log())?;
            let (is_terminal, stop) = (io::stderr().is_terminal(), signal::stop());
            block_on(scavenge::run(
                &arguments,
                &mut io::stdout(),
                &mut io::stderr(),
                is_terminal,
                stop,
            ))
        }
        Command::Tail(arguments) => {
            telemetry::start(&client_log())?;
            let stop = signal::stop();
            block_on(tail::run(
                &arguments,
                &mut io::stdout(),
                &mut io::stderr(),
                stop,
            ))
        }
        Command::Health(arguments) => {
            let address = arguments.address(environment)?;
            telemetry::start(&client_log())?;
            block_on(health::run(&address, &mut io::stdout()))
        }
    }
}

/// A client prints its results; its log stays silent unless something is wrong.
fn client_log() -> LogSettings {
    LogSettings {
        level: "warn".to_owned(),
        format: LogFormat::Text,
    }
}

fn block_on(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("cannot start the runtime: {error}")))?
        .block_on(work)
}
