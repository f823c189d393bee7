use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before the next try: twice as long each time, up to ten seconds, and each wait
/// is drawn between half of it and the whole. Without the draw, all clients that lost one server
/// would come back in the same instant.
#[derive(Clone, Debug)]
pub struct Backoff {
    random: StdRng,
    failures: u32,
}

impl Backoff {
    /// Waits that are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            failures: 0,
        }
    }

    /// The wait after one more failure.
    pub fn after_failure(&mut self) -> Duration {
        let longest = FIRST
            .saturating_mul(1 << self.failures.min(10))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.random.random_range(longest / 2..=longest)
    }

    /// The number of failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets the failures, once something has worked.
    pub fn after_success(&mut self) {
        self.failures = 0;
    }
}
