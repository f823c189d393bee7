//! Judges a registration of an event type by the version of its reserved stream, and records it.

use super::View;
use crate::event::Salt;
use crate::expected_version::ExpectedVersion;
use crate::store::append::{Committed, CommittedStream};
use crate::store::refusal::{FailedCheck, InputPath, Refusal};
use crate::store::registrations::{PreparedTypeChange, check_retry};

impl View {
    /// Records a registration, if its stream is where it was judged. What it says was judged by then.
    pub(super) fn judge_registration(
        &mut self,
        change: &PreparedTypeChange,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> Result<Committed, Refusal> {
        if let Some(stored) = self.stored.get(&change.event.event_id).cloned() {
            check_retry(&stored, &change.stream, &change.event)?;
            return Ok(self.of_registration(change, stored, true));
        }
        let mut stream = match self.streams.get(&change.stream) {
            Some(stream) => stream.clone(),
            None => self.new_stream(&change.stream, None),
        };
        if stream.version != change.expected {
            return Err(Refusal::WrongExpectedVersion(vec![FailedCheck {
                stream: change.stream.clone(),
                path: InputPath::default(),
                expected: ExpectedVersion::Exactly(change.expected),
                actual: stream.version,
                of_metadata: false,
            }]));
        }
        let recorded = self.accept_event(&mut stream, &change.event, new_salt());
        stream.updated_at = recorded.recorded_at;
        self.keep(stream);
        Ok(self.of_registration(change, recorded, false))
    }

    fn of_registration(
        &self,
        change: &PreparedTypeChange,
        event: std::sync::Arc<crate::event::RecordedEvent>,
        duplicate: bool,
    ) -> Committed {
        Committed {
            streams: vec![CommittedStream {
                name: change.stream.clone(),
                stream: self.streams.get(&change.stream).cloned(),
                previous_version: event.stream_version - 1,
                version: event.stream_version,
                events: vec![event],
            }],
            operation: None,
            duplicate,
        }
    }
}
