//! What is known of a game, its teams and its players after some prefix of its stream.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EliminationReason, GameMode, JsonObject, TeamStatus};

/// The version of the meaning of [`GameState`]. It is raised whenever the same events give another
/// state, or a state is written in another form; a snapshot of another version is then of no use.
pub const STATE_VERSION: i32 = 1;

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
pub(super) fn average(total: i32, count: i32) -> f64 {
    if count > 0 {
        f64::from(total) / f64::from(count)
    } else {
        0.0
    }
}
