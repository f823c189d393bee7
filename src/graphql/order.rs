//! Puts the keys of an answer into the order in which the operation asks for them, and takes out what
//! only the executor needed (`document::witness`).
//!
//! GraphQL wants that order; async-graphql 7.2 answers the fields of an object in the order in which they
//! were ready, so that a field that had to wait for the database comes last. An object that is in order
//! already, which is the usual case, costs one comparison per key.

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Value, indexmap::IndexMap};

use super::document::witness;

/// The keys that a selection can answer, in order, each with those of its own selection.
#[derive(Debug, Default)]
pub(super) struct Shape {
    keys: IndexMap<Name, Shape>,
    /// Whether the answer has a key that nobody has asked for.
    has_witness: bool,
}

impl Shape {
    /// The shape of an operation's answer. Its size is that of the operation with its fragments expanded,
    /// which the guard has bounded.
    pub(super) fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let mut shape = Self::default();
        shape.add(document, &operation.selection_set.node);
        shape
    }

    fn add(&mut self, document: &ExecutableDocument, selection: &SelectionSet) {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) if field.node.response_key().node == witness::KEY => {
                    self.has_witness = true;
                }
                Selection::Field(field) => {
                    let key = field.node.response_key().node.clone();
                    let inner = self.keys.entry(key).or_default();
                    inner.add(document, &field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    self.add(document, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node)
                    {
                        self.add(document, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    /// Arranges an answer. Keys that the operation does not ask for, as there are inside a scalar, stay.
    pub(super) fn arrange(&self, value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(|item| self.arrange(item)),
            Value::Object(members) if self.has_witness || !self.keys.is_empty() => {
                if self.has_witness {
                    members.shift_remove(witness::KEY);
                }
                if !self.is_in_order(members) {
                    self.sort(members);
                }
                let mut inner = self.keys.iter();
                for (key, value) in members.iter_mut() {
                    if let Some((_, shape)) = inner.find(|(name, _)| *name == key) {
                        shape.arrange(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn is_in_order(&self, members: &IndexMap<Name, Value>) -> bool {
        let mut names = self.keys.keys();
        members.keys().all(|key| names.any(|name| name == key))
    }

    fn sort(&self, members: &mut IndexMap<Name, Value>) {
        let mut unordered = std::mem::take(members);
        for name in self.keys.keys() {
            if let Some(value) = unordered.swap_remove(name) {
                members.insert(name.clone(), value);
            }
        }
        members.extend(unordered);
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    fn arranged(query: &str, answer: Json) -> String {
        let document = parse_query(query).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let mut value = Value::from_json(answer).expect("a value");
        Shape::of(&document, &operation.node).arrange(&mut value);
        serde_json::to_string(&value).expect("JSON")
    }

    #[test]
    fn keys_come_in_the_order_of_the_operation_at_every_depth() {
        assert_eq!(
            arranged(
                "{ a { x y } b c }",
                json!({"c": 1, "a": [{"y": 2, "x": 3}, null], "b": 4})
            ),
            r#"{"a":[{"x":3,"y":2},null],"b":4,"c":1}"#
        );
    }

    #[test]
    fn fragments_and_aliases_count_where_they_stand() {
        let query = "{ ...F second: b ... on Query { c } } fragment F on Query { first: a { x } a2: a { y x } }";
        assert_eq!(
            arranged(
                query,
                json!({"c": 1, "second": 2, "a2": {"x": 3, "y": 4}, "first": {"x": 5}})
            ),
            r#"{"first":{"x":5},"a2":{"y":4,"x":3},"second":2,"c":1}"#
        );
    }

    #[test]
    fn a_field_that_is_selected_twice_has_the_place_of_the_first() {
        assert_eq!(
            arranged(
                "{ a { x } b a { y } }",
                json!({"b": 1, "a": {"y": 2, "x": 3}})
            ),
            r#"{"a":{"x":3,"y":2},"b":1}"#
        );
    }

    #[test]
    fn what_stands_inside_a_scalar_keeps_its_order() {
        assert_eq!(
            arranged(
                "{ b data }",
                json!({"data": {"z": 1, "b": 2, "a": 3}, "b": 0})
            ),
            r#"{"b":0,"data":{"z":1,"b":2,"a":3}}"#
        );
    }

    #[test]
    fn what_only_the_executor_needed_is_taken_out_and_leaves_an_empty_object() {
        let mut document = parse_query("{ a { ... on T { x } } b { y } }").expect("a document");
        witness::add(&mut document);
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let shape = Shape::of(&document, &operation.node);
        let mut value =
            Value::from_json(json!({"b": {"y": 1}, "a": [{" ": "U"}, {" ": "T", "x": 2}]}));
        shape.arrange(value.as_mut().expect("a value"));
        assert_eq!(
            serde_json::to_string(&value.expect("a value")).expect("JSON"),
            r#"{"a":[{},{"x":2}],"b":{"y":1}}"#
        );
    }
}
