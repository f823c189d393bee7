//! Every loss, doubling and swap of a single event of a sample is noticed, although the versions
//! are renumbered afterwards, so that nothing is to be seen from outside.

use super::stream::{Stream, Written, errors, told};

const SAMPLES: [&str; 3] = ["two_player", "knockout", "race"];
const OPTIONAL: [&str; 3] = [
    "guess_started",
    "race_time_warning",
    "player_status_changed",
];

/// One fault is not told by every event that comes after it.
const MOST_BREACHES: usize = 9;

/// Demands an error besides `R04`, which could not be noticed after the renumbering anyway.
fn assert_noticed(stream: &Stream, what: &str) {
    let recovery = stream.recover();
    let rules = errors(&recovery);
    assert!(
        rules.iter().any(|rule| *rule != "R04"),
        "{what} is not noticed; all that is told: {}",
        told(&recovery.violations)
    );
    let count = recovery.violations.len();
    assert!(
        count <= MOST_BREACHES,
        "{what} is told {count} times: {}",
        told(&recovery.violations)
    );
}

#[test]
fn the_loss_of_any_event_is_noticed() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        // That the last event is missing cannot be seen.
        for index in 0..whole.events.len() - 1 {
            let mut stream = whole.clone();
            let lost = stream.events.remove(index);
            if !OPTIONAL.contains(&lost.event_type.as_str()) {
                let what = format!("{name}: the loss of {index}, a {}", lost.event_type);
                assert_noticed(&stream, &what);
            }
        }
    }
}

#[test]
fn the_loss_of_an_optional_event_does_no_harm() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        for index in 0..whole.events.len() {
            let mut stream = whole.clone();
            let lost = stream.events.remove(index);
            if OPTIONAL.contains(&lost.event_type.as_str()) {
                let recovery = stream.recover();
                assert_eq!(errors(&recovery), [] as [&str; 0], "{name} without {index}");
            }
        }
    }
}

#[test]
fn the_same_event_twice_is_noticed() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        for index in 0..whole.events.len() {
            let mut stream = whole.clone();
            stream.events.insert(index, whole.events[index].clone());
            let what = format!(
                "{name}: {index} twice, a {}",
                whole.events[index].event_type
            );
            assert_noticed(&stream, &what);
        }
    }
}

/// A writer that repeats itself gives the event another id and another time.
#[test]
fn a_repeated_event_is_noticed_by_what_it_says() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        for (index, event) in whole.events.iter().enumerate() {
            let mut stream = whole.clone();
            let next = whole.events.get(index + 1).unwrap_or(event);
            let mut again = event.clone();
            let time = next.data()["timestamp"].clone();
            again.edit(|data| data["timestamp"] = time);
            stream.events.insert(index + 1, again);
            stream.renew(index + 1);
            let what = format!("{name}: {index} written again, a {}", event.event_type);
            assert_noticed(&stream, &what);
        }
    }
}

#[test]
fn a_swap_of_neighbours_is_noticed() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        for index in 0..whole.events.len() - 1 {
            let mut stream = whole.clone();
            stream.events.swap(index, index + 1);
            let what = format!(
                "{name}: the swap of {index}, a {}, with the {} after it",
                whole.events[index].event_type,
                whole.events[index + 1].event_type
            );
            assert_noticed(&stream, &what);
        }
    }
}

/// When the two change places but not times, the order of the times says nothing.
#[test]
fn a_swap_of_neighbours_is_noticed_by_what_they_say_unless_they_commute() {
    for name in SAMPLES {
        let whole = Stream::sample(name);
        for index in 0..whole.events.len() - 1 {
            let mut stream = whole.clone();
            let [left, right] = &mut stream.events[index..index + 2] else {
                unreachable!("a pair of neighbours has two events");
            };
            if commute(left.team.as_deref(), right.team.as_deref()) {
                continue;
            }
            swap_times(left, right);
            stream.events.swap(index, index + 1);
            let what = format!(
                "{name}: the swap of {index}, a {}, with the {} after it",
                whole.events[index].event_type,
                whole.events[index + 1].event_type
            );
            assert_noticed(&stream, &what);
        }
    }
}

/// Events of different teams may come in any order. A player's coming and going is its team's.
fn commute(left: Option<&str>, right: Option<&str>) -> bool {
    matches!((left, right), (Some(left), Some(right)) if left != right)
}

fn swap_times(left: &mut Written, right: &mut Written) {
    let (left_time, right_time) = (
        left.data()["timestamp"].take(),
        right.data()["timestamp"].take(),
    );
    left.edit(|data| data["timestamp"] = right_time);
    right.edit(|data| data["timestamp"] = left_time);
}
