//! An independent judge of whole games, written from the rules and not from the generator.
//!
//! It judges finished games only. Of what may happen in a game it knows what the samples and the
//! generator make use of, and refuses the rest.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use gamebot::script::ScriptEvent;
use serde_json::Value;
use uuid::Uuid;

/// Refuses the game unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $rule:expr) => {
        if !$condition {
            return Err(format!("{} ({})", $rule, stringify!($condition)));
        }
    };
}

mod longform;
mod points;

type Verdict = Result<(), String>;

/// Says whether the events are a whole game that obeys the rules, or which event breaks which.
pub(crate) fn judge(events: &[ScriptEvent]) -> Verdict {
    let mut referee = Referee::default();
    for (index, event) in events.iter().enumerate() {
        let data: Value = serde_json::from_str(&event.data).map_err(|error| error.to_string())?;
        let metadata = serde_json::from_str(&event.metadata).map_err(|error| error.to_string())?;
        referee
            .envelope(index, &data, &metadata)
            .and_then(|()| referee.event(&event.event_type, &data))
            .map_err(|broken| format!("event {index}, a {}: {broken}", event.event_type))?;
    }
    ensure!(referee.completed, "a game ends with its result");
    Ok(())
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "the rules ask about each of these facts by itself"
)]
#[derive(Default)]
struct Referee {
    base: Value,
    correlation_id: Value,
    event_ids: HashSet<Uuid>,
    now: DateTime<Utc>,
    started_at: DateTime<Utc>,
    config: Value,
    config_version: i64,
    in_lobby: bool,
    order: Vec<String>,
    teams: HashMap<String, Team>,
    round: i64,
    round_open: bool,
    perfect_rounds: i64,
    eliminated_in_round: Vec<Value>,
    live_at_start_of_round: Vec<String>,
    absent: HashSet<String>,
    paused: bool,
    expired: bool,
    evaluated: Option<bool>,
    completed: bool,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "the rules ask about each of these facts by itself"
)]
#[derive(Default)]
struct Team {
    players: Vec<String>,
    live: bool,
    matched: bool,
    open: bool,
    gave_up: bool,
    score: i64,
    matches: i64,
    /// In a golf race, what the last attempt earned and no event has awarded yet.
    award_due: Option<points::Award>,
    last_match_score: i64,
    total: i64,
    in_round: i64,
    in_chain: i64,
    abandoned_in_round: i64,
    duration: i64,
    round: i64,
    round_started_at: DateTime<Utc>,
    last_match_at: Option<DateTime<Utc>>,
    words: Vec<String>,
    stats: HashMap<String, PlayerNumbers>,
}

#[derive(Default)]
struct PlayerNumbers {
    total: i64,
    matches: i64,
    abandoned: i64,
    forbidden: Vec<String>,
}

impl Referee {
    fn envelope(&mut self, index: usize, data: &Value, metadata: &Value) -> Verdict {
        let mut base = data.clone();
        let fields = base.as_object_mut().ok_or("data is an object")?;
        fields.retain(|key, _| ["game_id", "guild_id", "mode"].contains(&key.as_str()));
        if self.in_lobby && base["mode"] != self.base["mode"] {
            ensure!(
                data["new_mode"] == base["mode"],
                "the mode changes by its own event"
            );
            self.base["mode"] = base["mode"].clone();
        }
        if index == 0 {
            self.base = base;
            self.correlation_id = metadata["correlation_id"].clone();
        } else {
            ensure!(self.base == base, "game, guild and mode stay");
            let correlation_id = &metadata["correlation_id"];
            ensure!(
                self.correlation_id == *correlation_id,
                "the correlation stays"
            );
        }
        let timestamp = time(&data["timestamp"])?;
        ensure!(timestamp >= self.now, "time does not go back");
        self.now = timestamp;
        let cause = text(&metadata["causation_id"])?;
        ensure!(self.correlation_id != cause, "the correlation is no cause");
        if let Ok(cause) = cause.parse() {
            ensure!(self.event_ids.contains(&cause), "the cause comes first");
        } else {
            ensure!(
                metadata["source_id"] == cause,
                "an outside cause is the source"
            );
        }
        ensure!(metadata["source_id"].is_string(), "a source");
        let id = text(&metadata["event_id"])?;
        let id: Uuid = id.parse().map_err(|_| "an event id is a UUID")?;
        ensure!(id.get_version_num() == 7, "event ids are of version 7");
        ensure!(self.event_ids.insert(id), "an event id occurs once");
        Ok(())
    }

    fn event(&mut self, event_type: &str, data: &Value) -> Verdict {
        ensure!(!self.completed, "nothing follows the result");
        if self.order.is_empty() && event_type != "game_started" {
            return self.lobby_event(event_type, data);
        }
        ensure!(
            self.order.is_empty() == (event_type == "game_started"),
            "a game starts once"
        );
        self.in_lobby = false;
        if self.paused {
            ensure!(event_type == "game_resumed", "nothing happens in a pause");
        }
        match event_type {
            "game_started" => self.game_started(data),
            "round_started" => self.round_started(data),
            "guess_started" => self.team(data, true).map(|_| ()),
            "guess_processed" => self.guess_processed(data),
            "guess_abandoned" => self.guess_abandoned(data),
            "round_restarted" => self.round_restarted(data),
            "round_completed" => self.round_completed(data),
            "team_eliminated" => self.team_eliminated(data),
            "knockout_round_completed" => self.knockout_round_completed(data),
            "race_time_warning" => self.race_time_warning(data),
            "race_mode_time_expired" => self.race_mode_time_expired(data),
            "golf_race_points_awarded" => self.points_awarded(data),
            "longform_day_ended" => self.longform_day_ended(data),
            "two_player_result_evaluated" => self.evaluated(data),
            "game_completed" => self.game_completed(data),
            "player_left" => self.presence(data, true),
            "player_joined" => self.presence(data, false),
            "game_paused" | "game_resumed" => {
                self.paused = event_type == "game_paused";
                Ok(())
            }
            other => Err(format!("the referee does not know {other}")),
        }
    }

    fn mode(&self) -> &str {
        self.base["mode"].as_str().unwrap_or_default()
    }

    fn is_race(&self) -> bool {
        self.mode() == "race" || self.is_golf()
    }

    fn is_golf(&self) -> bool {
        self.mode() == "golf_race"
    }

    /// What may happen before the start.
    fn lobby_event(&mut self, event_type: &str, data: &Value) -> Verdict {
        ensure!(
            self.in_lobby != (event_type == "game_created"),
            "a lobby opens once and first"
        );
        ensure!(data["round_number"] == 1, "a lobby counts as round 1");
        self.in_lobby = true;
        match event_type {
            "game_created" => {
                ensure!(
                    time(&data["created_at"])? <= self.now,
                    "it opens before it is told"
                );
                texts(&data["team_ids"])?;
                self.config = data["config"].clone();
                self.config_version = 1;
            }
            "player_joined" => {
                ensure!(data["rejoin"] == false, "nobody has left");
                ensure!(
                    time(&data["joined_at"])? <= self.now,
                    "joins before it is told"
                );
                let name = text(&data["username"])?;
                ensure!(name.len() <= 32, "the length of a name");
            }
            "game_config_changed" => {
                ensure!(
                    data["previous_config_version"] == self.config_version,
                    "the version before"
                );
                for change in data["changes"].as_array().ok_or("a list")? {
                    let key = text(&change["key"])?;
                    ensure!(change["old"] == self.config[&key], "the value before");
                    ensure!(change["new"] == data["config"][&key], "the value after");
                }
                self.next_config(data)?;
            }
            "game_mode_changed" => {
                ensure!(data["previous_mode"] != data["new_mode"], "another mode");
                self.next_config(data)?;
            }
            other => return Err(format!("a {other} in a lobby")),
        }
        Ok(())
    }

    fn next_config(&mut self, data: &Value) -> Verdict {
        self.config_version += 1;
        ensure!(
            data["config_version"] == self.config_version,
            "the version after"
        );
        self.config = data["config"].clone();
        Ok(())
    }

    fn live(&self) -> Vec<&String> {
        self.order
            .iter()
            .filter(|id| self.teams[*id].live)
            .collect()
    }

    fn game_started(&mut self, data: &Value) -> Verdict {
        ensure!(data["round_number"] == 1, "the first round");
        self.started_at = time(&data["started_at"])?;
        ensure!(self.started_at <= self.now, "play begins before it is told");
        if self.config_version > 0 {
            ensure!(
                data["config_version"] == self.config_version,
                "the version of the lobby"
            );
            ensure!(
                data["config"] == self.config,
                "the configuration of the lobby"
            );
        }
        self.config = data["config"].clone();
        let rosters = data["teams"].as_object().ok_or("teams is an object")?;
        for (id, players) in rosters {
            let players: Vec<String> = texts(players)?;
            ensure!(
                players.len() == 2 && players[0] != players[1],
                "two players"
            );
            ensure!(*id == players.join("_"), "the pair names the team");
            let number = |id: &String| id.parse::<u64>().unwrap_or_default();
            ensure!(
                number(&players[0]) < number(&players[1]),
                "in numeric order"
            );
            let stats = players
                .iter()
                .map(|id| (id.clone(), PlayerNumbers::default()));
            let team = Team {
                stats: stats.collect(),
                players,
                live: true,
                ..Team::default()
            };
            self.teams.insert(id.clone(), team);
        }
        self.order = texts(&data["team_ids"])?;
        let keys: Vec<&String> = rosters.keys().collect();
        ensure!(
            self.order.iter().collect::<Vec<_>>() == keys,
            "the teams, in order"
        );
        let players: Vec<String> = self
            .order
            .iter()
            .flat_map(|id| self.teams[id].players.clone())
            .collect();
        ensure!(
            texts(&data["player_ids"])? == players,
            "the players of the teams"
        );
        ensure!(
            players.iter().collect::<HashSet<_>>().len() == players.len(),
            "no player twice"
        );
        let allowed = if self.mode() == "two_player" {
            1..=1
        } else {
            2..=12
        };
        ensure!(allowed.contains(&self.order.len()), "the number of teams");
        Ok(())
    }

    fn round_started(&mut self, data: &Value) -> Verdict {
        ensure!(
            !self.expired && self.evaluated.is_none(),
            "no round after the end"
        );
        let number = int(&data["round_number"])?;
        let states = data["team_states"].as_object().ok_or("states")?;
        let keys: Vec<&String> = states.keys().collect();
        if self.is_race() && number > 1 {
            ensure!(keys.len() == 1, "one team's round");
        } else {
            ensure!(!self.round_open, "no round is open");
            ensure!(number == self.round + 1, "rounds count up");
            ensure!(keys == self.live(), "the live teams");
        }
        let limit = self
            .config
            .get("max_guesses")
            .cloned()
            .unwrap_or(Value::Null);
        for (id, state) in states {
            let team = self.teams.get_mut(id).ok_or("a known team")?;
            ensure!(
                !team.open && team.round + 1 == number,
                "the team's next round"
            );
            ensure!(state["team_id"] == **id, "the key is the team");
            ensure!(
                texts(&state["active_players"])? == team.players,
                "the roster"
            );
            team.numbers(state)?;
            ensure!(state["score"] == team.score, "the score");
            ensure!(state["remaining_guesses"] == limit, "the limit of guesses");
            team.words = texts(&state["current_words"])?;
            ensure!(
                team.words.len() == 2 && team.words[0] != team.words[1],
                "two words"
            );
            (team.round, team.open, team.matched) = (number, true, false);
            (
                team.in_round,
                team.in_chain,
                team.duration,
                team.abandoned_in_round,
            ) = (0, 0, 0, 0);
            team.round_started_at = self.now;
        }
        self.round = self.round.max(number);
        self.live_at_start_of_round = self.live().into_iter().cloned().collect();
        self.round_open = true;
        self.eliminated_in_round.clear();
        Ok(())
    }

    /// The team that the event is about; when it is to act, it must be able to.
    fn team(&mut self, data: &Value, acts: bool) -> Result<&mut Team, String> {
        let team = self
            .teams
            .get_mut(&text(&data["team_id"])?)
            .ok_or("a known team")?;
        ensure!(data["round_number"] == team.round, "the team's round");
        if acts {
            ensure!(team.award_due.is_none(), "the points come first");
            ensure!(
                team.live && team.open && !team.matched,
                "the team is in a round"
            );
            ensure!(!team.gave_up, "a team that gave up needs new words");
            ensure!(!self.expired, "time is up");
        }
        Ok(team)
    }

    /// What a finished and an abandoned attempt have in common.
    fn attempt(&mut self, data: &Value) -> Result<&mut Team, String> {
        let (now, limit) = (self.now, self.config["max_guesses"].as_i64());
        let team = self.team(data, true)?;
        let players = [text(&data["player1_id"])?, text(&data["player2_id"])?];
        ensure!(players[0] != players[1], "two players");
        ensure!(
            players.iter().all(|id| team.players.contains(id)),
            "the roster"
        );
        team.in_chain += 1;
        team.in_round += 1;
        team.total += 1;
        ensure!(
            data["guess_count"] == team.in_chain,
            "attempts of the chain"
        );
        ensure!(
            data["round_guess_count"] == team.in_round,
            "attempts of the round"
        );
        ensure!(data["total_guesses"] == team.total, "attempts of the game");
        ensure!(
            limit.is_none_or(|limit| team.in_round <= limit),
            "the limit of attempts"
        );
        let duration = int(&data["guess_duration"])?;
        ensure!(duration >= team.duration, "durations grow");
        team.duration = duration;
        let since_start = now - team.round_started_at;
        ensure!(
            since_start >= TimeDelta::milliseconds(duration),
            "durations fit the clock"
        );
        Ok(team)
    }

    fn guess_processed(&mut self, data: &Value) -> Verdict {
        let now = self.now;
        let words = [text(&data["player1_word"])?, text(&data["player2_word"])?];
        for key in ["player1_id", "player2_id"] {
            ensure!(
                !self.absent.contains(&text(&data[key])?),
                "who left cannot guess"
            );
        }
        let is_golf = self.is_golf();
        let team = self.attempt(data)?;
        let first = int(&data["player1_duration"])?;
        ensure!(
            data["player2_duration"] == team.duration && first <= team.duration,
            "who was first"
        );
        let matched = data["guess_successful"] == true;
        // The samples hold no variants that match, so here the converse of the rule holds as well.
        ensure!(matched == (words[0] == words[1]), "equal words match");
        let points = if is_golf {
            points::of_golf(team.in_chain)
        } else {
            1
        };
        ensure!(
            data["match_score"] == if matched { points.into() } else { Value::Null },
            "the score"
        );
        for (key, word) in ["player1_id", "player2_id"].iter().zip(&words) {
            ensure!((2..=50).contains(&word.len()), "the length of a word");
            ensure!(!team.words.contains(word), "a word of the pair");
            let stats = team.stats.get_mut(&text(&data[*key])?).ok_or("a player")?;
            ensure!(!stats.forbidden.contains(word), "a forbidden word");
            stats.forbidden.push(word.clone());
            let excess = stats.forbidden.len().saturating_sub(12);
            stats.forbidden.drain(..excess);
            stats.total += 1;
            stats.matches += i64::from(matched);
        }
        if matched {
            team.matched = true;
            team.matches += 1;
            team.score += points;
            team.last_match_score = points;
            team.award_due = is_golf.then(|| points::Award::for_match(team.in_chain));
            team.last_match_at = Some(now);
        } else {
            team.words = words.to_vec();
        }
        Ok(())
    }

    fn guess_abandoned(&mut self, data: &Value) -> Verdict {
        let (is_race, is_golf) = (self.is_race(), self.is_golf());
        let now = self.now;
        let blamed = text(&data["abandoning_player_id"])?;
        let team = self.attempt(data)?;
        team.abandoned_in_round += 1;
        team.gave_up = data["reason"] == "gave_up";
        ensure!(!team.gave_up || is_race, "giving up is for races");
        if team.gave_up && is_golf {
            team.award_due = Some(points::Award::for_giving_up(team.in_chain));
        }
        team.stats.get_mut(&blamed).ok_or("a player")?.abandoned += 1;
        if let Some(last_guess) = data["last_guess"].as_object() {
            let player = text(&last_guess["player_id"])?;
            ensure!(
                player != blamed && team.players.contains(&player),
                "the partner"
            );
            ensure!(
                time(&last_guess["timestamp"])? <= now,
                "the word came before"
            );
        }
        Ok(())
    }

    fn round_restarted(&mut self, data: &Value) -> Verdict {
        let team = self.team(data, false)?;
        ensure!(team.gave_up && team.open, "only who gave up gets new words");
        ensure!(team.award_due.is_none(), "the points come first");
        ensure!(data["guess_count"] == team.in_chain, "the dropped chain");
        team.words = texts(&data["current_words"])?;
        (team.gave_up, team.in_chain) = (false, 0);
        Ok(())
    }

    fn round_completed(&mut self, data: &Value) -> Verdict {
        ensure!(
            self.is_race() || self.mode() == "two_player",
            "rounds of other modes end otherwise"
        );
        let is_shared = !self.is_race();
        let id = text(&data["winner_team_id"])?;
        let team = self.teams.get_mut(&id).ok_or("a known team")?;
        ensure!(data["round_number"] == team.round, "the team's round");
        ensure!(team.matched && team.open, "the round is solved");
        ensure!(team.award_due.is_none(), "the points come first");
        let stats = &data["round_stats"];
        ensure!(
            stats["total_guesses"] == team.in_round,
            "attempts of the round"
        );
        ensure!(
            stats["abandoned_guesses"] == team.abandoned_in_round,
            "abandoned ones"
        );
        ensure!(
            stats["successful_matches"] == 1 && data["round_score"] == team.last_match_score,
            "one match"
        );
        average(&stats["average_guess_count"], team.in_round, 1)?;
        team.open = false;
        if is_shared {
            self.round_open = false;
            self.perfect_rounds += i64::from(team.in_chain == 1);
        }
        Ok(())
    }

    fn team_eliminated(&mut self, data: &Value) -> Verdict {
        ensure!(self.round_open, "in a round");
        ensure!(self.live().len() > 1, "never the last team");
        let id = text(&data["team_id"])?;
        match self.mode() {
            "knockout" => self.knocked_out(&id, data)?,
            "longform" => self.out_of_longform(&id, data)?,
            _ => return Err("the referee knows eliminations of two modes".into()),
        }
        let team = self.team(data, false)?;
        ensure!(team.live, "a live team");
        let last = &data["final_state"];
        ensure!(last["team_id"] == data["team_id"], "the same team");
        ensure!(texts(&last["player_ids"])? == team.players, "the roster");
        team.numbers(last)?;
        team.player_stats(&data["player_stats"])?;
        ensure!(
            data["final_score"] == team.score && last["score"] == team.score,
            "the score"
        );
        team.live = false;
        let mut summary = data.clone();
        let fields = summary.as_object_mut().ok_or("data is an object")?;
        let kept = ["team_id", "reason", "final_score", "player_stats"];
        fields.retain(|key, _| kept.contains(&key.as_str()));
        self.eliminated_in_round.push(summary);
        Ok(())
    }

    fn knocked_out(&self, id: &String, data: &Value) -> Verdict {
        let rank = |id: &String| {
            let team = &self.teams[id];
            (
                team.in_round,
                team.duration,
                self.order.iter().position(|other| other == id),
            )
        };
        let limit = self.config["max_guesses"].as_i64();
        match data["reason"].as_str() {
            Some("max_guesses") => {
                let team = &self.teams[id];
                ensure!(
                    !team.matched && Some(team.in_round) == limit,
                    "the last failure"
                );
            }
            Some("round_loss") => {
                let live = self.live();
                ensure!(
                    live.iter().all(|id| self.teams[*id].matched),
                    "all have matched"
                );
                ensure!(
                    live.iter().all(|other| rank(other) <= rank(id)),
                    "the slowest"
                );
            }
            other => return Err(format!("the referee does not know {other:?}")),
        }
        Ok(())
    }

    fn knockout_round_completed(&mut self, data: &Value) -> Verdict {
        ensure!(
            self.round_open && data["round_number"] == self.round,
            "the open round"
        );
        let eliminated = data["eliminated_teams"].as_array().ok_or("a list")?;
        ensure!(
            *eliminated == self.eliminated_in_round,
            "who was eliminated"
        );
        let live = self.live();
        ensure!(!live.is_empty(), "somebody plays on");
        ensure!(
            live.len() == 1 || live.iter().all(|id| self.teams[*id].matched),
            "all have matched, or one is left"
        );
        let advancing = data["advancing_teams"].as_array().ok_or("a list")?;
        ensure!(advancing.len() == live.len(), "who plays on");
        for (entry, id) in advancing.iter().zip(live) {
            ensure!(entry["team_id"] == **id, "who plays on");
            self.teams[id].numbers(entry)?;
        }
        let starts = self.teams.values().map(|team| team.round_started_at);
        let began = starts.max().ok_or("a game has teams")?;
        let took = int(&data["round_duration"])?;
        ensure!(took == (self.now - began).num_seconds(), "how long it took");
        self.teams.values_mut().for_each(|team| team.open = false);
        self.round_open = false;
        Ok(())
    }

    fn race_time_warning(&mut self, data: &Value) -> Verdict {
        ensure!(
            self.is_race() && data["round_number"] == self.round,
            "the highest round"
        );
        for id in &self.order {
            ensure!(
                data["standings"][id] == self.teams[id].score,
                "the standings"
            );
        }
        Ok(())
    }

    fn race_mode_time_expired(&mut self, data: &Value) -> Verdict {
        ensure!(self.is_race() && !self.expired, "once, in a race");
        ensure!(data["round_number"] == self.round, "the highest round");
        let limit = int(&self.config["time_limit_seconds"])?;
        ensure!(int(&data["game_duration"])? >= limit, "the limit");
        ensure!(
            self.now - self.started_at >= TimeDelta::seconds(limit),
            "not too early"
        );
        ensure!(keys(&data["final_matches"]) == self.order, "all teams");
        for (id, team) in &self.teams {
            let result = &data["final_matches"][id];
            team.numbers(result)?;
            average(&result["average_guesses"], team.total, team.matches)?;
            team.player_stats(&result["player_stats"])?;
            let last = &result["last_match_timestamp"];
            let last = if last.is_null() {
                None
            } else {
                Some(time(last)?)
            };
            ensure!(last == team.last_match_at, "the last match");
        }
        self.expired = true;
        Ok(())
    }

    fn evaluated(&mut self, data: &Value) -> Verdict {
        ensure!(
            self.mode() == "two_player" && !self.round_open,
            "after the last round"
        );
        let team = self
            .teams
            .get(&text(&data["team_id"])?)
            .ok_or("a known team")?;
        ensure!(self.config["rounds_required"] == self.round, "all rounds");
        ensure!(
            data["rounds_played"] == self.round && data["rounds_required"] == self.round,
            "all rounds"
        );
        ensure!(data["total_guesses"] == team.total, "all attempts");
        ensure!(
            data["perfect_rounds"] == self.perfect_rounds,
            "the perfect rounds"
        );
        average(&data["average_guesses"], team.total, self.round)?;
        let threshold = data["success_threshold"].as_f64().ok_or("a number")?;
        let succeeded = data["average_guesses"].as_f64().ok_or("a number")? <= threshold;
        ensure!(data["succeeded"] == succeeded, "the goal");
        self.evaluated = Some(succeeded);
        Ok(())
    }

    fn game_completed(&mut self, data: &Value) -> Verdict {
        ensure!(self.is_race() == self.expired, "a race ends by the clock");
        ensure!(
            self.is_race() || !self.round_open,
            "no shared round is open"
        );
        ensure!(
            data["total_rounds"] == self.round && data["round_number"] == self.round,
            "the rounds"
        );
        let finished_at = time(&data["finished_at"])?;
        ensure!(finished_at <= self.now, "play ends before it is told");
        let duration = (finished_at - self.started_at).num_seconds();
        ensure!(data["game_duration"] == duration, "how long it took");
        ensure!(keys(&data["final_scores"]) == self.order, "all teams");
        for (id, team) in &self.teams {
            let score = &data["final_scores"][id];
            team.numbers(score)?;
            ensure!(score["score"] == team.score, "the score");
            ensure!(team.award_due.is_none(), "all points are awarded");
            average(&score["average_guesses"], team.total, team.matches)?;
            team.player_stats(&score["player_stats"])?;
        }
        ensure!(texts(&data["winners"])? == self.winners()?, "the winners");
        self.completed = true;
        Ok(())
    }

    fn winners(&self) -> Result<Vec<String>, String> {
        let rank = |id: &&String| (self.teams[*id].matches, -self.teams[*id].total);
        let best = self.order.iter().map(|id| rank(&id)).max();
        let winners: Vec<String> = match self.mode() {
            "two_player" if self.evaluated.ok_or("the goal is evaluated")? => self.order.clone(),
            "two_player" => Vec::new(),
            "knockout" | "longform" => self.live().into_iter().cloned().collect(),
            "golf_race" => self.golf_winners(),
            _ => self
                .order
                .iter()
                .filter(|id| Some(rank(id)) == best)
                .cloned()
                .collect(),
        };
        ensure!(
            !["knockout", "longform"].contains(&self.mode()) || winners.len() == 1,
            "one team is left"
        );
        Ok(winners)
    }

    fn presence(&mut self, data: &Value, leaves: bool) -> Verdict {
        let player = text(&data["player_id"])?;
        let changed = if leaves {
            self.absent.insert(player)
        } else {
            self.absent.remove(&player)
        };
        ensure!(changed, "who leaves is here, who joins was away");
        Ok(())
    }
}

impl Team {
    fn numbers(&self, stated: &Value) -> Verdict {
        ensure!(stated["matches"] == self.matches, "the matches of the team");
        ensure!(
            stated["total_guesses"] == self.total,
            "the attempts of the team"
        );
        if !stated["average_guesses"].is_null() {
            average(&stated["average_guesses"], self.total, self.matches)?;
        }
        Ok(())
    }

    fn player_stats(&self, stated: &Value) -> Verdict {
        ensure!(keys(stated) == self.players, "the numbers of both players");
        for (id, numbers) in &self.stats {
            let stated = &stated[id];
            ensure!(
                stated["total_guesses"] == numbers.total,
                "the player's attempts"
            );
            ensure!(
                stated["successful_matches"] == numbers.matches,
                "the player's matches"
            );
            ensure!(
                stated["abandoned_guesses"] == numbers.abandoned,
                "what was abandoned"
            );
            average(
                &stated["average_guess_count"],
                numbers.total,
                numbers.matches,
            )?;
        }
        Ok(())
    }
}

fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| format!("{value} is a text"))
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let list = value
        .as_array()
        .ok_or_else(|| format!("{value} is a list"))?;
    list.iter().map(text).collect()
}

fn keys(value: &Value) -> Vec<String> {
    let object = value.as_object();
    object
        .map(|object| object.keys().cloned().collect())
        .unwrap_or_default()
}

fn int(value: &Value) -> Result<i64, String> {
    let number = value.as_i64().filter(|number| *number >= 0);
    number.ok_or_else(|| format!("{value} is a count"))
}

fn time(value: &Value) -> Result<DateTime<Utc>, String> {
    let text = text(value)?;
    ensure!(
        text.ends_with('Z') && text.len() <= 27,
        "UTC, with at most 6 digits"
    );
    text.parse().map_err(|_| format!("{text} is a time"))
}

/// An average is the quotient rounded to 4 decimals, or 0 of nothing.
fn average(stated: &Value, total: i64, count: i64) -> Verdict {
    let stated = stated.as_f64().ok_or("an average is a number")?;
    // No count of a game is large enough for the quotient to fall between two decimals.
    let scaled = if count == 0 {
        0
    } else {
        (total * 100_000 / count + 5) / 10
    };
    let scaled = f64::from(i32::try_from(scaled).map_err(|error| error.to_string())?);
    let is_close = ((stated * 10_000.0).round() - scaled).abs() < 0.5;
    ensure!(is_close, "the average");
    Ok(())
}
