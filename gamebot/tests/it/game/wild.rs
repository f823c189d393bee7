//! Whatever comes, in whatever order: the fold never panics, a state is its own snapshot, and a
//! recovery ends and reports.

use chrono::{DateTime, Utc};
use gamebot::{
    event::{Decoded, Event},
    game::{Envelope, GameState, Recoverer, Recovery, check, verify},
    generate::{GameGenerator, GeneratedMode},
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{
    by_hand,
    stream::{Stream, Written},
    table::{GAME_ID, Table},
};
use crate::examples::examples;

/// Every event of the games played by hand, and one of each type there is.
fn pool() -> Vec<Written> {
    let by_hand = by_hand::all().into_iter().flat_map(|table| table.events);
    let mut table = Table::new("knockout", 2, json!({}));
    table
        .created()
        .start()
        .round()
        .begin(0)
        .leave(0, 0)
        .leave(0, 1);
    table
        .rejoin(0, 1)
        .pause()
        .resume(0)
        .abort()
        .archive()
        .observe();
    let metadata = json!({ "event_id": "0195a000-0000-7000-8000-000000000000" });
    let examples = examples().into_iter();
    let examples = examples.map(|(name, data)| Written::new(&name, &data, &metadata));
    by_hand.chain(table.events).chain(examples).collect()
}

/// What a leaf of the data is replaced by; what does not fit its place cannot be decoded, and is
/// left out then.
fn extremes() -> Vec<Value> {
    vec![
        json!(0),
        json!(-1),
        json!(1),
        json!(3),
        json!(i32::MAX),
        json!(i32::MIN),
        json!(1e308),
        json!(0.1 + 0.2),
        json!(true),
        Value::Null,
        json!(""),
        json!("golf_race"),
        json!("race"),
        json!("910000000000000001_910000000000000002"),
        json!("920000000000000001"),
        json!("-262143-01-01T00:00:00Z"),
        json!("+262142-12-31T23:59:59.999999Z"),
        json!("2026-02-01T10:00:30Z"),
    ]
}

fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                leaves(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.iter().enumerate() {
                leaves(value, &format!("{path}/{index}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// Events of the pool in any order, each with up to 3 leaves replaced.
fn wild_events() -> impl Strategy<Value = Vec<Event>> {
    let pool = pool();
    let change = (any::<Index>(), any::<Index>());
    let choice = (any::<Index>(), vec(change, 0..3));
    vec(choice, 1..60).prop_map(move |choices| {
        let events = choices.into_iter().filter_map(|(index, changes)| {
            let written = index.get(&pool);
            let mut data = written.data();
            for (leaf, value) in changes {
                let mut paths = Vec::new();
                leaves(&data, "", &mut paths);
                let path = leaf.get(&paths);
                *data.pointer_mut(path).unwrap() = value.get(&extremes()).clone();
            }
            decode(&written.event_type, &data.to_string())
        });
        events.collect()
    })
}

fn decode(event_type: &str, data: &str) -> Option<Event> {
    match Event::decode(event_type, 1, data) {
        Decoded::Known(event) => Some(event),
        Decoded::Undecodable(_) => None,
        Decoded::Unknown => panic!("{event_type} is not known"),
    }
}

fn decoded(stream: &Stream) -> Vec<Event> {
    let events = stream.events.iter();
    events
        .map(|event| decode(&event.event_type, event.data.as_ref().unwrap()).unwrap())
        .collect()
}

fn apply_all(state: &mut GameState, events: &[Event]) {
    for event in events {
        let event_id = format!("0195a000-0000-7000-8000-{:012}", state.event_count);
        let envelope = Envelope {
            stream_version: state.stream_version.saturating_add(1),
            event_id: &event_id,
            correlation_id: Some("0b1c2d3e-4f50-4a61-8b72-9c83ad94be05"),
            causation_id: None,
        };
        let _ = check(state, &envelope, event);
        state.apply(&envelope, event);
    }
}

fn through_json(state: &GameState) -> GameState {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

/// A whole game that obeys the rules, of any mode and origin.
fn whole_game() -> impl Strategy<Value = Stream> {
    let start: DateTime<Utc> = "2026-01-05T19:30:00.123456Z".parse().unwrap();
    let generated = (any::<u64>(), 0..GeneratedMode::ALL.len()).prop_map(move |(seed, mode)| {
        let mut games = GameGenerator::new(seed, start, GeneratedMode::ALL[mode]);
        Stream::from(&games.next().unwrap())
    });
    let sample = prop::sample::select(vec!["two_player", "knockout", "race"]);
    let by_hand = (0..5_usize).prop_map(|mode| by_hand::all()[mode].stream());
    prop_oneof![generated, sample.prop_map(Stream::sample), by_hand]
}

/// A way to damage a stream at some place.
#[derive(Clone, Debug)]
enum Damage {
    Lose(Index),
    Repeat(Index),
    Swap(Index),
    Cut(Index, Index),
    Hide(Index),
    Rename(Index),
    Age(Index),
    Steal(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Damage::Lose),
        index().prop_map(Damage::Repeat),
        index().prop_map(Damage::Swap),
        (index(), index()).prop_map(|(event, at)| Damage::Cut(event, at)),
        index().prop_map(Damage::Hide),
        index().prop_map(Damage::Rename),
        index().prop_map(Damage::Age),
        (index(), index()).prop_map(|(from, to)| Damage::Steal(from, to)),
    ]
}

impl Damage {
    fn inflict(&self, events: &mut Vec<(i32, Written)>) {
        let place = |index: &Index| index.index(events.len());
        match self {
            Self::Lose(index) => {
                let index = place(index);
                events.remove(index);
            }
            Self::Repeat(index) => {
                let index = place(index);
                let again = events[index].clone();
                events.insert(index, again);
            }
            Self::Swap(index) => {
                let index = place(index);
                let other = (index + 1) % events.len();
                events.swap(index, other);
            }
            Self::Cut(index, at) => {
                let data = events[place(index)].1.data.clone().unwrap_or_default();
                let length = at.index(data.len().max(1)).min(data.len());
                let cut: String = data.chars().take(length).collect();
                let index = place(index);
                events[index].1.data = Some(cut);
            }
            Self::Hide(index) => {
                let index = place(index);
                events[index].1.data = None;
            }
            Self::Rename(index) => {
                let index = place(index);
                "guess_sung".clone_into(&mut events[index].1.event_type);
            }
            Self::Age(index) => {
                let index = place(index);
                events[index].1.schema_version = 7;
            }
            Self::Steal(from, to) => {
                let id = events[place(from)].1.event_id.clone();
                let to = place(to);
                events[to].1.event_id = id;
            }
        }
    }
}

fn recover(game_id: &str, events: &[(i32, Written)]) -> Recovery {
    let mut recoverer = Recoverer::new(game_id, 1);
    for (version, event) in events {
        recoverer.feed(&event.stored(*version));
    }
    recoverer.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_events_in_any_order_are_folded(events in wild_events()) {
        let mut state = GameState::new(GAME_ID);
        apply_all(&mut state, &events);
        prop_assert_eq!(usize::try_from(state.event_count).unwrap(), events.len());
        let _ = verify(&state);
    }

    #[test]
    fn any_state_is_its_own_snapshot(events in wild_events(), cut in any::<Index>()) {
        let (first, rest) = events.split_at(cut.index(events.len() + 1));
        let mut whole = GameState::new(GAME_ID);
        apply_all(&mut whole, &events);
        let mut parted = GameState::new(GAME_ID);
        apply_all(&mut parted, first);
        let mut parted = through_json(&parted);
        apply_all(&mut parted, rest);
        prop_assert_eq!(parted, whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_game_goes_on_from_its_snapshot(game in whole_game(), cut in any::<Index>()) {
        let events = decoded(&game);
        let (first, rest) = events.split_at(cut.index(events.len() + 1));
        let mut whole = GameState::new(&game.game_id);
        apply_all(&mut whole, &events);
        let mut parted = GameState::new(&game.game_id);
        apply_all(&mut parted, first);
        let mut parted = through_json(&parted);
        apply_all(&mut parted, rest);
        prop_assert_eq!(parted, whole);
    }

    #[test]
    fn a_damaged_stream_is_recovered_and_reported(
        game in whole_game(),
        damages in vec(damage(), 1..6),
    ) {
        let whole: Vec<(i32, Written)> = (1..).zip(game.events.clone()).collect();
        let mut events = whole.clone();
        for damage in &damages {
            if !events.is_empty() {
                damage.inflict(&mut events);
            }
        }
        let recovery = recover(&game.game_id, &events);
        let fed = i32::try_from(events.len()).unwrap();
        prop_assert_eq!(recovery.applied + recovery.skipped, fed);
        prop_assert_eq!(recovery.state.event_count, fed);
        // The damage may have taken itself back, or have cut off the end.
        let is_whole = whole.starts_with(&events) && !events.is_empty();
        prop_assert_eq!(recovery.violations.is_empty(), is_whole);
        prop_assert_eq!(recover(&game.game_id, &events), recovery);
    }
}
