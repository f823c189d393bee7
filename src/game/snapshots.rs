//! Snapshots on request.

use super::Games;
use crate::store::{ReadError, Snapshot, SnapshotWanted};
use crate::stream::Stream;
use gamebot::game::STATE_VERSION;

/// What came of a wish for a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub enum SnapshotOutcome {
    /// It is there.
    Recorded(Snapshot),
    /// No event of the stream is shown, so that there is nothing to keep.
    NothingShown,
}

impl Games {
    /// The version of the states that this program makes and reads.
    pub const STATE_VERSION: i32 = STATE_VERSION;

    /// Keeps the state that a game has now, and returns when that is written.
    pub async fn record_snapshot(&self, stream: &Stream) -> Result<SnapshotOutcome, ReadError> {
        loop {
            let Some(folded) = self.fold(stream.clone(), None).await? else {
                return Ok(SnapshotOutcome::NothingShown);
            };
            let snapshot = folded.to_snapshot(stream.id).ok_or(ReadError::Fault)?;
            let wanted = SnapshotWanted {
                state_version: STATE_VERSION,
                first_version: folded.first_version,
                through: folded.version(),
            };
            if !self.store().record_snapshot(snapshot).await? {
                // Something of it was hidden in the meantime.
                continue;
            }
            if let Some(kept) = self.store().snapshot(stream, wanted).await? {
                return Ok(SnapshotOutcome::Recorded(kept));
            }
        }
    }
}
