//! The promises of the event store, made through its public door, on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

mod support;

mod append;
mod json_path;
mod smoke;
