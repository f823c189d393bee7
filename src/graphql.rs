//! The GraphQL API: the only room that names `async_graphql`.

mod api;
mod document;
mod fault;
mod nulls;
mod parameters;
mod socket;
mod variables;

#[cfg(test)]
pub(crate) mod test_schema;

pub use api::{Answer, AnswerKind, Api, HttpRequest};
pub use document::Limits;
pub use fault::{TraceId, error_body};
pub use parameters::Parameters;
pub use socket::SocketFrame;
pub use variables::InputTypes;
