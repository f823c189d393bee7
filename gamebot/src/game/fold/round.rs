//! Rounds, from their start to their end.

use chrono::{DateTime, Utc};

use super::{
    super::state::{GameState, Phase, Team},
    adopt, adopt_count,
};
use crate::event::{
    GameBase, GameMode, LongformDayEnded, PlayerStats, RoundCompleted, RoundRestarted,
    RoundStarted, TeamStatus,
};

impl GameState {
    pub(super) fn round_started(&mut self, base: GameBase<'_>, started: &RoundStarted) {
        if self.expired {
            return;
        }
        self.note_round(base.round_number, base.timestamp);
        for stated in &started.team_states {
            let Some(index) = self.live_index(&stated.team_id) else {
                continue;
            };
            self.open_team_round(index, base.round_number, base.timestamp);
            let team = &mut self.teams[index];
            team.current_words = stated.current_words.clone().unwrap_or_default();
            team.score = adopt(team.score, stated.score);
            team.matches = adopt_count(team.matches, stated.matches);
            team.total_guesses = adopt_count(team.total_guesses, stated.total_guesses);
        }
    }

    /// Opens the round that an attempt belongs to, when its start was lost.
    pub(super) fn open_lost_round(&mut self, base: GameBase<'_>, index: usize) {
        if self.teams[index].round_open || base.round_number <= self.teams[index].round_number {
            return;
        }
        self.note_round(base.round_number, base.timestamp);
        if self.is_race() {
            self.open_team_round(index, base.round_number, base.timestamp);
            return;
        }
        for index in 0..self.teams.len() {
            if self.teams[index].is_live() {
                self.open_team_round(index, base.round_number, base.timestamp);
            }
        }
    }

    fn note_round(&mut self, round_number: i32, at: DateTime<Utc>) {
        self.phase = Some(Phase::InRound);
        self.round_open = true;
        self.round_number = if self.is_race() {
            self.round_number.max(round_number)
        } else {
            round_number
        };
        self.round_started_at = Some(at);
        self.round_paused_before_ms = self.paused_total_ms;
        self.round_eliminated_before = self.eliminated.len();
    }

    fn open_team_round(&mut self, index: usize, round_number: i32, at: DateTime<Utc>) {
        let is_deserted = self.is_deserted(&self.teams[index]);
        let paused_before_ms = self.paused_total_ms;
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
        team.round_started_at = Some(at);
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

    pub(super) fn round_restarted(&mut self, restarted: &RoundRestarted) {
        if let Some(team) = self.team_mut(&restarted.team_id) {
            team.guess_count = 0;
            team.pending_guess = None;
            team.awaits_restart = false;
            team.points_due = None;
            team.current_words = restarted.current_words.clone().unwrap_or_default();
        }
    }

    pub(super) fn round_completed(&mut self, completed: &RoundCompleted) {
        let is_race = self.is_race();
        let Some(team) = self.team_mut(&completed.winner_team_id) else {
            return;
        };
        if !team.round_open {
            return;
        }
        let is_perfect = team.round_matched && team.guess_count == 1;
        if is_race {
            team.round_open = false;
            team.points_due = None;
            self.rounds_played = self.rounds_played.saturating_add(1);
        } else {
            self.shared_round_closed();
        }
        self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(is_perfect));
    }

    /// Closes the round of all teams; without one nothing happens.
    pub(super) fn shared_round_closed(&mut self) {
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

    pub(super) fn longform_day_ended(&mut self, ended: &LongformDayEnded) {
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
