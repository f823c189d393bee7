//! What finished games leave behind: a row for each player and team, and a replay with a name of its own.

use std::collections::{HashMap, HashSet};

use gamebot::replay::display_name;
use gamebot::statistics::{GameResult, PlayerResult, TeamResult, pair_id};
use sea_orm::Value;

use super::rows::Finished;
use crate::projection::column::{json, micros};
use crate::projection::tables::Target;
use crate::store::DatabaseError;

pub(super) async fn write(results: &[Finished], target: &Target<'_>) -> Result<(), DatabaseError> {
    if results.is_empty() {
        return Ok(());
    }
    let mut players = Vec::new();
    let mut teams = Vec::new();
    for Finished { result, .. } in results {
        players.extend(
            result
                .players
                .iter()
                .map(|player| player_values(result, player)),
        );
        for team in &result.teams {
            teams.push(team_values(result, team)?);
        }
    }
    target
        .upsert("player_result", 2, PLAYER_COLUMNS, players)
        .await?;
    target.upsert("team_result", 2, TEAM_COLUMNS, teams).await?;
    let names = names(results, target).await?;
    let mut replays = Vec::with_capacity(results.len());
    for Finished {
        result,
        first_position,
    } in results
    {
        let name = names.get(&result.game_id).cloned().unwrap_or_default();
        replays.push([
            result.game_id.clone().into(),
            name.into(),
            result.guild_id.clone().into(),
            result.mode.as_str().into(),
            micros(result.started_at).into(),
            micros(result.finished_at).into(),
            result.event_count.into(),
            first_position.get().into(),
            json(&result.base)?.into(),
            json(&result.mode_figures)?.into(),
            json(&result.schema_versions)?.into(),
        ]);
    }
    target.upsert("replay", 1, REPLAY_COLUMNS, replays).await
}

/// A name for each replay that no other replay has. Names are given out in the order of the log, so that a
/// projection that is made again gives out the same ones.
async fn names(
    results: &[Finished],
    target: &Target<'_>,
) -> Result<HashMap<String, String>, DatabaseError> {
    let mut names = HashMap::new();
    let mut given: HashSet<String> = HashSet::new();
    for Finished { result, .. } in results {
        let mut attempt = 0;
        // The names become longer with the attempts, so a free one is found soon.
        while !names.contains_key(&result.game_id) {
            attempt += 1;
            let name = display_name(&result.game_id, attempt);
            let select = "SELECT game_id FROM {replay} WHERE display_name = ? AND game_id <> ?";
            let values = vec![name.clone().into(), result.game_id.clone().into()];
            if !given.contains(&name) && target.rows(select, values).await?.is_empty() {
                given.insert(name.clone());
                names.insert(result.game_id.clone(), name);
            }
        }
    }
    Ok(names)
}

const PLAYER_COLUMNS: [&str; 17] = [
    "game_id",
    "user_id",
    "guild_id",
    "mode",
    "team_id",
    "partner_id",
    "has_won",
    "score",
    "guesses",
    "matches",
    "abandoned",
    "best_match",
    "perfect_rounds",
    "response_ms_sum",
    "response_count",
    "finished_at",
    "completed_at",
];

fn player_values(game: &GameResult, player: &PlayerResult) -> [Value; 17] {
    [
        game.game_id.clone().into(),
        player.user_id.clone().into(),
        game.guild_id.clone().into(),
        game.mode.as_str().into(),
        player.team_id.clone().into(),
        player.partner_id.clone().into(),
        i32::from(player.won).into(),
        player.score.into(),
        player.guesses.into(),
        player.matches.into(),
        player.abandoned.into(),
        player.best_match.into(),
        player.perfect_rounds.into(),
        player.response_ms_sum.into(),
        player.response_count.into(),
        micros(game.finished_at).into(),
        micros(game.completed_at).into(),
    ]
}

const TEAM_COLUMNS: [&str; 17] = [
    "game_id",
    "team_id",
    "guild_id",
    "mode",
    "pair_id",
    "player_ids",
    "has_won",
    "score",
    "guesses",
    "matches",
    "abandoned",
    "perfect_rounds",
    "round_ms_sum",
    "round_count",
    "eliminated",
    "finished_at",
    "completed_at",
];

fn team_values(game: &GameResult, team: &TeamResult) -> Result<[Value; 17], DatabaseError> {
    Ok([
        game.game_id.clone().into(),
        team.team_id.clone().into(),
        game.guild_id.clone().into(),
        game.mode.as_str().into(),
        pair_id(&team.player_ids).into(),
        json(&team.player_ids)?.into(),
        i32::from(team.won).into(),
        team.score.into(),
        team.guesses.into(),
        team.matches.into(),
        team.abandoned.into(),
        team.perfect_rounds.into(),
        team.round_ms_sum.into(),
        team.round_count.into(),
        team.eliminated
            .as_ref()
            .map(|reason| reason.as_str().to_owned())
            .into(),
        micros(game.finished_at).into(),
        micros(game.completed_at).into(),
    ])
}

const REPLAY_COLUMNS: [&str; 11] = [
    "game_id",
    "display_name",
    "guild_id",
    "mode",
    "started_at",
    "finished_at",
    "event_count",
    "first_position",
    "base",
    "mode_figures",
    "schema_versions",
];
