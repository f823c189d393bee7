//! A JSON object whose keys the catalogue does not fix.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object with free keys and values, in the order in which it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JsonObject(pub Map<String, Value>);

impl Deref for JsonObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// In GraphQL it is the scalar `JSON`, which a server shares with its other fields of free JSON.
#[cfg(feature = "graphql")]
const _: () = {
    use std::borrow::Cow;

    use async_graphql::{
        ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult,
        parser::types::Field, registry::Registry,
    };

    impl OutputType for JsonObject {
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
