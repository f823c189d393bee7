//! Numbers that an event repeats.

use std::fmt;

use super::{super::rule::Rule, Judge, Names, same_names};
use crate::{
    event::PlayerStats,
    game::state::{Team, average},
};

/// The numbers of a team that several events repeat; a missing one is right.
pub(in crate::game) struct TeamNumbers {
    pub(in crate::game) score: Option<i32>,
    pub(in crate::game) matches: i32,
    pub(in crate::game) total_guesses: i32,
    pub(in crate::game) average_guesses: Option<f64>,
}

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
    /// A number that an attempt counts.
    pub(in crate::game) const COUNTER: Self = Self {
        rule: Rule::R22,
        code: "counter_mismatch",
    };
    /// A number of the result.
    pub(in crate::game) const RESULT: Self = Self {
        rule: Rule::R33,
        code: "final_scores_mismatch",
    };
}

/// A number that an event states, and the one that follows from the events before.
pub(in crate::game) enum Figure<'field> {
    /// A count or a score: its field, the stated and the folded one.
    Count(&'field str, i32, i32),
    /// An average, which is written with 4 decimals: its field, the stated and the folded one.
    Average(&'field str, f64, f64),
}

impl Figure<'_> {
    /// Says what is wrong with it; nothing when it is right.
    fn fault(&self) -> Option<String> {
        match *self {
            Self::Count(field, stated, folded) => {
                (stated != folded).then(|| format!("{field} is {stated} instead of {folded}"))
            }
            Self::Average(field, stated, folded) => (!is_close(stated, folded))
                .then(|| format!("{field} is {stated} instead of {folded:.4}")),
        }
    }
}

impl Judge<'_> {
    /// Demands that a number equals the folded one (`R28`).
    pub(in crate::game) fn number(&mut self, field: &str, stated: i32, folded: i32) {
        self.figures(
            Comparison::REPEATED,
            "",
            &[Figure::Count(field, stated, folded)],
        );
    }

    /// Adds a breach of `R28`.
    pub(in crate::game) fn repeated(&mut self, message: fmt::Arguments<'_>) {
        self.mismatch(Comparison::REPEATED, message);
    }

    pub(in crate::game) fn mismatch(&mut self, against: Comparison, message: fmt::Arguments<'_>) {
        self.add(against.rule, against.code, message);
    }

    /// Demands that the numbers of one thing are right. What is wrong is said in one breach, since
    /// one fault makes several of them wrong. `what` may be empty.
    pub(in crate::game) fn figures(
        &mut self,
        against: Comparison,
        what: &str,
        figures: &[Figure<'_>],
    ) {
        // Nearly always all of them are right, and then nothing is allocated.
        let faults: Vec<String> = figures.iter().filter_map(Figure::fault).collect();
        if !faults.is_empty() {
            let colon = if what.is_empty() { "" } else { ": " };
            self.mismatch(against, format_args!("{what}{colon}{}", faults.join(", ")));
        }
    }

    /// The score, if there is one, the matches, the attempts and their average of a team.
    pub(in crate::game) fn team_numbers(
        &mut self,
        against: Comparison,
        team: &Team,
        stated: &TeamNumbers,
    ) {
        let folded = team.score;
        let follows = average(stated.total_guesses, stated.matches);
        let figures = [
            Figure::Count("score", stated.score.unwrap_or(folded), folded),
            Figure::Count("matches", stated.matches, team.matches),
            Figure::Count("total_guesses", stated.total_guesses, team.total_guesses),
            // It has to follow from the two numbers beside it, which are judged themselves.
            Figure::Average(
                "average_guesses",
                stated.average_guesses.unwrap_or(follows),
                follows,
            ),
        ];
        self.figures(against, &team.team_id, &figures);
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
            let Some(player) = team.player(&stats.player_id) else {
                continue;
            };
            let (total, matches) = (stats.total_guesses, stats.successful_matches);
            let figures = [
                Figure::Count("total_guesses", total, player.total_guesses),
                Figure::Count("successful_matches", matches, player.successful_matches),
                Figure::Count(
                    "abandoned_guesses",
                    stats.abandoned_guesses,
                    player.abandoned_guesses,
                ),
                Figure::Average(
                    "average_guess_count",
                    stats.average_guess_count,
                    average(total, matches),
                ),
            ];
            self.figures(against, &stats.player_id, &figures);
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
    /// game does not say which, and rounding adds up to a second. Nothing is demanded where the
    /// beginning was lost.
    pub(in crate::game) fn seconds(&mut self, what: &str, stated: i32, range: Option<(i64, i64)>) {
        let Some((least_ms, most_ms)) = range else {
            return;
        };
        let (least, most) = (least_ms / 1_000 - 1, most_ms / 1_000 + 1);
        if !(least..=most).contains(&i64::from(stated)) {
            self.repeated(format_args!(
                "{what} is {stated} seconds, but the timestamps say {} to {}",
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
