use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::super::Options;
use super::super::test_server::TestServer;

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect_with(server: &TestServer, headers: &[(&str, &str)]) -> Result<Client, Error> {
    let mut request = format!("ws://{}/graphql", server.address).into_client_request()?;
    for (name, value) in headers {
        let name = match *name {
            "origin" => ORIGIN,
            _ => SEC_WEBSOCKET_PROTOCOL,
        };
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(client, _)| client)
}

async fn connect(server: &TestServer) -> Client {
    connect_with(server, &[("protocol", "graphql-transport-ws")])
        .await
        .unwrap()
}

async fn send(client: &mut Client, message: Json) {
    client
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

async fn initialise(client: &mut Client) {
    send(client, json!({"type": "connection_init"})).await;
    assert_eq!(receive(client).await["type"], "connection_ack");
}

async fn subscribe(client: &mut Client, query: &str) {
    let payload = json!({"query": query});
    send(
        client,
        json!({"type": "subscribe", "id": "1", "payload": payload}),
    )
    .await;
}

/// The next message, with a limit that only a hanging test reaches.
async fn next(client: &mut Client) -> Option<Result<Message, Error>> {
    tokio::time::timeout(Duration::from_secs(10), client.next())
        .await
        .unwrap()
}

async fn receive(client: &mut Client) -> Json {
    loop {
        match next(client).await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads up to the close frame and gives it with the texts before it.
async fn closed(client: &mut Client) -> (u16, String, Vec<String>) {
    let mut texts = Vec::new();
    loop {
        match next(client).await.expect("a close frame").unwrap() {
            Message::Close(Some(frame)) => {
                return (frame.code.into(), frame.reason.to_string(), texts);
            }
            Message::Text(text) => texts.push(text.to_string()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_subscription_delivers_its_events_in_order() {
    let server = TestServer::start(Options::default()).await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    subscribe(&mut client, "subscription { count(to: 500) }").await;
    for expected in 1..=500 {
        assert_eq!(
            receive(&mut client).await["payload"]["data"]["count"],
            expected
        );
    }
    assert_eq!(receive(&mut client).await["type"], "complete");
}

#[tokio::test]
async fn a_connection_without_init_is_closed() {
    let init_timeout = Duration::from_millis(50);
    let server = TestServer::start(Options {
        init_timeout,
        ..Options::default()
    })
    .await;
    let mut client = connect(&server).await;
    send(&mut client, json!({"type": "ping"})).await;
    assert_eq!(closed(&mut client).await.0, 4408);
}

#[tokio::test]
async fn an_initialised_connection_outlives_the_init_timeout() {
    let init_timeout = Duration::from_millis(50);
    let server = TestServer::start(Options {
        init_timeout,
        ..Options::default()
    })
    .await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    subscribe(&mut client, "subscription { ticks }").await;
    for _ in 0..100 {
        assert_eq!(receive(&mut client).await["type"], "next");
    }
}

#[tokio::test]
async fn another_sub_protocol_or_none_is_closed_with_4406() {
    let server = TestServer::start(Options::default()).await;
    let mut legacy = connect_with(&server, &[("protocol", "graphql-ws, other")])
        .await
        .unwrap();
    assert_eq!(closed(&mut legacy).await.0, 4406);
    let mut without = connect_with(&server, &[]).await.unwrap();
    assert_eq!(closed(&mut without).await.0, 4406);
    let both = [("protocol", "graphql-ws, graphql-transport-ws")];
    let mut both = connect_with(&server, &both).await.unwrap();
    initialise(&mut both).await;
}

#[tokio::test]
async fn a_foreign_origin_is_refused_and_an_allowed_one_is_not() {
    let allowed_origins = vec!["https://panel.example".to_owned()];
    let server = TestServer::start(Options {
        allowed_origins,
        ..Options::default()
    })
    .await;
    let connect = |origin| {
        let server = &server;
        async move {
            let headers = [("origin", origin), ("protocol", "graphql-transport-ws")];
            connect_with(server, &headers).await
        }
    };
    let Err(Error::Http(refused)) = connect("https://evil.example").await else {
        panic!("connected")
    };
    assert_eq!(refused.status(), 403);
    let body: Json = serde_json::from_slice(refused.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert!(connect("https://panel.example").await.is_ok());
    assert!(connect(&format!("http://{}", server.address)).await.is_ok());
}

#[tokio::test]
async fn a_message_that_is_too_big_or_binary_closes_the_connection() {
    let server = TestServer::start(Options {
        max_message_bytes: 1_000,
        ..Options::default()
    })
    .await;
    let mut client = connect(&server).await;
    client.send(Message::text("x".repeat(2_000))).await.unwrap();
    assert_eq!(closed(&mut client).await.0, 1009);
    let mut client = connect(&server).await;
    client.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(closed(&mut client).await.0, 4400);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let stalled_client_timeout = Duration::from_millis(100);
    let server = TestServer::start(Options {
        stalled_client_timeout,
        ..Options::default()
    })
    .await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    subscribe(&mut client, "subscription { flood(bytes: 100000) }").await;
    // The client still holds its end and reads nothing.
    server.idle().await;
    drop(client);
}

#[tokio::test]
async fn the_server_pings_and_drops_a_client_that_never_answers() {
    let ping_interval = Duration::from_millis(50);
    let server = TestServer::start(Options {
        ping_interval,
        ..Options::default()
    })
    .await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    // Reading answers pings, so this client lives through many of them.
    for _ in 0..6 {
        assert!(matches!(
            next(&mut client).await,
            Some(Ok(Message::Ping(_)))
        ));
    }
    let deaf = connect(&server).await;
    let (mut raw, mut pings) = (deaf.into_inner(), 0);
    let mut buffer = [0; 256];
    loop {
        let read = tokio::io::AsyncReadExt::read(&mut raw, &mut buffer);
        let read = tokio::time::timeout(Duration::from_secs(10), read)
            .await
            .unwrap()
            .unwrap();
        // A ping without content is two bytes, 0x89 and 0x00.
        pings += buffer[..read]
            .chunks(2)
            .filter(|frame| *frame == [0x89, 0])
            .count();
        if read == 0 {
            break;
        }
    }
    assert_eq!(pings, 2);
}

#[tokio::test]
async fn a_shutdown_closes_sockets_with_1012_and_completes_nothing() {
    let mut server = TestServer::start(Options::default()).await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    subscribe(&mut client, "subscription { ticks }").await;
    receive(&mut client).await;
    server.stop();
    let (code, reason, texts) = closed(&mut client).await;
    assert_eq!((code, reason.contains("last cursor")), (1012, true));
    assert!(texts.iter().all(|text| !text.contains("complete")));
    server.ended().await;
}

#[tokio::test]
async fn a_client_that_closes_gets_its_close_answered() {
    let server = TestServer::start(Options::default()).await;
    let mut client = connect(&server).await;
    initialise(&mut client).await;
    client.close(None).await.unwrap();
    while let Some(message) = next(&mut client).await {
        assert!(!message.unwrap().is_text());
    }
}

#[tokio::test]
async fn a_message_that_the_protocol_does_not_know_is_closed_with_4400() {
    let server = TestServer::start(Options::default()).await;
    for message in [
        json!({"type": "start_over"}),
        json!({"type": "connection_terminate"}),
    ] {
        let mut client = connect(&server).await;
        initialise(&mut client).await;
        send(&mut client, message).await;
        assert_eq!(closed(&mut client).await.0, 4400);
    }
}
