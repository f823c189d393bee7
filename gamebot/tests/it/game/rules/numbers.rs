//! Numbers that events repeat.

use gamebot::game::Rule;
use serde_json::{Value, json};

use super::{Case, changed, up_to};
use crate::game::{by_hand, table::Table};

/// The value of the only, or the first, entry of an object.
fn first(object: &mut Value) -> &mut Value {
    object.as_object_mut().unwrap().values_mut().next().unwrap()
}

fn wrong(table: &Table, event_type: &str, change: impl FnOnce(&mut Value)) -> Case {
    changed(Rule::R28, "counter_mismatch", table, event_type, change)
}

pub(super) fn cases() -> Vec<Case> {
    let parts = [
        lobby_cases(),
        round_cases(),
        knockout_cases(),
        race_cases(),
        golf_cases(),
        longform_cases(),
        evaluation_cases(),
        ending_cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn lobby_cases() -> Vec<Case> {
    let mut table = Table::new("knockout", 2, json!({}));
    table.created();
    let own = json!({
        "previous_mode": "knockout", "new_mode": "longform", "config": {},
        "config_version": 2, "changed_by": "77",
    });
    table.mode = "longform";
    table.write("game_mode_changed", 1, own);
    let own = json!({
        "config_version": 3, "previous_config_version": 2, "config": {}, "changed_by": "77",
        "changes": [{ "key": "forbidden_words_limit", "new": 5 }],
    });
    table.write("game_config_changed", 1, own);
    vec![
        wrong(&table, "game_config_changed", |data| {
            data["config_version"] = json!(4);
            data["previous_config_version"] = json!(3);
        }),
        wrong(&Table::clone(&table), "game_mode_changed", |data| {
            data["previous_mode"] = json!("race");
        }),
    ]
}

fn round_cases() -> Vec<Case> {
    let game = by_hand::two_player();
    let started = |change: fn(&mut Value)| {
        let table = up_to(game.clone(), "round_started");
        wrong(&table, "round_started", |data| {
            change(first(&mut data["team_states"]));
        })
    };
    let stats = |field: &'static str, value: i32| {
        let table = up_to(game.clone(), "round_completed");
        wrong(&table, "round_completed", |data| {
            data["round_stats"][field] = json!(value);
        })
    };
    vec![
        started(|state| state["score"] = json!(2)),
        started(|state| state["matches"] = json!(0)),
        started(|state| state["total_guesses"] = json!(2)),
        started(|state| state["average_guesses"] = json!(1.001)),
        started(|state| state["guess_count"] = json!(1)),
        stats("total_guesses", 4),
        stats("successful_matches", 0),
        stats("abandoned_guesses", 0),
        stats("average_guess_count", 2),
        wrong(&game, "round_completed", |data| {
            data["round_score"] = json!(2);
        }),
    ]
}

fn knockout_cases() -> Vec<Case> {
    let game = by_hand::knockout();
    let out = |change: fn(&mut Value)| {
        let table = up_to(game.clone(), "team_eliminated");
        wrong(&table, "team_eliminated", change)
    };
    let end = |change: fn(&mut Value)| {
        let mut table = game.clone();
        table.events.pop();
        wrong(&table, "knockout_round_completed", change)
    };
    let mut started = game.clone();
    started.events.truncate(2);
    vec![
        wrong(&started, "round_started", |data| {
            first(&mut data["team_states"])["remaining_guesses"] = json!(12);
        }),
        out(|data| data["final_score"] = json!(1)),
        out(|data| data["final_state"]["team_id"] = json!("nobody")),
        out(|data| data["final_state"]["player_ids"][0] = json!("1")),
        out(|data| first(&mut data["player_stats"])["total_guesses"] = json!(9)),
        out(|data| first(&mut data["player_stats"])["successful_matches"] = json!(1)),
        out(|data| first(&mut data["player_stats"])["abandoned_guesses"] = json!(1)),
        out(|data| first(&mut data["player_stats"])["average_guess_count"] = json!(9)),
        out(|data| {
            let stats = data["player_stats"].as_object_mut().unwrap();
            let player = stats.keys().next().unwrap().clone();
            stats.remove(&player);
        }),
        end(|data| data["eliminated_teams"] = json!([])),
        end(|data| data["eliminated_teams"][0]["reason"] = json!("timeout")),
        end(|data| data["eliminated_teams"][0]["final_score"] = json!(9)),
        end(|data| data["round_duration"] = json!(900)),
        end(|data| {
            let again = data["advancing_teams"][0].clone();
            data["advancing_teams"].as_array_mut().unwrap().push(again);
        }),
    ]
}

fn race_cases() -> Vec<Case> {
    let mut warned = by_hand::race();
    warned.events.truncate(warned.events.len() - 2);
    let mut expired = by_hand::race();
    expired.events.pop();
    let warning = |change: fn(&mut Value)| wrong(&warned, "race_time_warning", change);
    let result = |field: &'static str, value: Value| {
        wrong(&expired, "race_mode_time_expired", move |data| {
            first(&mut data["final_matches"])[field] = value;
        })
    };
    let mut twice = warned.clone();
    twice.wait(5).warn(20);
    vec![
        warning(|data| *first(&mut data["standings"]) = json!(7)),
        warning(|data| data["standings"] = json!({})),
        warning(|data| data["remaining_seconds"] = json!(29)),
        warning(|data| data["remaining_seconds"] = json!(90)),
        changed(
            Rule::R28,
            "counter_mismatch",
            &twice,
            "race_time_warning",
            |data| {
                data["remaining_seconds"] = json!(30);
            },
        ),
        result("matches", json!(1)),
        result("total_guesses", json!(1)),
        result("average_guesses", json!(1.5001 + 0.0003)),
        result("last_match_timestamp", Value::Null),
        wrong(&expired, "race_mode_time_expired", |data| {
            data["final_matches"].as_object_mut().unwrap().clear();
        }),
        wrong(&expired, "race_mode_time_expired", |data| {
            data["game_duration"] = json!(300);
        }),
    ]
}

fn golf_cases() -> Vec<Case> {
    let mut table = by_hand::golf_race();
    // Up to the points for giving up.
    table.events.truncate(8);
    let award = |change: fn(&mut Value)| wrong(&table, "golf_race_points_awarded", change);
    let mut twice = by_hand::golf_race();
    twice.events.truncate(4);
    twice.points(0, 4);
    let mut once = by_hand::golf_race();
    once.events.truncate(4);
    let mut too_many = Table::new("golf_race", 2, json!({}));
    too_many.start().round().hit(0, 3).points(0, 4);
    let mut as_many = Table::new("golf_race", 2, json!({}));
    as_many.start().round().miss(0).hit(0, 3).points(0, 3);
    vec![
        award(|data| data["guess_count"] = json!(2)),
        award(|data| data["points"] = json!(0)),
        award(|data| data["total_points"] = json!(0)),
        award(|data| data["reason"] = json!("match")),
        super::case(Rule::R28, "counter_mismatch", &twice, &once),
        super::case(Rule::R28, "counter_mismatch", &too_many, &as_many),
    ]
}

fn longform_cases() -> Vec<Case> {
    let mut table = by_hand::longform();
    table.events.pop();
    let day = |change: fn(&mut Value)| wrong(&table, "longform_day_ended", change);
    vec![
        day(|data| data["day_number"] = json!(1)),
        day(|data| data["day_duration"] = json!(60)),
        day(|data| data["eliminated_teams"] = json!([])),
        day(|data| data["team_standings"] = json!({})),
        day(|data| first(&mut data["team_standings"])["daily_matches"] = json!(0)),
        day(|data| first(&mut data["team_standings"])["daily_guesses"] = json!(2)),
        day(|data| first(&mut data["team_standings"])["average_guesses"] = json!(7)),
    ]
}

fn evaluation_cases() -> Vec<Case> {
    let mut table = by_hand::two_player();
    table.events.pop();
    let mut twice = table.clone();
    twice.evaluate(2.0, 1);
    let evaluation = |field: &'static str, value: Value| {
        wrong(&table, "two_player_result_evaluated", move |data| {
            data[field] = value;
        })
    };
    let mut early = Table::new("two_player", 1, json!({ "rounds_required": 2 }));
    early.start().round().hit(0, 1).close(0).evaluate(4.0, 1);
    // After a round too many, of which the evaluation does not speak.
    let mut open = Table::new("two_player", 1, json!({ "rounds_required": 1 }));
    open.start().round().hit(0, 1).close(0).evaluate(4.0, 1);
    let evaluated = open.events.pop().unwrap();
    open.round()
        .write("two_player_result_evaluated", 2, evaluated.data());
    let event = open.events.last_mut().unwrap();
    event.edit(|data| data["round_number"] = json!(2));
    vec![
        evaluation("rounds_required", json!(3)),
        evaluation("rounds_played", json!(3)),
        evaluation("total_guesses", json!(5)),
        evaluation("average_guesses", json!(1)),
        evaluation("success_threshold", json!(4)),
        evaluation("succeeded", json!(false)),
        evaluation("perfect_rounds", json!(0)),
        super::case(Rule::R28, "counter_mismatch", &twice, &table),
        super::case(Rule::R28, "counter_mismatch", &early, &table),
        super::case(Rule::R28, "counter_mismatch", &open, &table),
    ]
}

fn ending_cases() -> Vec<Case> {
    let mut archived = by_hand::two_player();
    archived.archive();
    let mut resumed = Table::new("two_player", 1, json!({}));
    resumed.start().round().pause().wait(2).resume(2);
    vec![
        wrong(&archived, "game_archived", |data| {
            data["event_count"] = json!(3);
        }),
        wrong(&resumed, "game_resumed", |data| {
            data["remaining_seconds"] = json!(8);
        }),
    ]
}
