//! Builds: which one answers, which gives way, and what becomes of what a killed node has left.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, eventually, eventually_within};
use uuid::Uuid;

use super::inside::Inside;
use super::making::rebuild;
use super::play::{everything, play, play_all, prepare, projection_of_games, samples, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_rebuild_goes_on_where_its_indexes_are_half_made,
    a_build_of_an_older_version_answers_until_the_new_one_has_caught_up,
    a_rebuild_of_an_older_version_gives_way_to_the_new_one,
    what_was_made_from_another_log_answers_nobody,
    a_build_that_was_replaced_is_not_worked_at,
    the_tables_of_a_build_that_was_replaced_go,
);

/// An index of each projection, by the name of the projection: the index, its table and a column.
const INDEXES: [[&str; 4]; 5] = [
    ["GAMES", "game_first_index", "game", "first_position"],
    ["TEAMS", "team_id_index", "team", "team_id"],
    [
        "PLAYERS",
        "player_profile_user_index",
        "player_profile",
        "user_id",
    ],
    [
        "GUILDS",
        "guild_config_guild_index",
        "guild_config",
        "guild_id",
    ],
    ["OBSERVATIONS", "error_log_day_index", "error_log", "day"],
];

/// A node that answers from projections and works at none.
async fn idle(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world)
        .environment("GAMEBOT_PROJECTIONS_RUN", "false")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// Asks for a rebuild that nobody begins with, and returns its number.
async fn ask_for_a_rebuild(client: &GraphqlClient, name: &str) -> i64 {
    let text = "mutation($name: ProjectionName!) { rebuildProjection(input: {projection: $name}) {
        ... on RebuildStarted { duplicate build { number } } } }";
    let started = client.query(text, json!({ "name": name })).await;
    let started = &started["rebuildProjection"];
    assert_eq!(started["duplicate"], false, "{started}");
    started["build"]["number"].as_i64().unwrap()
}

/// A log with the sample games, and projections that have followed it and that nobody works at now; what they
/// answer, and the head of the log.
async fn followed(world: &World) -> (Vec<Value>, i64) {
    let (mut server, client) = start(world).await;
    let head = play_all(&client, &samples()).await;
    wait_for(&client, head).await;
    let whole = everything(&client).await;
    server.terminate().await;
    (whole, head)
}

async fn wait_for(client: &GraphqlClient, head: i64) {
    let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    client.query(&text, json!({})).await;
}

/// The node that was making a rebuild was killed between two indexes.
async fn a_rebuild_goes_on_where_its_indexes_are_half_made(world: World) {
    let (whole, head) = followed(&world).await;
    let (mut server, client) = idle(&world).await;
    let inside = Inside::of(&world).await;
    let mut wanted = Vec::new();
    for [name, index, table, column] in INDEXES {
        let number = ask_for_a_rebuild(&client, name).await;
        let create = format!("CREATE INDEX b{number}_{index} ON {{b{number}_{table}}} ({column})");
        inside.execute(&create).await;
        wanted.push(json!({"name": name, "activeBuild": {"number": number}}));
    }
    let text = "{ projections { rebuild { position goal lag progress nodeId } } }";
    let data = client.query(text, json!({})).await;
    assert_eq!(
        data["projections"][0]["rebuild"],
        json!({"position": 0, "goal": head, "lag": head, "progress": 0.0, "nodeId": null})
    );
    server.terminate().await;
    let (_server, client) = start(&world).await;
    eventually("all rebuilds have taken over", async || {
        let text = "{ projections { name activeBuild { number } } }";
        let mut data = client.query(text, json!({})).await;
        (data["projections"].take() == json!(wanted)).then_some(())
    })
    .await;
    assert_eq!(everything(&client).await, whole);
}

/// Looks at the answers until the build of this version has taken over: each must be whole.
async fn answers_stay_whole_until_this_version_answers(
    client: &GraphqlClient,
    whole: &[Value],
    head: i64,
) -> Value {
    eventually_within(
        Duration::from_secs(60),
        "this version to answer",
        async || {
            let text = "{ games { projectedThrough } projections { name version
            activeBuild { number version } rebuild { number version } } }";
            let mut data = client.query(text, json!({})).await;
            assert_eq!(data["games"]["projectedThrough"], head);
            assert_eq!(everything(client).await, whole);
            let games = data["projections"][0].take();
            (games["activeBuild"]["version"] == games["version"]).then_some(games)
        },
    )
    .await
}

async fn a_build_of_an_older_version_answers_until_the_new_one_has_caught_up(world: World) {
    let (whole, head) = followed(&world).await;
    let inside = Inside::of(&world).await;
    let outdate = "UPDATE {builds} SET version = 0 WHERE projection = 'games'";
    assert_eq!(inside.execute(outdate).await, 1);
    // Small steps, so that many answers are given meanwhile.
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "1")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let games = answers_stay_whole_until_this_version_answers(&client, &whole, head).await;
    assert_eq!(games["rebuild"], Value::Null);
    // The new build follows the log.
    let head = team_of(&client, "11", "22").await;
    wait_for(&client, head).await;
    assert_eq!(everything(&client).await, whole);
}

async fn a_rebuild_of_an_older_version_gives_way_to_the_new_one(world: World) {
    let (whole, head) = followed(&world).await;
    let (mut server, client) = idle(&world).await;
    let begun = ask_for_a_rebuild(&client, "GAMES").await;
    server.terminate().await;
    let inside = Inside::of(&world).await;
    let outdate = "UPDATE {builds} SET version = 0 WHERE projection = 'games'";
    assert_eq!(inside.execute(outdate).await, 2);
    let (_server, client) = start(&world).await;
    let games = answers_stay_whole_until_this_version_answers(&client, &whole, head).await;
    assert!(
        games["activeBuild"]["number"].as_i64().unwrap() > begun,
        "{games}"
    );
    assert_eq!(games["rebuild"], Value::Null);
}

/// An older copy of the log was restored, or another log lies there now.
async fn what_was_made_from_another_log_answers_nobody(world: World) {
    let (whole, head) = followed(&world).await;
    let inside = Inside::of(&world).await;
    for (changes, what) in [
        (
            "position = 1000000, position_hash = '5:00'",
            "by this version of the code",
        ),
        (
            "position = 1000000, position_hash = '1000000:00', version = 0",
            "by an older version, which nobody works at",
        ),
        (
            "position = 1000000, position_hash = '1000000:00', halted_position = 1000001, halted_reason = 'bad'",
            "and stands still",
        ),
        (
            "store_id = '0195a000-0000-7000-8000-000000000000'",
            "from another store",
        ),
    ] {
        let active = "WHERE projection = 'games' AND state = 1";
        let update = format!("UPDATE {{builds}} SET {changes} {active}");
        assert_eq!(inside.execute(&update).await, 1);
        let (mut server, client) = start(&world).await;
        let text = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
        let first = client.query(&text, json!({})).await;
        assert_eq!(first["games"]["projectedThrough"], head, "{what}");
        assert_eq!(everything(&client).await, whole, "{what}");
        server.terminate().await;
    }
}

async fn a_build_that_was_replaced_is_not_worked_at(world: World) {
    let (_server, client) = start(&world).await;
    let games = samples();
    let head = play(&client, &games[0], 0, 20).await;
    wait_for(&client, head).await;
    rebuild(&client, "GAMES", head).await;
    let inside = Inside::of(&world).await;
    let retired = "SELECT position FROM {builds} WHERE projection = 'games' AND state = 2";
    assert_eq!(inside.numbers(retired).await, [head]);
    for game in &games[1..] {
        let head = play(&client, game, 0, 20).await;
        wait_for(&client, head).await;
    }
    assert_eq!(inside.numbers(retired).await, [head]);
}

async fn the_tables_of_a_build_that_was_replaced_go(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_KEEP_RETIRED_MS", "0")
        // They stay as long as a read may take.
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "3000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let game = &samples()[0];
    let head = play(&client, game, 0, game.events.len()).await;
    wait_for(&client, head).await;
    let before = projection_of_games(&client).await["activeBuild"]["number"].clone();
    let inside = Inside::of(&world).await;
    assert_eq!(inside.tables(&format!("b{before}_")).await, 7);
    rebuild(&client, "GAMES", head).await;
    let after = projection_of_games(&client).await["activeBuild"]["number"].clone();
    eventually("the tables are gone", async || {
        (inside.tables(&format!("b{before}_")).await == 0).then_some(())
    })
    .await;
    assert_eq!(inside.tables(&format!("b{after}_")).await, 7);
}

/// Forms a team, and returns the position of the event.
pub(super) async fn team_of(client: &GraphqlClient, low: &str, high: &str) -> i64 {
    let created = json!([{"eventId": Uuid::now_v7(), "type": "team_created", "data": {
        "guild_id": "7", "timestamp": "2026-11-20T12:00:00Z", "team_id": format!("{low}_{high}"),
        "name": "The team", "player_ids": [low, high], "created_at": "2026-11-20T12:00:00Z"}}]);
    let stream = format!("team-7_{low}_{high}");
    let appended = client.appended(&stream, Expected::Any, created).await;
    appended["lastPosition"].as_i64().unwrap()
}
