//! What the person who runs the server relies on: guards, health, and a log without secrets.

use serde_json::{Value, json};
use testkit::{ChaosProxy, Expected, GraphqlClient, ProxyMode, ServerProcess, eventually};

use crate::command_line::{run, run_on};
use crate::support::{World, new_stream, on_both_backends, prepare_at};

on_both_backends!(
    reset_asks_twice_is_refused_in_production_and_makes_a_new_store,
    health_tells_that_the_server_lives_and_is_ready,
);

async fn reset_asks_twice_is_refused_in_production_and_makes_a_new_store(world: World) {
    let server = world
        .prepare()
        .environment("GAMEBOT_PROJECTIONS_RUN", "true");
    let mut server = server.start().await;
    let client = GraphqlClient::new(&server.base_url());
    append_one(&client).await;
    let before = client
        .query("{ head { position cursor } server { storeId } }", json!({}))
        .await;
    eventually("there are projections to delete", async || {
        let answer = client.query("{ projections { state } }", json!({})).await;
        (answer["projections"][0]["state"] == "CAUGHT_UP").then_some(())
    })
    .await;
    server.terminate().await;

    let place = if world.is_sqlite() {
        "log.db"
    } else {
        "postgres://"
    };
    run_on(&world, &["reset"])
        .await
        .failed(2, &["nothing is deleted without --yes", place]);
    let production = [("PROFILE", "prod"), ("DATABASE_URL", world.database_url())];
    run(&["reset", "--yes"], &production)
        .await
        .failed(2, &["refused under the profile prod", place]);
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    assert_eq!(
        client.query("{ head { position } }", json!({})).await["head"]["position"],
        1
    );
    server.terminate().await;

    let derived = world.folder().join("log-projections.db");
    assert_eq!(derived.exists(), world.is_sqlite(), "they are made anew");
    let outcome = run_on(&world, &["reset", "--yes"]).await.succeeded();
    assert!(outcome.stdout.starts_with("deleted "), "{outcome:?}");
    assert!(outcome.stdout.contains("projections"), "{outcome:?}");
    assert!(!derived.exists(), "the projections are deleted");
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let after = client
        .query("{ head { position } server { storeId } }", json!({}))
        .await;
    assert_eq!(after["head"]["position"], 0);
    assert_ne!(after["server"]["storeId"], before["server"]["storeId"]);
    let errors = client
        .query_for_errors(
            "query($after: String) { events(after: $after) { head } }",
            json!({"after": before["head"]["cursor"]}),
        )
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "INVALID_CURSOR");
    let message = errors[0]["message"].as_str().unwrap();
    for store in [&before, &after] {
        assert!(
            message.contains(store["server"]["storeId"].as_str().unwrap()),
            "{message}"
        );
    }
}

async fn health_tells_that_the_server_lives_and_is_ready(world: World) {
    let server = world.server().await;
    assert_eq!(
        health(&server, "live").await,
        (200, json!({"status": "live"}))
    );
    let (code, body) = health(&server, "ready").await;
    let database = json!({"name": "database", "healthy": true});
    let committer = json!({"name": "committer", "healthy": true});
    assert_eq!(
        (code, body),
        (
            200,
            json!({"status": "ready", "components": [database, committer]})
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_without_its_database_a_server_lives_and_is_not_ready() {
    let world = World::postgres().await;
    let proxy = ChaosProxy::start(world.authority()).await;
    let server = prepare_at(&proxy.url(world.database_url()))
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "500")
        .start()
        .await;
    let ready = async |wanted: u16| {
        eventually("the readiness to follow the database", async || {
            let (code, body) = health(&server, "ready").await;
            (code == wanted).then_some(body)
        })
        .await
    };
    ready(200).await;
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_all();
    let body = ready(503).await;
    assert_eq!(body["status"], "unavailable");
    assert_eq!(body["components"][0]["healthy"], false);
    assert_eq!(health(&server, "live").await.0, 200);
    proxy.set_mode(ProxyMode::Pass).await;
    ready(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_a_second_process_on_one_file_is_refused_naming_the_file() {
    let world = World::sqlite();
    let mut server = world.server().await;
    let file = world.folder().join("log.db").display().to_string();
    for arguments in [&["serve"][..], &["migrate"], &["reset", "--yes"]] {
        let outcome = run_on(&world, arguments).await;
        outcome.failed(1, &["another process has the database", &file]);
    }
    append_one(&GraphqlClient::new(&server.base_url())).await;
    // However the first process ends, the file is free afterwards.
    server.kill();
    run_on(&world, &["migrate"]).await.succeeded();
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_stops_the_start_and_says_what_is_allowed() {
    for (variable, value, said) in [
        (
            "GAMEBOT_GRAPHQL_PAGE_MAX",
            "many",
            &["graphql.page_max", "many", "give "][..],
        ),
        (
            "GAMEBOT_GRAPHQL_PAGE_MAX",
            "0",
            &["graphql.page_max", "GAMEBOT_GRAPHQL_PAGE_MAX", "give "],
        ),
        (
            "GAMEBOT_LOG_FORMAT",
            "xml",
            &["log.format", "xml", "text", "json"],
        ),
        (
            "GAMEBOT_SERVER_ALLOW_REMOTE",
            "perhaps",
            &["server.allow_remote", "perhaps", "true", "false"],
        ),
        (
            "GAMEBOT_GRAPHQL_PAGE_MAXIMUM",
            "5",
            &["GAMEBOT_GRAPHQL_PAGE_MAXIMUM", "GAMEBOT_GRAPHQL_PAGE_MAX?"],
        ),
        ("LISTEN", "here", &["server.listen", "here", "give "]),
        (
            "DATABASE_URL",
            "mysql://localhost/x",
            &["database.url", "sqlite://", "postgres://"],
        ),
        ("PROFILE", "staging", &["staging", "dev", "test", "prod"]),
        (
            "GAMEBOT_GRAPHQL_PAGE_DEFAULT",
            "1001",
            &["graphql.page_default", "1001", "graphql.page_max"],
        ),
    ] {
        run(&["serve"], &[(variable, value)]).await.failed(2, said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_beyond_loopback_needs_to_be_allowed() {
    let world = World::sqlite();
    let environment = [("PROFILE", "test"), ("DATABASE_URL", world.database_url())];
    for address in ["0.0.0.0:0", "[::]:0"] {
        let outcome = run(&["serve", "--listen", address], &environment).await;
        outcome.failed(2, &[address, "no authentication", "server.allow_remote"]);
    }
    let allowed = world
        .prepare()
        .listen("0.0.0.0:0")
        .environment("GAMEBOT_SERVER_ALLOW_REMOTE", "true");
    let server = allowed.start().await;
    assert!(server.authority().starts_with("0.0.0.0:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_password_stands_in_no_line() {
    let world = World::postgres().await;
    let credentials = world.database_url().split(['/', '@']).nth(2).unwrap();
    let (_, password) = credentials.split_once(':').unwrap();
    assert!(
        password.len() > 8,
        "{password} may stand in a line by chance"
    );
    let proxy = ChaosProxy::start(world.authority()).await;
    let url = proxy.url(world.database_url());
    let server = prepare_at(&url)
        .environment("GAMEBOT_LOG_LEVEL", "trace")
        .environment("GAMEBOT_DATABASE_CONNECT_TIMEOUT_MS", "500")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    append_one(&client).await;
    proxy.set_mode(ProxyMode::Refuse).await;
    proxy.cut_all();
    let errors = client
        .query_for_errors("{ events { nodes { position } } }", json!({}))
        .await;
    assert_eq!(errors[0]["extensions"]["code"], "CONNECTION_ERROR");
    let unreachable = [
        ("PROFILE", "test"),
        ("DATABASE_URL", url.as_str()),
        ("GAMEBOT_LOG_LEVEL", "trace"),
    ];
    let started = run(&["serve"], &unreachable).await.failed_somehow();
    let shown = run(&["config"], &unreachable).await.succeeded();
    let texts = [
        server.logs(),
        errors[0].to_string(),
        started.stdout,
        started.stderr,
        shown.stdout,
        shown.stderr,
    ];
    assert!(texts[0].len() > 1000, "the log was on: {}", texts[0]);
    for text in texts {
        assert!(!text.contains(password), "{text}");
    }
}

async fn append_one(client: &GraphqlClient) {
    let events = json!([{"type": "guess_processed", "data": {}}]);
    client
        .appended(&new_stream("game"), Expected::NoStream, events)
        .await;
}

async fn health(server: &ServerProcess, kind: &str) -> (u16, Value) {
    let url = format!("{}/health/{kind}", server.base_url());
    let response = GraphqlClient::new(&server.base_url())
        .http()
        .get(url)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}
