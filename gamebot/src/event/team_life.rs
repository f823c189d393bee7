//! The life of a team, from its creation to its end.

use chrono::{DateTime, Utc};
use schemars::Schema;
use serde_json::json;

use super::{
    base::community_event,
    shape::{self, Id, Pair, TeamName, Timestamp},
    text_enum::text_enum,
};

community_event! {
    /// A team was formed.
    pub struct TeamCreated {
        /// The team's id: the ids of its two players in numeric order, joined by an underscore.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The team's name: 3 to 32 characters, among them a letter or digit, and no control
        /// characters.
        #[schemars(with = "TeamName")]
        pub name: String,
        /// The Discord user ids of its 2 players, which differ.
        #[schemars(with = "Pair")]
        pub player_ids: Vec<String>,
        /// When it was formed, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub created_at: DateTime<Utc>,
    }
}

community_event! {
    /// A team was renamed.
    pub struct TeamUpdated {
        /// The team's id.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The team's name from now on; another one, by the rules of a new team.
        #[schemars(with = "TeamName")]
        pub name: String,
        /// The team's name until now. Null when the event does not mention it.
        pub previous_name: Option<String>,
        /// When it was renamed, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub updated_at: DateTime<Utc>,
    }
}

community_event! {
    /// An empty seat of a team was filled. A team never has more than 2 players.
    pub struct TeamMemberAdded {
        /// The team's id.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the new player.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The Discord user id of whoever added the player.
        #[schemars(with = "Id")]
        pub added_by: String,
        /// When the player was added, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub added_at: DateTime<Utc>,
    }
}

community_event! {
    /// A player left a team or was removed from it. It cannot start games until the seat is filled.
    pub struct TeamMemberRemoved {
        /// The team's id.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player.
        #[schemars(with = "Id")]
        pub player_id: String,
        /// The Discord user id of whoever removed the player; the same when the player left.
        #[schemars(with = "Id")]
        pub removed_by: String,
        /// Why, in a few words. Null when nothing was said. In the stored data the key is
        /// `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "reasonText"))]
        pub reason: Option<String>,
        /// When the player was removed, at or before the event's timestamp.
        #[schemars(with = "Timestamp")]
        pub removed_at: DateTime<Utc>,
    }
}

community_event! {
    /// A team came to its end. A player has one team in a Discord server, so forming another one
    /// ends the one before.
    #[schemars(transform = successor_of_the_superseded)]
    pub struct TeamDisbanded {
        /// The team's id.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// Why it ended. In the stored data the key is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "disbandReason"))]
        pub reason: DisbandReason,
        /// The id of the team that took its place. Null unless it was superseded.
        #[schemars(with = "Option<Id>")]
        pub superseded_by_team_id: Option<String>,
        /// The Discord user id of whoever ended it. Null when the system did.
        #[schemars(with = "Option<Id>")]
        pub disbanded_by: Option<String>,
        /// When it ended.
        #[schemars(with = "Timestamp")]
        pub disbanded_at: DateTime<Utc>,
    }
}

text_enum! {
    /// Why a team came to its end.
    pub enum DisbandReason {
        /// A player formed another team.
        Superseded = "superseded",
        /// A player left it.
        MemberLeft = "member_left",
        /// It did nothing for too long.
        Inactive = "inactive",
        /// An administrator ended it.
        Admin = "admin",
    }
}

fn successor_of_the_superseded(schema: &mut Schema) {
    shape::require_when(
        schema,
        "reason",
        &json!("superseded"),
        "superseded_by_team_id",
    );
}
