//! The start of a game.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    JsonObject,
    base::game_event,
    keyed::{self, keyed_by},
    shape::{self, Config, Id, List, MapOf, Pair, Set, Timestamp, Whole},
};

game_event! {
    /// Play begins: the roster and the configuration are frozen. The round number is 1.
    #[schemars(transform = shape::round_one)]
    pub struct GameStarted {
        /// The teams and their players. One team in mode `two_player`, 2 to 12 in the others; no
        /// player is in two teams.
        #[schemars(with = "MapOf<TeamRoster, 1>")]
        #[serde(with = "keyed")]
        pub teams: Vec<TeamRoster>,
        /// The ids of the same teams, without duplicates. Their order is the order of play, and
        /// it breaks ties.
        #[schemars(with = "Set<Id, 1>")]
        pub team_ids: Vec<String>,
        /// The Discord user ids of all players of all teams, without duplicates.
        #[schemars(with = "Set<Id, 1>")]
        pub player_ids: Vec<String>,
        /// The roles of players, a notion of early games (giver, guesser) that later ones do not
        /// use. Null when the event does not mention roles, which means that there are none.
        #[schemars(with = "Option<MapOf<PlayerRole>>")]
        #[serde(default, with = "keyed::optional", skip_serializing_if = "Option::is_none")]
        pub roles: Option<Vec<PlayerRole>>,
        /// The mode's configuration; its keys depend on the mode. A key that is missing has its
        /// default, so it may be empty. Unknown keys are kept and have no effect.
        #[schemars(with = "Config")]
        pub config: JsonObject,
        /// How often the configuration was set before the start, from 1. Null means 1.
        #[schemars(with = "Option<Whole<1>>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub config_version: Option<i32>,
        /// The words that players may not use because they used them in earlier games. Null when
        /// the event does not mention them, which means that there are none.
        #[schemars(with = "Option<MapOf<PlayerForbiddenWords>>")]
        #[serde(default, with = "keyed::optional", skip_serializing_if = "Option::is_none")]
        pub forbidden_words: Option<Vec<PlayerForbiddenWords>>,
        /// When play began, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub started_at: DateTime<Utc>,
    }
}

/// A team and its players at the start of a game.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[serde(transparent)]
pub struct TeamRoster {
    /// The team's id: the ids of its two players in numeric order, joined by an underscore.
    #[serde(skip)]
    pub team_id: String,
    /// The Discord user ids of its 2 players.
    #[schemars(with = "Pair")]
    pub player_ids: Vec<String>,
}

/// The role of a player at the start of a game.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[serde(transparent)]
pub struct PlayerRole {
    /// The player's Discord user id.
    #[serde(skip)]
    pub player_id: String,
    /// The role, for example giver or guesser.
    pub role: String,
}

/// The words that a player may not use at the start of a game.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[serde(transparent)]
pub struct PlayerForbiddenWords {
    /// The player's Discord user id.
    #[serde(skip)]
    pub player_id: String,
    /// The words, oldest first; at most 12.
    #[schemars(with = "List<String, 0, 12>")]
    pub words: Vec<String>,
}

keyed_by!(TeamRoster, team_id);
keyed_by!(PlayerRole, player_id);
keyed_by!(PlayerForbiddenWords, player_id);
