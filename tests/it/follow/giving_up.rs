//! Callers that give up: whatever becomes of their appends, the log is never ahead of what the followers of
//! this server are told.

use std::time::Duration;

use rand::Rng;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, RawEvent, append_body, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::feed::{Feed, Kind, positions};
use super::writer::head;
use crate::support::{World, on_both_backends};

on_both_backends!(a_live_feed_has_all_that_the_log_has_after_requests_were_cut_off);

const CALLERS: usize = 8;
const REQUESTS: usize = 4;
/// Whether the last append of a wave was given up at the wrong moment is chance; so there are many waves.
const WAVES: usize = 30;
/// So many looks at the head, one after the other, that an append which was sent before them is over.
const STEADY: usize = 20;

async fn a_live_feed_has_all_that_the_log_has_after_requests_were_cut_off(world: World) {
    let (server, client) = world.server_and_client().await;
    let mut feed = Feed::start(&server.base_url(), json!({"at": "END"}), Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await;

    let mut answered = 0;
    for _ in 0..WAVES {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let authority = server.authority().to_owned();
            callers.spawn(async move {
                let mut answered = 0;
                for _ in 0..REQUESTS {
                    answered += i64::from(append_and_give_up(&authority, caller).await);
                }
                answered
            });
        }
        while let Some(caller) = callers.join_next().await {
            answered += caller.unwrap();
        }
        // No later append helps the feed along: were an event stored and not told, it would stay behind.
        wait_until_nothing_is_under_way(&client).await;
        feed.until_position(head(&client).await).await;
    }
    let end = feed.position();
    assert_eq!(feed.event_positions(), positions(1, end));
    let requests = i64::try_from(WAVES * CALLERS * REQUESTS).unwrap();
    assert!(
        answered < end && end < requests,
        "{answered} answered, {end} stored, {requests} sent: the callers were to give up before and after \
         their appends were stored"
    );
}

/// Sends an append, up to some byte or to its end, waits a moment for the answer, and is gone. Says whether
/// an answer came.
async fn append_and_give_up(authority: &str, caller: usize) -> bool {
    let event_id = Uuid::now_v7().to_string();
    let event = RawEvent {
        event_id: Some(&event_id),
        event_type: "tick",
        data: "{}",
        metadata: None,
    };
    let body = append_body(&format!("game-{caller}"), Expected::Any, &[event]);
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let sent = if rand::rng().random_ratio(1, 3) {
        rand::rng().random_range(0..request.len())
    } else {
        request.len()
    };
    let mut socket = TcpStream::connect(authority).await.unwrap();
    socket.write_all(&request.as_bytes()[..sent]).await.unwrap();
    // The moment of giving up is what is random here; nothing waits for it to be long enough.
    let patience = Duration::from_micros(rand::rng().random_range(0..20_000));
    let mut answer = [0; 1];
    let answered = tokio::time::timeout(patience, socket.read(&mut answer)).await;
    answered.is_ok_and(|read| read.is_ok_and(|bytes| bytes > 0))
}

/// The head stands still when no request waits anywhere any more. Nothing is appended to find out: any answer
/// of the committer's, even a refusal, would tell the followers where the head is.
async fn wait_until_nothing_is_under_way(client: &GraphqlClient) {
    let mut heads = Vec::new();
    eventually("the head to stand still", async || {
        heads.push(head(client).await);
        let latest = heads.iter().rev().take(STEADY);
        let stands = latest.clone().all(|one| Some(one) == heads.last());
        (stands && heads.len() >= STEADY).then_some(())
    })
    .await;
}
