//! Games that are appended whole or in parts, and what a fold of them in this process comes to.

use chrono::DateTime;
use gamebot::event::{Decoded, Event};
use gamebot::generate::{GameGenerator, GeneratedMode};
use gamebot::script::GameScript;
use gamebot::statistics::{GameFigures, GameResult, GuessRow, RoundRow};
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, ServerProcessBuilder};

use crate::support::{self, UNCHECKED, World};

/// A server that works at projections, and looks often for those that nobody works at.
pub(super) fn prepare(world: &World) -> ServerProcessBuilder {
    prepare_at(world.database_url())
}

/// The same at an address of the world's database.
pub(super) fn prepare_at(database_url: &str) -> ServerProcessBuilder {
    support::prepare_at(database_url)
        // Events are held against the schemas of their types; an empty variable counts as not given.
        .environment(UNCHECKED.0, "")
        .environment("GAMEBOT_PROJECTIONS_RUN", "true")
        .environment("GAMEBOT_PROJECTIONS_POLL_MS", "50")
        .environment("GAMEBOT_PROJECTIONS_WAIT_TIMEOUT_MS", "60000")
}

pub(super) async fn start(world: &World) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world).start().await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// The three sample games.
pub(super) fn samples() -> Vec<GameScript> {
    gamebot::sample::games().unwrap()
}

/// Games of every mode, all of one community, so that players and teams meet again.
pub(super) fn generated(seed: u64, of_each_mode: usize) -> Vec<GameScript> {
    let start = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
    let games = GeneratedMode::ALL
        .into_iter()
        .flat_map(|mode| GameGenerator::new(seed, start, mode).take(of_each_mode));
    games.collect()
}

/// The events of a game from a version to another, as inputs.
pub(super) fn inputs(game: &GameScript, after: usize, through: usize) -> Value {
    let inputs = game.events[after..through].iter().map(|event| {
        json!({
            "eventId": event.event_id(),
            "type": event.event_type,
            "data": serde_json::from_str::<Value>(&event.data).unwrap(),
            "metadata": serde_json::from_str::<Value>(&event.metadata).unwrap(),
        })
    });
    inputs.collect()
}

/// Appends a game from a version to another, and returns the position of its last event.
pub(super) async fn play(
    client: &GraphqlClient,
    game: &GameScript,
    after: usize,
    through: usize,
) -> i64 {
    let expected = Expected::Exactly(i32::try_from(after).unwrap());
    let events = inputs(game, after, through);
    let appended = client.appended(&game.stream_name(), expected, events).await;
    appended["lastPosition"].as_i64().unwrap()
}

/// Appends whole games, their events mixed as on a busy server, and returns the head of the log after them.
pub(super) async fn play_all(client: &GraphqlClient, games: &[GameScript]) -> i64 {
    const PART: usize = 17;
    let mut last = 0;
    let longest = games
        .iter()
        .map(|game| game.events.len())
        .max()
        .unwrap_or_default();
    for after in (0..longest).step_by(PART) {
        for game in games.iter().filter(|game| game.events.len() > after) {
            last = play(client, game, after, (after + PART).min(game.events.len())).await;
        }
    }
    last
}

/// What a game comes to, by the pure functions.
#[derive(Default)]
pub(super) struct Played {
    pub(super) guesses: Vec<GuessRow>,
    pub(super) rounds: Vec<RoundRow>,
    pub(super) result: Option<GameResult>,
}

/// Folds a whole game.
pub(super) fn folded(game: &GameScript) -> Played {
    let mut figures = GameFigures::new();
    let mut played = Played::default();
    for (version, event) in (1..).zip(&game.events) {
        figures.note_stored(&event.event_type, event.schema_version);
        let Decoded::Known(known) =
            Event::decode(&event.event_type, event.schema_version, &event.data)
        else {
            panic!("{} cannot be decoded", event.event_type);
        };
        let changes = figures.apply(version, &event.event_id().unwrap(), &known);
        played.guesses.extend(changes.guesses);
        for round in changes.rounds {
            let key = (round.round_number, round.team_id.clone());
            played
                .rounds
                .retain(|known| (known.round_number, known.team_id.clone()) != key);
            played.rounds.push(round);
        }
        played.result = changes.finished.map(|result| *result).or(played.result);
    }
    played.rounds.sort_by(|left, right| {
        (left.round_number, &left.team_id).cmp(&(right.round_number, &right.team_id))
    });
    played
}

/// Every item of a list, page by page.
pub(super) async fn all(
    client: &GraphqlClient,
    field: &str,
    arguments: &str,
    selection: &str,
) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = Value::Null;
    loop {
        let text = format!(
            "query($after: String) {{ page: {field}({arguments} first: 7, after: $after) {{
                nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let mut data = client.query(&text, json!({ "after": after })).await;
        items.append(data["page"]["nodes"].as_array_mut().unwrap());
        if data["page"]["pageInfo"]["hasNextPage"] != true {
            return items;
        }
        after = data["page"]["pageInfo"]["endCursor"].take();
    }
}

/// Everything of a game's state that its events decide.
pub(super) const STATE: &str = "gameId version eventCount phase mode guildId config configVersion createdBy
    startedAt finishedAt lastActivity teamOrder liveTeamIds roundNumber roundOpen roundsPlayed perfectRounds
    expired abortReason correlationId
    teams { teamId status score matches totalGuesses abandonedGuesses guessCount currentWords }
    players { playerId teamId username connected status forbiddenWords }
    eliminated { teamId roundNumber reason guessCount }
    matches { teamId roundNumber words guessCount score at }
    result { winners }";

/// What the projections answer about all games: states, guesses, rounds, replays.
pub(super) async fn everything(client: &GraphqlClient) -> Vec<Value> {
    let guesses = "guesses(first: 500) { nodes { sequence roundNumber teamId playerIds words outcome matchScore
        guessCount attemptMs at eventId position } }";
    let rounds = "rounds { roundNumber teamId attempts matches abandoned perfect durationMs startedAt finishedAt }";
    let replay = "replay { displayName eventCount baseStatistics modeStatistics schemaVersions }";
    let selection = format!("{STATE} {guesses} {rounds} {replay}");
    all(client, "games", "direction: FORWARD,", &selection).await
}

/// How far the projection of games is, with its builds.
pub(super) async fn projection_of_games(client: &GraphqlClient) -> Value {
    let text = "{ projections { name state position lag
        activeBuild { number nodeId appliedEvents setAsideCount halted { position reason }
            setAside { position streamName type reason } }
        rebuild { number progress } } }";
    let mut data = client.query(text, json!({})).await;
    let games = data["projections"].as_array_mut().unwrap().iter_mut();
    games
        .into_iter()
        .find(|one| one["name"] == "GAMES")
        .unwrap()
        .take()
}
