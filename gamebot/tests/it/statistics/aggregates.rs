//! The corners of the figures over many games.

use chrono::{DateTime, TimeDelta, Utc};
use gamebot::{
    event::EliminationReason,
    statistics::{
        Eliminations, PlayerGame, PlayerResult, PlayerStatistics, TeamGame, TeamResult,
        TeamStatistics,
    },
};

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

fn player_game(game_id: &str, hour: i64, change: impl FnOnce(&mut PlayerResult)) -> PlayerGame {
    let mut result = PlayerResult {
        user_id: "1".into(),
        team_id: "1_2".into(),
        partner_id: Some("2".into()),
        won: false,
        score: 0,
        guesses: 0,
        matches: 0,
        abandoned: 0,
        best_match: None,
        perfect_rounds: 0,
        response_ms_sum: 0,
        response_count: 0,
    };
    change(&mut result);
    PlayerGame {
        game_id: game_id.into(),
        finished_at: at(hour),
        result,
    }
}

fn team_game(game_id: &str, hour: i64, change: impl FnOnce(&mut TeamResult)) -> TeamGame {
    let mut result = TeamResult {
        team_id: "1_2".into(),
        player_ids: vec!["1".into(), "2".into()],
        won: false,
        score: 0,
        guesses: 0,
        matches: 0,
        abandoned: 0,
        average_guesses: None,
        perfect_rounds: 0,
        round_ms_sum: 0,
        round_count: 0,
        eliminated: None,
    };
    change(&mut result);
    TeamGame {
        game_id: game_id.into(),
        finished_at: at(hour),
        result,
    }
}

#[test]
fn without_games_rates_are_zero_and_the_rest_is_unknown() {
    let statistics = PlayerStatistics::of(&[]);
    assert_eq!(statistics, PlayerStatistics::default());
    assert_eq!(statistics.best_partner, None);
    assert_eq!(statistics.average_score, None);
    assert_eq!(TeamStatistics::of(&[]), TeamStatistics::default());
}

#[test]
fn without_a_match_there_is_no_average_and_the_accuracy_is_zero() {
    let statistics = PlayerStatistics::of(&[player_game("a", 1, |game| game.guesses = 7)]);
    assert_eq!(statistics.total_guesses, 7);
    assert_eq!(statistics.guess_accuracy.to_bits(), 0.0_f64.to_bits());
    assert_eq!(statistics.average_guesses_per_match, None);
    assert_eq!(statistics.best_match, None);
    let statistics = TeamStatistics::of(&[team_game("a", 1, |game| game.guesses = 7)]);
    assert_eq!(
        (statistics.average_guesses, statistics.average_round_ms),
        (None, None)
    );
}

#[test]
fn scores_below_zero_are_scores() {
    let games = [
        player_game("a", 1, |game| game.score = -3),
        player_game("b", 2, |game| game.score = -1),
    ];
    let statistics = PlayerStatistics::of(&games);
    assert_eq!(
        (statistics.total_score, statistics.best_score),
        (-4, Some(-1))
    );
    assert_eq!(statistics.average_score, Some(-2.0));
}

#[test]
fn the_mean_response_weighs_each_response_and_not_each_game() {
    let games = [
        player_game("a", 1, |game| {
            (game.response_ms_sum, game.response_count) = (9_000, 3);
        }),
        player_game("b", 2, |game| {
            (game.response_ms_sum, game.response_count) = (1_000, 1);
        }),
        player_game("c", 3, |game| game.guesses = 4),
    ];
    assert_eq!(
        PlayerStatistics::of(&games).average_response_ms,
        Some(2_500.0)
    );
    assert_eq!(PlayerStatistics::of(&games[2..]).average_response_ms, None);
}

#[test]
fn streaks_follow_the_end_of_play_and_then_the_id_whatever_the_order_of_the_games() {
    let game = |id, hour, won| player_game(id, hour, move |game| game.won = won);
    // In time: lost, won, won, won (the same hour as the loss after it), lost, won.
    let mut games = vec![
        game("f", 5, true),
        game("b", 4, true),
        game("c", 4, false),
        game("z", 1, false),
        game("y", 3, true),
        game("x", 2, true),
    ];
    for _ in 0..games.len() {
        games.rotate_left(1);
        let statistics = PlayerStatistics::of(&games);
        assert_eq!(statistics.longest_win_streak, 3);
        assert_eq!(statistics.current_win_streak, 1);
        assert_eq!(statistics.last_played_at, Some(at(5)));
    }
    for game in &mut games {
        game.result.won = true;
    }
    let statistics = PlayerStatistics::of(&games);
    assert_eq!(
        (statistics.current_win_streak, statistics.longest_win_streak),
        (6, 6)
    );
}

#[test]
fn the_best_partner_has_most_wins_then_most_games_then_the_lower_id() {
    let game = |id: &str, partner: &str, won| {
        player_game(id, 1, |game| {
            (game.partner_id, game.won) = (Some(partner.into()), won);
        })
    };
    let best = |games: &[PlayerGame]| {
        let partner = PlayerStatistics::of(games).best_partner.unwrap();
        (partner.user_id, partner.games_won, partner.games_played)
    };
    let mut games = vec![game("a", "10", true), game("b", "9", true)];
    assert_eq!(best(&games), ("9".into(), 1, 1));
    games.push(game("c", "10", false));
    assert_eq!(best(&games), ("10".into(), 1, 2));
    games.push(game("d", "9", true));
    assert_eq!(best(&games), ("9".into(), 2, 2));
    let alone = player_game("e", 1, |game| game.partner_id = None);
    assert_eq!(PlayerStatistics::of(&[alone]).best_partner, None);
}

#[test]
fn the_best_game_has_the_highest_score_then_the_lower_average_then_is_the_earlier() {
    let game = |id: &str, hour, score, guesses, matches| {
        team_game(id, hour, |game| {
            (game.score, game.guesses, game.matches) = (score, guesses, matches);
        })
    };
    let best = |games: &[TeamGame]| TeamStatistics::of(games).best_game.unwrap().game_id;
    let mut games = vec![game("none", 0, 3, 0, 0), game("late", 9, 3, 6, 3)];
    assert_eq!(best(&games), "late");
    games.push(game("early", 8, 3, 2, 1));
    assert_eq!(best(&games), "early");
    games.push(game("better", 9, 3, 5, 3));
    assert_eq!(best(&games), "better");
    games.push(game("higher", 9, 4, 50, 3));
    assert_eq!(best(&games), "higher");
}

#[test]
fn eliminations_are_counted_by_reason() {
    let reasons = [
        "timeout",
        "forfeit",
        "timeout",
        "rage_quit",
        "max_guesses",
        "round_loss",
    ];
    let mut games: Vec<TeamGame> = reasons
        .iter()
        .map(|reason| {
            team_game(reason, 1, |game| {
                game.eliminated = Some(EliminationReason::from(*reason));
            })
        })
        .collect();
    games.push(team_game("survived", 2, |game| game.won = true));
    let expected = Eliminations {
        timeout: 2,
        max_guesses: 1,
        round_loss: 1,
        forfeit: 1,
        unknown: 1,
    };
    assert_eq!(TeamStatistics::of(&games).eliminations, expected);
}
