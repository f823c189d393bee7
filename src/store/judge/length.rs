//! How long a stream may become, and what must be counted before that can be said (rule A8).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::View;
use crate::store::append::PreparedAppend;
use crate::store::change::ChangeKind;
use crate::store::refusal::{Refusal, StreamTooLarge};
use crate::store::work::Work;
use crate::stream::{Stream, StreamName};

impl View {
    pub(super) fn check_length(&self, request: &PreparedAppend) -> Result<(), Refusal> {
        for (index, wanted) in request.streams.iter().enumerate() {
            let stream = self.streams.get(&wanted.name);
            let length = stream.map_or(0, |stream| stream.version - stream.hidden_through);
            let limit = self.length_limit(stream);
            let adding = wanted.events.len();
            if adding > 0 && length_with(stream, adding) > i64::from(limit) {
                let is_own_limit = stream.is_some_and(|stream| stream.max_events.is_some());
                let stream = wanted.name.clone();
                return Err(Refusal::StreamTooLarge(StreamTooLarge {
                    stream,
                    path: request.path(index, None, "events"),
                    length,
                    adding,
                    limit,
                    is_own_limit,
                }));
            }
        }
        Ok(())
    }

    fn length_limit(&self, stream: Option<&Stream>) -> i32 {
        stream
            .and_then(|stream| stream.max_events)
            .unwrap_or(self.max_stream_events)
    }

    /// The streams of which it must be known what their age hides before these requests can be judged: those
    /// that might be too long only because nobody has counted it, and those that get another retention, under
    /// which it stays hidden.
    pub(in crate::store) fn aging_streams<'a>(
        &'a self,
        works: &'a [Arc<Work>],
    ) -> impl Iterator<Item = &'a Stream> {
        // All that the group would add to a stream: a request is not to be refused for its company.
        let mut adding: HashMap<&StreamName, usize> = HashMap::new();
        let mut resettled: HashSet<&StreamName> = HashSet::new();
        for work in works {
            match &**work {
                Work::Append(append) => {
                    for stream in &append.streams {
                        *adding.entry(&stream.name).or_default() += stream.events.len();
                    }
                }
                Work::Change(change) if matches!(change.kind, ChangeKind::SetMetadata(_)) => {
                    resettled.insert(&change.stream);
                }
                Work::Change(_) | Work::Operation(_) | Work::Type(_) => {}
            }
        }
        self.streams.values().filter(move |stream| {
            let adding = adding.get(&stream.name).copied().unwrap_or_default();
            let limit = i64::from(self.length_limit(Some(stream)));
            let is_near = adding > 0 && length_with(Some(stream), adding) > limit;
            stream.retention.max_age_ms.is_some() && (is_near || resettled.contains(&stream.name))
        })
    }

    /// Takes note that a stream's events up to `version` are hidden by their age.
    pub(in crate::store) fn hide_by_age(&mut self, name: &StreamName, version: i32) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.hidden_through = stream.hidden_through.max(version);
        }
    }
}

/// The events of a stream that are not hidden, once so many more are appended to it.
fn length_with(stream: Option<&Stream>, adding: usize) -> i64 {
    let length = stream.map_or(0, |stream| stream.version - stream.hidden_through);
    let kept = stream.and_then(|stream| stream.retention.max_count);
    let all = i64::from(length).saturating_add_unsigned(adding as u64);
    kept.map_or(all, |kept| all.min(i64::from(kept)))
}
