//! A longform game: one round a day, after which those with the most attempts leave.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{
    GeneratedMode,
    community::Guild,
    game::{FORBIDDEN_WORDS_LIMIT, Game},
    knockout::{eliminate, live_count},
    pen::Trigger,
    random::Random,
    team_play::{Effect, Pace, TeamPlay, one_point},
};
use crate::script::GameScript;

const DAY_SECONDS: i64 = 86_400;
/// The attempts of those who leave. All others need fewer, so that every day somebody leaves and
/// somebody stays.
const SLOWEST: i32 = 7;
const FASTEST: (i32, i32) = (1, 5);

/// Even the slowest are done within a day: 7 times 3 hours.
const PACE: Pace = Pace {
    attempt_ms: (900_000, 10_800_000),
    attempts: &[1],
    timeout_percent: 0,
    give_up_percent: 0,
    points: one_point,
};

pub(super) fn play(
    mut random: Random,
    guild: &Guild,
    start: chrono::DateTime<chrono::Utc>,
) -> GameScript {
    let count = 5 + random.index(4);
    let mut teams: Vec<TeamPlay> = guild
        .pick_teams(&mut random, count)
        .into_iter()
        .map(|team| TeamPlay::new(team, PACE))
        .collect();
    let mut game = Game::new(random, guild, GeneratedMode::Longform, start);
    let config = json!({
        "round_duration_seconds": DAY_SECONDS,
        "forbidden_words_limit": FORBIDDEN_WORDS_LIMIT,
    });
    game.start(&teams, &config);
    let mut day = 0;
    while live_count(&teams) > 1 {
        day += 1;
        play_day(&mut game, &mut teams, day);
    }
    let winners: Vec<&TeamPlay> = teams.iter().filter(|play| play.live).collect();
    game.complete(&teams, &winners, day)
}

fn play_day(game: &mut Game<'_>, teams: &mut [TeamPlay], day: i32) {
    let at = game.soon(5_010, 5_050);
    let live = teams.iter_mut().filter(|play| play.live);
    game.start_round(day, at, live, None);
    let started_at = game.now();
    let playing: Vec<usize> = (0..teams.len())
        .filter(|index| teams[*index].live)
        .collect();
    let leaving = choose_leaving(game, &playing);
    for index in &playing {
        let attempts = if leaving.contains(index) {
            SLOWEST
        } else {
            game.random.between(FASTEST.0, FASTEST.1)
        };
        teams[*index].match_after(attempts, &mut game.random);
    }
    play_attempts(game, teams, &playing, &leaving);
    let ends_at = started_at + TimeDelta::seconds(DAY_SECONDS);
    for index in &leaving {
        let at = ends_at.max(game.now()) + TimeDelta::milliseconds(4);
        eliminate(
            game,
            &mut teams[*index],
            "round_loss",
            at,
            &Trigger::Timer("longform_day"),
        );
    }
    let at = game.soon(7, 10);
    let standings = playing.iter().map(|index| {
        let play = &teams[*index];
        (play.team.id.clone(), standing(play))
    });
    let data = json!({
        "day_number": day,
        "team_standings": standings.collect::<Map<String, Value>>(),
        "eliminated_teams": leaving.iter().map(|index| &teams[*index].team.id).collect::<Vec<_>>(),
        "day_duration": (at - started_at).num_seconds(),
    });
    game.write("longform_day_ended", day, at, data, &Trigger::LastEvent);
}

/// Mostly one team, now and then two; in the order of the teams.
fn choose_leaving(game: &mut Game<'_>, playing: &[usize]) -> Vec<usize> {
    let count = if playing.len() > 3 && game.random.chance(25) {
        2
    } else {
        1
    };
    let mut chosen = game.random.indices(playing.len(), count);
    chosen.sort_unstable();
    chosen.into_iter().map(|place| playing[place]).collect()
}

/// Plays all attempts of the day in the order of time. Now and then a team that is leaving does
/// not come to its match, and stops after its last failure.
fn play_attempts(
    game: &mut Game<'_>,
    teams: &mut [TeamPlay],
    playing: &[usize],
    leaving: &[usize],
) {
    let mut playing = playing.to_vec();
    let never_match = game.random.chance(30);
    if never_match {
        for index in leaving {
            teams[*index].match_after(SLOWEST + 1, &mut game.random);
        }
    }
    while let Some(next) = playing
        .iter()
        .copied()
        .min_by_key(|index| teams[*index].next_at())
    {
        let play = &mut teams[next];
        let effect = play.attempt(game);
        if effect == Effect::Solved || play.round_guess_count == SLOWEST {
            playing.retain(|index| *index != next);
        }
    }
}

fn standing(play: &TeamPlay) -> Value {
    json!({
        "score": play.score,
        "matches": play.matches,
        "total_guesses": play.total_guesses,
        "average_guesses": play.average_guesses(),
        "daily_matches": i32::from(play.has_matched),
        "daily_guesses": play.round_guess_count,
        "player_stats": play.player_stats(),
    })
}
