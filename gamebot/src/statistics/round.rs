//! One team in one round.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{RoundRow, pauses::elapsed_us};

/// A moment of the game, and how long the game had been paused by then.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: DateTime<Utc>,
    pub(super) paused_us: i64,
}

/// The numbers of a team in its latest round.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct RoundFigures {
    pub(super) round_number: i32,
    pub(super) attempts: i32,
    pub(super) matches: i32,
    pub(super) abandoned: i32,
    pub(super) perfect: bool,
    /// The points of the round: those of its match, and in a golf race less one for each time that
    /// the team gave up.
    pub(super) points: i32,
    pub(super) duration_ms: Option<i64>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// How long the game had been paused when the round started.
    paused_before_us: i64,
    /// The `guess_duration` of the last attempt, 0 before the first; none when the last attempt
    /// has none.
    last_duration: Option<i32>,
}

impl RoundFigures {
    pub(super) fn start(round_number: i32, moment: Moment) -> Self {
        Self {
            round_number,
            attempts: 0,
            matches: 0,
            abandoned: 0,
            perfect: false,
            points: 0,
            duration_ms: None,
            started_at: moment.at,
            finished_at: None,
            paused_before_us: moment.paused_us,
            last_duration: Some(0),
        }
    }

    /// How long after the end of the previous attempt something happened. `duration` counts from
    /// the start of the round, as all durations of attempts do.
    pub(super) fn since_last_attempt(&self, duration: Option<i32>) -> Option<i32> {
        let difference = duration?.checked_sub(self.last_duration?)?;
        (difference >= 0).then_some(difference)
    }

    /// Counts an attempt, and answers how long it took.
    pub(super) fn attempt(&mut self, duration: Option<i32>) -> Option<i32> {
        let took = self.since_last_attempt(duration);
        self.attempts = self.attempts.saturating_add(1);
        self.last_duration = duration;
        took
    }

    /// Ends the round for the team, and says whether it was still going on.
    pub(super) fn finish(&mut self, moment: Moment) -> bool {
        if self.finished_at.is_some() {
            return false;
        }
        let paused_us = moment.paused_us.saturating_sub(self.paused_before_us);
        let played_us = elapsed_us(self.started_at, moment.at).saturating_sub(paused_us);
        self.finished_at = Some(moment.at);
        self.duration_ms = Some(played_us.max(0) / 1000);
        true
    }

    pub(super) fn row(&self, team_id: &str) -> RoundRow {
        RoundRow {
            round_number: self.round_number,
            team_id: team_id.to_owned(),
            attempts: self.attempts,
            matches: self.matches,
            abandoned: self.abandoned,
            perfect: self.perfect,
            duration_ms: self.duration_ms,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }
}
