//! Turns at streams, so that the writers of one node judge their events one after the other.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

use crate::stream::StreamName;

/// A bounded number of turns that all streams share: two streams may have to wait for each other, which is rare
/// and does no harm.
pub(in crate::game) struct Turns {
    turns: Box<[Mutex<()>]>,
    hasher: RandomState,
}

/// So many that 64 busy streams seldom share one.
const TURNS: usize = 1024;

impl Turns {
    pub(in crate::game) fn new() -> Self {
        Self {
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits for the turns of all of these streams. They are taken in one order, so that nobody waits for
    /// somebody who waits for him.
    pub(super) async fn take<'a>(
        &self,
        streams: impl Iterator<Item = &'a StreamName>,
    ) -> Vec<MutexGuard<'_, ()>> {
        let most = TURNS as u64;
        let mut wanted: Vec<_> = streams
            .map(|stream| self.hasher.hash_one(stream) % most)
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut taken = Vec::with_capacity(wanted.len());
        for index in wanted {
            let index = usize::try_from(index).unwrap_or_default();
            taken.push(self.turns[index].lock().await);
        }
        taken
    }
}
