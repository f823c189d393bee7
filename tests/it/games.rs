//! `play`: whole games through the public API, letter for letter.

use std::collections::BTreeMap;

use gamebot::script::ScriptEvent;
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
    whoever_plays_is_introduced_once_whatever_is_played_later,
    what_is_played_fills_every_read_model,
);

async fn the_sample_games_come_back_letter_for_letter(world: World) {
    let (server, client) = checked(&world).await;
    play(&server, &["--rate", "0"]).await;
    let games = gamebot::sample::games().unwrap();
    let lengths: Vec<usize> = games.iter().map(|game| game.events.len()).collect();
    assert_eq!(lengths, [31, 81, 150]);
    for game in games {
        comes_back(&client, &game.stream_name(), &game.events).await;
        let log = game.observations_stream_name();
        comes_back(&client, &log, &game.observations).await;
    }
    for told in gamebot::sample::community().unwrap() {
        comes_back(&client, &told.stream_name, &told.events).await;
    }
    assert_eq!(head(&client).await, 342, "and there is nothing else");
}

async fn comes_back(client: &GraphqlClient, name: &str, events: &[ScriptEvent]) {
    let stored = stream(client, name).await;
    assert_eq!(stored.len(), events.len(), "{name}");
    for (event, stored) in events.iter().zip(stored) {
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
    let streams = all_streams(&client).await;
    let games: Vec<_> = of_category(&streams, "game").collect();
    assert_eq!(games.len(), 5);
    for (name, events) in games {
        // A game that begins with a lobby tells of it first.
        let first = events.first().unwrap().event_type.as_str();
        assert!(["game_created", "game_started"].contains(&first), "{name}");
        assert_eq!(
            events.last().unwrap().event_type,
            "game_completed",
            "{name}"
        );
    }
    assert!(texts(&streams) == texts(&all_streams(&other_client).await));

    let before = head(&client).await;
    play(&server, &seven).await;
    assert_eq!(
        head(&client).await,
        before,
        "the same games again add nothing"
    );
    play(&server, &["generate", "--games", "5", "--seed", "8"]).await;
    let streams = all_streams(&client).await;
    assert_eq!(
        of_category(&streams, "game").count(),
        10,
        "another seed makes other games"
    );
}

async fn whoever_plays_is_introduced_once_whatever_is_played_later(world: World) {
    let (server, client) = checked(&world).await;
    let five = ["generate", "--games", "5", "--seed", "7"];
    play(&server, &five).await;
    let before = all_streams(&client).await;
    let in_spring = [&five[..], &["--start", "2026-03-01T12:00:00Z"]].concat();
    play(&server, &in_spring).await;
    let after = all_streams(&client).await;
    assert_eq!(of_category(&after, "game").count(), 10);
    for category in ["guild", "player", "team"] {
        let told = of_category(&before, category);
        let told: Vec<_> = told.map(|(name, events)| (name, events.len())).collect();
        assert!(!told.is_empty(), "{category}");
        for (name, events) in told {
            assert_eq!(after[name].len(), events, "{name} is left as it is");
        }
    }
}

async fn what_is_played_fills_every_read_model(world: World) {
    let server = world
        .prepare_checked()
        .environment("GAMEBOT_PROJECTIONS_RUN", "true")
        .environment("GAMEBOT_PROJECTIONS_WAIT_TIMEOUT_MS", "60000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    // One game after the other, since the order of games is that of their last events in the log.
    play(&server, &["--concurrency", "1"]).await;
    let query = r#"query($position: Position, $guild: String!, $game: String!) {
        teams(guildId: $guild, waitForPosition: $position) { nodes { name status } }
        teamOfPlayer(userId: "1241125641379038991", guildId: $guild, waitForPosition: $position) {
            name playerIds }
        player(userId: "1241125641379038991", guildId: $guild, waitForPosition: $position) {
            profile { username } statistics { gamesPlayed } }
        guildConfiguration(guildId: $guild, mode: KNOCKOUT, waitForPosition: $position) { configVersion }
        gameVariations(guildId: $guild, waitForPosition: $position) { nodes { name } }
        errorLog(filter: { guildIds: [$guild] }, waitForPosition: $position) { nodes { day code count } }
        streamHealth(stream: $game, waitForPosition: $position) { recovery { state attempt } }
        games(waitForPosition: $position) { nodes { mode phase } }
        guesses(filter: { word: "periscope" }, first: 1, waitForPosition: $position) { nodes { words } }
        leaderboard(guildId: $guild, metric: WINS, first: 1, waitForPosition: $position) { nodes { value } }
        replays(guildId: $guild, waitForPosition: $position) { nodes { gameId } }
    }"#;
    let variables = json!({
        "position": head(&client).await,
        "guild": "843586152819373557",
        "game": "game-01958b87-26e2-7ec9-9dcd-35f0c7fde805",
    });
    let answer = client.query(query, variables).await;
    let teams = [
        "Periscope Up",
        "Extra Time",
        "Night Moths",
        "Debt Collectors",
    ]
    .map(|name| json!({"name": name, "status": "ACTIVE"}));
    let errors = ["forbidden_word", "gateway_closed", "team_eliminated"]
        .map(|code| json!({"day": "2025-03-14", "code": code, "count": 1}));
    let games =
        ["RACE", "KNOCKOUT", "TWO_PLAYER"].map(|mode| json!({"mode": mode, "phase": "COMPLETED"}));
    let expected = json!({
        "teams": {"nodes": teams},
        "teamOfPlayer": {"name": "Extra Time", "playerIds": ["602598222195176643", "1241125641379038991"]},
        "player": {"profile": {"username": "quiet_otter"}, "statistics": {"gamesPlayed": 1}},
        "guildConfiguration": {"configVersion": 2},
        "gameVariations": {"nodes": [{"name": "Sudden Death"}]},
        "errorLog": {"nodes": errors},
        "streamHealth": {"recovery": {"state": "RECOVERED", "attempt": 1}},
        "games": {"nodes": games},
        "guesses": {"nodes": [{"words": ["captain", "periscope"]}]},
        "leaderboard": {"nodes": [{"value": 1.0}]},
        "replays": {"nodes": [{"gameId": "01959659-a3c0-7d46-8117-c876156393d8"}]},
    });
    assert_eq!(answer, expected, "{answer:#}");
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

async fn all_streams(client: &GraphqlClient) -> BTreeMap<String, Vec<Stored>> {
    let answer = client
        .query("{ streams(first: 1000) { nodes { name } } }", json!({}))
        .await;
    let mut streams = BTreeMap::new();
    for node in answer["streams"]["nodes"].as_array().unwrap() {
        let name = node["name"].as_str().unwrap();
        streams.insert(name.to_owned(), stream(client, name).await);
    }
    streams
}

fn of_category<'all>(
    streams: &'all BTreeMap<String, Vec<Stored>>,
    category: &str,
) -> impl Iterator<Item = (&'all String, &'all Vec<Stored>)> {
    streams
        .iter()
        .filter(move |(name, _)| name.split('-').next() == Some(category))
}

fn texts(streams: &BTreeMap<String, Vec<Stored>>) -> Vec<(&str, &str, &str, &str)> {
    let events = streams
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
