//! A pooler in transaction mode between server and database.

use serde_json::{Value, json};
use testkit::{
    ChaosProxy, GraphqlClient, PgBouncer, ProxyMode, ServerProcessBuilder, eventually,
    shared_postgres,
};

use crate::command_line::run;
use crate::follow::feed::{Feed, Kind};
use crate::follow::writer::append_ticks;
use crate::support::{World, prepare_at};

/// A database and a pooler before it, with fewer connections than a server takes.
async fn pooled() -> (World, PgBouncer) {
    let world = World::postgres().await;
    let pooler = PgBouncer::start(world.database_url(), 3).await;
    (world, pooler)
}

fn prepare(url: &str) -> ServerProcessBuilder {
    prepare_at(url).environment("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_not_changed_through_a_pooler_and_the_refusal_says_what_to_do() {
    let (world, pooler) = pooled().await;
    let url = pooler.url(world.database_url());
    let settings = [
        ("PROFILE", "test"),
        ("DATABASE_URL", &url),
        ("GAMEBOT_DATABASE_TRANSACTION_POOLER", "true"),
    ];
    for command in [&["serve"][..], &["migrate"], &["reset", "--yes"]] {
        let outcome = run(command, &settings).await;
        outcome.failed(1, &["database.listen_url", "database.migrate_at_start"]);
    }
    // With a direct way they are, and everything else goes through the pooler.
    let mut settings = settings.to_vec();
    settings.push(("GAMEBOT_DATABASE_LISTEN_URL", world.database_url()));
    run(&["migrate"], &settings).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_direct_way_nodes_find_by_polling_what_others_append_and_say_so_once() {
    let (world, pooler) = pooled().await;
    let direct = [("PROFILE", "test"), ("DATABASE_URL", world.database_url())];
    run(&["migrate"], &direct).await.succeeded();
    let prepare = || {
        prepare(&pooler.url(world.database_url()))
            .environment("GAMEBOT_DATABASE_MIGRATE_AT_START", "false")
            .environment("GAMEBOT_LOG_LEVEL", "info")
    };
    let (here, there) = (prepare().start().await, prepare().start().await);
    let mut feed = Feed::start(&here.base_url(), json!({"at": "ORIGIN"}), Value::Null).await;
    let last = append_ticks(&GraphqlClient::new(&there.base_url()), "game-1", 5).await;
    feed.until_position(last).await;
    assert_eq!(feed.event_positions(), [1, 2, 3, 4, 5]);
    let logs = here.logs();
    assert_eq!(logs.matches("by polling alone").count(), 1, "{logs}");
}

/// What is set for a session elsewhere is set in each transaction here, since a session may have been
/// somebody else's a moment ago.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_through_a_pooler_has_its_settings_in_its_transaction() {
    let (world, pooler) = pooled().await;
    let direct = [("PROFILE", "test"), ("DATABASE_URL", world.database_url())];
    run(&["migrate"], &direct).await.succeeded();
    let (_, database) = world.database_url().rsplit_once('/').unwrap();
    let postgres = shared_postgres().await;
    let spy = "CREATE TABLE spied (settings text);
         CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           INSERT INTO spied SELECT concat_ws(' ', current_setting('synchronous_commit'),
             current_setting('transaction_isolation'), current_setting('statement_timeout'),
             current_setting('idle_in_transaction_session_timeout'));
           RETURN NULL; END $$;
         CREATE TRIGGER spy AFTER UPDATE ON log_head EXECUTE FUNCTION spy()";
    postgres.execute(database, spy).await;
    let hostile = format!(
        "ALTER DATABASE {database} SET synchronous_commit = 'off';
         ALTER DATABASE {database} SET default_transaction_isolation = 'serializable';
         ALTER DATABASE {database} SET default_transaction_read_only = 'on'"
    );
    postgres.execute(database, &hostile).await;
    let server = prepare(&pooler.url(world.database_url()))
        .environment("GAMEBOT_DATABASE_MIGRATE_AT_START", "false")
        .environment("GAMEBOT_DATABASE_STATEMENT_TIMEOUT_MS", "7777")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    for _ in 0..10 {
        append_ticks(&client, "game-1", 1).await;
    }
    let seen = postgres
        .execute(database, "SELECT DISTINCT settings FROM spied")
        .await;
    assert_eq!(seen, "on read committed 7777ms 7777ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_pooler_is_away_reads_say_so_and_everything_resumes_by_itself() {
    let (world, pooler) = pooled().await;
    let proxy = ChaosProxy::start(&pooler.authority()).await;
    let server = prepare(&proxy.url(&pooler.url(world.database_url())))
        .environment("GAMEBOT_DATABASE_LISTEN_URL", world.database_url())
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let mut feed = Feed::start(&server.base_url(), json!({"at": "ORIGIN"}), Value::Null).await;
    feed.expect_kind(Kind::CaughtUp).await;
    append_ticks(&client, "game-1", 1).await;
    for round in 1..=2 {
        proxy.set_mode(ProxyMode::Refuse).await;
        proxy.cut_all();
        let errors = client
            .query_for_errors("{ head { position } }", json!({}))
            .await;
        assert_eq!(errors[0]["extensions"]["code"], "CONNECTION_ERROR");
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { append_ticks(&client, "game-1", 1).await }
        });
        proxy.set_mode(ProxyMode::Pass).await;
        assert_eq!(waiting.await.unwrap(), round + 1);
        eventually("reads to resume", async || {
            let answer = client.execute("{ head { position } }", json!({})).await;
            answer.get("errors").is_none().then_some(())
        })
        .await;
        feed.until_position(round + 1).await;
    }
    assert_eq!(feed.event_positions(), [1, 2, 3]);
}
