//! Deletion, tombstone and archive: what each does to a stream, and how it ends (rules L2 to L4).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};

use super::door::{
    Change, assert_removed, life_of, set_metadata, shown_versions, stream_now, taken, whole_log,
};
use crate::append::door::{
    append, append_batch, appended, each, head, new_event, new_events, part,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_deletion_hides_and_an_append_numbers_on_while_what_was_hidden_stays_hidden,
    each_deletion_hides_what_came_since_the_one_before,
    what_reopens_a_stream_is_recorded_with_who_and_why,
    a_batch_records_each_reopening_before_the_events_that_reopen,
    a_retry_and_a_refusal_reopen_nothing,
    a_tombstone_ends_a_stream_and_its_name_for_ever,
    an_archived_stream_is_read_as_before_and_takes_no_events_until_it_is_unarchived,
    an_archived_stream_is_left_out_of_lists_that_do_not_ask_for_it,
    lists_choose_streams_by_their_state,
);

async fn a_deletion_hides_and_an_append_numbers_on_while_what_was_hidden_stays_hidden(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    let deleted = Change::Delete.of(&client, &stream).await;
    assert_eq!(deleted["stream"]["status"], "DELETED");
    assert_eq!(deleted["stream"]["version"], 3);
    assert_eq!(deleted["stream"]["hiddenThrough"], 3);
    assert_eq!(shown_versions(&client, &stream).await, [0_i64; 0]);

    let reopened = appended(&client, &stream, Expected::NoStream, &new_events(2)).await;
    assert_eq!(reopened["previousVersion"], 3);
    assert_eq!(reopened["version"], 5);
    assert_eq!(reopened["stream"]["status"], "OPEN");
    assert_eq!(shown_versions(&client, &stream).await, [4, 5]);
    let log = whole_log(&client).await;
    for event in log.iter().filter(|event| event["streamName"] == stream) {
        if event["streamVersion"].as_i64().unwrap() <= 3 {
            assert_removed(event, "DELETED");
        } else {
            assert_eq!(event["removed"], Value::Null, "{event:#}");
        }
    }
}

async fn each_deletion_hides_what_came_since_the_one_before(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    for round in 1..=3 {
        appended(&client, &stream, Expected::NoStream, &new_events(2)).await;
        let versions = shown_versions(&client, &stream).await;
        assert_eq!(versions, [2 * round - 1, 2 * round]);
        Change::Delete.of(&client, &stream).await;
        assert_eq!(shown_versions(&client, &stream).await, [0_i64; 0]);
        let now = stream_now(&client, &stream).await;
        assert_eq!(now["hiddenThrough"], 2 * round);
    }
    let types = each(&life_of(&client, &stream).await, "type");
    let [deleted, reopened] = ["$stream_deleted", "$stream_reopened"];
    assert_eq!(types, [deleted, reopened, deleted, reopened, deleted]);
}

async fn what_reopens_a_stream_is_recorded_with_who_and_why(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut first = new_event(1);
    first["data"] = json!({"guild_id": "g1"});
    appended(&client, &stream, Expected::NoStream, &json!([first])).await;
    Change::Delete.of(&client, &stream).await;
    let mut events = new_events(2);
    events[0]["metadata"] = json!({
        "actor_id": "7", "correlation_id": "c1", "causation_id": "m1", "source": "interaction",
    });
    events[1]["metadata"] = json!({"actor_id": "8", "correlation_id": "c2"});
    let answer = appended(&client, &stream, Expected::NoStream, &events).await;

    let life = life_of(&client, &stream).await;
    let reopened = &life[1];
    assert_eq!(reopened["type"], "$stream_reopened");
    assert_eq!(reopened["guildId"], "g1");
    let position = reopened["position"].as_i64().unwrap();
    assert_eq!(answer["firstPosition"], position + 1);
    assert_eq!(
        reopened["rawText"],
        format!(r#"{{"stream":"{stream}","version":1,"guild_id":"g1"}}"#)
    );
    let metadata = &reopened["metadata"];
    assert_eq!(metadata["actorId"], "7");
    assert_eq!(metadata["correlationId"], "c1");
    // The event that reopened the stream is what caused it to be reopened.
    assert_eq!(metadata["causationId"], events[0]["eventId"]);
    assert_eq!(metadata["raw"]["actor_id"], "7");

    for filter in [
        json!({"actorIds": ["7"], "categories": ["$stream"]}),
        json!({"correlationIds": ["c1"], "categories": ["$stream"]}),
        json!({"causationIds": [events[0]["eventId"]], "includeSystem": true}),
    ] {
        let query = "query($filter: EventFilter) { events(filter: $filter) { nodes { eventId } } }";
        let found = client.query(query, json!({ "filter": filter })).await;
        let expected = json!([{"eventId": reopened["eventId"]}]);
        assert_eq!(found["events"]["nodes"], expected, "{filter}");
    }

    // Nobody is invented where nobody is named.
    Change::Delete.of(&client, &stream).await;
    let nameless = new_event(3);
    appended(&client, &stream, Expected::NoStream, &json!([nameless])).await;
    let metadata = &life_of(&client, &stream).await[3]["metadata"];
    assert_eq!(metadata["actorId"], Value::Null);
    assert_eq!(metadata["correlationId"], nameless["eventId"]);
}

async fn a_batch_records_each_reopening_before_the_events_that_reopen(world: World) {
    let (_server, client) = world.server_and_client().await;
    let [one, other, open] = ["a", "b", "c"].map(new_stream);
    for stream in [&one, &other, &open] {
        appended(&client, stream, Expected::NoStream, &new_events(1)).await;
    }
    for stream in [&one, &other] {
        Change::Delete.of(&client, stream).await;
    }
    let before = head(&client).await;
    let parts = [
        part(&one, Expected::NoStream, new_events(2)),
        part(&open, Expected::Exactly(1), new_events(1)),
        part(&other, Expected::Exactly(1), new_events(1)),
    ];
    let answer = append_batch(&client, &parts).await;
    let firsts = each(answer["streams"].as_array().unwrap(), "firstPosition");
    assert_eq!(firsts, [before + 2, before + 4, before + 6]);
    let log = whole_log(&client).await;
    let written = &log[usize::try_from(before).unwrap()..];
    let names = each(written, "streamName");
    let [life_of_one, life_of_other] = [&one, &other].map(|name| format!("$stream-{name}"));
    let expected = [&life_of_one, &one, &one, &open, &life_of_other, &other];
    assert_eq!(names, expected.map(String::as_str));
    // One commit has one time.
    let times = each(written, "recordedAt");
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
}

async fn a_retry_and_a_refusal_reopen_nothing(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let events = new_events(2);
    appended(&client, &stream, Expected::NoStream, &events).await;
    Change::Delete.of(&client, &stream).await;
    let before = (head(&client).await, stream_now(&client, &stream).await);
    appended(&client, &stream, Expected::Any, &events).await;
    let mut other_guild = new_event(3);
    other_guild["data"] = json!({"guild_id": "g2"});
    let refused = [
        (Expected::Exactly(1), new_event(3)),
        (Expected::StreamExists, new_event(3)),
        (Expected::Any, other_guild),
    ];
    for (expected, event) in refused {
        let refusal = append(&client, &stream, expected, &json!([event])).await;
        assert!(refusal["code"].is_string(), "{refusal:#}");
    }
    let after = (head(&client).await, stream_now(&client, &stream).await);
    assert_eq!(before, after);
}

async fn a_tombstone_ends_a_stream_and_its_name_for_ever(world: World) {
    let (mut server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    // Hidden for every other reason there is, before it ends.
    appended(&client, &stream, Expected::NoStream, &new_events(2)).await;
    Change::Delete.of(&client, &stream).await;
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    set_metadata(&client, &stream, json!({"truncateBefore": 4})).await;
    let ended = Change::Tombstone.of(&client, &stream).await;
    assert_eq!(ended["stream"]["status"], "TOMBSTONED");
    assert_eq!(ended["stream"]["hiddenThrough"], 5);
    assert_eq!(ended["stream"]["version"], 5);

    server.restart().await;
    let client = GraphqlClient::new(&server.base_url());
    let before = (head(&client).await, stream_now(&client, &stream).await);
    for expected in [
        Expected::Any,
        Expected::NoStream,
        Expected::StreamExists,
        Expected::Exactly(5),
    ] {
        let refusal = append(&client, &stream, expected, &new_events(1)).await;
        assert_eq!(refusal["code"], "STREAM_TOMBSTONED", "{refusal:#}");
    }
    let log = whole_log(&client).await;
    for event in log.iter().filter(|event| event["streamName"] == stream) {
        assert_removed(event, "TOMBSTONED");
    }
    let after = (head(&client).await, stream_now(&client, &stream).await);
    assert_eq!(before, after);
}

async fn an_archived_stream_is_read_as_before_and_takes_no_events_until_it_is_unarchived(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(3)).await;
    let log = whole_log(&client).await;
    let archived = Change::Archive.of(&client, &stream).await;
    assert_eq!(archived["stream"]["status"], "ARCHIVED");
    assert_eq!(archived["stream"]["hiddenThrough"], 0);
    assert_eq!(shown_versions(&client, &stream).await, [1, 2, 3]);
    assert_eq!(whole_log(&client).await[..3], log);
    let refusal = append(&client, &stream, Expected::Exactly(3), &new_events(1)).await;
    assert_eq!(refusal["code"], "STREAM_ARCHIVED");
    assert!(
        refusal["message"].as_str().unwrap().contains("unarchived"),
        "{refusal:#}"
    );

    // What it keeps can still be set: archiving is about appends.
    set_metadata(&client, &stream, json!({"maxCount": 1})).await;
    assert_eq!(shown_versions(&client, &stream).await, [3]);
    let open = Change::Unarchive.of(&client, &stream).await;
    assert_eq!(open["stream"]["status"], "OPEN");
    let answer = appended(&client, &stream, Expected::Exactly(3), &new_events(1)).await;
    assert_eq!(answer["version"], 4);
    assert_eq!(shown_versions(&client, &stream).await, [4]);
}

/// The names and the number of the streams that a filter finds.
async fn listed(client: &GraphqlClient, filter: Value) -> (Vec<String>, i64) {
    let query = "query($filter: StreamFilter) { streams(filter: $filter) {
        nodes { name } totalCount { value } } }";
    let mut found = client.query(query, json!({ "filter": filter })).await;
    let names = taken(found["streams"]["nodes"].take())
        .iter()
        .map(|node| node["name"].as_str().unwrap().to_owned())
        .collect();
    let count = found["streams"]["totalCount"]["value"].as_i64().unwrap();
    (names, count)
}

async fn an_archived_stream_is_left_out_of_lists_that_do_not_ask_for_it(world: World) {
    let (_server, client) = world.server_and_client().await;
    let streams = ["game-1", "game-2", "game-3"];
    for stream in streams {
        appended(&client, stream, Expected::NoStream, &new_events(1)).await;
    }
    Change::Archive.of(&client, "game-2").await;
    for filter in [
        Value::Null,
        json!({}),
        json!({"categories": ["game"]}),
        json!({"namePrefix": "game-"}),
        json!({"statuses": ["OPEN", "DELETED", "TOMBSTONED"]}),
    ] {
        let (names, count) = listed(&client, filter.clone()).await;
        assert_eq!(
            (names.as_slice(), count),
            (["game-1", "game-3"].map(str::to_owned).as_slice(), 2),
            "{filter}"
        );
    }
    let asked = listed(&client, json!({"statuses": ["ARCHIVED"]})).await;
    assert_eq!(asked, (vec!["game-2".to_owned()], 1));
    let all = listed(&client, json!({"statuses": ["ARCHIVED", "OPEN"]})).await;
    assert_eq!(all, (streams.map(str::to_owned).to_vec(), 3));
    Change::Unarchive.of(&client, "game-2").await;
    let again = listed(&client, Value::Null).await;
    assert_eq!(again, (streams.map(str::to_owned).to_vec(), 3));
}

async fn lists_choose_streams_by_their_state(world: World) {
    let (_server, client) = world.server_and_client().await;
    let states = [
        ("game-archived", Some(Change::Archive)),
        ("game-deleted", Some(Change::Delete)),
        ("game-open", None),
        ("game-tombstoned", Some(Change::Tombstone)),
    ];
    for (stream, change) in states {
        appended(&client, stream, Expected::NoStream, &new_events(1)).await;
        if let Some(change) = change {
            change.of(&client, stream).await;
        }
    }
    for status in ["ARCHIVED", "DELETED", "OPEN", "TOMBSTONED"] {
        let found = listed(&client, json!({"statuses": [status]})).await;
        let name = format!("game-{}", status.to_lowercase());
        assert_eq!(found, (vec![name], 1), "{status}");
    }
    // A deleted stream is there, with its state, for who may see it (rule R6).
    let (names, _) = listed(&client, Value::Null).await;
    assert_eq!(names, ["game-deleted", "game-open", "game-tombstoned"]);
}
