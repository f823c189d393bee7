//! The rows of the database, one file per table. They know no GraphQL and no domain.

pub mod event;
pub mod log_head;
pub mod operation;
pub mod snapshot;
pub mod stream;
