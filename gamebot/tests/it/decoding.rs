//! What the decoder does with data that is not as it should be.

use gamebot::event::{AbandonReason, DecodeFailure, Decoded, EliminationReason, Event, GameMode};
use serde_json::{Value, json};

fn guess_abandoned() -> Value {
    json!({
        "game_id": "g", "guild_id": null, "mode": "race", "round_number": 1,
        "team_id": "1_2", "player1_id": "1", "player2_id": "2", "reason": "timeout",
        "abandoning_player_id": "1", "last_guess": null, "guess_count": 1,
        "round_guess_count": 1, "total_guesses": 1, "guess_duration": null,
        "timestamp": "2025-03-15T21:10:42Z",
    })
}

fn round_started() -> Value {
    json!({
        "game_id": "g", "guild_id": "5", "mode": "knockout", "round_number": 2,
        "team_states": {
            "9_10": team_state("9_10"),
            "1_2": team_state("1_2"),
        },
        "timestamp": "2025-03-15T21:10:42.000001Z",
    })
}

fn team_state(team_id: &str) -> Value {
    json!({
        "team_id": team_id, "active_players": ["1", "2"], "eliminated_players": [],
        "score": 0, "matches": 0, "total_guesses": 0, "average_guesses": 4,
    })
}

fn decode(event_type: &str, data: &Value) -> Decoded {
    Event::decode(event_type, 1, &data.to_string())
}

fn failure(decoded: Decoded) -> DecodeFailure {
    match decoded {
        Decoded::Undecodable(failure) => failure,
        other => panic!("{other:?} should not have been decoded"),
    }
}

#[test]
fn an_unknown_type_or_version_is_unknown_whatever_its_data() {
    assert_eq!(Event::decode("card_flipped", 1, "{"), Decoded::Unknown);
    assert_eq!(Event::decode("game_started", 2, "{"), Decoded::Unknown);
    assert_eq!(Event::decode("game_started", 0, "{"), Decoded::Unknown);
    assert_eq!(Event::decode("Game_Started", 1, "{}"), Decoded::Unknown);
}

#[test]
fn text_that_is_not_json_or_not_an_object_is_a_failure_of_the_whole() {
    for data in ["", "{", "null", "[]", "\"text\"", "12", "\u{0}", "nul"] {
        let failure = failure(Event::decode("game_completed", 1, data));
        assert_eq!(failure.pointer, "", "{data}");
    }
    let trailing = format!("{} x", guess_abandoned());
    let failure = failure(Event::decode("guess_abandoned", 1, &trailing));
    assert!(failure.reason.starts_with("trailing characters"));
}

#[test]
fn a_wrong_value_deep_inside_is_named_by_its_place_and_reason() {
    let mut data = round_started();
    data["team_states"]["1_2"]["active_players"][1] = json!(2);
    let failure = failure(decode("round_started", &data));
    assert_eq!(failure.pointer, "/team_states/1_2/active_players/1");
    assert!(
        failure
            .reason
            .starts_with("invalid type: integer `2`, expected a string"),
        "{failure}"
    );
}

#[test]
fn a_place_with_special_characters_is_a_proper_json_pointer() {
    let mut data = round_started();
    data["team_states"] = json!({ "a/b~c": 7 });
    let failure = failure(decode("round_started", &data));
    assert_eq!(failure.pointer, "/team_states/a~1b~0c");
}

#[test]
fn a_missing_required_field_is_named() {
    let mut data = guess_abandoned();
    data.as_object_mut().unwrap().remove("team_id");
    let failure = failure(decode("guess_abandoned", &data));
    assert!(failure.reason.starts_with("missing field `team_id`"));
    assert!(
        failure
            .to_string()
            .starts_with("the data cannot be read: missing")
    );
}

#[test]
fn numbers_that_do_not_fit_are_failures_and_never_other_numbers() {
    for wrong in [
        json!(2_147_483_648_i64),
        json!(1.5),
        json!("1"),
        json!(true),
    ] {
        let mut data = guess_abandoned();
        data["guess_duration"] = wrong;
        let failure = failure(decode("guess_abandoned", &data));
        assert_eq!(failure.pointer, "/guess_duration");
    }
    let mut data = guess_abandoned();
    data["guess_duration"] = json!(2_147_483_647);
    assert!(matches!(
        decode("guess_abandoned", &data),
        Decoded::Known(_)
    ));
}

#[test]
fn optional_fields_may_be_null_or_absent_and_unknown_keys_are_ignored() {
    let mut data = guess_abandoned();
    let fields = data.as_object_mut().unwrap();
    for optional in ["guild_id", "last_guess", "guess_duration"] {
        fields.remove(optional);
    }
    fields.insert("from_the_future".into(), json!({ "deep": [1] }));
    assert_eq!(
        decode("guess_abandoned", &data),
        decode("guess_abandoned", &guess_abandoned())
    );
    let null = json!({
        "game_id": "g", "mode": "race", "round_number": 1, "teams": {}, "team_ids": [],
        "player_ids": [], "roles": null, "config": {}, "config_version": null,
        "started_at": "2025-03-15T21:10:42Z", "timestamp": "2025-03-15T21:10:42Z",
    });
    let Decoded::Known(Event::GameStarted(started)) = decode("game_started", &null) else {
        panic!("null is absent");
    };
    assert_eq!((started.roles, started.forbidden_words), (None, None));
}

#[test]
fn a_whole_number_may_have_any_number_of_zeros() {
    let zeros = "0".repeat(100_000);
    let data = round_started()
        .to_string()
        .replace("\"round_number\":2", &format!("\"round_number\":2.{zeros}"));
    let Decoded::Known(Event::RoundStarted(round)) = Event::decode("round_started", 1, &data)
    else {
        panic!("it cannot be read");
    };
    assert_eq!(round.round_number, 2);
}

#[test]
fn an_average_may_be_written_as_a_whole_number() {
    let Decoded::Known(Event::RoundStarted(round)) = decode("round_started", &round_started())
    else {
        panic!("4 is a number");
    };
    assert_eq!(round.team_states[0].average_guesses, Some(4.0));
}

#[test]
fn an_unknown_enum_value_survives_reading_and_writing() {
    let mut data = guess_abandoned();
    data["reason"] = json!("rage_quit");
    data["mode"] = json!("Elixir.GameBot.RaceMode");
    let Decoded::Known(event) = decode("guess_abandoned", &data) else {
        panic!("a reader must survive what a newer writer stored");
    };
    assert_eq!(serde_json::to_value(&event).unwrap(), data);
    let Event::GuessAbandoned(abandoned) = event else {
        panic!("another type");
    };
    assert_eq!(abandoned.reason, AbandonReason::Unknown("rage_quit".into()));
    assert!(matches!(abandoned.mode, GameMode::Unknown(_)));
}

#[test]
fn enum_texts_name_their_values() {
    assert_eq!(GameMode::from("golf_race"), GameMode::GolfRace);
    assert_eq!(EliminationReason::MaxGuesses.as_str(), "max_guesses");
    assert_eq!(EliminationReason::from("gone").as_str(), "gone");
}

#[test]
fn a_map_is_read_in_the_order_of_the_text() {
    let Decoded::Known(Event::RoundStarted(round)) = decode("round_started", &round_started())
    else {
        panic!("decodes");
    };
    let ids: Vec<&str> = round
        .team_states
        .iter()
        .map(|state| state.team_id.as_str())
        .collect();
    assert_eq!(ids, ["9_10", "1_2"]);
}

#[test]
fn a_key_that_occurs_twice_is_a_failure() {
    let state = team_state("1_2");
    let twice = format!(
        r#"{{"game_id":"g","mode":"race","round_number":1,"team_states":{{"1_2":{state},"1_2":{state}}},"timestamp":"2025-03-15T21:10:42Z"}}"#
    );
    let failure = failure(Event::decode("round_started", 1, &twice));
    assert_eq!(failure.pointer, "/team_states");
    assert!(
        failure
            .reason
            .starts_with("the key `1_2` occurs more than once")
    );
}

#[test]
fn a_state_under_the_key_of_another_team_is_a_failure() {
    let mut data = round_started();
    data["team_states"]["1_2"]["team_id"] = json!("3_4");
    let failure = failure(decode("round_started", &data));
    assert!(
        failure
            .reason
            .starts_with("the team_id `3_4` stands under the key `1_2`"),
        "{failure}"
    );
}

#[test]
fn endless_nesting_is_a_failure_and_not_the_end_of_the_program() {
    let deep = format!(
        r#"{{"game_id":"g","mode":"race","round_number":1,"config":{}"#,
        r#"{"x":"#.repeat(100_000)
    );
    failure(Event::decode("game_started", 1, &deep));
}
