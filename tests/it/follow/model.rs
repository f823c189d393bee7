//! Random appends, reads and followers against a list that says what they should see.

mod wanted;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use gamebot_event_store::event::{NewEvent, RecordedEvent};
use gamebot_event_store::expected_version::ExpectedVersion;
use gamebot_event_store::position::Position;
use gamebot_event_store::store::{
    Append, EventQuery, EventStore, FeedMessage, Follow, FollowOptions, StreamAppend, VersionRange,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::wanted::{Seen, Wanted};
use super::in_process::open_store;
use crate::support::{World, on_both_backends};

on_both_backends!(
    followers_of_a_hub_of_1_agree_with_the_model,
    followers_of_a_hub_of_2_agree_with_the_model,
    followers_of_a_hub_of_1024_agree_with_the_model,
);

async fn followers_of_a_hub_of_1_agree_with_the_model(world: World) {
    let fell_behind = run(&world, 1).await;
    assert!(fell_behind > 0, "a ring of one event was never too small");
}

async fn followers_of_a_hub_of_2_agree_with_the_model(world: World) {
    let fell_behind = run(&world, 2).await;
    assert!(fell_behind > 0, "a ring of two events was never too small");
}

async fn followers_of_a_hub_of_1024_agree_with_the_model(world: World) {
    let fell_behind = run(&world, 1024).await;
    assert_eq!(fell_behind, 0, "the whole log fits into the ring");
}

/// How many followers are started while the log grows.
const FOLLOWERS: usize = 40;
/// How many requests the log grows by; with at most 6 events each, it stays shorter than a ring of 1024.
const APPENDS: usize = 160;
/// A run is over long before.
const DEADLINE: Duration = Duration::from_mins(2);

/// Runs one random history, and returns how often a follower fell behind. A failure names the seed.
async fn run(world: &World, hub_capacity: usize) -> usize {
    let seed: u64 = rand::random();
    let store = open_store(world, hub_capacity, small_steps(seed)).await;
    let history = tokio::spawn(history(store, seed));
    match tokio::time::timeout(DEADLINE, history).await {
        Ok(Ok(fell_behind)) => fell_behind,
        Ok(Err(error)) => {
            panic!("with the hub capacity {hub_capacity} and the seed {seed}: {error}")
        }
        Err(late) => {
            panic!("with the hub capacity {hub_capacity} and the seed {seed}: {late}")
        }
    }
}

/// Pages and windows so small that every follower crosses many of them.
fn small_steps(seed: u64) -> FollowOptions {
    let mut random = StdRng::seed_from_u64(seed);
    FollowOptions {
        page_events: random.random_range(1..9),
        scan_window: random.random_range(1..30),
        checkpoint_every: random.random_range(1..12),
        // Short, so that each follower soon tells that it has come to the end.
        checkpoint_interval: Duration::from_millis(5),
    }
}

/// What happens in one run, and what should be seen of it.
struct History {
    store: EventStore,
    random: StdRng,
    /// The log as it should be.
    model: Vec<Seen>,
    /// Where the log stands, and whether it has stopped growing.
    progress: watch::Sender<(i64, bool)>,
    followers: Vec<JoinHandle<Followed>>,
}

/// What a follower was after, and what it was told.
struct Followed {
    wanted: Wanted,
    after: i64,
    messages: Vec<FeedMessage>,
}

async fn history(store: EventStore, seed: u64) -> usize {
    let mut history = History {
        store,
        random: StdRng::seed_from_u64(seed),
        model: Vec::new(),
        progress: watch::Sender::new((0, false)),
        followers: Vec::new(),
    };
    let mut appends = 0;
    while appends < APPENDS || history.followers.len() < FOLLOWERS {
        match history.random.random_range(0..10) {
            0..=5 => {
                history.append().await;
                appends += 1;
            }
            6 | 7 => history.read().await,
            _ => history.follow(),
        }
    }
    history.finish().await
}

impl History {
    /// Appends one to six events to one to three streams.
    async fn append(&mut self) {
        let count = self.random.random_range(1..4);
        let streams: Vec<StreamAppend> = wanted::some_streams(&mut self.random, count)
            .into_iter()
            .map(|stream| StreamAppend {
                events: (0..self.random.random_range(1..3))
                    .map(|_| wanted::some_event(&mut self.random, stream))
                    .collect(),
                stream: stream.to_owned(),
                expected: ExpectedVersion::Any,
            })
            .collect();
        let sent: Vec<NewEvent> = streams
            .iter()
            .flat_map(|stream| stream.events.clone())
            .collect();
        let append = Append {
            streams,
            is_batch: true,
        };
        let committed = self.store.append(append).await.unwrap();
        let recorded = committed.streams.iter().flat_map(|stream| &stream.events);
        for (event, sent) in recorded.zip(&sent) {
            self.model.push(Seen::new(event, sent));
            assert_eq!(
                event.position.get(),
                i64::try_from(self.model.len()).unwrap()
            );
        }
        self.progress.send_replace((self.head(), false));
    }

    fn head(&self) -> i64 {
        i64::try_from(self.model.len()).unwrap()
    }

    /// Reads a random page, in either direction.
    async fn read(&mut self) {
        let wanted = Wanted::some(&mut self.random, &self.model);
        let (after, through) = (self.some_position(), self.some_position());
        let limit = self.random.random_range(1..20);
        let descending = self.random.random();
        let query = EventQuery {
            scope: wanted.scope.clone(),
            filter: wanted.filter.clone(),
            stream_id: None,
            after: Position::new(after).unwrap(),
            through: Position::new(through).unwrap(),
            versions: VersionRange::default(),
            descending,
            limit,
        };
        let found = self.store.events(&query).await.unwrap();
        let mut expected = self.matching(&wanted, after, through);
        if descending {
            expected.reverse();
        }
        expected.truncate(usize::try_from(limit).unwrap());
        assert_eq!(positions_of(&found), expected, "{query:?}");
    }

    fn some_position(&mut self) -> i64 {
        let head = self.head();
        self.random.random_range(0..=head)
    }

    /// The positions that should be found in a part of the log.
    fn matching(&self, wanted: &Wanted, after: i64, through: i64) -> Vec<i64> {
        matching(&self.model, wanted, after, through)
    }

    /// Starts a follower that runs until the log has stopped growing and it has come to the end.
    fn follow(&mut self) {
        let wanted = Wanted::some(&mut self.random, &self.model);
        let after = self.some_position();
        let seed = self.random.random();
        let task = follow(
            self.store.clone(),
            wanted,
            after,
            seed,
            self.progress.subscribe(),
        );
        self.followers.push(tokio::spawn(task));
    }

    async fn finish(mut self) -> usize {
        let head = self.head();
        self.progress.send_replace((head, true));
        let mut fell_behind = 0;
        for follower in std::mem::take(&mut self.followers) {
            let followed = follower.await.unwrap();
            self.check(&followed);
            fell_behind += followed
                .messages
                .iter()
                .filter(|message| matches!(message, FeedMessage::FellBehind(_)))
                .count();
            self.check_resumption(&followed).await;
        }
        self.store.close().await;
        fell_behind
    }

    /// After each message, exactly the matching events up to its position have been delivered, each once and
    /// in order. From this follows that any message's cursor resumes without loss or double, and that
    /// `CaughtUp` comes only when everything before was delivered.
    fn check(&self, followed: &Followed) {
        let mut expected = self
            .matching(&followed.wanted, followed.after, self.head())
            .into_iter()
            .peekable();
        let mut last = followed.after;
        let mut is_caught_up = false;
        for message in &followed.messages {
            let position = message.position().get();
            let what = || {
                format!(
                    "{message:?} after {} of {:?}",
                    followed.after, followed.wanted
                )
            };
            assert!(position >= last, "goes back behind {last}: {}", what());
            last = position;
            match message {
                FeedMessage::Event(event) => {
                    assert_eq!(expected.next(), Some(position), "{}", what());
                    assert_eq!(
                        event.event_id,
                        self.model[usize::try_from(position).unwrap() - 1].event_id
                    );
                }
                FeedMessage::CaughtUp(_) => {
                    assert!(!is_caught_up, "says so twice: {}", what());
                    is_caught_up = true;
                }
                FeedMessage::FellBehind(_) => {
                    assert!(is_caught_up, "was never there: {}", what());
                    is_caught_up = false;
                }
                FeedMessage::Checkpoint(_) => {}
            }
            let missed = expected.peek().filter(|next| **next <= position);
            assert_eq!(missed, None, "not delivered before {}", what());
        }
        assert_eq!(last, self.head(), "did not come to the end");
    }

    /// A new follower from the position of some message gets what came after that message.
    async fn check_resumption(&mut self, followed: &Followed) {
        let index = self.random.random_range(0..followed.messages.len());
        let after = followed.messages[index].position().get();
        let seed = self.random.random();
        let progress = self.progress.subscribe();
        let wanted = followed.wanted.clone();
        let resumed = follow(self.store.clone(), wanted, after, seed, progress).await;
        let again = events_of(&resumed.messages);
        assert_eq!(again, events_of(&followed.messages[index + 1..]));
    }
}

fn matching(model: &[Seen], wanted: &Wanted, after: i64, through: i64) -> Vec<i64> {
    model
        .iter()
        .zip(1..)
        .filter(|(seen, position)| {
            *position > after && *position <= through && wanted.includes(seen)
        })
        .map(|(_, position)| position)
        .collect()
}

/// Follows, slowly at random moments, until the log has stopped growing and its end is reached.
async fn follow(
    store: EventStore,
    wanted: Wanted,
    after: i64,
    seed: u64,
    mut progress: watch::Receiver<(i64, bool)>,
) -> Followed {
    let mut random = StdRng::seed_from_u64(seed);
    let mut feed = Box::pin(store.follow(Follow {
        scope: wanted.scope.clone(),
        filter: wanted.filter.clone(),
        after: Position::new(after).unwrap(),
    }));
    let mut messages = Vec::new();
    loop {
        if random.random_ratio(1, 8) {
            // Reads nothing until the log has grown by some events, or will not grow any more.
            let wait_for = progress.borrow().0 + random.random_range(1..12);
            progress
                .wait_for(|(head, done)| *done || *head >= wait_for)
                .await
                .unwrap();
        }
        let at_end = messages
            .last()
            .map_or(-1, |message: &FeedMessage| message.position().get());
        tokio::select! {
            message = feed.next() => messages.push(message.unwrap()),
            _ = progress.wait_for(|(head, done)| *done && *head == at_end) => {
                return Followed { wanted, after, messages };
            }
        }
    }
}

fn positions_of(events: &[Arc<RecordedEvent>]) -> Vec<i64> {
    events.iter().map(|event| event.position.get()).collect()
}

fn events_of(messages: &[FeedMessage]) -> Vec<Uuid> {
    let event = |message: &FeedMessage| match message {
        FeedMessage::Event(event) => Some(event.event_id),
        _ => None,
    };
    messages.iter().filter_map(event).collect()
}
