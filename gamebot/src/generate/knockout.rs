//! A knockout: all teams play the same rounds, and the slowest leave until one is left.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    GeneratedMode,
    community::Guild,
    game::{FORBIDDEN_WORDS_LIMIT, GUESS_TIMEOUT_SECONDS, Game},
    pen::Trigger,
    random::Random,
    team_play::{Effect, Pace, TeamPlay, one_point},
};
use crate::script::GameScript;

/// Fewer than the default of 12, so that the largest game stays below 300 events.
const MAX_GUESSES: i32 = 7;
/// No round lasts as long: 7 attempts take at most 7 times the guess timeout.
const ROUND_TIME_LIMIT_SECONDS: i32 = 600;

const PACE: Pace = Pace {
    attempt_ms: (9_000, 16_000),
    attempts: &[1, 2, 3, 3, 4, 4, 5, 6, 7, 9],
    timeout_percent: 2,
    give_up_percent: 0,
    points: one_point,
};

pub(super) fn play(mut random: Random, guild: &Guild, start: DateTime<Utc>) -> GameScript {
    let count = 6 + random.index(3);
    let mut teams: Vec<TeamPlay> = guild
        .pick_teams(&mut random, count)
        .into_iter()
        .map(|team| TeamPlay::new(team, PACE))
        .collect();
    let mut game = Game::new(random, guild, GeneratedMode::Knockout, start);
    let config = json!({
        "round_time_limit_seconds": ROUND_TIME_LIMIT_SECONDS,
        "max_guesses": MAX_GUESSES,
        "forced_elimination_threshold": 8,
        "teams_to_eliminate": 3,
        "round_delay_seconds": 5,
        "forbidden_words_limit": FORBIDDEN_WORDS_LIMIT,
        "guess_timeout_seconds": GUESS_TIMEOUT_SECONDS,
    });
    game.start(&teams, &config);
    let mut round_number = 0;
    while live_count(&teams) > 1 {
        round_number += 1;
        play_round(&mut game, &mut teams, round_number);
    }
    let winners: Vec<&TeamPlay> = teams.iter().filter(|play| play.live).collect();
    game.complete(&teams, &winners, round_number)
}

pub(super) fn live_count(teams: &[TeamPlay]) -> usize {
    teams.iter().filter(|play| play.live).count()
}

fn play_round(game: &mut Game<'_>, teams: &mut [TeamPlay], round_number: i32) {
    let at = game.soon(5_010, 5_050);
    let live = teams.iter_mut().filter(|play| play.live);
    game.start_round(round_number, at, live, Some(MAX_GUESSES));
    let started_at = game.now();
    let mut eliminated = play_attempts(game, teams);
    if live_count(teams) > 1
        && let Some(slowest) = slowest(teams)
    {
        let at = game.soon(4, 8);
        eliminated.push(eliminate(
            game,
            slowest,
            "round_loss",
            at,
            &Trigger::LastEvent,
        ));
    }
    let at = game.soon(7, 10);
    let advancing = teams.iter().filter(|play| play.live).map(|play| {
        json!({
            "team_id": play.team.id,
            "score": play.score,
            "matches": play.matches,
            "total_guesses": play.total_guesses,
        })
    });
    let data = json!({
        "eliminated_teams": eliminated,
        "advancing_teams": advancing.collect::<Vec<_>>(),
        "round_duration": (at - started_at).num_seconds(),
    });
    game.write(
        "knockout_round_completed",
        round_number,
        at,
        data,
        &Trigger::LastEvent,
    );
}

/// Plays until every live team has matched, or only one team is left. The answer is the teams that
/// failed too often, as the end of the round reports them.
fn play_attempts(game: &mut Game<'_>, teams: &mut [TeamPlay]) -> Vec<Value> {
    let mut eliminated = Vec::new();
    let mut playing: Vec<usize> = (0..teams.len())
        .filter(|index| teams[*index].live)
        .collect();
    while live_count(teams) > 1 {
        let next = playing
            .iter()
            .copied()
            .min_by_key(|index| teams[*index].next_at());
        let Some(next) = next else { break };
        let play = &mut teams[next];
        if play.attempt(game) == Effect::Solved {
            playing.retain(|index| *index != next);
        } else if play.round_guess_count == MAX_GUESSES {
            playing.retain(|index| *index != next);
            let at = game.soon(4, 8);
            eliminated.push(eliminate(
                game,
                play,
                "max_guesses",
                at,
                &Trigger::LastEvent,
            ));
        }
    }
    eliminated
}

/// The live team with the most attempts in the round, then with the longer time, then with the
/// later place in the order of the teams.
fn slowest(teams: &mut [TeamPlay]) -> Option<&mut TeamPlay> {
    teams
        .iter_mut()
        .filter(|play| play.live)
        .max_by_key(|play| (play.round_guess_count, play.last_duration()))
}

/// Writes `team_eliminated`, and answers with the `EliminatedTeam` for the end of the round.
pub(super) fn eliminate(
    game: &mut Game<'_>,
    play: &mut TeamPlay,
    reason: &'static str,
    at: DateTime<Utc>,
    trigger: &Trigger<'_>,
) -> Value {
    play.live = false;
    let data = json!({
        "team_id": play.team.id,
        "reason": reason,
        "final_state": play.info(),
        "final_score": play.score,
        "player_stats": play.player_stats(),
    });
    game.write("team_eliminated", play.round_number, at, data, trigger);
    json!({
        "team_id": play.team.id,
        "reason": reason,
        "final_score": play.score,
        "player_stats": play.player_stats(),
    })
}
