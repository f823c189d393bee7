//! What a schema may cost: its references lead into itself and never in a circle, and all that it checks at
//! one place is counted before it is ever applied.
//!
//! A library that follows a circle overflows its stack, as it does where references lead too deep, and a few
//! hundred bytes of references to references check the same value millions of times. Without circles, what a
//! schema checks is a finite tree; its cost is found in time linear in the text, since the cost of what is
//! referred to is found once.

use std::collections::{HashMap, HashSet};

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
/// What a violation of a schema takes in memory beside what it repeats, in bytes, roughly.
const VIOLATION_BYTES: u64 = 256;

/// Keywords whose value is a schema, and whether it is applied to all that is in a value.
const ONE: [(&str, bool); 11] = [
    ("not", false),
    ("if", false),
    ("then", false),
    ("else", false),
    ("items", true),
    ("contains", true),
    ("additionalProperties", true),
    ("propertyNames", true),
    ("unevaluatedItems", true),
    ("unevaluatedProperties", true),
    ("contentSchema", false),
];
/// Keywords whose value is a list of schemas, and whether a violation tells what is wrong with each of them.
const LISTS: [(&str, bool); 4] = [
    ("allOf", false),
    ("anyOf", true),
    ("oneOf", true),
    ("prefixItems", false),
];
/// Keywords whose value is an object of schemas, and whether each is applied to all that is in a value.
const MAPS: [(&str, bool); 3] = [
    ("properties", false),
    ("patternProperties", true),
    ("dependentSchemas", false),
];
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

/// What a schema comes to once every reference is replaced by what it refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// The schemas in it, itself included.
    schemas: Amount,
    /// The bytes that violations of them repeat.
    bytes: Amount,
    /// The schemas of which a value must fit one: what is wrong with a value that fits none is found out for
    /// each of them, with a copy of the value.
    choices: u64,
    /// How deep it is.
    height: usize,
}

/// An amount that is needed once, and one that is needed for each value inside of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    once: u64,
    each: u64,
}

/// How large data is, seen from whoever must tell what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// The values in it, itself included.
    pub(super) values: u64,
    /// The bytes of the longest path to one of them.
    pub(super) path: u64,
    /// The bytes of its text.
    pub(super) text: u64,
}

/// What a schema costs, if it can be applied at a bounded cost; if not, why not.
pub(super) fn check(schema: &Value) -> Result<Cost, String> {
    let mut walk = Walk {
        root: schema,
        costs: HashMap::new(),
        with_patterns: HashSet::new(),
        patterns: 0,
    };
    let cost = walk.cost(schema, 0, true)?;
    if cost.schemas.once.saturating_add(cost.schemas.each) > MOST_EXPANDED_SCHEMAS {
        return Err(format!(
            "the schema checks more than {MOST_EXPANDED_SCHEMAS} schemas once its references are followed. Refer \
             to fewer things, or to things that refer to fewer"
        ));
    }
    Ok(cost)
}

impl Cost {
    /// The bytes, roughly and never too few, that it takes to find out everything that is wrong with data.
    pub(super) fn of_telling_all(&self, of: Extent) -> u64 {
        /// What a value takes in memory, in bytes for each byte of its text, at worst.
        const COPY: u64 = 16;
        let violations = self.schemas.of(of.values);
        let paths = violations.saturating_mul(of.path);
        let copies = self.choices.saturating_mul(of.text).saturating_mul(COPY);
        let bytes = self.bytes.of(of.values);
        bytes.saturating_add(paths).saturating_add(copies)
    }

    /// Whether values may have one of several shapes.
    pub(super) fn has_choices(&self) -> bool {
        self.choices > 0
    }

    /// A schema by itself, without those inside of it.
    fn of_keywords(members: &Map<String, Value>) -> Self {
        let bytes = members.iter().filter(|(key, _)| !has_schemas(key));
        let bytes: u64 = bytes.map(|(_, value)| value_bytes(value)).sum();
        Self {
            schemas: Amount::once(1),
            bytes: Amount::once(bytes + VIOLATION_BYTES),
            ..Self::default()
        }
    }

    fn add(&mut self, inner: Self, is_repeated: bool) {
        self.schemas.add(inner.schemas, is_repeated);
        self.bytes.add(inner.bytes, is_repeated);
        self.choices = self.choices.saturating_add(inner.choices);
        self.height = self.height.max(inner.height + 1);
    }
}

impl Amount {
    fn once(once: u64) -> Self {
        Self { once, each: 0 }
    }

    fn add(&mut self, inner: Self, is_repeated: bool) {
        let all = inner.once.saturating_add(inner.each);
        let (once, each) = if is_repeated {
            (0, all)
        } else {
            (inner.once, inner.each)
        };
        self.once = self.once.saturating_add(once);
        self.each = self.each.saturating_add(each);
    }

    fn of(self, values: u64) -> u64 {
        self.once.saturating_add(self.each.saturating_mul(values))
    }

    fn twice(self) -> Self {
        Self {
            once: self.once.saturating_mul(2),
            each: self.each.saturating_mul(2),
        }
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// What is referred to, with its cost; `None` while it is being found, so that a circle is noticed.
    costs: HashMap<&'a str, Option<Cost>>,
    /// The places of schemas whose patterns are counted.
    with_patterns: HashSet<*const Map<String, Value>>,
    patterns: usize,
}

impl<'a> Walk<'a> {
    /// What a schema comes to.
    fn cost(&mut self, schema: &'a Value, depth: usize, is_root: bool) -> Result<Cost, String> {
        check_depth(depth)?;
        let Some(members) = schema.as_object() else {
            return Ok(Cost::of_keywords(&Map::new()));
        };
        check_keywords(members, is_root)?;
        self.count_patterns(members)?;
        let mut cost = Cost::of_keywords(members);
        for Inner {
            schema,
            is_repeated,
            is_choice,
        } in inner_schemas(members)
        {
            cost.add(self.cost(schema, depth + 1, false)?, is_repeated);
            cost.choices = cost.choices.saturating_add(u64::from(is_choice));
        }
        if let Some(reference) = members.get("$ref") {
            cost.add(self.referred(reference, depth)?, false);
        }
        // What nothing refers to is not applied; that it could be is checked all the same.
        if let Some(definitions) = members.get(DEFINITIONS).and_then(Value::as_object) {
            for definition in definitions.values() {
                self.cost(definition, depth + 1, false)?;
            }
        }
        // To know what has not been looked at, everything is looked at again.
        let looks_again = ["unevaluatedItems", "unevaluatedProperties"]
            .iter()
            .any(|keyword| members.contains_key(*keyword));
        if looks_again {
            cost.schemas = cost.schemas.twice();
        }
        Ok(cost)
    }

    fn referred(&mut self, reference: &'a Value, depth: usize) -> Result<Cost, String> {
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
        match self.costs.get(pointer) {
            Some(Some(cost)) => {
                // It was found where it stood less deep.
                check_depth(depth + 1 + cost.height)?;
                return Ok(*cost);
            }
            Some(None) => return Err(circle(text)),
            None if pointer.is_empty() => return Err(circle(text)),
            None => {}
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(format!("its `$ref` `{}` leads nowhere", shown(text)));
        };
        self.costs.insert(pointer, None);
        let cost = self.cost(target, depth + 1, false)?;
        self.costs.insert(pointer, Some(cost));
        Ok(cost)
    }

    /// Counts the patterns of a schema, once however often the walk comes by.
    fn count_patterns(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        let of_properties = members.get("patternProperties").and_then(Value::as_object);
        let patterns =
            of_properties.map_or(0, Map::len) + usize::from(members.contains_key("pattern"));
        if patterns > 0 && self.with_patterns.insert(members) {
            self.patterns += patterns;
        }
        if self.patterns > MOST_PATTERNS {
            return Err(format!("the schema has more than {MOST_PATTERNS} patterns"));
        }
        Ok(())
    }
}

fn check_depth(depth: usize) -> Result<(), String> {
    if depth > MOST_EXPANDED_DEPTH {
        return Err(format!(
            "the schema is nested deeper than {MOST_EXPANDED_DEPTH} levels once its references are followed"
        ));
    }
    Ok(())
}

/// A schema directly inside of another one.
struct Inner<'a> {
    schema: &'a Value,
    /// Whether it is applied to all that is in a value.
    is_repeated: bool,
    /// Whether a value must fit it or one of its neighbours.
    is_choice: bool,
}

fn inner_schemas(members: &Map<String, Value>) -> impl Iterator<Item = Inner<'_>> {
    let inner = |schema, is_repeated, is_choice| Inner {
        schema,
        is_repeated,
        is_choice,
    };
    let of_one = ONE.iter().filter_map(move |(keyword, is_repeated)| {
        let schema = members.get(*keyword)?;
        Some(inner(schema, *is_repeated, false))
    });
    let of_lists = LISTS.iter().flat_map(move |(keyword, is_choice)| {
        let list = members.get(*keyword).and_then(Value::as_array);
        let schemas = list.into_iter().flatten();
        schemas.map(move |schema| inner(schema, false, *is_choice))
    });
    let of_maps = MAPS.iter().flat_map(move |(keyword, is_repeated)| {
        let map = members.get(*keyword).and_then(Value::as_object);
        let schemas = map.into_iter().flat_map(Map::values);
        schemas.map(move |schema| inner(schema, *is_repeated, false))
    });
    of_one.chain(of_lists).chain(of_maps)
}

/// Whether the value of a keyword is schemas, which are looked at by themselves.
fn has_schemas(keyword: &str) -> bool {
    let mut all = ONE.iter().chain(&LISTS).chain(&MAPS);
    keyword == DEFINITIONS || all.any(|(known, _)| *known == keyword)
}

/// What a value takes where a violation repeats it, roughly and never too little.
fn value_bytes(value: &Value) -> u64 {
    /// A value by itself.
    const ONE_VALUE: u64 = 64;
    ONE_VALUE
        + match value {
            Value::String(text) => text.len() as u64,
            Value::Array(items) => items.iter().map(value_bytes).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| key.len() as u64 + value_bytes(value))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
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
        check(&serde_json::from_str(schema).unwrap()).map(|_| ())
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
    fn a_chain_of_references_cannot_be_endless_whatever_is_found_first() {
        let mut defs = String::from(r#""a000":true"#);
        for level in 1..1000 {
            write!(
                defs,
                r##","a{level:03}":{{"$ref":"#/allOf/0/$defs/a{:03}"}}"##,
                level - 1
            )
            .unwrap();
        }
        let schema =
            format!(r##"{{"allOf":[{{"$defs":{{{defs}}}}},{{"$ref":"#/allOf/0/$defs/a999"}}]}}"##);
        assert!(checked(&schema).unwrap_err().contains("deeper than 64"));
    }

    #[test]
    fn patterns_are_counted() {
        let patterns: Vec<String> = (0..201)
            .map(|number| format!(r#""{number}":true"#))
            .collect();
        let schema = format!(r#"{{"patternProperties":{{{}}}}}"#, patterns.join(","));
        assert!(checked(&schema).unwrap_err().contains("200 patterns"));
        // Each once, however often something refers to it.
        let referred: Vec<String> = (0..150)
            .map(|number| format!(r##""{number}":{{"$ref":"#/$defs/{number}"}}"##))
            .collect();
        let defined: Vec<String> = (0..150)
            .map(|number| format!(r#""{number}":{{"pattern":"^{number}"}}"#))
            .collect();
        let schema = format!(
            r#"{{"properties":{{{}}},"$defs":{{{}}}}}"#,
            referred.join(","),
            defined.join(",")
        );
        assert_eq!(checked(&schema), Ok(()));
    }
}
