//! What a stream keeps: by age, by count and by version; and how long it may become (rules L1, L5 and A8).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};

use super::door::{
    Change, assert_removed, set_metadata, shown, shown_versions, stream_now, whole_log,
};
use crate::append::door::{append, append_batch, appended, each, new_events, part};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_count_keeps_the_latest_events_as_the_stream_grows,
    a_count_below_one_append_hides_its_first_events_at_birth,
    truncation_hides_what_is_before_a_version,
    what_is_hidden_stays_hidden_when_more_is_kept_later,
    an_age_hides_events_when_they_reach_it,
    what_an_age_hid_stays_hidden_when_more_is_kept_later,
    the_strictest_limit_wins,
    a_stream_s_own_length_counts_what_is_not_hidden,
    a_stream_s_own_length_counts_what_is_not_too_old,
    a_stream_that_keeps_fewer_than_its_limit_is_never_too_long,
    retention_of_one_stream_leaves_others_alone,
);

async fn stream_of(client: &GraphqlClient, count: usize) -> String {
    let stream = new_stream("game");
    appended(client, &stream, Expected::NoStream, &new_events(count)).await;
    stream
}

async fn a_count_keeps_the_latest_events_as_the_stream_grows(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = stream_of(&client, 5).await;
    let set = set_metadata(&client, &stream, json!({"maxCount": 3})).await;
    assert_eq!(set["stream"]["hiddenThrough"], 2);
    assert_eq!(shown_versions(&client, &stream).await, [3, 4, 5]);
    appended(&client, &stream, Expected::Exactly(5), &new_events(2)).await;
    assert_eq!(shown_versions(&client, &stream).await, [5, 6, 7]);
    assert_eq!(stream_now(&client, &stream).await["version"], 7);
    for event in &whole_log(&client).await[..4] {
        assert_removed(event, "RETENTION");
    }
    // A count that it does not reach hides nothing.
    let other = stream_of(&client, 3).await;
    set_metadata(&client, &other, json!({"maxCount": 3})).await;
    assert_eq!(shown_versions(&client, &other).await, [1, 2, 3]);
}

async fn a_count_below_one_append_hides_its_first_events_at_birth(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    set_metadata(&client, &stream, json!({"maxCount": 2})).await;
    let events = new_events(5);
    let first = appended(&client, &stream, Expected::NoStream, &events).await;
    assert_eq!(first["version"], 5);
    assert_eq!(first["stream"]["version"], 5);
    let reasons = each(first["events"].as_array().unwrap(), "removed");
    let hidden = json!("RETENTION");
    assert_eq!(
        reasons,
        [
            hidden.clone(),
            hidden.clone(),
            hidden.clone(),
            Value::Null,
            Value::Null
        ]
    );
    for event in &first["events"].as_array().unwrap()[..3] {
        assert_eq!(event["rawText"], Value::Null, "{event:#}");
        assert_eq!(event["metadata"], Value::Null, "{event:#}");
    }
    assert_eq!(shown_versions(&client, &stream).await, [4, 5]);
    // They are stored all the same: a retry is recognised by all five.
    let again = appended(&client, &stream, Expected::NoStream, &events).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["events"], first["events"]);
    let mut other = events.clone();
    other[0]["data"] = json!({"number": "other"});
    let refusal = append(&client, &stream, Expected::Any, &other).await;
    assert_eq!(refusal["code"], "DUPLICATE_EVENT", "{refusal:#}");

    // In a batch, too.
    let one = new_stream("game");
    set_metadata(&client, &one, json!({"maxCount": 1})).await;
    let parts = [
        part(&new_stream("game"), Expected::NoStream, new_events(2)),
        part(&one, Expected::NoStream, new_events(2)),
    ];
    let batch = append_batch(&client, &parts).await;
    let reasons = [0, 1].map(|index| {
        each(
            batch["streams"][index]["events"].as_array().unwrap(),
            "removed",
        )
    });
    assert_eq!(reasons[0], [Value::Null, Value::Null]);
    assert_eq!(reasons[1], [hidden, Value::Null]);
}

async fn truncation_hides_what_is_before_a_version(world: World) {
    let (_server, client) = world.server_and_client().await;
    for (before, expected) in [
        (1, vec![1, 2, 3]),
        (2, vec![2, 3]),
        (3, vec![3]),
        (4, vec![]),
    ] {
        let stream = stream_of(&client, 3).await;
        let set = set_metadata(&client, &stream, json!({"truncateBefore": before})).await;
        assert_eq!(set["stream"]["hiddenThrough"], before - 1);
        assert_eq!(shown_versions(&client, &stream).await, expected, "{before}");
        // What comes later is not before it.
        appended(&client, &stream, Expected::Exactly(3), &new_events(1)).await;
        let expected = [expected, vec![4]].concat();
        assert_eq!(shown_versions(&client, &stream).await, expected, "{before}");
    }
}

async fn what_is_hidden_stays_hidden_when_more_is_kept_later(world: World) {
    let (_server, client) = world.server_and_client().await;
    for strict in [json!({"maxCount": 1}), json!({"truncateBefore": 4})] {
        let stream = stream_of(&client, 4).await;
        set_metadata(&client, &stream, strict.clone()).await;
        for generous in [
            json!({"maxCount": 100}),
            json!({"truncateBefore": 1}),
            json!({}),
        ] {
            let set = set_metadata(&client, &stream, generous.clone()).await;
            assert_eq!(set["stream"]["hiddenThrough"], 3, "{strict} {generous}");
            assert_eq!(
                shown_versions(&client, &stream).await,
                [4],
                "{strict} {generous}"
            );
        }
        appended(&client, &stream, Expected::Exactly(4), &new_events(2)).await;
        assert_eq!(
            shown_versions(&client, &stream).await,
            [4, 5, 6],
            "{strict}"
        );
    }
}

async fn until_shown(client: &GraphqlClient, stream: &str, versions: &[i64]) {
    eventually("the events that are too old to be hidden", async || {
        (shown_versions(client, stream).await == versions).then_some(())
    })
    .await;
}

async fn an_age_hides_events_when_they_reach_it(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = stream_of(&client, 2).await;
    set_metadata(&client, &stream, json!({"maxAgeSeconds": 3600})).await;
    assert_eq!(shown_versions(&client, &stream).await, [1, 2]);
    set_metadata(&client, &stream, json!({"maxAgeSeconds": 1})).await;
    until_shown(&client, &stream, &[]).await;
    let log = whole_log(&client).await;
    for event in &log[..2] {
        assert_removed(event, "RETENTION");
    }
    // The stream is there, and its numbering goes on.
    assert_eq!(stream_now(&client, &stream).await["version"], 2);
    appended(&client, &stream, Expected::Exactly(2), &new_events(1)).await;
    let young = shown(&client, &stream).await;
    assert!(
        young.iter().all(|event| event["streamVersion"] == 3),
        "{young:#?}"
    );
    until_shown(&client, &stream, &[]).await;
}

async fn what_an_age_hid_stays_hidden_when_more_is_kept_later(world: World) {
    let (_server, client) = world.server_and_client().await;
    for generous in [
        json!({"maxAgeSeconds": 86_400}),
        json!({"maxCount": 9}),
        json!({}),
    ] {
        let stream = stream_of(&client, 2).await;
        set_metadata(&client, &stream, json!({"maxAgeSeconds": 1})).await;
        until_shown(&client, &stream, &[]).await;
        let set = set_metadata(&client, &stream, generous.clone()).await;
        assert_eq!(set["stream"]["hiddenThrough"], 2, "{generous}");
        appended(&client, &stream, Expected::Exactly(2), &new_events(1)).await;
        assert_eq!(shown_versions(&client, &stream).await, [3], "{generous}");
    }
}

async fn the_strictest_limit_wins(world: World) {
    let (_server, client) = world.server_and_client().await;
    let cases = [
        (json!({"maxCount": 2, "truncateBefore": 2}), vec![4, 5]),
        (json!({"maxCount": 4, "truncateBefore": 4}), vec![4, 5]),
        (
            json!({"maxCount": 2, "truncateBefore": 5, "maxAgeSeconds": 3600}),
            vec![5],
        ),
    ];
    for (settings, expected) in cases {
        let stream = stream_of(&client, 5).await;
        set_metadata(&client, &stream, settings.clone()).await;
        assert_eq!(
            shown_versions(&client, &stream).await,
            expected,
            "{settings}"
        );
    }
}

/// The limit that the server has in the tests of a stream's own one.
const SERVER_LIMIT: i32 = 6;

/// Whether a stream takes exactly so many events, and says why it takes no more.
async fn assert_room(client: &GraphqlClient, stream: &str, room: usize, length: i32, limit: i32) {
    let refusal = append(client, stream, Expected::Any, &new_events(room + 1)).await;
    assert_eq!(refusal["__typename"], "StreamTooLarge", "{refusal:#}");
    assert_eq!(refusal["code"], "STREAM_TOO_LARGE");
    assert_eq!(refusal["retryable"], false);
    assert_eq!(refusal["path"], json!(["input", "events"]));
    assert_eq!(refusal["refusedStream"], stream);
    assert_eq!(
        [&refusal["length"], &refusal["limit"]],
        [length, limit],
        "{refusal:#}"
    );
    let message = refusal["message"].as_str().unwrap();
    for word in [stream, &limit.to_string(), "new stream", "maxEvents"] {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
    // What holds for all streams is no remedy for a limit of this one.
    let of_all = message.contains("append.max_stream_events");
    assert_eq!(of_all, limit == SERVER_LIMIT, "{message:?}");
    if room > 0 {
        appended(client, stream, Expected::Any, &new_events(room)).await;
    }
}

async fn a_stream_s_own_length_counts_what_is_not_hidden(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_APPEND_MAX_STREAM_EVENTS", SERVER_LIMIT.to_string());
    let server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    let cases: [(Value, usize, i32, i32); 6] = [
        (json!({}), 2, 4, 6),
        (json!({"maxEvents": 9}), 5, 4, 9),
        (json!({"maxEvents": 5}), 1, 4, 5),
        (json!({"maxEvents": 2}), 0, 4, 2),
        (json!({"truncateBefore": 4}), 5, 1, 6),
        (json!({"truncateBefore": 5, "maxEvents": 2}), 2, 0, 2),
    ];
    for (settings, room, length, limit) in cases {
        let stream = stream_of(&client, 4).await;
        set_metadata(&client, &stream, settings).await;
        assert_room(&client, &stream, room, length, limit).await;
    }
    // A deletion makes room, too.
    let stream = stream_of(&client, 6).await;
    Change::Delete.of(&client, &stream).await;
    assert_room(&client, &stream, 6, 0, 6).await;
    // Once the own limit is unset, the server's holds again.
    let stream = stream_of(&client, 4).await;
    set_metadata(&client, &stream, json!({"maxEvents": 100})).await;
    set_metadata(&client, &stream, json!({})).await;
    assert_room(&client, &stream, 2, 4, 6).await;
}

async fn a_stream_s_own_length_counts_what_is_not_too_old(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = stream_of(&client, 3).await;
    let young = json!({"maxAgeSeconds": 3600, "maxEvents": 3});
    set_metadata(&client, &stream, young).await;
    assert_room(&client, &stream, 0, 3, 3).await;
    set_metadata(
        &client,
        &stream,
        json!({"maxAgeSeconds": 1, "maxEvents": 3}),
    )
    .await;
    let events = new_events(3);
    let answer = eventually("the old events to make room", async || {
        let answer = append(&client, &stream, Expected::Any, &events).await;
        (answer["__typename"] == "Appended").then_some(answer)
    })
    .await;
    assert_eq!(answer["previousVersion"], 3);
    assert_eq!(answer["version"], 6);
}

async fn a_stream_that_keeps_fewer_than_its_limit_is_never_too_long(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    set_metadata(&client, &stream, json!({"maxCount": 2, "maxEvents": 2})).await;
    for _ in 0..3 {
        appended(&client, &stream, Expected::Any, &new_events(4)).await;
    }
    assert_eq!(shown_versions(&client, &stream).await, [11, 12]);
}

async fn retention_of_one_stream_leaves_others_alone(world: World) {
    let (_server, client) = world.server_and_client().await;
    let [one, other] = [stream_of(&client, 3).await, stream_of(&client, 3).await];
    set_metadata(&client, &one, json!({"maxCount": 1})).await;
    assert_eq!(shown_versions(&client, &one).await, [3]);
    assert_eq!(shown_versions(&client, &other).await, [1, 2, 3]);
    let log = whole_log(&client).await;
    for event in log.iter().filter(|event| event["streamName"] == other) {
        assert_eq!(event["removed"], Value::Null, "{event:#}");
    }
}
