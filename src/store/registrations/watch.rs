//! Keeps the registry of a node up to date with what any node registers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::position::Position;
use crate::store::hub::{Heard, Listener, Signal};
use crate::store::{EventStore, Inner};
use crate::stream::TYPE_CATEGORY;

/// Waits between reads that fail: the first, and the longest.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The task that listens for registrations, one in each store. It ends with the store's hub.
pub(in crate::store) struct RegistrationWatch {
    /// Weak: a store that nobody uses any more ends, and this task with it.
    store: Weak<Inner>,
    listener: Listener,
    /// Every registration up to here was handed to the registry.
    cursor: Position,
}

impl RegistrationWatch {
    /// Reads what is registered up to the head, and goes on from there. `listener` was made before the head
    /// was read.
    pub(in crate::store) fn new(store: &EventStore, listener: Listener, cursor: Position) -> Self {
        Self {
            store: Arc::downgrade(&store.0),
            listener,
            cursor,
        }
    }

    pub(in crate::store) async fn run(mut self) {
        while let Some(()) = self.step().await {}
    }

    /// Hears one thing; `None` when the store ends.
    async fn step(&mut self) -> Option<()> {
        match self.listener.hear().await {
            Heard::Signal(Signal::Event(event)) if event.position <= self.cursor => {}
            Heard::Signal(Signal::Event(event)) if event.position == self.cursor.next() => {
                let is_registration = event.stream.category() == TYPE_CATEGORY;
                if is_registration && !self.store()?.take_registration(&event) {
                    return self.read_to_head().await;
                }
                self.cursor = event.position;
            }
            Heard::Signal(Signal::Head(reached)) if reached <= self.cursor => {}
            Heard::Signal(Signal::Event(_) | Signal::Head(_)) | Heard::FellOff => {
                return self.read_to_head().await;
            }
            Heard::Closed => return None,
        }
        Some(())
    }

    /// Reads until it succeeds: nobody else would bring what was missed.
    async fn read_to_head(&mut self) -> Option<()> {
        let mut pause = RETRY_PAUSES.0;
        loop {
            let head = self.store()?.hub().head();
            let read = self.store()?.load_registrations(self.cursor, head).await;
            if read.is_ok() {
                self.cursor = head;
                return Some(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSES.1);
        }
    }

    fn store(&self) -> Option<EventStore> {
        self.store.upgrade().map(EventStore)
    }
}
