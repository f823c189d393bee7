//! A team and its players while the game goes on.

use serde::{Deserialize, Serialize};

use super::{
    BestRound, PlayerResult, RoundRow, TeamResult, quotient,
    round::{Moment, RoundFigures},
};
use crate::event::{EliminationReason, GameCompleted, GuessAbandoned, GuessProcessed};

/// The numbers of a team so far.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct TeamFigures {
    pub(super) team_id: String,
    pub(super) score: i32,
    /// The attempts, with both words or abandoned.
    pub(super) attempts: i32,
    pub(super) matches: i32,
    pub(super) attempt_ms_sum: i64,
    pub(super) attempt_ms_count: i32,
    pub(super) best_round: Option<BestRound>,
    players: Vec<PlayerFigures>,
    abandoned: i32,
    perfect_rounds: i32,
    round_ms_sum: i64,
    round_count: i32,
    /// The latest round, which may be over.
    round: Option<RoundFigures>,
    elimination: Option<Elimination>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Elimination {
    round_number: i32,
    reason: EliminationReason,
}

/// The numbers of a player so far.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct PlayerFigures {
    user_id: String,
    guesses: i32,
    matches: i32,
    abandoned: i32,
    best_match: Option<i32>,
    perfect_rounds: i32,
    response_ms_sum: i64,
    response_count: i32,
}

impl TeamFigures {
    pub(super) fn new(team_id: String, user_ids: impl Iterator<Item = String>) -> Self {
        Self {
            team_id,
            score: 0,
            attempts: 0,
            matches: 0,
            attempt_ms_sum: 0,
            attempt_ms_count: 0,
            best_round: None,
            players: user_ids.map(PlayerFigures::new).collect(),
            abandoned: 0,
            perfect_rounds: 0,
            round_ms_sum: 0,
            round_count: 0,
            round: None,
            elimination: None,
        }
    }

    pub(super) fn start_round(&mut self, round_number: i32, moment: Moment) {
        self.round = Some(RoundFigures::start(round_number, moment));
    }

    /// Ends the latest round for the team. The answer is its row, if it was still going on.
    pub(super) fn finish_round(&mut self, moment: Moment) -> Option<RoundRow> {
        let has_ended = self.round.as_mut()?.finish(moment);
        has_ended.then(|| self.round_row()).flatten()
    }

    pub(super) fn round_row(&self) -> Option<RoundRow> {
        self.round.as_ref().map(|round| round.row(&self.team_id))
    }

    /// The round of an attempt. A damaged stream can have an attempt in a round that never
    /// started; the round starts with the attempt then.
    fn round_of_attempt(&mut self, round_number: i32, moment: Moment) -> &mut RoundFigures {
        let is_other = |round: &mut RoundFigures| round.round_number != round_number;
        if self.round.as_mut().is_some_and(is_other) {
            self.round = None;
        }
        self.round
            .get_or_insert_with(|| RoundFigures::start(round_number, moment))
    }

    /// Counts an attempt with both words. The answer is how long it took.
    pub(super) fn process(&mut self, guess: &GuessProcessed, moment: Moment) -> Option<i32> {
        let round = self.round_of_attempt(guess.round_number, moment);
        let responses = [
            round.since_last_attempt(guess.player1_duration),
            round.since_last_attempt(guess.player2_duration),
        ];
        let took = round.attempt(Some(guess.guess_duration));
        self.count_attempt(took);
        for (user_id, response) in [&guess.player1_id, &guess.player2_id]
            .into_iter()
            .zip(responses)
        {
            if let Some(player) = self.player(user_id) {
                player.process(guess, response);
            }
        }
        if guess.guess_successful {
            self.count_match(guess, moment);
        }
        took
    }

    fn count_attempt(&mut self, took: Option<i32>) {
        self.attempts = self.attempts.saturating_add(1);
        if let Some(took) = took {
            self.attempt_ms_sum = self.attempt_ms_sum.saturating_add(i64::from(took));
            self.attempt_ms_count = self.attempt_ms_count.saturating_add(1);
        }
    }

    fn count_match(&mut self, guess: &GuessProcessed, moment: Moment) {
        let is_perfect = guess.guess_count == 1;
        let points = guess.match_score.unwrap_or(0);
        self.matches = self.matches.saturating_add(1);
        self.score = self.score.saturating_add(points);
        self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(is_perfect));
        let Some(round) = &mut self.round else { return };
        round.finish(moment);
        round.matches = round.matches.saturating_add(1);
        round.perfect |= is_perfect;
        round.points = round.points.saturating_add(points);
        if round.matches == 1 {
            let duration_ms = round.duration_ms.unwrap_or(0);
            self.round_ms_sum = self.round_ms_sum.saturating_add(duration_ms);
            self.round_count = self.round_count.saturating_add(1);
        }
        let candidate = BestRound {
            round_number: round.round_number,
            points: round.points,
            attempts: round.attempts,
        };
        if self.best_round.is_none_or(|best| candidate.beats(best)) {
            self.best_round = Some(candidate);
        }
    }

    /// Counts an attempt that was abandoned. The answer is how long it took.
    pub(super) fn abandon(&mut self, guess: &GuessAbandoned, moment: Moment) -> Option<i32> {
        let round = self.round_of_attempt(guess.round_number, moment);
        round.abandoned = round.abandoned.saturating_add(1);
        let took = round.attempt(guess.guess_duration);
        self.count_attempt(took);
        self.abandoned = self.abandoned.saturating_add(1);
        if let Some(player) = self.player(&guess.abandoning_player_id) {
            player.abandoned = player.abandoned.saturating_add(1);
        }
        took
    }

    /// The points that a team of a golf race gets for giving up, which are negative.
    pub(super) fn give_up(&mut self, points: i32) {
        self.score = self.score.saturating_add(points);
        if let Some(round) = &mut self.round {
            round.points = round.points.saturating_add(points);
        }
    }

    /// The team leaves the game; a second elimination changes nothing.
    pub(super) fn eliminate(&mut self, round_number: i32, reason: &EliminationReason) {
        self.elimination.get_or_insert_with(|| Elimination {
            round_number,
            reason: reason.clone(),
        });
    }

    pub(super) fn elimination_round(&self) -> Option<i32> {
        self.elimination.as_ref().map(|out| out.round_number)
    }

    fn player(&mut self, user_id: &str) -> Option<&mut PlayerFigures> {
        let mut players = self.players.iter_mut();
        players.find(|player| player.user_id == user_id)
    }

    /// What the game counts for the team. The totals are those of `game_completed`; where it does
    /// not mention the team, they are those that were counted.
    pub(super) fn result(&self, completed: &GameCompleted) -> TeamResult {
        let mut final_scores = completed.final_scores.iter();
        let (score, guesses, matches) = final_scores
            .find(|stated| stated.team_id == self.team_id)
            .map_or((self.score, self.attempts, self.matches), |stated| {
                (stated.score, stated.total_guesses, stated.matches)
            });
        let players = self.players.iter();
        TeamResult {
            team_id: self.team_id.clone(),
            player_ids: players.map(|player| player.user_id.clone()).collect(),
            won: completed.winners.contains(&self.team_id),
            score,
            guesses,
            matches,
            abandoned: self.abandoned,
            average_guesses: quotient(i64::from(guesses), i64::from(matches)),
            perfect_rounds: self.perfect_rounds,
            round_ms_sum: self.round_ms_sum,
            round_count: self.round_count,
            eliminated: self.elimination.as_ref().map(|out| out.reason.clone()),
        }
    }

    /// What the game counts for the players of the team.
    pub(super) fn player_results<'team>(
        &'team self,
        team: &'team TeamResult,
    ) -> impl Iterator<Item = PlayerResult> + 'team {
        self.players.iter().map(|player| {
            let mut others = self.players.iter();
            let partner = others.find(|other| other.user_id != player.user_id);
            PlayerResult {
                user_id: player.user_id.clone(),
                team_id: self.team_id.clone(),
                partner_id: partner.map(|partner| partner.user_id.clone()),
                won: team.won,
                score: team.score,
                guesses: player.guesses,
                matches: player.matches,
                abandoned: player.abandoned,
                best_match: player.best_match,
                perfect_rounds: player.perfect_rounds,
                response_ms_sum: player.response_ms_sum,
                response_count: player.response_count,
            }
        })
    }
}

impl PlayerFigures {
    fn new(user_id: String) -> Self {
        Self {
            user_id,
            guesses: 0,
            matches: 0,
            abandoned: 0,
            best_match: None,
            perfect_rounds: 0,
            response_ms_sum: 0,
            response_count: 0,
        }
    }

    fn process(&mut self, guess: &GuessProcessed, response: Option<i32>) {
        self.guesses = self.guesses.saturating_add(1);
        if let Some(response) = response {
            self.response_ms_sum = self.response_ms_sum.saturating_add(i64::from(response));
            self.response_count = self.response_count.saturating_add(1);
        }
        if guess.guess_successful {
            let count = guess.guess_count;
            self.matches = self.matches.saturating_add(1);
            self.best_match = Some(self.best_match.map_or(count, |best| best.min(count)));
            self.perfect_rounds = self.perfect_rounds.saturating_add(i32::from(count == 1));
        }
    }
}
