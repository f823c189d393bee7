//! A table at which games of every mode are played by hand, for the tests.
//!
//! It keeps the books as the rules of the game say, and writes one event for each call. It knows
//! nothing of the code under test.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::stream::{Stream, Written};

pub(crate) const GAME_ID: &str = "0195a000-1111-7222-8333-444455556666";
pub(crate) const GUILD_ID: &str = "843586152819373557";
pub(crate) const CORRELATION_ID: &str = "0b1c2d3e-4f50-4a61-8b72-9c83ad94be05";

/// A game while it is played.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) mode: &'static str,
    pub(crate) config: Value,
    pub(crate) now: DateTime<Utc>,
    pub(crate) events: Vec<Written>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) round: i32,
    started_at: DateTime<Utc>,
    round_started_at: DateTime<Utc>,
    out_in_round: Vec<Value>,
    words: u32,
}

/// A team and its numbers.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) id: String,
    pub(crate) players: [String; 2],
    pub(crate) is_live: bool,
    pub(crate) score: i32,
    pub(crate) matches: i32,
    pub(crate) total: i32,
    pub(crate) chain: i32,
    pub(crate) in_round: i32,
    pub(crate) round: i32,
    round_score: i32,
    round_matches: i32,
    round_abandoned: i32,
    began: DateTime<Utc>,
    last_match_at: Option<DateTime<Utc>>,
    stats: [[i32; 3]; 2],
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn average(total: i32, count: i32) -> f64 {
    if count == 0 {
        0.0
    } else {
        (f64::from(total) / f64::from(count) * 10_000.0).round() / 10_000.0
    }
}

impl Seat {
    fn new(number: usize) -> Self {
        let players = [
            format!("9{number}0000000000000001"),
            format!("9{number}0000000000000002"),
        ];
        Self {
            id: players.join("_"),
            players,
            is_live: true,
            score: 0,
            matches: 0,
            total: 0,
            chain: 0,
            in_round: 0,
            round: 0,
            round_score: 0,
            round_matches: 0,
            round_abandoned: 0,
            began: DateTime::UNIX_EPOCH,
            last_match_at: None,
            stats: [[0; 3]; 2],
        }
    }

    pub(crate) fn player_stats(&self) -> Value {
        let entries = self.players.iter().zip(&self.stats);
        let entries = entries.map(|(id, [total, matches, abandoned])| {
            let numbers = json!({
                "total_guesses": total,
                "successful_matches": matches,
                "abandoned_guesses": abandoned,
                "average_guess_count": average(*total, *matches),
            });
            (id.clone(), numbers)
        });
        Value::Object(entries.collect())
    }

    fn score_card(&self) -> Value {
        json!({
            "score": self.score,
            "matches": self.matches,
            "total_guesses": self.total,
            "average_guesses": average(self.total, self.matches),
            "player_stats": self.player_stats(),
        })
    }
}

impl Table {
    pub(crate) fn new(mode: &'static str, teams: usize, config: Value) -> Self {
        let now = "2026-02-01T10:00:00Z".parse().unwrap();
        Self {
            mode,
            config,
            now,
            events: Vec::new(),
            seats: (1..=teams).map(Seat::new).collect(),
            round: 0,
            started_at: now,
            round_started_at: now,
            out_in_round: Vec::new(),
            words: 0,
        }
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream {
            game_id: GAME_ID.to_owned(),
            events: self.events.clone(),
        }
    }

    pub(crate) fn id(&self, team: usize) -> String {
        self.seats[team].id.clone()
    }

    pub(crate) fn player(&self, team: usize, player: usize) -> String {
        self.seats[team].players[player].clone()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    /// Writes any event; `own` is what its type has besides the base fields.
    pub(crate) fn write(&mut self, event_type: &str, round: i32, own: Value) -> &mut Self {
        let mut data = Map::new();
        data.insert("game_id".into(), GAME_ID.into());
        data.insert("guild_id".into(), GUILD_ID.into());
        data.insert("mode".into(), self.mode.into());
        data.insert("round_number".into(), round.into());
        if let Value::Object(own) = own {
            data.extend(own);
        }
        data.insert("timestamp".into(), text(self.now).into());
        let number = self.events.len() + 1;
        let metadata = json!({
            "event_id": format!("0195a000-0000-7000-8000-{number:012}"),
            "correlation_id": CORRELATION_ID,
            "source_id": "system:table",
            "causation_id": "system:table",
        });
        self.events
            .push(Written::new(event_type, &Value::Object(data), &metadata));
        self
    }

    pub(crate) fn created(&mut self) -> &mut Self {
        let own = json!({ "created_by": "77", "created_at": text(self.now), "team_ids": [] });
        self.write("game_created", 1, own)
    }

    pub(crate) fn start(&mut self) -> &mut Self {
        self.started_at = self.now;
        let teams = self
            .seats
            .iter()
            .map(|seat| (seat.id.clone(), json!(seat.players)));
        let own = json!({
            "teams": teams.collect::<Map<_, _>>(),
            "team_ids": self.seats.iter().map(|seat| &seat.id).collect::<Vec<_>>(),
            "player_ids": self.seats.iter().flat_map(|seat| &seat.players).collect::<Vec<_>>(),
            "config": self.config,
            "started_at": text(self.now),
        });
        self.write("game_started", 1, own).wait(1)
    }

    /// Opens the next round of all live teams.
    pub(crate) fn round(&mut self) -> &mut Self {
        let teams: Vec<usize> = (0..self.seats.len())
            .filter(|team| self.seats[*team].is_live)
            .collect();
        self.out_in_round.clear();
        self.round_started_at = self.now;
        self.open(&teams, self.round + 1)
    }

    /// Opens the next round of one team of a race.
    pub(crate) fn own_round(&mut self, team: usize) -> &mut Self {
        self.open(&[team], self.seats[team].round + 1)
    }

    fn open(&mut self, teams: &[usize], round: i32) -> &mut Self {
        let mut states = Map::new();
        for team in teams {
            let seat = &mut self.seats[*team];
            (seat.round, seat.chain, seat.in_round) = (round, 0, 0);
            (seat.round_score, seat.round_matches, seat.round_abandoned) = (0, 0, 0);
            seat.began = self.now;
            states.insert(
                seat.id.clone(),
                json!({
                    "team_id": seat.id,
                    "active_players": seat.players,
                    "eliminated_players": [],
                    "score": seat.score,
                    "matches": seat.matches,
                    "total_guesses": seat.total,
                    "average_guesses": average(seat.total, seat.matches),
                    "current_words": ["alpha", "omega"],
                }),
            );
        }
        self.round = self.round.max(round);
        self.write("round_started", round, json!({ "team_states": states }))
            .wait(1)
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("word{}", self.words)
    }

    /// An attempt that fails, 5 seconds after whatever was before.
    pub(crate) fn miss(&mut self, team: usize) -> &mut Self {
        let words = [self.word(), self.word()];
        self.attempt(team, &words, None)
    }

    /// An attempt that succeeds.
    pub(crate) fn hit(&mut self, team: usize, score: i32) -> &mut Self {
        let word = self.word();
        self.attempt(team, &[word.clone(), word], Some(score))
    }

    pub(crate) fn attempt(
        &mut self,
        team: usize,
        words: &[String; 2],
        score: Option<i32>,
    ) -> &mut Self {
        self.wait(5);
        let seat = &mut self.seats[team];
        seat.chain += 1;
        seat.in_round += 1;
        seat.total += 1;
        let took = (self.now - seat.began).num_milliseconds();
        let is_match = score.is_some();
        if let Some(score) = score {
            seat.matches += 1;
            seat.round_matches += 1;
            seat.score += score;
            seat.round_score = score;
            seat.last_match_at = Some(self.now);
        }
        for stats in &mut seat.stats {
            stats[0] += 1;
            stats[1] += i32::from(is_match);
        }
        let own = json!({
            "team_id": seat.id,
            "player1_id": seat.players[0],
            "player2_id": seat.players[1],
            "player1_word": words[0],
            "player2_word": words[1],
            "guess_successful": is_match,
            "match_score": score,
            "guess_count": seat.chain,
            "round_guess_count": seat.in_round,
            "total_guesses": seat.total,
            "guess_duration": took,
            "player1_duration": took - 1_000,
            "player2_duration": took,
        });
        let round = seat.round;
        self.write("guess_processed", round, own)
    }

    /// An attempt that the second player of the team abandons.
    pub(crate) fn abandon(&mut self, team: usize, reason: &str) -> &mut Self {
        self.wait(5);
        let seat = &mut self.seats[team];
        seat.chain += 1;
        seat.in_round += 1;
        seat.total += 1;
        seat.round_abandoned += 1;
        seat.stats[1][2] += 1;
        let own = json!({
            "team_id": seat.id,
            "player1_id": seat.players[0],
            "player2_id": seat.players[1],
            "reason": reason,
            "abandoning_player_id": seat.players[1],
            "last_guess": {
                "player_id": seat.players[0],
                "word": "lonely",
                "timestamp": text(self.now - TimeDelta::seconds(2)),
            },
            "guess_count": seat.chain,
            "round_guess_count": seat.in_round,
            "total_guesses": seat.total,
            "guess_duration": (self.now - seat.began).num_milliseconds(),
        });
        let round = seat.round;
        self.write("guess_abandoned", round, own)
    }

    /// The first word of an attempt, by the first player of the team.
    pub(crate) fn begin(&mut self, team: usize) -> &mut Self {
        let seat = &self.seats[team];
        let own = json!({ "team_id": seat.id, "player_id": seat.players[0], "channel_id": "5" });
        self.write("guess_started", seat.round, own)
    }

    pub(crate) fn restart(&mut self, team: usize) -> &mut Self {
        let seat = &mut self.seats[team];
        let own = json!({
            "team_id": seat.id,
            "giving_up_player": seat.players[1],
            "teammate_word": "lonely",
            "guess_count": seat.chain,
            "current_words": ["gamma", "delta"],
        });
        seat.chain = 0;
        let round = seat.round;
        self.write("round_restarted", round, own)
    }

    /// Closes the round of a team that has matched.
    pub(crate) fn close(&mut self, team: usize) -> &mut Self {
        let seat = &self.seats[team];
        let own = json!({
            "winner_team_id": seat.id,
            "round_score": seat.round_score,
            "round_stats": {
                "total_guesses": seat.in_round,
                "successful_matches": seat.round_matches,
                "abandoned_guesses": seat.round_abandoned,
                "average_guess_count": average(seat.in_round, seat.round_matches),
            },
        });
        self.write("round_completed", seat.round, own).wait(1)
    }

    /// Awards the points of a golf race for the last attempt.
    pub(crate) fn points(&mut self, team: usize, points: i32) -> &mut Self {
        let seat = &mut self.seats[team];
        if points < 0 {
            seat.score += points;
        }
        let own = json!({
            "team_id": seat.id,
            "guess_count": seat.chain,
            "points": points,
            "reason": if points < 0 { "give_up" } else { "match" },
            "total_points": seat.score,
        });
        let round = seat.round;
        self.write("golf_race_points_awarded", round, own)
    }

    pub(crate) fn out(&mut self, team: usize, reason: &str) -> &mut Self {
        let round = self.round.max(1);
        let seat = &mut self.seats[team];
        seat.is_live = false;
        let summary = json!({
            "team_id": seat.id,
            "reason": reason,
            "final_score": seat.score,
            "player_stats": seat.player_stats(),
        });
        let mut own = summary.clone();
        own["final_state"] = json!({
            "team_id": seat.id,
            "player_ids": seat.players,
            "score": seat.score,
            "matches": seat.matches,
            "total_guesses": seat.total,
        });
        self.out_in_round.push(summary);
        self.write("team_eliminated", round, own)
    }

    /// Closes the round of a knockout.
    pub(crate) fn knockout_end(&mut self) -> &mut Self {
        let advancing = self.seats.iter().filter(|seat| seat.is_live).map(|seat| {
            json!({
                "team_id": seat.id,
                "score": seat.score,
                "matches": seat.matches,
                "total_guesses": seat.total,
            })
        });
        let own = json!({
            "eliminated_teams": self.out_in_round,
            "advancing_teams": advancing.collect::<Vec<_>>(),
            "round_duration": (self.now - self.round_started_at).num_seconds(),
        });
        self.write("knockout_round_completed", self.round, own)
            .wait(5)
    }

    /// Closes the day of a longform game.
    pub(crate) fn day_end(&mut self) -> &mut Self {
        let out: Vec<&Value> = self
            .out_in_round
            .iter()
            .map(|out| &out["team_id"])
            .collect();
        let standings = self
            .seats
            .iter()
            .filter(|seat| seat.is_live || out.iter().any(|id| **id == *seat.id))
            .map(|seat| {
                let mut standing = seat.score_card();
                standing["daily_matches"] = seat.round_matches.into();
                standing["daily_guesses"] = seat.in_round.into();
                (seat.id.clone(), standing)
            });
        let own = json!({
            "day_number": self.round,
            "team_standings": standings.collect::<Map<_, _>>(),
            "eliminated_teams": out,
            "day_duration": (self.now - self.round_started_at).num_seconds(),
        });
        self.write("longform_day_ended", self.round, own).wait(1)
    }

    pub(crate) fn warn(&mut self, remaining: i64) -> &mut Self {
        let standings = self
            .seats
            .iter()
            .map(|seat| (seat.id.clone(), json!(seat.score)));
        let own = json!({
            "remaining_seconds": remaining,
            "standings": standings.collect::<Map<_, _>>(),
        });
        self.write("race_time_warning", self.round.max(1), own)
    }

    /// Declares the time of a race up, now.
    pub(crate) fn expire(&mut self) -> &mut Self {
        let results = self.seats.iter().map(|seat| {
            let mut result = seat.score_card();
            result["last_match_timestamp"] = json!(seat.last_match_at.map(text));
            (seat.id.clone(), result)
        });
        let own = json!({
            "final_matches": results.collect::<Map<_, _>>(),
            "game_duration": (self.now - self.started_at).num_seconds(),
        });
        self.write("race_mode_time_expired", self.round.max(1), own)
    }

    /// Waits until so many seconds after the start.
    pub(crate) fn until(&mut self, seconds: i64) -> &mut Self {
        self.now = self.started_at + TimeDelta::seconds(seconds);
        self
    }

    pub(crate) fn evaluate(&mut self, threshold: f64, perfect: i32) -> &mut Self {
        let (seat, rounds) = (&self.seats[0], self.round);
        let own = json!({
            "team_id": seat.id,
            "rounds_required": rounds,
            "rounds_played": rounds,
            "total_guesses": seat.total,
            "average_guesses": average(seat.total, rounds),
            "success_threshold": threshold,
            "succeeded": f64::from(seat.total) <= threshold * f64::from(rounds),
            "perfect_rounds": perfect,
        });
        self.write("two_player_result_evaluated", rounds, own)
    }

    pub(crate) fn complete(&mut self, winners: &[usize]) -> &mut Self {
        let scores = self
            .seats
            .iter()
            .map(|seat| (seat.id.clone(), seat.score_card()));
        let own = json!({
            "winners": winners.iter().map(|team| self.id(*team)).collect::<Vec<_>>(),
            "final_scores": scores.collect::<Map<_, _>>(),
            "game_duration": (self.now - self.started_at).num_seconds(),
            "total_rounds": self.round.max(1),
            "finished_at": text(self.now),
        });
        self.write("game_completed", self.round.max(1), own)
    }

    pub(crate) fn pause(&mut self) -> &mut Self {
        let own = json!({ "paused_by": null, "reason": "admin", "remaining_seconds": 7 });
        self.write("game_paused", self.round.max(1), own)
    }

    pub(crate) fn resume(&mut self, paused: i64) -> &mut Self {
        // The clocks of the teams stood still.
        for seat in &mut self.seats {
            seat.began += TimeDelta::seconds(paused);
        }
        let own = json!({ "paused_duration": paused, "remaining_seconds": 7 });
        self.write("game_resumed", self.round.max(1), own)
    }

    pub(crate) fn abort(&mut self) -> &mut Self {
        let own = json!({ "reason": "inactivity", "aborted_by": null });
        self.write("game_aborted", self.round.max(1), own)
    }

    pub(crate) fn archive(&mut self) -> &mut Self {
        let own = json!({ "archived_by": "system:archive", "event_count": self.events.len() });
        self.write("game_archived", self.round.max(1), own)
    }

    pub(crate) fn leave(&mut self, team: usize, player: usize) -> &mut Self {
        let own = json!({
            "player_id": self.player(team, player),
            "team_id": self.id(team),
            "left_at": text(self.now),
            "reason": "quit",
        });
        self.write("player_left", self.round.max(1), own)
    }

    pub(crate) fn rejoin(&mut self, team: usize, player: usize) -> &mut Self {
        let own = json!({
            "player_id": self.player(team, player),
            "username": "quiet_otter",
            "team_id": self.id(team),
            "joined_at": text(self.now),
            "rejoin": true,
        });
        self.write("player_joined", self.round.max(1), own)
    }

    /// A report of something that went wrong, as imported games have it in their streams.
    pub(crate) fn observe(&mut self) -> &mut Self {
        let own = json!({ "reason": "invalid_operation", "details": null });
        self.write("game_error", self.round.max(1), own)
    }
}
