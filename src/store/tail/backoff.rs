//! Waits between attempts that fail.

use std::time::Duration;

use rand::Rng;

/// The first wait and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Waits a little longer after each failure. A part of each wait is left to chance, so that the nodes of a
/// database that was away do not all come back to it in the same moment.
pub(super) struct Backoff(Option<Duration>);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Whether nothing has failed since the last success.
    pub(super) fn is_fresh(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn succeed(&mut self) {
        self.0 = None;
    }

    pub(super) async fn wait(&mut self) {
        let most = self.0.map_or(WAITS.0, |last| (last * 2).min(WAITS.1));
        self.0 = Some(most);
        let share = rand::rng().random_range(0.5..=1.0);
        tokio::time::sleep(most.mul_f64(share)).await;
    }
}
