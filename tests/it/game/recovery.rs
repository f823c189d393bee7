//! Recovery: the whole stream, and everything that is wrong with it.

use gamebot::game::{Recoverer, Severity, StoredEvent};
use serde_json::{Value, json};

use super::door::{
    append_all, append_events, assert_shows, change, events, fold, recover, rules_in, sample,
    samples, start, with_new_id,
};
use crate::append::door::{Inside, read_stream};
use crate::registry::door::checked;
use crate::support::{World, on_both_backends};

on_both_backends!(
    a_sound_game_is_recovered_without_a_violation_and_written_down,
    a_damaged_game_is_reported_as_the_rules_say_and_never_only_its_first_fault,
    an_event_that_was_changed_in_the_database_is_found,
    what_breaks_its_schema_is_told_with_the_place,
    a_cause_in_another_stream_is_looked_up,
    what_cannot_be_recovered_is_refused,
);

async fn a_sound_game_is_recovered_without_a_violation_and_written_down(world: World) {
    // What the server writes of its own accord has to fit the schemas, too.
    let (_server, client) = checked(&world).await;
    for script in samples() {
        append_all(&client, &script, 40).await;
        let last = fold(&script).pop().unwrap();
        let input = json!({
            "gameId": script.game_id, "record": true, "trigger": "FAILOVER", "attempt": 2,
            "metadata": {"correlation_id": "the-recovery", "actor_id": "7"},
        });
        let found = recover(&client, input).await;
        assert_eq!(found["__typename"], "GameRecovered", "{found:#}");
        assert_eq!(
            (found["sound"].clone(), found["violations"].clone()),
            (json!(true), json!([]))
        );
        assert_shows(&found["game"], &last);
        let count = script.events.len();
        assert_eq!(found["eventsApplied"], count);
        assert_eq!(
            (found["eventsSkipped"].clone(), found["lastVersion"].clone()),
            (json!(0), json!(count))
        );
        let recorded = found["recorded"].as_array().unwrap();
        assert_eq!(recorded[0]["type"], "session_recovery_started");
        assert_eq!(
            (
                recorded[0]["data"]["trigger"].clone(),
                recorded[0]["data"]["attempt"].clone()
            ),
            (json!("failover"), json!(2))
        );
        assert_eq!(recorded[1]["type"], "session_recovered");
        assert_eq!(recorded[1]["data"]["last_version"], count);
        assert_eq!(
            recorded[1]["metadata"]["raw"]["correlation_id"],
            "the-recovery"
        );
        let log = read_stream(&client, &format!("gamelog-{}", script.game_id)).await;
        assert_eq!(log.len(), 2);
        // The game itself is untouched.
        assert_eq!(
            read_stream(&client, &script.stream_name()).await.len(),
            count
        );
    }
}

/// Drops, doubles and swaps events of the samples. What the server reports is what the rules, asked here about
/// the same events, report: all of it.
async fn a_damaged_game_is_reported_as_the_rules_say_and_never_only_its_first_fault(world: World) {
    let (_server, client) = start(&world, "off").await;
    for script in samples() {
        let all = events(&script);
        let game_id = &script.game_id;
        let stream = script.stream_name();
        let place = all.len() / 2;
        let without: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != place)
            .map(|(_, event)| event.clone())
            .collect();
        let mut doubled = all.clone();
        doubled.insert(place, with_new_id(all[place].clone()));
        let mut swapped = all.clone();
        swapped.swap(place, place + 1);
        let mut headless = all.clone();
        headless.remove(0);
        let mut strange = all.clone();
        strange[place]["type"] = json!("never_heard_of");
        for (number, mut damaged) in [without, doubled, swapped, headless, strange]
            .into_iter()
            .enumerate()
        {
            if number > 0 {
                // The copies before are gone; the ids of their events are not free again.
                change(&client, "deleteStream", &stream).await;
                damaged = damaged.into_iter().map(with_new_id).collect();
            }
            let before = read_stream_version(&client, &stream).await;
            append_events(&client, &stream, &damaged, 100).await;
            let found = recover(&client, json!({"gameId": game_id})).await;
            assert_eq!(found["sound"], false, "{} {number}", script.name);
            let wanted = report(game_id, before, &damaged);
            let mut found_rules = in_short(&found["violations"]);
            // Of the first copy, the event that is left out is the cause of another, and nowhere in the log.
            found_rules.retain(|violation| violation[1] != "causation_unknown");
            assert_eq!(found_rules, wanted, "{} {number}", script.name);
            assert_eq!(
                found["violationCount"],
                found["violations"].as_array().unwrap().len()
            );
            let errors = rules_in(&found["violations"]);
            assert!(errors.iter().any(|rule| *rule != "R04"), "{errors:?}");
            for violation in found["violations"].as_array().unwrap() {
                assert!(violation["title"].as_str().unwrap().len() > 10);
                assert!(!violation["message"].as_str().unwrap().is_empty());
            }
        }
    }
}

/// Rule, code, severity and version of each violation.
fn in_short(violations: &Value) -> Vec<Value> {
    let parts = ["rule", "ruleCode", "severity", "streamVersion"];
    let violations = violations.as_array().unwrap().iter();
    violations
        .map(|violation| parts.map(|part| violation[part].clone()).into())
        .collect()
}

async fn read_stream_version(client: &testkit::GraphqlClient, stream: &str) -> i32 {
    let state = crate::append::door::stream_state(client, stream).await;
    state["version"]
        .as_i64()
        .map_or(0, |version| i32::try_from(version).unwrap())
}

/// What the rules say to events that begin after a version, where no cause outside of them exists.
fn report(game_id: &str, after: i32, events: &[Value]) -> Vec<Value> {
    let mut recoverer = Recoverer::new(game_id, after + 1);
    for (event, version) in events.iter().zip(after + 1..) {
        recoverer.feed(&StoredEvent {
            stream_version: version,
            event_id: event["eventId"].as_str().unwrap(),
            event_type: event["type"].as_str().unwrap(),
            schema_version: 1,
            data: Some(&event["data"].to_string()),
            metadata: Some(&event["metadata"].to_string()),
        });
    }
    let mut found = recoverer.finish();
    // The copy whose events had these ids is in the log, before all others.
    found.settle_causes(|_, _| gamebot::game::CausePlace::Before);
    let severity = |severity| match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    let violations = found
        .violations
        .iter()
        .filter(|violation| violation.code != "causation_unknown");
    violations
        .map(|violation| {
            json!([
                violation.rule.as_str(),
                violation.code,
                severity(violation.severity),
                violation.stream_version
            ])
        })
        .collect()
}

async fn an_event_that_was_changed_in_the_database_is_found(world: World) {
    let (_server, client) = start(&world, "warn").await;
    let script = sample("knockout");
    append_all(&client, &script, 81).await;
    let inside = Inside::of(&world).await;
    inside.unlock_events().await;
    let guess = script
        .events
        .iter()
        .position(|event| event.event_type == "guess_processed")
        .unwrap()
        + 1;
    inside
        .execute(&format!(
            "UPDATE events SET data = replace(data, '\"guess_successful\":false', '\"guess_successful\":true ')
             WHERE stream_version = {guess}"
        ))
        .await;
    inside
        .execute("UPDATE events SET data = '{' WHERE stream_version = 40")
        .await;
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    assert_eq!(found["sound"], false);
    let corrupt: Vec<_> = found["violations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|violation| violation["ruleCode"] == "deserialization_failed")
        .map(|violation| violation["streamVersion"].clone())
        .collect();
    assert_eq!(
        corrupt,
        [json!(guess), json!(40)],
        "{:#}",
        found["violations"]
    );
    assert_eq!(found["eventsSkipped"], 2);
    assert_eq!(found["eventsApplied"], 79);
    assert_eq!(found["game"]["version"], 81);
}

/// A reader takes what no writer may send, and says so.
async fn what_breaks_its_schema_is_told_with_the_place(world: World) {
    let (_server, client) = start(&world, "off").await;
    let script = sample("two_player");
    let mut all = events(&script);
    let guess = all
        .iter()
        .position(|event| event["type"] == "guess_processed")
        .unwrap();
    all[guess]["data"]["player1_word"] = json!("x");
    all[guess]["data"]["player2_word"] = json!(" y");
    let last = all.len() - 1;
    all[last]["data"]["winners"] = json!([all[last]["data"]["winners"][0], "", ""]);
    append_events(&client, &script.stream_name(), &all, 31).await;
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    assert_eq!(found["sound"], false);
    let of_schemas: Vec<_> = found["violations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|violation| violation["rule"] == "R10")
        .map(|violation| {
            (
                violation["streamVersion"].clone(),
                violation["message"].clone(),
            )
        })
        .collect();
    let at = |version: usize, message: &str| (json!(version), json!(message));
    assert!(
        of_schemas.contains(&at(
            guess + 1,
            "data.player1_word has 1 characters. It must have at least 2."
        )),
        "{of_schemas:#?}"
    );
    assert!(
        of_schemas
            .iter()
            .filter(|(version, _)| *version == last + 1)
            .count()
            >= 3
    );
    assert_eq!(found["eventsSkipped"], 0);
    // The rules of the game come from the same list, in the order of the stream.
    let versions = found["violations"].as_array().unwrap().iter();
    let versions: Vec<_> = versions
        .map(|violation| violation["streamVersion"].as_i64())
        .collect();
    assert!(versions.is_sorted_by_key(|version| version.unwrap_or(i64::MAX)));
}

async fn a_cause_in_another_stream_is_looked_up(world: World) {
    let (_server, client) = start(&world, "off").await;
    let script = sample("two_player");
    let mut all = events(&script);
    let (known, unknown) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let note = |id| {
        json!({"eventId": id, "type": "command_error", "data": {
        "command_name": "guess", "error_code": "x", "error_message": "y", "user_id": "1", "channel_id": "2",
        "timestamp": "2025-01-01T00:00:00Z"}})
    };
    let later = uuid::Uuid::now_v7();
    append_events(&client, "botlog-dm_202611", &[note(known)], 1).await;
    all[5]["metadata"]["causation_id"] = json!(known);
    all[6]["metadata"]["causation_id"] = json!(unknown);
    all[7]["metadata"]["causation_id"] = json!(later);
    append_events(&client, &script.stream_name(), &all, 31).await;
    append_events(&client, "botlog-dm_202611", &[note(later)], 1).await;
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    let of_causes = in_short(&found["violations"]);
    assert_eq!(
        of_causes,
        [
            json!(["R35", "causation_unknown", "WARNING", 7]),
            json!(["R35", "causation_cycle", "ERROR", 8]),
        ]
    );
}

async fn what_cannot_be_recovered_is_refused(world: World) {
    let (_server, client) = start(&world, "warn").await;
    let refused = |found: &Value| {
        (
            found["__typename"].clone(),
            found["code"].clone(),
            found["path"].clone(),
        )
    };
    let found = recover(&client, json!({"gameId": "nobody"})).await;
    assert_eq!(
        refused(&found),
        (
            json!("StreamNotFound"),
            json!("STREAM_NOT_FOUND"),
            json!(["input", "gameId"])
        )
    );
    let found = recover(&client, json!({"gameId": "a b"})).await;
    assert_eq!(
        refused(&found),
        (
            json!("InvalidInput"),
            json!("INVALID_ARGUMENT"),
            json!(["input", "gameId"])
        )
    );
    let script = sample("two_player");
    append_all(&client, &script, 31).await;
    let found = recover(&client, json!({"gameId": script.game_id, "attempt": 0})).await;
    assert_eq!(refused(&found).2, json!(["input", "attempt"]));
    let found = recover(
        &client,
        json!({"gameId": script.game_id, "record": true, "metadata": "no object"}),
    )
    .await;
    assert_eq!(found["__typename"], "InvalidEvents", "{found:#}");
    change(&client, "deleteStream", &script.stream_name()).await;
    let found = recover(&client, json!({"gameId": script.game_id})).await;
    assert_eq!(
        (found["game"].clone(), found["eventsApplied"].clone()),
        (Value::Null, json!(0))
    );
    assert_eq!(
        (found["firstVersion"].clone(), found["lastVersion"].clone()),
        (json!(32), json!(31))
    );
    assert_eq!(in_short(&found["violations"])[0][0], "R01");
    let query = "mutation($id: String!) { recoverGame(input: {gameId: $id}) {
        ... on GameRecovered { violations(first: -1) { rule } } } }";
    let request = json!({"query": query, "variables": {"id": script.game_id}});
    let answer = client.raw(request.to_string()).await.json();
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "INVALID_ARGUMENT",
        "{answer:#}"
    );
}
