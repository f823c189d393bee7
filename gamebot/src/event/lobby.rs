//! The time before a game starts.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    GameMode, JsonObject, JsonValue,
    base::game_event,
    shape::{self, Config, Id, List, Set, Timestamp, Whole},
};

game_event! {
    /// A lobby was opened; nothing is played yet. The round number is 1.
    #[schemars(transform = shape::round_one)]
    pub struct GameCreated {
        /// The Discord user id of the player who opened it.
        #[schemars(with = "Id")]
        pub created_by: String,
        /// When it was opened, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub created_at: DateTime<Utc>,
        /// The ids of the teams that have signed up already, without duplicates; may be empty.
        #[schemars(with = "Set<Id>")]
        pub team_ids: Vec<String>,
        /// The configuration so far. Null when the event does not mention it. In the stored data
        /// the key is `config`; unlike the `config` of other events it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "initialConfig"))]
        #[schemars(with = "Option<Config>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub config: Option<JsonObject>,
    }
}

game_event! {
    /// The creator switched the mode before the start. The event's own mode is the new one, and
    /// the round number is 1.
    #[schemars(transform = shape::round_one)]
    pub struct GameModeChanged {
        /// The mode until now.
        pub previous_mode: GameMode,
        /// The mode from now on; another one, and the same as `mode`.
        pub new_mode: GameMode,
        /// The full configuration for the new mode.
        #[schemars(with = "Config")]
        pub config: JsonObject,
        /// How often the configuration was set, this time included: one more than before. In the
        /// stored data the key is `config_version`; unlike the `configVersion` of a start it is
        /// never missing.
        #[cfg_attr(feature = "graphql", graphql(name = "newConfigVersion"))]
        #[schemars(with = "Whole<1>")]
        pub config_version: i32,
        /// The Discord user id of whoever changed it.
        #[schemars(with = "Id")]
        pub changed_by: String,
    }
}

game_event! {
    /// The configuration of a game was edited before the start. The round number is 1.
    #[schemars(transform = shape::round_one)]
    pub struct GameConfigChanged {
        /// How often the configuration was set, this time included: `previousConfigVersion` + 1.
        /// In the stored data the key is `config_version`.
        #[cfg_attr(feature = "graphql", graphql(name = "newConfigVersion"))]
        #[schemars(with = "Whole<1>")]
        pub config_version: i32,
        /// How often it had been set before, from 1, which is the configuration of the creation.
        #[schemars(with = "Whole<1>")]
        pub previous_config_version: i32,
        /// What was changed, at least 1 key.
        #[schemars(with = "List<ConfigChange, 1>")]
        pub changes: Vec<ConfigChange>,
        /// The full configuration after the change.
        #[schemars(with = "Config")]
        pub config: JsonObject,
        /// The custom variation that the configuration was taken from. Null when it was taken from
        /// none. In the stored data the key is `variation_id`.
        #[cfg_attr(feature = "graphql", graphql(name = "sourceVariationId"))]
        #[schemars(with = "Option<Id>")]
        pub variation_id: Option<String>,
        /// The Discord user id of whoever changed it.
        #[schemars(with = "Id")]
        pub changed_by: String,
        /// Why, in the words of whoever changed it. Null when nothing was said. In the stored data
        /// the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "reasonText"))]
        pub reason: Option<String>,
    }
}

/// One key of a configuration that was changed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
pub struct ConfigChange {
    /// The place in the configuration: its keys from the outside to the inside, joined by dots.
    pub key: String,
    /// The value before. Null when there was none, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<JsonValue>,
    /// The value after. Null when the key was removed, or set to null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<JsonValue>,
}
