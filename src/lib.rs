//! To be written.

pub mod graphql;
pub mod server;
