//! The words in which these tests talk about games, and the fold that the answers are held against.

use gamebot::event::{Decoded, Event};
use gamebot::game::{Envelope, GameState};
use gamebot::script::{GameScript, ScriptEvent};
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, ServerProcess, ServerProcessBuilder};
use uuid::Uuid;

use crate::append::door::{append_request, payload_of};
use crate::support::World;

/// What is compared of a game.
pub(super) const GAME: &str = "gameId version eventCount guildId mode phase isOver config configVersion \
    createdBy createdAt startedAt finishedAt lastActivity teamOrder liveTeamIds roundNumber roundOpen \
    roundStartedAt roundsPlayed perfectRounds expiresAt expired pausedTotalMs abortReason correlationId \
    pause { since phaseBefore remainingSeconds } \
    settings { maxGuesses roundsRequired timeLimitSeconds forbiddenWordsLimit } \
    teams { teamId status score matches totalGuesses abandonedGuesses guessCount roundGuessCount roundNumber \
        roundOpen currentWords lastMatchAt players { playerId totalGuesses successfulMatches abandonedGuesses } } \
    players { playerId teamId username connected status forbiddenWords } \
    eliminated { teamId roundNumber reason guessCount at } \
    matches { teamId roundNumber words guessCount score at } \
    evaluation { averageGuesses successThreshold succeeded } \
    result { winners gameDuration totalRounds finalScores { teamId score matches totalGuesses averageGuesses } }";

/// A server that does this with events that break rules.
pub(super) fn prepare(world: &World, rules: &str) -> ServerProcessBuilder {
    let server = match rules {
        // What a server refuses at all is held against the schemas first.
        "refuse" => world.prepare_checked(),
        _ => world.prepare(),
    };
    server.environment("GAMEBOT_DOMAIN_GAME", rules)
}

/// A server that does this with events that break rules, and a client of it.
pub(super) async fn start(world: &World, rules: &str) -> (ServerProcess, GraphqlClient) {
    let server = prepare(world, rules).start().await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

/// A sample game under a name of its own, so that several tests and copies do not meet.
pub(super) fn sample(name: &str) -> GameScript {
    let games = gamebot::sample::games().unwrap();
    games.into_iter().find(|game| game.name == name).unwrap()
}

/// All sample games.
pub(super) fn samples() -> Vec<GameScript> {
    gamebot::sample::games().unwrap()
}

/// A long game, made of a sample by repeating an event that may stand anywhere.
pub(super) fn observation(game_id: &str, number: usize) -> Value {
    json!({
        "eventId": Uuid::now_v7(),
        "type": "game_error",
        "data": {
            "game_id": game_id, "reason": "invalid_operation", "details": format!("number {number}"),
            "timestamp": "2030-01-01T00:00:00Z",
        },
        "metadata": {},
    })
}

/// An event of a script as an append has it.
pub(super) fn event(event: &ScriptEvent) -> Value {
    json!({
        "eventId": event.event_id(),
        "type": event.event_type,
        "schemaVersion": event.schema_version,
        "data": serde_json::from_str::<Value>(&event.data).unwrap(),
        "metadata": serde_json::from_str::<Value>(&event.metadata).unwrap(),
    })
}

/// The same event under another id, which its metadata does not name.
pub(super) fn with_new_id(mut event: Value) -> Value {
    event["eventId"] = json!(Uuid::now_v7());
    if let Some(metadata) = event["metadata"].as_object_mut() {
        metadata.remove("event_id");
    }
    event
}

/// The events of a script as an append has them.
pub(super) fn events(script: &GameScript) -> Vec<Value> {
    script.events.iter().map(event).collect()
}

/// Appends events to a game and answers the payload, with everything that the rules say.
pub(super) async fn append(
    client: &GraphqlClient,
    stream: &str,
    expected: Expected,
    events: &[Value],
) -> Value {
    let mut request: Value =
        serde_json::from_str(&append_request(stream, expected, &json!(events))).unwrap();
    let query = request["query"].as_str().unwrap();
    let with_rules = query.replacen(
        "{ __typename",
        "{ __typename ... on Appended { warnings { rule ruleCode severity index message path } }
            ... on RuleViolated { violations { rule ruleCode severity index message path } }",
        1,
    );
    request["query"] = json!(with_rules);
    payload_of(
        client.raw(request.to_string()).await.json(),
        "appendToStream",
    )
}

/// Appends a whole game, so many events at a time.
pub(super) async fn append_all(client: &GraphqlClient, script: &GameScript, at_a_time: usize) {
    append_events(client, &script.stream_name(), &events(script), at_a_time).await;
}

/// Appends events to a stream in any state, so many at a time.
pub(super) async fn append_events(
    client: &GraphqlClient,
    stream: &str,
    events: &[Value],
    at_a_time: usize,
) {
    for part in events.chunks(at_a_time) {
        let payload = append(client, stream, Expected::Any, part).await;
        assert_eq!(payload["__typename"], "Appended", "{payload:#}");
    }
}

/// A game, as the server shows it.
pub(super) async fn game(client: &GraphqlClient, game_id: &str, at_version: Option<i32>) -> Value {
    let query = format!(
        "query($id: String!, $at: Int) {{ game(gameId: $id, atVersion: $at) {{ {GAME} }} }}"
    );
    let variables = json!({"id": game_id, "at": at_version});
    client.query(&query, variables).await["game"].take()
}

/// The states that the events of a script come to, one after each event, folded here.
pub(super) fn fold(script: &GameScript) -> Vec<GameState> {
    fold_from(&script.game_id, 0, &events(script))
}

/// The states that events come to which begin after a version.
pub(super) fn fold_from(game_id: &str, after: i32, events: &[Value]) -> Vec<GameState> {
    let mut state = GameState::new(game_id);
    state.stream_version = after;
    let mut states = Vec::new();
    for (event, version) in events.iter().zip(after + 1..) {
        let metadata = &event["metadata"];
        let envelope = Envelope {
            stream_version: version,
            event_id: event["eventId"].as_str().unwrap(),
            correlation_id: metadata["correlation_id"].as_str(),
            causation_id: metadata["causation_id"].as_str(),
        };
        let data = event["data"].to_string();
        match Event::decode(event["type"].as_str().unwrap(), 1, &data) {
            Decoded::Known(event) => state.apply(&envelope, &event),
            other => panic!("{event}: {other:?}"),
        }
        states.push(state.clone());
    }
    states
}

/// A state in the words of the API: what [`GAME`] asks for.
pub(super) fn shown(state: &GameState) -> Value {
    let mut shown = serde_json::to_value(state).unwrap();
    let pause = &shown["pause"];
    let renamed = json!({
        "gameId": state.game_id, "version": state.stream_version, "eventCount": state.event_count,
        "isOver": state.is_over(),
        "liveTeamIds": state.live_teams().map(|team| &team.team_id).collect::<Vec<_>>(),
        "pause": pause,
    });
    for (name, value) in renamed.as_object().unwrap() {
        shown[name] = value.clone();
    }
    camel(&shown)
}

/// Names as GraphQL has them, values of enums as well, and times without needless digits.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let mut camel_name = String::new();
                let mut upper = false;
                for character in name.chars() {
                    if character == '_' {
                        upper = true;
                    } else if upper {
                        camel_name.extend(character.to_uppercase());
                        upper = false;
                    } else {
                        camel_name.push(character);
                    }
                }
                let free = ["config"].contains(&name.as_str());
                let is_enum = ["mode", "phase", "phase_before", "status", "reason"];
                let value = match value {
                    Value::String(text) if is_enum.contains(&name.as_str()) => {
                        Value::String(text.to_uppercase())
                    }
                    value if free => value.clone(),
                    value => camel(value),
                };
                (camel_name, value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(camel).collect(),
        other => other.clone(),
    }
}

/// Whether everything that the server showed is what the state has: the state may have more.
pub(super) fn assert_shows(found: &Value, state: &GameState) {
    assert!(
        !found.is_null(),
        "no game, where there is one at {}",
        state.stream_version
    );
    assert_within(
        found,
        &shown(state),
        &format!("at version {}", state.stream_version),
    );
}

fn assert_within(found: &Value, wanted: &Value, place: &str) {
    match (found, wanted) {
        (Value::Object(found), Value::Object(_)) => {
            for (name, found) in found {
                assert_within(found, &wanted[name], &format!("{place}.{name}"));
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{place}");
            for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                assert_within(found, wanted, &format!("{place}[{index}]"));
            }
        }
        (Value::String(found), Value::String(wanted)) if found != wanted => {
            let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
            let same_time = time(found).is_some() && time(found) == time(wanted);
            // A player's presence is text, and no enum.
            let same_text = place.contains(".players[") && found.to_uppercase() == *wanted;
            assert!(
                same_time || same_text,
                "{place}: {found} instead of {wanted}"
            );
        }
        _ => assert_eq!(found, wanted, "{place}"),
    }
}

/// What a recovery finds.
pub(super) async fn recover(client: &GraphqlClient, input: Value) -> Value {
    let query = format!(
        "mutation($input: RecoverGameInput!) {{ recoverGame(input: $input) {{ __typename
            ... on GameRecovered {{
                sound violationCount firstVersion lastVersion eventsApplied eventsSkipped
                snapshot {{ version agrees }}
                recorded {{ streamName type data metadata {{ raw }} }}
                violations {{ rule title ruleCode severity streamVersion eventId eventType message }}
                game {{ {GAME} }}
            }}
            ... on Refusal {{ code message path }} }} }}"
    );
    client.query(&query, json!({"input": input})).await["recoverGame"].take()
}

/// The names of the rules in a list of violations.
pub(super) fn rules_in(violations: &Value) -> Vec<&str> {
    let violations = violations.as_array().unwrap();
    violations
        .iter()
        .filter_map(|violation| violation["rule"].as_str())
        .collect()
}

/// Deletes or tombstones a stream.
pub(super) async fn change(client: &GraphqlClient, field: &str, stream: &str) {
    let name = format!("{}{}Input", &field[..1].to_uppercase(), &field[1..]);
    let query = format!(
        "mutation($input: {name}!) {{ {field}(input: $input) {{ __typename ... on Refusal {{ message }} }} }}"
    );
    let input = json!({"stream": stream, "expectedVersion": {"state": "STREAM_EXISTS"}});
    let payload = client.query(&query, json!({"input": input})).await;
    assert_eq!(payload[field]["__typename"], "StreamChanged", "{payload:#}");
}
