//! The GameBot event store.

pub mod config;
pub mod telemetry;
