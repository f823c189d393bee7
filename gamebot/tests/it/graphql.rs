//! The GraphQL objects that follow from the event types.

use std::collections::BTreeMap;

use async_graphql::{
    EmptyMutation, EmptySubscription, Object, Schema, Union, Value,
    parser::{
        parse_schema,
        types::{BaseType, TypeDefinition, TypeKind, TypeSystemDefinition},
    },
    value,
};
use gamebot::{
    event::{self, AbandonReason, Decoded, Event, GameMode},
    sample,
};

/// What a server makes of the payload types.
macro_rules! payload_union {
    ($($payload:ident = $name:literal: $classes:tt $status:ident $streams:tt $modes:tt;)+) => {
        #[derive(Union)]
        enum EventPayload {
            $($payload(event::$payload),)+
        }

        impl EventPayload {
            fn new(event: Event) -> Self {
                match event {
                    $(Event::$payload(payload) => Self::$payload(payload),)+
                }
            }
        }
    };
}

gamebot::for_each_event_type!(payload_union);

struct Query;

#[Object]
impl Query {
    /// The first event of the given type in the sample games; one of its texts can be replaced.
    async fn payload(
        &self,
        event_type: String,
        replace: Option<String>,
        with: Option<String>,
    ) -> EventPayload {
        let games = sample::games().unwrap();
        let mut events = games.iter().flat_map(|game| &game.events);
        let event = events.find(|event| event.event_type == event_type).unwrap();
        let data = match (replace, with) {
            (Some(replace), Some(with)) => event.data.replace(&replace, &with),
            _ => event.data.to_string(),
        };
        match Event::decode(&event_type, 1, &data) {
            Decoded::Known(payload) => EventPayload::new(payload),
            other => panic!("{other:?}"),
        }
    }

    /// The stored text of a mode that is given as an argument.
    async fn mode_text(&self, mode: GameMode) -> String {
        mode.as_str().to_owned()
    }
}

type TestSchema = Schema<Query, EmptyMutation, EmptySubscription>;

fn schema() -> TestSchema {
    Schema::build(Query, EmptyMutation, EmptySubscription).finish()
}

async fn ask(query: &str) -> Value {
    let response = schema().execute(query).await;
    assert_eq!(response.errors, [], "{query}");
    response.data
}

/// The definitions of the schema by name, without the query type of this test.
fn definitions() -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(schema().sdl()).unwrap();
    let definitions = document.definitions.into_iter();
    definitions
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        })
        .map(|definition| (definition.name.node.to_string(), definition))
        .filter(|(name, _)| name != "Query")
        .collect()
}

fn fields(definition: &TypeDefinition) -> BTreeMap<String, String> {
    let TypeKind::Object(object) = &definition.kind else {
        panic!("{} is not an object", definition.name.node);
    };
    let fields = object.fields.iter();
    fields
        .map(|field| (field.node.name.to_string(), field.node.ty.to_string()))
        .collect()
}

#[test]
fn one_response_name_has_one_type_in_all_payloads() {
    let definitions = definitions();
    let TypeKind::Union(union) = &definitions["EventPayload"].kind else {
        panic!("not a union");
    };
    assert_eq!(union.members.len(), Event::EVENT_TYPES.len());
    let mut seen: BTreeMap<String, (String, String)> = BTreeMap::new();
    for member in &union.members {
        let member = member.node.to_string();
        for (field, field_type) in fields(&definitions[&member]) {
            let (first_member, first_type) = seen
                .entry(field.clone())
                .or_insert_with(|| (member.clone(), field_type.clone()));
            assert_eq!(
                *first_type, field_type,
                "{field} in {first_member} and in {member}"
            );
        }
    }
    assert!(seen.contains_key("abandonReason") && seen.contains_key("eliminationReason"));
    assert!(!seen.contains_key("reason"));
}

#[test]
fn every_type_field_and_value_is_described() {
    for (name, definition) in definitions() {
        // The union and the standard scalars are the server's affair.
        if ["EventPayload", "DateTime", "JSON"].contains(&name.as_str()) {
            continue;
        }
        if let TypeKind::Scalar = definition.kind {
            continue;
        }
        assert!(definition.description.is_some(), "{name}");
        match definition.kind {
            TypeKind::Object(object) => {
                for field in object.fields {
                    let field = field.node;
                    assert!(field.description.is_some(), "{name}.{}", field.name.node);
                }
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    let value = value.node;
                    assert!(value.description.is_some(), "{name}.{}", value.value.node);
                }
            }
            other => panic!("{name} is a {other:?}"),
        }
    }
}

#[test]
fn names_and_types_follow_the_conventions() {
    let definitions = definitions();
    let guess = fields(&definitions["GuessProcessed"]);
    assert_eq!(guess["player1Id"], "String!");
    assert_eq!(guess["guildId"], "String");
    assert_eq!(guess["mode"], "GameMode!");
    assert_eq!(guess["guessDuration"], "Int!");
    assert_eq!(guess["matchScore"], "Int");
    assert_eq!(guess["timestamp"], "DateTime!");
    let started = fields(&definitions["GameStarted"]);
    assert_eq!(started["teams"], "[TeamRoster!]!");
    assert_eq!(started["roles"], "[PlayerRole!]");
    assert_eq!(started["config"], "JSON!");
    assert_eq!(
        fields(&definitions["RoundStarted"])["teamStates"],
        "[TeamState!]!"
    );
    assert_eq!(
        fields(&definitions["PlayerStats"])["averageGuessCount"],
        "Float!"
    );
    let TypeKind::Enum(reasons) = &definitions["EliminationReason"].kind else {
        panic!("not an enum");
    };
    let reasons: Vec<&str> = reasons
        .values
        .iter()
        .map(|value| value.node.value.node.as_str())
        .collect();
    assert_eq!(
        reasons,
        ["TIMEOUT", "MAX_GUESSES", "ROUND_LOSS", "FORFEIT", "UNKNOWN"]
    );
}

#[tokio::test]
async fn free_json_comes_out_as_it_is_stored() {
    let answer = ask(
        r#"{ payload(eventType: "game_started") { ... on GameStarted {
        mode config roles { role } teams { teamId playerIds } } } }"#,
    )
    .await;
    assert_eq!(
        answer,
        value!({ "payload": {
            "mode": "TWO_PLAYER",
            "config": {
                "rounds_required": 5,
                "success_threshold": 4,
                "forbidden_words_limit": 12,
                "guess_timeout_seconds": 60
            },
            "roles": [],
            "teams": [{
                "teamId": "517400303631233767_1003000043536610074",
                "playerIds": ["517400303631233767", "1003000043536610074"]
            }]
        } })
    );
}

#[tokio::test]
async fn a_map_comes_out_as_a_list_with_its_keys_in_stored_order() {
    let answer = ask(r#"{ payload(eventType: "race_mode_time_expired") {
        ... on RaceModeTimeExpired { finalMatches { teamId matches playerStats { playerId } } } } }"#)
    .await;
    let text = answer.to_string();
    assert!(
        text.contains(
            "finalMatches: [{teamId: \"883096623053259013_975867916644817167\", matches: 7, \
             playerStats: [{playerId: \"883096623053259013\"}, {playerId: \"975867916644817167\"}]}, \
             {teamId: \"641383916695385897_888532441035536517\""
        ),
        "{text}"
    );
}

#[tokio::test]
async fn several_payload_types_can_be_selected_together() {
    let answer = ask(r#"{ payload(eventType: "guess_abandoned") {
        ... on GuessAbandoned { teamId abandonReason abandonDuration guessCount }
        ... on GuessProcessed { teamId guessDuration guessCount }
        ... on TeamEliminated { teamId eliminationReason playerStats { playerId } } } }"#)
    .await;
    assert_eq!(
        answer,
        value!({ "payload": {
            "teamId": "517400303631233767_1003000043536610074",
            "abandonReason": "TIMEOUT",
            "abandonDuration": 98843,
            "guessCount": 3
        } })
    );
}

#[tokio::test]
async fn a_value_that_the_server_does_not_know_is_answered_as_unknown() {
    let answer = ask(
        r#"{ payload(eventType: "guess_abandoned", replace: "\"timeout\"", with: "\"rage_quit\"") {
        ... on GuessAbandoned { abandonReason } } }"#,
    )
    .await;
    assert_eq!(
        answer,
        value!({ "payload": { "abandonReason": "UNKNOWN" } })
    );
    assert_eq!(AbandonReason::from("rage_quit").as_str(), "rage_quit");
}

#[tokio::test]
async fn an_enum_can_be_an_argument_but_not_as_unknown() {
    assert_eq!(
        ask("{ modeText(mode: GOLF_RACE) }").await,
        value!({ "modeText": "golf_race" })
    );
    let response = schema().execute("{ modeText(mode: UNKNOWN) }").await;
    assert!(
        response.errors[0]
            .message
            .contains("it cannot be asked for"),
        "{:?}",
        response.errors
    );
}

/// `BaseType` is named so that a list inside a list would be noticed: clients find them awkward.
#[test]
fn no_field_is_a_list_of_lists() {
    for definition in definitions().into_values() {
        let TypeKind::Object(object) = definition.kind else {
            continue;
        };
        for field in object.fields {
            if let BaseType::List(inner) = field.node.ty.node.base {
                assert!(
                    matches!(inner.base, BaseType::Named(_)),
                    "{}",
                    field.node.name
                );
            }
        }
    }
}
