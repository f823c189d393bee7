//! A live feed that outlives its connections.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::socket::SubscriptionSocket;
use super::{Backoff, ClientError, Endpoint};

const ALL_EVENTS: &str = "subscription($from: StartFrom, $filter: EventFilter) { \
     feed: events(from: $from, filter: $filter) { ...Message } }";
const ONE_STREAM: &str = "subscription($name: String!, $from: StartFrom) { \
     feed: stream(name: $name, from: $from) { ...Message } }";
const MESSAGE: &str = "fragment Message on EventFeedMessage { __typename \
     ... on FeedPoint { cursor position } \
     ... on EventReceived { event { \
     eventId position streamName streamVersion type data recordedAt } } }";

const SILENCE: Duration = Duration::from_secs(20);

/// What a feed is about.
#[derive(Clone, Debug)]
pub enum FeedSource {
    /// The whole log, or what a filter leaves of it.
    Log(FeedFilter),
    /// One stream, by its name.
    Stream(String),
}

/// Which events of the log a feed delivers; an empty list does not restrict.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedFilter {
    /// Categories of streams, for example `game`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Event types, for example `guess_processed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Guilds, by their Discord id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guild_ids: Vec<String>,
}

impl FeedFilter {
    fn is_empty(&self) -> bool {
        self.categories.is_empty() && self.types.is_empty() && self.guild_ids.is_empty()
    }
}

/// Where a feed starts: the API's `StartFrom`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FeedStart {
    /// `ORIGIN` or `END`.
    At(&'static str),
    /// After this position of the log.
    Position(u64),
    /// After the message that carried this cursor.
    Cursor(String),
    /// After this version of the stream; on a feed of one stream only.
    Version(i32),
    /// With the first event that was recorded at this time or later (RFC 3339).
    Time(String),
}

/// What a feed tells.
#[derive(Debug)]
pub enum FeedItem {
    /// An event, each exactly once.
    Event(FeedEvent),
    /// A message about the feed itself.
    Point(FeedPoint),
    /// The connection is lost. The next call waits for `retry_in`, and connects again.
    Disconnected {
        /// What happened.
        reason: String,
        /// How long the next call waits first.
        retry_in: Duration,
    },
    /// The connection is back, and the feed goes on where it was.
    Reconnected,
    /// The server ended the feed; nothing comes any more.
    Complete,
}

/// An event as the feed delivers it.
#[derive(Debug)]
pub struct FeedEvent {
    /// The event's position in the log.
    pub position: u64,
    /// The token with which a feed goes on after this event.
    pub cursor: String,
    /// The event as the server wrote it: `eventId`, `position`, `streamName`, `streamVersion`,
    /// `type`, `data`, `recordedAt`.
    pub event: Box<RawValue>,
}

/// How far the feed is.
#[derive(Debug)]
pub struct FeedPoint {
    /// `CaughtUp`, `FellBehind`, `Checkpoint`, or what a later server calls it.
    pub kind: String,
    /// The position that the feed has reached.
    pub position: u64,
    /// The token with which a feed goes on from here.
    pub cursor: String,
}

/// A feed. It keeps the cursor of the last message, and after a lost connection goes on there: no
/// event is missed, and none comes twice.
pub struct Feed {
    endpoint: Endpoint,
    source: FeedSource,
    start: FeedStart,
    backoff: Backoff,
    silence: Duration,
    socket: Option<SubscriptionSocket>,
    was_connected: bool,
    wait: Duration,
    last_event: Option<u64>,
}

#[derive(Serialize)]
struct Variables<'a> {
    from: &'a FeedStart,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a FeedFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Deserialize)]
struct Data {
    feed: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "__typename")]
    kind: String,
    cursor: String,
    position: u64,
    event: Option<Box<RawValue>>,
}

impl Feed {
    /// A feed of `source` from `start`; it connects with the first call of [`Feed::next`].
    #[must_use]
    pub fn new(endpoint: Endpoint, source: FeedSource, start: FeedStart, backoff: Backoff) -> Self {
        Self {
            endpoint,
            source,
            start,
            backoff,
            silence: SILENCE,
            socket: None,
            was_connected: false,
            wait: Duration::ZERO,
            last_event: None,
        }
    }

    /// Takes a connection for dead when the server has said nothing for twice this long: once
    /// until it is asked, and once more. 20 seconds by default, longer than its own pings are apart.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// What the feed tells next. Fails only with what trying again cannot repair, such as a filter
    /// that the server refuses or a cursor of another store.
    ///
    /// It may be dropped while it waits: nothing that has arrived is lost.
    pub async fn next(&mut self) -> Result<FeedItem, ClientError> {
        loop {
            let Some(socket) = &mut self.socket else {
                match self.connect().await {
                    Ok(true) => return Ok(FeedItem::Reconnected),
                    Ok(false) => continue,
                    Err(error) => return self.disconnected(error),
                }
            };
            match socket.next().await {
                Ok(Some(data)) => {
                    self.backoff.after_success();
                    if let Some(item) = self.advance(&data)? {
                        return Ok(item);
                    }
                }
                Ok(None) => return Ok(FeedItem::Complete),
                Err(error) => return self.disconnected(error),
            }
        }
    }

    /// Ends the feed in good order.
    pub async fn close(self) {
        if let Some(socket) = self.socket {
            socket.close().await;
        }
    }

    /// Connects after the wait that is due; answers whether there was a connection before.
    async fn connect(&mut self) -> Result<bool, ClientError> {
        tokio::time::sleep(self.wait).await;
        let (query, filter, name) = match &self.source {
            FeedSource::Log(filter) => (ALL_EVENTS, Some(filter).filter(|f| !f.is_empty()), None),
            FeedSource::Stream(name) => (ONE_STREAM, None, Some(name.as_str())),
        };
        let variables = Variables {
            from: &self.start,
            filter,
            name,
        };
        let document = format!("{query} {MESSAGE}");
        self.socket = Some(
            SubscriptionSocket::open(&self.endpoint, &document, &variables, self.silence).await?,
        );
        self.wait = Duration::ZERO;
        Ok(std::mem::replace(&mut self.was_connected, true))
    }

    fn disconnected(&mut self, error: ClientError) -> Result<FeedItem, ClientError> {
        self.socket = None;
        if !error.is_retryable() {
            return Err(error);
        }
        let retry_in = self.backoff.after_failure();
        self.wait = error
            .retry_after()
            .map_or(retry_in, |asked| asked.max(retry_in));
        Ok(FeedItem::Disconnected {
            reason: error.to_string(),
            retry_in: self.wait,
        })
    }

    /// Remembers how far the feed is, and shapes the message. `None` for an event that came before:
    /// a server that resumes too early must not make anybody count twice.
    fn advance(&mut self, data: &RawValue) -> Result<Option<FeedItem>, ClientError> {
        let message = serde_json::from_str::<Data>(data.get())
            .map_err(|error| ClientError::NotGraphql {
                address: self.endpoint.socket().to_owned(),
                reason: error.to_string(),
                retryable: false,
            })?
            .feed;
        let Message {
            kind,
            cursor,
            position,
            event,
        } = message;
        self.start = FeedStart::Cursor(cursor.clone());
        let Some(event) = event else {
            return Ok(Some(FeedItem::Point(FeedPoint {
                kind,
                position,
                cursor,
            })));
        };
        if self.last_event.is_some_and(|last| position <= last) {
            return Ok(None);
        }
        self.last_event = Some(position);
        Ok(Some(FeedItem::Event(FeedEvent {
            position,
            cursor,
            event,
        })))
    }
}
