//! The rules of the game on append: off, warn, refuse.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{
    append, append_all, append_events, events, game, prepare, recover, rules_in, sample, samples,
    start, with_new_id,
};
use crate::append::door::{part, payload_of, read_stream};
use crate::support::{World, on_both_backends};

on_both_backends!(
    every_sample_game_is_accepted_where_breaches_are_refused,
    an_event_that_breaks_a_rule_is_refused_with_the_rule_and_nothing_is_written,
    a_batch_over_several_games_is_refused_as_a_whole,
    where_breaches_are_told_the_events_are_stored_and_the_answer_tells_them,
    where_nobody_looks_nothing_is_told,
    a_breach_that_only_warns_never_refuses,
    a_retry_is_a_success_whatever_the_rules_say,
    a_stale_expectation_is_a_conflict_and_no_breach,
    the_rules_hold_after_events_that_the_server_has_not_seen,
    the_rules_can_be_asked_for,
);

async fn every_sample_game_is_accepted_where_breaches_are_refused(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    for script in samples() {
        for (number, part) in events(&script).chunks(3).enumerate() {
            let expected = match number {
                0 => Expected::NoStream,
                number if number % 2 == 0 => Expected::Any,
                number => Expected::Exactly(i32::try_from(number * 3).unwrap()),
            };
            let payload = append(&client, &script.stream_name(), expected, part).await;
            assert_eq!(payload["__typename"], "Appended", "{payload:#}");
            assert_eq!(payload["warnings"], json!([]), "{}", script.name);
        }
        let found = recover(&client, json!({"gameId": script.game_id})).await;
        assert_eq!(found["violations"], json!([]), "{}", script.name);
    }
}

async fn an_event_that_breaks_a_rule_is_refused_with_the_rule_and_nothing_is_written(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    append_events(&client, &stream, &all[..6], 6).await;
    let before = read_stream(&client, &stream).await;
    // One good event, and one that comes too early.
    let mut bad = with_new_id(all[8].clone());
    bad["data"]["total_guesses"] = json!(77);
    for expected in [Expected::Any, Expected::StreamExists, Expected::Exactly(6)] {
        let request = [all[6].clone(), bad.clone()];
        let payload = append(&client, &stream, expected, &request).await;
        assert_eq!(payload["__typename"], "RuleViolated", "{payload:#}");
        assert_eq!(
            (payload["code"].clone(), payload["retryable"].clone()),
            (json!("RULE_VIOLATED"), json!(false))
        );
        assert_eq!(payload["path"], json!(["input", "events", "1"]));
        let violations = payload["violations"].as_array().unwrap();
        assert!(!violations.is_empty());
        for violation in violations {
            assert_eq!(violation["index"], 1, "{payload:#}");
            assert!(violation["rule"].as_str().unwrap().starts_with('R'));
        }
        assert!(
            payload["message"]
                .as_str()
                .unwrap()
                .contains(violations[0]["rule"].as_str().unwrap())
        );
        assert_eq!(read_stream(&client, &stream).await, before);
    }
    // Nothing of it is left in memory either: the good event alone is taken.
    append_events(&client, &stream, &all[6..], 5).await;
    // After the end nothing is taken but observations.
    let late = with_new_id(all[7].clone());
    let payload = append(&client, &stream, Expected::Any, &[late]).await;
    assert!(
        rules_in(&payload["violations"]).contains(&"R34"),
        "{payload:#}"
    );
    let unknown = json!({"eventId": uuid::Uuid::now_v7(), "type": "never_heard_of", "data": {}});
    let payload = append(&client, &stream, Expected::Any, &[unknown]).await;
    assert_ne!(payload["__typename"], "Appended", "{payload:#}");
}

async fn a_batch_over_several_games_is_refused_as_a_whole(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let (one, other) = (sample("two_player"), sample("knockout"));
    let query = "mutation($input: AppendBatchInput!) { appendBatch(input: $input) { __typename
        ... on BatchAppended { warnings { rule } streams { version } }
        ... on RuleViolated { path violations { rule index path } } ... on Refusal { message } } }";
    let send = async |parts: Vec<Value>| {
        let body = json!({"query": query, "variables": {"input": {"streams": parts}}});
        payload_of(client.raw(body.to_string()).await.json(), "appendBatch")
    };
    let (first, second) = (events(&one), events(&other));
    let good = || part(&one.stream_name(), Expected::NoStream, json!(first[..3]));
    let bad = part(
        &other.stream_name(),
        Expected::NoStream,
        json!(second[1..3]),
    );
    let payload = send(vec![good(), bad]).await;
    assert_eq!(payload["__typename"], "RuleViolated", "{payload:#}");
    assert_eq!(
        payload["path"],
        json!(["input", "streams", "1", "events", "0"])
    );
    assert!(
        rules_in(&payload["violations"]).contains(&"R02"),
        "{payload:#}"
    );
    for script in [&one, &other] {
        assert!(read_stream(&client, &script.stream_name()).await.is_empty());
    }
    let payload = send(vec![
        good(),
        part("botlog-dm_202611", Expected::Any, json!([])),
        part(&other.stream_name(), Expected::NoStream, json!(second[..3])),
    ])
    .await;
    assert_eq!(payload["__typename"], "BatchAppended", "{payload:#}");
    let payload = send(vec![
        part(&one.stream_name(), Expected::Any, json!(first[3..7])),
        part(
            &other.stream_name(),
            Expected::Exactly(3),
            json!(second[3..9]),
        ),
    ])
    .await;
    assert_eq!(
        payload["streams"],
        json!([{"version": 7}, {"version": 9}]),
        "{payload:#}"
    );
}

async fn where_breaches_are_told_the_events_are_stored_and_the_answer_tells_them(world: World) {
    let (_server, client) = start(&world, "warn").await;
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    // Without the third event, whatever that breaks.
    append_events(&client, &stream, &all[..2], 2).await;
    let mut told = Vec::new();
    for event in &all[3..] {
        let payload = append(&client, &stream, Expected::Any, std::slice::from_ref(event)).await;
        assert_eq!(payload["__typename"], "Appended", "{payload:#}");
        for warning in payload["warnings"].as_array().unwrap() {
            assert_eq!(warning["path"], json!(["input", "events", "0"]));
            let version = payload["version"].clone();
            told.push((
                version,
                warning["rule"].clone(),
                warning["ruleCode"].clone(),
                warning["message"].clone(),
            ));
        }
    }
    assert!(!told.is_empty());
    // What was told event by event is what a recovery finds in single events.
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    let violations = found["violations"].as_array().unwrap();
    let of_events = violations
        .iter()
        .filter(|violation| !violation["streamVersion"].is_null());
    let of_events = of_events.filter(|violation| violation["rule"] != "R35");
    let found: Vec<_> = of_events
        .map(|violation| {
            let version = violation["streamVersion"].clone();
            (
                version,
                violation["rule"].clone(),
                violation["ruleCode"].clone(),
                violation["message"].clone(),
            )
        })
        .collect();
    assert_eq!(told, found);
}

async fn where_nobody_looks_nothing_is_told(world: World) {
    let (_server, client) = start(&world, "off").await;
    let script = sample("race");
    let mut all = events(&script);
    all.reverse();
    for part in all.chunks(50) {
        let payload = append(&client, &script.stream_name(), Expected::Any, part).await;
        assert_eq!(
            (payload["__typename"].clone(), payload["warnings"].clone()),
            (json!("Appended"), json!([]))
        );
    }
}

async fn a_breach_that_only_warns_never_refuses(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    append_events(&client, &stream, &all[..2], 2).await;
    let mut other = all[2].clone();
    other["metadata"]["correlation_id"] = json!("another-conversation");
    let payload = append(&client, &stream, Expected::Exactly(2), &[other]).await;
    assert_eq!(payload["__typename"], "Appended", "{payload:#}");
    let warning = &payload["warnings"][0];
    assert_eq!(
        (warning["rule"].clone(), warning["severity"].clone()),
        (json!("R36"), json!("WARNING"))
    );
    assert_eq!(game(&client, &script.game_id, None).await["version"], 3);
}

async fn a_retry_is_a_success_whatever_the_rules_say(world: World) {
    let (mut server, client) = start(&world, "off").await;
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    // Stored while nobody looked: the middle of a game without its beginning.
    let stored = append(&client, &stream, Expected::Any, &all[5..9]).await;
    assert_eq!(stored["__typename"], "Appended");
    server.terminate().await;
    let (_server, client) = start(&world, "refuse").await;
    for expected in [Expected::Any, Expected::NoStream, Expected::Exactly(0)] {
        let retry = append(&client, &stream, expected, &all[5..9]).await;
        assert_eq!(
            (retry["__typename"].clone(), retry["duplicate"].clone()),
            (json!("Appended"), json!(true)),
            "{retry:#}"
        );
        assert_eq!(
            (retry["events"].clone(), retry["warnings"].clone()),
            (stored["events"].clone(), json!([]))
        );
    }
    // A retry of a good append, after the game has gone on.
    let other = sample("knockout");
    append_all(&client, &other, 4).await;
    let first = append(
        &client,
        &other.stream_name(),
        Expected::Exactly(0),
        &events(&other)[..4],
    )
    .await;
    assert_eq!(
        (first["duplicate"].clone(), first["version"].clone()),
        (json!(true), json!(4)),
        "{first:#}"
    );
}

async fn a_stale_expectation_is_a_conflict_and_no_breach(world: World) {
    let (_server, client) = start(&world, "refuse").await;
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    append_events(&client, &stream, &all[..8], 8).await;
    let bad = [with_new_id(all[0].clone())];
    for expected in [
        Expected::Exactly(5),
        Expected::NoStream,
        Expected::Exactly(0),
        Expected::Exactly(9),
    ] {
        let payload = append(&client, &stream, expected, &bad).await;
        assert_eq!(
            (payload["__typename"].clone(), payload["actual"].clone()),
            (json!("WrongExpectedVersion"), json!(8)),
            "{payload:#}"
        );
    }
    let payload = append(&client, &stream, Expected::Exactly(8), &bad).await;
    assert!(
        rules_in(&payload["violations"]).contains(&"R03"),
        "{payload:#}"
    );
}

/// A server whose memory of the game is old, or that has none, judges by the log.
async fn the_rules_hold_after_events_that_the_server_has_not_seen(world: World) {
    let script = sample("two_player");
    let all = events(&script);
    let stream = script.stream_name();
    let (mut first, client) = start(&world, "refuse").await;
    append_events(&client, &stream, &all[..10], 3).await;
    first.terminate().await;
    let server = prepare(&world, "refuse")
        .environment("GAMEBOT_DOMAIN_CACHED_STREAMS", "1")
        .start()
        .await;
    let client = GraphqlClient::new(&server.base_url());
    let early = with_new_id(all[15].clone());
    let payload = append(&client, &stream, Expected::Any, &[early]).await;
    assert_eq!(payload["__typename"], "RuleViolated", "{payload:#}");
    // Another game takes the only place in memory, again and again.
    let other = sample("knockout");
    for (one, two) in all[10..].iter().zip(events(&other).chunks(2)) {
        append_events(&client, &stream, std::slice::from_ref(one), 1).await;
        append_events(&client, &other.stream_name(), two, 2).await;
    }
    assert_eq!(
        game(&client, &script.game_id, None).await["phase"],
        "COMPLETED"
    );
}

async fn the_rules_can_be_asked_for(world: World) {
    let (_server, client) = start(&world, "warn").await;
    let found = client
        .query("{ gameRules { rule title severity } }", json!({}))
        .await;
    let rules = found["gameRules"].as_array().unwrap();
    assert_eq!(rules.len(), 38);
    assert_eq!(rules[3]["rule"], "R04");
    assert_eq!(rules[3]["severity"], "ERROR");
    assert!(
        rules
            .iter()
            .all(|rule| rule["title"].as_str().unwrap().len() > 10)
    );
}
