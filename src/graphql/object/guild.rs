//! What Discord servers have set for their games.

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::GameMode;

use super::played::connection;
use crate::graphql::loader::Operation;
use crate::graphql::scalar::{JsonScalar, PositionScalar};
use crate::projection;

/// What a Discord server has set for the games of a mode, or of all modes.
#[derive(SimpleObject)]
pub(in crate::graphql) struct GuildConfiguration {
    /// The Discord server.
    guild_id: String,
    /// The mode that it is for; null when it is for all modes.
    mode: Option<GameMode>,
    /// What is set; its keys are free.
    config: JsonScalar,
    /// How often it was set, as its last event says.
    config_version: i32,
    /// The Discord user id of whoever set it.
    changed_by: String,
    /// When it was set.
    changed_at: DateTime<Utc>,
    /// The answer holds everything up to this position of the log, and nothing after it.
    projected_through: PositionScalar,
}

/// A variation of a mode that a Discord server has given a name.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct GameVariation {
    /// Its id.
    variation_id: String,
    /// Its name.
    name: String,
    /// The mode that it varies.
    base_mode: GameMode,
    #[graphql(skip)]
    own_config: JsonScalar,
    /// How often it was defined, as its last event says.
    config_version: i32,
    /// The Discord user id of whoever defined it last.
    defined_by: String,
    /// When it was defined last.
    defined_at: DateTime<Utc>,
    /// Whether it can no longer be chosen. Running games keep it.
    retired: bool,
    /// The Discord user id of whoever retired it; null unless it is retired.
    retired_by: Option<String>,
    /// When it was retired; null unless it is retired.
    retired_at: Option<DateTime<Utc>>,
}

#[expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]
#[ComplexObject]
impl GameVariation {
    /// What it sets otherwise than the mode; its keys are free.
    async fn config(&self, ctx: &Context<'_>) -> Result<&JsonScalar> {
        Operation::of(ctx)?.show(self.own_config.0.len())?;
        Ok(&self.own_config)
    }
}

connection!(
    GameVariationConnection,
    GameVariationEdge,
    GameVariation,
    "variations"
);

impl GuildConfiguration {
    pub(in crate::graphql) fn new(
        configuration: projection::GuildConfiguration,
        projected_through: PositionScalar,
    ) -> Self {
        Self {
            guild_id: configuration.guild_id.unwrap_or_default(),
            mode: configuration.mode.as_deref().map(GameMode::from),
            config: JsonScalar(configuration.config),
            config_version: configuration.config_version,
            changed_by: configuration.changed_by,
            changed_at: configuration.changed_at,
            projected_through,
        }
    }
}

impl From<projection::GameVariation> for GameVariation {
    fn from(variation: projection::GameVariation) -> Self {
        Self {
            variation_id: variation.variation_id,
            name: variation.name,
            base_mode: GameMode::from(variation.base_mode.as_str()),
            own_config: JsonScalar(variation.config),
            config_version: variation.config_version,
            defined_by: variation.defined_by,
            defined_at: variation.defined_at,
            retired: variation.retired_at.is_some(),
            retired_by: variation.retired_by,
            retired_at: variation.retired_at,
        }
    }
}
