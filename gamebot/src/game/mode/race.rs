//! Mode `race`: every team in rounds of its own, and most matches win. The clock is that of
//! `golf_race` as well.

use super::{ModeRules, foreign_event, only_forfeit};
use crate::{
    event::{
        EliminationReason, Event, RaceModeTimeExpired, RaceResult, RaceTimeWarning, RoundCompleted,
    },
    game::{
        check::{Comparison, Figure, Judge, TeamNumbers},
        rule::Rule,
        state::{GameState, Team},
    },
};

pub(super) struct Race;

/// After a pause, how far the time limit may be missed, in milliseconds: the timestamps of the two
/// events do not tell to the millisecond how long the clock stood still.
const PAUSE_TOLERANCE_MS: i64 = 1_000;

impl ModeRules for Race {
    fn has_team_rounds(&self) -> bool {
        true
    }

    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event) {
        round_closed(judge, event);
    }

    fn eliminated(&self, judge: &mut Judge<'_>, _team: &Team, reason: &EliminationReason) {
        only_forfeit(judge, reason);
    }

    fn own_event(&self, judge: &mut Judge<'_>, event: &Event) {
        clock_event(judge, event);
    }

    fn before_completion(&self, judge: &mut Judge<'_>) {
        time_was_up(judge);
    }

    fn winners<'a>(&self, state: &'a GameState) -> Option<Vec<&'a Team>> {
        Some(best(state, |left, right| {
            left.matches
                .cmp(&right.matches)
                .then_with(|| by_average(left, right))
        }))
    }
}

/// The live teams to which no other is superior; a greater team is a better one.
pub(super) fn best(
    state: &GameState,
    compare: impl Fn(&Team, &Team) -> std::cmp::Ordering,
) -> Vec<&Team> {
    state
        .live_teams()
        .filter(|team| state.live_teams().all(|other| compare(team, other).is_ge()))
        .collect()
}

/// Fewer attempts per match are better. A team without a match has an infinite average.
pub(super) fn by_average(left: &Team, right: &Team) -> std::cmp::Ordering {
    match (left.matches > 0, right.matches > 0) {
        (true, true) => {
            // Compared as fractions, because equal averages have to be equal.
            let cross = |attempts: &Team, matches: &Team| {
                i64::from(attempts.total_guesses) * i64::from(matches.matches)
            };
            cross(right, left).cmp(&cross(left, right))
        }
        (with_left, with_right) => with_left.cmp(&with_right),
    }
}

pub(super) fn round_closed(judge: &mut Judge<'_>, event: &Event) {
    match event {
        Event::RoundCompleted(completed) => round_completed(judge, completed),
        _ => judge.wrong_closing_event(),
    }
}

fn round_completed(judge: &mut Judge<'_>, completed: &RoundCompleted) {
    let Some(team) = judge.known_team(&completed.winner_team_id) else {
        return;
    };
    if !team.round_open {
        judge.not_active(format_args!(
            "no round of {} is open; its last one was {}",
            team.team_id, team.round_number
        ));
        return;
    }
    judge.team_round_number(team);
    if judge.base.round_number != team.round_number || !judge.winner_has_matched(team) {
        return;
    }
    judge.number("round_score", completed.round_score, team.round_score);
    judge.round_stats(team, &completed.round_stats);
}

/// Judges the events of the clock; others do not belong here.
pub(super) fn clock_event(judge: &mut Judge<'_>, event: &Event) {
    match event {
        Event::RaceTimeWarning(warning) => time_warning(judge, warning),
        Event::RaceModeTimeExpired(expired) => time_expired(judge, expired),
        _ => foreign_event(judge),
    }
}

/// Says whether the race runs (`R31`).
fn is_running(judge: &mut Judge<'_>) -> bool {
    if judge.state.expired {
        judge.time_is_up();
        return false;
    }
    if judge.state.round_number == 0 {
        expired(
            judge,
            format_args!("the clock says something before the first round"),
        );
        return false;
    }
    true
}

fn time_warning(judge: &mut Judge<'_>, warning: &RaceTimeWarning) {
    if !is_running(judge) {
        return;
    }
    judge.whole_game_round_number();
    let state = judge.state;
    let (stated, limit) = (warning.remaining_seconds, state.settings.time_limit_seconds);
    if stated >= limit {
        judge.repeated(format_args!(
            "remaining_seconds is {stated}, but the whole race takes {limit}"
        ));
    }
    if let Some(last) = state.warned_seconds.filter(|last| stated >= *last) {
        judge.repeated(format_args!(
            "remaining_seconds is {stated}, but the warning before was at {last}"
        ));
    }
    if let Some(left) = early_by(judge, i64::from(stated) * 1_000) {
        judge.repeated(format_args!(
            "remaining_seconds is {stated}, but {} ms are left",
            i64::from(stated) * 1_000 + left
        ));
    }
    let against = Comparison::REPEATED;
    judge.team_list(
        against,
        "the teams of standings",
        warning
            .standings
            .iter()
            .map(|standing| standing.team_id.as_str()),
        state.teams.iter().map(|team| team.team_id.as_str()),
    );
    for standing in &warning.standings {
        if let Some(team) = state.team(&standing.team_id) {
            let figures = [Figure::Count("the score", standing.score, team.score)];
            judge.figures(against, &team.team_id, &figures);
        }
    }
}

/// By how many milliseconds the event is too early for the mark at which so much time is left; none
/// when it is not too early.
fn early_by(judge: &Judge<'_>, left_ms: i64) -> Option<i64> {
    let state = judge.state;
    let left = state.expires_at? - judge.base.timestamp;
    let tolerance = if state.paused_total_ms > 0 {
        PAUSE_TOLERANCE_MS
    } else {
        0
    };
    // Counted up, because a part of a millisecond too early is too early.
    let early = (left.num_microseconds()?.saturating_add(999) / 1_000).saturating_sub(left_ms);
    (early > tolerance).then_some(early)
}

fn time_expired(judge: &mut Judge<'_>, event: &RaceModeTimeExpired) {
    if !is_running(judge) {
        return;
    }
    judge.whole_game_round_number();
    let state = judge.state;
    if let Some(early) = early_by(judge, 0) {
        expired(
            judge,
            format_args!("the time is declared up {early} ms before it is"),
        );
    }
    let (stated, limit) = (event.game_duration, state.settings.time_limit_seconds);
    if stated < limit {
        expired(
            judge,
            format_args!("game_duration is {stated}, but the time limit is {limit} seconds"),
        );
    }
    if let Some(start) = state.started_at {
        let end = judge.base.timestamp;
        let most = (end - start).num_milliseconds();
        judge.seconds(
            "game_duration",
            stated,
            Some((state.played_ms(start, 0, end), most)),
        );
    }
    let against = Comparison::REPEATED;
    judge.team_list(
        against,
        "the teams of final_matches",
        event
            .final_matches
            .iter()
            .map(|result| result.team_id.as_str()),
        state.teams.iter().map(|team| team.team_id.as_str()),
    );
    for result in &event.final_matches {
        if let Some(team) = state.team(&result.team_id) {
            race_result(judge, team, result);
        }
    }
}

fn race_result(judge: &mut Judge<'_>, team: &Team, result: &RaceResult) {
    let against = Comparison::REPEATED;
    judge.team_numbers(
        against,
        team,
        &TeamNumbers {
            score: None,
            matches: result.matches,
            total_guesses: result.total_guesses,
            average_guesses: Some(result.average_guesses),
        },
    );
    judge.player_stats(against, team, &result.player_stats);
    if result.last_match_timestamp != team.last_match_at {
        let text = |at: Option<chrono::DateTime<chrono::Utc>>| {
            at.map_or_else(|| "null".to_owned(), |at| at.to_rfc3339())
        };
        judge.repeated(format_args!(
            "last_match_timestamp of {} is {}, but the last match was at {}",
            team.team_id,
            text(result.last_match_timestamp),
            text(team.last_match_at)
        ));
    }
}

fn expired(judge: &mut Judge<'_>, message: std::fmt::Arguments<'_>) {
    judge.add(Rule::R31, "round_time_expired", message);
}

pub(super) fn time_was_up(judge: &mut Judge<'_>) {
    if !judge.state.expired {
        judge.missing_event(format_args!(
            "no race_mode_time_expired comes before the result"
        ));
    }
}
