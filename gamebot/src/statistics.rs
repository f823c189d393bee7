//! What a game amounts to: the rows that its events give, its result, and the figures over many
//! games.
//!
//! | Step | What it is |
//! |---|---|
//! | [`GameFigures`] | the fold over the events of one game; each event answers with [`Changes`] |
//! | [`GameResult`] | what a finished game counts for, for each team and player |
//! | [`PlayerStatistics`], [`TeamStatistics`] | the figures over the results of a player or a team |
//! | [`leaderboard()`] | the order of many of them, within a [`TimeWindow`] |
//!
//! Everything here is a pure function of the events and of the times in them, so a projection that
//! is built again comes to the same rows. Nothing fails: a stream that breaks the rules of the game
//! gives figures that are as odd as the stream, but it gives them.

mod figures;
mod leaderboard;
mod mode_figures;
mod pauses;
mod player;
mod result;
mod roster;
mod round;
mod rows;
mod snowflake;
mod streak;
mod team;
mod team_figures;
mod window;

pub use figures::GameFigures;
pub use leaderboard::{
    LeaderboardEntry, LeaderboardKind, LeaderboardMetric, MINIMUM_GAMES, MINIMUM_MATCHES, Standing,
    entries, leaderboard, pair_id,
};
pub use mode_figures::{
    BestRound, EliminationFigures, EliminationTeamFigures, GolfRaceFigures, GolfRaceTeamFigures,
    ModeFigures, RaceFigures, RaceTeamFigures, RoundEliminations, TeamPoints, TwoPlayerFigures,
};
pub use player::{BestPartner, PlayerGame, PlayerStatistics};
pub use result::{BaseFigures, GameResult, PlayerResult, TeamResult};
pub use rows::{Changes, GuessOutcome, GuessRow, RoundRow};
pub use snowflake::compare_ids;
pub use team::{BestGame, Eliminations, TeamGame, TeamStatistics};
pub use window::{TimeRange, TimeWindow};

/// `numerator / denominator`, or none when there is nothing to divide by.
///
/// Both are counts or sums of one game or of the games of one player, far below 2^53, so the
/// quotient is the closest that a double can hold.
#[expect(
    clippy::cast_precision_loss,
    reason = "sums beyond 2^53 do not occur, and a figure that is off by its last bit is still right"
)]
fn quotient(numerator: i64, denominator: i64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}
