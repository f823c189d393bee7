//! The figures of a team over many games.

use std::cmp::{Ordering, Reverse};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{TeamResult, leaderboard::compare_averages, quotient, streak::Streaks};
use crate::event::EliminationReason;

/// A finished game from the side of one of its teams.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamGame {
    /// The game.
    pub game_id: String,
    /// When play ended.
    pub finished_at: DateTime<Utc>,
    /// What it counts for the team.
    pub result: TeamResult,
}

/// The figures of a team over the games that count: those that reached `game_completed` and in
/// whose `game_started` the team is. The team's rank is the business of
/// [`leaderboard()`](super::leaderboard()).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TeamStatistics {
    /// The number of games that count.
    pub games_played: i64,
    /// The games that the team won, shared wins included.
    pub games_won: i64,
    /// `games_won / games_played`, from 0 to 1; 0 without a game.
    pub win_rate: f64,
    /// The sum of `total_guesses` of the team's final scores.
    pub total_guesses: i64,
    /// The sum of `matches` of the team's final scores.
    pub total_matches: i64,
    /// The attempts of the team that were abandoned, as counted.
    pub abandoned_guesses: i64,
    /// `total_guesses / total_matches`; none without a match.
    pub average_guesses: Option<f64>,
    /// The matches whose `guess_count` is 1, as counted.
    pub perfect_rounds: i64,
    /// The sum of the final scores.
    pub total_score: i64,
    /// `total_score / games_played`; none without a game.
    pub average_score: Option<f64>,
    /// The game with the highest score, among equals the one with fewer attempts per match, then
    /// the earlier one; none without a game.
    pub best_game: Option<BestGame>,
    /// The mean duration of the rounds with a match, in milliseconds; none without such a round.
    pub average_round_ms: Option<f64>,
    /// How often the team was eliminated, by reason.
    pub eliminations: Eliminations,
    /// The wins since the last game that was not won, in the order of `finished_at`, then of the
    /// bytes of the game id.
    pub current_win_streak: i64,
    /// The longest row of wins, in the same order.
    pub longest_win_streak: i64,
    /// The latest `finished_at`; none without a game.
    pub last_played_at: Option<DateTime<Utc>>,
}

/// The best game of a team.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestGame {
    /// The game.
    pub game_id: String,
    /// The team's final score in it.
    pub score: i32,
    /// The attempts per match in it; none without a match, which counts as more than any number.
    pub average_guesses: Option<f64>,
    /// When play ended.
    pub finished_at: DateTime<Utc>,
}

/// How often a team was eliminated, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Eliminations {
    /// Without a match when the time of a round was up.
    pub timeout: i64,
    /// After as many failures as a round allows.
    pub max_guesses: i64,
    /// Among the slowest of a round.
    pub round_loss: i64,
    /// Because its players were gone.
    pub forfeit: i64,
    /// For a reason that this version does not know.
    pub unknown: i64,
}

impl TeamStatistics {
    /// The figures over these games, all of one team, in any order, each game once.
    #[must_use]
    pub fn of(games: &[TeamGame]) -> Self {
        let sum = |number: fn(&TeamResult) -> i64| -> i64 {
            games.iter().map(|game| number(&game.result)).sum()
        };
        let games_played = i64::try_from(games.len()).unwrap_or(i64::MAX);
        let games_won = sum(|game| i64::from(game.won));
        let total_guesses = sum(|game| i64::from(game.guesses));
        let total_matches = sum(|game| i64::from(game.matches));
        let total_score = sum(|game| i64::from(game.score));
        let in_time = games.iter();
        let streaks = Streaks::of(
            in_time.map(|game| (game.finished_at, game.game_id.as_str(), game.result.won)),
        );
        Self {
            games_played,
            games_won,
            win_rate: quotient(games_won, games_played).unwrap_or(0.0),
            total_guesses,
            total_matches,
            abandoned_guesses: sum(|game| i64::from(game.abandoned)),
            average_guesses: quotient(total_guesses, total_matches),
            perfect_rounds: sum(|game| i64::from(game.perfect_rounds)),
            total_score,
            average_score: quotient(total_score, games_played),
            best_game: games
                .iter()
                .min_by(|left, right| better(left, right))
                .map(BestGame::of),
            average_round_ms: quotient(
                sum(|game| game.round_ms_sum),
                sum(|game| i64::from(game.round_count)),
            ),
            eliminations: Eliminations::of(games),
            current_win_streak: streaks.current,
            longest_win_streak: streaks.longest,
            last_played_at: games.iter().map(|game| game.finished_at).max(),
        }
    }
}

/// Puts the better of two games first. Two that are equal in all else are in the order of the
/// bytes of their ids, so that the answer does not depend on the order of the games.
fn better(left: &TeamGame, right: &TeamGame) -> Ordering {
    let average = |game: &TeamGame| {
        (
            i64::from(game.result.guesses),
            i64::from(game.result.matches),
        )
    };
    Reverse(left.result.score)
        .cmp(&Reverse(right.result.score))
        .then_with(|| compare_averages(average(left), average(right)))
        .then_with(|| left.finished_at.cmp(&right.finished_at))
        .then_with(|| left.game_id.cmp(&right.game_id))
}

impl BestGame {
    fn of(game: &TeamGame) -> Self {
        Self {
            game_id: game.game_id.clone(),
            score: game.result.score,
            average_guesses: game.result.average_guesses,
            finished_at: game.finished_at,
        }
    }
}

impl Eliminations {
    fn of(games: &[TeamGame]) -> Self {
        let mut counts = Self::default();
        for reason in games
            .iter()
            .filter_map(|game| game.result.eliminated.as_ref())
        {
            *match reason {
                EliminationReason::Timeout => &mut counts.timeout,
                EliminationReason::MaxGuesses => &mut counts.max_guesses,
                EliminationReason::RoundLoss => &mut counts.round_loss,
                EliminationReason::Forfeit => &mut counts.forfeit,
                EliminationReason::Unknown(_) => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}
