//! The steps of a game that is watched again: what each event did to the state, and the score after it.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use gamebot::event::{Decoded, Event};
use gamebot::game::GameState;
use gamebot::replay::Replay;
use serde_json::{Map, Value};

use super::event::EventObject;
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::game::Step;
use crate::graphql::error_code::{ErrorCode, read_error};
use crate::graphql::loader::Operation;
use crate::graphql::read_models::short_page;
use crate::graphql::scalar::{JsonScalar, SafeInt};
use crate::position::Position;
use crate::store::{EventQuery, VersionRange};
use crate::stream::StreamName;

/// What one event shows to those who watch a game again.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(in crate::graphql) struct ReplayStep {
    /// The number of the step: the event's place in the stream, from 1.
    number: i32,
    /// Milliseconds from the start of play to the event; 0 before the start, while the game was a lobby.
    offset_ms: SafeInt,
    /// The type of the event.
    #[graphql(name = "type")]
    event_type: String,
    /// The teams that the event is about; empty for an event about the whole game.
    team_ids: Vec<String>,
    /// The score of each team after the event, in the order of play; empty before the start.
    scores: Vec<ReplayScore>,
    /// What the event changed in the game's state: the fields that are others than before, each with its new
    /// value, under the names of a snapshot's state.
    changes: JsonScalar,
    #[graphql(skip)]
    event: Arc<RecordedEvent>,
}

/// The score of a team after a step.
#[derive(SimpleObject)]
struct ReplayScore {
    /// The team.
    team_id: String,
    /// Its points so far.
    score: i32,
}

#[ComplexObject]
impl ReplayStep {
    /// The event itself.
    async fn event(&self, _ctx: &Context<'_>) -> EventObject {
        EventObject::new(Arc::clone(&self.event))
    }
}

/// The steps after `after`, from a fold of the stream's beginning.
pub(super) async fn read(
    operation: &Operation,
    game_id: &str,
    started_at: DateTime<Utc>,
    first: Option<i32>,
    after: Option<i32>,
) -> Result<Vec<ReplayStep>> {
    let first = i32::try_from(short_page(operation, first)?).unwrap_or(i32::MAX);
    let after = after.unwrap_or(0);
    if after < 0 {
        let message = format!("`after` is {after}. It must be 0 or more.");
        return Err(ErrorCode::InvalidArgument.error(message));
    }
    let mut state = GameState::new(game_id);
    let mut replay = Replay::new(started_at);
    let mut steps = Vec::new();
    for event in events(operation, game_id, after.saturating_add(first)).await? {
        let is_asked_for = event.stream_version > after;
        let before = is_asked_for.then(|| fields(&state)).transpose()?;
        let step = Step::recorded(&event);
        let decoded = step.decode();
        step.fold(&mut state);
        let known = match &decoded {
            Some(Decoded::Known(known)) => Some(known),
            _ => None,
        };
        let at = known.map_or(event.recorded_at, Event::timestamp);
        let shown = replay.step(event.stream_version, event.event_type.as_str(), at, known);
        let Some(before) = before else { continue };
        let changes = changed(&before, fields(&state)?);
        operation.show(changes.len())?;
        let scores = shown.scores.into_iter().map(|score| ReplayScore {
            team_id: score.team_id,
            score: score.score,
        });
        steps.push(ReplayStep {
            number: shown.number,
            offset_ms: SafeInt(u64::try_from(shown.offset_ms).unwrap_or_default()),
            event_type: shown.event_type,
            team_ids: shown.teams,
            scores: scores.collect(),
            changes: JsonScalar(changes),
            event,
        });
    }
    Ok(steps)
}

/// The events of the game up to a version that are shown, page by page.
async fn events(
    operation: &Operation,
    game_id: &str,
    through_version: i32,
) -> Result<Vec<Arc<RecordedEvent>>> {
    const PAGE: u64 = 1000;
    let head = operation.head().await?;
    let stream = StreamName::parse(&format!("{}-{game_id}", crate::game::CATEGORY));
    let Ok(stream) = stream else {
        return Ok(Vec::new());
    };
    let mut query = EventQuery {
        scope: operation.scope.clone(),
        filter: EventFilter {
            stream: Some(stream),
            ..EventFilter::default()
        },
        stream_id: None,
        after: Position::ORIGIN,
        through: head,
        versions: VersionRange {
            from: None,
            through: Some(through_version),
        },
        descending: false,
        limit: PAGE,
    };
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    loop {
        let page = operation.store.events(&query).await;
        let page = page.map_err(|error| read_error(&error))?;
        let is_last = (page.len() as u64) < PAGE;
        events.extend(page);
        match events.last() {
            Some(last) if !is_last => query.after = last.position,
            _ => return Ok(events),
        }
    }
}

fn fields(state: &GameState) -> Result<Map<String, Value>> {
    match serde_json::to_value(state) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(read_error(&crate::store::ReadError::Fault)),
    }
}

fn changed(before: &Map<String, Value>, after: Map<String, Value>) -> String {
    let mut changes = Map::new();
    for (name, value) in after {
        if before.get(&name) != Some(&value) {
            changes.insert(name, value);
        }
    }
    Value::Object(changes).to_string()
}
