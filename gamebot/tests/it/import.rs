//! What earlier versions of the bot stored can be imported.

use gamebot::{
    event::{Decoded, Event},
    import::{self, ImportFailure, Imported},
    sample,
};
use serde_json::{Value, json};

use crate::examples::examples;

fn imported(event_type: &str, data: &Value) -> Imported {
    import::event(event_type, &data.to_string()).unwrap()
}

fn data(event_type: &str, old: &Value) -> Value {
    Value::Object(imported(event_type, old).data)
}

#[test]
fn a_match_becomes_a_processed_attempt_whose_counters_are_missing() {
    for name in ["guess_matched", "guess.matched"] {
        let found = imported(
            name,
            &json!({ "game_id": "g", "guild_id": "5", "team_id": "1_2", "player1_id": "1",
                "player2_id": "2", "word": "wave", "score": 1 }),
        );
        assert_eq!(found.event_type, "guess_processed");
        assert_eq!(
            Value::Object(found.data),
            json!({ "game_id": "g", "guild_id": "5", "team_id": "1_2", "player1_id": "1",
                "player2_id": "2", "player1_word": "wave", "player2_word": "wave",
                "match_score": 1, "guess_successful": true })
        );
        assert_eq!(
            found.missing,
            [
                "mode",
                "round_number",
                "guess_count",
                "round_guess_count",
                "total_guesses",
                "guess_duration",
                "player1_duration",
                "player2_duration",
                "timestamp"
            ]
        );
        assert!(found.leftover.is_empty());
    }
}

#[test]
fn a_miss_becomes_a_processed_attempt_without_a_score() {
    let found = imported(
        "guess_not_matched",
        &json!({ "game_id": "g", "team_id": "1_2", "player1_id": "1", "player2_id": "2",
            "player1_word": "wave", "player2_word": "lamp", "match_score": 0 }),
    );
    assert_eq!(found.event_type, "guess_processed");
    assert_eq!(found.data["guess_successful"], false);
    assert_eq!(found.data["match_score"], Value::Null);
    assert_eq!(found.data["player2_word"], "lamp");
}

#[test]
fn what_is_found_for_the_missing_keys_completes_the_event() {
    let mut found = imported(
        "guess_matched",
        &json!({ "game_id": "g", "team_id": "1_2", "player1_id": 1, "player2_id": 2,
            "word": "wave", "score": 1 }),
    );
    for key in &found.missing {
        let value = match key.as_str() {
            "mode" => json!("race"),
            "timestamp" => json!("2025-03-15T21:10:42Z"),
            _ => json!(1),
        };
        found.data.insert(key.clone(), value);
    }
    let data = Value::Object(found.data).to_string();
    let decoded = Event::decode(found.event_type, Event::SCHEMA_VERSION, &data);
    assert!(
        matches!(decoded, Decoded::Known(Event::GuessProcessed(_))),
        "{decoded:?}"
    );
}

#[test]
fn a_finished_round_takes_its_end_as_its_time() {
    let old = json!({ "game_id": "g", "guild_id": "5", "round_number": 3,
        "finished_at": "2025-03-15T21:10:42Z", "winner_team_id": "1_2", "round_score": 1,
        "round_stats": { "total_guesses": 3, "successful_matches": 1, "abandoned_guesses": 0,
            "average_guess_count": 3 } });
    let found = imported("round_finished", &old);
    assert_eq!(found.event_type, "round_completed");
    assert_eq!(found.data["timestamp"], old["finished_at"]);
    assert!(!found.data.contains_key("finished_at"));
    assert_eq!(found.missing, ["mode"]);

    let mut with_time = old.clone();
    with_time["timestamp"] = json!("2025-03-15T21:10:43Z");
    let found = imported("round_finished", &with_time);
    assert_eq!(found.data["timestamp"], "2025-03-15T21:10:43Z");
    assert_eq!(found.leftover["finished_at"], old["finished_at"]);
}

#[test]
fn a_finished_game_has_another_name_only() {
    let old = examples()["game_completed"].clone();
    let found = imported("game_finished", &old);
    assert_eq!(found.event_type, "game_completed");
    assert_eq!((Value::Object(found.data), found.missing.len()), (old, 0));
}

#[test]
fn a_started_knockout_round_lacks_the_states_of_its_teams() {
    let found = imported(
        "knockout_round_started",
        &json!({ "game_id": "g", "round_number": 2, "active_teams": ["1_2", "3_4"] }),
    );
    assert_eq!(found.event_type, "round_started");
    assert_eq!(found.data["mode"], "knockout");
    assert_eq!(found.missing, ["team_states", "timestamp"]);
    assert_eq!(found.leftover["active_teams"], json!(["1_2", "3_4"]));
}

#[test]
fn players_that_were_objects_or_tuples_become_ids() {
    for (info, name) in [
        (json!({ "id": "1", "name": "Ada" }), "guess_started"),
        (
            json!({ "player_id": 1, "username": "Ada" }),
            "guess_processed",
        ),
        (json!(["1", "ada", "Ada"]), "guess_abandoned"),
        (json!([1, "ada", null]), "guess_not_matched"),
    ] {
        let found = imported(name, &json!({ "player1_info": info, "player2_id": "2" }));
        assert_eq!(found.data["player1_id"], "1", "{info}");
        assert!(!found.data.contains_key("player1_info"));
        let left = found.leftover["player1_info"].to_string();
        assert!(left.to_lowercase().contains("ada"), "{left}");
    }
}

#[test]
fn a_player_without_an_id_is_refused() {
    for info in [
        json!({ "name": "Ada" }),
        json!([]),
        json!("Ada"),
        json!([""]),
        json!([1.5]),
    ] {
        let failure = import::event(
            "guess_started",
            &json!({ "player2_info": info }).to_string(),
        );
        let failure = failure.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "`player2_info` does not name a player's id"
        );
    }
}

#[test]
fn two_keys_that_contradict_each_other_are_refused() {
    let old = json!({ "player1_id": "1", "player1_info": { "id": "2" } });
    let failure = import::event("guess_processed", &old.to_string()).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "`player1_id` is \"1\", but by `player1_info` it is \"2\""
    );
    let old = json!({ "player1_id": "2", "player1_info": { "id": 2 } });
    assert_eq!(data("guess_processed", &old)["player1_id"], "2");
    let old = json!({ "word": "wave", "player2_word": "lamp" });
    let failure = import::event("guess_matched", &old.to_string()).unwrap_err();
    assert!(matches!(failure, ImportFailure::Contradiction { .. }));
}

#[test]
fn dotted_names_become_the_names_of_today() {
    for (old, new) in [
        ("team.created", "team_created"),
        ("team.updated", "team_updated"),
        ("team.member_added", "team_member_added"),
        ("team.member_removed", "team_member_removed"),
        ("team.invitation_created", "team_invitation_created"),
        ("team.invitation_accepted", "team_invitation_accepted"),
        ("team.invitation_declined", "team_invitation_declined"),
        ("player.joined", "player_joined"),
    ] {
        let example = examples()[new].clone();
        let found = imported(old, &example);
        assert_eq!(found.event_type, new);
        assert_eq!(Value::Object(found.data), example);
        assert!(found.missing.is_empty());
        // On append the old name is no event type.
        assert_eq!(
            Event::decode(old, 1, &example.to_string()),
            Decoded::Unknown
        );
    }
}

#[test]
fn names_that_never_were_events_are_refused() {
    for name in [
        "guess_made",
        "game_ended",
        "heartbeat",
        "example_event",
        "",
        "guess-matched",
    ] {
        let failure = import::event(name, "{}").unwrap_err();
        assert_eq!(
            failure,
            ImportFailure::UnknownType {
                event_type: name.to_owned()
            }
        );
        assert!(
            failure
                .to_string()
                .starts_with(&format!("`{name}` is neither"))
        );
    }
}

#[test]
fn data_that_is_no_object_is_refused() {
    for text in ["", "[]", "null", "{", "\"text\""] {
        let failure = import::event("game_started", text).unwrap_err();
        assert!(
            matches!(failure, ImportFailure::NotAnObject { .. }),
            "{text}"
        );
    }
}

#[test]
fn tagged_sets_become_lists_without_duplicates_wherever_they_are() {
    let set = |items: Value| json!({ "__mapset__": true, "items": items });
    let old = json!({
        "winners": set(json!(["1_2", "3_4", "1_2"])),
        "player_ids": set(json!([1, 2])),
        "config": { "words": set(json!([set(json!([1, 1])), "b"])), "player_id": 7 },
        "note": { "__mapset__": true, "items": [1], "more": 2 },
        "other": { "__mapset__": false, "items": [1] },
    });
    assert_eq!(
        data("game_started", &old),
        json!({
            "winners": ["1_2", "3_4"],
            "player_ids": ["1", "2"],
            "config": { "words": [[1], "b"], "player_id": 7 },
            "note": { "__mapset__": true, "items": [1], "more": 2 },
            "other": { "__mapset__": false, "items": [1] },
        })
    );
}

#[test]
fn the_name_of_a_module_becomes_the_mode() {
    for (module, mode) in [
        (
            "Elixir.GameBot.Domain.GameModes.TwoPlayerMode",
            "two_player",
        ),
        ("GameBot.Domain.GameModes.KnockoutMode", "knockout"),
        ("Elixir.GameBot.Domain.GameModes.RaceMode", "race"),
        ("GolfRaceMode", "golf_race"),
        ("Elixir.GameBot.Domain.GameModes.LongformMode", "longform"),
        ("race", "race"),
        ("something else", "something else"),
    ] {
        let old = json!({ "mode": module, "previous_mode": module, "username": module });
        assert_eq!(
            data("game_mode_changed", &old),
            json!({ "mode": mode, "previous_mode": mode, "username": module })
        );
    }
}

#[test]
fn the_earlier_reasons_of_an_elimination_become_those_of_today() {
    for (old, new) in [
        ("time_expired", "timeout"),
        ("guess_limit", "max_guesses"),
        ("forced_elimination", "round_loss"),
        ("forfeit", "forfeit"),
    ] {
        let found = data("team_eliminated", &json!({ "reason": old }));
        assert_eq!(found["reason"], new);
        let teams = json!({ "eliminated_teams": [{ "team_id": 7, "reason": old }] });
        let found = data("knockout_round_completed", &teams);
        assert_eq!(
            found["eliminated_teams"][0],
            json!({ "team_id": "7", "reason": new })
        );
        // Elsewhere the word is somebody's own.
        let found = data("team_member_removed", &json!({ "reason": old }));
        assert_eq!(found["reason"], old);
    }
}

#[test]
fn what_has_the_form_of_today_comes_out_as_it_is() {
    for (event_type, example) in examples() {
        let found = imported(&event_type, &example);
        assert_eq!(found.event_type, event_type);
        assert_eq!(Value::Object(found.data).to_string(), example.to_string());
        assert!(found.missing.is_empty() && found.leftover.is_empty());
    }
    for event in sample::games()
        .unwrap()
        .iter()
        .flat_map(|game| &game.events)
    {
        let stored: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(data(&event.event_type, &stored), stored);
    }
}
