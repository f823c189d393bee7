//! The pen that writes down a game: it keeps the clock, the ids and the causes.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    GeneratedMode,
    community::{Guild, Player},
    random::Random,
    team_play::TeamPlay,
};
use crate::script::{GameScript, ScriptEvent};

/// How many of a player's last words the player may not use again.
pub(super) const FORBIDDEN_WORDS_LIMIT: usize = 12;
/// How long a team waits for the second word.
pub(super) const GUESS_TIMEOUT_SECONDS: i32 = 60;

/// A game while it is being played.
pub(super) struct Game<'guild> {
    pub(super) random: Random,
    guild: &'guild Guild,
    mode: GeneratedMode,
    id: String,
    correlation_id: String,
    started_at: DateTime<Utc>,
    /// The time of the last event; no later one is before it.
    clock: DateTime<Utc>,
    last_event_id: String,
    events: Vec<ScriptEvent>,
}

/// What made an event happen.
pub(super) enum Trigger<'cause> {
    /// A player started something with a command.
    Command(&'cause Player),
    /// A player sent a word or a request to the bot in a direct message.
    Message(&'cause Player),
    /// A clock of this name ran out.
    Timer(&'static str),
    /// The session drew a conclusion from the event before.
    LastEvent,
}

#[derive(Serialize)]
struct Metadata<'game> {
    event_id: &'game str,
    correlation_id: &'game str,
    causation_id: &'game str,
    source: &'static str,
    source_id: &'game str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<&'game str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guild_id: Option<&'game str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'game str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'game str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_id: Option<&'game str>,
    client_version: &'static str,
    server_version: &'static str,
}

impl<'guild> Game<'guild> {
    pub(super) fn new(
        mut random: Random,
        guild: &'guild Guild,
        mode: GeneratedMode,
        start: DateTime<Utc>,
    ) -> Self {
        let started_at = start.trunc_subsecs(6);
        Self {
            id: random.uuid_v7(started_at),
            correlation_id: random.uuid_v4(),
            random,
            guild,
            mode,
            started_at,
            clock: started_at,
            last_event_id: String::new(),
            events: Vec::new(),
        }
    }

    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// The time of the last event.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock
    }

    /// The time `low` to `high` milliseconds after the last event.
    pub(super) fn soon(&mut self, low: i32, high: i32) -> DateTime<Utc> {
        self.clock + TimeDelta::milliseconds(i64::from(self.random.between(low, high)))
    }

    /// Writes `game_started`; the first player of the first team gave the command.
    pub(super) fn start(&mut self, teams: &[TeamPlay], config: &Value) {
        let players = || teams.iter().flat_map(|play| &play.team.players);
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
            "config_version": 1,
            "started_at": timestamp(self.started_at),
        });
        let trigger = players()
            .next()
            .map_or(Trigger::LastEvent, Trigger::Command);
        let at = self.soon(3, 9);
        self.write("game_started", 1, at, data, &trigger);
    }

    /// Writes one event. `data` is what the type has besides the base fields. An event never comes
    /// before the one written before it, so `at` is the earliest time.
    pub(super) fn write(
        &mut self,
        event_type: &'static str,
        round_number: i32,
        at: DateTime<Utc>,
        data: Value,
        trigger: &Trigger<'_>,
    ) {
        self.clock = self.clock.max(at);
        let data = self.data(round_number, data);
        let event_id = self.random.uuid_v7(self.clock);
        let metadata = self.metadata(&event_id, trigger);
        self.events.push(ScriptEvent {
            event_type: Cow::Borrowed(event_type),
            schema_version: 1,
            data: Cow::Owned(data.to_string()),
            metadata: Cow::Owned(metadata.to_string()),
        });
        self.last_event_id = event_id;
    }

    fn data(&self, round_number: i32, own: Value) -> Value {
        let mut data = Map::new();
        data.insert("game_id".into(), self.id.as_str().into());
        data.insert("guild_id".into(), self.guild.id.as_str().into());
        data.insert("mode".into(), self.mode.as_str().into());
        data.insert("round_number".into(), round_number.into());
        if let Value::Object(own) = own {
            data.extend(own);
        }
        data.insert("timestamp".into(), timestamp(self.clock).into());
        Value::Object(data)
    }

    fn metadata(&mut self, event_id: &str, trigger: &Trigger<'_>) -> Value {
        let outside_id = self.random.snowflake(self.clock).to_string();
        let timer_id;
        let mut metadata = Metadata {
            event_id,
            correlation_id: &self.correlation_id,
            causation_id: &self.last_event_id,
            source: "system",
            source_id: "system:session",
            actor_id: None,
            guild_id: None,
            channel_id: None,
            message_id: None,
            interaction_id: None,
            client_version: "2.4.1",
            server_version: "1.0.0",
        };
        match trigger {
            Trigger::LastEvent => {}
            Trigger::Timer(name) => {
                timer_id = format!("timer:{name}");
                metadata.source = "timer";
                metadata.source_id = &timer_id;
                metadata.causation_id = &timer_id;
            }
            Trigger::Message(player) => {
                metadata.source = "message";
                metadata.source_id = &outside_id;
                metadata.causation_id = &outside_id;
                metadata.message_id = Some(&outside_id);
                metadata.actor_id = Some(&player.id);
                metadata.channel_id = Some(&player.channel_id);
            }
            Trigger::Command(player) => {
                metadata.source = "interaction";
                metadata.source_id = &outside_id;
                metadata.causation_id = &outside_id;
                metadata.interaction_id = Some(&outside_id);
                metadata.actor_id = Some(&player.id);
                metadata.guild_id = Some(&self.guild.id);
                metadata.channel_id = Some(&self.guild.channel_id);
            }
        }
        json!(metadata)
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
        self.clock = self.clock.max(at);
        let mut team_states = Map::new();
        for play in teams {
            play.start_round(round_number, self.clock, &mut self.random);
            team_states.insert(play.team.id.clone(), play.state(max_guesses));
        }
        let data = json!({ "team_states": team_states });
        self.write(
            "round_started",
            round_number,
            self.clock,
            data,
            &Trigger::LastEvent,
        );
    }

    /// Writes `round_completed` for the team that has matched.
    pub(super) fn complete_round(&mut self, play: &TeamPlay) {
        let at = self.soon(7, 10);
        let data = json!({
            "winner_team_id": play.team.id,
            "round_score": 1,
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
            events: self.events,
        }
    }
}

/// RFC 3339 in UTC with all six digits of the microseconds.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
