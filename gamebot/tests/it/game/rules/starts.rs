//! The stream as a whole, the base fields, and the start of the game.

use gamebot::game::{CausePlace, Rule};
use serde_json::{Value, json};

use super::{Case, case, changed, edited, play};
use crate::game::{
    by_hand,
    stream::Stream,
    table::{GAME_ID, Table},
};

fn lobby() -> Table {
    play(Table::new("knockout", 2, json!({})), |table| {
        table.created();
    })
}

fn started() -> Table {
    play(Table::new("knockout", 2, json!({})), |table| {
        table.start();
    })
}

pub(super) fn cases() -> Vec<Case> {
    let parts = [
        stream_cases(),
        base_cases(),
        data_cases(),
        start_cases(),
        id_cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn stream_cases() -> Vec<Case> {
    let empty = Stream {
        game_id: GAME_ID.to_owned(),
        events: Vec::new(),
    };
    let game = by_hand::two_player();
    let at = |versions: fn(usize) -> i32| game.stream().recover_at(versions);
    let whole = game.stream().recover();
    let many = |count: i32| {
        play(started(), |table| {
            for _ in 1..count {
                table.observe();
            }
        })
    };
    vec![
        Case {
            rule: Rule::R01,
            code: "no_events",
            broken: empty.recover(),
            lawful: lobby().stream().recover(),
        },
        case(
            Rule::R02,
            "invalid_stream_start",
            &play(Table::new("knockout", 2, json!({})), |table| {
                table.observe().start().round();
            }),
            &play(started(), |table| {
                table.observe().round();
            }),
        ),
        case(
            Rule::R02,
            "invalid_stream_start",
            &play(lobby(), |table| {
                table.pause().resume(0).start().round();
            }),
            &play(lobby(), |table| {
                table.start().pause().resume(0).round();
            }),
        ),
        case(
            Rule::R02,
            "invalid_stream_start",
            &play(started(), |table| {
                table.created();
            }),
            &play(lobby(), |table| {
                table.start();
            }),
        ),
        case(
            Rule::R03,
            "duplicate_game_start",
            &play(started(), |table| {
                table.start().round();
            }),
            &play(lobby(), |table| {
                table.start().round();
            }),
        ),
        Case {
            rule: Rule::R04,
            code: "version_gap",
            broken: at(|index| i32::try_from(index).unwrap() + if index > 3 { 2 } else { 1 }),
            lawful: whole.clone(),
        },
        Case {
            rule: Rule::R04,
            code: "version_order_issue",
            broken: at(|index| i32::try_from(index).unwrap() + if index > 3 { -2 } else { 1 }),
            lawful: whole,
        },
        case(Rule::R38, "stream_too_large", &many(10_003), &many(10_000)),
    ]
}

fn base_cases() -> Vec<Case> {
    let game = by_hand::two_player();
    let edit_all = |key: &str, value: &Value| {
        let mut stream = game.stream();
        for event in &mut stream.events {
            event.edit(|data| data[key] = value.clone());
        }
        stream
    };
    let earlier = |table: &Table| {
        let mut stream = table.stream();
        let before = stream.events[2].data()["timestamp"].clone();
        stream.events[3].edit(|data| data["timestamp"] = before);
        stream
    };
    vec![
        changed(
            Rule::R05,
            "invalid_event_order",
            &game,
            "game_completed",
            |data| {
                data["timestamp"] = json!("2026-02-01T10:00:00.000001Z");
                data["finished_at"] = data["timestamp"].clone();
                data["game_duration"] = json!(0);
            },
        ),
        // Equal times are fine: the event at index 3 closes the round of the one before.
        Case {
            rule: Rule::R05,
            code: "invalid_event_order",
            broken: edited(&game, "guess_abandoned", |data| {
                data["last_guess"]["timestamp"] = json!("2026-02-01T10:00:08Z");
            })
            .recover(),
            lawful: earlier(&game).recover(),
        },
        changed(
            Rule::R06,
            "game_id_mismatch",
            &game,
            "round_completed",
            |data| {
                data["game_id"] = json!("another");
            },
        ),
        Case {
            rule: Rule::R07,
            code: "guild_mismatch",
            broken: edited(&game, "game_completed", |data| {
                data["guild_id"] = Value::Null;
            })
            .recover(),
            lawful: edit_all("guild_id", &Value::Null).recover(),
        },
        changed(
            Rule::R08,
            "mode_mismatch",
            &game,
            "game_completed",
            |data| {
                data["mode"] = json!("knockout");
            },
        ),
        case(
            Rule::R08,
            "mode_mismatch",
            &play(started(), |table| {
                table.round().warn(3);
            }),
            &play(started(), |table| {
                table.round();
            }),
        ),
        case(
            Rule::R08,
            "mode_mismatch",
            &play(started(), |table| {
                table.round().abandon(0, "gave_up");
            }),
            &play(started(), |table| {
                table.round().abandon(0, "timeout");
            }),
        ),
        case(
            Rule::R08,
            "mode_mismatch",
            &play(lobby(), |table| {
                table.mode = "longform";
                table.start();
            }),
            &play(lobby(), |table| {
                table.mode = "longform";
                let own = json!({
                    "previous_mode": "knockout", "new_mode": "longform", "config": {},
                    "config_version": 2, "changed_by": "77",
                });
                table.write("game_mode_changed", 1, own).start();
            }),
        ),
    ]
}

fn data_cases() -> Vec<Case> {
    let base = || {
        play(started(), |table| {
            table.round().begin(0);
        })
    };
    let with = |change: fn(&mut Stream)| {
        let mut stream = base().stream();
        change(&mut stream);
        stream.recover()
    };
    let lawful = base().stream().recover();
    vec![
        Case {
            rule: Rule::R09,
            code: "unsupported_event_type",
            broken: with(|stream| "guess_sung".clone_into(&mut stream.events[2].event_type)),
            lawful: lawful.clone(),
        },
        Case {
            rule: Rule::R09,
            code: "unsupported_version",
            broken: with(|stream| stream.events[2].schema_version = 2),
            lawful: lawful.clone(),
        },
        case(
            Rule::R09,
            "unsupported_event_type",
            &play(base(), |table| {
                let own = json!({
                    "team_id": "t", "name": "Owls", "player_ids": ["1", "2"],
                    "created_at": "2026-02-01T10:00:00Z",
                });
                table.write("team_created", 1, own);
            }),
            &play(base(), |table| {
                table.observe();
            }),
        ),
        Case {
            rule: Rule::R10,
            code: "invalid_event_data",
            broken: with(|stream| stream.events[2].edit(|data| data["player_id"] = json!(17))),
            lawful: lawful.clone(),
        },
        Case {
            rule: Rule::R10,
            code: "deserialization_failed",
            broken: with(|stream| stream.events[2].data = Some("{\"game_id\": ".to_owned())),
            lawful: lawful.clone(),
        },
        Case {
            rule: Rule::R10,
            code: "deserialization_failed",
            broken: with(|stream| stream.events[2].metadata = Some("[]".to_owned())),
            lawful,
        },
        changed(
            Rule::R10,
            "invalid_event_data",
            &lobby(),
            "game_created",
            |data| {
                data["created_at"] = json!("2026-02-01T10:00:00.000001Z");
            },
        ),
        changed(
            Rule::R10,
            "invalid_event_data",
            &lobby(),
            "game_created",
            |data| {
                data["mode"] = json!("chess");
            },
        ),
        changed(
            Rule::R10,
            "invalid_event_data",
            &started(),
            "game_started",
            |data| data["roles"] = json!({ "nobody": "giver" }),
        ),
        changed(
            Rule::R10,
            "invalid_event_data",
            &started(),
            "game_started",
            |data| data["forbidden_words"] = json!({ "nobody": ["word"] }),
        ),
    ]
}

fn start_cases() -> Vec<Case> {
    let initial = |change: fn(&mut Value)| {
        changed(
            Rule::R11,
            "invalid_initial_event",
            &started(),
            "game_started",
            change,
        )
    };
    let teams_of = |mode: &'static str, count: usize| {
        play(Table::new(mode, count, json!({})), |table| {
            table.start();
        })
    };
    let of_count = |mode: &'static str, wrong: usize, right: usize| {
        case(
            Rule::R12,
            "invalid_team_count",
            &teams_of(mode, wrong),
            &teams_of(mode, right),
        )
    };
    vec![
        initial(|data| data["round_number"] = json!(2)),
        initial(|data| data["team_ids"][1] = json!("nobody")),
        initial(|data| data["team_ids"][1] = data["team_ids"][0].clone()),
        initial(|data| data["player_ids"][3] = json!("somebody")),
        initial(|data| {
            let player = data["player_ids"][0].clone();
            let team = data["team_ids"][1].as_str().unwrap().to_owned();
            data["teams"][&team][0] = player;
        }),
        initial(|data| data["started_at"] = json!("2026-02-01T10:00:00.000001Z")),
        changed(
            Rule::R12,
            "invalid_team_size",
            &started(),
            "game_started",
            |data| {
                let team = data["team_ids"][1].as_str().unwrap().to_owned();
                data["teams"][&team]
                    .as_array_mut()
                    .unwrap()
                    .push(json!("third"));
                data["player_ids"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!("third"));
            },
        ),
        of_count("two_player", 2, 1),
        of_count("knockout", 1, 2),
        of_count("race", 13, 12),
        of_count("golf_race", 13, 2),
        of_count("longform", 1, 12),
    ]
}

fn id_cases() -> Vec<Case> {
    let game = by_hand::two_player();
    let lawful = || game.stream().recover();
    let with_metadata = |index: usize, change: fn(&mut Value)| {
        let mut stream = game.stream();
        stream.events[index].edit_metadata(change);
        stream.recover()
    };
    let own_id = "0195a000-0000-7000-8000-000000000004";
    assert_eq!(game.events[3].event_id, own_id);
    let mut doubled = game.stream();
    let again = doubled.events[3].clone();
    doubled.events.insert(4, again);
    let mut conflicting = doubled.clone();
    conflicting.events[4].edit(|data| data["round_score"] = json!(9));
    let mut unknown = with_metadata(3, |metadata| {
        metadata["causation_id"] = json!("0195a000-0000-7000-8000-00000000ffff");
    });
    unknown.settle_causes(|_, _| CausePlace::Nowhere);
    let mut elsewhere = with_metadata(3, |metadata| {
        metadata["causation_id"] = json!("0195a000-0000-7000-8000-00000000ffff");
    });
    elsewhere.settle_causes(|version, cause| {
        assert_eq!((version, cause.len()), (4, 36));
        CausePlace::Before
    });
    let cycle = |broken, lawful| Case {
        rule: Rule::R35,
        code: "causation_cycle",
        broken,
        lawful,
    };
    let mut above = with_metadata(3, |metadata| {
        metadata["causation_id"] = json!("0195a000-0000-7000-8000-00000000ffff");
    });
    above.settle_causes(|_, _| CausePlace::After);
    vec![
        cycle(
            with_metadata(3, |metadata| {
                metadata["causation_id"] = json!("0195A000-0000-7000-8000-000000000004");
            }),
            lawful(),
        ),
        cycle(
            with_metadata(3, |metadata| {
                metadata["causation_id"] = json!("0195a000-0000-7000-8000-000000000005");
            }),
            with_metadata(3, |metadata| {
                metadata["causation_id"] = json!("0195a000-0000-7000-8000-000000000003");
            }),
        ),
        cycle(above, lawful()),
        Case {
            rule: Rule::R35,
            code: "causation_unknown",
            broken: unknown,
            lawful: elsewhere,
        },
        Case {
            rule: Rule::R36,
            code: "correlation_changed",
            broken: with_metadata(3, |metadata| metadata["correlation_id"] = json!("other")),
            lawful: lawful(),
        },
        Case {
            rule: Rule::R36,
            code: "correlation_changed",
            broken: with_metadata(3, |metadata| metadata["correlation_id"] = Value::Null),
            lawful: lawful(),
        },
        Case {
            rule: Rule::R37,
            code: "duplicate_event",
            broken: doubled.recover(),
            lawful: lawful(),
        },
        Case {
            rule: Rule::R37,
            code: "event_id_conflict",
            broken: conflicting.recover(),
            lawful: lawful(),
        },
    ]
}
