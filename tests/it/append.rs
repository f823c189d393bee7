//! Appends: what is stored, what is refused, and what holds when something fails on the way.

mod batch_expectations;
mod chain;
mod closed_log;
mod database_away;
pub(crate) mod door;
mod duplicates;
mod expectations;
mod guild;
mod limits;
mod lost_replies;
mod minted_ids;
mod poison;
mod races;
mod refused_text;
mod retries;
mod retries_later;
mod several_servers;
mod stalled_database;
mod verbatim;
