//! An append on its way: its shape is right, and the rules of its domain may have been looked at.
//!
//! Whoever knows the domain folds a stream, says what the new events would break, and names the basis of that
//! judgement: the stream as it was. The judge, who holds the lock of the head, takes the judgement if the stream
//! is still so, and sends the request back if it is not. So the rules are as exact as an expected version, and
//! nobody folds anything while others wait.

use tokio::time::Instant;

use super::EventStore;
use super::append::{self, Append, Committed, PreparedAppend};
use super::refusal::{AppendError, BrokenRule, InputPath};
use super::work::Work;
use crate::event::PreparedEvent;
use crate::expected_version::ExpectedVersion;
use crate::stream::{Stream, StreamName};

/// An append whose shape is right.
#[derive(Clone, Debug)]
pub struct Draft(pub(super) PreparedAppend);

/// The part of a draft that concerns one stream.
#[derive(Clone, Copy, Debug)]
pub struct DraftStream<'a> {
    /// Its index in the request.
    pub index: usize,
    /// The stream.
    pub name: &'a StreamName,
    /// The caller's condition.
    pub expected: ExpectedVersion,
    /// The events; none for a pure check.
    pub events: &'a [PreparedEvent],
}

/// What of a stream decides what its next events may be: it is another one whenever events were appended to the
/// stream or hidden in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The stream's version; 0 for one that never had an event.
    pub version: i32,
    /// The last version that is hidden, for whatever reason.
    pub hidden_through: i32,
    /// The last version that a deletion has hidden.
    pub deleted_through: i32,
}

/// What the rules of its domain say to the new events of a stream.
#[derive(Clone, Debug)]
pub struct DomainJudgement {
    /// What the judgement is true of.
    pub basis: Basis,
    /// Everything that is broken, in the order of the events.
    pub broken: Vec<BrokenRule>,
}

impl EventStore {
    /// Looks at the shape of an append, before the rules of its domain are looked at.
    pub fn draft(&self, append: Append) -> Result<Draft, AppendError> {
        Ok(Draft(append::prepare(append, &self.0.options.append)?))
    }

    /// Appends a draft, with what the rules of its domain say, as [`Self::append`] does: until the deadline.
    ///
    /// [`AppendError::Outdated`]: a stream is not what the rules were looked at for. Look again.
    pub async fn append_draft(
        &self,
        draft: Draft,
        deadline: Instant,
    ) -> Result<Committed, AppendError> {
        let Draft(mut prepared) = draft;
        if let Some(held) = &prepared.held {
            // Only a retry is worth the committer's time.
            self.check_retry(&prepared, held).await?;
        } else {
            self.check_schemas(&mut prepared).await?;
        }
        self.submit_until(Work::Append(prepared), deadline).await
    }

    /// When an append that arrives now must be answered.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.0.options.deadline
    }

    /// Holds the events against the schemas of their types. What breaks them is told by the committer, after
    /// everything that goes before it.
    async fn check_schemas(&self, append: &mut PreparedAppend) -> Result<(), AppendError> {
        let missed = append::missed_types(append, &self.0.registry);
        if !missed.is_empty() {
            // Another node may have registered them a moment ago.
            let refreshed = self.refresh_types(&missed).await;
            refreshed.map_err(|_| AppendError::NotWritten)?;
        }
        append.rejection = append::judge_schemas(append, &self.0.registry);
        Ok(())
    }
}

impl Draft {
    /// The streams of the request, in its order.
    pub fn streams(&self) -> impl Iterator<Item = DraftStream<'_>> {
        let streams = self.0.streams.iter().enumerate();
        streams.map(|(index, stream)| DraftStream {
            index,
            name: &stream.name,
            expected: stream.expected,
            events: &stream.events,
        })
    }

    /// Where an event of the request stands in it.
    #[must_use]
    pub fn path(&self, stream: usize, event: usize) -> InputPath {
        let mut path = self.0.path(stream, Some(event), "");
        path.field.clear();
        path
    }

    /// Puts a judgement to the events of a stream, in the place of an earlier one.
    pub fn put(&mut self, stream: usize, judgement: Option<DomainJudgement>) {
        if let Some(stream) = self.0.streams.get_mut(stream) {
            stream.domain = judgement;
        }
    }
}

impl Basis {
    /// A stream as it is now.
    #[must_use]
    pub fn of(stream: &Stream) -> Self {
        Self {
            version: stream.version,
            hidden_through: stream.hidden_through,
            deleted_through: stream.deleted_through,
        }
    }
}
