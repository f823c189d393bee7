//! When each write was sent and answered, on a clock that every task of a case can read.

use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that only counts: two of its times tell what came first.
#[derive(Debug, Default)]
pub(super) struct Clock(AtomicU64);

impl Clock {
    /// A time after all earlier ones.
    pub(super) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The time of the latest tick.
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The times of all writes of a case, by their numbers; a write 0 was there before.
#[derive(Debug)]
pub(super) struct Times(Vec<(u64, u64)>);

impl Times {
    pub(super) fn new() -> Self {
        Self(vec![(0, 0)])
    }

    /// The next write was sent and answered then.
    pub(super) fn push(&mut self, sent: u64, answered: u64) {
        self.0.push((sent, answered));
    }

    /// The last write that was answered by then: it and all before it are committed.
    pub(super) fn answered_by(&self, time: u64) -> usize {
        let answered = |(_, answered): &(u64, u64)| *answered <= time;
        self.0.iter().rposition(answered).unwrap()
    }

    /// The last write that was sent by then: nobody can have seen a later one.
    pub(super) fn sent_by(&self, time: u64) -> usize {
        self.0.iter().rposition(|(sent, _)| *sent <= time).unwrap()
    }
}
