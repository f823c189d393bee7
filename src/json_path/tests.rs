//! The grammar of paths and the rules of their meaning, one by one. That the three meanings agree
//! on random documents is an integration test, which needs databases.

use super::{JsonPath, JsonPathError, JsonScalar, SqlBind, SqlDialect};

fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).expect(text)
}

fn refusal(text: &str) -> JsonPathError {
    JsonPath::parse(text).expect_err(text)
}

fn string(characters: &str) -> JsonScalar {
    JsonScalar::Str(characters.to_owned())
}

fn matches(at: &str, document: &str, wanted: &JsonScalar) -> bool {
    path(at).matches(document, wanted)
}

#[test]
fn a_path_shows_itself_as_it_was_written() {
    for text in [
        "a",
        "a.b[0]",
        "$-_9.Z[2147483647][0].x",
        "0.1",
        &["a"; 16].join("."),
        &"k".repeat(200),
    ] {
        assert_eq!(path(text).to_string(), text);
    }
}

#[test]
fn a_path_outside_the_bounds_is_refused() {
    assert_eq!(refusal(""), JsonPathError::Empty);
    assert_eq!(
        refusal(&"k".repeat(201)),
        JsonPathError::TooLong { length: 201 }
    );
    assert_eq!(refusal(&["a"; 17].join(".")), JsonPathError::TooManySteps);
    assert_eq!(
        refusal(&format!("a{}", "[0]".repeat(16))),
        JsonPathError::TooManySteps
    );
    assert_eq!(refusal("[0]"), JsonPathError::FirstStepIsIndex);
}

#[test]
fn a_path_that_breaks_the_grammar_is_refused_with_the_place() {
    for (text, offset) in [("a.", 2), ("a..b", 2), (".a", 0), ("a.[0]", 2)] {
        assert_eq!(refusal(text), JsonPathError::EmptyKey { offset }, "{text}");
    }
    for (text, found, offset) in [
        ("a b", ' ', 1),
        ("a[0]b", 'b', 4),
        ("é", 'é', 0),
        ("a.\"b\"", '"', 2),
        ("a]", ']', 1),
        ("a.*", '*', 2),
        ("a\0", '\0', 1),
    ] {
        let expected = JsonPathError::UnexpectedCharacter { found, offset };
        assert_eq!(refusal(text), expected, "{text}");
    }
    for text in [
        "a[",
        "a[]",
        "a[-1]",
        "a[01]",
        "a[2147483648]",
        "a[1",
        "a[x]",
        "a[ 1]",
        "a[1é",
    ] {
        assert_eq!(
            refusal(text),
            JsonPathError::InvalidIndex { offset: 2 },
            "{text}"
        );
    }
    let message = refusal("a..b").to_string();
    assert!(
        message.starts_with("a key is missing at byte 2. Write keys of"),
        "{message}"
    );
}

#[test]
fn a_key_finds_members_only_and_an_index_elements_only() {
    let one = JsonScalar::Int(1);
    assert!(matches(
        "a.b[1].c",
        r#"{"x":[{}],"a":{"b":["]",{"c":1}]}}"#,
        &one
    ));
    assert!(matches("a.0", r#"{"a":{"0":1}}"#, &one));
    assert!(!matches("a.0", r#"{"a":[1]}"#, &one));
    assert!(!matches("a[0]", r#"{"a":{"0":1}}"#, &one));
    assert!(!matches("a[1]", r#"{"a":[1]}"#, &one));
    assert!(!matches("a[0]", r#"{"a":[]}"#, &one));
    assert!(!matches("a.b", r#"{"a":1}"#, &one));
    assert!(!matches("a", r#"{"b":{"a":1}}"#, &one));
    assert!(!matches("a", "{}", &one));
    assert!(matches("a", r#"{"\u0061":1}"#, &one));
}

#[test]
fn a_string_is_compared_by_its_characters() {
    assert!(matches(
        "a",
        r#"{"a":"x\u0041\n\ud83d\ude00\/"}"#,
        &string("xA\n😀/")
    ));
    assert!(matches("a", r#"{"a":""}"#, &string("")));
    assert!(!matches("a", r#"{"a":"x"}"#, &string("X")));
    assert!(!matches("a", r#"{"a":"xy"}"#, &string("x")));
    assert!(!matches("a", r#"{"a":"x"}"#, &string("xy")));
    assert!(!matches("a", r#"{"a":1}"#, &string("1")));
    assert!(!matches("a", r#"{"a":null}"#, &string("null")));
}

#[test]
fn a_number_matches_only_where_it_is_written_as_an_integer() {
    for (written, wanted) in [
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("-0", 0),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert!(matches(
            "a",
            &format!("{{\"a\":{written}}}"),
            &JsonScalar::Int(wanted)
        ));
    }
    for (written, wanted) in [
        ("7.0", 7),
        ("7e0", 7),
        ("70e-1", 7),
        ("-0.0", 0),
        ("\"7\"", 7),
        ("77", 7),
        ("9223372036854775808", i64::MAX),
        ("-9223372036854775809", i64::MIN),
        ("true", 1),
    ] {
        assert!(!matches(
            "a",
            &format!("{{\"a\":{written}}}"),
            &JsonScalar::Int(wanted)
        ));
    }
}

#[test]
fn null_is_the_literal_and_not_absence() {
    assert!(matches("a", r#"{"a":null}"#, &JsonScalar::Null));
    assert!(!matches("b", r#"{"a":null}"#, &JsonScalar::Null));
    assert!(!matches("a.b", r#"{"a":null}"#, &JsonScalar::Null));
    assert!(!matches("a", r#"{"a":"null"}"#, &JsonScalar::Null));
    assert!(matches("a", r#"{"a":true}"#, &JsonScalar::Bool(true)));
    assert!(!matches("a", r#"{"a":true}"#, &JsonScalar::Bool(false)));
    assert!(!matches("a", r#"{"a":"true"}"#, &JsonScalar::Bool(true)));
}

#[test]
fn placeholders_and_bound_values_correspond() {
    let text = |text: &str| SqlBind::Text(text.to_owned());
    let (sql, binds) = path("a.b[3]").sql(SqlDialect::Postgres, "e.data", &string("x"), 4);
    assert_eq!(binds, [text("a"), text("b"), SqlBind::Int(3), text("x")]);
    assert_eq!(
        sql,
        "COALESCE(json_typeof((e.data)::json -> $4::text -> $5::text -> ($6::bigint)::int) \
         = 'string' AND ((e.data)::json -> $4::text -> $5::text ->> ($6::bigint)::int) \
         = $7::text, FALSE)"
    );
    let (sql, binds) = path("a.b[3]").sql(SqlDialect::Sqlite, "e.data", &string("x"), 4);
    let place = text("$.\"a\".\"b\"[3]");
    assert_eq!(binds, [place.clone(), place, text("x")]);
    assert_eq!(sql.matches('?').count(), binds.len());
}

#[test]
fn a_string_with_nul_is_never_sent_to_a_database() {
    for dialect in [SqlDialect::Sqlite, SqlDialect::Postgres] {
        let condition = path("a").sql(dialect, "data", &string("a\0"), 1);
        assert_eq!(condition, ("FALSE".to_owned(), Vec::new()));
    }
}
