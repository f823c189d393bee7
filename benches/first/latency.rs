//! P5: from an append to its subscribers, at a steady rate.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::{Backend, Bench};
use crate::event::{APPENDED, Writer};
use crate::floor::Floor;
use crate::http::Connection;
use crate::report::{Comparison, Report, Target, percentile};

/// Appends are sent at this distance, whether or not earlier ones are answered: 500 in a second.
const DISTANCE: Duration = Duration::from_millis(2);

/// Appends whose times do not count.
const WARM_UP: usize = 500;

/// Connections that appends take in turn.
const CONNECTIONS: usize = 16;

const SUBSCRIBE: &str = r#"{"id":"1","type":"subscribe","payload":{"query":"subscription { events { __typename ... on FeedPoint { position } ... on EventReceived { cursor event { type streamName streamVersion data metadata { raw } } } } }"}}"#;

/// What a run came to, in milliseconds.
pub(crate) struct Times {
    /// From the sending of an append until a subscriber has the event; for each server that has subscribers.
    pub(crate) delivered: Vec<Vec<f64>>,
    /// From the sending of an append to its answer.
    pub(crate) answered: Vec<f64>,
}

/// Measures with one subscriber and with twenty.
pub(crate) async fn run(bench: &Bench, arguments: &Arguments, report: &mut Report) -> Result<()> {
    for subscribers in [1, 20] {
        let served = bench.serve().await?;
        let line = |name: &str, target: Option<Target>| {
            // The targets were set for one subscriber on SQLite.
            let target = target.filter(|_| bench.backend == Backend::Sqlite && subscribers == 1);
            let name = format!("{name}, {subscribers} subscribers, 500/s");
            Comparison::new(name, bench.backend, "ms", target)
        };
        let mut half = line("P5 delivered p50", Some(Target::at_most(1.5, 0.7)));
        let mut most = line("P5 delivered p99", Some(Target::at_most(5.0, 5.0)));
        let mut answered = line("append answered p50", None);
        let mut floor = Floor::open(bench).await?;
        for _ in 0..arguments.repetitions {
            let committed = floor.commit_times(DISTANCE, arguments.time).await?;
            half.floor(percentile(&committed, 0.5).ok_or("nothing was committed")?);
            most.floor(percentile(&committed, 0.99).ok_or("nothing was committed")?);
            let authority = served.server.authority();
            let times = once(authority, &[authority], subscribers, arguments.time).await?;
            let delivered = &times.delivered[0];
            half.measured(percentile(delivered, 0.5).ok_or("nothing was delivered")?);
            most.measured(percentile(delivered, 0.99).ok_or("nothing was delivered")?);
            answered.measured(percentile(&times.answered, 0.5).ok_or("nothing was answered")?);
        }
        for line in [half, most, answered] {
            report.add(line);
        }
    }
    Ok(())
}

/// Appends at one server, while so many subscribers follow at each of some.
pub(crate) async fn once(
    authority: &str,
    followed: &[&str],
    subscribers: usize,
    time: Duration,
) -> Result<Times> {
    let count = WARM_UP + usize::try_from(time.as_millis() / DISTANCE.as_millis())?;
    let mut feeds = Vec::new();
    for (server, followed) in followed.iter().enumerate() {
        for _ in 0..subscribers {
            feeds.push((server, subscribe(followed).await?));
        }
    }
    let feeds: Vec<(usize, JoinHandle<_>)> = feeds
        .into_iter()
        .map(|(server, feed)| (server, tokio::spawn(receive(feed, count))))
        .collect();
    let sent = append(authority, count).await?;
    let mut times = Times {
        delivered: vec![Vec::new(); followed.len()],
        answered: Vec::new(),
    };
    for append in sent.values().filter(|append| append.number >= WARM_UP) {
        times
            .answered
            .push(milliseconds(append.at, append.answered));
    }
    for (server, feed) in feeds {
        for (position, received) in feed.await?? {
            let append = sent.get(&position).ok_or("an event that nobody appended")?;
            if append.number >= WARM_UP {
                times.delivered[server].push(milliseconds(append.at, received));
            }
        }
    }
    Ok(times)
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1_000.0
}

struct Sent {
    number: usize,
    at: Instant,
    answered: Instant,
}

/// Sends appends at a steady rate; returns them by the position that their event got.
async fn append(authority: &str, count: usize) -> Result<HashMap<u64, Sent>> {
    let (give_back, mut idle) = mpsc::unbounded_channel();
    for _ in 0..CONNECTIONS {
        give_back.send((Connection::open(authority).await?, Writer::new(1)))?;
    }
    let mut clock = tokio::time::interval(DISTANCE);
    let mut running = JoinSet::new();
    for number in 0..count {
        clock.tick().await;
        let (mut connection, mut writer) = idle.recv().await.ok_or("no connection is left")?;
        let give_back = give_back.clone();
        running.spawn(async move {
            let body = writer.next_request();
            let sent = Instant::now();
            let answer = connection.post(body).await?;
            let answered = Instant::now();
            if !answer.starts_with(APPENDED) {
                return Err(String::from_utf8_lossy(answer).into_owned().into());
            }
            let position = number_after(answer, "\"lastPosition\":")?;
            give_back.send((connection, writer))?;
            let sent = Sent {
                number,
                at: sent,
                answered,
            };
            Result::Ok((position, sent))
        });
    }
    let mut all = HashMap::new();
    while let Some(sent) = running.join_next().await {
        let (position, sent) = sent??;
        all.insert(position, sent);
    }
    Ok(all)
}

type Feed = WebSocketStream<TcpStream>;

/// Subscribes, and waits until the feed is live.
async fn subscribe(authority: &str) -> Result<Feed> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{authority}/graphql").into_client_request()?;
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut feed, _) = client_async(request, stream).await?;
    feed.send(Message::text(r#"{"type":"connection_init"}"#))
        .await?;
    feed.send(Message::text(SUBSCRIBE)).await?;
    while let Some(message) = feed.next().await {
        if message?.to_text()?.contains("\"CaughtUp\"") {
            return Ok(feed);
        }
    }
    Err("the server closed the feed".into())
}

/// Receives so many events; returns their positions and when they came.
async fn receive(mut feed: Feed, count: usize) -> Result<Vec<(u64, Instant)>> {
    let mut received = Vec::with_capacity(count);
    while received.len() < count {
        let message = feed.next().await.ok_or("the server closed the feed")??;
        let now = Instant::now();
        let text = message.to_text()?;
        if text.contains("\"EventReceived\"") {
            received.push((number_after(text.as_bytes(), "\"position\":")?, now));
        }
    }
    Ok(received)
}

fn number_after(answer: &[u8], key: &str) -> Result<u64> {
    let text = std::str::from_utf8(answer)?;
    let (_, rest) = text.split_once(key).ok_or("an answer without a position")?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    Ok(rest[..end].parse()?)
}
