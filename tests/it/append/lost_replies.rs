//! Replies that are lost after the commit: ours, and the database's own.

use serde_json::{Value, json};
use testkit::{ChaosProxy, Expected, GraphqlClient, Subscription, eventually};

use super::door::{
    append, append_request, appended, each, head, new_event, new_events, read_log, read_stream,
};
use crate::support::{World, new_stream, on_both_backends, prepare_at};

on_both_backends!(
    a_reply_that_is_lost_on_its_way_to_the_client_is_repaired_by_a_retry,
    a_client_that_hangs_up_takes_back_nothing_and_a_retry_tells_it_so,
);

async fn a_reply_that_is_lost_on_its_way_to_the_client_is_repaired_by_a_retry(world: World) {
    let (server, direct) = world.server_and_client().await;
    let proxy = ChaosProxy::start(server.authority()).await;
    let client = GraphqlClient::new(&proxy.url(&server.base_url()));
    for expected in [Expected::Any, Expected::NoStream, Expected::Exactly(0)] {
        let stream = new_stream("game");
        let events = new_events(2);
        proxy.cut_reply_after(events[1]["eventId"].as_str().unwrap());
        let lost = client
            .try_raw(append_request(&stream, expected, &events))
            .await;
        assert!(lost.is_err(), "{lost:?}");
        let stored = eventually("the events to be stored", async || {
            let stored = read_stream(&direct, &stream).await;
            (!stored.is_empty()).then_some(stored)
        });
        let stored = stored.await;

        let retry = appended(&client, &stream, expected, &events).await;
        assert_eq!(retry["duplicate"], true);
        assert_eq!(retry["previousVersion"], 0);
        assert_eq!(retry["events"], Value::from(stored));
        assert_eq!(read_stream(&direct, &stream).await.len(), 2);
    }
    assert_eq!(proxy.triggers(), 3);
}

async fn a_client_that_hangs_up_takes_back_nothing_and_a_retry_tells_it_so(world: World) {
    let (server, direct) = world.server_and_client().await;
    let proxy = ChaosProxy::start(server.authority()).await;
    let client = GraphqlClient::new(&proxy.url(&server.base_url()));
    let stream = new_stream("game");
    let events: Vec<Value> = (0..20).map(new_event).collect();
    for event in &events {
        proxy.cut_after_forwarding(event["eventId"].as_str().unwrap());
        let _lost = client
            .try_raw(append_request(&stream, Expected::Any, &json!([event])))
            .await
            .unwrap_err();
        // Whatever became of the first request, once the second is answered the event is stored once.
        appended(&direct, &stream, Expected::Any, &json!([event])).await;
    }
    let stored = read_stream(&direct, &stream).await;
    assert_eq!(each(&stored, "eventId"), each(&events, "eventId"));
}

/// A PostgreSQL database behind a proxy, a server that only knows the proxy, and a client of it.
struct BehindProxy {
    proxy: ChaosProxy,
    server: testkit::ServerProcess,
    client: GraphqlClient,
    _world: World,
}

async fn behind_proxy() -> BehindProxy {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = prepare_at(&proxy.url(world.database_url())).start().await;
    let client = GraphqlClient::new(&server.base_url());
    BehindProxy {
        proxy,
        server,
        client,
        _world: world,
    }
}

async fn follow(server: &testkit::ServerProcess) -> Subscription {
    let query = "subscription { events(from: {at: ORIGIN}) { __typename
        ... on EventReceived { event { eventId position } } } }";
    Subscription::start(&server.base_url(), query, json!({})).await
}

/// The next so many events of a feed, over whatever else it says.
async fn next_events(feed: &mut Subscription, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < count {
        let mut message = feed.next().await.expect("the feed ended");
        if message["events"]["__typename"] == "EventReceived" {
            events.push(message["events"]["event"].take());
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_s_answer_to_commit_is_lost_the_caller_is_answered_all_the_same() {
    let BehindProxy {
        proxy,
        server,
        client,
        _world,
    } = behind_proxy().await;
    let mut feed = follow(&server).await;
    let stream = new_stream("game");
    let first = new_events(2);
    appended(&client, &stream, Expected::Exactly(0), &first).await;

    proxy.cut_reply_containing("COMMIT", "COMMIT\0");
    let second = new_events(3);
    let payload = appended(&client, &stream, Expected::Exactly(2), &second).await;
    assert_eq!(proxy.triggers(), 1);
    assert_eq!(payload["previousVersion"], 2);
    assert_eq!(payload["version"], 5);
    assert_eq!(
        each(payload["events"].as_array().unwrap(), "position"),
        [3, 4, 5]
    );

    // The feed gets them at once, not only with the next append.
    let mut received = next_events(&mut feed, 5).await;

    let third = new_events(1);
    appended(&client, &stream, Expected::Exactly(5), &third).await;
    received.extend(next_events(&mut feed, 1).await);
    let ids: Vec<Value> = [&first, &second, &third]
        .iter()
        .flat_map(|events| each(events.as_array().unwrap(), "eventId"))
        .collect();
    assert_eq!(each(&read_log(&client).await, "eventId"), ids);
    assert_eq!(each(&received, "eventId"), ids);
    assert_eq!(each(&received, "position"), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_commit_stores_events_whose_ids_the_server_made_once_only() {
    let BehindProxy {
        proxy,
        server,
        client,
        _world,
    } = behind_proxy().await;
    let mut feed = follow(&server).await;
    let stream = new_stream("game");
    proxy.cut_reply_containing("COMMIT", "COMMIT\0");
    let nameless = json!([{"type": "noted", "data": {}}]);
    let payload = appended(&client, &stream, Expected::Exactly(0), &nameless).await;
    assert_eq!(proxy.triggers(), 1);
    let log = read_log(&client).await;
    assert_eq!(Value::from(log), payload["events"]);
    let received = next_events(&mut feed, 1).await;
    assert_eq!(received[0]["eventId"], payload["events"][0]["eventId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_group_whose_commit_is_lost_gets_its_own_answer() {
    let BehindProxy {
        proxy,
        server: _server,
        client,
        _world,
    } = behind_proxy().await;
    let contested = new_stream("contested");
    appended(&client, &contested, Expected::NoStream, &new_events(1)).await;
    for _ in 0..5 {
        let before = head(&client).await;
        proxy.cut_reply_containing("COMMIT", "COMMIT\0");
        let version = i32::try_from(read_stream(&client, &contested).await.len()).unwrap();
        let writing: Vec<_> = (0..32)
            .map(|number| {
                let client = client.clone();
                let contested = contested.clone();
                tokio::spawn(async move {
                    let (stream, expected) = match number % 4 {
                        0 => (contested, Expected::Exactly(version)),
                        _ => (new_stream("own"), Expected::Exactly(0)),
                    };
                    append(&client, &stream, expected, &json!([new_event(number)])).await
                })
            })
            .collect();
        let mut winners = 0;
        for (number, payload) in writing.into_iter().enumerate() {
            let payload = payload.await.unwrap();
            match payload["__typename"].as_str() {
                Some("Appended") if number % 4 == 0 => winners += 1,
                Some("Appended") => assert_eq!(payload["version"], 1),
                Some("WrongExpectedVersion") if number % 4 == 0 => {
                    assert_eq!(payload["actual"], version + 1);
                }
                _ => panic!("{number}: {payload:#}"),
            }
        }
        assert_eq!(winners, 1);
        assert_eq!(head(&client).await, before + 24 + 1);
    }
    assert_eq!(proxy.triggers(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_at_any_moment_neither_lose_nor_double_an_event() {
    let BehindProxy {
        proxy,
        server,
        client,
        _world,
    } = behind_proxy().await;
    let mut feed = follow(&server).await;
    let write = async || {
        let stream = new_stream("game");
        for version in 0..25 {
            append_until_stored(&client, &stream, version).await;
        }
    };
    // The cuts follow the progress, so that they meet the writers at work and at all stages.
    let cut = async {
        for progress in (5..100).step_by(5) {
            eventually("the writers to go on", async || {
                let answer = client.execute("{ head { position } }", json!({})).await;
                (answer["data"]["head"]["position"].as_u64()? >= progress).then_some(())
            })
            .await;
            proxy.cut_all();
        }
    };
    tokio::join!(write(), write(), write(), write(), cut);
    eventually("reads to resume", async || {
        let answer = client.execute("{ head { position } }", json!({})).await;
        answer.get("errors").is_none().then_some(())
    })
    .await;
    let log = read_log(&client).await;
    assert_eq!(each(&log, "position"), (1..=100).collect::<Vec<u64>>());
    let received = next_events(&mut feed, 100).await;
    assert_eq!(each(&received, "eventId"), each(&log, "eventId"));
}

/// Sends an append again and again until it is answered with success; its version tells that it was
/// neither lost nor stored twice.
async fn append_until_stored(client: &GraphqlClient, stream: &str, version: i32) {
    let body = append_request(stream, Expected::Exactly(version), &json!([new_event(0)]));
    let payload = eventually("an append through cuts", async || {
        let answer = client.raw(body.clone()).await.json();
        if let Some(errors) = answer.get("errors") {
            assert_eq!(errors[0]["extensions"]["retryable"], true, "{answer:#}");
            return None;
        }
        Some(answer["data"]["appendToStream"].clone())
    });
    let payload = payload.await;
    assert_eq!(payload["__typename"], "Appended", "{payload:#}");
    assert_eq!(payload["version"], version + 1);
}
