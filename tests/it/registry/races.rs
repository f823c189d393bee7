//! Many writers register the same version at once.

use serde_json::{Value, json};
use testkit::GraphqlClient;

use super::door::{checked, event_type, register, version, whole};
use crate::append::door::{head, read_stream};
use crate::support::{World, on_both_backends};

on_both_backends!(
    of_eight_writers_with_different_schemas_one_wins,
    eight_writers_with_the_same_schema_write_it_once,
    writers_of_successive_versions_leave_no_hole,
);

async fn all_at_once(client: &GraphqlClient, inputs: Vec<Value>) -> Vec<Value> {
    let tasks: Vec<_> = inputs
        .into_iter()
        .map(|input| {
            let client = client.clone();
            tokio::spawn(async move { register(&client, &input).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn of_eight_writers_with_different_schemas_one_wins(world: World) {
    let (_server, client) = checked(&world).await;
    for round in 0..10 {
        let name = format!("raced_{round}");
        let inputs =
            (0..8).map(|writer| version(&name, 1, whole(&format!("key_{writer}")), Value::Null));
        let outcomes = all_at_once(&client, inputs.collect()).await;
        let won: Vec<_> = outcomes
            .iter()
            .filter(|one| one["__typename"] == "EventTypeRegistered")
            .collect();
        assert_eq!(won.len(), 1, "{outcomes:#?}");
        assert_eq!(won[0]["duplicate"], false);
        let lost = outcomes
            .iter()
            .filter(|one| one["code"] == "TYPE_CONFLICT")
            .count();
        assert_eq!(lost, 7, "{outcomes:#?}");
        assert_eq!(
            read_stream(&client, &format!("$type-{name}")).await.len(),
            1
        );
    }
}

async fn eight_writers_with_the_same_schema_write_it_once(world: World) {
    let (_server, client) = checked(&world).await;
    for round in 0..10 {
        let name = format!("shared_{round}");
        let input = version(&name, 1, whole("count"), Value::Null);
        let outcomes = all_at_once(&client, vec![input; 8]).await;
        let fresh = outcomes
            .iter()
            .filter(|one| one["duplicate"] == false)
            .count();
        assert_eq!(fresh, 1, "{outcomes:#?}");
        assert!(
            outcomes
                .iter()
                .all(|one| one["__typename"] == "EventTypeRegistered")
        );
        assert_eq!(head(&client).await, round + 1);
    }
}

async fn writers_of_successive_versions_leave_no_hole(world: World) {
    let (_server, client) = checked(&world).await;
    let compatible = json!({"compatible": true});
    register(&client, &version("stepped", 1, json!({}), Value::Null)).await;
    // Each wants the next version, and some come too early: they are told which one is next.
    let input = |number| {
        version(
            "stepped",
            number,
            whole(&format!("key_{number}")),
            compatible.clone(),
        )
    };
    let outcomes = all_at_once(&client, (2..=9).map(input).collect()).await;
    let known = event_type(&client, "stepped").await;
    let versions = known["versions"].as_array().unwrap();
    let done = outcomes
        .iter()
        .filter(|one| one["__typename"] == "EventTypeRegistered")
        .count();
    assert_eq!(versions.len(), done + 1, "{outcomes:#?}");
    for (number, one) in (1..).zip(versions) {
        assert_eq!(one["version"], number);
    }
    for refused in outcomes.iter().filter(|one| one["code"].is_string()) {
        assert_eq!(refused["code"], "INVALID_ARGUMENT", "{refused:#}");
        assert_eq!(refused["path"], json!(["input", "version"]));
    }
}
