//! Scavenging: removes the payloads of hidden events, physically, and keeps their places, ids and hashes.
//!
//! Streams are taken in the order of their numbers, and the events of each in batches. A batch is one short
//! transaction: a permit for the triggers, the payloads, how far the stream is, and the operation's figures.
//! So a crash leaves no batch half done and none counted twice, and whoever goes on begins where the last
//! batch ended. The head of the log is never locked: appends go on meanwhile.

use std::cmp::{max, min};
use std::time::Duration;

use entity::stream;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DbBackend, Order, QueryResult, Statement, Value};
use tokio::time::Instant;

use super::operation::{
    Lease, OperationResult, ScavengeArguments, ScavengeResult, Step, WorkError,
};
use super::row::RowError;
use super::select::visibility::now;
use super::snapshot;

/// How a scavenge spares the database.
#[derive(Clone, Copy, Debug)]
pub struct ScavengeOptions {
    /// The most events in one batch.
    pub batch_events: u32,
    /// The pause between two batches.
    pub pause: Duration,
}

/// Streams that are looked up at a time.
const PAGE: u64 = 100;
/// Events of a stream whose age is looked at in one statement.
const AGED_PART: i32 = 10_000;
/// How often a scavenge that finds nothing to remove gives a sign of life.
const BEAT: Duration = Duration::from_secs(1);

/// A scavenge that this node works at.
pub(super) struct Scavenge<'a> {
    pub(super) lease: Lease<'a>,
    pub(super) arguments: ScavengeArguments,
    pub(super) options: ScavengeOptions,
    pub(super) last_sign: Instant,
}

/// A stream that may have something to remove.
struct Candidate {
    id: i64,
    hidden_through: i32,
    scavenged_through: i32,
    max_age_ms: Option<i64>,
}

impl Scavenge<'_> {
    /// Does what is left to do.
    pub(super) async fn run(&mut self) -> Result<(), WorkError> {
        if self.lease.operation.total.is_none() {
            self.lease.operation.total = Some(self.count().await?);
        }
        loop {
            let streams = self.next_streams().await?;
            if streams.is_empty() {
                return Ok(());
            }
            for stream in streams {
                self.scavenge(stream).await?;
            }
        }
    }

    /// What it has removed so far.
    fn figures(&self) -> ScavengeResult {
        match self.lease.operation.result {
            Some(OperationResult::Scavenge(figures)) => figures,
            None => ScavengeResult::default(),
        }
    }

    /// The streams that may have something to remove, beyond those that are done. The store's own streams
    /// are the record of what was done to the others, and are left alone.
    fn candidates(&self) -> Condition {
        let something_hidden = Expr::col(stream::Column::HiddenThrough)
            .gt(Expr::col(stream::Column::ScavengedThrough));
        let name = self.arguments.stream.as_deref();
        Condition::all()
            .add(
                Condition::any()
                    .add(something_hidden)
                    .add(Expr::col(stream::Column::MaxAgeMs).is_not_null()),
            )
            .add(Expr::col(stream::Column::Id).gt(self.lease.operation.resume_after))
            .add(Expr::col(stream::Column::Category).not_like("$%"))
            .add_option(name.map(|name| Expr::col(stream::Column::Name).eq(name)))
    }

    /// The hidden events whose payloads are still there. What ages on the way is added on the way.
    async fn count(&self) -> Result<i64, WorkError> {
        let select = Query::select()
            .expr(Expr::cust(
                "CAST(coalesce(sum(hidden_through - scavenged_through), 0) AS bigint)",
            ))
            .from(stream::Entity)
            .cond_where(self.candidates())
            .to_owned();
        let rows = self
            .rows(self.lease.database.backend().build(&select))
            .await?;
        let row = rows.first();
        let counted = row.map(|row| row.try_get_by_index(0)).transpose();
        Ok(counted.map_err(RowError::from)?.unwrap_or(0))
    }

    async fn next_streams(&self) -> Result<Vec<Candidate>, WorkError> {
        let select = Query::select()
            .columns([
                stream::Column::Id,
                stream::Column::HiddenThrough,
                stream::Column::ScavengedThrough,
                stream::Column::MaxAgeMs,
            ])
            .from(stream::Entity)
            .cond_where(self.candidates())
            .order_by(stream::Column::Id, Order::Asc)
            .limit(PAGE)
            .to_owned();
        let rows = self
            .rows(self.lease.database.backend().build(&select))
            .await?;
        let streams: Result<Vec<_>, RowError> = rows.iter().map(candidate_of).collect();
        Ok(streams?)
    }

    async fn rows(&self, select: Statement) -> Result<Vec<QueryResult>, WorkError> {
        Ok(self.lease.reader.rows(select).await?)
    }

    async fn scavenge(&mut self, mut stream: Candidate) -> Result<(), WorkError> {
        if let Some(max_age_ms) = stream.max_age_ms {
            while self.hide_aged(&mut stream, max_age_ms).await? {}
        }
        while stream.scavenged_through < stream.hidden_through {
            let limit = self.lease.limit;
            let Ok(batch) = tokio::time::timeout(limit, self.remove_batch(&stream)).await else {
                let reason = format!("a batch took longer than {limit:?}");
                return Err(WorkError::TooSlow(reason));
            };
            stream.scavenged_through = batch?;
            self.last_sign = Instant::now();
            // Appends come first: on SQLite they wait for the batch, on PostgreSQL they share its disk.
            tokio::time::sleep(self.options.pause).await;
        }
        self.lease.operation.resume_after = stream.id;
        if self.last_sign.elapsed() >= BEAT {
            self.lease.beat().await?;
            self.last_sign = Instant::now();
        }
        Ok(())
    }

    /// Hides for good what is too old, a bounded part of it, and answers whether there may be more.
    ///
    /// What is hidden only by its age would come back if somebody changed the age meanwhile; what is hidden
    /// by `hidden_through` never does, and only that is removed.
    async fn hide_aged(
        &mut self,
        stream: &mut Candidate,
        max_age_ms: i64,
    ) -> Result<bool, WorkError> {
        let hidden = stream.hidden_through;
        let most = hidden.saturating_add(AGED_PART);
        let aged = self.aged_through(stream, max_age_ms, most).await?;
        if aged <= hidden {
            return Ok(false);
        }
        let sql = "UPDATE streams SET hidden_through = $1
                   WHERE id = $2 AND max_age_ms = $3 AND hidden_through < $1";
        let values: [Value; 3] = [aged.into(), stream.id.into(), max_age_ms.into()];
        let update = Statement::from_sql_and_values(self.lease.database.backend(), sql, values);
        let step = self.lease.begin().await?;
        let updated = step.transaction.execute_raw(update).await?;
        if updated.rows_affected() == 0 {
            // Its metadata has changed, or more of it was hidden otherwise: what was known is still true.
            step.transaction.rollback().await?;
            return Ok(false);
        }
        let total = self.lease.operation.total;
        self.lease.operation.total = total.map(|total| total + i64::from(aged - hidden));
        self.lease.commit(step).await?;
        stream.hidden_through = aged;
        Ok(aged == most)
    }

    /// Up to which version, `most` at most, all of a stream is too old. Times never decrease along a stream,
    /// so what is too old is its beginning.
    async fn aged_through(
        &self,
        stream: &Candidate,
        max_age_ms: i64,
        most: i32,
    ) -> Result<i32, WorkError> {
        let backend = self.lease.database.backend();
        let sql = format!(
            "SELECT coalesce(
                (SELECT stream_version - 1 FROM events
                 WHERE stream_id = $1 AND stream_version > $2 AND stream_version <= $4
                   AND recorded_at > {} - $3
                 ORDER BY stream_version LIMIT 1),
                (SELECT CASE WHEN version < $4 THEN version ELSE $4 END FROM streams WHERE id = $1))",
            now(backend)
        );
        let values: [Value; 4] = [
            stream.id.into(),
            stream.hidden_through.into(),
            max_age_ms.into(),
            most.into(),
        ];
        let select = Statement::from_sql_and_values(backend, sql, values);
        let rows = self.rows(select).await?;
        let aged: Option<i32> = match rows.first() {
            Some(row) => row.try_get_by_index(0).map_err(RowError::from)?,
            None => None,
        };
        Ok(aged.unwrap_or(stream.hidden_through))
    }

    /// Removes the next payloads of a stream, and answers up to which version they are gone.
    async fn remove_batch(&mut self, stream: &Candidate) -> Result<i32, WorkError> {
        let from = stream.scavenged_through;
        let most = i32::try_from(max(self.options.batch_events, 1)).unwrap_or(i32::MAX);
        let through = min(from.saturating_add(most), stream.hidden_through);
        let step = self.lease.begin().await?;
        let (events, bytes) = remove(&step, stream.id, from, through).await?;
        mark(&step, stream.id, from, through).await?;
        // After the stream's row, which whoever writes a snapshot locks first.
        snapshot::remove_shown_before(&step.transaction, stream.id, through).await?;
        let before = self.lease.operation.clone();
        self.note(stream, through, events, bytes);
        let committed = self.lease.commit(step).await;
        if committed.is_err() {
            self.lease.operation = before;
        }
        committed.map(|()| through)
    }

    /// Takes a batch into the figures, which are committed with it.
    fn note(&mut self, stream: &Candidate, through: i32, events: i64, bytes: i64) {
        let mut figures = self.figures();
        let operation = &mut self.lease.operation;
        figures.events += events;
        figures.bytes += bytes;
        operation.done += i64::from(through - stream.scavenged_through);
        // More may have been hidden since it was counted.
        operation.total = operation.total.map(|total| max(total, operation.done));
        if through == stream.hidden_through {
            figures.streams += 1;
            operation.resume_after = stream.id;
        }
        operation.result = Some(OperationResult::Scavenge(figures));
    }
}

fn candidate_of(row: &QueryResult) -> Result<Candidate, RowError> {
    Ok(Candidate {
        id: row.try_get_by_index(0)?,
        hidden_through: row.try_get_by_index(1)?,
        scavenged_through: row.try_get_by_index(2)?,
        max_age_ms: row.try_get_by_index(3)?,
    })
}

/// The payloads of a stream's versions after `$2`, up to `$3`, that are still there.
const BATCH: &str =
    "stream_id = $1 AND stream_version > $2 AND stream_version <= $3 AND data IS NOT NULL";

/// Removes payloads under a permit, without which the triggers refuse; answers how many, and the bytes of
/// data and metadata.
async fn remove(
    step: &Step<'_>,
    stream_id: i64,
    from: i32,
    through: i32,
) -> Result<(i64, i64), WorkError> {
    let transaction = &step.transaction;
    let backend = transaction.get_database_backend();
    let batch = |sql: String| {
        Statement::from_sql_and_values(backend, sql, batch_values(stream_id, from, through))
    };
    let counted = transaction
        .query_one_raw(batch(format!(
            "SELECT count(*), CAST(coalesce(sum(octet_length(data) + octet_length(metadata)), 0) AS bigint)
             FROM events WHERE {BATCH}"
        )))
        .await?;
    let (events, bytes) = match counted {
        Some(row) => (
            row.try_get_by_index(0).map_err(RowError::from)?,
            row.try_get_by_index(1).map_err(RowError::from)?,
        ),
        None => (0, 0),
    };
    // A permit that somebody left behind is worth nothing on PostgreSQL, and is taken over here.
    let permit = match backend {
        DbBackend::Sqlite => {
            "INSERT INTO removal_permits (id) VALUES (1) ON CONFLICT (id) DO NOTHING"
        }
        _ => {
            "INSERT INTO removal_permits (id) VALUES (1)
             ON CONFLICT (id) DO UPDATE SET transaction_id = pg_current_xact_id()"
        }
    };
    transaction.execute_unprepared(permit).await?;
    let update =
        format!("UPDATE events SET data = NULL, metadata = NULL, salt = NULL WHERE {BATCH}");
    transaction.execute_raw(batch(update)).await?;
    transaction
        .execute_unprepared("DELETE FROM removal_permits")
        .await?;
    Ok((events, bytes))
}

/// Writes down how far a stream is. A stream that does not hide these versions, or is elsewhere, stops the
/// batch: nothing that is shown is ever removed.
async fn mark(step: &Step<'_>, stream_id: i64, from: i32, through: i32) -> Result<(), WorkError> {
    let sql = "UPDATE streams SET scavenged_through = $3
               WHERE id = $1 AND scavenged_through = $2 AND hidden_through >= $3";
    let backend = step.transaction.get_database_backend();
    let statement =
        Statement::from_sql_and_values(backend, sql, batch_values(stream_id, from, through));
    let marked = step.transaction.execute_raw(statement).await?;
    if marked.rows_affected() == 0 {
        // Another node was faster, and has the operation.
        return Err(WorkError::Lost);
    }
    Ok(())
}

fn batch_values(stream_id: i64, from: i32, through: i32) -> [Value; 3] {
    [stream_id.into(), from.into(), through.into()]
}
