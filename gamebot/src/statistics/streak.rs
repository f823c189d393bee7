//! Wins in a row.

use chrono::{DateTime, Utc};

/// The wins in a row of a player or a team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streaks {
    /// The wins since the last game that was not won.
    pub(super) current: i64,
    /// The longest row of wins ever.
    pub(super) longest: i64,
}

impl Streaks {
    /// The streaks over games in any order: when each ended, its id, and whether it was won. Games
    /// that ended at the same time count in the order of the bytes of their ids.
    pub(super) fn of<'game>(
        games: impl Iterator<Item = (DateTime<Utc>, &'game str, bool)>,
    ) -> Self {
        let mut games: Vec<_> = games.collect();
        games.sort_unstable();
        games
            .into_iter()
            .fold(Self::default(), |streaks, (_, _, won)| {
                let current = if won { streaks.current + 1 } else { 0 };
                Self {
                    current,
                    longest: streaks.longest.max(current),
                }
            })
    }
}
