//! Mode `two_player`: one team, a fixed number of rounds, and a goal.

use std::ops::RangeInclusive;

use super::{ModeRules, foreign_event, only_forfeit};
use crate::{
    event::{EliminationReason, Event, RoundCompleted, RoundEnded, TwoPlayerResultEvaluated},
    game::{
        check::{Comparison, Figure, Judge},
        state::{GameState, Team, average},
    },
};

pub(super) struct TwoPlayer;

impl ModeRules for TwoPlayer {
    fn team_count(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event) {
        match event {
            Event::RoundCompleted(completed) => round_completed(judge, completed),
            Event::RoundEnded(ended) => round_ended(judge, ended),
            _ => judge.wrong_closing_event(),
        }
    }

    fn eliminated(&self, judge: &mut Judge<'_>, _team: &Team, reason: &EliminationReason) {
        only_forfeit(judge, reason);
    }

    fn own_event(&self, judge: &mut Judge<'_>, event: &Event) {
        match event {
            Event::TwoPlayerResultEvaluated(evaluated) => result_evaluated(judge, evaluated),
            _ => foreign_event(judge),
        }
    }

    fn before_completion(&self, judge: &mut Judge<'_>) {
        judge.no_round_is_open();
        if judge.state.evaluation.is_none() {
            judge.missing_event(format_args!(
                "no two_player_result_evaluated comes before the result"
            ));
        }
    }

    fn winners<'a>(&self, state: &'a GameState) -> Option<Vec<&'a Team>> {
        let team = state.teams.first()?;
        Some(if is_won(state, team) {
            vec![team]
        } else {
            Vec::new()
        })
    }
}

/// Whether the average of all rounds reaches the goal. A game without a round is lost.
fn is_won(state: &GameState, team: &Team) -> bool {
    state.rounds_played > 0
        && average(team.total_guesses, state.rounds_played)
            <= state.settings.success_threshold + 1e-9
}

fn round_completed(judge: &mut Judge<'_>, completed: &RoundCompleted) {
    let Some(team) = judge.known_team(&completed.winner_team_id) else {
        return;
    };
    if judge.shared_round_is_open() && judge.winner_has_matched(team) {
        judge.number("round_score", completed.round_score, team.round_score);
        judge.round_stats(team, &completed.round_stats);
    }
}

fn round_ended(judge: &mut Judge<'_>, ended: &RoundEnded) {
    if !judge.shared_round_is_open() {
        return;
    }
    judge.team_list(
        Comparison::REPEATED,
        "the winners of the round",
        ended.winners.iter().map(String::as_str),
        std::iter::empty(),
    );
    let Some(team) = judge.state.teams.first() else {
        return;
    };
    if team.round_matched {
        judge.not_active(format_args!(
            "the round was solved by {}, so a round_completed closes it",
            team.team_id
        ));
    }
    if let Some(stats) = &ended.round_stats {
        judge.round_stats(team, stats);
    }
    if let Some(stated) = ended.round_duration {
        let range = judge.round_duration();
        judge.seconds("round_duration", stated, range);
    }
}

fn result_evaluated(judge: &mut Judge<'_>, evaluated: &TwoPlayerResultEvaluated) {
    let Some(team) = judge.known_team(&evaluated.team_id) else {
        return;
    };
    let state = judge.state;
    if state.evaluation.is_some() {
        judge.repeated(format_args!("the game has been evaluated already"));
    }
    if state.round_open {
        let round = state.round_number;
        judge.repeated(format_args!(
            "the goal is evaluated while the round {round} is open"
        ));
    }
    judge.round_number(state.round_number.max(1));
    let rounds = state.rounds_played;
    let required = state.settings.rounds_required;
    let stated = evaluated;
    let figures = [
        Figure::Count("rounds_required", stated.rounds_required, required),
        Figure::Count("rounds_played", stated.rounds_played, rounds),
        Figure::Count("total_guesses", stated.total_guesses, team.total_guesses),
        Figure::Count(
            "perfect_rounds",
            stated.perfect_rounds,
            state.perfect_rounds,
        ),
        Figure::Average(
            "average_guesses",
            stated.average_guesses,
            average(stated.total_guesses, stated.rounds_played),
        ),
        Figure::Average(
            "success_threshold",
            stated.success_threshold,
            state.settings.success_threshold,
        ),
    ];
    judge.figures(Comparison::REPEATED, "", &figures);
    if evaluated.rounds_played != evaluated.rounds_required {
        judge.repeated(format_args!(
            "the game is evaluated after {} of {} rounds",
            evaluated.rounds_played, evaluated.rounds_required
        ));
    }
    let is_won = is_won(state, team);
    if evaluated.succeeded != is_won {
        judge.repeated(format_args!(
            "succeeded is {}, but {} attempts in {rounds} rounds have the goal {}",
            evaluated.succeeded, team.total_guesses, state.settings.success_threshold
        ));
    }
}
