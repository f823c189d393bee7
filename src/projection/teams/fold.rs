//! How the events of a stream become a team.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use gamebot::event::{
    Event, TeamCreated, TeamInvitationCreated, TeamMemberAdded, TeamMemberRemoved, TeamUpdated,
};
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};

use crate::event::RecordedEvent;
use crate::projection::column::{Columns, json, micros};
use crate::projection::meaning::check_key;
use crate::store::DatabaseError;

/// Where a team is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamStatus {
    /// It was never formed: one player has asked the other.
    Pending,
    /// It has two players.
    Active,
    /// A seat is empty.
    Incomplete,
    /// It has come to its end.
    Disbanded,
}

impl TeamStatus {
    /// The number that stands in the database.
    pub(super) const fn stored(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Active => 1,
            Self::Incomplete => 2,
            Self::Disbanded => 3,
        }
    }

    pub(super) const fn from_stored(number: i32) -> Self {
        match number {
            0 => Self::Pending,
            1 => Self::Active,
            2 => Self::Incomplete,
            _ => Self::Disbanded,
        }
    }
}

/// A player of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// The Discord user id.
    pub user_id: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The position of the event that says so: of several teams, the later one counts.
    pub(super) position: i64,
}

/// A player has asked another to form a team, and has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// Who asked.
    pub inviter_id: String,
    /// Who was asked.
    pub invitee_id: String,
    /// The name that the team shall have.
    pub proposed_name: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends unless it is answered; that it has ended an event must say.
    pub expires_at: DateTime<Utc>,
}

/// A change of a team's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName {
    /// Its number among the changes of this team, from 1.
    pub sequence: i32,
    /// The name until then; none if it is not known.
    pub previous_name: Option<String>,
    /// The name from then on.
    pub new_name: String,
    /// When it was changed.
    pub changed_at: DateTime<Utc>,
    /// Who changed it, by the metadata of the event.
    pub changed_by: Option<String>,
}

/// The row of a team, and what a batch has added to its other rows.
pub(super) struct TeamRow {
    /// The stream version of the last event that was folded.
    version: i32,
    guild_id: Option<String>,
    team_id: String,
    status: TeamStatus,
    name: Option<String>,
    /// How often the name was changed.
    names: i32,
    members: Vec<TeamMember>,
    created_at: Option<i64>,
    updated_at: i64,
    invitation: Option<Invitation>,
    made: i32,
    accepted: i32,
    declined: i32,
    expired: i32,
    /// The position of the last event, if this batch has folded one.
    position: Option<i64>,
    new_names: Vec<TeamName>,
    /// The players whose rows this batch has changed.
    touched: BTreeSet<String>,
}

pub(super) const TEAM_COLUMNS: [&str; 15] = [
    "stream",
    "version",
    "guild_id",
    "team_id",
    "status",
    "name",
    "names",
    "members",
    "created_at",
    "updated_at",
    "invitation",
    "invitations_made",
    "invitations_accepted",
    "invitations_declined",
    "invitations_expired",
];

impl TeamRow {
    /// A team of which nothing is known but its stream.
    pub(super) fn new(event: &RecordedEvent) -> Self {
        Self {
            version: 0,
            guild_id: event.guild_id.as_deref().map(str::to_owned),
            team_id: team_id_of(event.stream.as_str()).to_owned(),
            status: TeamStatus::Pending,
            name: None,
            names: 0,
            members: Vec::new(),
            created_at: None,
            updated_at: 0,
            invitation: None,
            made: 0,
            accepted: 0,
            declined: 0,
            expired: 0,
            position: None,
            new_names: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Folds an event, unless it was folded before; or says why it cannot be.
    pub(super) fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        if event.stream_version <= self.version {
            return Ok(());
        }
        check(said)?;
        self.version = event.stream_version;
        self.position = Some(event.position.get());
        self.updated_at = self.updated_at.max(micros(said.timestamp()));
        match said {
            Event::TeamInvitationCreated(created) => self.invite(created),
            Event::TeamInvitationAccepted(accepted) => {
                self.accepted += self.close(&accepted.invitation_id);
            }
            Event::TeamInvitationDeclined(declined) => {
                self.declined += self.close(&declined.invitation_id);
            }
            Event::TeamInvitationExpired(expired) => {
                self.expired += self.close(&expired.invitation_id);
            }
            Event::TeamCreated(created) => self.create(event, created),
            Event::TeamUpdated(updated) => self.rename(event, updated),
            Event::TeamMemberAdded(added) => self.add(event, added),
            Event::TeamMemberRemoved(removed) => self.remove(removed),
            Event::TeamDisbanded(_) => {
                self.status = TeamStatus::Disbanded;
                let members = self.members.iter().map(|member| member.user_id.clone());
                self.touched.extend(members);
            }
            _ => {}
        }
        Ok(())
    }

    fn invite(&mut self, created: &TeamInvitationCreated) {
        self.made += 1;
        self.touched.insert(created.inviter_id.clone());
        self.touched.insert(created.invitee_id.clone());
        self.invitation = Some(Invitation {
            id: created.invitation_id.clone(),
            inviter_id: created.inviter_id.clone(),
            invitee_id: created.invitee_id.clone(),
            proposed_name: created.proposed_name.clone(),
            created_at: created.created_at,
            expires_at: created.expires_at,
        });
    }

    /// Closes the open invitation, if it is this one; 1 if it was.
    fn close(&mut self, invitation_id: &str) -> i32 {
        let closed = self
            .invitation
            .take_if(|invitation| invitation.id == invitation_id);
        i32::from(closed.is_some())
    }

    fn create(&mut self, event: &RecordedEvent, created: &TeamCreated) {
        let before = self.members.drain(..).map(|member| member.user_id);
        self.touched.extend(before);
        self.touched.extend(created.player_ids.iter().cloned());
        for user_id in &created.player_ids {
            self.seat(event, user_id, created.created_at);
        }
        self.team_id.clone_from(&created.team_id);
        self.created_at = Some(micros(created.created_at));
        self.status = TeamStatus::Active;
        self.count_seats();
        let previous = self.name.replace(created.name.clone());
        if previous.as_ref().is_some_and(|name| *name != created.name) {
            self.note_name(event, previous, &created.name, created.created_at);
        }
    }

    fn rename(&mut self, event: &RecordedEvent, updated: &TeamUpdated) {
        let previous = self.name.replace(updated.name.clone());
        let previous = previous.or_else(|| updated.previous_name.clone());
        if previous.as_ref() != Some(&updated.name) {
            self.note_name(event, previous, &updated.name, updated.updated_at);
        }
    }

    fn note_name(
        &mut self,
        event: &RecordedEvent,
        previous_name: Option<String>,
        new_name: &str,
        changed_at: DateTime<Utc>,
    ) {
        self.names += 1;
        self.new_names.push(TeamName {
            sequence: self.names,
            previous_name,
            new_name: new_name.to_owned(),
            changed_at,
            changed_by: event.actor_id.as_deref().map(str::to_owned),
        });
    }

    fn add(&mut self, event: &RecordedEvent, added: &TeamMemberAdded) {
        self.seat(event, &added.player_id, added.added_at);
        self.touched.insert(added.player_id.clone());
        self.count_seats();
    }

    fn remove(&mut self, removed: &TeamMemberRemoved) {
        self.members
            .retain(|member| member.user_id != removed.player_id);
        self.touched.insert(removed.player_id.clone());
        self.count_seats();
    }

    fn seat(&mut self, event: &RecordedEvent, user_id: &str, since: DateTime<Utc>) {
        if self.members.iter().any(|member| member.user_id == user_id) {
            return;
        }
        self.members.push(TeamMember {
            user_id: user_id.to_owned(),
            since,
            position: event.position.get(),
        });
    }

    /// Of a team that was formed and has not ended, the seats say where it is.
    fn count_seats(&mut self) {
        if let TeamStatus::Active | TeamStatus::Incomplete = self.status {
            self.status = match self.members.len() {
                0 | 1 => TeamStatus::Incomplete,
                _ => TeamStatus::Active,
            };
        }
    }

    /// Whether this batch has folded an event.
    pub(super) fn is_changed(&self) -> bool {
        self.position.is_some()
    }

    pub(super) fn read(row: &QueryResult) -> Result<(String, Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let stream = columns.take()?;
        let team = Self {
            version: columns.take()?,
            guild_id: columns.take()?,
            team_id: columns.take()?,
            status: TeamStatus::from_stored(columns.take()?),
            name: columns.take()?,
            names: columns.take()?,
            members: columns.json()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
            invitation: columns.json_or_null()?,
            made: columns.take()?,
            accepted: columns.take()?,
            declined: columns.take()?,
            expired: columns.take()?,
            position: None,
            new_names: Vec::new(),
            touched: BTreeSet::new(),
        };
        Ok((stream, team))
    }

    pub(super) fn row(&self, stream: &str) -> Result<[Value; TEAM_COLUMNS.len()], DatabaseError> {
        Ok([
            stream.into(),
            self.version.into(),
            self.guild_id.clone().into(),
            self.team_id.clone().into(),
            self.status.stored().into(),
            self.name.clone().into(),
            self.names.into(),
            json(&self.members)?.into(),
            self.created_at.into(),
            self.updated_at.into(),
            self.invitation.as_ref().map(json).transpose()?.into(),
            self.made.into(),
            self.accepted.into(),
            self.declined.into(),
            self.expired.into(),
        ])
    }

    /// The changes of the name that this batch has added.
    pub(super) fn name_rows(&self, stream: &str) -> Vec<[Value; 6]> {
        let row = |name: &TeamName| -> [Value; 6] {
            [
                stream.into(),
                name.sequence.into(),
                name.previous_name.clone().into(),
                name.new_name.clone().into(),
                micros(name.changed_at).into(),
                name.changed_by.clone().into(),
            ]
        };
        self.new_names.iter().map(row).collect()
    }

    /// The rows of the players that this batch has touched.
    pub(super) fn player_rows(&self, stream: &str) -> Vec<[Value; 7]> {
        let row = |user_id: &String| -> [Value; 7] {
            let member = self
                .members
                .iter()
                .find(|member| member.user_id == *user_id)
                .filter(|_| self.status != TeamStatus::Disbanded);
            let position = member.map(|member| member.position).or(self.position);
            [
                stream.into(),
                user_id.clone().into(),
                self.guild_id.clone().into(),
                self.team_id.clone().into(),
                i32::from(member.is_some()).into(),
                member.map(|member| micros(member.since)).into(),
                position.unwrap_or_default().into(),
            ]
        };
        self.touched.iter().map(row).collect()
    }
}

/// The id of the team of a stream, which no invitation names: what follows the guild in `team-{guild}_{team}`.
fn team_id_of(stream: &str) -> &str {
    let id = stream.split_once('-').map_or(stream, |(_, id)| id);
    id.split_once('_').map_or(id, |(_, team_id)| team_id)
}

/// Whether what becomes a key can be one.
fn check(said: &Event) -> Result<(), String> {
    match said {
        Event::TeamInvitationCreated(created) => {
            check_key("inviter_id", &created.inviter_id)?;
            check_key("invitee_id", &created.invitee_id)
        }
        Event::TeamCreated(created) => {
            check_key("team_id", &created.team_id)?;
            let mut players = created.player_ids.iter();
            players.try_for_each(|player_id| check_key("player_ids", player_id))
        }
        Event::TeamMemberAdded(added) => check_key("player_id", &added.player_id),
        Event::TeamMemberRemoved(removed) => check_key("player_id", &removed.player_id),
        _ => Ok(()),
    }
}
