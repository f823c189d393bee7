//! Numbers that an event repeats.

use std::fmt;

use super::{super::rule::Rule, Judge, Names, same_names};
use crate::{event::PlayerStats, game::state::Team};

/// What a wrong number breaks.
#[derive(Clone, Copy)]
pub(in crate::game) struct Comparison {
    rule: Rule,
    code: &'static str,
}

impl Comparison {
    /// A number in the middle of a game.
    pub(in crate::game) const REPEATED: Self = Self {
        rule: Rule::R28,
        code: "counter_mismatch",
    };
    /// A number of the result.
    pub(in crate::game) const RESULT: Self = Self {
        rule: Rule::R33,
        code: "final_scores_mismatch",
    };
}

impl Judge<'_> {
    /// Demands that a number equals the folded one (`R28`).
    pub(in crate::game) fn number(&mut self, what: fmt::Arguments<'_>, stated: i32, folded: i32) {
        self.compare(Comparison::REPEATED, what, stated, folded);
    }

    /// Adds a breach of `R28`.
    pub(in crate::game) fn repeated(&mut self, message: fmt::Arguments<'_>) {
        self.mismatch(Comparison::REPEATED, message);
    }

    pub(in crate::game) fn mismatch(&mut self, against: Comparison, message: fmt::Arguments<'_>) {
        self.add(against.rule, against.code, message);
    }

    pub(in crate::game) fn compare(
        &mut self,
        against: Comparison,
        what: fmt::Arguments<'_>,
        stated: i32,
        folded: i32,
    ) {
        if stated != folded {
            self.mismatch(
                against,
                format_args!("{what} is stated as {stated}, but was {folded} before"),
            );
        }
    }

    pub(in crate::game) fn compare_average(
        &mut self,
        against: Comparison,
        what: fmt::Arguments<'_>,
        stated: f64,
        folded: f64,
    ) {
        if !is_close(stated, folded) {
            self.mismatch(
                against,
                format_args!("{what} is stated as {stated}, but {folded:.4} follows"),
            );
        }
    }

    /// The matches and the attempts of a team.
    pub(in crate::game) fn team_numbers(
        &mut self,
        against: Comparison,
        team: &Team,
        matches: i32,
        total_guesses: i32,
    ) {
        let id = &team.team_id;
        self.compare(
            against,
            format_args!("matches of {id}"),
            matches,
            team.matches,
        );
        self.compare(
            against,
            format_args!("total_guesses of {id}"),
            total_guesses,
            team.total_guesses,
        );
    }

    pub(in crate::game) fn team_score(&mut self, against: Comparison, team: &Team, score: i32) {
        let id = &team.team_id;
        self.compare(
            against,
            format_args!("the score of {id}"),
            score,
            team.score,
        );
    }

    pub(in crate::game) fn team_average(&mut self, against: Comparison, team: &Team, stated: f64) {
        let id = &team.team_id;
        let what = format_args!("average_guesses of {id}");
        self.compare_average(against, what, stated, team.average_guesses());
    }

    /// The numbers of the players of a team, for all of them and nobody else.
    pub(in crate::game) fn player_stats(
        &mut self,
        against: Comparison,
        team: &Team,
        stated: &[PlayerStats],
    ) {
        let found = || stated.iter().map(|stats| stats.player_id.as_str());
        let members = || team.players.iter().map(|player| player.player_id.as_str());
        if !same_names(found(), members()) {
            let id = &team.team_id;
            self.mismatch(
                against,
                format_args!(
                    "player_stats of {id} are those of {}, but its players are {}",
                    Names(found()),
                    Names(members())
                ),
            );
            return;
        }
        for stats in stated {
            let id = &stats.player_id;
            let Some(player) = team.player(id) else {
                continue;
            };
            let numbers = [
                ("total_guesses", stats.total_guesses, player.total_guesses),
                (
                    "successful_matches",
                    stats.successful_matches,
                    player.successful_matches,
                ),
                (
                    "abandoned_guesses",
                    stats.abandoned_guesses,
                    player.abandoned_guesses,
                ),
            ];
            for (field, stated, folded) in numbers {
                self.compare(
                    against,
                    format_args!("{field} of player {id}"),
                    stated,
                    folded,
                );
            }
            self.compare_average(
                against,
                format_args!("average_guess_count of player {id}"),
                stats.average_guess_count,
                player.average_guess_count(),
            );
        }
    }

    /// Demands that a list of teams names exactly these, each once.
    pub(in crate::game) fn team_list<'name>(
        &mut self,
        against: Comparison,
        what: &str,
        stated: impl Iterator<Item = &'name str> + Clone,
        wanted: impl Iterator<Item = &'name str> + Clone,
    ) {
        if !same_names(stated.clone(), wanted.clone()) {
            self.mismatch(
                against,
                format_args!(
                    "{what} are {}, but should be {}",
                    Names(stated),
                    Names(wanted)
                ),
            );
        }
    }

    /// A stretch of time in whole seconds, which may be told with the pauses or without them: the
    /// game's documents do not say which, and rounding adds up to a second.
    pub(in crate::game) fn seconds(
        &mut self,
        what: &str,
        stated: i32,
        (least_ms, most_ms): (i64, i64),
    ) {
        let (least, most) = (least_ms / 1_000 - 1, most_ms / 1_000 + 1);
        if !(least..=most).contains(&i64::from(stated)) {
            self.repeated(format_args!(
                "{what} is stated as {stated} seconds, but the timestamps say {} to {}",
                least_ms / 1_000,
                most_ms / 1_000
            ));
        }
    }
}

/// Whether two averages agree in the 4 decimals that are written.
fn is_close(stated: f64, folded: f64) -> bool {
    // Rounding moves a value by half a unit; the rest is for what doubles cannot say exactly.
    (stated - folded).abs() <= 0.000_1 + 1e-9
}
