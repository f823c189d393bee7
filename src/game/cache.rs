//! The states of the games that were looked at last, bounded in number and in bytes.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gamebot::game::Violation;
use lru::LruCache;

use super::fold::Folded;
use crate::stream::StreamName;

/// A state in memory.
#[derive(Clone)]
pub(super) struct Cached {
    pub(super) folded: Arc<Folded>,
    /// What the latest events broke, as far as somebody looked; see [`MOST_VERDICTS`].
    pub(super) verdicts: Verdicts,
}

/// What single events of a stream broke, by their versions, without a hole and up to the state's version.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts(VecDeque<(i32, Arc<[Violation]>)>);

/// The verdicts that are remembered of a stream: enough for writers that append at the same time.
const MOST_VERDICTS: usize = 64;

impl Verdicts {
    /// Adds the verdict about the next event.
    pub(super) fn push(&mut self, version: i32, broken: Vec<Violation>) {
        if self.0.back().is_some_and(|(last, _)| last + 1 != version) {
            self.0.clear();
        }
        if self.0.len() == MOST_VERDICTS {
            self.0.pop_front();
        }
        self.0.push_back((version, broken.into()));
    }

    /// What they take in memory, roughly.
    fn bytes(&self) -> usize {
        let broken = self.0.iter().flat_map(|(_, broken)| broken.iter());
        broken
            .map(|violation| size_of::<Violation>() + violation.message.len() + 64)
            .sum()
    }

    /// The verdict about an event, if it is remembered.
    pub(super) fn of(&self, version: i32) -> Option<&[Violation]> {
        let first = self.0.front()?.0;
        let index = usize::try_from(version.checked_sub(first)?).ok()?;
        self.0.get(index).map(|(_, broken)| &**broken)
    }
}

/// States by stream. The one that was not used for longest goes first.
pub(super) struct Cache(Mutex<States>);

struct States {
    entries: LruCache<StreamName, (Cached, usize)>,
    bytes: usize,
    most_bytes: usize,
}

impl Cache {
    pub(super) fn new(most_streams: usize, most_bytes: usize) -> Self {
        let most_streams = NonZeroUsize::new(most_streams).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(States {
            entries: LruCache::new(most_streams),
            bytes: 0,
            most_bytes,
        }))
    }

    /// The state of a stream, as it was when somebody last looked.
    pub(super) fn get(&self, stream: &StreamName) -> Option<Cached> {
        let mut states = self.states();
        states.entries.get(stream).map(|(cached, _)| cached.clone())
    }

    /// Keeps a state, unless a newer one of the same game is there.
    pub(super) fn put(&self, stream: &StreamName, cached: Cached) {
        let mut states = self.states();
        if let Some((known, _)) = states.entries.peek(stream)
            && known.folded.basis.deleted_through == cached.folded.basis.deleted_through
            && known.folded.version() > cached.folded.version()
        {
            return;
        }
        let bytes = cached.folded.bytes + cached.verdicts.bytes();
        states.bytes += bytes;
        if let Some((_, (_, freed))) = states.entries.push(stream.clone(), (cached, bytes)) {
            states.bytes -= freed;
        }
        while states.bytes > states.most_bytes {
            let Some((_, (_, freed))) = states.entries.pop_lru() else {
                break;
            };
            states.bytes -= freed;
        }
    }

    /// Keeps a state in the place of whatever is there.
    pub(super) fn replace(&self, stream: &StreamName, cached: Cached) {
        let removed = {
            let mut states = self.states();
            let removed = states.entries.pop(stream);
            states.bytes -= removed.as_ref().map_or(0, |(_, bytes)| *bytes);
            removed
        };
        drop(removed);
        self.put(stream, cached);
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(number: usize) -> StreamName {
        StreamName::from_stored(&format!("game-{number}"))
    }

    fn cached(bytes: usize, version: i32) -> Cached {
        Cached {
            folded: Arc::new(Folded::for_test(bytes, version)),
            verdicts: Verdicts::default(),
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_when_there_are_too_many_bytes() {
        let cache = Cache::new(10, 1000);
        for number in 0..3 {
            cache.put(&stream(number), cached(400, 1));
            assert!(cache.get(&stream(0)).is_some() || number == 2);
        }
        // 0 was looked at after 1 was put in.
        assert!(cache.get(&stream(1)).is_none());
        assert!(cache.get(&stream(0)).is_some());
        assert!(cache.get(&stream(2)).is_some());
        assert_eq!(cache.states().bytes, 800);
        cache.put(&stream(0), cached(100, 2));
        assert_eq!(cache.states().bytes, 500);
    }

    #[test]
    fn one_state_beyond_the_bound_is_not_kept_and_numbers_are_bounded_too() {
        let cache = Cache::new(2, 1000);
        cache.put(&stream(0), cached(5000, 1));
        assert!(cache.get(&stream(0)).is_none());
        for number in 1..=3 {
            cache.put(&stream(number), cached(1, 1));
        }
        assert!(cache.get(&stream(1)).is_none());
        assert_eq!(cache.states().bytes, 2);
    }

    #[test]
    fn an_older_state_does_not_replace_a_newer_one() {
        let cache = Cache::new(2, 1000);
        cache.put(&stream(0), cached(1, 7));
        cache.put(&stream(0), cached(1, 6));
        assert_eq!(
            cache.get(&stream(0)).map(|kept| kept.folded.version()),
            Some(7)
        );
    }

    #[test]
    fn verdicts_are_found_by_version_and_never_across_a_hole() {
        let mut verdicts = Verdicts::default();
        for version in 1..=100 {
            verdicts.push(version, Vec::new());
        }
        assert!(
            verdicts.of(36).is_none() && verdicts.of(37).is_some() && verdicts.of(100).is_some()
        );
        verdicts.push(103, Vec::new());
        assert!(verdicts.of(100).is_none() && verdicts.of(102).is_none());
        assert!(verdicts.of(103).is_some() && verdicts.of(104).is_none());
    }
}
