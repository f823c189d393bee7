use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::super::test_server::{TestServer, server};
use super::super::{Component, Options, ReadinessCheck, Server};
use crate::graphql::test_schema;

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

async fn run_on(server: &Server, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = server.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, body.to_vec())
}

async fn run(request: Request<Body>) -> (u16, HeaderMap, Json) {
    let (status, headers, body) = run_on(&server(Options::default()), request).await;
    (
        status.as_u16(),
        headers,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

fn post(accept: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(body.into())
        .unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn query(text: &str) -> String {
    json!({"query": text}).to_string()
}

fn code(body: &Json) -> &str {
    body["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn an_answer_has_the_media_type_that_was_asked_for() {
    for (accept, expected) in [
        (
            GRAPHQL_RESPONSE,
            "application/graphql-response+json; charset=utf-8",
        ),
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let (status, headers, body) = run(post(accept, query("{ hello }"))).await;
        assert_eq!((status, &body), (200, &json!({"data": {"hello": "world"}})));
        assert_eq!(headers[header::CONTENT_TYPE], expected);
    }
}

#[tokio::test]
async fn what_cannot_run_is_400_for_the_new_media_type_and_200_for_json() {
    for text in ["{", "{ nothing }", "query($n: Int!) { echo(n: $n) }"] {
        let (status, _, body) = run(post(GRAPHQL_RESPONSE, query(text))).await;
        assert_eq!((status, body.get("data")), (400, None), "{text}");
        let (status, _, body) = run(post("application/json", query(text))).await;
        assert_eq!((status, body.get("data")), (200, None), "{text}");
    }
    let partial = run(post(GRAPHQL_RESPONSE, query("{ hello fails }"))).await;
    assert_eq!((partial.0, code(&partial.2)), (200, "INTERNAL"));
}

#[tokio::test]
async fn what_is_no_request_is_400_for_both() {
    for accept in [GRAPHQL_RESPONSE, "application/json"] {
        for body in ["", "{", "[]", "{}", r#"{"query":"{hello}","variables":[]}"#] {
            let (status, _, answer) = run(post(accept, body)).await;
            assert_eq!(status, 400, "{body}");
            assert!(!code(&answer).is_empty(), "{body}");
        }
    }
}

#[tokio::test]
async fn a_panic_is_500() {
    let (status, _, body) = run(post("application/json", query("{ panics }"))).await;
    assert_eq!((status, code(&body)), (500, "INTERNAL"));
}

#[tokio::test]
async fn get_queries_and_does_not_mutate() {
    let variables = "%7B%22n%22%3A7%7D";
    let path =
        format!("/graphql?query=query(%24n%3AInt!)%7Becho(n%3A%24n)%7D&variables={variables}");
    assert_eq!(run(get(&path)).await.2, json!({"data": {"echo": 7}}));
    let mutation = "/graphql?query=mutation%7Bappend(input%3A%7Bevents%3A%5B%5D%7D)%7D";
    let (status, headers, body) = run(get(mutation)).await;
    assert_eq!(
        (status, &headers[header::ALLOW]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(code(&body), "INVALID_ARGUMENT");
    assert_eq!(run(get("/graphql")).await.0, 400);
    assert_eq!(
        run(get("/graphql?query=%7Bhello%7D&query=%7Bhello%7D"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn other_methods_paths_and_media_types_are_refused() {
    let delete = Request::delete("/graphql").body(Body::empty()).unwrap();
    let (status, headers, body) = run(delete).await;
    assert_eq!(
        (status, &headers[header::ALLOW]),
        (405, &"GET, POST".parse().unwrap())
    );
    assert_eq!(code(&body), "INVALID_ARGUMENT");
    assert_eq!(run(get("/nothing")).await.0, 404);
    let (status, headers, body) = run(post("text/html", query("{ hello }"))).await;
    assert_eq!((status, code(&body)), (406, "INVALID_ARGUMENT"));
    assert_eq!(
        headers[header::CONTENT_TYPE],
        "application/json; charset=utf-8"
    );
}

#[tokio::test]
async fn a_body_that_does_not_claim_to_be_json_is_not_read() {
    for content_type in [
        None,
        Some("text/plain"),
        Some("multipart/form-data"),
        Some("application/json;charset=x"),
    ] {
        let mut request = Request::post("/graphql")
            .body(Body::from(query("{ hello }")))
            .unwrap();
        let headers = request.headers_mut();
        headers.extend(content_type.map(|kind| (header::CONTENT_TYPE, kind.parse().unwrap())));
        assert_eq!(run(request).await.0, 415, "{content_type:?}");
    }
    let mut compressed = post("*/*", query("{ hello }"));
    compressed
        .headers_mut()
        .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(run(compressed).await.0, 415);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_length_or_while_it_comes() {
    let small = server(Options {
        body_limit_bytes: 100,
        ..Options::default()
    });
    let mut announced = post("*/*", "");
    announced
        .headers_mut()
        .insert(header::CONTENT_LENGTH, "101".parse().unwrap());
    let (status, _, body) = run_on(&small, announced).await;
    assert_eq!(status, 413);
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("100 bytes; this one has 101")
    );

    let endless = futures_util::stream::repeat_with(|| std::io::Result::Ok("x".repeat(60)));
    let (status, _, _) = run_on(&small, post("*/*", Body::from_stream(endless))).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn an_operation_or_a_body_that_takes_too_long_is_stopped() {
    let request_timeout = Duration::from_millis(50);
    let hasty = server(Options {
        request_timeout,
        ..Options::default()
    });
    let (status, _, body) = run_on(&hasty, post("*/*", query("{ never }"))).await;
    let body: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), code(&body)), (504, "TIMEOUT"));
    assert_eq!(body["errors"][0]["extensions"]["retryable"], json!(true));
    let silent = futures_util::stream::pending::<Result<String, std::io::Error>>();
    let (status, _, _) = run_on(&hasty, post("*/*", Body::from_stream(silent))).await;
    assert_eq!(status, 408);
}

#[tokio::test]
async fn a_traceparent_names_the_error() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut request = post("*/*", query("{ fails }"));
    let traceparent = format!("00-{id}-00f067aa0ba902b7-01");
    request
        .headers_mut()
        .insert("traceparent", traceparent.parse().unwrap());
    assert_eq!(
        run(request).await.2["errors"][0]["extensions"]["traceId"],
        id
    );
}

#[tokio::test]
async fn the_schema_and_the_playground_are_served() {
    let server = server(Options::default());
    let (status, headers, body) = run_on(&server, get("/schema.graphql")).await;
    assert_eq!(status, 200);
    assert_eq!(headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("type Subscription")
    );
    let (status, headers, _) = run_on(&server, get("/")).await;
    assert_eq!(
        (status.as_u16(), &headers[header::LOCATION]),
        (307, &"/playground".parse().unwrap())
    );
    let (status, headers, _) = run_on(&server, get("/playground")).await;
    assert_eq!(
        (status.as_u16(), &headers[header::CONTENT_TYPE]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert_eq!(run(get("/playground/playground.js")).await.0, 200);
    assert_eq!(run(get("/playground/nothing.js")).await.0, 404);
}

#[tokio::test]
async fn readiness_is_what_the_check_says() {
    let component = |healthy| Component {
        name: "database".to_owned(),
        healthy,
        detail: None,
    };
    for (healthy, expected) in [(true, 200), (false, 503)] {
        let check = ReadinessCheck::new(move || async move { vec![component(healthy)] });
        let server = Server::new(test_schema::api(), Options::default(), check);
        let (status, _, body) = run_on(&server, get("/health/ready")).await;
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status.as_u16(), &body["components"][0]["healthy"]),
            (expected, &json!(healthy))
        );
        assert_eq!(run_on(&server, get("/health/live")).await.0, 200);
    }
}

#[tokio::test]
async fn a_readiness_check_that_hangs_counts_as_failed() {
    let check = ReadinessCheck::new(std::future::pending);
    let options = Options {
        request_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let server = Server::new(test_schema::api(), options, check);
    assert_eq!(run_on(&server, get("/health/ready")).await.0, 503);
}

/// Sends a request over a connection of its own and gives the whole answer.
async fn exchange(stream: &mut TcpStream, text: &str) -> String {
    let body = query(text);
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_shutdown_stops_what_outlives_its_grace_time() {
    let shutdown_grace = Duration::from_millis(100);
    let mut server = TestServer::start(Options {
        shutdown_grace,
        ..Options::default()
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let hanging = tokio::spawn(async move { exchange(&mut stream, "{ never }").await });
    let mut other = TcpStream::connect(server.address).await.unwrap();
    assert!(exchange(&mut other, "{ hello }").await.contains("world"));
    server.stop();
    server.ended().await;
    let answer = hanging.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"),
        "{answer}"
    );
}
