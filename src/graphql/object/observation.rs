//! What was observed: errors, recoveries, events that were set aside.

use async_graphql::connection::PageInfo;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::{QuarantineReason, RecoveryTrigger};

use super::played::connection;
use crate::graphql::error_code::view_error;
use crate::graphql::loader::Operation;
use crate::graphql::projections::view;
use crate::graphql::read_models::short_page;
use crate::graphql::scalar::{DayScalar, JsonScalar, PositionScalar, SafeInt};
use crate::projection::{self, ErrorSum, ProjectionKind, RecoveryReport};

/// The errors of one code on one day in one Discord server.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(in crate::graphql) struct ErrorLogEntry {
    /// The Discord server; null for errors outside of any.
    guild_id: Option<String>,
    /// The day in UTC, by the time of the events.
    day: DayScalar,
    /// The code: of a failed command its error code, of an internal failure its kind, else the reason.
    code: String,
    /// How many there were.
    count: SafeInt,
    /// When the latest one happened.
    last_at: DateTime<Utc>,
    /// The type of the latest one's event, for example `command_error`.
    sample_type: String,
    #[graphql(skip)]
    latest: JsonScalar,
    /// Whether the same may succeed later, as the latest one says; null if it does not say.
    retriable: Option<bool>,
}

#[expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]
#[ComplexObject]
impl ErrorLogEntry {
    /// The latest one's data, as it is stored: message, context and whatever else its type has.
    async fn sample(&self, ctx: &Context<'_>) -> Result<&JsonScalar> {
        Operation::of(ctx)?.show(self.latest.0.len())?;
        Ok(&self.latest)
    }
}

connection!(
    ErrorLogConnection,
    ErrorLogEdge,
    ErrorLogEntry,
    "sums of errors"
);

/// How well a stream is, as far as observations say.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(in crate::graphql) struct StreamHealth {
    /// The name of the stream; there may be no such stream.
    stream_name: String,
    /// The last recovery of the session that writes it; null if none was observed.
    recovery: Option<SessionRecovery>,
    /// How many of its events were set aside by their reader.
    quarantined_count: SafeInt,
    /// The answer holds everything up to this position of the log, and nothing after it.
    projected_through: PositionScalar,
}

/// How far a recovery has come.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "projection::RecoveryState")]
pub(in crate::graphql) enum SessionRecoveryState {
    /// It has begun, and nothing was heard of its end.
    Started,
    /// It has succeeded.
    Recovered,
    /// It has failed.
    Failed,
}

/// A recovery of a session: the rebuilding of its state from its stream.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SessionRecovery {
    /// How far it has come.
    state: SessionRecoveryState,
    /// The number of the attempt, from 1.
    attempt: i32,
    /// What made it necessary; null if its beginning was not observed.
    trigger: Option<RecoveryTrigger>,
    /// When it began; null if its beginning was not observed.
    started_at: Option<DateTime<Utc>>,
    /// When it ended; null while it has not.
    ended_at: Option<DateTime<Utc>>,
    /// The first stream version that was read; null if its beginning was not observed.
    from_version: Option<i32>,
    /// The stream version of the snapshot that was used; null without one.
    snapshot_version: Option<i32>,
    /// The stream version of the rebuilt state; null unless it has succeeded.
    last_version: Option<i32>,
    /// The number of events that were read; null while it has not ended.
    events_applied: Option<i32>,
    /// How long it took, in milliseconds; null unless it has succeeded.
    duration_ms: Option<i32>,
    /// The ids of the rules of the game that some event broke without harm.
    warnings: Vec<String>,
    /// The code of the error; null unless it has failed.
    error_code: Option<String>,
    /// The stream version of the event at which it failed; null unless an event was to blame.
    failed_at_version: Option<i32>,
    /// Whether another attempt can succeed; null unless it has failed.
    retriable: Option<bool>,
    /// What can be done about it; null when nothing is known.
    recovery_hint: Option<String>,
}

/// An event that its reader could not use and has set aside.
#[derive(SimpleObject)]
pub(in crate::graphql) struct QuarantinedEvent {
    /// Its version in its stream.
    version: i32,
    /// Why.
    reason: QuarantineReason,
    /// More about it; null when there is no more to say.
    detail: Option<String>,
    /// When it was set aside.
    at: DateTime<Utc>,
}

impl StreamHealth {
    pub(in crate::graphql) fn new(
        health: projection::StreamHealth,
        projected_through: PositionScalar,
    ) -> Self {
        Self {
            stream_name: health.stream,
            recovery: health.recovery.map(SessionRecovery::from),
            quarantined_count: count(health.quarantined_count),
            projected_through,
        }
    }
}

#[ComplexObject]
impl StreamHealth {
    /// The events that were set aside, in the order of their versions.
    async fn quarantined(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 100 if absent, at most 1,000.")] first: Option<i32>,
        #[graphql(desc = "After the event of this version.")] after_version: Option<i32>,
    ) -> Result<Vec<QuarantinedEvent>> {
        let operation = Operation::of(ctx)?;
        let limit = short_page(operation, first)?;
        let wait_for = Some(self.projected_through);
        let view = view(operation, ProjectionKind::Observations, wait_for).await?;
        // Version 0 is a legal version of an observation.
        let after = after_version.unwrap_or(-1);
        let found = view.quarantined_events(&operation.scope, &self.stream_name, after, limit);
        let found = found.await.map_err(|error| view_error(&error))?;
        Ok(found.into_iter().map(QuarantinedEvent::from).collect())
    }
}

impl From<ErrorSum> for ErrorLogEntry {
    fn from(sum: ErrorSum) -> Self {
        Self {
            guild_id: sum.guild_id,
            day: DayScalar(sum.day),
            code: sum.code,
            count: count(sum.count),
            last_at: sum.last_at,
            sample_type: sum.sample_type,
            latest: JsonScalar(sum.sample),
            retriable: sum.retriable,
        }
    }
}

impl From<RecoveryReport> for SessionRecovery {
    fn from(report: RecoveryReport) -> Self {
        Self {
            state: report.state.into(),
            attempt: report.attempt,
            trigger: report.trigger.as_deref().map(RecoveryTrigger::from),
            started_at: report.started_at,
            ended_at: report.ended_at,
            from_version: report.from_version,
            snapshot_version: report.snapshot_version,
            last_version: report.last_version,
            events_applied: report.events_applied,
            duration_ms: report.duration_ms,
            warnings: report.warnings,
            error_code: report.error_code,
            failed_at_version: report.failed_at_version,
            retriable: report.retriable,
            recovery_hint: report.recovery_hint,
        }
    }
}

impl From<projection::QuarantinedEvent> for QuarantinedEvent {
    fn from(event: projection::QuarantinedEvent) -> Self {
        Self {
            version: event.version,
            reason: QuarantineReason::from(event.reason.as_str()),
            detail: event.detail,
            at: event.at,
        }
    }
}

/// Counts are never negative.
fn count(number: i64) -> SafeInt {
    SafeInt(u64::try_from(number).unwrap_or_default())
}
