//! Attempts: the first word, the comparison, the giving up, and the points.

use chrono::{DateTime, Utc};

use super::{
    super::{
        check::golf_points,
        state::{GameState, MatchEntry, PendingGuess, PointsDue, Team},
    },
    adopt_count,
};
use crate::event::{
    AbandonReason, GameBase, GameMode, GolfRacePointsAwarded, GuessAbandoned, GuessProcessed,
    GuessStarted, TeamStatus,
};

/// The counters that both kinds of finished attempt state.
struct Counters {
    guess_count: i32,
    round_guess_count: i32,
    total_guesses: i32,
    guess_duration: Option<i32>,
}

impl GameState {
    pub(super) fn guess_started(&mut self, base: GameBase<'_>, guess: &GuessStarted) {
        let Some(index) = self.attempting_team(base, &guess.team_id) else {
            return;
        };
        let team = &self.teams[index];
        let played_ms = team.round_started_at.map_or(0, |start| {
            self.played_ms(start, team.round_paused_before_ms, base.timestamp)
        });
        let team = &mut self.teams[index];
        team.awaits_restart = false;
        team.awaits_elimination = false;
        team.points_due = None;
        team.status = TeamStatus::Waiting;
        team.pending_guess = Some(PendingGuess {
            player_id: guess.player_id.clone(),
            at: base.timestamp,
            played_ms,
        });
    }

    pub(super) fn guess_processed(&mut self, base: GameBase<'_>, guess: &GuessProcessed) {
        let Some(index) = self.attempting_team(base, &guess.team_id) else {
            return;
        };
        if self.teams[index].has_counted(guess.total_guesses) {
            return;
        }
        self.forbid_word(&guess.player1_id, &guess.player1_word);
        self.forbid_word(&guess.player2_id, &guess.player2_word);
        let team = &mut self.teams[index];
        team.count_attempt(
            base.timestamp,
            &Counters {
                guess_count: guess.guess_count,
                round_guess_count: guess.round_guess_count,
                total_guesses: guess.total_guesses,
                guess_duration: Some(guess.guess_duration),
            },
        );
        let is_match = guess.guess_successful;
        for player in &mut team.players {
            if player.player_id == guess.player1_id || player.player_id == guess.player2_id {
                player.total_guesses = player.total_guesses.saturating_add(1);
                player.successful_matches = player
                    .successful_matches
                    .saturating_add(i32::from(is_match));
            }
        }
        if is_match {
            self.note_match(index, base, guess);
        } else {
            team.current_words = vec![guess.player1_word.clone(), guess.player2_word.clone()];
            team.status = TeamStatus::Guessing;
            self.note_failure(index);
        }
    }

    fn note_match(&mut self, index: usize, base: GameBase<'_>, guess: &GuessProcessed) {
        let is_golf = self.mode == Some(GameMode::GolfRace);
        let score = guess.match_score.unwrap_or(0);
        let team = &mut self.teams[index];
        team.matches = team.matches.saturating_add(1);
        team.score = team.score.saturating_add(score);
        team.round_score = score;
        team.round_matched = true;
        team.status = TeamStatus::Matched;
        team.last_match_at = Some(base.timestamp);
        team.points_due = is_golf.then_some(PointsDue {
            gave_up: false,
            guess_count: team.guess_count,
            points: golf_points(team.guess_count),
        });
        self.matches.push(MatchEntry {
            team_id: guess.team_id.clone(),
            round_number: base.round_number,
            words: [guess.player1_word.clone(), guess.player2_word.clone()],
            guess_count: guess.guess_count,
            score,
            at: base.timestamp,
        });
    }

    pub(super) fn guess_abandoned(&mut self, base: GameBase<'_>, guess: &GuessAbandoned) {
        let Some(index) = self.attempting_team(base, &guess.team_id) else {
            return;
        };
        if self.teams[index].has_counted(guess.total_guesses) {
            return;
        }
        let is_golf = self.mode == Some(GameMode::GolfRace);
        let gave_up = self.is_race() && guess.reason == AbandonReason::GaveUp;
        let team = &mut self.teams[index];
        team.count_attempt(
            base.timestamp,
            &Counters {
                guess_count: guess.guess_count,
                round_guess_count: guess.round_guess_count,
                total_guesses: guess.total_guesses,
                guess_duration: guess.guess_duration,
            },
        );
        team.abandoned_guesses = team.abandoned_guesses.saturating_add(1);
        team.round_abandoned_guesses = team.round_abandoned_guesses.saturating_add(1);
        for player in &mut team.players {
            if player.player_id == guess.abandoning_player_id {
                player.abandoned_guesses = player.abandoned_guesses.saturating_add(1);
            }
        }
        team.status = TeamStatus::Guessing;
        team.awaits_restart = gave_up;
        team.points_due = (gave_up && is_golf).then_some(PointsDue {
            gave_up: true,
            guess_count: team.guess_count,
            points: -1,
        });
        self.note_failure(index);
        let team_id = &guess.team_id;
        self.update_presence(team_id);
    }

    /// In a knockout, a team that has failed for the last time has to be eliminated next, unless it
    /// is the only one left.
    fn note_failure(&mut self, index: usize) {
        let has_rivals = self.live_teams().nth(1).is_some();
        let limit = self.settings.max_guesses;
        let team = &mut self.teams[index];
        team.awaits_elimination =
            self.mode == Some(GameMode::Knockout) && has_rivals && team.guess_count >= limit;
    }

    /// The place of the team that makes an attempt, in an open round. None when the team cannot
    /// make one whatever was lost: it does not exist, it is out or has solved the round, or the time
    /// is up.
    fn attempting_team(&mut self, base: GameBase<'_>, team_id: &str) -> Option<usize> {
        let index = self.live_index(team_id)?;
        if self.expired {
            return None;
        }
        self.open_lost_round(base, index);
        // After the match there is nothing to attempt in the same round.
        (!self.teams[index].round_matched).then_some(index)
    }

    fn forbid_word(&mut self, player_id: &str, word: &str) {
        let player = self
            .players
            .iter_mut()
            .find(|player| player.player_id == player_id);
        if let Some(player) = player {
            player.forbidden_words.push(word.to_owned());
            self.settings.forget_words(&mut player.forbidden_words);
        }
    }

    pub(super) fn points_awarded(&mut self, awarded: &GolfRacePointsAwarded) {
        if self.mode != Some(GameMode::GolfRace) {
            return;
        }
        let Some(team) = self.team_mut(&awarded.team_id) else {
            return;
        };
        // The points of a match came with the attempt; only those of a give-up come here.
        if team.points_due.take().is_some_and(|due| due.gave_up) {
            team.score = team.score.saturating_sub(1);
            team.give_up_penalties = team.give_up_penalties.saturating_add(1);
        }
    }
}

impl Team {
    /// Whether the attempt with this number is the last one again.
    fn has_counted(&self, total_guesses: i32) -> bool {
        total_guesses == self.total_guesses && self.round_guess_count > 0
    }

    fn count_attempt(&mut self, at: DateTime<Utc>, stated: &Counters) {
        let next = |count: i32| count.saturating_add(1);
        self.guess_count = adopt_count(next(self.guess_count), stated.guess_count);
        self.round_guess_count =
            adopt_count(next(self.round_guess_count), stated.round_guess_count);
        self.total_guesses = adopt_count(next(self.total_guesses), stated.total_guesses);
        if let Some(duration) = stated.guess_duration {
            self.last_guess_duration = duration.max(0);
        }
        self.last_attempt_at = Some(at);
        self.pending_guess = None;
        self.awaits_restart = false;
        self.awaits_elimination = false;
        self.points_due = None;
    }
}
