//! The guild of a stream's first event is the guild of the stream, for ever.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{append, append_batch, appended, each, head, new_event, part, read_stream};
use crate::lifecycle::door::Change;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    the_first_event_decides_and_every_event_carries_it,
    a_stream_without_guild_stays_without,
    an_event_of_another_guild_is_refused_and_each_is_named,
    the_guild_in_the_metadata_never_counts,
    a_stream_keeps_its_guild_when_it_is_reopened,
);

fn event_of(guild_id: &Value) -> Value {
    let mut event = new_event(0);
    event["data"] = json!({"guild_id": guild_id});
    event
}

async fn guilds(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    each(&read_stream(client, stream).await, "guildId")
}

async fn the_first_event_decides_and_every_event_carries_it(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = json!([event_of(&json!("g1")), new_event(1), event_of(&Value::Null)]);
    let payload = appended(&client, &stream, Expected::Any, &events).await;
    assert_eq!(payload["stream"]["guildId"], "g1");
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([new_event(2), event_of(&json!("g1"))]),
    )
    .await;
    assert_eq!(guilds(&client, &stream).await, vec![json!("g1"); 5]);
}

async fn a_stream_without_guild_stays_without(world: World) {
    let (_server, client) = world.server_and_client().await;
    for first in [new_event(0), event_of(&Value::Null)] {
        let stream = new_stream("game");
        let later = event_of(&json!("g1"));
        let refusal = append(&client, &stream, Expected::Any, &json!([first, later])).await;
        assert_eq!(refusal["violations"][0]["index"], 1, "{refusal:#}");
        let payload = appended(&client, &stream, Expected::Any, &json!([first])).await;
        assert_eq!(payload["stream"]["guildId"], Value::Null);
        let refusal = append(&client, &stream, Expected::Any, &json!([later])).await;
        assert_eq!(refusal["code"], "INVALID_EVENT_DATA", "{refusal:#}");
        assert_eq!(guilds(&client, &stream).await, [Value::Null]);
    }
}

async fn an_event_of_another_guild_is_refused_and_each_is_named(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([event_of(&json!("g1"))]),
    )
    .await;
    let [ours, other, third] = ["g1", "g2", "g3"].map(|guild| event_of(&json!(guild)));
    let new = new_stream("game");
    let parts = [
        part(&stream, Expected::Any, json!([ours, other])),
        part(&new, Expected::Any, json!([event_of(&json!("g4")), third])),
    ];
    let refusal = append_batch(&client, &parts).await;
    assert_eq!(refusal["__typename"], "InvalidEvents", "{refusal:#}");
    let violations = refusal["violations"].as_array().unwrap();
    let paths = [0, 1].map(|index: usize| {
        json!([
            "input",
            "streams",
            index.to_string(),
            "events",
            "1",
            "data",
            "guild_id"
        ])
    });
    assert_eq!(each(violations, "path"), paths);
    assert_eq!(
        each(violations, "pointer"),
        ["/data/guild_id", "/data/guild_id"]
    );
    for (violation, (named, owner)) in violations.iter().zip([("g2", "g1"), ("g3", "g4")]) {
        let message = violation["message"].as_str().unwrap();
        assert!(
            message.contains(named) && message.contains(owner),
            "{message}"
        );
    }
    assert_eq!(head(&client).await, 1);
    assert_eq!(guilds(&client, &new).await, Vec::<Value>::new());
}

async fn the_guild_in_the_metadata_never_counts(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut event = event_of(&json!("g1"));
    event["metadata"] = json!({"guild_id": "g2"});
    let payload = appended(&client, &stream, Expected::Any, &json!([event])).await;
    assert_eq!(payload["stream"]["guildId"], "g1");
    let mut nowhere = new_event(1);
    nowhere["metadata"] = json!({"guild_id": "g2"});
    let other = new_stream("game");
    let payload = appended(&client, &other, Expected::Any, &json!([nowhere])).await;
    assert_eq!(payload["stream"]["guildId"], Value::Null);
    assert_eq!(payload["events"][0]["guildId"], Value::Null);
}

async fn a_stream_keeps_its_guild_when_it_is_reopened(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([event_of(&json!("g1"))]),
    )
    .await;
    Change::Delete.of(&client, &stream).await;
    let other = json!([event_of(&json!("g2"))]);
    let refusal = append(&client, &stream, Expected::NoStream, &other).await;
    assert_eq!(
        refusal["violations"][0]["pointer"], "/data/guild_id",
        "{refusal:#}"
    );
    let payload = appended(&client, &stream, Expected::NoStream, &json!([new_event(1)])).await;
    assert_eq!(payload["events"][0]["guildId"], "g1");
}
