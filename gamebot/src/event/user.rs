//! Users of the bot.

use chrono::{DateTime, Utc};

use super::{
    JsonObject,
    base::community_event,
    shape::{Id, Timestamp},
};

community_event! {
    /// A user had the first contact with the bot in this Discord server.
    pub struct UserRegistered {
        /// The Discord user id.
        #[schemars(with = "Id")]
        pub user_id: String,
        /// The user's name at Discord.
        pub username: String,
        /// The name that the user is shown by. Null when it is the name at Discord.
        pub display_name: Option<String>,
        /// When the user was registered.
        #[schemars(with = "Timestamp")]
        pub created_at: DateTime<Utc>,
    }
}

community_event! {
    /// A user is shown by another name.
    pub struct UserProfileUpdated {
        /// The Discord user id.
        #[schemars(with = "Id")]
        pub user_id: String,
        /// The name that the user is shown by from now on. Null when it was cleared.
        pub display_name: Option<String>,
        /// When it was changed.
        #[schemars(with = "Timestamp")]
        pub updated_at: DateTime<Utc>,
    }
}

community_event! {
    /// The preferences of a user changed.
    pub struct UserPreferencesChanged {
        /// The Discord user id.
        #[schemars(with = "Id")]
        pub user_id: String,
        /// What the user is notified of; its keys are free, and it may be empty.
        pub notification_settings: JsonObject,
        /// How the bot looks to the user; its keys are free, and it may be empty.
        pub ui_preferences: JsonObject,
        /// When they were changed.
        #[schemars(with = "Timestamp")]
        pub updated_at: DateTime<Utc>,
    }
}
