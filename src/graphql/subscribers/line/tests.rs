use std::sync::atomic::AtomicBool;

use async_graphql::Value;
use futures_util::FutureExt;
use futures_util::stream;

use super::*;

const STORE: Uuid = Uuid::from_u128(7);

fn ending(reason: Option<&str>) -> Ending {
    Ending {
        reason: reason.map(str::to_owned),
        store_id: STORE,
    }
}

fn at(position: i64) -> FeedMessage {
    FeedMessage::Checkpoint(Position::from_stored(position))
}

fn response() -> Response {
    Response::new(Value::from(1))
}

/// A line over the stream that `feed` makes of the progress to report to.
fn line_over<S>(feed: impl FnOnce(Arc<Progress>) -> S) -> (Arc<Line>, Carried)
where
    S: Stream<Item = Response> + Send + 'static,
{
    let progress = Arc::<Progress>::default();
    let line = Arc::new(Line::new(Arc::clone(&progress)));
    let responses = feed(progress).boxed();
    (Arc::clone(&line), Carried::new(line, responses))
}

/// Tells when it is dropped.
struct Told(Arc<AtomicBool>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn cursor_of(response: &Response) -> Option<String> {
    match response.errors[0].extensions.as_ref()?.get("cursor")? {
        Value::String(cursor) => Some(cursor.clone()),
        other => panic!("{other:?} is no cursor"),
    }
}

#[tokio::test]
async fn a_stream_that_nobody_polls_is_dropped_when_it_is_ended() {
    let is_dropped = Arc::new(AtomicBool::new(false));
    let told = Told(Arc::clone(&is_dropped));
    let (line, carried) = line_over(|_| {
        stream::pending::<()>().map(move |()| {
            let _ = &told;
            response()
        })
    });
    assert!(line.end(ending(None)));
    assert!(is_dropped.load(Ordering::SeqCst));
    let rest: Vec<Response> = carried.collect().await;
    assert_eq!(rest.len(), 1, "one error, and the end");
}

#[tokio::test]
async fn whoever_waits_is_woken_by_the_end() {
    let (line, mut carried) = line_over(|_| stream::pending());
    let waiting = tokio::spawn(async move { carried.next().await });
    tokio::task::yield_now().await;
    assert!(line.end(ending(Some("maintenance."))));
    let told = waiting.await.unwrap().unwrap();
    let message = &told.errors[0].message;
    assert!(
        message.starts_with(
            "An administrator ended this subscription, with the reason: maintenance. It had"
        ),
        "{message}"
    );
    assert_eq!(cursor_of(&told), None);
}

#[tokio::test]
async fn a_stream_that_panics_goes_with_its_line() {
    let is_dropped = Arc::new(AtomicBool::new(false));
    let told = Told(Arc::clone(&is_dropped));
    let (line, carried) = line_over(|_| {
        stream::iter([1]).map(move |_| {
            let _ = &told;
            panic!("as a resolver may")
        })
    });
    let all: Vec<_> = std::panic::AssertUnwindSafe(carried)
        .catch_unwind()
        .collect()
        .await;
    assert!(all.len() == 1 && all[0].is_err());
    assert_eq!(
        Arc::strong_count(&line),
        1,
        "the transport holds it no more"
    );
    drop(line);
    assert!(is_dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn only_the_first_end_counts() {
    let (line, _carried) = line_over(|_| stream::pending());
    assert!(line.end(ending(None)));
    assert!(!line.end(ending(None)));
}

/// The executor holds a message while it resolves its fields. If it is dropped then, the client has not got
/// it, and the cursor to come back with must lie before it.
#[tokio::test]
async fn a_message_that_never_left_does_not_move_the_position() {
    let (line, mut carried) = line_over(|progress| {
        progress.begin(Position::from_stored(1));
        stream::iter([2, 3]).then(move |position| {
            progress.make(&at(position));
            async move {
                if position == 3 {
                    std::future::pending::<()>().await;
                }
                response()
            }
        })
    });
    assert!(carried.next().await.is_some());
    assert!(
        carried.next().now_or_never().is_none(),
        "3 is being resolved"
    );
    assert_eq!(line.progress.position(), Some(Position::from_stored(2)));
    assert_eq!(line.progress.messages(), 1);
    line.end(ending(None));
    let told = carried.next().await.unwrap();
    let cursor = cursor_of(&told).unwrap();
    assert_eq!(
        cursor,
        cursor::encode_event(STORE, Position::from_stored(2))
    );
    assert!(told.errors[0].message.contains(&cursor));
    assert!(carried.next().await.is_none());
}

#[test]
fn the_state_is_what_the_client_has_been_told() {
    let progress = Progress::default();
    assert_eq!(
        (progress.state(), progress.position()),
        (FeedState::Starting, None)
    );
    let here = Position::from_stored(5);
    progress.begin(here);
    assert_eq!(
        (progress.state(), progress.position()),
        (FeedState::CatchingUp, Some(here))
    );
    progress.make(&FeedMessage::CaughtUp(here));
    assert_eq!(progress.state(), FeedState::CatchingUp);
    progress.deliver();
    assert_eq!(progress.state(), FeedState::Live);
    progress.make(&FeedMessage::FellBehind(here));
    progress.deliver();
    assert_eq!(
        (progress.state(), progress.times_fallen_behind()),
        (FeedState::CatchingUp, 1)
    );
    progress.deliver();
    assert_eq!(
        progress.messages(),
        2,
        "a response without a message counts for nothing"
    );
}
