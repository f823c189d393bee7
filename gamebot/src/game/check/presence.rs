//! Players who come and go.

use super::{super::rule::Rule, Judge};
use crate::{
    event::{PlayerJoined, PlayerLeft, PlayerStatusChanged},
    game::state::Player,
};

impl<'a> Judge<'a> {
    pub(super) fn player_joined(&mut self, joined: &PlayerJoined) {
        self.not_after_timestamp("joined_at", joined.joined_at);
        let player_id = &joined.player_id;
        let is_rejoin = joined.rejoin.unwrap_or(false);
        if self.state.started_at.is_none() {
            self.round_number(1);
            if is_rejoin {
                self.invalid_player(format_args!(
                    "the player {player_id} comes back to a game that has not been started"
                ));
            } else if self.state.player(player_id).is_some() {
                self.invalid_player(format_args!(
                    "the player {player_id} is in the lobby already"
                ));
            }
            return;
        }
        if !is_rejoin {
            self.invalid_player(format_args!(
                "the player {player_id} joins a game that has been started, and does not rejoin it"
            ));
            return;
        }
        let Some(player) = self.roster_player(player_id, joined.team_id.as_deref()) else {
            return;
        };
        if player.connected {
            self.invalid_player(format_args!(
                "the player {player_id} comes back without having left"
            ));
        }
    }

    pub(super) fn player_left(&mut self, left: &PlayerLeft) {
        self.not_after_timestamp("left_at", left.left_at);
        let player_id = &left.player_id;
        if self.state.started_at.is_none() {
            self.round_number(1);
            // The players of teams that signed up with the creation are not known by name.
            if self.state.player(player_id).is_none() && self.state.team_order.is_empty() {
                self.not_in_game(format_args!("the player {player_id} is not in the lobby"));
            }
            return;
        }
        let Some(player) = self.roster_player(player_id, left.team_id.as_deref()) else {
            return;
        };
        if !player.connected {
            self.not_in_game(format_args!("the player {player_id} has left already"));
        }
    }

    pub(super) fn player_status_changed(&mut self, changed: &PlayerStatusChanged) {
        let (previous, new) = (&changed.previous_status, &changed.new_status);
        if previous == new {
            let status = new.as_str();
            self.invalid_data(format_args!(
                "the previous_status and the new_status are both {status}"
            ));
        }
        let Some(player) = self.roster_player(&changed.player_id, Some(&changed.team_id)) else {
            return;
        };
        // The event is optional, so the one before it may be missing for a good reason.
        if player.status != previous.as_str() {
            self.warn(
                Rule::R28,
                "counter_mismatch",
                format_args!(
                    "the previous_status is {}, but the player {} was {}",
                    previous.as_str(),
                    player.player_id,
                    player.status
                ),
            );
        }
    }

    /// The player of the roster with this id, provided that the event names the right team.
    fn roster_player(&mut self, player_id: &str, team_id: Option<&str>) -> Option<&'a Player> {
        let state = self.state;
        let Some(player) = state.player(player_id) else {
            self.invalid_player(format_args!(
                "the player {player_id} is in no team of the game"
            ));
            return None;
        };
        let found = player.team_id.as_deref();
        if found != team_id {
            let (stated, found) = (team_id.unwrap_or("null"), found.unwrap_or("none"));
            self.invalid_player(format_args!(
                "the team_id is {stated}, but the player {player_id} is of {found}"
            ));
            return None;
        }
        if let Some(team) = found.and_then(|team_id| state.team(team_id)) {
            self.presence_round_number(team.round_number);
        }
        Some(player)
    }

    /// Inside a race a player may be seen as part of the team's round or of the whole game.
    fn presence_round_number(&mut self, team_round: i32) {
        let is_the_teams = self.state.is_race() && self.base.round_number == team_round;
        if !is_the_teams {
            self.whole_game_round_number();
        }
    }

    pub(super) fn invalid_player(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R20, "invalid_player", message);
    }

    pub(super) fn not_in_game(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R20, "player_not_in_game", message);
    }
}
