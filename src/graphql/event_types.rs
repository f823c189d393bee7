//! Event types: lists of them, and what is registered about them. Parse → call → shape.

use async_graphql::{Context, InputObject, Object, OneofObject, Result, SimpleObject, Union};
use uuid::Uuid;

use super::error_code::{append_error, invalid_cursor};
use super::input::empty_list;
use super::loader::Operation;
use super::object::event::EventObject;
use super::object::event_type::{EventTypeConnection, EventTypeObject, EventTypeStateEnum};
use super::page::{PageArguments, Rows};
use super::refusal::{
    DuplicateEvent, EventTypeNotFound, InvalidInput, LimitExceeded, Refusal, TypeConflict,
};
use super::scalar::JsonScalar;
use crate::cursor;
use crate::registry::{KnownType, NewUpcaster, Registration, TypeState};
use crate::store::{AppendError, Register, TypeRegistered};

/// Registrations of event types.
#[derive(Default)]
pub(super) struct EventTypeMutation;

#[Object]
impl EventTypeMutation {
    /// Registers the next version of an event type, the first one included. From then on events of that type
    /// and version are accepted if their data fits the schema, on every server of the store.
    ///
    /// Safe to retry: the same version with the same schema and upcaster again is a success that writes
    /// nothing.
    async fn register_event_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version, its schema, and the step from the version before.")]
        input: RegisterEventTypeInput,
    ) -> Result<RegisterEventTypePayload> {
        let upcaster = match input.upcaster.map(UpcasterInput::parse).transpose() {
            Ok(upcaster) => upcaster,
            Err(refusal) => return Ok(RegisterEventTypePayload::InvalidInput(refusal)),
        };
        let registration = Registration::Version {
            version: input.version,
            schema: input.schema.0,
            upcaster,
            description: input.description,
        };
        let about = About {
            event_type: input.name,
            event_id: input.event_id,
            metadata: input.metadata,
        };
        match about.register(ctx, registration).await? {
            Ok(registered) => Ok(RegisterEventTypePayload::EventTypeRegistered(registered)),
            Err(refusal) => RegisterEventTypePayload::refused(refusal),
        }
    }

    /// Registers a step that skips versions. Readers take the shortest way, so it must be the only shortest one
    /// wherever it leads.
    async fn register_upcaster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the step starts, where it leads, and how.")]
        input: RegisterUpcasterInput,
    ) -> Result<RegisterUpcasterPayload> {
        let upcaster = match input.upcaster.parse() {
            Ok(upcaster) => upcaster,
            Err(refusal) => return Ok(RegisterUpcasterPayload::InvalidInput(refusal)),
        };
        let registration = Registration::Upcaster {
            from: input.from,
            to: input.to,
            upcaster,
        };
        let about = About {
            event_type: input.name,
            event_id: input.event_id,
            metadata: input.metadata,
        };
        match about.register(ctx, registration).await? {
            Ok(registered) => Ok(RegisterUpcasterPayload::EventTypeRegistered(registered)),
            Err(refusal) => RegisterUpcasterPayload::refused(refusal),
        }
    }

    /// Says that events of a type should not be written any more. They are still accepted and read; lists of
    /// types show it.
    async fn deprecate_event_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which type, and why.")] input: DeprecateEventTypeInput,
    ) -> Result<DeprecateEventTypePayload> {
        let registration = Registration::Deprecation {
            reason: input.reason,
        };
        let about = About {
            event_type: input.name,
            event_id: input.event_id,
            metadata: input.metadata,
        };
        match about.register(ctx, registration).await? {
            Ok(registered) => Ok(DeprecateEventTypePayload::EventTypeRegistered(registered)),
            Err(refusal) => DeprecateEventTypePayload::refused(refusal),
        }
    }

    /// Takes a deprecation back.
    async fn undeprecate_event_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which type.")] input: UndeprecateEventTypeInput,
    ) -> Result<UndeprecateEventTypePayload> {
        let about = About {
            event_type: input.name,
            event_id: input.event_id,
            metadata: input.metadata,
        };
        match about.register(ctx, Registration::Undeprecation).await? {
            Ok(registered) => Ok(UndeprecateEventTypePayload::EventTypeRegistered(registered)),
            Err(refusal) => UndeprecateEventTypePayload::refused(refusal),
        }
    }
}

/// What a registration is about, and what goes around it.
struct About {
    event_type: String,
    event_id: Option<Uuid>,
    metadata: Option<JsonScalar>,
}

impl About {
    async fn register(
        self,
        ctx: &Context<'_>,
        registration: Registration,
    ) -> Result<Result<EventTypeRegistered, Refusal>> {
        let operation = Operation::of(ctx)?;
        let register = Register {
            event_type: self.event_type,
            registration,
            event_id: self.event_id,
            metadata: self.metadata.map(|metadata| metadata.0),
        };
        match operation.store.register(register).await {
            Ok(registered) => Ok(Ok(registered.into())),
            Err(AppendError::Refused(refusal)) => Ok(Err(Refusal::new(*refusal, &operation.scope))),
            Err(error) => Err(append_error(&error)),
        }
    }
}

/// A version of an event type.
#[derive(InputObject)]
pub(super) struct RegisterEventTypeInput {
    /// The type's name: `[a-z][a-z0-9_]{0,63}`, in the past tense, for example `coffee_brewed`.
    name: String,
    /// The version's number: 1 for a new type, else the one after the newest.
    version: i32,
    /// The JSON Schema (draft 2020-12) of the data: a JSON object of at most 64 KiB that refers to itself only
    /// (`#/$defs/…`), and not in a circle. `format` is checked, and patterns are of the kind that takes linear
    /// time.
    schema: JsonScalar,
    /// How data of the version before becomes data of this one. Required from version 2 on.
    upcaster: Option<UpcasterInput>,
    /// What the version is, for people: 1 to 2,000 characters.
    description: Option<String>,
    /// Your own id of the event that records the registration. Sending the same request again with the same id
    /// never registers twice.
    event_id: Option<Uuid>,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`.
    metadata: Option<JsonScalar>,
}

/// How data of one version becomes data of a later one: exactly one of the two.
#[derive(OneofObject)]
pub(super) enum UpcasterInput {
    /// A JSON Patch (RFC 6902): a list of 1 to 100 operations. What it writes, and the data, may come to 1 MiB.
    /// What no operation mentions stays as it is, to the last digit.
    Patch(JsonScalar),
    /// True: the data fits the later version as it is.
    Compatible(bool),
}

/// A step that skips versions.
#[derive(InputObject)]
pub(super) struct RegisterUpcasterInput {
    /// The type's name.
    name: String,
    /// The version that it starts from.
    from: i32,
    /// The later version that it leads to.
    to: i32,
    /// How.
    upcaster: UpcasterInput,
    /// Your own id of the event that records the registration. Sending the same request again with the same id
    /// never registers twice.
    event_id: Option<Uuid>,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`.
    metadata: Option<JsonScalar>,
}

/// A type that should not be written any more.
#[derive(InputObject)]
pub(super) struct DeprecateEventTypeInput {
    /// The type's name.
    name: String,
    /// Why, and what to write instead: 1 to 2,000 characters.
    reason: String,
    /// Your own id of the event that records it. Sending the same request again with the same id never records
    /// it twice.
    event_id: Option<Uuid>,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`.
    metadata: Option<JsonScalar>,
}

/// A type that may be written again.
#[derive(InputObject)]
pub(super) struct UndeprecateEventTypeInput {
    /// The type's name.
    name: String,
    /// Your own id of the event that records it. Sending the same request again with the same id never records
    /// it twice.
    event_id: Option<Uuid>,
    /// Who, why and when, as with events: a JSON object with keys in snake case, for example `actor_id`.
    metadata: Option<JsonScalar>,
}

impl UpcasterInput {
    fn parse(self) -> std::result::Result<NewUpcaster, InvalidInput> {
        match self {
            Self::Patch(patch) => Ok(NewUpcaster::Patch(patch.0)),
            Self::Compatible(true) => Ok(NewUpcaster::Compatible),
            Self::Compatible(false) => Err(InvalidInput::argument(
                "upcaster",
                "`compatible` is false. Data that does not fit as it is needs a `patch` instead."
                    .to_owned(),
            )),
        }
    }
}

/// The event type is as you wanted it, durably, and this server knows it.
#[derive(SimpleObject)]
pub(super) struct EventTypeRegistered {
    /// The event type as it is now.
    event_type: EventTypeObject,
    /// The event that records the registration, in a stream of the store's own; null where the type already was
    /// so, and nothing was written.
    event: Option<EventObject>,
    /// Whether nothing was written: the type already was so, or an earlier request with this event id had
    /// registered it.
    duplicate: bool,
}

impl From<TypeRegistered> for EventTypeRegistered {
    fn from(registered: TypeRegistered) -> Self {
        Self {
            event_type: EventTypeObject(registered.known),
            event: registered.event.map(EventObject::new),
            duplicate: registered.duplicate,
        }
    }
}

/// Declares what a registration can come to: success, and the refusals that can happen to it.
macro_rules! registration_payload {
    ($(#[$attribute:meta])* $name:ident: $($refusal:ident),+; never $($never:ident),* $(,)?) => {
        $(#[$attribute])*
        #[derive(Union)]
        pub(super) enum $name {
            /// The event type is as you wanted it.
            EventTypeRegistered(EventTypeRegistered),
            $(
                #[doc = "Nothing was registered."]
                $refusal($refusal),
            )+
        }

        impl $name {
            fn refused(refusal: Refusal) -> Result<Self> {
                match refusal {
                    $(Refusal::$refusal(refusal) => Ok(Self::$refusal(refusal)),)+
                    $(Refusal::$never(_) |)*
                    Refusal::WrongExpectedVersion(_)
                    | Refusal::StreamNotFound(_)
                    | Refusal::StreamDeleted(_)
                    | Refusal::StreamTombstoned(_)
                    | Refusal::StreamArchived(_)
                    | Refusal::StreamTooLarge(_)
                    | Refusal::InvalidEvents(_)
                    | Refusal::RuleViolated(_)
                    | Refusal::ProjectionNotBuilt(_)
                    | Refusal::OperationNotFound(_)
                    | Refusal::OperationFinished(_) => Err(append_error(&AppendError::Fault)),
                }
            }
        }
    };
}

registration_payload! {
    /// What the registration of a version came to.
    RegisterEventTypePayload: TypeConflict, DuplicateEvent, InvalidInput, LimitExceeded;
    never EventTypeNotFound
}
registration_payload! {
    /// What the registration of an upcaster came to.
    RegisterUpcasterPayload: EventTypeNotFound, TypeConflict, DuplicateEvent, InvalidInput, LimitExceeded; never
}
registration_payload! {
    /// What a deprecation came to.
    DeprecateEventTypePayload: EventTypeNotFound, TypeConflict, DuplicateEvent, InvalidInput, LimitExceeded; never
}
registration_payload! {
    /// What taking a deprecation back came to.
    UndeprecateEventTypePayload: EventTypeNotFound, TypeConflict, DuplicateEvent, InvalidInput, LimitExceeded; never
}

/// Which event types you want: those that satisfy every field that you give. A list is satisfied by any of its
/// values.
#[derive(InputObject, Default)]
#[graphql(name = "EventTypeFilter")]
pub(super) struct EventTypeFilterInput {
    /// The type is in one of these states.
    states: Option<Vec<EventTypeStateEnum>>,
    /// The type's name begins with this text.
    name_prefix: Option<String>,
    /// The events of the type belong to streams of one of these categories, as far as the server knows: of types
    /// that were registered at run time it does not.
    categories: Option<Vec<String>>,
}

impl EventTypeFilterInput {
    fn matches(&self, known: &KnownType) -> bool {
        let is_in_state = |states: &Vec<EventTypeStateEnum>| {
            states
                .iter()
                .any(|state| TypeState::from(*state) == known.state())
        };
        let is_of_category = |categories: &Vec<String>| {
            known.built_in().is_some_and(|facts| {
                let mut own = facts.categories.iter();
                own.any(|own| categories.iter().any(|category| category == own))
            })
        };
        let has_prefix = |prefix: &String| known.name().as_str().starts_with(prefix.as_str());
        self.states.as_ref().is_none_or(is_in_state)
            && self.categories.as_ref().is_none_or(is_of_category)
            && self.name_prefix.as_ref().is_none_or(has_prefix)
    }

    fn check(&self) -> Result<()> {
        if self.states.as_ref().is_some_and(Vec::is_empty) {
            return Err(empty_list("states"));
        }
        if self.categories.as_ref().is_some_and(Vec::is_empty) {
            return Err(empty_list("categories"));
        }
        Ok(())
    }
}

/// A list of event types, as it was asked for: in the order of their names.
pub(super) fn list(
    operation: &Operation,
    filter: &EventTypeFilterInput,
    page: &PageArguments,
) -> Result<EventTypeConnection> {
    filter.check()?;
    let size = page.size(&operation.limits)?;
    operation.ask_for(size.limit)?;
    let after = page
        .after
        .as_deref()
        .map(cursor::decode_event_type)
        .transpose()
        .map_err(|error| invalid_cursor(&error))?;
    let mut found = operation.store.registry().all();
    found.retain(|known| filter.matches(known));
    let total = found.len();
    if let Some(after) = &after {
        found.retain(|known| known.name().as_str() > after.as_str());
    }
    found.truncate(size.limit + 1);
    Ok(EventTypeConnection {
        rows: Rows::new(found, size, after.is_some()),
        total,
    })
}
