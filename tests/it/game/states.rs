//! The state of a game, now and at every version.

use gamebot_event_store::game::{GameOptions, Games};
use gamebot_event_store::scope::Scope;
use serde_json::json;
use testkit::{Expected, GraphqlClient};

use super::door::{
    append, append_all, append_events, assert_shows, change, events, fold, fold_from, game,
    prepare, recover, sample, samples, start, with_new_id,
};
use crate::read::history::open;
use crate::support::{World, on_both_backends};

on_both_backends!(
    who_may_not_see_a_guild_sees_none_of_its_games,
    a_game_at_every_version_is_the_fold_of_its_events_up_to_there,
    a_game_without_events_is_null_and_a_version_that_does_not_exist_is_refused,
    a_game_that_was_deleted_is_gone_and_what_is_appended_later_is_another,
    a_game_whose_beginning_a_retention_hides_is_what_is_left_of_it,
);

async fn a_game_at_every_version_is_the_fold_of_its_events_up_to_there(world: World) {
    // Snapshots at every seventh event, so that most versions are reached from one.
    let server = prepare(&world, "warn")
        .environment("GAMEBOT_SNAPSHOTS_EVERY_EVENTS", "7")
        .environment("GAMEBOT_SNAPSHOTS_KEPT_PER_STREAM", "4")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    for script in samples() {
        append_all(&client, &script, 10).await;
        let states = fold(&script);
        for state in &states {
            let found = game(&client, &script.game_id, Some(state.stream_version)).await;
            assert_shows(&found, state);
        }
        let now = game(&client, &script.game_id, None).await;
        assert_shows(&now, states.last().unwrap());
        assert_eq!(now["phase"], "COMPLETED");
    }
}

async fn a_game_without_events_is_null_and_a_version_that_does_not_exist_is_refused(world: World) {
    let (_server, client) = start(&world, "warn").await;
    assert!(game(&client, "nobody", None).await.is_null());
    assert!(game(&client, "nobody", Some(3)).await.is_null());
    let script = sample("two_player");
    append_all(&client, &script, 31).await;
    assert!(game(&client, &script.game_id, Some(0)).await.is_null());
    for (at, code, named) in [
        (32, "INVALID_START_VERSION", ["32", "31"]),
        (-1, "INVALID_START_VERSION", ["-1", "begin at 1"]),
    ] {
        let query =
            "query($id: String!, $at: Int) { game(gameId: $id, atVersion: $at) { version } }";
        let errors = client
            .query_for_errors(query, json!({"id": script.game_id, "at": at}))
            .await;
        assert_eq!(errors[0]["extensions"]["code"], code);
        let message = errors[0]["message"].as_str().unwrap();
        assert!(named.iter().all(|text| message.contains(text)), "{message}");
    }
    let errors = client
        .query_for_errors("{ game(gameId: \"a b\") { version } }", json!({}))
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_STREAM_ID");
}

async fn a_game_that_was_deleted_is_gone_and_what_is_appended_later_is_another(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    let stream = script.stream_name();
    append_all(&client, &script, 5).await;
    let snapshot =
        "mutation($input: RecordSnapshotInput!) { recordSnapshot(input: $input) { __typename } }";
    let recorded = client
        .query(snapshot, json!({"input": {"stream": stream}}))
        .await;
    assert_eq!(recorded["recordSnapshot"]["__typename"], "SnapshotRecorded");
    change(&client, "deleteStream", &stream).await;
    for at in [None, Some(31), Some(7)] {
        assert!(game(&client, &script.game_id, at).await.is_null(), "{at:?}");
    }
    // The same game once more, with ids of its own: the rules see a game that begins.
    let again: Vec<_> = events(&script).into_iter().map(with_new_id).collect();
    append_events(&client, &stream, &again, 4).await;
    let states = fold_from(&script.game_id, 31, &again);
    for state in &states {
        let found = game(&client, &script.game_id, Some(state.stream_version)).await;
        assert_shows(&found, state);
    }
    assert!(game(&client, &script.game_id, Some(31)).await.is_null());
    let now = game(&client, &script.game_id, None).await;
    assert_eq!(
        (now["version"].clone(), now["eventCount"].clone()),
        (json!(62), json!(31))
    );
    change(&client, "tombstoneStream", &stream).await;
    assert!(game(&client, &script.game_id, None).await.is_null());
}

async fn a_game_whose_beginning_a_retention_hides_is_what_is_left_of_it(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let script = sample("knockout");
    let all = events(&script);
    let stream = script.stream_name();
    append_events(&client, &stream, &all[..60], 20).await;
    game(&client, &script.game_id, None).await;
    let query = "mutation($input: SetStreamMetadataInput!) { setStreamMetadata(input: $input) { __typename } }";
    let input =
        json!({"stream": stream, "expectedMetadataVersion": {"exactly": 0}, "truncateBefore": 41});
    client.query(query, json!({"input": input})).await;
    let shown = game(&client, &script.game_id, None).await;
    assert_eq!(
        (shown["version"].clone(), shown["eventCount"].clone()),
        (json!(60), json!(20))
    );
    assert!(game(&client, &script.game_id, Some(40)).await.is_null());
    // Nobody can tell any more whether the next events are right: they are taken, and the answer says so.
    let payload = append(&client, &stream, Expected::Exactly(60), &all[60..62]).await;
    assert_eq!(payload["__typename"], "Appended", "{payload:#}");
    assert_eq!(payload["warnings"][0]["ruleCode"], "rules_not_checked");
    assert!(payload["warnings"][0]["rule"].is_null());
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    let first = &found["violations"][0];
    assert_eq!(
        (first["rule"].clone(), first["ruleCode"].clone()),
        (json!("R04"), json!("version_gap"))
    );
    assert_eq!(found["sound"], false);
}

/// Nobody has a scope through the public door yet: identity comes with tokens.
async fn who_may_not_see_a_guild_sees_none_of_its_games(world: World) {
    let script = sample("knockout");
    let (mut server, client) = start(&world, "off").await;
    append_all(&client, &script, 81).await;
    server.terminate().await;
    let store = open(&world).await;
    let games = Games::new(store.clone(), GameOptions::default());
    let name = Games::stream_name(&script.game_id).unwrap();
    let guild = fold(&script)[0].guild_id.clone().unwrap();
    let scope = |guild: &str| Scope::Guilds {
        guild_ids: [guild.into()].into(),
        include_without_guild: true,
    };
    for (scope, sees) in [(scope(&guild), true), (scope("another"), false)] {
        let found = games.game(&scope, &name, None).await.unwrap();
        assert_eq!(found.is_some(), sees);
        let found = games.game(&scope, &name, Some(5000)).await;
        assert_eq!(found.is_err(), sees, "who sees nothing is told nothing");
        assert_eq!(games.recover(&scope, &name).await.unwrap().is_some(), sees);
    }
    store.close().await;
}
