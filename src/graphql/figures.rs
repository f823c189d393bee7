//! Figures of players and teams over their finished games, and leaderboards, from the projection `games`.

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Object, Result};
use chrono::Utc;
use gamebot::event::GameMode;

use super::error_code::{ErrorCode, invalid_cursor, limit_exceeded, view_error};
use super::loader::Operation;
use super::object::statistics::{
    LeaderboardConnection, LeaderboardEdge, LeaderboardKind, LeaderboardMetric, LeaderboardPlace,
    PlayerStatistics, TeamStatistics, TimeWindow,
};
use super::projections::view;
use super::scalar::PositionScalar;
use crate::cursor;
use crate::projection::{LeaderboardQuery, ProjectionKind, StatisticsQuery, View};

/// What can be asked of figures over many games.
#[derive(Default)]
pub(super) struct FiguresQuery;

#[Object]
impl FiguresQuery {
    /// The best players, teams or pairs of a guild.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The guild.")] guild_id: String,
        #[graphql(desc = "Whom it ranks.", default)] kind: LeaderboardKind,
        #[graphql(desc = "Games by these rules; by any if absent.")] mode: Option<GameMode>,
        #[graphql(
            desc = "Games that came to their result in this stretch of time.",
            default
        )]
        window: TimeWindow,
        #[graphql(desc = "What it ranks by.")] metric: LeaderboardMetric,
        #[graphql(desc = "How many; 10 if absent, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<LeaderboardConnection> {
        let operation = Operation::of(ctx)?;
        let first = places(first)?;
        operation.ask_for(first)?;
        let decode = |token: &String| cursor::decode_place(token);
        let skipped = after.as_ref().map_or(Ok(0), decode);
        let skipped = skipped.map_err(|error| invalid_cursor(&error))? as usize;
        let query = LeaderboardQuery {
            games: games_of(operation, Some(guild_id), mode, window),
            kind: kind.into(),
            metric: metric.into(),
            limit: skipped + first + 1,
        };
        let view = view(operation, ProjectionKind::Games, wait_for_position).await?;
        let mut found = view
            .leaderboard(&query)
            .await
            .map_err(|error| view_error(&error))?;
        let has_next = found.len() > skipped + first;
        found.truncate(skipped + first);
        let edges = found.into_iter().enumerate().skip(skipped);
        let edges: Vec<_> = edges
            .map(|(index, standing)| LeaderboardEdge {
                cursor: cursor::encode_place(u32::try_from(index + 1).unwrap_or(u32::MAX)),
                node: LeaderboardPlace::from(standing),
            })
            .collect();
        Ok(LeaderboardConnection {
            page_info: PageInfo {
                has_previous_page: skipped > 0,
                has_next_page: has_next,
                start_cursor: edges.first().map(|edge| edge.cursor.clone()),
                end_cursor: edges.last().map(|edge| edge.cursor.clone()),
            },
            nodes: edges.iter().map(|edge| edge.node.clone()).collect(),
            edges,
            projected_through: PositionScalar(view.position()),
        })
    }
}

/// The figures of a player in a guild; `None`: in games of direct messages.
pub(super) async fn player_statistics(
    operation: &Operation,
    user_id: &str,
    guild_id: Option<String>,
    mode: Option<GameMode>,
    window: TimeWindow,
    wait_for: Option<PositionScalar>,
) -> Result<PlayerStatistics> {
    let view = view(operation, ProjectionKind::Games, wait_for).await?;
    let query = games_of(operation, guild_id, mode, window);
    let found = view.player_statistics(&query, user_id).await;
    let found = found.map_err(|error| view_error(&error))?;
    Ok(PlayerStatistics::new(
        found,
        PositionScalar(view.position()),
    ))
}

/// A team in a guild; `None`: in games of direct messages.
pub(super) struct TeamOfGuild<'a> {
    pub(super) team_id: &'a str,
    pub(super) guild_id: Option<String>,
    /// Whether its rank is wanted, for which all teams of the guild are looked at.
    pub(super) is_ranked: bool,
}

/// The figures of a team.
pub(super) async fn team_statistics(
    operation: &Operation,
    team: TeamOfGuild<'_>,
    mode: Option<GameMode>,
    window: TimeWindow,
    wait_for: Option<PositionScalar>,
) -> Result<TeamStatistics> {
    let view = view(operation, ProjectionKind::Games, wait_for).await?;
    let query = games_of(operation, team.guild_id.clone(), mode, window);
    let found = view.team_statistics(&query, team.team_id).await;
    let found = found.map_err(|error| view_error(&error))?;
    let ranking = ranking(operation, &view, &team).await?;
    Ok(TeamStatistics::new(
        found,
        ranking,
        PositionScalar(view.position()),
    ))
}

/// The rank of a team in its guild, over all modes and all of time (5.3 of the domain).
async fn ranking(
    operation: &Operation,
    view: &View,
    team: &TeamOfGuild<'_>,
) -> Result<Option<i64>> {
    let Some(guild_id) = team.guild_id.clone().filter(|_| team.is_ranked) else {
        return Ok(None);
    };
    let board = LeaderboardQuery {
        games: games_of(operation, Some(guild_id), None, TimeWindow::default()),
        kind: gamebot::statistics::LeaderboardKind::Teams,
        metric: gamebot::statistics::LeaderboardMetric::Wins,
        limit: usize::MAX,
    };
    let standings = view.leaderboard(&board).await;
    let standings = standings.map_err(|error| view_error(&error))?;
    let mut standings = standings.iter();
    let standing = standings.find(|standing| standing.entry.id == team.team_id);
    Ok(standing.map(|standing| standing.rank))
}

fn games_of(
    operation: &Operation,
    guild_id: Option<String>,
    mode: Option<GameMode>,
    window: TimeWindow,
) -> StatisticsQuery {
    StatisticsQuery {
        scope: operation.scope.clone(),
        guild_id,
        mode,
        // The one clock that a projection knows is that of whoever asks.
        range: gamebot::statistics::TimeWindow::from(window).range(Utc::now()),
    }
}

/// The places of a leaderboard's page when none are asked for, and the most.
const DEFAULT_PLACES: usize = 10;
const MOST_PLACES: usize = 100;

fn places(first: Option<i32>) -> Result<usize> {
    let Some(asked) = first else {
        return Ok(DEFAULT_PLACES);
    };
    match usize::try_from(asked) {
        Ok(places) if (1..=MOST_PLACES).contains(&places) => Ok(places),
        Ok(places) if places > MOST_PLACES => Err(limit_exceeded("`first`", places, MOST_PLACES)),
        _ => Err(ErrorCode::InvalidArgument
            .error(format!("`first` is {asked}. It must be from 1 to 100."))),
    }
}
