//! A mode that a newer writer knows. That it is unknown is said once (`R10`); nothing else is.

use std::ops::RangeInclusive;

use super::ModeRules;
use crate::{
    event::{EliminationReason, Event},
    game::{
        check::Judge,
        state::{GameState, Team},
    },
};

pub(super) struct UnknownMode;

impl ModeRules for UnknownMode {
    fn team_count(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn match_scores(&self) -> RangeInclusive<i32> {
        i32::MIN..=i32::MAX
    }

    fn round_closed(&self, _judge: &mut Judge<'_>, _event: &Event) {}

    fn eliminated(&self, _judge: &mut Judge<'_>, _team: &Team, _reason: &EliminationReason) {}

    fn own_event(&self, _judge: &mut Judge<'_>, _event: &Event) {}

    fn before_completion(&self, _judge: &mut Judge<'_>) {}

    fn winners<'a>(&self, _state: &'a GameState) -> Option<Vec<&'a Team>> {
        None
    }
}
