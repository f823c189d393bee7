//! A game: what its events come to.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use chrono::{DateTime, Utc};
use gamebot::event::{GameMode, JsonObject};
use gamebot::game::{
    Elimination, Evaluation, GameResult, GameState, MatchEntry, Pause, Phase, Player, Settings,
    StateWarning, Team,
};
use uuid::Uuid;

use super::event::EventObject;
use super::played::{GuessConnection, Replay, TeamRound};
use super::stream::StreamObject;
use crate::graphql::error_code::view_error;
use crate::graphql::input::Direction;
use crate::graphql::loader::Operation;
use crate::graphql::page::PageArguments;
use crate::graphql::played::guesses;
use crate::graphql::projections::view;
use crate::graphql::scalar::{PositionScalar, SafeInt};
use crate::position::Position;
use crate::projection::{GuessFilter, ProjectionKind, ReplayKey};
use crate::stream::StreamName;

/// A game as it is after some event of its stream `game-{gameId}`: the state that a pure fold of the events up to
/// there gives, the same on every server and at any time.
///
/// It has no global id: two answers about one game may be of two versions, and are then two different things.
#[derive(Description, Clone)]
pub(in crate::graphql) struct GameObject {
    state: Arc<GameState>,
    position: Option<Position>,
}

impl GameObject {
    /// A game whose last event is at an unknown position, or has none.
    pub(in crate::graphql) fn new(state: Arc<GameState>) -> Self {
        Self {
            state,
            position: None,
        }
    }

    /// A game whose last event is at this position.
    pub(in crate::graphql) fn at(state: Arc<GameState>, position: Position) -> Self {
        Self {
            position: Some(position),
            ..Self::new(state)
        }
    }

    /// Takes a list from the operation's budget of nodes: it may be as long as the game.
    fn list<'a, T>(ctx: &Context<'_>, items: &'a [T]) -> Result<&'a [T]> {
        Operation::of(ctx)?.ask_for(items.len())?;
        Ok(items)
    }
}

#[Object(name = "Game", use_type_description)]
impl GameObject {
    /// Its id: the part of the stream's name after `game-`.
    async fn game_id(&self) -> &str {
        &self.state.game_id
    }

    /// The stream of its events, as it is now; null if it does not exist or you may not see it.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<StreamObject>> {
        let Ok(name) = StreamName::parse(&format!("game-{}", self.state.game_id)) else {
            return Ok(None);
        };
        let stream = Operation::of(ctx)?.stream_by_name(name).await?;
        Ok(stream.map(StreamObject))
    }

    /// The version of the stream that this state is of: that of the last event that went into it.
    async fn version(&self) -> i32 {
        self.state.stream_version
    }

    /// The position of that event in the log: a subscription to the stream that starts after it misses nothing.
    /// Null where it was not looked up.
    async fn position(&self) -> Option<PositionScalar> {
        self.position.map(PositionScalar)
    }

    /// How many events went into it, observations among them.
    async fn event_count(&self) -> i32 {
        self.state.event_count
    }

    /// The last event that went into it; null if you may not see it.
    async fn last_event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        let id = self.state.last_event_id.as_deref();
        let Some(id) = id.and_then(|id| Uuid::try_parse(id).ok()) else {
            return Ok(None);
        };
        Ok(Operation::of(ctx)?
            .event_by_id(id)
            .await?
            .map(EventObject::new))
    }

    /// The guild that owns it; null for a game started in a direct message.
    async fn guild_id(&self) -> Option<&str> {
        self.state.guild_id.as_deref()
    }

    /// The rules by which it is played; null where no event has told them.
    async fn mode(&self) -> Option<&GameMode> {
        self.state.mode.as_ref()
    }

    /// Where it is between its first event and its last; null where no event has told it.
    async fn phase(&self) -> Option<Phase> {
        self.state.phase
    }

    /// Whether it was completed, aborted or archived.
    async fn is_over(&self) -> bool {
        self.state.is_over()
    }

    /// Its configuration, as the events give it.
    async fn config(&self) -> &JsonObject {
        &self.state.config
    }

    /// How often the configuration was set.
    async fn config_version(&self) -> i32 {
        self.state.config_version
    }

    /// What the configuration means, with the default for everything that it leaves out.
    async fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// Who opened the lobby; null for a game without one.
    async fn created_by(&self) -> Option<&str> {
        self.state.created_by.as_deref()
    }

    /// When the lobby was opened; null for a game without one.
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.state.created_at
    }

    /// When play began; null before that.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.state.started_at
    }

    /// When it was completed or aborted; null while it is neither.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.state.finished_at
    }

    /// The time of its latest event of any kind, by the writer's clock.
    async fn last_activity(&self) -> Option<DateTime<Utc>> {
        self.state.last_activity
    }

    /// The ids of the teams in the order of play, which breaks ties.
    async fn team_order(&self) -> &[String] {
        &self.state.team_order
    }

    /// The teams, those that are out among them. None before the game starts.
    async fn teams(&self, ctx: &Context<'_>) -> Result<&[Team]> {
        Self::list(ctx, &self.state.teams)
    }

    /// One team; null if the game has no such team.
    async fn team(&self, #[graphql(desc = "The team's id.")] team_id: String) -> Option<&Team> {
        self.state.team(&team_id)
    }

    /// The ids of the teams that are still in the game, in the order of play.
    async fn live_team_ids(&self) -> Vec<&str> {
        let live = self.state.live_teams();
        live.map(|team| team.team_id.as_str()).collect()
    }

    /// The players: before the start those in the lobby, from the start on the roster.
    async fn players(&self, ctx: &Context<'_>) -> Result<&[Player]> {
        Self::list(ctx, &self.state.players)
    }

    /// The number of the latest round, 0 before the first; in the race modes the highest of any team.
    async fn round_number(&self) -> i32 {
        self.state.round_number
    }

    /// Whether a round is open; in the race modes whether the race runs.
    async fn round_open(&self) -> bool {
        self.state.round_open
    }

    /// When the latest round was opened; null before the first.
    async fn round_started_at(&self) -> Option<DateTime<Utc>> {
        self.state.round_started_at
    }

    /// How many rounds were closed; in the race modes those of all teams together.
    async fn rounds_played(&self) -> i32 {
        self.state.rounds_played
    }

    /// How many rounds were solved at the first attempt.
    async fn perfect_rounds(&self) -> i32 {
        self.state.perfect_rounds
    }

    /// Who is out, in the order of leaving.
    async fn eliminated(&self, ctx: &Context<'_>) -> Result<&[Elimination]> {
        Self::list(ctx, &self.state.eliminated)
    }

    /// The rounds that teams have solved, in order. Each counts as a node of the operation.
    async fn matches(&self, ctx: &Context<'_>) -> Result<&[MatchEntry]> {
        Self::list(ctx, &self.state.matches)
    }

    /// Race modes: when the time is up, moved by every pause. Null otherwise.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.state.expires_at
    }

    /// Race modes: whether the time was declared up.
    async fn expired(&self) -> bool {
        self.state.expired
    }

    /// The pause that lasts; null while play goes on.
    async fn pause(&self) -> Option<&Pause> {
        self.state.pause.as_ref()
    }

    /// How long the pauses that are over lasted together, in milliseconds.
    async fn paused_total_ms(&self) -> SafeInt {
        SafeInt(self.state.paused_total_ms.max(0).unsigned_abs())
    }

    /// Mode `two_player`: whether the goal was reached; null before that was told.
    async fn evaluation(&self) -> Option<&Evaluation> {
        self.state.evaluation.as_ref()
    }

    /// The result; null unless the game was completed.
    async fn result(&self) -> Option<&GameResult> {
        self.state.result.as_ref()
    }

    /// Why it was aborted; null if it was not.
    async fn abort_reason(&self) -> Option<&str> {
        self.state.abort_reason.as_deref()
    }

    /// The correlation of its latest event that has one.
    async fn correlation_id(&self) -> Option<&str> {
        self.state.correlation_id.as_deref()
    }

    /// Rules that events broke by a warning, up to 100 of them, as far as the way to this state looked for them:
    /// `recoverGame` does.
    async fn warnings(&self) -> &[StateWarning] {
        &self.state.warnings
    }

    /// Its guesses, oldest first unless `direction` says otherwise, as the projection `games` has them: all of
    /// the game's, whatever version this is.
    async fn guesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "FORWARD: oldest first.", default_with = "Direction::Forward")]
        direction: Direction,
        #[graphql(desc = "How many from the beginning of the list; 100 if absent, at most 1,000.")]
        first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list; at most 1,000.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<GuessConnection> {
        let filter = GuessFilter {
            game_id: Some(self.state.game_id.clone()),
            ..GuessFilter::default()
        };
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        guesses(Operation::of(ctx)?, filter, direction, page, None).await
    }

    /// What each team did in each round, by round and team, as the projection `games` has it.
    async fn rounds(&self, ctx: &Context<'_>) -> Result<Vec<TeamRound>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Games, None).await?;
        let rounds = view.rounds(&operation.scope, &self.state.game_id).await;
        let rounds = rounds.map_err(|error| view_error(&error))?;
        operation.ask_for(rounds.len())?;
        Ok(rounds.into_iter().map(TeamRound::from).collect())
    }

    /// Its replay, as the projection `games` has it; null until the game has come to its result.
    async fn replay(&self, ctx: &Context<'_>) -> Result<Option<Replay>> {
        let operation = Operation::of(ctx)?;
        let view = view(operation, ProjectionKind::Games, None).await?;
        let key = ReplayKey::Game(self.state.game_id.clone());
        let found = view.replay(&operation.scope, &key).await;
        Ok(found.map_err(|error| view_error(&error))?.map(Replay::from))
    }
}
