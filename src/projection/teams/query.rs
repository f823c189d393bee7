//! What can be asked about teams.

use chrono::{DateTime, Utc};
use sea_orm::{QueryResult, Value};

use super::fold::{Invitation, TEAM_COLUMNS, TeamMember, TeamName, TeamStatus};
use crate::projection::column::Columns;
use crate::projection::scope::{guild_condition, scope_condition};
use crate::projection::{View, ViewError};
use crate::scope::Scope;
use crate::store::DatabaseError;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The name of its stream, which is also its place in a list.
    pub stream: String,
    /// Its guild; none in direct messages.
    pub guild_id: Option<String>,
    /// Its id: the ids of its players.
    pub team_id: String,
    /// Where it is in its life.
    pub status: TeamStatus,
    /// Its name; none before it is formed.
    pub name: Option<String>,
    /// How often its name was changed.
    pub name_changes: i32,
    /// Who is in it; of a disbanded team, who was in it at its end.
    pub members: Vec<TeamMember>,
    /// When it was formed.
    pub created_at: Option<DateTime<Utc>>,
    /// When its latest event happened.
    pub updated_at: DateTime<Utc>,
    /// The invitation that waits for an answer.
    pub invitation: Option<Invitation>,
    /// The invitations that were made.
    pub invitations_made: i32,
    /// Those that were accepted.
    pub invitations_accepted: i32,
    /// Those that were declined.
    pub invitations_declined: i32,
    /// Those that nobody answered in time.
    pub invitations_expired: i32,
}

/// Which teams.
#[derive(Clone, Debug, Default)]
pub struct TeamFilter {
    /// Of this guild.
    pub guild_id: Option<String>,
    /// Those that this player is or was in, or was invited into.
    pub player_id: Option<String>,
    /// Those in one of these states; any, if empty.
    pub statuses: Vec<TeamStatus>,
}

impl View {
    /// The team of this id in a guild, or, for `None`, in direct messages.
    pub async fn team(
        &self,
        scope: &Scope,
        guild_id: Option<&str>,
        team_id: &str,
    ) -> Result<Option<Team>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let (of_guild, guild) = guild_condition(guild_id, "guild_id");
        // Two streams with one id break the convention for names; the one that lives counts.
        let select = format!(
            "SELECT {} FROM {{team}} WHERE team_id = ? AND {of_guild} AND {in_scope}
             ORDER BY CASE status WHEN 3 THEN 1 ELSE 0 END, updated_at DESC, stream LIMIT 1",
            TEAM_COLUMNS.join(", ")
        );
        let values = [vec![team_id.into()], guild, scoped].concat();
        self.first(&select, values, team_of).await
    }

    /// The team that a player is in, in a guild or, for `None`, in direct messages. Of several, which only
    /// events that break the rules can leave, the one that the player joined last.
    pub async fn team_of_player(
        &self,
        scope: &Scope,
        guild_id: Option<&str>,
        user_id: &str,
    ) -> Result<Option<Team>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "team_by_player.guild_id");
        let (of_guild, guild) = guild_condition(guild_id, "team_by_player.guild_id");
        let select = format!(
            "SELECT {} FROM {{team_by_player}} AS team_by_player
             JOIN {{team}} AS team ON team.stream = team_by_player.stream
             WHERE team_by_player.user_id = ? AND team_by_player.is_member = 1 AND {of_guild} AND {in_scope}
             ORDER BY team_by_player.position DESC LIMIT 1",
            columns_of_team()
        );
        let values = [vec![user_id.into()], guild, scoped].concat();
        self.first(&select, values, team_of).await
    }

    /// A page of the teams, in the order of the names of their streams.
    pub async fn teams(
        &self,
        scope: &Scope,
        filter: &TeamFilter,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Team>, ViewError> {
        let (from, mut values) = match &filter.player_id {
            Some(player_id) => (
                "{team_by_player} AS team_by_player
                 JOIN {team} AS team ON team.stream = team_by_player.stream
                 WHERE team_by_player.user_id = ?",
                vec![player_id.as_str().into()],
            ),
            None => ("{team} AS team WHERE 1 = 1", Vec::<Value>::new()),
        };
        let (in_scope, scoped) = scope_condition(scope, "team.guild_id");
        let mut select = format!("SELECT {} FROM {from} AND {in_scope}", columns_of_team());
        values.extend(scoped);
        if let Some(guild_id) = &filter.guild_id {
            select.push_str(" AND team.guild_id = ?");
            values.push(guild_id.as_str().into());
        }
        if !filter.statuses.is_empty() {
            let marks = vec!["?"; filter.statuses.len()].join(", ");
            select.push_str(" AND team.status IN (");
            select.push_str(&marks);
            select.push(')');
            values.extend(filter.statuses.iter().map(|status| status.stored().into()));
        }
        if let Some(after) = after {
            select.push_str(" AND team.stream > ?");
            values.push(after.into());
        }
        select.push_str(" ORDER BY team.stream LIMIT ?");
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        self.all(&select, values, team_of).await
    }

    /// The changes of the name of a team after one of them, in their order.
    pub async fn team_names(
        &self,
        scope: &Scope,
        team: &Team,
        after_sequence: i32,
        limit: u64,
    ) -> Result<Vec<TeamName>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "team.guild_id");
        let select = format!(
            "SELECT team_name.sequence, team_name.previous_name, team_name.new_name, team_name.changed_at,
                team_name.changed_by
             FROM {{team_name}} AS team_name JOIN {{team}} AS team ON team.stream = team_name.stream
             WHERE team_name.stream = ? AND team_name.sequence > ? AND {in_scope}
             ORDER BY team_name.sequence LIMIT ?"
        );
        let mut values = vec![team.stream.as_str().into(), after_sequence.into()];
        values.extend(scoped);
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        self.all(&select, values, name_of).await
    }
}

fn columns_of_team() -> String {
    TEAM_COLUMNS
        .map(|column| format!("team.{column}"))
        .join(", ")
}

fn team_of(row: &QueryResult) -> Result<Team, DatabaseError> {
    let mut columns = Columns::of(row);
    let stream = columns.take()?;
    let _version: i32 = columns.take()?;
    Ok(Team {
        stream,
        guild_id: columns.take()?,
        team_id: columns.take()?,
        status: TeamStatus::from_stored(columns.take()?),
        name: columns.take()?,
        name_changes: columns.take()?,
        members: columns.json()?,
        created_at: columns.time_or_null()?,
        updated_at: columns.time()?,
        invitation: columns.json_or_null()?,
        invitations_made: columns.take()?,
        invitations_accepted: columns.take()?,
        invitations_declined: columns.take()?,
        invitations_expired: columns.take()?,
    })
}

fn name_of(row: &QueryResult) -> Result<TeamName, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(TeamName {
        sequence: columns.take()?,
        previous_name: columns.take()?,
        new_name: columns.take()?,
        changed_at: columns.time()?,
        changed_by: columns.take()?,
    })
}
