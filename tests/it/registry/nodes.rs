//! Several nodes on one database know the same types.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};

use super::door::{checked, event, event_type, mutate, registered, renamed, version, whole};
use crate::append::door::{append, appended};
use crate::support::{World, new_stream};

async fn two_nodes() -> (World, [testkit::ServerProcess; 2], [GraphqlClient; 2]) {
    let world = World::postgres().await;
    let (one, client) = checked(&world).await;
    let (other, other_client) = checked(&world).await;
    (world, [one, other], [client, other_client])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_registers_another_accepts_at_once_and_reads_soon() {
    let (_world, _servers, [one, other]) = two_nodes().await;
    let stream = new_stream("kitchen");
    for number in 1..=20 {
        // Without a pause in between: whatever the other node has heard by then, it must not refuse it.
        let name = format!("coffee_brewed_{number}");
        registered(&one, &version(&name, 1, whole("count"), Value::Null)).await;
        let events = json!([event(&name, 1, json!({"count": number}))]);
        appended(&other, &stream, Expected::Any, &events).await;
        registered(
            &one,
            &version(&name, 2, whole("amount"), renamed("count", "amount")),
        )
        .await;
        let events = json!([event(&name, 2, json!({"amount": number}))]);
        appended(&other, &stream, Expected::Any, &events).await;
        let bad = json!([event(&name, 2, json!({"count": number}))]);
        let refused = append(&other, &stream, Expected::Any, &bad).await;
        assert_eq!(refused["code"], "INVALID_EVENT_DATA");
    }
    // The other node was never asked for this one, so only the log can have told it.
    registered(&one, &version("tea_made", 1, whole("count"), Value::Null)).await;
    registered(
        &one,
        &version("tea_made", 2, whole("amount"), renamed("count", "amount")),
    )
    .await;
    mutate(
        &one,
        "deprecateEventType",
        &json!({"name": "tea_made", "reason": "cold"}),
    )
    .await;
    let wanted = event_type(&one, "tea_made").await;
    assert_eq!(wanted["state"], "DEPRECATED");
    eventually("the other node to know the type", async || {
        (event_type(&other, "tea_made").await == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_register_at_once_come_to_the_same_types() {
    let (_world, _servers, clients) = two_nodes().await;
    let tasks: Vec<_> = (0..10)
        .flat_map(|number| {
            clients
                .clone()
                .into_iter()
                .enumerate()
                .map(move |pair| (number, pair))
        })
        .map(|(number, (node, client))| {
            tokio::spawn(async move {
                let name = format!("raced_{number}");
                let schema = whole(if node == 0 { "left" } else { "right" });
                let outcome =
                    super::door::register(&client, &version(&name, 1, schema, Value::Null)).await;
                outcome["__typename"].as_str().unwrap().to_owned()
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    for pair in outcomes.chunks(2) {
        let mut pair = pair.to_vec();
        pair.sort();
        assert_eq!(pair, ["EventTypeRegistered", "TypeConflict"]);
    }
    for number in 0..10 {
        let name = format!("raced_{number}");
        let [one, other] = &clients;
        eventually("both nodes to know the winner", async || {
            let known = (event_type(one, &name).await, event_type(other, &name).await);
            (known.0.is_object() && known.0 == known.1).then_some(())
        })
        .await;
    }
}
