//! Games: what their events come to, the rules that the events obey, and what led to what.

mod causation;
mod door;
mod live;
mod recovery;
mod rules;
mod rules_racing;
mod snapshots;
mod states;
