//! Recognises the moment at which the proxy is to cut a connection.

/// Finds a byte pattern in a stream of chunks, also where it lies across chunks.
#[derive(Debug)]
pub(super) struct PatternScanner {
    pattern: Vec<u8>,
    /// The end of what was seen: too short to hold the pattern, long enough to hold its beginning.
    tail: Vec<u8>,
}

impl PatternScanner {
    /// An empty pattern is found in the first chunk.
    pub(super) fn new(pattern: &[u8]) -> Self {
        Self {
            pattern: pattern.to_vec(),
            tail: Vec::new(),
        }
    }

    /// Takes the next chunk, and says whether the pattern ends in it.
    pub(super) fn finds_in(&mut self, chunk: &[u8]) -> bool {
        if self.pattern.is_empty() {
            return true;
        }
        self.tail.extend_from_slice(chunk);
        let found = self
            .tail
            .windows(self.pattern.len())
            .any(|window| window == self.pattern);
        let kept = self.tail.len().min(self.pattern.len() - 1);
        self.tail.drain(..self.tail.len() - kept);
        found
    }
}

/// What is to happen once, on the first connection that sends the pattern.
#[derive(Debug, Clone)]
pub(super) struct Fuse {
    /// Distinguishes this fuse from the ones armed before, so that connections notice a new one.
    pub(super) generation: u64,
    pub(super) request: Vec<u8>,
    pub(super) effect: Effect,
}

/// What burning a fuse does.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Cut as soon as the upstream has the request.
    CutAfterForwarding,
    /// Withhold the answer, and cut when this pattern was in it.
    CutReply { answer: Vec<u8> },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_wherever_the_chunks_are_cut() {
        let text = b"..COMMCOMMIT..";
        for first_cut in 0..text.len() {
            for second_cut in first_cut..text.len() {
                let mut scanner = PatternScanner::new(b"COMMIT");
                let chunks = [
                    &text[..first_cut],
                    &text[first_cut..second_cut],
                    &text[second_cut..],
                ];
                let found = chunks
                    .iter()
                    .filter(|chunk| scanner.finds_in(chunk))
                    .count();
                assert_eq!(found, 1, "cut at {first_cut} and {second_cut}");
            }
        }
    }

    #[test]
    fn a_pattern_that_is_not_there_is_not_found() {
        let mut scanner = PatternScanner::new(b"COMMIT");
        assert!(!scanner.finds_in(b"COMM"));
        assert!(!scanner.finds_in(b"XIT COMMI"));
        assert!(!scanner.finds_in(b"COMMI"));
    }
}
