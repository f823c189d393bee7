//! The command that shows a feed in the terminal, and what a WebSocket refuses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::{GraphqlClient, SubscriptionMessage, eventually};

use super::feed::answer_over_socket;
use super::writer::{append_ticks, head};
use crate::support::{PROGRAM, World, on_both_backends};

on_both_backends!(
    tail_prints_every_event_once_across_a_restart,
    tail_prints_what_a_filter_leaves,
    a_mutation_over_a_websocket_is_refused_with_the_way_to_send_it,
);

/// A running `tail`, which ends with this value.
struct Tail {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Tail {
    fn start(authority: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["tail", "--url", &format!("ws://{authority}/graphql")])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    /// Waits until this many lines are there, and returns the positions in them.
    async fn positions(&mut self, count: usize) -> Vec<i64> {
        let lines = eventually("the lines of the tail", async || {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "the tail has ended: {:?}", self.lines);
            let lines = self.lines.lock().unwrap();
            (lines.len() >= count).then(|| lines.clone())
        })
        .await;
        let parse = |line: &String| serde_json::from_str::<Value>(line).unwrap();
        let positions = lines.iter().map(parse);
        positions
            .map(|event| event["position"].as_i64().unwrap())
            .collect()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

async fn tail_prints_every_event_once_across_a_restart(world: World) {
    let mut server = world.server().await;
    let authority = server.authority().to_owned();
    let client = GraphqlClient::new(&server.base_url());
    append_ticks(&client, "game-1", 3).await;
    let mut tail = Tail::start(&authority, &["--from", "origin", "--json"]);
    assert_eq!(tail.positions(3).await, [1, 2, 3]);
    append_ticks(&client, "game-1", 2).await;
    assert_eq!(tail.positions(5).await, [1, 2, 3, 4, 5]);

    server.terminate().await;
    let mut server = world.prepare().listen(&authority).start().await;
    append_ticks(&client, "game-1", 2).await;
    assert_eq!(tail.positions(7).await, (1..=7).collect::<Vec<_>>());

    server.restart().await;
    append_ticks(&client, "game-1", 1).await;
    assert_eq!(tail.positions(8).await, (1..=8).collect::<Vec<_>>());
}

async fn tail_prints_what_a_filter_leaves(world: World) {
    let (server, client) = world.server_and_client().await;
    append_ticks(&client, "game-1", 2).await;
    append_ticks(&client, "team-1", 2).await;
    let arguments = ["--from", "origin", "--json", "--category", "team"];
    let mut tail = Tail::start(server.authority(), &arguments);
    append_ticks(&client, "game-1", 1).await;
    append_ticks(&client, "team-1", 1).await;
    assert_eq!(tail.positions(3).await, [3, 4, 6]);
    let arguments = ["--from", "version:1", "--json", "--stream", "team-1"];
    let mut tail = Tail::start(server.authority(), &arguments);
    assert_eq!(tail.positions(2).await, [4, 6]);
}

async fn a_mutation_over_a_websocket_is_refused_with_the_way_to_send_it(world: World) {
    let (server, client) = world.server_and_client().await;
    let mutation = r#"mutation { appendToStream(input: {stream: "game-1", expectedVersion: {exactly: 0},
        events: [{type: "opened", data: {}}]}) { __typename } }"#;
    let errors = match answer_over_socket(&server.base_url(), mutation).await {
        SubscriptionMessage::Next(result) => result["errors"].clone(),
        SubscriptionMessage::Error(errors) => errors,
        other => panic!("instead of a refusal came {other:?}"),
    };
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_ARGUMENT");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("POST"), "{message}");
    assert_eq!(head(&client).await, 0, "and nothing was written");
    let query = "{ head { position } }";
    let answer = answer_over_socket(&server.base_url(), query).await;
    let expected = json!({"data": {"head": {"position": 0}}});
    assert_eq!(answer, SubscriptionMessage::Next(expected));
}
