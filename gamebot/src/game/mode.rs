//! What differs between the modes, behind one trait.
//!
//! To add a mode, write its rules in a file of its own and name it in [`rules_of`].

mod golf_race;
mod knockout;
mod longform;
mod race;
mod two_player;
mod unknown;

use std::ops::RangeInclusive;

use super::{
    check::Judge,
    rule::Rule,
    state::{GameState, Team},
};
use crate::event::{EliminationReason, Event, EventType, GameMode};

/// The rules of one mode, where they differ from those of the others.
///
/// Methods with a [`Judge`] report what the event under examination breaks. The others answer a
/// question that a rule of all modes asks.
pub(super) trait ModeRules {
    /// How many teams play.
    fn team_count(&self) -> RangeInclusive<usize> {
        2..=12
    }

    /// Whether each team has rounds of its own.
    fn has_team_rounds(&self) -> bool {
        false
    }

    /// The points that a match can give.
    fn match_scores(&self) -> RangeInclusive<i32> {
        1..=i32::MAX
    }

    /// The attempts that a team has in a round; none where there is no limit.
    fn guess_limit(&self, _state: &GameState) -> Option<i32> {
        None
    }

    /// Judges an event that closes a round in some mode (`R17`, `R28`).
    fn round_closed(&self, judge: &mut Judge<'_>, event: &Event);

    /// Judges the reason and the time of an elimination (`R27`); the team is live.
    fn eliminated(&self, judge: &mut Judge<'_>, team: &Team, reason: &EliminationReason);

    /// Judges an event that only some modes have.
    fn own_event(&self, judge: &mut Judge<'_>, _event: &Event) {
        foreign_event(judge);
    }

    /// Judges whether the game may be completed now (`R32`, `R33`).
    fn before_completion(&self, judge: &mut Judge<'_>);

    /// The teams that win if the game ends now; none when it cannot be said.
    fn winners<'a>(&self, state: &'a GameState) -> Option<Vec<&'a Team>>;
}

/// The rules of this mode.
pub(super) fn rules_of(mode: &GameMode) -> &'static dyn ModeRules {
    match mode {
        GameMode::TwoPlayer => &two_player::TwoPlayer,
        GameMode::Knockout => &knockout::Knockout,
        GameMode::Race => &race::Race,
        GameMode::GolfRace => &golf_race::GolfRace,
        GameMode::Longform => &longform::Longform,
        GameMode::Unknown(_) => &unknown::UnknownMode,
    }
}

/// Says that the event's type does not occur in the event's mode (`R08`).
fn foreign_event(judge: &mut Judge<'_>) {
    let (event_type, mode) = (judge.event_type(), judge.mode.as_str());
    let modes = EventType::named(event_type).map_or(&[][..], |event_type| event_type.modes);
    let modes: Vec<&str> = modes.iter().map(GameMode::as_str).collect();
    judge.add(
        Rule::R08,
        "mode_mismatch",
        format_args!(
            "a {event_type} occurs in {}, but the mode is {mode}",
            modes.join(" and ")
        ),
    );
}

/// Judges a reason in a mode whose teams leave only because their players are gone.
fn only_forfeit(judge: &mut Judge<'_>, reason: &EliminationReason) {
    if *reason != EliminationReason::Forfeit {
        let mode = judge.mode.as_str();
        judge.wrong_reason(format_args!(
            "the reason is {}, but in {mode} a team is out only by forfeit",
            reason.as_str()
        ));
    }
}

/// The teams that left since the shared round began, and the live ones: those of its start.
fn teams_at_round_start(state: &GameState) -> impl Iterator<Item = &str> + Clone {
    let live = state.teams.iter().filter(|team| team.is_live());
    let live = live.map(|team| team.team_id.as_str());
    live.chain(eliminated_in_round(state))
}

/// The teams that left since the shared round began.
fn eliminated_in_round(state: &GameState) -> impl Iterator<Item = &str> + Clone {
    let left = state.eliminated.iter().skip(state.round_eliminated_before);
    left.map(|elimination| elimination.team_id.as_str())
}

/// The last team that is left, where that decides the game.
fn last_live_team(state: &GameState) -> Option<Vec<&Team>> {
    let live: Vec<&Team> = state.live_teams().collect();
    (live.len() == 1).then_some(live)
}
