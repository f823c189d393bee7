//! One step for each event.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::touched::touched_teams;
use crate::{event::Event, statistics::GameFigures};

/// A game that is watched again, up to some event.
///
/// Each step needs all events before it, so a page of steps starts from a replay that went through
/// the events before the page; it can be written down in between.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Replay {
    started_at: DateTime<Utc>,
    figures: GameFigures,
}

/// What one event shows to those who watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayStep {
    /// The number of the step, which is the event's place in the stream, from 1.
    pub number: i32,
    /// Milliseconds from the start of play to the event, rounded down. Negative before the start,
    /// while the game was a lobby.
    pub offset_ms: i64,
    /// The type of the event.
    pub event_type: String,
    /// The teams that the event is about, in its own order; none for an event about the whole
    /// game, or one that cannot be read.
    pub teams: Vec<String>,
    /// The score of each team after the event, in the order of play. Empty before the start.
    pub scores: Vec<StepScore>,
}

/// The score of a team after a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepScore {
    /// The team.
    pub team_id: String,
    /// Its points so far.
    pub score: i32,
}

impl Replay {
    /// The replay before its first event. `started_at` is that of the game's `game_started`.
    #[must_use]
    pub fn new(started_at: DateTime<Utc>) -> Self {
        Self {
            started_at,
            figures: GameFigures::new(),
        }
    }

    /// The step of the next event of the stream, at this place in it and of this type. `event` is
    /// none when its data cannot be read; `at` is its time then, as the store recorded it.
    pub fn step(
        &mut self,
        stream_version: i32,
        event_type: &str,
        at: DateTime<Utc>,
        event: Option<&Event>,
    ) -> ReplayStep {
        if let Some(event) = event {
            // Only the rows name the event, and nobody reads them here.
            self.figures.apply(stream_version, "", event);
        }
        let offset = at.signed_duration_since(self.started_at);
        let scores = self.figures.scores().map(|(team_id, score)| StepScore {
            team_id: team_id.to_owned(),
            score,
        });
        ReplayStep {
            number: stream_version,
            offset_ms: offset.num_microseconds().map_or_else(
                || offset.num_milliseconds(),
                |micros| micros.div_euclid(1000),
            ),
            event_type: event_type.to_owned(),
            teams: event.map(touched_teams).unwrap_or_default(),
            scores: scores.collect(),
        }
    }
}
