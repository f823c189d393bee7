//! Readers that walk through the log page by page, forward or backward, while it changes.

use std::sync::Arc;

use gamebot_event_store::event::RecordedEvent;
use gamebot_event_store::store::{EventStore, VersionRange};

use super::clock::{Clock, Times};
use super::follower::Progress;
use super::model::{Model, Names};
use super::plan::WalkerPlan;
use super::question::{Question, places_of};

/// What a walker has read.
#[derive(Debug)]
pub(super) struct Walked(Vec<Page>);

/// A page, and when it was read: after the first time, and before the second.
#[derive(Debug)]
struct Page {
    asked: u64,
    got: u64,
    question: Question,
    events: Vec<Arc<RecordedEvent>>,
    count: u64,
}

/// Walks through the log again and again, until it has stopped growing.
pub(super) async fn walk(
    store: EventStore,
    clock: Arc<Clock>,
    names: Names,
    plan: WalkerPlan,
    base: i64,
    mut progress: Progress,
) -> Walked {
    let mut walked = Walked(Vec::new());
    loop {
        let done = progress.borrow_and_update().1;
        walked.once(&store, &clock, &names, &plan, base).await;
        if done {
            return walked;
        }
        // Without a change there is nothing new to see.
        let _ = progress.changed().await;
    }
}

impl Walked {
    /// From one end of the log to the other, by cursors.
    async fn once(
        &mut self,
        store: &EventStore,
        clock: &Clock,
        names: &Names,
        plan: &WalkerPlan,
        base: i64,
    ) {
        let (mut after, mut through) = (base, store.head().await.unwrap().get());
        loop {
            let question = Question {
                wish: plan.wish.clone(),
                after,
                through,
                versions: VersionRange::default(),
                descending: plan.descending,
                limit: plan.page_events,
            };
            let page = read(store, clock, names, question).await;
            let last = page.events.last().map(|event| event.position.get());
            let is_full = page.events.len() as u64 == plan.page_events;
            self.0.push(page);
            match last {
                Some(last) if is_full && plan.descending => through = last - 1,
                Some(last) if is_full => after = last,
                _ => return,
            }
        }
    }

    /// Every page is exact at one moment between its question and its answer.
    pub(super) fn check(&self, model: &Model, times: &Times) {
        for page in &self.0 {
            let writes = times.answered_by(page.asked)..=times.sent_by(page.got);
            let places = places_of(&page.events);
            let is_exact = |write: &usize| model.answer(&page.question, *write) == places;
            let write = writes.clone().find(is_exact);
            let write = write.unwrap_or_else(|| {
                let first = model.answer(&page.question, *writes.start());
                panic!("{places:?} instead of {first:?} after the writes {writes:?}: {page:?}")
            });
            for event in &page.events {
                let state = model.at(event.position.get()).state_at(write);
                model.check_shown(event, &[state]);
            }
            page.check_count(model, times);
        }
    }
}

impl Page {
    /// A count is a statement of its own: it may be exact at another moment.
    fn check_count(&self, model: &Model, times: &Times) {
        let mut writes = times.answered_by(self.asked)..=times.sent_by(self.got);
        let count = |write| model.answer(&self.question, write).len() as u64;
        assert!(
            writes.any(|write| count(write) == self.count),
            "the count is wrong: {self:?}"
        );
    }
}

async fn read(store: &EventStore, clock: &Clock, names: &Names, question: Question) -> Page {
    let asked = clock.now();
    let query = question.query(names);
    let events = store.events(&query).await.unwrap();
    let count = store.count_events(&query).await.unwrap();
    Page {
        asked,
        got: clock.now(),
        question,
        events,
        count,
    }
}
