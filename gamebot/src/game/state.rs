//! What is known of a game, its teams and its players after some prefix of its stream.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EliminationReason, GameMode, JsonObject};

mod team;

pub(super) use team::average;
pub use team::{Elimination, MatchEntry, PendingGuess, Player, PointsDue, Team, TeamPlayer};

/// The version of the meaning of [`GameState`]. It is raised whenever the same events give another
/// state, or a state is written in another form; a snapshot of another version is then of no use.
pub const STATE_VERSION: i32 = 2;

/// What the store knows of an event besides its type and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The place of the event in its stream, from 1.
    pub stream_version: i32,
    /// The id of the event, a UUID.
    pub event_id: &'a str,
    /// The `correlation_id` of the event's metadata; none when it is missing.
    pub correlation_id: Option<&'a str>,
    /// The `causation_id` of the event's metadata; none when it is missing.
    pub causation_id: Option<&'a str>,
}

/// Where a game is between its first event and its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[cfg_attr(feature = "graphql", graphql(name = "GamePhase"))]
pub enum Phase {
    /// Teams gather; nothing is played yet.
    Lobby,
    /// Play has begun, and no round is open.
    Ready,
    /// A round is open. A race is in this phase from its first round until the time is up.
    InRound,
    /// Play is suspended and the clocks stand still.
    Paused,
    /// The game is over and has a result.
    Completed,
    /// The game is over without a result.
    Aborted,
    /// The stream of the finished game is closed for good.
    Archived,
}

/// The state of a game after some prefix of its stream. It is its own snapshot: written as JSON,
/// read again and folded further, it ends as if it had never been written.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the rules ask about each of these facts by itself"
)]
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct GameState {
    /// The id of the game, the part of the stream's name after `game-`.
    pub game_id: String,
    /// The Discord server that owns the game; none for a game started in a direct message.
    pub guild_id: Option<String>,
    /// The rules by which the game is played; none before the first event.
    pub mode: Option<GameMode>,
    /// Where the game is; none before the first event that says so.
    pub phase: Option<Phase>,
    /// The configuration as the events give it.
    pub config: JsonObject,
    /// How often the configuration was set, from 1; 0 before the first event.
    pub config_version: i32,
    /// What the configuration means, with the default for every key that it leaves out.
    pub settings: Settings,
    /// The user who opened the lobby; none for a game without one.
    pub created_by: Option<String>,
    /// When the lobby was opened; none for a game without one.
    pub created_at: Option<DateTime<Utc>>,
    /// When play began; none before that.
    pub started_at: Option<DateTime<Utc>>,
    /// When the game was completed or aborted; none while it is neither.
    pub finished_at: Option<DateTime<Utc>>,
    /// The ids of the teams in the order of play, which breaks ties. Before the start, the teams
    /// that have signed up.
    pub team_order: Vec<String>,
    /// The teams in the order in which the start of the game lists them.
    pub teams: Vec<Team>,
    /// The players: before the start those in the lobby, from the start on the roster.
    pub players: Vec<Player>,
    /// The number of the round, 0 before the first; in the race modes the highest of any team.
    pub round_number: i32,
    /// Whether a round is open; in the race modes whether the race runs.
    pub round_open: bool,
    /// When the latest round was opened; none before the first.
    pub round_started_at: Option<DateTime<Utc>>,
    /// `paused_total_ms` when the latest round was opened.
    pub round_paused_before_ms: i64,
    /// How many entries `eliminated` had when the latest round was opened.
    pub round_eliminated_before: usize,
    /// The rounds that were closed; in the race modes those of all teams together.
    pub rounds_played: i32,
    /// The rounds that were solved at the first attempt.
    pub perfect_rounds: i32,
    /// The teams that are out, in the order of their leaving.
    pub eliminated: Vec<Elimination>,
    /// The matches so far, in order.
    pub matches: Vec<MatchEntry>,
    /// Race modes: when the time is up, later by every pause; none otherwise.
    pub expires_at: Option<DateTime<Utc>>,
    /// Race modes: whether the time was declared up.
    pub expired: bool,
    /// Race modes: the remaining seconds of the last warning; none before the first.
    pub warned_seconds: Option<i32>,
    /// The pause that lasts; none while play goes on.
    pub pause: Option<Pause>,
    /// How long the pauses that are over lasted together, in milliseconds.
    pub paused_total_ms: i64,
    /// Mode `two_player`: the evaluation of the goal; none before it.
    pub evaluation: Option<Evaluation>,
    /// The result of the completed game; none before it.
    pub result: Option<GameResult>,
    /// Why the game was aborted, as the event says it; none when it was not.
    pub abort_reason: Option<String>,
    /// Whether the stream was archived.
    pub archived: bool,
    /// The place of the last event in the stream; 0 before the first.
    pub stream_version: i32,
    /// How many events were folded, observations and events without a use included.
    pub event_count: i32,
    /// The id of the last event; none before the first.
    pub last_event_id: Option<String>,
    /// The timestamp of the last event that is not an observation; none before the first.
    pub last_timestamp: Option<DateTime<Utc>>,
    /// The latest timestamp of any event; none before the first.
    pub last_activity: Option<DateTime<Utc>>,
    /// The correlation id of the last event that had one.
    pub correlation_id: Option<String>,
    /// Whether the stream began otherwise than a game does. The roster is not known then.
    pub start_is_damaged: bool,
    /// The rules that a recovery found broken by a warning, the first 100 of them.
    pub warnings: Vec<StateWarning>,
}

/// The configuration of a game, complete.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameSettings"))]
pub struct Settings {
    /// How many of a player's last words the player may not use again.
    pub forbidden_words_limit: i32,
    /// Seconds after which an attempt without a second word ends; none means never.
    pub guess_timeout_seconds: Option<i32>,
    /// Mode `two_player`: the number of rounds.
    pub rounds_required: i32,
    /// Mode `two_player`: the attempts per round on average with which the game is won, at most.
    pub success_threshold: f64,
    /// Mode `knockout`: seconds until a round ends.
    pub round_time_limit_seconds: i32,
    /// Mode `knockout`: the failed attempts in a round with which a team is out.
    pub max_guesses: i32,
    /// Mode `knockout`: with more live teams than this, more than one is out at the end of a round.
    pub forced_elimination_threshold: i32,
    /// Mode `knockout`: how many teams are out then.
    pub teams_to_eliminate: i32,
    /// Race modes: seconds until the time is up.
    pub time_limit_seconds: i32,
    /// Race modes: whether a team may give its words up.
    pub allow_give_up: bool,
    /// Mode `longform`: seconds that a round lasts.
    pub round_duration_seconds: i32,
}

/// A pause that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GamePause"))]
pub struct Pause {
    /// When it began.
    pub since: DateTime<Utc>,
    /// The phase to which play goes back.
    pub phase_before: Phase,
    /// The seconds left on the clock of the mode, as the event says it; none without a clock.
    pub remaining_seconds: Option<i32>,
}

/// The evaluation of a co-operative game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameEvaluation"))]
pub struct Evaluation {
    /// Attempts per round on average.
    pub average_guesses: f64,
    /// The average with which the game is won, at most.
    pub success_threshold: f64,
    /// Whether it is won.
    pub succeeded: bool,
}

/// The result of a completed game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameResult"))]
pub struct GameResult {
    /// The teams that won; two or more share the win.
    pub winners: Vec<String>,
    /// What each team reached, as the event says it.
    pub final_scores: Vec<FinalScore>,
    /// Whole seconds from the start of play to its end.
    pub game_duration: i32,
    /// The rounds played; in the race modes the highest round of any team.
    pub total_rounds: i32,
}

/// What a team reached in a completed game.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameFinalScore"))]
pub struct FinalScore {
    /// The team.
    pub team_id: String,
    /// Its points.
    pub score: i32,
    /// The rounds that it solved.
    pub matches: i32,
    /// Its attempts, finished and abandoned.
    pub total_guesses: i32,
    /// Attempts per match, rounded to 4 decimals; 0 without a match.
    pub average_guesses: f64,
}

/// A rule of the game that an event broke, as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "graphql", derive(async_graphql::SimpleObject))]
#[cfg_attr(feature = "graphql", graphql(name = "GameWarning"))]
pub struct StateWarning {
    /// The rule, for example `R26`.
    pub rule: String,
    /// The place of the event in the stream; none when no single event is to blame.
    pub stream_version: Option<i32>,
}

impl GameState {
    /// The state before the first event of the game with this id.
    #[must_use]
    pub fn new(game_id: &str) -> Self {
        Self {
            game_id: game_id.to_owned(),
            ..Self::default()
        }
    }

    /// The team with this id; none when the game has no such team.
    #[must_use]
    pub fn team(&self, team_id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.team_id == team_id)
    }

    /// The player with this id; none when the game has no such player.
    #[must_use]
    pub fn player(&self, player_id: &str) -> Option<&Player> {
        self.players
            .iter()
            .find(|player| player.player_id == player_id)
    }

    /// The teams that are not out, in the order of play.
    pub fn live_teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.iter().filter(|team| team.is_live())
    }

    /// Whether each team has rounds of its own.
    #[must_use]
    pub fn is_race(&self) -> bool {
        matches!(self.mode, Some(GameMode::Race | GameMode::GolfRace))
    }

    /// Whether the game was completed, aborted or archived.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(
            self.phase,
            Some(Phase::Completed | Phase::Aborted | Phase::Archived)
        )
    }

    /// Whether one team is left and the last one before it forfeited.
    #[must_use]
    pub fn ends_by_forfeit(&self) -> bool {
        let last = self.eliminated.last();
        self.live_teams().count() == 1
            && last.is_some_and(|last| last.reason == EliminationReason::Forfeit)
    }

    /// The rounds of the whole game: those of the result, else the number of the latest round.
    #[must_use]
    pub fn total_rounds(&self) -> i32 {
        self.result
            .as_ref()
            .map_or(self.round_number, |result| result.total_rounds)
    }

    /// Milliseconds of play from `start` to `end`, pauses not counted; `paused_before_ms` is
    /// [`Self::paused_total_ms`] at `start`. Never negative.
    #[must_use]
    pub fn played_ms(
        &self,
        start: DateTime<Utc>,
        paused_before_ms: i64,
        end: DateTime<Utc>,
    ) -> i64 {
        let paused = self.paused_total_ms.saturating_sub(paused_before_ms);
        (end - start)
            .num_milliseconds()
            .saturating_sub(paused)
            .max(0)
    }
}
