//! How many feeds one socket carries.

use serde_json::{Value, json};
use testkit::{GraphqlSocket, SocketEvent};

use crate::support::{World, on_both_backends};

on_both_backends!(a_feed_too_many_on_one_socket_is_refused_until_another_has_ended);

async fn a_feed_too_many_on_one_socket_is_refused_until_another_has_ended(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_GRAPHQL_SOCKET_OPERATIONS", "2");
    let server = server.start().await;
    let mut socket = GraphqlSocket::connect(&server.base_url()).await;
    socket.initialise(Value::Null).await;
    for id in ["first", "second"] {
        assert_eq!(
            answer(&mut socket, id).await["data"]["events"]["__typename"],
            "CaughtUp"
        );
    }
    let refused = answer(&mut socket, "third").await;
    let error = &refused["errors"][0];
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{refused}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("is 2"), "{message}");

    socket
        .send(json!({"type": "complete", "id": "first"}))
        .await;
    let taken = answer(&mut socket, "fourth").await;
    assert_eq!(taken["data"]["events"]["__typename"], "CaughtUp", "{taken}");
}

/// Starts a feed under an id, and gives the first payload that is answered to it.
async fn answer(socket: &mut GraphqlSocket, id: &str) -> Value {
    let query = "subscription { events { __typename } }";
    socket
        .send(json!({"type": "subscribe", "id": id, "payload": {"query": query}}))
        .await;
    loop {
        match socket.receive().await {
            SocketEvent::Message(message) if message["type"] == "next" && message["id"] == id => {
                return message["payload"].clone();
            }
            SocketEvent::Message(_) => {}
            SocketEvent::Closed(closed) => panic!("the socket was closed: {closed:?}"),
        }
    }
}
