//! Followers, quick and slow, and what each of their messages promises.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use gamebot_event_store::position::Position;
use gamebot_event_store::store::{EventStore, FeedMessage, Follow};
use tokio::sync::watch;

use super::clock::{Clock, Times};
use super::model::{Model, Names};
use super::plan::FollowerPlan;
use super::wish::Wish;

/// What a follower was after, and what it was told.
#[derive(Debug)]
pub(super) struct Followed {
    wish: Wish,
    after: i64,
    started: u64,
    /// Whether its node knows at once of everything that is written.
    knows_at_once: bool,
    messages: Vec<Told>,
}

/// A message, and when it was handed out: after the first time, and before the second.
#[derive(Debug)]
struct Told {
    asked: u64,
    got: u64,
    message: FeedMessage,
}

/// How far the log has come, and whether it will not grow any more.
pub(super) type Progress = watch::Receiver<(i64, bool)>;

/// The longest silence of a feed that has not come to the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Follows until the log has stopped growing and its end is reached.
pub(super) async fn follow(
    store: EventStore,
    clock: Arc<Clock>,
    names: Names,
    (plan, knows_at_once): (FollowerPlan, bool),
    after: i64,
    mut progress: Progress,
) -> Followed {
    let end = progress.clone();
    let mut followed = Followed::new(plan.wish, after, clock.now(), knows_at_once);
    let mut feed = Box::pin(store.follow(Follow {
        scope: followed.wish.scope(),
        filter: followed.wish.filter(&names),
        after: Position::new(after).unwrap(),
    }));
    let mut asked = None;
    for pause in plan.pauses.iter().chain(&[0]).cycle() {
        if *pause > 0 {
            let wait_for = progress.borrow().0 + pause;
            let is_enough = |(head, done): &(i64, bool)| *done || *head >= wait_for;
            // The case may have failed meanwhile.
            let _ = progress.wait_for(is_enough).await;
        }
        let told = followed.last_position();
        tokio::select! {
            told = next(&mut feed, &mut asked, &clock) => followed.messages.push(told),
            _ = progress.wait_for(|(head, done)| *done && Some(*head) == told) => break,
            () = tokio::time::sleep(PATIENCE) => {
                let (head, done) = *end.borrow();
                assert!(!done, "silence after {told:?}, though the log goes to {head}: {followed:?}");
            }
        }
    }
    followed
}

/// The next message. `asked` is when the feed was first polled for it, also by an earlier call that was given
/// up: what is hidden later may pass.
async fn next(
    feed: &mut Pin<Box<impl Stream<Item = FeedMessage>>>,
    asked: &mut Option<u64>,
    clock: &Clock,
) -> Told {
    poll_fn(|context| {
        let since = *asked.get_or_insert_with(|| clock.now());
        let polled = feed.as_mut().poll_next(context);
        polled.map(|message| {
            *asked = None;
            Told {
                asked: since,
                got: clock.now(),
                message: message.expect("the feed ended"),
            }
        })
    })
    .await
}

impl Followed {
    /// A follower that has not been told anything yet.
    pub(super) fn new(wish: Wish, after: i64, started: u64, knows_at_once: bool) -> Self {
        Self {
            wish,
            after,
            started,
            knows_at_once,
            messages: Vec::new(),
        }
    }

    /// Takes a message that was handed out after the first time and before the second.
    pub(super) fn take(&mut self, asked: u64, got: u64, message: FeedMessage) {
        self.messages.push(Told {
            asked,
            got,
            message,
        });
    }

    /// Where it stands; `None` before the first message.
    pub(super) fn last_position(&self) -> Option<i64> {
        let last = self.messages.last();
        last.map(|told| told.message.position().get())
    }

    /// Every event that is wanted came once, in order, at its position, unless it was hidden by then; and
    /// nothing came with its payload when it was certainly hidden.
    pub(super) fn check(&self, model: &Model, times: &Times) {
        let mut last = self.after;
        let mut is_caught_up = false;
        for told in &self.messages {
            let position = told.message.position().get();
            assert!(position >= last, "goes back behind {last}: {told:?}");
            assert!(position <= model.head(), "is beyond the log: {told:?}");
            match &told.message {
                FeedMessage::Event(_) => {
                    assert!(position > last, "comes twice: {told:?}");
                    self.check_passed(model, times, told, last, position - 1);
                    self.check_event(model, times, told);
                }
                FeedMessage::CaughtUp(_) => {
                    assert!(!is_caught_up, "says so twice: {told:?}");
                    is_caught_up = true;
                }
                FeedMessage::FellBehind(_) => {
                    assert!(is_caught_up, "was never there: {told:?}");
                    is_caught_up = false;
                }
                FeedMessage::Checkpoint(_) => {}
            }
            if !matches!(told.message, FeedMessage::Event(_)) {
                self.check_passed(model, times, told, last, position);
            }
            last = position;
        }
        assert_eq!(last, model.head(), "did not come to the end: {self:?}");
    }

    /// Of the positions after `last` up to `through`, none was due.
    fn check_passed(&self, model: &Model, times: &Times, told: &Told, last: i64, through: i64) {
        let by_then = times.sent_by(told.got);
        if let Some(place) = model.shown(&self.wish, (last, through), by_then).first() {
            panic!(
                "{place:?} was not delivered before {told:?} of the follower of {:?} after {}",
                self.wish, self.after
            );
        }
    }

    fn check_event(&self, model: &Model, times: &Times, told: &Told) {
        let FeedMessage::Event(shown) = &told.message else {
            return;
        };
        let event = model.at(shown.position.get());
        assert!(
            self.wish.includes(event, &model.names),
            "{:?} does not want {told:?}",
            self.wish
        );
        let last = times.sent_by(told.got);
        assert!(event.since() <= last, "seen before it was sent: {told:?}");
        // Once it is hidden, a buffer may tell an older reason.
        let ever = event.states_between(times.answered_by(self.started), last);
        let mut allowed: Vec<_> = ever.into_iter().flatten().map(Some).collect();
        // However slow the feed is, no payload is shown that was hidden when the message was asked for.
        // What another node has answered may not have come here yet.
        let asked = if self.knows_at_once {
            told.asked
        } else {
            self.started
        };
        let asked = times.answered_by(asked);
        if event.states_between(asked, last).contains(&None) {
            allowed.push(None);
        }
        if !self.wish.shows_removed() {
            allowed.retain(Option::is_none);
        }
        model.check_shown(shown, &allowed);
    }

    /// How often the follower was too slow for the hub.
    pub(super) fn fell_behind(&self) -> usize {
        let messages = self.messages.iter();
        messages
            .filter(|told| matches!(told.message, FeedMessage::FellBehind(_)))
            .count()
    }
}
