//! What can be asked about what was observed.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{QueryResult, Value};

use super::health::{RecoveryState, Report};
use crate::projection::column::Columns;
use crate::projection::scope::scope_condition;
use crate::projection::{View, ViewError};
use crate::scope::Scope;
use crate::store::DatabaseError;

/// The errors of one code on one day in one guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSum {
    /// Its place among those of the same day.
    pub key: String,
    /// The guild; none for errors outside of any.
    pub guild_id: Option<String>,
    /// The day in UTC, by the time of the events.
    pub day: NaiveDate,
    /// The code.
    pub code: String,
    /// How many there were.
    pub count: i64,
    /// When the latest one happened.
    pub last_at: DateTime<Utc>,
    /// The type of the latest one's event.
    pub sample_type: String,
    /// The latest one's data, as JSON text.
    pub sample: String,
    /// Whether the latest one may succeed later, if its event says so.
    pub retriable: Option<bool>,
}

/// Which errors.
#[derive(Clone, Debug, Default)]
pub struct ErrorFilter {
    /// Of these guilds; of any and of none, if empty.
    pub guild_ids: Vec<String>,
    /// Of these codes; of any, if empty.
    pub codes: Vec<String>,
    /// From this day on.
    pub from: Option<NaiveDate>,
    /// Up to this day.
    pub to: Option<NaiveDate>,
}

/// How well a stream is, as far as anybody has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHealth {
    /// The name of the stream.
    pub stream: String,
    /// The last recovery of the session that writes it.
    pub recovery: Option<RecoveryReport>,
    /// How many of its events were set aside by their reader.
    pub quarantined_count: i64,
}

/// The last recovery of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// How far it has come.
    pub state: RecoveryState,
    /// The number of the attempt.
    pub attempt: i32,
    /// When it began, if that was said.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What made it necessary, as its event spells it.
    pub trigger: Option<String>,
    /// The first version that was read.
    pub from_version: Option<i32>,
    /// The version of the snapshot that was used.
    pub snapshot_version: Option<i32>,
    /// The version of the state that it came to.
    pub last_version: Option<i32>,
    /// The events that were read for it.
    pub events_applied: Option<i32>,
    /// How long it took.
    pub duration_ms: Option<i32>,
    /// The ids of the rules that some event broke without harm.
    pub warnings: Vec<String>,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// The version of the event at which it failed.
    pub failed_at_version: Option<i32>,
    /// Whether another attempt can succeed.
    pub retriable: Option<bool>,
    /// What can be done about it.
    pub recovery_hint: Option<String>,
}

/// An event that the bot could not use and has set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedEvent {
    /// Its version in its stream.
    pub version: i32,
    /// Why, as the observation spells it.
    pub reason: String,
    /// More about it.
    pub detail: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

const SUM_COLUMNS: &str = "error_log.error_key, error_log.guild_id, error_log.day, error_log.code, \
     error_log.count, error_log.last_at, error_part.sample_type, error_part.sample, error_part.retriable";

impl View {
    /// A page of the sums of errors, the latest day first, after a day and key.
    pub async fn error_log(
        &self,
        scope: &Scope,
        filter: &ErrorFilter,
        after: Option<(NaiveDate, &str)>,
        limit: u64,
    ) -> Result<Vec<ErrorSum>, ViewError> {
        let (in_scope, mut values) = scope_condition(scope, "error_log.guild_id");
        let mut select = format!(
            "SELECT {SUM_COLUMNS} FROM {{error_log}} AS error_log
             JOIN {{error_part}} AS error_part ON error_part.part_key = error_log.last_part WHERE {in_scope}"
        );
        for (column, list) in [("guild_id", &filter.guild_ids), ("code", &filter.codes)] {
            if !list.is_empty() {
                let marks = vec!["?"; list.len()].join(", ");
                // Writing to a text cannot fail.
                let _ = write!(select, " AND error_log.{column} IN ({marks})");
                values.extend(list.iter().map(|text| Value::from(text.as_str())));
            }
        }
        for (sign, day) in [(">=", filter.from), ("<=", filter.to)] {
            if let Some(day) = day {
                let _ = write!(select, " AND error_log.day {sign} ?");
                values.push(day.to_string().into());
            }
        }
        if let Some((day, key)) = after {
            let day = day.to_string();
            select.push_str(
                " AND (error_log.day < ? OR (error_log.day = ? AND error_log.error_key > ?))",
            );
            values.extend([day.clone().into(), day.into(), Value::from(key)]);
        }
        select.push_str(" ORDER BY error_log.day DESC, error_log.error_key LIMIT ?");
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        self.all(&select, values, sum_of).await
    }

    /// How well a stream is; none if nobody has said anything of it.
    pub async fn stream_health(
        &self,
        scope: &Scope,
        stream: &str,
    ) -> Result<Option<StreamHealth>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let select = format!(
            "SELECT state, attempt, started_at, ended_at, report FROM {{recovery}}
             WHERE subject = ? AND {in_scope} ORDER BY position DESC LIMIT 1"
        );
        let values = [vec![stream.into()], scoped.clone()].concat();
        let recovery = self.first(&select, values, recovery_of).await?;
        let select = format!(
            "SELECT COUNT(DISTINCT subject_version) FROM {{quarantined}} WHERE subject = ? AND {in_scope}"
        );
        let values = [vec![stream.into()], scoped].concat();
        let count = self.first(&select, values, |row| Columns::of(row).take());
        let quarantined_count = count.await?.unwrap_or(0);
        if recovery.is_none() && quarantined_count == 0 {
            return Ok(None);
        }
        Ok(Some(StreamHealth {
            stream: stream.to_owned(),
            recovery,
            quarantined_count,
        }))
    }

    /// The events of a stream that were set aside, after a version, in their order. Of several reports of one
    /// event the last one counts.
    pub async fn quarantined_events(
        &self,
        scope: &Scope,
        stream: &str,
        after_version: i32,
        limit: u64,
    ) -> Result<Vec<QuarantinedEvent>, ViewError> {
        let (in_scope, scoped) = scope_condition(scope, "guild_id");
        let select = format!(
            "SELECT subject_version, reason, detail, at FROM {{quarantined}} WHERE position IN (
                SELECT MAX(position) FROM {{quarantined}}
                WHERE subject = ? AND subject_version > ? AND {in_scope} GROUP BY subject_version)
             AND {in_scope} ORDER BY subject_version LIMIT ?"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let of_stream = vec![stream.into(), after_version.into()];
        let values = [of_stream, scoped.clone(), scoped, vec![limit.into()]].concat();
        self.all(&select, values, quarantined_of).await
    }
}

fn sum_of(row: &QueryResult) -> Result<ErrorSum, DatabaseError> {
    let mut columns = Columns::of(row);
    let key = columns.take()?;
    let guild_id = columns.take()?;
    let day: String = columns.take()?;
    Ok(ErrorSum {
        key,
        guild_id,
        day: day
            .parse()
            .map_err(|error| DatabaseError::Refused(format!("{day} is not a day: {error}")))?,
        code: columns.take()?,
        count: columns.take()?,
        last_at: columns.time()?,
        sample_type: columns.take()?,
        sample: columns.take()?,
        retriable: columns.take::<Option<i32>>()?.map(|number| number != 0),
    })
}

fn recovery_of(row: &QueryResult) -> Result<RecoveryReport, DatabaseError> {
    let mut columns = Columns::of(row);
    let state = RecoveryState::from_stored(columns.take()?);
    let attempt = columns.take()?;
    let started_at = columns.time_or_null()?;
    let ended_at = columns.time_or_null()?;
    let report: Report = columns.json()?;
    Ok(RecoveryReport {
        state,
        attempt,
        started_at,
        ended_at,
        trigger: report.trigger,
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
    })
}

fn quarantined_of(row: &QueryResult) -> Result<QuarantinedEvent, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(QuarantinedEvent {
        version: columns.take()?,
        reason: columns.take()?,
        detail: columns.take()?,
        at: columns.time()?,
    })
}
