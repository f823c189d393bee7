//! `guild_config` and the variations of modes.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{GUILD, append, ask, at, event, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_guild_has_a_configuration_for_each_mode_and_for_all,
    variations_are_defined_retired_and_defined_again,
);

async fn configuration(client: &GraphqlClient, mode: &str, position: i64) -> Value {
    let arguments = format!("guildId: \"{GUILD}\"{mode}");
    let selection = "guildId mode config configVersion changedBy changedAt";
    ask(
        client,
        "guildConfiguration",
        &arguments,
        selection,
        position,
    )
    .await
}

fn changed(mode: Option<&str>, version: i32, minute: u32, config: &Value) -> Value {
    let fields = json!({"mode": mode, "config_version": version, "changes": [], "config": config,
        "changed_by": "admin"});
    event("guild_config_changed", minute, fields)
}

async fn a_guild_has_a_configuration_for_each_mode_and_for_all(world: World) {
    let (_server, client) = start(&world).await;
    let stream = format!("guild-{GUILD}");
    assert_eq!(configuration(&client, "", 0).await, Value::Null);
    let now = append(
        &client,
        &stream,
        json!([
            changed(None, 1, 0, &json!({"forbidden_words_limit": 5})),
            changed(Some("race"), 1, 1, &json!({"time_limit_seconds": 90})),
            changed(None, 2, 2, &json!({})),
        ]),
    )
    .await;
    assert_eq!(
        configuration(&client, "", now).await,
        json!({"guildId": GUILD, "mode": null, "config": {}, "configVersion": 2, "changedBy": "admin",
            "changedAt": "2026-11-20T12:02:00+00:00"})
    );
    let race = configuration(&client, ", mode: RACE", now).await;
    assert_eq!(race["config"], json!({"time_limit_seconds": 90}));
    assert_eq!(race["mode"], "RACE");
    assert_eq!(
        configuration(&client, ", mode: KNOCKOUT", now).await,
        Value::Null
    );
    let later = changed(Some("race"), 2, 3, &json!({"time_limit_seconds": 60}));
    let now = append(&client, &stream, json!([later])).await;
    let race = configuration(&client, ", mode: RACE", now).await;
    assert_eq!(race["config"], json!({"time_limit_seconds": 60}));
    assert_eq!(configuration(&client, "", now).await["configVersion"], 2);
}

async fn variations(client: &GraphqlClient, arguments: &str, position: i64) -> Vec<Value> {
    let arguments = format!("guildId: \"{GUILD}\"{arguments}");
    let selection =
        "nodes { variationId name baseMode config configVersion definedBy definedAt retired
        retiredBy retiredAt } projectedThrough";
    let mut found = ask(client, "gameVariations", &arguments, selection, position).await;
    serde_json::from_value(found["nodes"].take()).unwrap()
}

fn defined(id: &str, mode: &str, version: i32, minute: u32) -> Value {
    let fields = json!({"variation_id": id, "name": format!("Variation {id}"), "base_mode": mode,
        "config": {"allow_give_up": false}, "config_version": version, "defined_by": "admin"});
    event("game_variation_defined", minute, fields)
}

async fn variations_are_defined_retired_and_defined_again(world: World) {
    let (_server, client) = start(&world).await;
    let stream = format!("guild-{GUILD}");
    let now = append(
        &client,
        &stream,
        json!([defined("b", "race", 1, 0), defined("a", "knockout", 1, 1)]),
    )
    .await;
    let found = variations(&client, "", now).await;
    assert_eq!(
        found[1],
        json!({"variationId": "b", "name": "Variation b", "baseMode": "RACE",
            "config": {"allow_give_up": false}, "configVersion": 1, "definedBy": "admin",
            "definedAt": "2026-11-20T12:00:00+00:00", "retired": false, "retiredBy": null, "retiredAt": null})
    );
    assert_eq!(found[0]["variationId"], "a");
    assert_eq!(
        variations(&client, ", baseMode: KNOCKOUT", now).await.len(),
        1
    );

    let retired = json!({"variation_id": "b", "retired_by": "other", "reason": null});
    let unknown = json!({"variation_id": "c", "retired_by": "other", "reason": null});
    let now = append(
        &client,
        &stream,
        json!([
            event("game_variation_retired", 2, retired),
            event("game_variation_retired", 2, unknown)
        ]),
    )
    .await;
    assert_eq!(variations(&client, "", now).await.len(), 1);
    let all = variations(&client, ", includeRetired: true", now).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[1]["retired"], true);
    assert_eq!(all[1]["retiredBy"], "other");
    assert_eq!(all[1]["retiredAt"], at(2).replace('Z', "+00:00"));

    let now = append(&client, &stream, json!([defined("b", "golf_race", 2, 3)])).await;
    let found = variations(&client, ", first: 1", now).await;
    assert_eq!(found.len(), 1);
    let found = variations(&client, "", now).await;
    assert_eq!(found[1]["baseMode"], "GOLF_RACE");
    assert_eq!(found[1]["retired"], false);
    assert_eq!(found[1]["configVersion"], 2);
}
