//! How long a game has been paused, at any time of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The pauses of a game so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Pauses {
    /// Microseconds in pauses that are over.
    over_us: i64,
    /// When the pause that goes on began.
    since: Option<DateTime<Utc>>,
}

impl Pauses {
    /// A pause begins. One that goes on already stays as it is.
    pub(super) fn pause(&mut self, at: DateTime<Utc>) {
        self.since.get_or_insert(at);
    }

    /// The pause that goes on, if there is one, ends.
    pub(super) fn resume(&mut self, at: DateTime<Utc>) {
        self.over_us = self.until(at);
        self.since = None;
    }

    /// Microseconds for which the game had been paused at `now`, in all.
    pub(super) fn until(&self, now: DateTime<Utc>) -> i64 {
        let current = self.since.map_or(0, |since| elapsed_us(since, now));
        self.over_us.saturating_add(current)
    }
}

/// Microseconds from one time to another, 0 when the second is the earlier one.
pub(super) fn elapsed_us(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let elapsed = to.signed_duration_since(from);
    elapsed.num_microseconds().unwrap_or(i64::MAX).max(0)
}
