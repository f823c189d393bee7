//! Streams that break the rules of the game, and reads that other things than a game make odd.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};
use uuid::Uuid;

use super::builds::team_of;
use super::inside::Inside;
use super::play::{
    everything, generated, inputs, play, play_all, prepare, projection_of_games, samples, start,
};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_player_who_is_named_in_two_teams_stops_nothing,
    a_game_belongs_to_the_guild_of_its_stream,
    the_active_game_of_a_guild_is_found_beside_a_later_one_of_another,
    an_event_that_was_set_aside_by_hand_keeps_its_place_in_the_game,
    of_several_events_that_cannot_be_used_the_first_stops_a_projection,
);

async fn games(client: &GraphqlClient, arguments: &str, head: i64) -> Vec<Value> {
    let text = format!(
        "{{ games({arguments} waitForPosition: {head}) {{ nodes {{ gameId version }} }} }}"
    );
    let mut data = client.query(&text, json!({})).await;
    serde_json::from_value(data["games"]["nodes"].take()).unwrap()
}

async fn append(client: &GraphqlClient, stream: &str, events: Value) -> i64 {
    let appended = client.appended(stream, Expected::Any, events).await;
    appended["lastPosition"].as_i64().unwrap()
}

/// Changes the data of one of the inputs of an append.
fn with_data(mut input: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut input["data"]);
    input["metadata"]["causation_id"] = Value::Null;
    input
}

async fn a_player_who_is_named_in_two_teams_stops_nothing(world: World) {
    let (_server, client) = start(&world).await;
    let game = &samples()[1];
    let started = inputs(game, 0, 1)[0].take();
    let ids: [String; 2] =
        [0, 1].map(|at| started["data"]["team_ids"][at].as_str().unwrap().into());
    let player = started["data"]["teams"][&ids[0]][0].clone();
    let started = with_data(started, |data| {
        data["teams"][&ids[1]][0] = player.clone();
    });
    append(&client, &game.stream_name(), json!([started])).await;
    let head = play(&client, game, 1, 20).await;
    let found = games(&client, "", head).await;
    assert_eq!(found, [json!({"gameId": game.game_id, "version": 20})]);
    let text = "query($user: String!) { activeGame(userId: $user) { gameId } }";
    let active = client.query(text, json!({ "user": player })).await;
    assert_eq!(active["activeGame"]["gameId"], game.game_id.as_str());
    assert_eq!(projection_of_games(&client).await["state"], "CAUGHT_UP");
}

/// Which guild an event names is a matter of the first one; the others may leave it out.
async fn a_game_belongs_to_the_guild_of_its_stream(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "game")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let game = &samples()[0];
    let seen =
        json!({"eventId": Uuid::now_v7(), "type": "table_was_laid", "data": {"guild_id": "7"}});
    append(&client, &game.stream_name(), json!([seen])).await;
    let mut rest = inputs(game, 0, game.events.len());
    for event in rest.as_array_mut().unwrap() {
        *event = with_data(event.take(), |data| {
            data.as_object_mut().unwrap().remove("guild_id");
        });
    }
    let head = append(&client, &game.stream_name(), rest).await;
    assert_eq!(
        games(&client, "filter: {guildIds: [\"7\"]},", head)
            .await
            .len(),
        1
    );
    let text = "{ replays(guildId: \"7\") { nodes { gameId } }
        leaderboard(guildId: \"7\", metric: WINS) { nodes { gamesPlayed } } }";
    let data = client.query(text, json!({})).await;
    assert_eq!(data["replays"]["nodes"][0]["gameId"], game.game_id.as_str());
    assert_eq!(data["leaderboard"]["nodes"][0]["gamesPlayed"], 1);
}

async fn the_active_game_of_a_guild_is_found_beside_a_later_one_of_another(world: World) {
    let (_server, client) = start(&world).await;
    let game = &samples()[1];
    let started = inputs(game, 0, 1)[0].take();
    let player = started["data"]["player_ids"][0].clone();
    let mut head = 0;
    for (id, guild_id) in [
        ("one", json!("1")),
        ("two", json!("2")),
        ("direct", Value::Null),
    ] {
        let mut started = with_data(started.clone(), |data| {
            data["game_id"] = id.into();
            data["guild_id"] = guild_id;
        });
        started["eventId"] = json!(Uuid::now_v7());
        started["metadata"]["event_id"] = started["eventId"].clone();
        head = append(&client, &format!("game-{id}"), json!([started])).await;
    }
    let text = "query($user: String!, $head: Position!) {
        one: player(userId: $user, guildId: \"1\", waitForPosition: $head) { activeGame { gameId } }
        two: player(userId: $user, guildId: \"2\", waitForPosition: $head) { activeGame { gameId } }
        direct: player(userId: $user, waitForPosition: $head) { activeGame { gameId } }
        activeGame(userId: $user, waitForPosition: $head) { gameId } }";
    let data = client
        .query(text, json!({"user": player, "head": head}))
        .await;
    for id in ["one", "two", "direct"] {
        assert_eq!(data[id]["activeGame"]["gameId"], id, "{data}");
    }
    assert_eq!(data["activeGame"]["gameId"], "direct");
}

async fn an_event_that_was_set_aside_by_hand_keeps_its_place_in_the_game(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "game")
        .environment("GAMEBOT_PROJECTIONS_ON_FAULT", "stop")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let game = &samples()[0];
    let mut events = inputs(game, 0, 8);
    for bad in [3, 6] {
        let faulty =
            json!({"eventId": Uuid::now_v7(), "type": "guess_processed", "data": {"game_id": 7}});
        events.as_array_mut().unwrap().insert(bad, faulty);
    }
    for event in events.as_array_mut().unwrap() {
        event["metadata"]["causation_id"] = Value::Null;
    }
    let head = append(&client, &game.stream_name(), events).await;
    for bad in [4, 7] {
        let text = "{ projections { activeBuild { halted { position } } } }";
        eventually("it stands still", async || {
            let data = client.query(text, json!({})).await;
            (data["projections"][0]["activeBuild"]["halted"]["position"] == bad).then_some(())
        })
        .await;
        let resume =
            "mutation { resumeProjection(input: {projection: GAMES, skip: true}) { __typename } }";
        client.query(resume, json!({})).await;
    }
    let selection = "version eventCount phase teams { teamId totalGuesses }";
    let text = format!(
        "query($id: String!) {{ games(waitForPosition: {head}) {{ nodes {{ {selection} }} }}
            game(gameId: $id) {{ {selection} }} }}"
    );
    let data = client.query(&text, json!({"id": game.game_id})).await;
    assert_eq!(data["games"]["nodes"][0], data["game"]);
    assert_eq!(data["game"]["eventCount"], 10);
    let build = &projection_of_games(&client).await["activeBuild"];
    assert_eq!(
        (&build["setAsideCount"], &build["appliedEvents"]),
        (&json!(2), &json!(10))
    );
}

async fn of_several_events_that_cannot_be_used_the_first_stops_a_projection(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "*")
        .environment("GAMEBOT_PROJECTIONS_ON_FAULT", "stop")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let event =
        |data: Value| json!({"eventId": Uuid::now_v7(), "type": "command_error", "data": data});
    // Readable, and can be no key; then not even readable.
    let long = event(
        json!({"guild_id": "7", "timestamp": "2026-11-20T12:00:00Z", "command_name": "a",
        "error_code": "x".repeat(5000), "error_message": "", "user_id": "1", "channel_id": "2"}),
    );
    append(
        &client,
        "gamelog-g",
        json!([long, event(json!({"guild_id": "7"}))]),
    )
    .await;
    let build = eventually("it stands still", async || {
        let text =
            "{ projections { name activeBuild { position setAsideCount halted { position } } } }";
        let data = client.query(text, json!({})).await;
        let build = data["projections"][4]["activeBuild"].clone();
        (!build["halted"].is_null()).then_some(build)
    })
    .await;
    assert_eq!(
        build,
        json!({"position": 0, "setAsideCount": 0, "halted": {"position": 1}})
    );
}

/// Another node's projections may have told this one of an event that it has not heard of by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_on_a_node_that_has_not_heard_of_its_event() {
    let world = World::postgres().await;
    let (_server, client) = start(&world).await;
    let late = prepare(&world)
        // It cannot listen, and looks once in a second.
        .environment("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true")
        .environment("GAMEBOT_DATABASE_MIGRATE_AT_START", "false")
        .environment("GAMEBOT_TAIL_POLL_INTERVAL_MS", "1000")
        .environment("GAMEBOT_PROJECTIONS_RUN", "false")
        .start()
        .await;
    let late = GraphqlClient::new(&late.base_url());
    for game in generated(61, 1) {
        let head = play_all(&client, &[game]).await;
        let text = format!(
            "{{ games(first: 1, waitForPosition: {head}) {{ pageInfo {{ endCursor }} }} }}"
        );
        let cursor = late.query(&text, json!({})).await["games"]["pageInfo"]["endCursor"].take();
        let text = "query($cursor: String!) { games(after: $cursor) { nodes { gameId } } }";
        late.query(text, json!({ "cursor": cursor })).await;
    }
}

/// More events than can be applied in the time that a transaction has are applied in smaller parts.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_takes_too_long_is_made_smaller() {
    let world = World::postgres().await;
    let (mut server, client) = start(&world).await;
    let number = projection_of_games(&client).await["activeBuild"]["number"].clone();
    server.terminate().await;
    let idle = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_RUN", "false")
        .start()
        .await;
    let client = GraphqlClient::new(&idle.base_url());
    let started = inputs(&samples()[1], 0, 1)[0].take();
    let mut head = 0;
    for id in 0..40 {
        let mut started = with_data(started.clone(), |data| {
            data["game_id"] = json!(format!("g{id}"))
        });
        started["eventId"] = json!(Uuid::now_v7());
        started["metadata"]["event_id"] = started["eventId"].clone();
        head = append(&client, &format!("game-g{id}"), json!([started])).await;
    }
    let inside = Inside::of(&world).await;
    // Each game takes a tenth of a second, all together twice as long as a transaction may.
    let slow = format!(
        "CREATE FUNCTION {{slow}}() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END';
         CREATE TRIGGER slow BEFORE INSERT ON {{b{number}_game}} FOR EACH ROW EXECUTE FUNCTION {{slow}}()"
    );
    inside.execute(&slow).await;
    let server = prepare(&world)
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "2000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    assert_eq!(games(&client, "", head).await.len(), 40);
    team_of(&client, "11", "22").await;
    assert_eq!(everything(&client).await.len(), 40);
}
