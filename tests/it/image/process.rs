//! What a container engine does with the program: it asks for its health, opens it, and ends it.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use testkit::{ChaosProxy, GraphqlClient, ProxyMode, eventually};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::command_line::{Outcome, run};
use crate::support::{PROGRAM, World, on_both_backends, prepare_at};

/// Longer than anything takes here on a busy machine; what hangs fails with a text.
const DEADLINE: Duration = Duration::from_mins(1);

on_both_backends!(the_health_command_tells_a_ready_server_from_one_that_is_gone);

async fn the_health_command_tells_a_ready_server_from_one_that_is_gone(world: World) {
    let mut server = world.server().await;
    let outcome = health_of(&server.base_url()).await.succeeded();
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    assert_eq!(words[..3], ["ready", "database", "healthy"], "{outcome:?}");
    assert!(!outcome.stdout.contains("unhealthy"), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    // Any address of the server will do, and so will the settings that the server has.
    let graphql = format!("{}/graphql", server.base_url());
    assert_eq!(health_of(&graphql).await.succeeded().stdout, outcome.stdout);
    let by_settings = run(&["health"], &[("LISTEN", server.authority())]).await;
    assert_eq!(by_settings.succeeded().stdout, outcome.stdout);

    let address = server.base_url();
    server.terminate().await;
    health_of(&address)
        .await
        .failed(1, &["no answer from", &address, "Connection refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_command_names_what_is_unhealthy() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = prepare_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "500")
        .start()
        .await;
    health_of(&server.base_url()).await.succeeded();
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_all();
    let outcome = eventually("an unhealthy server", async || {
        let outcome = health_of(&server.base_url()).await;
        (outcome.code != Some(0)).then_some(outcome)
    })
    .await;
    assert!(
        outcome
            .stdout
            .contains("unhealthy: the database does not answer"),
        "{outcome:?}"
    );
    outcome.failed(1, &["is not ready: unavailable"]);
    proxy.set_mode(ProxyMode::Pass).await;
    eventually("a healthy server", async || {
        (health_of(&server.base_url()).await.code == Some(0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_command_takes_no_other_answer_for_health() {
    for (answer, said) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
            "is no health check",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
            "502",
        ),
        ("", "nothing within 3s"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stranger = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            assert!(socket.read(&mut request).await.unwrap() > 0);
            socket.write_all(answer.as_bytes()).await.unwrap();
            // It says nothing more, and keeps the connection until it is let go.
            let _gone = socket.read(&mut request).await;
        });
        health_of(&address).await.failed(1, &[said]);
        in_time(stranger).await.unwrap();
    }
    health_of("https://127.0.0.1:1")
        .await
        .failed(2, &["no TLS"]);
    health_of("nowhere").await.failed(2, &["nowhere"]);
    run(&["health"], &[("LISTEN", "127.0.0.1:0")])
        .await
        .failed(2, &["--url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flag_or_one_variable_lets_others_in_and_the_log_says_who_can_connect() {
    let world = World::sqlite();
    let closed = started(&world, &["serve"], &[]).await;
    assert!(
        closed
            .first_line
            .starts_with("listening on http://127.0.0.1:")
    );
    let (_, log) = closed.terminated().await;
    assert!(log.contains("GAMEBOT_SERVER_ALLOW_REMOTE=true"), "{log}");

    let allowed = [("GAMEBOT_SERVER_ALLOW_REMOTE", "true")];
    for (arguments, environment) in [
        (&["serve", "--allow-remote"][..], &[][..]),
        (&["serve"], &allowed[..]),
    ] {
        let open = started(&world, arguments, environment).await;
        let listens = open.first_line.strip_prefix("listening on http://0.0.0.0:");
        let port = listens
            .unwrap_or_else(|| panic!("{}", open.first_line))
            .to_owned();
        let client = GraphqlClient::new(&format!("http://127.0.0.1:{port}"));
        client
            .query("{ head { position } }", serde_json::json!({}))
            .await;
        let (_, log) = open.terminated().await;
        assert!(log.contains("can read and write everything"), "{log}");
        assert!(!log.contains("only programs of this machine"), "{log}");
    }
}

/// As the first process of a container, a server that does not wait for SIGTERM yet cannot be ended by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_still_waits_for_its_database_ends_in_good_order() {
    let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://bot@{}/games", database.local_addr().unwrap());
    let environment = [
        ("PROFILE", "test"),
        ("DATABASE_URL", url.as_str()),
        ("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "3600000"),
    ];
    for migrate in ["true", "false"] {
        let mut command = program(&["serve"], &environment);
        command.env("GAMEBOT_DATABASE_MIGRATE_AT_START", migrate);
        let mut server = command.spawn().unwrap();
        let _connection = in_time(database.accept()).await.unwrap();
        assert_eq!(terminate(&mut server).await.code(), Some(0));
    }
}

/// A server as a container runs it: its address comes from the settings alone.
struct Started {
    process: Child,
    first_line: String,
}

async fn started(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Started {
    let mut command = program(arguments, environment);
    // Under this profile any free port is taken where nobody names an address.
    command
        .env("PROFILE", "test")
        .env("DATABASE_URL", world.database_url())
        .env("GAMEBOT_LOG_LEVEL", "info");
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let first_line = lines.next_line().await.unwrap().unwrap();
    Started {
        process,
        first_line,
    }
}

impl Started {
    /// Ends it, and returns how it ended and what it logged.
    async fn terminated(mut self) -> (ExitStatus, String) {
        let status = terminate(&mut self.process).await;
        assert_eq!(status.code(), Some(0));
        let mut log = String::new();
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut log).await.unwrap();
        (status, log)
    }
}

fn program(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn terminate(process: &mut Child) -> ExitStatus {
    let id = process.id().unwrap().to_string();
    let mut kill = Command::new("sh");
    kill.args(["-c", r#"kill -s TERM "$1""#, "terminate", &id]);
    assert!(kill.status().await.unwrap().success());
    in_time(process.wait()).await.unwrap()
}

/// A wait that ends in any case.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {DEADLINE:?}"))
}

async fn health_of(address: &str) -> Outcome {
    run(&["health", "--url", address], &[]).await
}
