//! The figures of a player over many games.

use std::{cmp::Reverse, collections::HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{PlayerResult, compare_ids, quotient, streak::Streaks};

/// A finished game from the side of one of its players.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerGame {
    /// The game.
    pub game_id: String,
    /// When play ended.
    pub finished_at: DateTime<Utc>,
    /// What it counts for the player.
    pub result: PlayerResult,
}

/// The figures of a player over the games that count.
///
/// A game counts for a player who is in `player_ids` of its `game_started`, when it reached
/// `game_completed`. P is the set of attempts with both words in which the player took part, over
/// all games that count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlayerStatistics {
    /// The number of games that count.
    pub games_played: i64,
    /// The games that the player's team won, shared wins included.
    pub games_won: i64,
    /// `games_won / games_played`, from 0 to 1; 0 without a game.
    pub win_rate: f64,
    /// The number of attempts in P.
    pub total_guesses: i64,
    /// The number of matches in P.
    pub total_matches: i64,
    /// `total_matches / total_guesses`, from 0 to 1; 0 without an attempt.
    pub guess_accuracy: f64,
    /// The attempts that this player abandoned.
    pub abandoned_guesses: i64,
    /// `total_guesses / total_matches`; none without a match.
    pub average_guesses_per_match: Option<f64>,
    /// The smallest `guess_count` of a match in P; none without a match.
    pub best_match: Option<i32>,
    /// The matches in P whose `guess_count` is 1.
    pub perfect_rounds: i64,
    /// The sum of the final scores of the player's teams.
    pub total_score: i64,
    /// `total_score / games_played`; none without a game.
    pub average_score: Option<f64>,
    /// The highest final score of a team of the player; none without a game.
    pub best_score: Option<i32>,
    /// The mean of the player's response times in milliseconds, as [`PlayerResult`] defines them;
    /// none when there is no response time.
    pub average_response_ms: Option<f64>,
    /// The wins since the last game that was not won, in the order of `finished_at`, then of the
    /// bytes of the game id.
    pub current_win_streak: i64,
    /// The longest row of wins, in the same order.
    pub longest_win_streak: i64,
    /// The partner with whom the player won most games, among equals the one with most games, then
    /// the one with the lower id; none without a partner.
    pub best_partner: Option<BestPartner>,
    /// The latest `finished_at`; none without a game.
    pub last_played_at: Option<DateTime<Utc>>,
}

/// A partner, and the games with this partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BestPartner {
    /// The partner's Discord user id.
    pub user_id: String,
    /// The games won together.
    pub games_won: i64,
    /// The games played together.
    pub games_played: i64,
}

impl PlayerStatistics {
    /// The figures over these games, all of one player, in any order, each game once.
    #[must_use]
    pub fn of(games: &[PlayerGame]) -> Self {
        let sum = |number: fn(&PlayerResult) -> i64| -> i64 {
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
            guess_accuracy: quotient(total_matches, total_guesses).unwrap_or(0.0),
            abandoned_guesses: sum(|game| i64::from(game.abandoned)),
            average_guesses_per_match: quotient(total_guesses, total_matches),
            best_match: games.iter().filter_map(|game| game.result.best_match).min(),
            perfect_rounds: sum(|game| i64::from(game.perfect_rounds)),
            total_score,
            average_score: quotient(total_score, games_played),
            best_score: games.iter().map(|game| game.result.score).max(),
            average_response_ms: quotient(
                sum(|game| game.response_ms_sum),
                sum(|game| i64::from(game.response_count)),
            ),
            current_win_streak: streaks.current,
            longest_win_streak: streaks.longest,
            best_partner: best_partner(games),
            last_played_at: games.iter().map(|game| game.finished_at).max(),
        }
    }
}

fn best_partner(games: &[PlayerGame]) -> Option<BestPartner> {
    let mut together: HashMap<&str, (i64, i64)> = HashMap::new();
    for game in games {
        if let Some(partner_id) = &game.result.partner_id {
            let (won, played) = together.entry(partner_id).or_default();
            *won += i64::from(game.result.won);
            *played += 1;
        }
    }
    let best = together
        .into_iter()
        .min_by(|(left_id, left), (right_id, right)| {
            let most_first = Reverse(left).cmp(&Reverse(right));
            most_first.then_with(|| compare_ids(left_id, right_id))
        });
    best.map(|(user_id, (games_won, games_played))| BestPartner {
        user_id: user_id.to_owned(),
        games_won,
        games_played,
    })
}
