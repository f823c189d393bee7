//! `player_profile`.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{GUILD, append, ask, at, event, event_in, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_profile_is_what_its_events_say,
    a_player_is_known_by_a_team_alone
);

const PLAYER: &str = "userId guildId projectedThrough team { name } profile { username displayName
    notificationSettings uiPreferences registeredAt lastActiveAt }";

async fn player(client: &GraphqlClient, guild: bool, position: i64) -> Value {
    let guild = if guild {
        format!(", guildId: \"{GUILD}\"")
    } else {
        String::new()
    };
    let arguments = format!("userId: \"11\"{guild}");
    ask(client, "player", &arguments, PLAYER, position).await
}

async fn a_profile_is_what_its_events_say(world: World) {
    let (_server, client) = start(&world).await;
    let stream = format!("player-{GUILD}_11");
    assert_eq!(player(&client, true, 0).await, Value::Null);

    let registered =
        json!({"user_id": "11", "username": "heron", "display_name": "Heron", "created_at": at(0)});
    let now = append(
        &client,
        &stream,
        json!([event("user_registered", 1, registered)]),
    )
    .await;
    let known = player(&client, true, now).await;
    assert_eq!(known["guildId"], GUILD);
    assert_eq!(known["team"], Value::Null);
    assert_eq!(
        known["profile"],
        json!({"username": "heron", "displayName": "Heron", "notificationSettings": null, "uiPreferences": null,
            "registeredAt": "2026-11-20T12:00:00+00:00", "lastActiveAt": "2026-11-20T12:01:00+00:00"})
    );

    let cleared = json!({"user_id": "11", "display_name": null, "updated_at": at(2)});
    let now = append(
        &client,
        &stream,
        json!([event("user_profile_updated", 2, cleared)]),
    )
    .await;
    let profile = player(&client, true, now).await["profile"].take();
    assert_eq!(profile["displayName"], Value::Null);
    assert_eq!(profile["username"], "heron");

    let chosen = json!({"user_id": "11", "notification_settings": {"dm": false, "count": 3},
        "ui_preferences": {}, "updated_at": at(3)});
    let now = append(
        &client,
        &stream,
        json!([event("user_preferences_changed", 3, chosen)]),
    )
    .await;
    let profile = player(&client, true, now).await["profile"].take();
    assert_eq!(
        profile["notificationSettings"],
        json!({"dm": false, "count": 3})
    );
    assert_eq!(profile["uiPreferences"], json!({}));
    assert_eq!(profile["lastActiveAt"], "2026-11-20T12:03:00+00:00");

    // In direct messages the same user is another player.
    assert_eq!(player(&client, false, now).await, Value::Null);
    let direct = json!({"user_id": "11", "username": "heron", "created_at": at(4)});
    let direct = event_in(None, "user_registered", 4, direct);
    let now = append(&client, "player-dm_11", json!([direct])).await;
    let in_direct_messages = player(&client, false, now).await;
    assert_eq!(in_direct_messages["guildId"], Value::Null);
    assert_eq!(
        in_direct_messages["profile"]["notificationSettings"],
        Value::Null
    );
}

async fn a_player_is_known_by_a_team_alone(world: World) {
    let (_server, client) = start(&world).await;
    let fields = json!({"team_id": "11_22", "name": "The Herons", "player_ids": ["11", "22"], "created_at": at(0)});
    let stream = format!("team-{GUILD}_11_22");
    let now = append(&client, &stream, json!([event("team_created", 0, fields)])).await;
    let known = player(&client, true, now).await;
    assert_eq!(known["profile"], Value::Null);
    assert_eq!(known["team"]["name"], "The Herons");
}
