//! A team while it plays: its plan for the next attempt, and all of its numbers.

mod report;

pub(super) use report::average;

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    community::Team,
    game::{FORBIDDEN_WORDS_LIMIT, GUESS_TIMEOUT_SECONDS, Game},
    pen::{Trigger, timestamp},
    random::Random,
    words::WORDS,
};

/// Percentage of attempts before which the bot refuses a word.
const REFUSED_WORD_PERCENT: i32 = 1;

/// How the attempts of a team go.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Milliseconds that one attempt takes, at least and at most.
    pub(super) attempt_ms: (i32, i32),
    /// The attempts that rounds take until the match, each as likely as the others.
    pub(super) attempts: &'static [i32],
    /// Percentage of attempts that end because the second word does not come in time.
    pub(super) timeout_percent: i32,
    /// Percentage of attempts that a player ends by giving up, from the third of a chain on.
    pub(super) give_up_percent: i32,
    /// The points for a match with the attempt of this number in its chain.
    pub(super) points: fn(i32) -> i32,
}

/// A point for every match, whatever it took.
pub(super) fn one_point(_guess_count: i32) -> i32 {
    1
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Match,
    Miss,
    Timeout,
    GiveUp,
}

/// What an attempt did to the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The round is solved.
    Solved,
    /// The team goes on with its chain.
    GoesOn,
    /// A player has given the chain up, and the team needs new words.
    GaveUp {
        /// Which of the two players it was.
        player: usize,
        /// The word that the other one had already sent.
        partner_word: Option<&'static str>,
    },
}

#[derive(Default)]
struct Tally {
    total_guesses: i32,
    successful_matches: i32,
    abandoned_guesses: i32,
    forbidden: VecDeque<&'static str>,
}

/// A team and its state in the game.
pub(super) struct TeamPlay {
    pub(super) team: Team,
    pub(super) score: i32,
    pub(super) matches: i32,
    pub(super) total_guesses: i32,
    pub(super) round_number: i32,
    pub(super) round_guess_count: i32,
    /// Whether the team is still in the game.
    pub(super) live: bool,
    pub(super) last_match_at: Option<DateTime<Utc>>,
    /// Whether the team has solved its round.
    pub(super) has_matched: bool,
    /// The points of its last match.
    pub(super) match_points: i32,
    pace: Pace,
    tallies: [Tally; 2],
    guess_count: i32,
    round_abandoned: i32,
    current_words: [&'static str; 2],
    round_started_at: DateTime<Utc>,
    /// The attempt of the round that will match.
    matching_attempt: i32,
    /// Milliseconds from the start of the round to the end of the last attempt.
    last_duration: i32,
    /// The same for the attempt that comes next.
    next_duration: i32,
    next_outcome: Outcome,
}

impl TeamPlay {
    pub(super) fn new(team: Team, pace: Pace) -> Self {
        Self {
            team,
            score: 0,
            matches: 0,
            total_guesses: 0,
            round_number: 0,
            round_guess_count: 0,
            live: true,
            last_match_at: None,
            has_matched: false,
            match_points: 0,
            pace,
            tallies: <[Tally; 2]>::default(),
            guess_count: 0,
            round_abandoned: 0,
            current_words: [WORDS[0], WORDS[1]],
            round_started_at: DateTime::UNIX_EPOCH,
            matching_attempt: 1,
            last_duration: 0,
            next_duration: 0,
            next_outcome: Outcome::Miss,
        }
    }

    pub(super) fn start_round(&mut self, number: i32, at: DateTime<Utc>, random: &mut Random) {
        self.round_number = number;
        self.round_started_at = at;
        self.round_guess_count = 0;
        self.round_abandoned = 0;
        self.last_duration = 0;
        self.has_matched = false;
        self.new_chain(random);
    }

    /// Decides anew, before the first attempt of a round, how many it will take.
    pub(super) fn match_after(&mut self, attempts: i32, random: &mut Random) {
        self.matching_attempt = attempts;
        self.plan_next(random);
    }

    /// Gives the team a fresh pair of words and decides how long it will take to link them.
    pub(super) fn new_chain(&mut self, random: &mut Random) {
        let pair = random.indices(WORDS.len(), 2);
        self.current_words = [WORDS[pair[0]], WORDS[pair[1]]];
        self.guess_count = 0;
        let attempts = self.pace.attempts[random.index(self.pace.attempts.len())];
        self.matching_attempt = self.round_guess_count + attempts;
        self.plan_next(random);
    }

    fn plan_next(&mut self, random: &mut Random) {
        let (shortest, longest) = self.pace.attempt_ms;
        // Never two timeouts in a row: it bounds the length of a round.
        let may_time_out = self.next_outcome != Outcome::Timeout;
        let (took, outcome) = if may_time_out && random.chance(self.pace.timeout_percent) {
            (GUESS_TIMEOUT_SECONDS * 1000, Outcome::Timeout)
        } else if self.guess_count >= 2 && random.chance(self.pace.give_up_percent) {
            (random.between(shortest, longest), Outcome::GiveUp)
        } else if self.round_guess_count + 1 >= self.matching_attempt {
            (random.between(shortest, longest), Outcome::Match)
        } else {
            (random.between(shortest, longest), Outcome::Miss)
        };
        self.next_duration = self.last_duration + took;
        self.next_outcome = outcome;
    }

    /// When the next attempt ends. The bot's own work of some milliseconds is not in it.
    pub(super) fn next_at(&self) -> DateTime<Utc> {
        self.round_started_at + TimeDelta::milliseconds(i64::from(self.next_duration))
    }

    /// Plays the planned attempt, writes it down and plans the one after it.
    pub(super) fn attempt(&mut self, game: &mut Game<'_>) -> Effect {
        self.guess_count += 1;
        self.round_guess_count += 1;
        self.total_guesses += 1;
        let bot_delay = TimeDelta::microseconds(i64::from(game.random.between(40_000, 90_000)));
        let at = self.next_at() + bot_delay;
        let effect = match self.next_outcome {
            Outcome::Match => {
                let word = self.allowed_word(&mut game.random, None);
                self.process(game, at, [word, word])
            }
            Outcome::Miss => {
                let first = self.allowed_word(&mut game.random, None);
                let second = self.allowed_word(&mut game.random, Some(first));
                self.process(game, at, [first, second])
            }
            Outcome::Timeout => self.abandon(game, at, "timeout"),
            Outcome::GiveUp => self.abandon(game, at, "gave_up"),
        };
        self.last_duration = self.next_duration;
        self.plan_next(&mut game.random);
        effect
    }

    /// Writes `guess_processed`; `words` are in the order in which they arrived.
    fn process(
        &mut self,
        game: &mut Game<'_>,
        at: DateTime<Utc>,
        words: [&'static str; 2],
    ) -> Effect {
        let first = game.random.index(2);
        let second = 1 - first;
        let matched = words[0] == words[1];
        // The first word comes somewhere in the middle of the attempt, the second ends it.
        let took = self.next_duration - self.last_duration;
        let waited = game.random.between(took / 10, took / 2);
        if game.random.chance(REFUSED_WORD_PERCENT) {
            let player = &self.team.players[first];
            game.refuse_word(&self.team.id, player, self.current_words[0]);
        }
        let match_points = matched.then(|| (self.pace.points)(self.guess_count));
        let data = json!({
            "team_id": self.team.id,
            "player1_id": self.team.players[first].id,
            "player2_id": self.team.players[second].id,
            "player1_word": words[0],
            "player2_word": words[1],
            "guess_successful": matched,
            "match_score": match_points,
            "guess_count": self.guess_count,
            "round_guess_count": self.round_guess_count,
            "total_guesses": self.total_guesses,
            "guess_duration": self.next_duration,
            "player1_duration": self.next_duration - waited,
            "player2_duration": self.next_duration,
        });
        let trigger = Trigger::Message(&self.team.players[second]);
        game.write("guess_processed", self.round_number, at, data, &trigger);
        for (player, word) in [(first, words[0]), (second, words[1])] {
            self.tallies[player].count(word, matched);
        }
        if let Some(points) = match_points {
            self.matches += 1;
            self.score += points;
            self.match_points = points;
            self.has_matched = true;
            self.last_match_at = Some(game.now());
            Effect::Solved
        } else {
            self.current_words = words;
            Effect::GoesOn
        }
    }

    /// Writes `guess_abandoned`. In half of the cases the other player's word was in.
    fn abandon(&mut self, game: &mut Game<'_>, at: DateTime<Utc>, reason: &'static str) -> Effect {
        let blamed = game.random.index(2);
        let partner = &self.team.players[1 - blamed];
        let word = game
            .random
            .chance(50)
            .then(|| self.allowed_word(&mut game.random, None));
        let word_at =
            self.next_at() - TimeDelta::milliseconds(i64::from(game.random.between(200, 900)));
        let last_guess = word.map(|word| {
            json!({ "player_id": partner.id, "word": word, "timestamp": timestamp(word_at) })
        });
        let data = json!({
            "team_id": self.team.id,
            "player1_id": partner.id,
            "player2_id": self.team.players[blamed].id,
            "reason": reason,
            "abandoning_player_id": self.team.players[blamed].id,
            "last_guess": last_guess,
            "guess_count": self.guess_count,
            "round_guess_count": self.round_guess_count,
            "total_guesses": self.total_guesses,
            "guess_duration": self.next_duration,
        });
        let gave_up = reason == "gave_up";
        let trigger = if gave_up {
            Trigger::Message(&self.team.players[blamed])
        } else {
            Trigger::Timer("guess_timeout")
        };
        game.write("guess_abandoned", self.round_number, at, data, &trigger);
        self.tallies[blamed].abandoned_guesses += 1;
        self.round_abandoned += 1;
        // A lost attempt puts the match off, so that it stays a match of the planned chain.
        self.matching_attempt += 1;
        if gave_up {
            Effect::GaveUp {
                player: blamed,
                partner_word: word,
            }
        } else {
            Effect::GoesOn
        }
    }

    /// A word that both players may use now, and that is not `other`.
    fn allowed_word(&self, random: &mut Random, other: Option<&'static str>) -> &'static str {
        let is_allowed = |word: &&str| {
            Some(*word) != other
                && !self.current_words.contains(word)
                && !self
                    .tallies
                    .iter()
                    .any(|tally| tally.forbidden.contains(word))
        };
        let start = random.index(WORDS.len());
        let mut candidates = WORDS.iter().cycle().skip(start).take(WORDS.len());
        candidates
            .find(|word| is_allowed(word))
            .unwrap_or(&WORDS[start])
    }

    /// The number of the last attempt in the current chain of words.
    pub(super) fn guess_count(&self) -> i32 {
        self.guess_count
    }

    /// Milliseconds from the start of the round to the end of the last attempt.
    pub(super) fn last_duration(&self) -> i32 {
        self.last_duration
    }

    /// The two words that the team has to link.
    pub(super) fn current_words(&self) -> [&'static str; 2] {
        self.current_words
    }
}

impl Tally {
    fn count(&mut self, word: &'static str, matched: bool) {
        self.total_guesses += 1;
        self.successful_matches += i32::from(matched);
        self.forbidden.push_back(word);
        if self.forbidden.len() > FORBIDDEN_WORDS_LIMIT {
            self.forbidden.pop_front();
        }
    }
}
