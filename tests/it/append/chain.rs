//! The hash chain along the log, computed again from what the API tells and the salts of the database.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{ChaosProxy, Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{
    Inside, append_batch, append_request, appended, new_event, new_events, part, read_log,
};
use crate::support::{World, new_stream, on_both_backends, prepare_at};

on_both_backends!(
    the_chain_along_a_log_of_several_streams_can_be_computed_from_its_fields,
    every_event_has_a_salt_of_its_own,
    the_chain_goes_on_after_a_restart_and_over_removed_payloads,
);

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value:#}"))
}

fn number(value: &Value) -> [u8; 8] {
    value.as_i64().unwrap().to_be_bytes()
}

fn with_length(text: &str) -> Vec<u8> {
    let mut bytes = u64::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// H(salt, type, schema version, data, metadata).
fn content_hash(event: &Value, metadata: &str, salt: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(with_length(text(&event["type"])));
    hash.update(number(&event["schemaVersion"]));
    hash.update(with_length(text(&event["rawText"])));
    hash.update(with_length(metadata));
    hex::encode(hash.finalize())
}

/// H(previous hash, position, stream, version, id, recorded at, content hash).
fn link(previous: &[u8], event: &Value) -> String {
    let recorded_at = chrono::DateTime::parse_from_rfc3339(text(&event["recordedAt"])).unwrap();
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(number(&event["position"]));
    hash.update(with_length(text(&event["streamName"])));
    hash.update(number(&event["streamVersion"]));
    hash.update(text(&event["eventId"]).parse::<Uuid>().unwrap().as_bytes());
    hash.update(recorded_at.timestamp_millis().to_be_bytes());
    hash.update(hex::decode(text(&event["contentHash"])).unwrap());
    hex::encode(hash.finalize())
}

/// The salts, by position from 1; none where the payload is removed.
async fn salts(world: &World) -> Vec<Option<Vec<u8>>> {
    let rows = Inside::of(world)
        .await
        .rows("SELECT salt FROM events ORDER BY position")
        .await;
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

/// Computes the chain again; `metadata` is the text that every event of the log was sent with.
async fn verify(world: &World, client: &GraphqlClient) -> usize {
    let log = read_log(client).await;
    let salts = salts(world).await;
    assert_eq!(salts.len(), log.len());
    let mut previous = vec![0; 32];
    for (event, salt) in log.iter().zip(&salts) {
        if let Some(salt) = salt {
            let metadata = event["metadata"]["raw"].to_string();
            assert_eq!(
                event["contentHash"],
                content_hash(event, &metadata, salt),
                "{event:#}"
            );
        }
        assert_eq!(event["hash"], link(&previous, event), "{event:#}");
        previous = hex::decode(text(&event["hash"])).unwrap();
    }
    let inside = Inside::of(world).await;
    let head = &inside.rows("SELECT hash FROM log_head").await[0];
    assert_eq!(head.try_get_by_index::<Vec<u8>>(0).unwrap(), previous);
    log.len()
}

/// Appends to several streams, in groups, batches and alone, in several shapes.
async fn write(client: &GraphqlClient) {
    let streams = ["game", "profile", "game"].map(new_stream);
    for stream in &streams {
        appended(client, stream, Expected::NoStream, &new_events(2)).await;
    }
    let parts: Vec<Value> = streams
        .iter()
        .map(|stream| part(stream, Expected::Exactly(2), new_events(3)))
        .collect();
    assert_eq!(
        append_batch(client, &parts).await["__typename"],
        "BatchAppended"
    );
    let mut rich = new_event(0);
    rich["type"] = json!("guess_processed");
    rich["schemaVersion"] = json!(3);
    rich["data"] = json!({"guild_id": "g1", "text": "ü 😀"});
    rich["metadata"] = json!({"actor_id": "7", "z": [1, {"b": null}], "a": "é"});
    appended(client, &new_stream("game"), Expected::Any, &json!([rich])).await;
    let sending: Vec<_> = (0..16)
        .map(|number| {
            let body = append_request(&streams[number % 3], Expected::Any, &new_events(2));
            let client = client.clone();
            tokio::spawn(async move { client.raw(body).await.json() })
        })
        .collect();
    for answer in sending {
        assert_eq!(
            answer.await.unwrap()["data"]["appendToStream"]["__typename"],
            "Appended"
        );
    }
}

const WRITTEN: usize = 6 + 9 + 1 + 32;

async fn the_chain_along_a_log_of_several_streams_can_be_computed_from_its_fields(world: World) {
    let (_server, client) = world.server_and_client().await;
    write(&client).await;
    assert_eq!(verify(&world, &client).await, WRITTEN);
}

async fn every_event_has_a_salt_of_its_own(world: World) {
    let (_server, client) = world.server_and_client().await;
    appended(
        &client,
        &new_stream("game"),
        Expected::Any,
        &new_events(100),
    )
    .await;
    let mut salts: Vec<Vec<u8>> = salts(&world).await.into_iter().flatten().collect();
    assert!(salts.iter().all(|salt| salt.len() == 16));
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 100);
}

async fn the_chain_goes_on_after_a_restart_and_over_removed_payloads(world: World) {
    let (mut server, client) = world.server_and_client().await;
    write(&client).await;
    let remove = "BEGIN;
        INSERT INTO removal_permits (id) VALUES (1);
        UPDATE events SET data = NULL, metadata = NULL, salt = NULL WHERE position IN (1, 7, 20);
        DELETE FROM removal_permits;
        COMMIT";
    Inside::of(&world).await.execute(remove).await;
    server.restart().await;
    let client = GraphqlClient::new(&server.base_url());
    write(&client).await;
    assert_eq!(verify(&world, &client).await, 2 * WRITTEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_stays_whole_over_a_lost_commit_and_two_servers() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let shaken = prepare_at(&proxy.url(world.database_url())).start().await;
    let shaken_client = GraphqlClient::new(&shaken.base_url());
    let (_server, client) = world.server_and_client().await;
    proxy.cut_reply_containing("COMMIT", "COMMIT\0");
    tokio::join!(write(&shaken_client), write(&client));
    assert_eq!(proxy.triggers(), 1);
    assert_eq!(verify(&world, &client).await, 2 * WRITTEN);
}
