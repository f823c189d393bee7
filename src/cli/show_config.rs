//! `config`: the settings, for people.

use std::io::Write;

use clap::Args;

use super::CliError;
use super::settings::{Environment, SettingsArguments};
use crate::config::{render_effective, render_reference};

const EXAMPLES: &str = "Examples:
  gamebot-event-store config                            the settings in force
  gamebot-event-store config --profile prod             what the profile prod changes
  GAMEBOT_APPEND_DEADLINE_MS=5000 gamebot-event-store config
  gamebot-event-store config --reference                every setting, with its reason, as Markdown";

/// The flags of `config`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConfigArguments {
    /// Explain every setting, with default, variable, bounds and reason, instead of printing values.
    #[arg(long)]
    reference: bool,

    #[command(flatten)]
    settings: SettingsArguments,
}

pub(super) fn run(
    arguments: &ConfigArguments,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<(), CliError> {
    let text = if arguments.reference {
        render_reference()?
    } else {
        render_effective(&arguments.settings.sources(environment))?
    };
    out.write_all(text.as_bytes())?;
    Ok(())
}
