//! What events have brought into read models in free form counts as payload.

use serde_json::{Value, json};

use super::door::{GUILD, append, event, prepare, start_prepared};
use crate::support::{World, on_both_backends};

on_both_backends!(free_forms_in_lists_are_within_the_bytes_of_an_operation);

/// A little less than an event may have, and, together, more than an operation may show.
const LONG: usize = 60_000;
const MANY: usize = 20;

async fn free_forms_in_lists_are_within_the_bytes_of_an_operation(world: World) {
    let server = prepare(&world).environment("GAMEBOT_GRAPHQL_OPERATION_BYTES", "1048576");
    let (_server, client) = start_prepared(server).await;
    let long = "x".repeat(LONG);
    let mut last = 0;
    for number in 0..MANY {
        let code = format!("code_{number}");
        let error = json!({"command_name": "guess", "error_code": code, "error_message": long,
            "user_id": "11", "channel_id": "5"});
        append(
            &client,
            "gamelog-g1",
            json!([event("command_error", 0, error)]),
        )
        .await;
        let variation = json!({"variation_id": code, "name": "Long", "base_mode": "race",
            "config": {"text": long}, "config_version": 1, "defined_by": "admin"});
        let defined = json!([event("game_variation_defined", 0, variation)]);
        last = append(&client, "guild-81384788765712384", defined).await;
    }
    for (list, form, other) in [
        ("errorLog(".to_owned(), "sample", "code"),
        (
            format!("gameVariations(guildId: \"{GUILD}\", "),
            "config",
            "variationId",
        ),
    ] {
        let ask = |first: usize, field: &str| {
            format!(
                "{{ list: {list}first: {first}, waitForPosition: {last}) {{ nodes {{ {field} }} }} }}"
            )
        };
        let all = client.query(&ask(MANY, other), json!({})).await;
        assert_eq!(all["list"]["nodes"].as_array().unwrap().len(), MANY);
        let few = client.query(&ask(2, form), json!({})).await;
        let shown = |node: &Value| node[form].to_string().len() > LONG;
        assert!(few["list"]["nodes"].as_array().unwrap().iter().all(shown));
        let errors = client.query_for_errors(&ask(MANY, form), json!({})).await;
        assert_eq!(errors[0]["extensions"]["code"], "LIMIT_EXCEEDED", "{form}");
    }
}
