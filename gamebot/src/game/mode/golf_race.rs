//! Mode `golf_race`: as a race, but a match earns the more points the fewer attempts it took.

use std::ops::RangeInclusive;

use super::{
    ModeRules, only_forfeit,
    race::{best, by_average, clock_event, round_closed, time_was_up},
};
use crate::{
    event::{EliminationReason, Event, GolfRacePointsAwarded, PointsReason},
    game::{
        check::{Comparison, Figure, Judge},
        state::{GameState, PointsDue, Team},
    },
};

pub(super) struct GolfRace;

impl ModeRules for GolfRace {
    fn has_team_rounds(&self) -> bool {
        true
    }

    fn match_scores(&self) -> RangeInclusive<i32> {
        0..=4
    }

    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event) {
        round_closed(judge, event);
    }

    fn eliminated(&self, judge: &mut Judge<'_>, _team: &Team, reason: &EliminationReason) {
        only_forfeit(judge, reason);
    }

    fn own_event(&self, judge: &mut Judge<'_>, event: &Event) {
        match event {
            Event::GolfRacePointsAwarded(awarded) => points_awarded(judge, awarded),
            _ => clock_event(judge, event),
        }
    }

    fn before_completion(&self, judge: &mut Judge<'_>) {
        time_was_up(judge);
    }

    fn winners<'a>(&self, state: &'a GameState) -> Option<Vec<&'a Team>> {
        Some(best(state, |left, right| {
            left.score
                .cmp(&right.score)
                .then_with(|| by_average(left, right))
                .then_with(|| left.matches.cmp(&right.matches))
        }))
    }
}

fn points_awarded(judge: &mut Judge<'_>, awarded: &GolfRacePointsAwarded) {
    if judge.state.expired {
        judge.time_is_up();
        return;
    }
    let Some(team) = judge.live_team(&awarded.team_id) else {
        return;
    };
    let Some(due) = team.points_due else {
        judge.repeated(format_args!(
            "{} points are awarded to {}, whose last event earned none",
            awarded.points, team.team_id
        ));
        return;
    };
    judge.team_round_number(team);
    the_points(judge, team, due, awarded);
    let stated = match awarded.reason {
        PointsReason::Match => Some(false),
        PointsReason::GiveUp => Some(true),
        PointsReason::Unknown(_) => None,
    };
    if stated != Some(due.gave_up) {
        judge.repeated(format_args!(
            "the reason is {}, but {} {}",
            awarded.reason.as_str(),
            team.team_id,
            if due.gave_up { "gave up" } else { "matched" }
        ));
    }
}

fn the_points(judge: &mut Judge<'_>, team: &Team, due: PointsDue, awarded: &GolfRacePointsAwarded) {
    // The points of a match are in the score already.
    let total = team
        .score
        .saturating_add(if due.gave_up { due.points } else { 0 });
    let match_score = if due.gave_up {
        due.points
    } else {
        team.round_score
    };
    let figures = [
        Figure::Count("guess_count", awarded.guess_count, due.guess_count),
        Figure::Count("points", awarded.points, due.points),
        Figure::Count("match_score", match_score, due.points),
        Figure::Count("total_points", awarded.total_points, total),
    ];
    judge.figures(Comparison::REPEATED, &team.team_id, &figures);
}
