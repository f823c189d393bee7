//! Figures of players and teams over their finished games, and leaderboards.

use async_graphql::connection::PageInfo;
use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::statistics as figures;

use crate::graphql::scalar::PositionScalar;

/// A stretch of time that ends with the present, in UTC. A game is in it by the time of its result.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[graphql(remote = "figures::TimeWindow")]
pub(in crate::graphql) enum TimeWindow {
    /// All of time.
    #[default]
    All,
    /// This calendar month.
    Month,
    /// This week, from Monday to Sunday.
    Week,
    /// The last 24 hours.
    Day,
}

/// Whom a leaderboard ranks.
#[derive(Enum, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[graphql(remote = "figures::LeaderboardKind")]
pub(in crate::graphql) enum LeaderboardKind {
    /// Players, by their Discord user ids.
    #[default]
    Players,
    /// Teams.
    Teams,
    /// Two players, over all teams that they have formed: their two ids, the lower one first, joined by an
    /// underscore.
    Pairs,
}

/// What a leaderboard ranks by. Equal in it, more wins come first, then fewer guesses per match, then the
/// earlier last win, then the lower id; equal in all but the id is the same rank.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "figures::LeaderboardMetric")]
pub(in crate::graphql) enum LeaderboardMetric {
    /// The games won; more is better.
    Wins,
    /// Games won / games played; more is better. Only for those with at least 5 games.
    WinRate,
    /// The sum of the final scores; more is better.
    TotalScore,
    /// Guesses / matches; less is better. Only for those with at least 5 matches.
    AverageGuesses,
    /// The matches at the first attempt; more is better.
    PerfectRounds,
}

/// The figures of a player over the games that count: those that came to a result, with the player among the
/// players of their start.
///
/// P is the attempts with both words in which the player took part, over all these games.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PlayerStatistics {
    /// The number of games that count.
    games_played: i32,
    /// The games that the player's team won, shared wins included.
    games_won: i32,
    /// gamesWon / gamesPlayed, from 0 to 1; 0 without a game.
    win_rate: f64,
    /// The number of attempts in P.
    total_guesses: i32,
    /// The number of matches in P.
    total_matches: i32,
    /// totalMatches / totalGuesses, from 0 to 1; 0 without an attempt.
    guess_accuracy: f64,
    /// The attempts that this player abandoned.
    abandoned_guesses: i32,
    /// totalGuesses / totalMatches; null without a match.
    average_guesses_per_match: Option<f64>,
    /// The fewest attempts that a match took, in its chain of words; null without a match.
    best_match: Option<i32>,
    /// The matches at the first attempt.
    perfect_rounds: i32,
    /// The sum of the final scores of the player's teams.
    total_score: i32,
    /// totalScore / gamesPlayed; null without a game.
    average_score: Option<f64>,
    /// The highest final score of a team of the player; null without a game.
    best_score: Option<i32>,
    /// The mean of the player's own times in P, in milliseconds: the player's duration minus the duration of the
    /// team's attempt before it in the same round. Negative and unmeasured times are left out; null if none is
    /// left.
    average_response_ms: Option<f64>,
    /// The wins since the last game that was not won, by the time at which games ended.
    current_win_streak: i32,
    /// The longest row of wins.
    longest_win_streak: i32,
    /// The partner with whom the player won most games, then played most, then the one with the lower id; null
    /// without a partner.
    best_partner: Option<BestPartner>,
    /// When the last of the games ended; null without a game.
    last_played_at: Option<DateTime<Utc>>,
    /// The figures hold everything up to this position of the log, and nothing after it.
    projected_through: PositionScalar,
}

/// A partner, and the games with this partner.
#[derive(SimpleObject)]
struct BestPartner {
    /// The partner's Discord user id.
    user_id: String,
    /// The games won together.
    games_won: i32,
    /// The games played together.
    games_played: i32,
}

impl PlayerStatistics {
    pub(in crate::graphql) fn new(
        of: figures::PlayerStatistics,
        projected_through: PositionScalar,
    ) -> Self {
        Self {
            games_played: int(of.games_played),
            games_won: int(of.games_won),
            win_rate: of.win_rate,
            total_guesses: int(of.total_guesses),
            total_matches: int(of.total_matches),
            guess_accuracy: of.guess_accuracy,
            abandoned_guesses: int(of.abandoned_guesses),
            average_guesses_per_match: of.average_guesses_per_match,
            best_match: of.best_match,
            perfect_rounds: int(of.perfect_rounds),
            total_score: int(of.total_score),
            average_score: of.average_score,
            best_score: of.best_score,
            average_response_ms: of.average_response_ms,
            current_win_streak: int(of.current_win_streak),
            longest_win_streak: int(of.longest_win_streak),
            best_partner: of.best_partner.map(|partner| BestPartner {
                user_id: partner.user_id,
                games_won: int(partner.games_won),
                games_played: int(partner.games_played),
            }),
            last_played_at: of.last_played_at,
            projected_through,
        }
    }
}

/// The figures of a team over the games that count: those that came to a result, with the team among the teams
/// of their start.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TeamStatistics {
    /// The number of games that count.
    games_played: i32,
    /// The games won, shared wins included.
    games_won: i32,
    /// gamesWon / gamesPlayed, from 0 to 1; 0 without a game.
    win_rate: f64,
    /// The attempts, with both words or abandoned: the sum over the final scores.
    total_guesses: i32,
    /// The matches: the sum over the final scores.
    total_matches: i32,
    /// The abandoned attempts.
    abandoned_guesses: i32,
    /// totalGuesses / totalMatches; null without a match.
    average_guesses: Option<f64>,
    /// The matches at the first attempt.
    perfect_rounds: i32,
    /// The sum of the final scores.
    total_score: i32,
    /// totalScore / gamesPlayed; null without a game.
    average_score: Option<f64>,
    /// The game with the highest score, then with fewer guesses per match, then the earlier one; null without
    /// a game.
    best_game: Option<BestGame>,
    /// The mean duration of the rounds with a match, in milliseconds; null without one.
    average_round_ms: Option<f64>,
    /// How often the team was eliminated, by reason.
    eliminations: Eliminations,
    /// The wins since the last game that was not won, by the time at which games ended.
    current_win_streak: i32,
    /// The longest row of wins.
    longest_win_streak: i32,
    /// The rank among the teams of the guild by games won, over all modes and all of time; null without a game,
    /// and in direct messages.
    ranking: Option<i32>,
    /// When the last of the games ended; null without a game.
    last_played_at: Option<DateTime<Utc>>,
    /// The figures hold everything up to this position of the log, and nothing after it.
    projected_through: PositionScalar,
}

/// The best game of a team.
#[derive(SimpleObject)]
struct BestGame {
    /// The game.
    game_id: String,
    /// The team's final score.
    score: i32,
    /// Its guesses per match; null without a match.
    average_guesses: Option<f64>,
    /// When the game ended.
    finished_at: DateTime<Utc>,
}

/// How often a team was eliminated, by reason.
#[derive(SimpleObject)]
struct Eliminations {
    /// No match in time.
    timeout: i32,
    /// The limit of attempts was reached.
    max_guesses: i32,
    /// Most attempts at the end of a round.
    round_loss: i32,
    /// Its players were gone.
    forfeit: i32,
    /// For a reason that this server does not know.
    unknown: i32,
}

impl TeamStatistics {
    pub(in crate::graphql) fn new(
        of: figures::TeamStatistics,
        ranking: Option<i64>,
        projected_through: PositionScalar,
    ) -> Self {
        Self {
            games_played: int(of.games_played),
            games_won: int(of.games_won),
            win_rate: of.win_rate,
            total_guesses: int(of.total_guesses),
            total_matches: int(of.total_matches),
            abandoned_guesses: int(of.abandoned_guesses),
            average_guesses: of.average_guesses,
            perfect_rounds: int(of.perfect_rounds),
            total_score: int(of.total_score),
            average_score: of.average_score,
            best_game: of.best_game.map(|game| BestGame {
                game_id: game.game_id,
                score: game.score,
                average_guesses: game.average_guesses,
                finished_at: game.finished_at,
            }),
            average_round_ms: of.average_round_ms,
            eliminations: Eliminations {
                timeout: int(of.eliminations.timeout),
                max_guesses: int(of.eliminations.max_guesses),
                round_loss: int(of.eliminations.round_loss),
                forfeit: int(of.eliminations.forfeit),
                unknown: int(of.eliminations.unknown),
            },
            current_win_streak: int(of.current_win_streak),
            longest_win_streak: int(of.longest_win_streak),
            ranking: ranking.map(int),
            last_played_at: of.last_played_at,
            projected_through,
        }
    }
}

/// A page of a leaderboard.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LeaderboardConnection {
    /// The places with their cursors.
    pub(in crate::graphql) edges: Vec<LeaderboardEdge>,
    /// The places.
    pub(in crate::graphql) nodes: Vec<LeaderboardPlace>,
    /// Whether there are more places, and the cursors of the page's ends.
    pub(in crate::graphql) page_info: PageInfo,
    /// The places hold everything up to this position of the log, and nothing after it.
    pub(in crate::graphql) projected_through: PositionScalar,
}

/// A place and where it stands in the list.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LeaderboardEdge {
    /// `after` of another page.
    pub(in crate::graphql) cursor: String,
    /// The place.
    pub(in crate::graphql) node: LeaderboardPlace,
}

/// A place on a leaderboard.
#[derive(SimpleObject, Clone)]
pub(in crate::graphql) struct LeaderboardPlace {
    /// The rank, from 1. Those who are equal in all but the id share one, and the ranks that they take up are
    /// left out: 1, 2, 2, 4.
    rank: i32,
    /// Who it is, by the kind of the leaderboard.
    subject_id: String,
    /// The number that the leaderboard ranks by.
    value: f64,
    /// The games that count.
    games_played: i32,
    /// The games won.
    games_won: i32,
    /// The sum of the final scores.
    total_score: i32,
    /// Players: the attempts with both words. Teams and pairs: all attempts.
    total_guesses: i32,
    /// The matches.
    total_matches: i32,
    /// The matches at the first attempt.
    perfect_rounds: i32,
    /// When the last game that was won ended; null without a win.
    last_win_at: Option<DateTime<Utc>>,
}

impl From<figures::Standing> for LeaderboardPlace {
    fn from(standing: figures::Standing) -> Self {
        let entry = standing.entry;
        Self {
            rank: int(standing.rank),
            subject_id: entry.id,
            value: standing.value,
            games_played: int(entry.games_played),
            games_won: int(entry.games_won),
            total_score: int(entry.total_score),
            total_guesses: int(entry.total_guesses),
            total_matches: int(entry.total_matches),
            perfect_rounds: int(entry.perfect_rounds),
            last_win_at: entry.last_win_at,
        }
    }
}

/// Sums over the games of one guild are far below 2^31; one that were not is shown as the greatest `Int`.
fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}
