//! A rebuild of all projections over a large log while appends go on: how fast it is, and whether what it comes
//! to is what a fold of the log comes to.
//!
//! It takes minutes, so it runs only when it is named.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use gamebot::generate::{GameGenerator, GeneratedMode};
use gamebot::script::{GameScript, ScriptEvent};
use serde_json::{Value, json};
use testkit::GraphqlClient;

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::Bench;
use crate::http::Connection;
use crate::report::{Comparison, Report, Target};

/// Games that are played at the same time, as on a large bot: their events alternate in the log.
const GAMES: usize = 64;
/// Events of one game in one request.
const CHUNK: usize = 10;
/// Requests that are on their way at the same time while the log is filled.
const CONNECTIONS: usize = 8;
/// Events per second that go on being appended while the projections are rebuilt.
const RATE: u32 = 200;
/// Of the games.
const SEED: u64 = 4;

/// Fills a log, rebuilds all projections, and compares what they answer with folds of the log.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let served = bench
        .serve_with(&[("GAMEBOT_PROJECTIONS_KEEP_RETIRED_MS", "1000")])
        .await?;
    let client = GraphqlClient::new(&served.server.base_url());
    let mut games = Games::new(SEED);
    let filled = Instant::now();
    fill(served.server.authority(), &mut games, arguments.events).await?;
    println!(
        "filled with {} events in {:?}",
        games.appended,
        filled.elapsed()
    );
    let caught_up = Instant::now();
    wait_until_caught_up(&client).await?;
    println!(
        "the projections caught up {:?} after that",
        caught_up.elapsed()
    );

    let goal = rebuild(&client).await?;
    let began = Instant::now();
    let mut connection = Connection::open(served.server.authority()).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / (RATE / 10));
    let mut last_told = Instant::now();
    let mut appended = 0_u64;
    let elapsed = loop {
        ticks.tick().await;
        let (_, request) = games.next_request();
        expect_appended(connection.post(&request).await?)?;
        appended += CHUNK as u64;
        if last_told.elapsed() >= Duration::from_secs(1) {
            last_told = Instant::now();
            let progress = progress(&client).await?;
            println!("after {:?}: {progress}", began.elapsed());
            if progress.is_empty() {
                break began.elapsed();
            }
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let rate = goal as f64 / elapsed.as_secs_f64();
    println!(
        "rebuilt {goal} events in {elapsed:?}, {rate:.0} events/s; {appended} appended meanwhile"
    );
    let mut comparison = Comparison::new(
        "rebuild of all projections",
        bench.backend,
        "events/s",
        Some(Target::at_least(0.0, 50_000.0)),
    );
    comparison.measured(rate);
    report.add(comparison);
    let compared = compare(&client).await?;
    println!("{compared} games are what folds of the log come to");
    Ok(())
}

/// Games that are played at the same time.
struct Games {
    /// One for each mode; they take turns.
    generators: Vec<GameGenerator>,
    next_generator: usize,
    running: Vec<(GameScript, usize)>,
    turn: usize,
    appended: u64,
}

impl Games {
    fn new(seed: u64) -> Self {
        let start: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let modes = GeneratedMode::ALL.into_iter();
        let mut games = Self {
            generators: modes
                .map(|mode| GameGenerator::new(seed, start, mode))
                .collect(),
            next_generator: 0,
            running: Vec::new(),
            turn: 0,
            appended: 0,
        };
        for _ in 0..GAMES {
            let game = games.next_game();
            games.running.extend(game.map(|game| (game, 0)));
        }
        games
    }

    fn next_game(&mut self) -> Option<GameScript> {
        self.next_generator = (self.next_generator + 1) % self.generators.len();
        self.generators[self.next_generator].next()
    }

    /// The place of the game whose turn it is, and the append of its next events. Requests about one place must
    /// follow each other.
    fn next_request(&mut self) -> (usize, Vec<u8>) {
        self.turn = (self.turn + 1) % self.running.len();
        let (script, version) = &mut self.running[self.turn];
        let events = &script.events[*version..(*version + CHUNK).min(script.events.len())];
        let request = append(&script.stream_name(), *version, events);
        self.appended += events.len() as u64;
        *version += events.len();
        if *version == script.events.len()
            && let Some(next) = self.next_game()
        {
            self.running[self.turn] = (next, 0);
        }
        (self.turn, request)
    }
}

fn append(stream: &str, version: usize, events: &[ScriptEvent]) -> Vec<u8> {
    let events: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "eventId": event.event_id(),
                "type": event.event_type,
                "data": serde_json::from_str::<Value>(&event.data).unwrap_or_default(),
                "metadata": serde_json::from_str::<Value>(&event.metadata).unwrap_or_default(),
            })
        })
        .collect();
    let input =
        json!({"stream": stream, "expectedVersion": {"exactly": version}, "events": events});
    let query = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename ... on \
                 Refusal { code message } } }";
    json!({"query": query, "variables": {"input": input}})
        .to_string()
        .into_bytes()
}

fn expect_appended(answer: &[u8]) -> Result<()> {
    if answer.windows(10).any(|part| part == b"\"Appended\"") {
        return Ok(());
    }
    Err(String::from_utf8_lossy(answer).into_owned().into())
}

/// Each connection has the games of some places, so that the appends of one game follow each other.
async fn fill(authority: &str, games: &mut Games, events: u64) -> Result<()> {
    let mut senders = Vec::new();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(8);
        let mut connection = Connection::open(authority).await?;
        workers.spawn(async move {
            while let Some(request) = receiver.recv().await {
                expect_appended(connection.post(&request).await?)?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
        senders.push(sender);
    }
    while games.appended < events {
        let (place, request) = games.next_request();
        if senders[place % CONNECTIONS].send(request).await.is_err() {
            break;
        }
    }
    drop(senders);
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}

async fn wait_until_caught_up(client: &GraphqlClient) -> Result<()> {
    loop {
        let data = client.query("{ projections { lag } }", json!({})).await;
        let lags = data["projections"].as_array().cloned().unwrap_or_default();
        if lags.iter().all(|projection| projection["lag"] == 0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Asks for a rebuild of every projection, and answers the head of the log at that time.
async fn rebuild(client: &GraphqlClient) -> Result<u64> {
    let mut goal = 0;
    for name in ["GAMES", "TEAMS", "PLAYERS", "GUILDS", "OBSERVATIONS"] {
        let mutation = "mutation($name: ProjectionName!) { rebuildProjection(input: {projection: $name}) { ... on \
                        RebuildStarted { build { goal } } } }";
        let data = client.query(mutation, json!({"name": name})).await;
        goal = data["rebuildProjection"]["build"]["goal"]
            .as_u64()
            .ok_or("no rebuild")?;
    }
    Ok(goal)
}

/// How far the rebuilds are, in words; empty when there are none any more.
async fn progress(client: &GraphqlClient) -> Result<String> {
    let data = client
        .query("{ projections { name rebuild { progress } } }", json!({}))
        .await;
    let projections = data["projections"].as_array().cloned().unwrap_or_default();
    let running = projections
        .iter()
        .filter(|projection| !projection["rebuild"].is_null());
    let told = running.map(|projection| {
        let percent = projection["rebuild"]["progress"]
            .as_f64()
            .unwrap_or_default()
            * 100.0;
        format!(
            "{} {percent:.0} %",
            projection["name"].as_str().unwrap_or_default()
        )
    });
    Ok(told.collect::<Vec<_>>().join(", "))
}

/// Compares the state of every tenth game with a fold of its stream up to the same version.
async fn compare(client: &GraphqlClient) -> Result<usize> {
    const STATE: &str = "gameId version phase mode roundNumber eventCount startedAt finishedAt roundsPlayed \
        perfectRounds teamOrder teams { teamId score matches totalGuesses abandonedGuesses status currentWords } \
        players { playerId teamId connected forbiddenWords } matches { teamId words guessCount score at } \
        result { winners } lastActivity correlationId";
    let mut compared = 0;
    let mut after = Value::Null;
    loop {
        let query = format!(
            "query($after: String) {{ games(first: 20, after: $after) {{ nodes {{ {STATE} }} pageInfo {{ hasNextPage \
             endCursor }} }} }}"
        );
        let data = client.query(&query, json!({"after": after})).await;
        let page = &data["games"];
        let games = page["nodes"].as_array().cloned().unwrap_or_default();
        for game in games.iter().step_by(10) {
            let query = format!(
                "query($id: String!, $at: Int!) {{ game(gameId: $id, atVersion: $at) {{ {STATE} }} }}"
            );
            let variables = json!({"id": game["gameId"], "at": game["version"]});
            let folded = client.query(&query, variables).await;
            if folded["game"] != *game {
                return Err(
                    format!("the projection has {game}, and a fold {}", folded["game"]).into(),
                );
            }
            compared += 1;
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok(compared);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
