//! Players.

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::GameMode;

use super::game::GameObject;
use super::played::{GuessConnection, game};
use super::statistics::{PlayerStatistics, TimeWindow};
use super::team::Team;
use crate::graphql::error_code::view_error;
use crate::graphql::figures::player_statistics;
use crate::graphql::input::Direction;
use crate::graphql::loader::Operation;
use crate::graphql::page::PageArguments;
use crate::graphql::played::guesses;
use crate::graphql::projections::view;
use crate::graphql::read_models::team_of_player;
use crate::graphql::scalar::{JsonScalar, PositionScalar};
use crate::projection::{self, GuessFilter, ProjectionKind};

/// A Discord user as a player, in a Discord server or in direct messages.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct Player {
    /// The Discord user id.
    pub(in crate::graphql) user_id: String,
    /// The Discord server; null for direct messages.
    pub(in crate::graphql) guild_id: Option<String>,
    /// What the player says of himself or herself there; null if there was no such event.
    pub(in crate::graphql) profile: Option<PlayerProfile>,
    /// The profile holds everything up to this position of the log, and nothing after it.
    pub(in crate::graphql) projected_through: PositionScalar,
    /// What the caller wants to see in nested fields, too.
    #[graphql(skip)]
    pub(in crate::graphql) wait_for: Option<PositionScalar>,
}

/// What a player says of himself or herself.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct PlayerProfile {
    /// The name at Discord; null if the registration is not known.
    username: Option<String>,
    /// The name that the player is shown by; null when it is the name at Discord.
    display_name: Option<String>,
    /// What the player is notified of, an object with free keys; null until it was set.
    notification_settings: Option<JsonScalar>,
    /// How the bot looks to the player, an object with free keys; null until it was set.
    ui_preferences: Option<JsonScalar>,
    /// When the player was registered; null if that is not known.
    registered_at: Option<DateTime<Utc>>,
    /// When the latest event of the player's stream happened.
    last_active_at: DateTime<Utc>,
}

#[ComplexObject]
impl Player {
    /// The team that the player is in there; null if there is none.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>> {
        let operation = Operation::of(ctx)?;
        let guild_id = self.guild_id.as_deref();
        team_of_player(operation, guild_id, &self.user_id, self.wait_for).await
    }

    /// The player's figures over the games of this Discord server that came to a result.
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Games by these rules; by any if absent.")] mode: Option<GameMode>,
        #[graphql(
            desc = "Games that came to their result in this stretch of time.",
            default
        )]
        window: TimeWindow,
    ) -> Result<PlayerStatistics> {
        let operation = Operation::of(ctx)?;
        let guild_id = self.guild_id.clone();
        player_statistics(
            operation,
            &self.user_id,
            guild_id,
            mode,
            window,
            self.wait_for,
        )
        .await
    }

    /// The game of this Discord server that the player is in now; null if there is none.
    async fn active_game(&self, ctx: &Context<'_>) -> Result<Option<GameObject>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Games, self.wait_for).await?;
        let guild_id = Some(&self.guild_id);
        let found = view.active_game_of(&operation.scope, guild_id, &self.user_id);
        let found = found.await.map_err(|error| view_error(&error))?;
        Ok(found.map(game))
    }

    /// The guesses that the player took part in, in games of this Discord server.
    async fn guesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "BACKWARD: newest first.", default_with = "Direction::Backward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<GuessConnection> {
        let filter = GuessFilter {
            player_id: Some(self.user_id.clone()),
            guild_id: Some(self.guild_id.clone()),
            ..GuessFilter::default()
        };
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        guesses(Operation::of(ctx)?, filter, direction, page, self.wait_for).await
    }
}

impl From<projection::PlayerProfile> for PlayerProfile {
    fn from(profile: projection::PlayerProfile) -> Self {
        Self {
            username: profile.username,
            display_name: profile.display_name,
            notification_settings: profile.notification_settings.map(JsonScalar),
            ui_preferences: profile.ui_preferences.map(JsonScalar),
            registered_at: profile.registered_at,
            last_active_at: profile.last_active_at,
        }
    }
}
