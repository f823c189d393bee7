//! The promises of the crate, made through its public door.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking, also in its helpers"
)]

mod communities;
mod decoding;
mod generating;
#[cfg(feature = "graphql")]
mod graphql;
mod referee;
mod replay;
mod samples;
mod statistics;
