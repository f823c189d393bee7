//! Fails reads at once while the database is away.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::DatabaseError;

/// Lets reads fail at once while the database is away: one of them tries every half second.
#[derive(Default)]
pub(super) struct Breaker {
    open_until: Mutex<Option<Instant>>,
}

const BREAKER_PAUSE: Duration = Duration::from_millis(500);

impl Breaker {
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        let mut open_until = self
            .open_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match *open_until {
            Some(until) if Instant::now() < until => Err(DatabaseError::Unavailable(
                "it was away a moment ago".to_owned(),
            )),
            Some(_) => {
                // This read tries; the others go on failing fast until it has come back.
                *open_until = Some(Instant::now() + BREAKER_PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn note<T>(&self, result: &Result<T, DatabaseError>) {
        let away = matches!(result, Err(DatabaseError::Unavailable(_)));
        let mut open_until = self
            .open_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *open_until = away.then(|| Instant::now() + BREAKER_PAUSE);
    }
}
