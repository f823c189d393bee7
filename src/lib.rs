//! The GameBot event store.

pub mod client;
pub mod config;
pub mod telemetry;
