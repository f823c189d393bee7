//! What the free configuration of a game means.

use serde_json::Value;

use super::state::Settings;
use crate::event::JsonObject;

impl Default for Settings {
    fn default() -> Self {
        Self {
            forbidden_words_limit: 12,
            guess_timeout_seconds: None,
            rounds_required: 5,
            success_threshold: 4.0,
            round_time_limit_seconds: 300,
            max_guesses: 12,
            forced_elimination_threshold: 8,
            teams_to_eliminate: 3,
            time_limit_seconds: 180,
            allow_give_up: true,
            round_duration_seconds: 86_400,
        }
    }
}

impl Settings {
    /// Takes away the oldest of the words that a player may not use, until there are no more than the
    /// limit.
    pub(super) fn forget_words(&self, words: &mut Vec<String>) {
        let limit = usize::try_from(self.forbidden_words_limit).unwrap_or(0);
        let excess = words.len().saturating_sub(limit);
        words.drain(..excess);
    }

    /// Reads a configuration. A key that is missing, or has a value that makes no sense, has its
    /// default; the second name of some keys is what early writers used.
    #[must_use]
    pub fn of(config: &JsonObject) -> Self {
        let default = Self::default();
        let int = |keys: &[&str], least: i32| {
            keys.iter()
                .filter_map(|key| config.get(*key))
                .filter_map(whole_number)
                .find(|number| *number >= least)
        };
        let int_or = |keys: &[&str], least, default| int(keys, least).unwrap_or(default);
        Self {
            forbidden_words_limit: int_or(
                &["forbidden_words_limit"],
                0,
                default.forbidden_words_limit,
            ),
            guess_timeout_seconds: int(&["guess_timeout_seconds"], 1),
            rounds_required: int_or(&["rounds_required", "rounds"], 1, default.rounds_required),
            success_threshold: config
                .get("success_threshold")
                .and_then(Value::as_f64)
                .filter(|threshold| *threshold > 0.0)
                .unwrap_or(default.success_threshold),
            round_time_limit_seconds: int_or(
                &[
                    "round_time_limit_seconds",
                    "round_time_limit",
                    "round_duration_seconds",
                ],
                1,
                default.round_time_limit_seconds,
            ),
            max_guesses: int_or(
                &["max_guesses", "elimination_guess_limit"],
                1,
                default.max_guesses,
            ),
            forced_elimination_threshold: int_or(
                &["forced_elimination_threshold"],
                1,
                default.forced_elimination_threshold,
            ),
            teams_to_eliminate: int_or(&["teams_to_eliminate"], 1, default.teams_to_eliminate),
            time_limit_seconds: int_or(
                &["time_limit_seconds", "time_limit"],
                1,
                default.time_limit_seconds,
            ),
            allow_give_up: config
                .get("allow_give_up")
                .and_then(Value::as_bool)
                .unwrap_or(default.allow_give_up),
            round_duration_seconds: int_or(
                &["round_duration_seconds"],
                60,
                default.round_duration_seconds,
            ),
        }
    }
}

/// A whole number of 32 bits, however it is written: 4 and 4.0 are the same.
fn whole_number(value: &Value) -> Option<i32> {
    if let Some(number) = value.as_i64() {
        return i32::try_from(number).ok();
    }
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    format!("{number:.0}").parse().ok()
}
