//! Every event counts exactly once, whenever the server is killed.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};

use super::door::{event, head, prepare, wait_until_built};
use super::story::answers;
use crate::support::{World, on_both_backends};

on_both_backends!(a_killed_server_goes_on_where_it_was_and_counts_nothing_twice);

/// How often the server is killed.
const KILLS: usize = 4;
/// The streams that are written meanwhile.
const WRITERS: usize = 3;

async fn a_killed_server_goes_on_where_it_was_and_counts_nothing_twice(world: World) {
    let mut server = prepare(&world)
        // Many small transactions, so that a kill hits one.
        .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "3")
        .environment("GAMEBOT_PROJECTIONS_TAKEOVER_AFTER_MS", "1500")
        .start()
        .await;
    for round in 0..KILLS {
        let client = GraphqlClient::new(&server.base_url());
        wait_until_built(&client).await;
        let writers = (0..WRITERS).map(|writer| write_until_it_dies(&client, writer));
        let writing = futures_util::future::join_all(writers);
        let killing = async {
            let wanted = (round as u64 + 1) * 40;
            eventually("some errors are counted", async || {
                (counted(&client, 0).await? >= wanted).then_some(())
            })
            .await;
            server.kill();
        };
        tokio::join!(writing, killing);
        server.start_again().await;
    }
    let client = GraphqlClient::new(&server.base_url());
    let now = head(&client).await;
    let mut written = 0;
    for writer in 0..WRITERS {
        let text = format!("{{ stream(name: \"gamelog-w{writer}\") {{ version }} }}");
        written += client.query(&text, json!({})).await["stream"]["version"]
            .as_u64()
            .unwrap();
    }
    assert_eq!(counted(&client, now).await, Some(written));
    assert_eq!(
        answers(&client, now).await["errorLog"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Appends one error after the other, until the server is gone.
async fn write_until_it_dies(client: &GraphqlClient, writer: usize) {
    loop {
        let fields = json!({"reason": "game_not_found", "details": null});
        let input = json!({
            "stream": format!("gamelog-w{writer}"),
            "expectedVersion": Expected::Any.to_json(),
            "events": [event("game_error", 0, fields)],
        });
        let query = "mutation($input: AppendToStreamInput!) { appendToStream(input: $input) { __typename } }";
        let body = json!({"query": query, "variables": {"input": input}}).to_string();
        if client.try_raw(body).await.is_err() {
            return;
        }
    }
}

/// How many errors the projection has counted; none while it cannot be asked.
async fn counted(client: &GraphqlClient, position: i64) -> Option<u64> {
    let query = format!("{{ errorLog(waitForPosition: {position}) {{ nodes {{ count }} }} }}");
    let body = json!({ "query": query }).to_string();
    let answer: Value = client.try_raw(body).await.ok()?.json();
    let sums = answer["data"]["errorLog"]["nodes"].as_array()?;
    Some(sums.iter().map(|sum| sum["count"].as_u64().unwrap()).sum())
}
