//! The schema of the store: which types it has, and what each operation carries with it.

use std::sync::Arc;

use async_graphql::parser;
use async_graphql::{Request, SDLExportOptions, Schema, SchemaBuilder};
use chrono::{DateTime, Utc};

use super::api::Api;
use super::document::Limits;
use super::loader::{Operation, PageLimits};
use super::mutation::Mutation;
use super::object::feed::FeedPoint;
use super::object::server::{Server, ServerLimits};
use super::query::{Node, Query};
use super::refusal::Refusal;
use super::scalar::{JsonScalar, PositionScalar};
use super::subscription::Subscription;
use crate::game::{GameOptions, Games};
use crate::projection::Projections;
use crate::scope::Scope;
use crate::store::EventStore;

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// How games are folded, and what becomes of events that break their rules.
    pub games: GameOptions,
    /// What a document may cost.
    pub documents: Limits,
    /// How long lists may be.
    pub pages: PageLimits,
    /// Whether clients may ask for the schema.
    pub introspection: bool,
    /// When the process started.
    pub started_at: DateTime<Utc>,
}

/// The API over a store and what its log means.
///
/// Fails only if the text that the schema writes of itself cannot be read again.
pub fn api(
    store: EventStore,
    projections: Projections,
    options: &ApiOptions,
) -> Result<Api, parser::Error> {
    let mut schema = builder().data(server(&store, options));
    if !options.introspection {
        schema = schema.disable_introspection();
    }
    let pages = options.pages;
    let games = Games::new(store, options.games);
    let hook = move |request: Request| {
        // Identity comes with tokens; until then everybody may see everything.
        let operation = Operation::new(games.clone(), projections.clone(), Scope::All, pages);
        request.data(Arc::new(operation))
    };
    Api::new(schema.finish(), options.documents.clone(), hook)
}

/// The schema in GraphQL's definition language, in an order that does not depend on the code.
#[must_use]
pub fn sdl() -> String {
    let order = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items();
    builder()
        .finish()
        .sdl_with_options(order.include_specified_by())
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // The scalars come first: of several Rust types with one name, the first one's description counts.
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .register_output_type::<JsonScalar>()
    .register_output_type::<PositionScalar>()
    .register_output_type::<Node>()
    .register_output_type::<FeedPoint>()
    .register_output_type::<Refusal>()
}

fn server(store: &EventStore, options: &ApiOptions) -> Server {
    let limits = store.options();
    let int = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    Server {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store_id: store.id(),
        backend: store.backend_name().to_owned(),
        started_at: options.started_at,
        limits: ServerLimits {
            append_events: int(limits.append.max_events),
            append_bytes: int(limits.append.max_request_bytes),
            event_bytes: int(limits.append.max_event_bytes),
            batch_streams: int(limits.append.max_batch_streams),
            stream_events: limits.max_stream_events,
            page: int(options.pages.page_max),
            page_default: int(options.pages.page_default),
            operation_nodes: int(options.pages.operation_nodes),
            append_deadline_ms: i32::try_from(limits.deadline.as_millis()).unwrap_or(i32::MAX),
        },
    }
}
