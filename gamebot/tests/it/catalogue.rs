//! The catalogue is complete, and what it says of its types is right.

use gamebot::event::{Event, EventClass, EventType, EventTypeStatus, GameMode, StreamCategory};

use crate::examples::examples;

/// The index of the event types by group; the core types are marked.
const INDEX: &[&str] = &[
    "game_created game_mode_changed game_config_changed game_started*",
    "player_joined player_left player_status_changed",
    "round_started* round_restarted round_completed round_ended",
    "guess_started guess_processed* guess_abandoned*",
    "team_eliminated* knockout_round_completed* race_time_warning race_mode_time_expired* \
     golf_race_points_awarded longform_day_ended two_player_result_evaluated",
    "game_paused game_resumed game_completed* game_aborted game_archived",
    "team_invitation_created team_invitation_accepted team_invitation_declined \
     team_invitation_expired team_created team_updated team_member_added team_member_removed \
     team_disbanded",
    "user_registered user_profile_updated user_preferences_changed",
    "guild_config_changed game_variation_defined game_variation_retired",
    "command_error system_error guess_error guess_pair_error game_error round_check_error \
     session_recovery_started session_recovered session_recovery_failed event_quarantined",
];

#[test]
fn the_catalogue_has_exactly_the_types_of_the_index() {
    let index = INDEX.join(" ");
    let names: Vec<&str> = index
        .split_whitespace()
        .map(|name| name.trim_end_matches('*'))
        .collect();
    assert_eq!(Event::EVENT_TYPES, names);
    assert_eq!(names.len(), 51);
    let types: Vec<&str> = EventType::all().iter().map(|found| found.name).collect();
    assert_eq!(types, names);
    let core: Vec<&str> = index
        .split_whitespace()
        .filter_map(|name| name.strip_suffix('*'))
        .collect();
    let types = EventType::all().iter();
    let found: Vec<&str> = types
        .filter(|found| found.status == EventTypeStatus::Core)
        .map(|found| found.name)
        .collect();
    assert_eq!(found, core);
}

#[test]
fn the_types_are_as_firm_as_they_are_said_to_be() {
    let count = |status| {
        let types = EventType::all().iter();
        types.filter(|found| found.status == status).count()
    };
    assert_eq!(count(EventTypeStatus::Core), 8);
    assert_eq!(count(EventTypeStatus::Defined), 14);
    assert_eq!(count(EventTypeStatus::Earlier), 9);
    assert_eq!(count(EventTypeStatus::Proposed), 20);
    assert_eq!(EventTypeStatus::Earlier.as_str(), "earlier");
}

#[test]
fn a_type_is_found_by_its_name_and_only_by_it() {
    for name in Event::EVENT_TYPES {
        assert_eq!(EventType::named(name).unwrap().name, *name);
    }
    for other in [
        "",
        "Game_Started",
        "game_ended",
        "guess.matched",
        "guess_matched",
    ] {
        assert!(EventType::named(other).is_none(), "{other}");
    }
}

#[test]
fn the_base_fields_follow_from_the_category() {
    for event_type in EventType::all() {
        let example = &examples()[event_type.name];
        let is_observation = event_type.classes == [EventClass::Observation];
        let is_of_a_game = event_type.categories == [StreamCategory::Game];
        assert_eq!(example.get("round_number").is_some(), is_of_a_game);
        assert_eq!(!event_type.modes.is_empty(), is_of_a_game);
        let is_log = event_type.categories[0] == StreamCategory::Gamelog;
        assert_eq!(is_log, is_observation, "{}", event_type.name);
        let required = event_type.schema()["required"].to_string();
        assert_eq!(required.contains("\"game_id\""), is_of_a_game);
        assert!(!required.contains("\"guild_id\""));
        assert!(required.contains("\"timestamp\""));
    }
}

#[test]
fn only_observations_and_the_archiving_leave_the_state_alone() {
    let types = EventType::all().iter();
    let idle: Vec<&str> = types
        .filter(|event_type| !event_type.changes_state())
        .map(|event_type| event_type.name)
        .collect();
    let (first, observations) = idle.split_first().unwrap();
    assert_eq!(*first, "game_archived");
    assert_eq!(observations.len(), 10);
    let joined = EventType::named("player_joined").unwrap();
    assert_eq!(joined.classes, [EventClass::Lobby, EventClass::State]);
    let quarantined = EventType::named("event_quarantined").unwrap();
    let names = quarantined
        .categories
        .iter()
        .map(|category| category.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["gamelog", "botlog"]);
}

#[test]
fn the_modes_of_a_type_are_those_it_is_made_for() {
    let modes = |name| EventType::named(name).unwrap().modes;
    assert_eq!(modes("guess_processed").len(), 5);
    assert_eq!(modes("round_ended"), [GameMode::TwoPlayer]);
    assert_eq!(
        modes("race_time_warning"),
        [GameMode::Race, GameMode::GolfRace]
    );
    assert!(!modes("team_eliminated").contains(&GameMode::TwoPlayer));
    assert!(modes("team_created").is_empty());
}

#[test]
fn every_type_is_described() {
    for event_type in EventType::all() {
        let description = event_type.description();
        assert!(description.ends_with('.'), "{}", event_type.name);
        assert!(description.len() > 15, "{}", event_type.name);
    }
}
