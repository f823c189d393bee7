//! The read models `team` and `team_by_player`.
//!
//! One stream is one team: a pair of players in a guild, or in direct messages. All that a stream has said
//! is in rows of its own, so that they can go when the stream is deleted.

mod fold;
mod query;

use std::collections::{BTreeMap, BTreeSet};

use gamebot::event::Event;

pub use fold::{Invitation, TeamMember, TeamName, TeamStatus};
pub use query::{Team, TeamFilter};

use super::batch::{Said, StreamRows, streams_of};
use super::meaning::remove_streams;
use super::tables::{Layout, Target};
use crate::event::RecordedEvent;
use crate::store::DatabaseError;
use fold::{TEAM_COLUMNS, TeamRow};

pub(super) static LAYOUT: Layout = Layout {
    tables: &["team", "team_name", "team_by_player"],
    creations: &[
        "CREATE TABLE {team} (
            stream {text} NOT NULL PRIMARY KEY, version INTEGER NOT NULL, guild_id {text},
            team_id {text} NOT NULL, status INTEGER NOT NULL, name {text}, names INTEGER NOT NULL,
            members {text} NOT NULL, created_at BIGINT, updated_at BIGINT NOT NULL, invitation {text},
            invitations_made INTEGER NOT NULL, invitations_accepted INTEGER NOT NULL,
            invitations_declined INTEGER NOT NULL, invitations_expired INTEGER NOT NULL)",
        "CREATE TABLE {team_name} (
            stream {text} NOT NULL, sequence INTEGER NOT NULL, previous_name {text}, new_name {text} NOT NULL,
            changed_at BIGINT NOT NULL, changed_by {text}, PRIMARY KEY (stream, sequence))",
        // Whoever is or was in a team, or was invited into it; `is_member` while it is so.
        "CREATE TABLE {team_by_player} (
            stream {text} NOT NULL, user_id {text} NOT NULL, guild_id {text}, team_id {text} NOT NULL,
            is_member INTEGER NOT NULL, since BIGINT, position BIGINT NOT NULL, PRIMARY KEY (stream, user_id))",
    ],
    indexes: &[
        "CREATE INDEX IF NOT EXISTS {team_id_index} ON {team} (team_id)",
        "CREATE INDEX IF NOT EXISTS {team_guild_index} ON {team} (guild_id, stream)",
        "CREATE INDEX IF NOT EXISTS {team_by_player_user_index} ON {team_by_player} (user_id, stream)",
    ],
};

/// The teams that a batch of events concerns, by stream.
pub(super) struct Teams(BTreeMap<String, TeamRow>);

impl StreamRows for Teams {
    const CATEGORIES: &'static [&'static str] = &["team"];
    const TYPES: &'static [&'static str] = &[
        "team_invitation_created",
        "team_invitation_accepted",
        "team_invitation_declined",
        "team_invitation_expired",
        "team_created",
        "team_updated",
        "team_member_added",
        "team_member_removed",
        "team_disbanded",
    ];

    async fn read(said: &[Said<'_>], target: &Target<'_>) -> Result<Self, DatabaseError> {
        let columns = TEAM_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{team}} WHERE stream");
        let rows = target.rows_of(&select, streams_of(said)).await?;
        let teams = rows.iter().map(TeamRow::read);
        teams.collect::<Result<_, _>>().map(Self)
    }

    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        let team = self.0.entry(event.stream.as_str().to_owned());
        team.or_insert_with(|| TeamRow::new(event))
            .fold(event, said)
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
        write_teams(self.0, target).await
    }
}

async fn write_teams(
    teams: BTreeMap<String, TeamRow>,
    target: &Target<'_>,
) -> Result<(), DatabaseError> {
    let (mut rows, mut names, mut players) = (Vec::new(), Vec::new(), Vec::new());
    for (stream, team) in teams.iter().filter(|(_, team)| team.is_changed()) {
        rows.push(team.row(stream)?);
        names.extend(team.name_rows(stream));
        players.extend(team.player_rows(stream));
    }
    target.upsert("team", 1, TEAM_COLUMNS, rows).await?;
    let columns = [
        "stream",
        "sequence",
        "previous_name",
        "new_name",
        "changed_at",
        "changed_by",
    ];
    target.upsert("team_name", 2, columns, names).await?;
    let columns = [
        "stream",
        "user_id",
        "guild_id",
        "team_id",
        "is_member",
        "since",
        "position",
    ];
    target.upsert("team_by_player", 2, columns, players).await
}
