//! Rounds, pauses, and the clock of a race.

use gamebot::game::Rule;
use serde_json::json;

use super::{Case, case, changed, play, up_to};
use crate::game::{by_hand, table::Table};

fn knockout() -> Table {
    let config = json!({ "max_guesses": 3, "round_time_limit_seconds": 120 });
    play(Table::new("knockout", 3, config), |table| {
        table.start().round();
    })
}

fn race() -> Table {
    play(
        Table::new("race", 2, json!({ "time_limit_seconds": 90 })),
        |table| {
            table.start().round();
        },
    )
}

fn golf() -> Table {
    play(Table::new("golf_race", 2, json!({})), |table| {
        table.start().round();
    })
}

fn two_player() -> Table {
    play(Table::new("two_player", 1, json!({})), |table| {
        table.start().round();
    })
}

pub(super) fn cases() -> Vec<Case> {
    let parts = [
        start_cases(),
        give_up_cases(),
        number_cases(),
        winner_cases(),
        closing_cases(),
        pause_cases(),
        clock_cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn start_cases() -> Vec<Case> {
    let solved = |table: Table| {
        play(table, |table| {
            table.hit(0, 1).close(0);
        })
    };
    vec![
        changed(
            Rule::R13,
            "round_number_gap",
            &play(solved(two_player()), |table| {
                table.round();
            }),
            "round_started",
            |data| data["round_number"] = json!(3),
        ),
        changed(
            Rule::R13,
            "round_number_gap",
            &play(solved(race()), |table| {
                table.own_round(0);
            }),
            "round_started",
            |data| data["round_number"] = json!(3),
        ),
        case(
            Rule::R14,
            "round_already_active",
            &play(two_player(), |table| {
                table.round();
            }),
            &play(solved(two_player()), |table| {
                table.round();
            }),
        ),
        case(
            Rule::R14,
            "round_already_active",
            &play(race(), |table| {
                table.own_round(0);
            }),
            &play(solved(race()), |table| {
                table.own_round(0);
            }),
        ),
        changed(
            Rule::R15,
            "team_states_mismatch",
            &knockout(),
            "round_started",
            |data| {
                let states = data["team_states"].as_object_mut().unwrap();
                let team = states.keys().next().unwrap().clone();
                states.remove(&team);
            },
        ),
        case(
            Rule::R15,
            "team_states_mismatch",
            &play(solved(race()), |table| {
                table.hit(1, 1).close(1).round();
            }),
            &play(solved(race()), |table| {
                table.hit(1, 1).close(1).own_round(1).own_round(0);
            }),
        ),
    ]
}

fn give_up_cases() -> Vec<Case> {
    vec![
        case(
            Rule::R14,
            "round_already_active",
            &play(race(), |table| {
                table.abandon(0, "timeout").restart(0);
            }),
            &play(race(), |table| {
                table.abandon(0, "gave_up").miss(1).restart(0);
            }),
        ),
        case(
            Rule::R14,
            "round_already_active",
            &play(race(), |table| {
                table.abandon(0, "gave_up").miss(0);
            }),
            &play(race(), |table| {
                table.abandon(0, "gave_up").restart(0).miss(0);
            }),
        ),
        // The words after a give-up that got none may also be a chain of their own.
        case(
            Rule::R14,
            "round_already_active",
            &play(race(), |table| {
                table.abandon(0, "gave_up");
                table.seats[0].chain = 0;
                table.miss(0).miss(0);
            }),
            &play(race(), |table| {
                table.abandon(0, "gave_up").restart(0).miss(0).miss(0);
            }),
        ),
        case(
            Rule::R14,
            "round_already_active",
            &play(
                Table::new("race", 2, json!({ "allow_give_up": false })),
                |table| {
                    table.start().round().abandon(0, "gave_up");
                },
            ),
            &play(
                Table::new("race", 2, json!({ "allow_give_up": true })),
                |table| {
                    table.start().round().abandon(0, "gave_up");
                },
            ),
        ),
    ]
}

fn number_cases() -> Vec<Case> {
    let numbered = |table: &Table, event_type: &str, number: i32| {
        changed(Rule::R16, "wrong_round_number", table, event_type, |data| {
            data["round_number"] = json!(number);
        })
    };
    let advanced = play(race(), |table| {
        table
            .hit(0, 1)
            .close(0)
            .own_round(0)
            .miss(1)
            .until(60)
            .warn(30)
            .pause();
    });
    vec![
        numbered(
            &play(two_player(), |table| {
                table.miss(0);
            }),
            "guess_processed",
            2,
        ),
        numbered(
            &play(knockout(), |table| {
                table.begin(0);
            }),
            "guess_started",
            2,
        ),
        numbered(&advanced, "guess_processed", 2),
        numbered(&advanced, "race_time_warning", 1),
        numbered(&advanced, "game_paused", 1),
        numbered(
            &up_to(by_hand::two_player(), "round_completed"),
            "round_completed",
            1,
        ),
        numbered(
            &up_to(by_hand::knockout(), "knockout_round_completed"),
            "knockout_round_completed",
            1,
        ),
        numbered(&by_hand::knockout(), "game_completed", 1),
        numbered(&by_hand::race(), "game_completed", 1),
        numbered(
            &play(Table::new("race", 2, json!({})), |table| {
                table.created();
            }),
            "game_created",
            2,
        ),
    ]
}

/// Rounds that are closed with a winner, and were not solved.
fn winner_cases() -> Vec<Case> {
    vec![
        case(
            Rule::R17,
            "round_not_active",
            &play(two_player(), |table| {
                table.miss(0).close(0);
            }),
            &play(two_player(), |table| {
                table.miss(0).hit(0, 1).close(0);
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(race(), |table| {
                table.abandon(0, "timeout").close(0);
            }),
            &play(race(), |table| {
                table.abandon(0, "timeout").hit(0, 1).close(0);
            }),
        ),
    ]
}

fn closing_cases() -> Vec<Case> {
    let ended = |table: &mut Table, outcome: &str| {
        let own = json!({ "winners": [], "outcome": outcome });
        table.write("round_ended", 1, own);
    };
    vec![
        case(
            Rule::R17,
            "round_not_active",
            &play(two_player(), |table| {
                table.hit(0, 1).close(0).close(0);
            }),
            &play(two_player(), |table| {
                table.hit(0, 1).close(0);
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(two_player(), |table| {
                table.hit(0, 1);
                ended(table, "skipped");
            }),
            &play(two_player(), |table| {
                table.miss(0);
                ended(table, "skipped");
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(race(), |table| {
                table.hit(0, 1).close(0).close(0);
            }),
            &play(race(), |table| {
                table.hit(0, 1).hit(1, 1).close(0).close(1);
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(knockout(), |table| {
                table.hit(0, 1).close(0);
            }),
            &play(knockout(), |table| {
                table.hit(0, 1).hit(1, 1).hit(2, 1).knockout_end();
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(knockout(), |table| {
                table
                    .hit(0, 1)
                    .hit(1, 1)
                    .hit(2, 1)
                    .knockout_end()
                    .knockout_end();
            }),
            &play(knockout(), |table| {
                table.hit(0, 1).hit(1, 1).hit(2, 1).knockout_end().round();
            }),
        ),
        case(
            Rule::R17,
            "round_not_active",
            &play(by_hand::longform(), |table| {
                table.events.truncate(5);
                table.day_end();
            }),
            &play(by_hand::longform(), |table| table.events.truncate(5)),
        ),
        case(
            Rule::R18,
            "guess_outside_round",
            &play(two_player(), |table| {
                table.hit(0, 1).close(0).begin(0);
            }),
            &play(two_player(), |table| {
                table.hit(0, 1).close(0).round().begin(0);
            }),
        ),
        case(
            Rule::R18,
            "guess_outside_round",
            &play(race(), |table| {
                table.hit(0, 1).close(0).miss(0);
            }),
            &play(race(), |table| {
                table.hit(0, 1).close(0).miss(1);
            }),
        ),
    ]
}

fn pause_cases() -> Vec<Case> {
    let paused = |seconds: i64| {
        play(two_player(), |table| {
            table.pause().wait(seconds);
        })
    };
    vec![
        case(
            Rule::R29,
            "invalid_game_state",
            &play(paused(5), |table| {
                table.pause();
            }),
            &play(paused(5), |table| {
                table.resume(5).pause();
            }),
        ),
        case(
            Rule::R29,
            "invalid_game_state",
            &play(two_player(), |table| {
                table.resume(0);
            }),
            &play(paused(0), |table| {
                table.resume(0);
            }),
        ),
        changed(
            Rule::R29,
            "invalid_game_state",
            &play(paused(5), |table| {
                table.resume(5).miss(0);
            }),
            "game_resumed",
            |data| data["paused_duration"] = json!(6),
        ),
        case(
            Rule::R30,
            "game_paused",
            &play(paused(5), |table| {
                table.miss(0).miss(0);
            }),
            &play(paused(5), |table| {
                table
                    .leave(0, 1)
                    .rejoin(0, 1)
                    .observe()
                    .resume(5)
                    .miss(0)
                    .miss(0);
            }),
        ),
        case(
            Rule::R30,
            "game_paused",
            &play(paused(5), |table| {
                table.hit(0, 1);
            }),
            &play(paused(5), |table| {
                table.abort();
            }),
        ),
    ]
}

fn clock_cases() -> Vec<Case> {
    let expired = || {
        play(race(), |table| {
            table.hit(1, 1).until(90).expire();
        })
    };
    let broken =
        |table: &Table, lawful: &Table| case(Rule::R31, "round_time_expired", table, lawful);
    // A second of the pause is forgiven, because its events do not tell its length exactly.
    let paused_for = |seconds: i64| {
        play(race(), |table| {
            table
                .until(10)
                .pause()
                .until(10 + seconds)
                .resume(seconds)
                .until(100)
                .expire();
        })
    };
    vec![
        broken(
            &play(expired(), |table| {
                table.miss(0);
            }),
            &play(race(), |table| {
                table.miss(0).until(90).expire();
            }),
        ),
        broken(
            &play(expired(), |table| {
                table.own_round(0);
            }),
            &play(race(), |table| {
                table.hit(0, 1).close(0).own_round(0).until(90).expire();
            }),
        ),
        broken(
            &play(expired(), |table| {
                table.expire();
            }),
            &expired(),
        ),
        broken(
            &play(expired(), |table| {
                table.warn(5);
            }),
            &expired(),
        ),
        broken(
            &play(golf(), |table| {
                table.hit(0, 4).until(180).expire().points(0, 4);
            }),
            &play(golf(), |table| {
                table.hit(0, 4).points(0, 4).until(180).expire();
            }),
        ),
        broken(
            &play(race(), |table| {
                table.until(89).expire();
            }),
            &play(race(), |table| {
                table.until(90).expire();
            }),
        ),
        broken(&paused_for(12), &paused_for(11)),
        broken(
            &play(
                Table::new("race", 2, json!({ "time_limit_seconds": 90 })),
                |table| {
                    table.start().until(90).expire();
                },
            ),
            &play(race(), |table| {
                table.until(90).expire();
            }),
        ),
    ]
}
