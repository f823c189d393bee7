//! Puts the nulls into an answer that the executor leaves out.
//!
//! When a field fails, GraphQL wants `null` in its place; if the field is non-null, in the place of
//! the nearest nullable field around it, up to the whole of `data`. async-graphql 7.2 drops the
//! field instead: `{ a b }` with a failing `b` answers `{"a": 1}`, whatever the type of `b`. A
//! client that generated its types from the schema then finds `undefined` where it was promised a
//! value. This runs only for answers with errors.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{self, parse_schema};
use async_graphql::{Name, PathSegment, Response, Value};

/// The types of all fields, from the schema's definition language.
pub(super) struct OutputTypes {
    fields: HashMap<Name, HashMap<Name, Type>>,
    query: Name,
    mutation: Name,
    subscription: Name,
}

impl OutputTypes {
    pub(super) fn from_sdl(sdl: &str) -> Result<Self, parser::Error> {
        let mut types = Self {
            fields: HashMap::new(),
            query: Name::new("Query"),
            mutation: Name::new("Mutation"),
            subscription: Name::new("Subscription"),
        };
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let root = |name: Option<parser::Positioned<Name>>, default| {
                        name.map_or(default, |name| name.node)
                    };
                    types.query = root(schema.node.query, types.query);
                    types.mutation = root(schema.node.mutation, types.mutation);
                    types.subscription = root(schema.node.subscription, types.subscription);
                }
                TypeSystemDefinition::Type(ty) => {
                    let fields = match ty.node.kind {
                        TypeKind::Object(object) => object.fields,
                        TypeKind::Interface(interface) => interface.fields,
                        _ => continue,
                    };
                    let fields = fields.into_iter().map(|field| field.node);
                    let fields = fields
                        .map(|field| (field.name.node, field.ty.node))
                        .collect();
                    types.fields.insert(ty.node.name.node, fields);
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(types)
    }

    /// Completes the data of an operation that ran. Values that are there stay, also where an error
    /// is reported beside them.
    pub(super) fn fill(
        &self,
        response: &mut Response,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
    ) {
        let failed = response.errors.iter().map(|error| &error.path[..]);
        let failed: Vec<_> = failed.filter(|path| !path.is_empty()).collect();
        for path in &failed {
            put_null(&mut response.data, path);
        }
        // Only now: a null that moves up must find the siblings that failed, too, or they would
        // open its place again.
        for path in failed {
            let nullable = self.nullable_along(path, document, operation);
            propagate(&mut response.data, path, &nullable);
        }
    }

    fn root(&self, operation: OperationType) -> &Name {
        match operation {
            OperationType::Query => &self.query,
            OperationType::Mutation => &self.mutation,
            OperationType::Subscription => &self.subscription,
        }
    }

    /// For each step of a path, whether the value there may be null. What is unknown may.
    fn nullable_along(
        &self,
        path: &[PathSegment],
        document: &ExecutableDocument,
        operation: &OperationDefinition,
    ) -> Vec<bool> {
        let mut sets = vec![(self.root(operation.ty), &operation.selection_set.node)];
        let mut ty: Option<&Type> = None;
        let mut nullable = Vec::with_capacity(path.len());
        for step in path {
            match step {
                PathSegment::Field(key) => {
                    let mut found = Vec::new();
                    for (parent, set) in sets {
                        collect(document, parent, set, key, &mut found);
                    }
                    let typed = found.into_iter().filter_map(|(parent, field)| {
                        Some((self.fields.get(parent)?.get(&field.name.node)?, field))
                    });
                    let typed: Vec<(&Type, &Field)> = typed.collect();
                    ty = typed.first().map(|(ty, _)| *ty);
                    let below = typed
                        .iter()
                        .map(|(ty, field)| (named(ty), &field.selection_set.node));
                    sets = below.collect();
                }
                PathSegment::Index(_) => ty = ty.and_then(item),
            }
            nullable.push(ty.is_none_or(|ty| ty.nullable));
        }
        nullable
    }
}

/// The fields under a response key, each with the type that it is selected on.
fn collect<'d>(
    document: &'d ExecutableDocument,
    parent: &'d Name,
    set: &'d SelectionSet,
    key: &str,
    found: &mut Vec<(&'d Name, &'d Field)>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.response_key().node == *key => {
                found.push((parent, &field.node));
            }
            Selection::Field(_) => {}
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref();
                let parent = on.map_or(parent, |condition| &condition.node.on.node);
                collect(
                    document,
                    parent,
                    &inline.node.selection_set.node,
                    key,
                    found,
                );
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    let parent = &fragment.node.type_condition.node.on.node;
                    collect(
                        document,
                        parent,
                        &fragment.node.selection_set.node,
                        key,
                        found,
                    );
                }
            }
        }
    }
}

fn named(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => named(item),
    }
}

fn item(ty: &Type) -> Option<&Type> {
    match &ty.base {
        BaseType::List(item) => Some(item),
        BaseType::Named(_) => None,
    }
}

/// Puts null at the first place on the path that is missing.
fn put_null(data: &mut Value, path: &[PathSegment]) {
    let mut at = data;
    for step in path {
        at = match step {
            PathSegment::Field(key) => {
                // An object all of whose fields failed was left out as a whole.
                if *at == Value::Null {
                    *at = Value::Object(async_graphql::indexmap::IndexMap::new());
                }
                let Value::Object(fields) = at else { return };
                let mut missing = false;
                let field = fields.entry(Name::new(key)).or_insert_with(|| {
                    missing = true;
                    Value::Null
                });
                if missing {
                    return;
                }
                field
            }
            PathSegment::Index(index) => match at {
                Value::List(items) if *index < items.len() => &mut items[*index],
                _ => return,
            },
        };
    }
}

/// Moves a null at the end of the path up to the nearest place that may be null.
fn propagate(data: &mut Value, path: &[PathSegment], nullable: &[bool]) {
    for length in (1..=path.len()).rev() {
        match value_at(data, &path[..length]) {
            Some(Value::Null) if !nullable[length - 1] => {
                if let Some(parent) = value_at(data, &path[..length - 1]) {
                    *parent = Value::Null;
                }
            }
            // Not there: something around it became null before.
            None => {}
            Some(_) => return,
        }
    }
}

fn value_at<'v>(data: &'v mut Value, path: &[PathSegment]) -> Option<&'v mut Value> {
    path.iter().try_fold(data, |at, step| match (at, step) {
        (Value::Object(fields), PathSegment::Field(key)) => fields.get_mut(key.as_str()),
        (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::ServerError;
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    const SDL: &str = "type Query { a: Int b: Int! thing: Thing must: Thing! list: [Thing!] \
                       holes: [Thing] any: Any }
        type Thing { x: Int y: Int! deep: Thing! }
        type Other { z: Int! }
        union Any = Thing | Other";

    fn fill(query: &str, data: Json, failed: &[Json]) -> Json {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let errors = failed.iter().map(|path| {
            let path = serde_json::from_value(path.clone()).unwrap();
            ServerError::new("failed", None).with_path(path)
        });
        let mut response = Response::from_errors(errors.collect());
        response.data = Value::from_json(data).unwrap();
        OutputTypes::from_sdl(SDL)
            .unwrap()
            .fill(&mut response, &document, &operation.node);
        response.data.into_json().unwrap()
    }

    #[test]
    fn a_nullable_field_that_failed_is_null() {
        assert_eq!(
            fill("{a b}", json!({"b": 1}), &[json!(["a"])]),
            json!({"a": null, "b": 1})
        );
        let aliased = fill("{n: a b}", json!({"b": 1}), &[json!(["n"])]);
        assert_eq!(aliased, json!({"n": null, "b": 1}));
    }

    #[test]
    fn a_non_null_field_that_failed_makes_the_nearest_nullable_one_null() {
        assert_eq!(fill("{a b}", json!({"a": 1}), &[json!(["b"])]), json!(null));
        let thing = fill(
            "{a thing {x y}}",
            json!({"a": 1, "thing": {"x": 1}}),
            &[json!(["thing", "y"])],
        );
        assert_eq!(thing, json!({"a": 1, "thing": null}));
        let must = fill(
            "{a must {x y}}",
            json!({"a": 1, "must": {"x": 1}}),
            &[json!(["must", "y"])],
        );
        assert_eq!(must, json!(null));
        let query = "{thing {...F}} fragment F on Thing {deep {deep {y}}}";
        let deep = json!({"thing": {"deep": {"deep": null}}});
        assert_eq!(
            fill(query, deep, &[json!(["thing", "deep", "deep", "y"])]),
            json!({"thing": null})
        );
    }

    #[test]
    fn an_object_whose_fields_all_failed_is_an_object_of_nulls_if_they_may_be() {
        let failed = [json!(["must", "x"])];
        assert_eq!(
            fill("{must {x}}", json!({"must": null}), &failed),
            json!({"must": {"x": null}})
        );
        assert_eq!(
            fill("{a}", json!(null), &[json!(["a"])]),
            json!({"a": null})
        );
        let both = [json!(["thing", "x"]), json!(["thing", "y"])];
        let swapped = [json!(["thing", "y"]), json!(["thing", "x"])];
        for failed in [both, swapped] {
            let data = json!({"thing": null});
            assert_eq!(fill("{thing {x y}}", data, &failed), json!({"thing": null}));
        }
    }

    #[test]
    fn lists_become_null_as_a_whole_or_by_item() {
        let failed = [json!(["list", 1, "y"])];
        let list = json!({"list": [{"y": 1}, null]});
        assert_eq!(fill("{list {y}}", list, &failed), json!({"list": null}));
        let failed = [json!(["holes", 1, "y"])];
        let holes = json!({"holes": [{"y": 1}, {}]});
        assert_eq!(
            fill("{holes {y}}", holes, &failed),
            json!({"holes": [{"y": 1}, null]})
        );
        assert_eq!(
            fill("{list {y}}", json!({}), &[json!(["list", 0])]),
            json!({"list": null})
        );
    }

    #[test]
    fn fragments_on_members_of_a_union_are_looked_into() {
        let query = "{any {... on Thing {x} ... on Other {z}}}";
        assert_eq!(
            fill(query, json!({"any": null}), &[json!(["any", "z"])]),
            json!({"any": null})
        );
        let thing = fill(query, json!({"any": null}), &[json!(["any", "x"])]);
        assert_eq!(thing, json!({"any": {"x": null}}));
    }

    #[test]
    fn values_beside_an_error_stay() {
        assert_eq!(
            fill("{a}", json!({"a": 1}), &[json!(["a"])]),
            json!({"a": 1})
        );
    }
}
