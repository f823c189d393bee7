//! The temporary PostgreSQL keeps its promises, also to a test that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{ChaosProxy, PostgresCluster, PostgresServer, eventually, shared_postgres};

/// Whether a process exists and is not merely waiting to be reaped.
fn is_alive(process_id: &str) -> bool {
    let ps = Command::new("ps")
        .args(["-o", "stat=", "-p", process_id])
        .output();
    let state = ps
        .expect("`ps` is there, of Debian's package procps")
        .stdout;
    !state.is_empty() && !state.starts_with(b"Z")
}

#[tokio::test]
async fn tests_of_one_process_share_a_server_and_each_has_its_own_database() {
    let (first, second) = tokio::join!(
        async { shared_postgres().await.create_database().await },
        async { shared_postgres().await.create_database().await }
    );
    assert_ne!(first, second);
    let (server, database) = first.rsplit_once('/').unwrap();
    assert_eq!(
        Some(server),
        second.rsplit_once('/').map(|(server, _)| server)
    );

    let server = shared_postgres().await;
    server
        .execute(database, "CREATE TABLE only_here (value TEXT)")
        .await;
    let elsewhere = second.rsplit_once('/').unwrap().1;
    let refusal = server
        .try_execute(elsewhere, "SELECT * FROM only_here")
        .await
        .unwrap_err();
    assert!(refusal.contains("does not exist"), "{refusal}");
}

#[tokio::test]
async fn text_is_utf8_and_durability_is_on() {
    let server = shared_postgres().await;
    let settings = "SELECT current_setting('server_encoding'), current_setting('fsync'), \
                    current_setting('synchronous_commit'), current_setting('max_connections')";
    assert_eq!(server.execute("postgres", settings).await, "UTF8|on|on|200");
}

#[tokio::test]
async fn what_was_committed_survives_a_restart_and_a_crash_on_the_same_port() {
    let cluster = PostgresCluster::start().await;
    let url = cluster.create_database().await;
    let database = url.rsplit_once('/').unwrap().1;
    let server = cluster.server();
    server
        .execute(
            database,
            "CREATE TABLE kept (number INT); INSERT INTO kept VALUES (1)",
        )
        .await;

    cluster.restart().await;
    server
        .execute(database, "INSERT INTO kept VALUES (2)")
        .await;
    cluster.stop_immediate().await;
    assert_eq!(cluster.process_id(), None);
    server.try_execute(database, "SELECT 1").await.unwrap_err();

    cluster.start_again().await;
    let kept = server
        .execute(database, "SELECT number FROM kept ORDER BY number")
        .await;
    assert_eq!(kept, "1\n2");
    assert_eq!(cluster.url(database), url);
}

#[tokio::test]
async fn a_dropped_cluster_leaves_neither_a_process_nor_a_file() {
    let cluster = PostgresCluster::start().await;
    let process_id = cluster.process_id().unwrap().to_string();
    let data = cluster
        .server()
        .execute("postgres", "SHOW data_directory")
        .await;
    assert!(is_alive(&process_id) && Path::new(&data).exists());
    drop(cluster);
    assert!(!is_alive(&process_id));
    assert!(!Path::new(&data).parent().unwrap().exists());
}

#[tokio::test]
async fn a_cluster_ends_with_the_process_that_started_it_even_when_that_is_killed() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_temporary-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let process_line = lines.next().unwrap().unwrap();
    let server_line = lines.next().unwrap().unwrap();
    let process_id = process_line.strip_prefix("process ").unwrap();
    let base_url = server_line.strip_prefix("TESTKIT_POSTGRES=").unwrap();
    let server = PostgresServer::at(base_url);
    let data = server.execute("postgres", "SHOW data_directory").await;
    assert!(is_alive(process_id) && Path::new(&data).exists());

    holder.kill().unwrap(); // SIGKILL: nothing of the holder's own code runs any more
    holder.wait().unwrap();

    eventually("the server to end", async || {
        (!is_alive(process_id)).then_some(())
    })
    .await;
    let folder = Path::new(&data).parent().unwrap();
    eventually("the folder to be removed", async || {
        (!folder.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_committed_all_the_same() {
    let server = shared_postgres().await;
    let url = server.create_database().await;
    let (base_url, database) = url.rsplit_once('/').unwrap();
    server
        .execute(database, "CREATE TABLE kept (number INT)")
        .await;
    let proxy = ChaosProxy::start(base_url.rsplit_once('@').unwrap().1).await;
    let through_proxy = PostgresServer::at(&proxy.url(base_url));

    proxy.cut_reply_containing("COMMIT", "COMMIT\0");
    let transaction = "BEGIN; INSERT INTO kept VALUES (1); COMMIT";
    let broken = through_proxy
        .try_execute(database, transaction)
        .await
        .unwrap_err();
    assert!(
        broken.contains("server closed the connection unexpectedly"),
        "{broken}"
    );
    assert_eq!(proxy.triggers(), 1);
    assert_eq!(
        server.execute(database, "SELECT number FROM kept").await,
        "1"
    );

    through_proxy
        .execute(database, "INSERT INTO kept VALUES (2)")
        .await;
    assert_eq!(proxy.triggers(), 1);
}
