//! What a document asks for once its fragments are expanded, without expanding them: the totals of
//! every fragment are computed once and added wherever it is spread.
//!
//! This order of work is the point. A document of 900 bytes can spread fragments into 64 million
//! fields; the executor's own checks walk all of them before they look at any limit.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

use super::Limits;
use crate::graphql::fault::{Fault, code};

/// The executor follows selections and fragments at most this deep, and walks them recursively:
/// this bounds the stack of every walk over an accepted document, ours included.
const MAX_LEVELS: usize = 32;

/// Lists within lists that an introspection may ask for, as `fields { type { fields { … } } }`:
/// each level multiplies the answer by the size of the schema. Introspection is exempt from the
/// depth limit, because the standard query is deep but thin; this is what bounds it instead.
const MAX_INTROSPECTION_LISTS: usize = 2;

const INTROSPECTION_ROOTS: [&str; 2] = ["__schema", "__type"];
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Sums over an expanded selection set. They saturate: a number that no counter holds is over any
/// limit all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Fields, and the fragments on the way to them.
    fields: usize,
    aliases: usize,
    directives: usize,
    /// Fields within fields.
    depth: usize,
    /// Selection sets within selection sets, fragments included.
    levels: usize,
    introspection_lists: usize,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
    }

    fn check(self, limits: &Limits) -> Result<(), Fault> {
        let within = |what, found, limit| {
            if found > limit {
                Err(Fault::limit(what, found, limit))
            } else {
                Ok(())
            }
        };
        within(
            "fields after fragments are expanded",
            self.fields,
            limits.fields,
        )?;
        within("nested fields", self.depth, limits.depth)?;
        within("nested selections and fragments", self.levels, MAX_LEVELS)?;
        within(
            "aliases after fragments are expanded",
            self.aliases,
            limits.aliases,
        )?;
        within(
            "directives after fragments are expanded",
            self.directives,
            limits.directives,
        )
    }
}

/// Checks the sum over all operations of the document: the executor validates all of them, also
/// those that the request does not select.
///
/// Answers how many selections it looked at, which is never more than the document contains.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<usize, Fault> {
    let mut walk = Walk {
        document,
        fragments: HashMap::new(),
        looked_at: 0,
    };
    let mut sum = Totals::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let definitions = &operation.variable_definitions;
        let on_variables: usize = definitions
            .iter()
            .map(|one| one.node.directives.len())
            .sum();
        sum.directives = sum
            .directives
            .saturating_add(operation.directives.len() + on_variables);
        sum.add(walk.selection_set(&operation.selection_set.node, 0)?);
    }
    // Fragments that nothing spreads are walked too, so that a cycle among them is found here.
    for name in document.fragments.keys() {
        walk.fragment(name, 0)?;
    }
    sum.check(limits)?;
    Ok(walk.looked_at)
}

enum FragmentState {
    Open,
    Known(Totals),
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    fragments: HashMap<&'d str, FragmentState>,
    looked_at: usize,
}

impl<'d> Walk<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet, level: usize) -> Result<Totals, Fault> {
        if level > MAX_LEVELS {
            return Err(Fault::limit(
                "nested selections and fragments",
                level,
                MAX_LEVELS,
            ));
        }
        let mut sum = Totals::default();
        for selection in &set.items {
            self.looked_at += 1;
            let mut totals = self.selection(&selection.node, level)?;
            totals.fields = totals.fields.saturating_add(1);
            totals.levels = totals.levels.saturating_add(1);
            let directives = selection.node.directives().len();
            totals.directives = totals.directives.saturating_add(directives);
            sum.add(totals);
        }
        Ok(sum)
    }

    fn selection(&mut self, selection: &'d Selection, level: usize) -> Result<Totals, Fault> {
        match selection {
            Selection::Field(field) => self.field(&field.node, level),
            Selection::InlineFragment(inline) => {
                self.selection_set(&inline.node.selection_set.node, level + 1)
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(&spread.node.fragment_name.node, level)
            }
        }
    }

    fn field(&mut self, field: &'d Field, level: usize) -> Result<Totals, Fault> {
        let mut totals = self.selection_set(&field.selection_set.node, level + 1)?;
        let name = field.name.node.as_str();
        totals.aliases = totals
            .aliases
            .saturating_add(usize::from(field.alias.is_some()));
        if INTROSPECTION_ROOTS.contains(&name) {
            let lists = totals.introspection_lists;
            if lists > MAX_INTROSPECTION_LISTS {
                let what = "introspected lists within lists";
                return Err(Fault::limit(what, lists, MAX_INTROSPECTION_LISTS));
            }
            totals.depth = 0;
        }
        totals.depth = totals.depth.saturating_add(1);
        totals.introspection_lists += usize::from(INTROSPECTION_LISTS.contains(&name));
        Ok(totals)
    }

    fn fragment(&mut self, name: &'d str, level: usize) -> Result<Totals, Fault> {
        match self.fragments.get(name) {
            Some(FragmentState::Known(totals)) => return Ok(*totals),
            Some(FragmentState::Open) => {
                let message = format!("The fragment \"{name}\" spreads itself.");
                return Err(Fault::new(code::GRAPHQL_VALIDATION_FAILED, message));
            }
            None => {}
        }
        // A fragment that is not defined is reported by validation, with its place.
        let Some((name, definition)) = self.document.fragments.get_key_value(name) else {
            return Ok(Totals::default());
        };
        self.fragments.insert(name, FragmentState::Open);
        let mut totals = self.selection_set(&definition.node.selection_set.node, level + 1)?;
        totals.directives = totals
            .directives
            .saturating_add(definition.node.directives.len());
        self.fragments.insert(name, FragmentState::Known(totals));
        Ok(totals)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn check_text(source: &str) -> Result<usize, Fault> {
        check(&parse_query(source).unwrap(), &Limits::default())
    }

    fn refusal(source: &str) -> String {
        check_text(source).unwrap_err().message
    }

    /// `width` spreads on each of `height` levels: `width` to the power of `height` fields.
    fn fan_out(width: usize, height: usize) -> String {
        let mut source = "{...F0}".to_owned();
        for level in 0..height {
            let next = format!("...F{} ", level + 1).repeat(width);
            write!(source, "fragment F{level} on Q{{{next}}}").unwrap();
        }
        write!(source, "fragment F{height} on Q{{a}}").unwrap();
        source
    }

    #[test]
    fn a_fan_out_of_fragments_is_refused_after_looking_at_each_once() {
        let document = parse_query(fan_out(20, 6)).unwrap();
        let generous = Limits {
            fields: usize::MAX,
            ..Limits::default()
        };
        assert_eq!(check(&document, &generous), Ok(1 + 6 * 20 + 1));
        let message = check(&document, &Limits::default()).unwrap_err().message;
        assert!(
            message.contains("is 2000") && message.contains("131368421"),
            "{message}"
        );
    }

    #[test]
    fn totals_too_large_for_a_counter_are_refused() {
        assert!(refusal(&fan_out(50, 20)).contains("too many to count"));
    }

    #[test]
    fn a_fragment_that_reaches_itself_is_refused_even_if_unused() {
        assert!(refusal("{a} fragment A on Q{...B} fragment B on Q{a ...A}").contains("itself"));
        assert!(refusal("{...A} fragment A on Q{...A}").contains("itself"));
    }

    #[test]
    fn depth_counts_fields_and_not_fragments() {
        let nested = |n: usize| format!("{}{{a}}{}", "{a".repeat(n - 1), "}".repeat(n - 1));
        assert!(check_text(&nested(15)).is_ok());
        assert_eq!(
            refusal(&nested(16)),
            "The limit for nested fields is 15; this document has 16."
        );
        assert!(check_text("{...on Q{...on Q{a}}}").is_ok());
    }

    #[test]
    fn a_chain_of_fragments_is_bounded() {
        assert!(refusal(&fan_out(1, 200)).contains("nested selections and fragments is 32"));
    }

    #[test]
    fn aliases_and_directives_are_counted_through_fragments() {
        let aliases = format!("{{{}}} fragment F on Q{{x:a y:b}}", "...F ".repeat(51));
        assert!(refusal(&aliases).contains("aliases after fragments are expanded is 100"));
        let directives = format!("{{a {}}}", "@x".repeat(51));
        assert!(refusal(&directives).contains("directives after fragments are expanded is 50"));
    }

    #[test]
    fn introspection_may_be_deep_but_not_wide() {
        let deep = "{__schema{types{fields{type{ofType{ofType{ofType{ofType{ofType{ofType{ofType{\
                    ofType{ofType{ofType{ofType{name}}}}}}}}}}}}}}}}";
        assert!(check_text(deep).is_ok());
        let wide = "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}";
        assert!(refusal(wide).contains("introspected lists within lists is 2"));
    }
}
