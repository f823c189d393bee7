//! Questions about games, guesses, rounds and replays.

use sea_orm::{QueryResult, Value};

use super::question::{
    GameQuery, GuessQuery, PlayedRound, ProjectedGame, ProjectedGuess, ProjectedReplay, ReplayKey,
    ReplayQuery,
};
use super::rows::{folded, phase_name};
use crate::position::Position;
use crate::projection::column::{Columns, micros};
use crate::projection::scope::scope_condition;
use crate::projection::{View, ViewError};
use crate::scope::Scope;
use crate::store::DatabaseError;

const GUESS_COLUMNS: &str = "game_id, sequence, guild_id, mode, round_number, team_id, player1_id, player2_id, \
     player1_word, player2_word, outcome, match_score, guess_count, attempt_ms, at, event_id, stream_version, \
     position";
const REPLAY_COLUMNS: &str = "game_id, display_name, guild_id, mode, started_at, finished_at, event_count, \
     first_position, base, mode_figures, schema_versions";

impl View {
    /// One game; none if there is none that the caller may see.
    pub async fn game(
        &self,
        scope: &Scope,
        game_id: &str,
    ) -> Result<Option<ProjectedGame>, ViewError> {
        let mut clause = Clause::within(scope, "guild_id");
        clause.and("game_id = ?", [game_id.into()]);
        let select = format!(
            "SELECT first_position, position, state FROM {{game}} WHERE {}",
            clause.sql
        );
        self.first(&select, clause.values, game_of).await
    }

    /// Games, in the order of their first events.
    pub async fn games(&self, query: &GameQuery) -> Result<Vec<ProjectedGame>, ViewError> {
        let filter = &query.filter;
        let mut clause = Clause::within(&query.scope, "guild_id");
        clause.one_of(
            "guild_id",
            filter.guild_ids.iter().map(|id| id.as_str().into()),
        );
        clause.one_of("mode", filter.modes.iter().map(|mode| mode.as_str().into()));
        clause.one_of(
            "phase",
            filter.phases.iter().map(|phase| phase_name(*phase).into()),
        );
        if let Some(is_active) = filter.is_active {
            // A constant, so that the index of active games serves.
            clause.and(
                if is_active {
                    "is_active = 1"
                } else {
                    "is_active = 0"
                },
                [],
            );
        }
        if let Some(player_id) = &filter.player_id {
            let of_player = "game_id IN (SELECT game_id FROM {game_player} WHERE user_id = ?)";
            clause.and(of_player, [player_id.as_str().into()]);
        }
        if let Some(from) = filter.started_from {
            clause.and("started_at >= ?", [micros(from).into()]);
        }
        if let Some(before) = filter.started_before {
            clause.and("started_at < ?", [micros(before).into()]);
        }
        clause.between("first_position", query.after, query.before);
        let rest = clause.rest("first_position", query.descending, query.limit);
        let select = format!("SELECT first_position, position, state FROM {{game}} WHERE {rest}");
        self.all(&select, clause.values, game_of).await
    }

    /// The game that a player is in now: in whichever guild, or in this one; `Some(None)`: in none. Should two
    /// sessions have taken the player in, it is the later one.
    pub async fn active_game_of(
        &self,
        scope: &Scope,
        guild_id: Option<&Option<String>>,
        user_id: &str,
    ) -> Result<Option<ProjectedGame>, ViewError> {
        let mut clause = Clause::within(scope, "game.guild_id");
        clause.of_guild("game.guild_id", guild_id);
        clause.and(
            "player.user_id = ? AND player.is_active = 1",
            [user_id.into()],
        );
        let select = format!(
            "SELECT game.first_position, game.position, game.state FROM {{game_player}} AS player
             JOIN {{game}} AS game ON game.game_id = player.game_id
             WHERE {} ORDER BY game.first_position DESC LIMIT 1",
            clause.sql
        );
        self.first(&select, clause.values, game_of).await
    }

    /// Whether a player is or was in a game of this guild; `None`: of no guild.
    pub async fn has_played(
        &self,
        scope: &Scope,
        guild_id: Option<&str>,
        user_id: &str,
    ) -> Result<bool, ViewError> {
        let mut clause = Clause::within(scope, "guild_id");
        clause.and("user_id = ?", [user_id.into()]);
        clause.of_guild("guild_id", Some(&guild_id.map(str::to_owned)));
        let select = format!("SELECT 1 FROM {{game_player}} WHERE {} LIMIT 1", clause.sql);
        let found = self.first(&select, clause.values, |_| Ok(())).await?;
        Ok(found.is_some())
    }

    /// Guesses, in the order of the log.
    pub async fn guesses(&self, query: &GuessQuery) -> Result<Vec<ProjectedGuess>, ViewError> {
        let filter = &query.filter;
        let mut clause = Clause::within(&query.scope, "guild_id");
        if let Some(game_id) = &filter.game_id {
            clause.and("game_id = ?", [game_id.as_str().into()]);
        }
        if let Some(team_id) = &filter.team_id {
            clause.and("team_id = ?", [team_id.as_str().into()]);
        }
        if let Some(pair) = &filter.pair {
            let pair = gamebot::statistics::pair_id(pair).unwrap_or_default();
            clause.and("pair_id = ?", [pair.into()]);
        }
        clause.of_guild("guild_id", filter.guild_id.as_ref());
        clause.between("position", query.after, query.before);
        // Either of two columns: each half walks its own index, and they are merged.
        let mut halves = vec![clause];
        if let Some(player_id) = &filter.player_id {
            halves = either(&halves, ["player1_id = ?", "player2_id = ?"], player_id);
        }
        if let Some(word) = &filter.word {
            halves = either(
                &halves,
                ["folded1_word = ?", "folded2_word = ?"],
                &folded(word),
            );
        }
        let mut values = Vec::new();
        let mut parts = Vec::new();
        for half in halves {
            let rest = half.rest("position", query.descending, query.limit);
            parts.push(format!(
                "SELECT * FROM (SELECT {GUESS_COLUMNS} FROM {{guess}} WHERE {rest}) AS part"
            ));
            values.extend(half.values);
        }
        let order = if query.descending { "DESC" } else { "ASC" };
        let all = parts.join(" UNION ");
        let select = format!(
            "SELECT {GUESS_COLUMNS} FROM ({all}) AS found ORDER BY position {order} LIMIT {}",
            query.limit
        );
        self.all(&select, values, guess_of).await
    }

    /// The rounds of a game, by number and team.
    pub async fn rounds(
        &self,
        scope: &Scope,
        game_id: &str,
    ) -> Result<Vec<PlayedRound>, ViewError> {
        let mut clause = Clause::within(scope, "guild_id");
        clause.and("game_id = ?", [game_id.into()]);
        let select = format!(
            "SELECT round_number, team_id, attempts, matches, abandoned, is_perfect, duration_ms, started_at,
                finished_at
             FROM {{round}} WHERE {} ORDER BY round_number, team_id",
            clause.sql
        );
        self.all(&select, clause.values, round_of).await
    }

    /// One replay; none if there is none that the caller may see.
    pub async fn replay(
        &self,
        scope: &Scope,
        key: &ReplayKey,
    ) -> Result<Option<ProjectedReplay>, ViewError> {
        let mut clause = Clause::within(scope, "guild_id");
        match key {
            ReplayKey::Game(game_id) => clause.and("game_id = ?", [game_id.as_str().into()]),
            ReplayKey::Name(name) => clause.and("display_name = ?", [name.as_str().into()]),
        }
        let select = format!(
            "SELECT {REPLAY_COLUMNS} FROM {{replay}} WHERE {}",
            clause.sql
        );
        self.first(&select, clause.values, replay_of).await
    }

    /// Replays, in the order of the first events of their games.
    pub async fn replays(&self, query: &ReplayQuery) -> Result<Vec<ProjectedReplay>, ViewError> {
        let mut clause = Clause::within(&query.scope, "guild_id");
        clause.of_guild("guild_id", query.guild_id.as_ref());
        clause.between("first_position", query.after, query.before);
        let rest = clause.rest("first_position", query.descending, query.limit);
        let select = format!("SELECT {REPLAY_COLUMNS} FROM {{replay}} WHERE {rest}");
        self.all(&select, clause.values, replay_of).await
    }
}

/// The conditions of a statement, with their values in order.
#[derive(Clone)]
pub(super) struct Clause {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Clause {
    pub(super) fn within(scope: &Scope, column: &str) -> Self {
        let (sql, values) = scope_condition(scope, column);
        Self { sql, values }
    }

    pub(super) fn and<const N: usize>(&mut self, condition: &str, values: [Value; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    fn one_of(&mut self, column: &str, values: impl ExactSizeIterator<Item = Value>) {
        if values.len() > 0 {
            let list = vec!["?"; values.len()].join(", ");
            self.and(&format!("{column} IN ({list})"), []);
            self.values.extend(values);
        }
    }

    pub(super) fn of_guild(&mut self, column: &str, guild_id: Option<&Option<String>>) {
        match guild_id {
            None => {}
            Some(None) => self.and(&format!("{column} IS NULL"), []),
            Some(Some(guild_id)) => {
                self.and(&format!("{column} = ?"), [guild_id.as_str().into()]);
            }
        }
    }

    fn between(&mut self, column: &str, after: Option<Position>, before: Option<Position>) {
        if let Some(after) = after {
            self.and(&format!("{column} > ?"), [after.get().into()]);
        }
        if let Some(before) = before {
            self.and(&format!("{column} < ?"), [before.get().into()]);
        }
    }

    fn rest(&self, column: &str, descending: bool, limit: u64) -> String {
        let order = if descending { "DESC" } else { "ASC" };
        format!("{} ORDER BY {column} {order} LIMIT {limit}", self.sql)
    }
}

fn either(clauses: &[Clause], conditions: [&str; 2], value: &str) -> Vec<Clause> {
    let with = |clause: &Clause, condition| {
        let mut clause = clause.clone();
        clause.and(condition, [value.into()]);
        clause
    };
    let halves = clauses
        .iter()
        .flat_map(|clause| conditions.map(|condition| with(clause, condition)));
    halves.collect()
}

fn game_of(row: &QueryResult) -> Result<ProjectedGame, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(ProjectedGame {
        first_position: columns.position()?,
        position: columns.position()?,
        state: columns.json()?,
    })
}

fn guess_of(row: &QueryResult) -> Result<ProjectedGuess, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(ProjectedGuess {
        game_id: columns.take()?,
        sequence: columns.take()?,
        guild_id: columns.take()?,
        mode: columns
            .take::<Option<String>>()?
            .as_deref()
            .unwrap_or_default()
            .into(),
        round_number: columns.take()?,
        team_id: columns.take()?,
        player_ids: [columns.take()?, columns.take()?],
        words: [columns.take()?, columns.take()?],
        outcome: columns.take()?,
        match_score: columns.take()?,
        guess_count: columns.take()?,
        attempt_ms: columns.take()?,
        at: columns.time()?,
        event_id: columns.take()?,
        stream_version: columns.take()?,
        position: columns.position()?,
    })
}

fn round_of(row: &QueryResult) -> Result<PlayedRound, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(PlayedRound {
        round_number: columns.take()?,
        team_id: columns.take()?,
        attempts: columns.take()?,
        matches: columns.take()?,
        abandoned: columns.take()?,
        is_perfect: columns.truth()?,
        duration_ms: columns.take()?,
        started_at: columns.time()?,
        finished_at: columns.time_or_null()?,
    })
}

fn replay_of(row: &QueryResult) -> Result<ProjectedReplay, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(ProjectedReplay {
        game_id: columns.take()?,
        display_name: columns.take()?,
        guild_id: columns.take()?,
        mode: columns.take::<String>()?.as_str().into(),
        started_at: columns.time()?,
        finished_at: columns.time()?,
        event_count: columns.take()?,
        first_position: columns.position()?,
        base: columns.take()?,
        mode_figures: columns.take()?,
        schema_versions: columns.take()?,
    })
}
