//! How projections are made, made anew, and made for another log.

use serde_json::{Value, json};
use testkit::{GraphqlClient, eventually};

use super::play::{
    everything, generated, play, play_all, prepare, projection_of_games, samples, start,
};
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_rebuild_takes_over_while_appends_go_on,
    a_rebuild_that_is_asked_for_twice_is_one,
    every_event_counts_once_through_crashes,
    a_node_that_does_not_run_projections_says_so,
    progress_can_be_followed,
);

/// Asks for a rebuild, and waits until it has taken over and the one before it is gone.
pub(super) async fn rebuild(client: &GraphqlClient, name: &str, head: i64) {
    let text = "mutation($name: ProjectionName!) { rebuildProjection(input: {projection: $name}) {
        __typename ... on RebuildStarted { duplicate build { number state goal } } } }";
    let started = client.query(text, json!({ "name": name })).await;
    let started = &started["rebuildProjection"];
    assert_eq!(started["duplicate"], false, "{started}");
    assert!(started["build"]["goal"].as_i64().unwrap() >= head);
    let number = started["build"]["number"].clone();
    eventually("the rebuild takes over", async || {
        let text = "{ projections { name activeBuild { number } rebuild { number } } }";
        let data = client.query(text, json!({})).await;
        let all = data["projections"].as_array().unwrap().clone();
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        (one["activeBuild"]["number"] == number).then_some(())
    })
    .await;
}

async fn a_rebuild_takes_over_while_appends_go_on(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_KEEP_RETIRED_MS", "100")
        // Small, so that the rebuild takes many steps.
        .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "20")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let games = generated(21, 4);
    let (before, after) = games.split_at(games.len() / 2);
    let head = play_all(&client, before).await;
    let wait = format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}");
    client.query(&wait, json!({})).await;
    let appending = async {
        let head = play_all(&client, after).await;
        client
            .query(
                &format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}"),
                json!({}),
            )
            .await;
        head
    };
    let looking = async {
        let mut last = 0;
        let mut rebuilding = Box::pin(rebuild(&client, "GAMES", head));
        loop {
            let done = tokio::select! {
                () = &mut rebuilding => true,
                through = an_answer_is_a_fold(&client, last) => {
                    last = through;
                    false
                }
            };
            if done {
                return last;
            }
        }
    };
    let (head, last) = tokio::join!(appending, looking);
    assert!(an_answer_is_a_fold(&client, last).await >= head);
    let whole = everything(&client).await;
    assert_eq!(whole.len(), games.len());
    rebuild(&client, "GAMES", head).await;
    assert_eq!(
        everything(&client).await,
        whole,
        "a second rebuild comes to the same"
    );
}

/// Each game of one answer is what its stream comes to up to the version that the answer has; and an answer is never
/// older than the one before it.
async fn an_answer_is_a_fold(client: &GraphqlClient, last: i64) -> i64 {
    let selection =
        "gameId version phase roundNumber teams { teamId score totalGuesses currentWords }";
    let text =
        format!("{{ games(first: 3) {{ projectedThrough nodes {{ {selection} position }} }} }}");
    let data = client.query(&text, json!({})).await;
    let through = data["games"]["projectedThrough"].as_i64().unwrap();
    assert!(
        through >= last,
        "an answer of {through} after one of {last}"
    );
    for game in data["games"]["nodes"].as_array().unwrap() {
        assert!(game["position"].as_i64().unwrap() <= through);
        let text = format!(
            "query($id: String!, $at: Int!) {{ game(gameId: $id, atVersion: $at) {{ {selection} position }} }}"
        );
        let variables = json!({"id": game["gameId"], "at": game["version"]});
        let folded = client.query(&text, variables).await;
        assert_eq!(folded["game"], *game);
    }
    through
}

async fn a_rebuild_that_is_asked_for_twice_is_one(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "1")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let game = &samples()[2];
    let head = play(&client, game, 0, game.events.len()).await;
    client
        .query(
            &format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}"),
            json!({}),
        )
        .await;
    let ask = async || {
        let text = "mutation { rebuildProjection(input: {projection: GAMES, actorId: \"7\"}) {
            ... on RebuildStarted { duplicate build { number requestedBy } } } }";
        client.query(text, json!({})).await["rebuildProjection"].take()
    };
    let (first, second) = tokio::join!(ask(), ask());
    let duplicates = [&first, &second].map(|answer| answer["duplicate"] == true);
    assert_ne!(duplicates[0], duplicates[1], "{first} {second}");
    assert_eq!(first["build"]["number"], second["build"]["number"]);
    assert_eq!(first["build"]["requestedBy"], "7");
}

async fn every_event_counts_once_through_crashes(world: World) {
    let mut server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_BATCH_EVENTS", "10")
        .start()
        .await;
    let games = generated(22, 2);
    let longest = games.iter().map(|game| game.events.len()).max().unwrap();
    let mut head = 0;
    for after in (0..longest).step_by(40) {
        let client = GraphqlClient::new(&server.base_url());
        for game in games.iter().filter(|game| game.events.len() > after) {
            head = play(&client, game, after, (after + 40).min(game.events.len())).await;
        }
        server.restart().await;
    }
    let client = GraphqlClient::new(&server.base_url());
    client
        .query(
            &format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}"),
            json!({}),
        )
        .await;
    let games = projection_of_games(&client).await;
    assert_eq!(games["activeBuild"]["appliedEvents"], head, "{games}");
    let before = everything(&client).await;
    rebuild(&client, "GAMES", head).await;
    assert_eq!(everything(&client).await, before);
}

async fn a_node_that_does_not_run_projections_says_so(world: World) {
    let server = prepare(&world)
        .environment("GAMEBOT_PROJECTIONS_RUN", "false")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let errors = client
        .query_for_errors("{ games { nodes { version } } }", json!({}))
        .await;
    assert_eq!(
        errors[0]["extensions"]["code"], "PROJECTION_NOT_BUILT",
        "{errors:?}"
    );
    assert!(
        errors[0]["message"]
            .as_str()
            .unwrap()
            .contains("projections.run")
    );
    let text = "mutation { rebuildProjection(input: {projection: TEAMS}) { __typename ... on Refusal { code } } }";
    let refused = client.query(text, json!({})).await;
    assert_eq!(refused["rebuildProjection"]["code"], "PROJECTION_NOT_BUILT");
    assert_eq!(projection_of_games(&client).await["state"], "NOT_BUILT");
}

async fn progress_can_be_followed(world: World) {
    let (server, client) = start(&world).await;
    let text = "subscription { projections(everyMs: 50) { name position lag } }";
    let mut feed = testkit::Subscription::start(&server.base_url(), text, json!({})).await;
    let game = &samples()[0];
    let head = play(&client, game, 0, game.events.len()).await;
    let mut last = json!(-1);
    while last != head {
        let seen: Value = feed.next().await.unwrap();
        let games = seen["projections"].as_array().unwrap()[0].clone();
        assert!(games["position"].as_i64() >= last.as_i64() || games["position"].is_null());
        last = games["position"].clone();
    }
}

/// A projection's file that lies beside another log, or beside an older copy of its log, is not believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_log_is_made_anew() {
    let world = World::sqlite();
    let (mut server, client) = start(&world).await;
    let samples = samples();
    let [first, second, _] = samples.as_slice() else {
        panic!("three samples")
    };
    let log = std::path::PathBuf::from(world.database_url().strip_prefix("sqlite://").unwrap());
    let head = play(&client, first, 0, 10).await;
    client
        .query(
            &format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}"),
            json!({}),
        )
        .await;
    server.terminate().await;
    let copy = log.with_extension("copy");
    copy_log(&log, &copy);
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let head = play(&client, first, 10, 20).await;
    client
        .query(
            &format!("{{ games(waitForPosition: {head}) {{ projectedThrough }} }}"),
            json!({}),
        )
        .await;
    server.terminate().await;
    // An older copy of the log is put back, and goes on otherwise.
    copy_log(&copy, &log);
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let head = play(&client, second, 0, 30).await;
    let text = format!(
        "{{ games(direction: FORWARD, waitForPosition: {head}) {{ nodes {{ gameId version }} }} }}"
    );
    let games = eventually("the projection is made anew", async || {
        let games = client.query(&text, json!({})).await["games"]["nodes"].take();
        (games.as_array().unwrap().len() == 2).then_some(games)
    })
    .await;
    assert_eq!(
        games[0],
        json!({"gameId": first.game_id, "version": 10}),
        "the copy's events alone"
    );
    assert_eq!(games[1], json!({"gameId": second.game_id, "version": 30}));
    server.terminate().await;
    remove_log(&log);
    server.start_again().await;
    let client = GraphqlClient::new(&server.base_url());
    let games = eventually("the projection of an empty log", async || {
        let answer = client
            .execute("{ games { projectedThrough nodes { gameId } } }", json!({}))
            .await;
        let games = answer["data"]["games"].clone();
        (games["nodes"] == json!([])).then_some(games)
    })
    .await;
    assert_eq!(games["projectedThrough"], 0);
}

/// Copies a file of SQLite that nobody has open, with what SQLite may have left beside it.
fn copy_log(from: &std::path::Path, to: &std::path::Path) {
    remove_log(to);
    for suffix in ["", "-wal"] {
        let beside = |path: &std::path::Path| format!("{}{suffix}", path.display());
        if std::path::Path::new(&beside(from)).exists() {
            std::fs::copy(beside(from), beside(to)).unwrap();
        }
    }
}

fn remove_log(log: &std::path::Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", log.display()));
    }
}
