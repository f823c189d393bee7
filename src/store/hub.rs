//! The live fan-out inside one process: a hint and a cache, never the truth.
//!
//! Whoever follows the log may miss what passes here, see it twice, or see it late; the rule that makes a
//! feed exact stands in `follow`: past → skip, next → deliver, later → read the log. This is the only file
//! that knows how events are broadcast.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::event::RecordedEvent;
use crate::position::Position;

/// Spreads what was committed to the followers of this process.
#[derive(Debug)]
pub(super) struct Hub {
    sender: broadcast::Sender<Signal>,
    head: watch::Sender<Position>,
    /// See [`Hub::hidden_at`].
    hidden_at: AtomicI64,
}

/// What passes through the hub.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// This event was committed.
    Event(Arc<RecordedEvent>),
    /// The head moved to here, and what was committed must be read from the log.
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
        Self {
            sender: broadcast::Sender::new(capacity.max(1)),
            hidden_at: AtomicI64::new(head.get()),
            head: watch::Sender::new(head),
        }
    }

    /// The greatest position known to be committed.
    pub(super) fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// The position of the last event that hid others, as far as this process knows. Whoever holds an event
    /// from before may hold a payload that is hidden by now, and reads the log again instead.
    pub(super) fn hidden_at(&self) -> Position {
        Position::from_stored(self.hidden_at.load(Ordering::Acquire))
    }

    /// Starts to listen. A follower listens first and reads the log second: in the other order, an event
    /// committed in between would reach it on neither way.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.sender.subscribe())
    }

    /// Tells the followers what was committed, up to `head`.
    ///
    /// The head is raised first and the events are sent second: a follower that has just seen an event must
    /// find it below the head. If there is more between the last known head and `head` than `events`, the
    /// followers see the gap and read the log.
    pub(super) fn publish(&self, events: &[Arc<RecordedEvent>], head: Position) {
        let moved = self.head.send_if_modified(|known| {
            let moves = head > *known;
            *known = head.max(*known);
            moves
        });
        let hiding = events.iter().rev().find(|event| event.hides_others());
        let told = events.last().is_some_and(|last| last.position == head);
        let hidden_at = match hiding {
            // Nobody has looked at what was committed unseen.
            _ if !told => head,
            Some(event) => event.position,
            None => Position::ORIGIN,
        };
        self.hidden_at.fetch_max(hidden_at.get(), Ordering::AcqRel);
        for event in events {
            // An error only says that nobody listens at the moment.
            let _ = self.sender.send(Signal::Event(Arc::clone(event)));
        }
        if moved && !told {
            let _ = self.sender.send(Signal::Head(head));
        }
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
