//! The live fan-out inside one process: a hint and a cache, never the truth.
//!
//! The hub passes events on without a hole: only what comes right after the last one. What it cannot place,
//! because another node has committed in between, it leaves to the tail, which reads it from the log once for
//! all followers. Whoever follows the log may still miss what passes here, or see it late; the rule that makes
//! a feed exact stands in `follow`: past → skip, next → deliver, later → read the log. This is the only file
//! that knows how events are broadcast.

mod hidings;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, watch};

use crate::event::RecordedEvent;
use crate::position::Position;
use crate::stream::StreamName;
use hidings::Hidings;

/// Spreads what was committed to the followers of this process.
#[derive(Debug)]
pub(super) struct Hub {
    sender: broadcast::Sender<Signal>,
    /// The most events that the ring holds.
    capacity: usize,
    /// The greatest position known to be committed, by whichever node.
    known: watch::Sender<Position>,
    /// The last position that passed; never beyond `known`. Whoever broadcasts holds it.
    sent: Mutex<Position>,
    /// The position of the last commit that hid events, as far as this process knows: whoever holds nothing
    /// from before it need not look further.
    hidden_at: AtomicI64,
    /// The same for each stream.
    hidings: Mutex<Hidings>,
    /// Rung when something known has not passed yet.
    gap: Notify,
}

/// What passes through the hub.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// This event was committed.
    Event(Arc<RecordedEvent>),
    /// The log is known up to here, and what was committed since the last signal must be read from it.
    Head(Position),
}

/// What a follower hears next.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// A signal.
    Signal(Signal),
    /// The follower was too slow: what it missed is no longer in the ring.
    FellOff,
    /// The store is closing.
    Closed,
}

/// One follower's place in the ring.
#[derive(Debug)]
pub(super) struct Listener(broadcast::Receiver<Signal>);

impl Hub {
    /// A hub whose ring holds `capacity` events, at the head of the log.
    pub(super) fn new(capacity: usize, head: Position) -> Self {
        let capacity = capacity.max(1);
        Self {
            sender: broadcast::Sender::new(capacity),
            capacity,
            known: watch::Sender::new(head),
            sent: Mutex::new(head),
            hidden_at: AtomicI64::new(head.get()),
            hidings: Mutex::new(Hidings::new(head)),
            gap: Notify::new(),
        }
    }

    /// The greatest position known to be committed: who catches up reads to here.
    pub(super) fn head(&self) -> Position {
        *self.known.borrow()
    }

    /// The same, for those who wait for it to move.
    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.known.subscribe()
    }

    /// The position of the last commit that hid events, as far as this process knows. What is read from the
    /// log from now on shows all that was hidden up to there.
    pub(super) fn hidden_at(&self) -> Position {
        Position::from_stored(self.hidden_at.load(Ordering::Acquire))
    }

    /// Whether events of this stream may have been hidden after `as_of`. Whoever holds such an event from that
    /// time reads the log again instead of showing it.
    pub(super) fn may_be_hidden(&self, stream: &StreamName, as_of: Position) -> bool {
        self.hidden_at() > as_of && self.hidings().last(stream) > as_of
    }

    /// The last position that passed.
    pub(super) fn sent(&self) -> Position {
        *self.sent_locked()
    }

    /// The most events that the ring holds.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Starts to listen. A follower listens first and reads the log second: in the other order, an event
    /// committed in between would reach it on neither way.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.sender.subscribe())
    }

    /// Offers events that are committed, in the order of their positions and without a hole among them, and
    /// the head of the log at that time.
    ///
    /// The head is raised first and the events are sent second: a follower that has just seen an event must
    /// find it below the head. Events that have passed are left out. If the rest does not begin right after
    /// the last one that passed, nothing passes, and the tail is woken: followers that saw the gap would each
    /// read the log for themselves.
    pub(super) fn offer(&self, events: &[Arc<RecordedEvent>], head: Position) {
        let head = events.last().map_or(head, |last| head.max(last.position));
        let is_news = self.raise(head);
        for event in events {
            if let Some(stream) = event.hides_others_of() {
                self.hide(&stream, event.position);
            }
        }
        if is_news && events.is_empty() {
            // Nobody has looked at what was committed unseen.
            self.hide_all(head);
        }
        let mut sent = self.sent_locked();
        let passed = events.partition_point(|event| event.position <= *sent);
        let new = &events[passed..];
        if new
            .first()
            .is_some_and(|first| first.position == sent.next())
        {
            for event in new {
                *sent = event.position;
                // An error only says that nobody listens at the moment.
                let _ = self.sender.send(Signal::Event(Arc::clone(event)));
            }
        }
        if *sent < self.head() {
            self.gap.notify_one();
        }
    }

    /// Gives up what has not passed: followers are sent to the log. For a gap that the ring does not hold, or
    /// that cannot be filled.
    pub(super) fn skip_to_head(&self) {
        let mut sent = self.sent_locked();
        let head = self.head();
        if *sent < head {
            *sent = head;
            self.hide_all(head);
            let _ = self.sender.send(Signal::Head(head));
        }
    }

    /// Waits until something known has not passed. There is one place for one waiter: the tail.
    pub(super) async fn gap(&self) {
        self.gap.notified().await;
    }

    /// Whether the head was not known.
    fn raise(&self, head: Position) -> bool {
        self.known.send_if_modified(|known| {
            let moves = head > *known;
            *known = head.max(*known);
            moves
        })
    }

    /// Takes note that events of a stream before the position `at` have been hidden.
    pub(super) fn hide(&self, stream: &StreamName, at: Position) {
        self.hidings().note(stream, at);
        self.hidden_at.fetch_max(at.get(), Ordering::AcqRel);
    }

    /// Takes note that commits up to `at` may have hidden events of any stream.
    fn hide_all(&self, at: Position) {
        self.hidings().note_all(at);
        self.hidden_at.fetch_max(at.get(), Ordering::AcqRel);
    }

    fn hidings(&self) -> MutexGuard<'_, Hidings> {
        self.hidings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent_locked(&self) -> MutexGuard<'_, Position> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Waits for the next signal. Dropping the future loses nothing.
    pub(super) async fn hear(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(signal) => Heard::Signal(signal),
            Err(RecvError::Lagged(_)) => Heard::FellOff,
            Err(RecvError::Closed) => Heard::Closed,
        }
    }
}
