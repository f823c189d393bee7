//! The pen that writes the events of one stream: it keeps the clock, the ids and the causes.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    community::{Guild, Player},
    random::Random,
};
use crate::script::ScriptEvent;

/// What made an event happen.
pub(super) enum Trigger<'cause> {
    /// A player started something with a command.
    Command(&'cause Player),
    /// A player sent a word or a request to the bot in a direct message.
    Message(&'cause Player),
    /// Somebody clicked on something in the admin panel.
    Admin(&'cause Player),
    /// A clock of this name ran out.
    Timer(&'static str),
    /// The bot drew a conclusion from the event before.
    LastEvent,
}

/// A stream while it is being written.
pub(super) struct Pen<'guild> {
    pub(super) guild: &'guild Guild,
    pub(super) correlation_id: String,
    /// The time of the last event; no later one is before it.
    pub(super) clock: DateTime<Utc>,
    /// The id of the event from which a conclusion is drawn.
    pub(super) last_event_id: String,
    pub(super) events: Vec<ScriptEvent>,
}

#[derive(Serialize)]
struct Metadata<'pen> {
    event_id: &'pen str,
    correlation_id: &'pen str,
    causation_id: &'pen str,
    source: &'static str,
    source_id: &'pen str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<&'pen str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guild_id: Option<&'pen str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'pen str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'pen str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_id: Option<&'pen str>,
    client_version: &'static str,
    server_version: &'static str,
}

impl<'guild> Pen<'guild> {
    pub(super) fn new(guild: &'guild Guild, correlation_id: String, clock: DateTime<Utc>) -> Self {
        Self {
            guild,
            correlation_id,
            clock,
            last_event_id: String::new(),
            events: Vec::new(),
        }
    }

    /// Writes one event at the time of the clock. `data` is all of its data.
    pub(super) fn write(
        &mut self,
        random: &mut Random,
        event_type: &'static str,
        data: Map<String, Value>,
        trigger: &Trigger<'_>,
    ) {
        let event_id = random.uuid_v7(self.clock);
        let metadata = self.metadata(random, &event_id, trigger);
        self.events.push(ScriptEvent {
            event_type: Cow::Borrowed(event_type),
            schema_version: 1,
            data: Cow::Owned(Value::Object(data).to_string()),
            metadata: Cow::Owned(metadata.to_string()),
        });
        self.last_event_id = event_id;
    }

    fn metadata(&self, random: &mut Random, event_id: &str, trigger: &Trigger<'_>) -> Value {
        let outside_id = random.snowflake(self.clock).to_string();
        let named_id;
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
                named_id = format!("timer:{name}");
                metadata.source = "timer";
                metadata.source_id = &named_id;
                metadata.causation_id = &named_id;
            }
            Trigger::Admin(player) => {
                named_id = format!("admin:{outside_id}");
                metadata.source = "admin";
                metadata.source_id = &named_id;
                metadata.causation_id = &named_id;
                metadata.actor_id = Some(&player.id);
                metadata.guild_id = Some(&self.guild.id);
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
}

/// The base fields that come first, then the event's own ones, then the time.
pub(super) fn data(
    base: impl IntoIterator<Item = (&'static str, Value)>,
    own: Value,
    at: DateTime<Utc>,
) -> Map<String, Value> {
    let base = base.into_iter().map(|(key, value)| (key.to_owned(), value));
    let mut data: Map<String, Value> = base.collect();
    if let Value::Object(own) = own {
        data.extend(own);
    }
    data.insert("timestamp".into(), timestamp(at).into());
    data
}

/// RFC 3339 in UTC with all six digits of the microseconds.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
