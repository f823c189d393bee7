//! The Dockerfile, compose.yaml and the balancer's configuration, held against the program that they run.
//!
//! Each is read as the text that it is: what is looked for stands in a line of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gamebot_event_store::config::{Config, Sources};
use tempfile::TempDir;
use tokio::process::Command;

use crate::command_line::run;

#[test]
fn the_image_is_built_with_the_pinned_rust_on_the_release_that_it_runs_on() {
    let dockerfile = read("Dockerfile");
    let toolchain = read("rust-toolchain.toml").parse::<toml::Table>().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let from: Vec<&str> = lines_after(&dockerfile, "FROM ").collect();
    let stages = [
        format!("rust:{channel}-slim-${{DEBIAN}} AS build"),
        "debian:${DEBIAN}-slim".to_owned(),
    ];
    assert_eq!(from, stages);

    let manifest = read("Cargo.toml").parse::<toml::Table>().unwrap();
    let version = manifest["workspace"]["package"]["version"].as_str();
    let label = format!("org.opencontainers.image.version=\"{}\"", version.unwrap());
    assert!(dockerfile.contains(&label), "no {label}");
}

#[test]
fn the_builder_gets_everything_that_the_build_reads() {
    let dockerfile = read("Dockerfile");
    let copied: BTreeSet<&str> = lines_after(&dockerfile, "COPY ")
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.rsplit_once(' ').unwrap().0.split(' '))
        .collect();
    let ignore = read(".dockerignore");
    let sent: BTreeSet<&str> = lines_after(&ignore, "!").collect();
    assert_eq!(copied, sent, "what is copied, and what .dockerignore sends");
    for path in &copied {
        assert!(root().join(path).exists(), "{path} does not exist");
    }

    let manifest = read("Cargo.toml").parse::<toml::Table>().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members = members.iter().map(|member| member.as_str().unwrap());
    for needed in members.chain(["src", "Cargo.toml", "Cargo.lock", "build.rs"]) {
        assert!(copied.contains(needed), "{needed} is not copied");
    }
}

#[tokio::test]
async fn every_variable_of_ours_that_a_file_names_is_a_setting() {
    let reference = run(&["config", "--reference"], &[])
        .await
        .succeeded()
        .stdout;
    let mut found = 0;
    for file in [
        "Dockerfile",
        "compose.yaml",
        "deploy/haproxy.cfg",
        "scripts/check-image",
        "docs/guides/running-the-server.md",
        "README.md",
    ] {
        let text = read(file);
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        // A name that ends with an underscore is the beginning of a family of names.
        let names = words.filter(|word| word.starts_with("GAMEBOT_") && !word.ends_with('_'));
        for name in names {
            assert!(
                reference.contains(&format!("`{name}`")),
                "{file} names {name}, which is no setting"
            );
            found += 1;
        }
    }
    assert!(found > 10, "only {found} were found");
}

#[tokio::test]
async fn the_image_alone_keeps_sqlite_in_its_volume_and_stays_on_loopback() {
    let dockerfile = read("Dockerfile");
    for line in [
        "WORKDIR /",
        "VOLUME /data",
        "USER 10001:10001",
        "STOPSIGNAL SIGTERM",
    ] {
        assert!(dockerfile.lines().any(|it| it == line), "no {line}");
    }
    let settings = settings_with(&image_environment()).await;
    // Relative to the working folder: /data/gamebot.db, in the volume.
    assert!(
        settings.contains("\n# database: sqlite://data/gamebot.db\n"),
        "{settings}"
    );
    let port = lines_after(&dockerfile, "EXPOSE ").next().unwrap();
    assert!(
        settings.contains(&format!("\nserver.listen = \"127.0.0.1:{port}\" ")),
        "{settings}"
    );

    let mut environment = image_environment();
    environment.push(("GAMEBOT_SERVER_ALLOW_REMOTE".to_owned(), "true".to_owned()));
    let settings = settings_with(&environment).await;
    assert!(
        settings.contains(&format!("\nserver.listen = \"0.0.0.0:{port}\" ")),
        "{settings}"
    );
}

#[tokio::test]
async fn the_servers_of_the_compose_file_find_their_database_and_can_be_reached() {
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "secret of the test\n").unwrap();
    let compose = read("compose.yaml");
    let mut environment = image_environment();
    let block = compose.split_once("environment: &settings\n").unwrap().1;
    for line in block.lines().take_while(|line| line.starts_with("    ")) {
        let line = line.trim();
        let Some((name, value)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let mounted = name == "GAMEBOT_DATABASE_PASSWORD_FILE";
        assert!(!mounted || value == "/run/secrets/database_password");
        let value = if mounted {
            password.to_str().unwrap()
        } else {
            value.trim_matches('"')
        };
        environment.push((name.to_owned(), value.to_owned()));
    }
    let settings = settings_with(&environment).await;
    for line in [
        "# profile: prod\n",
        "# database: postgres://gamebot:***@database:5432/gamebot\n",
        "server.listen = \"0.0.0.0:4000\" ",
        "database.migrate_at_start = \"false\" ",
    ] {
        assert!(settings.contains(line), "no {line} in {settings}");
    }
    assert!(!settings.contains("secret of the test"));
    for name in [
        "POSTGRES_DB: gamebot",
        "POSTGRES_USER: gamebot",
        "\n  database:\n",
    ] {
        assert!(compose.contains(name), "no {name:?}");
    }
}

#[test]
fn whoever_waits_for_a_server_waits_longer_than_it_takes() {
    let defaults = Config::load(&Sources::default()).unwrap().server;
    let balancer = read("deploy/haproxy.cfg");
    let timeout = |name: &str| {
        let name = format!("timeout {name} ");
        seconds(lines_after(&balancer, &name).next().unwrap())
    };
    assert!(timeout("server") > defaults.request_timeout);
    assert!(timeout("tunnel") > 3 * defaults.ping_interval);
    assert!(timeout("http-request") >= defaults.init_timeout);

    // `docker stop` waits for ten seconds.
    let environment = image_environment();
    let grace = environment
        .iter()
        .find(|(name, _)| name == "GAMEBOT_SERVER_SHUTDOWN_GRACE_MS");
    let grace = Duration::from_millis(grace.unwrap().1.parse().unwrap());
    assert!(grace < Duration::from_secs(10));
    let compose = read("compose.yaml");
    let patience: Vec<Duration> = lines_after(&compose, "stop_grace_period: ")
        .map(seconds)
        .collect();
    let hard_stop = seconds(lines_after(&balancer, "hard-stop-after ").next().unwrap());
    assert_eq!(patience.len(), 3, "servers, balancer, database");
    assert!(
        patience
            .iter()
            .all(|period| *period > grace && *period > hard_stop)
    );
}

#[tokio::test]
async fn haproxy_takes_the_configuration_of_the_balancer() {
    let mut command = Command::new("haproxy");
    command
        .args(["-c", "-f", "deploy/haproxy.cfg"])
        .current_dir(root())
        // The names of the containers exist in their network only.
        .envs([("SERVER1", "127.0.0.1:4001"), ("SERVER2", "127.0.0.1:4002")])
        .stdin(Stdio::null());
    match command.output().await {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
        }
        // A tool that no test needs otherwise; scripts/check-image insists on it.
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
    }
}

/// What `config` prints in this environment.
async fn settings_with(environment: &[(String, String)]) -> String {
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    run(&["config"], &environment).await.succeeded().stdout
}

/// The variables that the last stage of the Dockerfile sets.
fn image_environment() -> Vec<(String, String)> {
    let dockerfile = read("Dockerfile").replace("\\\n", " ");
    let last_stage = dockerfile.split("\nFROM debian").nth(1).unwrap();
    lines_after(last_stage, "ENV ")
        .flat_map(str::split_whitespace)
        .map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// What stands after `beginning` in each line that begins with it, apart from white space.
fn lines_after<'a>(text: &'a str, beginning: &str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim().strip_prefix(beginning))
}

/// `40s` as a time.
fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.trim_end_matches('s').parse().unwrap())
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
