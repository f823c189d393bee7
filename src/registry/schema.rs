//! One JSON Schema, compiled once: draft 2020-12, without a way to anything outside of its own text.

mod references;
mod wording;

use std::sync::OnceLock;

use jsonschema::{Draft, PatternOptions, Validator};
use references::{Cost, Extent};
use serde_json::Value;

use crate::json_text::{JsonKind, JsonLimits, JsonText};

/// The longest schema that can be registered, in bytes.
pub const MOST_SCHEMA_BYTES: usize = 64 * 1024;
/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The most bytes that one compiled pattern may take.
const MOST_PATTERN_BYTES: usize = 256 * 1024;
/// The most bytes, roughly, that it may take to find out everything that is wrong with data.
const MOST_TOLD_BYTES: u64 = 64 * 1024 * 1024;

/// A schema that is known to be one, and cheap to apply.
#[derive(Debug)]
pub(super) struct Schema {
    text: JsonText,
    value: Value,
    /// Compiled when it is first needed: most versions are never applied, since events are appended at the
    /// newest one. That it can be compiled was made sure of when it was registered.
    compiled: OnceLock<Result<Compiled, String>>,
}

/// A schema that can be applied, and what that costs.
#[derive(Debug)]
struct Compiled {
    validator: Validator,
    cost: Cost,
}

/// One way in which data breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolation {
    /// The keys and indexes that lead to the place in the data.
    pub steps: Vec<String>,
    /// The keyword of the schema.
    pub keyword: String,
    /// What was found, what is allowed, what to do.
    pub message: String,
}

impl Schema {
    /// Reads a schema, or says what is wrong with it.
    pub(super) fn parse(raw: &str) -> Result<Self, String> {
        let limits = JsonLimits {
            max_depth: references::MOST_DEPTH,
        };
        let text = JsonText::parse(raw, &limits).map_err(|error| error.message_under("schema"))?;
        if text.len() > MOST_SCHEMA_BYTES {
            return Err(format!(
                "the schema has {} bytes; the limit is {MOST_SCHEMA_BYTES}",
                text.len()
            ));
        }
        if text.kind() != JsonKind::Object {
            return Err(format!(
                "the schema is {}. It must be a JSON object, such as {{\"type\":\"object\",\"properties\":{{}}}}",
                text.kind()
            ));
        }
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| format!("the schema cannot be read: {error}"))?;
        let schema = Self {
            text,
            value,
            compiled: OnceLock::new(),
        };
        schema.check()?;
        // What the check has compiled takes memory, and may never be needed.
        Ok(Self {
            compiled: OnceLock::new(),
            ..schema
        })
    }

    /// A schema of this program.
    pub(super) fn built_in(value: Value) -> Self {
        Self {
            text: JsonText::from_stored(value.to_string()),
            value,
            compiled: OnceLock::new(),
        }
    }

    /// Whether it can be applied, at a bounded cost.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(dialect) = self.value.get("$schema")
            && dialect.as_str() != Some(DIALECT)
        {
            return Err(format!(
                "its `$schema` is {dialect}. Schemas are JSON Schema draft 2020-12: write \"{DIALECT}\", or leave \
                 it out"
            ));
        }
        self.compiled().map(|_| ()).map_err(str::to_owned)
    }

    /// The schema as it was given, compact.
    pub(super) fn text(&self) -> &JsonText {
        &self.text
    }

    /// Whether two schemas are the same JSON value.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text || self.value == other.value
    }

    /// What is wrong with data, up to `most` violations; nothing if it is right. Whole numbers of more than
    /// 64 bits, and fractions, are compared as binary64.
    ///
    /// Of data and a schema that are very large together only the first violation is told, or no more than that
    /// there is one: nobody can make the server find out millions of them.
    pub(super) fn violations(&self, data: &str, most: usize) -> Vec<SchemaViolation> {
        let whole = |keyword: &str, message: String| {
            vec![SchemaViolation {
                steps: Vec::new(),
                keyword: keyword.to_owned(),
                message,
            }]
        };
        let value: Value = match serde_json::from_str(data) {
            Ok(value) => value,
            Err(error) => return whole("json", format!("data cannot be read as JSON: {error}.")),
        };
        let Compiled { validator, cost } = match self.compiled() {
            Ok(compiled) => compiled,
            Err(reason) => {
                return whole("schema", format!("data cannot be checked: {reason}."));
            }
        };
        // Most data is right, and to find that out is cheaper than to look for everything that is wrong.
        if validator.is_valid(&value) {
            return Vec::new();
        }
        let told: Vec<_> = match Telling::of(cost, extent(&value, data)) {
            Telling::Everything => validator.iter_errors(&value).collect(),
            Telling::First => validator.validate(&value).err().into_iter().collect(),
            Telling::Nothing => {
                return whole(
                    "schema",
                    "data does not fit its schema. The two are so large together that where is not told; send less \
                     data at a time to see it."
                        .to_owned(),
                );
            }
        };
        let found = told.iter().flat_map(wording::violations);
        found.take(most).collect()
    }

    fn compiled(&self) -> Result<&Compiled, &str> {
        let compiled = self.compiled.get_or_init(|| compile(&self.value));
        compiled.as_ref().map_err(String::as_str)
    }
}

/// How much is told of what is wrong with data.
enum Telling {
    Everything,
    First,
    /// Even one violation would repeat too much: what is wrong with each of many shapes.
    Nothing,
}

impl Telling {
    fn of(cost: &Cost, extent: Extent) -> Self {
        if cost.of_telling_all(extent) <= MOST_TOLD_BYTES {
            Self::Everything
        } else if cost.has_choices() {
            Self::Nothing
        } else {
            Self::First
        }
    }
}

fn extent(value: &Value, text: &str) -> Extent {
    let mut extent = Extent {
        text: text.len() as u64,
        ..Extent::default()
    };
    measure(value, 0, &mut extent);
    extent
}

/// Counts the values, and finds the longest path. Data is nested less deep than any stack is.
fn measure(value: &Value, path: u64, extent: &mut Extent) {
    /// The index of an item, and the separator before it.
    const INDEX: u64 = 8;
    extent.values += 1;
    extent.path = extent.path.max(path);
    match value {
        Value::Array(items) => {
            for item in items {
                measure(item, path + INDEX, extent);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                measure(member, path + 1 + key.len() as u64, extent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compile(schema: &Value) -> Result<Compiled, String> {
    let cost = references::check(schema)?;
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(MOST_PATTERN_BYTES))
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .offline();
    let validator = options.build(schema).map_err(|error| {
        let place = match error.instance_path().as_str() {
            "" => "the schema".to_owned(),
            place => format!("the schema at `{place}`"),
        };
        let reason = crate::stream::shown(&error.to_string());
        format!("{place} is no JSON Schema of draft 2020-12: {reason}")
    })?;
    Ok(Compiled { validator, cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords(schema: &str, data: &str) -> Vec<(String, String)> {
        let schema = Schema::parse(schema).unwrap();
        let pointer = |steps: &[String]| {
            let steps: String = steps.iter().flat_map(|step| ["/", step]).collect();
            steps
        };
        let found = schema.violations(data, 100).into_iter();
        found
            .map(|found| (pointer(&found.steps), found.keyword))
            .collect()
    }

    #[test]
    fn every_violation_is_found_with_its_place_and_keyword() {
        let schema = r#"{"type":"object","required":["a","b"],"additionalProperties":false,
            "properties":{"a":{"type":"integer","minimum":1},"b":{"items":{"enum":["x","y"]}},"c":{"pattern":"^c"}}}"#;
        assert_eq!(keywords(schema, r#"{"a":1,"b":["x"]}"#), []);
        let found = keywords(schema, r#"{"a":0,"b":["x","z",1],"c":"d","d":1}"#);
        let wanted = [
            ("", "additionalProperties"),
            ("/a", "minimum"),
            ("/b/1", "enum"),
            ("/b/2", "enum"),
            ("/c", "pattern"),
        ];
        let mut found: Vec<_> = found
            .iter()
            .map(|(place, keyword)| (place.as_str(), keyword.as_str()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!(
            keywords(schema, "{}"),
            [
                (String::new(), "required".to_owned()),
                (String::new(), "required".to_owned())
            ]
        );
    }

    #[test]
    fn of_a_value_that_may_be_null_or_a_shape_it_is_told_what_is_wrong_with_the_shape() {
        let schema = r##"{"$defs":{"team":{"type":"object","required":["id"],"properties":{"size":{"type":"integer"}}}},
            "properties":{"team":{"anyOf":[{"$ref":"#/$defs/team"},{"type":"null"}]},
                "by":{"oneOf":[{"type":"string"},{"type":"integer"}]}}}"##;
        let found = |data| {
            let mut found = keywords(schema, data);
            found.sort();
            found
        };
        let place = |place: &str, keyword: &str| (place.to_owned(), keyword.to_owned());
        assert_eq!(found(r#"{"team":null}"#), []);
        assert_eq!(
            found(r#"{"team":{"size":"x"}}"#),
            [place("/team", "required"), place("/team/size", "type")]
        );
        assert_eq!(found(r#"{"team":7}"#), [place("/team", "anyOf")]);
        assert_eq!(found(r#"{"by":[]}"#), [place("/by", "oneOf")]);
    }

    #[test]
    fn formats_are_checked_and_unknown_ones_are_notes() {
        let schema = r#"{"properties":{"at":{"format":"date-time"},"n":{"format":"uint32"}}}"#;
        assert_eq!(
            keywords(schema, r#"{"at":"2025-03-14T20:34:11.389119Z","n":-1}"#),
            []
        );
        assert_eq!(keywords(schema, r#"{"at":"yesterday"}"#).len(), 1);
    }

    #[test]
    fn nobody_can_make_the_server_find_out_millions_of_violations() {
        let found = |schema: &str, data: &str| {
            let mut found = keywords(schema, data);
            found.truncate(3);
            found
        };
        let many = |text: &str, count: usize| vec![text; count].join(",");
        let zeros = format!("[{}]", many("0", 20_000));
        // Thousands of shapes, of which each would tell of a copy of the data what is wrong with it.
        let shapes = format!(r#"{{"anyOf":[{}]}}"#, many(r#"{"type":"null"}"#, 4_000));
        assert_eq!(
            found(&shapes, &zeros),
            [(String::new(), "schema".to_owned())]
        );
        // Thousands of schemas for thousands of items.
        let all = format!(
            r#"{{"items":{{"allOf":[{}]}}}}"#,
            many(r#"{"type":"null"}"#, 4_000)
        );
        assert_eq!(found(&all, &zeros), [("/0".to_owned(), "type".to_owned())]);
        // Thousands of places, each told with a long path.
        let data = format!(r#"{{"{}":{zeros}}}"#, "k".repeat(30_000));
        let schema = r#"{"additionalProperties":{"items":{"type":"string"}}}"#;
        assert_eq!(found(schema, &data).len(), 1);
        let small = r#"{"k":[0,0,0]}"#;
        assert_eq!(found(schema, small).len(), 3);
    }

    #[test]
    fn what_is_no_schema_is_refused_with_the_reason() {
        for (schema, reason) in [
            ("[]", "It must be a JSON object"),
            ("true", "It must be a JSON object"),
            ("{", "schema"),
            (r#"{"type":"text"}"#, "/type"),
            (r#"{"properties":[]}"#, "/properties"),
            (r#"{"required":"a"}"#, "/required"),
            (
                r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
                "2020-12",
            ),
            (r#"{"pattern":"(?=a)b"}"#, "no JSON Schema"),
            (r#"{"pattern":"(a{1000}){1000}"}"#, "no JSON Schema"),
            (r#"{"pattern":"("}"#, "no JSON Schema"),
        ] {
            let error = Schema::parse(schema).unwrap_err();
            assert!(error.contains(reason), "{schema}: {error}");
        }
        let long = format!(r#"{{"description":"{}"}}"#, "x".repeat(MOST_SCHEMA_BYTES));
        assert!(Schema::parse(&long).unwrap_err().contains("65536"));
        let deep = format!("{}true{}", r#"{"not":"#.repeat(33), "}".repeat(33));
        assert!(Schema::parse(&deep).unwrap_err().contains("32"));
    }
}
