//! A rebuild comes to the same answers.

use serde_json::json;
use testkit::{GraphqlClient, eventually};

use super::door::{end, start};
use super::story::{STREAMS, answers, tell};
use crate::support::{World, on_both_backends};

on_both_backends!(a_rebuild_comes_to_the_answers_of_the_build_that_has_followed);

const SMALL: [&str; 4] = ["TEAMS", "PLAYERS", "GUILDS", "OBSERVATIONS"];

async fn a_rebuild_comes_to_the_answers_of_the_build_that_has_followed(world: World) {
    let (_server, client) = start(&world).await;
    tell(&client, 0).await;
    tell(&client, 3).await;
    // Some streams are gone, some have begun anew, some were never touched.
    for stream in [STREAMS[0], STREAMS[2], STREAMS[4]] {
        end(&client, "deleteStream", stream).await;
    }
    let now = end(&client, "tombstoneStream", STREAMS[6]).await;
    let halfway = answers(&client, now).await;
    rebuild_all(&client).await;
    assert_eq!(answers(&client, now).await, halfway);

    for stream in &STREAMS[..6] {
        super::door::append(&client, stream, super::story::events_of(stream, 9)).await;
    }
    let now = super::door::head(&client).await;
    let at_the_end = answers(&client, now).await;
    assert_ne!(at_the_end, halfway);
    rebuild_all(&client).await;
    assert_eq!(answers(&client, now).await, at_the_end);
}

/// Rebuilds the small projections, and waits until the new builds answer.
async fn rebuild_all(client: &GraphqlClient) {
    for name in SMALL {
        let text = format!(
            "mutation {{ rebuildProjection(input: {{projection: {name}}}) {{
                ... on RebuildStarted {{ build {{ number }} }} }} }}"
        );
        let started = client.query(&text, json!({})).await;
        let number = &started["rebuildProjection"]["build"]["number"];
        eventually("the new build answers", async || {
            let text = "{ projections { name activeBuild { number } } }";
            let answer = client.query(text, json!({})).await;
            let projections = answer["projections"].as_array().unwrap();
            let of_name = projections
                .iter()
                .find(|projection| projection["name"] == name)?;
            (of_name["activeBuild"]["number"] == *number).then_some(())
        })
        .await;
    }
}
