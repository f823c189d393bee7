//! Projections: what they answer, how they are made and made anew, and what happens when things break.

mod builds;
mod games;
mod inside;
mod leases;
mod lost;
mod making;
mod nodes;
mod odd;
mod play;
mod read_models;
mod scopes;
mod statistics;
