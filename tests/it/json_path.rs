//! A filter on a path means the same to a live feed and to each database.

use std::cell::Cell;
use std::collections::BTreeMap;

use gamebot_event_store::json_path::{JsonPath, JsonScalar, SqlBind, SqlDialect};
use gamebot_event_store::json_text::{JsonLimits, JsonText};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, Value};
use serde_json::value::RawValue;

/// A question about one document; `None` stands for a payload that was removed.
#[derive(Clone, Debug)]
struct Question {
    document: Option<JsonText>,
    path: JsonPath,
    wanted: JsonScalar,
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_the_live_filter_and_a_naive_reading_agree() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    near_misses_are_told_apart(&db).await;
    all_readings_agree(&db);
}

#[tokio::test]
async fn on_sqlite_text_that_is_not_json_matches_nothing_and_fails_nothing() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    for wanted in every_wanted() {
        let document = Some(JsonText::from_stored("{\"a\":1"));
        let path = JsonPath::parse("a").unwrap();
        assert!(
            !database_reading(
                &db,
                &Question {
                    document,
                    path,
                    wanted
                }
            )
            .await
        );
    }
}

/// Asks for every value that is looked for in a document with every value that resembles one.
async fn near_misses_are_told_apart(db: &DatabaseConnection) {
    for value in VALUES {
        for wanted in every_wanted() {
            let document = Some(compact(&format!("{{\"a\":[{value}]}}")));
            let path = JsonPath::parse("a[0]").unwrap();
            let question = Question {
                document,
                path,
                wanted,
            };
            let stored = database_reading(db, &question).await;
            assert_eq!(
                stored,
                naive_reading(&question),
                "the database: {question:?} {value}"
            );
            assert_eq!(
                live_reading(&question),
                stored,
                "the live filter: {question:?} {value}"
            );
        }
    }
}

/// Asks random questions of the three readings. About a quarter of them find something; that fewer
/// than a twentieth do is out of chance's reach, and would make the agreement one about nothing.
fn all_readings_agree(db: &DatabaseConnection) {
    let runtime = tokio::runtime::Handle::current();
    let (asked, found) = (Cell::new(0_u32), Cell::new(0_u32));
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&question(), |question| {
            let naive = naive_reading(&question);
            prop_assert_eq!(live_reading(&question), naive, "the live filter");
            let stored = runtime.block_on(database_reading(db, &question));
            prop_assert_eq!(stored, naive, "the database");
            asked.set(asked.get() + 1);
            found.set(found.get() + u32::from(naive));
            Ok(())
        })
    });
    outcome.unwrap();
    let (asked, found) = (asked.get(), found.get());
    assert!(
        found * 20 > asked,
        "only {found} of {asked} questions found something"
    );
}

fn live_reading(question: &Question) -> bool {
    let Some(document) = &question.document else {
        return false;
    };
    question.path.matches(document, &question.wanted)
}

/// The condition, evaluated by the database over one column of one row.
async fn database_reading(db: &DatabaseConnection, question: &Question) -> bool {
    let backend = db.get_database_backend();
    let (dialect, document) = match backend {
        DbBackend::Postgres => (SqlDialect::Postgres, "$1::text"),
        _ => (SqlDialect::Sqlite, "?"),
    };
    let (condition, binds) = question
        .path
        .sql(dialect, "event.data", &question.wanted, 2);
    let sql =
        format!("WITH event(data) AS (SELECT {document}) SELECT {condition} AS found FROM event");
    let text = question.document.as_ref().map(ToString::to_string);
    let values =
        std::iter::once(Value::from(text)).chain(binds.into_iter().map(|bind| match bind {
            SqlBind::Text(text) => Value::from(text),
            SqlBind::Int(integer) => Value::from(integer),
        }));
    let row = db
        .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
        .await;
    // A NULL would fail here: the condition promises true or false.
    row.unwrap().unwrap().try_get::<bool>("", "found").unwrap()
}

/// The meaning again, by decoding level after level; number texts stay as they are.
fn naive_reading(question: &Question) -> bool {
    let Some(document) = &question.document else {
        return false;
    };
    let mut value = RawValue::from_string(document.to_string()).unwrap();
    for step in question.path.to_string().replace('[', ".[").split('.') {
        let found = match step.strip_prefix('[') {
            Some(index) => serde_json::from_str::<Vec<Box<RawValue>>>(value.get())
                .ok()
                .and_then(|mut elements| {
                    let index = index.trim_end_matches(']').parse::<usize>().unwrap();
                    (index < elements.len()).then(|| elements.swap_remove(index))
                }),
            None => serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get())
                .ok()
                .and_then(|mut members| members.remove(step)),
        };
        let Some(found) = found else { return false };
        value = found;
    }
    match &question.wanted {
        JsonScalar::Str(characters) => {
            serde_json::from_str::<String>(value.get()).is_ok_and(|found| found == *characters)
        }
        JsonScalar::Bool(wanted) => {
            serde_json::from_str::<bool>(value.get()).is_ok_and(|found| found == *wanted)
        }
        JsonScalar::Null => value.get() == "null",
        JsonScalar::Int(wanted) => {
            let is_integer = value
                .get()
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_digit());
            is_integer && value.get().parse::<i128>() == Ok(i128::from(*wanted))
        }
    }
}

fn question() -> impl Strategy<Value = Question> {
    let removed = (path(), wanted()).prop_map(|(path, wanted)| Question {
        document: None,
        path,
        wanted,
    });
    let random = (object(), path(), wanted()).prop_map(|(document, path, wanted)| Question {
        document: Some(document),
        path,
        wanted,
    });
    // Most random questions find nothing: this one puts a value where it will be looked for.
    let similar = (path(), scalar(), wanted()).prop_map(|(path, value, wanted)| Question {
        document: Some(compact(&planted(&path, value))),
        path,
        wanted,
    });
    let certain = (path(), wanted(), any::<bool>()).prop_map(|(path, wanted, escaped)| Question {
        document: Some(compact(&planted(&path, written(&wanted, escaped)))),
        path,
        wanted,
    });
    prop_oneof![1 => removed, 4 => random, 4 => similar, 4 => certain]
}

/// A document with this value at this path.
fn planted(path: &JsonPath, value: String) -> String {
    let path = path.to_string().replace('[', ".[");
    path.rsplit('.')
        .fold(value, |value, step| match step.strip_prefix('[') {
            Some(index) => {
                let index = index.trim_end_matches(']').parse::<usize>().unwrap();
                format!("[{}{value},7]", "\"]\",".repeat(index.min(3)))
            }
            None => format!("{{\"before\":[{{}}],\"{step}\":{value},\"behind\":1}}"),
        })
}

fn written(scalar: &JsonScalar, escaped: bool) -> String {
    match scalar {
        JsonScalar::Str(text) if escaped => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<Vec<_>>().concat())
        }
        JsonScalar::Str(text) => serde_json::to_string(text).unwrap(),
        JsonScalar::Bool(value) => value.to_string(),
        JsonScalar::Null => "null".to_owned(),
        JsonScalar::Int(value) => value.to_string(),
    }
}

fn compact(text: &str) -> JsonText {
    JsonText::parse(text, &JsonLimits::default()).unwrap()
}

fn path() -> impl Strategy<Value = JsonPath> {
    let step = prop::sample::select(vec![".a", ".b", ".0", ".$-_", "[0]", "[1]", "[2147483647]"]);
    let first = prop::sample::select(vec!["a", "b", "0"]);
    (first, prop::collection::vec(step, 0..4))
        .prop_map(|(first, steps)| JsonPath::parse(&(first.to_owned() + &steps.concat())).unwrap())
}

fn wanted() -> impl Strategy<Value = JsonScalar> {
    let text = any::<String>().prop_filter("NUL is refused", |text| !text.contains('\0'));
    prop_oneof![
        2 => prop::sample::select(every_wanted()),
        1 => text.prop_map(JsonScalar::Str),
        1 => any::<i64>().prop_map(JsonScalar::Int),
    ]
}

fn every_wanted() -> Vec<JsonScalar> {
    let texts = [
        "",
        "a",
        "0",
        "1",
        "null",
        "true",
        "\"",
        "\\",
        "é😀\n/",
        "[0]",
    ];
    let integers = [0, 1, -1, 7, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1];
    let texts = texts.map(|text| JsonScalar::Str(text.to_owned()));
    let others = [
        JsonScalar::Bool(true),
        JsonScalar::Bool(false),
        JsonScalar::Null,
    ];
    texts
        .into_iter()
        .chain(integers.map(JsonScalar::Int))
        .chain(others)
        .collect()
}

/// Values that are looked for, and values that differ from them in as little as possible.
const VALUES: &[&str] = &[
    "0",
    "-0",
    "0.0",
    "-0.0",
    "0e5",
    "1",
    "1.0",
    "1e0",
    "10e-1",
    "-1",
    "7",
    "70",
    "true",
    "false",
    "null",
    "\"\"",
    "\"0\"",
    "\"1\"",
    "\"a\"",
    "\"A\"",
    "\"a \"",
    "\"\\u0061\"",
    "\"true\"",
    "\"null\"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\u00e9\\uD83D\\ude00\\n\\/\"",
    "\"é😀\\u000a/\"",
    "\"[0]\"",
    "9223372036854775807",
    "9223372036854775807.0",
    "9223372036854775806.9",
    "9223372036854775806",
    "9223372036854775808",
    "-9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "1e300",
    "{}",
    "[]",
    "[0]",
    "{\"a\":1}",
];

fn scalar() -> impl Strategy<Value = String> {
    prop::sample::select(VALUES).prop_map(str::to_owned)
}

fn object() -> impl Strategy<Value = JsonText> {
    let key = prop::sample::select(vec!["a", "\\u0061", "b", "0", "$-_", "other", "é\\n"]);
    let members = move |value: BoxedStrategy<String>| {
        prop::collection::vec((key.clone(), value), 0..4).prop_map(|members| {
            let unique = members
                .into_iter()
                .map(|(key, value)| (key.replace("\\u0061", "a"), format!("\"{key}\":{value}")))
                .collect::<BTreeMap<_, _>>();
            format!("{{{}}}", unique.into_values().collect::<Vec<_>>().join(","))
        })
    };
    let object = members.clone();
    let value = scalar().prop_recursive(3, 24, 4, move |value| {
        let array = prop::collection::vec(value.clone(), 0..3)
            .prop_map(|elements| format!("[{}]", elements.join(",")));
        prop_oneof![array, object(value.boxed())]
    });
    members(value.boxed()).prop_map(|text| compact(&text))
}
