//! Players who come and go.

use chrono::{DateTime, Utc};
use schemars::Schema;
use serde_json::json;

use super::{
    base::game_event,
    shape::{self, Id, Text, Timestamp},
    text_enum::text_enum,
};

game_event! {
    /// A player entered the lobby, or came back during play.
    #[schemars(transform = team_of_a_rejoin)]
    pub struct PlayerJoined {
        /// The player's Discord user id.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The player's name at that moment, 1 to 32 characters.
        #[schemars(with = "Text<1, 32>")]
        pub username: String,
        /// The team the player belongs to; always there when `rejoin` is true. Null in a lobby
        /// before teams are made. In the stored data the key is `team_id`; unlike the `teamId` of
        /// other events it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "playerTeamId"))]
        #[schemars(with = "Option<Id>")]
        pub team_id: Option<String>,
        /// When the player joined, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub joined_at: DateTime<Utc>,
        /// Whether a player of the roster who had left the running game came back. Null means
        /// false.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rejoin: Option<bool>,
    }
}

game_event! {
    /// A player left the lobby or dropped out of a running game.
    #[schemars(transform = remover_of_the_kicked)]
    pub struct PlayerLeft {
        /// The player's Discord user id.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The team the player belongs to; always there after the start. In the stored data the
        /// key is `team_id`; unlike the `teamId` of other events it may be missing.
        #[cfg_attr(feature = "graphql", graphql(name = "playerTeamId"))]
        #[schemars(with = "Option<Id>")]
        pub team_id: Option<String>,
        /// When the player left, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub left_at: DateTime<Utc>,
        /// Why the player left. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "leaveReason"))]
        pub reason: LeaveReason,
        /// The Discord user id of whoever kicked the player. Null unless the player was kicked. In
        /// the stored data the key is `removed_by`.
        #[cfg_attr(feature = "graphql", graphql(name = "kickedBy"))]
        #[schemars(with = "Option<Id>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub removed_by: Option<String>,
    }
}

game_event! {
    /// The presence of a player of the roster changed, without leaving the game.
    pub struct PlayerStatusChanged {
        /// The player's Discord user id.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The team the player belongs to.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The presence until now.
        pub previous_status: PlayerStatus,
        /// The presence from now on; another one.
        pub new_status: PlayerStatus,
        /// Why, in a few words. Null when nothing was said. In the stored data the key is
        /// `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "reasonText"))]
        pub reason: Option<String>,
    }
}

text_enum! {
    /// Why a player left.
    pub enum LeaveReason {
        /// The player wanted to.
        Quit = "quit",
        /// The player lost the connection to Discord.
        Disconnected = "disconnected",
        /// Somebody removed the player.
        Kicked = "kicked",
        /// The player did nothing for too long.
        Idle = "idle",
    }
}

text_enum! {
    /// The presence of a player in a game.
    pub enum PlayerStatus {
        /// The player plays.
        Active = "active",
        /// The player has done nothing for a while.
        Idle = "idle",
        /// The player has no connection to Discord.
        Disconnected = "disconnected",
        /// The player watches only.
        Spectating = "spectating",
    }
}

fn team_of_a_rejoin(schema: &mut Schema) {
    shape::require_when(schema, "rejoin", &json!(true), "team_id");
}

fn remover_of_the_kicked(schema: &mut Schema) {
    shape::require_when(schema, "reason", &json!("kicked"), "removed_by");
}
