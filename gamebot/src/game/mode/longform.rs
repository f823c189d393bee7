//! Mode `longform`: one round a day, and the slowest leave each day until one is left.

use super::{ModeRules, eliminated_in_round, foreign_event, last_live_team, teams_at_round_start};
use crate::{
    event::{DayStanding, EliminationReason, Event, LongformDayEnded},
    game::{
        check::{CLOCK_TOLERANCE_MS, Comparison, Figure, Judge, TeamNumbers},
        state::{GameState, Team},
    },
};

pub(super) struct Longform;

impl ModeRules for Longform {
    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event) {
        match event {
            Event::LongformDayEnded(ended) => day_ended(judge, ended),
            _ => judge.wrong_closing_event(),
        }
    }

    fn eliminated(&self, judge: &mut Judge<'_>, team: &Team, reason: &EliminationReason) {
        match reason {
            EliminationReason::Forfeit => return,
            EliminationReason::RoundLoss => {}
            EliminationReason::Timeout if !team.round_matched => {}
            _ => judge.wrong_reason(format_args!(
                "the reason is {}, which {} does not give in a longform game",
                reason.as_str(),
                team.team_id
            )),
        }
        let limit = i64::from(judge.state.settings.round_duration_seconds).saturating_mul(1_000);
        let played = judge.round_played_ms();
        if !judge.state.round_open || played.saturating_add(CLOCK_TOLERANCE_MS) < limit {
            judge.wrong_timing(format_args!(
                "the reason is {}, but {played} of the {limit} ms of the day have passed",
                reason.as_str()
            ));
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

fn day_ended(judge: &mut Judge<'_>, ended: &LongformDayEnded) {
    if !judge.shared_round_is_open() {
        return;
    }
    let state = judge.state;
    let against = Comparison::REPEATED;
    judge.number("day_number", ended.day_number, state.round_number);
    let standings = ended.team_standings.iter();
    judge.team_list(
        against,
        "the teams of team_standings",
        standings.map(|standing| standing.team_id.as_str()),
        teams_at_round_start(state),
    );
    judge.team_list(
        against,
        "the eliminated_teams",
        ended.eliminated_teams.iter().map(String::as_str),
        eliminated_in_round(state),
    );
    for standing in &ended.team_standings {
        if let Some(team) = state.team(&standing.team_id) {
            day_standing(judge, team, standing);
        }
    }
    let range = judge.round_duration();
    judge.seconds("day_duration", ended.day_duration, range);
}

fn day_standing(judge: &mut Judge<'_>, team: &Team, standing: &DayStanding) {
    let against = Comparison::REPEATED;
    judge.team_numbers(
        against,
        team,
        &TeamNumbers {
            score: Some(standing.score),
            matches: standing.matches,
            total_guesses: standing.total_guesses,
            average_guesses: Some(standing.average_guesses),
        },
    );
    judge.player_stats(against, team, &standing.player_stats);
    let (guesses, matches) = (standing.daily_guesses, standing.daily_matches);
    let figures = [
        Figure::Count("daily_matches", matches, i32::from(team.round_matched)),
        Figure::Count("daily_guesses", guesses, team.round_guess_count),
    ];
    judge.figures(against, &team.team_id, &figures);
}
