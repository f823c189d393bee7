//! Who plays in a game.

use std::collections::{HashMap, HashSet};

use super::team_figures::TeamFigures;
use crate::event::GameStarted;

/// The teams of a game in the order of `team_ids`, each with its players.
///
/// Each team and each player counts once, whatever the event says: a player who is named in two
/// teams belongs to the first of them, and one who is not in `player_ids` does not play.
pub(super) fn teams(started: &GameStarted) -> Vec<TeamFigures> {
    let rosters: HashMap<&str, &[String]> = started
        .teams
        .iter()
        .map(|team| (team.team_id.as_str(), team.player_ids.as_slice()))
        .collect();
    let mut free_players: HashSet<&str> = started.player_ids.iter().map(String::as_str).collect();
    let mut named_teams = HashSet::new();
    let mut teams = Vec::with_capacity(started.team_ids.len());
    for team_id in &started.team_ids {
        if !named_teams.insert(team_id.as_str()) {
            continue;
        }
        let roster = rosters.get(team_id.as_str()).copied().unwrap_or_default();
        let players = roster
            .iter()
            .filter(|player_id| free_players.remove(player_id.as_str()));
        teams.push(TeamFigures::new(team_id.clone(), players.cloned()));
    }
    teams
}
