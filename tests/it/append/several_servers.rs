//! Several server processes on one PostgreSQL: one log all the same.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess};

use super::door::{append_request, appended, each, new_events, payload_of, read_log};
use super::races::{race_for_versions, race_on_own_streams, race_with_any, read_while_writing};
use crate::support::{World, new_stream};

/// So many servers on one database, and eight clients spread over them.
async fn servers(count: usize) -> (World, Vec<ServerProcess>, Vec<GraphqlClient>) {
    let world = World::postgres().await;
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(world.server().await);
    }
    let clients = (0..8)
        .map(|index| GraphqlClient::new(&servers[index % count].base_url()))
        .collect();
    (world, servers, clients)
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_two_servers_win_each_version_once_and_meet_no_false_conflict() {
    let (_world, _servers, clients) = servers(2).await;
    race_for_versions(&clients, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_three_servers_win_each_version_once_and_meet_no_false_conflict() {
    let (_world, _servers, clients) = servers(3).await;
    race_for_versions(&clients, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_never_fails_at_three_servers() {
    let (_world, _servers, clients) = servers(3).await;
    race_with_any(&clients, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_their_own_never_conflict_at_three_servers() {
    let (_world, _servers, clients) = servers(3).await;
    race_on_own_streams(&clients, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_at_each_of_three_servers_never_finds_a_gap() {
    let (_world, _servers, clients) = servers(3).await;
    read_while_writing(&clients, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_to_every_server_at_once_is_stored_once() {
    let (_world, _servers, clients) = servers(3).await;
    for _ in 0..5 {
        let stream = new_stream("game");
        let body = append_request(&stream, Expected::Exactly(0), &new_events(2));
        let sending: Vec<_> = clients
            .iter()
            .map(|client| {
                let (client, body) = (client.clone(), body.clone());
                tokio::spawn(async move { client.raw(body).await.json() })
            })
            .collect();
        let mut duplicates = Vec::new();
        for answer in sending {
            let payload = payload_of(answer.await.unwrap(), "appendToStream");
            assert_eq!(payload["version"], 2, "{payload:#}");
            duplicates.push(payload["duplicate"] == true);
        }
        assert_eq!(
            duplicates.iter().filter(|duplicate| !**duplicate).count(),
            1
        );
    }
    assert_eq!(read_log(&clients[0]).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_sees_at_once_what_another_server_has_acknowledged() {
    let (_world, _servers, clients) = servers(3).await;
    let stream = new_stream("relay");
    for version in 0..24 {
        let client = &clients[usize::try_from(version).unwrap() % clients.len()];
        let payload = appended(client, &stream, Expected::Exactly(version), &new_events(1)).await;
        assert_eq!(payload["firstPosition"], version + 1);
    }
    let log = read_log(&clients[1]).await;
    let versions: Vec<Value> = (1..=24).map(|version| json!(version)).collect();
    assert_eq!(each(&log, "streamVersion"), versions);
}
