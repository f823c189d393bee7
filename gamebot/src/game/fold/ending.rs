//! Eliminations, the clock of a race, pauses, and the end of the game.

use super::{
    super::state::{Elimination, Evaluation, FinalScore, GameResult, GameState, Pause, Phase},
    adopt,
};
use crate::event::{
    GameAborted, GameBase, GameCompleted, GamePaused, RaceModeTimeExpired, TeamEliminated,
    TeamScore, TeamStatus, TwoPlayerResultEvaluated,
};

impl GameState {
    pub(super) fn team_eliminated(&mut self, base: GameBase<'_>, out: &TeamEliminated) {
        let Some(index) = self.live_index(&out.team_id) else {
            return;
        };
        let team = &mut self.teams[index];
        team.status = TeamStatus::Eliminated;
        team.round_open = false;
        team.pending_guess = None;
        team.awaits_restart = false;
        team.awaits_elimination = false;
        team.points_due = None;
        team.score = adopt(team.score, out.final_state.score);
        team.adopt_numbers(
            out.final_state.matches,
            out.final_state.total_guesses,
            &out.player_stats,
        );
        self.eliminated.push(Elimination {
            team_id: out.team_id.clone(),
            round_number: base.round_number,
            reason: out.reason.clone(),
            guess_count: team.round_guess_count,
            at: base.timestamp,
        });
        self.spare_last_team();
    }

    /// The last live team stays, also if it has failed for the last time.
    fn spare_last_team(&mut self) {
        let mut live = self.teams.iter_mut().filter(|team| team.is_live());
        if let (Some(last), None) = (live.next(), live.next()) {
            last.awaits_elimination = false;
        }
    }

    pub(super) fn race_expired(&mut self, expired: &RaceModeTimeExpired) {
        if !self.is_race() || self.expired {
            return;
        }
        self.expired = true;
        self.round_open = false;
        self.phase = Some(Phase::Ready);
        for team in &mut self.teams {
            team.round_open = false;
            team.pending_guess = None;
            team.awaits_restart = false;
        }
        for result in &expired.final_matches {
            if let Some(team) = self.team_mut(&result.team_id) {
                team.adopt_numbers(result.matches, result.total_guesses, &result.player_stats);
            }
        }
    }

    pub(super) fn result_evaluated(&mut self, evaluated: &TwoPlayerResultEvaluated) {
        self.evaluation = Some(Evaluation {
            average_guesses: evaluated.average_guesses,
            success_threshold: evaluated.success_threshold,
            succeeded: evaluated.succeeded,
        });
    }

    pub(super) fn game_paused(&mut self, paused: &GamePaused) {
        if let Some(phase_before @ (Phase::Ready | Phase::InRound)) = self.phase {
            self.pause = Some(Pause {
                since: paused.timestamp,
                phase_before,
                remaining_seconds: paused.remaining_seconds,
            });
            self.phase = Some(Phase::Paused);
        }
    }

    pub(super) fn game_completed(&mut self, completed: &GameCompleted) {
        self.end_play();
        self.phase = Some(Phase::Completed);
        self.finished_at = Some(completed.finished_at);
        self.result = Some(GameResult {
            winners: completed.winners.clone(),
            final_scores: completed.final_scores.iter().map(FinalScore::of).collect(),
            game_duration: completed.game_duration,
            total_rounds: completed.total_rounds,
        });
    }

    pub(super) fn game_aborted(&mut self, aborted: &GameAborted) {
        self.end_pause(aborted.timestamp);
        self.end_play();
        self.phase = Some(Phase::Aborted);
        self.finished_at = Some(aborted.timestamp);
        self.abort_reason = Some(aborted.reason.as_str().to_owned());
    }

    fn end_play(&mut self) {
        self.round_open = false;
        for team in &mut self.teams {
            team.round_open = false;
            team.pending_guess = None;
            team.awaits_restart = false;
            team.awaits_elimination = false;
        }
    }
}

impl FinalScore {
    fn of(score: &TeamScore) -> Self {
        Self {
            team_id: score.team_id.clone(),
            score: score.score,
            matches: score.matches,
            total_guesses: score.total_guesses,
            average_guesses: score.average_guesses,
        }
    }
}
