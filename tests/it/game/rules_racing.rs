//! Writers that race while breaches are refused: everything legal is taken, nothing illegal is.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use tokio::task::JoinSet;

use super::door::{
    append, events, fold_from, game, observation, recover, sample, start, with_new_id,
};
use crate::append::door::{each, read_stream};
use crate::support::{World, on_both_backends};

on_both_backends!(
    eight_writers_of_one_game_are_each_taken_or_refused_rightly,
    what_is_always_legal_is_never_refused_however_many_write,
);

/// What breaks no rule when it is left out, and so might be stored twice.
const OPTIONAL: [&str; 3] = [
    "guess_started",
    "player_status_changed",
    "race_time_warning",
];

async fn eight_writers_of_one_game_are_each_taken_or_refused_rightly(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    race(&vec![client; 8]).await;
}

async fn what_is_always_legal_is_never_refused_however_many_write(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    observe_while_playing(&vec![client; 8]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_on_two_nodes_are_each_taken_or_refused_rightly() {
    let world = World::postgres().await;
    let (_one, first) = start(&world, "refuse").await;
    let (_other, second) = start(&world, "refuse").await;
    let clients: Vec<_> = [first, second].into_iter().cycle().take(8).collect();
    race(&clients).await;
    observe_while_playing(&clients).await;
}

/// Every writer sends every event of a game, each under an id of its own, to whatever the stream is by then. The
/// one that comes first is stored; for all others the event comes too late, which the rules must notice.
async fn race(writers: &[GraphqlClient]) {
    let script = sample("knockout");
    let stream = script.stream_name();
    let mut all = events(&script);
    all.retain(|event| !OPTIONAL.contains(&event["type"].as_str().unwrap()));
    let all: Vec<Value> = all.into_iter().take(40).collect();
    let mut racing = JoinSet::new();
    for client in writers {
        let (client, stream) = (client.clone(), stream.clone());
        let own: Vec<_> = all.iter().cloned().map(with_new_id).collect();
        racing.spawn(async move {
            let mut taken = 0;
            for event in own {
                let payload = append(&client, &stream, Expected::Any, &[event]).await;
                match payload["__typename"].as_str() {
                    Some("Appended") => taken += 1,
                    Some("RuleViolated") => {}
                    _ => panic!("{payload:#}"),
                }
            }
            taken
        });
    }
    let taken: usize = racing.join_all().await.into_iter().sum();
    assert_eq!(taken, all.len(), "each event is taken once");
    let stored = read_stream(&writers[0], &stream).await;
    assert_eq!(each(&stored, "type"), each(&all, "type"));
    let found = recover(&writers[0], json!({"gameId": script.game_id})).await;
    assert_eq!(found["sound"], true, "{:#}", found["violations"]);
    let last = fold_from(&script.game_id, 0, &all).pop().unwrap();
    for client in writers {
        let shown = game(client, &script.game_id, None).await;
        assert_eq!(shown["version"], last.stream_version);
        assert_eq!(shown["roundNumber"], last.round_number);
        assert_eq!(
            shown["matches"].as_array().unwrap().len(),
            last.matches.len()
        );
    }
}

/// One writer plays a game; the others tell about it in the same stream, which is legal at any time.
async fn observe_while_playing(writers: &[GraphqlClient]) {
    let script = sample("two_player");
    let stream = script.stream_name();
    let all = events(&script);
    let begun = append(&writers[0], &stream, Expected::NoStream, &all[..1]).await;
    assert_eq!(begun["__typename"], "Appended", "{begun:#}");
    let mut racing = JoinSet::new();
    for (number, client) in writers.iter().enumerate() {
        let (client, stream, game_id) = (client.clone(), stream.clone(), script.game_id.clone());
        let own = if number == 0 {
            all[1..].to_vec()
        } else {
            (0..12)
                .map(|number| observation(&game_id, number))
                .collect()
        };
        racing.spawn(async move {
            for event in own {
                let payload = append(&client, &stream, Expected::Any, &[event]).await;
                assert_eq!(payload["__typename"], "Appended", "{payload:#}");
            }
        });
    }
    racing.join_all().await;
    let found = recover(&writers[0], json!({"gameId": script.game_id})).await;
    assert_eq!(found["sound"], true, "{:#}", found["violations"]);
    assert_eq!(found["eventsApplied"], 31 + 7 * 12);
}
