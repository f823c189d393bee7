//! The scalars that the library does not have: positions, and JSON that is kept as text.

use async_graphql::indexmap::IndexMap;
use async_graphql::{InputValueError, InputValueResult, Name, Number, Scalar, ScalarType, Value};
use async_graphql_value::RAW_VALUE_TOKEN;
use chrono::NaiveDate;

use crate::position::Position;

/// [`Position`] as a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PositionScalar(pub Position);

/// An event's place in the whole log: a JSON number from 0 to 2^53−1, dense from 1 in commit order. 0 stands
/// before the first event.
#[Scalar(
    name = "Position",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6"
)]
impl ScalarType for PositionScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        number
            .as_i64()
            .and_then(Position::new)
            .map(Self)
            .ok_or_else(|| {
                InputValueError::custom(format!(
                    "{number} is not a position: a whole number from 0 to 2^53−1."
                ))
            })
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(number) if number.as_i64().and_then(Position::new).is_some())
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0.get()))
    }
}

/// A number that is too large for `Int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SafeInt(pub u64);

/// The greatest whole number that every client reads exactly: 2^53−1.
const MAX_SAFE_INT: u64 = (1 << 53) - 1;

/// A count: a JSON number, whole, from 0 to 2^53−1.
#[Scalar(
    name = "SafeInt",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6"
)]
impl ScalarType for SafeInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number
                .as_u64()
                .filter(|number| *number <= MAX_SAFE_INT)
                .map(Self)
                .ok_or_else(|| {
                    InputValueError::custom(format!(
                        "{number} is not a whole number from 0 to 2^53−1."
                    ))
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0.min(MAX_SAFE_INT)))
    }
}

/// A day as a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DayScalar(pub NaiveDate);

/// A day in UTC, written YYYY-MM-DD.
#[Scalar(
    name = "Date",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
)]
impl ScalarType for DayScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        // The library would also read 2026-1-2 and years of other lengths, which do not sort as text.
        day.filter(|_| text.len() == "YYYY-MM-DD".len())
            .map(Self)
            .ok_or_else(|| {
                InputValueError::custom(format!("{text:?} is not a day: write YYYY-MM-DD."))
            })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// JSON text as a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonScalar(pub String);

/// Any JSON value.
///
/// Sent in a variable, it is kept exactly as written, but for white space between tokens: the order of keys
/// and the text of every number survive (`1.10`, `1E2`, 2^64). Written as a literal inside the document, it
/// follows GraphQL's rules for numbers instead. It comes back as it was stored.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for JsonScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            // The transport hands over the text of a variable as it was sent.
            Value::Binary(text) => String::from_utf8(text.to_vec())
                .map(Self)
                .map_err(|_| InputValueError::custom("the JSON text is not UTF-8")),
            literal => {
                Self::of(literal).map_err(|error| InputValueError::custom(error.to_string()))
            }
        }
    }

    fn to_value(&self) -> Value {
        raw(self.0.clone())
    }
}

impl JsonScalar {
    /// The text of any value; what it holds of JSON that came in variables is as it was sent.
    pub(super) fn of(value: Value) -> serde_json::Result<Self> {
        serde_json::to_string(&with_raw_texts(value)).map(Self)
    }
}

/// A value that the serializer writes as this text: it knows an object of this one key.
fn raw(text: String) -> Value {
    Value::Object(IndexMap::from([(
        Name::new(RAW_VALUE_TOKEN),
        Value::String(text),
    )]))
}

/// A literal may hold variables, whose texts are kept as they were sent.
fn with_raw_texts(literal: Value) -> Value {
    match literal {
        Value::Binary(text) => raw(String::from_utf8_lossy(&text).into_owned()),
        Value::List(items) => Value::List(items.into_iter().map(with_raw_texts).collect()),
        Value::Object(members) => {
            let members = members.into_iter();
            Value::Object(
                members
                    .map(|(key, value)| (key, with_raw_texts(value)))
                    .collect(),
            )
        }
        other => other,
    }
}
