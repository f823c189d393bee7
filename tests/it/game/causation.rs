//! What led to an event, and what it led to.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::change;
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_tree_goes_up_to_the_first_cause_and_down_to_the_last_effect,
    a_tree_is_bounded_in_depth_and_number_and_says_so,
    causes_that_go_round_end,
    a_cause_is_recognised_however_its_id_is_written,
    hidden_events_stand_in_the_tree_as_removed,
    bounds_that_make_no_sense_are_refused,
);

/// A writer of events that name each other, across streams.
struct Writer {
    client: GraphqlClient,
    streams: [String; 3],
}

impl Writer {
    fn new(client: &GraphqlClient) -> Self {
        Self {
            client: client.clone(),
            streams: ["note", "note", "note"].map(new_stream),
        }
    }

    /// Appends an event with this id and this cause.
    async fn write(&self, stream: usize, id: Uuid, cause: Option<Uuid>) {
        let event = json!({
            "eventId": id, "type": "noted", "data": {"text": "x"},
            "metadata": {"causation_id": cause},
        });
        self.client
            .appended(&self.streams[stream % 3], Expected::Any, json!([event]))
            .await;
    }
}

/// The tree of an event, as depth, id and parent of each node, with its flags.
async fn tree(client: &GraphqlClient, id: Uuid, depth: i32, nodes: i32) -> (Vec<Value>, Value) {
    let query = "query($id: UUID!, $depth: Int!, $nodes: Int!) { event(eventId: $id) {
        causationTree(depth: $depth, nodes: $nodes) { truncated hasCycle
            nodes { depth parentEventId event { eventId removed data } } } } }";
    let variables = json!({"id": id, "depth": depth, "nodes": nodes});
    let mut found = client.query(query, variables).await;
    let tree = found["event"]["causationTree"].take();
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let nodes = nodes.map(|node| {
        json!([
            node["depth"],
            node["event"]["eventId"],
            node["parentEventId"],
            node["event"]["removed"]
        ])
    });
    (
        nodes.collect(),
        json!([tree["truncated"], tree["hasCycle"]]),
    )
}

fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}

async fn a_tree_goes_up_to_the_first_cause_and_down_to_the_last_effect(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    // 0 → 1 → 2 → {3, 4}, 3 → {5, 6}, 4 → 7; and 8, another effect of 1.
    let id = ids(9);
    let causes = [
        None,
        Some(0),
        Some(1),
        Some(2),
        Some(2),
        Some(3),
        Some(3),
        Some(4),
        Some(1),
    ];
    for (number, cause) in causes.iter().enumerate() {
        writer
            .write(number, id[number], cause.map(|cause: usize| id[cause]))
            .await;
    }
    let (nodes, flags) = tree(&client, id[2], 10, 100).await;
    let node = |depth: i32, number: usize| {
        json!([
            depth,
            id[number],
            causes[number].map(|cause| id[cause]),
            null
        ])
    };
    assert_eq!(
        nodes,
        [
            node(-2, 0),
            node(-1, 1),
            node(0, 2),
            node(1, 3),
            node(1, 4),
            node(2, 5),
            node(2, 6),
            node(2, 7)
        ]
    );
    assert_eq!(flags, json!([false, false]));
    // A page of trees is as exact as one of them.
    let query =
        "{ events(filter: {types: [\"noted\"]}) { nodes { causationTree { nodes { depth } } } } }";
    let found = client.query(query, json!({})).await;
    let sizes: Vec<usize> = found["events"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["causationTree"]["nodes"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [9, 9, 8, 6, 5, 5, 5, 5, 3]);
}

async fn a_tree_is_bounded_in_depth_and_number_and_says_so(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    let id = ids(9);
    for number in 0..9 {
        writer
            .write(0, id[number], number.checked_sub(1).map(|cause| id[cause]))
            .await;
    }
    let depths = |nodes: &[Value]| {
        nodes
            .iter()
            .map(|node| node[0].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let (nodes, flags) = tree(&client, id[4], 4, 100).await;
    assert_eq!(
        (depths(&nodes), flags),
        ((-4..=4).collect(), json!([false, false]))
    );
    let (nodes, flags) = tree(&client, id[4], 3, 100).await;
    assert_eq!(
        (depths(&nodes), flags),
        ((-3..=3).collect(), json!([true, false]))
    );
    // The highest cause shown has no parent here, although it has one.
    assert!(nodes[0][2].is_null());
    let (nodes, flags) = tree(&client, id[0], 8, 4).await;
    assert_eq!(
        (depths(&nodes), flags),
        ((0..=3).collect(), json!([true, false]))
    );
    let (nodes, flags) = tree(&client, id[8], 8, 4).await;
    assert_eq!(
        (depths(&nodes), flags),
        ((-3..=0).collect(), json!([true, false]))
    );
    let (nodes, flags) = tree(&client, id[8], 8, 9).await;
    assert_eq!((nodes.len(), flags), (9, json!([false, false])));
}

async fn causes_that_go_round_end(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    // 0 names 2, which is appended later: a ring of three, with a tail.
    let id = ids(5);
    for (number, cause) in [2, 0, 1, 1, 4].into_iter().enumerate() {
        writer.write(number, id[number], Some(id[cause])).await;
    }
    for (start, asked) in id.iter().enumerate().take(3) {
        let (nodes, flags) = tree(&client, *asked, 10, 100).await;
        let mut found: Vec<Value> = nodes.iter().map(|node| node[1].clone()).collect();
        found.sort_by_key(ToString::to_string);
        found.dedup();
        assert_eq!(found.len(), nodes.len(), "each stands there once");
        assert_eq!(flags, json!([false, true]));
        // From 0 and 2 the tail hangs on a cause, which is not gone down from.
        assert_eq!(nodes.len(), if start == 1 { 4 } else { 3 }, "{nodes:?}");
    }
    let (nodes, flags) = tree(&client, id[3], 10, 100).await;
    assert_eq!((nodes.len(), flags), (4, json!([false, true])));
    // An event that names itself.
    let (nodes, flags) = tree(&client, id[4], 10, 100).await;
    assert_eq!((nodes.len(), flags), (1, json!([false, true])));
}

async fn a_cause_is_recognised_however_its_id_is_written(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    let all = ids(4);
    writer.write(0, all[0], None).await;
    let spellings = [
        all[0].to_string().to_uppercase(),
        all[0].simple().to_string(),
        all[0].urn().to_string(),
    ];
    for (id, spelling) in all[1..].iter().zip(&spellings) {
        let event = json!({
            "eventId": id, "type": "noted", "data": {"text": "x"},
            "metadata": {"causation_id": spelling},
        });
        client
            .appended(&writer.streams[1], Expected::Any, json!([event]))
            .await;
    }
    let (found, flags) = tree(&client, all[0], 3, 10).await;
    let below = all[1..].iter().map(|id| json!([1, id, all[0], null]));
    let wanted: Vec<_> = std::iter::once(json!([0, all[0], null, null]))
        .chain(below)
        .collect();
    assert_eq!((found, flags), (wanted, json!([false, false])));
    // What was sent is kept as it was.
    let query = "query($filter: EventFilter!) { events(filter: $filter) { nodes {
        metadata { causationId } causedBy { eventId } } } }";
    for asked in &spellings {
        let filter = json!({"filter": {"causationIds": [asked]}});
        let answer = client.query(query, filter).await;
        let nodes = answer["events"]["nodes"].as_array().unwrap();
        let kept: Vec<_> = nodes
            .iter()
            .map(|node| node["metadata"]["causationId"].as_str().unwrap())
            .collect();
        assert_eq!(kept, spellings);
        assert!(
            nodes
                .iter()
                .all(|node| node["causedBy"]["eventId"] == json!(all[0]))
        );
    }
}

async fn hidden_events_stand_in_the_tree_as_removed(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    let id = ids(3);
    for number in 0..3 {
        writer
            .write(
                number,
                id[number],
                number.checked_sub(1).map(|cause| id[cause]),
            )
            .await;
    }
    change(&client, "deleteStream", &writer.streams[1]).await;
    for (start, depth) in [(0, 0), (1, -1), (2, -2)] {
        let (nodes, flags) = tree(&client, id[start], 10, 100).await;
        let wanted: Vec<Value> = (0..3)
            .map(|number: usize| {
                let parent = number.checked_sub(1).map(|cause| id[cause]);
                let removed = (number == 1).then_some("DELETED");
                json!([
                    depth + i32::try_from(number).unwrap(),
                    id[number],
                    parent,
                    removed
                ])
            })
            .collect();
        assert_eq!((nodes, flags), (wanted, json!([false, false])));
    }
}

async fn bounds_that_make_no_sense_are_refused(world: World) {
    let (_server, client) = world.server_and_client().await;
    let writer = Writer::new(&client);
    let id = Uuid::now_v7();
    writer.write(0, id, None).await;
    for (depth, nodes, code) in [
        (0, 10, "INVALID_ARGUMENT"),
        (101, 10, "INVALID_ARGUMENT"),
        (1, 0, "INVALID_ARGUMENT"),
        (1, 1001, "LIMIT_EXCEEDED"),
    ] {
        let query = "query($id: UUID!, $depth: Int!, $nodes: Int!) { event(eventId: $id) {
            causationTree(depth: $depth, nodes: $nodes) { truncated } } }";
        let errors = client
            .query_for_errors(query, json!({"id": id, "depth": depth, "nodes": nodes}))
            .await;
        assert_eq!(errors[0]["extensions"]["code"], code);
    }
}
