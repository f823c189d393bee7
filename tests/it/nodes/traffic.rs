//! Writers on every node at once, and what they have written.

use serde_json::{Value, json};
use testkit::GraphqlClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::cluster::{Addresses, Cluster};
use crate::follow::feed::LONG;

/// How much is written, and how.
#[derive(Clone, Copy)]
pub(super) struct Traffic {
    /// Writers that begin at each node.
    pub(super) writers_per_node: usize,
    /// Requests of each writer.
    pub(super) requests: usize,
}

/// The categories that are written to.
pub(super) const CATEGORIES: [&str; 2] = ["game", "duel"];

const APPEND: &str = "mutation($input: AppendBatchInput!) { appendBatch(input: $input) {
  __typename ... on Refusal { code message }
} }";

impl Traffic {
    /// The number of requests in all.
    pub(super) fn total(&self, nodes: usize) -> usize {
        nodes * self.writers_per_node * self.requests
    }

    /// Lets the writers begin, and counts the requests that are answered.
    pub(super) fn start(self, cluster: &Cluster, answered: &watch::Sender<usize>) -> JoinSet<()> {
        let addresses = cluster.addresses();
        let nodes = addresses.borrow().len();
        let mut writers = JoinSet::new();
        for writer in 0..nodes * self.writers_per_node {
            let (addresses, answered) = (addresses.clone(), answered.clone());
            writers.spawn(async move {
                for number in 0..self.requests {
                    let input = request(writer, number);
                    append(&addresses, writer % nodes, &input).await;
                    answered.send_modify(|count| *count += 1);
                }
            });
        }
        writers
    }
}

/// One event, or, every fourth time, a batch over two streams, one of which all writers share.
fn request(writer: usize, number: usize) -> Value {
    let stream = |name: String, events: usize| {
        let events: Value = (0..events)
            .map(|_| json!({"eventId": Uuid::now_v7(), "type": "tick", "data": {}}))
            .collect();
        json!({"stream": name, "expectedVersion": {"state": "ANY"}, "events": events})
    };
    let own = format!("{}-{writer}", CATEGORIES[number % CATEGORIES.len()]);
    if number.is_multiple_of(4) {
        json!({"streams": [stream(own, 2), stream("duel-shared".to_owned(), 1)]})
    } else {
        json!({"streams": [stream(own, 1)]})
    }
}

/// Sends a request until it is answered with success: to its node, and when that is gone to the next.
async fn append(addresses: &watch::Receiver<Addresses>, mut node: usize, input: &Value) {
    let body = json!({"query": APPEND, "variables": {"input": input}}).to_string();
    let sending = async {
        loop {
            let nodes = addresses.borrow().clone();
            if let Some(address) = &nodes[node % nodes.len()]
                && is_written(&GraphqlClient::new(address), &body).await
            {
                return;
            }
            node += 1;
        }
    };
    let outcome = tokio::time::timeout(LONG, sending).await;
    assert!(outcome.is_ok(), "no node takes {body}");
}

/// Whether the answer is success; a node that is killed gives none, or half of one.
async fn is_written(client: &GraphqlClient, body: &str) -> bool {
    let Ok(answer) = client.try_raw(body).await else {
        return false;
    };
    let answer = answer.json();
    if let Some(errors) = answer.get("errors") {
        assert_eq!(errors[0]["extensions"]["retryable"], true, "{answer:#}");
        return false;
    }
    let payload = &answer["data"]["appendBatch"];
    assert_eq!(payload["__typename"], "BatchAppended", "{answer:#}");
    true
}

/// The last event of each category, by which followers know that they have everything.
pub(super) async fn append_ends(client: &GraphqlClient, ids: &[String; CATEGORIES.len()]) {
    for (category, id) in CATEGORIES.iter().zip(ids) {
        let events = json!([{"eventId": id, "type": "end", "data": {}}]);
        let any = json!({"state": "ANY"});
        let stream =
            json!({"stream": format!("{category}-end"), "expectedVersion": any, "events": events});
        let input = json!({"streams": [stream]});
        let answer = client.query(APPEND, json!({"input": input})).await;
        assert_eq!(answer["appendBatch"]["__typename"], "BatchAppended");
    }
}

const PAGE: &str = "query($after: String) { events(first: 1000, after: $after) {
  nodes { eventId position streamName } pageInfo { hasNextPage endCursor }
} }";

/// Position, id and category of every event of the log, which is dense.
pub(super) async fn read_log(client: &GraphqlClient) -> Vec<(i64, String, String)> {
    let mut log = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut data = client.query(PAGE, json!({"after": after})).await;
        let page = &mut data["events"];
        for node in page["nodes"].as_array().unwrap() {
            let text = |key: &str| node[key].as_str().unwrap().to_owned();
            let category = text("streamName").split('-').next().unwrap().to_owned();
            log.push((
                node["position"].as_i64().unwrap(),
                text("eventId"),
                category,
            ));
            assert_eq!(log.len().to_string(), node["position"].to_string());
        }
        if page["pageInfo"]["hasNextPage"] == false {
            return log;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
