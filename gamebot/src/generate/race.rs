//! A race, with points by matches or as in golf: every team plays rounds of its own until the
//! time is up.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    GeneratedMode,
    community::Guild,
    game::{FORBIDDEN_WORDS_LIMIT, Game},
    pen::{Trigger, timestamp},
    random::Random,
    team_play::{Effect, Pace, TeamPlay, one_point},
};
use crate::script::GameScript;

const TIME_LIMIT_SECONDS: i64 = 180;
const WARNING_SECONDS: i64 = 30;
/// The bot's own work on an attempt takes less, so an attempt that ends before this margin is
/// also written down before the time is up.
const MARGIN_MS: i64 = 150;

/// With 8 seconds at least for an attempt, 4 teams cannot reach 300 events; with 12 at most, 2
/// teams cannot stay below 30.
const PACE: Pace = Pace {
    attempt_ms: (8_000, 12_000),
    attempts: &[1, 2, 2, 3, 3, 4, 5],
    timeout_percent: 0,
    give_up_percent: 7,
    points: one_point,
};

/// Longer chains, so that all numbers of points occur.
const GOLF_PACE: Pace = Pace {
    attempts: &[1, 1, 2, 3, 4, 5, 7, 8, 10, 11],
    give_up_percent: 4,
    points: golf_points,
    ..PACE
};

/// What a team of a golf race gets for giving up.
const GIVE_UP_POINTS: i32 = -1;

fn golf_points(guess_count: i32) -> i32 {
    match guess_count {
        ..=1 => 4,
        2..=4 => 3,
        5..=7 => 2,
        8..=10 => 1,
        _ => 0,
    }
}

pub(super) fn play(random: Random, guild: &Guild, start: DateTime<Utc>) -> GameScript {
    play_mode(random, guild, start, GeneratedMode::Race, PACE)
}

/// A match takes one event more than in a race, so there is one team less at most.
pub(super) fn play_golf(random: Random, guild: &Guild, start: DateTime<Utc>) -> GameScript {
    play_mode(random, guild, start, GeneratedMode::GolfRace, GOLF_PACE)
}

fn play_mode(
    mut random: Random,
    guild: &Guild,
    start: DateTime<Utc>,
    mode: GeneratedMode,
    pace: Pace,
) -> GameScript {
    let most_teams = if mode == GeneratedMode::GolfRace {
        3
    } else {
        4
    };
    let count = 2 + random.index(most_teams - 1);
    let mut teams: Vec<TeamPlay> = guild
        .pick_teams(&mut random, count)
        .into_iter()
        .map(|team| TeamPlay::new(team, pace))
        .collect();
    let mut game = Game::new(random, guild, mode, start);
    let config = json!({
        "time_limit_seconds": TIME_LIMIT_SECONDS,
        "allow_give_up": true,
        "forbidden_words_limit": FORBIDDEN_WORDS_LIMIT,
    });
    game.start(&teams, &config);
    let at = game.soon(370, 700);
    game.start_round(1, at, teams.iter_mut(), None);
    let expires_at = game.started_at() + TimeDelta::seconds(TIME_LIMIT_SECONDS);
    let warns_at = expires_at - TimeDelta::seconds(WARNING_SECONDS);
    play_until(&mut game, &mut teams, warns_at);
    warn(&mut game, &teams, warns_at);
    play_until(&mut game, &mut teams, expires_at);
    expire(&mut game, &teams, expires_at);
    let winners = winners(&teams, mode);
    game.complete(&teams, &winners, highest_round(&teams))
}

/// Plays all attempts that end before `end`, in the order of time.
fn play_until(game: &mut Game<'_>, teams: &mut [TeamPlay], end: DateTime<Utc>) {
    let last = end - TimeDelta::milliseconds(MARGIN_MS);
    while let Some(play) = teams.iter_mut().min_by_key(|play| play.next_at())
        && play.next_at() < last
    {
        match play.attempt(game) {
            Effect::GoesOn => {}
            Effect::Solved => {
                award(game, play, play.match_points, "match");
                next_round(game, play);
            }
            Effect::GaveUp {
                player,
                partner_word,
            } => {
                if game.mode == GeneratedMode::GolfRace {
                    play.score += GIVE_UP_POINTS;
                }
                award(game, play, GIVE_UP_POINTS, "give_up");
                restart_round(game, play, player, partner_word);
            }
        }
    }
}

/// Writes the points of a golf race.
fn award(game: &mut Game<'_>, play: &TeamPlay, points: i32, reason: &'static str) {
    if game.mode != GeneratedMode::GolfRace {
        return;
    }
    let data = json!({
        "team_id": play.team.id,
        "guess_count": play.guess_count(),
        "points": points,
        "reason": reason,
        "total_points": play.score,
    });
    let at = game.soon(3, 6);
    let trigger = Trigger::LastEvent;
    game.write(
        "golf_race_points_awarded",
        play.round_number,
        at,
        data,
        &trigger,
    );
}

fn next_round(game: &mut Game<'_>, play: &mut TeamPlay) {
    game.complete_round(play);
    let at = game.soon(12, 16);
    let round_number = play.round_number + 1;
    game.start_round(round_number, at, std::iter::once(play), None);
}

fn restart_round(
    game: &mut Game<'_>,
    play: &mut TeamPlay,
    player: usize,
    partner_word: Option<&'static str>,
) {
    let dropped_guesses = play.guess_count();
    play.new_chain(&mut game.random);
    let data = json!({
        "team_id": play.team.id,
        "giving_up_player": play.team.players[player].id,
        "teammate_word": partner_word,
        "guess_count": dropped_guesses,
        "current_words": play.current_words(),
    });
    let at = game.soon(9, 13);
    game.write(
        "round_restarted",
        play.round_number,
        at,
        data,
        &Trigger::LastEvent,
    );
}

fn warn(game: &mut Game<'_>, teams: &[TeamPlay], at: DateTime<Utc>) {
    let standings = teams
        .iter()
        .map(|play| (play.team.id.clone(), Value::from(play.score)));
    let data = json!({
        "remaining_seconds": WARNING_SECONDS,
        "standings": standings.collect::<Map<_, _>>(),
    });
    let trigger = Trigger::Timer("race_clock");
    game.write(
        "race_time_warning",
        highest_round(teams),
        at,
        data,
        &trigger,
    );
}

fn expire(game: &mut Game<'_>, teams: &[TeamPlay], expires_at: DateTime<Utc>) {
    let results = teams.iter().map(|play| {
        let result = json!({
            "matches": play.matches,
            "total_guesses": play.total_guesses,
            "average_guesses": play.average_guesses(),
            "last_match_timestamp": play.last_match_at.map(timestamp),
            "player_stats": play.player_stats(),
        });
        (play.team.id.clone(), result)
    });
    let data = json!({
        "final_matches": results.collect::<Map<_, _>>(),
        "game_duration": TIME_LIMIT_SECONDS,
    });
    let trigger = Trigger::Timer("race_clock");
    let at = expires_at + TimeDelta::milliseconds(2);
    game.write(
        "race_mode_time_expired",
        highest_round(teams),
        at,
        data,
        &trigger,
    );
}

fn highest_round(teams: &[TeamPlay]) -> i32 {
    teams
        .iter()
        .map(|play| play.round_number)
        .max()
        .unwrap_or(1)
}

/// Race: the teams with the most matches, among them those with the fewest attempts per match.
/// Golf race: the teams with the most points, then with the fewest attempts per match, then with
/// the most matches. More than one share the win.
fn winners(teams: &[TeamPlay], mode: GeneratedMode) -> Vec<&TeamPlay> {
    let better = |left: &TeamPlay, right: &TeamPlay| {
        let by_average = fewer_per_match(left, right);
        if mode == GeneratedMode::GolfRace {
            let by_points = left.score.cmp(&right.score);
            by_points
                .then(by_average)
                .then(left.matches.cmp(&right.matches))
        } else {
            left.matches.cmp(&right.matches).then(by_average)
        }
    };
    let is_best = |play: &&TeamPlay| teams.iter().all(|other| better(play, other).is_ge());
    teams.iter().filter(is_best).collect()
}

/// The greater one has fewer attempts per match. Without a match they are infinitely many.
fn fewer_per_match(left: &TeamPlay, right: &TeamPlay) -> Ordering {
    match (left.matches, right.matches) {
        (0, _) | (_, 0) => (left.matches > 0).cmp(&(right.matches > 0)),
        _ => (right.total_guesses * left.matches).cmp(&(left.total_guesses * right.matches)),
    }
}
