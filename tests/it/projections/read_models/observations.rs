//! `error_log` and `stream_health`.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{GUILD, append, ask, event, event_in, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    errors_are_counted_by_guild_day_and_code,
    only_logs_and_games_observe,
    the_error_log_is_filtered_and_read_page_by_page,
    the_health_of_a_stream_is_its_last_recovery_and_what_was_set_aside,
);

const LOG: &str = "gamelog-g1";

async fn errors(client: &GraphqlClient, arguments: &str, position: i64) -> Vec<Value> {
    let selection =
        "nodes { guildId day code count lastAt sampleType sample retriable } projectedThrough";
    let mut found = ask(client, "errorLog", arguments, selection, position).await;
    serde_json::from_value(found["nodes"].take()).unwrap()
}

fn command_error(guild_id: Option<&str>, code: &str, minute: u32, retriable: bool) -> Value {
    let fields = json!({"command_name": "guess", "error_code": code, "error_message": "no",
        "user_id": "11", "channel_id": "5", "retriable": retriable, "recovery_hint": null});
    event_in(guild_id, "command_error", minute, fields)
}

fn of_each_kind() -> Value {
    let of_game = |event_type, minute, mut fields: Value| {
        fields["game_id"] = "g1".into();
        event(event_type, minute, fields)
    };
    json!([
        command_error(Some(GUILD), "game_not_found", 0, true),
        of_game(
            "system_error",
            1,
            json!({"error_type": "timeout", "error_message": "late",
            "context": {"node": 3}, "stacktrace": null, "recovery_hint": null})
        ),
        of_game(
            "guess_error",
            2,
            json!({"team_id": "11_22", "player_id": "11", "word": "sea",
            "reason": "forbidden_word"})
        ),
        of_game(
            "guess_pair_error",
            3,
            json!({"team_id": "11_22", "word1": "sea", "word2": "sand",
            "reason": "not_teams_turn"})
        ),
        of_game(
            "game_error",
            4,
            json!({"reason": "game_not_found", "details": null})
        ),
        of_game(
            "round_check_error",
            5,
            json!({"reason": "round_not_started", "details": null})
        ),
    ])
}

/// What a stream of any other category says would not go with that stream.
async fn only_logs_and_games_observe(world: World) {
    let (_server, client) = start(&world).await;
    let mut position = 0;
    for stream in [
        LOG,
        "botlog-dm_202611",
        "game-g1",
        "diary-g1",
        "gamelogs-g1",
    ] {
        let error = command_error(Some(GUILD), "game_not_found", 0, true);
        position = append(&client, stream, json!([error])).await;
    }
    let found = errors(&client, "", position).await;
    assert_eq!(found[0]["count"], 3, "{found:?}");
}

async fn errors_are_counted_by_guild_day_and_code(world: World) {
    let (_server, client) = start(&world).await;
    let now = append(&client, LOG, of_each_kind()).await;
    let found = errors(&client, "", now).await;
    let counted: Vec<_> = found
        .iter()
        .map(|sum| {
            (
                sum["code"].as_str().unwrap(),
                sum["count"].as_i64().unwrap(),
            )
        })
        .collect();
    // The command and the game have failed for one reason.
    assert_eq!(
        counted,
        [
            ("forbidden_word", 1),
            ("game_not_found", 2),
            ("not_teams_turn", 1),
            ("round_not_started", 1),
            ("timeout", 1)
        ]
    );
    assert_eq!(found[1]["sampleType"], "game_error");
    assert_eq!(found[1]["retriable"], Value::Null);
    assert_eq!(found[4]["sample"]["context"], json!({"node": 3}));
    assert_eq!(found[4]["day"], "2026-11-20");
    assert_eq!(found[4]["guildId"], GUILD);
    assert_eq!(found[4]["lastAt"], "2026-11-20T12:01:00+00:00");

    // What happened earlier than the latest one is counted and is no sample, in the same stream and in another.
    let earlier = json!([command_error(Some(GUILD), "game_not_found", 3, true)]);
    append(&client, LOG, earlier).await;
    let other = json!([command_error(Some(GUILD), "game_not_found", 2, true)]);
    let now = append(&client, "gamelog-g2", other).await;
    let sum = errors(&client, "filter: {codes: [\"game_not_found\"]}", now).await;
    assert_eq!(sum[0]["count"], 4);
    assert_eq!(sum[0]["sampleType"], "game_error");
    // A later one becomes the sample; midnight begins another sum, and so do direct messages.
    let more = json!([
        command_error(Some(GUILD), "game_not_found", 6, false),
        command_error(Some(GUILD), "game_not_found", 12 * 60, true)
    ]);
    append(&client, "botlog-81384788765712384_202611", more).await;
    let direct = json!([command_error(None, "game_not_found", 0, true)]);
    let now = append(&client, "botlog-dm_202611", direct).await;
    let sums = errors(&client, "filter: {codes: [\"game_not_found\"]}", now).await;
    let shown: Vec<_> = sums
        .iter()
        .map(|sum| {
            (
                sum["day"].as_str().unwrap(),
                sum["guildId"].as_str(),
                sum["count"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("2026-11-21", Some(GUILD), 1),
            ("2026-11-20", Some(GUILD), 5),
            ("2026-11-20", None, 1)
        ]
    );
    assert_eq!(sums[1]["sampleType"], "command_error");
    assert_eq!(sums[1]["retriable"], false);
}

async fn the_error_log_is_filtered_and_read_page_by_page(world: World) {
    let (_server, client) = start(&world).await;
    let mut now = 0;
    for (day, guild) in [(0, GUILD), (1, GUILD), (2, GUILD), (2, "9")] {
        let event = command_error(Some(guild), "late", 24 * 60 * day, true);
        now = append(
            &client,
            &format!("botlog-{guild}_202611"),
            json!([shifted(event, day)]),
        )
        .await;
    }
    for (filter, wanted) in [
        ("{guildIds: [\"9\"]}", 1),
        ("{from: \"2026-11-21\"}", 3),
        ("{to: \"2026-11-21\"}", 2),
        ("{from: \"2026-11-21\", to: \"2026-11-21\"}", 1),
        ("{codes: [\"other\"]}", 0),
    ] {
        let found = errors(&client, &format!("filter: {filter}"), now).await;
        assert_eq!(found.len(), wanted, "{filter}");
    }
    let mut days = Vec::new();
    let mut arguments = "first: 1".to_owned();
    loop {
        let selection = "nodes { day guildId } pageInfo { hasNextPage endCursor }";
        let page = ask(&client, "errorLog", &arguments, selection, now).await;
        let node = &page["nodes"][0];
        days.push(format!(
            "{} {}",
            node["day"].as_str().unwrap(),
            node["guildId"].as_str().unwrap()
        ));
        assert!(days.len() < 10, "the list has no end: {days:?}");
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        arguments = format!("first: 1, after: {}", page["pageInfo"]["endCursor"]);
    }
    let wanted = [
        "22 81384788765712384",
        "22 9",
        "21 81384788765712384",
        "20 81384788765712384",
    ];
    assert_eq!(days, wanted.map(|rest| format!("2026-11-{rest}")));

    let wrong = "{ errorLog(filter: {from: \"2026-11-5\"}) { nodes { code } } }";
    let refused = client.query_for_errors(wrong, json!({})).await;
    assert!(
        refused[0]["message"]
            .as_str()
            .unwrap()
            .contains("YYYY-MM-DD"),
        "{refused:?}"
    );
}

/// The event some days later.
fn shifted(mut event: Value, days: u32) -> Value {
    event["data"]["timestamp"] = format!("2026-11-{}T12:00:00Z", 20 + days).into();
    event
}

const HEALTH: &str = "streamName quarantinedCount quarantined { version reason detail at } recovery { state
    attempt trigger startedAt endedAt fromVersion snapshotVersion lastVersion eventsApplied durationMs
    warnings errorCode failedAtVersion retriable recoveryHint }";

async fn health(client: &GraphqlClient, position: i64) -> Value {
    ask(
        client,
        "streamHealth",
        "stream: \"game-g1\"",
        HEALTH,
        position,
    )
    .await
}

async fn the_health_of_a_stream_is_its_last_recovery_and_what_was_set_aside(world: World) {
    let (_server, client) = start(&world).await;
    assert_eq!(health(&client, 0).await, Value::Null);
    let of_game = |event_type, minute, mut fields: Value| {
        fields["game_id"] = "g1".into();
        event(event_type, minute, fields)
    };
    let begun = |attempt, minute| {
        of_game(
            "session_recovery_started",
            minute,
            json!({"trigger": "failover", "attempt": attempt,
            "from_version": 1, "snapshot_version": 20}),
        )
    };
    let now = append(&client, LOG, json!([begun(1, 0)])).await;
    let recovery = health(&client, now).await["recovery"].take();
    assert_eq!(recovery["state"], "STARTED");
    assert_eq!(recovery["trigger"], "FAILOVER");
    assert_eq!(recovery["snapshotVersion"], 20);
    assert_eq!(recovery["endedAt"], Value::Null);

    let failed = of_game(
        "session_recovery_failed",
        1,
        json!({"attempt": 1, "error_code": "corrupt",
        "failed_at_version": 7, "events_applied": 6, "retriable": true, "recovery_hint": "again"}),
    );
    let now = append(&client, LOG, json!([failed])).await;
    assert_eq!(
        health(&client, now).await["recovery"],
        json!({"state": "FAILED", "attempt": 1, "trigger": "FAILOVER",
            "startedAt": "2026-11-20T12:00:00+00:00", "endedAt": "2026-11-20T12:01:00+00:00",
            "fromVersion": 1, "snapshotVersion": 20, "lastVersion": null, "eventsApplied": 6,
            "durationMs": null, "warnings": [], "errorCode": "corrupt", "failedAtVersion": 7,
            "retriable": true, "recoveryHint": "again"})
    );

    let recovered = |attempt, minute| {
        of_game(
            "session_recovered",
            minute,
            json!({"attempt": attempt, "last_version": 30,
            "events_applied": 10, "duration_ms": 12, "warnings": ["R05"]}),
        )
    };
    let now = append(&client, LOG, json!([begun(2, 2), recovered(2, 3)])).await;
    let recovery = health(&client, now).await["recovery"].take();
    assert_eq!(recovery["state"], "RECOVERED");
    assert_eq!(recovery["lastVersion"], 30);
    assert_eq!(recovery["durationMs"], 12);
    assert_eq!(recovery["warnings"], json!(["R05"]));
    assert_eq!(recovery["errorCode"], Value::Null);
    // The end of an attempt whose beginning nobody has reported says nothing of a beginning.
    let now = append(&client, LOG, json!([recovered(3, 4)])).await;
    let recovery = health(&client, now).await["recovery"].take();
    assert_eq!(recovery["attempt"], 3);
    assert_eq!(recovery["trigger"], Value::Null);

    let set_aside = |version, detail| {
        event(
            "event_quarantined",
            5,
            json!({"stream_id": "game-g1", "version": version,
            "reason": "order_violation", "detail": detail}),
        )
    };
    append(
        &client,
        LOG,
        json!([set_aside(9, "first"), set_aside(4, "x")]),
    )
    .await;
    let twice = json!([set_aside(9, "again")]);
    let now = append(&client, "botlog-81384788765712384_202611", twice).await;
    let found = health(&client, now).await;
    assert_eq!(found["quarantinedCount"], 2);
    let shown: Vec<_> = found["quarantined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["version"].as_i64().unwrap(),
                event["detail"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [(4, "x"), (9, "again")]);
    assert_eq!(found["quarantined"][0]["reason"], "ORDER_VIOLATION");
    let later = "quarantined(first: 5, afterVersion: 4) { version }";
    let later = ask(&client, "streamHealth", "stream: \"game-g1\"", later, now).await;
    assert_eq!(later["quarantined"], json!([{"version": 9}]));
}
