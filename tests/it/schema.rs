//! The schema as a contract: fresh, described to the last argument, and the same in the documents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_graphql::parser::types::TypeKind;
use serde_json::{Value, json};
use testkit::{Expected, GraphqlClient};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::command_line::run;
use crate::sdl::{Sdl, base, described};
use crate::support::{World, new_stream, on_both_backends};

on_both_backends!(
    introspection_tells_the_same_types_as_the_file,
    no_int_is_longer_than_32_bits,
);

#[tokio::test]
async fn the_committed_schema_is_what_the_program_prints() {
    let printed = run(&["schema"], &[]).await.succeeded().stdout;
    let committed = fs::read_to_string(root().join("schema.graphql")).unwrap();
    assert!(
        printed == committed,
        "schema.graphql is stale. Write it anew with `cargo run -- schema > schema.graphql`, and look at \
         the difference as a client would."
    );
}

#[test]
fn everything_in_the_schema_has_a_description() {
    let sdl = Sdl::of_this_build();
    let all: Vec<_> = sdl
        .types()
        .flat_map(|(name, definition)| described(name, definition))
        .collect();
    assert!(all.len() > 300, "only {} things were found", all.len());
    let missing: Vec<&str> = all
        .iter()
        .filter(|(_, description)| description.is_none())
        .map(|(path, _)| path.as_str())
        .collect();
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

/// A client that selects several members at once can only do so if they agree on their names.
#[test]
fn fields_of_one_name_have_one_type_in_all_payloads() {
    let sdl = Sdl::of_this_build();
    for union in ["EventPayload", "EventFeedMessage"] {
        let mut types: BTreeMap<String, (String, String)> = BTreeMap::new();
        for member in sdl.members(union) {
            for field in sdl.fields(&member) {
                let (name, ty) = (
                    field.node.name.node.to_string(),
                    field.node.ty.node.to_string(),
                );
                let first = types
                    .entry(name.clone())
                    .or_insert_with(|| (ty.clone(), member.clone()));
                assert_eq!(
                    first.0, ty,
                    "{name} of {member} and of {} in {union}",
                    first.1
                );
            }
        }
    }
}

#[test]
fn every_error_code_has_a_page_and_a_line_in_the_list() {
    let folder = root().join("docs/errors");
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    for code in Sdl::of_this_build().values("ErrorCode") {
        let page = fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
        assert!(
            page.starts_with(&format!("# {code}\n")),
            "docs/errors/{code}.md does not begin with its name"
        );
        assert!(
            list.contains(&format!("[{code}]({code}.md)")),
            "docs/errors/README.md does not link {code}"
        );
    }
}

/// The type `Int` of GraphQL has 32 bits, and a client that reads more breaks. A number of an event that does
/// not fit must make the event undecodable, not the page unreadable.
async fn no_int_is_longer_than_32_bits(world: World) {
    let (_server, client) = world.server_and_client().await;
    let sdl = Sdl::of_this_build();
    let mut appended = 0;
    for (event_type, data) in one_of_each_type() {
        let events = with_large_numbers(&data)
            .into_iter()
            .map(|data| json!({"type": event_type, "data": data}));
        let events: Vec<Value> = events.collect();
        appended += events.len();
        let stream = new_stream("game");
        client
            .appended(&stream, Expected::NoStream, json!(events))
            .await;
    }
    let payload = sdl.selection("EventPayload");
    let query = format!(
        "{{ events(first: 1000) {{ nodes {{ data payload {payload} decodeError {{ code }} }} }} }}"
    );
    let answer = client.query(&query, json!({})).await;
    let nodes = answer["events"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), appended);
    for node in nodes {
        check_ints(&sdl, "EventPayload", &node["payload"], node);
    }
    let undecodable = nodes
        .iter()
        .filter(|node| node["payload"].is_null())
        .count();
    assert!(
        undecodable > 0 && undecodable < nodes.len(),
        "{undecodable} of {}",
        nodes.len()
    );
}

/// Walks an answer beside its type.
fn check_ints(sdl: &Sdl, type_name: &str, value: &Value, event: &Value) {
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| check_ints(sdl, type_name, value, event)),
        Value::Object(fields) => {
            let type_name = fields
                .get("__typename")
                .and_then(Value::as_str)
                .unwrap_or(type_name);
            for field in sdl.fields(type_name) {
                let value = &fields[field.node.name.node.as_str()];
                check_ints(sdl, &base(&field.node.ty.node), value, event);
            }
        }
        Value::Number(number) if type_name == "Int" => {
            let fits = number
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok());
            assert!(fits, "{number} in the payload of {event:#}");
        }
        _ => {}
    }
}

/// The first event of each type in the sample games.
fn one_of_each_type() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for game in gamebot::sample::games().unwrap() {
        for event in game.events {
            let data = serde_json::from_str(&event.data).unwrap();
            found.entry(event.event_type.to_string()).or_insert(data);
        }
    }
    found
}

/// The data itself, and once more for each number in it with that number beyond 32 bits.
fn with_large_numbers(data: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    numbers(data, String::new(), &mut places);
    let changed = places.iter().map(|place| {
        let mut data = data.clone();
        *data.pointer_mut(place).unwrap() = json!(2_147_483_648_i64);
        data
    });
    std::iter::once(data.clone()).chain(changed).collect()
}

fn numbers(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(place),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                numbers(value, format!("{place}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                numbers(value, format!("{place}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// The reference implementation of GraphQL judges what the documents show: each block that is a whole
/// operation is valid against the schema, and the schema itself can be read by it.
#[tokio::test]
async fn the_examples_in_the_documents_fit_the_schema() {
    let examples = examples();
    assert!(
        examples.len() > 10,
        "only {} examples were found",
        examples.len()
    );
    let input = json!({"schema": gamebot_event_store::graphql::sdl(), "documents": examples});
    let mut node = Command::new("node")
        .arg(root().join("tests/audits/documents.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is missing: scripts/test installs it");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = node.wait_with_output().await.unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{out}{err}\n(if the package graphql is missing: scripts/test installs it)"
    );
    assert_eq!(
        out.trim(),
        format!("{} documents are valid", examples.len())
    );
}

/// The blocks of GraphQL in all documents that are whole operations, and the operations that the playground has
/// prepared, each with its place.
fn examples() -> Vec<Value> {
    let playground = fs::read_to_string(root().join("src/server/playground.js")).unwrap();
    let prepared = playground.split('`').skip(1).step_by(2);
    let prepared = prepared.filter(|text| is_operation(text));
    let mut found: Vec<Value> = prepared
        .map(|text| json!({"place": "playground.js", "text": text}))
        .collect();
    assert_eq!(found.len(), 4, "one for each tab");
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        for (place, _) in text.match_indices("```graphql\n") {
            let block = &text[place + "```graphql\n".len()..];
            let block = &block[..block.find("```").unwrap()];
            let line = text[..place].lines().count() + 2;
            if is_operation(block) {
                found.push(json!({"place": format!("{name}:{line}"), "text": block}));
            }
        }
    }
    found
}

fn is_operation(block: &str) -> bool {
    let first = block
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let first = first.unwrap_or_default();
    ["{", "query", "mutation", "subscription"]
        .iter()
        .any(|start| first.starts_with(start))
}

/// Every Markdown file at the root and in docs.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs")];
    for entry in fs::read_dir(root()).unwrap() {
        found.push(entry.unwrap().path());
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the server answers to introspection is the same contract as the file.
async fn introspection_tells_the_same_types_as_the_file(world: World) {
    let (_server, client) = world.server_and_client().await;
    let answered = introspected(&client).await;
    let written = Sdl::of_this_build();
    let written: Vec<(String, &str)> = written
        .types()
        .map(|(name, definition)| (name.to_owned(), kind(&definition.kind)))
        .collect();
    let builtin = ["Boolean", "Float", "ID", "Int", "String"];
    let answered: Vec<(String, &str)> = answered
        .iter()
        .map(|ty| {
            (
                ty["name"].as_str().unwrap().to_owned(),
                ty["kind"].as_str().unwrap(),
            )
        })
        .filter(|(name, _)| !name.starts_with("__") && !builtin.contains(&name.as_str()))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect();
    assert_eq!(answered, written);
}

async fn introspected(client: &GraphqlClient) -> Vec<Value> {
    let answer = client
        .query("{ __schema { types { name kind } } }", json!({}))
        .await;
    answer["__schema"]["types"].as_array().unwrap().clone()
}

fn kind(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar => "SCALAR",
        TypeKind::Object(_) => "OBJECT",
        TypeKind::Interface(_) => "INTERFACE",
        TypeKind::Union(_) => "UNION",
        TypeKind::Enum(_) => "ENUM",
        TypeKind::InputObject(_) => "INPUT_OBJECT",
    }
}
