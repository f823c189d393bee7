//! `gamebot-event-store scavenge`, as a person or a timer runs it.

use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{GraphqlClient, ServerProcess, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::door::{Inside, append, delete, ended, operation, scavenge, slow};
use crate::command_line::run;
use crate::support::{PROGRAM, World, new_stream, on_both_backends};

on_both_backends!(
    the_command_waits_for_the_end_and_tells_the_figures,
    what_is_detached_is_watched_or_cancelled_by_its_id,
    ctrl_c_ends_the_watching_and_not_the_scavenge,
);

async fn hidden(client: &GraphqlClient, count: usize) -> String {
    let stream = new_stream("game");
    append(client, &stream, count).await;
    delete(client, &stream).await;
    stream
}

async fn run_at(server: &ServerProcess, arguments: &[&str]) -> crate::command_line::Outcome {
    let url = format!("{}/graphql", server.base_url());
    run(&[&["scavenge", "--url", &url], arguments].concat(), &[]).await
}

/// The id in `scavenge ID: started`.
fn id_of(stdout: &str) -> String {
    let (_, rest) = stdout.split_once("scavenge ").unwrap();
    rest.split_once(':').unwrap().0.to_owned()
}

async fn the_command_waits_for_the_end_and_tells_the_figures(world: World) {
    let (server, client) = world.server_and_client().await;
    let stream = hidden(&client, 3).await;
    hidden(&client, 4).await;
    let one = run_at(&server, &["--stream", &stream, "--actor", "op-1"]).await;
    let one = one.succeeded();
    assert!(
        one.stdout
            .contains(": started\ndone: removed the payloads of 3 events (")
    );
    assert!(
        one.stderr.contains("-- succeeded: 3 of 3 events"),
        "{one:?}"
    );
    let id = json!(id_of(&one.stdout));
    let told = operation(&client, &id).await;
    assert_eq!(told["events"]["nodes"][0]["metadata"]["actorId"], "op-1");
    let all = run_at(&server, &[]).await.succeeded();
    assert!(all.stdout.contains("of 4 events"), "{all:?}");
    assert_eq!(Inside::of(&world).await.payloads().await, 0);

    let refused = run_at(&server, &["--stream", "game-none"]).await;
    refused.failed(1, &["error: There is no stream game-none"]);
    run_at(&server, &["--operation-id", "7"])
        .await
        .failed(2, &["--operation-id"]);
    run(&["scavenge", "--url", "https://x"], &[])
        .await
        .failed(2, &["TLS"]);
}

async fn what_is_detached_is_watched_or_cancelled_by_its_id(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    hidden(&client, 60).await;
    let begun = run_at(&server, &["--detach"]).await.succeeded();
    let id = id_of(&begun.stdout);
    assert!(
        begun.stdout.contains(&format!("--operation-id {id}")),
        "{begun:?}"
    );
    assert!(
        begun.stdout.contains(&format!("--cancel {id}")),
        "{begun:?}"
    );
    // The same id from elsewhere is the same operation.
    let again = scavenge(&client, json!({"operationId": id})).await;
    assert_eq!(again["duplicate"], true);

    let watch = ["--operation-id", id.as_str()];
    let watching = run_at(&server, &watch);
    let cancelling = async {
        super::door::done_at_least(&client, &json!(id), 5).await;
        run_at(&server, &["--cancel", &id, "--actor", "op-2"]).await
    };
    let (watched, cancelled) = tokio::join!(watching, cancelling);
    assert!(
        cancelled
            .succeeded()
            .stdout
            .starts_with("cancelled; it had removed")
    );
    assert!(watched.stdout.contains("there was already"), "{watched:?}");
    watched.failed(1, &["the scavenge was cancelled after it had removed"]);

    hidden(&client, 1).await;
    let done = run_at(&server, &[]).await.succeeded();
    let id = id_of(&done.stdout);
    run_at(&server, &["--cancel", &id])
        .await
        .failed(1, &["nothing left to cancel"]);
    run_at(&server, &["--cancel", "none"])
        .await
        .failed(1, &["There is no operation none"]);
}

async fn ctrl_c_ends_the_watching_and_not_the_scavenge(world: World) {
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    hidden(&client, 40).await;
    let mut command = Command::new(PROGRAM)
        .args([
            "scavenge",
            "--url",
            &format!("{}/graphql", server.base_url()),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(command.stderr.take().unwrap()).lines();
    let mut first = String::new();
    while !first.contains("running") {
        first = errors
            .next_line()
            .await
            .unwrap()
            .expect("no progress is told");
    }
    let id = command.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &id]).status().await;
    assert!(sent.unwrap().success());
    let output = command.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mut last = String::new();
    while let Some(line) = errors.next_line().await.unwrap() {
        last = line;
    }
    assert!(last.contains("interrupted; the scavenge goes on"), "{last}");
    let id = id_of(&String::from_utf8(output.stdout).unwrap());
    assert!(last.contains(&format!("--operation-id {id}")), "{last}");
    let operation: Value = ended(&client, &json!(id)).await;
    assert_eq!(operation["state"], "SUCCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_between_only_delays_the_command() {
    let world = World::sqlite();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let address = format!("127.0.0.1:{port}");
    let mut server = slow(&world).listen(&address).start().await;
    let client = GraphqlClient::new(&server.base_url());
    hidden(&client, 40).await;
    let url = format!("http://{address}/graphql");
    let arguments = ["scavenge", "--url", url.as_str()];
    let watching = run(&arguments, &[]);
    let restarting = async {
        eventually("the scavenge to begin", async || {
            let answer = client
                .query("{ operations { nodes { progress { done } } } }", json!({}))
                .await;
            let done = &answer["operations"]["nodes"][0]["progress"]["done"];
            (done.as_u64() > Some(3)).then_some(())
        })
        .await;
        server.restart().await;
    };
    let (watched, ()) = tokio::join!(watching, restarting);
    let watched = watched.succeeded();
    assert!(watched.stderr.contains("trying again in"), "{watched:?}");
    assert!(watched.stdout.contains("of 40 events"), "{watched:?}");
}
