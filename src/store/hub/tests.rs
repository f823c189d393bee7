//! What passes the hub, and what it leaves to the tail.

use futures_util::FutureExt;

use super::*;
use crate::expected_version::ExpectedVersion;
use crate::store::read::tests::{options, registry};
use crate::store::{Append, Database, DatabaseOptions, EventStore, StreamAppend};

/// Events of a log, from position 1.
async fn events(count: usize) -> Vec<Arc<RecordedEvent>> {
    let folder = tempfile::TempDir::new().unwrap();
    let second = std::time::Duration::from_secs(10);
    let database = Database::open(DatabaseOptions {
        url: format!("sqlite://{}", folder.path().join("log.db").display()),
        read_connections: 1,
        connect_timeout: second,
        statement_timeout: second,
        listen_url: None,
        transaction_pooler: false,
    })
    .unwrap();
    let writer = database.writer();
    migration::up(&writer).await.unwrap();
    writer.close().await.unwrap();
    let store = EventStore::start(database, options(), registry())
        .await
        .unwrap();
    let event = crate::event::NewEvent {
        event_id: None,
        event_type: "tick".to_owned(),
        schema_version: None,
        data: "{}".to_owned(),
        metadata: None,
    };
    let stream = StreamAppend {
        stream: "game-1".to_owned(),
        expected: ExpectedVersion::NoStream,
        events: vec![event; count],
    };
    let append = Append {
        streams: vec![stream],
        is_batch: false,
    };
    let committed = store.append(append).await.unwrap();
    store.close().await;
    committed.streams[0].events.clone()
}

fn hub(capacity: usize) -> (Hub, Listener) {
    let hub = Hub::new(capacity, Position::ORIGIN);
    let listener = hub.listen();
    (hub, listener)
}

/// What can be heard without waiting: positions of events, and heads with a minus.
fn heard(listener: &mut Listener) -> Vec<i64> {
    let mut signals = Vec::new();
    while let Some(next) = listener.hear().now_or_never() {
        signals.push(match next {
            Heard::Signal(Signal::Event(event)) => event.position.get(),
            Heard::Signal(Signal::Head(head)) => -head.get(),
            other => panic!("{other:?}"),
        });
    }
    signals
}

fn at(position: i64) -> Position {
    Position::new(position).unwrap()
}

#[tokio::test]
async fn events_pass_once_and_in_order_whoever_offers_them_again() {
    let events = events(5).await;
    let (hub, mut listener) = hub(8);
    hub.offer(&events[..2], at(2));
    hub.offer(&events[..4], at(4));
    hub.offer(&events[1..3], at(3));
    hub.offer(&events[4..], at(5));
    assert_eq!(heard(&mut listener), [1, 2, 3, 4, 5]);
    assert_eq!((hub.sent(), hub.head()), (at(5), at(5)));
    assert!(hub.gap().now_or_never().is_none(), "there is no gap");
}

#[tokio::test]
async fn what_comes_after_a_gap_waits_for_the_tail_to_fill_it() {
    let events = events(5).await;
    let (hub, mut listener) = hub(8);
    hub.offer(&events[..1], at(1));
    hub.offer(&events[3..4], at(4));
    assert_eq!(heard(&mut listener), [1]);
    // Whoever reads the log reads to the head all the same.
    assert_eq!((hub.sent(), hub.head()), (at(1), at(4)));
    assert!(hub.gap().now_or_never().is_some(), "the tail is woken");
    hub.offer(&events[1..3], at(4));
    assert_eq!(heard(&mut listener), [2, 3]);
    assert!(hub.gap().now_or_never().is_some(), "one is still missing");
    hub.offer(&events[3..], at(5));
    assert_eq!(heard(&mut listener), [4, 5]);
    assert!(hub.gap().now_or_never().is_none());
}

#[tokio::test]
async fn a_head_without_events_wakes_the_tail() {
    let (hub, mut listener) = hub(8);
    hub.offer(&[], at(3));
    assert!(heard(&mut listener).is_empty());
    assert_eq!((hub.sent(), hub.head()), (at(0), at(3)));
    assert!(hub.gap().now_or_never().is_some());
}

#[tokio::test]
async fn a_gap_that_is_given_up_sends_followers_to_the_log() {
    let events = events(4).await;
    let (hub, mut listener) = hub(1);
    hub.offer(&events[2..3], at(3));
    hub.skip_to_head();
    assert_eq!(heard(&mut listener), [-3]);
    hub.skip_to_head();
    hub.offer(&events[..3], at(3));
    assert!(
        heard(&mut listener).is_empty(),
        "what was given up does not pass late"
    );
    hub.offer(&events[3..], at(4));
    assert_eq!(heard(&mut listener), [4]);
}

/// Two nodes' commits race into one hub, as committer and tail do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_has_passed_is_never_beyond_the_head() {
    let events = events(1_000).await;
    let hub = Arc::new(Hub::new(1_024, Position::ORIGIN));
    let mut listener = hub.listen();
    let offering: Vec<_> = [1, 3, 7]
        .into_iter()
        .map(|size| {
            let (hub, events) = (Arc::clone(&hub), events.clone());
            tokio::spawn(async move {
                for chunk in events.chunks(size) {
                    hub.offer(chunk, chunk[0].position);
                    tokio::task::yield_now().await;
                }
                // Nothing may be left out because somebody else was about to pass it.
                hub.offer(&events, Position::ORIGIN);
            })
        })
        .collect();
    for expected in 1..=1_000 {
        let Heard::Signal(Signal::Event(event)) = listener.hear().await else {
            panic!("no event {expected}");
        };
        assert_eq!(event.position, at(expected));
        assert!(hub.head() >= event.position);
    }
    for offered in offering {
        offered.await.unwrap();
    }
    assert!(listener.hear().now_or_never().is_none());
}
