//! Reads: pages that fit together, look-ups, filters that mean the same everywhere, and what they cost.

mod cursors;
mod lists;
mod lookups;
mod paging;
mod payloads;
mod sizes;
