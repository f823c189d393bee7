use clap::Parser as _;
use indicatif::ProgressStyle;

use super::*;
use crate::cli::{Command, CommandLine};
use crate::client::OperationProgress;

const ID: &str = "0195a1f2-7d46-7d46-8117-c876156393d8";

fn parse(line: &[&str]) -> Result<ScavengeArguments, clap::Error> {
    let line = ["gamebot-event-store", "scavenge"].iter().chain(line);
    match CommandLine::try_parse_from(line)?.command {
        Command::Scavenge(arguments) => Ok(arguments),
        other => panic!("{other:?}"),
    }
}

fn status(state: &str, done: u64, total: Option<u64>) -> OperationStatus {
    OperationStatus {
        operation_id: ID.to_owned(),
        state: state.to_owned(),
        error: (state == "FAILED").then(|| "the disk is full".to_owned()),
        progress: OperationProgress { done, total },
        result: Some(ScavengeFigures {
            streams: 2,
            events: done,
            bytes: 99,
        }),
    }
}

#[test]
fn to_cancel_is_something_else_than_to_start() {
    let cancel = parse(&["--cancel", ID, "--actor", "7"]).unwrap();
    assert_eq!(cancel.cancel.as_deref(), Some(ID));
    assert_eq!(cancel.metadata(), Some(json!({"actor_id": "7"})));
    for wrong in [
        &["--cancel", ID, "--detach"][..],
        &["--cancel", ID, "--stream", "game-1"],
        &["--operation-id", "7"],
        &["game-1"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn who_leaves_is_told_how_to_come_back_to_the_same_operation() {
    let arguments = parse(&["--stream", "game-1", "--url", "http://h:5/graphql"]).unwrap();
    let told = how_to_go_on(ID, &arguments);
    let again = format!("--operation-id {ID} --stream game-1 --url http://h:5/graphql");
    assert!(told.contains(&again), "{told}");
    assert!(told.contains(&format!("--cancel {ID}")), "{told}");
}

#[test]
fn only_success_is_a_success() {
    let outcome = |state| {
        let mut out = Vec::new();
        report(&status(state, 7, Some(7)), &mut out)
            .map(|()| String::from_utf8(out).unwrap())
            .map_err(|error| (error.exit_code(), error.to_string()))
    };
    let done = "the payloads of 7 events (99 bytes), 2 streams complete";
    assert_eq!(outcome("SUCCEEDED"), Ok(format!("done: removed {done}\n")));
    for (state, reason) in [
        ("FAILED", "the disk is full"),
        ("CANCELLED", "was cancelled"),
        ("RUNNING", "goes on by itself"),
    ] {
        let (code, message) = outcome(state).unwrap_err();
        assert_eq!(code, 1);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn without_a_terminal_each_state_is_a_line() {
    let mut notices = Vec::new();
    let mut progress = Progress::new(&mut notices, false);
    for status in [
        status("WAITING", 0, None),
        status("RUNNING", 0, Some(9)),
        status("RUNNING", 1, Some(9)),
        status("SUCCEEDED", 9, Some(9)),
    ] {
        progress.show(&status).unwrap();
    }
    progress.say("away").unwrap();
    let expected = "-- waiting\n-- running: 0 of 9 events\n-- succeeded: 9 of 9 events\n-- away\n";
    assert_eq!(String::from_utf8(notices).unwrap(), expected);
}

#[test]
fn the_templates_of_the_bar_are_sound() {
    for template in [progress::BAR, progress::SPINNER] {
        assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
    }
}
