//! JSON as a tree in which every number keeps its text.
//!
//! The parser's own numbers are 64-bit integers and binary64: `1.10` would come back as `1.1`, and 2^64 as
//! `1.8446744073709552e19`. An upcast must not change what it does not mention, so a number whose text the
//! parser would not give back stands in the tree as a string of that text behind [`MARK`]. NUL is refused in
//! every string that the store accepts, so the mark cannot be anything else.

use std::borrow::Cow;

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::json_text::{Walk, decode};

/// What a number's text stands behind.
const MARK: char = '\0';
/// Deeper text was never accepted; what is stored so is damaged.
const MOST_DEPTH: usize = 128;

/// The tree of compact JSON text; `None` for text that is no such thing.
pub(super) fn read(text: &str) -> Option<Value> {
    read_at(text, 0)
}

fn read_at(text: &str, depth: usize) -> Option<Value> {
    if depth > MOST_DEPTH {
        return None;
    }
    match text.as_bytes().first()? {
        b'{' => read_object(text, depth).map(Value::Object),
        b'[' => read_array(text, depth).map(Value::Array),
        b'"' => {
            let inner = text.get(1..text.len().checked_sub(1)?)?;
            Some(Value::String(decode(inner).into_owned()))
        }
        b't' | b'f' | b'n' => serde_json::from_str(text).ok(),
        _ => {
            let number: Number = serde_json::from_str(text).ok()?;
            let is_kept = number.to_string() == text;
            Some(if is_kept {
                Value::Number(number)
            } else {
                Value::String(format!("{MARK}{text}"))
            })
        }
    }
}

fn read_object(text: &str, depth: usize) -> Option<Map<String, Value>> {
    let mut walk = Walk::new(text);
    let mut members = Map::new();
    walk.eat(b'{');
    while let Some((key, value)) = walk.next_member() {
        members.insert(decode(key).into_owned(), read_at(value, depth + 1)?);
    }
    walk.eat(b'}').then_some(members)
}

fn read_array(text: &str, depth: usize) -> Option<Vec<Value>> {
    let mut walk = Walk::new(text);
    let mut items = Vec::new();
    walk.eat(b'[');
    if walk.eat(b']') {
        return Some(items);
    }
    loop {
        items.push(read_at(walk.skip_value()?, depth + 1)?);
        if !walk.eat(b',') {
            return walk.eat(b']').then_some(items);
        }
    }
}

/// The compact text of a tree.
pub(super) fn write(tree: &Value) -> String {
    // Texts, numbers and keys that are texts: there is nothing that could fail.
    serde_json::to_string(&Exact(tree)).unwrap_or_default()
}

struct Exact<'a>(&'a Value);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => match text.strip_prefix(MARK) {
                Some(number) => RawValue::from_string(number.to_owned())
                    .map_err(S::Error::custom)?
                    .serialize(serializer),
                None => serializer.serialize_str(text),
            },
            Value::Array(items) => serializer.collect_seq(items.iter().map(Exact)),
            Value::Object(members) => {
                serializer.collect_map(members.iter().map(|(key, value)| (key, Exact(value))))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.0.serialize(serializer),
        }
    }
}

/// Whether two trees are the same value: numbers by what they are worth, however they are written, and
/// objects whatever the order of their keys.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    if let (Some(one), Some(other)) = (number_text(one), number_text(other)) {
        return Decimal::of(&one) == Decimal::of(&other);
    }
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| same(value, other))
            };
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        _ => one == other,
    }
}

fn number_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) => text.strip_prefix(MARK).map(Cow::Borrowed),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a JSON number is worth, in one form for each value: its digits without zeros at either end, times a
/// power of ten.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Of the text of a valid JSON number.
    fn of(text: &str) -> Self {
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let shortened = digits.trim_end_matches('0');
        let zeros = (digits.len() - shortened.len()) as u64;
        let decimals = fraction.len() as u64;
        let digits = shortened.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Self {
                is_negative: false,
                digits,
                exponent: 0,
            };
        }
        let exponent: i64 = exponent.parse().unwrap_or_default();
        Self {
            is_negative,
            digits,
            exponent: exponent
                .saturating_add_unsigned(zeros)
                .saturating_sub_unsigned(decimals),
        }
    }
}

/// What a tree occupies: the bytes of its text, roughly and never too few, and how deep it is.
pub(super) fn measure(tree: &Value) -> (usize, usize) {
    /// Brackets and quotation marks of a value, and the comma or colon after it.
    const AROUND: usize = 4;
    let joined = |(bytes, depth): (usize, usize), key: usize, value: &Value| {
        let (more, below) = measure(value);
        (bytes + key + AROUND + more, depth.max(below))
    };
    match tree {
        Value::Null | Value::Bool(_) => (5, 0),
        // The longest text of a number that the parser gives back.
        Value::Number(_) => (24, 0),
        Value::String(text) => (text_bytes(text) + AROUND, 0),
        Value::Array(items) => {
            let (bytes, depth) = items
                .iter()
                .fold((AROUND, 0), |sum, item| joined(sum, 0, item));
            (bytes, depth + 1)
        }
        Value::Object(members) => {
            let (bytes, depth) = members.iter().fold((AROUND, 0), |sum, (key, value)| {
                joined(sum, text_bytes(key), value)
            });
            (bytes, depth + 1)
        }
    }
}

/// What a text occupies as JSON, where a control character is six bytes and a quotation mark two.
fn text_bytes(text: &str) -> usize {
    let longer = text.bytes().map(|byte| match byte {
        0x00..0x20 => 5,
        b'"' | b'\\' => 1,
        _ => 0,
    });
    text.len() + longer.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again_to_the_last_digit() {
        for text in [
            r#"{"z":1.10,"a":18446744073709551616,"e":1E2,"n":-0,"f":1e300,"i":-9223372036854775809}"#,
            r#"[[],{},"",null,true,false,0.1,123,"é\n\"\\"]"#,
            "1.0",
            r#""text""#,
        ] {
            let tree = read(text).unwrap();
            assert_eq!(write(&tree), text);
        }
    }

    #[test]
    fn damaged_text_has_no_tree() {
        for text in ["", "{", "{\"a\"", "[1", "[1,", "x", "\"", "{\"a\":}", "tru"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000)), None);
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        let tree = |text| read(text).unwrap();
        for (one, other) in [
            ("1.10", "1.1"),
            ("1e2", "100"),
            ("100", "1E+2"),
            ("0", "-0.0e7"),
            ("18446744073709551616", "1.8446744073709551616e19"),
            ("[1.0,{\"a\":2e0,\"b\":3}]", "[1,{\"b\":3,\"a\":2}]"),
            ("0.0010", "1e-3"),
        ] {
            assert!(same(&tree(one), &tree(other)), "{one} {other}");
        }
        for (one, other) in [
            ("18446744073709551616", "18446744073709551617"),
            ("1", "\"1\""),
            ("1", "-1"),
            ("10", "1"),
            ("0.1", "0.01"),
            ("{\"a\":1}", "{\"a\":1,\"b\":1}"),
            ("[1]", "[1,1]"),
        ] {
            assert!(!same(&tree(one), &tree(other)), "{one} {other}");
        }
    }

    #[test]
    fn the_measure_of_a_tree_is_never_less_than_its_text() {
        for text in [
            "null",
            "-1.7976931348623157e308",
            "[1,2,[3,[4]]]",
            r#"{"a":{"b":"cc"},"d":[false]}"#,
            r#"["\u0001\u0001\u0001","\"\"\"\"\"\\\\\\"]"#,
            r#"{"\u0001\u0002\u0003":0}"#,
        ] {
            let tree = read(text).unwrap();
            assert!(measure(&tree).0 >= text.len(), "{text}");
        }
        assert_eq!(measure(&read("[1,[{}]]").unwrap()).1, 3);
    }
}
