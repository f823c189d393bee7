//! One JSON Schema, compiled once: draft 2020-12, without a way to anything outside of its own text.

mod references;
mod wording;

use std::sync::OnceLock;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::json_text::{JsonKind, JsonLimits, JsonText};

/// The longest schema that can be registered, in bytes.
pub const MOST_SCHEMA_BYTES: usize = 64 * 1024;
/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The most bytes that one compiled pattern may take.
const MOST_PATTERN_BYTES: usize = 256 * 1024;

/// A schema that is known to be one, and cheap to apply.
#[derive(Debug)]
pub(super) struct Schema {
    text: JsonText,
    value: Value,
    /// Compiled when it is first needed: most versions are never applied, since events are appended at the
    /// newest one. That it can be compiled was made sure of when it was registered.
    validator: OnceLock<Result<Validator, String>>,
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
            validator: OnceLock::new(),
        };
        schema.check()?;
        Ok(schema)
    }

    /// A schema of this program.
    pub(super) fn built_in(value: Value) -> Self {
        Self {
            text: JsonText::from_stored(value.to_string()),
            value,
            validator: OnceLock::new(),
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
        references::check(&self.value)?;
        self.validator().map(|_| ()).map_err(str::to_owned)
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
        let validator = match self.validator() {
            Ok(validator) => validator,
            Err(reason) => {
                return whole("schema", format!("data cannot be checked: {reason}."));
            }
        };
        // Most data is right, and to find that out is cheaper than to look for everything that is wrong.
        if validator.is_valid(&value) {
            return Vec::new();
        }
        let found = validator.iter_errors(&value);
        let found = found.flat_map(|error| wording::violations(&error));
        found.take(most).collect()
    }

    fn validator(&self) -> Result<&Validator, &str> {
        let compiled = self.validator.get_or_init(|| compile(&self.value));
        compiled.as_ref().map_err(String::as_str)
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(MOST_PATTERN_BYTES))
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .offline();
    options.build(schema).map_err(|error| {
        let place = match error.instance_path().as_str() {
            "" => "the schema".to_owned(),
            place => format!("the schema at `{place}`"),
        };
        let reason = crate::stream::shown(&error.to_string());
        format!("{place} is no JSON Schema of draft 2020-12: {reason}")
    })
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
