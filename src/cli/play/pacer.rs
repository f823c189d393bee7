use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Spreads appends evenly over time, whoever sends them.
pub(super) struct Pacer {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    /// Lets `rate` appends through in a second; 0 lets all through at once.
    pub(super) fn new(rate: u32) -> Self {
        let interval = Duration::from_secs(1)
            .checked_div(rate)
            .unwrap_or(Duration::ZERO);
        Self {
            interval,
            next: Mutex::new(None),
        }
    }

    /// Waits for one's turn.
    pub(super) async fn wait(&self) {
        tokio::time::sleep_until(self.turn(Instant::now()).into()).await;
    }

    /// Takes the next turn that is not before `now`. Time in which nobody came is not made up for
    /// by a burst.
    pub(super) fn turn(&self, now: Instant) -> Instant {
        // The time in it is whole even if another thread broke down while it held the lock.
        let mut next = self
            .next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.interval);
        turn
    }
}
