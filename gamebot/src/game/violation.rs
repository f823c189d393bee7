//! What is said when a rule is broken.

use std::fmt;

use super::{
    rule::{Rule, Severity},
    state::Envelope,
};

/// A breach of a rule by an event, or by the stream as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The stable code of this kind of breach, for example `counter_mismatch`; the same code can
    /// serve several rules.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The place of the event in the stream; none when no single event is to blame.
    pub stream_version: Option<i32>,
    /// The id of the event; none when no single event is to blame.
    pub event_id: Option<String>,
    /// The type of the event; none when no single event is to blame.
    pub event_type: Option<String>,
    /// What was found and what was wanted, in English.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.rule.as_str(), self.code)?;
        if let Some(version) = self.stream_version {
            write!(formatter, " at version {version}")?;
        }
        if let Some(event_type) = &self.event_type {
            write!(formatter, ", a {event_type}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

impl Violation {
    /// A breach by the stream as a whole.
    pub(super) fn of_stream(rule: Rule, code: &'static str, message: String) -> Self {
        Self {
            rule,
            code,
            severity: rule.severity(),
            stream_version: None,
            event_id: None,
            event_type: None,
            message,
        }
    }

    /// A breach by one event.
    pub(super) fn of_event(
        rule: Rule,
        code: &'static str,
        envelope: &Envelope<'_>,
        event_type: &str,
        message: String,
    ) -> Self {
        Self {
            stream_version: Some(envelope.stream_version),
            event_id: Some(envelope.event_id.to_owned()),
            event_type: Some(event_type.to_owned()),
            ..Self::of_stream(rule, code, message)
        }
    }
}

/// Collects what one event breaks.
pub(super) struct Report<'a> {
    envelope: &'a Envelope<'a>,
    event_type: &'a str,
    violations: Vec<Violation>,
}

impl<'a> Report<'a> {
    pub(super) fn new(envelope: &'a Envelope<'a>, event_type: &'a str) -> Self {
        Self {
            envelope,
            event_type,
            violations: Vec::new(),
        }
    }

    pub(super) fn envelope(&self) -> &'a Envelope<'a> {
        self.envelope
    }

    pub(super) fn event_type(&self) -> &'a str {
        self.event_type
    }

    /// Adds a breach. The message is made by the caller, who knows the values.
    pub(super) fn add(&mut self, rule: Rule, code: &'static str, message: String) {
        let violation = Violation::of_event(rule, code, self.envelope, self.event_type, message);
        self.violations.push(violation);
    }

    /// Adds a breach that is merely worth knowing, whatever the rule says.
    pub(super) fn warn(&mut self, rule: Rule, code: &'static str, message: String) {
        self.add(rule, code, message);
        if let Some(added) = self.violations.last_mut() {
            added.severity = Severity::Warning;
        }
    }

    pub(super) fn finish(self) -> Vec<Violation> {
        self.violations
    }
}
