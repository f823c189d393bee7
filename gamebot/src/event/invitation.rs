//! How two players become a team.

use chrono::{DateTime, Utc};

use super::{
    base::community_event,
    shape::{Id, Text, Timestamp},
};

community_event! {
    /// A player asked another one to form a team. Most streams of teams begin with it.
    pub struct TeamInvitationCreated {
        /// The id of the invitation.
        #[schemars(with = "Id")]
        pub invitation_id: String,
        /// The Discord user id of the player who asked.
        #[schemars(with = "Id")]
        pub inviter_id: String,
        /// The Discord user id of the player who was asked; another one.
        #[schemars(with = "Id")]
        pub invitee_id: String,
        /// The name that the team shall have, 3 to 32 characters. Null when none was proposed.
        #[schemars(with = "Option<Text<3, 32>>")]
        pub proposed_name: Option<String>,
        /// When the invitation was made.
        #[schemars(with = "Timestamp")]
        pub created_at: DateTime<Utc>,
        /// When it ends unless it is answered; later than `createdAt`, by default by 5 minutes.
        #[schemars(with = "Timestamp")]
        pub expires_at: DateTime<Utc>,
    }
}

community_event! {
    /// The invited player accepted in time. The creation of the team follows in the same append.
    pub struct TeamInvitationAccepted {
        /// The id of the invitation, which was open.
        #[schemars(with = "Id")]
        pub invitation_id: String,
        /// The id of the team.
        #[schemars(with = "Id")]
        pub team_id: String,
        /// The Discord user id of the player who accepted: the one who was asked. Null when the
        /// event does not mention it.
        #[schemars(with = "Option<Id>")]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub accepted_by: Option<String>,
        /// When it was accepted, before its end.
        #[schemars(with = "Timestamp")]
        pub accepted_at: DateTime<Utc>,
    }
}

community_event! {
    /// The invited player refused.
    pub struct TeamInvitationDeclined {
        /// The id of the invitation, which was open.
        #[schemars(with = "Id")]
        pub invitation_id: String,
        /// When it was refused.
        #[schemars(with = "Timestamp")]
        pub declined_at: DateTime<Utc>,
        /// Why, in the words of the player. Null when nothing was said. In the stored data the key
        /// is `reason`.
        #[cfg_attr(feature = "graphql", graphql(name = "reasonText"))]
        pub reason: Option<String>,
    }
}

community_event! {
    /// Nobody answered the invitation in time.
    pub struct TeamInvitationExpired {
        /// The id of the invitation, which was open.
        #[schemars(with = "Id")]
        pub invitation_id: String,
        /// When it was closed, at or after its end.
        #[schemars(with = "Timestamp")]
        pub expired_at: DateTime<Utc>,
    }
}
