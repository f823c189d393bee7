//! The builds of projections: which there are, how far each is, which node works at it.
//!
//! A build is a whole copy of a projection's tables with a checkpoint. One build of a projection is *active*
//! and answers; another may be *building* beside it. Each is worked at by one node, which holds a lease: an
//! epoch that every commit checks, so that a node which has lost it can write nothing any more.

mod row;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::kind::ProjectionKind;
use super::tables::{Names, SCHEMA};
use crate::event::RecordedEvent;
use crate::position::Position;
use crate::store::{DatabaseError, clock};
pub use row::{Build, BuildState, Halt, SetAside};
use row::{build_of, set_aside_of};

/// The right to work at a build: what a commit must find in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) build: i64,
    pub(super) epoch: i64,
}

/// The statements about builds.
pub(super) struct Builds<'a> {
    pub(super) transaction: &'a DatabaseTransaction,
    names: Names,
}

const BUILDS: &str = "CREATE TABLE IF NOT EXISTS {builds} (
    id BIGINT NOT NULL PRIMARY KEY, store_id {text} NOT NULL, projection {text} NOT NULL,
    version INTEGER NOT NULL, state INTEGER NOT NULL, position BIGINT NOT NULL, position_hash {text},
    goal BIGINT NOT NULL, applied BIGINT NOT NULL, set_aside BIGINT NOT NULL, started_at BIGINT NOT NULL,
    activated_at BIGINT, retired_at BIGINT, node_id {text}, epoch BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL, halted_position BIGINT, halted_reason {text}, requested_by {text})";

const SET_ASIDE: &str = "CREATE TABLE IF NOT EXISTS {set_aside} (
    build_id BIGINT NOT NULL, position BIGINT NOT NULL, event_id {text} NOT NULL, stream {text} NOT NULL,
    event_type {text} NOT NULL, reason {text} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (build_id, position))";

/// One build of each kind in each of the states in which it is worked at.
const ONE_OF_EACH: [&str; 2] = [
    "CREATE UNIQUE INDEX IF NOT EXISTS {builds_building_index} ON {builds} (projection) WHERE state = 0",
    "CREATE UNIQUE INDEX IF NOT EXISTS {builds_active_index} ON {builds} (projection) WHERE state = 1",
];

const COLUMNS: &str = "id, projection, version, state, position, goal, applied, set_aside, started_at, \
     activated_at, retired_at, node_id, heartbeat_at, halted_position, halted_reason, requested_by";

/// A number for PostgreSQL's lock, which nodes that set up or add builds take one after the other.
const SET_UP_LOCK: i64 = 7_290_361_102_540_011;

impl<'a> Builds<'a> {
    pub(super) fn of(transaction: &'a DatabaseTransaction) -> Self {
        let names = Names::of_control(transaction.get_database_backend());
        Self { transaction, names }
    }

    /// Makes the tables about builds, if they are not there.
    pub(super) async fn set_up(&self) -> Result<(), DatabaseError> {
        self.one_node_at_a_time().await?;
        if self.backend() != DbBackend::Sqlite {
            // Asked first: creating a schema that exists still needs the right to create one.
            let exists = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'");
            if self.rows(&exists, Vec::new()).await?.is_empty() {
                self.execute(&format!("CREATE SCHEMA {SCHEMA}"), Vec::new())
                    .await?;
            }
        }
        for statement in [BUILDS, SET_ASIDE].iter().chain(&ONE_OF_EACH) {
            self.execute(statement, Vec::new()).await?;
        }
        Ok(())
    }

    /// Whether the tables about builds are there.
    pub(super) async fn are_set_up(&self) -> Result<bool, DatabaseError> {
        let found = match self.backend() {
            DbBackend::Sqlite => {
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'set_aside'".to_owned()
            }
            _ => format!(
                "SELECT 1 FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'set_aside'"
            ),
        };
        Ok(!self.rows(&found, Vec::new()).await?.is_empty())
    }

    async fn one_node_at_a_time(&self) -> Result<(), DatabaseError> {
        if self.backend() == DbBackend::Sqlite {
            // The write lock of the file is that already.
            return Ok(());
        }
        let lock = format!("SELECT pg_advisory_xact_lock({SET_UP_LOCK})");
        self.rows(&lock, Vec::new()).await.map(|_| ())
    }

    /// Every build, oldest first.
    pub(super) async fn all(&self) -> Result<Vec<Build>, DatabaseError> {
        let select = format!("SELECT {COLUMNS} FROM {{builds}} ORDER BY id");
        let rows = self.rows(&select, Vec::new()).await?;
        rows.iter()
            .filter_map(|row| build_of(row).transpose())
            .collect()
    }

    /// One build.
    pub(super) async fn get(&self, id: i64) -> Result<Option<Build>, DatabaseError> {
        let select = format!("SELECT {COLUMNS} FROM {{builds}} WHERE id = ?");
        let rows = self.rows(&select, vec![id.into()]).await?;
        rows.first().map(build_of).transpose().map(Option::flatten)
    }

    /// The build that answers for a projection.
    pub(super) async fn active(
        &self,
        kind: ProjectionKind,
    ) -> Result<Option<Build>, DatabaseError> {
        let select = format!("SELECT {COLUMNS} FROM {{builds}} WHERE projection = ? AND state = 1");
        let rows = self.rows(&select, vec![kind.name().into()]).await?;
        rows.first().map(build_of).transpose().map(Option::flatten)
    }

    /// Adds a build, with its tables. The first one of a projection is active at once: it answers as of the
    /// position that it has reached. Another one is built beside the active one; `None` if one is being built
    /// already. One that an older version of the code has begun and not finished gives way: nobody may be left
    /// who could.
    pub(super) async fn add(
        &self,
        kind: ProjectionKind,
        store_id: Uuid,
        goal: Position,
        requested_by: Option<&str>,
    ) -> Result<Option<Build>, DatabaseError> {
        self.one_node_at_a_time().await?;
        let builds = self.all().await?;
        let of_kind = |state| {
            let mut of_kind = builds.iter().filter(|build| build.kind == kind);
            of_kind.find(|build| build.state == state)
        };
        match of_kind(BuildState::Building) {
            Some(building) if building.version < kind.version() => self.retire(building.id).await?,
            Some(_) => return Ok(None),
            None => {}
        }
        let state = i32::from(of_kind(BuildState::Active).is_none());
        let id = builds.last().map_or(1, |last| last.id + 1);
        let now = clock(self.backend());
        let insert = format!(
            "INSERT INTO {{builds}} (id, store_id, projection, version, state, position, goal, applied,
                set_aside, started_at, activated_at, epoch, heartbeat_at, requested_by)
             VALUES (?, ?, ?, ?, ?, 0, ?, 0, 0, {now}, CASE WHEN ? = 1 THEN {now} END, 0, 0, ?)"
        );
        let values: Vec<Value> = vec![
            id.into(),
            store_id.to_string().into(),
            kind.name().into(),
            kind.version().into(),
            state.into(),
            goal.get().into(),
            state.into(),
            requested_by.map(str::to_owned).into(),
        ];
        self.execute(&insert, values).await?;
        let names = Names::of_build(self.backend(), id);
        let layout = kind.layout();
        for creation in layout.creations {
            self.unprepared(&names.sql(creation)).await?;
        }
        if state == 1 {
            for index in layout.indexes {
                self.index(id, index).await?;
            }
        }
        self.get(id).await
    }

    /// Makes an index of a build, unless somebody has made it who then could not go on.
    pub(super) async fn index(&self, id: i64, index: &str) -> Result<(), DatabaseError> {
        let names = Names::of_build(self.backend(), id);
        if self.backend() != DbBackend::Sqlite {
            // To sort a large table may take longer than a statement usually may.
            self.unprepared("SET LOCAL statement_timeout = 0").await?;
        }
        self.unprepared(&names.sql(index)).await
    }

    /// Takes the lease of a build, if nobody holds it, or if the last sign of life of whoever held it is more
    /// than `silent_ms` away. One that lies in the future is no better than an old one: the clock has been put
    /// back since. A build that somebody has locked is being worked at, and is not waited for.
    pub(super) async fn claim(
        &self,
        id: i64,
        node_id: Uuid,
        silent_ms: i64,
    ) -> Result<Option<Lease>, DatabaseError> {
        let now = clock(self.backend());
        let lock = match self.backend() {
            DbBackend::Sqlite => "",
            _ => "FOR UPDATE SKIP LOCKED",
        };
        let update = format!(
            "UPDATE {{builds}} SET node_id = ?, epoch = epoch + 1, heartbeat_at = {now}
             WHERE id IN (SELECT id FROM {{builds}}
                WHERE id = ? AND state IN (0, 1) AND halted_reason IS NULL
                  AND (node_id IS NULL OR node_id = ? OR abs({now} - heartbeat_at) > ?) {lock})"
        );
        let node = node_id.to_string();
        let values = vec![
            node.clone().into(),
            id.into(),
            node.into(),
            silent_ms.into(),
        ];
        if self.execute(&update, values).await? == 0 {
            return Ok(None);
        }
        let rows = self
            .rows("SELECT epoch FROM {builds} WHERE id = ?", vec![id.into()])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Lease {
            build: id,
            epoch: row.try_get_by_index(0)?,
        }))
    }

    /// Gives back everything that a node holds.
    pub(super) async fn give_back(&self, node_id: Uuid) -> Result<(), DatabaseError> {
        let update = "UPDATE {builds} SET node_id = NULL WHERE node_id = ?";
        self.execute(update, vec![node_id.to_string().into()])
            .await
            .map(|_| ())
    }

    /// Moves the checkpoint of a build along, which is also a sign of life; false if the lease is lost.
    pub(super) async fn advance(
        &self,
        lease: Lease,
        from: Position,
        to: Position,
        last: Option<&RecordedEvent>,
        applied: usize,
    ) -> Result<bool, DatabaseError> {
        let now = clock(self.backend());
        let update = format!(
            "UPDATE {{builds}} SET position = ?, position_hash = coalesce(?, position_hash),
                applied = applied + ?, heartbeat_at = {now}
             WHERE id = ? AND epoch = ? AND position = ? AND state IN (0, 1)"
        );
        let mark = last.map(|event| format!("{}:{}", event.position, hex::encode(event.hash)));
        let values = vec![
            to.get().into(),
            mark.into(),
            i64::try_from(applied).unwrap_or(i64::MAX).into(),
            lease.build.into(),
            lease.epoch.into(),
            from.get().into(),
        ];
        Ok(self.execute(&update, values).await? == 1)
    }

    /// The last event that a build has applied, as `position:hash`, and the store that it came from.
    pub(super) async fn mark(
        &self,
        id: i64,
    ) -> Result<Option<(String, Option<String>)>, DatabaseError> {
        let select = "SELECT store_id, position_hash FROM {builds} WHERE id = ?";
        let rows = self.rows(select, vec![id.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
    }

    /// Makes a build that has caught up the active one, if it is at least as far as the one that is: nobody
    /// who has seen an answer may be given an older one.
    pub(super) async fn activate(
        &self,
        build: &Build,
        position: Position,
    ) -> Result<bool, DatabaseError> {
        let lock = match self.backend() {
            DbBackend::Sqlite => "",
            _ => " FOR UPDATE",
        };
        let select =
            format!("SELECT position FROM {{builds}} WHERE projection = ? AND state = 1{lock}");
        let kind: Value = build.kind.name().into();
        let rows = self.rows(&select, vec![kind.clone()]).await?;
        if let Some(row) = rows.first() {
            let active: i64 = row.try_get_by_index(0)?;
            if active > position.get() {
                return Ok(false);
            }
        }
        let now = clock(self.backend());
        let retire = format!(
            "UPDATE {{builds}} SET state = 2, retired_at = {now}, node_id = NULL
             WHERE projection = ? AND state = 1"
        );
        self.execute(&retire, vec![kind]).await?;
        let activate =
            format!("UPDATE {{builds}} SET state = 1, activated_at = {now} WHERE id = ?");
        self.execute(&activate, vec![build.id.into()]).await?;
        Ok(true)
    }

    /// Takes a build out of use at once: it belongs to another log, or is not wanted any more.
    pub(super) async fn retire(&self, id: i64) -> Result<(), DatabaseError> {
        let now = clock(self.backend());
        let update = format!(
            "UPDATE {{builds}} SET state = 2, retired_at = {now}, node_id = NULL WHERE id = ? AND state < 2"
        );
        self.execute(&update, vec![id.into()]).await.map(|_| ())
    }

    /// Builds that were retired at least `kept_ms` ago.
    pub(super) async fn disused(&self, kept_ms: i64) -> Result<Vec<Build>, DatabaseError> {
        let now = clock(self.backend());
        let select = format!(
            "SELECT {COLUMNS} FROM {{builds}} WHERE state = 2 AND retired_at <= {now} - ? ORDER BY id"
        );
        let rows = self.rows(&select, vec![kept_ms.into()]).await?;
        rows.iter()
            .filter_map(|row| build_of(row).transpose())
            .collect()
    }

    /// Removes a build with its tables.
    pub(super) async fn remove(&self, build: &Build) -> Result<(), DatabaseError> {
        self.one_node_at_a_time().await?;
        let names = Names::of_build(self.backend(), build.id);
        for table in build.kind.layout().tables {
            let drop = format!("DROP TABLE IF EXISTS {{{table}}}");
            self.unprepared(&names.sql(&drop)).await?;
        }
        self.execute(
            "DELETE FROM {set_aside} WHERE build_id = ?",
            vec![build.id.into()],
        )
        .await?;
        self.execute("DELETE FROM {builds} WHERE id = ?", vec![build.id.into()])
            .await
            .map(|_| ())
    }

    /// Lets a build stand still at an event that it cannot use.
    pub(super) async fn halt(&self, id: i64, halt: &Halt) -> Result<(), DatabaseError> {
        let update = "UPDATE {builds} SET halted_position = ?, halted_reason = ?, node_id = NULL WHERE id = ?";
        let values = vec![
            halt.position.get().into(),
            halt.reason.clone().into(),
            id.into(),
        ];
        self.execute(update, values).await.map(|_| ())
    }

    /// Lets a build go on that stands still.
    pub(super) async fn resume(&self, id: i64) -> Result<(), DatabaseError> {
        let update =
            "UPDATE {builds} SET halted_position = NULL, halted_reason = NULL WHERE id = ?";
        self.execute(update, vec![id.into()]).await.map(|_| ())
    }

    /// Sets an event aside that a build cannot use; false if it was set aside before.
    pub(super) async fn set_aside(
        &self,
        id: i64,
        event: &RecordedEvent,
        reason: &str,
    ) -> Result<bool, DatabaseError> {
        let now = clock(self.backend());
        let insert = format!(
            "INSERT INTO {{set_aside}} (build_id, position, event_id, stream, event_type, reason, at)
             VALUES (?, ?, ?, ?, ?, ?, {now}) ON CONFLICT DO NOTHING"
        );
        let values = vec![
            id.into(),
            event.position.get().into(),
            event.event_id.to_string().into(),
            event.stream.as_str().into(),
            event.event_type.as_str().into(),
            reason.into(),
        ];
        if self.execute(&insert, values).await? == 0 {
            return Ok(false);
        }
        let count = "UPDATE {builds} SET set_aside = set_aside + 1 WHERE id = ?";
        self.execute(count, vec![id.into()]).await?;
        Ok(true)
    }

    /// The events that a build has set aside after a position, in the order of the log.
    pub(super) async fn events_set_aside(
        &self,
        id: i64,
        after: Position,
        limit: u64,
    ) -> Result<Vec<SetAside>, DatabaseError> {
        let select = "SELECT position, event_id, stream, event_type, reason, at FROM {set_aside}
             WHERE build_id = ? AND position > ? ORDER BY position LIMIT ?";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = vec![id.into(), after.get().into(), limit.into()];
        self.rows(select, values)
            .await?
            .iter()
            .map(set_aside_of)
            .collect()
    }

    fn backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn rows(
        &self,
        template: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, DatabaseError> {
        let statement = self.names.statement(template, values);
        Ok(self.transaction.query_all_raw(statement).await?)
    }

    async fn execute(&self, template: &str, values: Vec<Value>) -> Result<u64, DatabaseError> {
        let statement = self.names.statement(template, values);
        Ok(self
            .transaction
            .execute_raw(statement)
            .await?
            .rows_affected())
    }

    /// A statement that changes tables is not worth a place among the prepared ones.
    async fn unprepared(&self, sql: &str) -> Result<(), DatabaseError> {
        self.transaction.execute_unprepared(sql).await?;
        Ok(())
    }
}
