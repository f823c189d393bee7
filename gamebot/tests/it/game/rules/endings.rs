//! Eliminations and the end of the game.

use gamebot::game::Rule;
use serde_json::{Value, json};

use super::{Case, case, changed, play};
use crate::game::{by_hand, table::Table};

fn knockout() -> Table {
    let config = json!({ "max_guesses": 3, "round_time_limit_seconds": 120 });
    play(Table::new("knockout", 3, config), |table| {
        table.start().round();
    })
}

/// The game without its last event.
fn unfinished(mut table: Table) -> Table {
    table.events.pop();
    table
}

pub(super) fn cases() -> Vec<Case> {
    let parts = [
        elimination_cases(),
        last_team_cases(),
        missing_cases(),
        result_cases(),
        winner_cases(),
        end_cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn elimination_cases() -> Vec<Case> {
    let timing = |broken: &Table, lawful: &Table| {
        case(Rule::R27, "invalid_elimination_timing", broken, lawful)
    };
    let reason = |broken: &Table, lawful: &Table| {
        case(Rule::R27, "invalid_elimination_reason", broken, lawful)
    };
    let matched = || {
        play(knockout(), |table| {
            table.hit(0, 1).hit(1, 1).miss(2);
        })
    };
    let day = |mut seconds: i64, reason: &str| {
        let mut table = Table::new("longform", 3, json!({ "round_duration_seconds": 3_600 }));
        table.start().round();
        seconds -= 1;
        table.wait(seconds).out(0, reason);
        table
    };
    let forfeit_of = |mode: &'static str, reason: &str| {
        play(Table::new(mode, 2, json!({})), |table| {
            table.start().round().out(0, reason);
        })
    };
    vec![
        timing(
            &play(knockout(), |table| {
                table.out(0, "forfeit").out(1, "forfeit").out(2, "forfeit");
            }),
            &play(knockout(), |table| {
                table.out(0, "forfeit").out(1, "forfeit");
            }),
        ),
        timing(
            &play(matched(), |table| {
                table.out(2, "timeout");
            }),
            &play(matched(), |table| {
                table.wait(120).out(2, "timeout");
            }),
        ),
        timing(
            &play(matched(), |table| {
                table.out(1, "round_loss");
            }),
            &play(matched(), |table| {
                table.hit(2, 1).out(1, "round_loss");
            }),
        ),
        timing(
            &play(Table::new("knockout", 3, json!({})), |table| {
                table.start().out(0, "round_loss");
            }),
            &play(Table::new("knockout", 3, json!({})), |table| {
                table.start().out(0, "forfeit");
            }),
        ),
        timing(&day(1_800, "round_loss"), &day(3_600, "round_loss")),
        reason(
            &play(matched(), |table| {
                table.wait(120).out(0, "timeout");
            }),
            &play(matched(), |table| {
                table.wait(120).out(2, "timeout");
            }),
        ),
        reason(
            &play(matched(), |table| {
                table.miss(2).out(2, "max_guesses");
            }),
            &play(matched(), |table| {
                table.miss(2).miss(2).out(2, "max_guesses");
            }),
        ),
        reason(
            &play(matched(), |table| {
                table.out(2, "boredom");
            }),
            &play(matched(), |table| {
                table.out(2, "forfeit");
            }),
        ),
        reason(&day(3_600, "max_guesses"), &day(1_800, "forfeit")),
        reason(
            &forfeit_of("race", "timeout"),
            &forfeit_of("race", "forfeit"),
        ),
        reason(
            &forfeit_of("golf_race", "round_loss"),
            &forfeit_of("golf_race", "forfeit"),
        ),
    ]
}

/// Eliminations that would leave nobody.
fn last_team_cases() -> Vec<Case> {
    let both_failed = || {
        let config = json!({ "max_guesses": 2 });
        play(Table::new("knockout", 2, config), |table| {
            table.start().round();
            table.miss(0).miss(1).miss(0).miss(1);
        })
    };
    vec![
        // Both fail for the last time, and the second must stay since the first has to go.
        case(
            Rule::R27,
            "invalid_elimination_timing",
            &play(both_failed(), |table| {
                table.out(0, "max_guesses").out(1, "max_guesses");
            }),
            &play(both_failed(), |table| {
                table.out(0, "max_guesses").knockout_end().complete(&[1]);
            }),
        ),
        // When the time is up, nobody is out if all would be.
        case(
            Rule::R27,
            "invalid_elimination_reason",
            &play(knockout(), |table| {
                table.miss(0).miss(1).miss(2).wait(120).out(2, "timeout");
            }),
            &play(knockout(), |table| {
                table.hit(0, 1).miss(1).miss(2).wait(120).out(2, "timeout");
            }),
        ),
    ]
}

fn missing_cases() -> Vec<Case> {
    let missing =
        |broken: &Table, lawful: &Table| case(Rule::R32, "missing_events", broken, lawful);
    let without = |mut table: Table, event_type: &str| {
        table.events.retain(|event| event.event_type != event_type);
        table
    };
    vec![
        missing(
            &without(by_hand::race(), "race_mode_time_expired"),
            &by_hand::race(),
        ),
        missing(
            &without(by_hand::golf_race(), "race_mode_time_expired"),
            &by_hand::golf_race(),
        ),
        missing(
            &without(by_hand::two_player(), "two_player_result_evaluated"),
            &by_hand::two_player(),
        ),
        missing(
            &play(Table::new("knockout", 2, json!({})), |table| {
                table.start().out(0, "forfeit");
                table.round = 0;
                table.complete(&[1]);
                let last = table.events.last_mut().unwrap();
                last.edit(|data| data["total_rounds"] = json!(0));
            }),
            &play(Table::new("knockout", 2, json!({})), |table| {
                table.start().round().out(0, "forfeit").complete(&[1]);
            }),
        ),
        missing(
            &play(unfinished(by_hand::race()), |table| {
                table.archive();
            }),
            &play(by_hand::race(), |table| {
                table.archive();
            }),
        ),
    ]
}

/// The result of the first team.
fn score(data: &mut Value) -> &mut Value {
    let scores = data["final_scores"].as_object_mut().unwrap();
    scores.values_mut().next().unwrap()
}

/// The numbers of its first player.
fn stats(data: &mut Value) -> &mut Value {
    let stats = score(data)["player_stats"].as_object_mut().unwrap();
    stats.values_mut().next().unwrap()
}

fn result_cases() -> Vec<Case> {
    let game = by_hand::knockout();
    let wrong = |change: fn(&mut Value)| {
        changed(
            Rule::R33,
            "final_scores_mismatch",
            &game,
            "game_completed",
            change,
        )
    };
    vec![
        wrong(|data| score(data)["score"] = json!(7)),
        wrong(|data| score(data)["matches"] = json!(7)),
        wrong(|data| score(data)["total_guesses"] = json!(7)),
        wrong(|data| score(data)["average_guesses"] = json!(7)),
        wrong(|data| stats(data)["total_guesses"] = json!(7)),
        wrong(|data| stats(data)["successful_matches"] = json!(0)),
        wrong(|data| stats(data)["abandoned_guesses"] = json!(7)),
        wrong(|data| stats(data)["average_guess_count"] = json!(7)),
        wrong(|data| data["total_rounds"] = json!(1)),
        wrong(|data| data["game_duration"] = json!(0)),
        wrong(|data| {
            data["finished_at"] = json!("2026-02-01T12:00:00Z");
            data["game_duration"] = json!(7_200);
        }),
        wrong(|data| {
            let scores = data["final_scores"].as_object_mut().unwrap();
            let team = scores.keys().next().unwrap().clone();
            scores.remove(&team);
        }),
        case(
            Rule::R33,
            "final_scores_mismatch",
            &play(knockout(), |table| {
                table
                    .hit(0, 1)
                    .miss(1)
                    .miss(1)
                    .miss(1)
                    .out(1, "max_guesses");
                table
                    .miss(2)
                    .miss(2)
                    .miss(2)
                    .out(2, "max_guesses")
                    .complete(&[0]);
            }),
            &play(knockout(), |table| {
                table
                    .hit(0, 1)
                    .out(1, "forfeit")
                    .out(2, "forfeit")
                    .complete(&[0]);
            }),
        ),
    ]
}

fn winner_cases() -> Vec<Case> {
    let won =
        |broken: &Table, lawful: &Table| case(Rule::R33, "final_scores_mismatch", broken, lawful);
    let with_winners = |table: Table, winners: &[usize]| {
        play(unfinished(table), |table| {
            table.complete(winners);
        })
    };
    // 2 matches in 3 attempts each: the win is shared.
    let tie = |winners: &[usize]| {
        let mut table = Table::new("race", 2, json!({ "time_limit_seconds": 90 }));
        table.start().round();
        table
            .hit(0, 1)
            .close(0)
            .own_round(0)
            .miss(1)
            .hit(1, 1)
            .close(1)
            .own_round(1);
        table.miss(0).hit(0, 1).close(0).hit(1, 1).close(1);
        table.until(90).expire().complete(winners);
        table
    };
    // Equal points: fewer attempts per match decide, although the other has more matches.
    let golf = |winners: &[usize]| {
        let mut table = Table::new("golf_race", 2, json!({ "time_limit_seconds": 90 }));
        table.start().round();
        table.hit(0, 4).points(0, 4).close(0).own_round(0);
        for _ in 0..4 {
            table.miss(1);
        }
        table.hit(1, 2).points(1, 2).close(1).own_round(1);
        for _ in 0..4 {
            table.miss(1);
        }
        table.hit(1, 2).points(1, 2).close(1);
        table.until(90).expire().complete(winners);
        table
    };
    let lost = |winners: &[usize]| {
        let config = json!({ "rounds_required": 1, "success_threshold": 1.5 });
        let mut table = Table::new("two_player", 1, config);
        table
            .start()
            .round()
            .miss(0)
            .hit(0, 1)
            .close(0)
            .evaluate(1.5, 0)
            .complete(winners);
        table
    };
    // Nobody matched, and nobody lost: a shared win.
    let nobody = |winners: &[usize]| {
        let mut table = Table::new("race", 2, json!({ "time_limit_seconds": 90 }));
        table
            .start()
            .round()
            .miss(0)
            .until(90)
            .expire()
            .complete(winners);
        table
    };
    vec![
        won(
            &with_winners(by_hand::two_player(), &[]),
            &by_hand::two_player(),
        ),
        won(
            &with_winners(by_hand::knockout(), &[0]),
            &by_hand::knockout(),
        ),
        won(&with_winners(by_hand::race(), &[0, 1]), &by_hand::race()),
        won(
            &with_winners(by_hand::golf_race(), &[1]),
            &by_hand::golf_race(),
        ),
        won(
            &with_winners(by_hand::longform(), &[0, 1]),
            &by_hand::longform(),
        ),
        won(&tie(&[0]), &tie(&[1, 0])),
        won(&golf(&[1]), &golf(&[0])),
        won(&lost(&[0]), &lost(&[])),
        won(&nobody(&[]), &nobody(&[0, 1])),
    ]
}

fn end_cases() -> Vec<Case> {
    let after =
        |broken: &Table, lawful: &Table| case(Rule::R34, "event_after_completion", broken, lawful);
    let aborted = || {
        play(knockout(), |table| {
            table.miss(0).abort();
        })
    };
    vec![
        after(
            &play(by_hand::race(), |table| {
                table.observe().leave(0, 0);
            }),
            &play(by_hand::race(), |table| {
                table.observe().archive().observe();
            }),
        ),
        after(
            &play(by_hand::race(), |table| {
                table.archive().archive();
            }),
            &play(by_hand::race(), |table| {
                table.archive();
            }),
        ),
        after(
            &play(by_hand::two_player(), |table| {
                table.complete(&[0]);
            }),
            &by_hand::two_player(),
        ),
        after(
            &play(aborted(), |table| {
                table.hit(1, 1);
            }),
            &play(aborted(), |table| {
                table.archive();
            }),
        ),
    ]
}
