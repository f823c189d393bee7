//! Waits for conditions, never for an amount of time.

use std::time::{Duration, Instant};

/// How long a test waits for something that should happen, unless it says otherwise: a minute,
/// long enough for two busy cores and short enough to notice a hang.
pub const DEFAULT_DEADLINE: Duration = Duration::from_mins(1);

/// The pause between two looks at the condition.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Calls `probe` until it returns `Some`, and returns what it found; the deadline is
/// [`DEFAULT_DEADLINE`].
///
/// `what` completes the sentence "waited 60 s for …" of the failure message.
///
/// # Panics
///
/// Panics when the deadline passes first, also when a single call of `probe` hangs.
pub async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(DEFAULT_DEADLINE, what, probe).await
}

/// Like [`eventually`], with a deadline of the caller's.
///
/// # Panics
///
/// Panics when the deadline passes first, also when a single call of `probe` hangs.
pub async fn eventually_within<T>(
    deadline: Duration,
    what: &str,
    probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    try_eventually_within(deadline, probe)
        .await
        .unwrap_or_else(|| panic!("waited {deadline:?} for {what}"))
}

/// The same for callers whose failure message is made of what they know in the end: nothing when
/// the deadline passed first.
pub(crate) async fn try_eventually_within<T>(
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let looking = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(deadline, looking).await.ok()
}

/// The same for the few places that cannot await, such as `Drop`: says whether `done` became true
/// within the deadline.
pub(crate) fn blocking_within(deadline: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < deadline {
        if done() {
            return true;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_what_the_probe_found_in_the_end() {
        let mut calls = 0;
        let found = eventually("the third call", async || {
            calls += 1;
            (calls == 3).then_some("found")
        })
        .await;
        assert_eq!((found, calls), ("found", 3));
    }

    #[tokio::test]
    #[should_panic(expected = "waited 20ms for a thing that never comes")]
    async fn says_what_it_waited_for() {
        let deadline = Duration::from_millis(20);
        eventually_within(deadline, "a thing that never comes", async || None::<()>).await;
    }

    #[tokio::test]
    #[should_panic(expected = "waited 20ms for a probe that hangs")]
    async fn a_probe_that_hangs_is_a_failure_too() {
        let deadline = Duration::from_millis(20);
        eventually_within(deadline, "a probe that hangs", async || {
            std::future::pending::<Option<()>>().await
        })
        .await;
    }
}
