//! What a stream has said is gone with the stream.

use serde_json::{Value, json};

use super::door::{append, end, start};
use super::story::{STREAMS, answers, events_of, tell};
use crate::support::{World, on_both_backends};

on_both_backends!(
    what_a_deleted_stream_has_said_is_gone_and_begins_anew_when_it_is_reopened,
    what_a_tombstoned_stream_has_said_is_gone,
    a_sum_of_errors_keeps_what_other_streams_have_said,
);

async fn what_a_deleted_stream_has_said_is_gone_and_begins_anew_when_it_is_reopened(world: World) {
    let (_server, client) = start(&world).await;
    let nothing = answers(&client, 0).await;
    let now = tell(&client, 0).await;
    let first = answers(&client, now).await;
    assert_ne!(first, nothing);
    tell(&client, 7).await;

    let mut now = 0;
    for stream in STREAMS {
        now = end(&client, "deleteStream", stream).await;
    }
    assert_eq!(answers(&client, now).await, nothing);

    // The same again: as if nothing had been before it.
    let now = tell(&client, 0).await;
    assert_eq!(answers(&client, now).await, first);
}

async fn what_a_tombstoned_stream_has_said_is_gone(world: World) {
    let (_server, client) = start(&world).await;
    let nothing = answers(&client, 0).await;
    tell(&client, 0).await;
    let mut now = 0;
    for stream in STREAMS {
        now = end(&client, "tombstoneStream", stream).await;
    }
    assert_eq!(answers(&client, now).await, nothing);
}

async fn a_sum_of_errors_keeps_what_other_streams_have_said(world: World) {
    let (_server, client) = start(&world).await;
    for (stream, minute) in [("gamelog-g1", 1), ("gamelog-g2", 2), ("gamelog-g2", 3)] {
        append(&client, stream, events_of(stream, minute)).await;
    }
    let now = end(&client, "deleteStream", "gamelog-g2").await;
    let answer = answers(&client, now).await;
    let sums = answer["errorLog"]["nodes"].as_array().unwrap();
    assert_eq!(sums.len(), 1);
    assert_eq!(sums[0]["count"], 1);
    assert_eq!(sums[0]["lastAt"], "2026-11-20T12:01:00+00:00");
    assert_eq!(sums[0]["sample"]["details"], "gamelog-g1");
    assert_eq!(answer["g2"], Value::Null);
    assert_eq!(answer["g1"]["quarantinedCount"], 1);
    // It counts on from there.
    let now = append(&client, "gamelog-g2", events_of("gamelog-g2", 4)).await;
    let answer = answers(&client, now).await;
    let sum = &answer["errorLog"]["nodes"][0];
    assert_eq!(
        (&sum["count"], &sum["sample"]["details"]),
        (&json!(2), &json!("gamelog-g2"))
    );
    let now = end(&client, "deleteStream", "gamelog-g1").await;
    assert_eq!(
        answers(&client, now).await["errorLog"]["nodes"][0]["count"],
        1
    );
}
