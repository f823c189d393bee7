//! Every way to break a schema once, taken from the schema itself.

use serde_json::{Value, json};

use crate::examples::resolve;

/// Data that breaks one constraint.
pub(crate) struct Breach {
    /// The keyword of the constraint.
    pub(crate) keyword: String,
    /// Where the fault is, as a JSON pointer.
    pub(crate) pointer: String,
    /// The data.
    pub(crate) data: Value,
}

/// All ways to break the schema once, starting from data that obeys it. Panics at a keyword that it
/// does not know, so that none can be left out.
pub(crate) fn breaches(schema: &Value, example: &Value) -> Vec<Breach> {
    let mut found = Finder {
        root: schema,
        example,
        breaches: Vec::new(),
    };
    found.walk(schema, "");
    found.breaches
}

struct Finder<'case> {
    root: &'case Value,
    example: &'case Value,
    breaches: Vec<Breach>,
}

impl<'case> Finder<'case> {
    fn walk(&mut self, schema: &'case Value, pointer: &str) {
        let schema = resolve(self.root, schema);
        let value = self.example.pointer(pointer).unwrap_or_else(|| {
            panic!("the example has nothing at {pointer}, so its schema is not tried")
        });
        for (keyword, demand) in schema.as_object().unwrap() {
            for broken in broken_values(keyword, demand, schema, value) {
                self.add(keyword, pointer, broken);
            }
            match keyword.as_str() {
                "properties" => {
                    for (key, inner) in demand.as_object().unwrap() {
                        self.walk(inner, &format!("{pointer}/{key}"));
                    }
                }
                "additionalProperties" => {
                    let key = value.as_object().unwrap().keys().next();
                    let key = key.unwrap_or_else(|| panic!("{pointer} is empty"));
                    self.walk(demand, &format!("{pointer}/{key}"));
                }
                "items" => self.walk(demand, &format!("{pointer}/0")),
                "then" => self.break_condition(demand, pointer),
                _ => {}
            }
        }
    }

    /// What is demanded under a condition that the example meets: one key that is not null.
    fn break_condition(&mut self, demand: &Value, pointer: &str) {
        let key = demand["required"][0].as_str().unwrap();
        let mut without = self.example.pointer(pointer).unwrap().clone();
        without.as_object_mut().unwrap().shift_remove(key);
        self.add("required", pointer, without);
        self.add("not", &format!("{pointer}/{key}"), Value::Null);
    }

    fn add(&mut self, keyword: &str, pointer: &str, broken: Value) {
        let mut data = self.example.clone();
        *data.pointer_mut(pointer).unwrap() = broken;
        self.breaches.push(Breach {
            keyword: keyword.to_owned(),
            pointer: pointer.to_owned(),
            data,
        });
    }
}

fn broken_values(keyword: &str, demand: &Value, schema: &Value, value: &Value) -> Vec<Value> {
    match keyword {
        "type" => wrong_types(demand),
        "enum" => vec![json!("not among them"), json!("")],
        "minLength" => vec![json!("x".repeat(size(demand) - 1))],
        "maxLength" => vec![json!("é".repeat(size(demand) + 1))],
        "pattern" => misfits(demand.as_str().unwrap()),
        "format" => vec![json!("2025-02-30T10:00:00Z"), json!("2023-02-29T10:00:00Z")],
        "minimum" => vec![json!(demand.as_i64().unwrap() - 1)],
        "maximum" => vec![json!(demand.as_i64().unwrap() + 1)],
        "exclusiveMinimum" => vec![demand.clone(), json!(-0.5)],
        "required" => without_each(demand, value),
        "minProperties" => vec![json!({})],
        "propertyNames" => {
            let any = value.as_object().unwrap().values().next().unwrap();
            vec![json!({ "": any }), json!({ "k".repeat(129): any })]
        }
        "minItems" => vec![items(value, schema, size(demand) - 1)],
        "maxItems" => vec![items(value, schema, size(demand) + 1)],
        "uniqueItems" => vec![json!([value[0], value[0]])],
        // Of lists only: neither one item nor more than none are forbidden otherwise.
        "not" => vec![json!([value[0]])],
        // These have other schemas inside, or say nothing about the data.
        "properties"
        | "additionalProperties"
        | "items"
        | "then"
        | "if"
        | "$schema"
        | "$defs"
        | "title"
        | "description" => Vec::new(),
        other => panic!("the keyword {other} is not tried"),
    }
}

fn size(demand: &Value) -> usize {
    usize::try_from(demand.as_u64().unwrap()).unwrap()
}

/// A value of each type that is not allowed.
fn wrong_types(allowed: &Value) -> Vec<Value> {
    let allowed = allowed.to_string();
    let values = [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("string", json!("4")),
        ("number", json!(1.5)),
        ("array", json!([])),
        ("object", json!({})),
    ];
    let wrong = values
        .into_iter()
        .filter(|(name, _)| !allowed.contains(&format!("\"{name}\"")));
    wrong.map(|(_, value)| value).collect()
}

fn misfits(pattern: &str) -> Vec<Value> {
    let kind = if pattern.contains('T') {
        "2025-03-15T21:10:42 2025-03-15T21:10:42+00:00 2025-03-15t21:10:42z 2025-03-15T24:00:00Z \
         2025-03-15T21:10:60Z 2025-13-01T00:00:00Z 2025-03-15T21:10:42.1234567Z \
         2025-03-15T21:10:42.Z"
    } else if pattern.contains("{64}") {
        "9f86d081 g9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0"
    } else if pattern.contains("\\p{Cc}") {
        "--- ☂☂☂☂ Wa\u{7}ves"
    } else if pattern.contains("\\S") {
        return vec![json!(" ab"), json!("ab "), json!("\tab")];
    } else {
        "a.b a/b é 65+characters-65+characters-65+characters-65+characters-65+char"
    };
    kind.split_whitespace().map(|text| json!(text)).collect()
}

fn without_each(required: &Value, value: &Value) -> Vec<Value> {
    let keys = required.as_array().unwrap().iter();
    keys.map(|key| {
        let mut without = value.clone();
        let found = without.as_object_mut().unwrap();
        found.shift_remove(key.as_str().unwrap()).unwrap();
        without
    })
    .collect()
}

/// A list of the given length whose items differ if they must.
fn items(value: &Value, schema: &Value, length: usize) -> Value {
    let is_set = schema.get("uniqueItems").is_some();
    let item = |number: usize| match &value[0] {
        Value::String(_) if is_set => json!(number.to_string()),
        other => other.clone(),
    };
    (0..length).map(item).collect()
}
