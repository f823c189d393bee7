//! GameBot's game as a pure crate: what its events are and what they mean.
//!
//! Nothing here does input or output, reads a clock or rolls dice: time and randomness arrive as
//! parameters, so every answer is repeatable.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`event`] | the event catalogue: one Rust type per event type, and the decoding of stored JSON |
//! | [`import`] | what earlier versions of the bot stored, brought into the form of the catalogue |
//! | [`game`] | the state of a game as a fold over its events, its rules, and the recovery of a session |
//! | [`statistics`] | what a game amounts to: rows and results of one game, figures over many |
//! | [`replay`] | watching a game again: a step for each event, and a name for the replay |
//! | [`script`] | the form in which a whole game is handed to whoever appends it to a store |
//! | [`sample`] | three complete games and those who play them, embedded in the program |
//! | [`generate`] | an endless supply of realistic games, made from a seed |
//!
//! With the feature `graphql`, every type of [`event`] is also an output type of GraphQL. Its
//! description there is its doc comment here, so the comments are written for both readers.

pub mod event;
pub mod game;
pub mod generate;
pub mod import;
pub mod replay;
pub mod sample;
pub mod script;
pub mod statistics;
