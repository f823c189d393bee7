//! The promises of the crate, made through its public door.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking, also in its helpers"
)]

mod catalogue;
mod communities;
mod decoding;
mod examples;
mod game;
mod generating;
#[cfg(feature = "graphql")]
mod graphql;
mod import;
mod referee;
mod replay;
mod samples;
mod schema;
mod statistics;
