//! `play`: whole games through the public API, letter for letter.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use testkit::{GraphqlClient, ServerProcess};

use crate::command_line::{Outcome, run};
use crate::registry::door::checked;
use crate::support::{World, on_both_backends};

on_both_backends!(
    the_sample_games_come_back_letter_for_letter,
    playing_a_game_twice_adds_nothing,
    a_seed_makes_the_same_games_on_every_server,
);

async fn the_sample_games_come_back_letter_for_letter(world: World) {
    let (server, client) = checked(&world).await;
    play(&server, &["--rate", "0"]).await;
    let games = gamebot::sample::games().unwrap();
    let lengths: Vec<usize> = games.iter().map(|game| game.events.len()).collect();
    assert_eq!(lengths, [31, 81, 150]);
    for game in games {
        let stored = stream(&client, &game.stream_name()).await;
        assert_eq!(stored.len(), game.events.len(), "{}", game.name);
        for (event, stored) in game.events.iter().zip(stored) {
            assert_eq!(stored.event_type, event.event_type);
            assert_eq!(stored.schema_version, event.schema_version);
            assert_eq!(Some(stored.event_id), event.event_id());
            let data = compact(&event.data);
            assert_eq!(
                (stored.data.get(), &stored.raw_text),
                (data.as_str(), &data)
            );
            assert_eq!(stored.metadata.raw.get(), compact(&event.metadata));
        }
    }
    assert_eq!(head(&client).await, 31 + 81 + 150);
}

async fn playing_a_game_twice_adds_nothing(world: World) {
    let (server, client) = checked(&world).await;
    play(&server, &[]).await;
    let before = head(&client).await;
    play(&server, &["--concurrency", "3"]).await;
    assert_eq!(head(&client).await, before);
}

async fn a_seed_makes_the_same_games_on_every_server(world: World) {
    let (server, client) = checked(&world).await;
    let other = World::sqlite();
    let (other_server, other_client) = checked(&other).await;
    let seven = ["generate", "--games", "5", "--seed", "7"];
    play(&server, &seven).await;
    play(&other_server, &seven).await;
    let games = all_games(&client).await;
    assert_eq!(games.len(), 5);
    for (name, events) in &games {
        // A game that begins with a lobby tells of it first.
        let first = events.first().unwrap().event_type.as_str();
        assert!(["game_created", "game_started"].contains(&first), "{name}");
        assert_eq!(
            events.last().unwrap().event_type,
            "game_completed",
            "{name}"
        );
    }
    assert!(texts(&games) == texts(&all_games(&other_client).await));

    let before = head(&client).await;
    play(&server, &seven).await;
    assert_eq!(
        head(&client).await,
        before,
        "the same games again add nothing"
    );
    play(&server, &["generate", "--games", "5", "--seed", "8"]).await;
    assert_eq!(
        all_games(&client).await.len(),
        10,
        "another seed makes other games"
    );
}

/// An event as a client sees it, with its JSON as the text that it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    event_id: String,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: i32,
    data: Box<RawValue>,
    raw_text: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    raw: Box<RawValue>,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    stream: Stream,
}

#[derive(Deserialize)]
struct Stream {
    version: usize,
    events: Connection,
}

#[derive(Deserialize)]
struct Connection {
    nodes: Vec<Stored>,
}

async fn play(server: &ServerProcess, arguments: &[&str]) -> Outcome {
    let url = format!("{}/graphql", server.base_url());
    let arguments = [&["play", "--url", &url], arguments].concat();
    run(&arguments, &[]).await.succeeded()
}

async fn stream(client: &GraphqlClient, name: &str) -> Vec<Stored> {
    let query = "query($name: String!) { stream(name: $name) { version events(first: 1000) { nodes { \
                 eventId type schemaVersion data rawText metadata { raw } } } } }";
    let body = json!({"query": query, "variables": {"name": name}}).to_string();
    let answer: Answer = serde_json::from_str(&client.raw(body).await.body).unwrap();
    assert_eq!(
        answer.data.stream.version,
        answer.data.stream.events.nodes.len()
    );
    answer.data.stream.events.nodes
}

async fn all_games(client: &GraphqlClient) -> BTreeMap<String, Vec<Stored>> {
    let answer = client
        .query("{ streams(first: 1000) { nodes { name } } }", json!({}))
        .await;
    let mut games = BTreeMap::new();
    for node in answer["streams"]["nodes"].as_array().unwrap() {
        let name = node["name"].as_str().unwrap();
        games.insert(name.to_owned(), stream(client, name).await);
    }
    games
}

fn texts(games: &BTreeMap<String, Vec<Stored>>) -> Vec<(&str, &str, &str, &str)> {
    let events = games
        .iter()
        .flat_map(|(name, events)| events.iter().map(move |event| (name, event)));
    events
        .map(|(name, event)| {
            (
                name.as_str(),
                event.event_id.as_str(),
                event.data.get(),
                event.metadata.raw.get(),
            )
        })
        .collect()
}

async fn head(client: &GraphqlClient) -> i64 {
    let answer = client.query("{ head { position } }", json!({})).await;
    answer["head"]["position"].as_i64().unwrap()
}

/// The same JSON text without the blanks between its tokens.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let mut kept = String::new();
    for letter in text.chars() {
        if in_string || !letter.is_ascii_whitespace() {
            kept.push(letter);
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    kept
}
