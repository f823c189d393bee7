//! A statement that fails for one request of a group fails that request only.

use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient, eventually};

use super::door::{
    Inside, append_request, appended, each, error_code, head, new_event, new_events, read_log,
};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    a_request_that_the_database_refuses_fails_alone_and_the_others_of_its_group_are_stored,
    after_a_poisoned_group_positions_are_dense_and_the_poisoned_request_may_come_again,
    internals_of_the_database_never_reach_the_caller,
);

/// Makes the database refuse every event of the type `poison`.
async fn poison(world: &World) {
    let sql = if world.is_sqlite() {
        "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.event_type = 'poison' BEGIN
            SELECT RAISE(ABORT, 'secret of the database');
         END"
    } else {
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'secret of the database';
         END $$;
         CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW
            WHEN (NEW.event_type = 'poison') EXECUTE FUNCTION poison()"
    };
    Inside::of(world).await.execute(sql).await;
}

fn poisoned_event() -> Value {
    let mut event = new_event(0);
    event["type"] = json!("poison");
    event
}

/// Sends 64 appends at once, of which each eighth is poisoned, and returns the answers in their order.
async fn flood(client: &GraphqlClient, stream: &str) -> Vec<Value> {
    let sending: Vec<_> = (0..64)
        .map(|number| {
            let event = if number % 8 == 3 {
                poisoned_event()
            } else {
                new_event(number)
            };
            // Half of them share a stream, where a refused neighbour must not leave a hole.
            let own = new_stream("own");
            let stream = if number % 2 == 0 {
                own.as_str()
            } else {
                stream
            };
            let body = append_request(stream, Expected::Any, &json!([event]));
            let client = client.clone();
            tokio::spawn(async move { client.raw(body).await.json() })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sending {
        answers.push(answer.await.unwrap());
    }
    answers
}

fn check(answers: &[Value]) {
    for (number, answer) in answers.iter().enumerate() {
        if number % 8 == 3 {
            assert_eq!(error_code(answer), "INTERNAL", "{answer:#}");
            assert_eq!(answer["errors"][0]["extensions"]["retryable"], false);
        } else {
            let typename = &answer["data"]["appendToStream"]["__typename"];
            assert_eq!(*typename, "Appended", "{number}: {answer:#}");
        }
    }
}

async fn a_request_that_the_database_refuses_fails_alone_and_the_others_of_its_group_are_stored(
    world: World,
) {
    let (server, client) = world.server_and_client().await;
    poison(&world).await;
    let stream = new_stream("shared");
    // Whether requests share a group is up to the moment; the log of the server says that some did.
    for _ in 0..20 {
        check(&flood(&client, &stream).await);
        if server.logs().contains("its requests run one by one") {
            return;
        }
    }
    panic!(
        "no poisoned request ever shared a group:\n{}",
        server.logs()
    );
}

async fn after_a_poisoned_group_positions_are_dense_and_the_poisoned_request_may_come_again(
    world: World,
) {
    let (_server, client) = world.server_and_client().await;
    let stream = new_stream("shared");
    appended(&client, &stream, Expected::NoStream, &new_events(1)).await;
    poison(&world).await;
    check(&flood(&client, &stream).await);
    let log = read_log(&client).await;
    assert_eq!(each(&log, "position"), (1..=57).collect::<Vec<_>>());
    let shared = log.iter().filter(|event| event["streamName"] == *stream);
    let versions: Vec<Value> = shared.map(|event| event["streamVersion"].clone()).collect();
    assert_eq!(versions, (1..=25).collect::<Vec<_>>());

    let poisoned = json!([poisoned_event()]);
    let body = append_request(&stream, Expected::Exactly(25), &poisoned);
    assert_eq!(
        error_code(&client.raw(body.clone()).await.json()),
        "INTERNAL"
    );
    assert_eq!(head(&client).await, 57);
    let cure = if world.is_sqlite() {
        "DROP TRIGGER poison"
    } else {
        "DROP TRIGGER poison ON events"
    };
    Inside::of(&world).await.execute(cure).await;
    let payload = appended(&client, &stream, Expected::Exactly(25), &poisoned).await;
    assert_eq!(payload["duplicate"], false);
    assert_eq!(payload["firstPosition"], 58);
}

async fn internals_of_the_database_never_reach_the_caller(world: World) {
    let (server, client) = world.server_and_client().await;
    poison(&world).await;
    let body = append_request(
        &new_stream("game"),
        Expected::Any,
        &json!([poisoned_event()]),
    );
    let answer = client.raw(body).await;
    for secret in ["secret", "trigger", "SQL", "sql", "INSERT", "events ("] {
        assert!(!answer.body.contains(secret), "{}", answer.body);
    }
    let trace_id = answer.json()["errors"][0]["extensions"]["traceId"].clone();
    assert_eq!(trace_id.as_str().unwrap().len(), 32, "{}", answer.body);
    eventually("the server's log to say what happened", async || {
        server
            .logs()
            .contains("secret of the database")
            .then_some(())
    })
    .await;
}
