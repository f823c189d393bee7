//! The GraphQL API: the only room that names `async_graphql`. It never sees a row, and whoever serves it
//! never sees the library.

mod api;
mod causation;
mod document;
mod error_code;
mod event_types;
mod fault;
mod figures;
mod games;
mod input;
mod lifecycle;
mod list;
mod live;
mod loader;
mod mutation;
mod node_id;
mod nulls;
mod object;
mod operations;
mod order;
mod page;
mod parameters;
mod played;
mod projections;
mod query;
mod read_models;
mod refusal;
mod scalar;
mod schema;
mod schema_choice;
mod socket;
mod spelling;
mod subscribers;
mod subscription;
mod variables;

#[cfg(test)]
pub(crate) mod test_schema;

pub use api::{Answer, AnswerKind, Api, HttpRequest};
pub use document::Limits;
pub use error_code::ErrorCode;
pub use fault::{TraceId, error_body};
pub use loader::PageLimits;
pub use parameters::Parameters;
pub use schema::{ApiOptions, api, sdl};
pub use socket::SocketFrame;
pub use subscribers::Peer;
