//! Snapshots: taken, kept, used, and never believed when they are wrong.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{GraphqlClient, ServerProcess, eventually};

use super::door::{
    append_all, append_events, assert_shows, change, events, fold, game, prepare, recover, sample,
    with_new_id,
};
use crate::append::door::Inside;
use crate::support::{World, on_both_backends};

on_both_backends!(
    snapshots_are_taken_at_every_mark_and_the_newest_are_kept,
    a_damaged_snapshot_never_changes_an_answer,
    a_snapshot_of_another_state_version_is_not_used,
    a_recovery_finds_a_forged_snapshot_and_replaces_it,
    a_tombstone_and_a_scavenge_remove_what_shows_hidden_events,
    each_stream_of_a_list_shows_its_own_snapshot,
    a_snapshot_is_taken_on_request,
);

const SNAPSHOT: &str = "version position firstVersion stateVersion bytes state createdAt";

/// A server that takes snapshots often and keeps nothing in memory that it was not asked for.
async fn server(world: &World, every: &str, kept: &str) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world, "off")
        .environment("GAMEBOT_SNAPSHOTS_EVERY_EVENTS", every)
        .environment("GAMEBOT_SNAPSHOTS_KEPT_PER_STREAM", kept)
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

async fn snapshot(client: &GraphqlClient, stream: &str) -> Value {
    let query =
        format!("query($name: String!) {{ stream(name: $name) {{ snapshot {{ {SNAPSHOT} }} }} }}");
    client.query(&query, json!({"name": stream})).await["stream"]["snapshot"].take()
}

async fn versions(world: &World) -> Vec<i32> {
    let inside = Inside::of(world).await;
    let rows = inside
        .rows("SELECT stream_version FROM snapshots ORDER BY stream_version")
        .await;
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

async fn until_versions(world: &World, wanted: &[i32]) {
    eventually("the snapshots to be there", async || {
        (versions(world).await == wanted).then_some(())
    })
    .await;
}

async fn snapshots_are_taken_at_every_mark_and_the_newest_are_kept(world: World) {
    let (_server, client) = server(&world, "20", "3").await;
    let script = sample("race");
    append_all(&client, &script, 50).await;
    // Nobody has folded it yet.
    assert!(versions(&world).await.is_empty());
    let states = fold(&script);
    assert_shows(
        &game(&client, &script.game_id, None).await,
        states.last().unwrap(),
    );
    until_versions(&world, &[100, 120, 140]).await;
    let shown = snapshot(&client, &script.stream_name()).await;
    assert_eq!(
        (shown["version"].clone(), shown["firstVersion"].clone()),
        (json!(140), json!(1))
    );
    assert_eq!(shown["position"], 140);
    assert_eq!(shown["state"], serde_json::to_value(&states[139]).unwrap());
    for at in [1, 19, 20, 99, 100, 101, 139, 140, 141, 150] {
        let found = game(&client, &script.game_id, Some(at)).await;
        assert_shows(&found, &states[usize::try_from(at).unwrap() - 1]);
    }
    // Looking at what is older than any kept snapshot has added none.
    assert_eq!(versions(&world).await, [100, 120, 140]);
}

/// A game of 150 events with snapshots at 50, 100 and 150, and a server that has just started.
async fn with_snapshots(world: &World) -> (ServerProcess, GraphqlClient) {
    let (mut first, client) = server(world, "50", "9").await;
    let script = sample("race");
    append_all(&client, &script, 50).await;
    game(&client, &script.game_id, None).await;
    until_versions(world, &[50, 100, 150]).await;
    first.terminate().await;
    server(world, "0", "9").await
}

async fn a_damaged_snapshot_never_changes_an_answer(world: World) {
    let (mut running, _client) = with_snapshots(&world).await;
    let script = sample("race");
    let states = fold(&script);
    let inside = Inside::of(&world).await;
    let damages = [
        // Of the state, in a way that is JSON still.
        "UPDATE snapshots SET state = replace(state, '\"score\":', '\"score\":9') WHERE stream_version = 150".to_owned(),
        "UPDATE snapshots SET state = '{' WHERE stream_version = 100".to_owned(),
        "UPDATE snapshots SET first_version = 2 WHERE stream_version = 50".to_owned(),
        // A newer state under an older version.
        "UPDATE snapshots SET state = (SELECT state FROM snapshots WHERE stream_version = 150) WHERE stream_version < 150".to_owned(),
        "UPDATE snapshots SET stream_version = stream_version - 7".to_owned(),
        "UPDATE snapshots SET stream_version = stream_version + 1000".to_owned(),
        "UPDATE snapshots SET checksum = event_hash".to_owned(),
        "DELETE FROM snapshots".to_owned(),
    ];
    for damage in damages {
        inside.execute(&damage).await;
        running.terminate().await;
        let (server, client) = server(&world, "0", "9").await;
        running = server;
        for at in [150, 149, 143, 120, 100, 93, 60, 50, 43] {
            let found = game(&client, &script.game_id, Some(at)).await;
            assert_shows(&found, &states[usize::try_from(at).unwrap() - 1]);
        }
    }
}

/// The checksum of a row, as the store makes it, for damage that brings its own.
fn checksum(
    stream_id: i64,
    numbers: [i32; 3],
    created_at: i64,
    event_hash: &[u8],
    state: &str,
) -> String {
    let mut hasher = Sha256::new();
    hasher.update(stream_id.to_be_bytes());
    for number in numbers {
        hasher.update(i64::from(number).to_be_bytes());
    }
    hasher.update(created_at.to_be_bytes());
    hasher.update(event_hash);
    hasher.update((state.len() as u64).to_be_bytes());
    hasher.update(state.as_bytes());
    hex::encode(hasher.finalize())
}

/// Writes a row whose checksum fits: with another version or another state than the true one.
async fn forge(world: &World, version: i32, as_version: i32, change: impl Fn(&str) -> String) {
    let inside = Inside::of(world).await;
    let sql = format!(
        "SELECT stream_id, state_version, first_version, created_at, event_hash, state FROM snapshots WHERE stream_version = {version}"
    );
    let row = inside.rows(&sql).await.pop().unwrap();
    let (stream_id, state_version): (i64, i32) = (
        row.try_get_by_index(0).unwrap(),
        row.try_get_by_index(1).unwrap(),
    );
    let (first_version, created_at): (i32, i64) = (
        row.try_get_by_index(2).unwrap(),
        row.try_get_by_index(3).unwrap(),
    );
    let (event_hash, state): (Vec<u8>, String) = (
        row.try_get_by_index(4).unwrap(),
        row.try_get_by_index(5).unwrap(),
    );
    let state = change(&state);
    let sum = checksum(
        stream_id,
        [state_version, as_version, first_version],
        created_at,
        &event_hash,
        &state,
    );
    let bytes = if world.is_sqlite() {
        format!("x'{sum}'")
    } else {
        format!("'\\x{sum}'")
    };
    let state = state.replace('\'', "''");
    inside
        .execute(&format!(
            "UPDATE snapshots SET stream_version = {as_version}, state = '{state}', checksum = {bytes} WHERE stream_version = {version}"
        ))
        .await;
}

async fn a_snapshot_of_another_state_version_is_not_used(world: World) {
    let (mut running, _client) = with_snapshots(&world).await;
    let script = sample("race");
    let states = fold(&script);
    // Of an older program, whose states mean something else; and moved to other places, checksum and all.
    let inside = Inside::of(&world).await;
    inside
        .execute(
            "UPDATE snapshots SET state_version = state_version + 1 WHERE stream_version = 150",
        )
        .await;
    forge(&world, 100, 110, str::to_owned).await;
    forge(&world, 50, 45, |state| {
        state.replace("\"stream_version\":50", "\"stream_version\":45")
    })
    .await;
    running.terminate().await;
    let (_server, client) = server(&world, "50", "9").await;
    for at in [45, 46, 50, 110, 111, 150] {
        let found = game(&client, &script.game_id, Some(at)).await;
        assert_shows(&found, &states[usize::try_from(at).unwrap() - 1]);
    }
    let shown = eventually("new snapshots to be taken", async || {
        let shown = snapshot(&client, &script.stream_name()).await;
        (shown["version"] == 150).then_some(shown)
    })
    .await;
    assert_eq!(shown["state"], serde_json::to_value(&states[149]).unwrap());
}

/// Who can write to the database and knows how snapshots are made can forge one, as he could forge events. A
/// recovery does not believe any.
async fn a_recovery_finds_a_forged_snapshot_and_replaces_it(world: World) {
    let (mut running, _client) = with_snapshots(&world).await;
    let script = sample("race");
    let last = fold(&script).pop().unwrap();
    forge(&world, 150, 150, |state| {
        state.replace("\"rounds_played\":", "\"rounds_played\":9")
    })
    .await;
    running.terminate().await;
    let (_server, client) = server(&world, "0", "9").await;
    // So snapshots are used at all.
    let shown = game(&client, &script.game_id, None).await;
    assert_ne!(shown["roundsPlayed"], last.rounds_played);
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    assert_eq!(
        (found["sound"].clone(), found["snapshot"].clone()),
        (json!(true), json!({"version": 150, "agrees": false}))
    );
    assert_shows(&found["game"], &last);
    assert_shows(&game(&client, &script.game_id, None).await, &last);
    assert_eq!(
        snapshot(&client, &script.stream_name()).await["state"],
        serde_json::to_value(&last).unwrap()
    );
    let again = recover(&client, json!({"gameId": script.game_id})).await;
    assert_eq!(again["snapshot"], json!({"version": 150, "agrees": true}));
}

async fn a_tombstone_and_a_scavenge_remove_what_shows_hidden_events(world: World) {
    let (_server, client) = server(&world, "20", "9").await;
    let (one, other) = (sample("two_player"), sample("race"));
    for script in [&one, &other] {
        append_all(&client, script, 50).await;
        game(&client, &script.game_id, None).await;
    }
    until_versions(&world, &[20, 20, 40, 60, 80, 100, 120, 140]).await;
    change(&client, "tombstoneStream", &one.stream_name()).await;
    until_versions(&world, &[20, 40, 60, 80, 100, 120, 140]).await;
    change(&client, "deleteStream", &other.stream_name()).await;
    assert!(snapshot(&client, &other.stream_name()).await.is_null());
    let again: Vec<_> = events(&other).into_iter().map(with_new_id).collect();
    append_events(&client, &other.stream_name(), &again[..30], 30).await;
    assert_eq!(game(&client, &other.game_id, None).await["eventCount"], 30);
    let shown = eventually("a snapshot of the new game", async || {
        let shown = snapshot(&client, &other.stream_name()).await;
        (shown["version"] == 180).then_some(shown)
    })
    .await;
    // The mark at version 160, of a game that began with 151; what showed the deleted one was dropped for it.
    assert_eq!(
        (shown["firstVersion"].clone(), shown["version"].clone()),
        (json!(151), json!(180))
    );
    until_versions(&world, &[160, 180]).await;
    change(&client, "deleteStream", &other.stream_name()).await;
    let scavenge = "mutation($input: ScavengeInput!) { scavenge(input: $input) { __typename } }";
    client
        .query(scavenge, json!({"input": {"stream": other.stream_name()}}))
        .await;
    until_versions(&world, &[]).await;
}

async fn each_stream_of_a_list_shows_its_own_snapshot(world: World) {
    let (_server, client) = server(&world, "20", "9").await;
    for script in super::door::samples() {
        append_all(&client, &script, 50).await;
        game(&client, &script.game_id, None).await;
    }
    let found = eventually("all games to have one", async || {
        let query = "{ streams(first: 10) { nodes { version snapshot { version } } } }";
        let found = client.query(query, json!({})).await;
        let nodes = found["streams"]["nodes"].as_array().unwrap().clone();
        let last_mark = |node: &Value| node["version"].as_i64().unwrap() / 20 * 20;
        nodes
            .iter()
            .all(|node| node["snapshot"]["version"] == last_mark(node))
            .then_some(nodes)
    })
    .await;
    assert_eq!(found.len(), 3);
}

async fn a_snapshot_is_taken_on_request(world: World) {
    let (_server, client) = server(&world, "0", "2").await;
    let script = sample("knockout");
    let all = events(&script);
    let query = format!(
        "mutation($input: RecordSnapshotInput!) {{ recordSnapshot(input: $input) {{ __typename
            ... on SnapshotRecorded {{ snapshot {{ {SNAPSHOT} }} }} ... on Refusal {{ code path }} }} }}"
    );
    let record = async |stream: &str| {
        let variables = json!({"input": {"stream": stream}});
        client.query(&query, variables).await["recordSnapshot"].take()
    };
    assert_eq!(
        record(&script.stream_name()).await["code"],
        "STREAM_NOT_FOUND"
    );
    assert_eq!(
        record("player-dm_1").await["path"],
        json!(["input", "stream"])
    );
    let states = fold(&script);
    for until in [10, 30, 81] {
        let from = usize::from(until > 10) * 10 + usize::from(until > 30) * 20;
        append_events(&client, &script.stream_name(), &all[from..until], 30).await;
        let recorded = record(&script.stream_name()).await;
        assert_eq!(recorded["snapshot"]["version"], until, "{recorded:#}");
        assert_eq!(
            recorded["snapshot"]["state"],
            serde_json::to_value(&states[until - 1]).unwrap()
        );
        assert_eq!(
            snapshot(&client, &script.stream_name()).await,
            recorded["snapshot"]
        );
    }
    assert_eq!(versions(&world).await, [30, 81]);
    change(&client, "deleteStream", &script.stream_name()).await;
    assert_eq!(
        record(&script.stream_name()).await["code"],
        "INVALID_ARGUMENT"
    );
}
