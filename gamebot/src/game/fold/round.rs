//! Rounds, from their start to their end.

use chrono::{DateTime, Utc};

use super::{
    super::state::{GameState, Phase, Team},
    adopt, adopt_count,
};
use crate::event::{
    GameBase, GameMode, KnockoutRoundCompleted, LongformDayEnded, PlayerStats, RoundCompleted,
    RoundRestarted, RoundStarted, TeamStatus,
};

impl GameState {
    pub(super) fn round_started(&mut self, base: GameBase<'_>, started: &RoundStarted) {
        if self.expired {
            return;
        }
        self.note_round(base.round_number, Some(base.timestamp));
        for stated in &started.team_states {
            let Some(index) = self.live_index(&stated.team_id) else {
                continue;
            };
            let team = &mut self.teams[index];
            let words = stated.current_words.clone().unwrap_or_default();
            if team.round_open && team.round_number == base.round_number {
                // The start comes late or once more. Its time is not that of the round, and the
                // counters go on; but the words may be news.
                if team.current_words.is_empty() {
                    team.current_words = words;
                }
                continue;
            }
            team.score = adopt(team.score, stated.score);
            team.matches = adopt_count(team.matches, stated.matches);
            team.total_guesses = adopt_count(team.total_guesses, stated.total_guesses);
            self.open_team_round(index, base.round_number, Some(base.timestamp));
            self.teams[index].current_words = words;
        }
    }

    /// Opens the round that an attempt belongs to, when its start was lost.
    pub(super) fn open_lost_round(&mut self, base: GameBase<'_>, index: usize) {
        let team = &self.teams[index];
        let goes_on = team.round_open && !team.round_matched;
        if goes_on || base.round_number <= team.round_number {
            return;
        }
        self.note_round(base.round_number, None);
        if self.is_race() {
            self.open_team_round(index, base.round_number, None);
            return;
        }
        for index in 0..self.teams.len() {
            if self.teams[index].is_live() {
                self.open_team_round(index, base.round_number, None);
            }
        }
    }

    /// Takes note of a round that opens; `at` is none when its start was lost.
    fn note_round(&mut self, round_number: i32, at: Option<DateTime<Utc>>) {
        let is_race = self.is_race();
        let is_known = self.round_open && self.round_number == round_number;
        if !is_race && self.round_open && !is_known {
            self.close_lost_round();
        }
        self.phase = Some(Phase::InRound);
        self.round_open = true;
        if is_race {
            self.round_number = self.round_number.max(round_number);
        } else {
            self.round_number = round_number;
        }
        if is_known && !is_race {
            return;
        }
        self.round_started_at = at;
        self.round_paused_before_ms = self.paused_total_ms;
        self.round_eliminated_before = self.eliminated.len();
    }

    /// Closes the shared round whose end was lost.
    fn close_lost_round(&mut self) {
        if self.mode == Some(GameMode::TwoPlayer) {
            let is_perfect = self.teams.iter().any(Team::has_perfect_round);
            self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(is_perfect));
        }
        self.shared_round_closed();
    }

    fn open_team_round(&mut self, index: usize, round_number: i32, at: Option<DateTime<Utc>>) {
        let is_deserted = self.is_deserted(&self.teams[index]);
        let paused_before_ms = self.paused_total_ms;
        if self.is_race() && self.teams[index].round_open {
            self.close_team_round(index);
        }
        let team = &mut self.teams[index];
        team.status = if is_deserted {
            TeamStatus::Withdrawn
        } else {
            TeamStatus::Guessing
        };
        team.round_number = round_number;
        team.round_open = true;
        team.round_matched = false;
        team.round_score = 0;
        team.round_started_at = at;
        team.round_paused_before_ms = paused_before_ms;
        team.guess_count = 0;
        team.round_guess_count = 0;
        team.round_abandoned_guesses = 0;
        team.last_guess_duration = 0;
        team.current_words.clear();
        team.pending_guess = None;
        team.awaits_restart = false;
        team.awaits_elimination = false;
        team.points_due = None;
    }

    /// Closes the round of one team of a race.
    fn close_team_round(&mut self, index: usize) {
        let team = &mut self.teams[index];
        let is_perfect = team.has_perfect_round();
        team.round_open = false;
        team.points_due = None;
        self.rounds_played = self.rounds_played.saturating_add(1);
        self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(is_perfect));
    }

    pub(super) fn round_restarted(&mut self, restarted: &RoundRestarted) {
        if let Some(team) = self.team_mut(&restarted.team_id) {
            team.guess_count = 0;
            team.pending_guess = None;
            team.awaits_restart = false;
            team.points_due = None;
            team.current_words = restarted.current_words.clone().unwrap_or_default();
        }
    }

    pub(super) fn round_completed(&mut self, base: GameBase<'_>, completed: &RoundCompleted) {
        let winner = &completed.winner_team_id;
        let index = self.teams.iter().position(|team| team.team_id == *winner);
        let Some(index) = index.filter(|index| self.teams[*index].round_open) else {
            return;
        };
        if base.round_number < self.teams[index].round_number {
            return;
        }
        if self.is_race() {
            self.close_team_round(index);
        } else {
            let is_perfect = self.teams[index].has_perfect_round();
            self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(is_perfect));
            self.shared_round_closed();
        }
    }

    pub(super) fn knockout_round_completed(
        &mut self,
        base: GameBase<'_>,
        completed: &KnockoutRoundCompleted,
    ) {
        if !self.is_end_of_round(base) {
            return;
        }
        for stated in &completed.advancing_teams {
            if let Some(team) = self.team_mut(&stated.team_id) {
                team.score = adopt(team.score, stated.score);
                team.matches = adopt_count(team.matches, stated.matches);
                team.total_guesses = adopt_count(team.total_guesses, stated.total_guesses);
            }
        }
        self.shared_round_closed();
    }

    /// Whether an event ends the round that is open. The late end of an earlier one ends nothing.
    fn is_end_of_round(&self, base: GameBase<'_>) -> bool {
        self.round_open && base.round_number >= self.round_number
    }

    pub(super) fn round_ended(&mut self, base: GameBase<'_>) {
        if self.is_end_of_round(base) {
            self.shared_round_closed();
        }
    }

    /// Closes the round of all teams; without one nothing happens.
    fn shared_round_closed(&mut self) {
        if !self.round_open || self.is_race() {
            return;
        }
        self.round_open = false;
        self.phase = Some(Phase::Ready);
        self.rounds_played = self.rounds_played.saturating_add(1);
        let all_become_ready = self.mode == Some(GameMode::Knockout);
        for team in &mut self.teams {
            team.round_open = false;
            team.pending_guess = None;
            team.awaits_elimination = false;
            if all_become_ready && team.is_live() && team.status != TeamStatus::Withdrawn {
                team.status = TeamStatus::Ready;
            }
        }
    }

    pub(super) fn longform_day_ended(&mut self, base: GameBase<'_>, ended: &LongformDayEnded) {
        if !self.is_end_of_round(base) {
            return;
        }
        for standing in &ended.team_standings {
            if let Some(team) = self.team_mut(&standing.team_id) {
                team.score = adopt(team.score, standing.score);
                team.adopt_numbers(
                    standing.matches,
                    standing.total_guesses,
                    &standing.player_stats,
                );
            }
        }
        self.shared_round_closed();
    }

    /// The place of a live team among the teams.
    pub(super) fn live_index(&self, team_id: &str) -> Option<usize> {
        self.teams
            .iter()
            .position(|team| team.team_id == team_id && team.is_live())
    }
}

impl Team {
    /// Whether the team solved its round with the first attempt.
    fn has_perfect_round(&self) -> bool {
        self.round_matched && self.guess_count == 1
    }

    /// Goes on with the numbers that an event states.
    pub(super) fn adopt_numbers(
        &mut self,
        matches: i32,
        total_guesses: i32,
        player_stats: &[PlayerStats],
    ) {
        self.matches = adopt_count(self.matches, matches);
        self.total_guesses = adopt_count(self.total_guesses, total_guesses);
        for stated in player_stats {
            let player = self
                .players
                .iter_mut()
                .find(|player| player.player_id == stated.player_id);
            if let Some(player) = player {
                player.total_guesses = adopt_count(player.total_guesses, stated.total_guesses);
                player.successful_matches =
                    adopt_count(player.successful_matches, stated.successful_matches);
                player.abandoned_guesses =
                    adopt_count(player.abandoned_guesses, stated.abandoned_guesses);
            }
        }
    }
}
