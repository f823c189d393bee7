//! The root of a subscription: exactly one field, written as a plain field.
//!
//! The executor looks for plain fields only. A subscription whose root is a fragment, as Relay and
//! code generators write it, would end at once without data or error; one with two fields would
//! run both. So fragments at the root are replaced by what they contain, before execution.

use std::collections::{HashMap, HashSet};
use std::mem;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
    OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned};

use crate::graphql::fault::Fault;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Rewrites every subscription of the document. `root_type` is the name of the schema's
/// subscription type, the only one that a fragment at the root may be on.
pub(super) fn flatten(document: &mut ExecutableDocument, root_type: &str) -> Result<(), Fault> {
    let mut flattening = Flattening {
        fragments: &document.fragments,
        root_type,
        inlined: HashSet::new(),
    };
    match &mut document.operations {
        DocumentOperations::Single(operation) => flattening.operation(operation)?,
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                flattening.operation(operation)?;
            }
        }
    }
    // A fragment on the root type can be spread nowhere but at a root: nothing spreads it any more,
    // and validation refuses fragments that nothing spreads.
    let inlined = flattening.inlined;
    document.fragments.retain(|name, _| !inlined.contains(name));
    Ok(())
}

struct Flattening<'d> {
    fragments: &'d Fragments,
    root_type: &'d str,
    inlined: HashSet<Name>,
}

impl Flattening<'_> {
    fn operation(&mut self, operation: &mut Positioned<OperationDefinition>) -> Result<(), Fault> {
        if operation.node.ty != OperationType::Subscription {
            return Ok(());
        }
        let root = &mut operation.node.selection_set.node;
        let mut only_field = None;
        self.collect(mem::take(root), &mut only_field)?;
        root.items.extend(only_field.map(|field| {
            let position = field.pos;
            Positioned::new(Selection::Field(field), position)
        }));
        Ok(())
    }

    fn collect(
        &mut self,
        set: SelectionSet,
        only_field: &mut Option<Positioned<Field>>,
    ) -> Result<(), Fault> {
        for selection in set.items {
            refuse_conditions(&selection)?;
            match selection.node {
                Selection::Field(field) => merge(only_field, field)?,
                Selection::InlineFragment(inline) => {
                    if let Some(condition) = &inline.node.type_condition {
                        self.check_type(&condition.node.on)?;
                    }
                    self.collect(inline.node.selection_set.node, only_field)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name;
                    let Some(fragment) = self.fragments.get(&name.node) else {
                        let message = format!("The fragment \"{}\" is not defined.", name.node);
                        return Err(Fault::invalid(message, name.pos));
                    };
                    self.check_type(&fragment.node.type_condition.node.on)?;
                    self.inlined.insert(name.node);
                    self.collect(fragment.node.selection_set.node.clone(), only_field)?;
                }
            }
        }
        Ok(())
    }

    fn check_type(&self, on: &Positioned<Name>) -> Result<(), Fault> {
        if on.node == self.root_type {
            return Ok(());
        }
        let message = format!(
            "A fragment at the root of a subscription must be on \"{}\", not on \"{}\".",
            self.root_type, on.node
        );
        Err(Fault::invalid(message, on.pos))
    }
}

/// Whether a subscription has one root field must not depend on its variables.
fn refuse_conditions(selection: &Positioned<Selection>) -> Result<(), Fault> {
    let conditional = |name: &str| name == "skip" || name == "include";
    let directives = selection.node.directives();
    if directives
        .iter()
        .any(|directive| conditional(&directive.node.name.node))
    {
        let message = "@skip and @include cannot be used at the root of a subscription.";
        return Err(Fault::invalid(message, selection.pos));
    }
    Ok(())
}

fn merge(
    only_field: &mut Option<Positioned<Field>>,
    field: Positioned<Field>,
) -> Result<(), Fault> {
    if field.node.name.node == "__typename" {
        let message = "The root field of a subscription cannot be __typename.";
        return Err(Fault::invalid(message, field.pos));
    }
    let Some(first) = only_field else {
        *only_field = Some(field);
        return Ok(());
    };
    if !same_field(&first.node, &field.node) {
        return Err(two_root_fields(&first.node, &field.node, field.pos));
    }
    let more = field.node.selection_set.node.items;
    first.node.selection_set.node.items.extend(more);
    Ok(())
}

/// Whether two fields are one field selected twice, whose selections GraphQL merges.
fn same_field(one: &Field, other: &Field) -> bool {
    one.response_key().node == other.response_key().node
        && one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other
                .get_argument(&name.node)
                .is_some_and(|same| same.node == value.node)
        })
}

fn two_root_fields(first: &Field, second: &Field, position: Pos) -> Fault {
    let message = format!(
        "A subscription has exactly one root field; this one has \"{}\" and \"{}\". Start two \
         subscriptions instead: one connection carries many.",
        first.response_key().node,
        second.response_key().node
    );
    Fault::invalid(message, position)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn flatten_text(source: &str) -> Result<ExecutableDocument, Fault> {
        let mut document = parse_query(source).unwrap();
        flatten(&mut document, "Subscription").map(|()| document)
    }

    fn refusal(source: &str) -> String {
        flatten_text(source).unwrap_err().message
    }

    #[test]
    fn fragments_at_the_root_become_the_field_that_they_contain() {
        let source = "subscription { ...A }
            fragment A on Subscription { ... on Subscription { ... { events(x: 1) { ...E } } } }
            fragment E on Event { id }";
        let document = flatten_text(source).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let items = &operation.node.selection_set.node.items;
        let Selection::Field(field) = &items[0].node else {
            panic!("a plain field")
        };
        assert_eq!((items.len(), field.node.name.node.as_str()), (1, "events"));
        assert_eq!(
            document
                .fragments
                .keys()
                .map(Name::as_str)
                .collect::<Vec<_>>(),
            ["E"]
        );
    }

    #[test]
    fn a_field_that_several_fragments_select_is_one_field_with_all_their_selections() {
        let source = "subscription { events(x: 1) { id } ...A }
            fragment A on Subscription { events(x: 1) { name } }";
        let document = flatten_text(source).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("a plain field")
        };
        assert_eq!(field.node.selection_set.node.items.len(), 2);
    }

    #[test]
    fn two_root_fields_are_refused_however_they_are_written() {
        assert!(refusal("subscription { a b }").contains("\"a\" and \"b\""));
        assert!(refusal("subscription { a ... { x: a } }").contains("\"a\" and \"x\""));
        assert!(refusal("subscription { a(n: 1) a(n: 2) }").contains("exactly one"));
    }

    #[test]
    fn typename_conditions_and_foreign_types_are_refused_at_the_root() {
        assert!(refusal("subscription { __typename }").contains("__typename"));
        assert!(refusal("subscription { a @include(if: true) }").contains("@include"));
        assert!(refusal("subscription { ... on Query { a } }").contains("not on \"Query\""));
        assert!(refusal("subscription { ...Nowhere }").contains("not defined"));
    }

    #[test]
    fn queries_are_left_as_they_are() {
        let document = flatten_text("{ a b ...F } fragment F on Query { c }").unwrap();
        assert_eq!(document.fragments.len(), 1);
    }
}
