//! What an administrator sees of the subscriptions that run, and does to them.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, GraphqlSocket, SocketEvent, eventually};

use super::writer::new_event;

const LIST: &str = "query($filter: LiveSubscriptionFilter) {
  liveSubscriptions(filter: $filter, first: 1000) {
    totalCount { value isExact }
    nodes {
      id kind operationName arguments startedAt state position cursor lag
      messagesDelivered eventsDelivered timesFallenBehind
      client { connectionId connectedAt address userAgent name version }
    }
  }
}";

const END: &str = "mutation($input: EndSubscriptionInput!) {
  endSubscription(input: $input) {
    __typename
    ... on SubscriptionEnded { subscription { id position eventsDelivered state } }
    ... on Refusal { code message retryable path }
  }
}";

/// The subscriptions that run and match a filter (`LiveSubscriptionFilter` or null), oldest first.
pub(super) async fn listed(client: &GraphqlClient, filter: Value) -> Vec<Value> {
    let answer = client.query(LIST, json!({ "filter": filter })).await;
    let list = &answer["liveSubscriptions"];
    let nodes = list["nodes"].as_array().unwrap().clone();
    assert_eq!(
        list["totalCount"],
        json!({"value": nodes.len(), "isExact": true})
    );
    nodes
}

/// All subscriptions that run, oldest first.
pub(super) async fn all(client: &GraphqlClient) -> Vec<Value> {
    listed(client, Value::Null).await
}

/// The only subscription that runs.
pub(super) async fn only(client: &GraphqlClient) -> Value {
    let found = all(client).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

/// The subscription whose client gave itself this name.
pub(super) async fn of_client(client: &GraphqlClient, name: &str) -> Value {
    let found = listed(client, json!({ "clientNames": [name] })).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

/// Waits until this many subscriptions run.
pub(super) async fn wait_for(client: &GraphqlClient, count: usize) {
    let what = format!("{count} subscriptions to be listed");
    eventually(&what, async || {
        (all(client).await.len() == count).then_some(())
    })
    .await;
}

/// Ends a subscription, or not, and returns the payload.
pub(super) async fn end(client: &GraphqlClient, id: &Value, reason: Value) -> Value {
    let input = json!({"input": {"id": id, "reason": reason}});
    client.query(END, input).await["endSubscription"].clone()
}

/// Ends a subscription, and returns it as it was.
pub(super) async fn ended(client: &GraphqlClient, id: &Value, reason: &str) -> Value {
    let payload = end(client, id, json!(reason)).await;
    assert_eq!(payload["__typename"], "SubscriptionEnded", "{payload:#}");
    payload["subscription"].clone()
}

/// How many subscriptions and connections the server says that it has.
pub(super) async fn counts(client: &GraphqlClient) -> (i64, i64) {
    let answer = client
        .query("{ server { subscriptions connections } }", json!({}))
        .await;
    let count = |name: &str| answer["server"][name].as_i64().unwrap();
    (count("subscriptions"), count("connections"))
}

/// The id of the node that answers.
pub(super) async fn node_id(client: &GraphqlClient) -> String {
    let answer = client.query("{ server { nodeId } }", json!({})).await;
    answer["server"]["nodeId"].as_str().unwrap().to_owned()
}

/// Appends events that fill a socket's buffers soon: 900 KiB in each request.
pub(super) async fn append_large(client: &GraphqlClient, requests: usize) {
    let text = "x".repeat(60 * 1_024);
    for _ in 0..requests {
        let event = || new_event("tick", &json!({ "text": text }));
        let events: Value = (0..15).map(|_| event()).collect();
        client.appended("large-1", Expected::Any, events).await;
    }
}

/// One socket with several feeds of the log on it.
pub(super) struct Feeds(GraphqlSocket);

impl Feeds {
    /// A socket without a feed.
    pub(super) async fn connect(base_url: &str) -> Self {
        let mut socket = GraphqlSocket::connect(base_url).await;
        socket.initialise(Value::Null).await;
        Self(socket)
    }

    /// Starts a feed under an id, which is also the name of its operation.
    pub(super) async fn follow(&mut self, id: &str, from: Value) {
        let query = format!(
            "subscription {id}($from: StartFrom) {{ events(from: $from) {{ ... on FeedPoint {{ position }} \
             ... on EventReceived {{ event {{ eventId }} }} }} }}"
        );
        let payload = json!({"query": query, "variables": {"from": from}});
        let message = json!({"type": "subscribe", "id": id, "payload": payload});
        self.0.send(message).await;
    }

    /// Ends a feed as its client does.
    pub(super) async fn complete(&mut self, id: &str) {
        self.0.send(json!({"type": "complete", "id": id})).await;
    }

    /// The next message, whichever feed it is of.
    pub(super) async fn next(&mut self) -> Value {
        match self.0.receive().await {
            SocketEvent::Message(message) => message,
            SocketEvent::Closed(closed) => panic!("the socket was closed: {closed:?}"),
        }
    }

    /// Reads on until each of these feeds has come to a position, and returns the positions of each one's
    /// events in the order in which they came. Nothing may come of another feed.
    pub(super) async fn until<const COUNT: usize>(
        &mut self,
        ids: [&str; COUNT],
        position: i64,
    ) -> [Vec<i64>; COUNT] {
        let mut reached = [-1; COUNT];
        let mut events = [const { Vec::new() }; COUNT];
        while reached.iter().any(|reached| *reached < position) {
            let message = self.next().await;
            let feed = ids.iter().position(|id| message["id"] == *id);
            let feed = feed.unwrap_or_else(|| panic!("of none of {ids:?}: {message}"));
            let told = &message["payload"]["data"]["events"];
            reached[feed] = told["position"].as_i64().unwrap();
            if told.get("event").is_some() {
                events[feed].push(reached[feed]);
            }
        }
        events
    }
}
