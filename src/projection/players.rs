//! The read model `player_profile`: one stream is one player in a guild, or in direct messages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use gamebot::event::Event;
use sea_orm::{QueryResult, Value};

use super::batch::{Said, StreamRows, streams_of};
use super::column::{Columns, json, micros};
use super::meaning::{check_key, remove_streams};
use super::scope::{guild_condition, scope_condition};
use super::tables::{Layout, Target};
use super::{View, ViewError};
use crate::event::RecordedEvent;
use crate::scope::Scope;
use crate::store::DatabaseError;

pub(super) static LAYOUT: Layout = Layout {
    tables: &["player_profile"],
    creations: &[
        "CREATE TABLE {player_profile} (
            stream {text} NOT NULL PRIMARY KEY, version INTEGER NOT NULL, guild_id {text},
            user_id {text} NOT NULL, username {text}, display_name {text}, notification_settings {text},
            ui_preferences {text}, registered_at BIGINT, last_active_at BIGINT NOT NULL)",
    ],
    indexes: &["CREATE INDEX IF NOT EXISTS {player_profile_user_index} ON {player_profile} (user_id)"],
};

/// What a player says of himself or herself in a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerProfile {
    /// The guild; none for direct messages.
    pub guild_id: Option<String>,
    /// The Discord user id.
    pub user_id: String,
    /// The name at Discord; none if the registration is not known.
    pub username: Option<String>,
    /// The name that the player is shown by.
    pub display_name: Option<String>,
    /// What the player is notified of, as JSON text; none until it was set.
    pub notification_settings: Option<String>,
    /// How the bot looks to the player, as JSON text; none until it was set.
    pub ui_preferences: Option<String>,
    /// When the player was registered.
    pub registered_at: Option<DateTime<Utc>>,
    /// When the latest event of the player's stream happened.
    pub last_active_at: DateTime<Utc>,
}

/// The profiles that a batch of events concerns, by stream.
pub(super) struct Profiles(BTreeMap<String, ProfileRow>);

impl StreamRows for Profiles {
    const CATEGORIES: &'static [&'static str] = &["player"];
    const TYPES: &'static [&'static str] = &[
        "user_registered",
        "user_profile_updated",
        "user_preferences_changed",
    ];

    async fn read(said: &[Said<'_>], target: &Target<'_>) -> Result<Self, DatabaseError> {
        let columns = COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{player_profile}} WHERE stream");
        let rows = target.rows_of(&select, streams_of(said)).await?;
        let profiles = rows.iter().map(ProfileRow::read);
        profiles.collect::<Result<_, _>>().map(Self)
    }

    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        let profile = self.0.entry(event.stream.as_str().to_owned());
        profile.or_default().fold(event, said)
    }

    fn end(&mut self, stream: &str) {
        self.0.remove(stream);
    }

    async fn write(
        self,
        ended: &BTreeSet<String>,
        target: &Target<'_>,
    ) -> Result<(), DatabaseError> {
        remove_streams(target, LAYOUT.tables, ended).await?;
        let changed = self.0.iter().filter(|(_, profile)| profile.is_changed);
        let rows = changed.map(|(stream, profile)| profile.row(stream));
        target
            .upsert("player_profile", 1, COLUMNS, rows.collect())
            .await
    }
}

#[derive(Default)]
struct ProfileRow {
    /// The stream version of the last event that was folded.
    version: i32,
    guild_id: Option<String>,
    user_id: String,
    username: Option<String>,
    display_name: Option<String>,
    notification_settings: Option<String>,
    ui_preferences: Option<String>,
    registered_at: Option<i64>,
    last_active_at: Option<i64>,
    /// Whether this batch has folded an event.
    is_changed: bool,
}

const COLUMNS: [&str; 10] = [
    "stream",
    "version",
    "guild_id",
    "user_id",
    "username",
    "display_name",
    "notification_settings",
    "ui_preferences",
    "registered_at",
    "last_active_at",
];

impl ProfileRow {
    /// Folds an event, unless it was folded before; or says why it cannot be.
    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        if event.stream_version <= self.version {
            return Ok(());
        }
        let user_id = match said {
            Event::UserRegistered(registered) => &registered.user_id,
            Event::UserProfileUpdated(updated) => &updated.user_id,
            Event::UserPreferencesChanged(changed) => &changed.user_id,
            _ => return Ok(()),
        };
        check_key("user_id", user_id)?;
        match said {
            Event::UserRegistered(registered) => {
                self.username = Some(registered.username.clone());
                self.display_name.clone_from(&registered.display_name);
                self.registered_at = Some(micros(registered.created_at));
            }
            Event::UserProfileUpdated(updated) => {
                self.display_name.clone_from(&updated.display_name);
            }
            Event::UserPreferencesChanged(changed) => {
                let text = |error: DatabaseError| error.to_string();
                let settings = json(&changed.notification_settings).map_err(text)?;
                let preferences = json(&changed.ui_preferences).map_err(text)?;
                self.notification_settings = Some(settings);
                self.ui_preferences = Some(preferences);
            }
            _ => {}
        }
        self.version = event.stream_version;
        self.guild_id = event.guild_id.as_deref().map(str::to_owned);
        self.user_id.clone_from(user_id);
        self.last_active_at = self.last_active_at.max(Some(micros(said.timestamp())));
        self.is_changed = true;
        Ok(())
    }

    fn read(row: &QueryResult) -> Result<(String, Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let stream = columns.take()?;
        let profile = Self {
            version: columns.take()?,
            guild_id: columns.take()?,
            user_id: columns.take()?,
            username: columns.take()?,
            display_name: columns.take()?,
            notification_settings: columns.take()?,
            ui_preferences: columns.take()?,
            registered_at: columns.take()?,
            last_active_at: Some(columns.take()?),
            is_changed: false,
        };
        Ok((stream, profile))
    }

    fn row(&self, stream: &str) -> [Value; COLUMNS.len()] {
        [
            stream.into(),
            self.version.into(),
            self.guild_id.clone().into(),
            self.user_id.clone().into(),
            self.username.clone().into(),
            self.display_name.clone().into(),
            self.notification_settings.clone().into(),
            self.ui_preferences.clone().into(),
            self.registered_at.into(),
            self.last_active_at.unwrap_or_default().into(),
        ]
    }
}

impl View {
    /// The profile of a player in a guild, or, for `None`, in direct messages.
    pub async fn player_profile(
        &self,
        scope: &Scope,
        guild_id: Option<&str>,
        user_id: &str,
    ) -> Result<Option<PlayerProfile>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let (of_guild, guild) = guild_condition(guild_id, "guild_id");
        let select = format!(
            "SELECT {} FROM {{player_profile}} WHERE user_id = ? AND {of_guild} AND {in_scope}
             ORDER BY last_active_at DESC, stream LIMIT 1",
            COLUMNS.join(", ")
        );
        let values = [vec![user_id.into()], guild, scoped].concat();
        self.first(&select, values, profile_of).await
    }
}

fn profile_of(row: &QueryResult) -> Result<PlayerProfile, DatabaseError> {
    let mut columns = Columns::of(row);
    let _stream: String = columns.take()?;
    let _version: i32 = columns.take()?;
    Ok(PlayerProfile {
        guild_id: columns.take()?,
        user_id: columns.take()?,
        username: columns.take()?,
        display_name: columns.take()?,
        notification_settings: columns.take()?,
        ui_preferences: columns.take()?,
        registered_at: columns.time_or_null()?,
        last_active_at: columns.time()?,
    })
}
