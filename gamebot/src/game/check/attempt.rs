//! Attempts of a team.

use std::fmt;

use super::{super::rule::Rule, CLOCK_TOLERANCE_MS, Comparison, Figure, Judge};
use crate::{
    event::{AbandonReason, GuessAbandoned, GuessProcessed, GuessStarted, LastGuess},
    game::state::{Player, Team},
};

/// How long after a player's word its `guess_started` may be written. Longer than other delays,
/// because the event is written on the side.
const WORD_TOLERANCE_MS: i64 = 5_000;

/// What a finished and an abandoned attempt have in common.
struct Attempt<'a> {
    player_ids: [&'a str; 2],
    guess_count: i32,
    round_guess_count: i32,
    total_guesses: i32,
    guess_duration: Option<i32>,
}

impl<'a> Judge<'a> {
    pub(super) fn guess_started(&mut self, guess: &GuessStarted) {
        let Some(team) = self.attempting_team(&guess.team_id) else {
            return;
        };
        self.present_member(team, &guess.player_id);
        let Some(pending) = &team.pending_guess else {
            return;
        };
        let (first, second) = (&pending.player_id, &guess.player_id);
        let code = if first == second {
            "same_player"
        } else {
            "invalid_player"
        };
        self.add(
            Rule::R20,
            code,
            format_args!("the player {second} starts an attempt that {first} has started"),
        );
    }

    pub(super) fn guess_processed(&mut self, guess: &'a GuessProcessed) {
        let Some(team) = self.attempting_team(&guess.team_id) else {
            return;
        };
        let attempt = Attempt {
            player_ids: [&guess.player1_id, &guess.player2_id],
            guess_count: guess.guess_count,
            round_guess_count: guess.round_guess_count,
            total_guesses: guess.total_guesses,
            guess_duration: Some(guess.guess_duration),
        };
        if self.different_players(&attempt) {
            self.present_member(team, &guess.player1_id);
            self.present_member(team, &guess.player2_id);
        }
        self.attempt(team, &attempt);
        self.word_durations(team, guess);
        self.match_score(guess);
        if same_word(&guess.player1_word, &guess.player2_word) && !guess.guess_successful {
            let word = &guess.player1_word;
            self.add(
                Rule::R24,
                "result_mismatch",
                format_args!("both words are {word}, and yet the guess is not successful"),
            );
        }
        self.forbidden_word(team, &guess.player1_id, &guess.player1_word);
        self.forbidden_word(team, &guess.player2_id, &guess.player2_word);
    }

    pub(super) fn guess_abandoned(&mut self, guess: &'a GuessAbandoned) {
        let Some(team) = self.attempting_team(&guess.team_id) else {
            return;
        };
        let attempt = Attempt {
            player_ids: [&guess.player1_id, &guess.player2_id],
            guess_count: guess.guess_count,
            round_guess_count: guess.round_guess_count,
            total_guesses: guess.total_guesses,
            guess_duration: guess.guess_duration,
        };
        if self.different_players(&attempt) {
            self.member(team, &guess.player1_id);
            self.member(team, &guess.player2_id);
        }
        self.attempt(team, &attempt);
        let blamed = guess.abandoning_player_id.as_str();
        if !attempt.player_ids.contains(&blamed) {
            self.invalid_player(format_args!(
                "the abandoning player {blamed} is neither of the two"
            ));
        }
        if let Some(last_guess) = &guess.last_guess {
            self.last_guess(team, &attempt, blamed, last_guess);
        }
        if guess.reason == AbandonReason::GaveUp {
            self.gave_up();
        }
    }

    /// The team, provided that it can make an attempt at all: `R18`, `R19`, `R21`, `R31`, and what
    /// follows if it cannot go on as before: `R14`, `R25`.
    fn attempting_team(&mut self, team_id: &str) -> Option<&'a Team> {
        if self.state.expired {
            self.time_is_up();
            return None;
        }
        let team = self.live_team(team_id)?;
        if !team.round_open {
            let last = team.round_number;
            self.add(
                Rule::R18,
                "guess_outside_round",
                format_args!("no round of {team_id} is open; its last one was {last}"),
            );
            return None;
        }
        if team.round_matched {
            let round = team.round_number;
            self.add(
                Rule::R21,
                "already_matched",
                format_args!("the team {team_id} has solved the round {round} already"),
            );
            return None;
        }
        self.team_round_number(team);
        if team.awaits_restart {
            self.add(
                Rule::R14,
                "round_already_active",
                format_args!("the team {team_id} gave up and has not got new words yet"),
            );
        }
        self.elimination_is_due(team);
        Some(team)
    }

    fn different_players(&mut self, attempt: &Attempt<'_>) -> bool {
        let [first, second] = attempt.player_ids;
        if first == second {
            self.add(
                Rule::R20,
                "same_player",
                format_args!("both players of the attempt are {first}"),
            );
        }
        first != second
    }

    fn present_member(&mut self, team: &Team, player_id: &str) {
        if let Some(player) = self.member(team, player_id)
            && !player.connected
        {
            self.not_in_game(format_args!("the player {player_id} has left the game"));
        }
    }

    fn member(&mut self, team: &Team, player_id: &str) -> Option<&'a Player> {
        if team.player(player_id).is_some() {
            return self.state.player(player_id);
        }
        let team_id = &team.team_id;
        self.invalid_player(format_args!(
            "the player {player_id} is not of the team {team_id}"
        ));
        None
    }

    /// The counters and the duration (`R22`), and the limit of the mode (`R25`).
    fn attempt(&mut self, team: &Team, attempt: &Attempt<'_>) {
        let next = |count: i32| count.saturating_add(1);
        // Without the new words that a give-up demands, which is said already, the chain may or may
        // not have begun anew.
        let began_anew = team.awaits_restart && attempt.guess_count == 1;
        let guess_count = if began_anew {
            1
        } else {
            next(team.guess_count)
        };
        let figures = [
            Figure::Count("guess_count", attempt.guess_count, guess_count),
            Figure::Count(
                "round_guess_count",
                attempt.round_guess_count,
                next(team.round_guess_count),
            ),
            Figure::Count(
                "total_guesses",
                attempt.total_guesses,
                next(team.total_guesses),
            ),
        ];
        self.figures(Comparison::COUNTER, "", &figures);
        if let Some(duration) = attempt.guess_duration {
            self.duration(team, duration);
        }
        self.rules_of_attempt(attempt.guess_count);
    }

    fn rules_of_attempt(&mut self, guess_count: i32) {
        if let Some(limit) = self.rules.guess_limit(self.state)
            && guess_count > limit
        {
            self.add(
                Rule::R25,
                "guess_limit_exceeded",
                format_args!("the attempt is number {guess_count}, but {limit} is the last"),
            );
        }
    }

    fn duration(&mut self, team: &Team, duration: i32) {
        let last = team.last_guess_duration;
        if duration < last {
            self.counter(format_args!(
                "guess_duration is {duration}, but that of the attempt before was {last}"
            ));
        }
        let played = self.played_ms(team);
        if i64::from(duration) > played.saturating_add(CLOCK_TOLERANCE_MS) {
            self.counter(format_args!(
                "guess_duration is {duration}, but the round began {played} ms ago"
            ));
        }
    }

    /// Milliseconds of play since the start of the team's round.
    fn played_ms(&self, team: &Team) -> i64 {
        team.round_started_at.map_or(i64::MAX, |start| {
            let end = self.base.timestamp;
            self.state
                .played_ms(start, team.round_paused_before_ms, end)
        })
    }

    /// The duration is that of the later word, and the first word is where `guess_started` says. A
    /// duration that was not measured may be the greater one.
    fn word_durations(&mut self, team: &Team, guess: &GuessProcessed) {
        let durations = [guess.player1_duration, guess.player2_duration];
        let latest = durations.into_iter().flatten().max();
        let is_known = durations.iter().all(Option::is_some);
        let is_wrong = |latest: &i32| {
            *latest > guess.guess_duration || (is_known && *latest != guess.guess_duration)
        };
        if let Some(latest) = latest.filter(is_wrong) {
            self.counter(format_args!(
                "guess_duration is {}, but the greater of the players' durations is {latest}",
                guess.guess_duration
            ));
        }
        let Some(pending) = &team.pending_guess else {
            return;
        };
        if pending.player_id != guess.player1_id {
            self.invalid_player(format_args!(
                "player 1 is {}, but the first word was that of {}",
                guess.player1_id, pending.player_id
            ));
        } else if let Some(first) = guess.player1_duration
            && i64::from(first).abs_diff(pending.played_ms) > WORD_TOLERANCE_MS.unsigned_abs()
        {
            self.counter(format_args!(
                "player1_duration is {first}, but the guess_started came after {} ms",
                pending.played_ms
            ));
        }
    }

    fn match_score(&mut self, guess: &GuessProcessed) {
        let allowed = self.rules.match_scores();
        match (guess.guess_successful, guess.match_score) {
            (true, Some(score)) if allowed.contains(&score) => {}
            (false, None) => {}
            (true, Some(score)) => {
                let (least, most) = (allowed.start(), allowed.end());
                let mode = self.mode.as_str();
                if *most == i32::MAX {
                    self.invalid_score(format_args!(
                        "match_score is {score}, but {mode} gives at least {least}"
                    ));
                } else {
                    self.invalid_score(format_args!(
                        "match_score is {score}, but {mode} gives {least} to {most}"
                    ));
                }
            }
            (true, None) => {
                self.invalid_score(format_args!(
                    "match_score is missing from a successful guess"
                ));
            }
            (false, Some(score)) => self.invalid_score(format_args!(
                "match_score is {score}, but the guess was not successful"
            )),
        }
    }

    fn forbidden_word(&mut self, team: &Team, player_id: &str, word: &str) {
        let is_current = team
            .current_words
            .iter()
            .any(|other| same_word(other, word));
        let is_forbidden = self.state.player(player_id).is_some_and(|player| {
            player
                .forbidden_words
                .iter()
                .any(|other| same_word(other, word))
        });
        if is_current || is_forbidden {
            let why = if is_current {
                "one of the team's current words"
            } else {
                "forbidden for the player"
            };
            self.add(
                Rule::R26,
                "word_forbidden",
                format_args!("the word {word} of the player {player_id} is {why}"),
            );
        }
    }

    fn last_guess(&mut self, team: &Team, attempt: &Attempt<'_>, blamed: &str, last: &LastGuess) {
        let player_id = last.player_id.as_str();
        if player_id == blamed || !attempt.player_ids.contains(&player_id) {
            self.invalid_player(format_args!(
                "the last_guess is that of {player_id}, who is not the partner of {blamed}"
            ));
        }
        if let Some(pending) = &team.pending_guess
            && pending.player_id != player_id
        {
            self.invalid_player(format_args!(
                "the last_guess is that of {player_id}, but the first word was that of {}",
                pending.player_id
            ));
        }
        self.not_after_timestamp("the timestamp of last_guess", last.timestamp);
        if let Some(before) = team.last_attempt_at
            && last.timestamp < before
        {
            self.add(
                Rule::R05,
                "invalid_event_order",
                format_args!(
                    "the last_guess is of {}, before the end of the attempt before at {}",
                    last.timestamp.to_rfc3339(),
                    before.to_rfc3339()
                ),
            );
        }
    }

    fn gave_up(&mut self) {
        let mode = self.mode.as_str();
        if !self.rules.has_team_rounds() {
            self.add(
                Rule::R08,
                "mode_mismatch",
                format_args!("the reason is gave_up, which {mode} does not have"),
            );
        } else if !self.state.settings.allow_give_up {
            self.add(
                Rule::R14,
                "round_already_active",
                format_args!("the reason is gave_up, which the configuration does not allow"),
            );
        }
    }

    pub(super) fn counter(&mut self, message: fmt::Arguments<'_>) {
        self.add(Rule::R22, "counter_mismatch", message);
    }

    fn invalid_score(&mut self, message: fmt::Arguments<'_>) {
        self.add(Rule::R23, "invalid_match_score", message);
    }
}

/// The points of a golf race for a match with this attempt.
pub(in crate::game) fn golf_points(guess_count: i32) -> i32 {
    match guess_count {
        ..=1 => 4,
        2..=4 => 3,
        5..=7 => 2,
        8..=10 => 1,
        11.. => 0,
    }
}

/// Whether two words are equal, ignoring case.
fn same_word(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || (!(left.is_ascii() && right.is_ascii()) && left.to_lowercase() == right.to_lowercase())
}
