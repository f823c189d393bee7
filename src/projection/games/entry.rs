//! A game between two of its events.

use std::sync::Arc;

use gamebot::event::Event;
use gamebot::game::{GameState, Phase};
use gamebot::statistics::GameFigures;
use sea_orm::QueryResult;

use crate::event::RecordedEvent;
use crate::position::Position;
use crate::projection::column::of_json;
use crate::store::DatabaseError;

pub(super) struct Entry {
    pub(super) state: GameState,
    /// The guild of its stream, which decides who may see it, whatever its events say. Known once an event has come.
    pub(super) guild_id: Option<Arc<str>>,
    /// None once the game is over: nothing changes them then.
    pub(super) figures: Option<GameFigures>,
    /// The position of its first event: the key by which lists of games are in the order of their beginnings.
    pub(super) first_position: Position,
    /// The position of its last event.
    pub(super) position: Position,
    /// Whether this batch has changed it.
    pub(super) is_changed: bool,
    /// Whether this batch has changed who is in it.
    pub(super) roster_changed: bool,
}

impl Entry {
    pub(super) fn new(game_id: &str) -> Self {
        Self {
            state: GameState::new(game_id),
            guild_id: None,
            figures: Some(GameFigures::new()),
            first_position: Position::ORIGIN,
            position: Position::ORIGIN,
            is_changed: false,
            roster_changed: false,
        }
    }

    pub(super) fn stored(row: &QueryResult) -> Result<Self, DatabaseError> {
        let state: String = row.try_get_by_index(3)?;
        let figures: Option<String> = row.try_get_by_index(4)?;
        Ok(Self {
            state: of_json(&state)?,
            guild_id: None,
            figures: figures.as_deref().map(of_json).transpose()?,
            first_position: Position::from_stored(row.try_get_by_index(1)?),
            position: Position::from_stored(row.try_get_by_index(2)?),
            is_changed: false,
            roster_changed: false,
        })
    }

    /// An event of the game has come.
    pub(super) fn touch(&mut self, event: &RecordedEvent) {
        if self.first_position == Position::ORIGIN {
            self.first_position = event.position;
        }
        self.guild_id.clone_from(&event.guild_id);
        self.position = event.position;
        self.is_changed = true;
    }

    /// The guild as a column holds it.
    pub(super) fn guild(&self) -> Option<String> {
        self.guild_id.as_deref().map(str::to_owned)
    }

    pub(super) fn note_roster(&mut self, event: &Event) {
        self.roster_changed |= matches!(
            event,
            Event::GameStarted(_)
                | Event::PlayerJoined(_)
                | Event::PlayerLeft(_)
                | Event::GameCompleted(_)
                | Event::GameAborted(_)
        );
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.state.phase,
            Some(Phase::Completed | Phase::Aborted | Phase::Archived)
        )
    }

    /// Whether it is gathering or played.
    pub(super) fn is_active(&self) -> bool {
        self.state.phase.is_some() && !self.is_over()
    }
}
