//! A client that follows the log for as long as it takes, from node to node.

use serde_json::{Value, json};
use tokio::sync::watch;

use super::cluster::{Addresses, address_of};
use crate::follow::feed::{Feed, Kind};

/// A subscription that survives its node.
pub(super) struct Subscriber {
    addresses: watch::Receiver<Addresses>,
    node: usize,
    /// Whether it goes on at the next node, or waits until its own is back.
    moves_on: bool,
    filter: Value,
    feed: Feed,
    cursor: Option<String>,
    /// Position and id of each event, in the order in which they came.
    events: Vec<(i64, String)>,
}

impl Subscriber {
    /// Follows the log from its origin, at a node, under a filter (`EventFilter` or null).
    pub(super) async fn start(
        mut addresses: watch::Receiver<Addresses>,
        node: usize,
        moves_on: bool,
        filter: Value,
    ) -> Self {
        let address = address_of(&mut addresses, node).await;
        let feed = Feed::start(&address, json!({"at": "ORIGIN"}), filter.clone()).await;
        Self {
            addresses,
            node,
            moves_on,
            filter,
            feed,
            cursor: None,
            events: Vec::new(),
        }
    }

    /// Reads on until this event has come, over whatever happens to nodes; returns position and id of every
    /// event that came.
    pub(super) async fn until(mut self, last_id: &str) -> Vec<(i64, String)> {
        while self.events.last().is_none_or(|(_, id)| id != last_id) {
            let Some(told) = self.feed.next().await else {
                self.resume().await;
                continue;
            };
            self.cursor = Some(told.cursor);
            if told.kind == Kind::Event {
                self.events.push((told.position, told.event_id.unwrap()));
            }
        }
        self.events
    }

    /// Goes on after the last message, at a node that is there.
    async fn resume(&mut self) {
        if self.moves_on {
            self.node = (self.node + 1) % self.addresses.borrow().len();
        }
        let address = address_of(&mut self.addresses, self.node).await;
        let from = match &self.cursor {
            Some(cursor) => json!({"cursor": cursor}),
            None => json!({"at": "ORIGIN"}),
        };
        self.feed = Feed::start(&address, from, self.filter.clone()).await;
    }
}
