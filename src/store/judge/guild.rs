//! Whether events belong where they are to be appended (rule O8).

use super::View;
use crate::event::PreparedEvent;
use crate::store::append::PreparedAppend;
use crate::store::refusal::{InputPath, Refusal, Violation, ViolationKind};
use crate::stream::StreamName;

impl View {
    /// Rule O8: the guild of the stream's first event is the guild of the stream.
    pub(super) fn check_guild(&self, request: &PreparedAppend) -> Result<(), Refusal> {
        let mut violations = Vec::new();
        for (stream_index, wanted) in request.streams.iter().enumerate() {
            let guild_id = self.guild_of(wanted);
            for (event_index, event) in wanted.events.iter().enumerate() {
                if event.guild_id.is_some() && event.guild_id != guild_id {
                    let mut path = request.path(stream_index, Some(event_index), "data");
                    path.field.push("guild_id".to_owned());
                    violations.push(other_guild(&wanted.name, event, guild_id.as_deref(), path));
                }
            }
        }
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Refusal::InvalidEvents(violations))
        }
    }
}

fn other_guild(
    stream: &StreamName,
    event: &PreparedEvent,
    guild_id: Option<&str>,
    path: InputPath,
) -> Violation {
    let named = event.guild_id.as_deref().unwrap_or_default();
    let owner = guild_id.map_or_else(|| "no guild".to_owned(), |id| format!("guild `{id}`"));
    Violation {
        kind: ViolationKind::Data,
        path,
        rule: "guild".into(),
        message: format!(
            "data.guild_id is `{named}`, but the stream {stream} belongs to {owner}: the guild of a \
             stream's first event is its guild for ever. Leave the field out, or use a stream of that guild."
        ),
    }
}
