//! Something of everything, and all that can be asked about it.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{GUILD, append, at, event, event_in};

/// The streams of the story, one or two of each category.
pub(super) const STREAMS: [&str; 7] = [
    "team-81384788765712384_11_22",
    "player-81384788765712384_11",
    "guild-81384788765712384",
    "gamelog-g1",
    "gamelog-g2",
    "botlog-dm_202611",
    "player-dm_11",
];

/// Appends the events of the story to each of its streams, at a minute, and returns the last position.
pub(super) async fn tell(client: &GraphqlClient, minute: u32) -> i64 {
    let mut last = 0;
    for stream in STREAMS {
        last = append(client, stream, events_of(stream, minute)).await;
    }
    last
}

/// What happens in one stream of the story at a minute.
pub(super) fn events_of(stream: &str, minute: u32) -> Value {
    let name = format!("The Herons {minute}");
    match stream.split_once('-').unwrap() {
        ("team", _) => json!([
            event(
                "team_invitation_created",
                minute,
                json!({"invitation_id": format!("i{minute}"),
                "inviter_id": "11", "invitee_id": "22", "proposed_name": null, "created_at": at(minute),
                "expires_at": at(minute + 5)})
            ),
            event(
                "team_created",
                minute,
                json!({"team_id": "11_22", "name": name,
                "player_ids": ["11", "22"], "created_at": at(minute)})
            ),
            event(
                "team_updated",
                minute,
                json!({"team_id": "11_22", "name": format!("{name}!"),
                "previous_name": name, "updated_at": at(minute)})
            ),
        ]),
        ("player", id) => {
            let guild_id = (!id.starts_with("dm")).then_some(GUILD);
            let fields = json!({"user_id": "11", "username": name, "display_name": null,
                "created_at": at(minute)});
            json!([event_in(guild_id, "user_registered", minute, fields)])
        }
        ("guild", _) => json!([
            event(
                "guild_config_changed",
                minute,
                json!({"mode": null, "config_version": minute + 1,
                "changes": [], "config": {"max_guesses": minute + 1}, "changed_by": "admin"})
            ),
            event(
                "game_variation_defined",
                minute,
                json!({"variation_id": "v", "name": name,
                "base_mode": "race", "config": {}, "config_version": minute + 1, "defined_by": "admin"})
            ),
        ]),
        ("gamelog", game_id) => json!([
            event(
                "game_error",
                minute,
                json!({"game_id": game_id, "reason": "game_not_found",
                "details": stream})
            ),
            event(
                "session_recovered",
                minute,
                json!({"game_id": game_id, "attempt": minute + 1,
                "last_version": 3, "events_applied": 3, "duration_ms": 1, "warnings": []})
            ),
            event(
                "event_quarantined",
                minute,
                json!({"game_id": game_id, "stream_id": format!("game-{game_id}"),
                "version": minute + 1, "reason": "unknown_type", "detail": null})
            ),
        ]),
        _ => {
            let fields = json!({"command_name": "guess", "error_code": "game_not_found",
                "error_message": "no", "user_id": "11", "channel_id": "5"});
            json!([event_in(None, "command_error", minute, fields)])
        }
    }
}

/// All that the read models answer about the story, as of a position or later; what says as of when is left
/// out, so that two answers can be compared.
pub(super) async fn answers(client: &GraphqlClient, position: i64) -> Value {
    let text = "query($guild: String!, $p: Position!) {
        team(teamId: \"11_22\", guildId: $guild, waitForPosition: $p) { ...Team }
        teams(waitForPosition: $p) { nodes { ...Team } }
        invited: teams(playerId: \"22\", waitForPosition: $p) { nodes { teamId } }
        teamOfPlayer(userId: \"22\", guildId: $guild, waitForPosition: $p) { teamId }
        player(userId: \"11\", guildId: $guild, waitForPosition: $p) { ...Player }
        direct: player(userId: \"11\", waitForPosition: $p) { ...Player }
        guildConfiguration(guildId: $guild, waitForPosition: $p) { config configVersion changedAt }
        gameVariations(guildId: $guild, waitForPosition: $p) { nodes { variationId name configVersion definedAt } }
        errorLog(waitForPosition: $p) { nodes { guildId day code count lastAt sampleType sample retriable } }
        g1: streamHealth(stream: \"game-g1\", waitForPosition: $p) { ...Health }
        g2: streamHealth(stream: \"game-g2\", waitForPosition: $p) { ...Health }
    }
    fragment Team on Team { teamId guildId streamName status name members { userId since } createdAt updatedAt
        invitation { invitationId } invitations { made accepted } nameChangeCount
        nameHistory { sequence previousName newName changedAt changedBy } }
    fragment Player on Player { userId guildId team { teamId }
        profile { username displayName registeredAt lastActiveAt } }
    fragment Health on StreamHealth { quarantinedCount quarantined { version reason at }
        recovery { state attempt endedAt lastVersion } }";
    client
        .query(text, json!({"guild": GUILD, "p": position}))
        .await
}
