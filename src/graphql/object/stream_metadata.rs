//! What is set about a stream beside its events.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::EventObject;
use crate::event::RecordedEvent;
use crate::graphql::loader::Operation;
use crate::graphql::scalar::JsonScalar;
use crate::stream::Stream;

/// A stream's metadata: which of its events are kept, and whatever else its owner set. It is set as a whole.
#[derive(Description)]
pub(in crate::graphql) struct StreamMetadata(pub(in crate::graphql) Stream);

/// The part of the recording event's data that only it holds.
#[derive(Deserialize)]
struct Recorded<'a> {
    #[serde(borrow)]
    custom: Option<&'a RawValue>,
}

impl StreamMetadata {
    async fn recorded(&self, ctx: &Context<'_>) -> Result<Option<Arc<RecordedEvent>>> {
        match self.0.metadata_position {
            Some(position) => Operation::of(ctx)?.metadata_event(position).await,
            None => Ok(None),
        }
    }
}

#[Object(use_type_description)]
impl StreamMetadata {
    /// How often it was set; 0 = never. What `setStreamMetadata` expects.
    async fn version(&self) -> i32 {
        self.0.metadata_version
    }

    /// Events older than this many seconds are hidden; null = no event is too old.
    async fn max_age_seconds(&self) -> Option<i32> {
        let seconds = self.0.retention.max_age_ms? / 1000;
        Some(i32::try_from(seconds).unwrap_or(i32::MAX))
    }

    /// Only this many of the latest events are not hidden; null = all.
    async fn max_count(&self) -> Option<i32> {
        self.0.retention.max_count
    }

    /// Events before this version are hidden; null = none.
    async fn truncate_before(&self) -> Option<i32> {
        self.0.retention.truncate_before
    }

    /// The most events, not counting hidden ones, that the stream may have; null = the server's limit.
    async fn max_events(&self) -> Option<i32> {
        self.0.max_events
    }

    /// Whatever else was set, exactly as it was written; null = nothing.
    async fn custom(&self, ctx: &Context<'_>) -> Result<Option<JsonScalar>> {
        let Some(event) = self.recorded(ctx).await? else {
            return Ok(None);
        };
        let data = event.data.as_deref().unwrap_or("{}");
        Operation::of(ctx)?.show(data.len())?;
        // The store wrote it itself; what it cannot read, it did not write.
        let recorded: Option<Recorded<'_>> = serde_json::from_str(data).ok();
        let custom = recorded.and_then(|recorded| recorded.custom);
        Ok(custom.map(|custom| JsonScalar(custom.get().to_owned())))
    }

    /// The event that set it last, with who and when; null where it was never set.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        Ok(self.recorded(ctx).await?.map(EventObject::new))
    }
}
