//! The rules of the house that a compiler does not know: who may import whom, who may name which library,
//! and how long a file may be.
//!
//! The sources are read as text, so that a breach is found in code that no feature or platform compiles, too.

#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

#[path = "architecture/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Token, path_heads, root_modules, tokens, without};

/// The modules of the server by rank: one may import what stands in a lower rank, and the words and the
/// outermost modules also each other.
const RANKS: [(u8, &[&str]); 8] = [
    (
        0,
        &[
            "cursor",
            "event",
            "expected_version",
            "filter",
            "json_path",
            "json_text",
            "position",
            "scope",
            "stream",
        ],
    ),
    (1, &["registry"]),
    (2, &["store"]),
    (3, &["game"]),
    (4, &["projection"]),
    (5, &["graphql"]),
    (6, &["server"]),
    (7, &["cli", "client", "config", "telemetry", "main", "lib"]),
];

/// The rank of the outermost modules, which may import each other.
const OUTERMOST: u8 = RANKS[RANKS.len() - 1].0;

/// The libraries that only some modules may name, and these modules.
const OWNED: [(&str, &[&str]); 16] = [
    ("sea_orm", &["store", "projection"]),
    ("entity", &["store"]),
    ("async_graphql", &["graphql"]),
    ("async_graphql_value", &["graphql"]),
    (
        "gamebot",
        &["registry", "game", "projection", "graphql", "cli"],
    ),
    ("jsonschema", &["registry"]),
    ("json_patch", &["registry"]),
    ("axum", &["server"]),
    ("tower", &["server"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("migration", &["cli"]),
    ("toml", &["config"]),
    ("tracing_subscriber", &["telemetry"]),
    ("reqwest", &["client"]),
    ("tokio_tungstenite", &["client", "server"]),
];

/// The libraries that the words may name: none of them does any input or output.
const WORDS_MAY_NAME: [&str; 7] = [
    "base64",
    "chrono",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "uuid",
];

/// The most lines of a file, its tests not counted.
const MOST_LINES: usize = 450;

#[test]
fn imports_go_one_way_and_each_library_has_one_room() {
    let libraries = dependencies("Cargo.toml");
    let found: Vec<String> = files("src")
        .iter()
        .flat_map(|file| breaches(file, &libraries))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// A rule about a name that nobody uses any more would pass for ever.
#[test]
fn every_library_with_a_room_of_its_own_is_named_there() {
    let files = files("src");
    // The server's tests alone use tower by its name; the rest comes to them through axum.
    for (library, owners) in OWNED.iter().filter(|(library, _)| *library != "tower") {
        for owner in *owners {
            let is_named = files
                .iter()
                .filter(|file| file.module() == *owner)
                .any(|file| path_heads(&file.tokens()).contains(library));
            assert!(
                is_named,
                "src/{owner} does not name {library}: change OWNED"
            );
        }
    }
    let hub = files
        .iter()
        .find(|file| file.path == "src/store/hub.rs")
        .unwrap();
    assert!(hub.tokens().iter().any(|token| token.is("broadcast")));
}

#[test]
fn every_dependency_of_the_server_is_named_somewhere() {
    let named: BTreeSet<String> = files("src")
        .iter()
        .flat_map(SourceFile::tokens)
        .filter_map(|token| token.word().map(str::to_owned))
        .collect();
    let mut unused = dependencies("Cargo.toml");
    unused.retain(|library| !named.contains(library));
    assert_eq!(
        unused,
        BTreeSet::new(),
        "Cargo.toml has dependencies that src does not name"
    );
}

#[test]
fn every_module_has_a_rank() {
    for file in files("src") {
        assert!(
            rank(file.module()).is_some(),
            "{} is of the module `{}`, which has no rank: give it one in RANKS",
            file.path,
            file.module()
        );
    }
}

/// Plants each kind of breach, and watches it being found.
#[test]
fn a_planted_breach_is_found() {
    let libraries = dependencies("Cargo.toml");
    let planted = [
        (
            "src/event.rs",
            "use crate::store::EventStore;",
            "crate::store",
        ),
        (
            "src/json_text/scanner.rs",
            "use super::super::config::Config;",
            "crate::config",
        ),
        ("src/cursor.rs", "use tokio::fs::File;", "tokio"),
        (
            "src/registry/schema.rs",
            "use crate::store::EventStore;",
            "crate::store",
        ),
        (
            "src/store/append/schema.rs",
            "use jsonschema::Validator;",
            "jsonschema",
        ),
        (
            "src/position.rs",
            "fn now() { std::fs::read(\"x\"); }",
            "std::fs",
        ),
        (
            "src/store/read.rs",
            "use crate::{event::X, graphql::Y};",
            "crate::graphql",
        ),
        (
            "src/store/judge.rs",
            "use crate::game::Games;",
            "crate::game",
        ),
        ("src/game/fold.rs", "use sea_orm::Statement;", "sea_orm"),
        (
            "src/store/follow.rs",
            "use tokio::sync::{broadcast, mpsc};",
            "broadcast",
        ),
        (
            "src/graphql/query.rs",
            "use sea_orm::ConnectionTrait;",
            "sea_orm",
        ),
        (
            "src/graphql/list.rs",
            "fn f() { entity::event::Model }",
            "entity",
        ),
        (
            "src/graphql/page.rs",
            "use crate::server::Server;",
            "crate::server",
        ),
        (
            "src/server/http.rs",
            "type A = async_graphql::Request;",
            "async_graphql",
        ),
        (
            "src/server.rs",
            "use crate::config::Config;",
            "crate::config",
        ),
        ("src/cli/tail.rs", "use ::axum::Router;", "axum"),
        ("src/client.rs", "fn f() { todo!() }", "todo!"),
        ("src/config.rs", "#[allow(dead_code)] fn f() {}", "allow"),
        ("src/store/row.rs", "#![allow(unused)]", "allow"),
    ];
    for (path, text, named) in planted {
        let file = SourceFile::of(path, text);
        let found = breaches(&file, &libraries);
        assert!(
            found.len() == 1 && found[0].contains(path) && found[0].contains(named),
            "{text} in {path}: {found:?}"
        );
    }
    let long = SourceFile::of("src/store/row.rs", "fn f() {}\n".repeat(451));
    assert_eq!(breaches(&long, &libraries).len(), 1);
}

#[test]
fn tests_comments_and_texts_may_name_what_they_like() {
    let libraries = dependencies("Cargo.toml");
    let text = format!(
        "/// crate::server\nconst A: &str = \"axum::Router\"; // todo!()\n#[cfg(test)]\nmod tests {{ use sea_orm::X;\n{} }}",
        "fn f() {}\n".repeat(500)
    );
    let file = SourceFile::of("src/event.rs", text);
    assert_eq!(breaches(&file, &libraries), Vec::<String>::new());
}

#[test]
fn the_crates_beside_the_server_keep_to_themselves() {
    let none_of_the_server = ["gamebot_event_store", "axum", "tower", "tokio"];
    for (member, never) in [
        (
            "gamebot",
            &[
                "sea_orm",
                "sea_orm_migration",
                "entity",
                "migration",
                "reqwest",
            ][..],
        ),
        (
            "entity",
            &["migration", "sea_orm_migration", "gamebot", "async_graphql"],
        ),
        ("migration", &["entity", "gamebot", "async_graphql"]),
    ] {
        let never: BTreeSet<&str> = never.iter().chain(&none_of_the_server).copied().collect();
        for library in dependencies(&format!("{member}/Cargo.toml")) {
            assert!(
                !never.contains(library.as_str()),
                "{member}/Cargo.toml names {library}"
            );
        }
        for file in files(&format!("{member}/src")) {
            let tokens = file.tokens();
            let named = path_heads(&tokens)
                .into_iter()
                .find(|head| never.contains(head));
            assert_eq!(named, None, "{} names it", file.path);
        }
    }
}

#[test]
fn the_game_knows_graphql_only_behind_its_feature() {
    let manifest: toml::Table = read("gamebot/Cargo.toml").parse().unwrap();
    let optional = &manifest["dependencies"]["async-graphql"]["optional"];
    assert_eq!(optional.as_bool(), Some(true));
    assert!(
        manifest["features"].get("default").is_none(),
        "no feature is on by default"
    );
    let feature = tokens("feature = \"graphql\"");
    for file in files("gamebot/src") {
        let tokens = without(&file.tokens(), &feature);
        assert!(
            !tokens.iter().any(|token| token.is("async_graphql")),
            "{} names async_graphql outside of the feature `graphql`",
            file.path
        );
    }
}

/// A source file of the project; its path begins at the project's root.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn of(path: &str, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            text: text.into(),
        }
    }

    /// Everything but the tests.
    fn tokens(&self) -> Vec<Token> {
        without(&tokens(&self.text), &tokens("test)"))
    }

    /// The names from the root of the crate to this module.
    fn module_path(&self) -> Vec<&str> {
        let path = self.path.split_once("src/").unwrap().1;
        path.trim_end_matches(".rs").split('/').collect()
    }

    fn module(&self) -> &str {
        self.module_path()[0]
    }

    /// The lines before the tests, which stand at the end of a file.
    fn lines(&self) -> usize {
        let tests = self.text.find("#[cfg(test)]\nmod tests {");
        self.text[..tests.unwrap_or(self.text.len())]
            .lines()
            .count()
    }
}

/// What a file of the server does against the rules, each in a sentence.
fn breaches(file: &SourceFile, libraries: &BTreeSet<String>) -> Vec<String> {
    let tokens = file.tokens();
    let (module, path) = (file.module(), &file.path);
    let own_rank = rank(module).unwrap();
    let mut found = Vec::new();
    for imported in distinct(root_modules(&tokens, file.module_path().len())) {
        let allowed = rank(imported).is_none_or(|rank| {
            rank < own_rank
                || imported == module
                || rank == own_rank && [0, OUTERMOST].contains(&rank)
        });
        if !allowed {
            found.push(format!(
                "{path} imports crate::{imported}, which stands above `{module}`"
            ));
        }
    }
    for library in distinct(path_heads(&tokens)) {
        let owners = OWNED
            .iter()
            .find(|(owned, _)| *owned == library)
            .map(|(_, owners)| owners);
        if owners.is_some_and(|owners| !owners.contains(&module)) {
            found.push(format!(
                "{path} names {library}, which only {owners:?} may do"
            ));
        } else if own_rank == 0 && libraries.contains(library) && !WORDS_MAY_NAME.contains(&library)
        {
            found.push(format!(
                "{path} names {library}: the words know no such library"
            ));
        }
    }
    found.extend(forbidden(file, &tokens, own_rank).map(|what| format!("{path} {what}")));
    found
}

fn forbidden(file: &SourceFile, tokens: &[Token], rank: u8) -> impl Iterator<Item = String> {
    let has = |wanted: &[&str]| {
        tokens.windows(wanted.len()).any(|found| {
            found
                .iter()
                .zip(wanted)
                .all(|(token, wanted)| token.is(wanted))
        })
    };
    let does_io = ["fs", "net", "process", "env", "thread"]
        .into_iter()
        .find(|module| has(&["std", "::", module]))
        .filter(|_| rank == 0);
    let lines = file.lines();
    let breaches = [
        does_io.map(|module| format!("names std::{module}: the words do no input or output")),
        (file.path != "src/store/hub.rs" && has(&["broadcast"]))
            .then(|| "names broadcast, which only src/store/hub.rs may do".to_owned()),
        has(&["todo", "!"]).then(|| "has a todo!".to_owned()),
        (has(&["#", "[", "allow"]) || has(&["#", "!", "[", "allow"]))
            .then(|| "has an allow: write #[expect(…, reason = …)]".to_owned()),
        (lines > MOST_LINES).then(|| {
            format!("has {lines} lines without its tests, more than {MOST_LINES}: split it")
        }),
    ];
    breaches.into_iter().flatten()
}

fn distinct(names: Vec<&str>) -> BTreeSet<&str> {
    names.into_iter().collect()
}

fn rank(module: &str) -> Option<u8> {
    let found = RANKS.iter().find(|(_, modules)| modules.contains(&module));
    found.map(|(rank, _)| *rank)
}

/// The libraries of a package as code names them, those for tests and those behind features among them not.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(manifest).parse().unwrap();
    let named = manifest["dependencies"].as_table().unwrap();
    named.keys().map(|name| name.replace('-', "_")).collect()
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source files below a folder, but for those that only tests compile.
fn files(folder: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "there is no source in {folder}");
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(folder: &Path, found: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&name) {
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
            found.push(SourceFile::of(relative, read(relative)));
        }
    }
}

fn is_test(file_name: &str) -> bool {
    file_name == "tests.rs" || file_name == "fake_server.rs" || file_name.starts_with("test_")
}
