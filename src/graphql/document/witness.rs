//! Lets an object without a single answered field come out as `{}`.
//!
//! async-graphql 7.2 answers such an object with null, also where the schema promises a value: of
//! `payload { ... on GuessProcessed { teamId } }` nothing is answered for another type, and a client
//! cannot tell that from a payload that is gone. So every selection of which nothing is certain to be
//! answered (fragments, and fields under `@skip` or `@include`) gets one field more, the name of the
//! type under a key that no client can write. `Shape::arrange` takes it out of the answer.

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// The key of the additional field: no name, so that it meets no other one.
pub(in crate::graphql) const KEY: &str = " ";

/// Adds the field wherever it is needed.
pub(in crate::graphql) fn add(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => add_to_operation(&mut operation.node),
        DocumentOperations::Multiple(operations) => operations
            .values_mut()
            .for_each(|operation| add_to_operation(&mut operation.node)),
    }
    for fragment in document.fragments.values_mut() {
        // What spreads the fragment has a field of its own.
        add_within(&mut fragment.node.selection_set.node);
    }
}

fn add_to_operation(operation: &mut OperationDefinition) {
    if operation.ty == OperationType::Subscription {
        // Its root is exactly one field, and that is certain.
        add_within(&mut operation.selection_set.node);
    } else {
        add_to_set(&mut operation.selection_set);
    }
}

fn add_to_set(set: &mut Positioned<SelectionSet>) {
    add_within(&mut set.node);
    // The selection of a scalar is empty.
    let is_certain = |item: &Positioned<Selection>| match &item.node {
        Selection::Field(field) => !is_conditional(&field.node.directives),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    };
    if !set.node.items.is_empty() && !set.node.items.iter().any(is_certain) {
        let field = Field {
            alias: Some(Positioned::new(Name::new(KEY), set.pos)),
            name: Positioned::new(Name::new("__typename"), set.pos),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::new(SelectionSet::default(), set.pos),
        };
        let field = Selection::Field(Positioned::new(field, set.pos));
        set.node.items.push(Positioned::new(field, set.pos));
    }
}

/// Adds it to the selections of the fields, also of those in fragments.
fn add_within(set: &mut SelectionSet) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => add_to_set(&mut field.node.selection_set),
            Selection::InlineFragment(fragment) => {
                add_within(&mut fragment.node.selection_set.node);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_conditional(directives: &[Positioned<Directive>]) -> bool {
    directives
        .iter()
        .any(|directive| matches!(directive.node.name.node.as_str(), "skip" | "include"))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    /// The paths of the selections that have the additional field.
    fn added_to(source: &str) -> Vec<String> {
        let mut document = parse_query(source).unwrap();
        add(&mut document);
        let mut found = Vec::new();
        for (_, operation) in document.operations.iter() {
            find(&operation.node.selection_set.node, "", &mut found);
        }
        for (name, fragment) in &document.fragments {
            find(&fragment.node.selection_set.node, name, &mut found);
        }
        found
    }

    fn find(set: &SelectionSet, path: &str, found: &mut Vec<String>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if field.node.response_key().node == KEY => {
                    assert_eq!(field.node.name.node, "__typename");
                    found.push(path.to_owned());
                }
                Selection::Field(field) => {
                    let path = format!("{path}.{}", field.node.name.node);
                    find(&field.node.selection_set.node, &path, found);
                }
                Selection::InlineFragment(fragment) => {
                    find(&fragment.node.selection_set.node, path, found);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    #[test]
    fn only_a_selection_of_which_nothing_is_certain_gets_the_field() {
        assert!(added_to("{ a { b } c { d ... on T { e } } }").is_empty());
        assert_eq!(added_to("{ a { ... on T { b } } }"), [".a"]);
        assert_eq!(
            added_to("{ a { b @skip(if: true) ...F } } fragment F on T { c }"),
            [".a"]
        );
        assert_eq!(
            added_to("query($x: Boolean!) { a @include(if: $x) { b } }"),
            [""]
        );
        assert_eq!(
            added_to("{ ... on Q { a { ...F } } b } fragment F on T { c { ... on U { d } } }"),
            [".a", "F.c"]
        );
    }

    #[test]
    fn the_root_of_a_subscription_stays_one_field() {
        assert_eq!(added_to("subscription { a { ... on T { b } } }"), [".a"]);
    }
}
