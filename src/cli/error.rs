use std::io;

use crate::client::ClientError;
use crate::config::ConfigError;
use crate::telemetry::TelemetryError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for something that does not fit together, or that is refused.
    #[error("{0}")]
    Usage(String),
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command was right, and failed; one clear message says why.
    #[error("{0}")]
    Failed(String),
    /// The server did not answer, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The log could not be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// The message for the person, `None` when there is nothing to say: `tail | head` closes the
    /// pipe when it has seen enough, and that is no failure.
    pub(super) fn message(&self) -> Option<String> {
        (!self.is_closed_pipe()).then(|| self.to_string())
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) if self.is_closed_pipe() => 0,
            Self::Usage(_) | Self::Config(_) | Self::Client(ClientError::Address { .. }) => 2,
            Self::Failed(_) | Self::Client(_) | Self::Telemetry(_) | Self::Output(_) => 1,
        }
    }

    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
