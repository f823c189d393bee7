//! Rounds, from their start to their end.

use super::{super::rule::Rule, Comparison, Figure, Judge, Names, TeamNumbers};
use crate::{
    event::{RoundRestarted, RoundStarted, RoundStats, TeamState},
    game::state::{Team, average},
};

impl Judge<'_> {
    pub(super) fn round_started(&mut self, started: &RoundStarted) {
        if self.state.expired {
            self.time_is_up();
            return;
        }
        let state = self.state;
        let is_teams_own = self.rules.has_team_rounds() && state.round_number > 0;
        if is_teams_own {
            self.team_round_started(started);
        } else {
            if state.round_open {
                self.already_active(format_args!("the round {} is open", state.round_number));
            }
            self.next_round_number(state.round_number, state.round_open);
            self.live_teams_start(started);
        }
        for stated in &started.team_states {
            if let Some(team) = state.team(&stated.team_id) {
                self.team_state(team, stated);
            }
        }
    }

    /// A later round of a race is that of exactly one live team.
    fn team_round_started(&mut self, started: &RoundStarted) {
        let [own] = started.team_states.as_slice() else {
            let teams = started.team_states.iter().map(|team| team.team_id.as_str());
            self.wrong_teams(format_args!(
                "the team_states are those of {}, but a later round of a race is one team's",
                Names(teams)
            ));
            return;
        };
        let Some(team) = self.live_team(&own.team_id) else {
            return;
        };
        if team.round_open {
            self.already_active(format_args!(
                "the round {} of {} is open",
                team.round_number, team.team_id
            ));
        }
        self.next_round_number(team.round_number, team.round_open);
    }

    fn live_teams_start(&mut self, started: &RoundStarted) {
        let state = self.state;
        let named = || started.team_states.iter().map(|team| team.team_id.as_str());
        let live = || state.live_teams().map(|team| team.team_id.as_str());
        if !super::same_names(named(), live()) {
            let live: Vec<&str> = live().collect();
            self.wrong_teams(format_args!(
                "the team_states are those of {}, but the live teams are {}",
                Names(named()),
                Names(live.iter().copied())
            ));
        }
    }

    fn next_round_number(&mut self, last: i32, is_open: bool) {
        let (found, wanted) = (self.base.round_number, last.saturating_add(1));
        // The start of the open round once more is told already.
        let is_repeated = is_open && found == last;
        if found != wanted && !is_repeated {
            self.add(
                Rule::R13,
                "round_number_gap",
                format_args!("the round {found} starts, but the next one is {wanted}"),
            );
        }
    }

    fn team_state(&mut self, team: &Team, stated: &TeamState) {
        self.team_numbers(
            Comparison::REPEATED,
            team,
            &TeamNumbers {
                score: Some(stated.score),
                matches: stated.matches,
                total_guesses: stated.total_guesses,
                average_guesses: stated.average_guesses,
            },
        );
        let id = &team.team_id;
        let limit = self.rules.guess_limit(self.state);
        let figures = [
            Figure::Count("guess_count", stated.guess_count.unwrap_or(0), 0),
            Figure::Count(
                "remaining_guesses",
                stated.remaining_guesses.or(limit).unwrap_or(0),
                limit.or(stated.remaining_guesses).unwrap_or(0),
            ),
        ];
        self.figures(Comparison::REPEATED, id, &figures);
        let stranger = stated
            .active_players
            .iter()
            .chain(&stated.eliminated_players)
            .find(|player_id| team.player(player_id).is_none());
        if let Some(player_id) = stranger {
            self.invalid_player(format_args!(
                "the player {player_id} is not of the team {id}"
            ));
        }
        let both = stated
            .active_players
            .iter()
            .find(|player_id| stated.eliminated_players.contains(player_id));
        if let Some(player_id) = both {
            self.invalid_player(format_args!(
                "the player {player_id} is both active and eliminated"
            ));
        }
    }

    pub(super) fn round_restarted(&mut self, restarted: &RoundRestarted) {
        if self.state.expired {
            self.time_is_up();
            return;
        }
        let Some(team) = self.live_team(&restarted.team_id) else {
            return;
        };
        if !team.awaits_restart {
            self.already_active(format_args!(
                "the last event of {} is not a give-up, so its words stay",
                team.team_id
            ));
            return;
        }
        self.team_round_number(team);
        let player_id = &restarted.giving_up_player;
        if team.player(player_id).is_none() {
            self.invalid_player(format_args!(
                "the player {player_id} who gives up is not of the team {}",
                team.team_id
            ));
        }
        self.number("guess_count", restarted.guess_count, team.guess_count);
    }

    /// Demands that the shared round is open, for the event that closes it (`R17`).
    pub(in crate::game) fn shared_round_is_open(&mut self) -> bool {
        if !self.state.round_open {
            let last = self.state.round_number;
            self.not_active(format_args!("no round is open; the last one was {last}"));
            return false;
        }
        self.round_number(self.state.round_number);
        // Otherwise it closes another round, of which nothing is known any more.
        self.base.round_number == self.state.round_number
    }

    /// Says that the event closes no round of this mode (`R17`).
    pub(in crate::game) fn wrong_closing_event(&mut self) {
        let (event_type, mode) = (self.event_type(), self.mode.as_str());
        self.not_active(format_args!(
            "a {event_type} does not close a round of {mode}"
        ));
    }

    /// Demands that the winner of a round has solved it (`R17`): a round without a winner has another
    /// end. Says whether it has.
    pub(in crate::game) fn winner_has_matched(&mut self, team: &Team) -> bool {
        if !team.round_matched {
            self.not_active(format_args!(
                "the winner of the round {} is {}, who has not solved it",
                team.round_number, team.team_id
            ));
        }
        team.round_matched
    }

    pub(in crate::game) fn not_active(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R17, "round_not_active", message);
    }

    /// The numbers of the round of one team.
    pub(in crate::game) fn round_stats(&mut self, team: &Team, stated: &RoundStats) {
        let (total, matches) = (stated.total_guesses, stated.successful_matches);
        let abandoned = stated.abandoned_guesses;
        let figures = [
            Figure::Count("total_guesses", total, team.round_guess_count),
            Figure::Count("successful_matches", matches, i32::from(team.round_matched)),
            Figure::Count("abandoned_guesses", abandoned, team.round_abandoned_guesses),
            Figure::Average(
                "average_guess_count",
                stated.average_guess_count,
                average(total, matches),
            ),
        ];
        self.figures(Comparison::REPEATED, "the round", &figures);
    }

    /// How long the shared round has lasted, in milliseconds: without pauses and with them. None
    /// when its start was lost.
    pub(in crate::game) fn round_duration(&self) -> Option<(i64, i64)> {
        let state = self.state;
        let (start, end) = (state.round_started_at?, self.base.timestamp);
        let played = state.played_ms(start, state.round_paused_before_ms, end);
        Some((played, (end - start).num_milliseconds().max(played)))
    }

    /// Milliseconds of play since the shared round began; without end when its start was lost.
    pub(in crate::game) fn round_played_ms(&self) -> i64 {
        self.round_duration().map_or(i64::MAX, |(played, _)| played)
    }

    pub(in crate::game) fn time_is_up(&mut self) {
        let event_type = self.event_type();
        self.add(
            Rule::R31,
            "round_time_expired",
            format_args!("a {event_type} comes after the time was up"),
        );
    }

    fn already_active(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R14, "round_already_active", message);
    }

    fn wrong_teams(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R15, "team_states_mismatch", message);
    }
}
