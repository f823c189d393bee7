//! Changes of a stream's life: parse → call → shape.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject, Union};
use uuid::Uuid;

use super::error_code::append_error;
use super::input::ExpectedVersionInput;
use super::loader::Operation;
use super::object::event::EventObject;
use super::object::stream::StreamObject;
use super::refusal::{
    DuplicateEvent, InvalidInput, Refusal, StreamArchived, StreamDeleted, StreamNotFound,
    StreamTombstoned, WrongExpectedVersion,
};
use super::scalar::JsonScalar;
use crate::store::{AppendError, Change, ChangeKind, Changed, StreamSettings};
use crate::stream::Retention;

/// Changes of a stream's life.
#[derive(Default)]
pub(super) struct LifecycleMutation;

#[Object]
impl LifecycleMutation {
    /// Hides all events of a stream. The next append reopens it, its numbering goes on, and what was hidden
    /// stays hidden. Deleting a deleted stream is a success.
    async fn delete_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stream, and what you expect of it.")] input: DeleteStreamInput,
    ) -> Result<DeleteStreamPayload> {
        match change(ctx, input.into()).await? {
            Ok(changed) => Ok(DeleteStreamPayload::StreamChanged(changed.into())),
            Err(refusal) => DeleteStreamPayload::refused(refusal),
        }
    }

    /// Ends a stream for ever: its events are hidden, and its name takes no others. Ending an ended stream is
    /// a success.
    async fn tombstone_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stream, and what you expect of it.")] input: TombstoneStreamInput,
    ) -> Result<TombstoneStreamPayload> {
        match change(ctx, input.into()).await? {
            Ok(changed) => Ok(TombstoneStreamPayload::StreamChanged(changed.into())),
            Err(refusal) => TombstoneStreamPayload::refused(refusal),
        }
    }

    /// Makes a finished stream read-only, and leaves it out of lists that do not ask for archived streams.
    /// Archiving an archived stream is a success.
    async fn archive_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stream, and what you expect of it.")] input: ArchiveStreamInput,
    ) -> Result<ArchiveStreamPayload> {
        match change(ctx, input.into()).await? {
            Ok(changed) => Ok(ArchiveStreamPayload::StreamChanged(changed.into())),
            Err(refusal) => ArchiveStreamPayload::refused(refusal),
        }
    }

    /// Lets an archived stream take events again. For a stream that takes events it is a success.
    async fn unarchive_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stream, and what you expect of it.")] input: UnarchiveStreamInput,
    ) -> Result<UnarchiveStreamPayload> {
        match change(ctx, input.into()).await? {
            Ok(changed) => Ok(UnarchiveStreamPayload::StreamChanged(changed.into())),
            Err(refusal) => UnarchiveStreamPayload::refused(refusal),
        }
    }

    /// Replaces a stream's metadata: which events it keeps, how long it may become, and whatever else you
    /// want to remember. What the new metadata does not keep is hidden at once, and stays hidden. A stream
    /// that does not exist begins to, at version 0.
    async fn set_stream_metadata(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stream, and its metadata as a whole.")]
        input: SetStreamMetadataInput,
    ) -> Result<SetStreamMetadataPayload> {
        match change(ctx, input.into()).await? {
            Ok(changed) => Ok(SetStreamMetadataPayload::StreamChanged(changed.into())),
            Err(refusal) => SetStreamMetadataPayload::refused(refusal),
        }
    }
}

async fn change(ctx: &Context<'_>, change: Change) -> Result<Result<Changed, Refusal>> {
    let operation = Operation::of(ctx)?;
    match operation.store.change(change).await {
        Ok(changed) => Ok(Ok(changed)),
        Err(AppendError::Refused(refusal)) => Ok(Err(Refusal::new(*refusal, &operation.scope))),
        Err(error) => Err(append_error(&error)),
    }
}

/// Declares the input of a change that needs no more than a stream and an expectation.
macro_rules! change_input {
    ($(#[$attribute:meta])* $name:ident => $kind:ident) => {
        $(#[$attribute])*
        #[derive(InputObject)]
        pub(super) struct $name {
            /// The stream's name.
            stream: String,
            /// What you expect of the stream. If it is not so, nothing changes.
            expected_version: ExpectedVersionInput,
            /// Your own id of the event that records the change, best a version 7 UUID. Sending the same
            /// request again with the same id never changes the stream twice, also if somebody has reopened
            /// it in between.
            event_id: Option<Uuid>,
            /// Who, why and when around the change, as with events: a JSON object with keys in snake case,
            /// for example `actor_id`.
            metadata: Option<JsonScalar>,
        }

        impl From<$name> for Change {
            fn from(input: $name) -> Self {
                Self {
                    stream: input.stream,
                    expected: input.expected_version.into(),
                    kind: ChangeKind::$kind,
                    event_id: input.event_id,
                    metadata: input.metadata.map(|metadata| metadata.0),
                }
            }
        }
    };
}

change_input! {
    /// A stream to delete.
    DeleteStreamInput => Delete
}
change_input! {
    /// A stream to end for ever.
    TombstoneStreamInput => Tombstone
}
change_input! {
    /// A stream to archive.
    ArchiveStreamInput => Archive
}
change_input! {
    /// A stream to unarchive.
    UnarchiveStreamInput => Unarchive
}

/// A stream's metadata, which replaces what was set before: a field that is left out is not set any more.
#[derive(InputObject)]
pub(super) struct SetStreamMetadataInput {
    /// The stream's name. It need not exist yet.
    stream: String,
    /// What you expect of the version of its metadata, which counts how often it was set: `NO_STREAM` or
    /// exactly 0 = never, `STREAM_EXISTS` = at least once.
    expected_metadata_version: ExpectedVersionInput,
    /// Hide events that are older than this many seconds, by the database's clock; 1 or more.
    max_age_seconds: Option<i32>,
    /// Hide all but this many of the latest events; 1 or more.
    max_count: Option<i32>,
    /// Hide the events before this version; at most the stream's version + 1, which hides all that it has.
    truncate_before: Option<i32>,
    /// The most events, not counting hidden ones, that the stream may have; 1 or more. Without it the
    /// server's limit holds.
    max_events: Option<i32>,
    /// Whatever else you want to remember about the stream: any JSON value.
    custom: Option<JsonScalar>,
    /// Your own id of the event that records the change. Sending the same request again with the same id
    /// never sets the metadata twice.
    event_id: Option<Uuid>,
    /// Who, why and when around the change, as with events: a JSON object with keys in snake case, for
    /// example `actor_id`.
    metadata: Option<JsonScalar>,
}

impl From<SetStreamMetadataInput> for Change {
    fn from(input: SetStreamMetadataInput) -> Self {
        let settings = StreamSettings {
            retention: Retention {
                max_age_ms: input
                    .max_age_seconds
                    .map(|seconds| i64::from(seconds) * 1000),
                max_count: input.max_count,
                truncate_before: input.truncate_before,
            },
            max_events: input.max_events,
            custom: input.custom.map(|custom| custom.0),
        };
        Self {
            stream: input.stream,
            expected: input.expected_metadata_version.into(),
            kind: ChangeKind::SetMetadata(settings),
            event_id: input.event_id,
            metadata: input.metadata.map(|metadata| metadata.0),
        }
    }
}

/// The stream is as you wanted it, durably.
#[derive(SimpleObject)]
pub(super) struct StreamChanged {
    /// The stream as it is now.
    stream: StreamObject,
    /// The event that records the change, in a stream of the store's own; null where the stream already was
    /// so, and nothing was written.
    event: Option<EventObject>,
    /// Whether nothing was written: the stream already was so, or an earlier request with this event id had
    /// changed it.
    duplicate: bool,
}

impl From<Changed> for StreamChanged {
    fn from(changed: Changed) -> Self {
        Self {
            stream: StreamObject(changed.stream),
            event: changed.event.map(EventObject::new),
            duplicate: changed.duplicate,
        }
    }
}

/// Declares what a change can come to: success, and the refusals that can happen to it.
macro_rules! change_payload {
    ($(#[$attribute:meta])* $name:ident: $($refusal:ident),+; never $($never:ident),+ $(,)?) => {
        $(#[$attribute])*
        #[derive(Union)]
        pub(super) enum $name {
            /// The stream is as you wanted it.
            StreamChanged(StreamChanged),
            $(
                #[doc = "Nothing changed."]
                $refusal($refusal),
            )+
        }

        impl $name {
            fn refused(refusal: Refusal) -> Result<Self> {
                match refusal {
                    $(Refusal::$refusal(refusal) => Ok(Self::$refusal(refusal)),)+
                    $(Refusal::$never(_))|+
                    | Refusal::RuleViolated(_)
                    | Refusal::OperationNotFound(_)
                    | Refusal::OperationFinished(_)
                    | Refusal::ProjectionNotBuilt(_)
                    | Refusal::EventTypeNotFound(_)
                    | Refusal::TypeConflict(_) => Err(append_error(&AppendError::Fault)),
                }
            }
        }
    };
}

change_payload! {
    /// What a deletion came to.
    DeleteStreamPayload: WrongExpectedVersion, DuplicateEvent, StreamNotFound, StreamTombstoned,
    StreamArchived, InvalidInput;
    never StreamDeleted, StreamTooLarge, InvalidEvents, LimitExceeded
}
change_payload! {
    /// What a tombstone came to.
    TombstoneStreamPayload: WrongExpectedVersion, DuplicateEvent, StreamNotFound, InvalidInput;
    never StreamDeleted, StreamTombstoned, StreamArchived, StreamTooLarge, InvalidEvents, LimitExceeded
}
change_payload! {
    /// What archiving came to.
    ArchiveStreamPayload: WrongExpectedVersion, DuplicateEvent, StreamNotFound, StreamDeleted,
    StreamTombstoned, InvalidInput;
    never StreamArchived, StreamTooLarge, InvalidEvents, LimitExceeded
}
change_payload! {
    /// What unarchiving came to.
    UnarchiveStreamPayload: WrongExpectedVersion, DuplicateEvent, StreamNotFound, StreamDeleted,
    StreamTombstoned, InvalidInput;
    never StreamArchived, StreamTooLarge, InvalidEvents, LimitExceeded
}
change_payload! {
    /// What setting the metadata came to.
    SetStreamMetadataPayload: WrongExpectedVersion, DuplicateEvent, StreamTombstoned, InvalidInput;
    never StreamNotFound, StreamDeleted, StreamArchived, StreamTooLarge, InvalidEvents, LimitExceeded
}
