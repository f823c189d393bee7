//! The windows of time, for any instant.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use gamebot::statistics::{TimeRange, TimeWindow};
use proptest::prelude::*;

const CALENDAR: [TimeWindow; 2] = [TimeWindow::Month, TimeWindow::Week];

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    // From 1970 to 2100, with microseconds.
    (0_i64..4_102_444_800_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

proptest! {
    #[test]
    fn every_window_holds_the_present(now in instants()) {
        for window in [TimeWindow::All, TimeWindow::Month, TimeWindow::Week, TimeWindow::Day] {
            prop_assert!(window.range(now).contains(now), "{:?}", window);
        }
    }

    #[test]
    fn the_windows_of_a_calendar_touch_and_do_not_overlap(now in instants()) {
        for window in CALENDAR {
            let range = window.range(now);
            let (from, before) = (range.from.unwrap(), range.before.unwrap());
            let instant = TimeDelta::microseconds(1);
            prop_assert_eq!(window.range(before).from, Some(before));
            prop_assert_eq!(window.range(from - instant).before, Some(from));
            prop_assert_eq!(window.range(from), range);
            prop_assert_eq!(window.range(before - instant), range);
        }
    }

    #[test]
    fn a_month_and_a_week_begin_at_midnight_of_their_first_day(now in instants()) {
        let month = TimeWindow::Month.range(now).from.unwrap();
        prop_assert_eq!(month.day(), 1);
        let week = TimeWindow::Week.range(now);
        let (from, before) = (week.from.unwrap(), week.before.unwrap());
        prop_assert_eq!(from.weekday(), Weekday::Mon);
        prop_assert_eq!(before - from, TimeDelta::days(7));
        for midnight in [month, from] {
            prop_assert_eq!(midnight.num_seconds_from_midnight(), 0);
            prop_assert_eq!(midnight.nanosecond(), 0);
        }
    }
}

#[test]
fn a_day_is_the_last_24_hours_with_both_ends() {
    let now: DateTime<Utc> = "2025-03-12T18:04:05.218341Z".parse().unwrap();
    let range = TimeWindow::Day.range(now);
    let micro = TimeDelta::microseconds(1);
    assert!(range.contains(now) && !range.contains(now + micro));
    let day_ago = now - TimeDelta::hours(24);
    assert!(range.contains(day_ago) && !range.contains(day_ago - micro));
}

#[test]
fn at_the_ends_of_time_a_window_is_open() {
    let last = DateTime::<Utc>::MAX_UTC;
    assert_eq!(TimeWindow::Day.range(last).before, None);
    assert_eq!(TimeWindow::Month.range(last).before, None);
    assert_eq!(TimeWindow::Day.range(DateTime::<Utc>::MIN_UTC).from, None);
    let all = TimeRange {
        from: None,
        before: None,
    };
    assert_eq!(TimeWindow::All.range(last), all);
    assert!(all.contains(last));
}
