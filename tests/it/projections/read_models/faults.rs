//! An event that cannot be used harms no other one.

use serde_json::{Value, json};
use testkit::{GraphqlClient, eventually};

use super::door::{append, event, prepare, start, start_prepared};
use super::story::{STREAMS, answers, events_of, tell};
use crate::support::{World, on_both_backends};

on_both_backends!(
    events_that_cannot_be_used_are_set_aside_and_the_others_count,
    a_projection_that_is_to_stop_stands_still_before_such_an_event,
);

/// Events of every category whose data is not that of their type, or can be no key.
const UNUSABLE: [(&str, &str); 5] = [
    ("team-81384788765712384_11_22", "team_updated"),
    ("player-81384788765712384_11", "user_profile_updated"),
    ("guild-81384788765712384", "guild_config_changed"),
    ("gamelog-g1", "game_error"),
    ("gamelog-g2", "event_quarantined"),
];

async fn set_aside(client: &GraphqlClient) -> Vec<(String, String, String)> {
    let text = "{ projections { name activeBuild { setAsideCount setAside { streamName type reason } } } }";
    let answer = client.query(text, json!({})).await;
    let projections = answer["projections"].as_array().unwrap().iter();
    let small = projections.filter(|projection| projection["name"] != "GAMES");
    small
        .flat_map(|projection| projection["activeBuild"]["setAside"].as_array().unwrap())
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            (text("streamName"), text("type"), text("reason"))
        })
        .collect()
}

async fn events_that_cannot_be_used_are_set_aside_and_the_others_count(world: World) {
    let server = prepare(&world).environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "*");
    let (_server, client) = start_prepared(server).await;
    tell(&client, 0).await;
    for (stream, event_type) in UNUSABLE {
        append(&client, stream, json!([event(event_type, 1, json!({}))])).await;
    }
    let long = "x".repeat(5_000);
    let team = json!({"team_id": long, "name": "Long", "player_ids": ["11", "22"], "created_at": "2026-11-20T12:00:00Z"});
    let error = json!({"command_name": "a", "error_code": long, "error_message": "", "user_id": "1", "channel_id": "2"});
    append(
        &client,
        "team-81384788765712384_11_22",
        json!([event("team_created", 1, team)]),
    )
    .await;
    append(
        &client,
        "gamelog-g1",
        json!([event("command_error", 1, error)]),
    )
    .await;
    // Types that nobody knows, and types of other streams, are no faults.
    append(
        &client,
        "team-81384788765712384_11_22",
        json!([event("team_danced", 1, json!({}))]),
    )
    .await;
    append(
        &client,
        "team-81384788765712384_11_22",
        json!([event("user_registered", 1, json!({}))]),
    )
    .await;
    let now = tell(&client, 2).await;
    let with_faults = answers(&client, now).await;

    let mut found = set_aside(&client).await;
    found.sort();
    let mut wanted: Vec<(&str, &str)> = UNUSABLE.to_vec();
    wanted.extend([
        ("team-81384788765712384_11_22", "team_created"),
        ("gamelog-g1", "command_error"),
    ]);
    wanted.sort_unstable();
    let names: Vec<(&str, &str)> = found
        .iter()
        .map(|(stream, kind, _)| (stream.as_str(), kind.as_str()))
        .collect();
    assert_eq!(names, wanted);
    for (_, event_type, reason) in &found {
        let said = match event_type.as_str() {
            "team_created" | "command_error" => "5000 characters",
            _ => "cannot be read",
        };
        assert!(reason.contains(said), "{event_type}: {reason}");
    }

    // Without them the answers are the same.
    let other = if world.is_sqlite() {
        World::sqlite()
    } else {
        World::postgres().await
    };
    let (_server, client) = start(&other).await;
    tell(&client, 0).await;
    let now = tell(&client, 2).await;
    assert_eq!(answers(&client, now).await, with_faults);
}

async fn a_projection_that_is_to_stop_stands_still_before_such_an_event(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_SCHEMA_UNCHECKED_CATEGORIES", "*")
        .environment("GAMEBOT_PROJECTIONS_ON_FAULT", "stop");
    let (_server, client) = start_prepared(server).await;
    let stream = STREAMS[2];
    let before = append(&client, stream, events_of(stream, 0)).await;
    let bad = append(
        &client,
        stream,
        json!([event("guild_config_changed", 1, json!({}))]),
    )
    .await;
    let after = append(&client, stream, events_of(stream, 2)).await;
    eventually("the projection stands still", async || {
        let text = "{ projections { name state position activeBuild { halted { position } } } }";
        let answer = client.query(text, json!({})).await;
        let mut guilds = answer["projections"].as_array().unwrap().iter();
        let guilds = guilds.find(|projection| projection["name"] == "GUILDS")?;
        (guilds["state"] == "HALTED"
            && guilds["position"] == before
            && guilds["activeBuild"]["halted"]["position"] == bad)
            .then_some(())
    })
    .await;
    let text = "query($p: Position!) { guildConfiguration(guildId: \"81384788765712384\",
        waitForPosition: $p) { configVersion } }";
    let old = client.query(text, json!({"p": before})).await;
    assert_eq!(old["guildConfiguration"]["configVersion"], 1);

    let resume =
        "mutation { resumeProjection(input: {projection: GUILDS, skip: true}) { __typename } }";
    let resumed = client.query(resume, json!({})).await;
    assert_eq!(
        resumed["resumeProjection"]["__typename"],
        "ProjectionResumed"
    );
    let new = client.query(text, json!({"p": after})).await;
    assert_eq!(new["guildConfiguration"]["configVersion"], Value::from(3));
}
