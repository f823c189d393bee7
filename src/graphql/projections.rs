//! Projections as such: how far they are, and how they are made anew. What they hold has rooms of its own.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{
    Context, Enum, InputObject, Object, Result, SimpleObject, Subscription, Union,
};
use futures_util::Stream;

use super::error_code::{ErrorCode, change_error, view_error};
use super::loader::Operation;
use super::object::projection::{ProjectionBuildObject, ProjectionObject};
use super::refusal::ProjectionNotBuilt;
use crate::projection::{Build, BuildState, ChangeError, ProjectionKind, View};

/// What can be asked of projections.
#[derive(Default)]
pub(super) struct ProjectionQuery;

/// What can be changed about projections.
#[derive(Default)]
pub(super) struct ProjectionMutation;

/// What can be followed of projections.
#[derive(Default)]
pub(super) struct ProjectionSubscription;

/// A projection: a unit that follows the log on its own and keeps read models.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "ProjectionName", remote = "ProjectionKind")]
pub(super) enum ProjectionName {
    /// Games, their guesses and rounds, statistics, leaderboards, replays.
    Games,
    /// Teams and who is in them.
    Teams,
    /// What players say of themselves.
    Players,
    /// What guilds have configured.
    Guilds,
    /// Errors, recoveries, and events that were set aside.
    Observations,
}

#[Object]
impl ProjectionQuery {
    /// The projections: how far each is, what it could not use, and what is being rebuilt.
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<ProjectionObject>> {
        projections(Operation::of(ctx)?).await
    }
}

#[expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]
#[Subscription]
impl ProjectionSubscription {
    /// The projections, at once and then whenever something has changed: to watch a rebuild, or the lag.
    async fn projections(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How often they are looked at, in milliseconds; 500 if absent, 50 to 60,000."
        )]
        every_ms: Option<i32>,
    ) -> Result<impl Stream<Item = Result<Vec<ProjectionObject>>>> {
        let every = u64::try_from(every_ms.unwrap_or(500)).unwrap_or_default();
        if !(50..=60_000).contains(&every) {
            return Err(ErrorCode::InvalidArgument.error(format!(
                "`everyMs` is {}. It must be from 50 to 60,000.",
                every_ms.unwrap_or_default()
            )));
        }
        let operation = Arc::clone(Operation::of(ctx)?);
        let ticks = tokio::time::interval(Duration::from_millis(every));
        let state = (operation, ticks, None::<Vec<ProjectionObject>>);
        Ok(futures_util::stream::unfold(
            state,
            |(operation, mut ticks, last)| async move {
                loop {
                    ticks.tick().await;
                    // An outage is no reason to end: the next look may succeed.
                    let Ok(now) = projections(&operation).await else {
                        continue;
                    };
                    if last.as_ref().is_none_or(|last| differ(last, &now)) {
                        operation.next_turn();
                        return Some((Ok(now.clone()), (operation, ticks, Some(now))));
                    }
                }
            },
        ))
    }
}

#[Object]
impl ProjectionMutation {
    /// Makes a projection anew from the whole log, beside the one that answers. When it has caught up it takes
    /// the other's place; until then, and while it does, every answer is right.
    ///
    /// It answers at once with the build, which `projections` follows. While one is being made, that one is
    /// answered.
    async fn rebuild_projection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which projection, and who asks.")] input: RebuildProjectionInput,
    ) -> Result<RebuildProjectionPayload> {
        let operation = Operation::of(ctx)?;
        let kind = input.projection.into();
        let asked = operation
            .projections
            .rebuild(kind, input.actor_id.as_deref());
        match asked.await {
            Ok(rebuild) => Ok(RebuildProjectionPayload::RebuildStarted(RebuildStarted {
                build: ProjectionBuildObject::new(rebuild.build, operation.store.known_head()),
                duplicate: rebuild.duplicate,
            })),
            Err(ChangeError::NotBuilt(name)) => Ok(RebuildProjectionPayload::ProjectionNotBuilt(
                ProjectionNotBuilt::new(name),
            )),
            Err(error) => Err(change_error(&error)),
        }
    }

    /// Lets a projection go on that stands still at an event which it cannot use: it tries the event again, or
    /// sets it aside. One that does not stand still is left alone.
    async fn resume_projection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which projection, and how it goes on.")] input: ResumeProjectionInput,
    ) -> Result<ResumeProjectionPayload> {
        let operation = Operation::of(ctx)?;
        let kind = input.projection.into();
        match operation.projections.resume(kind, input.skip).await {
            Ok(builds) => {
                let head = operation.store.known_head();
                let builds = builds
                    .into_iter()
                    .map(|build| ProjectionBuildObject::new(build, head));
                Ok(ResumeProjectionPayload::ProjectionResumed(
                    ProjectionResumed {
                        builds: builds.collect(),
                    },
                ))
            }
            Err(ChangeError::NotBuilt(name)) => Ok(ResumeProjectionPayload::ProjectionNotBuilt(
                ProjectionNotBuilt::new(name),
            )),
            Err(error) => Err(change_error(&error)),
        }
    }
}

/// Which projection to make anew.
#[derive(InputObject)]
pub(super) struct RebuildProjectionInput {
    /// The projection.
    projection: ProjectionName,
    /// Who asks; kept with the build.
    actor_id: Option<String>,
}

/// Which projection goes on, and how.
#[derive(InputObject)]
pub(super) struct ResumeProjectionInput {
    /// The projection.
    projection: ProjectionName,
    /// Whether the event at which it stands still is set aside. False: it is tried again.
    #[graphql(default = false)]
    skip: bool,
}

/// What asking for a rebuild came to.
#[derive(Union)]
pub(super) enum RebuildProjectionPayload {
    /// There is a build that does it.
    RebuildStarted(RebuildStarted),
    /// Nobody runs projections.
    ProjectionNotBuilt(ProjectionNotBuilt),
}

/// A build is being made, durably: a node works at it by itself.
#[derive(SimpleObject)]
pub(super) struct RebuildStarted {
    /// The build as it is now.
    build: ProjectionBuildObject,
    /// Whether it was being made already, so that this request began nothing.
    duplicate: bool,
}

/// What telling a projection to go on came to.
#[derive(Union)]
pub(super) enum ResumeProjectionPayload {
    /// It goes on.
    ProjectionResumed(ProjectionResumed),
    /// Nobody runs projections.
    ProjectionNotBuilt(ProjectionNotBuilt),
}

/// The projection goes on.
#[derive(SimpleObject)]
pub(super) struct ProjectionResumed {
    /// The builds that stood still; none if none did.
    builds: Vec<ProjectionBuildObject>,
}

/// One moment of a projection, at `waitForPosition` or later.
pub(super) async fn view(
    operation: &Operation,
    kind: ProjectionKind,
    wait_for: Option<super::scalar::PositionScalar>,
) -> Result<View> {
    let wait_for = wait_for.map(|position| position.0);
    let view = operation.projections.view(kind, wait_for).await;
    view.map_err(|error| view_error(&error))
}

async fn projections(operation: &Operation) -> Result<Vec<ProjectionObject>> {
    let builds = operation.projections.builds().await;
    let builds = builds.map_err(|error| view_error(&error))?;
    let head = operation.store.known_head();
    Ok(ProjectionKind::ALL
        .into_iter()
        .map(|kind| {
            let of_kind = builds.iter().filter(|build| build.kind == kind);
            let in_use = of_kind.filter(|build| build.state != BuildState::Retired);
            ProjectionObject::new(kind, in_use.cloned().collect(), head)
        })
        .collect())
}

/// Signs of life alone are no news.
fn differ(last: &[ProjectionObject], now: &[ProjectionObject]) -> bool {
    let shown = |build: &Build| Build {
        heartbeat_at: chrono::DateTime::default(),
        ..build.clone()
    };
    let all = |projections: &[ProjectionObject]| -> Vec<_> {
        projections
            .iter()
            .map(|projection| {
                let builds: Vec<_> = projection.builds().iter().map(shown).collect();
                (builds, projection.lag())
            })
            .collect()
    };
    all(last) != all(now)
}
