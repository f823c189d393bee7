//! Projections: what the log means, kept ready for reading.
//!
//! Each projection follows the log by itself and applies events and its checkpoint in one transaction, so
//! that every event counts exactly once, whatever fails in between. An answer says the position of the log
//! that it is as of. All of it can be made again from the log: a rebuild makes new tables beside the old ones
//! and takes their place when it has caught up.
//!
//! On `SQLite` the tables lie in a file of their own, so that no projection ever waits for the log's one
//! writer, or lets it wait; on PostgreSQL in a schema of their own.

mod batch;
mod builds;
mod column;
mod erase;
mod games;
mod guilds;
mod kind;
mod lane;
mod meaning;
mod observations;
mod players;
mod progress;
mod runner;
mod scope;
mod tables;
mod teams;
mod view;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use builds::{Build, BuildState, Halt, SetAside};
pub use erase::{EraseError, erase};
pub use games::{
    GameFilter, GameQuery, GuessFilter, GuessQuery, LeaderboardQuery, PlayedRound, ProjectedGame,
    ProjectedGuess, ProjectedReplay, ReplayKey, ReplayQuery, StatisticsQuery,
};
pub use guilds::{GameVariation, GuildConfiguration};
pub use kind::ProjectionKind;
pub use observations::{
    ErrorFilter, ErrorSum, QuarantinedEvent, RecoveryReport, RecoveryState, StreamHealth,
};
pub use players::PlayerProfile;
pub use teams::{Invitation, Team, TeamFilter, TeamMember, TeamName, TeamStatus};
pub use view::{View, ViewError};

use crate::position::Position;
use crate::store::{Database, DatabaseError, EventStore};
use builds::Builds;
use progress::Progress;

/// How projections are run and read.
#[derive(Clone, Copy, Debug)]
pub struct ProjectionOptions {
    /// Whether this node works at projections. It answers from them in any case.
    pub run: bool,
    /// The most events that are applied in one transaction.
    pub batch_events: u64,
    /// How often a node looks for builds that nobody works at.
    pub poll: Duration,
    /// A node that gave no sign of life for this long has lost its builds to any other.
    pub takeover_after: Duration,
    /// What happens to an event that cannot be used.
    pub on_fault: FaultPolicy,
    /// The longest that a read waits for a position.
    pub wait_timeout: Duration,
    /// How long the tables of a build that was replaced are kept for those who still read them.
    pub keep_retired: Duration,
}

/// What happens to an event that a projection cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPolicy {
    /// It is set aside with the reason, and the projection goes on.
    SetAside,
    /// The projection stands still before it, until somebody tells it to go on.
    Stop,
}

/// The projections of a log. Clones share them.
#[derive(Clone)]
pub struct Projections(Arc<Inner>);

struct Inner {
    store: EventStore,
    database: Arc<Database>,
    options: ProjectionOptions,
    /// A name for this run of this node.
    node_id: Uuid,
    progress: Progress,
    /// Rung when there may be a build to work at.
    wake: Notify,
    /// Somebody waits for a projection to come further.
    awaited: Notify,
    stop: watch::Sender<bool>,
    /// Whether there are builds, and all of this log, as far as this node knows. One that works at projections
    /// has seen to it; until then nobody is answered.
    is_set_up: watch::Sender<bool>,
    /// For what callers ask for; the builds have connections of their own.
    writer: DatabaseConnection,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

/// Why a projection could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The database is away, or too slow; nothing was changed.
    #[error("the projections cannot be changed now")]
    Unavailable,
    /// There is nothing to change: nobody runs projections on this log.
    #[error("the projection {0} is not built: no node of this log runs projections")]
    NotBuilt(&'static str),
    /// The database refused.
    #[error("the database refused to change the projections")]
    Fault,
}

/// A rebuild that was asked for.
#[derive(Clone, Debug)]
pub struct Rebuild {
    /// The build that is made.
    pub build: Build,
    /// Whether it was being made already, so that this request began nothing.
    pub duplicate: bool,
}

impl Projections {
    /// Starts the projections of `store` in `database`: of SQLite another file than the log's, of PostgreSQL
    /// the log's own database.
    #[must_use]
    pub fn start(store: EventStore, database: Database, options: ProjectionOptions) -> Self {
        let database = Arc::new(database);
        let projections = Self(Arc::new(Inner {
            writer: database.writer(),
            store,
            database,
            options,
            node_id: Uuid::now_v7(),
            progress: Progress::default(),
            wake: Notify::new(),
            awaited: Notify::new(),
            stop: watch::Sender::new(false),
            is_set_up: watch::Sender::new(false),
            supervisor: Mutex::default(),
        }));
        if options.run {
            let supervisor = tokio::spawn(runner::supervise(projections.clone()));
            if let Ok(mut place) = projections.0.supervisor.try_lock() {
                *place = Some(supervisor);
            }
        }
        projections
    }

    /// Stops working, and gives back what this node worked at, so that another one goes on at once.
    pub async fn close(&self) {
        self.0.stop.send_replace(true);
        if let Some(supervisor) = self.0.supervisor.lock().await.take() {
            let _ = supervisor.await;
        }
    }

    /// How they are run and read.
    #[must_use]
    pub fn options(&self) -> &ProjectionOptions {
        &self.0.options
    }

    /// This run of this node, as it stands in builds that it works at.
    #[must_use]
    pub fn node_id(&self) -> Uuid {
        self.0.node_id
    }

    /// Every build that there is, oldest first.
    pub async fn builds(&self) -> Result<Vec<Build>, ViewError> {
        let read = async {
            self.until_set_up().await;
            let transaction = self.0.database.snapshot().await?;
            let builds = Builds::of(&transaction);
            if !self.is_set_up(&builds).await? {
                return Ok(Vec::new());
            }
            builds.all().await
        };
        self.within_limit(read).await
    }

    /// The events that a build has set aside after a position, in the order of the log.
    pub async fn events_set_aside(
        &self,
        build: i64,
        after: Position,
        limit: u64,
    ) -> Result<Vec<SetAside>, ViewError> {
        let read = async {
            let transaction = self.0.database.snapshot().await?;
            let builds = Builds::of(&transaction);
            builds.events_set_aside(build, after, limit).await
        };
        self.within_limit(read).await
    }

    async fn within_limit<T>(
        &self,
        read: impl Future<Output = Result<T, DatabaseError>>,
    ) -> Result<T, ViewError> {
        match tokio::time::timeout(self.0.database.statement_timeout(), read).await {
            Ok(read) => read.map_err(|error| ViewError::from(&error)),
            Err(_) => Err(ViewError::Unavailable),
        }
    }

    /// Builds a projection anew, beside the one that answers. It takes over when it has caught up.
    pub async fn rebuild(
        &self,
        kind: ProjectionKind,
        requested_by: Option<&str>,
    ) -> Result<Rebuild, ChangeError> {
        let goal = self.0.store.known_head();
        let store_id = self.0.store.id();
        let rebuild = self
            .change(kind, async |builds: &Builds<'_>| {
                if let Some(build) = builds.add(kind, store_id, goal, requested_by).await? {
                    return Ok(Some(Rebuild {
                        build,
                        duplicate: false,
                    }));
                }
                let all = builds.all().await?;
                let building = all
                    .into_iter()
                    .find(|build| build.kind == kind && build.state == BuildState::Building);
                Ok(building.map(|build| Rebuild {
                    build,
                    duplicate: true,
                }))
            })
            .await?;
        self.0.wake.notify_one();
        Ok(rebuild)
    }

    /// Lets the builds of a projection go on that stand still at an event: they try it again, or set it aside.
    pub async fn resume(
        &self,
        kind: ProjectionKind,
        skip: bool,
    ) -> Result<Vec<Build>, ChangeError> {
        let store = self.0.store.clone();
        let builds = self
            .change(kind, async |builds: &Builds<'_>| {
                let mut resumed = Vec::new();
                for build in builds.all().await? {
                    let Some(halt) = build.halted.as_ref().filter(|_| build.kind == kind) else {
                        continue;
                    };
                    if skip {
                        skip_event(builds, &store, build.id, halt).await?;
                    }
                    builds.resume(build.id).await?;
                    resumed.extend(builds.get(build.id).await?);
                }
                Ok(Some(resumed))
            })
            .await?;
        self.0.wake.notify_one();
        Ok(builds)
    }

    async fn change<T>(
        &self,
        kind: ProjectionKind,
        change: impl AsyncFnOnce(&Builds<'_>) -> Result<Option<T>, DatabaseError>,
    ) -> Result<T, ChangeError> {
        let work = async {
            self.until_set_up().await;
            let _turn = self.0.database.write_turn().await;
            let transaction = self.0.database.begin(&self.0.writer).await?;
            let builds = Builds::of(&transaction);
            if !self.is_set_up(&builds).await? {
                return Ok(None);
            }
            let changed = change(&builds).await?;
            transaction.commit().await?;
            Ok::<_, DatabaseError>(changed)
        };
        let limit = self.0.database.statement_timeout();
        let changed = tokio::time::timeout(limit, work).await;
        match changed.map_err(|_| ChangeError::Unavailable)? {
            Ok(changed) => changed.ok_or(ChangeError::NotBuilt(kind.name())),
            Err(DatabaseError::Refused(reason)) => {
                tracing::error!(%reason, "projections cannot be changed");
                Err(ChangeError::Fault)
            }
            Err(_) => Err(ChangeError::Unavailable),
        }
    }

    /// Waits until this node has looked at the builds, if it is one that works at them. Nothing of the database
    /// is held meanwhile.
    async fn until_set_up(&self) {
        if self.0.options.run {
            let mut is_set_up = self.0.is_set_up.subscribe();
            let is_set_up = is_set_up.wait_for(|is_set_up| *is_set_up);
            // Should it not come to that, those who ask are told so.
            let _ = tokio::time::timeout(self.0.options.wait_timeout, is_set_up).await;
        }
    }

    /// Whether the tables about builds are there; once they are, they stay.
    async fn is_set_up(&self, builds: &Builds<'_>) -> Result<bool, DatabaseError> {
        if *self.0.is_set_up.borrow() || self.0.options.run {
            return Ok(*self.0.is_set_up.borrow());
        }
        let is_set_up = builds.are_set_up().await?;
        self.0.is_set_up.send_replace(is_set_up);
        Ok(is_set_up)
    }
}

/// Sets the event aside at which a build stands still, so that it goes on past it.
async fn skip_event(
    builds: &Builds<'_>,
    store: &EventStore,
    build: i64,
    halt: &Halt,
) -> Result<(), DatabaseError> {
    let found = store
        .events_at(&crate::scope::Scope::All, &[halt.position])
        .await;
    let found = found.map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
    if let Some(event) = found.values().next() {
        builds.set_aside(build, event, &halt.reason).await?;
    }
    Ok(())
}
