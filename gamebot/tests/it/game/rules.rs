//! Each rule: a stream that breaks it and nothing else, and the nearest one that does not.

mod attempts;
mod endings;
mod numbers;
mod rounds;
mod starts;

use std::{collections::BTreeSet, sync::LazyLock};

use gamebot::game::{Recovery, Rule, Severity};
use serde_json::Value;

use super::{
    stream::{Stream, told},
    table::Table,
};

/// A breach of a rule beside a lawful neighbour.
struct Case {
    rule: Rule,
    code: &'static str,
    broken: Recovery,
    lawful: Recovery,
}

/// A case of a stream with one event changed, beside the unchanged one.
fn changed(
    rule: Rule,
    code: &'static str,
    table: &Table,
    event_type: &str,
    change: impl FnOnce(&mut Value),
) -> Case {
    Case {
        rule,
        code,
        broken: edited(table, event_type, change).recover(),
        lawful: table.stream().recover(),
    }
}

fn case(rule: Rule, code: &'static str, broken: &Table, lawful: &Table) -> Case {
    Case {
        rule,
        code,
        broken: broken.stream().recover(),
        lawful: lawful.stream().recover(),
    }
}

/// The game with its last event of this type changed.
fn edited(table: &Table, event_type: &str, change: impl FnOnce(&mut Value)) -> Stream {
    let mut stream = table.stream();
    let mut events = stream.events.iter_mut().rev();
    let event = events.find(|event| event.event_type == event_type);
    event.unwrap().edit(change);
    stream
}

/// The game up to its last event of this type.
fn up_to(mut table: Table, event_type: &str) -> Table {
    let last = table
        .events
        .iter()
        .rposition(|event| event.event_type == event_type);
    table.events.truncate(last.unwrap() + 1);
    table
}

/// A game, played on a little.
fn play(mut table: Table, on: impl FnOnce(&mut Table)) -> Table {
    on(&mut table);
    table
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let parts = [
        starts::cases(),
        rounds::cases(),
        attempts::cases(),
        numbers::cases(),
        endings::cases(),
    ];
    parts.into_iter().flatten().collect()
});

#[test]
fn each_breach_is_told_by_its_rule_and_its_code_and_nothing_else() {
    let mut wrong = Vec::new();
    for case in CASES.iter() {
        let violations = &case.broken.violations;
        let found: BTreeSet<(Rule, &str)> = violations
            .iter()
            .map(|violation| (violation.rule, violation.code))
            // A number that had to be adopted leaves a state that does not add up.
            .filter(|(_, code)| *code != "state_validation_failed")
            .collect();
        if found != BTreeSet::from([(case.rule, case.code)]) {
            wrong.push(format!(
                "{} {}:\n{}",
                case.rule.as_str(),
                case.code,
                told(violations)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_lawful_neighbour_of_each_breach_is_accepted() {
    let mut wrong = Vec::new();
    for case in CASES.iter() {
        let violations = &case.lawful.violations;
        if !violations.is_empty() {
            wrong.push(format!(
                "{} {}:\n{}",
                case.rule.as_str(),
                case.code,
                told(violations)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_has_a_breach() {
    let broken: BTreeSet<Rule> = CASES.iter().map(|case| case.rule).collect();
    assert_eq!(broken, Rule::ALL.iter().copied().collect());
    assert_eq!(broken.len(), 38);
}

/// The codes are stable, so they stand here once more.
#[test]
fn every_code_has_a_breach() {
    let codes: BTreeSet<&str> = CASES.iter().map(|case| case.code).collect();
    let wanted = [
        "already_matched",
        "causation_cycle",
        "causation_unknown",
        "correlation_changed",
        "counter_mismatch",
        "deserialization_failed",
        "duplicate_event",
        "duplicate_game_start",
        "event_after_completion",
        "event_id_conflict",
        "final_scores_mismatch",
        "game_id_mismatch",
        "game_paused",
        "guess_limit_exceeded",
        "guess_outside_round",
        "guild_mismatch",
        "invalid_elimination_reason",
        "invalid_elimination_timing",
        "invalid_event_data",
        "invalid_event_order",
        "invalid_game_state",
        "invalid_initial_event",
        "invalid_match_score",
        "invalid_player",
        "invalid_stream_start",
        "invalid_team",
        "invalid_team_count",
        "invalid_team_size",
        "missing_elimination",
        "missing_events",
        "mode_mismatch",
        "no_events",
        "player_not_in_game",
        "result_mismatch",
        "round_already_active",
        "round_not_active",
        "round_number_gap",
        "round_time_expired",
        "same_player",
        "stream_too_large",
        "team_eliminated",
        "team_states_mismatch",
        "unsupported_event_type",
        "unsupported_version",
        "version_gap",
        "version_order_issue",
        "word_forbidden",
        "wrong_round_number",
    ];
    assert_eq!(codes, BTreeSet::from(wanted));
}

#[test]
fn only_three_kinds_of_breach_are_warnings() {
    for case in CASES.iter() {
        for violation in &case.broken.violations {
            let is_warning = violation.severity == Severity::Warning;
            let is_mild = matches!(
                violation.code,
                "word_forbidden" | "correlation_changed" | "causation_unknown"
            );
            assert_eq!(is_warning, is_mild, "{violation}");
        }
    }
}

#[test]
fn the_rules_say_what_they_are() {
    for (index, rule) in Rule::ALL.iter().enumerate() {
        assert_eq!(rule.as_str(), format!("R{:02}", index + 1));
        assert!(rule.title().ends_with('.'), "{}", rule.title());
    }
}
