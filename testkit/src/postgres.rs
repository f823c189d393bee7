//! A temporary PostgreSQL of the tests' own.

pub(crate) mod account;
pub(crate) mod binaries;
mod server;

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use self::account::Account;
pub use self::server::PostgresServer;
use crate::eventually::{blocking_within, eventually_within};
use crate::port::unused_port;
use crate::watchdog::{Watchdog, send_signal};

/// The environment variable that names a running server to use instead of starting one.
const SERVER_VARIABLE: &str = "TESTKIT_POSTGRES";

/// The role that owns everything in a temporary cluster.
const ROLE: &str = "testkit";

/// Enough for a busy machine to create a cluster, or to replay the log after a crash.
const START_DEADLINE: Duration = Duration::from_mins(1);

/// How long an orderly stop may take before the server is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How often another port is tried when somebody was faster.
const PORT_ATTEMPTS: usize = 5;

/// `$1` is the cluster's folder. An immediate stop first (SIGQUIT ends the server's processes and
/// frees its shared memory), SIGKILL when that has not worked within five seconds.
const CLEAN_UP: &str = r#"
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
    if [ -n "$pid" ]; then
        kill -s QUIT "$pid"
        tries=0
        while [ "$tries" -lt 50 ] && kill -s 0 "$pid"; do sleep 0.1; tries=$((tries + 1)); done
        kill -s KILL "$pid"
    fi
    rm -rf "$1"
"#;

static SHARED: OnceCell<SharedServer> = OnceCell::const_new();

struct SharedServer {
    server: PostgresServer,
    /// Never dropped, as it is static: the watchdog stops it when the process ends.
    _cluster: Option<PostgresCluster>,
}

/// The one server that all tests of this process share; each test takes a database of its own with
/// [`PostgresServer::create_database`].
///
/// It is started by the first test that asks, and stopped when the process ends. With the
/// environment variable `TESTKIT_POSTGRES` (`postgres://user:password@host:port`) set, that server
/// is used and nothing is started. A test that restarts its server takes a [`PostgresCluster`] of
/// its own.
///
/// # Panics
///
/// Panics when no server can be started; the message says what to install.
pub async fn shared_postgres() -> &'static PostgresServer {
    let shared = SHARED.get_or_init(|| async {
        if let Ok(base_url) = std::env::var(SERVER_VARIABLE) {
            return SharedServer {
                server: PostgresServer::at(&base_url),
                _cluster: None,
            };
        }
        let cluster = PostgresCluster::start().await;
        SharedServer {
            server: cluster.server().clone(),
            _cluster: Some(cluster),
        }
    });
    &shared.await.server
}

/// A PostgreSQL cluster in a temporary folder, listening on 127.0.0.1 only, with durability as in
/// production (`fsync` stays on). It is stopped and removed when dropped, and also when the test
/// process is killed.
#[derive(Debug)]
pub struct PostgresCluster {
    server: PostgresServer,
    port: u16,
    folder: PathBuf,
    programs: PathBuf,
    account: Account,
    postmaster: Mutex<Option<Child>>,
    /// The last field, so that it is dropped last: it removes the folder.
    _watchdog: Watchdog,
}

impl PostgresCluster {
    /// Creates a cluster and starts its server.
    ///
    /// # Panics
    ///
    /// Panics when PostgreSQL is not installed or does not start; the message holds its log.
    pub async fn start() -> Self {
        let programs = binaries::server_programs();
        let account = Account::for_server();
        let password = uuid::Uuid::new_v4().simple().to_string();
        let folder = make_folder(account);
        let watchdog = Watchdog::start(CLEAN_UP, &[&folder.to_string_lossy()]);
        initialise(&programs, account, &folder, &password).await;
        let (port, postmaster) = launch_on_a_free_port(&programs, account, &folder).await;
        Self {
            server: PostgresServer::at(&format!("postgres://{ROLE}:{password}@127.0.0.1:{port}")),
            port,
            folder,
            programs,
            account,
            postmaster: Mutex::new(Some(postmaster)),
            _watchdog: watchdog,
        }
    }

    /// Where to connect; it stays the same over restarts.
    #[must_use]
    pub fn server(&self) -> &PostgresServer {
        &self.server
    }

    /// The path of one of PostgreSQL's programs, such as `pgbench`, of the version that is running.
    /// Not every installation has every program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The TCP port on 127.0.0.1; it stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database of this cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    /// The process id of the server, or none while it is stopped.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        let postmaster = self
            .postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        postmaster.as_ref().map(Child::id)
    }

    /// Creates an empty database, and returns its URL.
    ///
    /// # Panics
    ///
    /// Panics when the server refuses.
    pub async fn create_database(&self) -> String {
        self.server.create_database().await
    }

    /// An orderly stop that cuts the clients: what `pg_ctl stop -m fast` does. A stopped cluster
    /// stays as it is.
    ///
    /// # Panics
    ///
    /// Panics when the server had to be killed.
    pub async fn stop_fast(&self) {
        self.stop_with("INT").await;
    }

    /// A stop without a checkpoint, as in a crash: what `pg_ctl stop -m immediate` does. The next
    /// start replays the log. A stopped cluster stays as it is.
    ///
    /// # Panics
    ///
    /// Panics when the server had to be killed.
    pub async fn stop_immediate(&self) {
        self.stop_with("QUIT").await;
    }

    /// Starts a stopped cluster on its old port. A running cluster stays as it is.
    ///
    /// # Panics
    ///
    /// Panics when the server does not come up; the message holds its log.
    pub async fn start_again(&self) {
        if self.process_id().is_some() {
            return;
        }
        let launched = launch(&self.programs, self.account, &self.folder, self.port).await;
        let postmaster = launched.unwrap_or_else(|log| panic!("PostgreSQL does not start: {log}"));
        *self
            .postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(postmaster);
    }

    /// An orderly stop and a start, on the same port.
    ///
    /// # Panics
    ///
    /// Panics when the server does not stop or does not come up.
    pub async fn restart(&self) {
        self.stop_fast().await;
        self.start_again().await;
    }

    async fn stop_with(&self, signal: &str) {
        let Some(mut postmaster) = self.take_postmaster() else {
            return;
        };
        send_signal(signal, postmaster.id());
        let what = "PostgreSQL to stop";
        eventually_within(STOP_DEADLINE, what, async || {
            postmaster.try_wait().ok().flatten()
        })
        .await;
    }

    fn take_postmaster(&self) -> Option<Child> {
        self.postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for PostgresCluster {
    fn drop(&mut self) {
        let Some(mut postmaster) = self.take_postmaster() else {
            return;
        };
        send_signal("INT", postmaster.id());
        let stopped = || matches!(postmaster.try_wait(), Ok(Some(_)));
        if !blocking_within(STOP_DEADLINE, stopped) {
            let _gone = postmaster.kill();
            let _reaped = postmaster.wait();
        }
        // The process id is free for somebody else from here on, so the watchdog must not see it.
        let _absent = std::fs::remove_file(self.folder.join("data/postmaster.pid"));
    }
}

/// A folder that the server's account owns and nobody else can look into.
fn make_folder(account: Account) -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix("testkit-postgres-")
        .tempdir()
        .unwrap_or_else(|error| panic!("a temporary folder: {error}"))
        .keep();
    account.give(&folder);
    folder
}

/// Creates the cluster's files. `C.UTF-8` does not exist everywhere; plain `C` does.
async fn initialise(programs: &Path, account: Account, folder: &Path, password: &str) {
    let password_file = folder.join("password");
    std::fs::write(&password_file, password)
        .unwrap_or_else(|error| panic!("{}: {error}", password_file.display()));
    account.give(&password_file);
    let mut failures = String::new();
    for locale in ["C.UTF-8", "C"] {
        match run_initdb(programs, account, folder, locale).await {
            Ok(()) => return,
            Err(failure) => failures.push_str(&failure),
        }
    }
    panic!("initdb failed: {failures}");
}

async fn run_initdb(
    programs: &Path,
    account: Account,
    folder: &Path,
    locale: &str,
) -> Result<(), String> {
    let mut command = Command::new(programs.join("initdb"));
    command
        .args(["--encoding=UTF8", "--no-sync", "--auth-local=reject"])
        // Loopback is open to every user of the machine, hence a password; it is sent as it is,
        // because the hashing of SCRAM takes a debug build longer than most tests.
        .args(["--auth-host=password", "--username", ROLE])
        .args([
            format!("--locale={locale}"),
            "--pwfile=password".into(),
            "--pgdata=data".into(),
        ])
        .current_dir(folder);
    account.apply(&mut command);
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    output
        .status
        .success()
        .then_some(())
        .ok_or_else(|| format!("locale {locale}: {text}\n"))
}

async fn launch_on_a_free_port(programs: &Path, account: Account, folder: &Path) -> (u16, Child) {
    let mut failures = String::new();
    for _ in 0..PORT_ATTEMPTS {
        let port = unused_port();
        match launch(programs, account, folder, port).await {
            Ok(postmaster) => return (port, postmaster),
            Err(log) => failures = log,
        }
    }
    panic!(
        "PostgreSQL does not start on {PORT_ATTEMPTS} different ports; the last log: {failures}"
    );
}

/// Starts the server and waits until it takes connections; the error is its log.
async fn launch(
    programs: &Path,
    account: Account,
    folder: &Path,
    port: u16,
) -> Result<Child, String> {
    let log_path = folder.join("server.log");
    let log = File::create(&log_path).map_err(|error| error.to_string())?;
    let log_copy = log.try_clone().map_err(|error| error.to_string())?;
    let mut command = Command::new(programs.join("postgres"));
    command
        .args(["-D", "data", "-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1"])
        // No socket file: the path of one may be 107 bytes long, less than some temporary folders.
        .args(["-c", "unix_socket_directories="])
        .args([
            "-c",
            "max_connections=200",
            "-c",
            "fsync=on",
            "-c",
            "synchronous_commit=on",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_copy)
        // A Ctrl-C at the terminal reaches the tests, and the watchdog stops the server then.
        .process_group(0);
    account.apply(&mut command);
    let mut postmaster = command.spawn().map_err(|error| error.to_string())?;
    let what = "PostgreSQL to take connections";
    let ready = eventually_within(START_DEADLINE, what, async || {
        if is_ready(folder, postmaster.id()) {
            return Some(true);
        }
        postmaster.try_wait().ok().flatten().map(|_exited| false)
    });
    if ready.await {
        Ok(postmaster)
    } else {
        Err(std::fs::read_to_string(&log_path).unwrap_or_else(|error| error.to_string()))
    }
}

/// The first line of `postmaster.pid` is the process id, the eighth becomes `ready`: the way in
/// which `pg_ctl start --wait` waits. A file that a crash left behind names another process.
fn is_ready(folder: &Path, process_id: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(folder.join("data/postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines();
    lines.next().map(str::trim) == Some(process_id.to_string().as_str())
        && lines.nth(6).map(str::trim) == Some("ready")
}
