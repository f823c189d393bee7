//! The recovery of a session from whatever is stored.

use gamebot::game::{
    CausePlace, Envelope, GameState, Phase, Recoverer, Rule, Severity, StateWarning, check, verify,
};
use serde_json::json;

use super::{
    by_hand,
    stream::{Stream, Written, errors, told},
    table::{GAME_ID, Table},
};

#[test]
fn an_observation_stands_anywhere_but_first() {
    let whole = by_hand::race();
    let mut table = whole.clone();
    table.observe();
    let observation = table.events.pop().unwrap();
    for index in 1..=whole.events.len() {
        let mut stream = whole.stream();
        stream.events.insert(index, observation.clone());
        stream.renew(index);
        let recovery = stream.recover();
        assert_eq!(told(&recovery.violations), "", "at {index}");
        let count = i32::try_from(whole.events.len()).unwrap() + 1;
        assert_eq!(recovery.state.event_count, count);
    }
}

/// After a deletion the versions of a stream go on, and another game begins.
#[test]
fn a_game_begins_wherever_its_first_version_is() {
    let recover = |events: &[Written]| {
        let mut recoverer = Recoverer::new(GAME_ID, 20_001);
        for (version, event) in (20_001..).zip(events) {
            recoverer.feed(&event.stored(version));
        }
        recoverer.finish()
    };
    let recovery = recover(&by_hand::race().events);
    assert_eq!(told(&recovery.violations), "");
}

#[test]
fn an_observation_of_another_game_is_noticed() {
    let mut stream = Table::new("race", 2, json!({})).start().observe().stream();
    stream.events[1].edit(|data| data["game_id"] = json!("another"));
    assert_eq!(errors(&stream.recover()), ["R06"]);
    stream.events[1].edit(|data| {
        data.as_object_mut().unwrap().remove("game_id");
        data.as_object_mut().unwrap().remove("guild_id");
    });
    assert_eq!(errors(&stream.recover()), [] as [&str; 0]);
}

/// One fault is told once, and what comes after it is judged as if it had not happened.
#[test]
fn the_fold_goes_on_after_a_fault() {
    let mut stream = by_hand::two_player().stream();
    stream.events.remove(1);
    let recovery = stream.recover();
    assert_eq!(errors(&recovery), ["R18"], "{}", told(&recovery.violations));
    assert_eq!(
        recovery.violations.len(),
        1,
        "{}",
        told(&recovery.violations)
    );
    assert_eq!(recovery.state.phase, Some(Phase::Completed));
    assert_eq!(recovery.state.teams[0].total_guesses, 4);
}

#[test]
fn an_attempt_that_is_written_again_is_told_once() {
    let mut stream = by_hand::two_player().stream();
    // The first attempt of the second round, a miss.
    assert_eq!(stream.events[5].event_type, "guess_processed");
    let again = stream.events[5].clone();
    stream.events.insert(6, again);
    stream.renew(6);
    let recovery = stream.recover();
    let found = recovery.violations.iter();
    let found = found.filter(|violation| violation.severity == Severity::Error);
    assert_eq!(found.count(), 1, "{}", told(&recovery.violations));
    assert_eq!(errors(&recovery), ["R22"]);
}

#[test]
fn the_end_of_a_round_that_comes_late_closes_no_other_round() {
    let mut stream = by_hand::knockout().stream();
    let end = stream
        .events
        .iter()
        .position(|event| event.event_type == "knockout_round_completed")
        .unwrap();
    stream.events.swap(end, end + 1);
    let recovery = stream.recover();
    let rules: Vec<&str> = recovery
        .violations
        .iter()
        .map(|violation| violation.rule.as_str())
        .collect();
    assert_eq!(
        rules,
        ["R14", "R05", "R16"],
        "{}",
        told(&recovery.violations)
    );
    assert_eq!(recovery.state.phase, Some(Phase::Completed));
    assert_eq!(recovery.state.rounds_played, 2);
}

#[test]
fn two_faults_are_both_told() {
    let mut stream = by_hand::race().stream();
    stream.events[2].edit(|data| data["match_score"] = json!(0));
    stream.events[5].edit(|data| data["player2_id"] = data["player1_id"].clone());
    let rules = errors(&stream.recover());
    assert!(
        rules.contains(&"R23") && rules.contains(&"R20"),
        "{rules:?}"
    );
}

#[test]
fn data_that_was_removed_is_an_error_unless_the_state_does_without() {
    let mut table = Table::new("knockout", 2, json!({}));
    table.start().round().begin(0).miss(0);
    for (index, severity) in [(2, Severity::Warning), (3, Severity::Error)] {
        let mut stream = table.stream();
        stream.events[index].data = None;
        stream.events[index].metadata = None;
        let recovery = stream.recover();
        assert_eq!(
            recovery.violations.len(),
            1,
            "{}",
            told(&recovery.violations)
        );
        assert_eq!(recovery.violations[0].rule, Rule::R10);
        assert_eq!(recovery.violations[0].severity, severity);
        assert_eq!((recovery.applied, recovery.skipped), (3, 1));
        assert_eq!(recovery.state.stream_version, 4);
    }
}

#[test]
fn a_start_that_cannot_be_read_is_told_once() {
    let mut stream = by_hand::knockout().stream();
    stream.events[0].data = Some("{".to_owned());
    let recovery = stream.recover();
    assert_eq!(
        recovery.violations.len(),
        1,
        "{}",
        told(&recovery.violations)
    );
    assert!(recovery.state.start_is_damaged);
}

#[test]
fn a_repeated_event_is_left_out() {
    let whole = by_hand::longform().stream();
    let expected = whole.recover();
    let mut stream = whole.clone();
    let again = stream.events[2].clone();
    stream.events.insert(3, again);
    let recovery = stream.recover();
    assert_eq!(errors(&recovery), ["R37"]);
    assert_eq!(recovery.state.teams, expected.state.teams);
    assert_eq!(recovery.skipped, 1);
}

#[test]
fn a_stream_can_be_recovered_from_a_snapshot() {
    let stream = by_hand::golf_race().stream();
    let whole = stream.recover();
    for cut in 0..=stream.events.len() {
        let first = Stream {
            events: stream.events[..cut].to_vec(),
            ..stream.clone()
        };
        let snapshot = serde_json::to_string(&first.recover().state).unwrap();
        let mut recoverer = Recoverer::from_state(serde_json::from_str(&snapshot).unwrap());
        for (index, event) in stream.events.iter().enumerate().skip(cut) {
            recoverer.feed(&event.stored(i32::try_from(index).unwrap() + 1));
        }
        let recovery = recoverer.finish();
        assert_eq!(told(&recovery.violations), "", "cut at {cut}");
        assert_eq!(recovery.state, whole.state, "cut at {cut}");
    }
}

#[test]
fn a_snapshot_that_does_not_join_the_stream_is_noticed() {
    let stream = by_hand::two_player().stream();
    let mut recoverer = Recoverer::from_state(stream.recover().state);
    recoverer.feed(&stream.events[3].stored(4));
    let recovery = recoverer.finish();
    assert!(errors(&recovery).contains(&"R04"));
}

#[test]
fn a_recovery_that_starts_late_expects_the_versions_from_there() {
    let stream = by_hand::two_player().stream();
    let mut recoverer = Recoverer::new(GAME_ID, 4);
    recoverer.feed(&stream.events[3].stored(4));
    let recovery = recoverer.finish();
    assert_eq!(errors(&recovery), ["R02"], "{}", told(&recovery.violations));
    let nothing = Recoverer::new(GAME_ID, 4).finish();
    assert_eq!(errors(&nothing), ["R01"]);
}

#[test]
fn causes_outside_of_the_stream_are_for_the_caller_to_look_up() {
    let elsewhere = "0195a000-0000-7000-8000-00000000ffff";
    let mut stream = by_hand::two_player().stream();
    stream.events[3].edit_metadata(|metadata| metadata["causation_id"] = json!(elsewhere));
    let mut recovery = stream.recover();
    assert_eq!(recovery.unknown_causes, [(4, elsewhere.to_owned())]);
    assert_eq!(told(&recovery.violations), "");
    recovery.settle_causes(|_, _| CausePlace::Nowhere);
    assert_eq!(recovery.unknown_causes, []);
    assert_eq!(recovery.violations.len(), 1);
    assert_eq!(recovery.violations[0].severity, Severity::Warning);
    assert_eq!(recovery.violations[0].stream_version, Some(4));
    assert_eq!(
        recovery.violations[0].event_type.as_deref(),
        Some("round_completed")
    );
}

#[test]
fn warnings_are_remembered_by_the_state() {
    let mut table = Table::new("knockout", 2, json!({}));
    table.start().round();
    let words = ["omega".to_owned(), "lamp".to_owned()];
    table.attempt(0, &words, None);
    let state = table.stream().recover().state;
    let remembered = StateWarning {
        rule: "R26".to_owned(),
        stream_version: Some(3),
    };
    assert_eq!(state.warnings, [remembered]);
}

/// A state, and what is done to it.
type Damage<'a> = (&'a GameState, fn(&mut GameState));

/// Step 5 of a recovery: does the state make sense in itself?
#[test]
fn a_state_that_contradicts_itself_is_noticed() {
    let sound = by_hand::golf_race().stream().recover().state;
    assert_eq!(told(&verify(&sound)), "");
    let mut table = by_hand::golf_race();
    table.events.truncate(5);
    let running = table.stream().recover().state;
    assert_eq!(told(&verify(&running)), "");
    let damage: [Damage<'_>; 8] = [
        (&sound, |state| state.teams[0].score += 1),
        (&sound, |state| state.teams[1].matches = 0),
        (&sound, |state| state.matches.clear()),
        (&sound, |state| state.result = None),
        (&sound, |state| state.finished_at = None),
        (&sound, |state| {
            state.teams[0].status = gamebot::event::TeamStatus::Eliminated;
        }),
        (&running, |state| state.round_open = false),
        (&running, |state| state.started_at = None),
    ];
    for (state, change) in damage {
        let mut damaged = state.clone();
        change(&mut damaged);
        let faults = verify(&damaged);
        assert!(!faults.is_empty());
        assert!(
            faults
                .iter()
                .all(|fault| fault.code == "state_validation_failed")
        );
    }
}

/// What an append needs: the judgement of one event, without a recovery.
#[test]
fn one_event_can_be_judged_by_itself() {
    let table = by_hand::two_player();
    let state = table.stream().recover().state;
    let event = match gamebot::event::Event::decode(
        "round_started",
        1,
        table.events[1].data.as_ref().unwrap(),
    ) {
        gamebot::event::Decoded::Known(event) => event,
        other => panic!("{other:?}"),
    };
    let envelope = Envelope {
        stream_version: state.stream_version + 1,
        event_id: "0195a000-0000-7000-8000-00000000ffff",
        correlation_id: state.correlation_id.as_deref(),
        causation_id: None,
    };
    let found = check(&state, &envelope, &event);
    let rules: Vec<Rule> = found.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::R05, Rule::R34]);
    assert_eq!(found[1].stream_version, Some(envelope.stream_version));
    assert_eq!(found[1].event_id.as_deref(), Some(envelope.event_id));
    assert_eq!(found[1].event_type.as_deref(), Some("round_started"));
    assert_eq!(
        found[1].to_string(),
        format!(
            "R34 event_after_completion at version {}, a round_started: a round_started follows \
             the end of the game",
            envelope.stream_version
        )
    );
}
