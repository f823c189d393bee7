//! What the projection of games answers is what a fold of the log comes to.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};
use uuid::Uuid;

use super::play::{
    STATE, all, everything, folded, generated, play, play_all, prepare, projection_of_games,
    samples, start,
};
use crate::support::{World, on_both_backends};

on_both_backends!(
    every_game_is_what_its_stream_comes_to,
    guesses_and_rounds_are_those_of_the_game,
    lists_are_filtered_and_paged_both_ways,
    a_player_is_found_in_the_game_that_runs,
    a_bot_reads_what_it_has_just_written,
    what_is_deleted_is_gone_and_what_follows_is_another_game,
    an_event_that_cannot_be_used_is_set_aside,
    an_event_that_cannot_be_used_stops_a_projection_that_is_set_to_stop,
);

async fn every_game_is_what_its_stream_comes_to(world: World) {
    let (_server, client) = start(&world).await;
    let mut games = samples();
    games.extend(generated(11, 3));
    let head = play_all(&client, &games).await;
    let wait = format!("direction: FORWARD, waitForPosition: {head},");
    let projected = all(&client, "games", &wait, STATE).await;
    assert_eq!(projected.len(), games.len());
    for game in projected {
        let text = format!("query($id: String!) {{ game(gameId: $id) {{ {STATE} }} }}");
        let folded = client.query(&text, json!({"id": game["gameId"]})).await;
        assert_eq!(game, folded["game"]);
    }
}

async fn guesses_and_rounds_are_those_of_the_game(world: World) {
    let (_server, client) = start(&world).await;
    let games = generated(12, 2);
    let head = play_all(&client, &games).await;
    for game in &games {
        let played = folded(game);
        let text = format!(
            "query($id: String!) {{
                 games(first: 1, waitForPosition: {head}) {{ nodes {{ gameId }} }}
                 guesses(filter: {{gameId: $id}}, direction: FORWARD, first: 1000) {{ nodes {{ sequence roundNumber
                     teamId playerIds words outcome matchScore guessCount attemptMs at eventId streamVersion
                     event {{ streamVersion }} }} }}
                 game(gameId: $id) {{ rounds {{ roundNumber teamId attempts matches abandoned perfect durationMs
                     startedAt finishedAt }} }} }}"
        );
        let data = client.query(&text, json!({"id": game.game_id})).await;
        let guesses: Value = played
            .guesses
            .iter()
            .map(|row| {
                json!({
                    "sequence": row.sequence, "roundNumber": row.round_number, "teamId": row.team_id,
                    "playerIds": [row.player1_id, row.player2_id],
                    "words": [row.player1_word, row.player2_word],
                    "outcome": row.outcome.as_str().to_uppercase(), "matchScore": row.match_score,
                    "guessCount": row.guess_count, "attemptMs": row.attempt_ms, "at": row.at,
                    "eventId": row.event_id, "streamVersion": row.stream_version,
                    "event": {"streamVersion": row.stream_version},
                })
            })
            .collect();
        assert_same_times(&data["guesses"]["nodes"], &guesses);
        let rounds: Value = played
            .rounds
            .iter()
            .map(|row| {
                json!({
                    "roundNumber": row.round_number, "teamId": row.team_id, "attempts": row.attempts,
                    "matches": row.matches, "abandoned": row.abandoned, "perfect": row.perfect,
                    "durationMs": row.duration_ms, "startedAt": row.started_at, "finishedAt": row.finished_at,
                })
            })
            .collect();
        assert_same_times(&data["game"]["rounds"], &rounds);
    }
}

/// Times may be written with more or fewer zeros.
fn assert_same_times(found: &Value, wanted: &Value) {
    fn plain(value: &Value) -> Value {
        match value {
            Value::String(text) => chrono::DateTime::parse_from_rfc3339(text)
                .map_or_else(|_| value.clone(), |time| json!(time.timestamp_micros())),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), plain(value)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }
    assert_eq!(plain(found), plain(wanted));
}

async fn lists_are_filtered_and_paged_both_ways(world: World) {
    let (_server, client) = start(&world).await;
    let games = generated(13, 4);
    let head = play_all(&client, &games).await;
    let whole = all(
        &client,
        "games",
        &format!("direction: FORWARD, waitForPosition: {head},"),
        STATE,
    )
    .await;
    let ids = |games: &[Value]| -> Vec<Value> {
        games.iter().map(|game| game["gameId"].clone()).collect()
    };
    let mut backward = all(&client, "games", "", STATE).await;
    backward.reverse();
    assert_eq!(ids(&backward), ids(&whole), "newest first is the same list");
    for (filter, keep) in filters(&whole[1]) {
        let arguments = format!("direction: FORWARD, filter: {filter},");
        let found = all(&client, "games", &arguments, STATE).await;
        let wanted: Vec<Value> = whole.iter().filter(|game| keep(game)).cloned().collect();
        assert!(!wanted.is_empty(), "{filter} finds nothing");
        assert_eq!(ids(&found), ids(&wanted), "{filter}");
    }
    let last = client
        .query(
            "{ games(direction: FORWARD, last: 2) { nodes { gameId } } }",
            json!({}),
        )
        .await;
    let last = last["games"]["nodes"].as_array().unwrap().clone();
    assert_eq!(ids(&last), ids(&whole[whole.len() - 2..]));
    a_guess_is_found_by_each_of_its_keys(&client, &games).await;
}

type Keep = Box<dyn Fn(&Value) -> bool>;

/// Filters, each with what it means.
fn filters(one: &Value) -> Vec<(String, Keep)> {
    let guild = one["guildId"].clone();
    let player = one["players"][0]["playerId"].clone();
    let at = one["startedAt"].clone();
    let time = |game: &Value| -> chrono::DateTime<chrono::Utc> {
        game["startedAt"].as_str().unwrap().parse().unwrap()
    };
    let limit = time(one);
    vec![
        (
            format!("{{guildIds: [{guild}]}}"),
            Box::new(move |game| game["guildId"] == guild),
        ),
        (
            "{modes: [RACE]}".to_owned(),
            Box::new(|game| game["mode"] == "RACE"),
        ),
        (
            "{phases: [COMPLETED, ABORTED]}".to_owned(),
            Box::new(|game| game["phase"] == "COMPLETED"),
        ),
        ("{active: false}".to_owned(), Box::new(|_| true)),
        (
            format!("{{playerId: {player}}}"),
            Box::new(move |game| {
                game["players"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| one["playerId"] == player)
            }),
        ),
        (
            format!("{{startedFrom: {at}}}"),
            Box::new(move |game| time(game) >= limit),
        ),
    ]
}

async fn a_guess_is_found_by_each_of_its_keys(
    client: &GraphqlClient,
    games: &[gamebot::script::GameScript],
) {
    let rows: Vec<_> = games.iter().flat_map(|game| folded(game).guesses).collect();
    let one = rows.iter().find(|row| row.player2_word.is_some()).unwrap();
    let (player, partner) = (one.player2_id.clone(), one.player1_id.clone());
    let word = one.player2_word.clone().unwrap();
    let of_player = |row: &&gamebot::statistics::GuessRow| {
        [&row.player1_id, &row.player2_id].contains(&&player)
    };
    let loud = word.to_uppercase();
    for (filter, wanted) in [
        (
            format!("playerId: \"{player}\""),
            rows.iter().filter(of_player).count(),
        ),
        (
            format!("teamId: \"{}\"", one.team_id),
            rows.iter().filter(|row| row.team_id == one.team_id).count(),
        ),
        (
            format!("pair: [\"{player}\", \"{partner}\"]"),
            rows.iter()
                .filter(of_player)
                .filter(|row| [&row.player1_id, &row.player2_id].contains(&&partner))
                .count(),
        ),
        (
            format!("word: \"{loud}\""),
            rows.iter()
                .filter(|row| {
                    [&row.player1_word, &row.player2_word]
                        .into_iter()
                        .flatten()
                        .any(|found| found.to_lowercase() == word.to_lowercase())
                })
                .count(),
        ),
    ] {
        let found = all(
            client,
            "guesses",
            &format!("filter: {{{filter}}},"),
            "eventId position",
        )
        .await;
        let mut ids: Vec<_> = found
            .iter()
            .map(|guess| guess["eventId"].as_str().unwrap())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((found.len(), ids.len()), (wanted, wanted), "{filter}");
        assert!(
            found
                .is_sorted_by(|left, right| left["position"].as_i64() > right["position"].as_i64())
        );
    }
    let errors = client
        .query_for_errors(
            "{ guesses(filter: {guildId: \"1\"}) { nodes { at } } }",
            json!({}),
        )
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_ARGUMENT");
}

async fn a_player_is_found_in_the_game_that_runs(world: World) {
    let (_server, client) = start(&world).await;
    let game = &samples()[1];
    let active = async |user: &str, head: i64| {
        let text = format!(
            "query($user: String!) {{ activeGame(userId: $user, waitForPosition: {head}) {{ gameId }} }}"
        );
        let mut data = client.query(&text, json!({ "user": user })).await;
        data["activeGame"].take()
    };
    let head = play(&client, game, 0, 1).await;
    let started: Value = serde_json::from_str(&game.events[0].data).unwrap();
    let player = started["player_ids"][0].as_str().unwrap();
    assert_eq!(active(player, head).await["gameId"], game.game_id.as_str());
    assert_eq!(active("1", head).await, Value::Null);
    let left = game
        .events
        .iter()
        .position(|event| event.event_type == "player_left")
        .unwrap();
    let who: Value = serde_json::from_str(&game.events[left].data).unwrap();
    let head = play(&client, game, 1, left + 1).await;
    let who = who["player_id"].as_str().unwrap();
    assert_eq!(
        active(who, head).await,
        Value::Null,
        "who has left is in no game"
    );
    let joined = game
        .events
        .iter()
        .position(|event| event.event_type == "player_joined");
    let back = joined.unwrap() + 1;
    let head = play(&client, game, left + 1, back).await;
    assert_eq!(
        active(who, head).await["gameId"],
        game.game_id.as_str(),
        "and is back"
    );
    let head = play(&client, game, back, game.events.len()).await;
    assert_eq!(active(player, head).await, Value::Null, "the game is over");
}

async fn a_bot_reads_what_it_has_just_written(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_WAIT_TIMEOUT_MS", "200")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let game = &samples()[0];
    eventually("the projections are built", async || {
        (projection_of_games(&client).await["state"] == "CAUGHT_UP").then_some(())
    })
    .await;
    for version in 0..game.events.len() {
        let head = play(&client, game, version, version + 1).await;
        let text = format!(
            "{{ games(waitForPosition: {head}) {{ projectedThrough nodes {{ version }} }} }}"
        );
        // A machine that is busy with other tests may need longer than this server waits.
        let data = eventually("the projection reaches the append", async || {
            let answer = client.execute(&text, json!({})).await;
            answer["errors"].is_null().then(|| answer["data"].clone())
        })
        .await;
        assert!(data["games"]["projectedThrough"].as_i64().unwrap() >= head);
        assert_eq!(
            data["games"]["nodes"][0]["version"].as_u64().unwrap(),
            version as u64 + 1
        );
    }
    let errors = client
        .query_for_errors(
            "{ games(waitForPosition: 1000000) { nodes { version } } }",
            json!({}),
        )
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "TIMEOUT");
    assert_eq!(errors[0]["extensions"]["retryable"], true);
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        message.contains("31") && message.contains("1000000"),
        "{message}"
    );
}

async fn what_is_deleted_is_gone_and_what_follows_is_another_game(world: World) {
    let (_server, client) = start(&world).await;
    let samples = samples();
    let [first, second, third] = samples.as_slice() else {
        panic!("three samples")
    };
    play(&client, first, 0, first.events.len()).await;
    play(&client, second, 0, 40).await;
    let head = play(&client, third, 0, third.events.len()).await;
    let count = async |head: i64| {
        let text =
            format!("{{ games(waitForPosition: {head}) {{ nodes {{ gameId version phase }} }} }}");
        client.query(&text, json!({})).await["games"]["nodes"].take()
    };
    assert_eq!(count(head).await.as_array().unwrap().len(), 3);
    let end = "mutation($a: String!, $b: String!) {
        deleteStream(input: {stream: $a, expectedVersion: {state: ANY}}) { __typename }
        tombstoneStream(input: {stream: $b, expectedVersion: {state: ANY}}) { __typename } }";
    let streams = json!({"a": second.stream_name(), "b": third.stream_name()});
    let ended = client.query(end, streams).await;
    assert_eq!(
        ended["tombstoneStream"]["__typename"], "StreamChanged",
        "{ended}"
    );
    let after = client.query("{ head { position } }", json!({})).await["head"]["position"]
        .as_i64()
        .unwrap();
    let left = count(after).await;
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    let replay = "query($id: String!) { replay(by: {gameId: $id}) { gameId }
        guesses(filter: {gameId: $id}) { nodes { at } } }";
    let gone = client.query(replay, json!({"id": third.game_id})).await;
    assert_eq!(gone, json!({"replay": null, "guesses": {"nodes": []}}));
    // The deleted game is played again, under new ids.
    let mut again = second.clone();
    for event in &mut again.events {
        let mut metadata: Value = serde_json::from_str(&event.metadata).unwrap();
        metadata["event_id"] = json!(Uuid::now_v7());
        metadata["causation_id"] = Value::Null;
        event.metadata = metadata.to_string().into();
    }
    let events = super::play::inputs(&again, 0, 5);
    let appended = client
        .appended(&again.stream_name(), Expected::Any, events)
        .await;
    let now = count(appended["lastPosition"].as_i64().unwrap()).await;
    assert_eq!(
        now[0],
        json!({"gameId": again.game_id, "version": 45, "phase": "IN_ROUND"})
    );
    let before = everything(&client).await;
    let head = client.query("{ head { position } }", json!({})).await["head"]["position"]
        .as_i64()
        .unwrap();
    super::making::rebuild(&client, "GAMES", head).await;
    assert_eq!(
        everything(&client).await,
        before,
        "a rebuild comes to the same"
    );
}

/// Data that no reader can use, in a category whose events are not checked.
async fn append_faulty(client: &GraphqlClient) -> i64 {
    let game = &samples()[0];
    play(client, game, 0, 3).await;
    let faulty =
        json!([{"eventId": Uuid::now_v7(), "type": "guess_processed", "data": {"game_id": 7}}]);
    let appended = client
        .appended(&game.stream_name(), Expected::Any, faulty)
        .await;
    let position = appended["lastPosition"].as_i64().unwrap();
    let mut rest = super::play::inputs(game, 3, 6);
    for event in rest.as_array_mut().unwrap() {
        event["metadata"]["causation_id"] = Value::Null;
    }
    client
        .appended(&game.stream_name(), Expected::Any, rest)
        .await;
    position
}

async fn an_event_that_cannot_be_used_is_set_aside(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "game")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let faulty = append_faulty(&client).await;
    let text = format!(
        "{{ games(waitForPosition: {}) {{ nodes {{ version eventCount }} }} }}",
        faulty + 3
    );
    let data = client.query(&text, json!({})).await;
    assert_eq!(
        data["games"]["nodes"][0],
        json!({"version": 7, "eventCount": 7})
    );
    let games = projection_of_games(&client).await;
    let build = &games["activeBuild"];
    assert_eq!(
        (&games["state"], &build["setAsideCount"]),
        (&json!("CAUGHT_UP"), &json!(1)),
        "{games}"
    );
    assert_eq!(build["setAside"][0]["position"], faulty);
    assert_eq!(build["setAside"][0]["type"], "guess_processed");
    assert!(
        build["setAside"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("game_id"),
        "{build}"
    );
}

async fn an_event_that_cannot_be_used_stops_a_projection_that_is_set_to_stop(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "game")
        .environment("GAMEBOT_PROJECTIONS_ON_FAULT", "stop")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let faulty = append_faulty(&client).await;
    let halted = async || {
        eventually("the projection stands still", async || {
            let games = projection_of_games(&client).await;
            (games["state"] == "HALTED").then_some(games)
        })
        .await
    };
    let games = halted().await;
    assert_eq!(
        games["position"],
        faulty - 1,
        "what stands before the event is applied: {games}"
    );
    assert_eq!(games["activeBuild"]["halted"]["position"], faulty);
    let resume = async |skip: bool| {
        let text = "mutation($skip: Boolean!) { resumeProjection(input: {projection: GAMES, skip: $skip}) {
            __typename ... on ProjectionResumed { builds { number } } } }";
        client.query(text, json!({ "skip": skip })).await["resumeProjection"].take()
    };
    assert_eq!(resume(false).await["builds"].as_array().unwrap().len(), 1);
    assert_eq!(
        halted().await["position"],
        faulty - 1,
        "the event is no better for being tried again"
    );
    resume(true).await;
    let text = format!(
        "{{ games(waitForPosition: {}) {{ nodes {{ version }} }} }}",
        faulty + 3
    );
    assert_eq!(
        client.query(&text, json!({})).await["games"]["nodes"][0]["version"],
        7
    );
    assert_eq!(
        projection_of_games(&client).await["activeBuild"]["setAsideCount"],
        1
    );
}
