//! The worksheet: figures that `tests/worksheet/worksheet.py` worked out from the same input.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use gamebot::{
    event::EliminationReason,
    generate::{GameGenerator, GeneratedMode},
    script::GameScript,
    statistics::{
        GameResult, LeaderboardEntry, LeaderboardKind, LeaderboardMetric, PlayerGame, PlayerResult,
        PlayerStatistics, TeamGame, TeamResult, TeamStatistics, TimeWindow, entries, leaderboard,
        pair_id,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{differences, fresh, tables_of};

fn sheet() -> Value {
    serde_json::from_str(include_str!("../../worksheet/figures.json")).unwrap()
}

fn assert_same(name: &str, ours: &Value, theirs: &Value) {
    let differences = differences(name, ours, theirs);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_row_and_result_of_the_sample_games_is_as_the_worksheet_says() {
    let sheet = sheet();
    for game in gamebot::sample::games().unwrap() {
        assert_same(
            &game.name,
            &sheet_of(&game),
            &sheet["games"][game.name.as_ref()],
        );
    }
}

/// Whatever the samples lack: the modes `golf_race` and `longform`, lobbies, lost games.
#[test]
fn every_row_and_result_of_generated_games_is_as_the_worksheet_says() {
    let start = "2026-01-05T19:30:00.123456Z".parse().unwrap();
    let games: Vec<GameScript> = GeneratedMode::ALL
        .into_iter()
        .flat_map(|mode| GameGenerator::new(12, start, mode).take(6))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = games
        .iter()
        .map(|game| {
            let path = folder.path().join(&game.game_id);
            std::fs::write(&path, as_file(game)).unwrap();
            path
        })
        .collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let Some(printed) = fresh::run(&paths) else {
        eprintln!("there is no python3 here, so generated games are not worked out");
        return;
    };
    let sheets: Vec<Value> = serde_json::from_str(&printed).unwrap();
    assert_eq!(sheets.len(), games.len());
    for (game, theirs) in games.iter().zip(&sheets) {
        assert_same(&game.name, &sheet_of(game), theirs);
    }
}

/// The game in the form of the sample files.
fn as_file(game: &GameScript) -> String {
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let events = game.events.iter().map(|event| {
        json!({
            "type": event.event_type, "schemaVersion": event.schema_version,
            "data": json(&event.data), "metadata": json(&event.metadata),
        })
    });
    events.collect::<Value>().to_string()
}

fn sheet_of(game: &GameScript) -> Value {
    let tables = tables_of(game);
    json!({"guesses": tables.guesses, "rounds": tables.rounds, "result": tables.result})
}

#[test]
fn the_figures_over_the_sample_games_are_as_the_worksheet_says() {
    let games: Vec<GameResult> = gamebot::sample::games()
        .unwrap()
        .iter()
        .map(|game| tables_of(game).result.unwrap())
        .collect();
    let season = Season {
        players: games.iter().flat_map(GameResult::player_games).collect(),
        teams: games.iter().flat_map(GameResult::team_games).collect(),
    };
    let theirs = &sheet()["samples"];
    assert_same("samples", &season.many_games(), theirs);
    for (name, kind, metric) in boards() {
        let standings = leaderboard(entries(kind, &games), metric, usize::MAX);
        let ours: Vec<_> = standings
            .iter()
            .map(|standing| json!([standing.rank, standing.entry.id, standing.value]))
            .collect();
        assert_same(&name, &json!(ours), &theirs["leaderboards"][&name]);
    }
}

#[test]
fn the_figures_over_a_season_are_as_the_worksheet_says() {
    let sheet = sheet();
    assert_same(
        "season",
        &Season::read(0..24).many_games(),
        &sheet["season"],
    );
    let twins = Season::read(5..11).leaderboards();
    assert_same("twins", &json!({"leaderboards": twins}), &sheet["twins"]);
}

#[test]
fn the_windows_are_as_the_worksheet_says() {
    let sheet = sheet();
    let windows = sheet["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 8);
    for theirs in windows {
        let now = theirs["now"].as_str().unwrap().parse().unwrap();
        let range = |window: TimeWindow| {
            let range = window.range(now);
            [range.from.unwrap(), range.before.unwrap()]
        };
        let ours = json!({
            "now": now,
            "month": range(TimeWindow::Month),
            "week": range(TimeWindow::Week),
            "day": range(TimeWindow::Day),
        });
        assert_same("window", &ours, theirs);
    }
}

/// Games from the sides of their players and teams.
struct Season {
    players: Vec<PlayerGame>,
    teams: Vec<TeamGame>,
}

impl Season {
    /// Some of the games of `season.json`.
    fn read(range: std::ops::Range<usize>) -> Self {
        let text = include_str!("../../worksheet/season.json");
        let games: Vec<SeasonGame> = serde_json::from_str(text).unwrap();
        let games = &games[range];
        Self {
            players: games.iter().flat_map(SeasonGame::player_games).collect(),
            teams: games.iter().flat_map(SeasonGame::team_games).collect(),
        }
    }

    fn many_games(&self) -> Value {
        let mut players: BTreeMap<&str, Vec<PlayerGame>> = BTreeMap::new();
        for game in &self.players {
            players
                .entry(&game.result.user_id)
                .or_default()
                .push(game.clone());
        }
        let mut teams: BTreeMap<&str, Vec<TeamGame>> = BTreeMap::new();
        for game in &self.teams {
            teams
                .entry(&game.result.team_id)
                .or_default()
                .push(game.clone());
        }
        let players = players
            .iter()
            .map(|(id, games)| (*id, PlayerStatistics::of(games)));
        let teams = teams
            .iter()
            .map(|(id, games)| (*id, TeamStatistics::of(games)));
        json!({
            "players": players.collect::<BTreeMap<_, _>>(),
            "teams": teams.collect::<BTreeMap<_, _>>(),
            "leaderboards": self.leaderboards(),
        })
    }

    fn leaderboards(&self) -> BTreeMap<String, Value> {
        boards()
            .map(|(name, kind, metric)| {
                let standings = leaderboard(self.entries(kind), metric, usize::MAX);
                let ours: Vec<_> = standings
                    .iter()
                    .map(|standing| json!([standing.rank, standing.entry.id, standing.value]))
                    .collect();
                (name, json!(ours))
            })
            .collect()
    }

    /// The entries as a query over tables would sum them up.
    fn entries(&self, kind: LeaderboardKind) -> Vec<LeaderboardEntry> {
        let mut entries: BTreeMap<String, LeaderboardEntry> = BTreeMap::new();
        let mut add = |id: String, won, numbers: [i32; 4], finished_at| {
            let entry = entries
                .entry(id.clone())
                .or_insert_with(|| LeaderboardEntry::new(id));
            let [score, guesses, matches, perfect] = numbers.map(i64::from);
            entry.games_played += 1;
            entry.games_won += i64::from(won);
            entry.total_score += score;
            entry.total_guesses += guesses;
            entry.total_matches += matches;
            entry.perfect_rounds += perfect;
            if won {
                entry.last_win_at = entry.last_win_at.max(Some(finished_at));
            }
        };
        match kind {
            LeaderboardKind::Players => {
                for game in &self.players {
                    let PlayerResult {
                        score,
                        guesses,
                        matches,
                        perfect_rounds,
                        ..
                    } = game.result;
                    let numbers = [score, guesses, matches, perfect_rounds];
                    add(
                        game.result.user_id.clone(),
                        game.result.won,
                        numbers,
                        game.finished_at,
                    );
                }
            }
            LeaderboardKind::Teams | LeaderboardKind::Pairs => {
                for game in &self.teams {
                    let TeamResult {
                        score,
                        guesses,
                        matches,
                        perfect_rounds,
                        ..
                    } = game.result;
                    let id = if kind == LeaderboardKind::Teams {
                        game.result.team_id.clone()
                    } else {
                        pair_id(&game.result.player_ids).unwrap()
                    };
                    let numbers = [score, guesses, matches, perfect_rounds];
                    add(id, game.result.won, numbers, game.finished_at);
                }
            }
        }
        entries.into_values().collect()
    }
}

fn boards() -> impl Iterator<Item = (String, LeaderboardKind, LeaderboardMetric)> {
    let kinds = [
        ("players", LeaderboardKind::Players),
        ("teams", LeaderboardKind::Teams),
        ("pairs", LeaderboardKind::Pairs),
    ];
    let metrics = [
        ("wins", LeaderboardMetric::Wins),
        ("win_rate", LeaderboardMetric::WinRate),
        ("total_score", LeaderboardMetric::TotalScore),
        ("average_guesses", LeaderboardMetric::AverageGuesses),
        ("perfect_rounds", LeaderboardMetric::PerfectRounds),
    ];
    kinds.into_iter().flat_map(move |(kind_name, kind)| {
        metrics.map(|(name, metric)| (format!("{kind_name} {name}"), kind, metric))
    })
}

#[derive(Deserialize)]
struct SeasonGame {
    game_id: String,
    finished_at: chrono::DateTime<chrono::Utc>,
    teams: Vec<SeasonTeam>,
}

#[derive(Deserialize)]
struct SeasonTeam {
    team_id: String,
    won: bool,
    score: i32,
    guesses: i32,
    matches: i32,
    abandoned: i32,
    perfect_rounds: i32,
    round_ms_sum: i64,
    round_count: i32,
    eliminated: Option<EliminationReason>,
    players: [SeasonPlayer; 2],
}

#[derive(Deserialize)]
struct SeasonPlayer {
    user_id: String,
    guesses: i32,
    matches: i32,
    abandoned: i32,
    best_match: Option<i32>,
    perfect_rounds: i32,
    response_ms_sum: i64,
    response_count: i32,
}

impl SeasonGame {
    fn player_games(&self) -> Vec<PlayerGame> {
        let sides = self.teams.iter().flat_map(|team| {
            let [first, second] = &team.players;
            [(team, first, second), (team, second, first)]
        });
        sides
            .map(|(team, player, partner)| PlayerGame {
                game_id: self.game_id.clone(),
                finished_at: self.finished_at,
                result: PlayerResult {
                    user_id: player.user_id.clone(),
                    team_id: team.team_id.clone(),
                    partner_id: Some(partner.user_id.clone()),
                    won: team.won,
                    score: team.score,
                    guesses: player.guesses,
                    matches: player.matches,
                    abandoned: player.abandoned,
                    best_match: player.best_match,
                    perfect_rounds: player.perfect_rounds,
                    response_ms_sum: player.response_ms_sum,
                    response_count: player.response_count,
                },
            })
            .collect()
    }

    fn team_games(&self) -> Vec<TeamGame> {
        let teams = self.teams.iter();
        teams
            .map(|team| TeamGame {
                game_id: self.game_id.clone(),
                finished_at: self.finished_at,
                result: TeamResult {
                    team_id: team.team_id.clone(),
                    player_ids: team
                        .players
                        .iter()
                        .map(|player| player.user_id.clone())
                        .collect(),
                    won: team.won,
                    score: team.score,
                    guesses: team.guesses,
                    matches: team.matches,
                    abandoned: team.abandoned,
                    average_guesses: (team.matches > 0)
                        .then(|| f64::from(team.guesses) / f64::from(team.matches)),
                    perfect_rounds: team.perfect_rounds,
                    round_ms_sum: team.round_ms_sum,
                    round_count: team.round_count,
                    eliminated: team.eliminated.clone(),
                },
            })
            .collect()
    }
}
