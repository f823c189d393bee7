//! A projection and its builds.

use async_graphql::{Context, Description, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::graphql::error_code::view_error;
use crate::graphql::loader::Operation;
use crate::graphql::projections::ProjectionName;
use crate::graphql::read_models::short_page;
use crate::graphql::scalar::{PositionScalar, SafeInt};
use crate::position::Position;
use crate::projection::{Build, BuildState, ProjectionKind, SetAside};

/// A projection: a unit that follows the log on its own and keeps read models, which can be made again from
/// the log.
#[derive(Description, Clone)]
pub(in crate::graphql) struct ProjectionObject {
    kind: ProjectionKind,
    /// Those in use: the active one, and the one that is made beside it.
    builds: Vec<Build>,
    head: Position,
}

/// What a projection is doing.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "ProjectionState")]
pub(in crate::graphql) enum ProjectionStateEnum {
    /// It is at the head of the log.
    CaughtUp,
    /// It is behind the head of the log and follows it.
    CatchingUp,
    /// It stands still at an event that it cannot use, until `resumeProjection` or a rebuild.
    Halted,
    /// Nobody has begun with it: no node of this log runs projections.
    NotBuilt,
}

impl ProjectionObject {
    pub(in crate::graphql) fn new(
        kind: ProjectionKind,
        builds: Vec<Build>,
        head: Position,
    ) -> Self {
        Self { kind, builds, head }
    }

    pub(in crate::graphql) fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// The positions by which the answers are behind; none without answers.
    pub(in crate::graphql) fn lag(&self) -> Option<u64> {
        self.active().map(|build| behind(build, self.head))
    }

    fn active(&self) -> Option<&Build> {
        self.builds
            .iter()
            .find(|build| build.state == BuildState::Active)
    }
}

#[Object(name = "Projection", use_type_description)]
impl ProjectionObject {
    /// Its name.
    async fn name(&self) -> ProjectionName {
        self.kind.into()
    }

    /// The read models that it keeps, by name.
    async fn read_models(&self) -> &[&'static str] {
        self.kind.read_models()
    }

    /// The categories of streams whose events it applies.
    async fn categories(&self) -> Vec<&'static str> {
        let all = self.kind.categories().iter().copied();
        all.filter(|category| !category.starts_with('$')).collect()
    }

    /// The version of its code and tables in this server. A build of an older version is replaced by one of
    /// this version.
    async fn version(&self) -> i32 {
        self.kind.version()
    }

    /// What it is doing.
    async fn state(&self) -> ProjectionStateEnum {
        match self.active() {
            None => ProjectionStateEnum::NotBuilt,
            Some(build) if build.halted.is_some() => ProjectionStateEnum::Halted,
            Some(build) if behind(build, self.head) > 0 => ProjectionStateEnum::CatchingUp,
            Some(_) => ProjectionStateEnum::CaughtUp,
        }
    }

    /// Its answers hold everything up to this position of the log, and nothing after it; null without answers.
    async fn position(&self) -> Option<PositionScalar> {
        self.active().map(|build| PositionScalar(build.position))
    }

    /// The positions by which its answers are behind the head of the log; null without answers.
    #[graphql(name = "lag")]
    async fn lag_shown(&self) -> Option<SafeInt> {
        self.lag().map(SafeInt)
    }

    /// The build that answers; null without answers.
    async fn active_build(&self) -> Option<ProjectionBuildObject> {
        self.active()
            .map(|build| ProjectionBuildObject::new(build.clone(), self.head))
    }

    /// The build that is being made beside it, and takes its place when it has caught up; null if none is.
    async fn rebuild(&self) -> Option<ProjectionBuildObject> {
        let building = self
            .builds
            .iter()
            .find(|build| build.state == BuildState::Building);
        building.map(|build| ProjectionBuildObject::new(build.clone(), self.head))
    }
}

/// Where a build is in its life.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "ProjectionBuildState", remote = "BuildState")]
pub(in crate::graphql) enum BuildStateEnum {
    /// It runs after the log beside the active build, and answers nobody.
    Building,
    /// It answers.
    Active,
    /// Another one has taken its place.
    Retired,
}

/// A copy of a projection's tables, and how far it is.
#[derive(Description)]
pub(in crate::graphql) struct ProjectionBuildObject {
    build: Build,
    head: Position,
}

impl ProjectionBuildObject {
    pub(in crate::graphql) fn new(build: Build, head: Position) -> Self {
        Self { build, head }
    }
}

#[Object(name = "ProjectionBuild", use_type_description)]
impl ProjectionBuildObject {
    /// Its number: the greater, the younger.
    async fn number(&self) -> SafeInt {
        SafeInt(u64::try_from(self.build.id).unwrap_or_default())
    }

    /// What it is a build of.
    async fn projection(&self) -> ProjectionName {
        self.build.kind.into()
    }

    /// The version of the code that makes it.
    async fn version(&self) -> i32 {
        self.build.version
    }

    /// Where it is in its life.
    async fn state(&self) -> BuildStateEnum {
        self.build.state.into()
    }

    /// Everything up to this position of the log is in it, and nothing after it.
    async fn position(&self) -> PositionScalar {
        PositionScalar(self.build.position)
    }

    /// The head of the log when it began.
    async fn goal(&self) -> PositionScalar {
        PositionScalar(self.build.goal)
    }

    /// How much of the log up to the head is in it, from 0 to 1.
    async fn progress(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "positions are below 2^53")]
        let (position, head) = (self.build.position.get() as f64, self.head.get() as f64);
        if head > position {
            position / head
        } else {
            1.0
        }
    }

    /// The positions by which it is behind the head of the log.
    async fn lag(&self) -> SafeInt {
        SafeInt(behind(&self.build, self.head))
    }

    /// The events that were applied to it, of all that its categories hold.
    async fn applied_events(&self) -> SafeInt {
        SafeInt(u64::try_from(self.build.applied).unwrap_or_default())
    }

    /// The number of events that could not be used and were set aside.
    async fn set_aside_count(&self) -> SafeInt {
        SafeInt(u64::try_from(self.build.set_aside).unwrap_or_default())
    }

    /// The events that could not be used and were set aside, in the order of the log.
    async fn set_aside(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After the event at this position.")] after_position: Option<
            PositionScalar,
        >,
    ) -> Result<Vec<SetAsideEvent>> {
        let operation = Operation::of(ctx)?;
        let first = short_page(operation, first)?;
        let after = after_position.map_or(Position::ORIGIN, |position| position.0);
        let found = operation
            .projections
            .events_set_aside(self.build.id, after, first);
        let found = found.await.map_err(|error| view_error(&error))?;
        Ok(found.into_iter().map(SetAsideEvent::from).collect())
    }

    /// Where and why it stands still; null while it does not.
    async fn halted(&self) -> Option<ProjectionHalt> {
        let halt = self.build.halted.as_ref()?;
        Some(ProjectionHalt {
            position: PositionScalar(halt.position),
            reason: halt.reason.clone(),
        })
    }

    /// When it began.
    async fn started_at(&self) -> DateTime<Utc> {
        self.build.started_at
    }

    /// When it became the one that answers; null before.
    async fn activated_at(&self) -> Option<DateTime<Utc>> {
        self.build.activated_at
    }

    /// The node that works at it; null while none does.
    async fn node_id(&self) -> Option<Uuid> {
        self.build.node_id
    }

    /// When that node last said so.
    async fn heartbeat_at(&self) -> DateTime<Utc> {
        self.build.heartbeat_at
    }

    /// Who asked for it; null for one that a new version of the server, or an empty database, asked for.
    async fn requested_by(&self) -> Option<&str> {
        self.build.requested_by.as_deref()
    }
}

/// Why a build stands still.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ProjectionHalt {
    /// The position of the event that it cannot use; `eventAt` shows it.
    position: PositionScalar,
    /// Why not.
    reason: String,
}

/// An event that a projection could not use, and has passed by.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SetAsideEvent {
    /// Its position; `eventAt` shows it.
    position: PositionScalar,
    /// Its id.
    event_id: Uuid,
    /// The name of its stream.
    stream_name: String,
    /// Its type.
    #[graphql(name = "type")]
    event_type: String,
    /// Why it could not be used.
    reason: String,
    /// When it was set aside.
    at: DateTime<Utc>,
}

impl From<SetAside> for SetAsideEvent {
    fn from(event: SetAside) -> Self {
        Self {
            position: PositionScalar(event.position),
            event_id: event.event_id,
            stream_name: event.stream,
            event_type: event.event_type,
            reason: event.reason,
            at: event.at,
        }
    }
}

fn behind(build: &Build, head: Position) -> u64 {
    u64::try_from(head.get() - build.position.get()).unwrap_or_default()
}
