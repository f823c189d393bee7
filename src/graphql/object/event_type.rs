//! An event type: its versions, and the steps between them.

#![expect(
    clippy::unused_async,
    reason = "the library wants every resolver to be async"
)]

use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::event::EventObject;
use crate::cursor;
use crate::graphql::loader::Operation;
use crate::graphql::node_id::NodeId;
use crate::graphql::page::{Count, Rows};
use crate::graphql::scalar::JsonScalar;
use crate::registry::{
    BrokenRegistration, Deprecation, KnownType, Registered, TypeState, TypeVersion, Upcaster,
    UpcasterKind,
};

/// A kind of event: the versions of the shape of its data, and how data of one version becomes data of a
/// later one.
#[derive(Description, Clone)]
pub(in crate::graphql) struct EventTypeObject(pub(in crate::graphql) Arc<KnownType>);

/// Where an event type is in its life.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "EventTypeState", remote = "TypeState")]
pub(in crate::graphql) enum EventTypeStateEnum {
    /// It belongs to the server, and cannot be changed.
    BuiltIn,
    /// It was registered at run time.
    Registered,
    /// It was registered at run time, and should not be written any more. Its events are still accepted and
    /// read.
    Deprecated,
}

/// What kind of step an upcaster is.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "UpcasterKind", remote = "UpcasterKind")]
pub(in crate::graphql) enum UpcasterKindEnum {
    /// A function of the server.
    BuiltIn,
    /// A JSON Patch (RFC 6902).
    Patch,
    /// The data fits the later version as it is.
    Compatible,
}

#[Object(name = "EventType", use_type_description)]
impl EventTypeObject {
    /// Global id, for `node`.
    pub async fn id(&self) -> ID {
        NodeId::EventType(self.0.name().to_string()).encode()
    }

    /// Its name, for example `guess_processed`: the `type` of its events.
    async fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// Where it is in its life.
    async fn state(&self) -> EventTypeStateEnum {
        self.0.state().into()
    }

    /// What its events mean; null where nobody has said so.
    async fn description(&self) -> Option<&str> {
        self.0.description()
    }

    /// What its events do to the state of their stream: `lobby`, `state`, `archival` or `observation`. Empty
    /// for a type that was registered at run time.
    async fn classes(&self) -> Vec<&str> {
        let facts = self.0.built_in();
        facts.map_or_else(Vec::new, |facts| facts.classes.clone())
    }

    /// The categories of the streams that its events belong to. Empty for a type that was registered at run
    /// time, whose events may stand in any.
    async fn categories(&self) -> Vec<&str> {
        let facts = self.0.built_in();
        facts.map_or_else(Vec::new, |facts| facts.categories.clone())
    }

    /// The newest version; null where its registrations cannot be used.
    async fn newest_version(&self) -> Option<i32> {
        Some(self.0.newest()).filter(|newest| *newest > 0)
    }

    /// Its versions, from 1.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<EventTypeVersionObject>> {
        let (state, versions) = (self.0.state(), self.0.versions());
        Operation::of(ctx)?.ask_for(versions.len())?;
        let object = |version| EventTypeVersionObject {
            version: Arc::clone(version),
            state,
        };
        Ok(versions.iter().map(object).collect())
    }

    /// The steps between its versions, in the order of where they start and where they lead. A reader gets the
    /// shortest way.
    async fn upcasters(&self, ctx: &Context<'_>) -> Result<Vec<UpcasterObject>> {
        let upcasters: Vec<_> = self.0.upcasters().cloned().map(UpcasterObject).collect();
        Operation::of(ctx)?.ask_for(upcasters.len())?;
        Ok(upcasters)
    }

    /// That it should not be written any more, and why; null for any other type.
    async fn deprecation(&self) -> Option<DeprecationObject> {
        self.0.deprecation().cloned().map(DeprecationObject)
    }

    /// The registrations in the log that this server cannot use, and why. They change nothing.
    async fn errors(&self) -> Vec<BrokenRegistrationObject> {
        let broken = self.0.broken().iter().cloned();
        broken.map(BrokenRegistrationObject).collect()
    }
}

/// One version of an event type: one shape of its data, which never changes.
#[derive(Description)]
pub(in crate::graphql) struct EventTypeVersionObject {
    version: Arc<TypeVersion>,
    state: TypeState,
}

#[Object(name = "EventTypeVersion", use_type_description)]
impl EventTypeVersionObject {
    /// Its number, from 1: the `schemaVersion` of its events.
    async fn version(&self) -> i32 {
        self.version.number
    }

    /// The JSON Schema (draft 2020-12) of the data.
    async fn schema(&self, ctx: &Context<'_>) -> Result<JsonScalar> {
        let schema = self.version.schema();
        Operation::of(ctx)?.show(schema.len())?;
        Ok(JsonScalar(schema.to_string()))
    }

    /// What its registration says about it.
    async fn description(&self) -> Option<&str> {
        self.version.description.as_deref()
    }

    /// The state of its type.
    async fn state(&self) -> EventTypeStateEnum {
        self.state.into()
    }

    /// When it was registered; null for a version of the server itself.
    async fn registered_at(&self) -> Option<DateTime<Utc>> {
        self.registered().map(|registered| registered.at)
    }

    /// Who registered it: `metadata.actor_id`; null where nobody said so.
    async fn registered_by(&self) -> Option<&str> {
        self.registered()
            .and_then(|registered| registered.by.as_deref())
    }

    /// The event that records its registration; null for a version of the server itself.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        event(ctx, self.registered()).await
    }
}

impl EventTypeVersionObject {
    fn registered(&self) -> Option<&Registered> {
        self.version.registered.as_ref()
    }
}

/// How data of one version becomes data of a later one.
#[derive(Description)]
pub(in crate::graphql) struct UpcasterObject(Arc<Upcaster>);

#[Object(name = "Upcaster", use_type_description)]
impl UpcasterObject {
    /// The version that it starts from.
    async fn from(&self) -> i32 {
        self.0.from
    }

    /// The version that it leads to.
    async fn to(&self) -> i32 {
        self.0.to
    }

    /// What kind of step it is.
    async fn kind(&self) -> UpcasterKindEnum {
        self.0.kind().into()
    }

    /// The JSON Patch; null for other kinds.
    async fn patch(&self, ctx: &Context<'_>) -> Result<Option<JsonScalar>> {
        let Some(patch) = self.0.patch() else {
            return Ok(None);
        };
        Operation::of(ctx)?.show(patch.len())?;
        Ok(Some(JsonScalar(patch.to_string())))
    }

    /// When it was registered; null for a function of the server.
    async fn registered_at(&self) -> Option<DateTime<Utc>> {
        self.0.registered.as_ref().map(|registered| registered.at)
    }

    /// Who registered it: `metadata.actor_id`; null where nobody said so.
    async fn registered_by(&self) -> Option<&str> {
        let registered = self.0.registered.as_ref();
        registered.and_then(|registered| registered.by.as_deref())
    }

    /// The event that records its registration; null for a function of the server.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        event(ctx, self.0.registered.as_ref()).await
    }
}

/// That events of a type should not be written any more.
#[derive(Description)]
pub(in crate::graphql) struct DeprecationObject(Deprecation);

#[Object(name = "EventTypeDeprecation", use_type_description)]
impl DeprecationObject {
    /// Why, and what to write instead.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// When it was deprecated.
    async fn deprecated_at(&self) -> DateTime<Utc> {
        self.0.registered.at
    }

    /// Who deprecated it: `metadata.actor_id`; null where nobody said so.
    async fn deprecated_by(&self) -> Option<&str> {
        self.0.registered.by.as_deref()
    }

    /// The event that records it.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        event(ctx, Some(&self.0.registered)).await
    }
}

/// A registration in the log that the server cannot use.
#[derive(Description)]
pub(in crate::graphql) struct BrokenRegistrationObject(BrokenRegistration);

#[Object(name = "BrokenRegistration", use_type_description)]
impl BrokenRegistrationObject {
    /// Why it cannot be used.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The event that records it.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        event(ctx, Some(&self.0.registered)).await
    }
}

async fn event(ctx: &Context<'_>, registered: Option<&Registered>) -> Result<Option<EventObject>> {
    let Some(registered) = registered else {
        return Ok(None);
    };
    let found = Operation::of(ctx)?.event_by_id(registered.event_id).await?;
    Ok(found.map(EventObject::new))
}

/// A page of event types.
#[derive(Description)]
pub(in crate::graphql) struct EventTypeConnection {
    pub(in crate::graphql) rows: Rows<Arc<KnownType>>,
    /// How many there are in the whole list.
    pub(in crate::graphql) total: usize,
}

/// An event type and its place in the list.
#[derive(SimpleObject)]
#[graphql(name = "EventTypeEdge")]
pub(in crate::graphql) struct EventTypeEdge {
    /// The place: `after` of another page.
    cursor: String,
    /// The event type.
    node: EventTypeObject,
}

fn cursor_of(known: &KnownType) -> String {
    cursor::encode_event_type(known.name().as_str())
}

#[Object(use_type_description)]
impl EventTypeConnection {
    /// The event types with their cursors.
    async fn edges(&self) -> Vec<EventTypeEdge> {
        let edge = |known: &Arc<KnownType>| EventTypeEdge {
            cursor: cursor_of(known),
            node: EventTypeObject(Arc::clone(known)),
        };
        self.rows.items.iter().map(edge).collect()
    }

    /// The event types.
    async fn nodes(&self) -> Vec<EventTypeObject> {
        self.rows
            .items
            .iter()
            .cloned()
            .map(EventTypeObject)
            .collect()
    }

    /// Whether there are more event types, and the cursors of the page's ends.
    async fn page_info(&self) -> PageInfo {
        self.rows.page_info(|known| cursor_of(known))
    }

    /// How many event types there are in the whole list.
    async fn total_count(&self) -> Count {
        Count::up_to(self.total as u64, self.total as u64)
    }
}
