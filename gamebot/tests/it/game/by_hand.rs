//! Whole games played by hand, in every mode; two of the modes have no sample.

use serde_json::json;

use super::table::Table;

/// 2 rounds, the goal is an average of 2: reached with 1 and 3 attempts.
pub(crate) fn two_player() -> Table {
    let config = json!({ "rounds_required": 2, "success_threshold": 2 });
    let mut table = Table::new("two_player", 1, config);
    table.start().round().hit(0, 1).close(0);
    table
        .round()
        .miss(0)
        .abandon(0, "timeout")
        .hit(0, 1)
        .close(0);
    table.evaluate(2.0, 1).complete(&[0]);
    table
}

/// 3 teams and 3 attempts: one team fails for the last time, another loses the second round.
pub(crate) fn knockout() -> Table {
    let config = json!({ "max_guesses": 3, "round_time_limit_seconds": 120 });
    let mut table = Table::new("knockout", 3, config);
    table.start().round();
    table.hit(0, 1).miss(1).miss(2).miss(2).hit(1, 1).miss(2);
    table.out(2, "max_guesses").knockout_end();
    table.round();
    table.hit(1, 1).miss(0).hit(0, 1);
    table.out(0, "round_loss").knockout_end();
    table.complete(&[1]);
    table
}

/// Two teams with two matches each; the one with fewer attempts wins.
pub(crate) fn race() -> Table {
    let mut table = Table::new("race", 2, json!({ "time_limit_seconds": 90 }));
    table.start().round();
    table.hit(0, 1).close(0).own_round(0);
    table
        .miss(1)
        .abandon(1, "gave_up")
        .restart(1)
        .hit(1, 1)
        .close(1)
        .own_round(1);
    table.miss(0).hit(0, 1).close(0).own_round(0);
    table.hit(1, 1).close(1);
    table.until(60).warn(30).until(90).expire().complete(&[0]);
    table
}

/// Team 0 gets 4 points for a match at once, team 1 loses one by giving up and gets 3.
pub(crate) fn golf_race() -> Table {
    let mut table = Table::new("golf_race", 2, json!({ "time_limit_seconds": 90 }));
    table.start().round();
    table.hit(0, 4).points(0, 4).close(0).own_round(0);
    table.abandon(1, "gave_up").points(1, -1).restart(1);
    table.miss(1).hit(1, 3).points(1, 3).close(1).own_round(1);
    table.until(60).warn(30).until(90).expire().complete(&[0]);
    table
}

/// Two days; on the first nobody is out, because all teams needed as many attempts.
pub(crate) fn longform() -> Table {
    let mut table = Table::new("longform", 2, json!({ "round_duration_seconds": 3_600 }));
    table.start().round();
    table.hit(0, 1).hit(1, 1).wait(3_600).day_end();
    table.round();
    table.miss(1).hit(0, 1).hit(1, 1).wait(3_600);
    table.out(1, "round_loss").day_end();
    table.complete(&[0]);
    table
}

pub(crate) fn all() -> [Table; 5] {
    [two_player(), knockout(), race(), golf_race(), longform()]
}
