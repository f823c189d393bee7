//! The figures that only games of one mode have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{TeamResult, quotient, team_figures::TeamFigures};
use crate::event::GameMode;

/// The figures that only games of one mode have. Written as JSON, `mode` says which they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ModeFigures {
    /// The figures of a `two_player` game.
    TwoPlayer(TwoPlayerFigures),
    /// The figures of a `knockout` game.
    Knockout(EliminationFigures),
    /// The figures of a `race`.
    Race(RaceFigures),
    /// The figures of a `golf_race`.
    GolfRace(GolfRaceFigures),
    /// The figures of a `longform` game; its rounds are days.
    Longform(EliminationFigures),
    /// A mode that this version does not know has none.
    Unknown,
}

/// The figures of a `two_player` game.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwoPlayerFigures {
    /// The attempts that matched.
    pub successful_attempts: i64,
    /// The attempts that did not match or were abandoned.
    pub failed_attempts: i64,
    /// The final score of each team, which is one.
    pub scores: Vec<TeamPoints>,
    /// The mean of the attempt times in milliseconds, over all attempts whose time is known,
    /// abandoned ones included; none when no time is known.
    pub average_attempt_ms: Option<f64>,
    /// Whether the team reached its goal, that is, whether it won.
    pub succeeded: bool,
}

/// The points of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TeamPoints {
    /// The team.
    pub team_id: String,
    /// Its final score.
    pub score: i32,
}

/// The figures of a `knockout` or a `longform` game.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EliminationFigures {
    /// The rounds that were played to their end: the events that close one.
    pub rounds_played: i32,
    /// The rounds in which teams were eliminated, in order.
    pub eliminations: Vec<RoundEliminations>,
    /// The figures of each team, in the order of `team_ids`.
    pub teams: Vec<EliminationTeamFigures>,
}

/// The teams that were eliminated in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundEliminations {
    /// The round, from 1.
    pub round_number: i32,
    /// The teams, in the order of `team_ids`. Never empty.
    pub team_ids: Vec<String>,
}

/// The figures of one team of a `knockout` or a `longform` game.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EliminationTeamFigures {
    /// The team.
    pub team_id: String,
    /// The round in which it was eliminated; none for the winner.
    pub elimination_round: Option<i32>,
    /// Its attempts, with both words or abandoned.
    pub attempts: i32,
    /// Its matches.
    pub matches: i32,
}

/// The figures of a `race`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RaceFigures {
    /// The figures of each team, in the order of `team_ids`.
    pub teams: Vec<RaceTeamFigures>,
    /// The teams that won; more than one share the win.
    pub winners: Vec<String>,
}

/// The figures of one team of a `race`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RaceTeamFigures {
    /// The team.
    pub team_id: String,
    /// Its matches.
    pub matches: i32,
    /// `matches × 60 / duration of the game in seconds`; none when the game took no second.
    pub matches_per_minute: Option<f64>,
}

/// The figures of a `golf_race`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GolfRaceFigures {
    /// The figures of each team, in the order of `team_ids`.
    pub teams: Vec<GolfRaceTeamFigures>,
    /// The teams that won; more than one share the win.
    pub winners: Vec<String>,
}

/// The figures of one team of a `golf_race`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GolfRaceTeamFigures {
    /// The team.
    pub team_id: String,
    /// Its final score.
    pub points: i32,
    /// `points / matches`; none without a match.
    pub points_per_match: Option<f64>,
    /// The round that it solved with the most points, among equals with the fewest attempts, then
    /// the earliest; none without a match.
    pub best_round: Option<BestRound>,
}

/// The best round of a team in a `golf_race`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct BestRound {
    /// The round, from 1.
    pub round_number: i32,
    /// The points of the match, less one for each time that the team gave up in the round.
    pub points: i32,
    /// The attempts of the team in the round.
    pub attempts: i32,
}

impl BestRound {
    /// Whether this round is better than one before it.
    pub(super) fn beats(self, earlier: Self) -> bool {
        (self.points, -self.attempts) > (earlier.points, -earlier.attempts)
    }
}

impl ModeFigures {
    /// The figures of a finished game. The results and the figures are those of the same teams in
    /// the same order.
    pub(super) fn of(
        mode: &GameMode,
        results: &[TeamResult],
        figures: &[TeamFigures],
        rounds_played: i32,
        duration_s: i32,
    ) -> Self {
        match mode {
            GameMode::TwoPlayer => Self::TwoPlayer(TwoPlayerFigures::of(results, figures)),
            GameMode::Knockout => {
                Self::Knockout(EliminationFigures::of(results, figures, rounds_played))
            }
            GameMode::Race => Self::Race(RaceFigures::of(results, duration_s)),
            GameMode::GolfRace => Self::GolfRace(GolfRaceFigures::of(results, figures)),
            GameMode::Longform => {
                Self::Longform(EliminationFigures::of(results, figures, rounds_played))
            }
            GameMode::Unknown(_) => Self::Unknown,
        }
    }
}

impl TwoPlayerFigures {
    fn of(results: &[TeamResult], figures: &[TeamFigures]) -> Self {
        let sum = |number: fn(&TeamFigures) -> i64| figures.iter().map(number).sum::<i64>();
        let successful_attempts = sum(|team| i64::from(team.matches));
        Self {
            successful_attempts,
            failed_attempts: sum(|team| i64::from(team.attempts)) - successful_attempts,
            scores: results
                .iter()
                .map(|team| TeamPoints {
                    team_id: team.team_id.clone(),
                    score: team.score,
                })
                .collect(),
            average_attempt_ms: quotient(
                sum(|team| team.attempt_ms_sum),
                sum(|team| i64::from(team.attempt_ms_count)),
            ),
            succeeded: results.iter().any(|team| team.won),
        }
    }
}

impl EliminationFigures {
    fn of(results: &[TeamResult], figures: &[TeamFigures], rounds_played: i32) -> Self {
        let mut by_round: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for team in figures {
            if let Some(round_number) = team.elimination_round() {
                let team_ids = by_round.entry(round_number).or_default();
                team_ids.push(team.team_id.clone());
            }
        }
        let eliminations = by_round
            .into_iter()
            .map(|(round_number, team_ids)| RoundEliminations {
                round_number,
                team_ids,
            });
        let teams = results.iter().zip(figures);
        let teams = teams.map(|(result, team)| EliminationTeamFigures {
            team_id: result.team_id.clone(),
            elimination_round: team.elimination_round(),
            attempts: result.guesses,
            matches: result.matches,
        });
        Self {
            rounds_played,
            eliminations: eliminations.collect(),
            teams: teams.collect(),
        }
    }
}

impl RaceFigures {
    fn of(results: &[TeamResult], duration_s: i32) -> Self {
        let teams = results.iter().map(|team| RaceTeamFigures {
            team_id: team.team_id.clone(),
            matches: team.matches,
            matches_per_minute: quotient(i64::from(team.matches) * 60, i64::from(duration_s)),
        });
        Self {
            teams: teams.collect(),
            winners: winners(results),
        }
    }
}

impl GolfRaceFigures {
    fn of(results: &[TeamResult], figures: &[TeamFigures]) -> Self {
        let teams = results.iter().zip(figures);
        let teams = teams.map(|(result, team)| GolfRaceTeamFigures {
            team_id: result.team_id.clone(),
            points: result.score,
            points_per_match: quotient(i64::from(result.score), i64::from(result.matches)),
            best_round: team.best_round,
        });
        Self {
            teams: teams.collect(),
            winners: winners(results),
        }
    }
}

fn winners(results: &[TeamResult]) -> Vec<String> {
    let winners = results.iter().filter(|team| team.won);
    winners.map(|team| team.team_id.clone()).collect()
}
