//! The promises of the event store, made through its public door, on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

mod command_line;
mod sdl;
mod support;

mod append;
mod audits;
mod follow;
mod game;
mod games;
mod image;
mod json_path;
mod lifecycle;
mod lifecycle_model;
mod migrate;
mod nodes;
mod operations;
mod projections;
mod read;
mod registry;
mod scavenge;
mod schema;
mod smoke;
