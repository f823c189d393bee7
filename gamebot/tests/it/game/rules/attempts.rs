//! Attempts, words, and who makes them.

use gamebot::game::Rule;
use serde_json::{Value, json};

use super::{Case, case, changed, edited, play};
use crate::game::table::Table;

fn knockout() -> Table {
    let config = json!({ "max_guesses": 3, "round_time_limit_seconds": 120 });
    play(Table::new("knockout", 3, config), |table| {
        table.start().round();
    })
}

fn missed() -> Table {
    play(knockout(), |table| {
        table.miss(0).miss(0);
    })
}

fn golf() -> Table {
    play(Table::new("golf_race", 2, json!({})), |table| {
        table.start().round();
    })
}

fn words(left: &str, right: &str) -> [String; 2] {
    [left.to_owned(), right.to_owned()]
}

pub(super) fn cases() -> Vec<Case> {
    let parts = [
        team_cases(),
        player_cases(),
        presence_cases(),
        counter_cases(),
        result_cases(),
        limit_cases(),
        word_cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn team_cases() -> Vec<Case> {
    vec![
        changed(
            Rule::R19,
            "invalid_team",
            &missed(),
            "guess_processed",
            |data| {
                data["team_id"] = json!("nobody");
            },
        ),
        case(
            Rule::R19,
            "team_eliminated",
            &play(knockout(), |table| {
                table.out(0, "forfeit").miss(0);
            }),
            &play(knockout(), |table| {
                table.out(0, "forfeit").miss(1);
            }),
        ),
        case(
            Rule::R21,
            "already_matched",
            &play(knockout(), |table| {
                table.hit(0, 1).miss(0);
            }),
            &play(knockout(), |table| {
                table.hit(0, 1).miss(1);
            }),
        ),
        case(
            Rule::R21,
            "already_matched",
            &play(golf(), |table| {
                table.hit(0, 4).begin(0);
            }),
            &play(golf(), |table| {
                table.hit(0, 4).close(0).own_round(0).begin(0);
            }),
        ),
    ]
}

fn player_cases() -> Vec<Case> {
    let abandoned = play(knockout(), |table| {
        table.abandon(0, "timeout");
    });
    let player = |table: &Table, event_type: &str, change: fn(&mut Value)| {
        changed(Rule::R20, "invalid_player", table, event_type, change)
    };
    vec![
        changed(
            Rule::R20,
            "same_player",
            &missed(),
            "guess_processed",
            |data| {
                data["player2_id"] = data["player1_id"].clone();
            },
        ),
        player(&missed(), "guess_processed", |data| {
            data["player2_id"] = json!("1");
        }),
        player(&abandoned, "guess_abandoned", |data| {
            data["player1_id"] = json!("1");
            data["last_guess"]["player_id"] = json!("1");
        }),
        player(&abandoned, "guess_abandoned", |data| {
            data["abandoning_player_id"] = json!("1");
        }),
        player(&abandoned, "guess_abandoned", |data| {
            data["last_guess"]["player_id"] = data["abandoning_player_id"].clone();
        }),
        // The order of the two players may differ from that of the roster.
        case(
            Rule::R20,
            "same_player",
            &play(knockout(), |table| {
                table.begin(0).begin(0);
            }),
            &play(knockout(), |table| {
                table.begin(0).miss(0).begin(0).begin(1);
            }),
        ),
        changed(
            Rule::R20,
            "invalid_player",
            &play(knockout(), |table| {
                table.wait(5).begin(0).miss(0);
            }),
            "guess_processed",
            |data| {
                let first = data["player1_id"].take();
                data["player1_id"] = data["player2_id"].take();
                data["player2_id"] = first;
            },
        ),
        changed(
            Rule::R20,
            "invalid_player",
            &play(Table::new("race", 2, json!({})), |table| {
                table.start().round().abandon(0, "gave_up").restart(0);
            }),
            "round_restarted",
            |data| data["giving_up_player"] = json!("1"),
        ),
        player(&knockout(), "round_started", |data| {
            let states = data["team_states"].as_object_mut().unwrap();
            for state in states.values_mut() {
                state["active_players"] = json!(["1"]);
            }
        }),
    ]
}

fn presence_cases() -> Vec<Case> {
    let left = || {
        play(knockout(), |table| {
            table.leave(0, 1);
        })
    };
    let absent =
        |broken: &Table, lawful: &Table| case(Rule::R20, "player_not_in_game", broken, lawful);
    let lobby = |joins: usize| {
        play(Table::new("knockout", 2, json!({})), |table| {
            table.created();
            for _ in 0..joins {
                let at = table.events[0].data()["timestamp"].clone();
                let own = json!({ "player_id": "8", "username": "owl", "joined_at": at });
                table.write("player_joined", 1, own);
            }
        })
    };
    vec![
        absent(
            &play(left(), |table| {
                table.miss(0);
            }),
            &play(left(), |table| {
                table.rejoin(0, 1).miss(0);
            }),
        ),
        absent(
            &play(left(), |table| {
                table.leave(0, 1);
            }),
            &play(left(), |table| {
                table.leave(0, 0);
            }),
        ),
        // The one who stays may still be the one whose partner left.
        absent(
            &play(left(), |table| {
                table.miss(0);
            }),
            &play(left(), |table| {
                table.abandon(0, "player_quit");
            }),
        ),
        case(
            Rule::R20,
            "invalid_player",
            &play(knockout(), |table| {
                table.rejoin(0, 1);
            }),
            &play(left(), |table| {
                table.rejoin(0, 1);
            }),
        ),
        changed(
            Rule::R20,
            "invalid_player",
            &play(left(), |table| {
                table.rejoin(0, 1);
            }),
            "player_joined",
            |data| data["rejoin"] = json!(false),
        ),
        changed(
            Rule::R20,
            "invalid_player",
            &left(),
            "player_left",
            |data| {
                data["team_id"] = Value::Null;
            },
        ),
        case(Rule::R20, "invalid_player", &lobby(2), &lobby(1)),
    ]
}

fn counter_cases() -> Vec<Case> {
    let counter = |table: &Table, event_type: &str, change: fn(&mut Value)| {
        changed(Rule::R22, "counter_mismatch", table, event_type, change)
    };
    let abandoned = play(missed(), |table| {
        table.abandon(1, "timeout");
    });
    let begun = play(knockout(), |table| {
        table.wait(30).begin(0).miss(0);
    });
    vec![
        counter(&missed(), "guess_processed", |data| {
            data["guess_count"] = json!(1);
        }),
        counter(&missed(), "guess_processed", |data| {
            data["round_guess_count"] = json!(3);
        }),
        counter(&missed(), "guess_processed", |data| {
            data["total_guesses"] = json!(3);
        }),
        counter(&abandoned, "guess_abandoned", |data| {
            data["guess_count"] = json!(2);
        }),
        counter(&abandoned, "guess_abandoned", |data| {
            data["round_guess_count"] = json!(2);
        }),
        counter(&abandoned, "guess_abandoned", |data| {
            data["total_guesses"] = json!(2);
        }),
        // Longer than the words took, shorter than the attempt before, longer than the round.
        counter(&missed(), "guess_processed", |data| {
            data["guess_duration"] = json!(11_500);
        }),
        counter(&missed(), "guess_processed", |data| {
            data["guess_duration"] = json!(5_999);
            data["player1_duration"] = json!(5_999);
            data["player2_duration"] = json!(5_999);
        }),
        counter(&missed(), "guess_processed", |data| {
            data["guess_duration"] = json!(12_001);
            data["player2_duration"] = json!(12_001);
        }),
        counter(&abandoned, "guess_abandoned", |data| {
            data["guess_duration"] = json!(60_000);
        }),
        counter(&begun, "guess_processed", |data| {
            data["player1_duration"] = json!(2);
        }),
        // What was not measured may be the greater of the two, and the attempt takes no less than what was.
        Case {
            rule: Rule::R22,
            code: "counter_mismatch",
            broken: edited(&missed(), "guess_processed", |data| {
                data["player1_duration"] = json!(11_001);
                data["player2_duration"] = Value::Null;
            })
            .recover(),
            lawful: edited(&missed(), "guess_processed", |data| {
                data["player1_duration"] = json!(7_000);
                data["player2_duration"] = Value::Null;
            })
            .recover(),
        },
        case(
            Rule::R22,
            "counter_mismatch",
            &play(Table::new("race", 2, json!({})), |table| {
                table.start().round().abandon(0, "gave_up").restart(0);
                table.seats[0].chain = 1;
                table.miss(0);
            }),
            &play(Table::new("race", 2, json!({})), |table| {
                table
                    .start()
                    .round()
                    .abandon(0, "gave_up")
                    .restart(0)
                    .miss(0);
            }),
        ),
    ]
}

fn result_cases() -> Vec<Case> {
    let score = |table: &Table, value: Value| {
        changed(
            Rule::R23,
            "invalid_match_score",
            table,
            "guess_processed",
            |data| {
                data["match_score"] = value;
            },
        )
    };
    let matched = play(knockout(), |table| {
        table.hit(0, 1);
    });
    let golfed = |score: i32| {
        play(golf(), |table| {
            table.hit(0, score);
        })
    };
    let attempt = |left: &str, right: &str, score: Option<i32>| {
        play(knockout(), |table| {
            table.attempt(0, &words(left, right), score);
        })
    };
    vec![
        score(&matched, Value::Null),
        score(&matched, json!(0)),
        score(&missed(), json!(0)),
        score(&golfed(0), json!(5)),
        score(&golfed(4), json!(-1)),
        case(
            Rule::R24,
            "result_mismatch",
            &attempt("shore", "shore", None),
            &attempt("shores", "shore", Some(1)),
        ),
        case(
            Rule::R24,
            "result_mismatch",
            &attempt("shore", "SHORE", None),
            &attempt("shore", "SHORE", Some(1)),
        ),
        case(
            Rule::R24,
            "result_mismatch",
            &attempt("ÜBUNG", "übung", None),
            &attempt("übung", "uebung", None),
        ),
    ]
}

fn limit_cases() -> Vec<Case> {
    let failed = || {
        play(missed(), |table| {
            table.miss(0);
        })
    };
    let missing = |broken: &Table| {
        let lawful = play(failed(), |table| {
            table
                .miss(1)
                .out(0, "max_guesses")
                .hit(1, 1)
                .hit(2, 1)
                .knockout_end();
        });
        case(Rule::R25, "missing_elimination", broken, &lawful)
    };
    let alone = |attempts: usize| {
        play(knockout(), |table| {
            table.out(1, "forfeit").out(2, "forfeit");
            for _ in 0..attempts {
                table.miss(0);
            }
        })
    };
    vec![
        missing(&play(failed(), |table| {
            table.begin(0);
        })),
        missing(&play(failed(), |table| {
            table.hit(1, 1).hit(2, 1).knockout_end();
        })),
        // Where no rival is left, nobody has to be eliminated, and the limit remains.
        case(Rule::R25, "guess_limit_exceeded", &alone(4), &alone(3)),
    ]
}

fn word_cases() -> Vec<Case> {
    let config = json!({ "forbidden_words_limit": 2, "max_guesses": 9 });
    let used = |later: usize| {
        play(Table::new("knockout", 2, config.clone()), |table| {
            table
                .start()
                .round()
                .attempt(0, &words("moth", "lamp"), None);
            for _ in 0..later {
                table.miss(0);
            }
            table.attempt(0, &words("MOTH", "light"), None);
        })
    };
    let current = |word: &str| {
        play(knockout(), |table| {
            table.attempt(0, &words(word, "light"), None);
        })
    };
    vec![
        case(Rule::R26, "word_forbidden", &used(1), &used(2)),
        case(
            Rule::R26,
            "word_forbidden",
            &current("omega"),
            &current("sigma"),
        ),
    ]
}
