//! Free JSON inside an event: values whose shape the catalogue does not fix.

use std::{borrow::Cow, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object with free keys and values, in the order in which it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JsonObject(pub Map<String, Value>);

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JsonValue(pub Value);

impl Deref for JsonObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Deref for JsonValue {
    type Target = Value;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl JsonSchema for JsonObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JsonObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

impl JsonSchema for JsonValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JsonValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// In GraphQL both are the scalar `JSON`, which a server shares with its other fields of free JSON.
#[cfg(feature = "graphql")]
mod scalar {
    use std::borrow::Cow;

    use async_graphql::{
        ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult,
        parser::types::Field, registry::Registry,
    };
    use serde_json::Value;

    use super::{JsonObject, JsonValue};

    macro_rules! json_scalar {
        ($name:ty) => {
            impl OutputType for $name {
                fn type_name() -> Cow<'static, str> {
                    <Value as OutputType>::type_name()
                }

                fn create_type_info(registry: &mut Registry) -> String {
                    <Value as OutputType>::create_type_info(registry)
                }

                async fn resolve(
                    &self,
                    _ctx: &ContextSelectionSet<'_>,
                    field: &Positioned<Field>,
                ) -> ServerResult<async_graphql::Value> {
                    async_graphql::to_value(&self.0)
                        .map_err(|error| ServerError::new(error.to_string(), Some(field.pos)))
                }
            }
        };
    }

    json_scalar!(JsonObject);
    json_scalar!(JsonValue);
}
