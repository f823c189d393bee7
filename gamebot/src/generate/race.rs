//! A race: every team plays rounds of its own until the time is up.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    GeneratedMode,
    community::Guild,
    game::{FORBIDDEN_WORDS_LIMIT, Game, Trigger, timestamp},
    random::Random,
    team_play::{Effect, Pace, TeamPlay},
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
};

pub(super) fn play(mut random: Random, guild: &Guild, start: DateTime<Utc>) -> GameScript {
    let count = 2 + random.index(3);
    let mut teams: Vec<TeamPlay> = guild
        .pick_teams(&mut random, count)
        .into_iter()
        .map(|team| TeamPlay::new(team, PACE))
        .collect();
    let mut game = Game::new(random, guild, GeneratedMode::Race, start);
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
    let winners = winners(&teams);
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
            Effect::Solved => next_round(game, play),
            Effect::GaveUp {
                player,
                partner_word,
            } => restart_round(game, play, player, partner_word),
        }
    }
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
        .map(|play| (play.team.id.clone(), Value::from(play.matches)));
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

/// The teams with the most matches, among them those with the fewest attempts. More than one share
/// the win.
fn winners(teams: &[TeamPlay]) -> Vec<&TeamPlay> {
    let rank = |play: &&TeamPlay| (play.matches, Reverse(play.total_guesses));
    let best = teams.iter().map(|play| rank(&play)).max();
    teams
        .iter()
        .filter(|play| Some(rank(play)) == best)
        .collect()
}
