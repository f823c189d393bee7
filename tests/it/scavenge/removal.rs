//! What a scavenge removes, and what it leaves as it was.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{GraphqlClient, eventually};

use super::door::{
    Inside, Row, append, delete, ended, figures, keep, scavenged, slow, started, tombstone,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    what_is_hidden_loses_its_payload_and_nothing_else_changes,
    only_the_stream_that_is_named_is_scavenged,
    a_second_scavenge_has_only_what_was_hidden_since,
    appends_go_on_during_a_scavenge,
    the_hash_chain_holds_over_a_scavenged_log,
);

/// Streams in every state, by how many of their first events are to go.
async fn write(client: &GraphqlClient) -> Vec<(String, i32)> {
    let names: Vec<String> = (0..7).map(|_| new_stream("game")).collect();
    for (stream, count) in names.iter().zip([5, 9, 12, 20, 7, 4, 3]) {
        append(client, stream, count).await;
    }
    delete(client, &names[0]).await;
    append(client, &names[0], 2).await;
    tombstone(client, &names[1]).await;
    keep(client, &names[2], json!({"truncateBefore": 4})).await;
    keep(client, &names[3], json!({"maxCount": 6})).await;
    keep(client, &names[4], json!({"maxAgeSeconds": 1})).await;
    keep(client, &names[5], json!({"maxAgeSeconds": 100_000})).await;
    all_hidden(client, &names[4]).await;
    let gone = [5, 9, 3, 14, 7, 0, 0];
    names.into_iter().zip(gone).collect()
}

/// Waits until a stream shows no event any more.
async fn all_hidden(client: &GraphqlClient, stream: &str) {
    let query = "query($name: String!) { stream(name: $name) { events { nodes { position } } } }";
    eventually("the events to be too old", async || {
        let answer = client.query(query, json!({"name": stream})).await;
        let shown = answer["stream"]["events"]["nodes"].as_array().unwrap();
        shown.is_empty().then_some(())
    })
    .await;
}

fn is_gone(row: &Row, streams: &[(String, i32)]) -> bool {
    let found = streams.iter().find(|(name, _)| *name == row.stream);
    found.is_some_and(|(_, through)| row.stream_version <= *through)
}

async fn what_is_hidden_loses_its_payload_and_nothing_else_changes(world: World) {
    let (_server, client) = world.server_and_client().await;
    let streams = write(&client).await;
    let inside = Inside::of(&world).await;
    let before = inside.events().await;
    assert!(before.iter().all(Row::has_payload));

    let input = json!({"metadata": {"actor_id": "admin", "why": "space"}});
    let operation = scavenged(&client, input).await;
    let after = inside.events().await;

    let (mut events, mut bytes) = (0, 0);
    for (row, now) in before.iter().zip(&after) {
        if is_gone(row, &streams) {
            assert_eq!(now, &row.without_payload());
            events += 1;
            bytes += row.bytes();
        } else {
            assert_eq!(now, row);
        }
    }
    assert_eq!(events, 5 + 9 + 3 + 14 + 7);
    assert_eq!(figures(&operation), [5, events, bytes as u64]);
    assert_eq!(operation["progress"]["done"], events);
    assert_eq!(operation["progress"]["fraction"], 1.0);
    assert!(operation["error"].is_null());

    let told = after[before.len()..].iter().map(|row| &row.event_type);
    let told: Vec<&String> = told.collect();
    assert_eq!(told, ["$scavenge_started", "$scavenge_completed"]);
    check_record(&operation);
    check_removed(&client, &after, &streams).await;
    let permits = inside.rows("SELECT id FROM removal_permits").await;
    assert!(permits.is_empty(), "a permit was left behind");
}

/// Start and end stand in the log, with the one who asked and with the figures.
fn check_record(operation: &Value) {
    let events = &operation["events"]["nodes"];
    assert_eq!(events.as_array().unwrap().len(), 2, "{events:#}");
    let (start, end) = (&events[0], &events[1]);
    assert_eq!(start["data"]["operation_id"], operation["operationId"]);
    for event in [start, end] {
        assert_eq!(event["metadata"]["actorId"], "admin");
        assert_eq!(event["metadata"]["correlationId"], start["eventId"]);
    }
    assert_eq!(end["metadata"]["causationId"], start["eventId"]);
    for figure in ["streams", "events", "bytes"] {
        assert_eq!(end["data"][figure], operation["result"][figure]);
    }
}

/// Readers are told what is gone for good, wherever they look.
async fn check_removed(client: &GraphqlClient, rows: &[Row], streams: &[(String, i32)]) {
    let query = "{ events(first: 1000, filter: {includeSystem: true}) {
        nodes { position removed data rawText metadata { raw } contentHash hash } } }";
    let answer = client.query(query, json!({})).await;
    let nodes = answer["events"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), rows.len());
    for (node, row) in nodes.iter().zip(rows) {
        assert_eq!(node["hash"], hex::encode(&row.hash));
        if is_gone(row, streams) {
            assert_eq!(node["removed"], "SCAVENGED", "{row:?}");
            assert!(node["data"].is_null() && node["rawText"].is_null());
            assert!(node["metadata"].is_null(), "{node:#}");
        } else {
            assert!(node["removed"].is_null(), "{row:?}");
            assert!(node["data"].is_object());
        }
    }
}

async fn only_the_stream_that_is_named_is_scavenged(world: World) {
    let (_server, client) = world.server_and_client().await;
    let (one, other) = (new_stream("game"), new_stream("game"));
    for stream in [&one, &other] {
        append(&client, stream, 3).await;
        delete(&client, stream).await;
    }
    let operation = scavenged(&client, json!({"stream": one})).await;
    assert_eq!(operation["arguments"]["stream"], one.as_str());
    assert_eq!(figures(&operation)[..2], [1, 3]);
    let rows = Inside::of(&world).await.events().await;
    let gone: BTreeSet<&String> = rows
        .iter()
        .filter(|row| !row.has_payload())
        .map(|row| &row.stream)
        .collect();
    assert_eq!(gone, BTreeSet::from([&one]));
}

async fn a_second_scavenge_has_only_what_was_hidden_since(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    append(&client, &stream, 4).await;
    delete(&client, &stream).await;
    assert_eq!(figures(&scavenged(&client, json!({})).await)[..2], [1, 4]);
    let nothing = scavenged(&client, json!({})).await;
    assert!(nothing["result"].is_null(), "{nothing:#}");
    assert_eq!(
        nothing["progress"],
        json!({"done": 0, "total": 0, "fraction": 1.0})
    );
    append(&client, &stream, 6).await;
    delete(&client, &stream).await;
    let again = scavenged(&client, json!({})).await;
    assert_ne!(again["id"], nothing["id"]);
    assert_eq!(figures(&again)[..2], [1, 6]);
}

async fn appends_go_on_during_a_scavenge(world: World) {
    const HIDDEN: usize = 60;
    const WRITERS: usize = 8;
    let server = slow(&world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    let stream = new_stream("game");
    append(&client, &stream, HIDDEN).await;
    delete(&client, &stream).await;
    let operation = started(&client, json!({})).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (client, id) = (client.clone(), operation["id"].clone());
            // One of them writes into the very stream that is scavenged.
            let stream = stream.clone();
            tokio::spawn(async move { write_until_ended(&client, &stream, &id).await })
        })
        .collect();
    let operation = ended(&client, &operation["id"]).await;
    assert_eq!(operation["state"], "SUCCEEDED");
    assert_eq!(figures(&operation)[..2], [1, HIDDEN as u64]);
    let mut written = 0;
    for writer in writers {
        let count = writer.await.unwrap();
        assert!(
            count > 0,
            "a writer had to wait for the end of the scavenge"
        );
        written += count;
    }
    assert_eq!(Inside::of(&world).await.payloads().await, written);
}

/// Appends to the stream and to a new one until the operation has ended; answers how many events.
async fn write_until_ended(client: &GraphqlClient, stream: &str, id: &Value) -> usize {
    let own = new_stream("game");
    let mut written = 0;
    loop {
        let state = super::door::operation(client, id).await["state"].take();
        if state != "WAITING" && state != "RUNNING" {
            return written;
        }
        append(client, stream, 1).await;
        append(client, &own, 2).await;
        written += 3;
    }
}

/// The chain is computed anew from the table: contents where they are there, as stored where they are gone.
async fn the_hash_chain_holds_over_a_scavenged_log(world: World) {
    let (_server, client) = world.server_and_client().await;
    let streams = write(&client).await;
    scavenged(&client, json!({})).await;
    append(&client, &streams[6].0, 3).await;
    let rows = Inside::of(&world).await.events().await;
    assert_eq!(rows.iter().filter(|row| !row.has_payload()).count(), 38);
    let mut previous = vec![0; 32];
    for row in &rows {
        if let (Some(data), Some(metadata), Some(salt)) = (&row.data, &row.metadata, &row.salt) {
            assert_eq!(
                row.content_hash,
                content_hash(row, data, metadata, salt),
                "{row:?}"
            );
        }
        assert_eq!(row.hash, link(&previous, row), "{row:?}");
        previous.clone_from(&row.hash);
    }
}

fn with_length(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

fn content_hash(row: &Row, data: &str, metadata: &str, salt: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(salt);
    with_length(&mut hash, &row.event_type);
    hash.update(i64::from(row.schema_version).to_be_bytes());
    with_length(&mut hash, data);
    with_length(&mut hash, metadata);
    hash.finalize().to_vec()
}

fn link(previous: &[u8], row: &Row) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(row.position.to_be_bytes());
    with_length(&mut hash, &row.stream);
    hash.update(i64::from(row.stream_version).to_be_bytes());
    hash.update(row.event_id.as_bytes());
    hash.update(row.recorded_at.to_be_bytes());
    hash.update(&row.content_hash);
    hash.finalize().to_vec()
}
