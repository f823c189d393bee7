//! The one way in which a batch of events is folded into rows that belong to streams, and go with them.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gamebot::event::Event;
use sea_orm::Value;

use super::kind::Projector;
use super::meaning::{Meaning, meaning};
use super::tables::Target;
use crate::event::RecordedEvent;
use crate::store::DatabaseError;

/// An event with what it says.
pub(super) type Said<'a> = (&'a RecordedEvent, &'a Event);

/// The rows that a batch of events concerns: they are read, the events are folded into them, and what has changed
/// is written.
pub(super) trait StreamRows: Sized + Send {
    /// The categories of the streams whose events count.
    const CATEGORIES: &'static [&'static str];
    /// The types of the events that count.
    const TYPES: &'static [&'static str];

    /// Reads what there is of the rows that these events concern.
    fn read(
        said: &[Said<'_>],
        target: &Target<'_>,
    ) -> impl Future<Output = Result<Self, DatabaseError>> + Send;

    /// Folds an event, unless it was folded before; or says why it cannot be.
    fn fold(&mut self, event: &RecordedEvent, said: &Event) -> Result<(), String>;

    /// Forgets what a stream has said so far.
    fn end(&mut self, stream: &str);

    /// Takes away what there is of the streams that have ended, and writes what has changed.
    fn write(
        self,
        ended: &BTreeSet<String>,
        target: &Target<'_>,
    ) -> impl Future<Output = Result<(), DatabaseError>> + Send;
}

/// A projection of such rows. It keeps nothing from one batch to the next.
pub(super) struct Batches<R>(PhantomData<fn() -> R>);

impl<R> Batches<R> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: StreamRows> Projector for Batches<R> {
    fn apply<'a>(
        &'a mut self,
        events: &'a [Arc<RecordedEvent>],
        target: &'a mut Target<'_>,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(apply::<R>(events, target))
    }
}

async fn apply<R: StreamRows>(
    events: &[Arc<RecordedEvent>],
    target: &mut Target<'_>,
) -> Result<(), DatabaseError> {
    // What the events mean is found out first, and then only the rows are read that they concern: most events of
    // a category may be of no interest.
    let mut meanings = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match meaning(event, R::CATEGORIES, R::TYPES) {
            Ok(Meaning::Nothing) => {}
            Ok(meaning) => meanings.push((index, meaning)),
            Err(reason) => target.fault(index, event, &reason),
        }
    }
    let said = meanings
        .iter()
        .filter_map(|(index, meaning)| match meaning {
            Meaning::Says(said) => Some((events[*index].as_ref(), said.as_ref())),
            Meaning::Ends(_) | Meaning::Nothing => None,
        });
    let mut rows = R::read(&said.collect::<Vec<_>>(), target).await?;
    let mut ended = BTreeSet::new();
    for (index, meaning) in &meanings {
        let event = &events[*index];
        match meaning {
            Meaning::Nothing => {}
            Meaning::Ends(stream) => {
                rows.end(stream.as_str());
                ended.insert(stream.as_str().to_owned());
            }
            Meaning::Says(said) => {
                if let Err(reason) = rows.fold(event, said) {
                    target.fault(*index, event, &reason);
                }
            }
        }
    }
    rows.write(&ended, target).await
}

/// The streams of these events, each once, as keys to look rows up by.
pub(super) fn streams_of(said: &[Said<'_>]) -> Vec<Value> {
    let streams: BTreeSet<&str> = said
        .iter()
        .map(|(event, _)| event.stream.as_str())
        .collect();
    streams.into_iter().map(Value::from).collect()
}
