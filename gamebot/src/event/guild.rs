//! What a Discord server sets for its games.

use super::{
    ConfigChange, GameMode, JsonObject,
    base::community_event,
    shape::{Config, Id, Inline, Text, Whole},
};

community_event! {
    /// The defaults of a Discord server changed.
    pub struct GuildConfigChanged {
        /// The mode that the defaults are for. Null when they are for all modes. In the stored
        /// data the key is `mode`; unlike the `mode` of a game it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "configuredMode"))]
        #[schemars(with = "Option<Inline<GameMode>>")]
        pub mode: Option<GameMode>,
        /// How often the defaults were set, this time included: one more than before. In the
        /// stored data the key is `config_version`.
        #[cfg_attr(feature = "graphql", graphql(name = "newConfigVersion"))]
        #[schemars(with = "Whole<1>")]
        pub config_version: i32,
        /// What was changed.
        pub changes: Vec<ConfigChange>,
        /// All defaults after the change.
        pub config: JsonObject,
        /// The Discord user id of whoever changed them.
        #[schemars(with = "Id")]
        pub changed_by: String,
    }
}

community_event! {
    /// A custom variation of a mode was given a name, or defined anew.
    pub struct GameVariationDefined {
        /// The id of the variation.
        #[schemars(with = "Id")]
        pub variation_id: String,
        /// Its name, 3 to 32 characters, which no other variation of the Discord server has.
        #[schemars(with = "Text<3, 32>")]
        pub name: String,
        /// The mode that it varies.
        pub base_mode: GameMode,
        /// What it sets otherwise than the mode.
        #[schemars(with = "Config")]
        pub config: JsonObject,
        /// How often it was defined, this time included. In the stored data the key is
        /// `config_version`.
        #[cfg_attr(feature = "graphql", graphql(name = "newConfigVersion"))]
        #[schemars(with = "Whole<1>")]
        pub config_version: i32,
        /// The Discord user id of whoever defined it.
        #[schemars(with = "Id")]
        pub defined_by: String,
    }
}

community_event! {
    /// A custom variation can no longer be chosen. Running games keep it.
    pub struct GameVariationRetired {
        /// The id of the variation.
        #[schemars(with = "Id")]
        pub variation_id: String,
        /// The Discord user id of whoever retired it.
        #[schemars(with = "Id")]
        pub retired_by: String,
        /// Why, in a few words. Null when nothing was said. In the stored data the key is
        /// `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "reasonText"))]
        pub reason: Option<String>,
    }
}
