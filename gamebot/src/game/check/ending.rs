//! Eliminations, pauses, and the end of the game.

use std::fmt;

use chrono::TimeDelta;

use super::{super::rule::Rule, Comparison, Figure, Judge, TeamNumbers};
use crate::{
    event::{GameAborted, GameArchived, GameCompleted, GameResumed, TeamEliminated, TeamScore},
    game::state::Team,
};

impl<'a> Judge<'a> {
    pub(super) fn team_eliminated(&mut self, out: &TeamEliminated) {
        let Some(team) = self.live_team(&out.team_id) else {
            return;
        };
        if self.state.live_teams().nth(1).is_none() {
            self.wrong_timing(format_args!(
                "the team {} is the last live one",
                team.team_id
            ));
        }
        self.rules.eliminated(self, team, &out.reason);
        if self.state.round_open {
            self.team_round_number(team);
        }
        let against = Comparison::REPEATED;
        let last = &out.final_state;
        if last.team_id != out.team_id {
            self.repeated(format_args!(
                "the final_state is that of {}, but the team is {}",
                last.team_id, out.team_id
            ));
        }
        self.team_list(
            against,
            "the player_ids of final_state",
            last.player_ids.iter().map(String::as_str),
            team.players.iter().map(|player| player.player_id.as_str()),
        );
        self.team_numbers(
            against,
            team,
            &TeamNumbers {
                score: Some(last.score),
                matches: last.matches,
                total_guesses: last.total_guesses,
                average_guesses: None,
            },
        );
        self.number("final_score", out.final_score, last.score);
        self.player_stats(against, team, &out.player_stats);
    }

    /// Demands the elimination of a team that has failed for the last time (`R25`).
    pub(in crate::game) fn elimination_is_due(&mut self, team: &Team) {
        if team.awaits_elimination {
            let (id, count) = (&team.team_id, team.guess_count);
            self.add(
                Rule::R25,
                "missing_elimination",
                format_args!(
                    "the team {id} failed attempt {count}, its last, and is not eliminated"
                ),
            );
        }
    }

    /// The same for all teams, at an event of the whole game.
    pub(in crate::game) fn eliminations_are_due(&mut self) {
        for team in &self.state.teams {
            self.elimination_is_due(team);
        }
    }

    pub(in crate::game) fn wrong_timing(&mut self, message: fmt::Arguments<'_>) {
        self.add(Rule::R27, "invalid_elimination_timing", message);
    }

    pub(in crate::game) fn wrong_reason(&mut self, message: fmt::Arguments<'_>) {
        self.add(Rule::R27, "invalid_elimination_reason", message);
    }

    pub(super) fn game_resumed(&mut self, resumed: &GameResumed) {
        self.whole_game_round_number();
        let Some(pause) = &self.state.pause else {
            return;
        };
        let paused = (self.base.timestamp - pause.since).max(TimeDelta::zero());
        let stated = resumed.paused_duration;
        if i64::from(stated) != paused.num_seconds() {
            self.add(
                Rule::R29,
                "invalid_game_state",
                format_args!(
                    "paused_duration is {stated}, but the pause took {} seconds",
                    paused.num_seconds()
                ),
            );
        }
        if let (Some(stated), Some(before)) = (resumed.remaining_seconds, pause.remaining_seconds) {
            self.number("remaining_seconds", stated, before);
        }
    }

    pub(super) fn game_completed(&mut self, completed: &GameCompleted) {
        if self.state.round_number == 0 {
            self.missing_event(format_args!("no round has been started before the result"));
        }
        self.eliminations_are_due();
        self.rules.before_completion(self);
        self.round_number(self.state.round_number.max(1));
        let against = Comparison::RESULT;
        let last_round = self.state.round_number;
        self.figures(
            against,
            "",
            &[Figure::Count(
                "total_rounds",
                completed.total_rounds,
                last_round,
            )],
        );
        self.duration_of_game(completed);
        self.scores(against, &completed.final_scores, true);
        self.winners(&completed.winners);
    }

    fn duration_of_game(&mut self, completed: &GameCompleted) {
        let (ended, told) = (completed.finished_at, completed.timestamp);
        if ended > told {
            self.mismatch(
                Comparison::RESULT,
                format_args!(
                    "finished_at is {}, which is after the timestamp {}",
                    ended.to_rfc3339(),
                    told.to_rfc3339()
                ),
            );
        }
        let Some(began) = self.state.started_at else {
            return;
        };
        let (stated, seconds) = (completed.game_duration, (ended - began).num_seconds());
        if i64::from(stated) != seconds {
            self.mismatch(
                Comparison::RESULT,
                format_args!(
                    "game_duration is {stated}, but finished_at is {seconds} seconds after the start"
                ),
            );
        }
    }

    /// The scores of the teams; of all of them, where the event has to list them all.
    fn scores(&mut self, against: Comparison, scores: &[TeamScore], must_be_all: bool) {
        let state = self.state;
        if must_be_all {
            self.team_list(
                against,
                "the teams of final_scores",
                scores.iter().map(|score| score.team_id.as_str()),
                state.teams.iter().map(|team| team.team_id.as_str()),
            );
        }
        for score in scores {
            let Some(team) = state.team(&score.team_id) else {
                continue;
            };
            self.team_numbers(
                against,
                team,
                &TeamNumbers {
                    score: Some(score.score),
                    matches: score.matches,
                    total_guesses: score.total_guesses,
                    average_guesses: Some(score.average_guesses),
                },
            );
            self.player_stats(against, team, &score.player_stats);
        }
    }

    fn winners(&mut self, stated: &[String]) {
        if let Some(winners) = self.rules.winners(self.state) {
            self.team_list(
                Comparison::RESULT,
                "the winners",
                stated.iter().map(String::as_str),
                winners.iter().map(|team| team.team_id.as_str()),
            );
        }
    }

    pub(in crate::game) fn missing_event(&mut self, message: fmt::Arguments<'_>) {
        self.add(Rule::R32, "missing_events", message);
    }

    /// Demands that no shared round is open when the game ends, unless the last rivals forfeited in
    /// it: nobody was left then to close it (`R33`).
    pub(in crate::game) fn no_round_is_open(&mut self) {
        let state = self.state;
        if state.round_open && !state.ends_by_forfeit() {
            let round = state.round_number;
            self.mismatch(
                Comparison::RESULT,
                format_args!("the round {round} is open still"),
            );
        }
    }

    pub(super) fn game_aborted(&mut self, aborted: &'a GameAborted) {
        if self.state.started_at.is_none() {
            self.round_number(1);
            return;
        }
        self.whole_game_round_number();
        if let Some(scores) = &aborted.partial_scores {
            self.scores(Comparison::REPEATED, scores, false);
        }
    }

    pub(super) fn game_archived(&mut self, archived: &GameArchived) {
        self.number("event_count", archived.event_count, self.state.event_count);
    }
}

impl Judge<'_> {
    /// Demands that one team is left, where that ends the game (`R33`).
    pub(in crate::game) fn one_team_is_left(&mut self) {
        let live = self.state.live_teams().count();
        if live != 1 {
            self.mismatch(
                Comparison::RESULT,
                format_args!("{live} teams are left instead of 1"),
            );
        }
    }
}
