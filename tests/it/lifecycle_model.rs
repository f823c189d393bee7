//! Random programs of appends and changes of streams' lives, against a pure model that says what each request
//! comes to and what every reader sees, at every moment, of what is shown and of what is hidden (rules L1 to
//! L5, O1 to O3, S1 to S3).
//!
//! Meanwhile followers of every kind, quick and slow, and readers that walk through pages look at the same
//! log. Each notes when it asked and when it was answered; after the case the model judges what they saw. A
//! failure is shrunk to the least program that shows it.

mod case;
mod chain;
mod clock;
mod follower;
mod model;
mod plan;
mod question;
mod reads;
mod request;
mod scavenge;
mod verdict;
mod walker;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use gamebot_event_store::store::FollowOptions;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet, block_in_place};

use self::case::Case;
use self::plan::Plan;
use self::scavenge::Scavenger;
use crate::follow::in_process::open_store;
use crate::support::{World, on_both_backends};

on_both_backends!(every_reader_agrees_with_the_model);

/// How many programs are tried; `PROPTEST_CASES` asks for more.
const CASES: u32 = 100;
/// How many steps a program has at most.
const MOST_STEPS: usize = 40;
/// A case is over long before.
const DEADLINE: Duration = Duration::from_mins(1);

async fn every_reader_agrees_with_the_model(world: World) {
    let scavenger = Scavenger::new(&world).await;
    let cases = std::env::var("PROPTEST_CASES").ok();
    let config = Config {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let handle = Handle::current();
    let check = |plan| handle.block_on(check(&world, &scavenger, plan));
    let result = block_in_place(|| TestRunner::new(config).run(&plan::plans(MOST_STEPS), check));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{reason}\nin this case: {plan:#?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Runs one case on a store of its own, all of whose traces but the log are gone afterwards.
async fn check(world: &World, scavenger: &Scavenger, plan: Plan) -> Result<(), TestCaseError> {
    let follow = FollowOptions {
        page_events: plan.page_events,
        scan_window: plan.scan_window,
        checkpoint_every: plan.checkpoint_every,
        // Short, so that each follower soon tells that it has come to the end.
        checkpoint_interval: Duration::from_millis(5),
    };
    let store = open_store(world, plan.hub_capacity, follow).await;
    let readers = Arc::new(Mutex::new(JoinSet::new()));
    let case = Case::new(store.clone(), scavenger.clone(), Arc::clone(&readers)).await;
    let case = tokio::spawn(tokio::time::timeout(DEADLINE, case.run(plan)));
    let outcome = case.await;
    readers.lock().await.shutdown().await;
    store.close().await;
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(TestCaseError::fail("the case does not end")),
        Err(error) => Err(TestCaseError::fail(message_of(error))),
    }
}

fn message_of(error: JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned())
}
