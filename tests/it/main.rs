//! The promises of the event store, made through its public door.

#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

mod json_path;
