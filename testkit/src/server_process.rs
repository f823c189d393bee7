//! The built server as a child process: started, ended in every way, and started again.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::eventually::try_eventually_within;
use crate::watchdog::{Watchdog, send_signal};

/// Enough for a first start on a busy machine, with all migrations.
const START_DEADLINE: Duration = Duration::from_mins(1);

/// How long a server may take to end after SIGTERM: its own grace period for requests, and some.
const STOP_DEADLINE: Duration = Duration::from_mins(1);

/// How long the rest of the output may take to be read after the server has ended. A child of the
/// server's that lives on would keep the pipe open for ever.
const LAST_WORDS_DEADLINE: Duration = Duration::from_secs(5);

/// What the server says on its standard output, before its address, when it takes connections.
const ANNOUNCEMENT: &str = "listening on http://";

/// How many of the last lines are kept for the failure message.
const LOG_LINES: usize = 2_000;

/// How a server is to be started, each time that it is.
#[derive(Debug, Clone)]
pub struct ServerProcessBuilder {
    program: PathBuf,
    database_url: String,
    listen: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl ServerProcessBuilder {
    /// Adds an argument after those of the kit's own.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The address to listen on instead of a free port of 127.0.0.1, for a test that needs the same
    /// one after a restart. A [`ChaosProxy`](crate::ChaosProxy) before the server does as well.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Starts the server, and waits until it says where it listens.
    ///
    /// # Panics
    ///
    /// Panics when the program cannot be run, or ends or stays silent instead; the message holds
    /// what it printed.
    pub async fn start(self) -> ServerProcess {
        let mut server = ServerProcess {
            recipe: self,
            running: None,
            authority: String::new(),
            logs: Arc::default(),
        };
        server.start_again().await;
        server
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(&self.program);
        command
            .args([
                "serve",
                "--listen",
                &self.listen,
                "--database-url",
                &self.database_url,
            ])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }
}

/// A server of its own process. It is killed when this value is dropped, and also when the test
/// process is killed.
#[derive(Debug)]
pub struct ServerProcess {
    recipe: ServerProcessBuilder,
    running: Option<Running>,
    /// `127.0.0.1:port` of the last start.
    authority: String,
    logs: Arc<Mutex<VecDeque<String>>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    watchdog: Watchdog,
    /// The threads that read what the server prints.
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// The exit status, with all that the server printed read; none while it runs.
    async fn try_finish(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        let all_read = || self.readers.iter().all(JoinHandle::is_finished);
        try_eventually_within(LAST_WORDS_DEADLINE, async || all_read().then_some(())).await;
        Some(status)
    }
}

impl ServerProcess {
    /// Prepares to run `program serve` on a database. Tests pass
    /// `env!("CARGO_BIN_EXE_gamebot-event-store")`.
    #[must_use]
    pub fn builder(program: impl AsRef<Path>, database_url: &str) -> ServerProcessBuilder {
        ServerProcessBuilder {
            program: program.as_ref().to_owned(),
            database_url: database_url.to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// `http://127.0.0.1:port`, without a path. The port is another one after a restart, unless it
    /// was chosen with [`ServerProcessBuilder::listen`].
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// `127.0.0.1:port`, as a [`ChaosProxy`](crate::ChaosProxy) wants it.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The process id, or none when the server was stopped.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// What the server printed since the first start, standard output and standard error together;
    /// the last 2,000 lines.
    #[must_use]
    pub fn logs(&self) -> String {
        let lines = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// Kills the server without a warning (SIGKILL), as a power cut would. A stopped server stays
    /// as it is.
    ///
    /// # Panics
    ///
    /// Panics when the system refuses.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let ended = running.child.kill().and_then(|()| running.child.wait());
            running.watchdog.stand_down();
            ended.unwrap_or_else(|error| panic!("killing the server: {error}"));
        }
    }

    /// Asks the server to end (SIGTERM), waits until it has, and returns how it ended.
    ///
    /// # Panics
    ///
    /// Panics when the server was stopped before, or does not end within a minute; the message
    /// holds what it printed.
    pub async fn terminate(&mut self) -> ExitStatus {
        if let Some(running) = &self.running {
            send_signal("TERM", running.child.id());
        }
        self.wait_for_exit().await
    }

    /// Waits until the server has ended by itself, and returns how.
    ///
    /// # Panics
    ///
    /// Panics when the server was stopped before, or does not end within a minute; the message
    /// holds what it printed.
    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        let Some(mut running) = self.running.take() else {
            panic!("the server was stopped before");
        };
        let status = try_eventually_within(STOP_DEADLINE, async || running.try_finish().await);
        let status = status.await.unwrap_or_else(|| {
            panic!(
                "the server did not end within {STOP_DEADLINE:?}:\n{}",
                self.logs()
            )
        });
        running.watchdog.stand_down();
        status
    }

    /// Kills the server if it runs, and starts it on the same database.
    ///
    /// # Panics
    ///
    /// Panics when it does not come up; the message holds what it printed.
    pub async fn restart(&mut self) {
        self.kill();
        self.start_again().await;
    }

    /// Starts a stopped server on the same database. A running one stays as it is.
    ///
    /// # Panics
    ///
    /// Panics when it does not come up; the message holds what it printed.
    pub async fn start_again(&mut self) {
        if self.running.is_some() {
            return;
        }
        let mut child = self.recipe.spawn();
        let watchdog = Watchdog::start(r#"kill -s KILL "$1""#, &[&child.id().to_string()]);
        let announced = Arc::new(Mutex::new(None));
        let mut readers = Vec::new();
        if let Some(output) = child.stdout.take() {
            readers.push(keep_lines(output, &self.logs, Some(Arc::clone(&announced))));
        }
        if let Some(errors) = child.stderr.take() {
            readers.push(keep_lines(errors, &self.logs, None));
        }
        let mut running = Running {
            child,
            watchdog,
            readers,
        };
        let outcome = try_eventually_within(START_DEADLINE, async || {
            let address = announced
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match address {
                Some(address) => Some(Ok(address)),
                None => running.try_finish().await.map(Err),
            }
        });
        let outcome = outcome.await;
        self.running = Some(running);
        match outcome {
            Some(Ok(address)) => self.authority = address,
            Some(Err(status)) => panic!("the server ended with {status}:\n{}", self.logs()),
            None => panic!("the server did not say `{ANNOUNCEMENT}…`:\n{}", self.logs()),
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            // The runner shows what a failed test printed, and the server's side of it belongs
            // there.
            let mut errors = std::io::stderr();
            let _unseen = std::io::Write::write_all(
                &mut errors,
                format!("--- the server printed:\n{}---\n", self.logs()).as_bytes(),
            );
        }
    }
}

/// Reads a pipe of the server to its end, on a thread of its own, so that the server never waits
/// for a reader, whatever the test's runtime is doing.
fn keep_lines(
    pipe: impl Read + Send + 'static,
    logs: &Arc<Mutex<VecDeque<String>>>,
    announced: Option<Arc<Mutex<Option<String>>>>,
) -> JoinHandle<()> {
    let logs = Arc::clone(logs);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let address = announced_address(&line);
            let mut lines = logs.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LOG_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
            drop(lines);
            if let (Some(announced), Some(address)) = (&announced, address) {
                *announced.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
            }
        }
    })
}

/// The `host:port` of the announcement, wherever in the line it is: the line may be JSON.
fn announced_address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(ANNOUNCEMENT)?;
    let end = rest.find(|letter: char| letter.is_whitespace() || "\"'/,".contains(letter));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually;

    /// A stand-in for the server: announces an address, then waits for SIGTERM.
    const PATIENT: &str = r#"
        echo "arguments: $*; colour: $COLOUR" >&2
        trap 'echo "said goodbye"; exit 7' TERM
        echo "INFO listening on http://127.0.0.1:4711"
        while :; do sleep 0.05; done
    "#;

    /// Written by another process: while a file is open for writing here, a child that another
    /// test starts at that moment has it open too, and the system refuses to run it.
    fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
        let path = folder.path().join("server");
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1""#;
        let mut writer = Command::new("sh");
        writer.args(["-c", write, "write"]).arg(&path).arg(script);
        assert!(writer.status().unwrap().success());
        path
    }

    fn is_alive(process_id: u32) -> bool {
        let id = process_id.to_string();
        Command::new("sh")
            .args(["-c", r#"kill -s 0 "$1" 2>&-"#, "is-alive", &id])
            .status()
            .unwrap()
            .success()
    }

    #[tokio::test]
    async fn finds_the_address_and_passes_on_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerProcess::builder(program(&folder, PATIENT), "sqlite::memory:")
            .argument("--verbose")
            .environment("COLOUR", "green")
            .start()
            .await;
        assert_eq!(server.base_url(), "http://127.0.0.1:4711");
        let expected = "arguments: serve --listen 127.0.0.1:0 --database-url sqlite::memory: \
                        --verbose; colour: green";
        eventually("both streams in the logs", async || {
            server.logs().contains(expected).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn terminate_lets_the_server_end_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = ServerProcess::builder(program(&folder, PATIENT), "")
            .start()
            .await;
        assert_eq!(server.terminate().await.code(), Some(7));
        eventually("its last words", async || {
            server.logs().contains("said goodbye").then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_killed_server_can_be_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = ServerProcess::builder(program(&folder, PATIENT), "")
            .start()
            .await;
        let first = server.process_id().unwrap();
        server.restart().await;
        let second = server.process_id().unwrap();
        assert_ne!(first, second);
        assert!(!is_alive(first) && is_alive(second));
        assert!(
            !server.logs().contains("said goodbye"),
            "SIGKILL gives no time for that"
        );
        drop(server);
        assert!(!is_alive(second));
    }

    #[tokio::test]
    #[should_panic(expected = "no such table: events")]
    async fn a_server_that_ends_at_once_fails_with_what_it_printed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo 'no such table: events' >&2; exit 3";
        ServerProcess::builder(program(&folder, script), "")
            .start()
            .await;
    }

    #[test]
    fn the_address_is_found_in_plain_and_in_json_lines() {
        let found = |line| announced_address(line).unwrap_or_default();
        assert_eq!(found("listening on http://127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(
            found(r#"{"message":"listening on http://[::1]:80"}"#),
            "[::1]:80"
        );
        assert_eq!(
            found("INFO listening on http://0.0.0.0:80/graphql now"),
            "0.0.0.0:80"
        );
        assert_eq!(announced_address("listening soon"), None);
    }
}
