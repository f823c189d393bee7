//! Finds NUL in the strings that a document carries. PostgreSQL can store it in neither text nor
//! JSON, so it is refused with its place before it can join a group of appends and fail them all.

use async_graphql::Value;
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

/// Where the first string with NUL is, as `field.argument.key.0`. `None` if there is none.
pub(super) fn find_nul(source: &str, document: &ExecutableDocument) -> Option<String> {
    // Almost every document ends here: NUL is either in the text or written as an escape.
    if !source.contains('\0') && !source.contains("\\u") {
        return None;
    }
    let in_operations = document.operations.iter().find_map(|(_, operation)| {
        let operation = &operation.node;
        let in_defaults = operation
            .variable_definitions
            .iter()
            .find_map(|definition| {
                let name = &definition.node.name.node;
                let default = definition.node.default_value.as_ref()?;
                path_to_nul(&default.node)
                    .map(|path| format!("${name}{path}"))
                    .or_else(|| in_directives(&definition.node.directives))
            });
        in_defaults
            .or_else(|| in_directives(&operation.directives))
            .or_else(|| in_selections(&operation.selection_set.node))
    });
    in_operations.or_else(|| {
        document.fragments.values().find_map(|fragment| {
            in_directives(&fragment.node.directives)
                .or_else(|| in_selections(&fragment.node.selection_set.node))
        })
    })
}

fn in_selections(set: &SelectionSet) -> Option<String> {
    set.items.iter().find_map(|selection| {
        let found = match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                let name = &field.response_key().node;
                let in_arguments = field.arguments.iter().find_map(|(argument, value)| {
                    // A variable's value is checked where variables are read.
                    let value = value.node.clone().into_const_with(without_variables).ok()?;
                    path_to_nul(&value).map(|path| format!("{}{path}", argument.node))
                });
                in_arguments
                    .or_else(|| in_selections(&field.selection_set.node))
                    .map(|path| format!("{name}.{path}"))
            }
            Selection::InlineFragment(inline) => in_selections(&inline.node.selection_set.node),
            Selection::FragmentSpread(_) => None,
        };
        found.or_else(|| in_directives(selection.node.directives()))
    })
}

fn in_directives(directives: &[Positioned<Directive>]) -> Option<String> {
    directives.iter().find_map(|directive| {
        directive
            .node
            .arguments
            .iter()
            .find_map(|(argument, value)| {
                let value = value.node.clone().into_const_with(without_variables).ok()?;
                let path = path_to_nul(&value)?;
                Some(format!(
                    "@{}.{}{path}",
                    directive.node.name.node, argument.node
                ))
            })
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the conversion takes a fallible function"
)]
fn without_variables(_: Name) -> Result<Value, ()> {
    Ok(Value::Null)
}

/// The path from a value to the first string in it that contains NUL, empty for the value itself.
fn path_to_nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::List(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| path_to_nul(item).map(|path| format!(".{index}{path}"))),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, field)| path_to_nul(field).map(|path| format!(".{name}{path}"))),
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Binary(_) | Value::Enum(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn find(source: &str) -> Option<String> {
        find_nul(source, &parse_query(source).unwrap())
    }

    #[test]
    fn nul_is_found_wherever_a_string_can_stand() {
        let found = |source| find(source).unwrap();
        assert_eq!(found(r#"{a{x:b(c:{d:["e","\u0000"]})}}"#), "a.x.c.d.1");
        assert_eq!(found(r#"query($v:T={k:"a\u0000"}){a(c:$v)}"#), "$v.k");
        assert_eq!(found(r#"{a @d(x:"\u0000")}"#), "@d.x");
        assert_eq!(found(r#"{...F} fragment F on Q{a(b:"\u0000")}"#), "a.b");
        assert_eq!(found(r#"{... on Q{a(b:"\u0000")}}"#), "a.b");
    }

    #[test]
    fn other_escapes_are_no_nul() {
        assert_eq!(find(r#"{a(b:"\u0041\\u0000")}"#), None);
        assert_eq!(find("{a(b:\"c\")}"), None);
    }
}
