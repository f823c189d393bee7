//! The order of players, teams and pairs.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{GameResult, PlayerResult, TeamResult, compare_ids, quotient};

/// With fewer games, nobody has a win rate on a leaderboard.
pub const MINIMUM_GAMES: i64 = 5;
/// With fewer matches, nobody has an average of guesses on a leaderboard.
pub const MINIMUM_MATCHES: i64 = 5;

/// Whom a leaderboard ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LeaderboardKind {
    /// Players; the id is the Discord user id.
    #[default]
    Players,
    /// Teams; the id is the team id.
    Teams,
    /// Two players, over all teams that they formed; the id is the two user ids, the lower one
    /// first, joined by an underscore.
    Pairs,
}

/// What a leaderboard ranks by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LeaderboardMetric {
    /// The games won; more is better.
    #[default]
    Wins,
    /// The share of games won; more is better. Only for those with [`MINIMUM_GAMES`].
    WinRate,
    /// The sum of the final scores; more is better.
    TotalScore,
    /// The guesses per match; less is better. Only for those with [`MINIMUM_MATCHES`].
    AverageGuesses,
    /// The matches whose `guess_count` is 1; more is better.
    PerfectRounds,
}

/// The sums of one player, team or pair, over the games of a leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaderboardEntry {
    /// Who it is, by the kind of the leaderboard.
    pub id: String,
    /// The games that count.
    pub games_played: i64,
    /// The games won.
    pub games_won: i64,
    /// The sum of the final scores.
    pub total_score: i64,
    /// Players: the attempts with both words in which the player took part. Teams and pairs: the
    /// sum of `total_guesses` of the final scores.
    pub total_guesses: i64,
    /// The matches, likewise.
    pub total_matches: i64,
    /// The matches whose `guess_count` is 1.
    pub perfect_rounds: i64,
    /// The latest `finished_at` of a game won; none without a win.
    pub last_win_at: Option<DateTime<Utc>>,
}

/// A place on a leaderboard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The rank, from 1. Those who are equal in all but the id share one, and the ranks that they
    /// take up are left out: 1, 2, 2, 4.
    pub rank: i64,
    /// The number that the leaderboard ranks by; win rate and average as quotients.
    pub value: f64,
    /// Who it is, with all sums.
    pub entry: LeaderboardEntry,
}

/// The first `limit` places of the leaderboard of these entries, which are of different ids.
///
/// Who lacks the minimum of the metric is not on it. Equal in the metric, more wins come first,
/// then fewer guesses per match (no match counts as infinitely many), then the earlier last win
/// (no win counts as later than any), then the lower id by [`compare_ids`].
#[must_use]
pub fn leaderboard(
    entries: Vec<LeaderboardEntry>,
    metric: LeaderboardMetric,
    limit: usize,
) -> Vec<Standing> {
    let mut entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| metric.admits(entry))
        .collect();
    entries.sort_by(|left, right| {
        let by_merit = metric.compare(left, right);
        by_merit.then_with(|| compare_ids(&left.id, &right.id))
    });
    let mut standings: Vec<Standing> = Vec::with_capacity(limit.min(entries.len()));
    for (place, entry) in (1..).zip(entries.into_iter().take(limit)) {
        let rank = standings
            .last()
            .filter(|before| metric.compare(&before.entry, &entry).is_eq())
            .map_or(place, |before| before.rank);
        standings.push(Standing {
            rank,
            value: metric.value(&entry),
            entry,
        });
    }
    standings
}

impl LeaderboardMetric {
    /// Whether the entry has what the metric demands at least.
    #[must_use]
    pub fn admits(self, entry: &LeaderboardEntry) -> bool {
        match self {
            Self::Wins | Self::TotalScore | Self::PerfectRounds => true,
            Self::WinRate => entry.games_played >= MINIMUM_GAMES,
            Self::AverageGuesses => entry.total_matches >= MINIMUM_MATCHES,
        }
    }

    /// Puts the better of two entries first; equal are those that share a rank.
    fn compare(self, left: &LeaderboardEntry, right: &LeaderboardEntry) -> Ordering {
        let more_first = |number: fn(&LeaderboardEntry) -> i64| number(right).cmp(&number(left));
        let by_average = || compare_averages(left.average(), right.average());
        let by_metric = match self {
            Self::Wins => more_first(|entry| entry.games_won),
            Self::WinRate => compare_fractions(
                (right.games_won, right.games_played),
                (left.games_won, left.games_played),
            ),
            Self::TotalScore => more_first(|entry| entry.total_score),
            Self::AverageGuesses => by_average(),
            Self::PerfectRounds => more_first(|entry| entry.perfect_rounds),
        };
        by_metric
            .then_with(|| more_first(|entry| entry.games_won))
            .then_with(by_average)
            .then_with(|| {
                let last_win =
                    |entry: &LeaderboardEntry| (entry.last_win_at.is_none(), entry.last_win_at);
                last_win(left).cmp(&last_win(right))
            })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and scores beyond 2^53 do not occur"
    )]
    fn value(self, entry: &LeaderboardEntry) -> f64 {
        match self {
            Self::Wins => entry.games_won as f64,
            Self::WinRate => quotient(entry.games_won, entry.games_played).unwrap_or(0.0),
            Self::TotalScore => entry.total_score as f64,
            Self::AverageGuesses => {
                quotient(entry.total_guesses, entry.total_matches).unwrap_or(f64::INFINITY)
            }
            Self::PerfectRounds => entry.perfect_rounds as f64,
        }
    }
}

impl LeaderboardEntry {
    /// The sums of nobody, under this id.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self {
            id,
            games_played: 0,
            games_won: 0,
            total_score: 0,
            total_guesses: 0,
            total_matches: 0,
            perfect_rounds: 0,
            last_win_at: None,
        }
    }

    fn average(&self) -> (i64, i64) {
        (self.total_guesses, self.total_matches)
    }

    fn add_game(&mut self, won: bool, score: i32, finished_at: DateTime<Utc>) {
        self.games_played += 1;
        self.games_won += i64::from(won);
        self.total_score += i64::from(score);
        if won {
            self.last_win_at = self.last_win_at.max(Some(finished_at));
        }
    }

    fn add_player(&mut self, result: &PlayerResult, finished_at: DateTime<Utc>) {
        self.add_game(result.won, result.score, finished_at);
        self.total_guesses += i64::from(result.guesses);
        self.total_matches += i64::from(result.matches);
        self.perfect_rounds += i64::from(result.perfect_rounds);
    }

    fn add_team(&mut self, result: &TeamResult, finished_at: DateTime<Utc>) {
        self.add_game(result.won, result.score, finished_at);
        self.total_guesses += i64::from(result.guesses);
        self.total_matches += i64::from(result.matches);
        self.perfect_rounds += i64::from(result.perfect_rounds);
    }
}

/// The sums of everybody who played in these games, in no particular order. The caller chooses the
/// games: those of one guild, of one mode or of all, and of one window.
#[must_use]
pub fn entries(kind: LeaderboardKind, games: &[GameResult]) -> Vec<LeaderboardEntry> {
    let mut by_id: HashMap<String, LeaderboardEntry> = HashMap::new();
    for game in games {
        match kind {
            LeaderboardKind::Players => {
                for result in &game.players {
                    entry(&mut by_id, result.user_id.clone()).add_player(result, game.finished_at);
                }
            }
            LeaderboardKind::Teams => {
                for result in &game.teams {
                    entry(&mut by_id, result.team_id.clone()).add_team(result, game.finished_at);
                }
            }
            LeaderboardKind::Pairs => {
                for result in &game.teams {
                    if let Some(id) = pair_id(&result.player_ids) {
                        entry(&mut by_id, id).add_team(result, game.finished_at);
                    }
                }
            }
        }
    }
    by_id.into_values().collect()
}

fn entry(by_id: &mut HashMap<String, LeaderboardEntry>, id: String) -> &mut LeaderboardEntry {
    by_id
        .entry(id)
        .or_insert_with_key(|id| LeaderboardEntry::new(id.clone()))
}

/// The id of the pair that these players are; none unless they are two.
#[must_use]
pub fn pair_id(player_ids: &[String]) -> Option<String> {
    match player_ids {
        [left, right] if compare_ids(left, right).is_gt() => Some(format!("{right}_{left}")),
        [left, right] => Some(format!("{left}_{right}")),
        _ => None,
    }
}

/// Compares two averages `(guesses, matches)`, the smaller first. Without a match the average is
/// infinite.
pub(super) fn compare_averages(left: (i64, i64), right: (i64, i64)) -> Ordering {
    match (left.1 > 0, right.1 > 0) {
        (true, true) => compare_fractions(left, right),
        (left_matched, right_matched) => Reverse(left_matched).cmp(&Reverse(right_matched)),
    }
}

/// Compares two fractions with denominators above 0, exactly.
fn compare_fractions(left: (i64, i64), right: (i64, i64)) -> Ordering {
    let product =
        |numerator: i64, denominator: i64| i128::from(numerator) * i128::from(denominator);
    product(left.0, right.1).cmp(&product(right.0, left.1))
}
