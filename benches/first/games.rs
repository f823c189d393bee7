//! A game of 10,000 events: what its state costs at several versions, with snapshots and without; and what the
//! rules add to an append.
//!
//! It takes minutes, so it runs only when it is named.

use std::time::Instant;

use gamebot::script::GameScript;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::Bench;
use crate::http::Connection;
use crate::report::{Comparison, Report};

/// The length of the game: the most that a stream may have by default.
const EVENTS: usize = 10_000;
/// Events in one request while it is filled.
const CHUNK: usize = 500;
/// Looks at one version.
const LOOKS: usize = 20;
/// Appends of one mode.
const APPENDS: usize = 400;

/// Measures both.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    for every in ["500", "0"] {
        states(bench, arguments, report, every).await?;
    }
    for rules in ["off", "warn", "refuse"] {
        appends(bench, arguments, report, rules).await?;
    }
    Ok(())
}

/// What it takes to show the state of a long game at a version.
async fn states(
    bench: &Bench,
    arguments: &Arguments,
    report: &mut Report,
    every: &str,
) -> Result<()> {
    let settings = [
        ("GAMEBOT_DOMAIN_GAME", "off"),
        ("GAMEBOT_SNAPSHOTS_EVERY_EVENTS", every),
    ];
    let served = bench.serve_with(&settings).await?;
    let client = GraphqlClient::new(&served.server.base_url());
    let script = race()?;
    fill(&client, &script).await?;
    // The first look takes the snapshots.
    let mut connection = Connection::open(served.server.authority()).await?;
    look(&mut connection, &script.game_id, None).await?;
    if every != "0" {
        wait_for_snapshot(&client, &script.stream_name()).await?;
    }
    let with = if every == "0" { "without" } else { "with" };
    for at in [None, Some(EVENTS - 1), Some(7_250), Some(2_750), Some(250)] {
        let what = at.map_or_else(|| "now".to_owned(), |at| format!("at version {at}"));
        let name = format!("game of {EVENTS}, {what}, {with} snapshots");
        let mut comparison = Comparison::new(name, bench.backend, "ms", None);
        for _ in 0..arguments.repetitions {
            let mut times = Vec::with_capacity(LOOKS);
            for _ in 0..LOOKS {
                let start = Instant::now();
                look(&mut connection, &script.game_id, at).await?;
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            comparison.measured(median(times));
        }
        report.add(comparison);
    }
    Ok(())
}

/// What it takes to append one event to a game of some hundred, one after the other.
async fn appends(
    bench: &Bench,
    arguments: &Arguments,
    report: &mut Report,
    rules: &str,
) -> Result<()> {
    let served = bench.serve_with(&[("GAMEBOT_DOMAIN_GAME", rules)]).await?;
    let client = GraphqlClient::new(&served.server.base_url());
    let script = race()?;
    let stream = script.stream_name();
    let mut version = 0;
    for events in script.events.chunks(CHUNK) {
        let events: Value = events.iter().map(event).collect();
        let appended = client
            .append(&stream, Expected::Exactly(version), events)
            .await;
        version = i32::try_from(appended["version"].as_i64().ok_or("not appended")?)?;
    }
    let mut connection = Connection::open(served.server.authority()).await?;
    let name = format!("append of one event to a game, rules {rules}");
    let mut comparison = Comparison::new(name, bench.backend, "ms", None);
    for _ in 0..arguments.repetitions {
        let mut times = Vec::with_capacity(APPENDS);
        for _ in 0..APPENDS {
            let request = observe(&script.game_id, &stream, version);
            let start = Instant::now();
            let answer = connection.post(request.as_bytes()).await?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
            if !answer.starts_with(crate::event::APPENDED) {
                return Err(String::from_utf8_lossy(answer).into_owned().into());
            }
            version += 1;
        }
        comparison.measured(median(times));
    }
    report.add(comparison);
    Ok(())
}

fn race() -> Result<GameScript> {
    let games = gamebot::sample::games()?;
    let race = games.into_iter().find(|game| game.name == "race");
    race.ok_or_else(|| "there is no sample of a race".into())
}

fn event(event: &gamebot::script::ScriptEvent) -> Value {
    json!({
        "eventId": Uuid::now_v7(),
        "type": event.event_type,
        "data": serde_json::from_str::<Value>(&event.data).unwrap_or_default(),
    })
}

/// A race that goes on and on: its events without the end, again and again. What does not fit any more is
/// decoded and folded all the same.
async fn fill(client: &GraphqlClient, script: &GameScript) -> Result<()> {
    let is_end = |name: &str| ["race_mode_time_expired", "game_completed"].contains(&name);
    let course: Vec<_> = script
        .events
        .iter()
        .filter(|event| !is_end(&event.event_type))
        .collect();
    let (begin, middle) = course.split_at(10);
    let all = begin.iter().chain(middle.iter().cycle()).take(EVENTS);
    let events: Vec<Value> = all.map(|one| event(one)).collect();
    for part in events.chunks(CHUNK) {
        let appended = client
            .append(&script.stream_name(), Expected::Any, json!(part))
            .await;
        if appended["__typename"] != "Appended" {
            return Err(appended.to_string().into());
        }
    }
    Ok(())
}

async fn wait_for_snapshot(client: &GraphqlClient, stream: &str) -> Result<()> {
    let query = "query($name: String!) { stream(name: $name) { snapshot { version } } }";
    for _ in 0..600 {
        let found = client.query(query, json!({"name": stream})).await;
        if found["stream"]["snapshot"]["version"] == EVENTS {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err("the snapshots were not taken".into())
}

async fn look(connection: &mut Connection, game_id: &str, at: Option<usize>) -> Result<()> {
    let body = json!({
        "query": "query($id: String!, $at: Int) { game(gameId: $id, atVersion: $at) {
            version phase teams { teamId score matches guessCount } } }",
        "variables": {"id": game_id, "at": at},
    });
    let answer = connection.post(body.to_string().as_bytes()).await?;
    if answer.starts_with(br#"{"data":{"game":{"#) {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(answer).into_owned().into())
    }
}

/// An event that is legal at any time.
fn observe(game_id: &str, stream: &str, version: i32) -> String {
    json!({
        "query": "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename ... on Appended { version } } }",
        "variables": {"input": {
            "stream": stream,
            "expectedVersion": {"exactly": version},
            "events": [{
                "eventId": Uuid::now_v7(),
                "type": "game_error",
                "data": {
                    "game_id": game_id, "reason": "invalid_operation",
                    "timestamp": "2030-01-01T00:00:00Z",
                },
            }],
        }},
    })
    .to_string()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
