//! Statistics of players and teams, and leaderboards, over the results of finished games.
//!
//! The formulas stand in `gamebot::statistics`; here is how the results reach them. A leaderboard sums up in the
//! database, so that it reads as many rows as there are players and not as there are games.

use gamebot::event::{EliminationReason, GameMode};
use gamebot::statistics::{
    LeaderboardEntry, LeaderboardKind, LeaderboardMetric, PlayerGame, PlayerResult,
    PlayerStatistics, Standing, TeamGame, TeamResult, TeamStatistics, TimeRange, leaderboard,
};
use sea_orm::{QueryResult, Value};

use super::query::Clause;
use crate::projection::column::{micros, of_json, time};
use crate::projection::{View, ViewError};
use crate::scope::Scope;
use crate::store::DatabaseError;

/// Which games count.
#[derive(Clone, Debug)]
pub struct StatisticsQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// Of this guild; none: of no guild.
    pub guild_id: Option<String>,
    /// By these rules; none: by any.
    pub mode: Option<GameMode>,
    /// Completed in this range of time.
    pub range: TimeRange,
}

/// A leaderboard that is wanted.
#[derive(Clone, Debug)]
pub struct LeaderboardQuery {
    /// Which games count.
    pub games: StatisticsQuery,
    /// Whom it ranks.
    pub kind: LeaderboardKind,
    /// By what.
    pub metric: LeaderboardMetric,
    /// The most places.
    pub limit: usize,
}

impl View {
    /// The statistics of a player (5.2 of the domain), over the games that count.
    pub async fn player_statistics(
        &self,
        query: &StatisticsQuery,
        user_id: &str,
    ) -> Result<PlayerStatistics, ViewError> {
        let mut clause = query.clause();
        clause.and("user_id = ?", [user_id.into()]);
        let select = format!(
            "SELECT game_id, finished_at, user_id, team_id, partner_id, has_won, score, guesses, matches, abandoned,
                best_match, perfect_rounds, response_ms_sum, response_count
             FROM {{player_result}} WHERE {}",
            clause.sql
        );
        let rows = self.rows(&select, clause.values).await?;
        let games: Vec<_> = rows.iter().map(player_game_of).collect::<Result<_, _>>()?;
        Ok(PlayerStatistics::of(&games))
    }

    /// The statistics of a team, over the games that count.
    pub async fn team_statistics(
        &self,
        query: &StatisticsQuery,
        team_id: &str,
    ) -> Result<TeamStatistics, ViewError> {
        let mut clause = query.clause();
        clause.and("team_id = ?", [team_id.into()]);
        let select = format!(
            "SELECT game_id, finished_at, team_id, player_ids, has_won, score, guesses, matches, abandoned,
                perfect_rounds, round_ms_sum, round_count, eliminated
             FROM {{team_result}} WHERE {}",
            clause.sql
        );
        let rows = self.rows(&select, clause.values).await?;
        let games: Vec<_> = rows.iter().map(team_game_of).collect::<Result<_, _>>()?;
        Ok(TeamStatistics::of(&games))
    }

    /// A leaderboard, best first.
    pub async fn leaderboard(&self, query: &LeaderboardQuery) -> Result<Vec<Standing>, ViewError> {
        let (table, id) = match query.kind {
            LeaderboardKind::Players => ("player_result", "user_id"),
            LeaderboardKind::Teams => ("team_result", "team_id"),
            LeaderboardKind::Pairs => ("team_result", "pair_id"),
        };
        let clause = query.games.clause();
        let select = format!(
            "SELECT {id}, count(*), CAST(sum(has_won) AS BIGINT), CAST(sum(score) AS BIGINT),
                CAST(sum(guesses) AS BIGINT), CAST(sum(matches) AS BIGINT), CAST(sum(perfect_rounds) AS BIGINT),
                max(CASE WHEN has_won = 1 THEN finished_at END)
             FROM {{{table}}} WHERE {} AND {id} IS NOT NULL GROUP BY {id}",
            clause.sql
        );
        let rows = self.rows(&select, clause.values).await?;
        let entries: Vec<_> = rows.iter().map(entry_of).collect::<Result<_, _>>()?;
        Ok(leaderboard(entries, query.metric, query.limit))
    }
}

impl StatisticsQuery {
    fn clause(&self) -> Clause {
        let mut clause = Clause::within(&self.scope, "guild_id");
        clause.of_guild("guild_id", Some(&self.guild_id));
        if let Some(mode) = &self.mode {
            clause.and("mode = ?", [Value::from(mode.as_str())]);
        }
        if let Some(from) = self.range.from {
            clause.and("completed_at >= ?", [micros(from).into()]);
        }
        if let Some(before) = self.range.before {
            clause.and("completed_at < ?", [micros(before).into()]);
        }
        clause
    }
}

fn player_game_of(row: &QueryResult) -> Result<PlayerGame, ViewError> {
    let read = || {
        Ok::<_, DatabaseError>(PlayerGame {
            game_id: row.try_get_by_index(0)?,
            finished_at: time(row.try_get_by_index(1)?),
            result: PlayerResult {
                user_id: row.try_get_by_index(2)?,
                team_id: row.try_get_by_index(3)?,
                partner_id: row.try_get_by_index(4)?,
                won: row.try_get_by_index::<i32>(5)? == 1,
                score: row.try_get_by_index(6)?,
                guesses: row.try_get_by_index(7)?,
                matches: row.try_get_by_index(8)?,
                abandoned: row.try_get_by_index(9)?,
                best_match: row.try_get_by_index(10)?,
                perfect_rounds: row.try_get_by_index(11)?,
                response_ms_sum: row.try_get_by_index(12)?,
                response_count: row.try_get_by_index(13)?,
            },
        })
    };
    read().map_err(|error| ViewError::from(&error))
}

fn team_game_of(row: &QueryResult) -> Result<TeamGame, ViewError> {
    let read = || {
        let player_ids: String = row.try_get_by_index(3)?;
        let eliminated: Option<String> = row.try_get_by_index(12)?;
        let (guesses, matches): (i32, i32) = (row.try_get_by_index(6)?, row.try_get_by_index(7)?);
        Ok::<_, DatabaseError>(TeamGame {
            game_id: row.try_get_by_index(0)?,
            finished_at: time(row.try_get_by_index(1)?),
            result: TeamResult {
                team_id: row.try_get_by_index(2)?,
                player_ids: of_json(&player_ids)?,
                won: row.try_get_by_index::<i32>(4)? == 1,
                score: row.try_get_by_index(5)?,
                guesses,
                matches,
                abandoned: row.try_get_by_index(8)?,
                average_guesses: (matches > 0).then(|| f64::from(guesses) / f64::from(matches)),
                perfect_rounds: row.try_get_by_index(9)?,
                round_ms_sum: row.try_get_by_index(10)?,
                round_count: row.try_get_by_index(11)?,
                eliminated: eliminated.as_deref().map(EliminationReason::from),
            },
        })
    };
    read().map_err(|error| ViewError::from(&error))
}

fn entry_of(row: &QueryResult) -> Result<LeaderboardEntry, ViewError> {
    let read = || {
        Ok::<_, DatabaseError>(LeaderboardEntry {
            id: row.try_get_by_index(0)?,
            games_played: row.try_get_by_index(1)?,
            games_won: row.try_get_by_index(2)?,
            total_score: row.try_get_by_index(3)?,
            total_guesses: row.try_get_by_index(4)?,
            total_matches: row.try_get_by_index(5)?,
            perfect_rounds: row.try_get_by_index(6)?,
            last_win_at: row.try_get_by_index::<Option<i64>>(7)?.map(time),
        })
    };
    read().map_err(|error| ViewError::from(&error))
}
