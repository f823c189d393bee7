//! A whole stream at once, as it is stored and whatever became of it.

mod stored;

use std::collections::{HashMap, hash_map::Entry};

use super::{
    check::{check, check_envelope, is_optional},
    rule::{Rule, Severity},
    state::{Envelope, GameState, StateWarning},
    verify::verify,
    violation::{Report, Violation},
};
use stored::{Fault, Metadata, content_of, is_uuid, normal_id, read_data};

pub use stored::StoredEvent;

/// How many warnings a state remembers.
const MAX_STATE_WARNINGS: usize = 100;

/// Rebuilds the state of a game from its stream, with every check there is.
///
/// It never stops: what cannot be used is reported, left out and counted, and the rest is folded.
/// The same events give the same answer.
#[derive(Clone, Debug)]
pub struct Recoverer {
    state: GameState,
    violations: Vec<Violation>,
    applied: i32,
    skipped: i32,
    is_too_large: bool,
    seen: HashMap<String, Seen>,
    causes: Vec<OpenCause>,
}

/// What a recovery found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// The state after the last event.
    pub state: GameState,
    /// All breaches, in the order of the stream; those of the stream as a whole come last.
    pub violations: Vec<Violation>,
    /// The events that were folded.
    pub applied: i32,
    /// The events that could not be used.
    pub skipped: i32,
    /// The events whose cause is not among the events read, each as its stream version and the id
    /// of the cause. See [`Self::settle_causes`].
    pub unknown_causes: Vec<(i32, String)>,
    causes: Vec<OpenCause>,
}

/// Where the cause of an event was found outside of the events that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CausePlace {
    /// At a lower position than the event, as it should be.
    Before,
    /// At a higher position.
    After,
    /// Nowhere.
    Nowhere,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    stream_version: i32,
    content: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OpenCause {
    stream_version: i32,
    event_id: String,
    event_type: String,
    causation_id: String,
}

impl Recoverer {
    /// Starts before the event with the stream version `first_version`, with which the game begins; 1 for a
    /// whole stream.
    #[must_use]
    pub fn new(game_id: &str, first_version: i32) -> Self {
        let mut state = GameState::new(game_id);
        state.stream_version = first_version.saturating_sub(1).max(0);
        Self {
            state,
            violations: Vec::new(),
            applied: 0,
            skipped: 0,
            is_too_large: false,
            seen: HashMap::new(),
            causes: Vec::new(),
        }
    }

    /// Goes on from a state, for example from a snapshot: the next event is the one after it.
    ///
    /// The ids of the events before are not known then, so causes among them end up in
    /// [`Recovery::unknown_causes`], and a duplicate of one of them is not noticed.
    #[must_use]
    pub fn from_state(state: GameState) -> Self {
        Self {
            state,
            ..Self::new("", 1)
        }
    }

    /// Takes the next event of the stream.
    pub fn feed(&mut self, stored: &StoredEvent<'_>) {
        let metadata = self.read_metadata(stored);
        let envelope = Envelope {
            stream_version: stored.stream_version,
            event_id: stored.event_id,
            correlation_id: metadata.correlation_id.as_deref(),
            causation_id: metadata.causation_id.as_deref(),
        };
        if self.is_duplicate(&envelope, stored) {
            self.skip(&envelope, stored.event_type);
            return;
        }
        self.note_cause(&envelope, stored.event_type);
        match read_data(stored) {
            Ok(event) => {
                let violations = check(&self.state, &envelope, &event);
                self.report(violations);
                self.state.apply(&envelope, &event);
                self.applied = self.applied.saturating_add(1);
            }
            Err(fault) => {
                let Fault {
                    rule,
                    code,
                    severity,
                    message,
                } = fault;
                let violation =
                    Violation::of_event(rule, code, &envelope, stored.event_type, message);
                self.report(vec![Violation {
                    severity,
                    ..violation
                }]);
                self.skip(&envelope, stored.event_type);
            }
        }
    }

    /// Ends the recovery. The last checks look at the stream as a whole and at the state.
    #[must_use]
    pub fn finish(mut self) -> Recovery {
        if self.state.event_count == 0 {
            let message = format!("the stream of the game {} is empty", self.state.game_id);
            self.violations
                .push(Violation::of_stream(Rule::R01, "no_events", message));
        }
        let causes = self.judge_causes();
        // The order of the stream, whenever a breach was noticed.
        self.violations
            .sort_by_key(|violation| violation.stream_version.unwrap_or(i32::MAX));
        self.violations.extend(verify(&self.state));
        remember_warnings(&mut self.state, &self.violations);
        Recovery {
            state: self.state,
            violations: self.violations,
            applied: self.applied,
            skipped: self.skipped,
            unknown_causes: causes
                .iter()
                .map(|cause| (cause.stream_version, cause.causation_id.clone()))
                .collect(),
            causes,
        }
    }

    fn read_metadata(&mut self, stored: &StoredEvent<'_>) -> Metadata {
        let hidden = Metadata {
            correlation_id: self.state.correlation_id.clone(),
            causation_id: None,
        };
        let Some(text) = stored.metadata else {
            return hidden;
        };
        match serde_json::from_str(text) {
            Ok(metadata) => metadata,
            Err(error) => {
                let envelope = Envelope {
                    stream_version: stored.stream_version,
                    event_id: stored.event_id,
                    correlation_id: None,
                    causation_id: None,
                };
                let message = format!("the metadata cannot be read: {error}");
                let code = "deserialization_failed";
                let event_type = stored.event_type;
                self.violations.push(Violation::of_event(
                    Rule::R10,
                    code,
                    &envelope,
                    event_type,
                    message,
                ));
                hidden
            }
        }
    }

    /// Whether an event with this id was there before (`R37`). Takes note of it otherwise.
    fn is_duplicate(&mut self, envelope: &Envelope<'_>, stored: &StoredEvent<'_>) -> bool {
        let content = content_of(stored);
        let first = match self.seen.entry(normal_id(stored.event_id)) {
            Entry::Vacant(place) => {
                place.insert(Seen {
                    stream_version: stored.stream_version,
                    content,
                });
                return false;
            }
            Entry::Occupied(place) => *place.get(),
        };
        let (code, how) = if first.content == content {
            ("duplicate_event", "the same")
        } else {
            ("event_id_conflict", "another")
        };
        let (id, version) = (stored.event_id, first.stream_version);
        let message = format!("the event id {id} is that of version {version}, with {how} content");
        self.violations.push(Violation::of_event(
            Rule::R37,
            code,
            envelope,
            stored.event_type,
            message,
        ));
        true
    }

    /// Gives an event of no use its place in the stream.
    fn skip(&mut self, envelope: &Envelope<'_>, event_type: &str) {
        let mut report = Report::new(envelope, event_type);
        check_envelope(&self.state, &mut report);
        let violations = report.finish();
        self.report(violations);
        self.state.note_envelope(envelope);
        // A lost start is told once, and not again by the first event that misses it.
        if self.state.phase.is_none() && !is_optional(event_type) {
            self.state.start_is_damaged = true;
        }
        self.skipped = self.skipped.saturating_add(1);
    }

    fn report(&mut self, violations: Vec<Violation>) {
        for violation in violations {
            let is_of_size = violation.rule == Rule::R38;
            // One event too many is said once, not by all that follow it.
            if !(is_of_size && self.is_too_large) {
                self.violations.push(violation);
            }
            self.is_too_large |= is_of_size;
        }
    }

    /// Looks at the cause of an event (`R35`), provided that it is an event itself.
    fn note_cause(&mut self, envelope: &Envelope<'_>, event_type: &str) {
        let Some(causation_id) = envelope.causation_id.filter(|id| is_uuid(id)) else {
            return;
        };
        let cause = normal_id(causation_id);
        if cause == normal_id(envelope.event_id) {
            let message = format!("the causation_id {causation_id} is the event's own id");
            self.violations.push(Violation::of_event(
                Rule::R35,
                "causation_cycle",
                envelope,
                event_type,
                message,
            ));
        } else if !self.seen.contains_key(&cause) {
            self.causes.push(OpenCause {
                stream_version: envelope.stream_version,
                event_id: envelope.event_id.to_owned(),
                event_type: event_type.to_owned(),
                causation_id: causation_id.to_owned(),
            });
        }
    }

    /// Reports the causes that came later in the stream, and answers with those that never came.
    fn judge_causes(&mut self) -> Vec<OpenCause> {
        let mut unknown = Vec::new();
        for cause in std::mem::take(&mut self.causes) {
            match self.seen.get(&normal_id(&cause.causation_id)) {
                Some(later) => {
                    let version = later.stream_version;
                    let message = format!(
                        "the causation_id {} is that of version {version}, a later event",
                        cause.causation_id
                    );
                    self.violations
                        .push(cause.violation("causation_cycle", message));
                }
                None => unknown.push(cause),
            }
        }
        unknown
    }
}

impl Recovery {
    /// Looks the causes up that are not in the stream, and reports those that are nowhere, as a
    /// warning, and those that come later in the log, as an error (`R35`). `find` is asked once for
    /// each, with the stream version of the event and the id of its cause.
    pub fn settle_causes(&mut self, mut find: impl FnMut(i32, &str) -> CausePlace) {
        self.unknown_causes.clear();
        for cause in std::mem::take(&mut self.causes) {
            let id = &cause.causation_id;
            match find(cause.stream_version, id) {
                CausePlace::Before => {}
                CausePlace::After => {
                    let message = format!("the causation_id {id} is that of a later event");
                    self.violations
                        .push(cause.violation("causation_cycle", message));
                }
                CausePlace::Nowhere => {
                    let message = format!("the causation_id {id} is that of no event");
                    self.violations.push(Violation {
                        severity: Severity::Warning,
                        ..cause.violation("causation_unknown", message)
                    });
                }
            }
        }
        self.violations
            .sort_by_key(|violation| violation.stream_version.unwrap_or(i32::MAX));
    }
}

impl OpenCause {
    fn violation(&self, code: &'static str, message: String) -> Violation {
        Violation {
            stream_version: Some(self.stream_version),
            event_id: Some(self.event_id.clone()),
            event_type: Some(self.event_type.clone()),
            ..Violation::of_stream(Rule::R35, code, message)
        }
    }
}

fn remember_warnings(state: &mut GameState, violations: &[Violation]) {
    let warnings = violations
        .iter()
        .filter(|violation| violation.severity == Severity::Warning)
        .map(|violation| StateWarning {
            rule: violation.rule.as_str().to_owned(),
            stream_version: violation.stream_version,
        });
    let room = MAX_STATE_WARNINGS.saturating_sub(state.warnings.len());
    state.warnings.extend(warnings.take(room));
}
