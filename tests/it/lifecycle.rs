//! The life of a stream: metadata, deletion, tombstone and archive; what each does to appends, reads and
//! feeds, and how it is recorded.

mod change_retries;
mod closing;
mod corners;
pub(crate) mod door;
mod feeds;
mod hidden;
mod history;
mod killed;
mod metadata;
mod metadata_refusals;
mod outcomes;
mod races;
mod recorded;
mod retention;
mod retries;
mod slow_client;
