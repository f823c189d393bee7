//! The GameBot event store: one binary, which serves, and which helps whoever works with it.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Requests allocate many small, short-lived values on many threads; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gamebot_event_store::cli::run(std::env::args_os(), std::env::vars_os())
}
