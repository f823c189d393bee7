//! The caller's condition on a stream, and how it is judged.

use std::fmt;

use crate::stream::StreamStatus;

/// What an append expects of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Nothing: never fails because of concurrency (rule A7).
    Any,
    /// The stream never existed, or is soft-deleted.
    NoStream,
    /// The stream has events and is not deleted.
    StreamExists,
    /// The stream's version is exactly this; 0 = it never had an event.
    Exactly(i32),
}

/// Why an expectation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The version is another one.
    WrongVersion,
    /// `StreamExists` on a soft-deleted stream.
    Deleted,
}

impl ExpectedVersion {
    /// Judges an open or soft-deleted stream at `version`; 0 where the stream never had an event.
    ///
    /// Tombstoned and archived streams are refused before any expectation is looked at, so their status
    /// counts as open here.
    pub fn judge(self, version: i32, status: StreamStatus) -> Result<(), Mismatch> {
        let deleted = status == StreamStatus::Deleted;
        let holds = match self {
            Self::Any => true,
            Self::NoStream => version == 0 || deleted,
            Self::StreamExists if deleted => return Err(Mismatch::Deleted),
            Self::StreamExists => version > 0,
            Self::Exactly(expected) => expected == version,
        };
        if holds {
            Ok(())
        } else {
            Err(Mismatch::WrongVersion)
        }
    }

    /// Whether a retry can only be recognised by the client's own event ids (rule A1).
    #[must_use]
    pub const fn needs_event_ids(self) -> bool {
        matches!(self, Self::Any | Self::StreamExists)
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("ANY"),
            Self::NoStream => formatter.write_str("NO_STREAM"),
            Self::StreamExists => formatter.write_str("STREAM_EXISTS"),
            Self::Exactly(version) => write!(formatter, "exactly {version}"),
        }
    }
}
