//! Categories that take what nobody has registered, and categories at which nobody looks.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{event, places, registered, version, whole};
use crate::append::door::{append, appended};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    an_open_category_takes_unknown_types_and_holds_known_ones_to_their_schema,
    an_unchecked_category_takes_everything,
    a_star_means_every_category,
);

async fn server_with(
    world: &World,
    setting: &str,
    value: &str,
) -> (testkit::ServerProcess, GraphqlClient) {
    let server = world
        .prepare_checked()
        .environment(format!("GAMEBOT_SCHEMA_{setting}_CATEGORIES"), value)
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    (server, client)
}

async fn outcome(client: &GraphqlClient, category: &str, event: Value) -> Value {
    let stream = new_stream(category);
    append(client, &stream, Expected::Any, &json!([event])).await["__typename"].clone()
}

async fn an_open_category_takes_unknown_types_and_holds_known_ones_to_their_schema(world: World) {
    let (_server, client) = server_with(&world, "OPEN", "lab, attic").await;
    registered(
        &client,
        &version("coffee_brewed", 1, whole("count"), Value::Null),
    )
    .await;
    for category in ["lab", "attic"] {
        assert_eq!(
            outcome(&client, category, event("anything_done", 3, json!({}))).await,
            "Appended"
        );
        assert_eq!(
            outcome(&client, category, event("coffee_brewed", 1, json!({}))).await,
            "InvalidEvents"
        );
        assert_eq!(
            outcome(
                &client,
                category,
                event("coffee_brewed", 2, json!({"count": 1}))
            )
            .await,
            "InvalidEvents"
        );
    }
    assert_eq!(
        outcome(&client, "labs", event("anything_done", 1, json!({}))).await,
        "InvalidEvents"
    );
    // Once it is registered, it holds there too, and what was stored before is still read.
    let stream = new_stream("lab");
    appended(
        &client,
        &stream,
        Expected::Any,
        &json!([event("thing_seen", 1, json!({"n": "old"}))]),
    )
    .await;
    registered(&client, &version("thing_seen", 1, whole("n"), Value::Null)).await;
    let refused = append(
        &client,
        &stream,
        Expected::Any,
        &json!([event("thing_seen", 1, json!({"n": "new"}))]),
    )
    .await;
    assert_eq!(
        places(&refused),
        [(0, "/data/n".to_owned(), "type".to_owned())]
    );
    let query = "query($name: String!) { stream(name: $name) { events { nodes { data decodeError { code } } } } }";
    let found = client.query(query, json!({"name": stream})).await;
    let nodes = json!([{"data": {"n": "old"}, "decodeError": null}]);
    assert_eq!(found["stream"]["events"]["nodes"], nodes);
}

async fn an_unchecked_category_takes_everything(world: World) {
    let (_server, client) = server_with(&world, "UNCHECKED", "import").await;
    assert_eq!(
        outcome(
            &client,
            "import",
            event("guess_processed", 1, json!({"x": 1}))
        )
        .await,
        "Appended"
    );
    assert_eq!(
        outcome(&client, "import", event("guess_processed", 7, json!({}))).await,
        "Appended"
    );
    assert_eq!(
        outcome(&client, "import", event("never_heard_of", 1, json!({}))).await,
        "Appended"
    );
    assert_eq!(
        outcome(
            &client,
            "game",
            event("guess_processed", 1, json!({"x": 1}))
        )
        .await,
        "InvalidEvents"
    );
}

async fn a_star_means_every_category(world: World) {
    let (_server, client) = server_with(&world, "OPEN", "*").await;
    assert_eq!(
        outcome(&client, "any", event("never_heard_of", 1, json!({}))).await,
        "Appended"
    );
    assert_eq!(
        outcome(&client, "any", event("guess_processed", 1, json!({}))).await,
        "InvalidEvents"
    );
}
