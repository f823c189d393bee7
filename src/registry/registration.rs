//! What is registered at run time: checked in shape, judged against what is known of the type, written down
//! as the data of an event, and read back from it.
//!
//! The judgement of a registration and the fold of the log are one function, so that no two nodes can come to
//! different types from one log.

mod judge;
mod stored;

use std::sync::Arc;

use judge::Already;
use stored::{read_back, recorded_data};

use super::known_type::{
    BrokenRegistration, Deprecation, KnownType, Registered, TypeVersion, Upcaster,
};
use super::schema::Schema;
use super::upcaster::{NewUpcaster, Step};
use crate::event::{EventType, RecordedEvent};
use crate::json_text::JsonText;
use crate::stream::shown;

/// The types of the events that registrations leave in [`StreamName::of_event_type`].
///
/// [`StreamName::of_event_type`]: crate::stream::StreamName::of_event_type
pub mod recorded {
    /// A version of a type was registered.
    pub const TYPE: &str = "$event_type_registered";
    /// A step between two versions was registered.
    pub const UPCASTER: &str = "$upcaster_registered";
    /// A type should not be written any more.
    pub const DEPRECATED: &str = "$event_type_deprecated";
    /// A type may be written again.
    pub const UNDEPRECATED: &str = "$event_type_undeprecated";
}

/// The longest description or reason, in characters.
pub const MOST_TEXT_CHARACTERS: usize = 2_000;

/// What somebody wants to register about an event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The next version.
    Version {
        /// Its number, from 1.
        version: i32,
        /// The text of its JSON Schema.
        schema: String,
        /// The step from the version before; none for version 1.
        upcaster: Option<NewUpcaster>,
        /// What the version is, for people.
        description: Option<String>,
    },
    /// A step that skips versions.
    Upcaster {
        /// The version that it starts from.
        from: i32,
        /// The version that it leads to.
        to: i32,
        /// How.
        upcaster: NewUpcaster,
    },
    /// Events of the type should not be written any more.
    Deprecation {
        /// Why, and what to write instead.
        reason: String,
    },
    /// Events of the type may be written again.
    Undeprecation,
}

/// A registration whose shape is right.
#[derive(Debug)]
pub struct PreparedRegistration {
    event_type: EventType,
    change: Change,
    data: JsonText,
}

/// Why nothing was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationRefusal {
    /// An input has the wrong shape, whatever is known of the type.
    Invalid {
        /// The input.
        field: &'static str,
        /// What was given, what is allowed, what to do.
        message: String,
    },
    /// The type is not known.
    NotFound(EventType),
    /// It contradicts what is known of the type.
    Conflict {
        /// The input.
        field: &'static str,
        /// What is known, and what to do.
        message: String,
    },
    /// There are too many types or versions.
    TooMany {
        /// What there are too many of.
        what: Counted,
        /// How many there would be.
        value: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// What the registry bounds the number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Types that are registered at run time.
    Types,
    /// Versions of one type.
    Versions,
}

#[derive(Clone, Debug)]
enum Change {
    Version {
        number: i32,
        schema: Arc<Schema>,
        step: Option<Step>,
        description: Option<String>,
    },
    Upcaster {
        from: i32,
        to: i32,
        step: Step,
    },
    Deprecation {
        reason: String,
    },
    Undeprecation,
}

impl PreparedRegistration {
    /// Checks the shape of a registration: all that can be said without knowing the type.
    pub fn new(event_type: &str, registration: Registration) -> Result<Self, RegistrationRefusal> {
        let event_type =
            EventType::parse(event_type).map_err(|error| invalid("name", error.to_string()))?;
        let recorded = recorded_data(&event_type, &registration);
        let change = Change::of(registration)?;
        let recorded = recorded.map_err(|error| invalid("schema", error.to_string()))?;
        // Texts, numbers and documents that were checked: there is nothing that could fail.
        let data = serde_json::to_string(&recorded).unwrap_or_default();
        let data = JsonText::from_stored(data);
        Ok(Self {
            event_type,
            change,
            data,
        })
    }

    /// The type that it is about.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// The data of the event that records it.
    #[must_use]
    pub fn data(&self) -> &JsonText {
        &self.data
    }

    /// The type of the event that records it.
    #[must_use]
    pub fn recorded_type(&self) -> &'static str {
        match self.change {
            Change::Version { .. } => recorded::TYPE,
            Change::Upcaster { .. } => recorded::UPCASTER,
            Change::Deprecation { .. } => recorded::DEPRECATED,
            Change::Undeprecation => recorded::UNDEPRECATED,
        }
    }

    /// Whether it would be the first registration of its type.
    pub(super) fn begins_type(&self) -> bool {
        matches!(self.change, Change::Version { .. })
    }

    /// Judges it against what is known of its type.
    pub(super) fn judge(
        &self,
        known: Option<&KnownType>,
        max_versions: usize,
    ) -> Result<(), RegistrationRefusal> {
        let unknown = KnownType::new(self.event_type.clone());
        let known = known.unwrap_or(&unknown);
        if let (Change::Version { number, .. }, true) =
            (&self.change, known.versions.len() >= max_versions)
            && *number > known.newest()
        {
            return Err(RegistrationRefusal::TooMany {
                what: Counted::Versions,
                value: known.versions.len() + 1,
                limit: max_versions,
            });
        }
        known.check(&self.change).map(|_| ())
    }

    /// Whether the type is so already.
    pub(super) fn is_already_so(&self, known: Option<&KnownType>) -> bool {
        known.is_some_and(|known| known.check(&self.change) == Ok(Already::So))
    }
}

impl Change {
    fn of(registration: Registration) -> Result<Self, RegistrationRefusal> {
        match registration {
            Registration::Version {
                version,
                schema,
                upcaster,
                description,
            } => {
                check_text("description", description.as_deref())?;
                let schema = Schema::parse(&schema).map_err(|reason| invalid("schema", reason))?;
                check_first(version, upcaster.is_some())?;
                let step = upcaster.as_ref().map(parse_step).transpose()?;
                Ok(Self::Version {
                    number: version,
                    schema: Arc::new(schema),
                    step,
                    description,
                })
            }
            Registration::Upcaster { from, to, upcaster } => {
                if from < 1 || from >= to {
                    return Err(invalid(
                        "to",
                        format!(
                            "the upcaster would lead from version {from} to version {to}. Steps lead upward, from a \
                         version to a later one, so that they never form a circle"
                        ),
                    ));
                }
                let step = parse_step(&upcaster)?;
                Ok(Self::Upcaster { from, to, step })
            }
            Registration::Deprecation { reason } => {
                check_text("reason", Some(&reason))?;
                Ok(Self::Deprecation { reason })
            }
            Registration::Undeprecation => Ok(Self::Undeprecation),
        }
    }
}

fn check_first(version: i32, has_upcaster: bool) -> Result<(), RegistrationRefusal> {
    if version < 1 {
        return Err(invalid(
            "version",
            format!("the version is {version}. Versions begin at 1"),
        ));
    }
    match (version, has_upcaster) {
        (1, true) => Err(invalid(
            "upcaster",
            "version 1 has no version before it. Leave the upcaster out".to_owned(),
        )),
        (2.., false) => Err(invalid(
            "upcaster",
            format!(
                "version {version} has no upcaster from version {}. Give a patch, or say that the data is \
                 compatible as it is",
                version - 1
            ),
        )),
        _ => Ok(()),
    }
}

fn parse_step(upcaster: &NewUpcaster) -> Result<Step, RegistrationRefusal> {
    Step::parse(upcaster)
        .map_err(|reason| invalid("upcaster", format!("the patch cannot be used: {reason}")))
}

fn check_text(field: &'static str, text: Option<&str>) -> Result<(), RegistrationRefusal> {
    let characters = text.map_or(1, |text| text.chars().count());
    if (1..=MOST_TEXT_CHARACTERS).contains(&characters) {
        return Ok(());
    }
    Err(invalid(
        field,
        format!("`{field}` has {characters} characters. It must have 1 to {MOST_TEXT_CHARACTERS}"),
    ))
}

fn invalid(field: &'static str, message: String) -> RegistrationRefusal {
    let message = if message.ends_with('.') {
        message
    } else {
        format!("{message}.")
    };
    RegistrationRefusal::Invalid { field, message }
}

impl KnownType {
    /// The type after an event of its reserved stream, which must be the next one. A registration that
    /// cannot be used is noted, and changes nothing: the log is never a reason not to start.
    #[must_use]
    pub(super) fn after(&self, event: &RecordedEvent) -> Self {
        let registered = Registered::of(event);
        let mut after = self.clone();
        after.stream_version = event.stream_version;
        let change = read_back(event).and_then(|change| match self.check(&change) {
            Ok(Already::So) => Ok(None),
            Ok(Already::Not) => Ok(Some(change)),
            Err(refusal) => Err(refusal.reason()),
        });
        match change {
            Ok(Some(change)) => after.take(change, registered),
            Ok(None) => {}
            Err(reason) => after.broken.push(BrokenRegistration { registered, reason }),
        }
        after
    }

    fn take(&mut self, change: Change, registered: Registered) {
        match change {
            Change::Version {
                number,
                schema,
                step,
                description,
            } => {
                if let Some(step) = step {
                    self.take_step(number - 1, number, step, registered.clone());
                }
                self.versions.push(Arc::new(TypeVersion {
                    number,
                    description,
                    registered: Some(registered),
                    schema,
                }));
            }
            Change::Upcaster { from, to, step } => self.take_step(from, to, step, registered),
            Change::Deprecation { reason } => {
                self.deprecation = Some(Deprecation { reason, registered });
            }
            Change::Undeprecation => self.deprecation = None,
        }
    }

    fn take_step(&mut self, from: i32, to: i32, step: Step, registered: Registered) {
        let upcaster = Upcaster {
            from,
            to,
            registered: Some(registered),
            step,
        };
        self.upcasters.insert((from, to), Arc::new(upcaster));
    }
}

impl RegistrationRefusal {
    /// Why nothing was registered, in a sentence.
    fn reason(&self) -> String {
        match self {
            Self::Invalid { message, .. } | Self::Conflict { message, .. } => message.clone(),
            Self::NotFound(event_type) => {
                format!(
                    "the event type {} has no versions.",
                    shown(event_type.as_str())
                )
            }
            Self::TooMany { value, limit, .. } => format!("{value} are more than {limit}."),
        }
    }
}
