//! Scavenging, and the long-running operations under it: what is hidden is gone from the tables, everything
//! else is as it was, and no fault on the way changes the figures.

mod cancelling;
mod command_line;
pub(crate) mod door;
mod faults;
mod following;
mod removal;
mod retries;
mod starting;
