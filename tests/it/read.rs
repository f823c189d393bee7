//! Reads: pages that fit together, look-ups, filters that mean the same everywhere, and what they cost.

mod cost;
mod cursors;
mod filters;
pub(crate) mod history;
mod lists;
mod lookups;
mod paging;
mod payloads;
mod scopes;
mod sizes;
