//! The lobby, the start of play, and the players who come and go.

use chrono::TimeDelta;

use super::super::state::{GameState, Phase, Player, Settings, Team, TeamPlayer};
use crate::event::{
    GameCreated, GameMode, GameStarted, JsonObject, PlayerJoined, PlayerLeft, PlayerStatus,
    PlayerStatusChanged, TeamRoster, TeamStatus,
};

/// How many teams of a game are kept. A legal game has 12 at most; the bound keeps the work for a
/// hostile one small.
const MOST_TEAMS: usize = 100;
/// How many players of a team are kept; a legal team has 2.
const MOST_PLAYERS: usize = 10;

impl GameState {
    pub(super) fn game_created(&mut self, created: &GameCreated) {
        if self.phase.is_some() {
            return;
        }
        self.phase = Some(Phase::Lobby);
        self.created_by = Some(created.created_by.clone());
        self.created_at = Some(created.created_at);
        self.team_order.clone_from(&created.team_ids);
        self.configure(1, created.config.as_ref().unwrap_or(&JsonObject::default()));
    }

    pub(super) fn lobby_changed(
        &mut self,
        new_mode: Option<&GameMode>,
        config_version: i32,
        config: &JsonObject,
    ) {
        if self.phase != Some(Phase::Lobby) {
            return;
        }
        if let Some(mode) = new_mode {
            self.mode = Some(mode.clone());
        }
        self.configure(config_version, config);
    }

    fn configure(&mut self, config_version: i32, config: &JsonObject) {
        self.config_version = config_version;
        self.settings = Settings::of(config);
        self.config.clone_from(config);
    }

    pub(super) fn game_started(&mut self, started: &GameStarted) {
        if self.started_at.is_some() {
            return;
        }
        self.phase = Some(Phase::Ready);
        self.mode = Some(started.mode.clone());
        self.configure(started.config_version.unwrap_or(1), &started.config);
        self.started_at = Some(started.started_at);
        self.team_order.clone_from(&started.team_ids);
        let rosters = rosters_in_order(started);
        self.players = rosters
            .iter()
            .flat_map(|roster| players_of(roster).map(move |player_id| (roster, player_id)))
            .map(|(roster, player_id)| self.roster_player(started, roster, player_id))
            .collect();
        self.teams = rosters.into_iter().map(Team::at_start).collect();
        if self.is_race() {
            let limit = TimeDelta::seconds(i64::from(self.settings.time_limit_seconds));
            self.expires_at = started.started_at.checked_add_signed(limit);
        }
    }

    /// A player at the start of play, with the name from the lobby.
    fn roster_player(&self, started: &GameStarted, roster: &TeamRoster, player_id: &str) -> Player {
        let forbidden = started.forbidden_words.iter().flatten();
        let mut forbidden_words: Vec<String> = forbidden
            .filter(|entry| entry.player_id == player_id)
            .flat_map(|entry| entry.words.clone())
            .collect();
        self.settings.forget_words(&mut forbidden_words);
        Player {
            player_id: player_id.to_owned(),
            team_id: Some(roster.team_id.clone()),
            username: self
                .player(player_id)
                .and_then(|player| player.username.clone()),
            connected: true,
            status: PlayerStatus::Active.as_str().to_owned(),
            forbidden_words,
        }
    }

    pub(super) fn player_joined(&mut self, joined: &PlayerJoined) {
        let is_running = self.started_at.is_some();
        let active = PlayerStatus::Active.as_str();
        let known = self
            .players
            .iter_mut()
            .find(|player| player.player_id == joined.player_id);
        if let Some(player) = known {
            player.connected = true;
            active.clone_into(&mut player.status);
            player.username = Some(joined.username.clone());
            if let Some(team_id) = player.team_id.clone() {
                self.update_presence(&team_id);
            }
        } else if !is_running && self.phase == Some(Phase::Lobby) {
            self.players.push(Player {
                player_id: joined.player_id.clone(),
                team_id: joined.team_id.clone(),
                username: Some(joined.username.clone()),
                connected: true,
                status: active.to_owned(),
                forbidden_words: Vec::new(),
            });
        }
    }

    pub(super) fn player_left(&mut self, left: &PlayerLeft) {
        if self.started_at.is_none() {
            self.players
                .retain(|player| player.player_id != left.player_id);
            return;
        }
        let leaving = self
            .players
            .iter_mut()
            .find(|player| player.player_id == left.player_id);
        if let Some(player) = leaving {
            player.connected = false;
            if let Some(team_id) = player.team_id.clone() {
                self.update_presence(&team_id);
            }
        }
    }

    pub(super) fn player_status_changed(&mut self, changed: &PlayerStatusChanged) {
        let player = self
            .players
            .iter_mut()
            .find(|player| player.player_id == changed.player_id);
        if let Some(player) = player {
            changed.new_status.as_str().clone_into(&mut player.status);
        }
    }
}

/// The teams in the order of play, which breaks ties.
fn rosters_in_order(started: &GameStarted) -> Vec<&TeamRoster> {
    let mut rosters: Vec<&TeamRoster> = started.teams.iter().take(MOST_TEAMS).collect();
    rosters.sort_by_cached_key(|roster| {
        let ids = &started.team_ids;
        ids.iter()
            .position(|id| *id == roster.team_id)
            .unwrap_or(ids.len())
    });
    rosters
}

fn players_of(roster: &TeamRoster) -> impl Iterator<Item = &String> {
    roster.player_ids.iter().take(MOST_PLAYERS)
}

impl Team {
    fn at_start(roster: &TeamRoster) -> Self {
        let players = players_of(roster).map(|player_id| TeamPlayer {
            player_id: player_id.clone(),
            total_guesses: 0,
            successful_matches: 0,
            abandoned_guesses: 0,
        });
        Self {
            team_id: roster.team_id.clone(),
            players: players.collect(),
            status: TeamStatus::Ready,
            score: 0,
            matches: 0,
            total_guesses: 0,
            abandoned_guesses: 0,
            guess_count: 0,
            round_guess_count: 0,
            round_abandoned_guesses: 0,
            round_number: 0,
            round_open: false,
            round_matched: false,
            round_score: 0,
            round_started_at: None,
            round_paused_before_ms: 0,
            last_guess_duration: 0,
            last_attempt_at: None,
            current_words: Vec::new(),
            pending_guess: None,
            last_match_at: None,
            awaits_restart: false,
            awaits_elimination: false,
            points_due: None,
            give_up_penalties: 0,
        }
    }
}
