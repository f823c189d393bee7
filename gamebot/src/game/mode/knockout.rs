//! Mode `knockout`: the slowest teams leave after each round until one is left.

use super::{ModeRules, eliminated_in_round, foreign_event, last_live_team};
use crate::{
    event::{AdvancingTeam, EliminatedTeam, EliminationReason, Event, KnockoutRoundCompleted},
    game::{
        check::{CLOCK_TOLERANCE_MS, Comparison, Figure, Judge, TeamNumbers},
        state::{GameState, Team},
    },
};

pub(super) struct Knockout;

impl ModeRules for Knockout {
    fn guess_limit(&self, state: &GameState) -> Option<i32> {
        Some(state.settings.max_guesses)
    }

    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event) {
        match event {
            Event::KnockoutRoundCompleted(completed) => round_completed(judge, completed),
            _ => judge.wrong_closing_event(),
        }
    }

    fn eliminated(&self, judge: &mut Judge<'_>, team: &Team, reason: &EliminationReason) {
        if *reason != EliminationReason::MaxGuesses {
            judge.elimination_is_due(team);
        }
        if *reason == EliminationReason::Forfeit {
            return;
        }
        if !judge.state.round_open {
            judge.wrong_timing(format_args!(
                "the reason is {}, but no round is open",
                reason.as_str()
            ));
            return;
        }
        match reason {
            EliminationReason::MaxGuesses => out_of_guesses(judge, team),
            EliminationReason::Timeout => out_of_time(judge, team),
            EliminationReason::RoundLoss => lost_the_round(judge),
            _ => judge.wrong_reason(format_args!(
                "the reason {} is none of the game's",
                reason.as_str()
            )),
        }
    }

    fn own_event(&self, judge: &mut Judge<'_>, _event: &Event) {
        foreign_event(judge);
    }

    fn before_completion(&self, judge: &mut Judge<'_>) {
        judge.no_round_is_open();
        judge.one_team_is_left();
    }

    fn winners<'a>(&self, state: &'a GameState) -> Option<Vec<&'a Team>> {
        last_live_team(state)
    }
}

fn out_of_guesses(judge: &mut Judge<'_>, team: &Team) {
    let limit = judge.state.settings.max_guesses;
    if team.round_matched || team.guess_count < limit {
        judge.wrong_reason(format_args!(
            "the reason is max_guesses, but {} made {} of {limit} attempts and {}",
            team.team_id,
            team.guess_count,
            if team.round_matched {
                "matched"
            } else {
                "may go on"
            }
        ));
    }
}

fn out_of_time(judge: &mut Judge<'_>, team: &Team) {
    if team.round_matched {
        judge.wrong_reason(format_args!(
            "the reason is timeout, but {} solved the round",
            team.team_id
        ));
    } else if !judge.state.live_teams().any(|team| team.round_matched) {
        judge.wrong_reason(format_args!(
            "the reason is timeout, but no live team has solved the round {}, so that nobody is out \
             when the time is up",
            judge.state.round_number
        ));
    }
    let (played, limit) = clock(judge);
    if played.saturating_add(CLOCK_TOLERANCE_MS) < limit {
        judge.wrong_timing(format_args!(
            "the reason is timeout, but the round has lasted {played} of {limit} ms"
        ));
    }
}

/// Teams are out by the loss of a round when all that are live have solved it, or the time is up.
fn lost_the_round(judge: &mut Judge<'_>) {
    let (played, limit) = clock(judge);
    let playing = judge.state.live_teams().find(|team| !team.round_matched);
    if let Some(playing) = playing
        && played.saturating_add(CLOCK_TOLERANCE_MS) < limit
    {
        judge.wrong_timing(format_args!(
            "the reason is round_loss, but {} is playing and {played} of {limit} ms have passed",
            playing.team_id
        ));
    }
}

/// How long the round has lasted, and how long it may, in milliseconds.
fn clock(judge: &Judge<'_>) -> (i64, i64) {
    let limit = i64::from(judge.state.settings.round_time_limit_seconds);
    (judge.round_played_ms(), limit.saturating_mul(1_000))
}

fn round_completed(judge: &mut Judge<'_>, completed: &KnockoutRoundCompleted) {
    if !judge.shared_round_is_open() {
        return;
    }
    judge.eliminations_are_due();
    let state = judge.state;
    let against = Comparison::REPEATED;
    let out = completed.eliminated_teams.iter();
    judge.team_list(
        against,
        "the eliminated_teams",
        out.map(|team| team.team_id.as_str()),
        eliminated_in_round(state),
    );
    let on = completed.advancing_teams.iter();
    judge.team_list(
        against,
        "the advancing_teams",
        on.map(|team| team.team_id.as_str()),
        state
            .teams
            .iter()
            .filter(|team| team.is_live())
            .map(|team| team.team_id.as_str()),
    );
    for out in &completed.eliminated_teams {
        eliminated(judge, out);
    }
    for on in &completed.advancing_teams {
        advancing(judge, on);
    }
    let range = judge.round_duration();
    judge.seconds("round_duration", completed.round_duration, range);
}

fn eliminated(judge: &mut Judge<'_>, out: &EliminatedTeam) {
    let state = judge.state;
    let Some(team) = state.team(&out.team_id) else {
        return;
    };
    let elimination = state
        .eliminated
        .iter()
        .find(|elimination| elimination.team_id == out.team_id);
    if let Some(elimination) = elimination.filter(|found| found.reason != out.reason) {
        judge.repeated(format_args!(
            "the reason of {} is {}, but it was eliminated by {}",
            out.team_id,
            out.reason.as_str(),
            elimination.reason.as_str()
        ));
    }
    let against = Comparison::REPEATED;
    let figures = [Figure::Count("final_score", out.final_score, team.score)];
    judge.figures(against, &out.team_id, &figures);
    judge.player_stats(against, team, &out.player_stats);
}

fn advancing(judge: &mut Judge<'_>, on: &AdvancingTeam) {
    if let Some(team) = judge.state.team(&on.team_id) {
        judge.team_numbers(
            Comparison::REPEATED,
            team,
            &TeamNumbers {
                score: Some(on.score),
                matches: on.matches,
                total_guesses: on.total_guesses,
                average_guesses: None,
            },
        );
    }
}
