//! A game while it is being played, and the book in which it is written down.

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    GeneratedMode,
    community::{Guild, Player},
    lobby,
    pen::{Pen, Trigger, data, timestamp},
    random::Random,
    team_play::TeamPlay,
};
use crate::script::GameScript;

/// How many of a player's last words the player may not use again.
pub(super) const FORBIDDEN_WORDS_LIMIT: usize = 12;
/// How long a team waits for the second word.
pub(super) const GUESS_TIMEOUT_SECONDS: i32 = 60;
/// Percentage of games that are prepared in a lobby.
const LOBBY_PERCENT: i32 = 40;
/// Percentage of round starts after which the session has to be brought back.
const RECOVERY_PERCENT: i32 = 1;

/// A game while it is being played.
pub(super) struct Game<'guild> {
    pub(super) random: Random,
    pub(super) mode: GeneratedMode,
    /// How often the configuration was set before the start.
    pub(super) config_version: i32,
    id: String,
    started_at: DateTime<Utc>,
    book: Pen<'guild>,
    /// What is observed of the game without changing it; it has a stream of its own.
    log: Pen<'guild>,
}

impl<'guild> Game<'guild> {
    pub(super) fn new(
        mut random: Random,
        guild: &'guild Guild,
        mode: GeneratedMode,
        start: DateTime<Utc>,
    ) -> Self {
        let started_at = start.trunc_subsecs(6);
        let id = random.uuid_v7(started_at);
        let correlation_id = random.uuid_v4();
        Self {
            random,
            mode,
            config_version: 1,
            id,
            started_at,
            book: Pen::new(guild, correlation_id.clone(), started_at),
            log: Pen::new(guild, correlation_id, started_at),
        }
    }

    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// The time of the last event.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.book.clock
    }

    /// The time `low` to `high` milliseconds after the last event.
    pub(super) fn soon(&mut self, low: i32, high: i32) -> DateTime<Utc> {
        let wait = self.random.between(low, high);
        self.now() + TimeDelta::milliseconds(i64::from(wait))
    }

    /// Writes `game_started`, some of the times after a lobby. The first player of the first team
    /// gave the command.
    pub(super) fn start(&mut self, teams: &[TeamPlay], config: &Value) {
        let players = || teams.iter().flat_map(|play| &play.team.players);
        let Some(creator) = players().next() else {
            return;
        };
        if self.random.chance(LOBBY_PERCENT) {
            lobby::open(self, teams, creator, config);
            self.started_at = self.soon(1_500, 6_000);
        }
        let rosters = teams.iter().map(|play| {
            let player_ids = play.team.players.iter().map(|player| player.id.as_str());
            (play.team.id.clone(), player_ids.collect())
        });
        let data = json!({
            "teams": rosters.collect::<Map<String, Value>>(),
            "team_ids": teams.iter().map(|play| &play.team.id).collect::<Vec<_>>(),
            "player_ids": players().map(|player| &player.id).collect::<Vec<_>>(),
            "roles": {},
            "config": config,
            "config_version": self.config_version,
            "started_at": timestamp(self.started_at),
        });
        let delay = TimeDelta::milliseconds(i64::from(self.random.between(3, 9)));
        let at = self.started_at + delay;
        self.write("game_started", 1, at, data, &Trigger::Command(creator));
    }

    /// Writes one event. `own` is what the type has besides the base fields. An event never comes
    /// before the one written before it, so `at` is the earliest time.
    pub(super) fn write(
        &mut self,
        event_type: &'static str,
        round_number: i32,
        at: DateTime<Utc>,
        own: Value,
        trigger: &Trigger<'_>,
    ) {
        self.book.clock = self.book.clock.max(at);
        let base = [
            ("game_id", self.id.as_str().into()),
            ("guild_id", self.book.guild.id.as_str().into()),
            ("mode", self.mode.as_str().into()),
            ("round_number", round_number.into()),
        ];
        let data = data(base, own, self.book.clock);
        self.book.write(&mut self.random, event_type, data, trigger);
    }

    /// Notes something about the game that does not change it. It happens at `at`, or as soon as
    /// everything that was noted before has happened.
    pub(super) fn observe(
        &mut self,
        event_type: &'static str,
        at: DateTime<Utc>,
        own: Value,
        trigger: &Trigger<'_>,
    ) {
        self.log.clock = self.log.clock.max(at);
        self.log.last_event_id.clone_from(&self.book.last_event_id);
        let base = [
            ("game_id", self.id.as_str().into()),
            ("guild_id", self.log.guild.id.as_str().into()),
        ];
        let data = data(base, own, self.log.clock);
        self.log.write(&mut self.random, event_type, data, trigger);
    }

    /// A word that a player may not use, and therefore uses again.
    pub(super) fn refuse_word(&mut self, team_id: &str, player: &Player, word: &str) {
        let data = json!({
            "team_id": team_id,
            "player_id": player.id,
            "word": word,
            "reason": "forbidden_word",
        });
        let at = self.soon(20, 60);
        self.observe("guess_error", at, data, &Trigger::Message(player));
    }

    /// The session is lost with its node, and another node brings it back from the stream.
    fn recover(&mut self) {
        let version = self.book.events.len();
        let at = self.soon(1, 3);
        let data = json!({
            "trigger": "failover", "attempt": 1, "from_version": 1, "snapshot_version": null,
        });
        self.observe("session_recovery_started", at, data, &Trigger::LastEvent);
        let duration_ms = self.random.between(3, 40);
        let data = json!({
            "attempt": 1,
            "last_version": version,
            "events_applied": version,
            "duration_ms": duration_ms,
            "warnings": [],
        });
        let at = at + TimeDelta::milliseconds(i64::from(duration_ms));
        self.observe("session_recovered", at, data, &Trigger::LastEvent);
    }

    /// Writes `round_started` for the teams whose round it is, and starts it for them.
    pub(super) fn start_round<'play>(
        &mut self,
        round_number: i32,
        at: DateTime<Utc>,
        teams: impl Iterator<Item = &'play mut TeamPlay>,
        max_guesses: Option<i32>,
    ) {
        // The clock is set first, because the durations of attempts count from the event's time.
        self.book.clock = self.book.clock.max(at);
        let now = self.now();
        let mut team_states = Map::new();
        for play in teams {
            play.start_round(round_number, now, &mut self.random);
            team_states.insert(play.team.id.clone(), play.state(max_guesses));
        }
        let data = json!({ "team_states": team_states });
        self.write(
            "round_started",
            round_number,
            now,
            data,
            &Trigger::LastEvent,
        );
        if self.random.chance(RECOVERY_PERCENT) {
            self.recover();
        }
    }

    /// Writes `round_completed` for the team that has matched.
    pub(super) fn complete_round(&mut self, play: &TeamPlay) {
        let at = self.soon(7, 10);
        let data = json!({
            "winner_team_id": play.team.id,
            "round_score": play.match_points,
            "round_stats": play.round_stats(),
        });
        self.write(
            "round_completed",
            play.round_number,
            at,
            data,
            &Trigger::LastEvent,
        );
    }

    /// Writes `game_completed` and closes the book.
    pub(super) fn complete(
        mut self,
        teams: &[TeamPlay],
        winners: &[&TeamPlay],
        total_rounds: i32,
    ) -> GameScript {
        let finished_at = self.now();
        let scores = teams
            .iter()
            .map(|play| (play.team.id.clone(), play.score_card()));
        let data = json!({
            "winners": winners.iter().map(|play| &play.team.id).collect::<Vec<_>>(),
            "final_scores": scores.collect::<Map<String, Value>>(),
            "game_duration": (finished_at - self.started_at).num_seconds(),
            "total_rounds": total_rounds,
            "finished_at": timestamp(finished_at),
        });
        let at = self.soon(4, 7);
        self.write(
            "game_completed",
            total_rounds,
            at,
            data,
            &Trigger::LastEvent,
        );
        GameScript {
            name: Cow::Owned(format!("{} {}", self.mode.as_str(), self.id)),
            game_id: self.id,
            events: self.book.events,
            observations: self.log.events,
        }
    }
}
