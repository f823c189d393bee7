//! What the JSON Schema of an event type says about one field.
//!
//! A Rust type says what can be read, which is more than what may be written: a reader survives a
//! guess count of 0, a writer must not produce one. The types here stand for what may be written.
//! They hold nothing; a field names one with `#[schemars(with = "…")]`. In this way a constraint
//! stands beside the field that it constrains, and nowhere else.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Implements `JsonSchema` for a shape whose schema is a constant, written in place wherever the
/// shape is used.
macro_rules! fixed_shape {
    ($(#[$attribute:meta])* $name:ident = $($schema:tt)+) => {
        $(#[$attribute])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($schema)+)
            }
        }
    };
}

fixed_shape! {
    /// An id: a Discord id or one of the game's own. Always text, because Discord's ids do not fit
    /// a number of JSON.
    Id = { "type": "string", "minLength": 1, "maxLength": 128 }
}

fixed_shape! {
    /// A game's id, which is also a part of a stream's name.
    GameId = { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }
}

fixed_shape! {
    /// A moment, as RFC 3339 in UTC with `Z` and at most 6 digits of a second's fraction. The
    /// pattern says what `format` does not: the `Z`, the digits, and no leap seconds.
    Timestamp = {
        "type": "string",
        "format": "date-time",
        "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?Z$"
    }
}

fixed_shape! {
    /// An average, a quotient or another amount that may have a fraction; 4 is as good as 4.0.
    Amount = { "type": "number", "minimum": 0 }
}

fixed_shape! {
    /// A word of a player, without white space around it.
    Word = { "type": "string", "minLength": 2, "maxLength": 50, "pattern": "^\\S[\\s\\S]*\\S$" }
}

fixed_shape! {
    /// The name of a team: no control characters, and a letter or digit somewhere.
    TeamName = {
        "type": "string",
        "minLength": 3,
        "maxLength": 32,
        "pattern": "^[^\\p{Cc}]*[\\p{L}\\p{N}][^\\p{Cc}]*$"
    }
}

fixed_shape! {
    /// A SHA-256 in hexadecimal digits.
    Sha256 = { "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" }
}

fixed_shape! {
    /// The configuration of a game. Every key may be missing, and unknown ones are kept.
    Config = {
        "type": "object",
        "properties": {
            "forbidden_words_limit": { "type": "integer", "minimum": 0 },
            "guess_timeout_seconds": { "type": ["integer", "null"], "minimum": 1 },
            "rounds_required": { "type": "integer", "minimum": 1 },
            "success_threshold": { "type": "number", "exclusiveMinimum": 0 },
            "round_time_limit_seconds": { "type": "integer", "minimum": 1 },
            "max_guesses": { "type": "integer", "minimum": 1 },
            "forced_elimination_threshold": { "type": "integer", "minimum": 1 },
            "teams_to_eliminate": { "type": "integer", "minimum": 1 },
            "round_delay_seconds": { "type": "integer", "minimum": 0 },
            "time_limit_seconds": { "type": "integer", "minimum": 1 },
            "allow_give_up": { "type": "boolean" },
            "round_duration_seconds": { "type": "integer", "minimum": 1 }
        }
    }
}

/// A whole number between two bounds, both included.
pub(super) struct Whole<const MIN: i32 = { i32::MIN }, const MAX: i32 = { i32::MAX }>;

impl<const MIN: i32, const MAX: i32> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A text with a number of characters between two bounds, both included.
pub(super) struct Text<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string", "maxLength": MAX });
        set_unless(&mut schema, "minLength", MIN, 0);
        schema
    }
}

/// A list with a number of items between two bounds, both included.
pub(super) struct List<T, const MIN: usize = 0, const MAX: usize = { usize::MAX }>(PhantomData<T>);

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for List<T, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("List_{MIN}_{MAX}_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "array", "items": generator.subschema_for::<T>() });
        set_unless(&mut schema, "minItems", MIN, 0);
        set_unless(&mut schema, "maxItems", MAX, usize::MAX);
        schema
    }
}

/// A list without duplicates.
pub(super) struct Set<T, const MIN: usize = 0, const MAX: usize = { usize::MAX }>(PhantomData<T>);

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for Set<T, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Set_{MIN}_{MAX}_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = List::<T, MIN, MAX>::json_schema(generator);
        schema.insert("uniqueItems".into(), Value::Bool(true));
        schema
    }
}

/// Two ids that differ.
pub(super) type Pair = Set<Id, 2, 2>;

/// No id, or at least two that differ.
pub(super) struct NoneOrSeveral;

impl JsonSchema for NoneOrSeveral {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NoneOrSeveral".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Set::<Id>::json_schema(generator);
        schema.insert("not".into(), json!({ "minItems": 1, "maxItems": 1 }));
        schema
    }
}

/// An object whose keys are ids.
pub(super) struct MapOf<T, const MIN: usize = 0>(PhantomData<T>);

impl<T: JsonSchema, const MIN: usize> JsonSchema for MapOf<T, MIN> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Map_{MIN}_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "type": "object",
            "propertyNames": Id::json_schema(generator),
            "additionalProperties": generator.subschema_for::<T>(),
        });
        set_unless(&mut schema, "minProperties", MIN, 0);
        schema
    }
}

/// A value that may be null but not missing.
pub(super) struct OrNull<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OrNull<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_null", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A type written in place instead of as a reference. What may be null needs it: without it the
/// schema is a choice between a reference and null, and whoever violates it is told no more than
/// that neither fits.
pub(super) struct Inline<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Inline<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Inline_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Adds a bound that says something.
fn set_unless(schema: &mut Schema, keyword: &str, bound: usize, meaningless: usize) {
    if bound != meaningless {
        schema.insert(keyword.into(), json!(bound));
    }
}

/// Demands round 1, for the events that come before the first round begins.
pub(super) fn round_one(schema: &mut Schema) {
    if let Some(round_number) = schema.pointer_mut("/properties/round_number") {
        round_number["minimum"] = json!(1);
        round_number["maximum"] = json!(1);
    }
}

/// Demands that `needed` is there and not null when `field` has the given value.
pub(super) fn require_when(schema: &mut Schema, field: &str, value: &Value, needed: &str) {
    let condition = json!({ "properties": { field: { "const": value } }, "required": [field] });
    let demand =
        json!({ "properties": { needed: { "not": { "type": "null" } } }, "required": [needed] });
    schema.insert("if".into(), condition);
    schema.insert("then".into(), demand);
}
