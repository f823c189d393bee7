//! Event types: what is registered, what is accepted, and in which version it is read.

mod broken;
mod choices;
pub(crate) mod door;
mod hostile;
mod listing;
mod nodes;
mod opening;
mod races;
mod registering;
mod retries;
mod validation;
mod versions;
