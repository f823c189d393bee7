//! What is wrong with data, in words: what was found, what is allowed, what to do.

use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::SchemaViolation;
use crate::stream::shown;

/// What is wrong, in one or more violations: where data is of one of several shapes and not quite right, what is
/// wrong is what is wrong with that shape.
pub(super) fn violations(error: &ValidationError<'_>) -> Vec<SchemaViolation> {
    match nearest_shape(error) {
        Some(errors) => errors.iter().flat_map(violations).collect(),
        None => vec![violation(error)],
    }
}

/// Of several shapes the only one that the value could have: it is of none of the others even at first sight.
fn nearest_shape<'a>(error: &'a ValidationError<'_>) -> Option<&'a [ValidationError<'static>]> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        return None;
    };
    let is_other = |wrong: &ValidationError<'_>| {
        let at_first_sight = matches!(
            wrong.kind(),
            ValidationErrorKind::Type { .. }
                | ValidationErrorKind::Constant { .. }
                | ValidationErrorKind::Enum { .. }
        );
        at_first_sight && wrong.instance_path() == error.instance_path()
    };
    let mut near = context
        .iter()
        .filter(|errors| !errors.is_empty() && !errors.iter().any(is_other));
    match (near.next(), near.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn violation(error: &ValidationError<'_>) -> SchemaViolation {
    let mut place = String::from("data");
    let mut steps = Vec::new();
    for segment in error.instance_path().segments() {
        match segment {
            LocationSegment::Property(key) => {
                place.push('.');
                place.push_str(&key);
                steps.push(key.into_owned());
            }
            LocationSegment::Index(index) => {
                // Writing to a text cannot fail.
                let _ = write!(place, "[{index}]");
                steps.push(index.to_string());
            }
        }
    }
    SchemaViolation {
        message: message(error, &shown(&place)),
        steps,
        keyword: error.kind().keyword().to_owned(),
    }
}

fn message(error: &ValidationError<'_>, place: &str) -> String {
    use ValidationErrorKind as Kind;
    let value = error.instance();
    let is = |wanted: String| format!("{place} is {}. {wanted}", found(value));
    match error.kind() {
        Kind::Type { kind } => is(format!("It must be {}.", types(kind))),
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            format!("{place} has no `{}`, which is required.", shown(key))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!(
                "{place} has {}, which the schema does not know. Leave it out, or register a version that has it.",
                listed(unexpected)
            )
        }
        Kind::Enum { options } => is(format!(
            "It must be one of {}.",
            shown(&options.to_string())
        )),
        Kind::Constant { expected_value } => is(format!(
            "It must be {}.",
            shown(&expected_value.to_string())
        )),
        Kind::Minimum { limit } => is(format!("It must be at least {limit}.")),
        Kind::Maximum { limit } => is(format!("It must be at most {limit}.")),
        Kind::ExclusiveMinimum { limit } => is(format!("It must be greater than {limit}.")),
        Kind::ExclusiveMaximum { limit } => is(format!("It must be less than {limit}.")),
        Kind::MultipleOf { multiple_of } => is(format!("It must be a multiple of {multiple_of}.")),
        Kind::Pattern { pattern } => is(format!("It must match the pattern `{}`.", shown(pattern))),
        Kind::Format { format } => is(format!("It must be of the format `{}`.", shown(format))),
        Kind::FalseSchema => is("The schema allows nothing there; leave it out.".to_owned()),
        Kind::Not { schema } => is(format!("It must not be {}.", shown(&schema.to_string()))),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => is(format!(
            "It must fit one of the {} shapes that the schema allows there, and fits none.",
            context.len()
        )),
        Kind::OneOfMultipleValid { context } => is(format!(
            "It must fit exactly one of the {} shapes that the schema allows there, and fits several.",
            context.len()
        )),
        other => size(other, value, place).unwrap_or_else(|| {
            let problem = shown(&error.masked_with("the value").to_string());
            is(format!("Of it, the schema says: {problem}."))
        }),
    }
}

/// Wrong sizes; `None` for anything else.
fn size(kind: &ValidationErrorKind, value: &Value, place: &str) -> Option<String> {
    use ValidationErrorKind as Kind;
    let count = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    let has = |what: &str, bound: &str, limit: u64| {
        Some(format!(
            "{place} has {count} {what}. It must have {bound} {limit}."
        ))
    };
    match kind {
        Kind::MinLength { limit } => has("characters", "at least", *limit),
        Kind::MaxLength { limit } => has("characters", "at most", *limit),
        Kind::MinItems { limit } => has("items", "at least", *limit),
        Kind::MaxItems { limit } => has("items", "at most", *limit),
        Kind::AdditionalItems { limit } => has("items", "at most", *limit as u64),
        Kind::MinProperties { limit } => has("members", "at least", *limit),
        Kind::MaxProperties { limit } => has("members", "at most", *limit),
        Kind::UniqueItems => Some(format!(
            "{place} has the same item twice. Each item may stand in it once."
        )),
        Kind::Contains => Some(format!(
            "{place} has {count} items. Too few or too many of them are of the kind that the schema counts."
        )),
        _ => None,
    }
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![type_name(*one)],
        TypeKind::Multiple(set) => set.iter().map(type_name).collect(),
    };
    names.join(" or ")
}

fn type_name(of: JsonType) -> &'static str {
    match of {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

/// A value in a few words; what is long is not repeated.
fn found(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("`{}`", shown(text)),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(members) => format!("an object of {} members", members.len()),
    }
}

fn listed(keys: &[String]) -> String {
    const MOST: usize = 5;
    let named: Vec<String> = keys
        .iter()
        .take(MOST)
        .map(|key| format!("`{}`", shown(key)))
        .collect();
    let more = match keys.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &more
}
