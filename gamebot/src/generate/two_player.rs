//! A co-operative game: one team, a fixed number of rounds.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    GeneratedMode,
    community::Guild,
    game::{FORBIDDEN_WORDS_LIMIT, GUESS_TIMEOUT_SECONDS, Game},
    pen::Trigger,
    random::Random,
    team_play::{Effect, Pace, TeamPlay, average, one_point},
};
use crate::script::GameScript;

const SUCCESS_THRESHOLD: i32 = 4;

const PACE: Pace = Pace {
    attempt_ms: (8_000, 26_000),
    attempts: &[1, 2, 2, 3, 3, 4, 5, 7],
    timeout_percent: 4,
    give_up_percent: 0,
    points: one_point,
};

pub(super) fn play(mut random: Random, guild: &Guild, start: DateTime<Utc>) -> GameScript {
    let rounds_required = random.between(9, 12);
    let mut teams: Vec<TeamPlay> = guild
        .pick_teams(&mut random, 1)
        .into_iter()
        .map(|team| TeamPlay::new(team, PACE))
        .collect();
    let mut game = Game::new(random, guild, GeneratedMode::TwoPlayer, start);
    let config = json!({
        "rounds_required": rounds_required,
        "success_threshold": SUCCESS_THRESHOLD,
        "forbidden_words_limit": FORBIDDEN_WORDS_LIMIT,
        "guess_timeout_seconds": GUESS_TIMEOUT_SECONDS,
    });
    game.start(&teams, &config);
    let mut perfect_rounds = 0;
    for round_number in 1..=rounds_required {
        let is_perfect = play_round(&mut game, &mut teams, round_number);
        perfect_rounds += i32::from(is_perfect);
    }
    let succeeded = evaluate(&mut game, &teams[0], rounds_required, perfect_rounds);
    let winners: Vec<&TeamPlay> = teams.iter().filter(|_| succeeded).collect();
    game.complete(&teams, &winners, rounds_required)
}

/// Plays one round to its match, and says whether the first attempt was the match.
fn play_round(game: &mut Game<'_>, teams: &mut [TeamPlay], round_number: i32) -> bool {
    let at = game.soon(370, 700);
    game.start_round(round_number, at, teams.iter_mut(), None);
    let play = &mut teams[0];
    while play.attempt(game) != Effect::Solved {}
    game.complete_round(play);
    play.guess_count() == 1
}

fn evaluate(game: &mut Game<'_>, play: &TeamPlay, rounds: i32, perfect_rounds: i32) -> bool {
    let succeeded = play.total_guesses <= SUCCESS_THRESHOLD * rounds;
    let at = game.soon(15, 25);
    let data = json!({
        "team_id": play.team.id,
        "rounds_required": rounds,
        "rounds_played": rounds,
        "total_guesses": play.total_guesses,
        "average_guesses": average(play.total_guesses, rounds),
        "success_threshold": SUCCESS_THRESHOLD,
        "succeeded": succeeded,
        "perfect_rounds": perfect_rounds,
    });
    game.write(
        "two_player_result_evaluated",
        rounds,
        at,
        data,
        &Trigger::LastEvent,
    );
    succeeded
}
