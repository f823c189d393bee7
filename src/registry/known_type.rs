//! One event type as a node knows it: the fold of the registrations in its reserved stream, or a type of this
//! program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::built_in::BuiltInType;
use super::graph::{self, Edge};
use super::patch::MOST_PATCH_BYTES;
use super::schema::{Schema, SchemaViolation};
use super::upcaster::{Step, UpcasterKind};
use crate::event::{EventType, RecordedEvent};
use crate::json_text::JsonText;
use crate::position::Position;

/// An event type: its versions, and the steps between them.
#[derive(Clone, Debug)]
pub struct KnownType {
    pub(super) name: EventType,
    pub(super) built_in: Option<BuiltInFacts>,
    /// Version n stands at index n − 1.
    pub(super) versions: Vec<Arc<TypeVersion>>,
    pub(super) upcasters: BTreeMap<Edge, Arc<Upcaster>>,
    pub(super) deprecation: Option<Deprecation>,
    pub(super) broken: Vec<BrokenRegistration>,
    /// The version of its reserved stream that this is the fold of.
    pub(super) stream_version: i32,
}

/// What is known of a built-in type besides its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltInFacts {
    /// What its events mean.
    pub description: String,
    /// What its events do to the state of their stream.
    pub classes: Vec<&'static str>,
    /// The categories of the streams that its events belong to.
    pub categories: Vec<&'static str>,
}

/// One version of a type.
#[derive(Debug)]
pub struct TypeVersion {
    /// Its number, from 1.
    pub number: i32,
    /// What its registration says about it.
    pub description: Option<String>,
    /// Its registration; `None` for a version of this program.
    pub registered: Option<Registered>,
    pub(super) schema: Arc<Schema>,
}

/// The step from one version to a later one.
#[derive(Debug)]
pub struct Upcaster {
    /// The version that it starts from.
    pub from: i32,
    /// The version that it leads to.
    pub to: i32,
    /// Its registration; `None` for a function of this program.
    pub registered: Option<Registered>,
    pub(super) step: Step,
}

/// That events of a type should not be written any more; they still can be.
#[derive(Clone, Debug)]
pub struct Deprecation {
    /// Why, and what to write instead.
    pub reason: String,
    /// Who said so, and when.
    pub registered: Registered,
}

/// Where a registration is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The id of its event.
    pub event_id: Uuid,
    /// The position of its event.
    pub position: Position,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Who registered it: `metadata.actor_id`.
    pub by: Option<Arc<str>>,
}

/// A registration in the log that this program cannot use. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRegistration {
    /// Where it is recorded.
    pub registered: Registered,
    /// Why it cannot be used.
    pub reason: String,
}

/// Where a type is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeState {
    /// A type of this program.
    BuiltIn,
    /// Registered at run time.
    Registered,
    /// Registered at run time, and not to be written any more.
    Deprecated,
}

/// Data in the version that a reader asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcast {
    /// The version.
    pub version: i32,
    /// The data; `None` where it is as it was stored.
    pub data: Option<String>,
}

/// Why data cannot be shown in the version that a reader asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpcastError {
    /// No steps lead there.
    #[error("{0}")]
    NotFound(String),
    /// A step failed, or its result is not what its version demands.
    #[error("the step of {event_type} from version {from} to {to} failed: {reason}")]
    StepFailed {
        /// The type.
        event_type: EventType,
        /// The version before the step.
        from: i32,
        /// The version after the step.
        to: i32,
        /// Why.
        reason: String,
    },
}

impl Registered {
    pub(super) fn of(event: &RecordedEvent) -> Self {
        Self {
            event_id: event.event_id,
            position: event.position,
            at: event.recorded_at,
            by: event.actor_id.clone(),
        }
    }
}

impl TypeVersion {
    /// The JSON Schema, as it was given.
    #[must_use]
    pub fn schema(&self) -> &JsonText {
        self.schema.text()
    }
}

impl Upcaster {
    /// What kind of step it is.
    #[must_use]
    pub fn kind(&self) -> UpcasterKind {
        self.step.kind()
    }

    /// The JSON Patch, where it is one.
    #[must_use]
    pub fn patch(&self) -> Option<&JsonText> {
        match &self.step {
            Step::Patch(patch) => Some(patch.text()),
            Step::BuiltIn(_) | Step::Compatible => None,
        }
    }
}

impl KnownType {
    /// A type of which nothing is known yet.
    pub(super) fn new(name: EventType) -> Self {
        Self {
            name,
            built_in: None,
            versions: Vec::new(),
            upcasters: BTreeMap::new(),
            deprecation: None,
            broken: Vec::new(),
            stream_version: 0,
        }
    }

    /// A type of this program.
    pub(super) fn of_program(built_in: BuiltInType) -> Self {
        let versions = (1..).zip(built_in.schemas);
        let upcasters = built_in.upcasters.into_iter();
        Self {
            versions: versions
                .map(|(number, schema)| {
                    Arc::new(TypeVersion {
                        number,
                        description: None,
                        registered: None,
                        schema: Arc::new(Schema::built_in(schema)),
                    })
                })
                .collect(),
            upcasters: upcasters
                .map(|(from, to, function)| {
                    let step = Step::BuiltIn(function);
                    let registered = None;
                    let upcaster = Upcaster {
                        from,
                        to,
                        registered,
                        step,
                    };
                    ((from, to), Arc::new(upcaster))
                })
                .collect(),
            built_in: Some(built_in.facts),
            ..Self::new(EventType::from_stored(built_in.name))
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &EventType {
        &self.name
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> TypeState {
        match (&self.built_in, &self.deprecation) {
            (Some(_), _) => TypeState::BuiltIn,
            (None, None) => TypeState::Registered,
            (None, Some(_)) => TypeState::Deprecated,
        }
    }

    /// What is known of it as a type of this program.
    #[must_use]
    pub fn built_in(&self) -> Option<&BuiltInFacts> {
        self.built_in.as_ref()
    }

    /// What its events mean: the word of the newest version that has one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        match &self.built_in {
            Some(facts) => Some(&facts.description),
            None => self
                .versions
                .iter()
                .rev()
                .find_map(|version| version.description.as_deref()),
        }
    }

    /// Its versions, from 1.
    #[must_use]
    pub fn versions(&self) -> &[Arc<TypeVersion>] {
        &self.versions
    }

    /// Its upcasters, in the order of where they start and where they lead.
    pub fn upcasters(&self) -> impl Iterator<Item = &Arc<Upcaster>> {
        self.upcasters.values()
    }

    /// Why it should not be written any more.
    #[must_use]
    pub fn deprecation(&self) -> Option<&Deprecation> {
        self.deprecation.as_ref()
    }

    /// The registrations of it that cannot be used.
    #[must_use]
    pub fn broken(&self) -> &[BrokenRegistration] {
        &self.broken
    }

    /// The newest version; 0 where it has none.
    #[must_use]
    pub fn newest(&self) -> i32 {
        i32::try_from(self.versions.len()).unwrap_or(i32::MAX)
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: i32) -> Option<&Arc<TypeVersion>> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.versions.get(index)
    }

    pub(super) fn edges(&self) -> BTreeSet<Edge> {
        self.upcasters.keys().copied().collect()
    }

    /// What is wrong with data of a version, up to `most` violations; `None` if there is no such version.
    pub(super) fn violations(
        &self,
        version: i32,
        data: &str,
        most: usize,
    ) -> Option<Vec<SchemaViolation>> {
        let version = self.version(version)?;
        Some(version.schema.violations(data, most))
    }

    /// Data of the version `from` in the version `to`, by the shortest way. The result of each step is held
    /// against the schema of the version that it leads to.
    pub(super) fn upcast(&self, from: i32, to: i32, data: &str) -> Result<Upcast, UpcastError> {
        let unchanged = Upcast {
            version: to,
            data: None,
        };
        if from == to {
            return Ok(unchanged);
        }
        let way = graph::path(&self.edges(), from, to).ok_or_else(|| self.no_way(from, to))?;
        let mut changed: Option<String> = None;
        for step in way.windows(2) {
            let &[before, after] = step else { continue };
            let data = changed.as_deref().unwrap_or(data);
            let stepped = self.step(before, after, data).map_err(|reason| {
                let event_type = self.name.clone();
                UpcastError::StepFailed {
                    event_type,
                    from: before,
                    to: after,
                    reason,
                }
            })?;
            changed = stepped.or(changed);
        }
        Ok(Upcast {
            data: changed,
            ..unchanged
        })
    }

    fn step(&self, from: i32, to: i32, data: &str) -> Result<Option<String>, String> {
        let upcaster = self
            .upcasters
            .get(&(from, to))
            .ok_or_else(|| "there is no such step".to_owned())?;
        let stepped = upcaster.step.apply(data)?;
        let result = stepped.as_deref().unwrap_or(data);
        if result.len() > MOST_PATCH_BYTES {
            return Err(format!(
                "its result has {} bytes; the limit is {MOST_PATCH_BYTES}",
                result.len()
            ));
        }
        if !result.starts_with('{') {
            return Err("its result is not a JSON object".to_owned());
        }
        let found = self.violations(to, result, 1).unwrap_or_default();
        match found.into_iter().next() {
            None => Ok(stepped),
            Some(violation) => Err(format!(
                "its result does not fit the schema of version {to}: {}",
                violation.message
            )),
        }
    }

    fn no_way(&self, from: i32, to: i32) -> UpcastError {
        let (name, newest) = (&self.name, self.newest());
        UpcastError::NotFound(if to < from {
            format!(
                "the event is stored as version {from} of {name}, and steps lead upward only: it cannot be shown as \
                 version {to}. Ask for version {from} or a later one, or for the form STORED"
            )
        } else if to > newest {
            format!(
                "the event type {name} has no version {to}; the newest is {newest}. Ask for a version that it has, or for the form \
                 NEWEST"
            )
        } else {
            format!(
                "no steps lead from version {from} of {name} to version {to}. Register one with registerUpcaster, \
                 or ask for the form STORED"
            )
        })
    }
}
