//! The way of the tables from the first migration to the last and back, through the command line.
//!
//! Nothing here knows how many migrations there are: what a new one must do is asked of it by itself.

mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use crate::command_line::{run, run_on};
use crate::support::{World, new_stream, on_both_backends};
use tables::{execute, rows_of, schema};

on_both_backends!(
    every_migration_can_be_taken_step_by_step_in_both_directions,
    migrating_again_changes_nothing,
    an_unconfirmed_way_down_changes_nothing,
    a_step_down_and_up_again_keeps_every_event,
    a_server_that_may_not_migrate_refuses_tables_of_another_version,
    a_database_of_a_newer_program_is_refused_by_every_command,
);

async fn every_migration_can_be_taken_step_by_step_in_both_directions(world: World) {
    let names = migration_names();
    assert_eq!(state(&world, "status").await, after(0, &names));
    // The schema after each number of migrations, as it is on the way up.
    let mut schemas = vec![schema(&world).await];
    for applied in 1..=names.len() {
        assert_eq!(state(&world, "up 1").await, after(applied, &names));
        assert_eq!(state(&world, "status").await, after(applied, &names));
        schemas.push(schema(&world).await);
    }
    let different: BTreeSet<&str> = schemas.iter().map(String::as_str).collect();
    assert_eq!(
        different.len(),
        schemas.len(),
        "every migration changes something"
    );

    for applied in (0..names.len()).rev() {
        let down = state(&world, "down 1 --yes").await;
        assert_eq!(down, after(applied, &names));
        assert_eq!(state(&world, "status").await, after(applied, &names));
        assert_same(&schema(&world).await, &schemas[applied], &down);
    }
    let up = state(&world, "up").await;
    assert_eq!(up, after(names.len(), &names));
    assert_same(&schema(&world).await, &schemas[names.len()], &up);

    let down = state(&world, "down 99 --yes").await;
    assert_eq!(
        down,
        after(0, &names),
        "more steps than there are take all back"
    );
    assert_same(&schema(&world).await, &schemas[0], &down);
}

async fn migrating_again_changes_nothing(world: World) {
    let names = migration_names();
    assert_eq!(state(&world, "up").await, after(names.len(), &names));
    // Tables that were made anew would look the same, and would be another store.
    let everything = async || {
        let applied = rows_of(&world, "seaql_migrations", "version, applied_at").await;
        let store = rows_of(&world, "log_head", "id, store_id").await;
        (schema(&world).await, applied, store)
    };
    let before = everything().await;
    for again in ["up", "up 1", "up 7"] {
        assert_eq!(state(&world, again).await, after(names.len(), &names));
    }
    assert_eq!(everything().await, before);
}

async fn an_unconfirmed_way_down_changes_nothing(world: World) {
    let names = migration_names();
    state(&world, "up").await;
    let before = schema(&world).await;
    run_on(&world, &["migrate", "down", "1"])
        .await
        .failed(2, &["every event", "nothing is changed without --yes"]);
    for wrong in [
        &["migrate", "down"][..],
        &["migrate", "down", "0", "--yes"],
        &["migrate", "up", "0"],
    ] {
        run_on(&world, wrong).await.failed(2, &[]);
    }
    assert_eq!(state(&world, "status").await, after(names.len(), &names));
    assert_same(&schema(&world).await, &before, "an unconfirmed way down");
}

async fn a_step_down_and_up_again_keeps_every_event(world: World) {
    let names = migration_names();
    let (mut server, client) = world.server_and_client().await;
    let streams = [new_stream("game"), new_stream("player")];
    for (stream, count) in [(&streams[0], 7), (&streams[1], 3)] {
        append(&client, stream, Expected::NoStream, count).await;
    }
    let before = read_everything(&client).await;
    server.terminate().await;
    let columns = "position, event_id, stream_id, stream_version, event_type, data, metadata, hash";
    let events = rows_of(&world, "events", columns).await;
    assert_eq!(events.len(), 10);

    // The first migration made the table of the events: to take it back is to give them up.
    for applied in (1..names.len()).rev() {
        state(&world, "down 1 --yes").await;
        assert_eq!(
            rows_of(&world, "events", columns).await,
            events,
            "with {applied} migrations"
        );
    }
    state(&world, "up").await;
    assert_eq!(rows_of(&world, "events", columns).await, events);

    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    assert_eq!(read_everything(&client).await, before);
    append(&client, &streams[0], Expected::Exactly(7), 2).await;
    server.terminate().await;

    state(&world, &format!("down {} --yes", names.len())).await;
    state(&world, "up").await;
    assert!(
        rows_of(&world, "events", columns).await.is_empty(),
        "the way down to nothing ends with nothing"
    );
}

async fn a_server_that_may_not_migrate_refuses_tables_of_another_version(world: World) {
    let names = migration_names();
    let environment = [
        ("PROFILE", "test"),
        ("DATABASE_URL", world.database_url()),
        ("GAMEBOT_DATABASE_MIGRATE_AT_START", "false"),
    ];
    for lacking in &names {
        run(&["serve"], &environment).await.failed(
            1,
            &[
                "older than this program",
                lacking,
                "Run `gamebot-event-store migrate` first",
            ],
        );
        state(&world, "up 1").await;
    }
    let server = world
        .prepare()
        .environment("GAMEBOT_DATABASE_MIGRATE_AT_START", "false");
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    append(&client, &new_stream("game"), Expected::NoStream, 1).await;
}

async fn a_database_of_a_newer_program_is_refused_by_every_command(world: World) {
    run_on(&world, &["migrate"]).await.succeeded();
    let future = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    execute(&world, future).await;
    let before = schema(&world).await;
    let said = [
        "the database is newer than this program",
        "`m9999_future`",
        "Run the newer version",
    ];
    for arguments in [
        &["serve"][..],
        &["migrate"],
        &["migrate", "up", "1"],
        &["migrate", "status"],
        &["migrate", "down", "1", "--yes"],
        &["reset", "--yes"],
    ] {
        run_on(&world, arguments).await.failed(1, &said);
    }
    let environment = [
        ("PROFILE", "test"),
        ("DATABASE_URL", world.database_url()),
        ("GAMEBOT_DATABASE_MIGRATE_AT_START", "false"),
    ];
    run(&["serve"], &environment).await.failed(1, &said);
    assert_same(&schema(&world).await, &before, "the refusals");

    let past = "DELETE FROM seaql_migrations WHERE version = 'm9999_future'";
    execute(&world, past).await;
    let (_server, client) = world.server_and_client().await;
    append(&client, &new_stream("game"), Expected::NoStream, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_processes_that_migrate_at_once_do_not_disturb_each_other() {
    let alone = World::postgres().await;
    state(&alone, "up").await;
    let world = World::postgres().await;
    let names = migration_names();
    let migrate = || state(&world, "up");
    let outcomes = tokio::join!(
        migrate(),
        migrate(),
        migrate(),
        world.server(),
        world.server()
    );
    for outcome in [outcomes.0, outcomes.1, outcomes.2] {
        assert_eq!(outcome, after(names.len(), &names));
    }
    assert_same(
        &schema(&world).await,
        &schema(&alone).await,
        "the migrations at once",
    );
    for server in [&outcomes.3, &outcomes.4] {
        let client = GraphqlClient::new(&server.base_url());
        append(&client, &new_stream("game"), Expected::NoStream, 1).await;
    }
}

/// What `migrate` says after the words of a way: `"down 1 --yes"`.
async fn state(world: &World, way: &str) -> String {
    let arguments: Vec<&str> = ["migrate"].into_iter().chain(way.split(' ')).collect();
    run_on(world, &arguments).await.succeeded().stdout
}

/// What `migrate` says where the first so many migrations are applied.
fn after(applied: usize, names: &[String]) -> String {
    let line = |(index, name): (usize, &String)| {
        let state = if index < applied {
            "applied"
        } else {
            "pending"
        };
        format!("{state}  {name}\n")
    };
    names.iter().enumerate().map(line).collect()
}

/// The migrations by their files, oldest first: one that was forgotten in the list of the program is missed.
fn migration_names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let name = file.strip_suffix(".rs")?;
            let (number, _) = name.strip_prefix('m')?.split_once('_')?;
            number.parse::<u32>().ok()?;
            Some(name.to_owned())
        })
        .collect();
    names.sort();
    assert!(names[0].starts_with("m0001_"), "{names:?}");
    names
}

/// Fails with the lines that differ.
fn assert_same(actual: &str, expected: &str, what: &str) {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (actual_lines, expected_lines) = (lines(actual), lines(expected));
    assert!(
        actual == expected,
        "after {what}\nonly there: {:#?}\nmissing: {:#?}",
        actual_lines.difference(&expected_lines),
        expected_lines.difference(&actual_lines)
    );
}

async fn append(client: &GraphqlClient, stream: &str, expected: Expected, count: usize) {
    let events: Vec<Value> = (0..count)
        .map(|number| json!({"type": "guess_processed", "data": {"guess": number}}))
        .collect();
    client.appended(stream, expected, json!(events)).await;
}

/// The log as a client sees it.
async fn read_everything(client: &GraphqlClient) -> Value {
    let fields =
        "position eventId streamName streamVersion type data metadata { correlationId } recordedAt";
    let query = format!("{{ head {{ position cursor }} events {{ nodes {{ {fields} }} }} }}");
    client.query(&query, json!({})).await
}
