//! The stretches of time over which leaderboards are made.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

/// A stretch of time that ends with the present. The timestamp of `game_completed` decides whether
/// a game is in it. All calendars are in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeWindow {
    /// All of time.
    #[default]
    All,
    /// The calendar month.
    Month,
    /// The week, from Monday to Sunday.
    Week,
    /// The last 24 hours.
    Day,
}

/// A range of instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant in the range; none when it has no beginning.
    pub from: Option<DateTime<Utc>>,
    /// The first instant after the range; none when it has no end.
    pub before: Option<DateTime<Utc>>,
}

impl TimeWindow {
    /// The instants of the window for somebody who asks at `now`.
    ///
    /// | Window | from | before |
    /// |---|---|---|
    /// | all | none | none |
    /// | month | the first day of the month, 0:00 | the first day of the next month, 0:00 |
    /// | week | Monday, 0:00 | the next Monday, 0:00 |
    /// | day | now − 24 hours | now + 1 microsecond, so that `now` itself is in it |
    #[must_use]
    pub fn range(self, now: DateTime<Utc>) -> TimeRange {
        let today = now.date_naive();
        let (from, before) = match self {
            Self::All => (None, None),
            Self::Month => {
                let first = today.with_day(1);
                let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
                (first.map(midnight), next.map(midnight))
            }
            Self::Week => {
                let days = u64::from(today.weekday().num_days_from_monday());
                let monday = today.checked_sub_days(Days::new(days));
                let next = monday.and_then(|monday| monday.checked_add_days(Days::new(7)));
                (monday.map(midnight), next.map(midnight))
            }
            Self::Day => (
                now.checked_sub_signed(TimeDelta::hours(24)),
                now.checked_add_signed(TimeDelta::microseconds(1)),
            ),
        };
        TimeRange { from, before }
    }
}

impl TimeRange {
    /// Whether the instant is in the range.
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= at) && self.before.is_none_or(|before| at < before)
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
