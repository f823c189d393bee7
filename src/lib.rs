//! The GameBot event store: a GraphQL API server with live subscriptions over an append-only log of events.
//!
//! The modules in reading order: first the words, which are values without I/O; then the registry, which knows
//! the types of events; then the store, which makes the guarantees; then the game, which is a fold of the log,
//! and projections, which keep ready what the log means; then the API, the server around it, and the command
//! line.

pub mod cursor;
pub mod event;
pub mod expected_version;
pub mod filter;
pub mod json_path;
pub mod json_text;
pub mod position;
pub mod scope;
pub mod stream;

pub mod registry;

pub mod store;

pub mod game;

pub mod projection;

pub mod graphql;

pub mod server;

pub mod cli;
pub mod client;
pub mod config;
pub mod telemetry;
