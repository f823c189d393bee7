//! The way of one operation's responses to its client, and the switch that cuts it.
//!
//! The socket of a client that does not read is not polled, and neither are its subscriptions. So a switch
//! that a subscription would have to look at itself could not reach the very client that an administrator
//! most wants to be rid of. Therefore the stream lies behind a lock of its own: whoever polls takes it, and
//! whoever ends the subscription takes it once and drops the stream there and then. Nobody else ever does,
//! so that delivering a message never waits for anything.

use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use async_graphql::{ErrorExtensions, Response, ServerError};
use futures_util::stream::{BoxStream, Stream, StreamExt};
use uuid::Uuid;

use crate::cursor;
use crate::graphql::error_code::ErrorCode;
use crate::position::Position;
use crate::store::FeedMessage;

/// What a feed is doing, as its client has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum FeedState {
    /// It looks up where to begin.
    Starting,
    /// It reads from the log.
    CatchingUp,
    /// It has said that it is at the head.
    Live,
}

/// What a message does to the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    None,
    Event,
    CaughtUp,
    FellBehind,
    Checkpoint,
}

/// How far a subscription has come. One task writes, anybody reads; the figures are each right, and may be
/// one message apart.
pub(in crate::graphql) struct Progress {
    state: AtomicU8,
    position: AtomicI64,
    messages: AtomicU64,
    events: AtomicU64,
    times_fallen_behind: AtomicU64,
    /// The message that the feed has made and the transport has not taken yet. Its fields are being
    /// resolved; if it is dropped meanwhile, the client never sees it, and must not be told that it did.
    next_position: AtomicI64,
    next_effect: AtomicU8,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            state: AtomicU8::new(FeedState::Starting as u8),
            position: AtomicI64::new(0),
            messages: AtomicU64::new(0),
            events: AtomicU64::new(0),
            times_fallen_behind: AtomicU64::new(0),
            next_position: AtomicI64::new(0),
            next_effect: AtomicU8::new(Effect::None as u8),
        }
    }
}

impl Progress {
    /// The feed begins after this position.
    pub(in crate::graphql) fn begin(&self, after: Position) {
        self.position.store(after.get(), Ordering::Relaxed);
        self.set_state(FeedState::CatchingUp);
    }

    /// The feed has made this message.
    pub(in crate::graphql) fn make(&self, message: &FeedMessage) {
        let effect = match message {
            FeedMessage::Event(_) => Effect::Event,
            FeedMessage::CaughtUp(_) => Effect::CaughtUp,
            FeedMessage::FellBehind(_) => Effect::FellBehind,
            FeedMessage::Checkpoint(_) => Effect::Checkpoint,
        };
        self.next_position
            .store(message.position().get(), Ordering::Relaxed);
        self.next_effect.store(effect as u8, Ordering::Relaxed);
    }

    /// The feed has come so far, with a message that its client is not sent.
    pub(in crate::graphql) fn pass(&self, message: &FeedMessage) {
        self.position
            .store(message.position().get(), Ordering::Relaxed);
        match message {
            FeedMessage::CaughtUp(_) => self.set_state(FeedState::Live),
            FeedMessage::FellBehind(_) => {
                self.times_fallen_behind.fetch_add(1, Ordering::Relaxed);
                self.set_state(FeedState::CatchingUp);
            }
            FeedMessage::Event(_) | FeedMessage::Checkpoint(_) => {}
        }
    }

    /// The transport has taken the message that was made last. There is only one at a time: the executor
    /// asks the feed for the next when it has given the last one away.
    fn deliver(&self) {
        let effect = self.next_effect.swap(Effect::None as u8, Ordering::Relaxed);
        if effect == Effect::None as u8 {
            return;
        }
        let position = self.next_position.load(Ordering::Relaxed);
        self.position.store(position, Ordering::Relaxed);
        self.messages.fetch_add(1, Ordering::Relaxed);
        if effect == Effect::Event as u8 {
            self.events.fetch_add(1, Ordering::Relaxed);
        } else if effect == Effect::CaughtUp as u8 {
            self.set_state(FeedState::Live);
        } else if effect == Effect::FellBehind as u8 {
            self.times_fallen_behind.fetch_add(1, Ordering::Relaxed);
            self.set_state(FeedState::CatchingUp);
        }
    }

    fn set_state(&self, state: FeedState) {
        // Whoever reads a state other than the first also reads the position that came with it.
        self.state.store(state as u8, Ordering::Release);
    }

    pub(in crate::graphql) fn state(&self) -> FeedState {
        match self.state.load(Ordering::Acquire) {
            state if state == FeedState::Live as u8 => FeedState::Live,
            state if state == FeedState::CatchingUp as u8 => FeedState::CatchingUp,
            _ => FeedState::Starting,
        }
    }

    /// Everything up to here has been handed to the client; `None` while the feed is starting.
    pub(in crate::graphql) fn position(&self) -> Option<Position> {
        let is_known = self.state() != FeedState::Starting;
        is_known.then(|| Position::from_stored(self.position.load(Ordering::Relaxed)))
    }

    pub(in crate::graphql) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    pub(in crate::graphql) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(in crate::graphql) fn times_fallen_behind(&self) -> u64 {
        self.times_fallen_behind.load(Ordering::Relaxed)
    }
}

/// That an administrator ended a subscription.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct Ending {
    /// Why, in the administrator's words.
    pub(in crate::graphql) reason: Option<String>,
    /// The store that the client's cursor belongs to.
    pub(in crate::graphql) store_id: Uuid,
}

impl Ending {
    /// What the client is told. Not retryable: a client that came back by itself would undo what the
    /// administrator did.
    fn response(&self, progress: &Progress) -> Response {
        let reason = self.reason.as_deref().map_or_else(String::new, |reason| {
            format!(", with the reason: {}", reason.trim_end_matches('.'))
        });
        let cursor = progress
            .position()
            .map(|position| (position, cursor::encode_event(self.store_id, position)));
        let way_back = cursor.as_ref().map_or_else(
            || "It had not begun yet.".to_owned(),
            |(position, cursor)| {
                format!(
                    "You were sent everything up to position {position}; to go on from there without loss, once \
                     that is settled, subscribe with `from: {{cursor: \"{cursor}\"}}`."
                )
            },
        );
        let message = format!("An administrator ended this subscription{reason}. {way_back}");
        let error = ErrorCode::Forbidden
            .error(message)
            .extend_with(|_, values| {
                if let Some((_, cursor)) = cursor {
                    values.set("cursor", cursor);
                }
            });
        let mut told = ServerError::new(error.message, None);
        told.extensions = error.extensions;
        Response::from_errors(vec![told])
    }
}

/// One operation's responses, and the switch.
pub(super) struct Line {
    progress: Arc<Progress>,
    ending: OnceLock<Ending>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    responses: Option<BoxStream<'static, Response>>,
    /// Of whoever waits for the next response.
    waker: Option<Waker>,
}

impl Line {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            ending: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Drops the stream of responses, and wakes its client's task to say so. False if somebody else has
    /// ended it before. May wait for one poll of this stream, never longer.
    pub(super) fn end(&self, ending: Ending) -> bool {
        if self.ending.set(ending).is_err() {
            return false;
        }
        let State { responses, waker } = std::mem::take(&mut *self.state());
        // Outside of the lock: what the stream holds has locks of its own.
        drop(responses);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// `Ready(None)` also where the stream is gone because the line was cut.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Response>> {
        let mut state = self.state();
        let Some(responses) = &mut state.responses else {
            return Poll::Ready(None);
        };
        let polled = responses.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(_)) => self.progress.deliver(),
            Poll::Ready(None) => {}
            Poll::Pending => match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            },
        }
        polled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A resolver that panicked is answered and dropped by the transport.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport's end of a line, and its only owner: what it drops is gone.
pub(in crate::graphql) struct Carried {
    line: Arc<Line>,
    is_over: bool,
}

impl Carried {
    pub(super) fn new(line: Arc<Line>, responses: BoxStream<'static, Response>) -> Self {
        line.state().responses = Some(responses);
        Self {
            line,
            is_over: false,
        }
    }
}

impl Stream for Carried {
    type Item = Response;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let polled = self.line.poll(context);
        if !matches!(polled, Poll::Ready(None)) {
            return polled;
        }
        self.is_over = true;
        let ending = self.line.ending.get();
        Poll::Ready(ending.map(|ending| ending.response(&self.line.progress)))
    }
}

#[cfg(test)]
mod tests;
