//! What can be asked about what guilds have set.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use super::{CONFIG_COLUMNS, VARIATION_COLUMNS};
use crate::projection::column::Columns;
use crate::projection::scope::scope_condition;
use crate::projection::{View, ViewError};
use crate::scope::Scope;
use crate::store::DatabaseError;

/// What a guild has set for a mode, or for all modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildConfiguration {
    /// The guild; none where the stream names none.
    pub guild_id: Option<String>,
    /// The mode as its events spell it; none for all modes.
    pub mode: Option<String>,
    /// What is set, as JSON text.
    pub config: String,
    /// How often it was set, by the last event's own count.
    pub config_version: i32,
    /// Who set it.
    pub changed_by: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// A variation of a mode that a guild has given a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameVariation {
    /// The guild; none where the stream names none.
    pub guild_id: Option<String>,
    /// Its id.
    pub variation_id: String,
    /// Its name.
    pub name: String,
    /// The mode that it varies, as its event spells it.
    pub base_mode: String,
    /// What it sets otherwise than the mode, as JSON text.
    pub config: String,
    /// How often it was defined, by the last event's own count.
    pub config_version: i32,
    /// Who defined it last.
    pub defined_by: String,
    /// When it was defined last.
    pub defined_at: DateTime<Utc>,
    /// Who retired it, if it is retired.
    pub retired_by: Option<String>,
    /// When it was retired, if it is.
    pub retired_at: Option<DateTime<Utc>>,
}

impl View {
    /// What a guild has set for a mode, or, for `None`, for all modes.
    pub async fn guild_configuration(
        &self,
        scope: &Scope,
        guild_id: &str,
        mode: Option<&str>,
    ) -> Result<Option<GuildConfiguration>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let select = format!(
            "SELECT {} FROM {{guild_config}} WHERE guild_id = ? AND mode = ? AND {in_scope}
             ORDER BY changed_at DESC, stream LIMIT 1",
            CONFIG_COLUMNS.join(", ")
        );
        let mut values = vec![guild_id.into(), mode.unwrap_or_default().into()];
        values.extend(scoped);
        self.first(&select, values, configuration_of).await
    }

    /// A page of a guild's variations, in the order of their ids: those of a mode, if one is given, and not
    /// the retired ones, unless they are wanted.
    pub async fn game_variations(
        &self,
        scope: &Scope,
        guild_id: &str,
        base_mode: Option<&str>,
        include_retired: bool,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<GameVariation>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let mut select = format!(
            "SELECT {} FROM {{game_variation}} WHERE guild_id = ? AND {in_scope}",
            VARIATION_COLUMNS.join(", ")
        );
        let mut values = vec![guild_id.into()];
        values.extend(scoped);
        if let Some(base_mode) = base_mode {
            select.push_str(" AND base_mode = ?");
            values.push(base_mode.into());
        }
        if !include_retired {
            select.push_str(" AND retired_at IS NULL");
        }
        if let Some(after) = after {
            select.push_str(" AND variation_id > ?");
            values.push(after.into());
        }
        select.push_str(" ORDER BY variation_id LIMIT ?");
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        self.all(&select, values, variation_of).await
    }
}

fn configuration_of(row: &QueryResult) -> Result<GuildConfiguration, DatabaseError> {
    let mut columns = Columns::of(row);
    let _stream: String = columns.take()?;
    let mode: String = columns.take()?;
    let _version: i32 = columns.take()?;
    Ok(GuildConfiguration {
        guild_id: columns.take()?,
        mode: Some(mode).filter(|mode| !mode.is_empty()),
        config: columns.take()?,
        config_version: columns.take()?,
        changed_by: columns.take()?,
        changed_at: columns.time()?,
    })
}

fn variation_of(row: &QueryResult) -> Result<GameVariation, DatabaseError> {
    let mut columns = Columns::of(row);
    let _stream: String = columns.take()?;
    let variation_id = columns.take()?;
    let _version: i32 = columns.take()?;
    Ok(GameVariation {
        variation_id,
        guild_id: columns.take()?,
        name: columns.take()?,
        base_mode: columns.take()?,
        config: columns.take()?,
        config_version: columns.take()?,
        defined_by: columns.take()?,
        defined_at: columns.time()?,
        retired_by: columns.take()?,
        retired_at: columns.time_or_null()?,
    })
}
