//! The figures of players and teams, and leaderboards: what the API answers is what the pure formulas say of the
//! same games, which are compared with a worksheet of their own in the crate `gamebot`.

use gamebot::statistics::{
    GameResult, LeaderboardKind, LeaderboardMetric, PlayerStatistics, TeamStatistics, entries,
    leaderboard,
};
use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::play::{folded, generated, play_all, samples, start};
use crate::support::{World, on_both_backends};

on_both_backends!(
    players_have_the_figures_of_their_games,
    teams_have_the_figures_of_their_games,
    leaderboards_are_in_the_order_of_the_rules,
);

const PLAYER_FIGURES: &str = "gamesPlayed gamesWon winRate totalGuesses totalMatches guessAccuracy abandonedGuesses
        averageGuessesPerMatch bestMatch perfectRounds totalScore averageScore bestScore averageResponseMs
        currentWinStreak longestWinStreak bestPartner { userId gamesWon gamesPlayed } lastPlayedAt";

const TEAM_FIGURES: &str = "gamesPlayed gamesWon winRate totalGuesses totalMatches abandonedGuesses averageGuesses
        perfectRounds totalScore averageScore bestGame { gameId score averageGuesses finishedAt } averageRoundMs
        eliminations { timeout maxGuesses roundLoss forfeit unknown } currentWinStreak longestWinStreak
        lastPlayedAt";

async fn played(world: &World) -> (testkit::ServerProcess, GraphqlClient, Vec<GameResult>, i64) {
    let (server, client) = start(world).await;
    let mut games = samples();
    games.extend(generated(41, 8));
    let head = play_all(&client, &games).await;
    let results = games
        .iter()
        .filter_map(|game| folded(game).result)
        .collect();
    (server, client, results, head)
}

/// Names as GraphQL writes them.
fn camel(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let renamed = fields.into_iter().map(|(name, value)| {
        let mut parts = name.split('_');
        let mut camel = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            camel += &part[..1].to_uppercase();
            camel += &part[1..];
        }
        (camel, camel_inside(value))
    });
    Value::Object(renamed.collect())
}

fn camel_inside(value: Value) -> Value {
    match value {
        Value::Object(_) => camel(value),
        other => other,
    }
}

/// Numbers and times compare by what they are, not by how they are written.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map_or_else(|_| value.clone(), |time| json!(time.timestamp_micros())),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

async fn players_have_the_figures_of_their_games(world: World) {
    let (_server, client, results, head) = played(&world).await;
    let mut looked_at = 0;
    let mut players: Vec<_> = results
        .iter()
        .flat_map(|result| {
            result
                .players
                .iter()
                .map(|player| (result.guild_id.clone(), player.user_id.clone()))
        })
        .collect();
    players.sort();
    players.dedup();
    for (guild_id, user_id) in players.iter().step_by(5) {
        for (mode, filter) in [(None, ""), (Some("race"), "(mode: RACE)")] {
            let games: Vec<_> = results
                .iter()
                .filter(|result| result.guild_id == *guild_id)
                .filter(|result| mode.is_none_or(|mode| result.mode.as_str() == mode))
                .flat_map(GameResult::player_games)
                .filter(|game| game.result.user_id == *user_id)
                .collect();
            let wanted = camel(serde_json::to_value(PlayerStatistics::of(&games)).unwrap());
            let text = format!(
                "query($user: String!, $guild: String) {{ player(userId: $user, guildId: $guild,
                     waitForPosition: {head}) {{ statistics{filter} {{ {PLAYER_FIGURES} }} }} }}"
            );
            let variables = json!({"user": user_id, "guild": guild_id});
            let data = client.query(&text, variables).await;
            assert_eq!(
                plain(&data["player"]["statistics"]),
                plain(&wanted),
                "{user_id} {filter}"
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 20);
}

async fn teams_have_the_figures_of_their_games(world: World) {
    let (_server, client, results, head) = played(&world).await;
    for result in results.iter().take(6) {
        let team = &result.teams[0];
        // A team of the projection `teams` has a stream; the figures need none.
        let (low, high) = team.team_id.split_once('_').unwrap();
        let guild = result.guild_id.as_deref().unwrap_or("dm");
        let stream = format!("team-{guild}_{low}_{high}");
        let created = json!([{"eventId": uuid::Uuid::now_v7(), "type": "team_created", "data": {
            "guild_id": result.guild_id, "timestamp": "2026-11-20T12:00:00Z", "team_id": team.team_id,
            "name": "The team", "player_ids": [low, high], "created_at": "2026-11-20T12:00:00Z"}}]);
        let appended = client
            .appended(&stream, testkit::Expected::Any, created)
            .await;
        let head = head.max(appended["lastPosition"].as_i64().unwrap());
        let games: Vec<_> = results
            .iter()
            .filter(|other| other.guild_id == result.guild_id)
            .flat_map(GameResult::team_games)
            .filter(|game| game.result.team_id == team.team_id)
            .collect();
        let wanted = camel(serde_json::to_value(TeamStatistics::of(&games)).unwrap());
        let text = format!(
            "query($team: String!, $guild: String) {{
                 team(teamId: $team, guildId: $guild, waitForPosition: {head}) {{
                     statistics {{ {TEAM_FIGURES} ranking }}
                     ofMode: statistics(mode: LONGFORM) {{ ranking }} }} }}"
        );
        let data = client
            .query(
                &text,
                json!({"team": team.team_id, "guild": result.guild_id}),
            )
            .await;
        let mut found = data["team"]["statistics"].clone();
        let ranking = found.as_object_mut().unwrap().remove("ranking").unwrap();
        assert_eq!(plain(&found), plain(&wanted));
        let of_guild: Vec<_> = results
            .iter()
            .filter(|other| other.guild_id == result.guild_id)
            .cloned()
            .collect();
        let board = leaderboard(
            entries(LeaderboardKind::Teams, &of_guild),
            LeaderboardMetric::Wins,
            usize::MAX,
        );
        let standing = board
            .iter()
            .find(|standing| standing.entry.id == team.team_id)
            .unwrap();
        // Nobody has a rank in direct messages; in a guild it is of all modes and all of time.
        let rank = result.guild_id.as_ref().map(|_| standing.rank);
        assert_eq!(ranking, json!(rank));
        assert_eq!(data["team"]["ofMode"]["ranking"], json!(rank));
    }
}

async fn leaderboards_are_in_the_order_of_the_rules(world: World) {
    let (_server, client, results, head) = played(&world).await;
    let guild = results
        .iter()
        .find_map(|result| result.guild_id.clone())
        .unwrap();
    let of_guild: Vec<_> = results
        .iter()
        .filter(|result| result.guild_id.as_ref() == Some(&guild))
        .cloned()
        .collect();
    for (kind, kind_name) in [
        (LeaderboardKind::Players, "PLAYERS"),
        (LeaderboardKind::Teams, "TEAMS"),
        (LeaderboardKind::Pairs, "PAIRS"),
    ] {
        for (metric, metric_name) in [
            (LeaderboardMetric::Wins, "WINS"),
            (LeaderboardMetric::WinRate, "WIN_RATE"),
            (LeaderboardMetric::TotalScore, "TOTAL_SCORE"),
            (LeaderboardMetric::AverageGuesses, "AVERAGE_GUESSES"),
            (LeaderboardMetric::PerfectRounds, "PERFECT_ROUNDS"),
        ] {
            let wanted: Vec<Value> = leaderboard(entries(kind, &of_guild), metric, usize::MAX)
                .into_iter()
                .map(|standing| {
                    json!({
                        "rank": standing.rank, "subjectId": standing.entry.id, "value": standing.value,
                        "gamesPlayed": standing.entry.games_played, "gamesWon": standing.entry.games_won,
                        "totalScore": standing.entry.total_score, "totalGuesses": standing.entry.total_guesses,
                        "totalMatches": standing.entry.total_matches,
                        "perfectRounds": standing.entry.perfect_rounds, "lastWinAt": standing.entry.last_win_at,
                    })
                })
                .collect();
            let arguments = format!(
                "guildId: \"{guild}\", kind: {kind_name}, metric: {metric_name}, waitForPosition: {head},"
            );
            let selection =
                "rank subjectId value gamesPlayed gamesWon totalScore totalGuesses totalMatches
                perfectRounds lastWinAt";
            let found = super::play::all(&client, "leaderboard", &arguments, selection).await;
            let plain = |places: &[Value]| -> Vec<Value> { places.iter().map(plain).collect() };
            assert_eq!(
                plain(&found),
                plain(&wanted),
                "{kind_name} by {metric_name}"
            );
        }
    }
    for (first, code) in [(0, "INVALID_ARGUMENT"), (101, "LIMIT_EXCEEDED")] {
        let text = format!(
            "{{ leaderboard(guildId: \"1\", metric: WINS, first: {first}) {{ nodes {{ rank }} }} }}"
        );
        let errors = client.query_for_errors(&text, json!({})).await;
        assert_eq!(errors[0]["extensions"]["code"], code);
    }
    // The samples were played in 2025: nothing of them is of today.
    let text = format!(
        "{{ leaderboard(guildId: \"{guild}\", metric: WINS, window: DAY) {{ nodes {{ rank }} }} }}"
    );
    assert_eq!(
        client.query(&text, json!({})).await["leaderboard"]["nodes"],
        json!([])
    );
}
