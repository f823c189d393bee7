//! What is sent in a variable comes back as it was written; a literal follows GraphQL's rules.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use testkit::Expected;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::door::{append_request, payload_of, read_log};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    the_text_of_data_and_metadata_survives_byte_for_byte_to_pages_and_feeds,
    only_white_space_between_tokens_goes,
    every_variable_shape_keeps_the_text,
    a_literal_follows_the_rules_of_graphql,
);

/// Numbers that a reader into 64 bits would change, keys in an order that a map would change, and escapes
/// that a writer would change.
const DATA: &str = r#"{"z":1,"a":1.10,"big":18446744073709551616,"huge":1e300,"cents":1E2,"plus":1e+2,"minus":-0.0,"long":0.1000000000000000055511151231257827,"escapes":"\u00e9\/\"\\\n\ud83d\ude00é😀","":{"2":[],"1":{},"10":[null,true,false]},"weird key":"","tiny":1e-400}"#;
const METADATA: &str = r#"{"source":"timer","n":1.50,"actor_id":"\u0037","b":[1E0,-0]}"#;

/// A body with the two texts as they are.
fn request(stream: &str, data: &str, metadata: &str) -> String {
    let event = json!({"type": "noted", "data": "DATA", "metadata": "METADATA"});
    append_request(stream, Expected::Exactly(0), &json!([event]))
        .replace("\"DATA\"", data)
        .replace("\"METADATA\"", metadata)
}

async fn the_text_of_data_and_metadata_survives_byte_for_byte_to_pages_and_feeds(world: World) {
    let (server, client) = world.server_and_client().await;
    let url = server.base_url().replace("http:", "ws:") + "/graphql";
    let mut upgrade = url.into_client_request().unwrap();
    upgrade.headers_mut().insert(
        "sec-websocket-protocol",
        "graphql-transport-ws".parse().unwrap(),
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(upgrade).await.unwrap();
    socket
        .send(Message::text(r#"{"type":"connection_init"}"#))
        .await
        .unwrap();
    let query = "subscription { events(from: {at: ORIGIN}) {
        ... on EventReceived { event { data rawText metadata { raw actorId } } } } }";
    let subscribe = json!({"id": "1", "type": "subscribe", "payload": {"query": query}});
    socket
        .send(Message::text(subscribe.to_string()))
        .await
        .unwrap();

    let stream = new_stream("game");
    let query = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) {
        ... on Appended { events { data metadata { raw } } } } }";
    let input = format!(
        r#"{{"stream":"{stream}","expectedVersion":{{"exactly":0}},"events":[{{"type":"noted","data":{DATA},"metadata":{METADATA}}}]}}"#
    );
    let body = format!(
        r#"{{"query":{},"variables":{{"input":{input}}}}}"#,
        Value::from(query)
    );
    let answers = [
        client.raw(body).await.body,
        client
            .raw(json!({"query": format!(r#"{{ stream(name: "{stream}") {{ events {{ nodes {{ data metadata {{ raw }} }} }} }} }}"#)}).to_string())
            .await
            .body,
        client
            .raw(json!({"query": "{ eventAt(position: 1) { data rawText metadata { raw actorId } } }"}).to_string())
            .await
            .body,
        received(&mut socket).await,
    ];
    for (index, answer) in answers.iter().enumerate() {
        assert!(
            answer.contains(&format!(r#""data":{DATA}"#)),
            "{index}: {answer}"
        );
        assert!(
            answer.contains(&format!(r#""raw":{METADATA}"#)),
            "{index}: {answer}"
        );
    }
    for answer in &answers[2..] {
        assert!(
            answer.contains(&format!(r#""rawText":{}"#, Value::from(DATA))),
            "{answer}"
        );
        assert!(answer.contains(r#""actorId":"7""#), "{answer}");
    }
}

/// The text of the first frame with an event.
async fn received<S>(socket: &mut S) -> String
where
    S: StreamExt<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    let waiting = async {
        loop {
            let frame = socket.next().await.expect("the socket ended").unwrap();
            if let Message::Text(text) = frame
                && text.contains("rawText")
            {
                return text.as_str().to_owned();
            }
        }
    };
    tokio::time::timeout(testkit::DEFAULT_DEADLINE, waiting)
        .await
        .expect("an event")
}

async fn only_white_space_between_tokens_goes(world: World) {
    let (_server, client) = world.server_and_client().await;
    let spaced = " { \"b\" :\t1.0 ,\r\n \"a\" : [ 1 , \" two  words \" , { } ] }\n";
    let body = request(&new_stream("game"), spaced, " {  } ");
    let payload = payload_of(client.raw(body).await.json(), "appendToStream");
    assert_eq!(
        payload["events"][0]["rawText"],
        r#"{"b":1.0,"a":[1," two  words ",{}]}"#
    );
}

async fn every_variable_shape_keeps_the_text(world: World) {
    let (_server, client) = world.server_and_client().await;
    let literal = |events: &str| {
        format!(
            r#"appendToStream(input: {{stream: "{}", expectedVersion: {{exactly: 0}}, events: {events}}}) {{ __typename }} }}"#,
            new_stream("game")
        )
    };
    let event = format!(r#"{{"type":"noted","data":{DATA},"metadata":{METADATA}}}"#);
    let part = format!(
        r#"{{"stream":"{}","expectedVersion":{{"exactly":0}},"events":[{event}]}}"#,
        new_stream("game")
    );
    let shapes = [
        (format!("mutation($events: [NewEventInput!]!) {{ {}", literal("$events")), format!(r#"{{"events":[{event}]}}"#)),
        // One event may stand for a list of one.
        (format!("mutation($events: [NewEventInput!]!) {{ {}", literal("$events")), format!(r#"{{"events":{event}}}"#)),
        (format!("mutation($event: NewEventInput!) {{ {}", literal("[$event]")), format!(r#"{{"event":{event}}}"#)),
        (
            format!("mutation($data: JSON!, $metadata: JSON) {{ {}", literal(r#"[{type: "noted", data: $data, metadata: $metadata}]"#)),
            format!(r#"{{"data":{DATA},"metadata":{METADATA}}}"#),
        ),
        (
            "mutation($part: StreamAppendInput!) { appendBatch(input: {streams: [$part]}) { __typename } }".to_owned(),
            format!(r#"{{"part":{part}}}"#),
        ),
    ];
    let count = shapes.len();
    for (query, variables) in shapes {
        let body = format!(
            r#"{{"query":{},"variables":{variables}}}"#,
            Value::from(query)
        );
        let answer = client.raw(body).await;
        assert!(answer.json().get("errors").is_none(), "{}", answer.body);
    }
    let log = read_log(&client).await;
    assert_eq!(log.len(), count);
    for event in log {
        assert_eq!(event["rawText"], DATA);
    }
    let query = r#"mutation($value: JSON) { appendToStream(input: {stream: "game-inner",
        expectedVersion: {exactly: 0}, events: [{type: "noted", data: {whole: [$value, 1]}}]}) { __typename } }"#;
    let body = format!(
        r#"{{"query":{},"variables":{{"value":{DATA}}}}}"#,
        Value::from(query)
    );
    client.raw(body).await;
    let inner = &read_log(&client).await[count];
    assert_eq!(inner["rawText"], format!(r#"{{"whole":[{DATA},1]}}"#));
}

async fn a_literal_follows_the_rules_of_graphql(world: World) {
    let (_server, client) = world.server_and_client().await;
    let query = r#"mutation { appendToStream(input: {stream: "game-literal", expectedVersion: {exactly: 0},
        events: [{type: "noted", data: {
            z: 1, a: 1.10, hundred: 1E2, big: 18446744073709551615, bigger: 18446744073709551616,
            text: "a\u00e9\/", block: """two words""", colour: RED, list: [true, null, {}], b: -7
        }}]}) { __typename ... on Refusal { message } } }"#;
    let answer = client.query(query, Value::Null).await;
    assert_eq!(
        answer["appendToStream"]["__typename"], "Appended",
        "{answer:#}"
    );
    // Numbers are read as 64-bit integers or floats, strings lose their escapes, and a bare name becomes
    // a string. The order of the keys stays.
    assert_eq!(
        read_log(&client).await[0]["rawText"],
        r#"{"z":1,"a":1.1,"hundred":100.0,"big":18446744073709551615,"bigger":1.8446744073709552e+19,"text":"aé/","block":"two words","colour":"RED","list":[true,null,{}],"b":-7}"#
    );
}
