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
use crate::projection::column::{Columns, micros};
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
        let games = self.all(&select, clause.values, player_game_of).await?;
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
        let games = self.all(&select, clause.values, team_game_of).await?;
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
        let entries = self.all(&select, clause.values, entry_of).await?;
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

fn player_game_of(row: &QueryResult) -> Result<PlayerGame, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(PlayerGame {
        game_id: columns.take()?,
        finished_at: columns.time()?,
        result: PlayerResult {
            user_id: columns.take()?,
            team_id: columns.take()?,
            partner_id: columns.take()?,
            won: columns.truth()?,
            score: columns.take()?,
            guesses: columns.take()?,
            matches: columns.take()?,
            abandoned: columns.take()?,
            best_match: columns.take()?,
            perfect_rounds: columns.take()?,
            response_ms_sum: columns.take()?,
            response_count: columns.take()?,
        },
    })
}

fn team_game_of(row: &QueryResult) -> Result<TeamGame, DatabaseError> {
    let mut columns = Columns::of(row);
    let game_id = columns.take()?;
    let finished_at = columns.time()?;
    let (team_id, player_ids) = (columns.take()?, columns.json()?);
    let (won, score) = (columns.truth()?, columns.take()?);
    let (guesses, matches): (i32, i32) = (columns.take()?, columns.take()?);
    Ok(TeamGame {
        game_id,
        finished_at,
        result: TeamResult {
            team_id,
            player_ids,
            won,
            score,
            guesses,
            matches,
            average_guesses: (matches > 0).then(|| f64::from(guesses) / f64::from(matches)),
            abandoned: columns.take()?,
            perfect_rounds: columns.take()?,
            round_ms_sum: columns.take()?,
            round_count: columns.take()?,
            eliminated: columns
                .take::<Option<String>>()?
                .as_deref()
                .map(EliminationReason::from),
        },
    })
}

fn entry_of(row: &QueryResult) -> Result<LeaderboardEntry, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(LeaderboardEntry {
        id: columns.take()?,
        games_played: columns.take()?,
        games_won: columns.take()?,
        total_score: columns.take()?,
        total_guesses: columns.take()?,
        total_matches: columns.take()?,
        perfect_rounds: columns.take()?,
        last_win_at: columns.time_or_null()?,
    })
}
