//! The work at one build: read a part of the log, apply it and move the checkpoint in one transaction, read
//! on.
//!
//! Nothing in memory counts: whatever goes wrong, the lane ends, the supervisor claims the build again, and
//! the new lane goes on from what the row says. So a lost connection, a lost answer to a commit, a restart and
//! another node's take-over are one case.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::builds::{Build, BuildState, Builds, Halt, Lease};
use super::kind::{Digest, Projector};
use super::tables::{Fault, Names, Target};
use super::{FaultPolicy, Inner, Projections};
use crate::event::RecordedEvent;
use crate::position::Position;
use crate::scope::Scope;
use crate::store::{DatabaseError, EventQuery};

/// Why a lane has ended.
#[derive(Debug)]
pub(super) enum LaneEnd {
    /// The projections are closed.
    Stopped,
    /// Another node has the build, or it was retired.
    Lost,
    /// It stands still at an event that cannot be used.
    Halted,
    /// The database was away, or refused.
    Failed,
}

/// A part of the log, as far as it concerns a projection.
struct Page {
    events: Vec<Arc<RecordedEvent>>,
    /// Everything up to here has been looked at.
    through: Position,
    /// What the events come to, where that could be worked out ahead.
    digest: Option<Box<dyn Digest>>,
}

impl Page {
    fn new(events: Vec<Arc<RecordedEvent>>, through: Position) -> Self {
        Self {
            events,
            through,
            digest: None,
        }
    }
}

struct Lane<'a> {
    inner: &'a Inner,
    writer: DatabaseConnection,
    names: Names,
    build: Build,
    lease: Lease,
    /// None as long as it works ahead, and after it may have been ahead of what was written.
    projector: Option<Box<dyn Projector>>,
    /// The most events of the next page: fewer than there may be, after more were too many for one transaction.
    most_events: u64,
    /// Whether it has made the indexes of a build that is to take over.
    is_indexed: bool,
    /// When this lane last said that it lives.
    last_sign: Instant,
}

/// Works at a build until somebody else has it or the projections are closed.
pub(super) async fn run(projections: Projections, build: i64, lease: Lease) -> LaneEnd {
    let inner = &*projections.0;
    let mut stop = inner.stop.subscribe();
    let work = async {
        let mut lane = Lane::open(inner, build, lease)
            .await?
            .ok_or(LaneError::Lost)?;
        let end = lane.follow().await;
        let _ = lane.writer.clone().close().await;
        end
    };
    let end = tokio::select! {
        biased;
        // A transaction under way is rolled back.
        _ = stop.wait_for(|stop| *stop) => LaneEnd::Stopped,
        end = work => match end {
            Ok(never) => match never {},
            Err(LaneError::Lost) => LaneEnd::Lost,
            Err(LaneError::Halted) => LaneEnd::Halted,
            Err(LaneError::Database(error)) => {
                tracing::warn!(build, %error, "the work at a projection is interrupted");
                LaneEnd::Failed
            }
        },
    };
    tracing::debug!(build, ?end, "the work at a projection ends");
    end
}

enum LaneError {
    Lost,
    Halted,
    Database(DatabaseError),
}

impl From<DatabaseError> for LaneError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<sea_orm::DbErr> for LaneError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl<'a> Lane<'a> {
    async fn open(inner: &'a Inner, id: i64, lease: Lease) -> Result<Option<Self>, LaneError> {
        let build = {
            let transaction = inner.database.snapshot().await?;
            Builds::of(&transaction).get(id).await?
        };
        Ok(build.map(|build| Self {
            writer: inner.database.writer(),
            names: Names::of_build(inner.database.backend(), id),
            projector: None,
            most_events: inner.options.batch_events,
            inner,
            build,
            lease,
            is_indexed: false,
            last_sign: Instant::now(),
        }))
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, LaneError> {
        let mut heads = self.inner.store.watch_head();
        self.tell_progress();
        let mut page = self.read(self.build.position).await?;
        loop {
            if page.through > self.build.position {
                let concerns = !page.events.is_empty();
                page = self.step(page).await?;
                if self.build.state == BuildState::Building && page.events.is_empty() {
                    self.take_over().await?;
                }
                if page.events.is_empty() {
                    self.gather(concerns).await;
                    page = self.read(self.build.position).await?;
                }
                continue;
            }
            if self.build.state == BuildState::Building {
                self.take_over().await?;
            }
            heads.mark_unchanged();
            if self.inner.store.known_head() <= self.build.position {
                let moved = tokio::time::timeout(SIGN_OF_LIFE, heads.changed()).await;
                if matches!(moved, Ok(Err(_))) {
                    return Err(LaneError::Lost);
                }
            }
            if self.last_sign.elapsed() >= SIGN_OF_LIFE {
                let mut sign = Page::new(Vec::new(), self.build.position);
                self.apply(&mut sign).await?;
            }
            page = self.read(self.build.position).await?;
        }
    }

    /// Lets commits gather, so that many of them move the checkpoint once: for longer where the last ones did not
    /// concern the projection, unless somebody waits for it.
    async fn gather(&self, last_concerned: bool) {
        if last_concerned {
            tokio::time::sleep(QUIET).await;
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(IDLE) => {}
            () = self.inner.awaited.notified() => {}
        }
    }

    /// Applies a page, and answers the next one. While this one is written, that one is read, and worked out as far
    /// as it can be: on another core, if there is one.
    async fn step(&mut self, mut page: Page) -> Result<Page, LaneError> {
        let reading = self.reader(page.through);
        // A page that nobody has worked out needs the projector while it is written.
        let mut projector = page.digest.is_some().then(|| self.take_projector());
        // Whoever drops it ends what it does.
        let mut ahead = JoinSet::new();
        ahead.spawn(async move {
            let mut next = reading.await?;
            if let Some(projector) = &mut projector {
                next.digest = projector.digest(&next.events)?;
            }
            Ok::<_, DatabaseError>((next, projector))
        });
        if let Err(error) = self.apply(&mut page).await {
            return self.half_of(&page, error).await;
        }
        self.most_events = (self.most_events * 2).min(self.inner.options.batch_events);
        let Some(Ok(read)) = ahead.join_next().await else {
            return Err(DatabaseError::Unavailable("a read was broken off".to_owned()).into());
        };
        let (mut next, projector) = read?;
        if projector.is_some() {
            self.projector = projector;
        } else {
            let mut projector = self.take_projector();
            next.digest = projector.digest(&next.events)?;
            self.projector = Some(projector);
        }
        Ok(next)
    }

    /// Half of a page that took too long to be applied: that may be done in time. Should it have been the answer
    /// to the commit that was too slow, the checkpoint has moved, and what is tried next is refused.
    async fn half_of(&mut self, page: &Page, error: LaneError) -> Result<Page, LaneError> {
        match error {
            LaneError::Database(DatabaseError::TooSlow(_)) if page.events.len() > 1 => {
                self.projector = None;
                self.most_events = page.events.len() as u64 / 2;
                self.read(self.build.position).await
            }
            error => Err(error),
        }
    }

    /// The projector, or one that knows nothing yet.
    fn take_projector(&mut self) -> Box<dyn Projector> {
        let kind = self.build.kind;
        self.projector.take().unwrap_or_else(|| kind.projector())
    }

    async fn read(&self, after: Position) -> Result<Page, LaneError> {
        Ok(self.reader(after).await?)
    }

    /// Reads on after a position. It borrows nothing of the lane, so that it can run beside `apply`.
    fn reader(&self, after: Position) -> impl Future<Output = Result<Page, DatabaseError>> + use<> {
        let store = self.inner.store.clone();
        let limit = self.most_events;
        let filters = self.build.kind.filters();
        async move {
            let head = store.known_head();
            if head <= after {
                return Ok(Page::new(Vec::new(), after));
            }
            let mut through = head;
            let mut events = Vec::new();
            for filter in filters {
                let query = EventQuery {
                    scope: Scope::All,
                    filter,
                    stream_id: None,
                    after,
                    through,
                    versions: crate::store::VersionRange::default(),
                    descending: false,
                    limit,
                };
                let part = store.events(&query).await;
                let part = part.map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
                if let Some(last) = part.last()
                    && part.len() as u64 >= limit
                {
                    // There may be more of this part behind its last event.
                    through = last.position;
                }
                events.extend(part);
            }
            events.retain(|event| event.position <= through);
            events.sort_unstable_by_key(|event| event.position);
            Ok(Page::new(events, through))
        }
    }

    /// Applies a page and moves the checkpoint, in one transaction.
    async fn apply(&mut self, page: &mut Page) -> Result<(), LaneError> {
        let limit = self.inner.database.statement_timeout();
        let inner = self.inner;
        let work = async {
            let _turn = inner.database.write_turn().await;
            let transaction = inner.database.begin_derived(&self.writer).await?;
            let digest = page.digest.take();
            let fault = self
                .write(&transaction, &page.events, page.through, digest)
                .await?;
            match (fault, inner.options.on_fault) {
                (Some(fault), FaultPolicy::Stop) => {
                    transaction.rollback().await?;
                    self.stop_at(page, &fault).await?;
                    Err(LaneError::Halted)
                }
                _ => Ok(transaction.commit().await?),
            }
        };
        let applied = match tokio::time::timeout(limit, work).await {
            Ok(applied) => applied,
            Err(_) => {
                Err(DatabaseError::TooSlow("the transaction took too long".to_owned()).into())
            }
        };
        applied?;
        self.last_sign = Instant::now();
        self.build.position = page.through;
        self.tell_progress();
        Ok(())
    }

    /// Writes what events come to, and sets those aside that cannot be used. The answer is the first of these,
    /// unless all of them were set aside before: then somebody has said that the build shall go on.
    async fn write(
        &mut self,
        transaction: &DatabaseTransaction,
        events: &[Arc<RecordedEvent>],
        through: Position,
        digest: Option<Box<dyn Digest>>,
    ) -> Result<Option<Fault>, LaneError> {
        let builds = Builds::of(transaction);
        let from = self.build.position;
        let last = events.last().map(AsRef::as_ref);
        // First, so that a node which has lost its lease hears it before it has done the work.
        if !builds
            .advance(self.lease, from, through, last, events.len())
            .await?
        {
            return Err(LaneError::Lost);
        }
        let mut projector = digest.is_none().then(|| self.take_projector());
        let mut target = Target::new(transaction, &self.names);
        match (digest, &mut projector) {
            (Some(digest), _) => digest.write(&mut target).await?,
            (None, Some(projector)) if !events.is_empty() => {
                projector.apply(events, &mut target).await?;
            }
            _ => {}
        }
        let mut faults = target.faults;
        self.projector = projector.or(self.projector.take());
        faults.sort_by_key(|fault| fault.index);
        let mut first = None;
        for fault in faults {
            let event = &events[fault.index];
            let set_aside = builds.set_aside(self.build.id, event, &fault.reason);
            if set_aside.await? {
                first.get_or_insert(fault);
            }
        }
        Ok(first)
    }

    /// Applies what stands before an event that cannot be used, and lets the build stand still there.
    async fn stop_at(&mut self, page: &Page, fault: &Fault) -> Result<(), LaneError> {
        self.projector = None;
        let event = &page.events[fault.index];
        let before = &page.events[..fault.index];
        let through = Position::from_stored(event.position.get() - 1);
        let transaction = self.inner.database.begin_derived(&self.writer).await?;
        self.write(&transaction, before, through, None).await?;
        let halt = Halt {
            position: event.position,
            reason: fault.reason.clone(),
        };
        Builds::of(&transaction).halt(self.build.id, &halt).await?;
        transaction.commit().await?;
        tracing::error!(projection = self.build.kind.name(), position = %halt.position, reason = %halt.reason,
            "a projection stands still at an event that it cannot use");
        Ok(())
    }

    /// Makes this build the active one, if it has caught up with the one that is.
    async fn take_over(&mut self) -> Result<(), LaneError> {
        if !self.is_indexed {
            // Before the other build is touched, which goes on answering and following: on SQLite between two
            // indexes.
            for index in self.build.kind.layout().indexes {
                self.index(index).await?;
            }
            self.is_indexed = true;
            return Ok(());
        }
        let _turn = self.inner.database.write_turn().await;
        let transaction = self.inner.database.begin(&self.writer).await?;
        let builds = Builds::of(&transaction);
        self.stay(&builds).await?;
        let position = self.build.position;
        if builds.activate(&self.build, position).await? {
            transaction.commit().await?;
            self.build.state = BuildState::Active;
            tracing::info!(
                projection = self.build.kind.name(),
                build = self.build.id,
                "a rebuild has taken over"
            );
            self.tell_progress();
        }
        Ok(())
    }

    async fn index(&self, index: &str) -> Result<(), LaneError> {
        let _turn = self.inner.database.write_turn().await;
        let transaction = self.inner.database.begin(&self.writer).await?;
        let builds = Builds::of(&transaction);
        self.stay(&builds).await?;
        builds.index(self.build.id, index).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes sure of the lease and gives a sign of life, with the checkpoint where it is.
    async fn stay(&self, builds: &Builds<'_>) -> Result<(), LaneError> {
        let position = self.build.position;
        let stays = builds.advance(self.lease, position, position, None, 0);
        stays.await?.then_some(()).ok_or(LaneError::Lost)
    }

    fn tell_progress(&self) {
        if self.build.state == BuildState::Active {
            self.inner
                .progress
                .reached(self.build.kind, self.build.position);
        }
    }
}

/// How often a lane that has nothing to do says that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_millis(750);
/// How long a lane that has caught up gathers what comes before it looks again: on a busy log a transaction for
/// each append would cost more than it shows.
const QUIET: Duration = Duration::from_millis(10);
/// The same for one that is not concerned by what comes: four of five are not while games are played, and each
/// would commit its checkpoint a hundred times a second.
const IDLE: Duration = Duration::from_millis(100);
