//! The task of a node that sees to it that every build is worked at, by this node or by another.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::DbBackend;
use tokio::task::JoinHandle;

use super::builds::{Build, BuildState, Builds, Lease};
use super::kind::ProjectionKind;
use super::lane::{self, LaneEnd};
use super::{Inner, Projections};
use crate::position::Position;
use crate::scope::Scope;
use crate::store::DatabaseError;

type Lanes = HashMap<i64, JoinHandle<LaneEnd>>;

/// Looks for builds to work at until the projections are closed, then gives back what it has.
pub(super) async fn supervise(projections: Projections) {
    let inner = &*projections.0;
    let mut lanes = Lanes::new();
    let mut stop = inner.stop.subscribe();
    let mut failures: u32 = 0;
    loop {
        let seen = inner.round(&projections, &mut lanes).await;
        let pause = match seen {
            Ok(()) => {
                failures = 0;
                inner.options.poll
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "projections wait for the database");
                inner
                    .options
                    .poll
                    .max(Duration::from_millis(50) * failures.min(40))
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = inner.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    // Each lane has heard of the end too, and gives the transaction up that it is in.
    for lane in lanes.into_values() {
        let _ = lane.await;
    }
    let given_back = tokio::time::timeout(GIVE_BACK, inner.give_back()).await;
    if !matches!(given_back, Ok(Ok(()))) {
        // Another node takes over when this one has been silent for long enough.
        tracing::warn!("projections could not be given back");
    }
    let _ = inner.writer.clone().close().await;
}

/// How long a node that ends waits for the database to take its builds back.
const GIVE_BACK: Duration = Duration::from_secs(1);
/// The most statements of one read of a projection, the one that finds the build among them.
const READ_STATEMENTS: u32 = 3;

/// The projections that have no build in use of this version of the code, or a later one.
fn missing(in_use: &[Build]) -> Vec<ProjectionKind> {
    let is_missing = |kind: &ProjectionKind| {
        let mut of_kind = in_use.iter().filter(|build| build.kind == *kind);
        of_kind.all(|build| build.version < kind.version())
    };
    ProjectionKind::ALL.into_iter().filter(is_missing).collect()
}

impl Inner {
    /// Makes sure that there are builds, and works at those that nobody works at.
    async fn round(
        &self,
        projections: &Projections,
        lanes: &mut Lanes,
    ) -> Result<(), DatabaseError> {
        lanes.retain(|_, lane| !lane.is_finished());
        let builds = self.builds_in_use().await?;
        for build in builds {
            if lanes.contains_key(&build.id) || build.halted.is_some() {
                continue;
            }
            if build.version != build.kind.version() {
                // A node of another version works at it, or it waits for its successor.
                continue;
            }
            if let Some(lease) = self.claim(&build).await? {
                let projections = projections.clone();
                let lane = tokio::spawn(lane::run(projections, build.id, lease));
                lanes.insert(lease.build, lane);
            }
        }
        self.remove_disused().await
    }

    /// The builds that are made or answer. Adds those that are missing: of a projection that has none, and
    /// of one whose code is younger than its build.
    async fn builds_in_use(&self) -> Result<Vec<Build>, DatabaseError> {
        let in_use = |build: &Build| build.state != BuildState::Retired;
        if *self.is_set_up.borrow() {
            let transaction = self.database.snapshot().await?;
            let mut builds = Builds::of(&transaction).all().await?;
            builds.retain(in_use);
            if missing(&builds).is_empty() {
                return Ok(builds);
            }
        }
        let _turn = self.database.write_turn().await;
        let transaction = self.database.begin(&self.writer).await?;
        let all = Builds::of(&transaction);
        all.set_up().await?;
        if !*self.is_set_up.borrow() {
            self.retire_others(&all).await?;
        }
        let mut builds = all.all().await?;
        builds.retain(in_use);
        for kind in missing(&builds) {
            all.add(kind, self.store.id(), self.store.known_head(), None)
                .await?;
        }
        let mut builds = all.all().await?;
        transaction.commit().await?;
        self.is_set_up.send_replace(true);
        builds.retain(in_use);
        Ok(builds)
    }

    /// Retires what was made from another log: the file lies beside a new one, the server was pointed at it, or
    /// an older copy of the log was restored. Whoever starts looks at every build, also at those that this
    /// version of the code does not work at, before anybody is answered from one.
    async fn retire_others(&self, builds: &Builds<'_>) -> Result<(), DatabaseError> {
        for build in builds.all().await? {
            let Some((store_id, mark)) = builds.mark(build.id).await? else {
                continue;
            };
            let is_ours = store_id == self.store.id().to_string()
                && self.is_of_this_log(mark.as_deref()).await?;
            if !is_ours && build.state != BuildState::Retired {
                tracing::warn!(
                    build = build.id,
                    projection = build.kind.name(),
                    "a projection was made from another log, and is made anew"
                );
                builds.retire(build.id).await?;
            }
        }
        Ok(())
    }

    /// The lease of a build, if this node may have it.
    async fn claim(&self, build: &Build) -> Result<Option<Lease>, DatabaseError> {
        let _turn = self.database.write_turn().await;
        let transaction = self.database.begin(&self.writer).await?;
        let silent = match self.database.backend() {
            // A file has one process: whoever else worked at it is gone.
            DbBackend::Sqlite => -1,
            _ => i64::try_from(self.options.takeover_after.as_millis()).unwrap_or(i64::MAX),
        };
        let builds = Builds::of(&transaction);
        let lease = builds.claim(build.id, self.node_id, silent).await?;
        transaction.commit().await?;
        Ok(lease)
    }

    /// Whether the log holds the event that a build has applied last, if it has applied any.
    async fn is_of_this_log(&self, mark: Option<&str>) -> Result<bool, DatabaseError> {
        let Some((position, hash)) = mark.and_then(|mark| mark.split_once(':')) else {
            return Ok(true);
        };
        let position = Position::from_stored(position.parse().unwrap_or_default());
        let found = self.store.events_at(&Scope::All, &[position]).await;
        let found = found.map_err(|error| DatabaseError::Unavailable(error.to_string()))?;
        Ok(found
            .get(&position)
            .is_some_and(|event| hex::encode(event.hash) == hash))
    }

    async fn remove_disused(&self) -> Result<(), DatabaseError> {
        // A read opens a moment of the build and then asks it a few statements, each as long as one may take.
        let reads = READ_STATEMENTS * self.database.statement_timeout();
        let kept = self.options.keep_retired.max(reads).as_millis();
        let kept = i64::try_from(kept).unwrap_or(i64::MAX);
        let disused = {
            let transaction = self.database.snapshot().await?;
            Builds::of(&transaction).disused(kept).await?
        };
        for build in disused {
            let _turn = self.database.write_turn().await;
            let transaction = self.database.begin(&self.writer).await?;
            Builds::of(&transaction).remove(&build).await?;
            transaction.commit().await?;
            tracing::info!(
                build = build.id,
                projection = build.kind.name(),
                "a build was removed"
            );
        }
        Ok(())
    }

    async fn give_back(&self) -> Result<(), DatabaseError> {
        if !*self.is_set_up.borrow() {
            return Ok(());
        }
        let _turn = self.database.write_turn().await;
        let transaction = self.database.begin(&self.writer).await?;
        Builds::of(&transaction).give_back(self.node_id).await?;
        transaction.commit().await?;
        Ok(())
    }
}
