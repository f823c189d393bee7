//! Watching a game again: one step for each event, and a name for the replay.
//!
//! The figures of a replay are those of its [`GameResult`](crate::statistics::GameResult): `base`,
//! `mode_figures` and `schema_versions`.

mod name;
mod step;
mod touched;

pub use name::display_name;
pub use step::{Replay, ReplayStep, StepScore};
