//! Whether a request is a retry of one that is stored already (rules A1 and A2).

use std::collections::HashSet;

use super::View;
use crate::event::{PreparedEvent, RecordedEvent};
use crate::store::append::{Committed, PreparedAppend};
use crate::store::refusal::{DuplicateId, DuplicateReason, Refusal, StoredAt};
use crate::stream::StreamName;

impl View {
    /// Rule A1: the original outcome, if every id of the request is stored as this request would store it.
    /// Rule A2: a refusal, if only some are, or otherwise than this request would.
    pub(in crate::store) fn retry_of(
        &self,
        request: &PreparedAppend,
    ) -> Result<Option<Committed>, Refusal> {
        let mut duplicates = twice_in_request(request);
        // Minted ids count too: they are stored if this very request was committed by an attempt whose
        // answer was lost.
        let any_stored = request
            .events()
            .any(|(_, _, event)| self.stored.contains_key(&event.event_id));
        if any_stored {
            duplicates.extend(self.differences(request));
        }
        if !duplicates.is_empty() {
            return Err(Refusal::DuplicateEvent(duplicates));
        }
        Ok(any_stored.then(|| self.original(request)))
    }

    fn differences(&self, request: &PreparedAppend) -> Vec<DuplicateId> {
        let all_stored = request
            .events()
            .all(|(_, _, event)| self.stored.contains_key(&event.event_id));
        let mut differences = Vec::new();
        for (stream_index, stream) in request.streams.iter().enumerate() {
            let mut previous: Option<i32> = None;
            for (event_index, event) in stream.events.iter().enumerate() {
                let stored = self.stored.get(&event.event_id);
                let reason = match stored {
                    None => Some(DuplicateReason::NewBesideStored),
                    Some(stored) => {
                        let expected = previous.map(|version| version + 1);
                        previous = Some(stored.stream_version);
                        difference(&stream.name, event, stored, expected, all_stored)
                    }
                };
                if let Some(reason) = reason {
                    differences.push(DuplicateId {
                        event_id: (!event.id_is_minted).then_some(event.event_id),
                        path: request.path(stream_index, Some(event_index), "eventId"),
                        stored: stored.map(|stored| stored_at(stored)),
                        reason,
                    });
                }
            }
        }
        differences
    }

    fn original(&self, request: &PreparedAppend) -> Committed {
        let streams = request
            .streams
            .iter()
            .map(|stream| self.original_stream(stream))
            .collect();
        Committed {
            streams,
            operation: None,
            duplicate: true,
        }
    }
}

fn twice_in_request(request: &PreparedAppend) -> Vec<DuplicateId> {
    let mut seen = HashSet::new();
    request
        .events()
        .filter(|(_, _, event)| !seen.insert(event.event_id))
        .map(|(stream_index, event_index, event)| DuplicateId {
            event_id: Some(event.event_id),
            path: request.path(stream_index, Some(event_index), "eventId"),
            stored: None,
            reason: DuplicateReason::TwiceInRequest,
        })
        .collect()
}

fn difference(
    stream: &StreamName,
    event: &PreparedEvent,
    stored: &RecordedEvent,
    expected_version: Option<i32>,
    all_stored: bool,
) -> Option<DuplicateReason> {
    if stored.stream != *stream {
        return Some(DuplicateReason::OtherStream);
    }
    if !same_content(event, stored) {
        return Some(DuplicateReason::OtherContent);
    }
    if !all_stored {
        return Some(DuplicateReason::PartOfRequest);
    }
    let in_order = expected_version.is_none_or(|expected| stored.stream_version == expected);
    (!in_order).then_some(DuplicateReason::OtherOrder)
}

/// Content is compared by its hash; where the salt is gone with the payload, id, stream and order decide.
fn same_content(event: &PreparedEvent, stored: &RecordedEvent) -> bool {
    let salt = stored.salt.as_ref();
    salt.is_none_or(|salt| event.content_hash(salt) == stored.content_hash)
}

fn stored_at(event: &RecordedEvent) -> StoredAt {
    StoredAt {
        stream: event.stream.clone(),
        stream_version: event.stream_version,
        position: event.position,
        guild_id: event.guild_id.clone(),
    }
}
