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
mod door;
mod follower;
mod model;
mod plan;
mod question;
mod raised;
mod reads;
mod request;
mod verdict;
mod walker;
mod wire;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use gamebot_event_store::store::{FollowOptions, TailOptions};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet, block_in_place};

use self::case::Case;
use self::plan::Plan;
use crate::follow::in_process::{Node, open_node};
use crate::support::{World, on_both_backends};

on_both_backends!(every_reader_agrees_with_the_model);

/// How many programs are tried on SQLite and on PostgreSQL; `PROPTEST_CASES` asks for more.
const CASES: (u32, u32) = (100, 30);
/// How many steps a program has at most.
const MOST_STEPS: usize = 40;
/// A case is over long before.
const DEADLINE: Duration = Duration::from_mins(1);

async fn every_reader_agrees_with_the_model(world: World) {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok());
    let enough = if world.is_sqlite() { CASES.0 } else { CASES.1 };
    let config = Config {
        cases: cases.unwrap_or(enough),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let handle = Handle::current();
    let check = |plan| handle.block_on(check(&world, plan));
    let plans = plan::plans(1..MOST_STEPS);
    let run = || TestRunner::new(config).run(&plans, check).map_err(Box::new);
    match block_in_place(run).map_err(|error| *error) {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{reason}\nin this case: {plan:#?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Runs one case on a store of its own, all of whose traces but the log are gone afterwards.
async fn check(world: &World, plan: Plan) -> Result<(), TestCaseError> {
    let store = open_node(world, node(&plan)).await;
    let second = if plan.two_nodes && !world.is_sqlite() {
        Some(open_node(world, node(&plan)).await)
    } else {
        None
    };
    let readers = Arc::new(Mutex::new(JoinSet::new()));
    let case = Case::new(store.clone(), second.clone(), Arc::clone(&readers)).await;
    let case = tokio::spawn(tokio::time::timeout(DEADLINE, case.run(plan)));
    let outcome = case.await;
    readers.lock().await.shutdown().await;
    store.close().await;
    if let Some(second) = second {
        second.close().await;
    }
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(TestCaseError::fail("the case does not end")),
        Err(error) => Err(TestCaseError::fail(message_of(error))),
    }
}

/// A node whose feeds take small steps and tell soon that they have come to the end.
fn node(plan: &Plan) -> Node {
    Node {
        listen_url: None,
        hub_capacity: plan.hub_capacity,
        follow: FollowOptions {
            page_events: plan.page_events,
            scan_window: plan.scan_window,
            checkpoint_every: plan.checkpoint_every,
            checkpoint_interval: Duration::from_millis(5),
        },
        tail: TailOptions {
            poll_interval: Duration::from_millis(10),
            notify_interval: Duration::from_millis(2),
        },
    }
}

fn message_of(error: JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned())
}
