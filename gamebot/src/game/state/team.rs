//! What is known of the teams and the players of a game.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EliminationReason, TeamStatus};

/// A team of a running or finished game.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the rules ask about each of these facts by itself"
)]
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameTeam"))]
pub struct Team {
    /// The team's id.
    pub team_id: String,
    /// Its players and their numbers, in the order of the roster.
    pub players: Vec<TeamPlayer>,
    /// What it is doing.
    pub status: TeamStatus,
    /// Its points; only in mode `golf_race` they can be negative.
    pub score: i32,
    /// The rounds that it has solved.
    pub matches: i32,
    /// Its attempts in the game, finished and abandoned.
    pub total_guesses: i32,
    /// Its abandoned attempts in the game.
    pub abandoned_guesses: i32,
    /// Its attempts in the current chain of words.
    pub guess_count: i32,
    /// Its attempts in the round.
    pub round_guess_count: i32,
    /// Its abandoned attempts in the round.
    pub round_abandoned_guesses: i32,
    /// The number of its last round, 0 before the first.
    pub round_number: i32,
    /// Whether that round is open.
    pub round_open: bool,
    /// Whether it has solved that round.
    pub round_matched: bool,
    /// The points of that solution; 0 without one.
    pub round_score: i32,
    /// When that round was opened; none before the first.
    pub round_started_at: Option<DateTime<Utc>>,
    /// The game's `paused_total_ms` when that round was opened.
    #[cfg_attr(feature = "graphql", graphql(skip))]
    pub round_paused_before_ms: i64,
    /// Milliseconds from the start of the round to the end of the last attempt; 0 before one.
    pub last_guess_duration: i32,
    /// When the last attempt ended; none before the first attempt of the game.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The 2 words that the team has to link; empty when they are not known.
    pub current_words: Vec<String>,
    /// The first word of a pair that waits for the second; none when both are missing.
    pub pending_guess: Option<PendingGuess>,
    /// When the team solved its last round; none when it never did.
    pub last_match_at: Option<DateTime<Utc>>,
    /// Whether it gave its words up and waits for new ones.
    pub awaits_restart: bool,
    /// Mode `knockout`: whether it has failed for the last time and its elimination has to follow.
    pub awaits_elimination: bool,
    /// Mode `golf_race`: what the last attempt earned and no event has awarded yet.
    pub points_due: Option<PointsDue>,
    /// Attempts of the chain that it gave up by points taken away; mode `golf_race` only.
    pub give_up_penalties: i32,
}

/// The numbers of a player within a team.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameTeamPlayer"))]
pub struct TeamPlayer {
    /// The player's Discord user id.
    pub player_id: String,
    /// The finished attempts that the player took part in.
    pub total_guesses: i32,
    /// How many of them were a match.
    pub successful_matches: i32,
    /// The attempts that this player abandoned.
    pub abandoned_guesses: i32,
}

/// A player in the lobby or in the roster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GamePlayer"))]
pub struct Player {
    /// The player's Discord user id.
    pub player_id: String,
    /// The team the player belongs to; none in a lobby without teams.
    pub team_id: Option<String>,
    /// The name, as the last event says it that has one; none before such an event.
    pub username: Option<String>,
    /// Whether the player is in the game and has not left it.
    pub connected: bool,
    /// The player's presence: `active`, `idle`, `disconnected`, `spectating` or what a newer writer
    /// stored.
    pub status: String,
    /// The words that the player may not use, oldest first.
    pub forbidden_words: Vec<String>,
}

/// The first word of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GamePendingGuess"))]
pub struct PendingGuess {
    /// The player who sent it.
    pub player_id: String,
    /// The timestamp of the event that says so.
    pub at: DateTime<Utc>,
    /// Milliseconds of play from the start of the team's round until then.
    pub played_ms: i64,
}

/// What an attempt of a golf race earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GamePointsDue"))]
pub struct PointsDue {
    /// Whether it was given up; otherwise it was a match.
    pub gave_up: bool,
    /// The number of the attempt in its chain.
    pub guess_count: i32,
    /// The points.
    pub points: i32,
}

/// A team that is out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameElimination"))]
pub struct Elimination {
    /// The team.
    pub team_id: String,
    /// The round in which it left.
    pub round_number: i32,
    /// Why.
    pub reason: EliminationReason,
    /// Its attempts in that round.
    pub guess_count: i32,
    /// When.
    pub at: DateTime<Utc>,
}

/// A round that a team solved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameMatch"))]
pub struct MatchEntry {
    /// The team.
    pub team_id: String,
    /// The round.
    pub round_number: i32,
    /// The two words, that of player 1 first.
    pub words: [String; 2],
    /// The number of the attempt in its chain of words.
    pub guess_count: i32,
    /// The points of the match.
    pub score: i32,
    /// When.
    pub at: DateTime<Utc>,
}

impl Team {
    /// Whether the team is still in the game.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status != TeamStatus::Eliminated
    }

    /// The place of this player in the team; none when the player is not of the team.
    #[must_use]
    pub fn player(&self, player_id: &str) -> Option<&TeamPlayer> {
        self.players
            .iter()
            .find(|player| player.player_id == player_id)
    }

    /// Attempts per match; 0 without a match.
    #[must_use]
    pub fn average_guesses(&self) -> f64 {
        average(self.total_guesses, self.matches)
    }
}

impl TeamPlayer {
    /// Finished attempts per match; 0 without a match.
    #[must_use]
    pub fn average_guess_count(&self) -> f64 {
        average(self.total_guesses, self.successful_matches)
    }
}

/// `total` divided by `count`, not rounded; 0 when `count` is not positive.
pub(in crate::game) fn average(total: i32, count: i32) -> f64 {
    if count > 0 {
        f64::from(total) / f64::from(count)
    } else {
        0.0
    }
}
