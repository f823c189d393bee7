//! `team` and `team_by_player`.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{GUILD, append, ask, at, event, event_in, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_team_is_what_its_events_say,
    a_player_is_in_the_team_that_was_joined_last_and_is_not_disbanded,
    teams_are_listed_by_guild_player_and_status_page_by_page,
);

const STREAM: &str = "team-81384788765712384_11_22";

const TEAM: &str = "teamId guildId streamName status name playerIds members { userId since }
    invitation { invitationId inviterId inviteeId proposedName createdAt expiresAt }
    invitations { made accepted declined expired } nameChangeCount createdAt updatedAt projectedThrough
    nameHistory { sequence previousName newName changedAt changedBy }";

async fn team(client: &GraphqlClient, position: i64) -> Value {
    let arguments = format!("teamId: \"11_22\", guildId: \"{GUILD}\"");
    let team = ask(client, "team", &arguments, TEAM, position).await;
    assert!(team["projectedThrough"].as_i64().unwrap() >= position);
    team
}

async fn team_of(client: &GraphqlClient, user_id: &str, position: i64) -> Value {
    let arguments = format!("userId: \"{user_id}\", guildId: \"{GUILD}\"");
    ask(client, "teamOfPlayer", &arguments, "teamId", position).await["teamId"].take()
}

fn invitation(id: &str, minute: u32, name: Option<&str>) -> Value {
    let fields = json!({"invitation_id": id, "inviter_id": "11", "invitee_id": "22",
        "proposed_name": name, "created_at": at(minute), "expires_at": at(minute + 5)});
    event("team_invitation_created", minute, fields)
}

fn created(guild_id: Option<&str>, team_id: &str, name: &str, minute: u32) -> Value {
    let players: Vec<&str> = team_id.split('_').collect();
    let fields = json!({"team_id": team_id, "name": name, "player_ids": players,
        "created_at": at(minute)});
    event_in(guild_id, "team_created", minute, fields)
}

fn disbanded(team_id: &str, minute: u32, successor: Option<&str>) -> Value {
    let reason = successor.map_or("inactive", |_| "superseded");
    let fields = json!({"team_id": team_id, "reason": reason, "superseded_by_team_id": successor,
        "disbanded_by": null, "disbanded_at": at(minute)});
    event("team_disbanded", minute, fields)
}

async fn a_team_is_what_its_events_say(world: World) {
    let (_server, client) = start(&world).await;
    let now = append(
        &client,
        STREAM,
        json!([invitation("i1", 0, Some("The Herons"))]),
    )
    .await;
    let pending = team(&client, now).await;
    assert_eq!(pending["status"], "PENDING");
    assert_eq!(pending["streamName"], STREAM);
    assert_eq!(pending["guildId"], GUILD);
    assert_eq!(pending["name"], Value::Null);
    assert_eq!(pending["createdAt"], Value::Null);
    assert_eq!(pending["playerIds"], json!([]));
    assert_eq!(
        pending["invitation"],
        json!({"invitationId": "i1", "inviterId": "11", "inviteeId": "22", "proposedName": "The Herons",
            "createdAt": "2026-11-20T12:00:00+00:00", "expiresAt": "2026-11-20T12:05:00+00:00"})
    );

    let declined = json!({"invitation_id": "i1", "declined_at": at(1), "reason": "no time"});
    let now = append(
        &client,
        STREAM,
        json!([event("team_invitation_declined", 1, declined)]),
    )
    .await;
    assert_eq!(team(&client, now).await["invitation"], Value::Null);

    let expired = json!({"invitation_id": "i2", "expired_at": at(8)});
    let other = json!({"invitation_id": "another", "expired_at": at(4)});
    let now = append(
        &client,
        STREAM,
        json!([
            invitation("i2", 2, None),
            event("team_invitation_expired", 4, other)
        ]),
    )
    .await;
    let waiting = team(&client, now).await;
    assert_eq!(waiting["invitation"]["invitationId"], "i2");
    append(
        &client,
        STREAM,
        json!([event("team_invitation_expired", 8, expired)]),
    )
    .await;
    is_formed_and_renamed(&client).await;
    loses_and_finds_members_and_ends(&client).await;
}

async fn is_formed_and_renamed(client: &GraphqlClient) {
    let accepted = json!({"invitation_id": "i3", "team_id": "11_22", "accepted_by": "22",
        "accepted_at": at(10)});
    let now = append(
        client,
        STREAM,
        json!([
            invitation("i3", 9, None),
            event("team_invitation_accepted", 10, accepted),
            created(Some(GUILD), "11_22", "The Herons", 10)
        ]),
    )
    .await;
    let active = team(client, now).await;
    assert_eq!(active["status"], "ACTIVE");
    assert_eq!(active["name"], "The Herons");
    assert_eq!(active["playerIds"], json!(["11", "22"]));
    assert_eq!(active["members"][1]["since"], "2026-11-20T12:10:00+00:00");
    assert_eq!(active["createdAt"], "2026-11-20T12:10:00+00:00");
    assert_eq!(active["invitation"], Value::Null);
    assert_eq!(
        active["invitations"],
        json!({"made": 3, "accepted": 1, "declined": 1, "expired": 1})
    );
    assert_eq!(active["nameHistory"], json!([]));
    assert_eq!(team_of(client, "22", now).await, "11_22");

    let renamed = |minute, name| {
        let fields = json!({"team_id": "11_22", "name": name, "updated_at": at(minute)});
        event("team_updated", minute, fields)
    };
    let now = append(
        client,
        STREAM,
        json!([renamed(11, "The Egrets"), renamed(12, "The Storks")]),
    )
    .await;
    let renamed = team(client, now).await;
    assert_eq!(renamed["name"], "The Storks");
    assert_eq!(renamed["nameChangeCount"], 2);
    assert_eq!(
        renamed["nameHistory"],
        json!([
            {"sequence": 1, "previousName": "The Herons", "newName": "The Egrets",
             "changedAt": "2026-11-20T12:11:00+00:00", "changedBy": "77"},
            {"sequence": 2, "previousName": "The Egrets", "newName": "The Storks",
             "changedAt": "2026-11-20T12:12:00+00:00", "changedBy": "77"},
        ])
    );
    let arguments = format!("teamId: \"11_22\", guildId: \"{GUILD}\"");
    let later = "nameHistory(first: 1, afterSequence: 1) { sequence }";
    let later = ask(client, "team", &arguments, later, now).await;
    assert_eq!(later["nameHistory"], json!([{"sequence": 2}]));
}

async fn loses_and_finds_members_and_ends(client: &GraphqlClient) {
    let left = json!({"team_id": "11_22", "player_id": "22", "removed_by": "22", "reason": null,
        "removed_at": at(13)});
    let now = append(
        client,
        STREAM,
        json!([event("team_member_removed", 13, left)]),
    )
    .await;
    let incomplete = team(client, now).await;
    assert_eq!(incomplete["status"], "INCOMPLETE");
    assert_eq!(incomplete["playerIds"], json!(["11"]));
    assert_eq!(team_of(client, "22", now).await, Value::Null);
    assert_eq!(team_of(client, "11", now).await, "11_22");

    let added =
        json!({"team_id": "11_22", "player_id": "33", "added_by": "11", "added_at": at(14)});
    let now = append(
        client,
        STREAM,
        json!([event("team_member_added", 14, added)]),
    )
    .await;
    let filled = team(client, now).await;
    assert_eq!(filled["status"], "ACTIVE");
    assert_eq!(filled["playerIds"], json!(["11", "33"]));
    assert_eq!(team_of(client, "33", now).await, "11_22");

    let now = append(client, STREAM, json!([disbanded("11_22", 15, None)])).await;
    let over = team(client, now).await;
    assert_eq!(over["status"], "DISBANDED");
    assert_eq!(over["playerIds"], json!(["11", "33"]));
    assert_eq!(over["updatedAt"], "2026-11-20T12:15:00+00:00");
    for user_id in ["11", "22", "33"] {
        assert_eq!(team_of(client, user_id, now).await, Value::Null);
    }
}

async fn a_player_is_in_the_team_that_was_joined_last_and_is_not_disbanded(world: World) {
    let (_server, client) = start(&world).await;
    append(
        &client,
        STREAM,
        json!([created(Some(GUILD), "11_22", "First", 0)]),
    )
    .await;
    let second = format!("team-{GUILD}_11_44");
    let now = append(
        &client,
        &second,
        json!([created(Some(GUILD), "11_44", "Second", 1)]),
    )
    .await;
    // Nobody has said yet that the first one has ended.
    assert_eq!(team_of(&client, "11", now).await, "11_44");
    assert_eq!(team_of(&client, "22", now).await, "11_22");
    let now = append(
        &client,
        STREAM,
        json!([disbanded("11_22", 1, Some("11_44"))]),
    )
    .await;
    assert_eq!(team_of(&client, "11", now).await, "11_44");
    assert_eq!(team_of(&client, "22", now).await, Value::Null);
    let now = append(&client, &second, json!([disbanded("11_44", 2, None)])).await;
    assert_eq!(team_of(&client, "11", now).await, Value::Null);
    // The same pair again, in the same stream.
    let now = append(
        &client,
        STREAM,
        json!([created(Some(GUILD), "11_22", "Third", 3)]),
    )
    .await;
    assert_eq!(team_of(&client, "22", now).await, "11_22");
    let again = team(&client, now).await;
    assert_eq!(again["status"], "ACTIVE");
    assert_eq!(again["nameHistory"][0]["previousName"], "First");
    // The same pair in direct messages is another team.
    let direct = "team-dm_11_22";
    let now = append(
        &client,
        direct,
        json!([created(None, "11_22", "Direct", 4)]),
    )
    .await;
    let in_direct_messages = ask(&client, "team", "teamId: \"11_22\"", "name guildId", now).await;
    assert_eq!(
        in_direct_messages,
        json!({"name": "Direct", "guildId": null})
    );
    assert_eq!(team(&client, now).await["name"], "Third");
}

async fn teams_are_listed_by_guild_player_and_status_page_by_page(world: World) {
    let (_server, client) = start(&world).await;
    let mut now = 0;
    for (guild, pair) in [
        (GUILD, "11_22"),
        (GUILD, "33_44"),
        (GUILD, "55_66"),
        ("9", "11_77"),
    ] {
        let stream = format!("team-{guild}_{pair}");
        now = append(
            &client,
            &stream,
            json!([created(Some(guild), pair, "Name", 0)]),
        )
        .await;
    }
    let gone = format!("team-{GUILD}_33_44");
    now = append(&client, &gone, json!([disbanded("33_44", 1, None)]))
        .await
        .max(now);
    let invited = json!([invitation("i", 2, None)]);
    now = append(&client, "team-81384788765712384_8_9", invited)
        .await
        .max(now);

    for (arguments, wanted) in [
        ("", vec!["11_22", "33_44", "55_66", "8_9", "11_77"]),
        ("guildId: \"9\"", vec!["11_77"]),
        ("playerId: \"11\"", vec!["11_22", "8_9", "11_77"]),
        ("playerId: \"44\"", vec!["33_44"]),
        ("status: DISBANDED", vec!["33_44"]),
        (
            "playerId: \"22\", status: [PENDING, DISBANDED]",
            vec!["8_9"],
        ),
    ] {
        let found = ask(&client, "teams", arguments, "nodes { teamId }", now).await;
        let found: Vec<&str> = found["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|team| team["teamId"].as_str().unwrap())
            .collect();
        assert_eq!(found, wanted, "{arguments}");
    }

    let mut pages = Vec::new();
    let mut arguments = "first: 2".to_owned();
    loop {
        let selection = "nodes { teamId } edges { cursor } pageInfo { hasNextPage endCursor }";
        let page = ask(&client, "teams", &arguments, selection, now).await;
        pages.push(page["nodes"].as_array().unwrap().len());
        assert_eq!(
            page["edges"].as_array().unwrap().last().unwrap()["cursor"],
            page["pageInfo"]["endCursor"]
        );
        assert!(pages.len() < 10, "the list has no end: {pages:?}");
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        arguments = format!("first: 2, after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(pages, [2, 2, 1]);
    let wrong = "{ teams(after: \"AW5vdA\") { nodes { teamId } } }";
    let errors = client.query_for_errors(wrong, json!({})).await;
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_CURSOR");
}
