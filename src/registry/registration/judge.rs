//! Whether a change fits what is known of its type. Registrations that are asked for and registrations that stand
//! in the log are judged by the same function, so that no two nodes come to different types from one log.

use super::{Change, RegistrationRefusal, invalid};
use crate::registry::graph;
use crate::registry::known_type::KnownType;
use crate::registry::schema::Schema;
use crate::registry::upcaster::Step;

/// Whether a change that is allowed has anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Already {
    So,
    Not,
}

impl KnownType {
    /// Whether a change fits what is known (rules V1 to V3).
    pub(super) fn check(&self, change: &Change) -> Result<Already, RegistrationRefusal> {
        if self.built_in.is_some() {
            return Err(RegistrationRefusal::Conflict {
                field: "name",
                message: format!(
                    "the event type {} belongs to this server, and cannot be changed at run time. Register a type of another \
                     name.",
                    self.name
                ),
            });
        }
        match change {
            Change::Version {
                number,
                schema,
                step,
                ..
            } => self.check_version(*number, schema, step.as_ref()),
            _ if self.versions.is_empty() => Err(RegistrationRefusal::NotFound(self.name.clone())),
            Change::Upcaster { from, to, step } => self.check_upcaster(*from, *to, step),
            Change::Deprecation { reason } => Ok(match &self.deprecation {
                Some(deprecation) if deprecation.reason == *reason => Already::So,
                _ => Already::Not,
            }),
            Change::Undeprecation if self.deprecation.is_none() => Ok(Already::So),
            Change::Undeprecation => Ok(Already::Not),
        }
    }

    fn check_version(
        &self,
        number: i32,
        schema: &Schema,
        step: Option<&Step>,
    ) -> Result<Already, RegistrationRefusal> {
        let next = self.newest().saturating_add(1);
        if number == next {
            return Ok(Already::Not);
        }
        let Some(version) = self.version(number) else {
            return Err(invalid(
                "version",
                format!(
                    "the event type {} has {}, so its next version is {next}, and not {number}. Versions have no holes",
                    self.name,
                    counted_versions(self.newest())
                ),
            ));
        };
        let conflict = |field, message| Err(RegistrationRefusal::Conflict { field, message });
        if !version.schema.is_same(schema) {
            return conflict(
                "schema",
                format!(
                    "version {number} of {} is registered with another schema, and never changes. Register what is \
                     new as version {next}.",
                    self.name
                ),
            );
        }
        let known = self.upcasters.get(&(number - 1, number));
        match (known, step) {
            (Some(known), Some(step)) if !known.step.is_same(step) => conflict(
                "upcaster",
                format!(
                    "version {number} of {} is registered with another upcaster from version {}, and never changes.",
                    self.name,
                    number - 1
                ),
            ),
            _ => Ok(Already::So),
        }
    }

    fn check_upcaster(
        &self,
        from: i32,
        to: i32,
        step: &Step,
    ) -> Result<Already, RegistrationRefusal> {
        let name = &self.name;
        if to > self.newest() {
            return Err(invalid(
                "to",
                format!(
                    "the event type {name} has {}, and no version {to}. Register version {to} first",
                    counted_versions(self.newest())
                ),
            ));
        }
        let conflict = |message| RegistrationRefusal::Conflict {
            field: "to",
            message,
        };
        if let Some(known) = self.upcasters.get(&(from, to)) {
            return if known.step.is_same(step) {
                Ok(Already::So)
            } else {
                Err(conflict(format!(
                    "the event type {name} has another upcaster from version {from} to version {to}, and it never changes."
                )))
            };
        }
        let mut edges = self.edges();
        edges.insert((from, to));
        match graph::ambiguity(&edges) {
            None => Ok(Already::Not),
            Some((one, other)) => Err(conflict(format!(
                "with a step from version {from} to version {to}, {name} would have two shortest ways of the same \
                 length: {} and {}. Register a direct step between their ends first.",
                graph::shown(&one),
                graph::shown(&other)
            ))),
        }
    }
}

fn counted_versions(newest: i32) -> String {
    match newest {
        0 => "no versions yet".to_owned(),
        1 => "version 1 only".to_owned(),
        newest => format!("the versions 1 to {newest}"),
    }
}
