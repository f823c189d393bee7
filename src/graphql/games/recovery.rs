//! Recovery of a game, and the record of it.

use std::time::Instant;

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject, Union};
use chrono::{SubsecRound, Utc};
use gamebot::event::{
    RecoveryTrigger, SessionRecovered, SessionRecoveryFailed, SessionRecoveryStarted,
};
use gamebot::game::{Severity, Violation};
use uuid::Uuid;

use crate::event::NewEvent;
use crate::expected_version::ExpectedVersion;
use crate::game::{Games, Recovery};
use crate::graphql::error_code::{append_error, capitalised, read_error};
use crate::graphql::loader::Operation;
use crate::graphql::object::event::EventObject;
use crate::graphql::object::game::GameObject;
use crate::graphql::page::negative;
use crate::graphql::refusal::{
    InvalidEvents, InvalidInput, LimitExceeded, Refusal, StreamArchived, StreamNotFound,
    StreamTombstoned, StreamTooLarge,
};
use crate::graphql::scalar::{JsonScalar, SafeInt};
use crate::store::{Append, AppendError, StreamAppend};

/// What made a recovery necessary, for the record.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[graphql(name = "RecoverGameTrigger")]
pub(in crate::graphql) enum Trigger {
    /// The session crashed.
    Crash,
    /// The bot was started again.
    Restart,
    /// Another node took over.
    Failover,
    /// Somebody asked for it.
    #[default]
    Manual,
}

/// Which game to recover.
#[derive(InputObject)]
pub(in crate::graphql) struct RecoverGameInput {
    /// The part of the stream's name after `game-`.
    game_id: String,
    /// What made it necessary; only written down.
    #[graphql(default)]
    trigger: Trigger,
    /// The number of the attempt, from 1; only written down.
    #[graphql(default = 1)]
    attempt: i32,
    /// Whether to write the outcome to the stream `gamelog-{gameId}`, as `session_recovery_started` and
    /// `session_recovered` or `session_recovery_failed`.
    #[graphql(default)]
    record: bool,
    /// The metadata of those events: an object, as for an append.
    metadata: Option<JsonScalar>,
}

/// What came of a recovery.
#[derive(Union)]
pub(in crate::graphql) enum RecoverGamePayload {
    /// The stream was read to its end.
    GameRecovered(GameRecovered),
    /// There is no such game.
    StreamNotFound(StreamNotFound),
    /// An input has the wrong shape.
    InvalidInput(InvalidInput),
    /// The record cannot be written: its metadata cannot be kept.
    InvalidEvents(InvalidEvents),
    /// The record cannot be written: the stream of the game's log is read-only.
    StreamArchived(StreamArchived),
    /// The record cannot be written: the stream of the game's log is ended for ever.
    StreamTombstoned(StreamTombstoned),
    /// The record cannot be written: the stream of the game's log is full.
    StreamTooLarge(StreamTooLarge),
    /// The record cannot be written: its metadata is too large.
    LimitExceeded(LimitExceeded),
}

/// A game that was read from its first event to its last, whatever is wrong with it.
pub(in crate::graphql) struct GameRecovered {
    recovery: Recovery,
    duration_ms: u64,
    recorded: Vec<EventObject>,
}

/// Something that is wrong with the events of a game.
#[derive(SimpleObject)]
pub(in crate::graphql) struct GameViolation {
    /// The rule, for example `R22`.
    rule: String,
    /// What the rule demands, in one sentence.
    title: String,
    /// What kind of breach it is, for example `counter_mismatch`.
    rule_code: String,
    /// Whether the state can still be trusted.
    severity: Severity,
    /// The version of the event; null where the stream as a whole is at fault.
    stream_version: Option<i32>,
    /// The id of the event; null where the stream as a whole is at fault.
    event_id: Option<String>,
    /// The type of the event; null where the stream as a whole is at fault.
    event_type: Option<String>,
    /// What was found, and what was wanted.
    message: String,
}

/// A snapshot that the recovery held against the events.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RecoverySnapshot {
    /// The version that it is of.
    version: i32,
    /// Whether it is what the events up to there come to. If not, it was replaced by one that is.
    agrees: bool,
}

/// The game was read from its first event to its last.
#[expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]
#[Object]
impl GameRecovered {
    /// The state after the last event; null where no event is shown. What could not be used is left out of it.
    async fn game(&self) -> Option<GameObject> {
        let position = self.recovery.position?;
        Some(GameObject::at(self.recovery.state.clone(), position))
    }

    /// Whether no error was found, so that the state can be trusted.
    async fn sound(&self) -> bool {
        self.recovery.is_sound()
    }

    /// Everything that is wrong, in the order of the stream; what concerns the stream as a whole comes last. Each
    /// counts as a node of the operation.
    async fn violations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the first; all if absent.")] first: Option<i32>,
    ) -> Result<Vec<GameViolation>> {
        let all = &self.recovery.violations;
        let first = match first {
            None => all.len(),
            Some(first) => usize::try_from(first).map_err(|_| negative("first", first))?,
        };
        let listed = &all[..first.min(all.len())];
        Operation::of(ctx)?.ask_for(listed.len())?;
        Ok(listed.iter().map(GameViolation::from).collect())
    }

    /// How many violations there are.
    async fn violation_count(&self) -> i32 {
        i32::try_from(self.recovery.violations.len()).unwrap_or(i32::MAX)
    }

    /// The first version that belongs to the game: 1, or the first after a deletion of the stream.
    async fn first_version(&self) -> i32 {
        self.recovery.first_version
    }

    /// The version of the stream up to which it was read.
    async fn last_version(&self) -> i32 {
        self.recovery.stream.version
    }

    /// How many events were folded.
    async fn events_applied(&self) -> i32 {
        self.recovery.applied
    }

    /// How many events could not be used.
    async fn events_skipped(&self) -> i32 {
        self.recovery.skipped
    }

    /// The newest snapshot, which was not used but held against the events; null if there is none.
    async fn snapshot(&self) -> Option<RecoverySnapshot> {
        let found = self.recovery.snapshot?;
        Some(RecoverySnapshot {
            version: found.version,
            agrees: found.agrees,
        })
    }

    /// How long it took, in milliseconds.
    async fn duration_ms(&self) -> SafeInt {
        SafeInt(self.duration_ms)
    }

    /// The events that were written down; empty without `record: true`.
    async fn recorded(&self) -> &[EventObject] {
        &self.recorded
    }
}

impl From<&Violation> for GameViolation {
    fn from(violation: &Violation) -> Self {
        Self {
            rule: violation.rule.as_str().to_owned(),
            title: violation.rule.title().to_owned(),
            rule_code: violation.code.to_owned(),
            severity: violation.severity,
            stream_version: violation.stream_version,
            event_id: violation.event_id.clone(),
            event_type: violation.event_type.clone(),
            message: capitalised(&violation.message),
        }
    }
}

pub(super) async fn recover(
    ctx: &Context<'_>,
    input: RecoverGameInput,
) -> Result<RecoverGamePayload> {
    let operation = Operation::of(ctx)?;
    let refused = |field: &str, message: String| {
        let refusal = InvalidInput::argument(field, message);
        Ok(RecoverGamePayload::InvalidInput(refusal))
    };
    let name = match Games::stream_name(&input.game_id) {
        Ok(name) => name,
        Err(error) => return refused("gameId", capitalised(&error.to_string())),
    };
    if input.attempt < 1 {
        let message = format!(
            "`attempt` is {}. Attempts are counted from 1.",
            input.attempt
        );
        return refused("attempt", message);
    }
    let begun = Instant::now();
    let found = operation.games.recover(&operation.scope, &name).await;
    let Some(recovery) = found.map_err(|error| read_error(&error))? else {
        return Ok(RecoverGamePayload::StreamNotFound(StreamNotFound::of(
            &name, "gameId",
        )));
    };
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut recovered = GameRecovered {
        recovery,
        duration_ms,
        recorded: Vec::new(),
    };
    if input.record {
        match operation.games.append(record_of(&recovered, &input)?).await {
            Ok(appended) => {
                let events = appended.committed.streams.into_iter();
                let events = events.flat_map(|stream| stream.events);
                recovered.recorded = events.map(EventObject::new).collect();
            }
            Err(AppendError::Refused(refusal)) => {
                return RecoverGamePayload::refused(Refusal::new(*refusal, &operation.scope));
            }
            Err(error) => return Err(append_error(&error)),
        }
    }
    Ok(RecoverGamePayload::GameRecovered(recovered))
}

/// The events that tell of a recovery.
fn record_of(recovered: &GameRecovered, input: &RecoverGameInput) -> Result<Append> {
    let recovery = &recovered.recovery;
    let game_id = Some(input.game_id.clone());
    let guild_id = recovery.stream.guild_id.as_deref().map(str::to_owned);
    // The schemas of the game know microseconds, and the system's clock knows more.
    let timestamp = Utc::now().trunc_subsecs(6);
    let started = SessionRecoveryStarted {
        game_id: game_id.clone(),
        guild_id: guild_id.clone(),
        trigger: match input.trigger {
            Trigger::Crash => RecoveryTrigger::Crash,
            Trigger::Restart => RecoveryTrigger::Restart,
            Trigger::Failover => RecoveryTrigger::Failover,
            Trigger::Manual => RecoveryTrigger::Manual,
        },
        attempt: input.attempt,
        from_version: recovery.first_version,
        snapshot_version: None,
        timestamp,
    };
    let is_error = |violation: &&Violation| violation.severity == Severity::Error;
    let ended = match recovery.violations.iter().find(is_error) {
        None => event(
            "session_recovered",
            &SessionRecovered {
                game_id,
                guild_id,
                attempt: input.attempt,
                last_version: recovery.stream.version,
                events_applied: recovery.applied,
                duration_ms: i32::try_from(recovered.duration_ms).unwrap_or(i32::MAX),
                warnings: rules_of(&recovery.violations),
                timestamp,
            },
            input,
        )?,
        Some(first) => event(
            "session_recovery_failed",
            &SessionRecoveryFailed {
                game_id,
                guild_id,
                attempt: input.attempt,
                error_code: first.code.to_owned(),
                failed_at_version: first.stream_version,
                events_applied: recovery.applied,
                // A newer program may know what this one does not.
                retriable: ["unsupported_version", "unsupported_event_type"].contains(&first.code),
                recovery_hint: Some(format!("{}: {}", first.rule.as_str(), first.message)),
                timestamp,
            },
            input,
        )?,
    };
    Ok(Append {
        streams: vec![StreamAppend {
            stream: format!("gamelog-{}", input.game_id),
            expected: ExpectedVersion::Any,
            events: vec![event("session_recovery_started", &started, input)?, ended],
        }],
        is_batch: false,
    })
}

fn event(
    event_type: &str,
    data: &impl serde::Serialize,
    input: &RecoverGameInput,
) -> Result<NewEvent> {
    Ok(NewEvent {
        event_id: Some(Uuid::now_v7()),
        event_type: event_type.to_owned(),
        schema_version: None,
        data: serde_json::to_string(data)?,
        metadata: input.metadata.as_ref().map(|JsonScalar(text)| text.clone()),
    })
}

/// The rules that were broken, each once.
fn rules_of(violations: &[Violation]) -> Vec<String> {
    let mut rules: Vec<_> = violations.iter().map(|violation| violation.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.iter().map(|rule| rule.as_str().to_owned()).collect()
}

impl RecoverGamePayload {
    fn refused(refusal: Refusal) -> Result<Self> {
        match refusal {
            Refusal::StreamNotFound(refusal) => Ok(Self::StreamNotFound(refusal)),
            Refusal::InvalidInput(refusal) => Ok(Self::InvalidInput(refusal)),
            Refusal::InvalidEvents(refusal) => Ok(Self::InvalidEvents(refusal)),
            Refusal::StreamArchived(refusal) => Ok(Self::StreamArchived(refusal)),
            Refusal::StreamTombstoned(refusal) => Ok(Self::StreamTombstoned(refusal)),
            Refusal::StreamTooLarge(refusal) => Ok(Self::StreamTooLarge(refusal)),
            Refusal::LimitExceeded(refusal) => Ok(Self::LimitExceeded(refusal)),
            // It appends with ids of its own and without an expectation, to a stream without rules.
            Refusal::WrongExpectedVersion(_)
            | Refusal::DuplicateEvent(_)
            | Refusal::StreamDeleted(_)
            | Refusal::RuleViolated(_)
            | Refusal::OperationNotFound(_)
            | Refusal::OperationFinished(_)
            | Refusal::EventTypeNotFound(_)
            | Refusal::TypeConflict(_)
            | Refusal::ProjectionNotBuilt(_) => Err(append_error(&AppendError::Fault)),
        }
    }
}
