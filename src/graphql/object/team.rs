//! Teams.

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::GameMode;

use super::played::{GuessConnection, connection};
use super::statistics::{TeamStatistics, TimeWindow};
use crate::graphql::error_code::view_error;
use crate::graphql::figures::{TeamOfGuild, team_statistics};
use crate::graphql::input::Direction;
use crate::graphql::loader::Operation;
use crate::graphql::page::PageArguments;
use crate::graphql::played::guesses;
use crate::graphql::projections::view;
use crate::graphql::read_models::short_page;
use crate::graphql::scalar::PositionScalar;
use crate::projection::{self, GuessFilter, ProjectionKind, TeamStatus};

/// Where a team is in its life.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "TeamStatus")]
pub(in crate::graphql) enum TeamLifeStatus {
    /// It was never formed: one player has asked the other.
    Pending,
    /// It has two players and can start games.
    Active,
    /// A seat is empty; it cannot start games until it is filled.
    Incomplete,
    /// It has come to its end.
    Disbanded,
}

/// A team: two players of a Discord server, or of direct messages.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
pub(in crate::graphql) struct Team {
    /// Its id: the ids of its two players in numeric order, joined by an underscore.
    team_id: String,
    /// The Discord server; null for direct messages.
    guild_id: Option<String>,
    /// The name of its stream; `stream` shows its events.
    stream_name: String,
    /// Where it is in its life.
    status: TeamLifeStatus,
    /// Its name; null while it is pending.
    name: Option<String>,
    /// Who is in it; of a disbanded team, who was in it at its end. Empty while it is pending.
    members: Vec<TeamMember>,
    /// The invitation that waits for an answer; null if none does.
    invitation: Option<TeamInvitation>,
    /// How many invitations came to what.
    invitations: TeamInvitationCounts,
    /// How often its name was changed.
    name_change_count: i32,
    /// When it was formed, the last time if it was formed again; null while it is pending.
    created_at: Option<DateTime<Utc>>,
    /// When its latest event happened.
    updated_at: DateTime<Utc>,
    /// The answer holds everything up to this position of the log, and nothing after it.
    projected_through: PositionScalar,
    #[graphql(skip)]
    team: projection::Team,
    /// What the caller wants to see in nested fields, too.
    #[graphql(skip)]
    wait_for: Option<PositionScalar>,
}

/// A player of a team.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct TeamMember {
    /// The Discord user id.
    user_id: String,
    /// Since when the player is in it.
    since: DateTime<Utc>,
}

/// A player has asked another one to form a team.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct TeamInvitation {
    /// Its id.
    invitation_id: String,
    /// The Discord user id of the player who asked.
    inviter_id: String,
    /// The Discord user id of the player who was asked.
    invitee_id: String,
    /// The name that the team shall have; null when none was proposed.
    proposed_name: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends unless it is answered. It is shown until an event says that it has.
    expires_at: DateTime<Utc>,
}

/// How many invitations of a team came to what. Those that are missing in the sum wait, or were replaced by a
/// later one.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct TeamInvitationCounts {
    /// Those that were made.
    made: i32,
    /// Those that were accepted.
    accepted: i32,
    /// Those that were declined.
    declined: i32,
    /// Those that nobody answered in time.
    expired: i32,
}

/// A change of a team's name.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TeamNameChange {
    /// Its number among the changes of this team, from 1.
    sequence: i32,
    /// The name until then; null if it is not known.
    previous_name: Option<String>,
    /// The name from then on.
    new_name: String,
    /// When it was changed.
    changed_at: DateTime<Utc>,
    /// The actor in the metadata of the event; null if there is none.
    changed_by: Option<String>,
}

connection!(TeamConnection, TeamEdge, Team, "teams");

impl Team {
    pub(in crate::graphql) fn new(
        team: projection::Team,
        projected_through: PositionScalar,
        wait_for: Option<PositionScalar>,
    ) -> Self {
        let shown = team.clone();
        Self {
            team_id: shown.team_id,
            guild_id: shown.guild_id,
            stream_name: shown.stream,
            status: shown.status.into(),
            name: shown.name,
            members: shown.members.into_iter().map(TeamMember::from).collect(),
            invitation: shown.invitation.map(TeamInvitation::from),
            invitations: TeamInvitationCounts {
                made: shown.invitations_made,
                accepted: shown.invitations_accepted,
                declined: shown.invitations_declined,
                expired: shown.invitations_expired,
            },
            name_change_count: shown.name_changes,
            created_at: shown.created_at,
            updated_at: shown.updated_at,
            projected_through,
            team,
            wait_for,
        }
    }
}

#[ComplexObject]
impl Team {
    /// The Discord user ids of its members.
    async fn player_ids(&self) -> Vec<&str> {
        let members = self.team.members.iter();
        members.map(|member| member.user_id.as_str()).collect()
    }

    /// The changes of its name, oldest first.
    async fn name_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After the change with this sequence.")] after_sequence: Option<i32>,
    ) -> Result<Vec<TeamNameChange>> {
        let operation = Operation::of(ctx)?;
        let limit = short_page(operation, first)?;
        let wait_for = Some(self.projected_through);
        let view = view(operation, ProjectionKind::Teams, wait_for).await?;
        let after = after_sequence.unwrap_or(0);
        let found = view.team_names(&operation.scope, &self.team, after, limit);
        let found = found.await.map_err(|error| view_error(&error))?;
        Ok(found.into_iter().map(TeamNameChange::from).collect())
    }

    /// The team's figures over the games of its Discord server that came to a result.
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Games by these rules; by any if absent.")] mode: Option<GameMode>,
        #[graphql(
            desc = "Games that came to their result in this stretch of time.",
            default
        )]
        window: TimeWindow,
    ) -> Result<TeamStatistics> {
        let operation = Operation::of(ctx)?;
        let team = TeamOfGuild {
            team_id: &self.team_id,
            guild_id: self.guild_id.clone(),
            is_ranked: ctx.look_ahead().field("ranking").exists(),
        };
        team_statistics(operation, team, mode, window, self.wait_for).await
    }

    /// The guesses of the team, in games of its Discord server.
    async fn guesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "BACKWARD: newest first.", default_with = "Direction::Backward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<GuessConnection> {
        let filter = GuessFilter {
            team_id: Some(self.team_id.clone()),
            guild_id: Some(self.guild_id.clone()),
            ..GuessFilter::default()
        };
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        guesses(Operation::of(ctx)?, filter, direction, page, self.wait_for).await
    }
}

impl From<projection::TeamMember> for TeamMember {
    fn from(member: projection::TeamMember) -> Self {
        Self {
            user_id: member.user_id,
            since: member.since,
        }
    }
}

impl From<projection::Invitation> for TeamInvitation {
    fn from(invitation: projection::Invitation) -> Self {
        Self {
            invitation_id: invitation.id,
            inviter_id: invitation.inviter_id,
            invitee_id: invitation.invitee_id,
            proposed_name: invitation.proposed_name,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

impl From<projection::TeamName> for TeamNameChange {
    fn from(name: projection::TeamName) -> Self {
        Self {
            sequence: name.sequence,
            previous_name: name.previous_name,
            new_name: name.new_name,
            changed_at: name.changed_at,
            changed_by: name.changed_by,
        }
    }
}
