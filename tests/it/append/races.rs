//! Writers that race, on one server.

use std::collections::HashSet;

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{Inside, append, appended, each, new_event, read_log};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    of_eight_writers_on_one_stream_exactly_one_wins_each_version_and_no_conflict_is_false,
    any_never_fails_however_many_write,
    writers_on_streams_of_their_own_never_conflict,
    a_reader_of_the_growing_log_never_finds_a_gap,
    the_recording_time_never_goes_back_even_if_the_clock_does,
);

async fn of_eight_writers_on_one_stream_exactly_one_wins_each_version_and_no_conflict_is_false(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    race_for_versions(&vec![client; 8], 10).await;
}

async fn any_never_fails_however_many_write(world: World) {
    let (_server, client) = world.server_and_client().await;
    race_with_any(&vec![client; 8], 10).await;
}

async fn writers_on_streams_of_their_own_never_conflict(world: World) {
    let (_server, client) = world.server_and_client().await;
    race_on_own_streams(&vec![client; 8], 10).await;
}

async fn a_reader_of_the_growing_log_never_finds_a_gap(world: World) {
    let (_server, client) = world.server_and_client().await;
    read_while_writing(&vec![client; 4], 40).await;
}

async fn the_recording_time_never_goes_back_even_if_the_clock_does(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let append = async || {
        let payload = appended(&client, &stream, Expected::Any, &json!([new_event(0)])).await;
        payload["events"][0]["recordedAt"].clone()
    };
    append().await;
    // The clock that recorded the last event ran an hour ahead.
    let ahead = chrono::Utc::now() + chrono::Duration::hours(1);
    let ahead = ahead.timestamp_millis();
    let sql = format!("UPDATE log_head SET recorded_at = {ahead}");
    Inside::of(&world).await.execute(&sql).await;
    for _ in 0..3 {
        let recorded_at = append().await;
        let recorded_at = chrono::DateTime::parse_from_rfc3339(recorded_at.as_str().unwrap());
        assert_eq!(recorded_at.unwrap().timestamp_millis(), ahead);
    }
    check_log(&client).await;
}

/// Each writer appends `wanted` events to one stream, each at the version that it knows, and goes on
/// from the version that a conflict tells it.
pub(super) async fn race_for_versions(writers: &[GraphqlClient], wanted: usize) {
    let stream = new_stream("contested");
    let racing = spawn(writers, |client| {
        let stream = stream.clone();
        async move {
            let (mut won, mut known) = (Vec::new(), 0);
            while won.len() < wanted {
                let events = json!([new_event(won.len())]);
                let payload = append(&client, &stream, Expected::Exactly(known), &events).await;
                match payload["__typename"].as_str() {
                    Some("Appended") => {
                        assert_eq!(payload["previousVersion"], known);
                        assert_eq!(payload["duplicate"], false);
                        known = int(&payload["version"]);
                        won.push((known, payload["firstPosition"].clone()));
                    }
                    Some("WrongExpectedVersion") => {
                        // Nobody expects more than there is, so a true conflict knows of more.
                        let actual = int(&payload["actual"]);
                        assert!(actual > known, "a false conflict: {payload:#}");
                        let missed = payload["conflictingEvents"].as_array().unwrap();
                        assert_eq!(missed[0]["streamVersion"], known + 1);
                        known = actual;
                    }
                    _ => panic!("{payload:#}"),
                }
            }
            won
        }
    });
    let mut won: Vec<_> = racing.await.into_iter().flatten().collect();
    won.sort_by_key(|(version, _)| *version);
    let total = i32::try_from(writers.len() * wanted).unwrap();
    let versions: Vec<i32> = won.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=total).collect::<Vec<i32>>());
    let log = check_log(&writers[0]).await;
    let positions: Vec<Value> = won.into_iter().map(|(_, position)| position).collect();
    assert_eq!(each(&log, "position"), positions);
}

/// All append to the same few streams, whatever their versions.
pub(super) async fn race_with_any(writers: &[GraphqlClient], wanted: usize) {
    let streams = ["a", "b", "c"].map(new_stream);
    spawn(writers, |client| {
        let streams = streams.clone();
        async move {
            let mut last = 0;
            for number in 0..wanted {
                let stream = &streams[number % streams.len()];
                let events = json!([new_event(number), new_event(number)]);
                let payload = appended(&client, stream, Expected::Any, &events).await;
                assert_eq!(
                    int(&payload["version"]) - int(&payload["previousVersion"]),
                    2
                );
                // Later appends of one writer stand later in the log.
                let (first, end) = (
                    int(&payload["firstPosition"]),
                    int(&payload["lastPosition"]),
                );
                assert!(first > last && end == first + 1, "{payload:#}");
                last = end;
            }
        }
    })
    .await;
    let log = check_log(&writers[0]).await;
    assert_eq!(log.len(), writers.len() * wanted * 2);
}

/// Each has a stream of its own, so that its versions are always right.
pub(super) async fn race_on_own_streams(writers: &[GraphqlClient], wanted: usize) {
    spawn(writers, |client| async move {
        let stream = new_stream("own");
        for version in 0..wanted {
            let expected = Expected::Exactly(i32::try_from(version).unwrap());
            appended(&client, &stream, expected, &json!([new_event(version)])).await;
        }
    })
    .await;
    let log = check_log(&writers[0]).await;
    assert_eq!(log.len(), writers.len() * wanted);
}

/// Reads the log from its end while it grows: whatever position is visible, all before it are.
pub(super) async fn read_while_writing(writers: &[GraphqlClient], wanted: usize) {
    let total = writers.len() * wanted;
    let readers: Vec<_> = writers
        .iter()
        .take(3)
        .map(|client| tokio::spawn(read_to_the_end(client.clone(), total)))
        .collect();
    race_on_own_streams(writers, wanted).await;
    for reader in readers {
        reader.await.unwrap();
    }
}

async fn read_to_the_end(client: GraphqlClient, total: usize) {
    let query = "query($from: Position!) {
        events(fromPosition: $from, first: 50) { head nodes { position } } }";
    let mut seen = 0;
    while seen < total {
        let page = client.query(query, json!({"from": seen + 1})).await;
        let nodes = page["events"]["nodes"].as_array().unwrap();
        for node in nodes {
            seen += 1;
            assert_eq!(node["position"], seen, "a gap: {page:#}");
        }
        // What the page says of the head is never more than there is to read.
        let head = page["events"]["head"].as_u64().unwrap();
        if nodes.len() < 50 {
            assert!(
                head <= seen as u64,
                "the head is ahead of the page: {page:#}"
            );
        }
    }
}

/// Lets all of them work at the same time.
async fn spawn<F, T>(clients: &[GraphqlClient], work: impl Fn(GraphqlClient) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let working: Vec<_> = clients
        .iter()
        .map(|client| tokio::spawn(work(client.clone())))
        .collect();
    let mut results = Vec::new();
    for one in working {
        results.push(one.await.unwrap());
    }
    results
}

/// The log, in which positions and versions are dense, ids unique and times in order.
async fn check_log(client: &GraphqlClient) -> Vec<Value> {
    let log = read_log(client).await;
    assert_eq!(each(&log, "position"), (1..=log.len()).collect::<Vec<_>>());
    let ids: HashSet<&str> = log
        .iter()
        .map(|event| event["eventId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), log.len());
    let times: Vec<&str> = log
        .iter()
        .map(|event| event["recordedAt"].as_str().unwrap())
        .collect();
    let times: Vec<_> = times
        .iter()
        .map(|time| chrono::DateTime::parse_from_rfc3339(time).unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut versions = std::collections::HashMap::<&str, i32>::new();
    for event in &log {
        let version = versions
            .entry(event["streamName"].as_str().unwrap())
            .or_default();
        *version += 1;
        assert_eq!(event["streamVersion"], *version);
    }
    log
}

fn int(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}
