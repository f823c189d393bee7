//! Projections: what they answer, how they are made and made anew, and what happens when things break.

mod games;
mod making;
mod nodes;
mod play;
mod read_models;
mod statistics;
