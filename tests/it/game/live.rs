//! A game, live: each state once and in order, whatever happens on the way.

use serde_json::{Value, json};
use testkit::{
    ChaosProxy, Expected, GraphqlClient, ServerProcess, SocketOptions, Subscription, eventually,
};

use super::door::{
    GAME, append, append_all, append_events, assert_shows, change, events, fold, fold_from,
    prepare, sample, start, with_new_id,
};
use crate::support::{World, on_both_backends, prepare_at};

on_both_backends!(
    a_live_game_tells_the_state_at_once_and_after_each_event,
    a_client_that_stops_reading_gets_every_state_later_once_and_in_order,
    after_a_restart_of_the_server_the_state_comes_at_once_and_then_each,
    a_live_game_that_is_deleted_begins_anew_with_the_next_event,
    a_live_game_is_on_the_list_of_subscriptions,
);

fn query() -> String {
    format!("subscription($id: String!) {{ game(gameId: $id) {{ {GAME} }} }}")
}

async fn live(base_url: &str, game_id: &str) -> Subscription {
    Subscription::start(base_url, &query(), json!({"id": game_id})).await
}

/// The feed of a game of which there is no event yet, so that there is nothing to tell: only the list says when the
/// feed has begun.
async fn live_before_the_game(
    server: &ServerProcess,
    client: &GraphqlClient,
    game_id: &str,
) -> Subscription {
    let feed = live(&server.base_url(), game_id).await;
    eventually("the feed to wait for the game", async || {
        let query = "{ liveSubscriptions(filter: {kinds: [GAME]}) { nodes { state } } }";
        let listed = client.query(query, json!({})).await;
        (listed["liveSubscriptions"]["nodes"][0]["state"] == "LIVE").then_some(())
    })
    .await;
    feed
}

async fn next(feed: &mut Subscription) -> Value {
    feed.next().await.expect("the feed ended")["game"].take()
}

async fn a_live_game_tells_the_state_at_once_and_after_each_event(world: World) {
    let (server, client) = start(&world, "warn").await;
    let script = sample("knockout");
    let states = fold(&script);
    let all = events(&script);
    let mut early = live_before_the_game(&server, &client, &script.game_id).await;
    append_events(&client, &script.stream_name(), &all[..20], 3).await;
    let mut late = live(&server.base_url(), &script.game_id).await;
    assert_shows(&next(&mut late).await, &states[19]);
    append_events(&client, &script.stream_name(), &all[20..], 4).await;
    for state in &states {
        assert_shows(&next(&mut early).await, state);
    }
    for state in &states[20..] {
        assert_shows(&next(&mut late).await, state);
    }
}

async fn a_client_that_stops_reading_gets_every_state_later_once_and_in_order(world: World) {
    let server = prepare(&world, "off")
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", "2")
        .environment("GAMEBOT_SERVER_STALLED_CLIENT_TIMEOUT_MS", "600000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let script = sample("race");
    let states = fold(&script);
    let all = events(&script);
    append_events(&client, &script.stream_name(), &all[..1], 1).await;
    let options = SocketOptions {
        receive_buffer_bytes: Some(4096),
        ..SocketOptions::default()
    };
    let variables = json!({"id": script.game_id});
    let mut feed = Subscription::start_with(
        &server.base_url(),
        options,
        Value::Null,
        &query(),
        variables,
    )
    .await;
    assert_shows(&next(&mut feed).await, &states[0]);
    let stalled = feed.stall();
    append_events(&client, &script.stream_name(), &all[1..], 2).await;
    let mut feed = stalled.resume();
    for state in &states[1..] {
        assert_shows(&next(&mut feed).await, state);
    }
}

async fn after_a_restart_of_the_server_the_state_comes_at_once_and_then_each(world: World) {
    let (mut server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    let states = fold(&script);
    let all = events(&script);
    append_events(&client, &script.stream_name(), &all[..9], 2).await;
    let mut feed = live(&server.base_url(), &script.game_id).await;
    assert_shows(&next(&mut feed).await, &states[8]);
    server.kill();
    while feed.next().await.is_some() {}
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = live(&server.base_url(), &script.game_id).await;
    assert_shows(&next(&mut feed).await, &states[8]);
    append_events(&client, &script.stream_name(), &all[9..], 2).await;
    for state in &states[9..] {
        assert_shows(&next(&mut feed).await, state);
    }
}

async fn a_live_game_that_is_deleted_begins_anew_with_the_next_event(world: World) {
    let (server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    append_all(&client, &script, 8).await;
    let mut feed = live(&server.base_url(), &script.game_id).await;
    assert_eq!(next(&mut feed).await["version"], 31);
    change(&client, "deleteStream", &script.stream_name()).await;
    let again: Vec<_> = events(&script).into_iter().map(with_new_id).collect();
    append_events(&client, &script.stream_name(), &again, 3).await;
    for state in fold_from(&script.game_id, 31, &again) {
        assert_shows(&next(&mut feed).await, &state);
    }
}

async fn a_live_game_is_on_the_list_of_subscriptions(world: World) {
    let (server, client) = start(&world, "off").await;
    let script = sample("two_player");
    append_all(&client, &script, 31).await;
    let feed = live(&server.base_url(), &script.game_id).await;
    let query = "{ liveSubscriptions(filter: {kinds: [GAME]}) { nodes {
        kind arguments state position lag eventsDelivered messagesDelivered } } }";
    let listed = eventually("the game to be listed as live", async || {
        let found = client.query(query, json!({})).await;
        let node = found["liveSubscriptions"]["nodes"].get(0)?.clone();
        (node["state"] == "LIVE").then_some(node)
    })
    .await;
    assert_eq!(listed["arguments"]["gameId"], script.game_id.as_str());
    assert_eq!(
        (listed["position"].clone(), listed["lag"].clone()),
        (json!(31), json!(0))
    );
    assert_eq!(
        (
            listed["messagesDelivered"].clone(),
            listed["eventsDelivered"].clone()
        ),
        (json!(1), json!(0))
    );
    append(
        &client,
        &script.stream_name(),
        Expected::Any,
        &[super::door::observation(&script.game_id, 1)],
    )
    .await;
    eventually("the event to be counted", async || {
        let found = client.query(query, json!({})).await;
        (found["liveSubscriptions"]["nodes"][0]["eventsDelivered"] == 1).then_some(())
    })
    .await;
    drop(feed);
    eventually("the list to be empty", async || {
        let found = client.query(query, json!({})).await;
        found["liveSubscriptions"]["nodes"]
            .as_array()
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
}

/// Connections to the database break in the middle of a game; the states come all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_game_outlives_lost_databases() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = prepare_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_SUBSCRIPTION_HUB_CAPACITY_EVENTS", "1")
        .environment("GAMEBOT_APPEND_DEADLINE_MS", "25000")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let script = sample("knockout");
    let states = fold(&script);
    let mut feed = live_before_the_game(&server, &client, &script.game_id).await;
    for (part, number) in events(&script).chunks(9).zip(0..) {
        if number % 2 == 1 {
            proxy.cut_all();
        }
        let appended = eventually("the events to be taken", async || {
            let text = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename } }";
            let input = json!({
                "stream": script.stream_name(),
                "expectedVersion": Expected::Any.to_json(),
                "events": part,
            });
            // A cut may reach the look at the game's state instead of the append: then there are errors, and
            // a bot sends the same again.
            let answer = client.execute(text, json!({ "input": input })).await;
            (answer["data"]["appendToStream"]["__typename"] == "Appended").then_some(())
        });
        appended.await;
    }
    for state in &states {
        assert_shows(&next(&mut feed).await, state);
    }
}
