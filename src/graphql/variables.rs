//! Variables, read with the types that the operation declares, so that JSON stays as it was sent.
//!
//! Wherever a declared type is the scalar `JSON`, the value's text is kept: it becomes
//! [`Value::Binary`] with exactly the bytes between the first and the last character of the value.
//! Reading it into numbers and maps first would turn `1.10` into `1.1`, 2^64 into
//! `1.8446744073709552e19`, and two equal keys into one. The scalar's own reader takes the bytes as
//! raw text; an explicit `null` stays [`Value::Null`], so that nullability is judged as usual. What
//! the text contains (NUL, duplicate keys, lone surrogates) is judged by that scalar, too.
//!
//! Everything else becomes an ordinary value, is checked for NUL on the way, and is judged by the
//! executor's own validation, unknown fields of input objects included. Defaults that the document
//! gives are filled in here, because the executor ignores them when it evaluates `@skip` and
//! `@include`.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::parser::{self, parse_schema};
use async_graphql::{Name, Number, Positioned, Value, Variables};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::fault::{Fault, code};
use super::spelling;

/// The name of the scalar whose text is kept as it was sent.
const RAW_SCALAR: &str = "JSON";

const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// The names that a schema's inputs are made of: every input object's fields with their types.
#[derive(Debug, Default)]
pub(super) struct InputTypes {
    objects: HashMap<Name, HashMap<Name, Type>>,
    names: HashSet<Name>,
    subscription_root: Option<Name>,
}

impl InputTypes {
    /// Reads them from the schema's definition language. Fails if the text is not a schema.
    pub(super) fn from_sdl(sdl: &str) -> Result<Self, parser::Error> {
        let mut types = Self::default();
        types.names.extend(BUILT_IN_SCALARS.map(Name::new));
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    types.subscription_root = schema.node.subscription.map(|name| name.node);
                }
                TypeSystemDefinition::Type(ty) => {
                    let name = ty.node.name.node;
                    if let TypeKind::InputObject(object) = ty.node.kind {
                        let fields = object.fields.into_iter().map(|field| field.node);
                        let fields = fields
                            .map(|field| (field.name.node, field.ty.node))
                            .collect();
                        types.objects.insert(name.clone(), fields);
                    }
                    types.names.insert(name);
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(types)
    }

    /// Whether the schema has a type of this name, of any kind.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The name of the type whose fields are the subscriptions.
    pub(super) fn subscription_root(&self) -> &str {
        self.subscription_root
            .as_ref()
            .map_or("Subscription", Name::as_str)
    }

    /// Reads the JSON object of variables for an operation with these definitions. Variables that
    /// the operation does not declare are ignored, as GraphQL says.
    pub(super) fn read(
        &self,
        json: Option<&str>,
        definitions: &[Positioned<VariableDefinition>],
    ) -> Result<Variables, Fault> {
        let mut variables = match json {
            Some(json) => self.read_object(json, definitions)?,
            None => Variables::default(),
        };
        for definition in definitions {
            let definition = &definition.node;
            let name = &definition.name.node;
            if !variables.contains_key(name)
                && let Some(default) = &definition.default_value
            {
                variables.insert(name.clone(), default.node.clone());
            }
            let absent = matches!(variables.get(name), None | Some(Value::Null));
            if absent && !definition.var_type.node.nullable {
                let message = format!(
                    "The variable ${name} of type {} is required.",
                    definition.var_type
                );
                let fault = Fault::new(code::INVALID_ARGUMENT, message);
                return Err(Fault {
                    locations: vec![definition.name.pos],
                    ..fault
                });
            }
        }
        Ok(variables)
    }

    fn read_object(
        &self,
        json: &str,
        definitions: &[Positioned<VariableDefinition>],
    ) -> Result<Variables, Fault> {
        let reading = Reading {
            types: self,
            refused_at: RefCell::default(),
        };
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let outermost = VariablesReader {
            reading: &reading,
            definitions,
        };
        deserializer.deserialize_map(outermost).map_err(|error| {
            let path = reading
                .refused_at
                .take()
                .unwrap_or_else(|| "variables".to_owned());
            Fault::new(
                code::INVALID_ARGUMENT,
                format!("{path}: {}", without_position(&error)),
            )
        })
    }
}

/// What serde says, without the line and column, which count from the start of the variables.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if error.line() > 0 => text[..end].to_owned(),
        _ => text,
    }
}

struct Reading<'t> {
    types: &'t InputTypes,
    /// The path of the innermost value that could not be read.
    refused_at: RefCell<Option<String>>,
}

struct VariablesReader<'r, 't, 'd> {
    reading: &'r Reading<'t>,
    definitions: &'d [Positioned<VariableDefinition>],
}

impl<'de> Visitor<'de> for VariablesReader<'_, '_, '_> {
    type Value = Variables;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Variables, A::Error> {
        let mut variables = Variables::default();
        // A request may name many variables, and its document may declare many.
        let definitions: HashMap<&str, _> = self
            .definitions
            .iter()
            .map(|one| (one.node.name.node.as_str(), one))
            .collect();
        while let Some(name) = map.next_key::<String>()? {
            let Some(declared) = definitions.get(name.as_str()) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let path = Path {
                parent: None,
                step: Step::Name(&name),
            };
            let ty = Some(&declared.node.var_type.node);
            let seed = ValueReader {
                reading: self.reading,
                ty,
                path: &path,
            };
            let value = map.next_value_seed(seed)?;
            if variables
                .insert(declared.node.name.node.clone(), value)
                .is_some()
            {
                self.reading.refuse_at(&path);
                return Err(A::Error::custom("this variable is given twice"));
            }
        }
        Ok(variables)
    }
}

impl Reading<'_> {
    /// Remembers where reading stopped; the first to say so is the innermost.
    fn refuse_at(&self, path: &Path<'_>) {
        self.refused_at
            .borrow_mut()
            .get_or_insert_with(|| path.to_string());
    }
}

enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

/// Where a value is, as a list from the inside out: nothing is copied unless it is refused.
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent {
            Some(parent) => write!(formatter, "{parent}.")?,
            None => formatter.write_str("$")?,
        }
        match self.step {
            Step::Name(name) => formatter.write_str(name),
            Step::Index(index) => write!(formatter, "{index}"),
        }
    }
}

/// Reads one value of a declared type; `None` is a type that nobody knows, whose value is read as
/// it comes and refused by validation.
#[derive(Clone, Copy)]
struct ValueReader<'r, 't> {
    reading: &'r Reading<'t>,
    ty: Option<&'r Type>,
    path: &'r Path<'r>,
}

impl<'de> DeserializeSeed<'de> for ValueReader<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let value = match self.ty.map(rawness) {
            Some(Rawness::Value) => raw(deserializer).map(raw_value),
            Some(Rawness::List) => raw(deserializer).and_then(raw_list),
            Some(Rawness::Ordinary) | None => deserializer.deserialize_any(self),
        };
        value.inspect_err(|_| self.reading.refuse_at(self.path))
    }
}

enum Rawness {
    /// The type is the raw scalar.
    Value,
    /// The type is a list of the raw scalar; a single value may stand for a list of one.
    List,
    Ordinary,
}

fn rawness(ty: &Type) -> Rawness {
    match &ty.base {
        BaseType::Named(name) if name == RAW_SCALAR => Rawness::Value,
        BaseType::List(item) => match &item.base {
            BaseType::Named(name) if name == RAW_SCALAR => Rawness::List,
            _ => Rawness::Ordinary,
        },
        BaseType::Named(_) => Rawness::Ordinary,
    }
}

fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de RawValue, D::Error> {
    serde::Deserialize::deserialize(deserializer)
}

fn raw_value(raw: &RawValue) -> Value {
    match raw.get() {
        "null" => Value::Null,
        text => Value::Binary(text.to_owned().into()),
    }
}

fn raw_list<E: serde::de::Error>(raw: &RawValue) -> Result<Value, E> {
    if !raw.get().starts_with('[') {
        return Ok(raw_value(raw));
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(E::custom)?;
    Ok(Value::List(items.into_iter().map(raw_value).collect()))
}

impl<'r> ValueReader<'r, '_> {
    /// The type of the items, if the declared type is a list. A value that is no list where one is
    /// declared stands for a list of one, so it is read as an item.
    fn item_type(&self) -> Option<&'r Type> {
        match &self.ty?.base {
            BaseType::List(item) => Some(item),
            BaseType::Named(_) => None,
        }
    }

    fn fields(&self) -> Option<&'r HashMap<Name, Type>> {
        self.reading.types.objects.get(self.named_type()?)
    }

    /// The name of the declared type, or of that of its items.
    fn named_type(&self) -> Option<&'r Name> {
        let mut ty = self.ty?;
        loop {
            match &ty.base {
                BaseType::List(item) => ty = item,
                BaseType::Named(name) => return Some(name),
            }
        }
    }
}

impl<'de> Visitor<'de> for ValueReader<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(E::custom(
                "this string contains NUL, which cannot be stored",
            ));
        }
        if let Some(name) = self.named_type() {
            spelling::check(name, &value).map_err(E::custom)?;
        }
        Ok(Value::String(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = Path {
                parent: Some(self.path),
                step: Step::Index(items.len()),
            };
            let seed = ValueReader {
                ty: self.item_type(),
                path: &path,
                reading: self.reading,
            };
            match list.next_element_seed(seed)? {
                Some(item) => items.push(item),
                None => return Ok(Value::List(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let declared = self.fields();
        let mut fields = IndexMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = Path {
                parent: Some(self.path),
                step: Step::Name(&name),
            };
            let ty = declared.and_then(|types| types.get(name.as_str()));
            let seed = ValueReader {
                ty,
                path: &path,
                reading: self.reading,
            };
            let value = map.next_value_seed(seed)?;
            if fields.insert(Name::new(&name), value).is_some() {
                self.reading.refuse_at(&path);
                return Err(A::Error::custom("this field is given twice"));
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SDL: &str = "scalar JSON
        input Append { stream: String! version: Int events: [Event!]! note: JSON }
        input Event { type: String! data: JSON! more: [JSON!] nested: Append }
        type Query { a: Int }";

    fn read(declarations: &str, json: &str) -> Result<Variables, Fault> {
        let document = parse_query(format!("query({declarations}) {{ a }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let types = InputTypes::from_sdl(SDL).unwrap();
        types.read(Some(json), &operation.node.variable_definitions)
    }

    fn refusal(declarations: &str, json: &str) -> String {
        let fault = read(declarations, json).unwrap_err();
        assert_eq!(fault.code, code::INVALID_ARGUMENT);
        fault.message
    }

    fn at<'v>(mut value: &'v Value, path: &[&str]) -> &'v Value {
        for step in path {
            value = match value {
                Value::Object(fields) => &fields[*step],
                Value::List(items) => &items[step.parse::<usize>().unwrap()],
                _ => panic!("nothing below {value}"),
            };
        }
        value
    }

    /// Texts that ordinary variables change.
    const EXACT: [&str; 9] = [
        "1.10",
        "1E2",
        "18446744073709551616",
        "1e300",
        "-0",
        r#"{"b":1,"a":2,"b":3}"#,
        "[1.0, { \"x\" :1.50 } ]",
        r#""\u00e4\/""#,
        "true",
    ];

    fn assert_exact(declaration: &str, template: &str, path: &[&str]) {
        for text in EXACT {
            let variables = read(declaration, &template.replace('@', text)).unwrap();
            let value = variables.into_value();
            let expected = Value::Binary(text.to_owned().into());
            assert_eq!(at(&value, path), &expected, "{declaration} {text}");
        }
    }

    #[test]
    fn json_is_kept_byte_for_byte_wherever_a_variable_can_carry_it() {
        let input = r#"{"v":{"stream":"s","events":[{"type":"t","data": @ }]}}"#;
        assert_exact("$v: Append!", input, &["v", "events", "0", "data"]);
        assert_exact(
            "$v: [Event!]!",
            r#"{"v":[{"data":@}]}"#,
            &["v", "0", "data"],
        );
        assert_exact("$v: Event!", r#"{"v":{"data":@}}"#, &["v", "data"]);
        assert_exact("$v: JSON!", r#"{"v":@}"#, &["v"]);
        assert_exact(
            "$v: Event!",
            r#"{"v":{"more":[null,@]}}"#,
            &["v", "more", "1"],
        );
        assert_exact("$v: [JSON]", r#"{"v":[[],@]}"#, &["v", "1"]);
        let deep = r#"{"v":{"nested":{"events":[{"nested":{"note":@}}]}}}"#;
        assert_exact(
            "$v: Event!",
            deep,
            &["v", "nested", "events", "0", "nested", "note"],
        );
    }

    #[test]
    fn one_value_may_stand_for_a_list_of_one() {
        assert_exact("$v: [Event!]!", r#"{"v":{"data":@}}"#, &["v", "data"]);
        let single = read("$v: [JSON!]", r#"{"v":1.10}"#).unwrap().into_value();
        assert_eq!(at(&single, &["v"]), &Value::Binary("1.10".into()));
    }

    #[test]
    fn null_stays_null_and_other_types_are_ordinary() {
        let json = r#"{"v":{"stream":"1.10","version":7,"note":null,"unknown":{"x":[1.5]}}}"#;
        let value = read("$v: Append!", json).unwrap().into_value();
        assert_eq!(at(&value, &["v", "note"]), &Value::Null);
        assert_eq!(at(&value, &["v", "stream"]), &Value::from("1.10"));
        assert_eq!(at(&value, &["v", "version"]), &Value::from(7));
        assert_eq!(at(&value, &["v", "unknown", "x", "0"]), &Value::from(1.5));
    }

    #[test]
    fn undeclared_variables_are_ignored_and_defaults_filled_in() {
        let variables = read(
            "$a: Int = 5, $b: JSON = {x: 1}, $c: Int",
            r#"{"z":"\ud800"}"#,
        );
        let value = variables.unwrap().into_value();
        assert_eq!(value.to_string(), "{a: 5, b: {x: 1}}");
        let given = read("$a: Int = 5", r#"{"a":null}"#).unwrap();
        assert_eq!(given.get("a"), Some(&Value::Null));
    }

    #[test]
    fn a_required_variable_is_missed_by_name() {
        let message = "The variable $a of type Int! is required.";
        assert_eq!(refusal("$a: Int!", "{}"), message);
        assert_eq!(refusal("$a: Int!", r#"{"a":null}"#), message);
        assert!(read("$a: Int! = 1", "{}").is_ok());
    }

    #[test]
    fn what_cannot_be_stored_or_read_is_refused_with_its_path() {
        let nul = r#"{"v":{"events":[{"type":"t"},{"type":"a\u0000"}]}}"#;
        let message = refusal("$v: Append!", nul);
        assert_eq!(
            message,
            "$v.events.1.type: this string contains NUL, which cannot be stored"
        );
        assert!(refusal("$v: String", r#"{"v":"\ud800"}"#).starts_with("$v: "));
        assert!(refusal("$v: Float", r#"{"v":1e400}"#).contains("out of range"));
        assert!(refusal("$v: Int", r#"{"v":1,"v":2}"#).contains("twice"));
        let twice = refusal("$v: Append!", r#"{"v":{"stream":"a","stream":"b"}}"#);
        assert_eq!(twice, "$v.stream: this field is given twice");
        assert!(refusal("$v: Int", "[]").starts_with("variables: "));
    }

    #[test]
    fn values_nested_without_end_are_refused_and_not_followed() {
        let deep = format!(r#"{{"v":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(refusal("$v: [[Int]]", &deep).contains("recursion limit"));
        let raw = read("$v: JSON", &deep).unwrap();
        assert!(matches!(raw.get("v"), Some(Value::Binary(_))));
    }
}
