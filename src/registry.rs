//! Known event types and their versions: validates what is appended, and brings what is read into the version
//! that its reader wants (rules V1 to V5).
//!
//! The types of this program are the catalogue of the game. Others are registered at run time: each
//! registration is an event in a reserved stream of its type, and what a node knows of a type is the fold of
//! that stream. The registry itself does no input or output: the store hands it the events.

mod built_in;
mod exact_json;
mod graph;
mod known_type;
mod nearest;
mod patch;
mod policy;
mod registration;
mod schema;
#[cfg(test)]
mod tests;
mod upcaster;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use built_in::{BuiltInType, InvalidBuiltInType, catalogue};
pub use known_type::{
    BrokenRegistration, BuiltInFacts, Deprecation, KnownType, Registered, TypeState, TypeVersion,
    Upcast, UpcastError, Upcaster,
};
pub use patch::{MOST_PATCH_BYTES, MOST_PATCH_OPERATIONS};
pub use policy::Categories;
pub use registration::{
    Counted, MOST_TEXT_CHARACTERS, PreparedRegistration, Registration, RegistrationRefusal,
    recorded,
};
pub use schema::{MOST_SCHEMA_BYTES, SchemaViolation};
pub use upcaster::{BuiltInUpcaster, NewUpcaster, UpcasterKind};

use crate::event::RecordedEvent;

/// What the registry lets pass, and how much it holds.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Categories whose streams take events of unknown types.
    pub open: Categories,
    /// Categories whose events are not looked at.
    pub unchecked: Categories,
    /// The most types that are registered at run time.
    pub max_types: usize,
    /// The most versions of one type that is registered at run time.
    pub max_versions: usize,
}

/// The types that a node knows.
#[derive(Debug)]
pub struct Registry {
    options: RegistryOptions,
    types: RwLock<BTreeMap<Arc<str>, Arc<KnownType>>>,
}

/// What the registry says to an event that is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right, or nobody looks at it.
    Accepted,
    /// Its data breaks the schema of its version; every way in which it does, up to the bound asked for.
    Violations(Vec<SchemaViolation>),
    /// Its type is not known; `nearest` are known ones of similar names.
    UnknownType {
        /// Known names that differ in a few characters, the nearest first.
        nearest: Vec<String>,
    },
    /// Its type has no such version.
    UnknownVersion {
        /// The newest version that there is.
        newest: i32,
        /// Whether the type belongs to this program, so that nobody can register another version.
        is_built_in: bool,
    },
}

/// What became of an event of a reserved stream that the registry was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The type is known up to it.
    Known,
    /// Events before it are missing: the stream must be read after its version `known`.
    AfterGap {
        /// The version of the reserved stream up to which the type is known.
        known: i32,
    },
}

impl Registry {
    /// A registry of the types of a program. Fails if one of them contradicts itself.
    pub fn new(
        built_in: Vec<BuiltInType>,
        options: RegistryOptions,
    ) -> Result<Self, InvalidBuiltInType> {
        let mut types = BTreeMap::new();
        for one in built_in {
            one.check()?;
            types.insert(Arc::from(one.name), Arc::new(KnownType::of_program(one)));
        }
        Ok(Self {
            options,
            types: RwLock::new(types),
        })
    }

    /// A type by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<KnownType>> {
        self.read(|types| types.get(name).cloned())
    }

    /// Every type, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<KnownType>> {
        self.read(|types| types.values().cloned().collect())
    }

    /// Whether an event of this type and version, in a stream of this category, would be refused because they
    /// are not known: then somebody may just have registered them elsewhere.
    #[must_use]
    pub fn misses(&self, category: &str, event_type: &str, version: i32) -> bool {
        if self.options.unchecked.have(category) {
            return false;
        }
        match self.get(event_type) {
            Some(known) if known.newest() > 0 => known.version(version).is_none(),
            _ => !self.options.open.have(category),
        }
    }

    /// Judges an event that is to be appended to a stream of this category (rule V4).
    #[must_use]
    pub fn judge(
        &self,
        category: &str,
        event_type: &str,
        version: i32,
        data: &str,
        most_violations: usize,
    ) -> Verdict {
        if self.options.unchecked.have(category) {
            return Verdict::Accepted;
        }
        let known = self.get(event_type).filter(|known| known.newest() > 0);
        let Some(known) = known else {
            if self.options.open.have(category) {
                return Verdict::Accepted;
            }
            return Verdict::UnknownType {
                nearest: self.nearest(event_type),
            };
        };
        match known.violations(version, data, most_violations) {
            Some(violations) if violations.is_empty() => Verdict::Accepted,
            Some(violations) => Verdict::Violations(violations),
            None => Verdict::UnknownVersion {
                newest: known.newest(),
                is_built_in: known.built_in().is_some(),
            },
        }
    }

    /// What is wrong with data of this type and version, up to `most` violations; nothing where the two are not
    /// known.
    #[must_use]
    pub fn violations(
        &self,
        event_type: &str,
        version: i32,
        data: &str,
        most: usize,
    ) -> Vec<SchemaViolation> {
        let known = self.get(event_type);
        let found = known.and_then(|known| known.violations(version, data, most));
        found.unwrap_or_default()
    }

    /// Data that is stored in the version `stored`, in the version `wanted`; `None` = the newest. What is
    /// stored in a version that is not known, is shown as it is unless another version is wanted.
    pub fn upcast(
        &self,
        event_type: &str,
        stored: i32,
        wanted: Option<i32>,
        data: &str,
    ) -> Result<Upcast, UpcastError> {
        let unchanged = Upcast {
            version: stored,
            data: None,
        };
        if wanted == Some(stored) {
            return Ok(unchanged);
        }
        match (self.get(event_type), wanted) {
            (Some(known), wanted) => {
                let newest = known.newest().max(stored);
                known.upcast(stored, wanted.unwrap_or(newest), data)
            }
            (None, None) => Ok(unchanged),
            (None, Some(wanted)) => Err(UpcastError::NotFound(format!(
                "the event type {event_type} is not registered, so that its events can be shown in the version in which \
                 they are stored only, which is {stored}, and not in version {wanted}"
            ))),
        }
    }

    /// Judges a registration. `Ok(true)`: the type is so already, and there is nothing to write.
    pub fn judge_registration(
        &self,
        registration: &PreparedRegistration,
    ) -> Result<bool, RegistrationRefusal> {
        let name = registration.event_type().as_str();
        let known = self.get(name);
        registration.judge(known.as_deref(), self.options.max_versions)?;
        if known.is_none() && registration.begins_type() {
            let count = self.count_registered();
            if count >= self.options.max_types {
                return Err(RegistrationRefusal::TooMany {
                    what: Counted::Types,
                    value: count + 1,
                    limit: self.options.max_types,
                });
            }
        }
        Ok(registration.is_already_so(known.as_deref()))
    }

    /// The version of the reserved stream of a type up to which it is known; 0 = no event of it.
    #[must_use]
    pub fn stream_version(&self, event_type: &str) -> i32 {
        self.get(event_type).map_or(0, |known| known.stream_version)
    }

    /// Takes in an event of the reserved stream of a type. What is known already is passed over, so that it
    /// does not matter who hands it in first.
    pub fn take(&self, event: &RecordedEvent) -> Taken {
        let Some(event_type) = event.stream.registers() else {
            return Taken::Known;
        };
        let mut types = self.types.write().unwrap_or_else(PoisonError::into_inner);
        let known = types.get(event_type.as_str());
        let version = known.map_or(0, |known| known.stream_version);
        if event.stream_version <= version {
            return Taken::Known;
        }
        if event.stream_version > version + 1 {
            return Taken::AfterGap { known: version };
        }
        let name = Arc::from(event_type.as_str());
        let after = match known {
            Some(known) => known.after(event),
            None => KnownType::new(event_type).after(event),
        };
        types.insert(name, Arc::new(after));
        Taken::Known
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        self.read(|types| {
            let usable = types.iter().filter(|(_, known)| known.newest() > 0);
            nearest::nearest(name, usable.map(|(name, _)| &**name))
        })
    }

    fn count_registered(&self) -> usize {
        self.read(|types| {
            let registered = types.values().filter(|known| known.built_in.is_none());
            registered.count()
        })
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<Arc<str>, Arc<KnownType>>) -> T) -> T {
        look(&self.types.read().unwrap_or_else(PoisonError::into_inner))
    }
}
