//! Teams, players, guilds and observations, as their projections keep them: parse → call → shape.

use async_graphql::{Context, InputObject, Object, Result};
use gamebot::event::GameMode;

use super::error_code::{invalid_cursor, view_error};
use super::input::{empty_list, parse_any_stream_name, short_list};
use super::loader::{Operation, PageLimits};
use super::object::guild::{GameVariation, GameVariationConnection, GuildConfiguration};
use super::object::observation::{ErrorLogConnection, ErrorLogEntry, StreamHealth};
use super::object::player_profile::Player;
use super::object::team::{Team, TeamConnection, TeamLifeStatus};
use super::page::{PageArguments, PageSize, Rows};
use super::played::Connection;
use super::projections::view;
use super::scalar::{DayScalar, PositionScalar};
use crate::cursor::{InvalidCursor, KeyedList, decode_key, encode_key};
use crate::projection::{ErrorFilter, ProjectionKind, TeamFilter};

/// What can be asked of teams.
#[derive(Default)]
pub(super) struct TeamQuery;

/// What can be asked of players.
#[derive(Default)]
pub(super) struct PlayerQuery;

/// What can be asked of what Discord servers have set.
#[derive(Default)]
pub(super) struct GuildQuery;

/// What can be asked of observations.
#[derive(Default)]
pub(super) struct ObservationQuery;

#[Object]
impl TeamQuery {
    /// The team of this id; null if there is none that you may see.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of its two players in numeric order, joined by an underscore.")]
        team_id: String,
        #[graphql(desc = "The Discord server; direct messages if absent.")] guild_id: Option<
            String,
        >,
        #[graphql(desc = "Answers as of this position or later, in nested fields too.")]
        wait_for_position: Option<PositionScalar>,
    ) -> Result<Option<Team>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Teams, wait_for_position).await?;
        let found = view.team(&operation.scope, guild_id.as_deref(), &team_id);
        let found = found.await.map_err(|error| view_error(&error))?;
        let through = PositionScalar(view.position());
        Ok(found.map(|team| Team::new(team, through, wait_for_position)))
    }

    /// The teams, in the order of the names of their streams.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn teams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this Discord server; of any, and of direct messages, if absent.")]
        guild_id: Option<String>,
        #[graphql(desc = "Those that this player is or was in, or was invited into or asked for.")]
        player_id: Option<String>,
        #[graphql(desc = "In one of these states; in any if absent.")] status: Option<
            Vec<TeamLifeStatus>,
        >,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "Answers as of this position or later, in nested fields too.")]
        wait_for_position: Option<PositionScalar>,
    ) -> Result<TeamConnection> {
        let operation = Operation::of(ctx)?;
        let statuses = match status {
            Some(statuses) if statuses.is_empty() => return Err(empty_list("status")),
            statuses => statuses.unwrap_or_default(),
        };
        let filter = TeamFilter {
            guild_id,
            player_id,
            statuses: statuses.into_iter().map(Into::into).collect(),
        };
        let page = KeyedPage::of(operation, KeyedList::Teams, first, after)?;
        let view = view(operation, ProjectionKind::Teams, wait_for_position).await?;
        let found = view.teams(&operation.scope, &filter, page.after(), page.limit());
        let found = found.await.map_err(|error| view_error(&error))?;
        let through = PositionScalar(view.position());
        let teams = found.into_iter().map(|team| {
            let stream = team.stream.clone();
            (stream, Team::new(team, through, wait_for_position))
        });
        Ok(page.connection(teams.collect(), through))
    }

    /// The team that a player is in; null if there is none that you may see.
    async fn team_of_player(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The player's Discord user id.")] user_id: String,
        #[graphql(desc = "The Discord server; direct messages if absent.")] guild_id: Option<
            String,
        >,
        #[graphql(desc = "Answers as of this position or later, in nested fields too.")]
        wait_for_position: Option<PositionScalar>,
    ) -> Result<Option<Team>> {
        let operation = Operation::of(ctx)?;
        team_of_player(operation, guild_id.as_deref(), &user_id, wait_for_position).await
    }
}

#[Object]
impl PlayerQuery {
    /// A player in a Discord server or in direct messages; null if nothing is known of the player there.
    async fn player(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The Discord user id.")] user_id: String,
        #[graphql(desc = "The Discord server; direct messages if absent.")] guild_id: Option<
            String,
        >,
        #[graphql(desc = "Answers as of this position or later, in nested fields too.")]
        wait_for_position: Option<PositionScalar>,
    ) -> Result<Option<Player>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Players, wait_for_position).await?;
        let guild = guild_id.as_deref();
        let found = view.player_profile(&operation.scope, guild, &user_id);
        let profile = found.await.map_err(|error| view_error(&error))?;
        let player = Player {
            profile: profile.map(Into::into),
            projected_through: PositionScalar(view.position()),
            wait_for: wait_for_position,
            user_id,
            guild_id,
        };
        drop(view);
        Ok(player.is_known(operation).await?.then_some(player))
    }
}

impl Player {
    /// Whether anything is known of the player.
    async fn is_known(&self, operation: &Operation) -> Result<bool> {
        if self.profile.is_some() {
            return Ok(true);
        }
        let guild_id = self.guild_id.as_deref();
        let team = team_of_player(operation, guild_id, &self.user_id, self.wait_for).await?;
        if team.is_some() {
            return Ok(true);
        }
        let view = view(operation, ProjectionKind::Games, self.wait_for).await?;
        let has_played = view.has_played(&operation.scope, guild_id, &self.user_id);
        has_played.await.map_err(|error| view_error(&error))
    }
}

#[Object]
impl GuildQuery {
    /// What a Discord server has set for the games of a mode, or of all modes; null if it has set nothing
    /// there, or you may not see it.
    async fn guild_configuration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The Discord server.")] guild_id: String,
        #[graphql(desc = "The mode; what is set for all modes if absent.")] mode: Option<GameMode>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<Option<GuildConfiguration>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Guilds, wait_for_position).await?;
        let mode = mode.as_ref().map(GameMode::as_str);
        let found = view.guild_configuration(&operation.scope, &guild_id, mode);
        let found = found.await.map_err(|error| view_error(&error))?;
        let through = PositionScalar(view.position());
        Ok(found.map(|configuration| GuildConfiguration::new(configuration, through)))
    }

    /// The variations of modes that a Discord server has given a name, in the order of their ids.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn game_variations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The Discord server.")] guild_id: String,
        #[graphql(desc = "Those of this mode; of any if absent.")] base_mode: Option<GameMode>,
        #[graphql(
            desc = "Whether those are listed too that can no longer be chosen.",
            default = false
        )]
        include_retired: bool,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<GameVariationConnection> {
        let operation = Operation::of(ctx)?;
        let page = KeyedPage::of(operation, KeyedList::GameVariations, first, after)?;
        let view = view(operation, ProjectionKind::Guilds, wait_for_position).await?;
        let found = view.game_variations(
            &operation.scope,
            &guild_id,
            base_mode.as_ref().map(GameMode::as_str),
            include_retired,
            page.after(),
            page.limit(),
        );
        let found = found.await.map_err(|error| view_error(&error))?;
        let variations = found.into_iter().map(|variation| {
            let key = variation.variation_id.clone();
            (key, GameVariation::from(variation))
        });
        Ok(page.connection(variations.collect(), PositionScalar(view.position())))
    }
}

#[Object]
impl ObservationQuery {
    /// Errors, counted by Discord server, day and code: the latest day first.
    async fn error_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which errors.")] filter: Option<ErrorLogFilter>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<ErrorLogConnection> {
        let operation = Operation::of(ctx)?;
        let filter = filter.unwrap_or_default().parse(&operation.limits)?;
        let page = KeyedPage::of(operation, KeyedList::Errors, first, after)?;
        let after = page.after().map(day_and_key).transpose()?;
        let view = view(operation, ProjectionKind::Observations, wait_for_position).await?;
        let found = view.error_log(&operation.scope, &filter, after, page.limit());
        let found = found.await.map_err(|error| view_error(&error))?;
        let sums = found.into_iter().map(|sum| {
            let key = format!("{} {}", sum.day, sum.key);
            (key, ErrorLogEntry::from(sum))
        });
        Ok(page.connection(sums.collect(), PositionScalar(view.position())))
    }

    /// How well a stream is: the last recovery of the session that writes it, and the events that its reader
    /// has set aside. Null if nothing was observed that you may see.
    async fn stream_health(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name of the stream, for example of a game: game-id.")] stream: String,
        #[graphql(desc = "Answers as of this position or later.")] wait_for_position: Option<
            PositionScalar,
        >,
    ) -> Result<Option<StreamHealth>> {
        let operation = Operation::of(ctx)?;
        let stream = parse_any_stream_name(&stream)?;
        let view = view(operation, ProjectionKind::Observations, wait_for_position).await?;
        let found = view.stream_health(&operation.scope, stream.as_str());
        let found = found.await.map_err(|error| view_error(&error))?;
        let through = PositionScalar(view.position());
        Ok(found.map(|health| StreamHealth::new(health, through)))
    }
}

/// Which errors you want: those that satisfy every field that you give. A list is satisfied by any of its
/// values.
#[derive(InputObject, Default)]
pub(super) struct ErrorLogFilter {
    /// In one of these Discord servers. Absent: in any, and outside of any.
    guild_ids: Option<Vec<String>>,
    /// Of one of these codes.
    codes: Option<Vec<String>>,
    /// On this day or later.
    from: Option<DayScalar>,
    /// On this day or earlier.
    to: Option<DayScalar>,
}

impl ErrorLogFilter {
    fn parse(self, limits: &PageLimits) -> Result<ErrorFilter> {
        Ok(ErrorFilter {
            guild_ids: short_list("guildIds", self.guild_ids, limits)?,
            codes: short_list("codes", self.codes, limits)?,
            from: self.from.map(|day| day.0),
            to: self.to.map(|day| day.0),
        })
    }
}

/// The team that a player is in, in a guild or in direct messages.
pub(super) async fn team_of_player(
    operation: &Operation,
    guild_id: Option<&str>,
    user_id: &str,
    wait_for: Option<PositionScalar>,
) -> Result<Option<Team>> {
    let view = view(operation, ProjectionKind::Teams, wait_for).await?;
    let found = view.team_of_player(&operation.scope, guild_id, user_id);
    let found = found.await.map_err(|error| view_error(&error))?;
    let through = PositionScalar(view.position());
    Ok(found.map(|team| Team::new(team, through, wait_for)))
}

/// The length of a nested list that is read from its beginning.
pub(super) fn short_page(operation: &Operation, first: Option<i32>) -> Result<u64> {
    let size = from_the_beginning(first, None).size(&operation.limits)?;
    operation.ask_for(size.limit)?;
    Ok(size.limit as u64)
}

fn from_the_beginning(first: Option<i32>, after: Option<String>) -> PageArguments {
    PageArguments {
        first,
        after,
        last: None,
        before: None,
    }
}

/// The part of a list with keys that a page takes.
struct KeyedPage {
    list: KeyedList,
    after: Option<String>,
    size: PageSize,
}

impl KeyedPage {
    fn of(
        operation: &Operation,
        list: KeyedList,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Self> {
        let page = from_the_beginning(first, after);
        let size = page.size(&operation.limits)?;
        operation.ask_for(size.limit)?;
        let after = page.after.as_deref();
        let after = after.map(|token| decode_key(list, token)).transpose();
        Ok(Self {
            list,
            after: after.map_err(|error| invalid_cursor(&error))?,
            size,
        })
    }

    fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// One more than the page holds, to know whether there are more.
    fn limit(&self) -> u64 {
        self.size.limit as u64 + 1
    }

    fn connection<C: Connection>(
        &self,
        items: Vec<(String, C::Node)>,
        projected_through: PositionScalar,
    ) -> C {
        let items = items
            .into_iter()
            .map(|(key, node)| (encode_key(self.list, &key), node));
        let rows = Rows::new(items.collect(), self.size, self.after.is_some());
        let page_info = rows.page_info(|(cursor, _)| cursor.clone());
        C::new(rows.items, page_info, projected_through)
    }
}

/// The day and key of a sum of errors, as a cursor holds them.
fn day_and_key(place: &str) -> Result<(chrono::NaiveDate, &str)> {
    let (day, key) = place.split_once(' ').unwrap_or_default();
    let day = day.parse().map_err(|_| {
        invalid_cursor(&InvalidCursor::NotACursor {
            token: encode_key(KeyedList::Errors, place),
        })
    })?;
    Ok((day, key))
}
