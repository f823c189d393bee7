//! Rules of the domain that an append breaks.

use async_graphql::SimpleObject;
use gamebot::game::Severity;

use super::wording::graphql_path;
use crate::graphql::error_code::{ErrorCode, capitalised};
use crate::store;

/// Events break error rules of their domain, and the server is set to refuse that. Nothing was written.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RuleViolated {
    /// `RULE_VIOLATED`.
    pub(super) code: ErrorCode,
    /// The first error, with the values, and how much more there is.
    pub(super) message: String,
    /// False: the identical request will be refused again, unless somebody else appends what is missing.
    pub(super) retryable: bool,
    /// The first event that breaks an error rule.
    pub(super) path: Option<Vec<String>>,
    /// Every rule that the events break, those that only warn among them, in the order of the request. An event
    /// is looked at as if those before it in the request were stored.
    violations: Vec<BrokenRule>,
}

/// A rule of its domain that an event of a request breaks.
#[derive(SimpleObject)]
pub(in crate::graphql) struct BrokenRule {
    /// The rule's name, for example `R22`: see `gameRules`. Null where the rules could not be looked at.
    rule: Option<String>,
    /// What kind of breach it is, for example `counter_mismatch`; `rules_not_checked` where nobody could look.
    rule_code: String,
    /// Whether a server that is set to refuse would refuse the event for it.
    severity: Severity,
    /// The event's index among the events of its stream in the request.
    index: i32,
    /// What was found, and what was wanted.
    message: String,
    /// The event's place in the request.
    path: Vec<String>,
}

impl From<&store::BrokenRule> for BrokenRule {
    fn from(broken: &store::BrokenRule) -> Self {
        let index = broken.path.event.unwrap_or_default();
        Self {
            rule: broken.rule.map(str::to_owned),
            rule_code: broken.code.to_owned(),
            severity: if broken.is_error {
                Severity::Error
            } else {
                Severity::Warning
            },
            index: i32::try_from(index).unwrap_or(i32::MAX),
            message: capitalised(&broken.message),
            path: graphql_path(&broken.path),
        }
    }
}

pub(super) fn rule_violated(broken: &[store::BrokenRule]) -> RuleViolated {
    let first = broken.iter().find(|broken| broken.is_error);
    let errors = broken.iter().filter(|broken| broken.is_error).count();
    let more = match errors.saturating_sub(1) {
        0 => String::new(),
        1 => " (1 more is listed.)".to_owned(),
        more => format!(" ({more} more are listed.)"),
    };
    let message = first.map_or_else(String::new, |first| {
        format!(
            "Rule {}, {}: {}.{more}",
            first.rule.unwrap_or_default(),
            first.code,
            first.message.trim_end_matches('.')
        )
    });
    RuleViolated {
        code: ErrorCode::RuleViolated,
        message,
        retryable: false,
        path: first.map(|first| graphql_path(&first.path)),
        violations: broken.iter().map(BrokenRule::from).collect(),
    }
}
