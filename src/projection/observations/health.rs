//! How well the stream of a game is: the last recovery of its session, and the events set aside by the bot.

use std::collections::{BTreeMap, BTreeSet};

use gamebot::event::{Event, EventQuarantined};
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};

use crate::event::RecordedEvent;
use crate::projection::column::{Columns, json, micros};
use crate::projection::meaning::check_key;
use crate::projection::tables::Target;
use crate::store::DatabaseError;

/// How far a recovery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// It has begun, and nothing was heard of its end.
    Started,
    /// It has succeeded.
    Recovered,
    /// It has failed.
    Failed,
}

impl RecoveryState {
    const fn stored(self) -> i32 {
        match self {
            Self::Started => 0,
            Self::Recovered => 1,
            Self::Failed => 2,
        }
    }

    pub(super) const fn from_stored(number: i32) -> Self {
        match number {
            0 => Self::Started,
            1 => Self::Recovered,
            _ => Self::Failed,
        }
    }
}

/// What is known of a recovery besides its state and its times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) trigger: Option<String>,
    pub(super) from_version: Option<i32>,
    pub(super) snapshot_version: Option<i32>,
    pub(super) last_version: Option<i32>,
    pub(super) events_applied: Option<i32>,
    pub(super) duration_ms: Option<i32>,
    pub(super) warnings: Vec<String>,
    pub(super) error_code: Option<String>,
    pub(super) failed_at_version: Option<i32>,
    pub(super) retriable: Option<bool>,
    pub(super) recovery_hint: Option<String>,
}

/// What a batch of events says of the health of streams.
#[derive(Default)]
pub(super) struct Health {
    /// By the stream that observes and the one that is observed.
    recoveries: BTreeMap<(String, String), Recovery>,
    /// By the stream that observes and the version of the observation.
    quarantined: BTreeMap<(String, i32), [Value; 9]>,
}

/// The last recovery of a stream.
struct Recovery {
    /// The stream version of the last event that was folded.
    version: i32,
    guild_id: Option<String>,
    position: i64,
    state: RecoveryState,
    attempt: i32,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    report: Report,
    /// Whether this batch has folded an event.
    is_changed: bool,
}

const RECOVERY_COLUMNS: [&str; 10] = [
    "stream",
    "subject",
    "version",
    "guild_id",
    "position",
    "state",
    "attempt",
    "started_at",
    "ended_at",
    "report",
];

const QUARANTINED_COLUMNS: [&str; 9] = [
    "stream",
    "version",
    "subject",
    "guild_id",
    "position",
    "subject_version",
    "reason",
    "detail",
    "at",
];

impl Health {
    pub(super) async fn read(
        observed: &[(&RecordedEvent, &Event)],
        target: &Target<'_>,
    ) -> Result<Self, DatabaseError> {
        let of_recoveries = observed.iter().filter(|(_, said)| is_recovery(said));
        let streams: BTreeSet<&str> = of_recoveries
            .map(|(event, _)| event.stream.as_str())
            .collect();
        let keys = streams.into_iter().map(Value::from).collect();
        let columns = RECOVERY_COLUMNS.join(", ");
        let select = format!("SELECT {columns} FROM {{recovery}} WHERE stream");
        let rows = target.rows_of(&select, keys).await?;
        Ok(Self {
            recoveries: rows.iter().map(Recovery::read).collect::<Result<_, _>>()?,
            quarantined: BTreeMap::new(),
        })
    }

    /// Folds an event, unless it was folded before or is about something else.
    pub(super) fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String> {
        if let Event::EventQuarantined(quarantined) = said {
            return self.quarantine(event, quarantined);
        }
        let Some(subject) = subject(event, said).filter(|_| is_recovery(said)) else {
            return Ok(());
        };
        check_key("game_id", &subject)?;
        let key = (event.stream.as_str().to_owned(), subject);
        let recovery = self.recoveries.entry(key).or_insert_with(Recovery::new);
        if event.stream_version > recovery.version {
            recovery.fold(event, said);
        }
        Ok(())
    }

    fn quarantine(
        &mut self,
        event: &RecordedEvent,
        quarantined: &EventQuarantined,
    ) -> Result<(), String> {
        check_key("stream_id", &quarantined.stream_id)?;
        let stream = event.stream.as_str();
        let row = [
            stream.into(),
            event.stream_version.into(),
            quarantined.stream_id.clone().into(),
            event.guild_id.as_deref().map(str::to_owned).into(),
            event.position.get().into(),
            quarantined.version.into(),
            quarantined.reason.as_str().into(),
            quarantined.detail.clone().into(),
            micros(quarantined.timestamp).into(),
        ];
        self.quarantined
            .insert((stream.to_owned(), event.stream_version), row);
        Ok(())
    }

    /// Forgets what a stream has said.
    pub(super) fn end(&mut self, stream: &str) {
        self.recoveries.retain(|(of, _), _| of != stream);
        self.quarantined.retain(|(of, _), _| of != stream);
    }

    pub(super) async fn write(self, target: &Target<'_>) -> Result<(), DatabaseError> {
        let changed = self.recoveries.iter();
        let changed = changed.filter(|(_, recovery)| recovery.is_changed);
        let rows = changed.map(|((stream, subject), recovery)| recovery.row(stream, subject));
        let rows = rows.collect::<Result<_, _>>()?;
        target.upsert("recovery", 2, RECOVERY_COLUMNS, rows).await?;
        let rows = self.quarantined.into_values().collect();
        target
            .upsert("quarantined", 2, QUARANTINED_COLUMNS, rows)
            .await
    }
}

impl Recovery {
    fn new() -> Self {
        Self {
            version: 0,
            guild_id: None,
            position: 0,
            state: RecoveryState::Started,
            attempt: 0,
            started_at: None,
            ended_at: None,
            report: Report::default(),
            is_changed: false,
        }
    }

    fn fold(&mut self, event: &RecordedEvent, said: &Event) {
        self.version = event.stream_version;
        self.guild_id = event.guild_id.as_deref().map(str::to_owned);
        self.position = event.position.get();
        self.is_changed = true;
        let at = micros(said.timestamp());
        match said {
            Event::SessionRecoveryStarted(started) => {
                self.attempt = started.attempt;
                self.state = RecoveryState::Started;
                self.started_at = Some(at);
                self.ended_at = None;
                self.report = Report {
                    trigger: Some(started.trigger.as_str().to_owned()),
                    from_version: Some(started.from_version),
                    snapshot_version: started.snapshot_version,
                    ..Report::default()
                };
            }
            Event::SessionRecovered(recovered) => {
                self.end(recovered.attempt, RecoveryState::Recovered, at);
                self.report.last_version = Some(recovered.last_version);
                self.report.events_applied = Some(recovered.events_applied);
                self.report.duration_ms = Some(recovered.duration_ms);
                self.report.warnings.clone_from(&recovered.warnings);
            }
            Event::SessionRecoveryFailed(failed) => {
                self.end(failed.attempt, RecoveryState::Failed, at);
                self.report.error_code = Some(failed.error_code.clone());
                self.report.failed_at_version = failed.failed_at_version;
                self.report.events_applied = Some(failed.events_applied);
                self.report.retriable = Some(failed.retriable);
                self.report.recovery_hint.clone_from(&failed.recovery_hint);
            }
            _ => {}
        }
    }

    /// The end of an attempt. What was heard of its beginning stays, if that was heard.
    fn end(&mut self, attempt: i32, state: RecoveryState, at: i64) {
        if self.state != RecoveryState::Started || self.attempt != attempt {
            self.started_at = None;
            self.report = Report::default();
        }
        self.attempt = attempt;
        self.state = state;
        self.ended_at = Some(at);
    }

    fn read(row: &QueryResult) -> Result<((String, String), Self), DatabaseError> {
        let mut columns = Columns::of(row);
        let key = (columns.take()?, columns.take()?);
        let recovery = Self {
            version: columns.take()?,
            guild_id: columns.take()?,
            position: columns.take()?,
            state: RecoveryState::from_stored(columns.take()?),
            attempt: columns.take()?,
            started_at: columns.take()?,
            ended_at: columns.take()?,
            report: columns.json()?,
            is_changed: false,
        };
        Ok((key, recovery))
    }

    fn row(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<[Value; RECOVERY_COLUMNS.len()], DatabaseError> {
        Ok([
            stream.into(),
            subject.into(),
            self.version.into(),
            self.guild_id.clone().into(),
            self.position.into(),
            self.state.stored().into(),
            self.attempt.into(),
            self.started_at.into(),
            self.ended_at.into(),
            json(&self.report)?.into(),
        ])
    }
}

const fn is_recovery(said: &Event) -> bool {
    matches!(
        said,
        Event::SessionRecoveryStarted(_)
            | Event::SessionRecovered(_)
            | Event::SessionRecoveryFailed(_)
    )
}

/// The stream of the game that an observation is about: the one that it names, or else the one whose log, or
/// whose own stream, it stands in.
fn subject(event: &RecordedEvent, said: &Event) -> Option<String> {
    if let Some(game_id) = said.game_id() {
        return Some(format!("game-{game_id}"));
    }
    let (category, id) = event.stream.as_str().split_once('-')?;
    ["gamelog", "game"]
        .contains(&category)
        .then(|| format!("game-{id}"))
}
