//! Which streams have lately hidden events, and when.

use std::num::NonZeroUsize;

use lru::LruCache;

use crate::position::Position;
use crate::stream::StreamName;

/// The last hiding of each of the streams that hid most recently. Bounded: what is forgotten counts for all.
#[derive(Debug)]
pub(super) struct Hidings {
    recent: LruCache<StreamName, Position>,
    /// Every stream may have hidden events up to here.
    all: Position,
}

/// The streams that are remembered, some 100 bytes each.
const MOST: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

impl Hidings {
    /// Nothing is known of what happened up to `head`.
    pub(super) fn new(head: Position) -> Self {
        Self {
            recent: LruCache::new(MOST),
            all: head,
        }
    }

    /// The last position at which this stream may have hidden events.
    pub(super) fn last(&self, stream: &StreamName) -> Position {
        let last = self.recent.peek(stream).copied();
        last.unwrap_or(self.all).max(self.all)
    }

    pub(super) fn note(&mut self, stream: &StreamName, at: Position) {
        let known = self.recent.peek(stream).copied().unwrap_or_default();
        if let Some((pushed_out, last)) = self.recent.push(stream.clone(), known.max(at))
            && pushed_out != *stream
        {
            self.all = self.all.max(last);
        }
    }

    pub(super) fn note_all(&mut self, at: Position) {
        self.all = self.all.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64) -> Position {
        Position::from_stored(position)
    }

    fn stream(number: usize) -> StreamName {
        StreamName::from_stored(&format!("game-{number}"))
    }

    #[test]
    fn a_stream_is_known_by_its_last_hiding_and_another_by_none() {
        let mut hidings = Hidings::new(at(3));
        hidings.note(&stream(1), at(9));
        hidings.note(&stream(1), at(7));
        assert_eq!(hidings.last(&stream(1)), at(9));
        assert_eq!(hidings.last(&stream(2)), at(3));
        hidings.note_all(at(12));
        assert_eq!(hidings.last(&stream(1)), at(12));
        assert_eq!(hidings.last(&stream(2)), at(12));
    }

    #[test]
    fn what_is_forgotten_counts_for_all() {
        let mut hidings = Hidings::new(at(0));
        for number in 0..=MOST.get() {
            hidings.note(
                &stream(number),
                at(10 + i64::try_from(number).expect("small")),
            );
        }
        assert_eq!(hidings.last(&stream(0)), at(10));
        assert_eq!(hidings.last(&stream(MOST.get() + 5)), at(10));
        assert!(hidings.last(&stream(1)) > at(10));
    }
}
