//! Following the log: one loop, no hand-over. Read after my cursor until the head, then listen; whatever
//! goes wrong while listening, read again.
//!
//! The cursor is the only truth about what has been delivered, and it only ever moves from one position to
//! a later one. An event at or before the cursor is skipped, the event right after it is delivered, and
//! anything later means that something was missed, which the log has. So a follower may be slow, but it
//! cannot skip, double or reorder (rules S1 to S3, S6).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::Instant;

use super::EventStore;
use super::hub::{Heard, Listener, Signal};
use super::read::{EventQuery, ReadError};
use super::select::VersionRange;
use crate::event::RecordedEvent;
use crate::filter::EventFilter;
use crate::position::Position;
use crate::scope::Scope;

/// What a follower wants.
#[derive(Clone, Debug)]
pub struct Follow {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: EventFilter,
    /// The last position that the caller has; the feed goes on after it.
    pub after: Position,
}

/// How feeds behave.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions {
    /// Events per read while catching up; also the most that one feed holds in memory.
    pub page_events: u64,
    /// Positions per read while catching up under a filter.
    pub scan_window: i64,
    /// A filtered feed tells its cursor after this many positions without a match …
    pub checkpoint_every: i64,
    /// … and after this time, if the cursor moved at all.
    pub checkpoint_interval: Duration,
}

/// What a feed says.
#[derive(Clone, Debug)]
pub enum FeedMessage {
    /// An event that matches.
    Event(Arc<RecordedEvent>),
    /// Everything up to this position has been delivered, and the feed is live.
    CaughtUp(Position),
    /// The feed fell off the hub after this position, and reads from the log again.
    FellBehind(Position),
    /// Nothing up to this position matched since the last message.
    Checkpoint(Position),
}

impl FeedMessage {
    /// Where the feed stands with this message: a feed that starts after it misses nothing.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Event(event) => event.position,
            Self::CaughtUp(position) | Self::FellBehind(position) | Self::Checkpoint(position) => {
                *position
            }
        }
    }
}

impl EventStore {
    /// Follows the log until the caller drops the stream.
    ///
    /// A read that fails ends nothing: the feed waits and reads again, so that it resumes by itself when
    /// the database is back.
    pub fn follow(&self, follow: Follow) -> impl Stream<Item = FeedMessage> + Send + use<> {
        let follower = Follower::new(self.clone(), follow);
        unfold(follower, |mut follower| async move {
            let message = follower.next().await?;
            Some((message, follower))
        })
    }
}

/// Waits between reads that fail: the first, and the longest.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

struct Follower {
    store: EventStore,
    scope: Scope,
    filter: EventFilter,
    /// Everything up to here was delivered or does not match.
    cursor: Position,
    /// The cursor of the last message.
    told: Position,
    /// When the cursor went beyond what was told.
    untold_since: Option<Instant>,
    /// Read from the log or heard, not yet delivered; all of it at or before the cursor.
    pending: VecDeque<FeedMessage>,
    /// What was hidden after this position may be shown in `pending`.
    pending_as_of: Position,
    listener: Listener,
    is_live: bool,
    /// Whether the client is waiting to hear that it has caught up.
    owes_caught_up: bool,
}

impl Follower {
    fn new(store: EventStore, follow: Follow) -> Self {
        // Listen first, read second: see `Hub::listen`.
        let listener = store.hub().listen();
        Self {
            store,
            scope: follow.scope,
            filter: follow.filter,
            cursor: follow.after,
            told: follow.after,
            untold_since: None,
            pending: VecDeque::new(),
            pending_as_of: follow.after,
            listener,
            is_live: false,
            owes_caught_up: true,
        }
    }

    /// The next message. An event in it was shown at some moment since this was called: what may have been
    /// hidden since it was read or heard is read again, once, however slowly the feed is taken.
    async fn next(&mut self) -> Option<FeedMessage> {
        let mut is_read_again = false;
        loop {
            if !is_read_again && self.pending_may_be_hidden() {
                is_read_again = true;
                self.pending.clear();
                self.cursor = self.told;
                self.is_live = false;
            }
            if let Some(message) = self.pending.pop_front() {
                self.told = message.position();
                self.untold_since = None;
                return Some(message);
            }
            if self.is_live {
                self.listen().await?;
                is_read_again = false;
            } else {
                self.catch_up().await;
            }
        }
    }

    fn pending_may_be_hidden(&self) -> bool {
        match self.pending.front() {
            Some(FeedMessage::Event(event)) if event.removed.is_none() => {
                let hub = self.store.hub();
                hub.may_be_hidden(&event.stream, self.pending_as_of)
            }
            _ => false,
        }
    }

    /// One step towards the head: a page of the log, or the turn to live.
    async fn catch_up(&mut self) {
        let head = self.store.hub().head();
        if self.cursor >= head {
            self.is_live = true;
            if std::mem::take(&mut self.owes_caught_up) {
                self.pending.push_back(FeedMessage::CaughtUp(self.cursor));
            }
            return;
        }
        let through = self.window_end(head);
        // Asked before the log is read: what is hidden later is noticed at the delivery.
        self.pending_as_of = self.store.hub().hidden_at();
        let events = self.read(through).await;
        let page_is_full = events.len() as u64 >= self.store.follow_options().page_events;
        let last = events.last().map(|event| event.position);
        self.pending
            .extend(events.into_iter().map(FeedMessage::Event));
        match last {
            Some(last) if page_is_full => self.cursor = last,
            _ => {
                self.cursor = through;
                self.checkpoint_if_due();
            }
        }
    }

    /// One read looks at a bounded part of the log, so that the cursor advances even where nothing matches.
    fn window_end(&self, head: Position) -> Position {
        head.min(self.cursor.advance(self.store.follow_options().scan_window))
    }

    /// Reads until it succeeds: nothing else could keep the promise.
    async fn read(&self, through: Position) -> Vec<Arc<RecordedEvent>> {
        let query = EventQuery {
            scope: self.scope.clone(),
            filter: self.filter.clone(),
            stream_id: None,
            after: self.cursor,
            through,
            versions: VersionRange::default(),
            descending: false,
            limit: self.store.follow_options().page_events,
        };
        let mut pause = RETRY_PAUSES.0;
        loop {
            match self.store.events(&query).await {
                Ok(events) => return events,
                Err(ReadError::Unavailable | ReadError::TooSlow | ReadError::Fault) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_PAUSES.1);
                }
            }
        }
    }

    /// Waits for what comes next; `None` when the store closes.
    async fn listen(&mut self) -> Option<()> {
        let heard = if self.cursor > self.told {
            // The time counts from the first event that did not match, however many follow it.
            let since = *self.untold_since.get_or_insert_with(Instant::now);
            let due = since + self.store.follow_options().checkpoint_interval;
            if let Ok(heard) = tokio::time::timeout_at(due, self.listener.hear()).await {
                heard
            } else {
                self.pending.push_back(FeedMessage::Checkpoint(self.cursor));
                return Some(());
            }
        } else {
            self.listener.hear().await
        };
        match heard {
            Heard::Signal(Signal::Event(event)) => self.hear_event(event),
            Heard::Signal(Signal::Head(reached)) if reached <= self.cursor => {}
            Heard::Signal(Signal::Head(_)) | Heard::FellOff => self.fall_behind(),
            Heard::Closed => return None,
        }
        Some(())
    }

    fn fall_behind(&mut self) {
        self.is_live = false;
        self.owes_caught_up = true;
        self.pending.push_back(FeedMessage::FellBehind(self.cursor));
    }

    fn hear_event(&mut self, event: Arc<RecordedEvent>) {
        if event.position <= self.cursor {
            return;
        }
        if event.position > self.cursor.next() {
            // Something came between that did not pass through this hub.
            self.is_live = false;
            return;
        }
        self.cursor = event.position;
        if self.scope.allows(event.guild_id.as_deref()) && self.filter.matches(&event) {
            self.pending_as_of = event.position;
            self.pending.push_back(FeedMessage::Event(event.shown()));
        } else {
            self.checkpoint_if_due();
        }
    }

    fn checkpoint_if_due(&mut self) {
        let told = self.pending.back().map_or(self.told, FeedMessage::position);
        let unannounced = self.cursor.get() - told.get();
        if unannounced >= self.store.follow_options().checkpoint_every {
            self.pending.push_back(FeedMessage::Checkpoint(self.cursor));
        }
    }
}
