//! What an event breaks, given the state before it.

mod attempt;
mod base;
mod ending;
mod numbers;
mod presence;
mod round;
mod start;

use std::fmt;

use super::{
    mode::{self, ModeRules},
    rule::Rule,
    state::{Envelope, GameState, Team},
    violation::{Report, Violation},
};
use crate::event::{Event, GameBase, GameMode};

pub(super) use attempt::golf_points;
pub(super) use base::{check_envelope, is_legal_in_lobby, is_legal_in_pause, is_optional};
pub(super) use numbers::{Comparison, Figure, TeamNumbers};

/// The most events that a stream of a game may have.
pub(super) const MAX_EVENTS: i32 = 10_000;
/// How far, in milliseconds, a duration that a writer measured may be off from the timestamps. The
/// writer takes the timestamp when the event is written, some time after what it tells.
pub(super) const CLOCK_TOLERANCE_MS: i64 = 1_000;

/// Says which rules the next event of a stream breaks, given the state before it: those that one
/// event and the state decide. `R01`, `R35` and `R37` need the whole stream and are the
/// [`Recoverer`](super::Recoverer)'s. The answer is empty for an event that is right.
#[must_use]
pub fn check(state: &GameState, envelope: &Envelope<'_>, event: &Event) -> Vec<Violation> {
    let mut report = Report::new(envelope, event.event_type());
    check_envelope(state, &mut report);
    let Some(base) = event.game_base() else {
        base::check_guest(state, event, &mut report);
        return report.finish();
    };
    base::check_base(state, base, event, &mut report);
    if base::check_phase(state, event, &mut report) {
        // An event of another mode is told so by R08, and otherwise judged as one of this game.
        let is_started = state.started_at.is_some();
        let mode = state.mode.as_ref().filter(|_| is_started);
        let mode = mode.unwrap_or(base.mode);
        let mut judge = Judge {
            state,
            base,
            mode,
            rules: mode::rules_of(mode),
            report,
        };
        judge.check_type(event);
        return judge.report.finish();
    }
    report.finish()
}

/// One event under examination.
pub(super) struct Judge<'a> {
    /// The state before the event.
    pub(super) state: &'a GameState,
    /// The base fields of the event.
    pub(super) base: GameBase<'a>,
    /// The mode by whose rules it is judged.
    pub(super) mode: &'a GameMode,
    /// Those rules.
    pub(super) rules: &'static dyn ModeRules,
    report: Report<'a>,
}

impl<'a> Judge<'a> {
    fn check_type(&mut self, event: &'a Event) {
        match event {
            Event::GameCreated(created) => self.game_created(created),
            Event::GameModeChanged(changed) => self.game_mode_changed(changed),
            Event::GameConfigChanged(changed) => self.game_config_changed(changed),
            Event::GameStarted(started) => self.game_started(started),
            Event::PlayerJoined(joined) => self.player_joined(joined),
            Event::PlayerLeft(left) => self.player_left(left),
            Event::PlayerStatusChanged(changed) => self.player_status_changed(changed),
            Event::RoundStarted(started) => self.round_started(started),
            Event::RoundRestarted(restarted) => self.round_restarted(restarted),
            Event::RoundCompleted(_)
            | Event::RoundEnded(_)
            | Event::KnockoutRoundCompleted(_)
            | Event::LongformDayEnded(_) => self.rules.round_closed(self, event),
            Event::GuessStarted(guess) => self.guess_started(guess),
            Event::GuessProcessed(guess) => self.guess_processed(guess),
            Event::GuessAbandoned(guess) => self.guess_abandoned(guess),
            Event::TeamEliminated(eliminated) => self.team_eliminated(eliminated),
            Event::GamePaused(_) => self.whole_game_round_number(),
            Event::GameResumed(resumed) => self.game_resumed(resumed),
            Event::GameCompleted(completed) => self.game_completed(completed),
            Event::GameAborted(aborted) => self.game_aborted(aborted),
            Event::GameArchived(archived) => self.game_archived(archived),
            // What is left are the events of one mode.
            _ => self.rules.own_event(self, event),
        }
    }

    /// Adds a breach; the message names the values found and wanted.
    pub(super) fn add(&mut self, rule: Rule, code: &'static str, message: fmt::Arguments<'_>) {
        self.report.add(rule, code, message.to_string());
    }

    /// Adds a breach that is merely worth knowing.
    pub(super) fn warn(&mut self, rule: Rule, code: &'static str, message: fmt::Arguments<'_>) {
        self.report.warn(rule, code, message.to_string());
    }

    pub(super) fn event_type(&self) -> &'a str {
        self.report.event_type()
    }

    /// The team with this id, provided that it is in the game still (`R19`).
    pub(super) fn live_team(&mut self, team_id: &str) -> Option<&'a Team> {
        let team = self.known_team(team_id)?;
        if team.is_live() {
            return Some(team);
        }
        self.add(
            Rule::R19,
            "team_eliminated",
            format_args!("the team {team_id} is out of the game already"),
        );
        None
    }

    /// The team with this id (`R19`).
    pub(super) fn known_team(&mut self, team_id: &str) -> Option<&'a Team> {
        let state = self.state;
        let team = state.team(team_id);
        if team.is_none() {
            self.add(
                Rule::R19,
                "invalid_team",
                format_args!(
                    "the team {team_id} is not in the game, whose teams are {}",
                    Names(state.teams.iter().map(|team| team.team_id.as_str()))
                ),
            );
        }
        team
    }

    /// Demands that the event carries this round number (`R16`).
    pub(super) fn round_number(&mut self, wanted: i32) {
        let found = self.base.round_number;
        if found != wanted {
            self.add(
                Rule::R16,
                "wrong_round_number",
                format_args!("the round number is {found}, but the round is {wanted}"),
            );
        }
    }

    /// Demands that an event of the whole game carries the number of the round that is open, in the
    /// race modes the highest of any team. Between shared rounds there is nothing to demand.
    pub(super) fn whole_game_round_number(&mut self) {
        if self.state.round_open || self.state.is_race() {
            self.round_number(self.state.round_number.max(1));
        }
    }

    /// Demands that an event of a team carries the number of its round.
    pub(super) fn team_round_number(&mut self, team: &Team) {
        self.round_number(team.round_number);
    }
}

/// A list of names for a message, cut after the twelfth.
pub(super) struct Names<I>(pub(super) I);

impl<'name, I: Iterator<Item = &'name str> + Clone> fmt::Display for Names<I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.0.clone();
        formatter.write_str("[")?;
        for (index, name) in names.by_ref().take(12).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{name}")?;
        }
        let more = names.count();
        if more > 0 {
            write!(formatter, " and {more} more")?;
        }
        formatter.write_str("]")
    }
}

/// Whether two lists name the same things, in whatever order, each once. Sorting keeps a hostile
/// event with very long lists cheap.
pub(super) fn same_names<'name>(
    left: impl Iterator<Item = &'name str>,
    right: impl Iterator<Item = &'name str>,
) -> bool {
    let sorted = |names: &mut Vec<&str>| names.sort_unstable();
    let (mut left, mut right): (Vec<&str>, Vec<&str>) = (left.collect(), right.collect());
    sorted(&mut left);
    sorted(&mut right);
    left == right
}
