//! The state of a game, its rules, and the recovery of a session.

mod by_hand;
mod damage;
mod recovering;
mod rules;
mod sound;
mod states;
mod stream;
mod table;
mod wild;
