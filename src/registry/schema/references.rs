//! What a schema may cost: its references lead into itself and never in a circle, and all that it checks at
//! one place is counted before it is ever applied.
//!
//! A library that follows a circle overflows its stack, and a few hundred bytes of references to references
//! check the same value millions of times. Without circles, what a schema checks is a finite tree; its size
//! is found in time linear in the text, since the size of what is referred to is found once.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::stream::shown;

/// The deepest nesting of a schema.
pub(super) const MOST_DEPTH: usize = 32;
/// The deepest nesting once every reference is replaced by what it refers to.
const MOST_EXPANDED_DEPTH: usize = 64;
/// The most schemas inside a schema, once every reference is replaced by what it refers to.
const MOST_EXPANDED_SCHEMAS: u64 = 10_000;
/// The most patterns: each is compiled to a machine of its own.
const MOST_PATTERNS: usize = 200;

/// Keywords whose value is a schema.
const ONE: [&str; 11] = [
    "not",
    "if",
    "then",
    "else",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is an object of schemas.
const MAPS: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
/// Keywords whose value is an object of schemas that count only where something refers to them.
const DEFINITIONS: &str = "$defs";
/// Keywords that would let a reference mean something else than a place in this text.
const NOT_SUPPORTED: [&str; 8] = [
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$anchor",
    "$vocabulary",
    "dependencies",
    "additionalItems",
];

/// Whether a schema can be applied at a bounded cost; if not, why not.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    let mut walk = Walk {
        root: schema,
        sizes: HashMap::new(),
        patterns: 0,
    };
    let size = walk.size(schema, 0, true)?;
    if size > MOST_EXPANDED_SCHEMAS {
        return Err(format!(
            "the schema checks more than {MOST_EXPANDED_SCHEMAS} schemas once its references are followed. Refer \
             to fewer things, or to things that refer to fewer"
        ));
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Value,
    /// What is referred to, with its size; `None` while it is being found, so that a circle is noticed.
    sizes: HashMap<&'a str, Option<u64>>,
    patterns: usize,
}

impl<'a> Walk<'a> {
    /// The schemas that a schema comes to, itself included.
    fn size(&mut self, schema: &'a Value, depth: usize, is_root: bool) -> Result<u64, String> {
        if depth > MOST_EXPANDED_DEPTH {
            return Err(format!(
                "the schema is nested deeper than {MOST_EXPANDED_DEPTH} levels once its references are followed"
            ));
        }
        let Some(members) = schema.as_object() else {
            return Ok(1);
        };
        check_keywords(members, is_root)?;
        self.count_patterns(members)?;
        let mut size = 1_u64;
        for inner in inner_schemas(members) {
            size = size.saturating_add(self.size(inner, depth + 1, false)?);
        }
        if let Some(reference) = members.get("$ref") {
            size = size.saturating_add(self.referred(reference, depth)?);
        }
        // What nothing refers to is not applied; that it could be is checked all the same.
        if let Some(definitions) = members.get(DEFINITIONS).and_then(Value::as_object) {
            for definition in definitions.values() {
                self.size(definition, depth + 1, false)?;
            }
        }
        // To know what has not been looked at, everything is looked at again.
        let looks_again = ["unevaluatedItems", "unevaluatedProperties"]
            .iter()
            .any(|keyword| members.contains_key(*keyword));
        Ok(size.saturating_mul(if looks_again { 2 } else { 1 }))
    }

    fn referred(&mut self, reference: &'a Value, depth: usize) -> Result<u64, String> {
        let text = reference.as_str().unwrap_or_default();
        let pointer = text.strip_prefix('#').filter(|pointer| {
            (pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%')
        });
        let Some(pointer) = pointer else {
            return Err(format!(
                "its `$ref` {} leads elsewhere. A reference is a JSON pointer into the schema itself, such as \
                 #/$defs/team",
                shown(&reference.to_string())
            ));
        };
        match self.sizes.get(pointer) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(circle(text)),
            None if pointer.is_empty() => return Err(circle(text)),
            None => {}
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(format!("its `$ref` `{}` leads nowhere", shown(text)));
        };
        self.sizes.insert(pointer, None);
        let size = self.size(target, depth + 1, false)?;
        self.sizes.insert(pointer, Some(size));
        Ok(size)
    }

    fn count_patterns(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        let of_properties = members.get("patternProperties").and_then(Value::as_object);
        self.patterns += of_properties.map_or(0, Map::len);
        self.patterns += usize::from(members.contains_key("pattern"));
        if self.patterns > MOST_PATTERNS {
            return Err(format!("the schema has more than {MOST_PATTERNS} patterns"));
        }
        Ok(())
    }
}

fn inner_schemas(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let of_one = ONE.iter().filter_map(|keyword| members.get(*keyword));
    let of_lists = LISTS
        .iter()
        .filter_map(|keyword| members.get(*keyword)?.as_array())
        .flatten();
    let of_maps = MAPS
        .iter()
        .filter_map(|keyword| members.get(*keyword)?.as_object())
        .flat_map(Map::values);
    of_one.chain(of_lists).chain(of_maps)
}

fn check_keywords(members: &Map<String, Value>, is_root: bool) -> Result<(), String> {
    let unsupported = NOT_SUPPORTED
        .iter()
        .find(|keyword| members.contains_key(**keyword));
    if let Some(keyword) = unsupported {
        return Err(format!(
            "its keyword `{keyword}` is not supported. Put shared schemas into `$defs`, and refer to them by \
             their place, such as #/$defs/team"
        ));
    }
    let renames = members.contains_key("$id") || members.contains_key("$schema");
    if renames && !is_root {
        return Err(
            "its keywords `$id` and `$schema` stand inside it. They may stand at its top level only"
                .to_owned(),
        );
    }
    Ok(())
}

fn circle(reference: &str) -> String {
    format!(
        "its `$ref` `{}` leads in a circle. What an event costs to check must be known beforehand, so a schema \
         cannot contain itself",
        shown(reference)
    )
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn checked(schema: &str) -> Result<(), String> {
        check(&serde_json::from_str(schema).unwrap())
    }

    #[test]
    fn references_into_the_schema_itself_are_followed() {
        let schema = r##"{"$defs":{"id":{"type":"string"},"team":{"properties":{"id":{"$ref":"#/$defs/id"}}}},
            "properties":{"teams":{"items":{"$ref":"#/$defs/team"}},"best":{"$ref":"#/$defs/team"}}}"##;
        assert_eq!(checked(schema), Ok(()));
    }

    #[test]
    fn circles_strangers_and_dead_ends_are_refused() {
        for (schema, reason) in [
            (r##"{"$ref":"#"}"##, "circle"),
            (r##"{"properties":{"child":{"$ref":"#"}}}"##, "circle"),
            (
                r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"items":{"$ref":"#/$defs/a"}}}}"##,
                "circle",
            ),
            (
                r##"{"properties":{"a":{"allOf":[{"$ref":"#/properties/a"}]}}}"##,
                "circle",
            ),
            (r#"{"$ref":"https://example.org/schema.json"}"#, "elsewhere"),
            (r#"{"$ref":"file:///etc/passwd"}"#, "elsewhere"),
            (r##"{"$ref":"#name"}"##, "elsewhere"),
            (r#"{"$ref":7}"#, "elsewhere"),
            (r##"{"$ref":"#/$defs/nobody"}"##, "nowhere"),
            (r##"{"items":{"$dynamicRef":"#a"}}"##, "not supported"),
            (r#"{"items":{"$id":"x"}}"#, "top level only"),
        ] {
            let error = checked(schema).unwrap_err();
            assert!(error.contains(reason), "{schema}: {error}");
        }
    }

    #[test]
    fn a_few_references_cannot_come_to_millions_of_checks() {
        let mut defs = String::from(r#""a30":{"type":"string"}"#);
        for level in 0..30 {
            let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, level + 1);
            write!(defs, r#","a{level}":{{"anyOf":[{next},{next}]}}"#).unwrap();
        }
        let schema = format!(r##"{{"$defs":{{{defs}}},"$ref":"#/$defs/a0"}}"##);
        assert!(schema.len() < 3_000);
        assert!(checked(&schema).unwrap_err().contains("10000"));
        let nested = format!(
            "{}true{}",
            r#"{"unevaluatedProperties":false,"allOf":["#.repeat(15),
            "]}".repeat(15)
        );
        assert!(checked(&nested).unwrap_err().contains("10000"));
    }

    #[test]
    fn a_chain_of_references_cannot_be_endless() {
        let mut defs = String::from(r#""a999":true"#);
        for level in (0..999).rev() {
            write!(defs, r##","a{level}":{{"$ref":"#/$defs/a{}"}}"##, level + 1).unwrap();
        }
        let schema = format!(r##"{{"$ref":"#/$defs/a0","$defs":{{{defs}}}}}"##);
        assert!(checked(&schema).unwrap_err().contains("deeper than 64"));
    }

    #[test]
    fn patterns_are_counted() {
        let patterns: Vec<String> = (0..201)
            .map(|number| format!(r#""{number}":true"#))
            .collect();
        let schema = format!(r#"{{"patternProperties":{{{}}}}}"#, patterns.join(","));
        assert!(checked(&schema).unwrap_err().contains("200 patterns"));
    }
}
