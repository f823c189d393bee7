//! The lobby and the start of play.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{super::rule::Rule, Judge, Names, same_names};
use crate::event::{
    GameConfigChanged, GameCreated, GameMode, GameModeChanged, GameStarted, TeamRoster,
};

impl Judge<'_> {
    pub(super) fn game_created(&mut self, created: &GameCreated) {
        self.round_number(1);
        self.known_mode();
        self.not_after_timestamp("created_at", created.created_at);
    }

    pub(super) fn game_mode_changed(&mut self, changed: &GameModeChanged) {
        self.round_number(1);
        let (previous, new) = (&changed.previous_mode, &changed.new_mode);
        if new == previous || new != self.base.mode {
            self.invalid_data(format_args!(
                "the new_mode {} has to differ from the previous_mode {} and to be the mode {}",
                new.as_str(),
                previous.as_str(),
                self.base.mode.as_str()
            ));
        }
        let state = self.state;
        if let Some(mode) = state.mode.as_ref().filter(|mode| *mode != previous) {
            self.repeated(format_args!(
                "the previous_mode is {}, but the mode was {}",
                previous.as_str(),
                mode.as_str()
            ));
        }
        self.number(
            "config_version",
            changed.config_version,
            state.config_version.saturating_add(1),
        );
    }

    pub(super) fn game_config_changed(&mut self, changed: &GameConfigChanged) {
        self.round_number(1);
        let previous = changed.previous_config_version;
        let version = changed.config_version;
        if version != previous.saturating_add(1) {
            self.invalid_data(format_args!(
                "the config_version is {version}, but the previous_config_version is {previous}"
            ));
        }
        let folded = self.state.config_version;
        self.number("previous_config_version", previous, folded);
    }

    pub(super) fn game_started(&mut self, started: &GameStarted) {
        self.known_mode();
        if started.round_number != 1 {
            let found = started.round_number;
            self.initial(format_args!("the round number is {found} instead of 1"));
        }
        let (began, told) = (started.started_at, started.timestamp);
        if began > told {
            self.initial(format_args!(
                "started_at is {}, which is after the timestamp {}",
                began.to_rfc3339(),
                told.to_rfc3339()
            ));
        }
        self.roster(started);
        self.sizes(started);
        self.roles(started);
        if self.state.config_version > 0
            && let Some(stated) = started.config_version
        {
            self.number("config_version", stated, self.state.config_version);
        }
    }

    /// The teams and the players are told twice, and no player is in two teams.
    fn roster(&mut self, started: &GameStarted) {
        let teams = || started.teams.iter().map(|team| team.team_id.as_str());
        let ids = || started.team_ids.iter().map(String::as_str);
        if !same_names(teams(), ids()) {
            self.initial(format_args!(
                "the team_ids are {}, but the teams are {}",
                Names(ids()),
                Names(teams())
            ));
        }
        let members = || {
            let ids = started.teams.iter().flat_map(|team| &team.player_ids);
            ids.map(String::as_str)
        };
        let players = || started.player_ids.iter().map(String::as_str);
        // A player in two teams is twice on this side and cannot be on the other, which has to be
        // free of duplicates itself.
        if let Some(twice) = first_duplicate(members()) {
            self.initial(format_args!("the player {twice} is in a team twice"));
        } else if !same_names(members(), players()) {
            self.initial(format_args!(
                "the player_ids are {}, but the players of the teams are {}",
                Names(players()),
                Names(members())
            ));
        }
    }

    fn sizes(&mut self, started: &GameStarted) {
        for TeamRoster {
            team_id,
            player_ids,
        } in &started.teams
        {
            if player_ids.len() != 2 {
                let size = player_ids.len();
                self.add(
                    Rule::R12,
                    "invalid_team_size",
                    format_args!("the team {team_id} has {size} players instead of 2"),
                );
            }
        }
        let (count, allowed) = (started.teams.len(), self.rules.team_count());
        if !allowed.contains(&count) {
            let (mode, least, most) = (started.mode.as_str(), allowed.start(), allowed.end());
            self.add(
                Rule::R12,
                "invalid_team_count",
                format_args!("there are {count} teams, but {mode} takes {least} to {most}"),
            );
        }
    }

    /// Only players have roles and forbidden words.
    fn roles(&mut self, started: &GameStarted) {
        let with_roles = started.roles.iter().flatten();
        let with_words = started.forbidden_words.iter().flatten();
        let named = with_roles
            .map(|role| ("roles", &role.player_id))
            .chain(with_words.map(|words| ("forbidden_words", &words.player_id)));
        let players: HashSet<&String> = started.player_ids.iter().collect();
        for (field, player_id) in named {
            if !players.contains(player_id) {
                self.invalid_data(format_args!(
                    "{field} names {player_id}, who is none of the player_ids"
                ));
                return;
            }
        }
    }

    fn known_mode(&mut self) {
        if let GameMode::Unknown(mode) = self.base.mode {
            self.invalid_data(format_args!("the mode {mode} is none of the game's"));
        }
    }

    /// Demands that what the event tells did not come after it (`R10`).
    pub(super) fn not_after_timestamp(&mut self, field: &str, at: DateTime<Utc>) {
        let told = self.base.timestamp;
        if at > told {
            self.invalid_data(format_args!(
                "{field} is {}, which is after the timestamp {}",
                at.to_rfc3339(),
                told.to_rfc3339()
            ));
        }
    }

    pub(super) fn invalid_data(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R10, "invalid_event_data", message);
    }

    fn initial(&mut self, message: std::fmt::Arguments<'_>) {
        self.add(Rule::R11, "invalid_initial_event", message);
    }
}

fn first_duplicate<'name>(names: impl Iterator<Item = &'name str>) -> Option<&'name str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}
