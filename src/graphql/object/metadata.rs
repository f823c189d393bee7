//! An event's metadata.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};

use super::shown::json_fault;
use crate::event::RecordedEvent;
use crate::graphql::loader::Operation;
use crate::graphql::scalar::JsonScalar;
use crate::json_text::{JsonText, Member};

/// Who, why and when around an event, as its writer sent it. The store never edits metadata; where a value
/// is not a string, its field here is null and `raw` shows it.
#[derive(Description)]
pub(in crate::graphql) struct EventMetadata {
    text: JsonText,
    correlation_id: Arc<str>,
}

impl EventMetadata {
    /// That of an event; `None` where it is removed, or is not JSON any more.
    pub(super) fn of(event: &RecordedEvent) -> Option<Self> {
        let text = event.metadata.clone()?;
        if json_fault(&text).is_some() {
            return None;
        }
        let text = JsonText::from_stored(text);
        Some(Self {
            text,
            correlation_id: Arc::clone(&event.correlation_id),
        })
    }

    fn string(&self, key: &str) -> Option<String> {
        match self.text.member_str(key) {
            Member::Text(text) => Some(text.into_owned()),
            Member::Absent | Member::Null | Member::Other(_) => None,
        }
    }
}

#[Object(use_type_description)]
impl EventMetadata {
    /// The conversation that the event belongs to; the event's own id where its writer named none.
    async fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// What directly caused it: the id of a stored event, or the id of a trigger outside the store.
    async fn causation_id(&self) -> Option<String> {
        self.string("causation_id")
    }

    /// The user who triggered it; null for timers and the system.
    async fn actor_id(&self) -> Option<String> {
        self.string("actor_id")
    }

    /// The identity of the trigger outside the store, for example a Discord message id or `timer:round`.
    async fn source_id(&self) -> Option<String> {
        self.string("source_id")
    }

    /// The kind of trigger: interaction, message, timer, system, admin or import.
    async fn source(&self) -> Option<String> {
        self.string("source")
    }

    /// The guild of the triggering message, which need not be the guild of the stream; null for a direct
    /// message.
    async fn guild_id(&self) -> Option<String> {
        self.string("guild_id")
    }

    /// The channel of the trigger.
    async fn channel_id(&self) -> Option<String> {
        self.string("channel_id")
    }

    /// The triggering message.
    async fn message_id(&self) -> Option<String> {
        self.string("message_id")
    }

    /// The triggering interaction.
    async fn interaction_id(&self) -> Option<String> {
        self.string("interaction_id")
    }

    /// The version of the bot that wrote the event.
    async fn client_version(&self) -> Option<String> {
        self.string("client_version")
    }

    /// The version of the server that the writer was talking to, as the writer says.
    async fn server_version(&self) -> Option<String> {
        self.string("server_version")
    }

    /// The browser, for events from a panel.
    async fn user_agent(&self) -> Option<String> {
        self.string("user_agent")
    }

    /// The address, for events from a panel.
    async fn ip_address(&self) -> Option<String> {
        self.string("ip_address")
    }

    /// The whole metadata, exactly as it was sent.
    async fn raw(&self, ctx: &Context<'_>) -> Result<JsonScalar> {
        Operation::of(ctx)?.show(self.text.len())?;
        Ok(JsonScalar(self.text.to_string()))
    }
}
