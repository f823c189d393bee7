//! What the figures make of streams that break the rules, and of events that are no play.

use gamebot::statistics::Changes;
use serde_json::{Value, json};

use super::story::{Story, at};

fn nothing() -> Value {
    json!({})
}

#[test]
fn after_its_end_nothing_of_a_game_changes() {
    let mut story = Story::new("two_player", &["a"]);
    story.round(1, 0, &["a"]);
    story.completed(5, &["a"], &[]);
    let rows = story.tables.clone();
    assert_eq!(story.guess(9_000, 9_000, &nothing()), Changes::default());
    assert_eq!(story.round(2, 9_000, &["a"]), Changes::default());
    assert_eq!(story.tables, rows);
}

#[test]
fn an_attempt_of_a_team_that_does_not_play_is_a_row_and_no_more() {
    let mut story = Story::new("race", &["a"]);
    let changes = story.matched(1_000, 1_000, &json!({"team_id": "x"}));
    assert_eq!((changes.guesses.len(), changes.rounds.len()), (1, 0));
    assert_eq!(changes.guesses[0].attempt_ms, None);
    story.matched(2_000, 2_000, &nothing());
    let sequence: Vec<i32> = story
        .tables
        .guesses
        .iter()
        .map(|row| row.sequence)
        .collect();
    assert_eq!(sequence, [1, 2]);
    assert_eq!(story.completed(5, &[], &[]).teams[0].matches, 1);
}

#[test]
fn a_round_that_never_started_starts_with_its_first_attempt() {
    let mut story = Story::new("race", &["a"]);
    story.guess(3_000, 3_000, &json!({"round_number": 4}));
    assert_eq!(story.row(4, "a").started_at, at(3_000));
    assert_eq!(story.attempt_ms(), [Some(3_000)]);
}

#[test]
fn a_player_and_a_team_count_once_whatever_the_roster_says() {
    let mut story = Story::untold("race");
    story.tell(
        "game_started",
        0,
        json!({
            "teams": {"a": ["1", "2"], "b": ["2", "3", "4"], "c": ["5", "6"]},
            "team_ids": ["a", "b", "a", "nobody"], "player_ids": ["1", "2", "3", "5"],
            "config": {}, "started_at": at(0),
        }),
    );
    // The roster is frozen, so a second start changes nothing.
    story.tell(
        "game_started",
        0,
        json!({
            "teams": {"z": ["8", "9"]}, "team_ids": ["z"], "player_ids": ["8", "9"],
            "config": {}, "started_at": at(0),
        }),
    );
    let result = story.completed(5, &["a"], &[]);
    let teams: Vec<_> = result
        .teams
        .iter()
        .map(|team| (team.team_id.as_str(), team.player_ids.len()))
        .collect();
    assert_eq!(teams, [("a", 2), ("b", 1), ("nobody", 0)]);
    let players: Vec<_> = result
        .players
        .iter()
        .map(|player| {
            (
                player.user_id.as_str(),
                player.partner_id.as_deref(),
                player.won,
            )
        })
        .collect();
    assert_eq!(
        players,
        [
            ("1", Some("2"), true),
            ("2", Some("1"), true),
            ("3", None, false)
        ]
    );
}

#[test]
fn all_schema_versions_are_kept_by_type_in_order() {
    let mut story = Story::new("race", &["a"]);
    for (event_type, version) in [("b", 3), ("a", 1), ("b", 1), ("b", 3), ("b", 2)] {
        story.figures.note_stored(event_type, version);
    }
    let versions = story.completed(5, &[], &[]).schema_versions;
    let expected = [("a".to_owned(), vec![1]), ("b".to_owned(), vec![1, 2, 3])];
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_second_match_in_a_round_is_a_match_but_no_second_round() {
    let mut story = Story::new("race", &["a"]);
    story.round(1, 0, &["a"]);
    story.matched(2_000, 2_000, &nothing());
    story.matched(9_000, 9_000, &nothing());
    assert_eq!(story.row(1, "a").matches, 2);
    assert_eq!(story.row(1, "a").finished_at, Some(at(2_000)));
    let result = story.completed(180, &["a"], &[]);
    let team = &result.teams[0];
    assert_eq!(
        (team.matches, team.round_count, team.round_ms_sum),
        (2, 1, 2_000)
    );
}
