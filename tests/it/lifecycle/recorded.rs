//! Every change is an event of a reserved stream, written by the same commit, and the reserved streams keep
//! out of everybody's way (rules O1 and O8).

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use uuid::Uuid;

use super::door::{
    Change, EVENT, State, life_of, set_metadata, stream_now, taken, whole_log, with,
};
use crate::append::door::{append, appended, each, head, new_event, new_events};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    each_change_is_an_event_that_says_what_who_and_why,
    an_event_of_metadata_holds_what_was_set,
    the_events_about_a_stream_belong_to_its_guild,
    a_stream_that_had_metadata_before_its_guild_has_its_later_changes_in_its_guild,
    reserved_streams_are_left_out_of_everything_that_does_not_ask_for_them,
    reserved_streams_are_found_by_everything_that_asks_for_them,
    nobody_appends_to_reserved_streams_or_changes_them,
    the_life_of_a_stream_with_the_longest_name_is_read,
);

async fn each_change_is_an_event_that_says_what_who_and_why(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let mut first = new_event(1);
    first["data"] = json!({"guild_id": "g1"});
    appended(&client, &stream, Expected::NoStream, &json!([first])).await;
    let changes = [
        Change::SetMetadata,
        Change::Archive,
        Change::Unarchive,
        Change::Delete,
        Change::Tombstone,
    ];
    for (change, version) in changes.into_iter().zip(1..) {
        let before = head(&client).await;
        let more = json!({"eventId": Uuid::now_v7(), "metadata": {
            "actor_id": "7", "correlation_id": "c1", "causation_id": "m1", "reason": "asked \u{fc}",
        }});
        let input = with(change.input(&stream, Expected::Any), more);
        let event = change.send_for_success(&client, &input).await["event"].take();
        assert_eq!(event["eventId"], input["eventId"], "{change:?}");
        assert_eq!(event["position"], before + 1, "{change:?}");
        assert_eq!(event["streamName"], format!("$stream-{stream}"));
        assert_eq!(event["streamVersion"], version, "{change:?}");
        assert_eq!(event["type"], change.event_type());
        assert_eq!(event["guildId"], "g1", "{change:?}");
        assert_eq!(event["removed"], Value::Null);
        assert_eq!(event["metadata"]["raw"], input["metadata"], "{change:?}");
        assert_eq!(event["metadata"]["actorId"], "7");
        assert_eq!(event["metadata"]["correlationId"], "c1");
        assert_eq!(event["metadata"]["causationId"], "m1");
        let mut data = format!(r#"{{"stream":"{stream}","version":1,"guild_id":"g1""#);
        if change == Change::SetMetadata {
            data.push_str(r#","metadata_version":1"#);
        }
        assert_eq!(event["rawText"], data + "}", "{change:?}");
    }
    // Without an id the store makes one, and without metadata the correlation is the event itself.
    let other = new_stream("game");
    State::Open.make(&client, &other).await;
    let mut nameless = Change::Archive.of(&client, &other).await;
    let event = nameless["event"].take();
    assert!(event["eventId"].is_string());
    assert_eq!(event["metadata"]["correlationId"], event["eventId"]);
    assert_eq!(event["metadata"]["actorId"], Value::Null);
    assert_eq!(event["metadata"]["raw"], json!({}));
}

async fn an_event_of_metadata_holds_what_was_set(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    appended(&client, &stream, Expected::NoStream, &new_events(2)).await;
    let settings = json!({
        "maxAgeSeconds": 60, "maxCount": 5, "truncateBefore": 2, "maxEvents": 7, "custom": [1],
    });
    let set = set_metadata(&client, &stream, settings).await;
    let expected = format!(
        r#"{{"stream":"{stream}","version":2,"metadata_version":1,"max_age_seconds":60,"max_count":5,"truncate_before":2,"max_events":7,"custom":[1]}}"#
    );
    assert_eq!(set["event"]["rawText"], expected);
    let unset = set_metadata(&client, &stream, json!({})).await;
    let expected = format!(r#"{{"stream":"{stream}","version":2,"metadata_version":2}}"#);
    assert_eq!(unset["event"]["rawText"], expected);
}

async fn the_events_about_a_stream_belong_to_its_guild(world: World) {
    let (_server, client) = world.server_and_client().await;
    for guild_id in [json!("g1"), json!("g2"), Value::Null] {
        let stream = new_stream("game");
        let mut first = new_event(1);
        first["data"] = json!({"guild_id": guild_id});
        appended(&client, &stream, Expected::NoStream, &json!([first])).await;
        // The guild where the trigger came from is another thing.
        let metadata = json!({"metadata": {"guild_id": "elsewhere"}});
        let input = with(Change::Delete.input(&stream, Expected::Any), metadata);
        Change::Delete.send_for_success(&client, &input).await;
        appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
        set_metadata(&client, &stream, json!({})).await;
        let life = life_of(&client, &stream).await;
        assert_eq!(each(&life, "guildId"), vec![guild_id.clone(); 3]);
        let now = stream_now(&client, &format!("$stream-{stream}")).await;
        assert_eq!(now["guildId"], guild_id);
    }
    let filter = json!({"guildIds": ["g1"], "categories": ["$stream"]});
    assert_eq!(found(&client, filter).await.len(), 3);
}

async fn a_stream_that_had_metadata_before_its_guild_has_its_later_changes_in_its_guild(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("game");
    let early = set_metadata(&client, &stream, json!({"maxEvents": 9})).await;
    assert_eq!(early["event"]["guildId"], Value::Null);
    let mut first = new_event(1);
    first["data"] = json!({"guild_id": "g1"});
    let answer = appended(&client, &stream, Expected::NoStream, &json!([first])).await;
    assert_eq!(answer["stream"]["guildId"], "g1");
    assert_eq!(answer["events"][0]["guildId"], "g1");
    for change in [Change::SetMetadata, Change::Delete] {
        let changed = change.of(&client, &stream).await;
        assert_eq!(changed["event"]["guildId"], "g1", "{change:?}");
    }
    let now = stream_now(&client, &format!("$stream-{stream}")).await;
    assert_eq!(now["guildId"], "g1");
}

/// The events of the log that a filter finds, checked against their number.
async fn found(client: &GraphqlClient, filter: Value) -> Vec<Value> {
    let query = format!(
        "query($filter: EventFilter) {{ events(filter: $filter, first: 1000) {{
           nodes {{ {EVENT} }} totalCount {{ value isExact }} }} }}"
    );
    let mut page = client.query(&query, json!({ "filter": filter })).await;
    let events = taken(page["events"]["nodes"].take());
    let count = json!({"value": events.len(), "isExact": true});
    assert_eq!(page["events"]["totalCount"], count, "{filter}");
    events
}

/// A stream with three events, of which none is hidden, and two about it.
async fn with_a_life(client: &GraphqlClient) -> String {
    let stream = new_stream("game");
    let mut events = new_events(3);
    for event in events.as_array_mut().unwrap() {
        event["data"] = json!({"guild_id": "g1"});
        event["metadata"] = json!({"actor_id": "7", "correlation_id": "c1", "causation_id": "m1"});
    }
    appended(client, &stream, Expected::NoStream, &events).await;
    for change in [Change::Archive, Change::Unarchive] {
        let metadata = json!({"actor_id": "7", "correlation_id": "c1", "causation_id": "m1"});
        let more = json!({ "metadata": metadata });
        let input = with(change.input(&stream, Expected::Any), more);
        change.send_for_success(client, &input).await;
    }
    stream
}

async fn reserved_streams_are_left_out_of_everything_that_does_not_ask_for_them(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = with_a_life(&client).await;
    for filter in [
        Value::Null,
        json!({}),
        json!({"includeSystem": false}),
        json!({"guildIds": ["g1"]}),
        json!({"actorIds": ["7"]}),
        json!({"correlationIds": ["c1"]}),
        json!({"causationIds": ["m1"]}),
        json!({"recordedFrom": "2020-01-01T00:00:00Z"}),
        json!({"recordedBefore": "2999-01-01T00:00:00Z"}),
        json!({"metadataEquals": [{"path": "actor_id", "equals": "7"}]}),
        json!({"categories": ["game", "stream"]}),
        json!({"streamPrefix": "game"}),
        json!({"types": ["noted", "stream_archived"]}),
    ] {
        let events = found(&client, filter.clone()).await;
        assert_eq!(
            each(&events, "streamName"),
            [stream.as_str(); 3],
            "{filter}"
        );
    }
    let around = client
        .query(
            "query($stream: String!) { stream(name: $stream) { events(first: 1) { nodes {
               correlated { nodes { streamName } totalCount { value } } } } } }",
            json!({ "stream": stream }),
        )
        .await;
    let correlated = &around["stream"]["events"]["nodes"][0]["correlated"];
    assert_eq!(correlated["totalCount"]["value"], 3, "{correlated:#}");
    let streams = client
        .query(
            "{ streams { nodes { name } totalCount { value } } }",
            json!({}),
        )
        .await;
    assert_eq!(streams["streams"]["nodes"], json!([{"name": stream}]));
    assert_eq!(streams["streams"]["totalCount"]["value"], 1);
}

async fn reserved_streams_are_found_by_everything_that_asks_for_them(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = with_a_life(&client).await;
    let life = format!("$stream-{stream}");
    for (filter, expected) in [
        (json!({"includeSystem": true}), 5),
        (json!({"includeSystem": true, "actorIds": ["7"]}), 5),
        (json!({"includeSystem": true, "guildIds": ["g1"]}), 5),
        (json!({"includeSystem": true, "correlationIds": ["c1"]}), 5),
        (json!({"includeSystem": true, "causationIds": ["m1"]}), 5),
        (json!({"includeSystem": true, "types": ["noted"]}), 3),
        (json!({"categories": ["$stream"]}), 2),
        (json!({"categories": ["$stream", "game"]}), 5),
        (json!({"categories": ["$stream"], "actorIds": ["7"]}), 2),
        (json!({"streamPrefix": "$"}), 2),
        (json!({"streamPrefix": life}), 2),
        (json!({"types": ["$stream_archived"]}), 1),
        (json!({"types": ["$stream_archived", "noted"]}), 4),
        (
            json!({"includeSystem": true, "dataEquals": [{"path": "stream", "equals": stream}]}),
            2,
        ),
    ] {
        let events = found(&client, filter.clone()).await;
        assert_eq!(events.len(), expected, "{filter}: {events:#?}");
    }
    let query = "query($filter: StreamFilter) { streams(filter: $filter) {
        nodes { name } totalCount { value } } }";
    for filter in [
        json!({"categories": ["$stream"]}),
        json!({"namePrefix": "$stream-game"}),
        json!({"namePrefix": "$"}),
    ] {
        let streams = client.query(query, json!({ "filter": filter })).await;
        assert_eq!(
            streams["streams"]["nodes"],
            json!([{"name": life}]),
            "{filter}"
        );
    }
    let all = client
        .query(query, json!({"filter": {"includeSystem": true}}))
        .await;
    assert_eq!(all["streams"]["totalCount"]["value"], 2);
    let now = stream_now(&client, &life).await;
    assert_eq!(
        (&now["version"], &now["status"]),
        (&json!(2), &json!("OPEN"))
    );
}

async fn nobody_appends_to_reserved_streams_or_changes_them(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = with_a_life(&client).await;
    let before = whole_log(&client).await;
    for name in [
        format!("$stream-{stream}"),
        "$stream-game-1".to_owned(),
        "$other-1".to_owned(),
        "$-1".to_owned(),
    ] {
        let refusal = append(&client, &name, Expected::Any, &new_events(1)).await;
        assert_eq!(refusal["code"], "INVALID_STREAM_ID", "{name}: {refusal:#}");
        assert!(
            refusal["message"].as_str().unwrap().contains("reserved"),
            "{refusal:#}"
        );
        for change in Change::ALL {
            let input = change.input(&name, Expected::Any);
            let refusal = change.send(&client, &input).await;
            assert_eq!(refusal["code"], "INVALID_STREAM_ID", "{change:?} {name}");
            assert_eq!(refusal["path"], json!(["input", "stream"]));
        }
    }
    let mut pretending = new_event(1);
    pretending["type"] = json!("$stream_deleted");
    let refusal = append(&client, &stream, Expected::Any, &json!([pretending])).await;
    assert_eq!(refusal["code"], "INVALID_EVENT_TYPE", "{refusal:#}");
    assert_eq!(whole_log(&client).await, before);
}

async fn the_life_of_a_stream_with_the_longest_name_is_read(world: World) {
    let (_server, client) = world.server_and_client().await;
    let stream = format!("{}-{}", "c".repeat(39), "i".repeat(120));
    assert_eq!(stream.len(), 160);
    State::Deleted.make(&client, &stream).await;
    let life = life_of(&client, &stream).await;
    assert_eq!(each(&life, "type"), ["$stream_deleted"]);
    let id = client
        .query(
            "query($n: String!) { stream(name: $n) { id } }",
            json!({"n": format!("$stream-{stream}")}),
        )
        .await["stream"]["id"]
        .take();
    let node = client
        .query(
            "query($id: ID!) { node(id: $id) { ... on Stream { version } } }",
            json!({"id": id}),
        )
        .await;
    assert_eq!(node["node"]["version"], 1);
}
