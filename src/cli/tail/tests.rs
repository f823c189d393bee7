use clap::Parser as _;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::cli::{Command, CommandLine};
use crate::client::fake_server::{FakeServer, FeedFault, PATIENCE, WatchedOutput};

fn parse(line: &[&str]) -> Result<TailArguments, clap::Error> {
    let line = ["gamebot-event-store", "tail"].iter().chain(line);
    match CommandLine::try_parse_from(line)?.command {
        Command::Tail(arguments) => Ok(arguments),
        other => panic!("{other:?}"),
    }
}

/// A `tail` that runs until it is stopped.
struct Running {
    out: WatchedOutput,
    notices: WatchedOutput,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), CliError>>,
}

impl Running {
    fn start(server: &FakeServer, line: &[&str]) -> Self {
        let url = server.url();
        let arguments = parse(&[&["--url", url.as_str()], line].concat()).unwrap();
        let (out, notices) = (WatchedOutput::new(), WatchedOutput::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let (mut to_out, mut to_notices) = (out.clone(), notices.clone());
        let task = tokio::spawn(async move {
            let stop = async move { stopped.await.unwrap() };
            run(&arguments, &mut to_out, &mut to_notices, stop).await
        });
        Self {
            out,
            notices,
            stop,
            task,
        }
    }

    async fn end(self) -> (String, String) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task)
            .await
            .expect("tail must end")
            .unwrap()
            .unwrap();
        (self.out.text(), self.notices.text())
    }
}

#[tokio::test]
async fn events_are_printed_one_in_each_line_with_what_is_known_of_the_feed() {
    let server = FakeServer::start().await;
    let data = r#"{"game_id":"1","guild_id":"8","team_id":"7_9","guess_successful":true}"#;
    server.record("game-1", "guess_processed", data);
    let tail = Running::start(&server, &["--from", "origin"]);
    tail.out.shows("-- caught up, at position 1\n").await;
    server.record("game-1", "game_completed", "null");
    tail.out.shows("-- caught up, at position 2\n").await;
    let (out, notices) = tail.end().await;
    let expected = "       1  2025-03-14T20:30:11.908Z  game-1@1  guess_processed  \
                    guess_successful=true team_id=\"7_9\"\n\
                    -- caught up, at position 1\n       \
                    2  2025-03-14T20:30:11.908Z  game-1@2  game_completed  (no data)\n\
                    -- caught up, at position 2\n";
    assert_eq!(out, expected);
    assert_eq!(notices, "");
}

#[tokio::test]
async fn a_lost_connection_is_told_and_taken_up_without_loss_or_doubles() {
    let server = FakeServer::start().await;
    for number in 1..=6 {
        server.record("game-1", "guess_processed", &format!("{{\"n\":{number}}}"));
    }
    server.fail_feed(FeedFault::CloseAfter {
        messages: 2,
        code: 1012,
    });
    server.fail_feed(FeedFault::VanishAfter { messages: 1 });
    server.fail_feed(FeedFault::ResumeTooEarly);
    let tail = Running::start(&server, &["--from", "origin"]);
    tail.out.shows("caught up, at position 6").await;
    let (out, _) = tail.end().await;
    let numbers: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_once("  n=").map(|(_, number)| number))
        .collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(out.matches("trying again in").count(), 2, "{out}");
    assert_eq!(out.matches("connected again").count(), 2, "{out}");
}

#[tokio::test]
async fn under_json_the_output_is_json_throughout() {
    let server = FakeServer::start().await;
    server.record("game-1", "guess_processed", r#"{"z":1.10,"a":2}"#);
    let tail = Running::start(&server, &["--from", "position:0", "--json"]);
    tail.notices.shows("caught up").await;
    let (out, _) = tail.end().await;
    assert!(out.contains(r#""data":{"z":1.10,"a":2}"#), "{out}");
    assert_eq!(out.lines().count(), 1);
    serde_json::from_str::<serde_json::Value>(&out).unwrap();
}

#[tokio::test]
async fn checkpoints_and_cursors_are_told_on_demand() {
    let server = FakeServer::start().await;
    server.record("game-1", "guess_processed", "{}");
    let quiet = Running::start(&server, &["--from", "origin"]);
    quiet.out.shows("caught up").await;
    let (out, _) = quiet.end().await;
    assert!(
        !out.contains("checkpoint") && !out.contains("cursor"),
        "{out}"
    );

    let verbose = Running::start(&server, &["--from", "origin", "--verbose"]);
    verbose
        .out
        .shows("-- caught up, at position 1, cursor c1\n")
        .await;
    verbose
        .out
        .shows("-- checkpoint, at position 1, cursor c1\n")
        .await;
    verbose.end().await;
}

#[tokio::test]
async fn a_feed_that_the_server_ends_or_refuses_ends_the_command() {
    let server = FakeServer::start().await;
    server.fail_feed(FeedFault::Complete);
    let tail = Running::start(&server, &["--from", "origin"]);
    timeout(PATIENCE, tail.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(tail.out.text().contains("the server ended the feed"));

    server.fail_feed(FeedFault::Refuse {
        code: "INVALID_CURSOR",
        retryable: false,
    });
    let tail = Running::start(&server, &["--from", "c99"]);
    let error = timeout(PATIENCE, tail.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("INVALID_CURSOR"), "{error}");
}

#[tokio::test]
async fn filters_and_streams_reach_the_server() {
    let server = FakeServer::start().await;
    let line = [
        "--category",
        "game",
        "--category",
        "team",
        "--type",
        "game_started",
        "--guild",
        "8",
    ];
    for line in [&line[..], &["--stream", "game-1", "--from", "version:3"]] {
        let tail = Running::start(&server, line);
        tail.out.shows("caught up").await;
        tail.end().await;
    }
    let filter = serde_json::json!({
        "categories": ["game", "team"], "types": ["game_started"], "guildIds": ["8"],
    });
    assert_eq!(
        server.subscriptions(),
        [
            serde_json::json!({ "from": { "at": "END" }, "filter": filter }),
            serde_json::json!({ "from": { "version": 3 }, "name": "game-1" }),
        ]
    );
}

#[test]
fn starts_are_parsed() {
    let start = |text: &str| parse(&["--from", text]).map(|arguments| arguments.from);
    assert_eq!(parse(&[]).unwrap().from, FeedStart::At("END"));
    assert_eq!(start("origin").unwrap(), FeedStart::At("ORIGIN"));
    assert_eq!(start("position:12").unwrap(), FeedStart::Position(12));
    assert_eq!(start("version:2").unwrap(), FeedStart::Version(2));
    assert_eq!(
        start("abc==").unwrap(),
        FeedStart::Cursor("abc==".to_owned())
    );
    let time = "2026-01-02T03:04:05Z";
    assert_eq!(
        start(&format!("time:{time}")).unwrap(),
        FeedStart::Time(time.to_owned())
    );
    for wrong in ["position:x", "position:-1", "version:", ""] {
        assert!(start(wrong).is_err(), "{wrong}");
    }
    assert!(parse(&["--stream", "game-1", "--type", "game_started"]).is_err());
}

#[test]
fn a_long_or_hostile_event_stays_one_bearable_line() {
    let event = |data: &str| {
        let text = format!(
            r#"{{"eventId":"e","position":1,"streamName":"game-1","streamVersion":1,"type":"t","data":{data},"recordedAt":"now"}}"#
        );
        line::of_event(&serde_json::value::RawValue::from_string(text).unwrap()).unwrap()
    };
    let long = event(&format!("{{\"words\":\"{}\"}}", "ä".repeat(500)));
    assert!(long.ends_with('…') && long.chars().count() < 150, "{long}");
    // U+009B starts a command of the terminal, and JSON lets it through unescaped.
    assert_eq!(event("\"a\u{9b}2J\u{7f}\"").matches('\u{fffd}').count(), 2);
    assert!(event("[1, 2]").ends_with("[1, 2]"));
}
