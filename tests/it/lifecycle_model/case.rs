//! One case: writes, one after the other or several at once, each compared with what the model says of it,
//! while followers and walkers look on.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use gamebot_event_store::scope::Scope;
use gamebot_event_store::store::{
    AppendError, Changed, Committed, EventStore, OperationState, StartScavenge,
};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::chain;
use super::clock::{Clock, Times};
use super::follower::{self, Followed};
use super::model::{Model, Names, Outcome, SentAppend, SentChange};
use super::plan::{ChangePlan, FollowerPlan, Plan, Step, WalkerPlan, Whose, Write};
use super::reads;
use super::verdict;
use super::walker::{self, Walked};
use super::wish::Wish;

/// What a task that looks on has seen.
#[derive(Debug)]
pub(super) enum Report {
    Followed(Followed),
    Walked(Walked),
}

/// The tasks that look on.
pub(super) type Readers = Arc<Mutex<JoinSet<Report>>>;

/// A case under way.
pub(super) struct Case {
    store: EventStore,
    /// Another node on the same log.
    second: Option<EventStore>,
    model: Model,
    clock: Arc<Clock>,
    times: Times,
    progress: watch::Sender<(i64, bool)>,
    readers: Readers,
    /// What was sent so far, to be sent again.
    appends: Vec<SentAppend>,
    changes: Vec<SentChange>,
}

/// A request with what it should come to.
enum Sent {
    Append(SentAppend, Outcome),
    Change(SentChange, Outcome),
}

/// What it came to.
enum Answer {
    Append(Result<Committed, AppendError>),
    Change(Result<Changed, AppendError>),
}

impl Case {
    /// A case that begins at the head of a store's log.
    pub(super) async fn new(
        store: EventStore,
        second: Option<EventStore>,
        readers: Readers,
    ) -> Self {
        let base = store.head().await.unwrap().get();
        let names = Names::new(&Uuid::now_v7().simple().to_string());
        let most = store.options().max_stream_events;
        Self {
            model: Model::new(names, base, most),
            store,
            second,
            clock: Arc::default(),
            times: Times::new(),
            progress: watch::Sender::new((base, false)),
            readers,
            appends: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Runs it to the end, and panics at the first thing that is not as it should be.
    pub(super) async fn run(mut self, plan: Plan) {
        for follower in plan.followers {
            self.follow(follower).await;
        }
        for walker in plan.walkers {
            self.walk(walker).await;
        }
        for step in plan.steps {
            self.step(step).await;
        }
        self.finish().await;
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write(writes, node) => self.write(&writes, node).await,
            Step::Read(plan) => reads::check(&self.store, &self.model, &plan).await,
            Step::Follow(plan) => self.follow(plan).await,
            Step::Scavenge(stream) => self.scavenge(stream).await,
        }
    }

    async fn follow(&mut self, plan: FollowerPlan) {
        let so_far = self.model.head() - self.model.base;
        let after = self.model.base + so_far * plan.start / 100;
        let (store, clock) = (self.node(plan.node).clone(), Arc::clone(&self.clock));
        let names = self.model.names.clone();
        let plan = (plan, self.second.is_none());
        let progress = self.progress.subscribe();
        let task = follower::follow(store, clock, names, plan, after, progress);
        let task = async { Report::Followed(task.await) };
        self.readers.lock().await.spawn(task);
    }

    async fn walk(&mut self, plan: WalkerPlan) {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let names = self.model.names.clone();
        let base = self.model.base;
        let task = walker::walk(store, clock, names, plan, base, self.progress.subscribe());
        let task = async { Report::Walked(task.await) };
        self.readers.lock().await.spawn(task);
    }

    /// The node of a plan.
    fn node(&self, whose: Whose) -> &EventStore {
        match (whose, &self.second) {
            (Whose::Second, Some(second)) => second,
            (Whose::First, _) | (Whose::Second, None) => &self.store,
        }
    }

    async fn scavenge(&mut self, stream: Option<usize>) {
        let before = self.model.write;
        let request = StartScavenge {
            operation_id: Some(Uuid::now_v7()),
            stream: stream.map(|stream| self.model.names.of(stream).to_owned()),
            metadata: None,
        };
        let id = request.operation_id.unwrap();
        let expected = self.model.scavenge(id, request.stream.as_deref());
        let sent = self.clock.tick();
        let started = self.store.start_scavenge(&Scope::All, request).await;
        assert_eq!(started.is_ok(), expected.is_some(), "{started:?}");
        if let Ok(started) = started {
            let watch = self.store.watch_operation(Scope::All, started.operation);
            let ended = watch.collect::<Vec<_>>().await.pop();
            assert_eq!(ended.unwrap().state, OperationState::Succeeded);
        }
        let answered = self.clock.tick();
        for _ in before..self.model.write {
            self.times.push(sent, answered);
        }
        self.progress.send_replace((self.model.head(), false));
    }

    /// Sends requests all at once. They queue in their order, so the model can judge them one by one.
    async fn write(&mut self, writes: &[Write], node: Whose) {
        let before = self.model.write;
        let mut requests = Vec::new();
        for write in writes {
            requests.extend(self.prepare(write));
        }
        let sent = self.clock.tick();
        let answers = requests.iter().map(|request| self.send(request, node));
        let answers = join_all(answers).await;
        for ((request, (answer, answered)), write) in
            requests.into_iter().zip(answers).zip(before + 1..)
        {
            self.times.push(sent, answered);
            let writes = (before, write);
            match (request, answer) {
                (Sent::Append(sent, expected), Answer::Append(answer)) => {
                    verdict::check_append(&mut self.model, &sent, expected, answer, writes);
                }
                (Sent::Change(sent, expected), Answer::Change(answer)) => {
                    verdict::check_change(&mut self.model, &sent, expected, answer);
                }
                _ => unreachable!("each answer is of its request's kind"),
            }
        }
        self.progress.send_replace((self.model.head(), false));
    }

    /// The request of a plan, judged by the model; `None` if there is nothing to send again.
    fn prepare(&mut self, write: &Write) -> Option<Sent> {
        match write {
            Write::Append(plan) => Some(self.prepare_append(SentAppend::new(plan, &self.model))),
            Write::AppendAgain(which, how) => {
                let earlier = ago(&self.appends, *which)?;
                let again = earlier.again(*how, &self.model);
                Some(self.prepare_append(again))
            }
            Write::Change(plan) => {
                let change = SentChange::new(plan, &self.model);
                Some(self.prepare_change(change))
            }
            Write::ChangeAgain(which, other) => {
                let again = self.changed_again(*which, other.as_ref())?;
                Some(self.prepare_change(again))
            }
        }
    }

    fn changed_again(&self, which: usize, other: Option<&ChangePlan>) -> Option<SentChange> {
        let earlier = ago(&self.changes, which)?;
        Some(match other {
            None => earlier.clone(),
            Some(plan) => SentChange {
                id: earlier.id,
                ..SentChange::new(plan, &self.model)
            },
        })
    }

    fn prepare_append(&mut self, append: SentAppend) -> Sent {
        let outcome = self.model.append(&append);
        self.appends.push(append.clone());
        Sent::Append(append, outcome)
    }

    fn prepare_change(&mut self, change: SentChange) -> Sent {
        let outcome = self.model.change(&change);
        self.changes.push(change.clone());
        Sent::Change(change, outcome)
    }

    async fn send(&self, request: &Sent, node: Whose) -> (Answer, u64) {
        let store = self.node(node);
        let answer = match request {
            Sent::Append(append, _) => Answer::Append(store.append(append.to_append()).await),
            Sent::Change(change, _) => Answer::Change(store.change(change.to_change()).await),
        };
        (answer, self.clock.tick())
    }

    /// The log grows no more: everybody comes to its end, and is judged.
    async fn finish(self) {
        self.progress.send_replace((self.model.head(), true));
        let mut fell_behind = 0;
        while let Some(report) = self.readers.lock().await.join_next().await {
            match report.unwrap_or_else(|error| panic!("{}", super::message_of(error))) {
                Report::Followed(followed) => {
                    followed.check(&self.model, &self.times);
                    fell_behind += followed.fell_behind();
                }
                Report::Walked(walked) => walked.check(&self.model, &self.times),
            }
        }
        let fits = self.model.events.len() <= self.store.options().hub_capacity;
        assert!(
            !fits || fell_behind == 0,
            "the whole log fits into the ring"
        );
        reads::check_streams(&self.store, &self.model, &Wish::everything()).await;
        chain::check(&self.store, &self.model).await;
    }
}

/// What was sent so many requests ago, or around that many.
fn ago<T>(sent: &[T], requests: usize) -> Option<&T> {
    let ago = requests.checked_rem(sent.len())?;
    sent.get(sent.len() - 1 - ago)
}
