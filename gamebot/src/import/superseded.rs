//! The names that earlier versions used, and what became of the fields under them.

use serde_json::{Value, json};

use super::{ImportFailure, OldEvent, value::replace_text};
/// What earlier versions called the reasons of an elimination.
const ELIMINATION_REASONS: &[(&str, &str)] = &[
    ("time_expired", "timeout"),
    ("guess_limit", "max_guesses"),
    ("forced_elimination", "round_loss"),
];

/// Moves the fields of an event to where they belong today, and answers the name of its type today.
/// Of the names that are still in use, two have data that must be changed.
pub(super) fn adapt(name: &str, old: &mut OldEvent) -> Result<String, ImportFailure> {
    // The dotted names differ from those of today, or from other superseded ones, in the dot alone.
    let name = name.replace('.', "_");
    players(old)?;
    let name = match name.as_str() {
        "guess_matched" => matched(old)?,
        "guess_not_matched" => not_matched(old),
        "round_finished" => round_finished(old)?,
        "game_finished" => "game_completed",
        "knockout_round_started" => knockout_round_started(old)?,
        "team_eliminated" => team_eliminated(old),
        "knockout_round_completed" => knockout_round_completed(old),
        _ => return Ok(name),
    };
    Ok(name.to_owned())
}

/// Early attempts carried what was known of their players; today they carry the ids.
fn players(old: &mut OldEvent) -> Result<(), ImportFailure> {
    for number in 1..=2 {
        let info_key = format!("player{number}_info");
        let Some(info) = old.data.shift_remove(&info_key) else {
            continue;
        };
        let id = player_id(&info).ok_or_else(|| ImportFailure::PlayerWithoutId {
            key: info_key.clone(),
        })?;
        old.set(&format!("player{number}_id"), id, &info_key)?;
        old.leftover.insert(info_key, info);
    }
    Ok(())
}

/// The id in a player's information: of an object its `id`, of a tuple its first element.
fn player_id(info: &Value) -> Option<Value> {
    let id = info
        .get("id")
        .or_else(|| info.get("player_id"))
        .or_else(|| info.get(0))?;
    match id {
        Value::String(text) if !text.is_empty() => Some(id.clone()),
        Value::Number(number) if number.is_u64() => Some(Value::String(number.to_string())),
        _ => None,
    }
}

fn matched(old: &mut OldEvent) -> Result<&'static str, ImportFailure> {
    if let Some(word) = old.data.shift_remove("word") {
        old.set("player1_word", word.clone(), "word")?;
        old.set("player2_word", word, "word")?;
    }
    old.rename("score", "match_score")?;
    old.data.insert("guess_successful".into(), json!(true));
    Ok("guess_processed")
}

/// A miss has no score, where earlier versions wrote 0.
fn not_matched(old: &mut OldEvent) -> &'static str {
    old.data.insert("guess_successful".into(), json!(false));
    old.data.insert("match_score".into(), Value::Null);
    "guess_processed"
}

/// The end of the round was the only time that the event had.
fn round_finished(old: &mut OldEvent) -> Result<&'static str, ImportFailure> {
    if old.data.contains_key("timestamp") {
        old.leave_over("finished_at");
    } else {
        old.rename("finished_at", "timestamp")?;
    }
    Ok("round_completed")
}

/// The event named its teams, but not the states that a round starts with.
fn knockout_round_started(old: &mut OldEvent) -> Result<&'static str, ImportFailure> {
    old.leave_over("active_teams");
    old.set("mode", json!("knockout"), "type")?;
    Ok("round_started")
}

fn team_eliminated(old: &mut OldEvent) -> &'static str {
    if let Some(reason) = old.data.get_mut("reason") {
        replace_text(reason, ELIMINATION_REASONS, |text| text);
    }
    "team_eliminated"
}

fn knockout_round_completed(old: &mut OldEvent) -> &'static str {
    let teams = old.data.get_mut("eliminated_teams");
    let teams = teams.and_then(Value::as_array_mut).into_iter().flatten();
    for reason in teams.filter_map(|team| team.get_mut("reason")) {
        replace_text(reason, ELIMINATION_REASONS, |text| text);
    }
    "knockout_round_completed"
}
