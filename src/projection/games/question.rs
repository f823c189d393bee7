//! What can be asked about games, guesses, rounds and replays, and what is answered.

use chrono::{DateTime, Utc};
use gamebot::event::GameMode;
use gamebot::game::{GameState, Phase};

use crate::position::Position;
use crate::scope::Scope;

/// Which games are wanted: those that satisfy every part that is set.
#[derive(Clone, Debug, Default)]
pub struct GameFilter {
    /// Of one of these guilds; empty: of any.
    pub guild_ids: Vec<String>,
    /// By one of these rules; empty: by any.
    pub modes: Vec<GameMode>,
    /// In one of these phases; empty: in any.
    pub phases: Vec<Phase>,
    /// Whether they are gathering or played, or over.
    pub is_active: Option<bool>,
    /// With this player, at any time.
    pub player_id: Option<String>,
    /// Started at this time or later.
    pub started_from: Option<DateTime<Utc>>,
    /// Started before this time.
    pub started_before: Option<DateTime<Utc>>,
}

/// A part of the list of games, which is in the order of their first events.
#[derive(Clone, Debug)]
pub struct GameQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: GameFilter,
    /// Only games whose first event comes after this position …
    pub after: Option<Position>,
    /// … and before this one.
    pub before: Option<Position>,
    /// Newest first.
    pub descending: bool,
    /// The most games to return.
    pub limit: u64,
}

/// A game as the projection has it.
#[derive(Clone, Debug)]
pub struct ProjectedGame {
    /// The position of its first event.
    pub first_position: Position,
    /// The position of its last event.
    pub position: Position,
    /// Its state.
    pub state: GameState,
}

/// Which guesses are wanted: those that satisfy every part that is set.
#[derive(Clone, Debug, Default)]
pub struct GuessFilter {
    /// Of this game.
    pub game_id: Option<String>,
    /// With this player.
    pub player_id: Option<String>,
    /// Of this team.
    pub team_id: Option<String>,
    /// Of these two players, in whichever team.
    pub pair: Option<[String; 2]>,
    /// With this word, whether its letters are large or small.
    pub word: Option<String>,
    /// Of streams of this guild; `Some(None)`: of no guild.
    pub guild_id: Option<Option<String>>,
}

/// A part of the list of guesses, which is in the order of the log.
#[derive(Clone, Debug)]
pub struct GuessQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: GuessFilter,
    /// Only after this position …
    pub after: Option<Position>,
    /// … and before this one.
    pub before: Option<Position>,
    /// Newest first.
    pub descending: bool,
    /// The most guesses to return.
    pub limit: u64,
}

/// One attempt of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectedGuess {
    /// The game.
    pub game_id: String,
    /// The attempt's number in the game, over all teams, from 1.
    pub sequence: i32,
    /// The game's guild.
    pub guild_id: Option<String>,
    /// The game's mode.
    pub mode: GameMode,
    /// The round.
    pub round_number: i32,
    /// The team.
    pub team_id: String,
    /// The players; the one who answered first, if both did, is the first.
    pub player_ids: [String; 2],
    /// Their words; none for one that did not arrive.
    pub words: [Option<String>; 2],
    /// `match`, `miss` or `abandoned`.
    pub outcome: String,
    /// The points of a match.
    pub match_score: Option<i32>,
    /// The attempt's number in the chain of words.
    pub guess_count: i32,
    /// How long it took, in milliseconds.
    pub attempt_ms: Option<i32>,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The id of the event.
    pub event_id: String,
    /// The event's place in the stream.
    pub stream_version: i32,
    /// The event's place in the log.
    pub position: Position,
}

/// What one team did in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayedRound {
    /// The round, from 1.
    pub round_number: i32,
    /// The team.
    pub team_id: String,
    /// Its attempts.
    pub attempts: i32,
    /// Its matches: 1 or 0.
    pub matches: i32,
    /// Its abandoned attempts.
    pub abandoned: i32,
    /// Whether it matched with the first attempt at its words.
    pub is_perfect: bool,
    /// How long it took, in milliseconds; none while it goes on.
    pub duration_ms: Option<i64>,
    /// When it began for the team.
    pub started_at: DateTime<Utc>,
    /// When it ended for the team; none while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which replay is wanted.
#[derive(Clone, Debug)]
pub enum ReplayKey {
    /// Of this game.
    Game(String),
    /// Of this name.
    Name(String),
}

/// A part of the list of replays, which is in the order of the first events of their games.
#[derive(Clone, Debug)]
pub struct ReplayQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// Of this guild; `Some(None)`: of no guild.
    pub guild_id: Option<Option<String>>,
    /// Of games whose first event comes after this position …
    pub after: Option<Position>,
    /// … and before this one.
    pub before: Option<Position>,
    /// Newest first.
    pub descending: bool,
    /// The most replays to return.
    pub limit: u64,
}

/// A finished game to be watched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectedReplay {
    /// The game.
    pub game_id: String,
    /// A name that people can say, of this replay alone.
    pub display_name: String,
    /// The game's guild.
    pub guild_id: Option<String>,
    /// The game's mode.
    pub mode: GameMode,
    /// When play began.
    pub started_at: DateTime<Utc>,
    /// When play ended.
    pub finished_at: DateTime<Utc>,
    /// The events up to the result.
    pub event_count: i32,
    /// The position of the game's first event.
    pub first_position: Position,
    /// The figures that games of all modes have, as a JSON object.
    pub base: String,
    /// The figures of the mode, as a JSON object.
    pub mode_figures: String,
    /// The schema versions in which its events are stored, by event type, as a JSON object.
    pub schema_versions: String,
}
