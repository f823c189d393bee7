//! The rules of JSON text, one by one and over random documents.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{JsonKind, JsonLimits, JsonText, JsonTextError, JsonTextProblem as Problem, Member};

fn parse(raw: &str) -> Result<JsonText, JsonTextError> {
    JsonText::parse(raw, &JsonLimits::default())
}

fn problem(raw: &str) -> Problem {
    parse(raw).expect_err(raw).problem
}

/// The path and offset of the refusal.
fn place(raw: &str) -> (String, usize) {
    let error = parse(raw).expect_err(raw);
    (error.path, error.offset)
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn only_white_space_between_tokens_is_dropped() {
    let raw = "\r\n{ \"b\" :\t[ 1.10 , 1E2 , -0 ] , \"a b\" : \" x \\u0041 \" , \"c\" : { } }\n";
    let compact = r#"{"b":[1.10,1E2,-0],"a b":" x \u0041 ","c":{}}"#;
    assert_eq!(parse(raw).unwrap().as_str(), compact);
    assert_eq!(parse(compact).unwrap().as_str(), compact);
}

#[test]
fn the_text_of_every_finite_number_survives() {
    for number in [
        "1.10",
        "1E2",
        "18446744073709551616",
        "1e300",
        "-0",
        "-0.0",
        "0e99999999999999999999",
        "1e-400",
        "1e-99999999999999999999",
        "1.7976931348623157e308",
        "1.797693134862315807e308",
        "0.00001e312",
        "17976931348623157e292",
        "1e0000000000000000000000000000001",
        &"9".repeat(308),
        &format!("0.{}1e100001", "0".repeat(100_000)),
        &format!("1{}e-100000", "0".repeat(100_300)),
    ] {
        assert_eq!(parse(number).expect(number).as_str(), number);
    }
}

#[test]
fn a_number_beyond_binary64_is_refused_with_its_place() {
    for number in [
        "1e400",
        "-1e309",
        "1.8e308",
        "1.7976931348623159e308",
        "17976931348623159e292",
        "0.0001e313",
        "1e99999999999999999999",
        &"9".repeat(310),
        &format!("1{}e-100000", "0".repeat(100_309)),
    ] {
        let raw = format!(r#"{{"a":[0,{number}]}}"#);
        let error = parse(&raw).expect_err(number);
        assert!(
            matches!(error.problem, Problem::NumberNotFinite { .. }),
            "{number}"
        );
        assert_eq!((error.path.as_str(), error.offset), ("a[1]", 8));
    }
}

#[test]
fn a_number_that_breaks_the_grammar_is_refused() {
    for number in [
        "01", "-01", "00", "1. ", "1.e5", "1e ", "1e+ ", "- ", "-a", "1.x",
    ] {
        assert_eq!(problem(number), Problem::InvalidNumber, "{number}");
    }
    for cut in ["-", "1.", "1e", "1e-"] {
        assert_eq!(problem(cut), Problem::UnexpectedEnd, "{cut}");
    }
    for other in ["+1", ".5", "NaN", "Infinity", "0x10"] {
        assert!(parse(other).is_err(), "{other}");
    }
}

#[test]
fn nul_is_refused_raw_and_escaped_in_values_and_keys() {
    assert_eq!(problem("\"\0\""), Problem::Nul);
    assert_eq!(problem(r#""\u0000""#), Problem::Nul);
    assert_eq!(problem(r#"{"\u0000":1}"#), Problem::Nul);
    assert_eq!(
        place(r#"{"a":{"b":["x","y\u0000"]}}"#),
        ("a.b[1]".into(), 17)
    );
    assert_eq!(parse(r#""\\u0000""#).unwrap().as_str(), r#""\\u0000""#);
}

#[test]
fn a_surrogate_without_its_partner_is_refused() {
    for raw in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\uDBFFx""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\ud800\u0041""#,
    ] {
        assert!(
            matches!(problem(raw), Problem::LoneSurrogate { .. }),
            "{raw}"
        );
    }
    assert_eq!(place(r#"{"a":"x\udfff"}"#), ("a".into(), 7));
    assert!(parse(r#""\ud83d\uDE00""#).is_ok());
}

#[test]
fn other_faults_inside_strings_are_refused() {
    assert_eq!(
        problem("\"a\nb\""),
        Problem::ControlCharacter { found: '\n' }
    );
    assert_eq!(problem(r#""\x""#), Problem::InvalidEscape);
    assert_eq!(problem(r#""\u12g4""#), Problem::InvalidEscape);
    assert_eq!(problem(r#""\u+123""#), Problem::InvalidEscape);
    for cut in [
        r#"""#,
        r#""a"#,
        r#""\"#,
        r#""\u00"#,
        r#""\ud800"#,
        r#""\ud800\"#,
        r#""\ud800\u"#,
    ] {
        assert_eq!(problem(cut), Problem::UnexpectedEnd, "{cut}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_place() {
    let parse = |raw| JsonText::parse_bytes(raw, &JsonLimits::default());
    let error = parse(b"{\"a\":[1,\"x\xff\"]}").unwrap_err();
    assert_eq!(error.problem, Problem::InvalidUtf8);
    assert_eq!((error.path.as_str(), error.offset), ("a[1]", 10));
    assert_eq!(parse(b"1 \xff").unwrap_err().problem, Problem::InvalidUtf8);
    assert_eq!(
        parse(b"[01,\xff]").unwrap_err().problem,
        Problem::InvalidNumber
    );
    assert_eq!(parse("[\"é\"]".as_bytes()).unwrap().as_str(), "[\"é\"]");
}

#[test]
fn a_key_twice_in_one_object_is_refused_after_decoding_escapes() {
    assert_eq!(
        problem(r#"{"a":1,"\u0061":2}"#),
        Problem::DuplicateKey { key: "a".into() }
    );
    assert_eq!(place(r#"{"x":{"a":1,"b":2,"a":3}}"#), ("x.a".into(), 18));
    assert_eq!(place(r#"[{"é":1,"\u00e9":2}]"#), ("[0][\"é\"]".into(), 9));
    assert!(parse(r#"{"a":{"a":1},"b":{"a":[{"a":2}]}}"#).is_ok());
    assert!(parse(r#"{"a":1,"A":2,"":3}"#).is_ok());
}

#[test]
fn a_key_twice_is_found_in_an_object_of_any_size() {
    for keys in [15, 16, 17, 18, 1000] {
        let members = (0..keys).map(|key| format!("\"k{key}\":{{\"k0\":1}}"));
        let members = members.collect::<Vec<_>>().join(",");
        assert!(parse(&format!("{{{members}}}")).is_ok(), "{keys}");
        for repeated in [0, keys / 2, keys - 1] {
            for written in [format!("k{repeated}"), format!("\\u006b{repeated}")] {
                let raw = format!("{{{members},\"{written}\":2}}");
                let key = format!("k{repeated}");
                assert_eq!(problem(&raw), Problem::DuplicateKey { key }, "{keys}");
            }
        }
    }
}

#[test]
fn sixty_four_levels_are_accepted_and_one_more_is_refused() {
    assert!(parse(&nested(64)).is_ok());
    assert_eq!(problem(&nested(65)), Problem::TooDeep { limit: 64 });
    assert_eq!(place(&nested(65)), ("[0]".repeat(64), 64));
    let objects = "{\"a\":".repeat(64) + "[]" + &"}".repeat(64);
    assert_eq!(problem(&objects), Problem::TooDeep { limit: 64 });
    // Levels are counted at one time, not over the whole document.
    assert!(parse(&format!("[{0},{0}]", nested(63))).is_ok());
    assert_eq!(
        problem(&"[".repeat(1_000_000)),
        Problem::TooDeep { limit: 64 }
    );
}

#[test]
fn what_is_not_exactly_one_value_is_refused() {
    assert_eq!(problem(""), Problem::Empty);
    assert_eq!(problem(" \n"), Problem::Empty);
    assert_eq!(problem("{} {}"), Problem::TrailingText { found: '{' });
    assert_eq!(problem("1 é"), Problem::TrailingText { found: 'é' });
    for cut in [
        "{",
        "[",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "[1",
        "[1,",
        "tru",
    ] {
        assert_eq!(problem(cut), Problem::UnexpectedEnd, "{cut}");
    }
    for wrong in [
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "}",
        "truE",
        "nul1",
        "True",
        "//x\n1",
        "\u{feff}1",
        "{\"a\":}",
        "[\"a\":1]",
        "\u{a0}1",
    ] {
        assert!(
            matches!(problem(wrong), Problem::UnexpectedCharacter { .. }),
            "{wrong}"
        );
    }
}

#[test]
fn a_place_quotes_the_keys_that_are_not_plain_words() {
    assert_eq!(
        place(r#"{"odd key":{"a-b_$1":[[x]]}}"#).0,
        r#"["odd key"].a-b_$1[0][0]"#
    );
    assert_eq!(place(r#"{"":x}"#).0, r#"[""]"#);
    assert_eq!(place(r#"{"\u0061":x}"#).0, "a");
    assert_eq!(place(r#"{"a":1,"b" x}"#).0, "b");
    assert_eq!(place(r#"{"a":1,x}"#).0, "");
    let long = format!("{{\"{}\":x}}", "é".repeat(200));
    assert_eq!(place(&long).0, format!("[\"{}…\"]", "é".repeat(64)));
}

#[test]
fn a_message_names_the_place_the_value_and_the_remedy() {
    let error = parse(r#"{"a":{"b":[1e400]}}"#).unwrap_err();
    assert_eq!(error.path_under("data"), "data.a.b[0]");
    assert_eq!(
        error.message_under("data"),
        "the number 1e400 is too large for a 64-bit float at data.a.b[0] (byte 11). \
         Send a number below about 1.8e308 in size, or send it as a string."
    );
    assert_eq!(
        parse("").unwrap_err().to_string(),
        "there is no JSON value at the document (byte 0). Send a JSON value, such as {}."
    );
    assert_eq!(parse("[x]").unwrap_err().path_under("data"), "data[0]");
    assert_eq!(parse("x").unwrap_err().path_under("data"), "data");
}

#[test]
fn the_kind_is_that_of_the_outermost_value() {
    for (raw, kind) in [
        (" {}", JsonKind::Object),
        (" []", JsonKind::Array),
        (" \"\"", JsonKind::String),
        (" -1", JsonKind::Number),
        (" 1", JsonKind::Number),
        (" true", JsonKind::Bool),
        (" false", JsonKind::Bool),
        (" null", JsonKind::Null),
    ] {
        assert_eq!(parse(raw).unwrap().kind(), kind, "{raw}");
    }
}

#[test]
fn top_level_members_are_found_and_nested_ones_are_not() {
    let text = parse(
        r#"{"in":{"guild_id":"no","x":"}]\""},"\u0067uild_id": "1\u0032",
            "n":null,"i":1.50,"l":[{"z":1},"]"],"last":"x"}"#,
    )
    .unwrap();
    assert_eq!(text.member_str("guild_id"), Member::Text("12".into()));
    assert_eq!(text.member_str("n"), Member::Null);
    assert_eq!(text.member_str("i"), Member::Other(JsonKind::Number));
    assert_eq!(text.member_str("x"), Member::Absent);
    assert_eq!(text.member_str("last"), Member::Text("x".into()));
    assert_eq!(
        text.top_level(["i", "missing", "l"]),
        [Some("1.50"), None, Some(r#"[{"z":1},"]"]"#)]
    );
}

#[test]
fn a_document_that_is_no_object_has_no_members() {
    for raw in ["[]", r#"["a"]"#, "1", "\"a\"", "{}"] {
        assert_eq!(parse(raw).unwrap().member_str("a"), Member::Absent, "{raw}");
    }
    assert_eq!(JsonText::empty_object().as_str(), "{}");
}

#[test]
fn debug_output_does_not_show_the_payload() {
    let text = parse(r#"{"secret":"x"}"#).unwrap();
    assert_eq!(format!("{text:?}"), "JsonText(an object, 14 bytes)");
}

fn white_space() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => "[ \\t\\r\\n]{1,3}",
    ]
}

/// Characters (never NUL) and one of the ways to write them, without quotation marks.
fn string() -> impl Strategy<Value = (String, String)> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range('\u{1}', '\u{7f}'),
        prop::sample::select(vec!['"', '\\', '/', '\n', 'é', '\u{2028}', '\u{10FFFF}']),
    ]
    .prop_filter("NUL is refused", |character| *character != '\0');
    prop::collection::vec((character, 0..4_u8), 0..6).prop_map(|characters| {
        let plain = characters.iter().map(|(character, _)| *character).collect();
        (
            plain,
            characters
                .into_iter()
                .map(|(character, style)| write(character, style))
                .collect(),
        )
    })
}

fn write(character: char, style: u8) -> String {
    let mut units = [0; 2];
    let units = character.encode_utf16(&mut units).iter();
    match style {
        0 => units
            .map(|unit| format!("\\u{unit:04x}"))
            .collect::<Vec<_>>()
            .concat(),
        1 => units
            .map(|unit| format!("\\u{unit:04X}"))
            .collect::<Vec<_>>()
            .concat(),
        2 if character == '/' => "\\/".into(),
        _ => {
            let quoted = serde_json::to_string(&character).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
    }
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?"
}

/// A document with random white space and escapes.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        number(),
        string().prop_map(|(_, written)| format!("\"{written}\"")),
    ];
    let padded = |text: BoxedStrategy<String>| {
        (white_space(), text, white_space())
            .prop_map(|(before, text, after)| before + &text + &after)
    };
    padded(scalar.boxed()).prop_recursive(5, 60, 20, move |value| {
        let array = prop::collection::vec(value.clone(), 0..4)
            .prop_map(|values| format!("[{}]", values.join(",")));
        let member = (string(), padded(Just(String::new()).boxed()), value);
        let object = prop::collection::vec(member, 0..20).prop_map(|members| {
            let members = members
                .into_iter()
                .map(|((key, written), space, value)| {
                    (key, format!("{space}\"{written}\"{space}:{value}"))
                })
                .collect::<BTreeMap<_, _>>();
            format!(
                "{{{}}}",
                members.into_values().collect::<Vec<_>>().join(",")
            )
        });
        padded(prop_oneof![array, object].boxed())
    })
}

/// Text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "1", "-", "0", ".", "e", "+", "\\",
        "\\u00", "61", "\\ud800", "\\udc00", " ", "\n", "true", "nul", "null", "é", "\u{1}",
        "1e99",
    ]);
    let pieces =
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes());
    let damaged =
        (document(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(document, at, byte)| {
            let mut bytes = document.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..24), pieces, damaged]
}

/// Whether a document breaks one of the rules that RFC 8259 does not have, or breaks it in a way
/// that `serde_json::Value` does not see.
fn is_extra(problem: &Problem) -> bool {
    match problem {
        Problem::Nul | Problem::DuplicateKey { .. } | Problem::TooDeep { .. } => true,
        Problem::Empty
        | Problem::UnexpectedEnd
        | Problem::UnexpectedCharacter { .. }
        | Problem::TrailingText { .. }
        | Problem::InvalidUtf8
        | Problem::ControlCharacter { .. }
        | Problem::InvalidEscape
        | Problem::LoneSurrogate { .. }
        | Problem::InvalidNumber
        | Problem::NumberNotFinite { .. } => false,
    }
}

proptest! {
    #[test]
    fn compacting_keeps_the_value_and_is_done_once(raw in document()) {
        let text = parse(&raw).unwrap();
        let before = serde_json::from_str::<serde_json::Value>(&raw).unwrap();
        let after = serde_json::from_str::<serde_json::Value>(&text).unwrap();
        prop_assert_eq!(before, after);
        let again = parse(&text).unwrap();
        prop_assert_eq!(again.as_str(), text.as_str());
    }

    #[test]
    fn compact_text_has_no_white_space_outside_strings(raw in document()) {
        let text = parse(&raw).unwrap();
        let mut is_inside = false;
        let mut is_escaped = false;
        for byte in text.bytes() {
            prop_assert!(is_inside || !byte.is_ascii_whitespace());
            is_inside ^= byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
        }
    }

    #[test]
    fn acceptance_agrees_with_another_parser(raw in nearly_json()) {
        let theirs = serde_json::from_slice::<serde_json::Value>(&raw);
        match JsonText::parse_bytes(&raw, &JsonLimits::default()) {
            Ok(text) => prop_assert_eq!(
                theirs.unwrap(),
                serde_json::from_str::<serde_json::Value>(&text).unwrap()
            ),
            Err(error) => {
                prop_assert!(error.offset <= raw.len());
                prop_assert!(theirs.is_err() || is_extra(&error.problem), "{}", error);
            }
        }
    }

    #[test]
    fn members_are_those_of_a_parsed_tree(raw in document(), wanted in string()) {
        let text = parse(&raw).unwrap();
        let tree = serde_json::from_str::<serde_json::Value>(&raw).unwrap();
        let known = tree.as_object().into_iter().flat_map(|object| object.keys().cloned());
        for key in known.chain([wanted.0]) {
            let expected = match tree.get(&key) {
                None => Member::Absent,
                Some(serde_json::Value::Null) => Member::Null,
                Some(serde_json::Value::String(text)) => Member::Text(text.into()),
                Some(serde_json::Value::Array(_)) => Member::Other(JsonKind::Array),
                Some(serde_json::Value::Object(_)) => Member::Other(JsonKind::Object),
                Some(serde_json::Value::Bool(_)) => Member::Other(JsonKind::Bool),
                Some(serde_json::Value::Number(_)) => Member::Other(JsonKind::Number),
            };
            prop_assert_eq!(text.member_str(&key), expected);
        }
    }

    #[test]
    fn damaged_stored_text_never_panics(raw in "[{}\\[\\]\",:\\\\a0u é]{0,16}") {
        let text = JsonText::from_stored(raw);
        let _ = (text.kind(), text.member_str("a"), format!("{text:?}"));
    }
}
