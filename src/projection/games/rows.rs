//! The rows that a batch writes.

use std::collections::{HashMap, HashSet};

use gamebot::game::Phase;
use gamebot::statistics::{Changes, GameResult, GuessRow, RoundRow, pair_id};
use sea_orm::Value;

use super::entry::Entry;
use super::results;
use crate::position::Position;
use crate::projection::column::{json, micros};
use crate::projection::meaning::check_key;
use crate::projection::tables::Target;
use crate::store::DatabaseError;

/// What a batch has come to, and is not written yet. Rows that the deletion of a game's stream makes void are
/// taken out again.
#[derive(Default)]
pub(super) struct Pending {
    /// The games whose rows of before this batch go.
    removed: HashSet<String>,
    games: Vec<[Value; 13]>,
    /// The games whose players are written anew.
    rosters: Vec<Value>,
    players: Vec<[Value; 6]>,
    guesses: Vec<Guess>,
    rounds: HashMap<(String, i32, String), (Option<String>, RoundRow)>,
    results: Vec<Finished>,
}

/// The result of a game, and where the game began.
pub(super) struct Finished {
    pub(super) result: GameResult,
    pub(super) first_position: Position,
}

/// An attempt with what its row needs beside it.
struct Guess {
    game_id: String,
    guild_id: Option<String>,
    mode: Option<String>,
    position: Position,
    row: GuessRow,
}

/// The tables that have rows of a game.
const TABLES: [&str; 7] = [
    "game",
    "game_player",
    "guess",
    "round",
    "player_result",
    "team_result",
    "replay",
];

impl Pending {
    /// The stream of a game was deleted: nothing of it stays.
    pub(super) fn remove(&mut self, game_id: &str) {
        self.guesses.retain(|guess| guess.game_id != game_id);
        self.rounds.retain(|(of, _, _), _| of != game_id);
        self.results
            .retain(|finished| finished.result.game_id != game_id);
        self.removed.insert(game_id.to_owned());
    }

    /// What the last event of a game has changed.
    pub(super) fn changes(&mut self, entry: &Entry, changes: Changes) {
        let state = &entry.state;
        for row in changes.guesses {
            self.guesses.push(Guess {
                game_id: state.game_id.clone(),
                guild_id: entry.guild(),
                mode: state.mode.as_ref().map(|mode| mode.as_str().to_owned()),
                position: entry.position,
                row,
            });
        }
        for row in changes.rounds {
            let key = (state.game_id.clone(), row.round_number, row.team_id.clone());
            self.rounds.insert(key, (entry.guild(), row));
        }
        if let Some(mut result) = changes.finished {
            // The stream says which game it is, whatever its last event says.
            result.game_id.clone_from(&state.game_id);
            result.guild_id = entry.guild();
            self.results.push(Finished {
                result: *result,
                first_position: entry.first_position,
            });
        }
    }

    /// How a game stands at the end of the batch.
    pub(super) fn game(&mut self, entry: &Entry) -> Result<(), DatabaseError> {
        let state = &entry.state;
        self.games.push([
            state.game_id.clone().into(),
            entry.guild().into(),
            state
                .mode
                .as_ref()
                .map(|mode| mode.as_str().to_owned())
                .into(),
            state.phase.map(|phase| phase_name(phase).to_owned()).into(),
            i32::from(entry.is_active()).into(),
            state.started_at.map(micros).into(),
            state.finished_at.map(micros).into(),
            state.last_activity.map(micros).into(),
            entry.first_position.get().into(),
            entry.position.get().into(),
            state.stream_version.into(),
            json(state)?.into(),
            entry.figures.as_ref().map(json).transpose()?.into(),
        ]);
        if entry.roster_changed {
            self.rosters.push(state.game_id.clone().into());
            // Whoever is named in two teams belongs to the first. Nobody looks a player up by an id that no index
            // can hold.
            let mut named = HashSet::new();
            let players = state.players.iter().filter(|player| {
                named.insert(player.player_id.as_str())
                    && check_key("player_id", &player.player_id).is_ok()
            });
            for player in players {
                self.players.push([
                    state.game_id.clone().into(),
                    player.player_id.clone().into(),
                    entry.guild().into(),
                    player.team_id.clone().into(),
                    i32::from(entry.is_active() && player.connected).into(),
                    entry.first_position.get().into(),
                ]);
            }
        }
        Ok(())
    }

    pub(super) async fn write(self, target: &Target<'_>) -> Result<(), DatabaseError> {
        if !self.removed.is_empty() {
            let removed: Vec<Value> = self
                .removed
                .iter()
                .map(|id| Value::from(id.as_str()))
                .collect();
            for table in TABLES {
                let delete = format!("DELETE FROM {{{table}}} WHERE game_id");
                target.rows_of(&delete, removed.clone()).await?;
            }
        }
        let delete = "DELETE FROM {game_player} WHERE game_id";
        target.rows_of(delete, self.rosters).await?;
        let columns = [
            "game_id",
            "guild_id",
            "mode",
            "phase",
            "is_active",
            "started_at",
            "finished_at",
            "last_activity",
            "first_position",
            "position",
            "stream_version",
            "state",
            "figures",
        ];
        target.upsert("game", 1, columns, self.games).await?;
        let columns = [
            "game_id",
            "user_id",
            "guild_id",
            "team_id",
            "is_active",
            "first_position",
        ];
        target
            .upsert("game_player", 2, columns, self.players)
            .await?;
        let guesses = self.guesses.iter().map(guess_values).collect();
        target.upsert("guess", 2, GUESS_COLUMNS, guesses).await?;
        let rounds = self
            .rounds
            .into_iter()
            .map(|((game_id, _, _), (guild_id, row))| round_values(game_id, guild_id, &row));
        target
            .upsert("round", 3, ROUND_COLUMNS, rounds.collect())
            .await?;
        results::write(&self.results, target).await
    }
}

const GUESS_COLUMNS: [&str; 21] = [
    "game_id",
    "sequence",
    "guild_id",
    "mode",
    "round_number",
    "team_id",
    "player1_id",
    "player2_id",
    "pair_id",
    "player1_word",
    "player2_word",
    "folded1_word",
    "folded2_word",
    "outcome",
    "match_score",
    "guess_count",
    "attempt_ms",
    "at",
    "event_id",
    "stream_version",
    "position",
];

fn guess_values(guess: &Guess) -> [Value; 21] {
    let row = &guess.row;
    let pair = pair_id(&[row.player1_id.clone(), row.player2_id.clone()]);
    [
        guess.game_id.clone().into(),
        row.sequence.into(),
        guess.guild_id.clone().into(),
        guess.mode.clone().into(),
        row.round_number.into(),
        row.team_id.clone().into(),
        row.player1_id.clone().into(),
        row.player2_id.clone().into(),
        pair.unwrap_or_default().into(),
        row.player1_word.clone().into(),
        row.player2_word.clone().into(),
        row.player1_word.as_deref().map(folded).into(),
        row.player2_word.as_deref().map(folded).into(),
        row.outcome.as_str().into(),
        row.match_score.into(),
        row.guess_count.into(),
        row.attempt_ms.into(),
        micros(row.at).into(),
        row.event_id.clone().into(),
        row.stream_version.into(),
        guess.position.get().into(),
    ]
}

const ROUND_COLUMNS: [&str; 11] = [
    "game_id",
    "round_number",
    "team_id",
    "guild_id",
    "attempts",
    "matches",
    "abandoned",
    "is_perfect",
    "duration_ms",
    "started_at",
    "finished_at",
];

fn round_values(game_id: String, guild_id: Option<String>, row: &RoundRow) -> [Value; 11] {
    [
        game_id.into(),
        row.round_number.into(),
        row.team_id.clone().into(),
        guild_id.into(),
        row.attempts.into(),
        row.matches.into(),
        row.abandoned.into(),
        i32::from(row.perfect).into(),
        row.duration_ms.into(),
        micros(row.started_at).into(),
        row.finished_at.map(micros).into(),
    ]
}

/// A word as it is looked up: whether its letters are large or small makes no difference.
pub(super) fn folded(word: &str) -> String {
    word.to_lowercase()
}

/// The name of a phase in a row.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Lobby => "lobby",
        Phase::Ready => "ready",
        Phase::InRound => "in_round",
        Phase::Paused => "paused",
        Phase::Completed => "completed",
        Phase::Aborted => "aborted",
        Phase::Archived => "archived",
    }
}

/// Whether what the rows are looked up by fits into an index of either database.
pub(super) fn check_keys(changes: &Changes) -> Result<(), String> {
    for row in &changes.guesses {
        for (name, key) in [
            ("team_id", Some(&row.team_id)),
            ("player1_id", Some(&row.player1_id)),
            ("player2_id", Some(&row.player2_id)),
            ("player1_word", row.player1_word.as_ref()),
            ("player2_word", row.player2_word.as_ref()),
        ] {
            key.map_or(Ok(()), |key| check_key(name, key))?;
        }
    }
    for row in &changes.rounds {
        check_key("team_id", &row.team_id)?;
    }
    if let Some(result) = &changes.finished {
        for player in &result.players {
            check_key("player_id", &player.user_id)?;
        }
        for team in &result.teams {
            check_key("team_id", &team.team_id)?;
        }
    }
    Ok(())
}
