//! The binary as a command that ends by itself.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{PROGRAM, World};

/// Longer than any command needs on a busy machine; a command that hangs fails with a text.
const DEADLINE: Duration = Duration::from_mins(5);

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Fails the test unless the command succeeded.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails the test if the command succeeded.
    pub(crate) fn failed_somehow(self) -> Self {
        assert_ne!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails the test unless the command failed with this exit code and said all of these on stderr.
    pub(crate) fn failed(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in said {
            assert!(self.stderr.contains(text), "no `{text}` in {self:?}");
        }
        self
    }
}

/// Runs the binary, without any settings but these.
pub(crate) async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("GAMEBOT_")
            || ["PROFILE", "CONFIG_FILE", "LISTEN", "DATABASE_URL"].contains(&name.as_str())
        {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, command.output())
        .await
        .unwrap_or_else(|_| panic!("{arguments:?} did not end within {DEADLINE:?}"))
        .unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the binary on the database of a world.
pub(crate) async fn run_on(world: &World, arguments: &[&str]) -> Outcome {
    let environment = [("PROFILE", "test"), ("DATABASE_URL", world.database_url())];
    run(arguments, &environment).await
}
