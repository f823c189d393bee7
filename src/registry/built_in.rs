//! The types of this program: the catalogue of the game.

use std::collections::BTreeSet;

use gamebot::event::{EventClass, EventType, StreamCategory};
use serde_json::Value;

use super::graph::{self, Edge};
use super::known_type::BuiltInFacts;
use super::upcaster::BuiltInUpcaster;

/// A type that belongs to this program. It cannot be changed at run time.
#[derive(Clone, Debug)]
pub struct BuiltInType {
    /// Its name.
    pub name: &'static str,
    /// What is known of it besides its versions.
    pub facts: BuiltInFacts,
    /// The JSON Schemas of its versions, from 1.
    pub schemas: Vec<Value>,
    /// The steps between its versions: from, to, how.
    pub upcasters: Vec<(i32, i32, BuiltInUpcaster)>,
}

/// A built-in type that contradicts itself: a mistake in this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the built-in event type {name} is wrong: {reason}")]
pub struct InvalidBuiltInType {
    /// The type.
    name: &'static str,
    /// What is wrong with it.
    reason: String,
}

/// The types of the game, each at version 1.
#[must_use]
pub fn catalogue() -> Vec<BuiltInType> {
    EventType::all().iter().map(of_game).collect()
}

fn of_game(event_type: &EventType) -> BuiltInType {
    let schema = event_type.schema();
    let description = schema.get("description").and_then(Value::as_str);
    BuiltInType {
        name: event_type.name,
        facts: BuiltInFacts {
            description: description.unwrap_or_default().to_owned(),
            classes: each(event_type.classes, EventClass::as_str),
            categories: each(event_type.categories, StreamCategory::as_str),
        },
        schemas: vec![schema],
        // Every type is at its first version.
        upcasters: Vec::new(),
    }
}

fn each<T: Copy>(values: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    values.iter().copied().map(name).collect()
}

impl BuiltInType {
    /// Whether its versions and steps hold together as those that are registered must (rule V3).
    pub(super) fn check(&self) -> Result<(), InvalidBuiltInType> {
        let wrong = |reason: String| {
            Err(InvalidBuiltInType {
                name: self.name,
                reason,
            })
        };
        let newest = i32::try_from(self.schemas.len()).unwrap_or(i32::MAX);
        if newest == 0 {
            return wrong("it has no versions".to_owned());
        }
        let edges: BTreeSet<Edge> = self
            .upcasters
            .iter()
            .map(|(from, to, _)| (*from, *to))
            .collect();
        if let Some((from, to)) = edges
            .iter()
            .find(|(from, to)| *from < 1 || from >= to || *to > newest)
        {
            return wrong(format!("a step leads from {from} to {to}"));
        }
        if let Some(from) = (1..newest).find(|from| !edges.contains(&(*from, from + 1))) {
            return wrong(format!("no step leads from {from} to {}", from + 1));
        }
        match graph::ambiguity(&edges) {
            None => Ok(()),
            Some((one, other)) => wrong(format!(
                "{} and {} are equally short",
                graph::shown(&one),
                graph::shown(&other)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Schema;
    use super::*;

    #[test]
    fn every_type_of_the_game_can_be_applied_and_described() {
        let types = catalogue();
        assert!(types.len() > 50);
        for built_in in types {
            assert_eq!(built_in.check(), Ok(()));
            assert!(!built_in.facts.description.is_empty(), "{}", built_in.name);
            for schema in built_in.schemas {
                assert_eq!(
                    Schema::built_in(schema).check(),
                    Ok(()),
                    "{}",
                    built_in.name
                );
            }
        }
    }

    #[test]
    fn a_built_in_type_that_contradicts_itself_is_found() {
        let same: BuiltInUpcaster = |data| Ok(data.to_owned());
        let of = |versions: usize, upcasters: &[(i32, i32)]| BuiltInType {
            name: "noted",
            facts: BuiltInFacts {
                description: String::new(),
                classes: Vec::new(),
                categories: Vec::new(),
            },
            schemas: vec![Value::Bool(true); versions],
            upcasters: upcasters
                .iter()
                .map(|(from, to)| (*from, *to, same))
                .collect(),
        };
        let chain = [(1, 2), (2, 3), (3, 4)];
        assert_eq!(of(4, &chain).check(), Ok(()));
        for (versions, extra, reason) in [
            (0, &[][..], "no versions"),
            (4, &[(1, 3), (2, 4)], "equally short"),
            (4, &[(3, 2)], "from 3 to 2"),
            (3, &[], "from 3 to 4"),
            (5, &[], "from 4 to 5"),
        ] {
            let error = of(versions, &[&chain, extra].concat()).check().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
