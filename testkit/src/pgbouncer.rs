//! A connection pooler before a PostgreSQL of the tests' own.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::eventually::eventually_within;
use crate::port::unused_port;
use crate::postgres::account::Account;
use crate::postgres::binaries;
use crate::watchdog::Watchdog;

/// Enough for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// How often another port is tried when somebody was faster.
const PORT_ATTEMPTS: usize = 5;

/// A `PgBouncer` on 127.0.0.1 before one PostgreSQL server, for all of its databases, that lends connections
/// for one transaction at a time. It is killed when dropped, and also when the test process is killed.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    upstream: String,
    child: Child,
    watchdog: Watchdog,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler before the server of `database_url` (`postgres://user:password@host:port/name`,
    /// nothing in it encoded), that holds at most `connections` to each of its databases.
    ///
    /// # Panics
    ///
    /// Panics when `PgBouncer` is not installed or does not start; the message holds its log.
    pub async fn start(database_url: &str, connections: usize) -> Self {
        let (user, password, upstream) = parts(database_url);
        let account = Account::for_server();
        let folder = tempfile::Builder::new()
            .prefix("testkit-pgbouncer-")
            .tempdir()
            .unwrap_or_else(|error| panic!("a temporary folder: {error}"));
        account.give(folder.path());
        write(
            account,
            &folder.path().join("users.txt"),
            &format!("\"{user}\" \"{password}\"\n"),
        );
        let mut log = String::new();
        for _ in 0..PORT_ATTEMPTS {
            let port = unused_port();
            let settings = settings(upstream, port, connections);
            write(account, &folder.path().join("pgbouncer.ini"), &settings);
            match launch(account, folder.path(), port).await {
                Ok((child, watchdog)) => {
                    return Self {
                        port,
                        upstream: upstream.to_owned(),
                        child,
                        watchdog,
                        _folder: folder,
                    };
                }
                Err(text) => log = text,
            }
        }
        panic!("PgBouncer does not start on {PORT_ATTEMPTS} different ports; the last log: {log}");
    }

    /// The URL of a database with the pooler in the place of its server.
    ///
    /// # Panics
    ///
    /// Panics when the URL does not name the server that the pooler was started for.
    #[must_use]
    pub fn url(&self, database_url: &str) -> String {
        assert!(
            database_url.contains(&self.upstream),
            "{} is not in {database_url}",
            self.upstream
        );
        database_url.replacen(&self.upstream, &self.authority(), 1)
    }

    /// `127.0.0.1:port`, as a [`ChaosProxy`](crate::ChaosProxy) wants it.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        self.watchdog.stand_down();
    }
}

/// User, password, and `host:port`.
fn parts(database_url: &str) -> (&str, &str, &str) {
    let found = database_url.split_once("://").and_then(|(_, rest)| {
        let (credentials, address) = rest.rsplit_once('@')?;
        let (user, password) = credentials.split_once(':')?;
        Some((user, password, address.split('/').next()?))
    });
    found.unwrap_or_else(|| panic!("not postgres://user:password@host:port/name"))
}

fn settings(upstream: &str, port: u16, connections: usize) -> String {
    let (host, upstream_port) = upstream.split_once(':').unwrap_or((upstream, "5432"));
    format!(
        "[databases]\n\
         * = host={host} port={upstream_port}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         pool_mode = transaction\n\
         default_pool_size = {connections}\n\
         max_client_conn = 500\n\
         auth_type = plain\n\
         auth_file = users.txt\n"
    )
}

fn write(account: Account, path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    account.give(path);
}

/// Starts the pooler, and waits until it takes connections; the error is its log.
async fn launch(account: Account, folder: &Path, port: u16) -> Result<(Child, Watchdog), String> {
    let output = folder.join("output.txt");
    let file = File::create(&output).map_err(|error| error.to_string())?;
    let copy = file.try_clone().map_err(|error| error.to_string())?;
    let mut command = Command::new(binaries::pgbouncer());
    command
        .arg("pgbouncer.ini")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .process_group(0);
    account.apply(&mut command);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let script = r#"kill -s KILL "$1"; rm -rf "$2""#;
    let arguments = [&child.id().to_string(), &*folder.to_string_lossy()].map(str::to_owned);
    let mut watchdog = Watchdog::start(script, &[&arguments[0], &arguments[1]]);
    let what = "PgBouncer to take connections";
    let is_ready = eventually_within(START_DEADLINE, what, async || {
        if child.try_wait().ok().flatten().is_some() {
            return Some(false);
        }
        let connected = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        connected.is_ok().then_some(true)
    })
    .await;
    if is_ready {
        return Ok((child, watchdog));
    }
    watchdog.stand_down();
    Err(std::fs::read_to_string(&output).unwrap_or_else(|error| error.to_string()))
}
