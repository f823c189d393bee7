//! The GameBot event store.

pub mod cli;
pub mod client;
pub mod config;
pub mod telemetry;
