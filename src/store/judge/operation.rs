//! Judges the start or the end of a long-running operation, and records it.

use super::{View, time};
use crate::event::{PreparedEvent, Salt};
use crate::store::append::Committed;
use crate::store::operation::{Judged, PreparedOperation};
use crate::store::refusal::Refusal;

impl View {
    /// Judges one change of an operation and records it, if nothing refuses it and the operation is not so
    /// already.
    pub(super) fn judge_operation(
        &mut self,
        wanted: &PreparedOperation,
        new_salt: &mut impl FnMut() -> Salt,
    ) -> Result<Committed, Refusal> {
        let write = match self
            .operations
            .judge(&wanted.change, time(self.recorded_at))?
        {
            Judged::Already(operation) => return Ok(of_operation(operation, true)),
            Judged::Write(write) => write,
        };
        let operation = write.operation.clone();
        let name = operation.stream_name();
        let mut stream = match self.streams.get(&name) {
            Some(stream) => stream.clone(),
            None => self.new_stream(&name, None),
        };
        let event = PreparedEvent {
            data: wanted.change.data(&operation),
            ..wanted.event.clone()
        };
        let recorded = self.accept_event(&mut stream, &event, new_salt());
        stream.updated_at = recorded.recorded_at;
        self.keep(stream);
        self.operations.accept(write);
        Ok(of_operation(operation, false))
    }
}

fn of_operation(operation: crate::store::Operation, duplicate: bool) -> Committed {
    Committed {
        streams: Vec::new(),
        operation: Some(operation),
        duplicate,
    }
}
