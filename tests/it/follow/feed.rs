//! A feed as a client sees it, with the promises about it checked message by message.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{GraphqlSocket, SocketOptions, Subscription, SubscriptionMessage};

/// Longer than any of these tests should take, for waits that many of them share the machine with.
pub(crate) const LONG: Duration = Duration::from_mins(2);

const QUERY: &str = "subscription Feed($from: StartFrom, $filter: EventFilter) {
  feed: events(from: $from, filter: $filter) { ...Message }
}
fragment Message on EventFeedMessage {
  __typename
  ... on FeedPoint { position cursor }
  ... on EventReceived { event { eventId } }
}";

const STREAM_QUERY: &str = "subscription Feed($name: String!, $from: StartFrom) {
  feed: stream(name: $name, from: $from) { ...Message }
}
fragment Message on EventFeedMessage {
  __typename
  ... on FeedPoint { position cursor }
  ... on EventReceived { event { eventId } }
}";

/// What a message of a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    CaughtUp,
    FellBehind,
    Checkpoint,
}

/// One message of a feed.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) kind: Kind,
    pub(crate) position: i64,
    pub(crate) cursor: String,
    /// Of an event only.
    pub(crate) event_id: Option<String>,
}

/// A feed over a WebSocket of its own. Each message is checked when it comes: positions never decrease, and
/// those of events increase.
pub(crate) struct Feed {
    subscription: Subscription,
    /// The messages so far.
    pub(crate) told: Vec<Told>,
    last_event: i64,
}

impl Feed {
    /// Follows the log from a place (`StartFrom`) under a filter (`EventFilter` or null).
    pub(crate) async fn start(base_url: &str, from: Value, filter: Value) -> Self {
        Self::start_with(base_url, SocketOptions::default(), from, filter).await
    }

    /// Follows the log over a socket with options.
    pub(crate) async fn start_with(
        base_url: &str,
        options: SocketOptions,
        from: Value,
        filter: Value,
    ) -> Self {
        let variables = json!({"from": from, "filter": filter});
        let subscription =
            Subscription::start_with(base_url, options, Value::Null, QUERY, variables).await;
        Self::over(subscription)
    }

    /// Follows the log as a client that says who it is and takes its events whole.
    pub(super) async fn start_as(
        base_url: &str,
        options: SocketOptions,
        client: Value,
        from: Value,
        filter: Value,
    ) -> Self {
        let query = QUERY.replace("{ eventId }", "{ eventId data }");
        let (init, variables) = (
            json!({ "client": client }),
            json!({"from": from, "filter": filter}),
        );
        Self::over(Subscription::start_with(base_url, options, init, &query, variables).await)
    }

    /// Follows one stream.
    pub(crate) async fn of_stream(base_url: &str, name: &str, from: Value) -> Self {
        let variables = json!({"name": name, "from": from});
        Self::over(Subscription::start(base_url, STREAM_QUERY, variables).await)
    }

    fn over(subscription: Subscription) -> Self {
        Self {
            subscription: subscription.with_deadline(LONG),
            told: Vec::new(),
            last_event: 0,
        }
    }

    /// The next message; `None` when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        let result = match self.subscription.next_message().await {
            SubscriptionMessage::Next(result) => result,
            SubscriptionMessage::Closed(_) => return None,
            other => panic!("a feed is not to say {other:?}"),
        };
        Some(self.take(&result))
    }

    fn take(&mut self, result: &Value) -> Told {
        assert!(result.get("errors").is_none(), "the feed says {result:#}");
        let told = parse(&result["data"]["feed"]);
        self.check(&told);
        self.told.push(told.clone());
        told
    }

    /// Reads on until the feed is ended with an error, after which the operation is complete and the
    /// connection is not, and returns the error.
    pub(super) async fn until_error(&mut self) -> Value {
        loop {
            match self.subscription.next_message().await {
                SubscriptionMessage::Next(result) if result.get("errors").is_some() => {
                    let end = self.subscription.next_message().await;
                    assert_eq!(end, SubscriptionMessage::Complete);
                    return result["errors"][0].clone();
                }
                SubscriptionMessage::Next(result) => self.take(&result),
                other => panic!("instead of an error came {other:?}"),
            };
        }
    }

    /// Ends the feed and the connection in an orderly way.
    pub(super) async fn close(self) {
        self.subscription.close().await;
    }

    fn check(&mut self, told: &Told) {
        let last = self.told.last().map_or(0, |last| last.position);
        assert!(
            told.position >= last,
            "{told:?} goes back behind {last}: {:?}",
            self.told
        );
        if told.kind == Kind::Event {
            assert!(
                told.position > self.last_event,
                "{told:?} comes twice or too late, after {}",
                self.last_event
            );
            self.last_event = told.position;
        }
    }

    /// The next message, which is to come.
    pub(crate) async fn expect(&mut self) -> Told {
        let told = self.next().await;
        told.unwrap_or_else(|| panic!("the feed has ended: {:?}", self.subscription.closed()))
    }

    /// The next message, which is to be of a kind.
    pub(crate) async fn expect_kind(&mut self, kind: Kind) -> Told {
        let told = self.expect().await;
        assert_eq!(told.kind, kind, "{told:?}");
        told
    }

    /// Reads on until a message of this kind, and returns it.
    pub(crate) async fn until_kind(&mut self, kind: Kind) -> Told {
        loop {
            let told = self.expect().await;
            if told.kind == kind {
                return told;
            }
        }
    }

    /// Reads on until the feed stands at this position or later.
    pub(crate) async fn until_position(&mut self, position: i64) {
        while self.position() < position {
            self.expect().await;
        }
    }

    /// Reads on until this many events have come in all.
    pub(crate) async fn until_events(&mut self, count: usize) {
        let mut seen = self.event_positions().len();
        while seen < count {
            seen += usize::from(self.expect().await.kind == Kind::Event);
        }
    }

    /// Reads on until the connection has ended, and says with which code and reason.
    pub(crate) async fn until_closed(&mut self) -> (u16, String) {
        while self.next().await.is_some() {}
        let closed = self.subscription.closed().unwrap();
        (closed.code, closed.reason.clone())
    }

    /// Where the feed stands.
    pub(crate) fn position(&self) -> i64 {
        self.told.last().map_or(-1, |told| told.position)
    }

    /// The cursor of the last message.
    pub(crate) fn cursor(&self) -> String {
        self.told.last().unwrap().cursor.clone()
    }

    /// The positions of the events so far.
    pub(crate) fn event_positions(&self) -> Vec<i64> {
        let events = self.told.iter().filter(|told| told.kind == Kind::Event);
        events.map(|told| told.position).collect()
    }

    /// The ids of the events so far.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        self.told
            .iter()
            .filter_map(|told| told.event_id.clone())
            .collect()
    }

    /// How many messages of a kind there were.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.told.iter().filter(|told| told.kind == kind).count()
    }
}

fn parse(message: &Value) -> Told {
    let kind = match message["__typename"].as_str() {
        Some("EventReceived") => Kind::Event,
        Some("CaughtUp") => Kind::CaughtUp,
        Some("FellBehind") => Kind::FellBehind,
        Some("Checkpoint") => Kind::Checkpoint,
        _ => panic!("a message of no known kind: {message}"),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Told {
        kind,
        position: message["position"].as_i64().unwrap(),
        cursor: text(&message["cursor"]).unwrap(),
        event_id: text(&message["event"]["eventId"]),
    }
}

/// The error with which the server refuses to begin a feed.
pub(crate) async fn refusal(base_url: &str, query: &str, variables: Value) -> Value {
    let mut subscription = Subscription::start(base_url, query, variables).await;
    match subscription.next_message().await {
        SubscriptionMessage::Next(result) => result["errors"][0].clone(),
        SubscriptionMessage::Error(errors) => errors[0].clone(),
        other => panic!("instead of a refusal came {other:?}"),
    }
}

/// The error with which the server refuses to follow the log from a place.
pub(crate) async fn refused_start(base_url: &str, from: Value) -> Value {
    refusal(base_url, QUERY, json!({"from": from})).await
}

/// The error with which the server refuses to follow a stream from a place.
pub(crate) async fn refused_stream_start(base_url: &str, name: &str, from: Value) -> Value {
    refusal(base_url, STREAM_QUERY, json!({"name": name, "from": from})).await
}

/// What the server answers to any operation over a WebSocket, first.
pub(crate) async fn answer_over_socket(base_url: &str, query: &str) -> SubscriptionMessage {
    let mut socket = GraphqlSocket::connect(base_url).await;
    socket.initialise(Value::Null).await;
    let mut subscription = Subscription::over(socket, query, json!({})).await;
    subscription.next_message().await
}

/// The positions from `first` to `last`, both included.
pub(crate) fn positions(first: i64, last: i64) -> Vec<i64> {
    (first..=last).collect()
}
