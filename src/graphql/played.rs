//! Lists of games, guesses and replays, as the projection `games` keeps them.

use async_graphql::connection::PageInfo;
use async_graphql::{Context, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use gamebot::event::GameMode;
use gamebot::game::Phase;

use super::error_code::{ErrorCode, invalid_cursor, limit_exceeded, view_error};
use super::input::{Direction, empty_list};
use super::loader::{Operation, PageLimits};
use super::object::game::GameObject;
use super::object::played::{
    GameConnection, Guess, GuessConnection, Replay, ReplayConnection, game,
};
use super::page::{PageArguments, PageSize, Rows};
use super::projections::view;
use super::scalar::PositionScalar;
use crate::cursor;
use crate::position::Position;
use crate::projection::{
    GameFilter, GameQuery, GuessFilter, GuessQuery, ProjectionKind, ReplayKey, ReplayQuery,
};

/// What can be asked of games.
#[derive(Default)]
pub(super) struct PlayedQuery;

#[Object]
impl PlayedQuery {
    /// The games, newest first unless `direction` says otherwise, in the order of their first events.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn games(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which games.")] filter: Option<GameFilterInput>,
        #[graphql(desc = "BACKWARD: newest first.", default_with = "Direction::Backward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Answers as of this position or later: the `lastPosition` of an append shows its \
            effect."
        )]
        wait_for_position: Option<PositionScalar>,
    ) -> Result<GameConnection> {
        let operation = Operation::of(ctx)?;
        let filter = filter.unwrap_or_default().parse(&operation.limits)?;
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let range = Range::of(operation, &page, direction).await?;
        let view = view(operation, ProjectionKind::Games, wait_for_position).await?;
        let query = GameQuery {
            scope: operation.scope.clone(),
            filter,
            after: range.after,
            before: range.before,
            descending: range.descending,
            limit: range.limit(),
        };
        let games = view
            .games(&query)
            .await
            .map_err(|error| view_error(&error))?;
        let rows = games
            .into_iter()
            .map(|found| (found.first_position, game(found)));
        Ok(range.page(operation, rows.collect(), view.position()))
    }

    /// The game that a player is in now, in whichever guild: where a bot sends a word that came in a direct
    /// message. Null if the player is in none.
    async fn active_game(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The player's Discord user id.")] user_id: String,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<Option<GameObject>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Games, wait_for_position).await?;
        let found = view.active_game_of(&operation.scope, None, &user_id).await;
        Ok(found.map_err(|error| view_error(&error))?.map(game))
    }

    /// Guesses over all games, newest first unless `direction` says otherwise.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn guesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which guesses.")] filter: GuessFilterInput,
        #[graphql(desc = "BACKWARD: newest first.", default_with = "Direction::Backward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<GuessConnection> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        guesses(
            Operation::of(ctx)?,
            filter.parse()?,
            direction,
            page,
            wait_for_position,
        )
        .await
    }

    /// A finished game to be watched again; null if there is none that you may see.
    async fn replay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: ReplayChoice,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<Option<Replay>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Games, wait_for_position).await?;
        let key = match by {
            ReplayChoice::GameId(game_id) => ReplayKey::Game(game_id),
            ReplayChoice::DisplayName(name) => ReplayKey::Name(name),
        };
        let found = view.replay(&operation.scope, &key).await;
        Ok(found.map_err(|error| view_error(&error))?.map(Replay::from))
    }

    /// Finished games to be watched again, in the order of their first events.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn replays(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this guild; of any if absent.")] guild_id: Option<String>,
        #[graphql(desc = "BACKWARD: newest first.", default_with = "Direction::Backward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<ReplayConnection> {
        let operation = Operation::of(ctx)?;
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let range = Range::of(operation, &page, direction).await?;
        let view = view(operation, ProjectionKind::Games, wait_for_position).await?;
        let query = ReplayQuery {
            scope: operation.scope.clone(),
            guild_id: guild_id.map(Some),
            after: range.after,
            before: range.before,
            descending: range.descending,
            limit: range.limit(),
        };
        let found = view
            .replays(&query)
            .await
            .map_err(|error| view_error(&error))?;
        let rows = found
            .into_iter()
            .map(|replay| (replay.first_position, Replay::from(replay)));
        Ok(range.page(operation, rows.collect(), view.position()))
    }
}

/// Which games you want: those that satisfy every field that you give. A list is satisfied by any of its values.
#[derive(InputObject, Default)]
#[graphql(name = "GameFilter")]
pub(super) struct GameFilterInput {
    /// Of one of these guilds.
    guild_ids: Option<Vec<String>>,
    /// By one of these rules.
    modes: Option<Vec<GameMode>>,
    /// In one of these phases.
    phases: Option<Vec<Phase>>,
    /// True: that gather or are played; false: that are over.
    active: Option<bool>,
    /// With this player in them, now or before.
    player_id: Option<String>,
    /// Started at this time or later.
    started_from: Option<DateTime<Utc>>,
    /// Started before this time.
    started_before: Option<DateTime<Utc>>,
}

impl GameFilterInput {
    fn parse(self, limits: &PageLimits) -> Result<GameFilter> {
        Ok(GameFilter {
            guild_ids: listed("guildIds", self.guild_ids, limits)?,
            modes: listed("modes", self.modes, limits)?,
            phases: listed("phases", self.phases, limits)?,
            is_active: self.active,
            player_id: self.player_id,
            started_from: self.started_from,
            started_before: self.started_before,
        })
    }
}

/// Which guesses you want: those that satisfy every field that you give; at least one of `gameId`, `playerId`,
/// `teamId`, `pair` and `word`.
#[derive(InputObject)]
#[graphql(name = "GuessFilter")]
pub(super) struct GuessFilterInput {
    /// Of this game.
    game_id: Option<String>,
    /// With this player.
    player_id: Option<String>,
    /// Of this team.
    team_id: Option<String>,
    /// Of these two players, in either order, in whichever team.
    pair: Option<Vec<String>>,
    /// With this word, of either player; whether letters are large or small makes no difference.
    word: Option<String>,
    /// Of games of this guild.
    guild_id: Option<String>,
}

impl GuessFilterInput {
    fn parse(self) -> Result<GuessFilter> {
        let pair = self.pair.map(|pair| {
            <[String; 2]>::try_from(pair).map_err(|pair| {
                ErrorCode::InvalidArgument
                    .error(format!("`pair` names {} players. Name two.", pair.len()))
            })
        });
        let filter = GuessFilter {
            game_id: self.game_id,
            player_id: self.player_id,
            team_id: self.team_id,
            pair: pair.transpose()?,
            word: self.word,
            guild_id: self.guild_id.map(Some),
        };
        let has_index = filter.game_id.is_some()
            || filter.player_id.is_some()
            || filter.team_id.is_some()
            || filter.pair.is_some()
            || filter.word.is_some();
        if has_index {
            return Ok(filter);
        }
        Err(ErrorCode::InvalidArgument.error(
            "`filter` has none of `gameId`, `playerId`, `teamId`, `pair` and `word`. Give at least one.",
        ))
    }
}

/// Which replay: exactly one of the two.
#[derive(OneofObject)]
pub(super) enum ReplayChoice {
    /// Of this game.
    GameId(String),
    /// Of this name, for example heron-407.
    DisplayName(String),
}

/// Guesses from the projection, as a page.
pub(super) async fn guesses(
    operation: &Operation,
    filter: GuessFilter,
    direction: Direction,
    page: PageArguments,
    wait_for: Option<PositionScalar>,
) -> Result<GuessConnection> {
    let range = Range::of(operation, &page, direction).await?;
    let view = view(operation, ProjectionKind::Games, wait_for).await?;
    let query = GuessQuery {
        scope: operation.scope.clone(),
        filter,
        after: range.after,
        before: range.before,
        descending: range.descending,
        limit: range.limit(),
    };
    let found = view
        .guesses(&query)
        .await
        .map_err(|error| view_error(&error))?;
    let rows = found
        .into_iter()
        .map(|guess| (guess.position, Guess::from(guess)));
    Ok(range.page(operation, rows.collect(), view.position()))
}

fn listed<T>(name: &str, values: Option<Vec<T>>, limits: &PageLimits) -> Result<Vec<T>> {
    let Some(values) = values else {
        return Ok(Vec::new());
    };
    if values.is_empty() {
        return Err(empty_list(name));
    }
    if values.len() > limits.filter_values {
        let what = format!("The number of values in `{name}`");
        return Err(limit_exceeded(&what, values.len(), limits.filter_values));
    }
    Ok(values)
}

/// A list whose items stand in the order of positions of the log.
pub(super) trait Connection {
    /// What it lists.
    type Node;

    fn new(
        nodes: Vec<(String, Self::Node)>,
        page_info: PageInfo,
        projected_through: PositionScalar,
    ) -> Self;
}

/// The part of such a list that a page takes.
struct Range {
    after: Option<Position>,
    before: Option<Position>,
    /// How the rows are read, which differs from the direction of the list for its last ones.
    descending: bool,
    size: PageSize,
    is_bounded: bool,
}

impl Range {
    async fn of(operation: &Operation, page: &PageArguments, direction: Direction) -> Result<Self> {
        let size = page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        // Another node may have told this one's projections of what has not come to its own ears yet.
        let head = match (&page.after, &page.before) {
            (None, None) => operation.store.known_head(),
            _ => operation.head().await?,
        };
        let decode = |token: &Option<String>| -> Result<Option<Position>> {
            let position = |token| cursor::decode_event(operation.store.id(), head, token);
            let position = token.as_deref().map(position).transpose();
            position.map_err(|error| invalid_cursor(&error))
        };
        let (after, before) = (decode(&page.after)?, decode(&page.before)?);
        let is_bounded = if size.from_the_end {
            before.is_some()
        } else {
            after.is_some()
        };
        let backward = direction == Direction::Backward;
        // In a list that runs backward, what comes after a cursor lies below its position.
        let (after, before) = if backward {
            (before, after)
        } else {
            (after, before)
        };
        Ok(Self {
            after,
            before,
            descending: backward != size.from_the_end,
            size,
            is_bounded,
        })
    }

    /// One more than the page holds, to know whether there are more.
    fn limit(&self) -> u64 {
        self.size.limit as u64 + 1
    }

    fn page<C: Connection>(
        &self,
        operation: &Operation,
        rows: Vec<(Position, C::Node)>,
        projected_through: Position,
    ) -> C {
        let store_id = operation.store.id();
        let encode = |position| cursor::encode_event(store_id, position);
        let rows = rows
            .into_iter()
            .map(|(position, node)| (encode(position), node));
        let rows = Rows::new(rows.collect(), self.size, self.is_bounded);
        let page_info = rows.page_info(|(cursor, _)| cursor.clone());
        C::new(rows.items, page_info, PositionScalar(projected_through))
    }
}
