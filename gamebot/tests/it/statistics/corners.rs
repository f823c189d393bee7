//! The corners of the figures of one game.

use gamebot::{
    event::EliminationReason,
    statistics::{BestRound, Changes, GuessOutcome, ModeFigures},
};
use serde_json::{Value, json};

use super::story::{Story, at};

fn nothing() -> Value {
    json!({})
}

#[test]
fn an_attempt_takes_the_difference_to_the_previous_one_if_both_are_known_and_in_order() {
    let mut story = Story::new("two_player", &["a"]);
    story.round(1, 0, &["a"]);
    story.guess(5_000, 5_000, &nothing());
    story.guess(9_000, 9_000, &nothing());
    story.abandoned(10_000, None, &nothing());
    story.guess(15_000, 15_000, &nothing());
    story.guess(16_000, 14_999, &nothing());
    story.abandoned(17_000, Some(16_999), &nothing());
    story.round(2, 20_000, &["a"]);
    story.guess(23_000, 3_000, &json!({"round_number": 2}));
    let expected = [
        Some(5_000),
        Some(4_000),
        None,
        None,
        None,
        Some(2_000),
        Some(3_000),
    ];
    assert_eq!(story.attempt_ms(), expected);
}

#[test]
fn a_response_is_left_out_when_it_is_unknown_or_negative_and_counts_when_it_is_zero() {
    let mut story = Story::new("two_player", &["a"]);
    story.round(1, 0, &["a"]);
    let durations = |first: Value, second: Value| json!({"player1_duration": first, "player2_duration": second});
    story.guess(5_000, 5_000, &durations(json!(4_000), json!(5_000)));
    story.guess(9_000, 9_000, &durations(json!(5_000), json!(9_000)));
    story.guess(9_500, 9_500, &durations(json!(8_999), json!(null)));
    story.abandoned(9_900, None, &nothing());
    story.guess(9_990, 9_990, &durations(json!(9_980), json!(9_990)));
    let result = story.completed(10, &[], &[]);
    let responses: Vec<(i64, i32)> = result
        .players
        .iter()
        .map(|player| (player.response_ms_sum, player.response_count))
        .collect();
    assert_eq!(responses, [(4_000, 2), (5_000 + 4_000, 2)]);
}

#[test]
fn the_words_of_an_abandoned_attempt_are_those_that_arrived() {
    let mut story = Story::new("race", &["a"]);
    story.round(1, 0, &["a"]);
    let sent = json!({"player_id": "2", "word": "tornado", "timestamp": at(1)});
    let change = json!({"last_guess": sent, "abandoning_player_id": "1"});
    story.abandoned(5_000, Some(5_000), &change);
    let row = &story.tables.guesses[0];
    assert_eq!(
        (row.player1_word.as_deref(), row.player2_word.as_deref()),
        (None, Some("tornado"))
    );
    assert_eq!(
        (row.outcome, row.match_score),
        (GuessOutcome::Abandoned, None)
    );
    let result = story.completed(10, &[], &[]);
    let abandoned: Vec<i32> = result
        .players
        .iter()
        .map(|player| player.abandoned)
        .collect();
    assert_eq!(abandoned, [1, 0]);
}

#[test]
fn who_gave_up_can_still_have_a_perfect_round() {
    let mut story = Story::new("race", &["a", "b"]);
    story.round(1, 0, &["a", "b"]);
    story.guess(2_000, 2_000, &nothing());
    story.abandoned(5_000, Some(5_000), &json!({"reason": "gave_up"}));
    let restart = json!({"team_id": "a", "giving_up_player": "2", "guess_count": 2});
    assert_eq!(
        story.tell("round_restarted", 5_010, restart),
        Changes::default()
    );
    story.matched(8_000, 8_000, &json!({"guess_count": 1}));
    let row = story.row(1, "a");
    assert_eq!(
        (row.attempts, row.matches, row.abandoned, row.perfect),
        (3, 1, 1, true)
    );
    assert_eq!(
        story.attempt_ms()[2],
        Some(3_000),
        "giving up does not start the round again"
    );
    let result = story.completed(180, &["a"], &[]);
    let player = &result.players[0];
    assert_eq!((player.best_match, player.perfect_rounds), (Some(1), 1));
    assert_eq!(result.teams[0].perfect_rounds, 1);
    assert_eq!(result.teams[1].average_guesses, None);
}

#[test]
fn a_round_ends_for_a_team_at_its_match_its_elimination_or_the_close() {
    let mut story = Story::new("knockout", &["a", "b", "c"]);
    let opened = story.round(1, 1_000, &["a", "b", "c"]);
    assert!(
        opened
            .rounds
            .iter()
            .all(|row| row.finished_at.is_none() && row.attempts == 0)
    );
    story.matched(5_000, 4_000, &nothing());
    story.eliminated(7_000, "b", 1);
    let close = json!({"eliminated_teams": [], "advancing_teams": [], "round_duration": 8});
    let closed = story.tell("knockout_round_completed", 9_000, close);
    assert_eq!(
        closed.rounds.len(),
        1,
        "only the round that still went on changes"
    );
    let ends = |team: &str| {
        (
            story.row(1, team).finished_at,
            story.row(1, team).duration_ms,
        )
    };
    assert_eq!(ends("a"), (Some(at(5_000)), Some(4_000)));
    assert_eq!(ends("b"), (Some(at(7_000)), Some(6_000)));
    assert_eq!(ends("c"), (Some(at(9_000)), Some(8_000)));
    let result = story.completed(10, &["a"], &[]);
    assert_eq!(
        result.teams[1].eliminated,
        Some(EliminationReason::RoundLoss)
    );
    let sums: Vec<(i64, i32)> = result
        .teams
        .iter()
        .map(|team| (team.round_ms_sum, team.round_count))
        .collect();
    assert_eq!(
        sums,
        [(4_000, 1), (0, 0), (0, 0)],
        "a round without a match is in no mean"
    );
}

#[test]
fn the_end_of_the_time_of_a_race_ends_the_open_rounds() {
    let mut story = Story::new("race", &["a", "b"]);
    story.round(1, 0, &["a", "b"]);
    let expired = json!({"final_matches": {}, "game_duration": 180});
    let changes = story.tell("race_mode_time_expired", 180_000, expired);
    let durations: Vec<_> = changes.rounds.iter().map(|row| row.duration_ms).collect();
    assert_eq!(durations, [Some(180_000), Some(180_000)]);
}

#[test]
fn a_round_without_a_winner_ends_with_its_close() {
    let mut story = Story::new("two_player", &["a"]);
    story.round(1, 0, &["a"]);
    let ended = story.tell(
        "round_ended",
        4_000,
        json!({"winners": [], "outcome": "skipped"}),
    );
    assert_eq!(ended.rounds[0].duration_ms, Some(4_000));
    let result = story.completed(5, &[], &[("a", 0, 0, 0)]);
    let ModeFigures::TwoPlayer(figures) = result.mode_figures else {
        panic!("another mode")
    };
    assert!(!figures.succeeded, "nobody has won");
    assert_eq!(
        (figures.failed_attempts, figures.average_attempt_ms),
        (0, None)
    );
}

#[test]
fn pauses_are_not_in_the_duration_of_a_round() {
    let mut story = Story::new("two_player", &["a"]);
    let pause = |story: &mut Story, from, to| {
        story.tell("game_paused", from, json!({"reason": "admin"}));
        story.tell("game_resumed", to, json!({"paused_duration": 0}));
    };
    pause(&mut story, 100, 600);
    story.round(1, 1_000, &["a"]);
    pause(&mut story, 2_000, 3_000);
    pause(&mut story, 4_000, 6_500);
    story.matched(9_000, 4_500, &nothing());
    assert_eq!(story.row(1, "a").duration_ms, Some(8_000 - 3_500));
    story.round(2, 10_000, &["a"]);
    story.tell("game_paused", 11_000, json!({"reason": "admin"}));
    story.tell("game_aborted", 15_000, json!({"reason": "inactivity"}));
    assert_eq!(
        story.row(2, "a").duration_ms,
        Some(1_000),
        "a pause that went on to the end"
    );
    assert_eq!(
        story.tables.result, None,
        "a game without a result counts for nobody"
    );
}

#[test]
fn points_of_a_golf_race_are_those_of_matches_less_one_for_each_giving_up() {
    let mut story = Story::new("golf_race", &["a", "b"]);
    let award = |team_id, points, reason| {
        json!({
            "team_id": team_id, "guess_count": 1, "points": points, "reason": reason,
            "total_points": 0,
        })
    };
    story.round(1, 0, &["a", "b"]);
    story.matched(1_000, 1_000, &json!({"match_score": 3}));
    story.tell("golf_race_points_awarded", 1_001, award("a", 3, "match"));
    story.round(2, 2_000, &["a"]);
    story.abandoned(
        3_000,
        Some(1_000),
        &json!({"reason": "gave_up", "round_number": 2}),
    );
    story.tell("golf_race_points_awarded", 3_001, award("a", -1, "give_up"));
    story.matched(4_000, 2_000, &json!({"match_score": 4, "round_number": 2}));
    story.abandoned(
        5_000,
        Some(5_000),
        &json!({"reason": "gave_up", "team_id": "b"}),
    );
    story.tell("golf_race_points_awarded", 5_001, award("b", -1, "give_up"));
    let scores: Vec<(&str, i32)> = story.figures.scores().collect();
    assert_eq!(scores, [("a", 6), ("b", -1)]);
    let result = story.completed(180, &["a"], &[("a", 6, 2, 3), ("b", -1, 0, 1)]);
    let ModeFigures::GolfRace(figures) = result.mode_figures else {
        panic!("another mode")
    };
    assert_eq!(figures.teams[0].points_per_match, Some(3.0));
    // Both rounds brought 3 points; the first took fewer attempts.
    let best = BestRound {
        round_number: 1,
        points: 3,
        attempts: 1,
    };
    assert_eq!(figures.teams[0].best_round, Some(best));
    let last = &figures.teams[1];
    assert_eq!(
        (last.points, last.points_per_match, last.best_round),
        (-1, None, None)
    );
}

#[test]
fn the_days_of_a_longform_game_are_its_rounds() {
    let mut story = Story::new("longform", &["a", "b", "c"]);
    let day = |number: i32| {
        json!({
            "day_number": number, "round_number": number, "team_standings": {},
            "eliminated_teams": [], "day_duration": 86_400,
        })
    };
    story.round(1, 0, &["a", "b", "c"]);
    story.eliminated(86_400_000, "b", 1);
    let closed = story.tell("longform_day_ended", 86_400_001, day(1));
    assert_eq!(closed.rounds.len(), 2);
    story.round(2, 86_400_010, &["a", "c"]);
    story.eliminated(172_800_000, "c", 2);
    story.tell("longform_day_ended", 172_800_001, day(2));
    let result = story.completed(172_800, &["a"], &[]);
    let ModeFigures::Longform(figures) = result.mode_figures else {
        panic!("another mode")
    };
    assert_eq!((figures.rounds_played, result.base.rounds), (2, 2));
    let out: Vec<_> = figures
        .teams
        .iter()
        .map(|team| team.elimination_round)
        .collect();
    assert_eq!(out, [None, Some(1), Some(2)]);
    let by_round: Vec<_> = figures
        .eliminations
        .iter()
        .map(|round| (round.round_number, &round.team_ids[..]))
        .collect();
    assert_eq!(
        by_round,
        [(1, &["b".to_owned()][..]), (2, &["c".to_owned()][..])]
    );
}

#[test]
fn the_totals_of_a_team_are_those_of_the_final_scores_and_else_those_counted() {
    let mut story = Story::new("race", &["a", "b"]);
    story.round(1, 0, &["a", "b"]);
    story.matched(1_000, 1_000, &nothing());
    story.matched(1_500, 1_500, &json!({"team_id": "b"}));
    let result = story.completed(0, &["a"], &[("b", 70, 20, 30)]);
    let totals: Vec<_> = result
        .teams
        .iter()
        .map(|team| (team.score, team.matches, team.guesses))
        .collect();
    assert_eq!(totals, [(1, 1, 1), (70, 20, 30)]);
    assert_eq!(result.base.total_guesses, 31);
    let ModeFigures::Race(figures) = result.mode_figures else {
        panic!("another mode")
    };
    assert_eq!(
        figures.teams[0].matches_per_minute, None,
        "no time, no matches per minute"
    );
}
